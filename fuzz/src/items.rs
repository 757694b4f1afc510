//! Checks of the items of a file, independent of the code that makes them. Each check is weaker than what the loader
//! does, so that it holds for any input.

use std::collections::{HashMap, HashSet};

use inventory_base::item::{Item, Value};
use inventory_base::message::{Weight, column_letters};
use inventory_rules::judge::{FileRead, Place, SheetRead, Skip, Verdict};
use inventory_rules::schema::{Column, KeyCase, Schema};
use inventory_workbook::{MergedArea, RawCell, RawRow, RawValue, Workbook};

/// The first number of more than 15 digits, which is how many Excel keeps.
const FIRST_WITH_LOST_DIGITS: f64 = 1e15;

/// A completely judged file. Verdicts are in the order of the rows.
pub(crate) struct Judged<'j> {
    pub schema: &'j Schema,
    pub workbook: &'j Workbook,
    pub file: &'j FileRead,
    pub rows: &'j [(Place, &'j RawRow<'j>)],
    pub first: &'j [Verdict],
    pub last: &'j [Verdict],
}

impl Judged<'_> {
    pub fn check(&self) {
        for (number, sheet) in (0_u16..).zip(&self.file.sheets) {
            self.check_tables(number, sheet);
            self.check_counts(number, sheet);
            self.check_extra_values(number, sheet);
            self.check_merged(number, sheet);
        }
        self.check_losses();
        self.check_keys();
        self.check_case();
    }

    /// Returns the rows of a sheet, each with its first and last verdict.
    fn rows_of(&self, sheet: u16) -> impl Iterator<Item = (&RawRow<'_>, &Verdict, &Verdict)> {
        let all = self.rows.iter().zip(self.first.iter().zip(self.last));
        all.filter(move |((place, _), _)| place.0 == sheet).map(|((_, row), (first, last))| (*row, first, last))
    }

    fn accepted(&self) -> impl Iterator<Item = (Place, &RawRow<'_>, &Item)> {
        self.rows.iter().zip(self.last).filter_map(|((place, row), verdict)| match verdict {
            Verdict::Accepted(item) => Some((*place, *row, item)),
            _ => None,
        })
    }

    /// Tables ascend, and each begins with a row that is recognised as a header.
    fn check_tables(&self, number: u16, sheet: &SheetRead) {
        let headers: Vec<u32> = sheet.header_row.into_iter().chain(sheet.tables.iter().map(|t| t.header_row)).collect();
        assert!(headers.is_sorted_by(|one, other| one < other), "tables do not ascend: {sheet:?}");
        let is_header = |verdict: &Verdict| matches!(verdict, Verdict::Skipped(skipped) if skipped.why == Skip::Header);
        let known: HashSet<u32> =
            self.rows_of(number).filter(|(_, _, last)| is_header(last)).map(|(row, ..)| row.number).collect();
        assert!(headers.iter().all(|header| known.contains(header)), "a header was read as a row: {sheet:?}");
        for columns in std::iter::once(&sheet.columns).chain(sheet.tables.iter().map(|table| &table.columns)) {
            let mut letters = HashSet::new();
            assert!(
                columns.iter().all(|column| letters.insert(&column.column)),
                "a column is listed twice: {columns:?}"
            );
        }
    }

    /// The values and empty cells counted in a column add up to the rows of its table whose columns are certain.
    fn check_counts(&self, number: u16, sheet: &SheetRead) {
        let mut rows: HashMap<u32, u64> = HashMap::new();
        for (row, first, _) in self.rows_of(number) {
            let counts = match first {
                Verdict::Accepted(_) => true,
                Verdict::Rejected(kept) => kept.problems.iter().all(|problem| !problem.rule.is_about_columns()),
                Verdict::Duplicate(_) | Verdict::Skipped(_) => false,
            };
            if let Some(header) = sheet.header_row_at(row.number).filter(|_| counts) {
                *rows.entry(header).or_default() += 1;
            }
        }
        let first = sheet.header_row.map(|header| (header, &sheet.columns));
        for (header, columns) in first.into_iter().chain(sheet.tables.iter().map(|t| (t.header_row, &t.columns))) {
            let rows = rows.get(&header).copied().unwrap_or_default();
            for column in columns {
                assert_eq!(column.values + column.empty, rows, "{column:?} of the table in row {header}");
            }
        }
    }

    /// If a single row of a text file is longer than the header and all other rows, it has no value to load right of
    /// the last name, because an unquoted separator in one of its values made it longer.
    fn check_extra_values(&self, number: u16, sheet: &SheetRead) {
        let mut tables: HashMap<u32, Vec<(&RawRow<'_>, bool)>> = HashMap::new();
        for (row, first, _) in self.rows_of(number) {
            if let Some(header) = sheet.header_row_at(row.number).filter(|header| row.number > *header) {
                tables.entry(header).or_default().push((row, matches!(first, Verdict::Accepted(_))));
            }
        }
        for (header, rows) in tables {
            // A header may take two rows.
            let names = || self.rows_of(number).map(|(row, ..)| row).filter(|row| row.number <= header);
            let names: Vec<&RawRow<'_>> = names().skip(names().count().saturating_sub(2)).collect();
            let Some(named) = names.iter().flat_map(|row| &row.cells).map(|cell| cell.column).max() else { continue };
            let Some(width) = names.iter().filter_map(|row| row.fields).max() else { continue };
            let plain = |row: &RawRow<'_>| row.cells.iter().filter(|cell| is_filled(cell)).count() >= 2;
            for (at, (row, is_accepted)) in rows.iter().enumerate() {
                let others = || rows.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
                let is_longest = row.fields > Some(width) && others().all(|(other, _)| other.fields < row.fields);
                if !is_accepted || !is_longest || others().filter(|(other, took)| *took && plain(other)).count() < 2 {
                    continue;
                }
                for extra in row.cells.iter().filter(|cell| cell.column > named && is_filled(cell)) {
                    let is_usual = others().any(|(other, _)| other.cell(extra.column).is_some());
                    assert!(is_usual, "row {} was accepted with an extra value: {row:?}", row.number);
                }
            }
        }
    }

    /// A number, key or unique value that is merged over several items belongs to none of them.
    fn check_merged(&self, number: u16, sheet: &SheetRead) {
        for area in self.workbook.merged(usize::from(number)) {
            let header = sheet.header_row_at(area.first_row);
            let is_one_table = header.is_some_and(|header| area.first_row > header)
                && header == sheet.header_row_at(area.last_row)
                && sheet.tables.iter().all(|table| !rows_have(area, table.header_row));
            let letters = column_letters(area.first_column);
            let read = sheet.columns_at(area.first_row).iter().find(|read| read.column == letters);
            let column = read.and_then(|read| self.schema.columns.iter().find(|column| column.name == read.attribute));
            let Some(column) = column.filter(|column| is_one_table && self.is_of_one_item(column)) else { continue };
            let mut rows = self.rows_of(number).filter(|(row, ..)| rows_have(area, row.number)).peekable();
            let shows = rows.peek().is_some_and(|(row, ..)| {
                row.number == area.first_row && row.cell(area.first_column).is_some_and(is_filled)
            });
            let items: Vec<_> =
                rows.filter(|(_, first, _)| matches!(first, Verdict::Accepted(_) | Verdict::Rejected(_))).collect();
            if shows && items.len() > 1 {
                let lost = items.iter().all(|(_, _, last)| !matches!(last, Verdict::Accepted(_)));
                assert!(lost, "a merged {} was accepted: {area:?}, {items:?}", column.name);
            }
        }
    }

    fn is_of_one_item(&self, column: &Column) -> bool {
        matches!(column.kind.name, "integer" | "decimal" | "money" | "gtin")
            || column.unique
            || self.schema.key.columns().any(|key| key == column.name)
    }

    /// A note that rows lost a value says how many, all of which were accepted.
    fn check_losses(&self) {
        let accepted = self.accepted().count() as u64;
        for note in self.file.notes.iter().filter(|note| note.rule.weight() == Weight::Loss) {
            assert!((1..=accepted).contains(&note.rows), "{accepted} rows were accepted: {note:?}");
        }
    }

    /// No key has invisible characters or was altered by a program.
    fn check_keys(&self) {
        for (place, row, item) in self.accepted() {
            let sheet = &self.file.sheets[usize::from(place.0)];
            for column in self.schema.key.columns() {
                let Some(column) = self.schema.columns.iter().find(|other| other.name == *column) else { continue };
                if matches!(column.kind.name, "text" | "gtin")
                    && let Some(Value::S(text)) = item.get(&column.name)
                {
                    check_key(text);
                }
                let read = sheet.columns_at(row.number).iter().find(|read| read.attribute == column.name);
                let cell =
                    read.and_then(|read| row.cells.iter().find(|cell| column_letters(cell.column) == read.column));
                let Some(cell) = cell.filter(|cell| !self.is_covered(place, cell)) else { continue };
                check_key_cell(cell, column.kind.name, self.workbook.is_text());
            }
        }
    }

    /// Returns whether the cell is covered by a merged cell.
    fn is_covered(&self, place: Place, cell: &RawCell<'_>) -> bool {
        let areas = self.workbook.merged(usize::from(place.0)).iter();
        areas.filter(|area| rows_have(area, place.1)).any(|area| area.first_column == cell.column)
    }

    /// No two keys differ only in case, unless the rules distinguish case.
    fn check_case(&self) {
        if self.schema.key_case == KeyCase::Matters {
            return;
        }
        let mut keys = HashSet::new();
        for (_, row, item) in self.accepted() {
            let values = self.schema.key.columns().map(|column| match item.get(column) {
                Some(Value::S(text)) => text.to_lowercase().to_string(),
                other => format!("{other:?}"),
            });
            let key: Vec<String> = values.collect();
            assert!(keys.insert(key.clone()), "row {} has the key of another row in other case: {key:?}", row.number);
        }
    }
}

