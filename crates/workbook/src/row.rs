//! What a sheet consists of, in every format: rows of cells, with their values in the file's own types.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A row with at least one cell that has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRow<'a> {
    /// The number that the spreadsheet program shows: the first row is 1.
    pub number: u32,
    /// In ascending column order, without cells that have no value.
    pub cells: Vec<RawCell<'a>>,
    /// In text files, the number of values in the line, including empty ones. `None` in formats without such a count.
    pub fields: Option<u32>,
}

impl<'a> RawRow<'a> {
    /// The cell in this column. In a row without gaps, as most are, its index is its column.
    pub fn cell(&self, column: u32) -> Option<&RawCell<'a>> {
        match self.cells.get(column as usize) {
            Some(cell) if cell.column == column => Some(cell),
            _ => self.cells.binary_search_by_key(&column, |cell| cell.column).ok().map(|at| &self.cells[at]),
        }
    }
}

/// A cell with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCell<'a> {
    /// Column A is 0.
    pub column: u32,
    pub value: RawValue<'a>,
    /// The number format code, if the file has one that is not the general one: `00000`, `0.00%`.
    pub format: Option<Cow<'a, str>>,
}

impl RawCell<'_> {
    /// The cell with owned texts.
    pub fn into_owned(self) -> RawCell<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let value = match self.value {
            RawValue::Text(text) => RawValue::Text(own(text)),
            RawValue::Error(text) => RawValue::Error(own(text)),
            RawValue::Number(number) => RawValue::Number(number),
            RawValue::Date(serial) => RawValue::Date(serial),
            RawValue::DateOrNumber(number) => RawValue::DateOrNumber(number),
            RawValue::Bool(value) => RawValue::Bool(value),
            RawValue::NoResult => RawValue::NoResult,
            RawValue::Unreadable => RawValue::Unreadable,
        };
        RawCell { column: self.column, value, format: self.format.map(own) }
    }
}

/// The value of a cell, in the file's own type.
#[derive(Debug, Clone, PartialEq)]
pub enum RawValue<'a> {
    /// As it is in the file, including spaces around it.
    Text(Cow<'a, str>),
    /// Finite. Includes elapsed times such as 36:30, as days.
    Number(f64),
    /// Days since 30 December 1899, whichever date system the workbook uses.
    Date(f64),
    /// A number as it is stored, with a format that is a date in some countries and a number in others. The file
    /// doesn't say which, and it could be either.
    DateOrNumber(f64),
    Bool(bool),
    /// `#N/A` and other errors, as the program shows them.
    Error(Cow<'a, str>),
    /// A formula whose result is not in the file: the program that wrote it does not calculate.
    NoResult,
    /// The file is contradictory about the cell: for example, it declares `abc` a number, or refers to a text that does
    /// not exist.
    Unreadable,
}

/// Cells that the program shows as one; only the first has a value. Rows are numbered from 1, columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedArea {
    pub first_row: u32,
    pub last_row: u32,
    pub first_column: u32,
    pub last_column: u32,
}

/// A worksheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The name on its tab.
    pub name: String,
    /// Whether the program shows its tab.
    pub visible: bool,
}

/// Empties a vector of cells and reuses its allocation for cells with another lifetime. The standard library collects a
/// vector into one of the same layout in place, so that not each of a million rows allocates.
pub fn recycle<'a>(mut cells: Vec<RawCell<'_>>) -> Vec<RawCell<'a>> {
    cells.clear();
    cells.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allocation_of_a_rows_cells_is_reused() {
        let cell = RawCell { column: 0, value: RawValue::Bool(true), format: None };
        let cells = vec![cell; 100];
        let address = cells.as_ptr() as usize;
        let cells: Vec<RawCell<'static>> = recycle(cells);
        assert!(cells.is_empty() && cells.capacity() >= 100);
        assert_eq!(cells.as_ptr() as usize, address);
    }
}
