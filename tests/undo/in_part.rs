//! A load that was stopped while it was written: what it wrote is undone, and nothing else.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::ending::Ending;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_check::plan::UndoFate;
use inventory_loader::table::Table;

use super::{REPLACE, Shop, name_of, remove, told};
use crate::harness::cloud::{DYNAMODB_ANSWERS, cloud};
use crate::plan::{read, toml_of};

/// Items of the plan's first chunk: of its thousand rows one is the header.
const FIRST: usize = 999;
const ROWS: usize = FIRST + 100;

/// One row in ten with so many pieces, the others with one.
fn list(quantity: usize) -> String {
    let quantity = |row: usize| if row.is_multiple_of(10) { quantity } else { 1 };
    let rows = (0..ROWS).map(|row| format!("A-{row:04},Bolt,{},Leeds\n", quantity(row)));
    "sku,name,quantity,place\n".to_string() + &rows.collect::<String>()
}

/// Makes the ledger say how the load ended, and where.
async fn end_as(shop: &Shop, ledger: &str, load: &LoadId, ending: &str, chunks_done: usize) {
    let update = shop.cloud.dynamodb.update_item().table_name(ledger);
    let update =
        update.key("pk", AttributeValue::S(format!("load#{load}"))).key("sk", AttributeValue::S("state".into()));
    let update = update.update_expression("SET ending = :ending, chunks_done = :done");
    let update = update.expression_attribute_values(":ending", AttributeValue::S(ending.to_string()));
    let update = update.expression_attribute_values(":done", AttributeValue::N(chunks_done.to_string()));
    update.send().await.expect("a record that is changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_load_that_was_stopped_what_it_wrote_is_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let ledger = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
    let more = ["--ledger", &ledger];
    // A run may have died in the midst of a chunk.
    for (ending, written) in [
        ("superseded", FIRST),
        ("superseded", FIRST + 50),
        ("cancelled", FIRST + 50),
        ("failed", FIRST + 50),
        ("failed", 0),
    ] {
        let shop = Shop::open("undo-stopped").await;
        shop.load_with(&toml_of(&REPLACE), &list(1), &more);
        let before = read(&shop.cloud, &shop.table).await;
        let load = name_of(&shop.load_with(&toml_of(&REPLACE), &list(2), &more));
        let unwritten: Vec<Item> = before.values().skip(written).cloned().collect();
        let table = Table::new(cloud.dynamodb.clone(), &shop.table, Duration::from_secs(60));
        table.write(&unwritten).await.expect("items as they were");
        let chunks_done = usize::from(written > 0);
        end_as(&shop, &ledger, &load, ending, chunks_done).await;
        for chunk in chunks_done..2 {
            remove(&shop.place(&format!("loads/{load}/outcome/{chunk:05}.json")));
        }
        let report = told(&shop.undo(&load, &[&more[..], &["--yes"]].concat()));
        let items = |fate| report.undone.as_ref().map(|undone| undone.items.of(fate));
        let changed = (0..written).step_by(10).count() as u64;
        assert_eq!((report.ending, items(UndoFate::Restored)), (Ending::Done, Some(changed)), "{ending}");
        assert_eq!(items(UndoFate::Edited), Some(0), "{ending}");
        assert!(read(&shop.cloud, &shop.table).await == before, "{ending} at {written}");
        cloud.delete_table(&shop.table).await;
    }
    cloud.delete_table(&ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_load_that_was_stopped_all_that_it_noted_must_still_be_kept() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-stopped").await;
    let ledger = shop.cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
    let more = ["--ledger", &ledger];
    let load = name_of(&shop.load_with(&toml_of(&REPLACE), &list(1), &more));
    end_as(&shop, &ledger, &load, "superseded", 1).await;
    remove(&shop.place(&format!("loads/{load}/outcome/00000.json")));
    let output = shop.undo(&load, &more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("is no longer kept"), "{said}");
    shop.cloud.delete_table(&shop.table).await;
    shop.cloud.delete_table(&ledger).await;
}
