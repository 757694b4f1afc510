//! Shared by the targets: bytes as an open file, a workbook assembled from its parts, and checks of everything the
//! loader returns for a file, whatever its content.

mod compound;
mod items;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size};
use inventory_base::message::{Note, Problem, Refusal, Rule, cell_address};
use inventory_rules::judge::{BorrowedItem, Judge, JudgeError, Place, RejectedRow, Skip, Verdict};
use inventory_rules::schema::Schema;
use inventory_workbook::{Budget, MergedArea, RawCell, RawRow, RawValue, Workbook};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub use compound::xls_of;
use items::Judged;

/// Small enough that a small file cannot keep a run busy, large enough to be exceeded only on purpose.
const BUDGET: Budget = Budget { rows: 20_000, cells: 200_000, repeated_rows: 1_000, ..Budget::DEFAULT };
/// DynamoDB's limit for an item.
const ITEM_BYTES: usize = 400 * 1024;
/// The limit for the quoted text of a skipped row, including the ellipsis.
const SAYS_CHARACTERS: usize = 101;

/// Lets calamine panic without ending the run; every other panic ends it. In production a panic in calamine ends the
/// reading child, and the file is refused.
pub fn forgive_calamine() {
    let end_the_run = take_hook();
    set_hook(Box::new(move |panic| {
        let in_calamine = panic.location().is_some_and(|place| place.file().contains("/calamine-"));
        if !in_calamine {
            end_the_run(panic);
        }
    }));
}

/// Runs `work`, without further checks if calamine panicked in it.
pub fn unless_calamine_panics(work: impl FnOnce()) {
    // Any other panic has already ended the run.
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Opens the bytes as a file with this name.
pub fn open(bytes: &[u8], name: &str) -> Result<Workbook, Refusal> {
    let mut file: File = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for the input");
    Workbook::open(file, name, BUDGET)
}

/// Returns a workbook with one sheet named "Stock", from the content of its parts; parts that are `None` are omitted.
pub fn xlsx_of(sheet: &[u8], shared_strings: Option<&[u8]>, styles: Option<&[u8]>) -> Vec<u8> {
    const TYPE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{TYPE}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inner: String| {
        format!(
            "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{inner}</Relationships>"
        )
    };
    let package = relations(relation("rId1", "officeDocument", "xl/workbook.xml"));
    let book = format!(
        "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{TYPE}\">\
         <sheets><sheet name=\"Stock\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let of_book = relations(
        relation("rId1", "worksheet", "worksheets/sheet1.xml")
            + &relation("rId2", "sharedStrings", "sharedStrings.xml")
            + &relation("rId3", "styles", "styles.xml"),
    );
    let parts = [
        ("_rels/.rels", Some(package.as_bytes())),
        ("xl/workbook.xml", Some(book.as_bytes())),
        ("xl/_rels/workbook.xml.rels", Some(of_book.as_bytes())),
        ("xl/worksheets/sheet1.xml", Some(sheet)),
        ("xl/sharedStrings.xml", shared_strings),
        ("xl/styles.xml", styles),
    ];
    // Stored without compression, so that the file contains the bytes of the input.
    let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts.iter().filter_map(|(name, bytes)| Some((name, (*bytes)?))) {
        zip.start_file(*name, plain).expect("a part");
        zip.write_all(bytes).expect("room for the part");
    }
    zip.finish().expect("a zip").into_inner()
}

/// Returns the rows of every sheet, or the first refusal. Each sheet is read twice, which must give the same rows.
pub fn read_twice(workbook: &mut Workbook) -> Result<Vec<Vec<RawRow<'static>>>, Refusal> {
    let sheets = workbook.sheets().len();
    let all = (0..sheets).map(|sheet| {
        let first = read(workbook, sheet);
        assert_eq!(first, read(workbook, sheet), "the second reading differs");
        first
    });
    let read = all.collect();
    check_notes(workbook.notes(), &quotable_text(&read));
    read
}

