//! Loads that cannot be undone, and the messages about it.

use std::path::Path;

use inventory_base::load_id::LoadId;

use super::{Fixture, REPLACE, name_of, remove, row};
use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::inventory_at;
use crate::plan::model::Rules;
use crate::plan::{csv_of, read, toml_of};

/// Asserts that the undo has no effect and prints this reason, with or without `--yes`.
async fn assert_cannot_be_undone(fixture: &Fixture, load: &LoadId, because: &str) {
    let before = read(&fixture.cloud, &fixture.table).await;
    for more in [&[][..], &["--yes"]] {
        let output = fixture.undo(load, more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(because), "{said}");
    }
    assert_eq!(read(&fixture.cloud, &fixture.table).await, before);
    assert!(!fixture.place(&format!("loads/{}", load.undoing())).exists());
    fixture.cloud.delete_table(&fixture.table).await;
}

fn two_rows() -> String {
    csv_of(&[row("A", 1), row("B", 2)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_without_comparison_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-unseen").await;
    let load = name_of(&fixture.load(&toml_of(&Rules { compare: false, ..REPLACE }), &two_rows()));
    assert_cannot_be_undone(&fixture, &load, "wrote without reading the table first (compare = false)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_load_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-unknown").await;
    let load = LoadId::parse("0123456789abcdef").expect("a name");
    assert_cannot_be_undone(&fixture, &load, "Load 0123456789abcdef is not known here").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_has_not_ended_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-running").await;
    let load = name_of(&fixture.load(&toml_of(&REPLACE), &two_rows()));
    remove(&fixture.place(&format!("loads/{load}/report.json")));
    assert_cannot_be_undone(&fixture, &load, "has not ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_plan_has_expired_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    for part in ["plan.json", "plan/00000.jsonl.zst", "outcome/00000.json"] {
        let fixture = Fixture::new("undo-expired").await;
        let load = name_of(&fixture.load(&toml_of(&REPLACE), &two_rows()));
        remove(&fixture.place(&format!("loads/{load}/{part}")));
        assert_cannot_be_undone(&fixture, &load, "is no longer kept").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_load_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-held").await;
    let rules = toml_of(&REPLACE).replace("rejected_rows = false", "rejected_rows = 0");
    let without_quantity = crate::plan::model::Row { quantity: None, ..row("B", 0) };
    let load = name_of(&fixture.load(&rules, &csv_of(&[row("A", 1), without_quantity])));
    assert_cannot_be_undone(&fixture, &load, "ended as \"held\" and wrote nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-refused").await;
    let load = name_of(&fixture.load(&toml_of(&REPLACE), "%PDF-1.7\n"));
    assert_cannot_be_undone(&fixture, &load, "ended as \"refused\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-dry-run").await;
    std::fs::write(fixture.place("stock.csv"), two_rows()).expect("the file");
    std::fs::write(fixture.place("rules.toml"), toml_of(&REPLACE)).expect("the rules");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (file, rules, out) =
        (text(&fixture.place("stock.csv")), text(&fixture.place("rules.toml")), text(fixture.folder.path()));
    let plan = ["plan", &file, "--table", &fixture.table, "--schema", &rules, "--out", &out, "--json"];
    let output = inventory_at(&fixture.cloud.endpoint, REGION, &plan);
    let load = name_of(&serde_json::from_slice(&output.stdout).expect("a report"));
    assert_cannot_be_undone(&fixture, &load, "ended as \"dry-run\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_into_another_table_is_not_undone_in_this_one() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let mut fixture = Fixture::new("undo-one").await;
    let load = name_of(&fixture.load(&toml_of(&REPLACE), &two_rows()));
    let other = fixture.cloud.create_table("undo-other", &[("sku", "S")], &[]).await;
    let one = std::mem::replace(&mut fixture.table, other);
    assert_cannot_be_undone(&fixture, &load, &format!("was planned for table {one}")).await;
    fixture.cloud.delete_table(&one).await;
}
