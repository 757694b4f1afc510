//! Tests that judge a file, write the workbook of rows to fix, and judge that in turn.

use super::*;
use crate::child::JudgedRow;
use inventory_base::item::Item;
use inventory_rules::judge::{BorrowedItem, CellKind, FileRead, Judge, OriginalCell, Place, Verdict};
use inventory_rules::schema::Schema;
use inventory_workbook::{Budget, RawRow, RawValue};
use rust_xlsxwriter::Formula;
use std::io::{Cursor, Read, Seek};
use std::ops::ControlFlow;
use zip::ZipArchive;

fn load() -> LoadId {
    LoadId::parse("0123456789abcdef").unwrap()
}

fn open(content: &[u8]) -> inventory_workbook::Workbook {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    inventory_workbook::Workbook::open(file, "Stock.csv", Budget::default()).unwrap()
}

/// Returns the rows as in the plan, with their final verdicts.
fn judged(content: &[u8], schema: &Schema) -> (Vec<PlanRow>, FileRead) {
    let mut verdicts = BTreeMap::new();
    let mut emit = |place: Place, verdict: Verdict<BorrowedItem<'_>>| {
        verdicts.insert(place, verdict.map(|item| Item::from(&item)));
        Ok(())
    };
    let (mut workbook, mut judge) = (open(content), Judge::new(schema));
    let mut file = judge.judge_file(&mut workbook, &mut emit).unwrap();
    judge.judge_again(&mut workbook, &mut emit, &mut file).unwrap();
    let row = |(place, verdict): (Place, Verdict)| {
        let sheet = file.sheets[usize::from(place.0)].name.as_str().into();
        PlanRow::from(JudgedRow { sheet, row: place.1, verdict })
    };
    (verdicts.into_iter().map(row).collect(), file)
}

fn book_of(rows: &[PlanRow], file: &FileRead, schema: &Schema) -> Option<ToFixBook> {
    let mut to_fix = RowsToFix::new(&std::env::temp_dir(), schema.duplicates).unwrap();
    rows.iter().for_each(|row| to_fix.add(row).unwrap());
    to_fix.write(&load(), &file.sheets).unwrap()
}

fn to_fix(content: &[u8]) -> Vec<u8> {
    let schema = Schema::shipped().unwrap();
    let (rows, file) = judged(content, &schema);
    book_of(&rows, &file, &schema).expect("rows to fix").read().unwrap()
}

/// Returns the rows to fix.
fn left_out(rows: &[PlanRow]) -> Vec<&PlanRow> {
    rows.iter().filter(|row| matches!(row.fate, Fate::Rejected | Fate::Duplicate)).collect()
}

/// Returns the rows of a sheet as texts, with numbers as they are.
fn texts(content: &[u8], sheet: usize) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let text = |row: &RawRow<'_>| {
        let cell = |cell: &inventory_workbook::RawCell<'_>| match &cell.value {
            RawValue::Text(text) => text.to_string(),
            RawValue::Number(number) => format!("number {number}"),
            other => format!("{other:?}"),
        };
        row.cells.iter().map(cell).collect()
    };
    open(content)
        .visit_rows(sheet, &mut |row| {
            rows.push(text(row));
            ControlFlow::Continue(())
        })
        .unwrap();
    rows
}

fn part(content: &[u8], name: &str) -> String {
    let mut text = String::new();
    let mut archive = ZipArchive::new(Cursor::new(content)).unwrap();
    archive.by_name(name).unwrap_or_else(|_| panic!("{name}")).read_to_string(&mut text).unwrap();
    text
}

