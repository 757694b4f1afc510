//! Whole files, and the verdict on each of their rows.

use super::*;
use crate::item::Item;
use crate::judge::Skipped;
use crate::judge::heading::HEADER_SEARCH_ROWS;
use crate::workbook::Budget;
use std::collections::BTreeMap;
use std::io::{Seek, Write};

/// By the shipped rules with a change to their text.
pub fn judged_by(
    content: &[u8],
    change: impl Fn(String) -> String,
) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
    let schema = Schema::from_toml(&change(include_str!("../../../inventory.toml").to_string())).unwrap();
    judged_with(content, &schema)
}

/// The last verdict of each row, and what was said of the sheets.
pub fn judged(content: &[u8]) -> Result<(BTreeMap<u32, Verdict>, Vec<SheetRead>), JudgeError> {
    let (verdicts, file) = judged_with(content, &Schema::shipped().unwrap())?;
    Ok((verdicts, file.sheets))
}

pub fn judged_with(content: &[u8], schema: &Schema) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    let mut workbook = Workbook::open(file, "Stock.csv", Budget::default())?;
    let mut verdicts = BTreeMap::new();
    let mut judge = Judge::new(schema);
    let mut emit = |place: Place, verdict: Verdict<LentItem<'_>>| {
        verdicts.insert(place.1, verdict.map(|item| Item::from(&item)));
        Ok(())
    };
    let mut read = judge.judge_file(&mut workbook, &mut emit)?;
    judge.judge_again(&mut workbook, &mut emit, &mut read)?;
    Ok((verdicts, read))
}

