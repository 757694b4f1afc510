//! Tests that exported items come back the same, and that the others are reported.

use std::fs::File;
use std::io::Seek;

use super::*;
use inventory_rules::judge::{BorrowedItem, Judge, Place, Skip, Verdict};
use inventory_workbook::{Budget, Workbook};

const FORMS: [Form; 2] = [Form::Workbook, Form::Csv];

/// Columns of every type, and a key of two columns.
const RULES: &str = r#"version = 1
    [key]
    partition = { name = "pk", from = "{site}#{sku}" }
    [[column]]
    name = "site"
    type = "choice"
    choices = ["Leeds", "York, old town"]
    required = true
    [[column]]
    name = "sku"
    title = "SKU"
    type = "text"
    required = true
    [[column]]
    name = "name"
    type = "text"
    [[column]]
    name = "count"
    type = "integer"
    empty = "keep"
    [[column]]
    name = "weight"
    type = "decimal"
    decimal = ","
    [[column]]
    name = "price"
    type = "money"
    [[column]]
    name = "counted"
    type = "date"
    [[column]]
    name = "sold"
    type = "boolean"
    default = false
    [[column]]
    name = "barcode"
    type = "gtin"
    unique = true
"#;

fn item(sku: &str, attributes: &[(&str, Value)]) -> Item {
    let text = |text: &str| Value::S(text.into());
    let key = [
        ("site", text("Leeds")),
        ("sku", text(sku)),
        ("pk", text(&format!("Leeds#{sku}"))),
        ("sold", Value::Bool(false)),
    ];
    key.into_iter().chain(attributes.iter().cloned()).collect()
}

fn export(schema: &Schema, form: Form, most: u32, items: &[Item]) -> (Exported, File) {
    let mut file = tempfile::tempfile().unwrap();
    let mut export = Export::begin_with(schema, form, file.try_clone().unwrap(), most).unwrap();
    items.iter().for_each(|item| export.add(item.clone()).unwrap());
    let exported = export.end().unwrap();
    file.rewind().unwrap();
    (exported, file)
}

/// Returns the items that the loader reads, sheet by sheet.
fn read(schema: &Schema, form: Form, file: File) -> Vec<(String, Vec<Item>)> {
    let name = if form == Form::Csv { "Stock.csv" } else { "stock.xlsx" };
    let mut workbook = Workbook::open(file, name, Budget::default()).unwrap();
    let mut sheets: Vec<(String, Vec<Item>)> =
        workbook.sheets().iter().map(|sheet| (sheet.name.clone(), vec![])).collect();
    let mut judge = Judge::new(schema);
    let mut hear = |Place(sheet, row): Place, verdict: Verdict<BorrowedItem<'_>>| {
        match verdict.map(|item| Item::from(&item)) {
            Verdict::Accepted(item) => sheets[usize::from(sheet)].1.push(item),
            Verdict::Skipped(skipped) if row == 1 || skipped.why == Skip::HiddenSheet => {}
            other => panic!("row {row}: {other:?}"),
        }
        Ok(())
    };
    let mut read = judge.judge_file(&mut workbook, &mut hear).unwrap();
    judge.judge_again(&mut workbook, &mut hear, &mut read).unwrap();
    sheets.retain(|(_, items)| !items.is_empty());
    sheets
}

/// Returns the reported reasons why items are left out.
fn reasons(schema: &Schema, form: Form, items: &[Item]) -> Vec<String> {
    let (exported, _) = export(schema, form, LAST_ROW, items);
    assert_eq!(exported.items + exported.left_out.total, items.len() as u64);
    exported.left_out.items.into_iter().map(|out| format!("{} {}", out.column, out.reason)).collect()
}

