//! Properties of random tables: written as xlsx, ods and csv, they are read back unchanged and judged the same.

mod encodings;
mod lists;
mod table;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;

use inventory_base::message::Rule;
use inventory_rules::judge::{BorrowedItem, Judge, JudgeError, Place, Verdict};
use inventory_rules::schema::Schema;
use inventory_workbook::{Budget, RawValue, Workbook};
use jiff::Span;
use proptest::collection::vec;
use proptest::option::{self, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use crate::harness::check_property;
use table::{Cell, EPOCH, Table, any_date, any_table, any_text};
use write::{CsvStyle, DELIMITERS, DateSystem, Texts, UNICODE_FORMS, csv, ods, typed, xlsx};

const CASES: u32 = 128;

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("its content");
    file
}

fn open(bytes: &[u8]) -> Result<Workbook, TestCaseError> {
    Workbook::open(file_of(bytes), "stock", Budget::DEFAULT).map_err(refused)
}

fn refused(refusal: impl Debug) -> TestCaseError {
    TestCaseError::fail(format!("{refusal:?}"))
}

fn read(bytes: &[u8]) -> Result<Table, TestCaseError> {
    let mut workbook = open(bytes)?;
    let mut table = Table::new();
    let read = workbook.visit_rows(0, &mut |row| {
        let cells = row.cells.iter().map(|cell| (cell.column, cell_of(&cell.value)));
        let before = table.insert(row.number, cells.collect());
        assert_eq!(before, None, "row {} was read twice", row.number);
        ControlFlow::Continue(())
    });
    read.map_err(refused).map(|()| table)
}

fn cell_of(value: &RawValue<'_>) -> Cell {
    const MILLISECONDS_PER_DAY: f64 = 86_400_000.0;
    match value {
        RawValue::Text(text) => Cell::Text(text.to_string()),
        RawValue::Number(number) => Cell::Number(*number),
        RawValue::Bool(yes) => Cell::Bool(*yes),
        RawValue::Date(days) => {
            // A fraction of a day is rarely an exact number of seconds, but always close to one.
            let time = Span::new().milliseconds((days * MILLISECONDS_PER_DAY).round() as i64);
            Cell::Date(EPOCH.at(0, 0, 0, 0).checked_add(time).expect("a date"))
        }
        RawValue::Error(error) => panic!("no error was written, but {error} was read"),
        RawValue::NoResult => panic!("no formula was written"),
        RawValue::DateOrNumber(number) => panic!("{number} was read with a format that was not written"),
        RawValue::Unreadable => panic!("a cell could not be read"),
    }
}

#[test]
fn any_table_written_as_xlsx_is_read_back_unchanged() {
    let texts = select(&[Texts::Shared, Texts::InCells][..]);
    let system = select(&[DateSystem::Of1900, DateSystem::Of1904][..]);
    check_property(CASES, (any_table(), texts, system), |(table, texts, system)| {
        prop_assert_eq!(read(&xlsx(&table, texts, system))?, table);
        Ok(())
    });
}

#[test]
fn any_table_written_as_ods_is_read_back_unchanged_with_or_without_repeats() {
    check_property(CASES, (any_table(), any::<bool>()), |(table, counted)| {
        prop_assert_eq!(read(&ods(&table, counted))?, table);
        Ok(())
    });
}

#[test]
fn any_table_written_as_csv_is_read_back_as_typed_with_every_delimiter_and_encoding() {
    check_property(CASES, (any_table(), any_csv_style()), |(table, style)| {
        let table = as_texts(table);
        // A file that contains only spaces is refused as empty.
        if table.values().flat_map(|cells| cells.values()).all(|cell| typed(cell).trim_ascii().is_empty()) {
            return Ok(());
        }
        for delimiter in DELIMITERS {
            for form in UNICODE_FORMS {
                let found = read(&csv(&table, delimiter, form, style))?;
                prop_assert_eq!(&found, &table, "delimiter {:?}, {:?}", delimiter, form);
            }
        }
        Ok(())
    });
}

fn any_csv_style() -> impl Strategy<Value = CsvStyle> {
    any::<(bool, bool, bool)>().prop_map(|(quotes_all, windows_lines, full_rows)| CsvStyle {
        quotes_all,
        windows_lines,
        full_rows,
    })
}

/// Returns whether a text keeps its meaning in a csv: not a formula (`="00123"` means 00123) or a byte order mark.
fn csv_can_hold(text: &str) -> bool {
    !text.starts_with('=') && !text.starts_with('\u{FEFF}')
}

fn as_texts(mut table: Table) -> Table {
    for cell in table.values_mut().flat_map(|cells| cells.values_mut()) {
        let text = typed(cell);
        *cell = Cell::Text(if csv_can_hold(&text) { text } else { format!("'{text}") });
    }
    table
}

