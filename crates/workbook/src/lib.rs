//! Streams a file as rows of cells, without interpreting their values. The only crate that knows file formats.

mod assembly;
mod biff;
mod budget;
mod compound;
mod delimited;
mod delimiter;
mod encoding;
mod far;
#[cfg(test)]
mod files;
mod html;
mod lines;
mod number_format;
mod ods;
mod scan;
mod sniff;
mod source;
mod survey;
mod text;
mod xls;
mod xlsb;
mod xlsx;
mod xlsx_style;
mod xml2003;
mod zipped;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use inventory_base::message::{Note, Refusal, Rule, count};

use assembly::{SheetExtras, Visit};
pub use budget::Budget;
pub use delimited::text_formula;
use far::FarCells;
pub use source::{ReadAt, Source};

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

/// An open file, with its sheets by name and their rows as a stream.
pub struct Workbook {
    reader: Reader,
    sheets: Vec<Sheet>,
    budget: Budget,
    notes: Vec<Note>,
    /// The merged areas of each sheet that was read to its end.
    merged: HashMap<usize, Vec<MergedArea>>,
}

enum Reader {
    Xlsx(Box<xlsx::XlsxReader>),
    Xlsb(Box<xlsb::XlsbReader>),
    Xls(Box<xls::XlsReader>),
    Ods(Box<ods::OdsReader>),
    Delimited(delimited::DelimitedReader),
    Html(html::HtmlReader),
    Xml2003(Box<xml2003::Xml2003Reader>),
}

impl Workbook {
    /// Detects the format from the bytes and opens the reader for it. `name` is used only to name the sheet of a file
    /// that has no sheet names, and to note a wrong extension.
    pub fn open(source: impl TryInto<Source>, name: &str, budget: Budget) -> Result<Workbook, Refusal> {
        Workbook::open_in(source, name, budget, None)
    }

    /// Like [`open`](Self::open), but reads text that is not Unicode in this encoding, if one is given.
    pub fn open_in(
        source: impl TryInto<Source>,
        name: &str,
        budget: Budget,
        encoding: Option<&'static Encoding>,
    ) -> Result<Workbook, Refusal> {
        let source = source.try_into().map_err(|_| scan::damaged())?;
        let format = sniff::sniff(&source)?;
        let mut notes: Vec<Note> = extension_note(name, format).into_iter().collect();
        let only_sheet = || vec![Sheet { name: delimited::sheet_name(name), visible: true }];
        let (reader, sheets) = match format {
            sniff::Format::Xlsx => {
                let (reader, sheets) = xlsx::XlsxReader::open(&source, &budget)?;
                (Reader::Xlsx(Box::new(reader)), sheets)
            }
            sniff::Format::Xlsb => {
                let (reader, sheets) = xlsb::XlsbReader::open(&source, &budget)?;
                (Reader::Xlsb(Box::new(reader)), sheets)
            }
            sniff::Format::Xls => {
                let (reader, sheets) = xls::XlsReader::open(&source, &budget)?;
                (Reader::Xls(Box::new(reader)), sheets)
            }
            sniff::Format::Ods => {
                let (reader, sheets) = ods::OdsReader::open(&source, &budget)?;
                (Reader::Ods(Box::new(reader)), sheets)
            }
            sniff::Format::Delimited | sniff::Format::Html | sniff::Format::Xml2003 => {
                let text = text::Text::open(&source, encoding)?;
                notes.extend(text.note().cloned());
                if format == sniff::Format::Xml2003 {
                    let (reader, sheets) = xml2003::Xml2003Reader::open(text)?;
                    return Ok(Workbook {
                        reader: Reader::Xml2003(Box::new(reader)),
                        sheets,
                        budget,
                        notes,
                        merged: HashMap::new(),
                    });
                }
                let reader = if format == sniff::Format::Html {
                    if source.length() > budget.whole_file_bytes {
                        let limit = format!("{} MB", count(budget.whole_file_bytes >> 20));
                        return Err(budget::holds_too_much("too much data for a web page", &limit));
                    }
                    Reader::Html(html::HtmlReader::open(text.read_whole()?, &budget)?)
                } else {
                    Reader::Delimited(delimited::DelimitedReader::open(text)?)
                };
                (reader, only_sheet())
            }
        };
        Ok(Workbook { reader, sheets, budget, notes, merged: HashMap::new() })
    }

    /// The worksheets in the order of their tabs, including hidden ones; chart sheets are omitted.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// Remarks about the file. Notes about a sheet are added once it was read to its end, and name it; they say that
    /// its rows were loaded, so use them only for sheets that were.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The merged areas of a sheet, once it was read to its end.
    pub fn merged(&self, sheet: usize) -> &[MergedArea] {
        self.merged.get(&sheet).map_or(&[], Vec::as_slice)
    }

    /// Whether the file is all text: its numbers are typed, in the notation of its author.
    pub fn is_text(&self) -> bool {
        matches!(self.reader, Reader::Delimited(_) | Reader::Html(_))
    }

    /// Whether work on its rows may use threads of its own.
    pub fn uses_threads(&self) -> bool {
        self.budget.threads
    }

    /// The separator of a text file.
    pub fn separator(&self) -> Option<char> {
        match &self.reader {
            Reader::Delimited(reader) => Some(reader.delimiter()),
            _ => None,
        }
    }