pub fn refused(content: &[u8]) -> Refusal {
    match judged(content) {
        Err(JudgeError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn skipped(why: Skip, says: &str) -> Verdict {
    Verdict::Skipped(Skipped { why, says: says.to_string() })
}

pub fn rules(verdict: &Verdict) -> Vec<&'static str> {
    match verdict {
        Verdict::Rejected(kept) | Verdict::Duplicate(kept) => kept.problems.iter().map(|p| p.rule.id()).collect(),
        Verdict::Accepted(_) | Verdict::Skipped(_) => vec![],
    }
}

#[test]
fn titles_stand_above_the_header_and_every_row_has_a_verdict() {
    let (verdicts, sheets) = judged(b"Stock of Q3\n\nSKU,Qty,Name\nA,5,Bolt\n,,counted by Ann\n").unwrap();
    assert_eq!(verdicts.keys().copied().collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert_eq!(verdicts[&1], skipped(Skip::Title, "Stock of Q3"));
    assert_eq!(verdicts[&3], skipped(Skip::Header, "SKU Qty Name"));
    assert!(matches!(verdicts[&4], Verdict::Accepted(_)));
    assert_eq!(verdicts[&5], skipped(Skip::Note, "counted by Ann"));
    assert_eq!((sheets[0].name.as_str(), sheets[0].header_row, sheets[0].columns.len()), ("Stock", Some(3), 3));
    assert_eq!((sheets[0].columns[1].header.as_str(), sheets[0].columns[1].column.as_str()), ("Name", "C"));
}

#[test]
fn a_file_without_header_or_items_is_refused_with_the_nearest_header() {
    let refusal = refused(b"Article,Qty\nBolt,5\n");
    assert_eq!(refusal.rule, Rule::NoSheetFits);
    let message =
        "No sheet has a column for the SKU. The nearest header is in row 1 of sheet \"Stock\": \"Article\", \"Qty\".";
    assert_eq!(refusal.message, message);
    let refusal = refused(b"1,2\n3,4\n");
    assert_eq!(refusal.rule, Rule::NoHeaderFound);
    let message =
        "No sheet has a row with the names of the columns; these at least must be there: SKU, Name, Quantity.";
    assert_eq!(refusal.message, message);
    assert_eq!(refused(b"SKU,Name,Qty\n").rule, Rule::NoItems);
    assert_eq!(refused(b"SKU,Price,Unit price,Qty\nA,1,2,3\n").rule, Rule::ColumnNamedTwice);
}

#[test]
fn a_header_is_searched_for_in_the_first_rows_only() {
    let text = |titles: usize| "Count of 3 October\n".repeat(titles) + "SKU,Name,Qty\nA,Bolt,5\n";
    assert!(judged(text(HEADER_SEARCH_ROWS - 1).as_bytes()).is_ok());
    assert_eq!(refused(text(HEADER_SEARCH_ROWS).as_bytes()).rule, Rule::NoHeaderFound);
}

#[test]
fn a_header_may_stand_in_two_rows() {
    let (verdicts, sheets) = judged(b"Stock,,,\nItem,,Unit,Name\nnumber,Qty,price,\nA,5,1.5,Bolt\n").unwrap();
    let Verdict::Accepted(item) = &verdicts[&4] else { panic!("{:?}", verdicts[&4]) };
    assert_eq!(item.keys().collect::<Vec<_>>(), ["name", "quantity", "sku", "unit_price"]);
    assert_eq!(sheets[0].header_row, Some(3));
    assert_eq!(verdicts[&1], skipped(Skip::Title, "Stock"));
    assert_eq!(verdicts[&2], skipped(Skip::Header, "Item Unit Name"));
    // A blank row between them makes two tables of it, not one header.
    assert!(judged(b"Item,,Unit\n\nnumber,Qty,price\nA,5,1.5\n").is_err());
}

#[test]
fn a_list_made_for_printing_has_its_header_and_what_stands_above_it_on_every_page() {
    let page = |sku: &str| format!("Leeds;;Stock;Reorder\nSKU;Name;Qty;level\n{sku};Bolt;5;2\n");
    let (verdicts, file) = judged_by((page("A") + &page("B")).as_bytes(), |rules| rules).unwrap();
    for row in [1, 2, 4, 5] {
        assert!(matches!(&verdicts[&row], Verdict::Skipped(skipped) if skipped.why == Skip::Header), "row {row}");
    }
    assert_eq!(item(&verdicts[&6])["reorder_level"], crate::item::Value::N("2".into()));
    assert_eq!(file.unremarked_rows, 4);
}

#[test]
fn rows_of_blanks_are_passed_over_wherever_they_stand() {
    let list = "\u{a0},\n \u{200b},,\nSKU,Name,Qty\n ,\u{a0},\nA,Bolt,5\n,  ,\n";
    let (verdicts, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
    for row in [1, 2, 4, 6] {
        assert_eq!(verdicts[&row], skipped(Skip::Blank, ""), "row {row}");
    }
    assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
    assert_eq!(file.unremarked_rows, 5);
    assert_eq!(refused("SKU,Name,Qty\n ,\u{a0},\n".as_bytes()).rule, Rule::NoItems);
}

#[test]
fn a_row_says_what_it_says_as_far_as_it_is_needed() {
    let long = "x".repeat(300);
    let (verdicts, _) = judged(format!("{long}\nSKU,Name,Qty\nA,Bolt,5\n").as_bytes()).unwrap();
    let Verdict::Skipped(title) = &verdicts[&1] else { panic!("not skipped") };
    assert_eq!(title.says.chars().count(), 101);
}

fn item(verdict: &Verdict) -> &crate::item::Item {
    match verdict {
        Verdict::Accepted(item) => item,
        other => panic!("{other:?}"),
    }
}

#[test]
fn columns_that_the_rules_do_not_know_are_said_kept_or_refused() {
    let list = b"SKU,Name,Qty,Shelf\nA,Bolt,1,7b\n";
    let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
    assert!(!item(&verdicts[&2]).contains_key("Shelf"));
    assert_eq!(file.notes[0].rule, Rule::ColumnsNotKnown);
    assert!(file.notes[0].message.ends_with("does not know: \"Shelf\" (D)."), "{}", file.notes[0].message);
    let with = |policy: &str| {
        judged_by(list, |rules| {
            rules.replace("\nunknown_columns = \"ignore\"", &format!("\nunknown_columns = \"{policy}\""))
        })
    };
    let (verdicts, file) = with("keep").unwrap();
    assert_eq!(item(&verdicts[&2])["Shelf"], crate::item::Value::S("7b".into()));
    assert!(file.notes.is_empty());
    assert!(matches!(with("reject"), Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::ColumnsNotAllowed));
}

#[test]
fn of_columns_with_one_name_the_first_value_is_kept_and_none_in_place_of_the_key() {
    let list = b"SKU,Name,Qty,Warehouse,Shelf,Shelf,pk\nA,Bolt,1,LDS,,7b,x\nB,Nut,2,YRK,8c,9d,\n";
    let change = |rules: String| {
        let rules = rules.replace("\nunknown_columns = \"ignore\"", "\nunknown_columns = \"keep\"");
        let key = "partition = { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        let rules = rules.replacen("partition = \"sku\"", key, 1);
        rules.replacen("name = \"warehouse\"", "name = \"warehouse\"\nrequired = true", 1)
    };
    let (verdicts, _) = judged_by(list, change).unwrap();
    let has = |row: u32, attribute: &str| item(&verdicts[&row])[attribute].clone();
    let text = |text: &str| crate::item::Value::S(text.into());
    assert_eq!((has(2, "Shelf"), has(2, "pk")), (text("7b"), text("LDS#A")));
    assert_eq!((has(3, "Shelf"), has(3, "pk")), (text("8c"), text("YRK#B")));
}

#[test]
fn items_on_a_hidden_sheet_are_named_where_no_visible_sheet_has_any() {
    let book = |visible: [&str; 3]| {
        let mut book = rust_xlsxwriter::Workbook::new();
        book.add_worksheet().set_name("Summary").unwrap().write_row(0, 0, visible).unwrap();
        let sheet = book.add_worksheet().set_name("data_raw").unwrap().set_hidden(true);
        sheet.write_row(2, 0, ["SKU", "Name", "Quantity"]).unwrap();
        sheet.write_row(3, 0, ["A", "Bolt", "5"]).unwrap();
        book.save_to_buffer().unwrap()
    };
    let refusal = refused(&book(["Group", "Count", "Value"]));
    assert_eq!(refusal.rule, Rule::SheetHiddenFits);
    let message = "No sheet that is shown has a row with the names of the columns; sheet \"data_raw\" has one (row 3), and it is hidden.";
    assert_eq!(refusal.message, message);
    // A visible sheet that fits is loaded, or told to have no items, whatever is hidden.
    assert_eq!(refused(&book(["SKU", "Name", "Quantity"])).rule, Rule::NoItems);
}

#[test]
fn a_formula_without_its_result_is_no_empty_cell_even_in_a_column_that_may_be_empty() {
    let rows = "<row><c t='inlineStr'><is><t>SKU</t></is></c><c t='inlineStr'><is><t>Name</t></is></c>\
                <c t='inlineStr'><is><t>Qty</t></is></c><c t='inlineStr'><is><t>Price</t></is></c></row>\
                <row><c t='inlineStr'><is><t>A</t></is></c><c t='inlineStr'><is><t>Bolt</t></is></c>\
                <c><v>5</v></c><c><f>1/2</f><v></v></c></row>\
                <row><c><f>A2</f></c><c/><c><f>C2</f></c><c t='str'><f>T(1)</f><v></v></c></row>";
    let (verdicts, _) = judged(&crate::workbook::sheet_of(rows)).unwrap();
    assert_eq!(rules(&verdicts[&2]), ["formula-without-result"]);
    let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D2 is a formula, and its result is not stored in the file.");
    assert_eq!(rules(&verdicts[&3]), ["formula-without-result", "value-missing", "formula-without-result"]);
}

#[test]
fn a_cell_that_cannot_be_read_is_a_problem_in_a_column_of_the_rules_and_nowhere_else() {
    let text = |place: &str, text: &str| format!("<c r='{place}' t='inlineStr'><is><t>{text}</t></is></c>");
    let header = [text("A1", "SKU"), text("B1", "Name"), text("C1", "Qty"), text("D1", "Price")].concat();
    let item = |row: u32, name: &str, price: &str| {
        let sku = text(&format!("A{row}"), &format!("A-{row}"));
        format!("<row>{sku}{}<c r='C{row}'><v>5</v></c>{}</row>", text(&format!("B{row}"), name), price)
    };
    let rows = [
        format!("<row>{header}</row>"),
        item(2, "Bolt", "<c r='D2' t='n'><v>many</v></c>"),
        item(3, "Nut", "<c r='D3'><v>2</v></c><c r='F3' t='s'><v>x</v></c>"),
    ];
    let (verdicts, _) = judged(&crate::workbook::sheet_of(&rows.concat())).unwrap();
    assert_eq!(rules(&verdicts[&2]), ["cell-could-not-be-read"]);
    let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
    let message = "Price in D2 can't be read for sure: the file doesn't say plainly what is in it.";
    assert_eq!(kept.problems[0].message, message);
    assert!(matches!(verdicts[&3], Verdict::Accepted(_)));
}

#[test]
fn only_the_sheet_that_the_rules_name_is_read() {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (sheet, sku) in [("Old", "A"), ("Stock", "B")] {
        let sheet = book.add_worksheet().set_name(sheet).unwrap();
        sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
        sheet.write_row(1, 0, [sku, "Bolt", "5"]).unwrap();
    }
    let book = book.save_to_buffer().unwrap();
    let with = |sheet: &str| judged_by(&book, |rules| format!("sheet = \"{sheet}\"\n{rules}"));
    let (verdicts, file) = with("STOCK").unwrap();
    assert_eq!(item(&verdicts[&2])["sku"], crate::item::Value::S("B".into()));
    assert_eq!((file.sheets[0].loaded, file.sheets[0].skipped), (false, Some(Skip::OtherSheet)));
    let Err(JudgeError::Refused(refusal)) = with("Prices") else { panic!("not refused") };
    assert_eq!(refusal.message, "The file has no visible sheet called \"Prices\"; it has \"Old\", \"Stock\".");
}

#[test]
fn the_whole_column_tells_how_its_numbers_are_written() {
    let price = |verdict: &Verdict| item(verdict)["unit_price"].clone();
    let n = |digits: &str| crate::item::Value::N(digits.into());
    let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;3,50\n").unwrap();
    assert_eq!((price(&verdicts[&2]), price(&verdicts[&3])), (n("1234"), n("3.5")));
    let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;3.50\n").unwrap();
    assert_eq!(price(&verdicts[&2]), n("1.234"));
    let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;\n").unwrap();
    assert_eq!(rules(&verdicts[&2]), ["separator-unclear"]);
    let (verdicts, _) = judged(b"Item;Item;;Unit\nnumber;name;Qty;price\nA;Bolt;1;1.234\nB;Nut;2;3,50\n").unwrap();
    assert_eq!((price(&verdicts[&3]), price(&verdicts[&4])), (n("1234"), n("3.5")));
}

#[test]
fn amounts_in_two_currencies_are_loaded_and_said_once_with_the_first_cell_of_the_second() {
    let list =
        b"SKU;Name;Qty;Price\nA;Bolt;1;12 EUR\nB;Nut;2;5\nC;Pin;1;$12\nD;Cap;1;\xc2\xa3 3\nE;Bar;1;7 \xe2\x82\xac\n";
    let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
    assert_eq!(item(&verdicts[&4])["unit_price"], crate::item::Value::N("12".into()));
    let said: Vec<&str> = file.notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "Price has amounts in EUR and in $, the first of these in D4 on sheet \"Stock\"; the numbers were taken as they stand."
        ]
    );
    let in_euro = |rules: String| rules.replacen("type = \"money\"", "type = \"money\"\ncurrency = \"EUR\"", 1);
    let (verdicts, file) = judged_by(list, in_euro).unwrap();
    assert!(file.notes.is_empty() && matches!(verdicts[&6], Verdict::Accepted(_)));
    for row in [4, 5] {
        assert_eq!(rules(&verdicts[&row]), ["currency-differs"]);
    }
    let Verdict::Rejected(kept) = &verdicts[&4] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D4 is \"$12\", and the Price is in EUR here.");
}

