//! Workbooks that the loader writes, read back by the loader itself and by other programs.

mod any_items;
mod fill;
mod libreoffice;

use std::path::Path;
use std::process::Output;

use inventory_base::item::{Item, Value};
use inventory_loader::table::{item_from_attributes, item_to_attributes};
use serde_json::Value as Json;

use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::{inventory, inventory_at, unique};
use fill::fill;

/// Rules with every type of column, and a composite key.
pub const RULES: &str = r#"version = 1
sheet = "Stock: Q3"

[key]
partition = { name = "pk", from = "{site}#{sku}" }
sort = "lot"

[[column]]
name = "site"
title = "Site"
type = "choice"
choices = ["Leeds", "York, old town"]
required = true

[[column]]
name = "sku"
title = "SKU"
type = "text"
required = true
max_length = 40

[[column]]
name = "lot"
title = "Lot"
type = "integer"
required = true
min = 0

[[column]]
name = "name"
title = "Name"
type = "text"

[[column]]
name = "weight"
title = "Weight"
type = "decimal"
empty = "keep"

[[column]]
name = "price"
title = "Price"
type = "money"
currency = "EUR"

[[column]]
name = "counted"
title = "Counted"
type = "date"

[[column]]
name = "sold_out"
title = "Sold out"
type = "boolean"
default = false

[[column]]
name = "barcode"
title = "Barcode"
type = "gtin"
unique = true
"#;

fn text(text: &str) -> Value {
    Value::S(text.into())
}

fn number(digits: &str) -> Value {
    Value::N(digits.into())
}

/// Returns an item for [`RULES`] with further attributes.
pub fn item(site: &str, sku: &str, lot: &str, attributes: &[(&str, Value)]) -> Item {
    let key = [("site", text(site)), ("sku", text(sku)), ("lot", number(lot)), ("pk", text(&format!("{site}#{sku}")))];
    let key = key.into_iter().chain([("sold_out", Value::Bool(false))]);
    key.chain(attributes.iter().cloned()).collect()
}

/// Items whose values are easily lost when they are written to a sheet and read back.
fn awkward_items() -> Vec<Item> {
    let nines = "9".repeat(38);
    vec![
        item("Leeds", "00123", "0", &[("name", text("Größe \"M\"; rot, 5 €")), ("price", number("19.99"))]),
        item(
            "Leeds",
            "00123",
            "7",
            &[("name", text("=HYPERLINK(\"http://example.com\")")), ("price", number("1.234"))],
        ),
        item("Leeds", "+1", "1", &[("name", text("@SUM(A1:A9)")), ("weight", number("0.1"))]),
        item("Leeds", "-2", "1", &[("name", text("two\nlines, and\ta tab")), ("weight", number("123456789012345"))]),
        item("Leeds", "1E5", &nines, &[("weight", number(&format!("0.{nines}"))), ("price", number("-2.5"))]),
        item("York, old town", "A", "1", &[("counted", text("2026-10-03")), ("barcode", text("036000291452"))]),
        item("York, old town", "B", "1", &[("counted", text("2026-10-03T18:00:05")), ("sold_out", Value::Bool(true))]),
        item("York, old town", "C", "1", &[("counted", text("1850-01-01")), ("name", text("#1 of 2"))]),
        item("York, old town", "D", "1", &[("name", text("_x0041_ 数量 👩\u{200d}🔧")), ("weight", number("1e-20"))]),
    ]
}

fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

async fn put(cloud: &Cloud, table: &str, item: &Item) {
    let attributes = item_to_attributes(item).expect("attributes");
    let put = cloud.dynamodb.put_item().table_name(table).set_item(Some(attributes));
    put.send().await.expect("an item put");
}

/// Returns all items as DynamoDB JSON, sorted.
async fn items_of(cloud: &Cloud, table: &str) -> Vec<String> {
    let mut pages = cloud.dynamodb.scan().table_name(table).consistent_read(true).into_paginator().send();
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        for attributes in page.expect("a page").items.unwrap_or_default() {
            let item = item_from_attributes(attributes).expect("an item");
            items.push(serde_json::to_string(&item).expect("JSON"));
        }
    }
    items.sort();
    items
}