    /// Passes on the rows of a sheet, given by its index in [`sheets`](Self::sheets), in order. Rows without a value
    /// are skipped. The visitor stops the reading with `Break`; a sheet can be visited again.
    pub fn visit_rows(
        &mut self,
        sheet: usize,
        visit: &mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        let mut far = FarCells::new(&self.budget, visit);
        let extras = self.read_sheet(sheet, &mut |row| far.visit(row));
        let far = far.note(&self.sheets[sheet].name)?;
        if let Some(extras) = extras? {
            self.add_notes(sheet, extras.hidden_rows, far);
            self.merged.insert(sheet, extras.areas);
        }
        Ok(())
    }

    /// Passes on the rows; returns what else the sheet has, unless the visitor stopped early.
    fn read_sheet(&mut self, sheet: usize, visit: Visit<'_>) -> Result<Option<SheetExtras>, Refusal> {
        let name = &self.sheets[sheet].name;
        let budget = &self.budget;
        match &mut self.reader {
            Reader::Xlsx(reader) => reader.visit_rows(name, budget, visit),
            Reader::Xlsb(reader) => reader.visit_rows(name, budget, visit),
            Reader::Ods(reader) => reader.visit_rows(sheet, name, budget, visit),
            Reader::Xml2003(reader) => reader.visit_rows(sheet, name, budget, visit),
            Reader::Xls(reader) => reader.visit_rows(name, budget, visit),
            Reader::Delimited(reader) => reader.visit_rows(name, budget, visit).map(|()| Some(SheetExtras::default())),
            Reader::Html(reader) => reader.visit_rows(name, budget, visit).map(|()| Some(SheetExtras::default())),
        }
    }

    fn add_notes(&mut self, sheet: usize, hidden_rows: u64, far: Option<Note>) {
        let Sheet { name, visible } = &self.sheets[sheet];
        if !visible {
            return;
        }
        let rows = (hidden_rows > 0).then(|| Note::of_sheet(Rule::RowsHidden, name, &[("rows", &count(hidden_rows))]));
        for note in rows.into_iter().chain(far) {
            // A second visit finds the same notes.
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

/// Notes a wrong extension, but only if it is one of another supported format: users may have extensions of their own.
fn extension_note(name: &str, format: sniff::Format) -> Option<Note> {
    use sniff::Format;
    const ALL: [Format; 7] =
        [Format::Xlsx, Format::Xlsb, Format::Xls, Format::Ods, Format::Delimited, Format::Html, Format::Xml2003];
    let name = name.rsplit('/').next().unwrap_or(name);
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let (kind, endings) = format.describe();
    if endings.contains(&ending.as_str()) || !ALL.iter().any(|other| other.describe().1.contains(&ending.as_str())) {
        return None;
    }
    if format == Format::Html {
        return Some(Note::new(Rule::WebPageRead, &[("name", name)]));
    }
    Some(Note::new(Rule::ExtensionDiffers, &[("name", name), ("kind", kind), ("ending", &format!(".{}", endings[0]))]))
}

/// Empties a vector of cells and reuses its allocation for cells with another lifetime. The standard library collects a
/// vector into one of the same layout in place, so that not each of a million rows allocates.
fn recycle<'a>(mut cells: Vec<RawCell<'_>>) -> Vec<RawCell<'a>> {
    cells.clear();
    cells.into_iter().map_while(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::zipped::tests::file_of;
    use super::*;

    #[test]
    fn the_format_is_detected_from_the_bytes_not_the_name() {
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
            assert_eq!(workbook.notes().iter().map(|note| note.rule).collect::<Vec<_>>(), [Rule::ExtensionDiffers]);
        }
    }

    #[test]
    fn merged_areas_are_known_once_the_sheet_was_read_to_its_end() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Stock").unwrap();
        let format = rust_xlsxwriter::Format::new();
        sheet.merge_range(0, 0, 0, 5, "Stock of Q3", &format).unwrap();
        for column in [1, 4] {
            sheet.merge_range(1, column, 3, column, "T-shirt", &format).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let mut workbook = Workbook::open(file_of(&bytes), "a.xlsx", Budget::default()).unwrap();
        workbook.visit_rows(0, &mut |_| ControlFlow::Break(())).unwrap();
        assert_eq!(workbook.merged(0), []);
        let area = |column| MergedArea { first_row: 2, last_row: 4, first_column: column, last_column: column };
        let title = MergedArea { first_row: 1, last_row: 1, first_column: 0, last_column: 5 };
        for _ in 0..2 {
            workbook.visit_rows(0, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(workbook.merged(0), [title, area(1), area(4)]);
        }
        assert!(workbook.notes().is_empty());
    }

    #[test]
    fn xls_reports_merged_areas_too() {
        use inventory_test_files::xls::{file, le, number, record};
        let merged = record(0x00E5, &le(&[2, 0, 0, 0, 5, 1, 2, 0, 0]));
        let bytes = file(&[], &[number(0, 0, 0, 1.0), number(1, 0, 0, 2.0), number(2, 1, 0, 3.0), merged]);
        let mut workbook = Workbook::open(file_of(&bytes), "a.xls", Budget::default()).unwrap();
        workbook.visit_rows(0, &mut |_| ControlFlow::Break(())).unwrap();
        assert!(workbook.merged(0).is_empty() && workbook.notes().is_empty());
        workbook.visit_rows(0, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(workbook.merged(0).contains(&MergedArea {
            first_row: 2,
            last_row: 3,
            first_column: 0,
            last_column: 0
        }));
    }

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
