//! Writes rows of items to the sheets of a workbook, starting a new sheet when one is full, or to a CSV file. Neither is
//! kept in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write};

use csv::{QuoteStyle, WriterBuilder};
use rust_xlsxwriter::Workbook;

use super::cell::{CellValue, Form};
use super::columns::Columns;
use super::{LAST_ROW, SheetFault};
use inventory_rules::judge::is_formula;
use inventory_rules::schema::Schema;

/// Without it, Excel reads a CSV file in the local code page instead of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) enum Pages<'a> {
    Book(Box<Book<'a>>),
    Csv(Box<csv::Writer<BufWriter<File>>>),
}

impl<'a> Pages<'a> {
    /// `name` is the name of the first sheet; a sheet gets at most `most` rows of items.
    pub fn begin(schema: &'a Schema, form: Form, name: &str, most: u32, out: File) -> Result<Pages<'a>, SheetFault> {
        if form == Form::Workbook {
            return Ok(Pages::Book(Box::new(Book::begin(schema, name, most, out)?)));
        }
        let mut out = BufWriter::new(out);
        out.write_all(BYTE_ORDER_MARK)?;
        // With a single column, a semicolon in its texts would be taken for the separator.
        let quotes = if schema.columns.len() == 1 { QuoteStyle::Always } else { QuoteStyle::Necessary };
        let mut csv = WriterBuilder::new().quote_style(quotes).from_writer(out);
        csv.write_record(Columns::titles(schema)).map_err(std::io::Error::from)?;
        Ok(Pages::Csv(Box::new(csv)))
    }

    /// Adds a row with the columns of the rules.
    pub fn add(&mut self, row: &[Option<CellValue<'_>>]) -> Result<(), SheetFault> {
        match self {
            Pages::Book(book) => book.add(row),
            Pages::Csv(csv) => {
                for cell in row {
                    let typed = match cell {
                        // A text that would be calculated is written as a formula that returns this text.
                        Some(CellValue::Text(text)) if is_formula(text) => {
                            Cow::Owned(format!("=\"{}\"", text.replace('"', "\"\"")))
                        }
                        Some(CellValue::Text(text)) => Cow::Borrowed(&**text),
                        // The cells of a CSV file are always text.
                        Some(CellValue::Number(_) | CellValue::Day(_)) | None => Cow::Borrowed(""),
                    };
                    csv.write_field(typed.as_bytes()).map_err(std::io::Error::from)?;
                }
                Ok(csv.write_record(None::<&[u8]>).map_err(std::io::Error::from)?)
            }
        }
    }

    /// Returns the number of sheets.
    pub fn end(self) -> Result<u32, SheetFault> {
        match self {
            Pages::Book(book) => book.end(),
            Pages::Csv(mut csv) => {
                csv.flush()?;
                Ok(1)
            }
        }
    }
}

pub(super) struct Book<'a> {
    workbook: Workbook,
    columns: Columns<'a>,
    name: String,
    most: u32,
    sheets: u32,
    /// The number of rows on the current sheet.
    rows: u32,
    out: File,
}

impl<'a> Book<'a> {
    fn begin(schema: &'a Schema, name: &str, most: u32, out: File) -> Result<Book<'a>, SheetFault> {
        let columns = Columns::new(schema, name);
        let most = most.min(LAST_ROW);
        let mut book =
            Book { workbook: Workbook::new(), columns, name: name.to_string(), most, sheets: 0, rows: 0, out };
        book.begin_sheet()?;
        Ok(book)
    }

    fn begin_sheet(&mut self) -> Result<(), SheetFault> {
        self.sheets += 1;
        let name = self.name_sheet();
        let sheet = self.workbook.add_worksheet_with_constant_memory()?.set_name(name)?;
        self.columns.begin(sheet)?;
        self.rows = 0;
        Ok(())
    }

    /// Returns the name of the current sheet. If the rules name the only sheet that is read, every sheet needs that name;
    /// signs make the names unique, because the loader ignores them.
    fn name_sheet(&self) -> String {
        match (self.sheets, &self.columns.schema.sheet) {
            (1, _) => self.name.clone(),
            (n, None) => format!("{} {n}", self.name),
            (n, Some(_)) => format!("{} {}", self.name, "+".repeat(n as usize - 1)),
        }
    }

    fn add(&mut self, row: &[Option<CellValue<'_>>]) -> Result<(), SheetFault> {
        if self.rows == self.most {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.rows += 1;
        let number = self.rows;
        let sheet = self.workbook.worksheet_from_index(self.sheets as usize - 1)?;
        for (place, cell) in (0..).zip(row) {
            if let Some(cell) = cell {
                cell.write(sheet, number, place, self.columns.format(usize::from(place)))?;
            }
        }
        Ok(())
    }

    fn end_sheet(&mut self) -> Result<(), SheetFault> {
        let rows = self.rows;
        let sheet = self.workbook.worksheet_from_index(self.sheets as usize - 1)?;
        Ok(self.columns.end(sheet, rows)?)
    }

    fn end(mut self) -> Result<u32, SheetFault> {
        self.end_sheet()?;
        self.columns.lists.add_to(&mut self.workbook, self.columns.schema)?;
        let mut out = BufWriter::new(&self.out);
        self.workbook.save_to_writer(&mut out)?;
        out.flush()?;
        Ok(self.sheets)
    }
}
