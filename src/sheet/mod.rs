//! Every workbook we write. Values only: whatever a cell says, no spreadsheet program runs it.

mod kept;
mod tabs;
mod to_fix;

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

pub use to_fix::{RowsToFix, ToFixBook, ToFixError};

/// What Excel takes as the text of one cell, in UTF-16 units.
const CELL_UNITS: usize = 32_767;
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

/// As much of a text as there is room for, in UTF-16 units as Excel counts them; that there is more is shown.
fn fit(text: &str, units: usize) -> String {
    let mut taken = 0;
    let mut cut = 0;
    for (at, sign) in text.char_indices() {
        taken += sign.len_utf16();
        if taken > units {
            return format!("{}…", &text[..cut]);
        }
        if taken < units {
            cut = at + sign.len_utf8();
        }
    }
    text.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_its_room_ends_and_says_so() {
        for (text, units, fits) in [
            ("Stock", 5, "Stock"),
            ("Stock", 4, "Sto…"),
            ("", 0, ""),
            ("ab😀", 4, "ab😀"),
            ("ab😀c", 4, "ab…"),
            ("😀😀", 3, "😀…"),
        ] {
            assert_eq!(fit(text, units), fits, "{text} {units}");
        }
    }
}
