//! Judge first, write second: a load writes what its plan says, whatever the table held before.

mod estimate;
mod key_case;
pub(crate) mod model;
mod older_plans;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use inventory_base::decision::FollowUpKind;
use inventory_base::ending::Ending;
use inventory_base::item::{Item, Value};
use inventory_base::load_id::LoadId;
use inventory_check::plan::{Fate, Gate};
use inventory_loader::ledger::Ledger;
use inventory_loader::table::{item_from_attributes, item_to_attributes};
use inventory_rules::schema::PROVENANCE;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use self::model::{Row, Rules, Scope, Stock, text};
use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::stack::Stack;
use crate::harness::{check_property, inventory_at, unique};

pub(crate) const SKUS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const NAMES: [&str; 2] = ["Bolt", "Nut"];
const PLACES: [&str; 3] = ["Leeds", "York", "Hull"];

pub(crate) fn any_rules() -> impl Strategy<Value = Rules> {
    let sync = (select(&[Scope::Table, Scope::Place, Scope::Leeds][..]), select(&["report", "mark", "delete"][..]));
    let mode = select(&["replace", "merge", "add"][..]);
    let duplicates = select(&["reject", "first", "last"][..]);
    (mode, duplicates, any::<[bool; 3]>(), option::of(sync)).prop_map(
        |(mode, duplicates, [compare, provenance, keeps_name], sync)| {
            // Contradictory settings are refused, so they are not generated.
            let sync = sync.map(|(scope, missing)| (scope, if mode == "add" { "report" } else { missing }));
            let compare = compare || sync.is_some() || (mode == "replace" && keeps_name);
            Rules { mode, duplicates, compare, provenance, keeps_name, sync }
        },
    )
}

pub(crate) fn any_row() -> impl Strategy<Value = Row> {
    let sku = option::weighted(0.97, select(&SKUS[..]));
    let name = option::of(select(&NAMES[..]));
    let quantity = option::weighted(0.9, 0..3_u32);
    (sku, name, quantity, select(&PLACES[..])).prop_map(|(sku, name, quantity, place)| Row {
        sku,
        name,
        quantity,
        place,
    })
}

pub(crate) fn any_stock() -> impl Strategy<Value = Stock> {
    let more = (any::<bool>(), any::<bool>());
    let item = (option::of(select(&NAMES[..])), 0..3_u32, option::weighted(0.9, select(&PLACES[..])), more);
    let items = prop::collection::btree_map(select(&SKUS[..]), item, 0..SKUS.len());
    items.prop_map(|items| {
        let stock = items.into_iter().map(|(sku, (name, quantity, place, (has_colour, is_discontinued)))| {
            let attributes = [
                ("sku", Some(text(sku))),
                ("name", name.map(text)),
                // As another program may have written it.
                ("quantity", Some(Value::N(quantity.to_string().into()))),
                ("place", place.map(text)),
                ("colour", has_colour.then(|| text("red"))),
                ("discontinued", is_discontinued.then_some(Value::Bool(true))),
            ];
            let item = attributes.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect();
            (sku.to_string(), item)
        });
        stock.collect()
    })
}

pub(crate) fn toml_of(rules: &Rules) -> String {
    let Rules { mode, duplicates, compare, provenance, keeps_name, sync } = rules;
    let sync = sync.map_or_else(String::new, |(scope, missing)| {
        let scope = match scope {
            Scope::Table => "\"table\"",
            Scope::Place => "\"place\"",
            Scope::Leeds => "{ place = \"Leeds\" }",
        };
        format!("[sync]\nmissing = \"{missing}\"\nscope = {scope}\n")
    });
    let empty = if *keeps_name { "keep" } else { "absent" };
    let gates = ["rejected_rows", "rejected_percent", "zero_percent", "price_factor", "price_percent", "fewer_percent"];
    let gates = gates.iter().chain(&["missing_percent", "vanishing"]).map(|gate| format!("{gate} = false\n"));
    format!(
        "version = 1\nmode = \"{mode}\"\nduplicates = \"{duplicates}\"\ncompare = {compare}\nprovenance = {provenance}\n\
         [key]\npartition = \"sku\"\n{sync}[gates]\n{}[totals]\nquantity = \"quantity\"\n\
         [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
         [[column]]\nname = \"name\"\ntype = \"text\"\nempty = \"{empty}\"\n\
         [[column]]\nname = \"quantity\"\ntype = \"integer\"\nrequired = true\n\
         [[column]]\nname = \"place\"\ntype = \"text\"\nrequired = true\n",
        gates.collect::<String>()
    )
}

