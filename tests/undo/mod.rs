//! What a load did can be undone, except where somebody has edited since, which is listed.

mod in_part;
mod model;
mod refused;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use inventory_base::ending::Ending;
use inventory_base::item::{Item, Value};
use inventory_base::load_id::LoadId;
use inventory_check::plan::UndoFate;
use inventory_check::report::Report;
use inventory_loader::ledger::Ledger;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use self::model::Edit;
use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::stack::Stack;
use crate::harness::{eventually, holds, inventory_at, unique};
use crate::plan::model::{Row, Rules, Stock, text};
use crate::plan::{SKUS, any_row, any_rules, any_stock, csv_of, fill, load, quarter, read, toml_of};

/// A table, and a folder from which it is loaded and in which plans are kept.
struct Shop {
    cloud: Cloud,
    table: String,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn open(purpose: &str) -> Shop {
        let cloud = cloud().await;
        let table = cloud.create_table(purpose, &[("sku", "S")], &[]).await;
        Shop { cloud, table, folder: tempfile::tempdir().expect("a folder") }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn load(&self, rules: &str, list: &str) -> Json {
        self.load_with(rules, list, &[])
    }

    fn load_with(&self, rules: &str, list: &str, more: &[&str]) -> Json {
        std::fs::write(self.place("rules.toml"), rules).expect("the rules");
        std::fs::write(self.place("stock.csv"), list).expect("the file");
        load(&self.cloud, &self.table, &self.place("stock.csv"), &self.place("rules.toml"), more)
    }

    fn undo(&self, load: &LoadId, more: &[&str]) -> Output {
        let out = self.folder.path().to_string_lossy();
        let arguments = ["undo", load.as_str(), "--table", &self.table, "--out", &out, "--json", "--by", "Erika"];
        inventory_at(&self.cloud.endpoint, REGION, &[&arguments[..], more].concat())
    }
}

fn name_of(report: &Json) -> LoadId {
    LoadId::parse(report["load"].as_str().expect("a name")).expect("a name of ours")
}

fn told(output: &Output) -> Report {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn staying(report: &Report) -> BTreeSet<String> {
    let keys = report.undone.iter().flat_map(|undone| &undone.staying).map(|item| match &item.key["sku"] {
        Value::S(sku) => sku.to_string(),
        other => panic!("{other:?}"),
    });
    keys.collect()
}

fn any_edits() -> impl Strategy<Value = Vec<(&'static str, Edit)>> {
    let edit = select(&[Edit::Count, Edit::Note, Edit::Delete, Edit::Put][..]);
    prop::collection::vec((select(&SKUS[..]), edit), 0..4)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_load_is_undone_but_for_what_somebody_edited_since_and_so_is_its_undo() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo").await;
    let runtime = tokio::runtime::Handle::current();
    let rows = prop::collection::vec(any_row(), 1..9);
    let cases = (any_rules(), rows, any_stock(), any_edits());
    let property = |(rules, rows, stock, edits): (Rules, Vec<Row>, Stock, Vec<(&str, Edit)>)| {
        let rules = Rules { compare: true, ..rules };
        runtime.block_on(async { comes_to_what_the_model_says(&shop, &rules, &rows, &stock, &edits).await })
    };
    tokio::task::block_in_place(|| holds(24, cases, property));
    shop.cloud.delete_table(&shop.table).await;
}

async fn comes_to_what_the_model_says(
    shop: &Shop,
    rules: &Rules,
    rows: &[Row],
    before: &Stock,
    edits: &[(&str, Edit)],
) -> Result<(), TestCaseError> {
    fill(&shop.cloud, &shop.table, before).await;
    let load = name_of(&shop.load(&toml_of(rules), &csv_of(rows)));
    let left = read(&shop.cloud, &shop.table).await;
    let mut now = left.clone();
    edits.iter().for_each(|(sku, edit)| model::edit(&mut now, sku, *edit));
    fill(&shop.cloud, &shop.table, &now).await;
    let (expected, stays) = model::undo(rules, before, &left, &now);

    let trial = told(&shop.undo(&load, &[]));
    prop_assert_eq!((trial.ending, staying(&trial)), (Ending::DryRun, stays.clone()));
    prop_assert_eq!(read(&shop.cloud, &shop.table).await, now.clone());

    let output = shop.undo(&load, &["--yes"]);
    prop_assert_eq!(output.status.code(), Some(i32::from(!stays.is_empty())));
    let report = told(&output);
    prop_assert_eq!((report.ending, staying(&report)), (Ending::Done, stays));
    prop_assert_eq!(report.load, Some(load.undoing()));
    prop_assert_eq!(
        report.undone.as_ref().map(|undone| (&undone.load, undone.by.as_str(), &undone.items)),
        trial.undone.as_ref().map(|undone| (&load, "Erika", &undone.items))
    );
    prop_assert_eq!(read(&shop.cloud, &shop.table).await, expected.clone());

    let again = shop.undo(&load, &["--yes"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    prop_assert!(again.status.success() && said.contains("was undone before"), "{}", said);
    prop_assert_eq!(read(&shop.cloud, &shop.table).await, expected);

    let report = told(&shop.undo(&load.undoing(), &["--yes"]));
    prop_assert_eq!((report.ending, staying(&report)), (Ending::Done, BTreeSet::new()));
    prop_assert_eq!(read(&shop.cloud, &shop.table).await, now);
    Ok(())
}

const REPLACE: Rules =
    Rules { mode: "replace", duplicates: "reject", compare: true, provenance: true, keeps_name: false, sync: None };

fn row(sku: &'static str, quantity: u32) -> Row {
    Row { sku: Some(sku), name: Some("Bolt"), quantity: Some(quantity), place: "Leeds" }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_was_stopped_before_it_noted_anything_is_finished_from_its_plan() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-again").await;
    shop.load(&toml_of(&REPLACE), &csv_of(&[row("A", 1), row("B", 1), row("C", 1)]));
    let before = read(&shop.cloud, &shop.table).await;
    let sync = Rules { sync: Some((crate::plan::model::Scope::Table, "delete")), ..REPLACE };
    let load = name_of(&shop.load(&toml_of(&sync), &csv_of(&[row("A", 2), row("B", 1), row("D", 1)])));
    // What a run left that was stopped before its plan counted.
    let chunk = shop.place(&format!("loads/{}/plan/undo-00000.jsonl.zst", load.undoing()));
    std::fs::create_dir_all(chunk.parent().expect("a folder")).expect("a folder");
    std::fs::write(&chunk, "half a chunk").expect("a chunk");
    let first = told(&shop.undo(&load, &["--yes"]));
    assert_eq!(
        first.summary,
        format!("Load {load} is undone: 1 item is as it was, 1 that was new is gone, 1 is back.")
    );
    assert_eq!(read(&shop.cloud, &shop.table).await, before);
    // All is written, and nothing of it was noted.
    let kept = shop.place(&format!("loads/{}", load.undoing()));
    std::fs::remove_dir_all(kept.join("outcome")).expect("the outcomes");
    std::fs::remove_file(kept.join("report.json")).expect("the report");
    let second = told(&shop.undo(&load, &["--yes"]));
    assert_eq!((second.summary, second.units.write), (first.summary, 0.0));
    assert_eq!(read(&shop.cloud, &shop.table).await, before);
    // Of one that has ended, nothing is asked for that may have expired.
    std::fs::remove_dir_all(shop.place(&format!("loads/{load}"))).expect("the load");
    let third = shop.undo(&load, &["--yes"]);
    assert!(
        third.status.success() && String::from_utf8_lossy(&third.stderr).contains("was undone before"),
        "{third:?}"
    );
    shop.cloud.delete_table(&shop.table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_with_more_attributes_than_a_condition_can_name_comes_back_whole() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-wide").await;
    let mut wide: Item = (0..200).map(|n| (format!("a{n:03}"), Value::N(n.to_string().into()))).collect();
    wide.insert("sku", text("A"));
    let before = Stock::from([("A".to_string(), wide)]);
    fill(&shop.cloud, &shop.table, &before).await;
    let load = name_of(&shop.load(&toml_of(&REPLACE), &csv_of(&[row("A", 1)])));
    assert_ne!(read(&shop.cloud, &shop.table).await, before);
    let report = told(&shop.undo(&load, &["--yes"]));
    assert_eq!((report.ending, staying(&report)), (Ending::Done, BTreeSet::new()), "{:?}", report.undone);
    assert_eq!(read(&shop.cloud, &shop.table).await, before);
    shop.cloud.delete_table(&shop.table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_loader_undoes_a_load_when_it_is_asked_to() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    const ROWS: usize = 1_500;
    let stack = Stack::shared().await;
    let prefix = unique("undo");
    let right = stack.upload(&format!("uploads/{prefix}-1.csv"), quarter(&prefix, ROWS, None)).await;
    assert_eq!(stack.report(&right).await.ending, Ending::Done);
    let item = async |row: usize| stack.item(&format!("{prefix}-{row:06}")).await.expect("an item");
    let before = item(0).await;
    let wrong = stack.upload(&format!("uploads/{prefix}-2.csv"), quarter(&prefix, ROWS, Some(20))).await;
    assert_eq!(stack.report(&wrong).await.ending, Ending::Done);
    let load = LoadId::of(&wrong);
    let mut edited = item(20).await;
    edited.insert("name", text("Mine"));
    stack.put_item(edited.clone()).await;
    assert_ne!(item(0).await, before);

    let ask = |load: &LoadId, more: &[&str]| {
        let undo = ["undo", load.as_str(), "--function", &stack.function, "--by", "Erika", "--json"];
        let output = inventory_at(&stack.cloud.endpoint, REGION, &[&undo[..], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, said)
    };
    let (asked, _) = ask(&load, &[]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    let trial = told(&asked);
    assert_eq!(
        trial.summary,
        format!(
            "If load {load} is undone, 74 items will be as they were. 1 was changed by somebody since and stays as it \
             is. Nothing has been changed yet."
        )
    );
    assert_ne!(item(0).await, before);

    let name = format!("loads/{}/report.json", load.undoing());
    let page = format!("loads/{}/report.html", load.undoing());
    let (asked, said) = ask(&load, &["--yes"]);
    assert!(asked.status.success() && said.contains(&page) && !said.contains("Nothing has been changed"), "{said}");
    let answer: Json = serde_json::from_slice(&asked.stdout).expect("an answer");
    assert_eq!(answer, json!({ "undoing": { "load": load.undoing() } }));
    let done: Report = serde_json::from_slice(&eventually(&name, || stack.kept(&name)).await).expect("a report");
    assert_eq!((done.ending, done.units.write), (Ending::Done, 74.0));
    assert_eq!(done.undone.as_ref().map(|undone| undone.items.of(UndoFate::Restored)), Some(74));
    assert_eq!(staying(&done), BTreeSet::from([format!("{prefix}-000020")]));
    assert_eq!((item(0).await, item(20).await), (before, edited));

    let ledger = Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, Duration::from_secs(45));
    let record = async || ledger.read(&load.undoing()).await.expect("an answer").expect("a record");
    let ended = eventually("the end of the undo", async || Some(record().await).filter(|r| r.ending.is_some())).await;
    assert_eq!((ended.chunks_done, ended.chunks_total, ended.ending.as_deref()), (2, 2, Some("done")));
    assert_eq!(ended.undo.map(|undo| (undo.load, undo.by)), Some((load.clone(), "Erika".to_string())));

    // Once more is nothing more.
    let event = |load: &LoadId| json!({ "undo": { "load": load, "by": "Erika", "at": "2026-10-03T08:00:00Z", "dry_run": false } });
    let answer = stack.invoke(&event(&load)).await.expect("an answer");
    assert_eq!(answer["answers"], json!([{ "undoing": { "load": load.undoing() } }]));
    assert_eq!(record().await.starts, ended.starts);
    let (asked, said) = ask(&load, &["--yes"]);
    assert!(asked.status.success() && said.contains("was undone before"), "{said}");

    let unknown = LoadId::parse("0123456789abcdef").expect("a name");
    for more in [&[][..], &["--yes"]] {
        let (asked, said) = ask(&unknown, more);
        assert!(asked.status.code() == Some(2) && said.contains("Nothing is known of load 0123456789abcdef"), "{said}");
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
