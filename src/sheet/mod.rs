//! Every workbook we write. Values only: whatever a cell says, no spreadsheet program runs it.

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

/// A text that a spreadsheet program would take for a formula as soon as somebody edits the cell begins like this.
const LOOKS_LIKE_A_FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n'];

/// Writes a text as nothing but a text. Where it looks like a formula the cell is marked as a quotation, as Excel does
/// with what is typed after an apostrophe: it stays a text even after an edit.
pub fn write_text(sheet: &mut Worksheet, row: u32, column: u16, text: &str, format: &Format) -> Result<(), XlsxError> {
    match text.starts_with(LOOKS_LIKE_A_FORMULA) {
        true => sheet.write_string_with_format(row, column, text, &format.clone().set_quote_prefix())?,
        false => sheet.write_string_with_format(row, column, text, format)?,
    };
    Ok(())
}
