//! What a user does with the workbook of rows to fix: opens it, corrects cells, and saves it.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use rust_xlsxwriter::{Note, Workbook};

use super::list::write;

/// A sheet as displayed: the header, then the rows.
pub struct Page {
    pub name: String,
    pub rows: Vec<Vec<Data>>,
}

pub fn open(workbook: &[u8]) -> Vec<Page> {
    let mut book = Xlsx::new(Cursor::new(workbook)).expect("a workbook");
    let sheets = book.worksheets().into_iter();
    let page = |(name, range): (String, calamine::Range<Data>)| {
        assert_eq!(range.start(), Some((0, 0)), "{name}");
        Page { name, rows: range.rows().map(<[Data]>::to_vec).collect() }
    };
    sheets.map(page).collect()
}

/// Replaces each cell for which `correction` returns a value, given the sheet, the row in the first file, the header
/// and the cell.
pub fn correct(pages: &mut [Page], correction: impl Fn(&str, u32, &str, &Data) -> Option<Data>) {
    for page in pages {
        let (header, rows) = page.rows.split_first_mut().expect("a header");
        for row in rows {
            let (advice, cells) = row.split_last_mut().expect("what to do");
            let advice = advice.to_string();
            let number = advice.strip_prefix("Row ").and_then(|advice| advice.split_once(" of the original file:"));
            let number = number.expect("a row").0;
            let number = number.parse().expect("a number");
            for (cell, header) in cells.iter_mut().zip(&*header) {
                if let Some(corrected) = correction(&page.name, number, &header.to_string(), cell) {
                    *cell = corrected;
                }
            }
        }
    }
}

/// Saves all pages as a workbook, including notes and the last column.
pub fn save_as_xlsx(pages: &[Page]) -> Vec<u8> {
    let mut book = Workbook::new();
    for page in pages {
        let sheet = book.add_worksheet().set_name(&page.name).expect("a name");
        for (row, cells) in (0..).zip(&page.rows) {
            for (column, cell) in (0..).zip(cells) {
                write(sheet, row, column, cell);
            }
        }
        sheet.insert_note(1, 0, &Note::new("Row 4: type the quantity")).expect("a note");
    }
    book.save_to_buffer().expect("a workbook")
}

/// Saves a sheet as CSV, as spreadsheet programs do.
pub fn save_as_csv(page: &Page) -> Vec<u8> {
    let cell = |cell: &Data| {
        let text = match cell {
            Data::Bool(yes) => yes.to_string().to_uppercase(),
            Data::DateTime(date) => {
                let day = jiff::civil::date(1899, 12, 30) + jiff::Span::new().days(date.as_f64() as i64);
                day.to_string()
            }
            cell => cell.to_string(),
        };
        let quoted = text.contains(['"', ',', '\n']);
        if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    let line = |row: &Vec<Data>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
    page.rows.iter().map(line).collect::<String>().into_bytes()
}
