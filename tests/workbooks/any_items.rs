//! Properties of random items: exported and read back, they are unchanged, or it is reported why they were left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;

use inventory_base::item::{Item, Value, same_item};
use inventory_base::message::Rule;
use inventory_check::sheet::Form;
use inventory_check::sheet::export::{Export, Exported};
use inventory_rules::judge::{BorrowedItem, Judge, JudgeError, Place, Skip, Verdict};
use inventory_rules::schema::{SHIPPED, Schema};
use inventory_workbook::{Budget, Workbook};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::{RULES, item};
use crate::harness::check_property;

const CASES: u32 = 96;

fn failed(what: impl std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("{what:?}"))
}

fn export(schema: &Schema, form: Form, items: &[Item]) -> Result<(Exported, File), TestCaseError> {
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut export = Export::begin(schema, form, file.try_clone().map_err(failed)?).map_err(failed)?;
    for item in items {
        export.add(item.clone()).map_err(failed)?;
    }
    let exported = export.end().map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok((exported, file))
}

/// Reads the accepted items by key. No row may be rejected.
fn read(schema: &Schema, form: Form, file: File) -> Result<BTreeMap<String, Item>, TestCaseError> {
    let name = if form == Form::Csv { "Stock Q3.csv" } else { "stock.xlsx" };
    let mut workbook = Workbook::open(file, name, Budget::default()).map_err(failed)?;
    let (mut items, mut others) = (BTreeMap::new(), Vec::new());
    let mut judge = Judge::new(schema);
    let mut record = |Place(_, row): Place, verdict: Verdict<BorrowedItem<'_>>| {
        match verdict.map(|item| Item::from(&item)) {
            Verdict::Accepted(item) => {
                let key: Vec<&Value> = schema.key.attributes().map(|name| &item[name]).collect();
                items.insert(format!("{key:?}"), item.clone());
            }
            Verdict::Skipped(skipped) if row == 1 || skipped.why == Skip::HiddenSheet => {}
            other => others.push((row, other)),
        }
        Ok(())
    };
    match judge.judge_file(&mut workbook, &mut record) {
        Ok(mut read) => judge.judge_again(&mut workbook, &mut record, &mut read).map_err(failed)?,
        Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::NoItems => {}
        Err(error) => return Err(failed(error)),
    }
    prop_assert!(others.is_empty(), "{:?}", others);
    Ok(items)
}

/// Exports the items and reads them back: each one is unchanged or reported as left out.
fn check_round_trip(schema: &Schema, form: Form, items: &[Item]) -> Result<Exported, TestCaseError> {
    let (exported, file) = export(schema, form, items)?;
    prop_assert_eq!(exported.items + exported.left_out.total, items.len() as u64);
    let back = read(schema, form, file)?;
    prop_assert_eq!(back.len() as u64, exported.items);
    for item in back.values() {
        let same = items.iter().any(|other| {
            let mut known = other.clone();
            known.retain(|name, _| schema.is_known(name));
            same_item(&known, item)
        });
        prop_assert!(same, "{:?} was not exported", item);
    }
    Ok(exported)
}

#[test]
fn any_items_of_the_shipped_rules_survive_export_and_import() {
    let schema = Schema::shipped().expect("the shipped rules");
    check_property(CASES, (vec(any_stock(), 1..30), any_form()), |(stock, form)| {
        let items: Vec<Item> = (0..).zip(stock).map(|(n, item)| with_key(item, n)).collect();
        let exported = check_round_trip(&schema, form, &items)?;
        // A sheet can hold everything such items contain.
        prop_assert_eq!(exported.left_out.items, vec![]);
        Ok(())
    });
}

#[test]
fn any_values_survive_export_and_import_or_are_reported() {
    let shipped = Schema::from_toml(SHIPPED).expect("the shipped rules");
    let own = Schema::from_toml(RULES).expect("rules");
    check_property(CASES, (vec(vec(any_value(), 11), 1..20), any_form()), |(rows, form)| {
        let stock: Vec<Item> = (0..).zip(&rows).map(|(n, values)| with_key(odd(&shipped, values), n)).collect();
        check_round_trip(&shipped, form, &stock)?;
        let lots: Vec<Item> = (0..)
            .zip(&rows)
            .map(|(n, values)| {
                let mut lot = item("Leeds", &format!("A{n}"), "1", &[]);
                lot.extend(
                    odd(&own, values).into_iter().filter(|(name, _)| !["site", "sku", "lot"].contains(&name.as_str())),
                );
                lot
            })
            .collect();
        check_round_trip(&own, form, &lots)?;
        Ok(())
    });
}