/// A workbook with a title above the header, an unknown column, a column without a heading, and different mistakes in
/// its rows.
fn source() -> Vec<u8> {
    let mut book = Workbook::new();
    let format = |code: &str| Format::new().set_num_format(code);
    let sheet = book.add_worksheet().set_name("Count York").unwrap();
    sheet.write_string(0, 0, "Count of 3 October").unwrap();
    let header = ["Shelf", "SKU", "Name", "Quantity", "Price", "Last counted", "Discontinued"];
    sheet.write_row(2, 0, header).unwrap();
    let rows: [(&str, &str, f64); 6] = [
        ("A1", "many", 1.5),
        ("A2", "", 2.25),
        ("A3", "3", -1.0),
        ("A4", "4 pcs", 0.1 + 0.2),
        ("A5", "5", 1.0),
        ("A6", "x", 9.0),
    ];
    for (number, (shelf, quantity, price)) in (3..).zip(rows) {
        sheet.write_string(number, 0, shelf).unwrap();
        sheet.write_number_with_format(number, 1, f64::from(number) + 100.0, &format("00000")).unwrap();
        sheet.write_string_with_format(number, 2, "00123", &format("@")).unwrap();
        sheet.write_string(number, 3, quantity).unwrap();
        sheet.write_number_with_format(number, 4, price, &format("0.00\\ \"€\"")).unwrap();
        sheet.write_number_with_format(number, 5, 46298.0, &format("dd.mm.yyyy")).unwrap();
        sheet.write_boolean(number, 6, true).unwrap();
        sheet.write_string(number, 7, " beside\tthe list\r\n_x000D_ ").unwrap();
    }
    sheet.write_formula(4, 2, Formula::new("NA()").set_result("#N/A")).unwrap();
    sheet.write_number_with_format(5, 5, 46298.75, &format("mm-dd-yy")).unwrap();
    let sheet = book.add_worksheet().set_name("Price list").unwrap();
    sheet.write_string(0, 0, "no list at all").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn rows_are_returned_as_they_were_sent_and_have_the_same_problems_again() {
    let schema = Schema::shipped().unwrap();
    let (rows, file) = judged(&source(), &schema);
    let sent = left_out(&rows);
    assert_eq!(sent.len(), 5);
    let book = book_of(&rows, &file, &schema).unwrap();
    assert_eq!((book.rows, book.of), (5, 5));
    let (again, file) = judged(&book.read().unwrap(), &schema);
    assert_eq!(file.fixes, Some(load()));
    assert_eq!(
        (file.sheets.len(), file.sheets[0].name.as_str(), file.sheets[0].header_row),
        (1, "Count York", Some(1))
    );
    let returned = left_out(&again);
    assert_eq!(returned.len(), 5);
    let letters = |cell: &OriginalCell| cell.cell.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
    for (sent, returned) in sent.into_iter().zip(returned) {
        // An error has become its text.
        let kind = |kind| {
            if kind == CellKind::Error { CellKind::Text } else { kind }
        };
        let cells = |row: &PlanRow| -> Vec<_> {
            let cells = row.cells.iter();
            cells.map(|cell| (letters(cell), kind(cell.kind), cell.value.clone(), cell.format.clone())).collect()
        };
        assert_eq!(cells(returned), cells(sent));
        let problems = |row: &PlanRow| -> Vec<_> {
            row.problems.iter().map(|problem| (problem.rule, problem.column.clone(), problem.value.clone())).collect()
        };
        assert_eq!(problems(returned), problems(sent));
    }
    let rows = texts(&book.read().unwrap(), 0);
    assert_eq!(rows[0].last().unwrap(), "What to do (load 0123456789abcdef)");
    let words = "Row 4 of the original file: Quantity in D2 is \"many\". It should be a whole number";
    assert!(rows[1].last().unwrap().starts_with(words), "{:?}", rows[1]);
    assert_eq!(rows[2].last().unwrap().lines().count(), 2, "each problem has its own line: {:?}", rows[2]);
}

#[test]
fn cells_to_fix_are_marked_and_have_a_note() {
    let content = to_fix(&source());
    let notes = part(&content, "xl/comments1.xml");
    for cell in ["D2", "C3", "D3", "E4", "D5", "D6"] {
        assert_eq!(notes.matches(&format!("ref=\"{cell}\"")).count(), 1, "{cell}: {notes}");
    }
    assert!(notes.contains("ref=\"I1\""), "the last column explains itself: {notes}");
    assert_eq!(notes.matches("<comment ").count(), 7);
    assert!(notes.contains("Quantity in D2 is \"many\"."), "{notes}");
    let styles = part(&content, "xl/styles.xml");
    assert_eq!(styles.matches("FFFFD966").count(), 1, "{styles}");
    let sheet = part(&content, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("state=\"frozen\"") && sheet.contains("ySplit=\"1\""), "{sheet}");
    assert!(height(&sheet, 3) > height(&sheet, 2), "two problems need more lines than one: {sheet}");
}

fn height(sheet: &str, row: u32) -> f64 {
    let (_, row) = sheet.split_once(&format!("<row r=\"{row}\"")).unwrap();
    row.split_once(" ht=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn notes_and_heights_are_limited_because_they_are_kept_in_memory() {
    let (few, many) = (MAX_HEIGHTS + 100, 2 * MAX_HEIGHTS);
    let list: String = (0..few + many)
        .map(|row| match row % 3 {
            0 => format!("{row};;x;-1;many\n"),
            _ => format!("{row};;3;2.50;4\n"),
        })
        .collect();
    let content = to_fix(format!("SKU;Name;Quantity;Price;Reorder level\n{list}").as_bytes());
    assert_eq!(part(&content, "xl/comments1.xml").matches("<comment ").count(), MAX_NOTES + 1);
    let sheet = part(&content, "xl/worksheets/sheet1.xml");
    assert_eq!(sheet.matches("<row ").count(), few + many + 1);
    let (higher, usual) = (height(&sheet, 2), height(&sheet, 3));
    assert!(higher > usual, "{higher} {usual}");
    let heights = sheet.split(" ht=\"").skip(1).filter_map(|rest| rest.split_once('"')?.0.parse::<f64>().ok());
    assert_eq!(heights.filter(|height| *height > usual).count(), MAX_HEIGHTS);
}

#[test]
fn a_number_that_only_its_column_made_clear_is_a_number_in_the_workbook() {
    let list = b"SKU;Name;Menge;Preis\nA;Bolt;viele;2,50\nB;Nut;1;1.234\nC;Pin;2;3,75\nD;Cap;x;1.234\n";
    let content = to_fix(list);
    let rows = texts(&content, 0);
    assert_eq!(rows[1][..4], ["A", "Bolt", "viele", "number 2.5"]);
    assert_eq!(rows[2][..4], ["D", "Cap", "x", "number 1234"]);
    let (again, _) = judged(&content, &Schema::shipped().unwrap());
    let rules: Vec<_> = left_out(&again).into_iter().flat_map(|row| row.problems.iter().map(|p| p.rule)).collect();
    assert_eq!(rules, [Rule::WholeNumberExpected; 2]);
}

#[test]
fn rows_of_one_item_are_put_together_in_the_place_of_the_first() {
    let list = b"SKU,Name,Qty\nA,Bolt,1\nB,Nut,many\nC,Pin,1\nA,Bolt,2\nC,Pin,\nD,Cap,x\nA,Bolt,z\n";
    let content = to_fix(list);
    let rows = texts(&content, 0);
    let order: Vec<&str> = rows[1..].iter().map(|row| row.last().unwrap().split(" of").next().unwrap()).collect();
    assert_eq!(order, ["Row 2", "Row 5", "Row 8", "Row 3", "Row 4", "Row 6", "Row 7"]);
    assert!(rows[1].last().unwrap().contains("SKU A appears in rows 2, 5 and 8."), "{:?}", rows[1]);
}

#[test]
fn if_the_rules_say_which_duplicate_counts_the_others_need_no_fixing() {
    let rules = inventory_rules::schema::SHIPPED.replace("\nduplicates = \"reject\"", "\nduplicates = \"last\"");
    let schema = Schema::from_toml(&rules).unwrap();
    let (rows, file) = judged(b"SKU,Name,Qty\nA,Bolt,1\nA,Bolt,x\nA,Bolt,2\nB,Nut,y\n", &schema);
    assert_eq!(left_out(&rows).len(), 3);
    let book = book_of(&rows, &file, &schema).unwrap();
    assert_eq!((book.rows, book.of), (1, 1));
    assert_eq!(texts(&book.read().unwrap(), 0)[1][0], "B");
    let (rows, file) = judged(b"SKU,Name,Qty\nA,Bolt,1\nA,Bolt,2\n", &schema);
    assert!(book_of(&rows, &file, &schema).is_none());
}

#[test]
fn the_workbook_has_no_formulas_and_texts_that_look_like_one_have_the_quote_prefix() {
    let evil =
        ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "\t=1+1", "=HYPERLINK(\"http://x\",\"y\")", "\r=1", "\n=1"];
    let mut book = Workbook::new();
    for name in ["=cmd|' C calc'!A0", "a'b<&>\"c", "..\u{2215}x"] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        sheet.write_row(0, 0, ["SKU", "Name", "Quantity", "=1+1"]).unwrap();
        sheet.write_formula(0, 4, Formula::new("\"@SUM\"&\"(A1)\"").set_result("@SUM(A1)")).unwrap();
        for (row, text) in (1..).zip(evil) {
            sheet.write_row(row, 0, [text, text, text, text, text]).unwrap();
        }
    }
    let content = to_fix(&book.save_to_buffer().unwrap());
    let styles = part(&content, "xl/styles.xml");
    let styles = styles.split_once("<cellXfs").unwrap().1.split_once("</cellXfs>").unwrap().0.to_string();
    let styles: Vec<&str> = styles.split("<xf ").skip(1).collect();
    for number in 1..=3 {
        let sheet = part(&content, &format!("xl/worksheets/sheet{number}.xml"));
        assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
        let mut quoted = 0;
        for cell in sheet.split("<c ").skip(1).filter(|cell| cell.contains("<is>")) {
            assert!(cell.contains("t=\"inlineStr\""), "{cell}");
            let text = cell.split_once("<t").unwrap().1.split_once('>').unwrap().1;
            let text = text.trim_start_matches("_x000D_");
            if !text.starts_with(['=', '+', '-', '@', '\t', '\n']) {
                continue;
            }
            let style: usize = cell.split_once("s=\"").unwrap().1.split_once('"').unwrap().0.parse().unwrap();
            assert!(styles[style].contains("quotePrefix=\"1\""), "{cell}: {}", styles[style]);
            quoted += 1;
        }
        assert!(quoted >= 5 * evil.len(), "{quoted}");
    }
    let mut archive = ZipArchive::new(Cursor::new(&content)).unwrap();
    for place in 0..archive.len() {
        let name = archive.by_index(place).unwrap().name().unwrap().to_string();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"[]_./".contains(&byte)), "{name}");
        assert!(!name.contains("..") && !name.starts_with('/'), "{name}");
    }
}