fn rows_have(area: &MergedArea, row: u32) -> bool {
    (area.first_row..=area.last_row).contains(&row)
}

/// Returns whether the cell certainly displays something.
fn is_filled(cell: &RawCell<'_>) -> bool {
    match &cell.value {
        RawValue::Text(text) => text.bytes().any(|byte| byte.is_ascii_alphanumeric()),
        _ => true,
    }
}

fn check_key(text: &str) {
    let is_invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{202e}' | '\u{2060}' | '\u{feff}')
    };
    assert!(!text.chars().any(is_invisible), "a key with an invisible character: {text:?}");
    let is_cyrillic = |c: char| matches!(c, '\u{410}'..='\u{44f}');
    let mixed = text.bytes().any(|byte| byte.is_ascii_alphabetic()) && text.chars().any(is_cyrillic);
    assert!(!mixed, "a key of two alphabets: {text:?}");
    assert!(!is_scientific(text), "a key that is a power of ten: {text:?}");
}

/// Returns whether a text is like 1.23E+12, which only programs write.
fn is_scientific(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.split_once("E+").and_then(|(number, power)| Some((number.split_once('.')?, power)));
    parts.is_some_and(|((whole, fraction), power)| {
        digits(whole) && digits(fraction) && digits(power) && power.len() >= 2
    })
}

fn check_key_cell(cell: &RawCell<'_>, kind: &str, is_text: bool) {
    let is_number = matches!(kind, "integer" | "decimal" | "money");
    match &cell.value {
        RawValue::Date(_) => assert!(!is_number && kind != "text", "a date became a key: {cell:?}"),
        RawValue::Bool(_) => assert!(kind != "text", "a yes or no became a key: {cell:?}"),
        RawValue::Number(number) if is_number || kind == "text" => {
            assert!(number.abs() < FIRST_WITH_LOST_DIGITS, "a key has lost its digits: {cell:?}");
        }
        RawValue::Text(text) if is_text && cell.format.is_none() => {
            let formula = text.strip_prefix('=').and_then(|formula| formula.chars().next());
            assert!(!formula.is_some_and(char::is_alphanumeric), "a formula became a key: {cell:?}");
        }
        _ => {}
    }
}
