//! Gathers how many values the rows of a text file have, before the first one is judged.

use std::collections::BTreeMap;

use super::Ragged;
use super::cut::{Cut, Lines};
use super::named_columns::{Contents, NamedColumns};
use crate::cell::is_blank;
use crate::schema::{Header, Schema};
use inventory_workbook::{RawCell, RawRow, RawValue};

const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];
/// Lines of one value that contain another separator; more than this are not an accident.
const MOST_OTHER_LINES: usize = 1 << 16;

/// Statistics on the widths of a sheet's rows, gathered before the rows are judged.
pub(in crate::judge) struct Widths {
    named: NamedColumns,
    header_row: u32,
    /// The number of values in the header's line, including empty ones.
    header_fields: u32,
    separator: Option<char>,
    /// Rows that could be items, by their number of values.
    rows: BTreeMap<u32, WidthCount>,
    all: u64,
    /// The number of rows with a value in a column without a name, by the column's index.
    unnamed: Vec<u64>,
    /// The number of rows with a value beyond the header's line, and how many of them seem to have a split value.
    wide: u64,
    split: u64,
    /// The number of rows that begin with their own number: 1, 2, 3.
    numbered: u64,
    lines: Lines,
    /// Lines of one value that would have several values with another separator.
    other_lines: Vec<u32>,
}

#[derive(Default)]
struct WidthCount {
    all: u64,
    /// Rows whose last value is empty.
    ending_empty: u64,
    /// Rows with no value beyond the named columns, and the first of them.
    plain: u64,
    first_plain: u32,
}

impl Widths {
    /// `fields` is the number of values in the header's lines, `row` the row in which the header ends. Without a
    /// separator there are no lines that could be cut.
    pub fn new(schema: &Schema, header: &Header, row: &RawRow<'_>, fields: u32, separator: Option<char>) -> Widths {
        let mut named = NamedColumns::of(schema, header);
        let starts_blank = |cell: &RawCell<'_>| matches!(&cell.value, RawValue::Text(text) if text.starts_with(' '));
        named.spaced = row.cells.iter().skip(1).any(starts_blank);
        Widths {
            header_row: header.row,
            header_fields: fields.max(named.columns.len() as u32),
            named,
            separator,
            rows: BTreeMap::new(),
            all: 0,
            unnamed: Vec::new(),
            wide: 0,
            split: 0,
            numbered: 0,
            lines: Lines::default(),
            other_lines: Vec::new(),
        }
    }

    /// Notes a row below the header that is neither a repeated header nor a total.
    pub fn note_row(&mut self, row: &RawRow<'_>) {
        let Some(fields) = row.fields else { return };
        let mut filled = row.cells.iter().filter(|cell| !is_blank(cell));
        let Some(first) = filled.next() else { return };
        self.lines.add(row.number, fields, self.named.columns.len() as u32);
        let Some(last) = filled.next_back() else {
            if fields == 1 && self.other_lines.len() < MOST_OTHER_LINES && self.has_other_separator(first) {
                self.other_lines.push(row.number);
            }
            return;
        };
        self.all += 1;
        let rows = self.rows.entry(fields).or_default();
        rows.all += 1;
        rows.ending_empty += u64::from(last.column + 1 < fields);
        if last.column < self.named.columns.len() as u32 {
            rows.plain += 1;
            rows.first_plain = if rows.plain == 1 { row.number } else { rows.first_plain };
        }
        // Only counted while every row so far matches; hardly any file does.
        if self.numbered + 1 == self.all && number_in(first) == Some(self.all) {
            self.numbered += 1;
        }
        if last.column < self.named.columns.len() as u32 && self.named.columns.iter().all(Option::is_some) {
            return;
        }
        for cell in row.cells.iter().filter(|cell| !self.named.has(cell.column) && !is_blank(cell)) {
            let place = cell.column as usize;
            if self.unnamed.len() <= place {
                self.unnamed.resize(place + 1, 0);
            }
            self.unnamed[place] += 1;
        }
        if last.column >= self.header_fields {
            self.wide += 1;
            self.split += u64::from(self.named.split_in(row, self.separator == Some(',')).is_some());
        }
    }