#[test]
fn an_empty_cell_is_what_the_rules_say_it_is_and_a_text_looks_as_they_say() {
    let change = |text: String| {
        let text =
            text.replacen("name = \"category\"", "name = \"category\"\nempty = \"default\"\ndefault = \"None\"", 1);
        text.replacen("name = \"warehouse\"", "name = \"warehouse\"\npattern = \"[A-Z]{3}\"", 1)
    };
    let (verdicts, _) = judged_by(b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nB,Nut,1,Leeds\n", change).unwrap();
    assert_eq!(item(&verdicts[&2])["category"], crate::item::Value::S("None".into()));
    assert_eq!(rules(&verdicts[&3]), ["pattern-differs"]);
}

#[test]
fn a_key_of_several_columns_is_put_together_and_told_by_its_columns() {
    let change = |text: String| {
        let key = "partition = { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        let text = text.replacen("partition = \"sku\"", key, 1);
        text.replacen("name = \"warehouse\"", "name = \"warehouse\"\nrequired = true", 1)
    };
    let list = b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nA,Bolt,1,YRK\nB,Nut,1,L#S\nC,Pin,1,\nA,Bolt,2,YRK\n";
    let (verdicts, _) = judged_by(list, change).unwrap();
    assert_eq!(item(&verdicts[&2])["pk"], crate::item::Value::S("LDS#A".into()));
    assert!(matches!(verdicts[&3], Verdict::Duplicate(_)) && matches!(verdicts[&6], Verdict::Duplicate(_)));
    assert_eq!(rules(&verdicts[&4]), ["key-holds-sign"]);
    assert_eq!(rules(&verdicts[&5]), ["key-missing"]);
}
