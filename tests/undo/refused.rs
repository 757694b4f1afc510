//! What cannot be undone, and what is said of it.

use std::path::Path;

use inventory_base::load_id::LoadId;

use super::{REPLACE, Shop, name_of, remove, row};
use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::inventory_at;
use crate::plan::model::Rules;
use crate::plan::{csv_of, read, toml_of};

/// Nothing but a sentence comes of it, with or without `--yes`.
async fn cannot_be_undone(shop: &Shop, load: &LoadId, because: &str) {
    let before = read(&shop.cloud, &shop.table).await;
    for more in [&[][..], &["--yes"]] {
        let output = shop.undo(load, more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(because), "{said}");
    }
    assert_eq!(read(&shop.cloud, &shop.table).await, before);
    assert!(!shop.place(&format!("loads/{}", load.undoing())).exists());
    shop.cloud.delete_table(&shop.table).await;
}

fn two_rows() -> String {
    csv_of(&[row("A", 1), row("B", 2)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_did_not_look_first_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-unseen").await;
    let load = name_of(&shop.load(&toml_of(&Rules { compare: false, ..REPLACE }), &two_rows()));
    cannot_be_undone(&shop, &load, "wrote without looking at the table first (compare = false)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_nobody_knows_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-unknown").await;
    let load = LoadId::parse("0123456789abcdef").expect("a name");
    cannot_be_undone(&shop, &load, "Nothing is known of load 0123456789abcdef").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_has_not_ended_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-running").await;
    let load = name_of(&shop.load(&toml_of(&REPLACE), &two_rows()));
    remove(&shop.place(&format!("loads/{load}/report.json")));
    cannot_be_undone(&shop, &load, "has not ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_plan_has_expired_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    for part in ["plan.json", "plan/00000.jsonl.zst", "outcome/00000.json"] {
        let shop = Shop::open("undo-expired").await;
        let load = name_of(&shop.load(&toml_of(&REPLACE), &two_rows()));
        remove(&shop.place(&format!("loads/{load}/{part}")));
        cannot_be_undone(&shop, &load, "is no longer kept").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_held_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-held").await;
    let rules = toml_of(&REPLACE).replace("rejected_rows = false", "rejected_rows = 0");
    let without_quantity = crate::plan::model::Row { quantity: None, ..row("B", 0) };
    let load = name_of(&shop.load(&rules, &csv_of(&[row("A", 1), without_quantity])));
    cannot_be_undone(&shop, &load, "ended as \"held\" and wrote nothing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_refused_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-refused").await;
    let load = name_of(&shop.load(&toml_of(&REPLACE), "%PDF-1.7\n"));
    cannot_be_undone(&shop, &load, "ended as \"refused\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_cannot_be_undone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let shop = Shop::open("undo-trial").await;
    std::fs::write(shop.place("stock.csv"), two_rows()).expect("the file");
    std::fs::write(shop.place("rules.toml"), toml_of(&REPLACE)).expect("the rules");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (file, rules, out) =
        (text(&shop.place("stock.csv")), text(&shop.place("rules.toml")), text(shop.folder.path()));
    let plan = ["plan", &file, "--table", &shop.table, "--schema", &rules, "--out", &out, "--json"];
    let output = inventory_at(&shop.cloud.endpoint, REGION, &plan);
    let load = name_of(&serde_json::from_slice(&output.stdout).expect("a report"));
    cannot_be_undone(&shop, &load, "ended as \"dry-run\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_into_another_table_is_not_undone_in_this_one() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let mut shop = Shop::open("undo-one").await;
    let load = name_of(&shop.load(&toml_of(&REPLACE), &two_rows()));
    let other = shop.cloud.create_table("undo-other", &[("sku", "S")], &[]).await;
    let one = std::mem::replace(&mut shop.table, other);
    cannot_be_undone(&shop, &load, &format!("was planned for table {one}")).await;
    shop.cloud.delete_table(&one).await;
}