fn read(workbook: &mut Workbook, sheet: usize) -> Result<Vec<RawRow<'static>>, Refusal> {
    let mut rows: Vec<RawRow<'static>> = Vec::new();
    let read = workbook.visit_rows(sheet, &mut |row| {
        check_row(row);
        assert!(row.number > rows.last().map_or(0, |row| row.number), "row {} after a later one", row.number);
        rows.push(owned(row));
        ControlFlow::Continue(())
    });
    for MergedArea { first_row, last_row, first_column, last_column } in workbook.merged(sheet).iter().copied() {
        let is_area = first_row <= last_row && first_column <= last_column;
        let is_cell = (first_row, first_column) == (last_row, last_column);
        assert!(
            first_row > 0 && is_area && !is_cell,
            "rows {first_row} to {last_row}, columns {first_column} to {last_column}"
        );
    }
    read.map(|()| rows)
}

fn check_row(row: &RawRow<'_>) {
    assert!(!row.cells.is_empty(), "row {} has no value", row.number);
    assert!(row.cells.is_sorted_by(|one, other| one.column < other.column), "columns do not ascend: {row:?}");
    for cell in &row.cells {
        assert!(cell.column < BUDGET.columns, "{cell:?} is beyond the last column");
        match &cell.value {
            RawValue::Text(text) => assert!(!text.is_empty() && text.len() <= BUDGET.cell_bytes),
            RawValue::Error(error) => assert!(!error.is_empty()),
            RawValue::Number(number) | RawValue::Date(number) | RawValue::DateOrNumber(number) => {
                assert!(number.is_finite(), "{cell:?}")
            }
            RawValue::Bool(_) | RawValue::NoResult | RawValue::Unreadable => {}
        }
    }
}

