//! Tests with whole files and the verdict on each row.

use super::*;
use crate::judge::Skipped;
use crate::judge::borrowed::BorrowedItem;
use crate::judge::heading::HEADER_SEARCH_ROWS;
use crate::judge::{Place, SheetRead, Verdict};
use inventory_base::item::Item;
use inventory_base::message::Rule;
use inventory_workbook::Budget;
use std::collections::BTreeMap;
use std::io::{Seek, Write};

/// Judges by the shipped rules, with a change to their text.
pub fn judged_by(
    content: &[u8],
    change: impl Fn(String) -> String,
) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
    let schema = Schema::from_toml(&change(crate::schema::SHIPPED.to_string())).unwrap();
    judged_with(content, &schema)
}

/// The last verdict on each row, and what was found about the sheets.
pub fn judged(content: &[u8]) -> Result<(BTreeMap<u32, Verdict>, Vec<SheetRead>), JudgeError> {
    let (verdicts, file) = judged_with(content, &Schema::shipped().unwrap())?;
    Ok((verdicts, file.sheets))
}

pub fn judged_with(content: &[u8], schema: &Schema) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    let encoding = schema.encoding.map(|encoding| encoding.0);
    let mut workbook = Workbook::open_in(file, "Stock.csv", Budget::default(), encoding)?;
    let mut verdicts = BTreeMap::new();
    let mut judge = Judge::new(schema);
    let mut sink = |place: Place, verdict: Verdict<BorrowedItem<'_>>| {
        verdicts.insert(place.1, verdict.map(|item| Item::from(&item)));
        Ok(())
    };
    let mut read = judge.judge_file(&mut workbook, &mut sink)?;
    judge.judge_again(&mut workbook, &mut sink, &mut read)?;
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
fn titles_come_before_the_header_and_every_row_gets_a_verdict() {
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
fn a_file_without_a_header_or_items_is_refused_quoting_the_nearest_header() {
    let refusal = refused(b"Article,Qty\nBolt,5\n");
    assert_eq!(refusal.rule, Rule::NoSheetFits);
    let message = "No sheet has a column for the SKU. The row that looks most like a header is row 1 of sheet \"Stock\": \"Article\", \"Qty\".";
    assert_eq!(refusal.message, message);
    let refusal = refused(b"1,2\n3,4\n");
    assert_eq!(refusal.rule, Rule::NoHeaderFound);
    let message = "No sheet has a row of column names; at least these are needed: SKU, Name, Quantity.";
    assert_eq!(refusal.message, message);
    assert_eq!(refused(b"SKU,Name,Qty\n").rule, Rule::NoItems);
}

#[test]
fn two_candidates_for_a_column_are_named_and_a_choice_by_the_rules_is_reported() {
    let refusal = refused(b"SKU,Name,Price,Qty,Sale price\nA,Bolt,1,2,3\n");
    assert_eq!(refusal.rule, Rule::ColumnNamedTwice);
    let message =
        "Sheet \"Stock\" has two columns that could be the Unit price: \"Price\" (C1) and \"Sale price\" (E1).";
    assert_eq!(refusal.message, message);
    assert!(refusal.advice.contains("header = \"Price\" for the Unit price"), "{}", refusal.advice);
    let (_, sheets) = judged(b"Item ID,SKU,Name,Qty,Cost,Price\n1,A,Bolt,5,1,2\n").unwrap();
    let chosen = sheets[0].columns.iter().filter(|column| !column.instead_of.is_empty());
    let chosen: Vec<_> = chosen.map(|column| (column.column.as_str(), column.instead_of[0].header.as_str())).collect();
    assert_eq!(chosen, [("B", "Item ID"), ("F", "Cost")]);
}

#[test]
fn the_bundled_lists_can_still_be_read() {
    for folder in ["sample-data", "tests/files"] {
        for entry in std::fs::read_dir(format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if !["csv", "xlsx", "xls", "ods", "html", "tsv", "xml", "xlsb"].contains(&ending) {
                continue;
            }
            if let Err(JudgeError::Refused(refusal)) = judged(&std::fs::read(&path).unwrap()) {
                let ours = [Rule::ColumnNamedTwice, Rule::SecondTable];
                assert!(!ours.contains(&refusal.rule), "{}: {}", path.display(), refusal.message);
            }
        }
    }
}

#[test]
fn a_header_is_only_searched_for_in_the_first_rows() {
    let text = |titles: usize| "Count of 3 October\n".repeat(titles) + "SKU,Name,Qty\nA,Bolt,5\n";
    assert!(judged(text(HEADER_SEARCH_ROWS - 1).as_bytes()).is_ok());
    assert_eq!(refused(text(HEADER_SEARCH_ROWS).as_bytes()).rule, Rule::NoHeaderFound);
}

#[test]
fn a_header_may_take_two_rows() {
    let (verdicts, sheets) = judged(b"Stock,,,\nItem,,Unit,Name\nnumber,Qty,price,\nA,5,1.5,Bolt\n").unwrap();
    let Verdict::Accepted(item) = &verdicts[&4] else { panic!("{:?}", verdicts[&4]) };
    assert_eq!(item.keys().collect::<Vec<_>>(), ["name", "quantity", "sku", "unit_price"]);
    assert_eq!(sheets[0].header_row, Some(3));
    assert_eq!(verdicts[&1], skipped(Skip::Title, "Stock"));
    assert_eq!(verdicts[&2], skipped(Skip::Header, "Item Unit Name"));
    // A blank row between them makes them two tables instead of one header.
    assert!(judged(b"Item,,Unit\n\nnumber,Qty,price\nA,5,1.5\n").is_err());
}

#[test]
fn a_list_made_for_printing_repeats_its_header_rows_on_every_page() {
    let page = |sku: &str| format!("Leeds;;Stock;Reorder\nSKU;Name;Qty;level\n{sku};Bolt;5;2\n");
    let (verdicts, file) = judged_by((page("A") + &page("B")).as_bytes(), |rules| rules).unwrap();
    for row in [1, 2, 4, 5] {
        assert!(matches!(&verdicts[&row], Verdict::Skipped(skipped) if skipped.why == Skip::Header), "row {row}");
    }
    assert_eq!(item(&verdicts[&6])["reorder_level"], inventory_base::item::Value::N("2".into()));
    assert_eq!(file.unremarked_rows, 4);
}

#[test]
fn blank_rows_are_skipped_anywhere() {
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
fn the_text_of_a_skipped_row_is_shortened() {
    let long = "x".repeat(300);
    let (verdicts, _) = judged(format!("{long}\nSKU,Name,Qty\nA,Bolt,5\n").as_bytes()).unwrap();
    let Verdict::Skipped(title) = &verdicts[&1] else { panic!("not skipped") };
    assert_eq!(title.says.chars().count(), 101);
}

pub fn item(verdict: &Verdict) -> &inventory_base::item::Item {
    match verdict {
        Verdict::Accepted(item) => item,
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_columns_are_noted_kept_or_refused() {
    let list = b"SKU,Name,Qty,Shelf\nA,Bolt,1,7b\n";
    let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
    assert!(!item(&verdicts[&2]).contains_key("Shelf"));
    assert_eq!(file.notes[0].rule, Rule::ColumnsNotKnown);
    assert!(file.notes[0].message.ends_with("doesn't know: \"Shelf\" (D)."), "{}", file.notes[0].message);
    let with = |policy: &str| {
        judged_by(list, |rules| {
            rules.replace("\nunknown_columns = \"ignore\"", &format!("\nunknown_columns = \"{policy}\""))
        })
    };
    let (verdicts, file) = with("keep").unwrap();
    assert_eq!(item(&verdicts[&2])["Shelf"], inventory_base::item::Value::S("7b".into()));
    assert!(file.notes.is_empty());
    assert!(matches!(with("reject"), Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::ColumnsNotAllowed));
}

#[test]
fn of_unknown_columns_with_the_same_name_the_first_value_is_kept_but_never_as_the_key() {
    let list = b"SKU,Name,Qty,Warehouse,Shelf,Shelf,pk\nA,Bolt,1,LDS,,7b,x\nB,Nut,2,YRK,8c,9d,\n";
    let change = |rules: String| {
        let rules = rules.replace("\nunknown_columns = \"ignore\"", "\nunknown_columns = \"keep\"");
        let key = "partition = { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        let rules = rules.replacen("partition = \"sku\"", key, 1);
        rules.replacen("name = \"warehouse\"", "name = \"warehouse\"\nrequired = true", 1)
    };
    let (verdicts, _) = judged_by(list, change).unwrap();
    let has = |row: u32, attribute: &str| item(&verdicts[&row])[attribute].clone();
    let text = |text: &str| inventory_base::item::Value::S(text.into());
    assert_eq!((has(2, "Shelf"), has(2, "pk")), (text("7b"), text("LDS#A")));
    assert_eq!((has(3, "Shelf"), has(3, "pk")), (text("8c"), text("YRK#B")));
}

#[test]
fn a_hidden_sheet_with_a_header_is_named_if_no_visible_sheet_has_one() {
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
    let message = "No visible sheet has a row of column names. Sheet \"data_raw\" has one (row 3), but it is hidden.";
    assert_eq!(refusal.message, message);
    // A visible sheet with a header is loaded, or refused because it has no items, whatever is hidden.
    assert_eq!(refused(&book(["SKU", "Name", "Quantity"])).rule, Rule::NoItems);
}

#[test]
fn a_formula_without_a_result_is_a_problem_even_in_an_optional_column() {
    let rows = "<row><c t='inlineStr'><is><t>SKU</t></is></c><c t='inlineStr'><is><t>Name</t></is></c>\
                <c t='inlineStr'><is><t>Qty</t></is></c><c t='inlineStr'><is><t>Price</t></is></c></row>\
                <row><c t='inlineStr'><is><t>A</t></is></c><c t='inlineStr'><is><t>Bolt</t></is></c>\
                <c><f>2+3</f><v>5</v></c><c><f>1/2</f><v></v></c></row>\
                <row><c><f>A2</f></c><c/><c><f>C2</f></c><c t='str'><f>T(1)</f><v></v></c></row>";
    let (verdicts, _) = judged(&inventory_test_files::xlsx::sheet_of(rows)).unwrap();
    assert_eq!(rules(&verdicts[&2]), ["formula-without-result"]);
    let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D2 is a formula whose result is not stored in the file.");
    assert_eq!(rules(&verdicts[&3]), ["formula-without-result", "value-missing", "formula-without-result"]);
}

#[test]
fn a_formula_in_a_text_file_is_never_a_value() {
    let list = b"SKU,Name,Qty,Supplier\n=A3,Bolt,1,x\nB,=A3&\"x\",1,x\nC,Nut,=B2+1,x\nD,Pin,1,=T(1)\n=\"00123\",\"=\"\"=A3\"\"\",1,-x\n,,,=A3\n";
    let (verdicts, _) = judged(list).unwrap();
    for row in [2, 3, 4, 5] {
        assert_eq!(rules(&verdicts[&row]), ["formula-as-text"], "row {row}");
    }
    let text = |text: &str| inventory_base::item::Value::S(text.into());
    assert_eq!((&item(&verdicts[&6])["sku"], &item(&verdicts[&6])["name"]), (&text("00123"), &text("=A3")));
    // It isn't a note either.
    assert!(rules(&verdicts[&7]).contains(&"formula-as-text"));
    let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "SKU in A2 is \"=A3\", a formula that was not calculated.");
    // In a workbook such a text is a value, but it can't be a key.
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
    sheet.write_row(1, 0, ["=\"00123\"", "=A3", "5"]).unwrap();
    sheet.write_row(2, 0, ["=A3", "Bolt", "5"]).unwrap();
    let (verdicts, _) = judged(&book.save_to_buffer().unwrap()).unwrap();
    assert_eq!((&item(&verdicts[&2])["sku"], &item(&verdicts[&2])["name"]), (&text("00123"), &text("=A3")));
    assert_eq!(rules(&verdicts[&3]), ["formula-as-text"]);
}

#[test]
fn an_unreadable_cell_is_a_problem_only_in_a_column_of_the_rules() {
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
    let (verdicts, _) = judged(&inventory_test_files::xlsx::sheet_of(&rows.concat())).unwrap();
    assert_eq!(rules(&verdicts[&2]), ["cell-could-not-be-read"]);
    let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
    let message = "Price in D2 can't be read reliably: the file doesn't say clearly what is in it.";
    assert_eq!(kept.problems[0].message, message);
    assert!(matches!(verdicts[&3], Verdict::Accepted(_)));
}

#[test]
fn only_the_sheet_named_in_the_rules_is_read() {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (sheet, sku) in [("Old", "A"), ("Stock", "B")] {
        let sheet = book.add_worksheet().set_name(sheet).unwrap();
        sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
        sheet.write_row(1, 0, [sku, "Bolt", "5"]).unwrap();
    }
    let book = book.save_to_buffer().unwrap();
    let with = |sheet: &str| judged_by(&book, |rules| format!("sheet = \"{sheet}\"\n{rules}"));
    let (verdicts, file) = with("STOCK").unwrap();
    assert_eq!(item(&verdicts[&2])["sku"], inventory_base::item::Value::S("B".into()));
    assert_eq!((file.sheets[0].loaded, file.sheets[0].skipped), (false, Some(Skip::OtherSheet)));
    let Err(JudgeError::Refused(refusal)) = with("Prices") else { panic!("not refused") };
    assert_eq!(refusal.message, "The file has no visible sheet called \"Prices\"; it has \"Old\", \"Stock\".");
}

#[test]
fn the_whole_column_decides_how_its_numbers_are_written() {
    let price = |verdict: &Verdict| item(verdict)["unit_price"].clone();
    let n = |digits: &str| inventory_base::item::Value::N(digits.into());
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
fn prices_in_a_different_currency_than_most_are_rejected() {
    let list = "SKU;Name;Qty;Price\nA;Bolt;1;12 EUR\nB;Nut;2;5\nC;Pin;1;$12\nD;Cap;1;£ 3\nE;Bar;1;7 €\nF;Rod;1;€ 9\n";
    let (verdicts, file) = judged_by(list.as_bytes(), |rules| rules).unwrap();
    assert!(file.notes.is_empty());
    for row in [2, 3, 6, 7] {
        assert!(matches!(verdicts[&row], Verdict::Accepted(_)), "{row}");
    }
    for row in [4, 5] {
        assert_eq!(rules(&verdicts[&row]), ["currencies-mixed"]);
    }
    let Verdict::Rejected(kept) = &verdicts[&4] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D4 is $12 ($), but most of the column is in EUR.");
    let in_euro = |rules: String| rules.replacen("type = \"money\"", "type = \"money\"\ncurrency = \"EUR\"", 1);
    let (verdicts, _) = judged_by(list.as_bytes(), in_euro).unwrap();
    for row in [4, 5] {
        assert_eq!(rules(&verdicts[&row]), ["currency-differs"]);
    }
    let Verdict::Rejected(kept) = &verdicts[&4] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D4 is \"$12\", but the Price should be in EUR.");
}

#[test]
fn a_column_with_the_currency_of_each_row_is_used() {
    let list = |currencies: [&str; 4]| {
        let rows = currencies.iter().zip("ABCD".chars()).map(|(currency, sku)| format!("{sku},Bolt,1,12,{currency}\n"));
        "SKU,Name,Qty,Price,Currency\n".to_string() + &rows.collect::<String>()
    };
    let problem_counts = |currencies, change: &dyn Fn(String) -> String| {
        let (verdicts, _) = judged_by(list(currencies).as_bytes(), change).unwrap();
        (2..=5).map(|row| rules(&verdicts[&row]).len()).collect::<Vec<_>>()
    };
    let plain = |rules: String| rules;
    let in_euro = |rules: String| rules.replacen("type = \"money\"", "type = \"money\"\ncurrency = \"EUR\"", 1);
    let kept = |rules: String| rules.replace("\nunknown_columns = \"ignore\"", "\nunknown_columns = \"keep\"");
    assert_eq!(problem_counts(["EUR", "EUR", "€", ""], &plain), [0, 0, 0, 0]);
    assert_eq!(problem_counts(["EUR", "USD", "EUR", ""], &plain), [0, 1, 0, 0]);
    assert_eq!(problem_counts(["EUR", "USD", "USD", "EUR"], &plain), [1, 1, 1, 1]);
    assert_eq!(problem_counts(["Euro", "Dollar", "Euro", "euro"], &plain), [0, 1, 0, 0]);
    assert_eq!(problem_counts(["EUR", "USD", "USD", "n/a"], &in_euro), [0, 1, 1, 0]);
    assert_eq!(problem_counts(["Euro", "€", "eur", "Dollar"], &in_euro), [0, 0, 0, 1]);
    // A currency symbol that contradicts its row.
    let signed = b"SKU,Name,Qty,Price,Currency\nA,Bolt,1,$12,EUR\nB,Nut,1,12 EUR,EUR\nC,Pin,1,12,EUR\n";
    let (verdicts, _) = judged(signed).unwrap();
    assert_eq!([2, 3, 4].map(|row| rules(&verdicts[&row]).len()), [1, 0, 0]);
    let Verdict::Rejected(row) = &verdicts[&2] else { panic!("not rejected") };
    assert_eq!(row.problems[0].message, "Price in D2 is $12 ($), but its row names EUR.");
    // If the currency is loaded too, each price has its own.
    assert_eq!(problem_counts(["EUR", "USD", "USD", "EUR"], &kept), [0, 0, 0, 0]);
    let (verdicts, _) = judged_by(list(["EUR", "USD", "USD", "EUR"]).as_bytes(), in_euro).unwrap();
    let Verdict::Rejected(kept) = &verdicts[&3] else { panic!("not rejected") };
    assert_eq!(kept.problems[0].message, "Price in D3 is 12 (USD), but the Unit price is in EUR here.");
}

#[test]
fn what_a_program_added_to_every_identifier_is_removed_in_any_kind_of_file() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
    for (row, sku) in ["40001.0", "40002.0", "40001.0", "40003.0"].into_iter().enumerate() {
        let quantity = if row == 3 { "many" } else { "5" };
        sheet.write_row(row as u32 + 1, 0, [sku, "Bolt", quantity]).unwrap();
    }
    let book = book.save_to_buffer().unwrap();
    let text = b"SKU,Name,Qty\n40001.0,Bolt,5\n40002.0,Bolt,5\n40001.0,Bolt,5\n40003.0,Bolt,many\n";
    for list in [&book[..], text] {
        let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
        assert_eq!(item(&verdicts[&3])["sku"], inventory_base::item::Value::S("40002".into()));
        assert_eq!(rules(&verdicts[&2]), ["key-repeated"]);
        let notes: Vec<_> = file.notes.iter().filter(|note| note.rule == Rule::ReadWithoutAddition).collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        let message = &notes[0].message;
        assert!(message.contains("is written as 40001.0, for example in A2"), "{message}");
        // A row to fix is returned without the other rows that show what the zeros are.
        let Verdict::Rejected(kept) = &verdicts[&5] else { panic!("not rejected") };
        assert_eq!(kept.cells[0].value, "40003");
    }
    let (verdicts, _) = judged(b"SKU,Name,Qty\nA-1,Bolt,5\n40002.0,Bolt,5\n").unwrap();
    assert_eq!(rules(&verdicts[&3]), ["zeros-added"]);
}

#[test]
fn the_rules_can_set_the_encoding_of_text_that_is_not_unicode() {
    let name = |bytes: &[u8], encoding: &str| {
        let list = [b"SKU,Name,Qty\nA,", bytes, b",1\n"].concat();
        let named =
            |rules: String| if encoding.is_empty() { rules } else { format!("encoding = \"{encoding}\"\n{rules}") };
        match judged_by(&list, named) {
            Ok((verdicts, file)) => Ok((item(&verdicts[&2])["name"].clone(), file.notes)),
            Err(JudgeError::Refused(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    };
    // One word is not enough to detect the encoding.
    let refusal = name(b"\x8Cruba", "").unwrap_err();
    assert_eq!(refusal.rule, Rule::EncodingUnclear);
    assert!(refusal.message.contains("\"Œruba\" or \"Śruba\""), "{}", refusal.message);
    let (read, notes) = name(b"\x8Cruba", "cp1250").unwrap();
    assert_eq!(read, inventory_base::item::Value::S("Śruba".into()));
    let message =
        "The text of the file was read as Central European (Windows-1250), as the rules say, for example \"Śruba\".";
    assert_eq!((notes[0].rule, notes[0].message.as_str()), (Rule::EncodingSet, message));
    // Unicode is detected reliably and needs no rule.
    let (read, notes) = name("Śruba".as_bytes(), "windows-1251").unwrap();
    assert_eq!((read, notes), (inventory_base::item::Value::S("Śruba".into()), vec![]));
    for (bytes, encoding) in [(&b"\x8Cruba"[..], "utf-8"), (b"\x83\x20", "shift_jis"), (b"M\x81ller", "windows-1252")] {
        assert_eq!(name(bytes, encoding).unwrap_err().rule, Rule::LettersUnknown, "{encoding}");
    }
}

#[test]
fn separators_are_searched_for_in_characters_not_in_bytes() {
    // The second byte of these characters is | or a backslash in Shift_JIS.
    let names = ["ポンプ", "ソケット", "表示灯", "ボルト", "ダミー", "能力計", "十字ネジ", "予備品"];
    let lines = names.iter().zip(0..).map(|(name, place)| format!("A{place}|{name}|5\r\n"));
    let text = format!("SKU|Name|Qty\r\n{}", lines.collect::<String>());
    let (bytes, _, lost) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!lost && bytes.iter().filter(|byte| **byte == b'|').count() > 2 * names.len() + 2);
    let (verdicts, file) = judged_by(&bytes, |rules| rules).unwrap();
    for (row, name) in (2..).zip(names) {
        assert_eq!(item(&verdicts[&row])["name"], inventory_base::item::Value::S(name.into()));
    }
    let message = "The file doesn't say how its text is encoded; it was read as Japanese (Shift_JIS), \
                   for example \"ポンプ\", \"ソケット\", \"表示灯\".";
    assert_eq!(file.notes[0].message, message);
}

#[test]
fn an_empty_cell_gets_its_default_and_a_text_must_match_its_pattern() {
    let change = |text: String| {
        let text =
            text.replacen("name = \"category\"", "name = \"category\"\nempty = \"default\"\ndefault = \"None\"", 1);
        text.replacen("name = \"warehouse\"", "name = \"warehouse\"\npattern = \"[A-Z]{3}\"", 1)
    };
    let (verdicts, _) = judged_by(b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nB,Nut,1,Leeds\n", change).unwrap();
    assert_eq!(item(&verdicts[&2])["category"], inventory_base::item::Value::S("None".into()));
    assert_eq!(rules(&verdicts[&3]), ["pattern-differs"]);
}

#[test]
fn a_composite_key_is_composed_and_its_problems_name_its_columns() {
    let change = |text: String| {
        let key = "partition = { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        let text = text.replacen("partition = \"sku\"", key, 1);
        text.replacen("name = \"warehouse\"", "name = \"warehouse\"\nrequired = true", 1)
    };
    let list = b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nA,Bolt,1,YRK\nB,Nut,1,L#S\nC,Pin,1,\nA,Bolt,2,YRK\n";
    let (verdicts, _) = judged_by(list, change).unwrap();
    assert_eq!(item(&verdicts[&2])["pk"], inventory_base::item::Value::S("LDS#A".into()));
    assert!(matches!(verdicts[&3], Verdict::Duplicate(_)) && matches!(verdicts[&6], Verdict::Duplicate(_)));
    assert_eq!(rules(&verdicts[&4]), ["key-holds-sign"]);
    assert_eq!(rules(&verdicts[&5]), ["key-missing"]);
}

#[test]
fn a_workbook_of_excel_97_is_read_as_it_shows_its_cells() {
    use inventory_test_files::xls::{file, format, formula, label, number, style};
    let result = |row: u16, result: f64| formula(0x0406, row, 1, result.to_le_bytes());
    let globals = [format(164, "00000"), style(0), style(164), style(57)];
    let header = ["SKU", "Qty", "Name"].into_iter().zip(0..).map(|(title, column)| label(0, column, title));
    let names = (1..=4).map(|row| label(row, 2, "Bolt"));
    let cells = [
        // Format 57 is a date in some countries.
        vec![number(1, 0, 1, 700.0), number(1, 1, 2, 20_000.0)],
        vec![number(2, 0, 2, 2_193_312.0), result(2, 12.0)],
        vec![number(3, 0, 2, 46_298.0), result(3, 12.0)],
        vec![label(4, 0, "A-17"), result(4, 0.0)],
    ];
    let content = file(&globals, &header.chain(names).chain(cells.concat()).collect::<Vec<_>>());
    let (verdicts, _) = judged(&content).unwrap();
    let item = |row: u32| match &verdicts[&row] {
        Verdict::Accepted(item) => format!("{item:?}"),
        other => format!("{other:?}"),
    };
    assert!(item(2).contains("\"00700\"") && item(2).contains("20000"), "{}", item(2));
    assert!(item(3).contains("\"2193312\"") && item(3).contains("12"), "{}", item(3));
    assert_eq!(rules(&verdicts[&4]), ["date-or-number"]);
    assert!(matches!(verdicts[&5], Verdict::Accepted(_)));
}
