//! Undoing loads, except for items edited since, which are listed.

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
use crate::harness::{check_property, eventually, inventory_at, unique};
use crate::plan::model::{Row, Rules, Stock, text};
use crate::plan::{SKUS, any_row, any_rules, any_stock, csv_of, fill, load, quarter, read, toml_of};

/// A table, and a folder with the files to load and the stored plans.
struct Fixture {
    cloud: Cloud,
    table: String,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(purpose: &str) -> Fixture {
        let cloud = cloud().await;
        let table = cloud.create_table(purpose, &[("sku", "S")], &[]).await;
        Fixture { cloud, table, folder: tempfile::tempdir().expect("a folder") }
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
    LoadId::parse(report["load"].as_str().expect("a name")).expect("a valid load id")
}

fn report_of(output: &Output) -> Report {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn not_undone(report: &Report) -> BTreeSet<String> {
    let keys = report.undone.iter().flat_map(|undone| &undone.not_undone).map(|item| match &item.key["sku"] {
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
async fn any_load_and_its_undo_can_be_undone_except_for_items_edited_since() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo").await;
    let runtime = tokio::runtime::Handle::current();
    let rows = prop::collection::vec(any_row(), 1..9);
    let cases = (any_rules(), rows, any_stock(), any_edits());
    let property = |(rules, rows, stock, edits): (Rules, Vec<Row>, Stock, Vec<(&str, Edit)>)| {
        let rules = Rules { compare: true, ..rules };
        runtime.block_on(async { result_is_that_of_the_model(&fixture, &rules, &rows, &stock, &edits).await })
    };
    tokio::task::block_in_place(|| check_property(24, cases, property));
    fixture.cloud.delete_table(&fixture.table).await;
}

async fn result_is_that_of_the_model(
    fixture: &Fixture,
    rules: &Rules,
    rows: &[Row],
    before: &Stock,
    edits: &[(&str, Edit)],
) -> Result<(), TestCaseError> {
    fill(&fixture.cloud, &fixture.table, before).await;
    let load = name_of(&fixture.load(&toml_of(rules), &csv_of(rows)));
    let left = read(&fixture.cloud, &fixture.table).await;
    let mut now = left.clone();
    edits.iter().for_each(|(sku, edit)| model::edit(&mut now, sku, *edit));
    fill(&fixture.cloud, &fixture.table, &now).await;
    let (expected, kept) = model::undo(rules, before, &left, &now);

    let dry_run = report_of(&fixture.undo(&load, &[]));
    prop_assert_eq!((dry_run.ending, not_undone(&dry_run)), (Ending::DryRun, kept.clone()));
    prop_assert_eq!(read(&fixture.cloud, &fixture.table).await, now.clone());

    let output = fixture.undo(&load, &["--yes"]);
    prop_assert_eq!(output.status.code(), Some(i32::from(!kept.is_empty())));
    let report = report_of(&output);
    prop_assert_eq!((report.ending, not_undone(&report)), (Ending::Done, kept));
    prop_assert_eq!(report.load, Some(load.undoing()));
    prop_assert_eq!(
        report.undone.as_ref().map(|undone| (&undone.load, undone.by.as_str(), &undone.items)),
        dry_run.undone.as_ref().map(|undone| (&load, "Erika", &undone.items))
    );
    prop_assert_eq!(read(&fixture.cloud, &fixture.table).await, expected.clone());

    let again = fixture.undo(&load, &["--yes"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    prop_assert!(again.status.success() && said.contains("was already undone"), "{}", said);
    prop_assert_eq!(read(&fixture.cloud, &fixture.table).await, expected);

    let report = report_of(&fixture.undo(&load.undoing(), &["--yes"]));
    prop_assert_eq!((report.ending, not_undone(&report)), (Ending::Done, BTreeSet::new()));
    prop_assert_eq!(read(&fixture.cloud, &fixture.table).await, now);
    Ok(())
}

const REPLACE: Rules =
    Rules { mode: "replace", duplicates: "reject", compare: true, provenance: true, keeps_name: false, sync: None };

fn row(sku: &'static str, quantity: u32) -> Row {
    Row { sku: Some(sku), name: Some("Bolt"), quantity: Some(quantity), place: "Leeds" }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_stopped_before_its_first_outcome_is_finished_from_its_plan() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-again").await;
    fixture.load(&toml_of(&REPLACE), &csv_of(&[row("A", 1), row("B", 1), row("C", 1)]));
    let before = read(&fixture.cloud, &fixture.table).await;
    let sync = Rules { sync: Some((crate::plan::model::Scope::Table, "delete")), ..REPLACE };
    let load = name_of(&fixture.load(&toml_of(&sync), &csv_of(&[row("A", 2), row("B", 1), row("D", 1)])));
    // Left behind by a run that was stopped before its plan was complete.
    let chunk = fixture.place(&format!("loads/{}/plan/undo-00000.jsonl.zst", load.undoing()));
    std::fs::create_dir_all(chunk.parent().expect("a folder")).expect("a folder");
    std::fs::write(&chunk, "half a chunk").expect("a chunk");
    let first = report_of(&fixture.undo(&load, &["--yes"]));
    assert_eq!(
        first.summary,
        format!(
            "Load {load} was undone: 1 item was restored, 1 that the load added was removed, 1 that the load deleted was \
             put back."
        )
    );
    assert_eq!(read(&fixture.cloud, &fixture.table).await, before);
    // Everything is written, but no outcome is recorded.
    let kept = fixture.place(&format!("loads/{}", load.undoing()));
    std::fs::remove_dir_all(kept.join("outcome")).expect("the outcomes");
    std::fs::remove_file(kept.join("report.json")).expect("the report");
    let second = report_of(&fixture.undo(&load, &["--yes"]));
    assert_eq!((second.summary, second.units.write), (first.summary, 0.0));
    assert_eq!(read(&fixture.cloud, &fixture.table).await, before);
    // An ended undo does not need any objects that may have expired.
    std::fs::remove_dir_all(fixture.place(&format!("loads/{load}"))).expect("the load");
    let third = fixture.undo(&load, &["--yes"]);
    assert!(
        third.status.success() && String::from_utf8_lossy(&third.stderr).contains("was already undone"),
        "{third:?}"
    );
    fixture.cloud.delete_table(&fixture.table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_with_more_attributes_than_a_condition_can_name_is_restored_completely() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-wide").await;
    let mut wide: Item = (0..200).map(|n| (format!("a{n:03}"), Value::N(n.to_string().into()))).collect();
    wide.insert("sku", text("A"));
    let before = Stock::from([("A".to_string(), wide)]);
    fill(&fixture.cloud, &fixture.table, &before).await;
    let load = name_of(&fixture.load(&toml_of(&REPLACE), &csv_of(&[row("A", 1)])));
    assert_ne!(read(&fixture.cloud, &fixture.table).await, before);
    let report = report_of(&fixture.undo(&load, &["--yes"]));
    assert_eq!((report.ending, not_undone(&report)), (Ending::Done, BTreeSet::new()), "{:?}", report.undone);
    assert_eq!(read(&fixture.cloud, &fixture.table).await, before);
    fixture.cloud.delete_table(&fixture.table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_loader_undoes_a_load() {
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
    let dry_run = report_of(&asked);
    assert_eq!(
        dry_run.summary,
        format!(
            "If you undo load {load}, 74 items will be restored. 1 item was changed after the load and will not be \
             undone. Nothing has been changed yet."
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
    assert_eq!(not_undone(&done), BTreeSet::from([format!("{prefix}-000020")]));
    assert_eq!((item(0).await, item(20).await), (before, edited));

    let ledger = Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, Duration::from_secs(45));
    let record = async || ledger.read(&load.undoing()).await.expect("an answer").expect("a record");
    let ended = eventually("the end of the undo", async || Some(record().await).filter(|r| r.ending.is_some())).await;
    assert_eq!((ended.chunks_done, ended.chunks_total, ended.ending), (2, 2, Some(Ending::Done)));
    assert_eq!(ended.undo.map(|undo| (undo.load, undo.by)), Some((load.clone(), "Erika".to_string())));

    // Asking again has no effect.
    let event = |load: &LoadId| json!({ "undo": { "load": load, "by": "Erika", "at": "2026-10-03T08:00:00Z", "dry_run": false } });
    let answer = stack.invoke(&event(&load)).await.expect("an answer");
    assert_eq!(answer["answers"], json!([{ "undoing": { "load": load.undoing() } }]));
    assert_eq!(record().await.starts, ended.starts);
    let (asked, said) = ask(&load, &["--yes"]);
    assert!(asked.status.success() && said.contains("was already undone"), "{said}");

    let unknown = LoadId::parse("0123456789abcdef").expect("a name");
    for more in [&[][..], &["--yes"]] {
        let (asked, said) = ask(&unknown, more);
        assert!(asked.status.code() == Some(2) && said.contains("Load 0123456789abcdef is not known here"), "{said}");
    }
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
