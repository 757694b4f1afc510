//! A file becomes rows of cells, streaming, and nothing is believed yet. The only place that knows file formats.

mod budget;
mod delimited;
mod sniff;
mod xlsx;

use std::borrow::Cow;
use std::fs::File;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::message::Refusal;

pub use budget::Budget;

/// A row with at least one cell that has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct RawRow<'a> {
    /// As the spreadsheet program numbers it: the first row is 1.
    pub number: u32,
    /// In ascending column order; cells without a value are not here.
    pub cells: Vec<RawCell<'a>>,
}

/// A cell with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct RawCell<'a> {
    /// The first column, A, is 0.
    pub column: u32,
    /// What stands there.
    pub value: RawValue<'a>,
    /// The number format code where the file tells one that is not the general one: `00000`, `0.00%`.
    pub format: Option<Cow<'a, str>>,
}

/// What stands in a cell, as the file's own types have it.
#[derive(Debug, Clone, PartialEq)]
pub enum RawValue<'a> {
    /// As it stands, blanks around it included.
    Text(Cow<'a, str>),
    /// Finite, elapsed times such as 36:30 included, which count days.
    Number(f64),
    /// Days since the workbook's epoch, already counted from 30 December 1899 whichever date system the workbook uses.
    Date(f64),
    /// Yes or no.
    Bool(bool),
    /// `#N/A` and its like, as the program shows it.
    Error(Cow<'a, str>),
}

/// A sheet that can have rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// As it stands on its tab.
    pub name: String,
    /// Whether the program shows its tab.
    pub visible: bool,
}

/// An open file: its sheets by name, its rows one after another.
pub struct Workbook {
    reader: Reader,
    sheets: Vec<Sheet>,
    budget: Budget,
}

enum Reader {
    Xlsx(Box<xlsx::XlsxReader>),
    Delimited(delimited::DelimitedReader),
}

impl Workbook {
    /// Finds out from the bytes what the file is and opens the reader for it. `name` is only used to name the sheet of
    /// a file that has none of its own.
    pub fn open(file: File, name: &str, budget: Budget) -> Result<Workbook, Refusal> {
        let (reader, sheets) = match sniff::sniff(&file)? {
            sniff::Format::Xlsx => {
                let (reader, sheets) = xlsx::XlsxReader::open(file)?;
                (Reader::Xlsx(Box::new(reader)), sheets)
            }
            sniff::Format::Delimited => {
                let reader = delimited::DelimitedReader::open(file)?;
                (Reader::Delimited(reader), vec![Sheet { name: delimited::sheet_name(name), visible: true }])
            }
        };
        Ok(Workbook { reader, sheets, budget })
    }

    /// In the order of their tabs, the hidden ones among them; sheets that are only a chart are not here.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Hands over the rows of one sheet, by its place in [`sheets`](Self::sheets), in the order they stand there. Rows
    /// without a value are not handed over. The visitor ends the reading early with `Break`; a sheet can be visited again.
    pub fn visit_rows(
        &mut self,
        sheet: usize,
        visit: &mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let name = &self.sheets[sheet].name;
        match &mut self.reader {
            Reader::Xlsx(reader) => reader.visit_rows(name, &self.budget, visit),
            Reader::Delimited(reader) => reader.visit_rows(name, &self.budget, visit),
        }
    }
}

/// Empties a row's cells and lends their place to a row that borrows from elsewhere: the standard library collects a
/// vector into a vector of the same layout where it stands, so that not every row of a million asks for memory.
fn recycle<'a>(mut cells: Vec<RawCell<'_>>) -> Vec<RawCell<'a>> {
    cells.clear();
    cells.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_name_says_nothing_about_what_a_file_is() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        workbook.add_worksheet().set_name("Stock").unwrap().write(1, 0, "A-17").unwrap();
        let cases = [
            (workbook.save_to_buffer().unwrap(), "in/list.csv", "Stock"),
            (b"\nA-17;2\n".to_vec(), "in/list.xlsx", "list"),
        ];
        for (bytes, name, sheet) in cases {
            let mut workbook = Workbook::open(file_of(&bytes), name, Budget::default()).unwrap();
            assert_eq!(workbook.sheets(), [Sheet { name: sheet.to_owned(), visible: true }]);
            let mut numbers = Vec::new();
            workbook
                .visit_rows(0, &mut |row| {
                    assert_eq!(row.cells[0].value, RawValue::Text("A-17".into()));
                    numbers.push(row.number);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(numbers, [2]);
        }
    }

    #[test]
    fn the_place_of_a_rows_cells_is_used_again() {
        let cell = RawCell { column: 0, value: RawValue::Bool(true), format: None };
        let cells = vec![cell; 100];
        let place = cells.as_ptr() as usize;
        let cells: Vec<RawCell<'static>> = recycle(cells);
        assert!(cells.is_empty() && cells.capacity() >= 100);
        assert_eq!(cells.as_ptr() as usize, place);
    }
}