#[test]
fn a_row_with_a_text_too_long_for_a_cell_is_only_counted() {
    let list =
        format!("SKU,Name,Qty\nA,Bolt,many\nB,{},many\nC,Nut,{}\n", "x".repeat(CELL_UNITS + 1), "ä".repeat(CELL_UNITS));
    let schema = Schema::shipped().unwrap();
    let (rows, file) = judged(list.as_bytes(), &schema);
    let book = book_of(&rows, &file, &schema).unwrap();
    assert_eq!((book.rows, book.of), (2, 3));
    assert_eq!(texts(&book.read().unwrap(), 0)[2][2], "ä".repeat(CELL_UNITS));
}

#[test]
fn a_row_whose_values_may_be_in_the_wrong_columns_is_only_counted() {
    let schema = Schema::shipped().unwrap();
    let (rows, file) = judged(b"SKU,Name,Qty\nA,Bolt,many\nB,Pi,pe,5\nC,Nut,1\n", &schema);
    let book = book_of(&rows, &file, &schema).unwrap();
    assert_eq!((book.rows, book.of), (1, 2));
    assert_eq!(texts(&book.read().unwrap(), 0)[1][0], "A");
}

#[test]
fn rows_beyond_the_limit_are_only_counted() {
    let schema = Schema::shipped().unwrap();
    let (rows, _) = judged(b"SKU,Name,Qty\nA,Bolt,many\n", &schema);
    let row = left_out(&rows)[0];
    let mut to_fix = RowsToFix::new(&std::env::temp_dir(), schema.duplicates).unwrap();
    to_fix.add(row).unwrap();
    assert_eq!((to_fix.rows, to_fix.bytes, to_fix.is_full()), (1, "ABoltmany".len(), false));
    to_fix.bytes = MAX_BYTES;
    assert!(to_fix.is_full());
    to_fix.bytes = 0;
    to_fix.rows = MAX_ROWS;
    to_fix.add(row).unwrap();
    let mut counts = Counts::default();
    counts.add(Fate::Rejected, 3);
    counts.add(Fate::Duplicate, 2);
    counts.add(Fate::New, 7);
    to_fix.count(&counts);
    assert_eq!((to_fix.rows, to_fix.of), (MAX_ROWS, 2 + 5));
}

#[test]
fn rows_below_another_header_are_on_a_page_with_that_header() {
    let list = b"SKU,Name,Qty,Price\nA,Bolt,many,1\nB,Nut,2,1\nSKU,Price,Name,Qty\nC,2,Pin,some\nD,3,Cap,none\n";
    let book = to_fix(list);
    let header = what_to_do_header(&load());
    let pages: Vec<Vec<Vec<String>>> = (0..2).map(|sheet| texts(&book, sheet)).collect();
    assert_eq!(pages[0][0], ["SKU", "Name", "Qty", "Price", &header]);
    assert_eq!((pages[0].len(), pages[0][1][0].as_str()), (2, "A"));
    assert_eq!(pages[1][0], ["SKU", "Price", "Name", "Qty", &header]);
    assert_eq!((pages[1].len(), pages[1][1][2].as_str(), pages[1][2][0].as_str()), (3, "Pin", "D"));
    // Each page is read by its own header.
    let (rows, _) = judged(&book, &Schema::shipped().unwrap());
    assert!(left_out(&rows).iter().all(|row| row.problems.iter().all(|p| p.column.as_deref() == Some("Qty"))));
    assert_eq!(left_out(&rows).len(), 3);
}