#[test]
fn items_of_every_type_come_back_the_same() {
    let schema = Schema::from_toml(RULES).unwrap();
    let text = |text: &str| Value::S(text.into());
    let number = |digits: &str| Value::N(digits.into());
    let nines = "9".repeat(38);
    let items = [
        item("00123", &[("name", text("Größe \"M\"; rot, 5 €")), ("count", number("-5")), ("price", number("19.99"))]),
        item("+1+1", &[("name", text("=SUM(A1:A9)")), ("weight", number("1.234")), ("price", number("1.234"))]),
        item(
            "-2",
            &[("name", text("two\nlines\r\nand\ta tab")), ("weight", number("1234.5")), ("sold", Value::Bool(true))],
        ),
        item("1E5", &[("count", number(&nines)), ("weight", number(&format!("-0.{nines}"))), ("price", number("2.5"))]),
        item("A", &[("counted", text("2026-10-03")), ("barcode", text("036000291452")), ("price", number("1234567"))]),
        item("B", &[("counted", text("2026-10-03T18:00:05")), ("name", text("_x0041_")), ("weight", number("1e100"))]),
        item("C", &[("counted", text("1899-12-31")), ("name", text("#1 of 2")), ("weight", number("1e-100"))]),
        item("D", &[("counted", text("2026-10-03T18:00:00+02:00")), ("name", text("TRUE")), ("count", number("0"))]),
    ];
    let mut expected = items.to_vec();
    expected.sort_by(|a, b| by_key(&schema, a, b));
    for form in FORMS {
        let (exported, file) = export(&schema, form, LAST_ROW, &items);
        assert_eq!(exported.left_out, LeftOut::default());
        assert_eq!((exported.items, exported.sheets, exported.sorted), (8, 1, true));
        let sheets = read(&schema, form, file);
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0].0, "Stock");
        for (found, expected) in sheets[0].1.iter().zip(&expected) {
            assert!(same_item(found, expected), "{form:?}: {found:?} for {expected:?}");
        }
        assert_eq!(sheets[0].1.len(), expected.len());
    }
}

#[test]
fn items_beyond_a_full_sheet_go_to_another_sheet_that_is_read_too() {
    let items: Vec<Item> = (0..7).map(|n| item(&n.to_string(), &[])).collect();
    for (line, names) in [("", ["Stock", "Stock 2", "Stock 3"]), ("sheet = \"Q3\"\n", ["Q3", "Q3 +", "Q3 ++"])] {
        let schema = Schema::from_toml(&format!("{line}{RULES}")).unwrap();
        let (exported, file) = export(&schema, Form::Workbook, 3, &items);
        assert_eq!((exported.items, exported.sheets), (7, 3));
        let sheets = read(&schema, Form::Workbook, file);
        let found: Vec<(&str, usize)> = sheets.iter().map(|(name, items)| (name.as_str(), items.len())).collect();
        assert_eq!(found, [(names[0], 3), (names[1], 3), (names[2], 1)]);
    }
}

#[test]
fn an_item_that_would_not_come_back_the_same_is_left_out_with_the_reason() {
    let schema = Schema::from_toml(RULES).unwrap();
    let text = |text: &str| Value::S(text.into());
    let mut no_default = item("E", &[]);
    no_default.remove("sold");
    let mut other_key = item("F", &[]);
    other_key.insert("pk", text("Leeds/F"));
    let mut no_sku = item("G", &[]);
    no_sku.remove("sku");
    for (item, reason) in [
        (item("A", &[("name", Value::L(vec![]))]), "name is a list, but the rules expect text"),
        (
            item("B", &[("name", text(" Bolt"))]),
            "name would come back changed, for example without leading or trailing spaces",
        ),
        (item("C", &[("name", text(""))]), "name would be left empty"),
        (item("D", &[("barcode", text("123"))]), "barcode is not accepted by the rules (gtin-expected)"),
        (no_default, "sold is missing and would get its default value"),
        (other_key, "pk would come back changed, for example without leading or trailing spaces"),
        (no_sku, "SKU is not accepted by the rules (key-missing)"),
        (item("X\u{200b}Y", &[]), "SKU is not accepted by the rules (hidden-sign-in-key)"),
        (item("=1+1", &[]), "SKU is not accepted by the rules (formula-as-text)"),
    ] {
        for form in FORMS {
            assert_eq!(reasons(&schema, form, std::slice::from_ref(&item)), [reason], "{form:?}");
        }
    }
    let swallowed = item("H", &[("name", text("Bolt;5\nLeeds;I;Nut;6\nLeeds;J;Pin;7"))]);
    let long = item("K", &[("name", text(&"x".repeat(32_768)))]);
    assert_eq!(
        reasons(&schema, Form::Workbook, std::slice::from_ref(&long)),
        ["name has 32,768 characters, but a cell holds at most 32,767"]
    );
    assert_eq!(reasons(&schema, Form::Csv, &[long]), [""; 0]);
    // Either it comes back or it is reported, however it is judged.
    let (exported, file) = export(&schema, Form::Workbook, LAST_ROW, &[swallowed, item("L", &[])]);
    let back: usize = read(&schema, Form::Workbook, file).iter().map(|(_, items)| items.len()).sum();
    assert_eq!(back as u64, exported.items);
}