#[test]
fn an_empty_template_is_refused_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock-template.xlsx");
    let made = inventory(&["template", "--out", path(&file)]);
    let stdout = String::from_utf8_lossy(&made.stdout).into_owned();
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    assert!(stdout.contains("is ready to fill in: 10 columns on the sheet \"Stock\""), "{stdout}");

    let checked = inventory(&["check", path(&file), "--json"]);
    assert_eq!((checked.status.code(), &json(&checked)["refusal"]["rule"]), (Some(3), &"no-items".into()));

    let again = inventory(&["template", "--out", path(&file)]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already exists"), "{again:?}");
    let forced = inventory(&["template", "--out", path(&file), "--force", "--json"]);
    assert_eq!((forced.status.code(), &json(&forced)["sheet"]), (Some(0), &"Stock".into()));
    let other = inventory(&["template", "--out", path(&folder.path().join("template.ods"))]);
    assert_eq!(other.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filled_in_template_is_loaded_completely() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("template", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let (template, filled) = (folder.path().join("template.xlsx"), folder.path().join("filled.xlsx"));
    assert_eq!(inventory(&["template", "--out", path(&template)]).status.code(), Some(0));
    let rows: Vec<Vec<String>> = (0..40)
        .map(|n| {
            let (sku, quantity, gone) = (format!("{n:05}"), n.to_string(), if n % 2 == 0 { "yes" } else { "no" });
            let typed = [
                sku.as_str(),
                "Schraube M8 & Mutter",
                "Bolts",
                "Leeds",
                &quantity,
                "12.5",
                "3",
                "=Calder",
                "46298",
                gone,
            ];
            typed.map(str::to_string).to_vec()
        })
        .collect();
    std::fs::write(&filled, fill(&std::fs::read(&template).unwrap(), &rows)).unwrap();

    let out = folder.path().join("loads");
    let arguments = ["load", path(&filled), "--table", &table, "--out", path(&out), "--json"];
    let loaded = inventory_at(&cloud.endpoint, REGION, &arguments);
    assert_eq!(loaded.status.code(), Some(0), "{loaded:?}");
    let report = json(&loaded);
    assert_eq!((&report["rows"]["new"], &report["rows"]["rejected"]), (&40.into(), &0.into()), "{report}");
    let items = items_of(&cloud, &table).await;
    let first = r#"{"category":{"S":"Bolts"},"discontinued":{"BOOL":true},"last_counted":{"S":"2026-10-03"},"name":{"S":"Schraube M8 & Mutter"},"quantity":{"N":"0"},"reorder_level":{"N":"3"},"sku":{"S":"00000"},"supplier":{"S":"=Calder"},"unit_price":{"N":"12.5"},"warehouse":{"S":"Leeds"}}"#;
    assert_eq!(items.len(), 40);
    assert!(items.iter().any(|item| item == first), "{items:?}");
    cloud.delete_table(&table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_an_export_writes_nothing() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("export", &[("pk", "S"), ("lot", "N")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    let awkward = awkward_items();
    let plain = (0..60).map(|n| item("Leeds", &format!("P-{n:04}"), "1", &[("price", number(&format!("{n}.5")))]));
    let all: Vec<Item> = awkward.into_iter().chain(plain).collect();
    for item in &all {
        put(&cloud, &table, item).await;
    }
    let before = items_of(&cloud, &table).await;
    assert_eq!(before.len(), all.len());

    for name in ["stock.xlsx", "Stock Q3.csv"] {
        let file = folder.path().join(name);
        let to = ["--table", &table, "--schema", path(&rules), "--json"];
        let export = [&["export", "--out", path(&file), "--read-units", "500", "--segments", "3"][..], &to].concat();
        let exported = inventory_at(&cloud.endpoint, REGION, &export);
        assert_eq!(exported.status.code(), Some(0), "{exported:?}");
        let exported_report = json(&exported);
        assert_eq!(
            (&exported_report["items"], &exported_report["left_out"]["total"]),
            (&all.len().into(), &0.into()),
            "{exported_report}"
        );
        assert_eq!(exported_report["sorted"], true);

        let out = folder.path().join(unique("loads"));
        let loaded =
            inventory_at(&cloud.endpoint, REGION, &[&["load", path(&file), "--out", path(&out)][..], &to].concat());
        assert_eq!(loaded.status.code(), Some(0), "{name}: {loaded:?}");
        let report = json(&loaded);
        assert_eq!(report["rows"]["unchanged"], all.len(), "{name}: {report}");
        assert_eq!(report["rows"]["rejected"], 0, "{name}: {report}");
        assert_eq!(report["units"]["write"], 0.0, "{name}: {report}");
        assert_eq!(items_of(&cloud, &table).await, before, "{name}");
    }
    cloud.delete_table(&table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn items_left_out_of_an_export_are_named_and_the_exit_code_is_1() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("left-out", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.csv");
    let stock = |sku: &str, name: Value| Item::from([("sku", text(sku)), ("name", name), ("quantity", number("5"))]);
    let mut shelved = stock("A", text("Bolt"));
    shelved.insert("shelf", text("7"));
    for item in [shelved, stock("B", Value::L(vec![])), stock("C", text("Nut "))] {
        put(&cloud, &table, &item).await;
    }
    let arguments = ["export", "--table", &table, "--out", path(&file)];
    let exported = inventory_at(&cloud.endpoint, REGION, &arguments);
    assert_eq!(exported.status.code(), Some(1), "{exported:?}");
    let stdout = String::from_utf8_lossy(&exported.stdout).into_owned();
    assert!(stdout.starts_with(&format!("1 item is in {}.\n2 items were left out", file.display())), "{stdout}");
    for line in ["  B: Name is a list, but the rules expect text\n", "  C: Name would come back", "shelf (1 item)"] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }
    assert_eq!(String::from_utf8_lossy(&exported.stderr), "", "quiet when piped");
    let csv = std::fs::read_to_string(&file).unwrap();
    assert!(csv.starts_with("\u{feff}SKU,Name,Category,") && csv.lines().nth(1) == Some("A,Bolt,,,5,,,,,"), "{csv}");

    // An existing file, an unknown table, a format that is not supported.
    for (arguments, word) in [
        (vec!["export", "--table", &table, "--out", path(&file)], "already exists"),
        (vec!["export", "--table", "no-such-table", "--out", path(&file), "--force"], "no-such-table"),
        (vec!["export", "--table", &table, "--out", "stock.ods"], "neither in .xlsx nor in .csv"),
    ] {
        let output = inventory_at(&cloud.endpoint, REGION, &arguments);
        let stdout = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), stdout.contains(word)), (Some(2), true), "{arguments:?}: {stdout}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), csv);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    cloud.delete_table(&table).await;
}
