//! Finds rows of a text file whose number of values differs from the header's: with one separator too many or too few,
//! every value after it is in the wrong column. What is normal for a file is determined from all its rows before the
//! first one is judged.

mod cut;
mod named_columns;
mod widths;

use crate::cell::{Violation, display_text, is_blank, violation};
use inventory_base::message::{Note, cell_address, count, note};
use inventory_workbook::{RawCell, RawRow, RawValue};

pub(super) use cut::Cut;
use named_columns::{NamedColumns, Split};
pub(super) use widths::Widths;

/// Values that are quoted; the others are counted.
const VALUES_QUOTED: usize = 3;
const QUOTED_CHARACTERS: usize = 40;

/// The rows of a sheet that are doubtful because their values may be in the wrong columns.
pub(super) struct Ragged {
    named: NamedColumns,
    header_row: u32,
    separator: Option<char>,
    /// The number of values of most rows, and the number that a row may have.
    usual: u32,
    width: u32,
    /// Columns without a name in which most rows have a value.
    unnamed: Vec<u32>,
    numbered: bool,
    /// Whether most rows that are wider than the header read as if one value had been split.
    in_doubt: bool,
    /// In the order of row numbers.
    cuts: Vec<(u32, Cut)>,
    /// A line of one value directly below the last complete row, and that row.
    tail: Option<(u32, u32)>,
    /// The number of rows that end with more separators than the others, and the first of them.
    wider_rows: Option<(u64, u32)>,
}

/// Why a row is doubtful, and the column of the cell concerned.
pub(super) struct Doubt {
    pub violation: Violation,
    pub cell: Option<u32>,
}

impl Ragged {
    /// Whether the row is only a part of a row.
    pub fn is_part(&self, row: &RawRow<'_>) -> bool {
        self.cut(row) == Some(Cut::Part)
    }

    fn cut(&self, row: &RawRow<'_>) -> Option<Cut> {
        self.cuts.binary_search_by_key(&row.number, |(number, _)| *number).ok().map(|at| self.cuts[at].1)
    }

    /// Returns what makes the row doubtful. `can_be_cut` says whether the value in a column could be incomplete.
    pub fn doubt(&self, row: &RawRow<'_>, can_be_cut: impl Fn(u32) -> bool) -> Option<Doubt> {
        let values = |n: u32| {
            if n == 1 { "1 value".to_string() } else { format!("{} values", count(n.into())) }
        };
        let continued = |place: u32, other: u32| {
            let is_filled = row.cell(place).is_some_and(|cell| !is_blank(cell));
            (is_filled && can_be_cut(place))
                .then(|| Doubt { violation: violation!(RowMayContinue { other }), cell: Some(place) })
        };
        let cut = match self.cut(row) {
            Some(Cut::Part | Cut::End) => {
                let (values, usual) = (values(row.fields.unwrap_or_default()), count(self.usual.into()));
                Some(Doubt { violation: violation!(RowIsCutShort { values, usual }), cell: None })
            }
            Some(Cut::ContinuesIn(other)) => continued(self.usual - 1, other),
            Some(Cut::ContinuedFrom(other)) => continued(0, other),
            None => None,
        };
        cut.or_else(|| self.extra_values(row))
    }

    fn extra_values(&self, row: &RawRow<'_>) -> Option<Doubt> {
        row.fields.filter(|fields| *fields > self.width)?;
        let is_extra = |cell: &&RawCell<'_>| !self.named.has(cell.column) && !self.unnamed.contains(&cell.column);
        let mut extra = row.cells.iter().filter(is_extra).filter(|cell| !is_blank(cell));
        // If most rows are shifted, a row whose last value is empty is shifted too.
        let shifted = || {
            let (_, second, _) = self.named.split_in(row, self.separator == Some(',')).filter(|_| self.in_doubt)?;
            Some(second)
        };
        let first = extra.next().or_else(shifted)?;
        let more = extra.clone().count() + 1;
        let describe =
            |cell: &RawCell<'_>| format!("\"{}\" in {}", quoted(cell), cell_address(cell.column, row.number));
        let mut listed: Vec<String> = std::iter::once(first).chain(extra).take(VALUES_QUOTED).map(describe).collect();
        if more > listed.len() {
            listed.push(format!("{} more", count((more - listed.len()) as u64)));
        }
        let (header, extra, cause) = (self.header_row, listed.join(", "), self.cause(row));
        Some(Doubt { violation: violation!(RowHasExtraValues { header, extra, cause }), cell: Some(first.column) })
    }

    /// The most likely reason why the values are in the wrong columns.
    fn cause(&self, row: &RawRow<'_>) -> String {
        let name = match self.separator {
            _ if self.numbered => {
                return "Perhaps the rows begin with a number that has no name in the header.".into();
            }
            None => return "Perhaps a value is in the wrong column.".into(), // A web page.
            Some(',') => "comma",
            Some(';') => "semicolon",
            Some('\t') => "tab",
            Some('|') => "vertical bar",
            Some(_) => "separator",
        };
        match self.named.split_in(row, self.separator == Some(',')) {
            Some((one, two, split)) => {
                let [at, and] = [one, two].map(|cell| cell_address(cell.column, row.number));
                let what = if split == Split::Number { "number" } else { "text" };
                let whole = format!("{}{}{}", quoted(one), self.separator.unwrap_or_default(), raw(two));
                format!("Perhaps {at} and {and} are one {what}, \"{whole}\", that is not in quotation marks.")
            }
            None => format!("Perhaps one of its values contains a {name} and is not in quotation marks."),
        }
    }

    /// Notes for the uploader that don't keep any row from being loaded.
    pub fn notes(&self, sheet: &str) -> impl Iterator<Item = Note> {
        let tail = self.tail.map(|(row, above)| note!(LastRowMayContinue { sheet, row, above }).on_sheet(sheet));
        self.note_wider_rows(sheet).into_iter().chain(tail)
    }

    /// Notes rows that end with more separators than the others: that is harmless, or a value is missing.
    fn note_wider_rows(&self, sheet: &str) -> Option<Note> {
        let (rows, first) = self.wider_rows?;
        let (rows, example) = match rows {
            1 => ("1 row that ends".to_string(), format!(": row {first}")),
            rows => (format!("{} rows that end", count(rows)), format!(", for example row {first}")),
        };
        Some(note!(RowHasExtraSeparators { sheet, rows, example }).on_sheet(sheet))
    }
}

fn raw(cell: &RawCell<'_>) -> String {
    let RawValue::Text(text) = &cell.value else {
        return String::new();
    };
    text.chars().take(QUOTED_CHARACTERS).collect()
}

fn quoted(cell: &RawCell<'_>) -> String {
    let text = display_text(cell);
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests;