#[test]
fn of_items_with_the_same_unique_value_only_the_first_is_exported() {
    let schema = Schema::from_toml(RULES).unwrap();
    let barcode = |sku: &str| item(sku, &[("barcode", Value::S("4006381333931".into()))]);
    let (exported, file) = export(&schema, Form::Workbook, LAST_ROW, &[barcode("B"), barcode("A"), item("C", &[])]);
    assert_eq!((exported.items, exported.left_out.total), (2, 1));
    assert_eq!(exported.left_out.items[0].key["pk"], Value::S("Leeds#B".into()));
    assert_eq!(read(&schema, Form::Workbook, file)[0].1.len(), 2);
}

#[test]
fn attributes_outside_the_rules_are_counted_except_for_those_of_the_loader() {
    let schema = Schema::from_toml(RULES).unwrap();
    let text = |text: &str| Value::S(text.into());
    let loaded = [("loaded_by", text("0123456789abcdef")), ("loaded_at", text("2026-10-03T08:00:00Z"))];
    let items = [
        item("A", &[("shelf", text("7")), ("bin", Value::L(vec![]))]),
        item("B", &[("shelf", text("8"))]),
        item("C", &loaded),
    ];
    let (exported, file) = export(&schema, Form::Workbook, LAST_ROW, &items);
    assert_eq!(exported.not_known, BTreeMap::from([("bin".to_string(), 1), ("shelf".to_string(), 2)]));
    assert_eq!((exported.items, exported.left_out.total), (3, 0));
    let back = read(&schema, Form::Workbook, file);
    assert!(back[0].1.iter().all(|item| item.len() == 4), "{back:?}");
}

#[test]
fn an_item_marked_as_discontinued_is_left_out_so_that_it_remains_marked() {
    let mark = "[sync]\nmissing = \"mark\"\nscope = \"table\"\n";
    let schema = Schema::from_toml(&RULES.replacen("[key]", &format!("{mark}[key]"), 1)).unwrap();
    let marked = item("A", &[("discontinued", Value::Bool(true))]);
    let reason = "discontinued marks the item, but the rules have no column for it";
    assert_eq!(reasons(&schema, Form::Workbook, &[marked, item("B", &[])]), [reason]);
}

#[test]
fn items_are_sorted_by_key_unless_there_are_too_many() {
    let rules = "version = 1\n[key]\npartition = \"row\"\n[[column]]\nname = \"row\"\ntype = \"integer\"\nrequired = true\n\
                 [[column]]\nname = \"text\"\ntype = \"text\"\n";
    let schema = Schema::from_toml(rules).unwrap();
    let numbered =
        |n: &str, text: usize| Item::from([("row", Value::N(n.into())), ("text", Value::S("x".repeat(text).into()))]);
    let rows = |file| {
        let back = read(&schema, Form::Csv, file).swap_remove(0).1;
        back.into_iter().map(|item| item["row"].clone()).collect::<Vec<_>>()
    };
    let numbers = |numbers: &[&str]| numbers.iter().map(|n| Value::N((*n).into())).collect::<Vec<_>>();
    let (exported, file) = export(&schema, Form::Csv, LAST_ROW, &["10", "9", "-1"].map(|n| numbered(n, 1)));
    assert_eq!((exported.sorted, rows(file)), (true, numbers(&["-1", "9", "10"])));

    const LARGE: usize = 400_000;
    let many: Vec<String> = (0..SORTED_BYTES / LARGE + 3).rev().map(|n| n.to_string()).collect();
    let items: Vec<Item> = many.iter().map(|n| numbered(n, LARGE)).collect();
    let (exported, file) = export(&schema, Form::Csv, LAST_ROW, &items);
    assert!(!exported.sorted);
    assert_eq!(rows(file), numbers(&many.iter().map(String::as_str).collect::<Vec<_>>()));
}

#[test]
fn a_single_column_comes_back_whatever_its_texts_contain() {
    let rules =
        "version = 1\n[key]\npartition = \"sku\"\n[[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n";
    let schema = Schema::from_toml(rules).unwrap();
    let items: Vec<Item> = ["a;b", "c;d", "e|f", "g,h", "\"i\""]
        .iter()
        .map(|sku| Item::from([("sku", Value::S((*sku).into()))]))
        .collect();
    for form in FORMS {
        let (exported, file) = export(&schema, form, LAST_ROW, &items);
        assert_eq!((exported.items, exported.left_out.total), (5, 0), "{form:?}");
        assert_eq!(read(&schema, form, file)[0].1.len(), 5, "{form:?}");
    }
}
