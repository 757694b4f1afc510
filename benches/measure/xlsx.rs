//! Writes rows as a workbook.

use std::path::PathBuf;

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::cached;
use super::stock::{HEADER, Row};

pub fn make(name: &str, rows: impl Iterator<Item = Row>) -> PathBuf {
    cached::make(name, "xlsx", |file| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet_with_low_memory().expect("a sheet");
        fill(sheet, rows).expect("the rows");
        workbook.save(file).expect("the file");
    })
}

fn fill(sheet: &mut Worksheet, rows: impl Iterator<Item = Row>) -> Result<(), XlsxError> {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write_row(0, 0, HEADER)?;
    for (at, row) in (1..).zip(rows) {
        sheet.write_string(at, 0, row.sku)?;
        sheet.write_string(at, 1, row.name)?;
        sheet.write_string(at, 2, row.category)?;
        sheet.write_string(at, 3, row.warehouse)?;
        sheet.write_number(at, 4, row.quantity)?;
        sheet.write_number(at, 5, f64::from(row.pence) / 100.0)?;
        sheet.write_number(at, 6, row.reorder_level)?;
        sheet.write_string(at, 7, row.supplier)?;
        sheet.write_number_with_format(at, 8, row.last_counted, &date)?;
        sheet.write_string(at, 9, if row.discontinued { "yes" } else { "no" })?;
    }
    Ok(())
}