fn owned(row: &RawRow<'_>) -> RawRow<'static> {
    let own = |text: &Cow<'_, str>| Cow::Owned(text.clone().into_owned());
    let cells = row.cells.iter().map(|cell| RawCell {
        column: cell.column,
        value: match &cell.value {
            RawValue::Text(text) => RawValue::Text(own(text)),
            RawValue::Error(text) => RawValue::Error(own(text)),
            RawValue::Number(number) => RawValue::Number(*number),
            RawValue::Date(serial) => RawValue::Date(*serial),
            RawValue::DateOrNumber(number) => RawValue::DateOrNumber(*number),
            RawValue::Bool(value) => RawValue::Bool(*value),
            RawValue::NoResult => RawValue::NoResult,
            RawValue::Unreadable => RawValue::Unreadable,
        },
        format: cell.format.as_ref().map(own),
    });
    RawRow { number: row.number, cells: cells.collect(), fields: row.fields }
}

/// Returns all text of the rows that a message may quote.
fn quotable_text(read: &Result<Vec<Vec<RawRow<'_>>>, Refusal>) -> String {
    read.as_ref().map_or_else(|_| String::new(), |sheets| format!("{sheets:?}"))
}

/// Judges the workbook, whose rows are known, and checks every verdict. `rules` is the text of the rules, which
/// messages may quote.
pub fn judge(schema: &Schema, rules: &str, workbook: &mut Workbook, sheets: &[Vec<RawRow<'_>>]) {
    let quotable = format!("{rules}{sheets:?}");
    let mut verdicts: Vec<(Place, Verdict)> = Vec::new();
    let mut judge = Judge::new(schema);
    let judged = judge.judge_file(workbook, &mut |place: Place, verdict: Verdict<BorrowedItem<'_>>| {
        verdicts.push((place, verdict.map(|item| (&item).into())));
        Ok(())
    });
    let mut read = match judged {
        Ok(read) => read,
        Err(error) => return check_end(error, &quotable),
    };
    check_notes(&read.notes, &quotable);
    assert_eq!(read.sheets.len(), sheets.len());
    let rows: Vec<(Place, &RawRow<'_>)> = (0_u16..)
        .zip(sheets)
        .flat_map(|(sheet, rows)| rows.iter().map(move |row| (Place(sheet, row.number), row)))
        .collect();
    assert!(
        verdicts.iter().map(|(place, _)| place).eq(rows.iter().map(|(place, _)| place)),
        "not every row has exactly one verdict: {verdicts:?}"
    );
    for ((place, verdict), (_, row)) in verdicts.iter().zip(&rows) {
        let sheet = &read.sheets[usize::from(place.0)].name;
        check_verdict(verdict, sheet, row, schema, &quotable);
    }
    let first: Vec<Verdict> = verdicts.iter().map(|(_, verdict)| verdict.clone()).collect();

    let mut again: Vec<(Place, Verdict)> = Vec::new();
    let mut record = |place: Place, verdict: Verdict<BorrowedItem<'_>>| {
        again.push((place, verdict.map(|item| (&item).into())));
        Ok(())
    };
    let judged = judge.judge_again(workbook, &mut record, &mut read);
    if let Err(error) = judged {
        return check_end(error, &quotable);
    }
    check_notes(&read.notes, &quotable);
    assert!(again.is_sorted_by(|(one, _), (other, _)| one < other), "a row has two second verdicts: {again:?}");
    for (place, verdict) in again {
        let at = rows.binary_search_by_key(&place, |(place, _)| *place).expect("a known row");
        let row = with_merged(rows[at].1, &verdict, workbook, place);
        check_second(&first[at], &verdict);
        check_verdict(&verdict, &read.sheets[usize::from(place.0)].name, &row, schema, &quotable);
        verdicts[at].1 = verdict;
    }
    check_no_item_twice(&verdicts, schema);
    let last: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    Judged { schema, workbook, file: &read, rows: &rows, first: &first, last: &last }.check();
}

/// A row that is judged again was an item, or a single value next to a merged key. It is not lost.
fn check_second(first: &Verdict, again: &Verdict) {
    match first {
        Verdict::Accepted(_) | Verdict::Rejected(_) => {}
        Verdict::Skipped(skipped) => assert_eq!(skipped.why, Skip::Note, "{skipped:?}"),
        Verdict::Duplicate(_) => panic!("a duplicate before the whole file was read: {first:?}"),
    }
    assert!(!matches!(again, Verdict::Skipped(_)), "{first:?} became {again:?}");
}

/// Returns the row with placeholders for the cells that it got from merged cells: those kept that are not its own.
fn with_merged(row: &RawRow<'_>, verdict: &Verdict, workbook: &Workbook, place: Place) -> RawRow<'static> {
    let mut row = owned(row);
    if let Verdict::Rejected(kept) | Verdict::Duplicate(kept) = verdict {
        for area in workbook.merged(usize::from(place.0)) {
            let (column, address) = (area.first_column, cell_address(area.first_column, place.1));
            let is_covered = (area.first_row..=area.last_row).contains(&place.1) && row.cell(column).is_none();
            if is_covered && kept.cells.iter().any(|cell| cell.cell == address) {
                let at = row.cells.partition_point(|cell| cell.column < column);
                row.cells.insert(at, RawCell { column, value: RawValue::Unreadable, format: None });
            }
        }
    }
    row
}

fn check_end(error: JudgeError, quotable: &str) {
    match error {
        JudgeError::Refused(refusal) => check_refusal(&refusal, quotable),
        JudgeError::Output(error) => panic!("a verdict was not accepted: {error}"),
    }
}

fn check_verdict(verdict: &Verdict, sheet: &str, row: &RawRow<'_>, schema: &Schema, quotable: &str) {
    match verdict {
        Verdict::Accepted(item) => check_item(item, row, schema),
        Verdict::Rejected(kept) | Verdict::Duplicate(kept) => check_kept(kept, sheet, row, quotable),
        Verdict::Skipped(skipped) => {
            assert!(skipped.says.chars().count() <= SAYS_CHARACTERS, "{skipped:?}");
            let as_a_whole = matches!(skipped.why, Skip::HiddenSheet | Skip::OtherSheet);
            assert!(!as_a_whole || skipped.says.is_empty(), "{skipped:?}");
        }
    }
    // The child sends verdicts as JSON.
    let line = serde_json::to_string(verdict).expect("a verdict as JSON");
    let decoded: Verdict = serde_json::from_str(&line).expect("a verdict from JSON");
    assert_eq!(decoded, *verdict, "{line}");
}

fn check_item(item: &Item, row: &RawRow<'_>, schema: &Schema) {
    assert!(item_size(item) <= ITEM_BYTES);
    for attribute in schema.key.attributes() {
        match item.get(attribute) {
            Some(Value::S(text)) => assert!(!text.is_empty(), "{attribute} is empty: {item:?}"),
            Some(Value::N(_)) => {}
            other => panic!("{attribute} is {other:?}, which cannot be a key: {item:?}"),
        }
    }
    for (name, value) in item.iter() {
        assert!(!name.is_empty(), "{item:?}");
        if let Value::N(digits) = value {
            let number = Decimal::parse(digits).expect("a number");
            assert_eq!(number.to_string(), digits.as_str(), "a number that is not in canonical form");
        }
    }
    let texts = || row.cells.iter().filter(|cell| matches!(cell.value, RawValue::Text(_)));
    for cell in &row.cells {
        if let RawValue::Error(error) = &cell.value {
            let typed = texts().any(|cell| matches!(&cell.value, RawValue::Text(text) if text.contains(&**error)));
            let stored = item.values().any(|value| *value == Value::S(error.as_ref().into()));
            assert!(typed || !stored, "an error became a text: {item:?}");
        }
    }
}

fn check_kept(kept: &RejectedRow, sheet: &str, row: &RawRow<'_>, quotable: &str) {
    assert!(!kept.problems.is_empty(), "row {} was rejected without a problem", row.number);
    let cells = row.cells.iter().map(|cell| cell_address(cell.column, row.number));
    assert!(kept.cells.iter().map(|cell| cell.cell.as_str()).eq(cells), "{kept:?}");
    for problem in &kept.problems {
        let Problem { rule, message, advice, .. } = problem;
        assert_eq!((problem.sheet.as_str(), problem.row), (sheet, row.number), "{problem:?}");
        check_sentences(*rule, message, advice, quotable);
    }
}

/// No two rows accepted in the end may write the same item or share a value that must be unique.
fn check_no_item_twice(verdicts: &[(Place, Verdict)], schema: &Schema) {
    let items = || {
        verdicts.iter().filter_map(|(_, verdict)| if let Verdict::Accepted(item) = verdict { Some(item) } else { None })
    };
    let mut keys = HashSet::new();
    for item in items() {
        let key: Vec<String> = schema.key.attributes().map(|attribute| format!("{:?}", item[attribute])).collect();
        assert!(keys.insert(key), "two rows write the same item: {item:?}");
    }
    for column in schema.columns.iter().filter(|column| column.unique) {
        let mut values = HashSet::new();
        let value = |item: &Item| item.get(&column.name).map(|value| format!("{value:?}"));
        for value in items().filter_map(value) {
            assert!(values.insert(value.clone()), "{} appears twice in {}", value, column.name);
        }
    }
}

pub fn check_refusal(refusal: &Refusal, quotable: &str) {
    check_sentences(refusal.rule, &refusal.message, &refusal.advice, quotable);
}

fn check_notes(notes: &[Note], quotable: &str) {
    for note in notes {
        check_sentences(note.rule, &note.message, &note.advice, quotable);
    }
}

/// Both sentences are complete: they contain a placeholder such as `{place}` only if the file or the rules contain it.
fn check_sentences(rule: Rule, message: &str, advice: &str, quotable: &str) {
    let (first, second) = rule.templates();
    for (sentence, template) in [(message, first), (advice, second)] {
        assert!(!sentence.is_empty());
        for place in template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(place, _)| place) {
            let open = format!("{{{place}}}");
            assert!(!sentence.contains(&open) || quotable.contains(&open), "{}: {sentence}", rule.id());
        }
    }
}
