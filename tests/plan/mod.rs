//! Judge first, write second: what is written is what the plan said, whatever was there before.

mod model;

use std::collections::BTreeMap;
use std::path::Path;

use inventory_loader::item::{Item, Value};
use inventory_loader::plan::Fate;
use inventory_loader::schema::PROVENANCE;
use inventory_loader::table::{item_from_attributes, item_to_attributes};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;

use self::model::{Row, Rules, Scope, Stock, text};
use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::{holds, inventory_at};

const SKUS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const NAMES: [&str; 2] = ["Bolt", "Nut"];
const PLACES: [&str; 3] = ["Leeds", "York", "Hull"];

fn any_rules() -> impl Strategy<Value = Rules> {
    let sync = (select(&[Scope::Table, Scope::Place, Scope::Leeds][..]), select(&["report", "mark", "delete"][..]));
    let mode = select(&["replace", "merge", "add"][..]);
    let duplicates = select(&["reject", "first", "last"][..]);
    (mode, duplicates, any::<[bool; 3]>(), option::of(sync)).prop_map(
        |(mode, duplicates, [compare, provenance, keeps_name], sync)| {
            // What contradicts itself is refused by the rules.
            let sync = sync.map(|(scope, missing)| (scope, if mode == "add" { "report" } else { missing }));
            let compare = compare || sync.is_some() || (mode == "replace" && keeps_name);
            Rules { mode, duplicates, compare, provenance, keeps_name, sync }
        },
    )
}

fn any_row() -> impl Strategy<Value = Row> {
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

fn any_stock() -> impl Strategy<Value = Stock> {
    let more = (any::<bool>(), any::<bool>());
    let item = (option::of(select(&NAMES[..])), 0..3_u32, option::weighted(0.9, select(&PLACES[..])), more);
    let items = prop::collection::btree_map(select(&SKUS[..]), item, 0..SKUS.len());
    items.prop_map(|items| {
        let stock = items.into_iter().map(|(sku, (name, quantity, place, (has_colour, is_discontinued)))| {
            let attributes = [
                ("sku", Some(text(sku))),
                ("name", name.map(text)),
                // As somebody else may have written it.
                ("quantity", Some(Value::N(quantity.to_string()))),
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

fn toml_of(rules: &Rules) -> String {
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

fn csv_of(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let quantity = row.quantity.map_or("many".to_string(), |quantity| quantity.to_string());
        format!("{},{},{quantity},{}\n", row.sku.unwrap_or_default(), row.name.unwrap_or_default(), row.place)
    };
    format!("sku,name,quantity,place\n{}", rows.iter().map(line).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_file_into_any_table_by_any_rules_comes_to_what_a_model_says() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("plan", &[("sku", "S")], &[]).await;
    let runtime = tokio::runtime::Handle::current();
    let cases = (any_rules(), prop::collection::vec(any_row(), 1..9), any_stock());
    let property = |(rules, rows, stock): (Rules, Vec<Row>, Stock)| {
        runtime.block_on(async { comes_to_what_the_model_says(&cloud, &table, &rules, &rows, &stock).await })
    };
    tokio::task::block_in_place(|| holds(48, cases, property));
    cloud.delete_table(&table).await;
}

async fn comes_to_what_the_model_says(
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
    let told =
        load(cloud, table, &place("stock.csv"), &place("rules.toml"), &["--fates", &place("fates").to_string_lossy()]);

    let (expected, fates) = model::load(rules, rows, stock);
    let found: Vec<(u32, Fate)> = std::fs::read_to_string(place("fates"))
        .expect("the fates")
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("a fate"))
        .map(|line| (line["row"].as_u64().unwrap() as u32, serde_json::from_value(line["fate"].clone()).unwrap()))
        .collect();
    let expected_fates: Vec<(u32, Fate)> = (1..).zip([Fate::Skipped].into_iter().chain(fates)).collect();
    prop_assert_eq!(&found, &expected_fates, "{}", told);
    for (fate, count) in told["rows"].as_object().unwrap().iter().filter(|(fate, _)| *fate != "total") {
        let rows = found.iter().filter(|(_, found)| found.name() == fate).count();
        prop_assert_eq!(count.as_u64(), Some(rows as u64), "{}", fate);
    }

    let mut after = read(cloud, table).await;
    for (sku, item) in &mut after {
        let wrote = rows.iter().zip(&found[1..]).any(|(row, (_, fate))| row.sku == Some(sku) && fate.is_written());
        let says_so = PROVENANCE.iter().filter(|name| item.remove(**name).is_some()).count();
        prop_assert_eq!(says_so, if wrote && rules.provenance { 2 } else { 0 }, "{}", sku);
    }
    prop_assert_eq!(after, expected);
    Ok(())
}

/// Loads a file with the command and returns the report.
fn load(cloud: &Cloud, table: &str, file: &Path, rules: &Path, more: &[&str]) -> Json {
    let folder = file.parent().expect("a folder");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (file, rules, out) = (text(file), text(rules), text(folder));
    let arguments = ["load", &file, "--table", table, "--schema", &rules, "--out", &out, "--json"];
    let output = inventory_at(&cloud.endpoint, REGION, &[&arguments[..], more].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

/// Makes the table hold this and nothing else.
async fn fill(cloud: &Cloud, table: &str, stock: &Stock) {
    for sku in read(cloud, table).await.into_keys().filter(|sku| !stock.contains_key(sku)) {
        let key = item_to_attributes(&Item::from([("sku".to_string(), text(&sku))])).expect("a key");
        cloud.dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.expect("a deletion");
    }
    for item in stock.values() {
        let attributes = item_to_attributes(item).expect("attributes");
        cloud.dynamodb.put_item().table_name(table).set_item(Some(attributes)).send().await.expect("an item put");
    }
}

async fn read(cloud: &Cloud, table: &str) -> Stock {
    let mut pages = cloud.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().send();
    let mut stock = BTreeMap::new();
    while let Some(page) = pages.next().await {
        for attributes in page.expect("a page").items.unwrap_or_default() {
            let item = item_from_attributes(attributes).expect("an item");
            let Value::S(sku) = item["sku"].clone() else { panic!("{item:?}") };
            stock.insert(sku, item);
        }
    }
    stock
}