fn any_form() -> impl Strategy<Value = Form> {
    select(&[Form::Workbook, Form::Csv][..])
}

/// Gives the item a key that is unique by its number.
fn with_key(mut item: Item, number: u32) -> Item {
    item.insert("sku", Value::S(format!("{number:03}-A").into()));
    item
}

/// Generates an item as the loader would have written it.
fn any_stock() -> impl Strategy<Value = Item> {
    let text = || {
        "[A-Za-z0-9=+@;,'\"äß€.-]( ?[A-Za-z0-9=+@;,'\"äß€.\n\t-]){0,12}".prop_map(|text| Value::S(text.trim().into()))
    };
    let not_quoted = |value: &Value| !matches!(value, Value::S(text) if text.starts_with("=\"") || text.is_empty());
    let amount = (0_u64..1_000_000_000_000, 0..6_usize).prop_map(|(digits, places)| {
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        Value::N(if fraction.is_empty() { whole.into() } else { format!("{whole}.{fraction}").into() })
    });
    let count = any::<u128>().prop_map(|n| Value::N((n % 10_u128.pow(38)).to_string().into()));
    let day =
        (1850..2200_i32, 1..=12_u32, 1..=28_u32).prop_map(|(y, m, d)| Value::S(format!("{y:04}-{m:02}-{d:02}").into()));
    let optional = (
        option::of(text().prop_filter("not changed by a csv", not_quoted)),
        option::of(amount),
        option::of(day),
        option::of(any::<bool>().prop_map(Value::Bool)),
    );
    // A name of nothing but punctuation counts as missing.
    let names = |value: &Value| matches!(value, Value::S(text) if text.contains(char::is_alphanumeric));
    let name = text().prop_filter("not changed by a csv", move |text| not_quoted(text) && names(text));
    (name, count, optional).prop_map(|(name, quantity, (supplier, price, day, gone))| {
        let optional = [("supplier", supplier), ("unit_price", price), ("last_counted", day), ("discontinued", gone)];
        let needed = [("name", name), ("quantity", quantity)];
        needed.into_iter().chain(optional.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
    })
}

/// Returns an item with these values as attributes, whether or not they fit the columns.
fn odd(schema: &Schema, values: &[Option<Value>]) -> Item {
    let names = schema.columns.iter().map(|column| column.name.as_str());
    ["unknown"]
        .into_iter()
        .chain(names)
        .zip(values)
        .filter_map(|(name, value)| Some((name.to_string(), value.clone()?)))
        .collect()
}

/// Generates any value a table can hold, many of which look valid for some type.
fn any_value() -> impl Strategy<Value = Option<Value>> {
    const ODD: &[&str] = &[
        "",
        " ",
        "\"",
        "=\"1\"",
        "=1+1",
        "\u{feff}x",
        "a\0b",
        "a\u{1}b",
        "a\u{fffe}b",
        "_x0041_",
        "\r",
        "x\r\ny",
        "Total",
        "SKU",
        "Name",
        "1.234",
        "1,234",
        "TRUE",
        "#N/A",
        "e\u{301}",
        "\u{200b}",
        "2026-10-03",
        "03.10.2026",
        "2026-10-03T18:00:00",
        "1900-01-01",
        "0000-01-01",
        "9999-12-31",
        "Leeds",
        "036000291452",
        "yes",
        "Leeds;A;1;x\nLeeds;B;2;y\nLeeds;C;3;z",
        "A,Bolt,,,5\nB,Nut,,,6\nC,Pin,,,7",
    ];
    const NUMBERS: &[&str] =
        &["0", "-0.5", "1.234", "12.5", "1e125", "1e-130", "99999999999999999999999999999999999999"];
    let texts = prop_oneof![select(ODD).prop_map(str::to_string), any::<String>(), "[A-Z0-9]{1,6}"];
    let value = prop_oneof![
        6 => texts.prop_map(|text| Value::S(text.into())),
        3 => select(NUMBERS).prop_map(|digits| Value::N(digits.into())),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::L(vec![Value::Null(true)])),
        1 => Just(Value::Null(true)),
        1 => Just(Value::NumberSet(vec!["1".into()])),
    ];
    option::weighted(0.8, value)
}
