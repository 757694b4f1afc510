//! Undoing loads that were stopped while writing: only what they wrote is undone.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::ending::Ending;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_check::plan::UndoFate;
use inventory_loader::table::Table;

use super::{Fixture, REPLACE, name_of, remove, report_of};
use crate::harness::cloud::{DYNAMODB_ANSWERS, cloud};
use crate::plan::{read, toml_of};

/// The number of items in the plan's first chunk: one of its thousand rows is the header.
const FIRST: usize = 999;
const ROWS: usize = FIRST + 100;

/// Returns a list in which one row in ten has this quantity, the others 1.
fn list(quantity: usize) -> String {
    let quantity = |row: usize| if row.is_multiple_of(10) { quantity } else { 1 };
    let rows = (0..ROWS).map(|row| format!("A-{row:04},Bolt,{},Leeds\n", quantity(row)));
    "sku,name,quantity,place\n".to_string() + &rows.collect::<String>()
}

/// Sets the ending of a load and the number of its chunks done in the ledger.
async fn end_as(fixture: &Fixture, ledger: &str, load: &LoadId, ending: &str, chunks_done: usize) {
    let update = fixture.cloud.dynamodb.update_item().table_name(ledger);
    let update =
        update.key("pk", AttributeValue::S(format!("load#{load}"))).key("sk", AttributeValue::S("state".into()));
    let update = update.update_expression("SET ending = :ending, chunks_done = :done");
    let update = update.expression_attribute_values(":ending", AttributeValue::S(ending.to_string()));
    let update = update.expression_attribute_values(":done", AttributeValue::N(chunks_done.to_string()));
    update.send().await.expect("a changed record");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_stopped_load_wrote_is_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let ledger = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
    let more = ["--ledger", &ledger];
    // A run may have died in the middle of a chunk.
    for (ending, written) in [
        ("superseded", FIRST),
        ("superseded", FIRST + 50),
        ("cancelled", FIRST + 50),
        ("failed", FIRST + 50),
        ("failed", 0),
    ] {
        let fixture = Fixture::new("undo-stopped").await;
        fixture.load_with(&toml_of(&REPLACE), &list(1), &more);
        let before = read(&fixture.cloud, &fixture.table).await;
        let load = name_of(&fixture.load_with(&toml_of(&REPLACE), &list(2), &more));
        let unwritten: Vec<Item> = before.values().skip(written).cloned().collect();
        let table = Table::new(cloud.dynamodb.clone(), &fixture.table, Duration::from_secs(60));
        table.write(&unwritten).await.expect("items as they were");
        let chunks_done = usize::from(written > 0);
        end_as(&fixture, &ledger, &load, ending, chunks_done).await;
        for chunk in chunks_done..2 {
            remove(&fixture.place(&format!("loads/{load}/outcome/{chunk:05}.json")));
        }
        let report = report_of(&fixture.undo(&load, &[&more[..], &["--yes"]].concat()));
        let items = |fate| report.undone.as_ref().map(|undone| undone.items.of(fate));
        let changed = (0..written).step_by(10).count() as u64;
        assert_eq!((report.ending, items(UndoFate::Restored)), (Ending::Done, Some(changed)), "{ending}");
        assert_eq!(items(UndoFate::Edited), Some(0), "{ending}");
        assert!(read(&fixture.cloud, &fixture.table).await == before, "{ending} at {written}");
        cloud.delete_table(&fixture.table).await;
    }
    cloud.delete_table(&ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_load_with_a_missing_outcome_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let fixture = Fixture::new("undo-stopped").await;
    let ledger = fixture.cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
    let more = ["--ledger", &ledger];
    let load = name_of(&fixture.load_with(&toml_of(&REPLACE), &list(1), &more));
    end_as(&fixture, &ledger, &load, "superseded", 1).await;
    remove(&fixture.place(&format!("loads/{load}/outcome/00000.json")));
    let output = fixture.undo(&load, &more);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && stderr.contains("is no longer kept"), "{stderr}");
    fixture.cloud.delete_table(&fixture.table).await;
    fixture.cloud.delete_table(&ledger).await;
}
