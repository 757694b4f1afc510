//! Before a row adds a new item, its key is also looked up in other letter case.

use std::path::Path;

use inventory_base::item::{Item, Value};
use serde_json::Value as Json;

use super::model::{Stock, text};
use super::{fill, read};
use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::inventory_at;

const LIST: &str = "SKU,Name,Quantity,Unit price\n\
                    A-17,Pipe,1,2.50\n\
                    b-1,Bolt,2,0.10\n\
                    4006381333931,Pen,3,0.80\n\
                    C-3,Nut,4,0.20\n";

fn stock(skus: &[&str]) -> Stock {
    let item = |sku: &&str| {
        let quantity = ("quantity", Value::N("4".into()));
        (sku.to_string(), Item::from([("sku", text(sku)), ("name", text("Nut")), quantity]))
    };
    skus.iter().map(item).collect()
}

fn run(cloud: &Cloud, command: &str, table: &str, folder: &Path, more: &[&str]) -> Json {
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (file, out) = (place("stock.csv"), place("out"));
    let arguments = [&[command, &file, "--table", table, "--out", &out, "--json"], more].concat();
    let output = inventory_at(&cloud.endpoint, REGION, &arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn twins(planned: &Json) -> Vec<&str> {
    let notes = planned["notes"].as_array().expect("notes").iter();
    let notes = notes.filter(|note| note["rule"] == "key-in-other-capitals");
    notes.map(|note| note["message"].as_str().expect("a message")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_that_differs_from_an_existing_one_only_in_case_is_reported_and_loaded() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("twins", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("stock.csv"), LIST).expect("the file");
    let rules = folder.path().join("rules.toml");
    let matters = include_str!("../../inventory.toml").replace("key_case = \"folds\"", "key_case = \"matters\"");
    std::fs::write(&rules, matters).expect("the rules");
    let matters = ["--schema", &*rules.to_string_lossy()];
    let read_units = |planned: &Json| planned["estimate"]["read_units"].as_f64().expect("read units");

    // An empty table has no other spellings, and is not read.
    assert!(twins(&run(&cloud, "plan", &table, folder.path(), &[])).is_empty());

    fill(&cloud, &table, &stock(&["a-17", "B-1", "C-3", "c-3"])).await;
    let planned = run(&cloud, "plan", &table, folder.path(), &[]);
    let named = "2 rows are new items whose SKU is already in the table with different capital letters: row 2 has \"A-17\", \
                 the table has \"a-17\"; row 3 has \"b-1\", the table has \"B-1\".";
    assert_eq!(twins(&planned), [named]);
    assert_eq!((&planned["rows"]["new"], &planned["rows"]["changed"]), (&3.into(), &1.into()), "{planned}");

    // Each of the two spellings takes one read; a number has no other spelling.
    let without = run(&cloud, "plan", &table, folder.path(), &matters);
    assert!(twins(&without).is_empty());
    assert_eq!(read_units(&planned) - read_units(&without), 2.0);

    let loaded = run(&cloud, "load", &table, folder.path(), &[]);
    assert_eq!((twins(&loaded), &loaded["rows"]["new"]), (vec![named], &3.into()));
    let skus: Vec<String> = read(&cloud, &table).await.into_keys().collect();
    assert_eq!(skus, ["4006381333931", "A-17", "B-1", "C-3", "a-17", "b-1", "c-3"]);

    // Items that exist are not reported again.
    assert!(twins(&run(&cloud, "load", &table, folder.path(), &[])).is_empty());
    cloud.delete_table(&table).await;
}
