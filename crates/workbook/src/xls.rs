//! Workbooks of Excel 95 to 2003: the stream of their records is in a compound file and is read as a whole, so their
//! size is limited.

use std::io::Read;

use super::assembly::{SheetExtras, Visit};
use super::biff::Book;
use super::budget::Budget;
use super::compound::Compound;
use super::format::{Format, Opened, SheetReader, Signature};
use super::row::Sheet;
use super::scan::damaged;
use super::source::Source;
use inventory_base::message::Refusal;

pub const FORMAT: Format = Format {
    name: "an Excel 97 workbook",
    endings: &["xls", "xlt"],
    recognises: |signature| matches!(signature, Signature::Stream(b"Workbook" | b"WORKBOOK" | b"Book" | b"BOOK")),
    open: |input| XlsReader::open(input.source, input.budget).map(|(reader, sheets)| Opened::new(reader, sheets)),
    misnamed: Format::advise_to_rename,
};

/// An old workbook, kept in memory.
pub struct XlsReader {
    stream: Vec<u8>,
    book: Book,
}

impl XlsReader {
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsReader, Vec<Sheet>), Refusal> {
        budget.check_whole_file(source.length(), "too much data for an .xls workbook")?;
        let mut bytes = Vec::new();
        source.from_start().read_to_end(&mut bytes).map_err(|_| damaged())?;
        let compound = Compound::read(&bytes).ok_or_else(damaged)?;
        let stream = compound.stream("Workbook").or_else(|| compound.stream("Book")).ok_or_else(damaged)?;
        let book = Book::read(&stream, budget)?;
        let sheets = book.sheets().cloned().collect();
        Ok((XlsReader { stream, book }, sheets))
    }
}

impl SheetReader for XlsReader {
    fn visit_rows(
        &mut self,
        _: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let records = self.book.sheet(sheet).ok_or_else(damaged)?;
        let whole = records.visit_rows(sheet, &self.stream, &self.book.shared, budget, visit)?;
        Ok(whole.then(|| records.extras.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;
    use std::ops::ControlFlow;
    use std::path::PathBuf;

    use calamine::{Data, Reader, Xls};

    use super::super::row::{RawRow, RawValue};
    use super::super::zipped::tests::source_of;
    use super::*;
    use inventory_base::message::Rule;
    use inventory_test_files::xls::{file, number, record, style};

    fn refusal_of(bytes: &[u8], budget: &Budget) -> Rule {
        XlsReader::open(&source_of(bytes), budget).err().expect("a refusal").rule
    }

    #[test]
    fn protected_and_damaged_workbooks_are_refused() {
        let protected = file(&[record(0x002F, &[1, 0, 1, 0, 1, 0])], &[]);
        assert_eq!(refusal_of(&protected, &Budget::DEFAULT), Rule::FileProtected);
        let bytes = file(&[], &[number(0, 0, 0, 1.0)]);
        for cut in [2_000, 600, 100] {
            assert_eq!(refusal_of(&bytes[..cut], &Budget::DEFAULT), Rule::FileDamaged, "{cut}");
        }
        let small = Budget { whole_file_bytes: 1_000, ..Budget::DEFAULT };
        assert_eq!(refusal_of(&bytes, &small), Rule::FileHoldsTooMuch);
    }

    type Cells = BTreeMap<(String, u32, u32), String>;

    fn ours(bytes: &[u8]) -> Cells {
        let (mut reader, sheets) = XlsReader::open(&source_of(bytes), &Budget::DEFAULT).unwrap();
        let mut cells = Cells::new();
        for (index, sheet) in sheets.iter().enumerate() {
            let mut take = |row: &RawRow<'_>| {
                for cell in &row.cells {
                    let value = match &cell.value {
                        RawValue::Text(text) => format!("{text:?}"),
                        RawValue::Number(number) => format!("{number}"),
                        RawValue::Date(days) => format!("date {days}"),
                        RawValue::Bool(yes) => format!("{yes}"),
                        RawValue::Error(error) => error.to_string(),
                        other => format!("{other:?}"),
                    };
                    cells.insert((sheet.name.clone(), row.number, cell.column), value);
                }
                ControlFlow::Continue(())
            };
            assert!(reader.visit_rows(index, &sheet.name, &Budget::DEFAULT, &mut take).unwrap().is_some());
        }
        cells
    }

    fn calamines(bytes: &[u8]) -> Cells {
        let mut workbook = Xls::new(Cursor::new(bytes.to_vec())).unwrap();
        let mut cells = Cells::new();
        for (sheet, range) in workbook.worksheets() {
            let (top, left) = range.start().unwrap_or_default();
            for (row, column, value) in range.used_cells() {
                let value = match value {
                    Data::String(text) => format!("{text:?}"),
                    Data::Int(number) => format!("{number}"),
                    Data::Float(number) => format!("{number}"),
                    Data::DateTime(time) if time.is_duration() => format!("{}", time.as_f64()),
                    Data::DateTime(time) => format!("date {}", time.as_f64()),
                    Data::Bool(yes) => format!("{yes}"),
                    Data::Error(error) => error.to_string(),
                    other => format!("{other:?}"),
                };
                cells.insert((sheet.clone(), row as u32 + top + 1, column as u32 + left), value);
            }
        }
        cells
    }

    #[test]
    fn calamine_reads_the_same_cells_from_files_of_other_programs() {
        for name in ["xlwt.xls", "libreoffice.xls", "libreoffice-sheets.xls"] {
            let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "files", name].iter().collect();
            let bytes = std::fs::read(path).unwrap();
            let cells = ours(&bytes);
            assert!(cells.len() > 10, "{name}: {cells:?}");
            assert_eq!(cells, calamines(&bytes), "{name}");
        }
        // calamine goes by its own list of dates here, and is wrong.
        let bytes = file(&[style(57)], &[number(0, 0, 0, 2_193_312.0)]);
        let of = |cells: Cells| cells.into_values().collect::<Vec<_>>();
        assert_eq!((of(ours(&bytes)), of(calamines(&bytes))), (vec!["2193312".into()], vec!["date 2193312".into()]));
    }
}