pub(crate) fn csv_of(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let quantity = row.quantity.map_or("many".to_string(), |quantity| quantity.to_string());
        format!("{},{},{quantity},{}\n", row.sku.unwrap_or_default(), row.name.unwrap_or_default(), row.place)
    };
    format!("sku,name,quantity,place\n{}", rows.iter().map(line).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_file_table_and_rules_give_the_result_of_a_model() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("plan", &[("sku", "S")], &[]).await;
    let runtime = tokio::runtime::Handle::current();
    let cases = (any_rules(), prop::collection::vec(any_row(), 1..9), any_stock());
    let property = |(rules, rows, stock): (Rules, Vec<Row>, Stock)| {
        runtime.block_on(async { result_is_that_of_the_model(&cloud, &table, &rules, &rows, &stock).await })
    };
    tokio::task::block_in_place(|| check_property(48, cases, property));
    cloud.delete_table(&table).await;
}

async fn result_is_that_of_the_model(
    cloud: &Cloud,
    table: &str,
    rules: &Rules,
    rows: &[Row],
    stock: &Stock,
) -> Result<(), TestCaseError> {
    fill(cloud, table, stock).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("rules.toml"), toml_of(rules)).expect("the rules");
    std::fs::write(place("stock.csv"), csv_of(rows)).expect("the file");
    let report =
        load(cloud, table, &place("stock.csv"), &place("rules.toml"), &["--fates", &place("fates").to_string_lossy()]);

    let (expected, fates) = model::load(rules, rows, stock);
    let found: Vec<(u32, Fate)> = std::fs::read_to_string(place("fates"))
        .expect("the fates")
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("a fate"))
        .map(|line| (line["row"].as_u64().unwrap() as u32, serde_json::from_value(line["fate"].clone()).unwrap()))
        .collect();
    let expected_fates: Vec<(u32, Fate)> = (1..).zip([Fate::Skipped].into_iter().chain(fates)).collect();
    prop_assert_eq!(&found, &expected_fates, "{}", report);
    for (fate, count) in report["rows"].as_object().unwrap().iter().filter(|(fate, _)| *fate != "total") {
        let rows = found.iter().filter(|(_, found)| found.name() == fate).count();
        prop_assert_eq!(count.as_u64(), Some(rows as u64), "{}", fate);
    }

    let differences = &report["totals"]["read_back"]["differences"];
    prop_assert!(differences.as_array().is_none_or(Vec::is_empty), "{}", differences);

    let mut after = read(cloud, table).await;
    for (sku, item) in &mut after {
        let wrote = rows.iter().zip(&found[1..]).any(|(row, (_, fate))| row.sku == Some(sku) && fate.is_written());
        let provenance = PROVENANCE.iter().filter(|name| item.remove(name).is_some()).count();
        prop_assert_eq!(provenance, if wrote && rules.provenance { 2 } else { 0 }, "{}", sku);
    }
    prop_assert_eq!(after, expected);
    Ok(())
}