#[test]
fn any_list_of_items_is_judged_the_same_in_every_format() {
    let schema = Schema::shipped().expect("the shipped rules");
    let form = (select(&DELIMITERS[..]), select(&UNICODE_FORMS[..]), any_csv_style());
    check_property(CASES, (any_list(), form, any::<bool>()), |(list, (delimiter, form, style), counted)| {
        let from_xlsx = judge(&schema, &xlsx(&list, Texts::Shared, DateSystem::Of1900))?;
        let items = from_xlsx.values().filter(|verdict| matches!(verdict, Verdict::Accepted(_))).count();
        prop_assert_eq!(items, list.len() - 1, "all but the header, not {:?}", from_xlsx);
        prop_assert_eq!(&judge(&schema, &ods(&list, counted))?, &from_xlsx);
        let mut from_csv = judge(&schema, &csv(&list, delimiter, form, style))?;
        let doubtful = take_doubtful(&mut from_csv, style);
        let others = from_xlsx.into_iter().filter(|(place, _)| !doubtful.contains(&place.1)).collect();
        prop_assert_eq!(from_csv, others);
        Ok(())
    });
}

/// Rejects a case whose random text has lines that look like rows of the list: such a list is refused in every format.
fn unless_it_holds_rows(error: JudgeError) -> TestCaseError {
    match error {
        JudgeError::Refused(refusal) if refusal.rule == Rule::QuoteSwallowsRows => {
            TestCaseError::reject("contains rows")
        }
        error => refused(error),
    }
}

/// Generates a list with a header in row 1 and valid items below it, some without optional values, with blank rows in
/// between.
fn any_list() -> impl Strategy<Value = Table> {
    let header = ["SKU", "Name", "Quantity", "Unit price", "Category", "Last counted", "Discontinued"];
    vec(weighted(0.8, any_item()), 1..30).prop_filter_map("an item", move |items| {
        let titles = header.map(|title| Cell::Text(title.to_owned()));
        let mut list = Table::from([(1, (0..).zip(titles).collect())]);
        for (number, item) in (2..).zip(items) {
            let Some((sku, others)) = item else { continue };
            // The row number makes it unique.
            let sku = sku.map_or(Cell::Number(number.into()), |sku| Cell::Text(format!("00{number}{sku}")));
            let cells = std::iter::once(Some(sku)).chain(others);
            list.insert(number, (0..).zip(cells).filter_map(|(place, cell)| Some((place, cell?))).collect());
        }
        (list.len() > 1).then_some(list)
    })
}

/// Generates an item's cells, and the end of its SKU unless the SKU is a number.
fn any_item() -> impl Strategy<Value = (Option<String>, [Option<Cell>; 6])> {
    let name = any_text().prop_map(|text| Cell::Text(format!("Bolt {text}")));
    let quantity = (0..1_000_000_i32).prop_map(|count| Cell::Number(count.into()));
    // In cents, because 1.234 alone in its column is ambiguous: it may mean more than a thousand.
    let price = (0..100_000_000_i32).prop_map(|cents| Cell::Number(f64::from(cents) / 100.0));
    // A formula in a text file, or what looks like a formula's error, is not accepted as a value.
    let first = |text: &str| text.chars().find(|c| c.is_alphanumeric() || c.is_ascii_graphic());
    let is_value = move |text: &String| csv_can_hold(text) && first(text) != Some('=') && !text.contains("#N/A");
    let category = any_text().prop_filter("as it is in a csv", is_value).prop_map(Cell::Text);
    let counted = any_date().prop_map(Cell::Date);
    let discontinued = any::<bool>().prop_map(Cell::Bool);
    let optional = (option::of(price), option::of(category), option::of(counted), option::of(discontinued));
    let cells = (name, quantity, optional).prop_map(|(name, quantity, (price, category, counted, discontinued))| {
        [Some(name), Some(quantity), price, category, counted, discontinued]
    });
    (weighted(0.7, "(E5|-[A-Z0-9]{1,4})?"), cells)
}

/// Removes and returns the rows rejected as possibly incomplete: where empty values at the ends of rows are omitted, it
/// is not certain that short rows are complete.
fn take_doubtful(verdicts: &mut BTreeMap<Place, Verdict>, style: CsvStyle) -> BTreeSet<u32> {
    let is_doubtful = |verdict: &Verdict| matches!(verdict, Verdict::Rejected(kept) if kept.problems.iter().all(|problem| problem.rule.is_about_columns()));
    let doubtful = verdicts.extract_if(.., |_, verdict| !style.full_rows && is_doubtful(verdict));
    doubtful.map(|(place, _)| place.1).collect()
}

/// Judges a file and returns the last verdict of each row.
fn judge(schema: &Schema, bytes: &[u8]) -> Result<BTreeMap<Place, Verdict>, TestCaseError> {
    let (mut workbook, mut judge) = (open(bytes)?, Judge::new(schema));
    let mut verdicts = BTreeMap::new();
    let mut record = |place: Place, verdict: Verdict<BorrowedItem<'_>>| {
        verdicts.insert(place, verdict.map(|item| (&item).into()));
        Ok(())
    };
    let mut read = judge.judge_file(&mut workbook, &mut record).map_err(unless_it_holds_rows)?;
    judge.judge_again(&mut workbook, &mut record, &mut read).map_err(refused)?;
    Ok(verdicts)
}