    /// Whether a line of one value is a row of the list with another separator.
    fn has_other_separator(&self, cell: &RawCell<'_>) -> bool {
        let (RawValue::Text(text), Some(own)) = (&cell.value, self.separator) else { return false };
        let wanted = self.named.columns.len().div_ceil(2).max(3);
        // In a sentence, a space follows.
        let parts = |separator: char| text.split(separator).filter(|part| !part.starts_with(' ')).count();
        SEPARATORS.into_iter().any(|separator| separator != own && parts(separator) >= wanted)
    }

    pub fn decide(self) -> Ragged {
        let most = |rows: u64| rows * 2 > self.all;
        // The header's line counts as well.
        let votes = |fields: u32, rows: &WidthCount| rows.all + u64::from(fields == self.header_fields);
        let usual = self.rows.iter().find(|(fields, rows)| votes(**fields, rows) * 2 > self.all + 1);
        // If exactly half of all lines have the header's width, that is the usual one.
        let own = || {
            self.rows.get_key_value(&self.header_fields).filter(|(_, rows)| rows.all * 2 == self.all.saturating_sub(1))
        };
        let usual = usual.or_else(own).map(|(fields, _)| *fields);
        let is_usual: Vec<bool> = self.unnamed.iter().map(|rows| most(*rows)).collect();
        // No spreadsheet program writes a header with fewer values than its rows: either a column has no name, or every
        // row has one separator too many.
        let numbered = self.numbered == self.all && self.wide == self.all;
        let in_doubt = self.wide > 0 && (self.split * 2 > self.wide || numbered);
        let has_values_beyond = is_usual.iter().skip(self.header_fields as usize).any(|usual| *usual);
        let width = match usual {
            Some(usual) if !has_values_beyond => usual.max(self.header_fields),
            _ => self.header_fields,
        };
        let columns =
            (0..).zip(is_usual).filter(|(place, usual)| *usual && !(in_doubt && *place >= self.header_fields));
        let more = self.rows.range(width.max(usual.unwrap_or(0)) + 1..).map(|(_, rows)| rows);
        let more = more.filter(|rows| rows.plain > 0).map(|rows| (rows.plain, rows.first_plain));
        let more = more.reduce(|(rows, first), (plain, row)| (rows + plain, first.min(row)));
        let some_end_empty = self.rows.values().any(|rows| rows.ending_empty > 0);
        let mut cuts = match (self.separator, usual) {
            // If most rows are shifted, those of the header's width are complete.
            (Some(_), Some(usual)) => {
                self.lines.find_cuts(self.header_row, if in_doubt { width.min(usual) } else { usual }, some_end_empty)
            }
            _ => Vec::new(),
        };
        cuts.extend(self.other_lines.into_iter().map(|row| (row, Cut::Part)));
        cuts.sort_by_key(|(row, _)| *row);
        cuts.dedup_by_key(|(row, _)| *row);
        // The rest is only missed if that column is a text that is loaded.
        let ends_in_text =
            |usual: &u32| self.named.columns.get(*usual as usize - 1).copied().flatten() == Some(Contents::Other);
        let usual_with_text = usual.filter(|usual| *usual > 0 && self.separator.is_some() && ends_in_text(usual));
        Ragged {
            tail: usual_with_text.and_then(|usual| self.lines.find_tail(usual)),
            cuts,
            usual: usual.unwrap_or_default(),
            width,
            unnamed: columns.map(|(place, _)| place).collect(),
            numbered: numbered && in_doubt,
            in_doubt,
            wider_rows: more.filter(|(rows, _)| !most(*rows)),
            named: self.named,
            header_row: self.header_row,
            separator: self.separator,
        }
    }
}

fn number_in(cell: &RawCell<'_>) -> Option<u64> {
    match &cell.value {
        RawValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}