/// Returns the list of a quarter, with the quantity of one in `every` items increased by one.
pub(crate) fn quarter(prefix: &str, rows: usize, every: Option<usize>) -> Vec<u8> {
    let quantity = |row: usize| row % 500 + usize::from(every.is_some_and(|every| row.is_multiple_of(every)));
    let line = |row: usize| format!("{prefix}-{row:06},Item {row},{},{}.99\n", quantity(row), row % 100 + 5);
    let lines: String = (0..rows).map(line).collect();
    format!("SKU,Name,Quantity,Unit price\n{lines}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn reloading_a_quarter_writes_only_the_changed_items() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    const ROWS: usize = 2_000;
    let stack = Stack::shared().await;
    let prefix = unique("again");
    let send = async |every: Option<usize>, n: u32| {
        let upload = stack.upload(&format!("uploads/{prefix}-{n}.csv"), quarter(&prefix, ROWS, every)).await;
        stack.report(&upload).await
    };
    let first = send(None, 1).await;
    assert_eq!((first.ending, first.rows.fates[&Fate::New], first.units.write), (Ending::Done, 2_000, 2_000.0));

    let second = send(Some(20), 2).await;
    assert_eq!((second.rows.fates[&Fate::Changed], second.rows.fates[&Fate::Unchanged]), (100, 1_900));
    // As reported by DynamoDB: an item of less than a kilobyte takes one unit.
    assert_eq!(second.units.write, 100.0);
    assert_eq!(second.summary, "All 2,000 rows were loaded. Of these, 100 changed and 1,900 were already right.");
    let changed = &second.changed[0];
    assert_eq!((changed.row, changed.key["sku"].clone()), (2, text(&format!("{prefix}-000000"))));
    let [quantity] = changed.attributes.as_slice() else { panic!("{changed:?}") };
    let number = |digits: &str| Some(Value::N(digits.to_string().into()));
    assert_eq!((quantity.name.as_str(), &quantity.before, &quantity.after), ("quantity", &number("0"), &number("1")));
    assert_eq!(second.totals.read_back.map(|read_back| read_back.differences), Some(Vec::new()));

    let third = send(Some(20), 3).await;
    assert_eq!((third.rows.fates[&Fate::Unchanged], third.units.write, third.units.requests), (2_000, 0.0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_with_quantity_and_price_swapped_is_held_until_it_is_approved() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("swapped");
    let list = |header: &str| {
        let lines: String =
            (0..30).map(|row| format!("{prefix}-{row},Item {row},{},{}\n", 400 + row, 3 + row % 4)).collect();
        format!("{header}\n{lines}").into_bytes()
    };
    let right = stack.upload(&format!("uploads/{prefix}-1.csv"), list("SKU,Name,Quantity,Unit price")).await;
    assert_eq!(stack.report(&right).await.ending, Ending::Done);
    let sku = format!("{prefix}-0");
    let before = stack.item(&sku).await.expect("an item");

    let swapped = stack.upload(&format!("uploads/{prefix}-2.csv"), list("SKU,Name,Unit price,Quantity")).await;
    let report = stack.report(&swapped).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::Held]), (Ending::Held, 30));
    assert_eq!(report.held.iter().map(|held| held.gate).collect::<Vec<_>>(), [Gate::Prices]);
    let load = LoadId::of(&swapped);
    let waiting = "Nothing has been changed yet: the load is waiting for your approval. 30 of 30 prices (100%) ";
    assert!(report.summary.starts_with(waiting), "{}", report.summary);
    assert!(report.held[0].advice.contains(&format!("inventory approve {load}")), "{:?}", report.held);
    assert_eq!((stack.item(&sku).await, report.units.write), (Some(before.clone()), 0.0));

    let approve = ["approve", load.as_str(), "--function", &stack.function, "--by", "Erika"];
    let output = inventory_at(&stack.cloud.endpoint, REGION, &approve);
    assert!(output.status.success(), "{output:?}");
    let report = stack.report_of(&load.next()).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::Changed]), (Ending::Done, 30));
    let after = stack.item(&sku).await.expect("an item");
    assert_eq!((&after["quantity"], &after["unit_price"]), (&before["unit_price"], &before["quantity"]));

    let ledger = Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, Duration::from_secs(45));
    let record = ledger.read(&load.next()).await.expect("an answer").expect("a record");
    let approval = record.again.expect("an approval");
    assert_eq!((approval.by.as_str(), &approval.load), ("Erika", &load));

    // The report of the held load shows the approval, and a second approval returns the first.
    let held = stack.report_of(&load).await;
    let approved = &held.later[0];
    assert_eq!(
        (approved.what, &approved.load, approved.by.as_deref()),
        (FollowUpKind::Approved, &load.next(), Some("Erika"))
    );
    assert!(held.summary.starts_with("Approved by Erika on "), "{}", held.summary);
    assert_eq!(stack.report_of(&load.next()).await.again.map(|again| again.load), Some(load.clone()));
    let output = inventory_at(&stack.cloud.endpoint, REGION, &[&approve[..5], &["Max"]].concat());
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(said.starts_with(&format!("Load {load} was already approved by Erika on ")), "{said}");
    let shown = inventory_at(&stack.cloud.endpoint, REGION, &["show", load.as_str(), "--function", &stack.function]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains("held, then approved") && !shown.contains("inventory approve"), "{shown}");

    // A load that is not held cannot be approved.
    let approval = json!({ "approve": { "load": LoadId::of(&right), "by": "Erika", "at": "2026-10-03T08:00:00Z" } });
    let error = stack.invoke(&approval).await.unwrap_err();
    assert!(error.contains("is not held"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_happen_and_writes_nothing() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("dry-run");
    let upload = stack.upload(&format!("uploads/dry-run/{prefix}.csv"), quarter(&prefix, 50, None)).await;
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::New], report.units.write), (Ending::DryRun, 50, 0.0));
    assert_eq!(report.summary, "All 50 rows would be loaded. Nothing was written: this was a preview.");
    assert_eq!(stack.count_items(&prefix).await, 0);
    assert_eq!(report.estimate.expect("an estimate").write_units, 50.0);

    // The same with the local command.
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("stock.csv"), folder.path().join("out").to_string_lossy().into_owned());
    std::fs::write(&file, quarter(&prefix, 50, None)).expect("the file");
    let plan = ["plan", &file.to_string_lossy(), "--table", &stack.inventory, "--out", &out];
    let output = inventory_at(&stack.cloud.endpoint, REGION, &plan);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.starts_with("All 50 rows would be loaded. Nothing was written: this was a preview.\n"), "{stdout}");
    assert!(stdout.contains("Loading it would take about 50 write units, "), "{stdout}");
    assert_eq!(stack.count_items(&prefix).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_does_not_resume_a_stopped_load_nor_a_load_a_dry_run() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("dry-run", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("stock.csv"), folder.path().join("out"));
    std::fs::write(&file, quarter("S", 3, None)).expect("the file");
    let run = |command: &str| -> Json {
        let (file, out) = (file.to_string_lossy(), out.to_string_lossy());
        let output =
            inventory_at(&cloud.endpoint, REGION, &[command, &file, "--table", &table, "--out", &out, "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    // Makes a load look as if it had been killed after planning.
    let stop = |report: &Json| {
        let kept = out.join("loads").join(report["load"].as_str().expect("a load"));
        std::fs::remove_file(kept.join("report.json")).expect("a report");
        let _ = std::fs::remove_dir_all(kept.join("outcome"));
    };
    let loaded = run("load");
    stop(&loaded);
    fill(&cloud, &table, &Stock::new()).await;
    let planned = run("plan");
    assert_eq!((&planned["ending"], &planned["rows"]["new"]), (&json!("dry-run"), &json!(3)));
    assert!(read(&cloud, &table).await.is_empty());

    stop(&planned);
    let again = run("load");
    assert_eq!((&again["ending"], &again["load"]), (&json!("done"), &loaded["load"]));
    assert_eq!(read(&cloud, &table).await.len(), 3);
    cloud.delete_table(&table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_updated_by_another_program_survive_a_merge() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    const ITEMS: usize = 10;
    const SALES: usize = 1_000;
    let cloud = cloud().await;
    let table = cloud.create_table("merge", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let rules = include_str!("../../inventory.toml").replace("mode = \"replace\"", "mode = \"merge\"");
    std::fs::write(place("rules.toml"), rules).expect("the rules");

    let sell = async {
        let tills = (0..ITEMS).map(async |item| {
            for _ in 0..SALES / ITEMS {
                let update = cloud.dynamodb.update_item().table_name(&table).update_expression("ADD sold :one");
                let update = update.key("sku", AttributeValue::S(format!("S-{item:06}")));
                let one = AttributeValue::N("1".to_string());
                update.expression_attribute_values(":one", one).send().await.expect("a sale");
            }
        });
        join_all(tills).await;
    };
    let load_often = async {
        let mut loads = 0;
        for quarter_number in 1.. {
            std::fs::write(place("stock.csv"), quarter("S", ITEMS, Some(quarter_number % 3 + 1))).expect("the file");
            let report =
                tokio::task::block_in_place(|| load(&cloud, &table, &place("stock.csv"), &place("rules.toml"), &[]));
            assert_eq!(report["ending"], "done", "{report}");
            loads += 1;
            let sold: usize = read(&cloud, &table).await.values().map(sold).sum();
            if sold == SALES {
                break;
            }
        }
        loads
    };
    let ((), loads) = tokio::join!(sell, load_often);
    assert!(loads > 1, "only one load ran during the sales");
    let stock = read(&cloud, &table).await;
    assert_eq!(stock.values().map(sold).collect::<Vec<_>>(), [SALES / ITEMS; ITEMS]);
    assert!(stock.values().all(|item| item.contains_key("quantity")), "{stock:?}");
    cloud.delete_table(&table).await;
}

fn sold(item: &Item) -> usize {
    let Some(Value::N(sold)) = item.get("sold") else { return 0 };
    sold.parse().expect("a number")
}

/// Loads a file with the command and returns the report.
pub(crate) fn load(cloud: &Cloud, table: &str, file: &Path, rules: &Path, more: &[&str]) -> Json {
    let folder = file.parent().expect("a folder");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (file, rules, out) = (text(file), text(rules), text(folder));
    let arguments = ["load", &file, "--table", table, "--schema", &rules, "--out", &out, "--json"];
    let output = inventory_at(&cloud.endpoint, REGION, &[&arguments[..], more].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Makes the table contain exactly this stock.
pub(crate) async fn fill(cloud: &Cloud, table: &str, stock: &Stock) {
    for sku in read(cloud, table).await.into_keys().filter(|sku| !stock.contains_key(sku)) {
        let key = item_to_attributes(&Item::from([("sku".to_string(), text(&sku))])).expect("a key");
        cloud.dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.expect("a deletion");
    }
    for item in stock.values() {
        let attributes = item_to_attributes(item).expect("attributes");
        cloud.dynamodb.put_item().table_name(table).set_item(Some(attributes)).send().await.expect("an item put");
    }
}

pub(crate) async fn read(cloud: &Cloud, table: &str) -> Stock {
    let mut pages = cloud.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().send();
    let mut stock = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for attributes in page.expect("a page").items.unwrap_or_default() {
            let item = item_from_attributes(attributes).expect("an item");
            let Value::S(sku) = item["sku"].clone() else { panic!("{item:?}") };
            stock.insert(sku.into(), item);
        }
    }
    stock
}
