//! Every workbook we write. Values only: whatever a cell says, no spreadsheet program runs it.

mod cell;
mod columns;
mod example;
mod explain;
pub mod export;
mod fault;
mod help;
mod kept;
mod pages;
mod tabs;
pub mod template;
mod to_fix;
mod validation;

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use inventory_rules::schema::{Schema, canonical_name};

pub use cell::Form;
pub use fault::SheetFault;
pub use to_fix::{RowsToFix, ToFixBook, ToFixError};

/// The last row of a sheet, of which the first is 0.
const LAST_ROW: u32 = 1_048_575;
/// Where the rules do not name the sheet that is read.
const ITEMS: &str = "Stock";
/// What Excel takes as the text of one cell, in UTF-16 units.
const CELL_UNITS: usize = 32_767;

/// A text that a spreadsheet program would take for a formula as soon as somebody edits the cell begins like this.
const LOOKS_LIKE_A_FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n'];

/// Writes a text as nothing but a text. Where it looks like a formula the cell is marked as a quotation, as Excel does
/// with what is typed after an apostrophe: it stays a text even after an edit.
pub fn write_text<'a>(
    sheet: &'a mut Worksheet,
    row: u32,
    column: u16,
    text: &str,
    format: &Format,
) -> Result<&'a mut Worksheet, XlsxError> {
    match text.starts_with(LOOKS_LIKE_A_FORMULA) {
        true => sheet.write_string_with_format(row, column, text, &format.clone().set_quote_prefix()),
        false => sheet.write_string_with_format(row, column, text, format),
    }
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

/// What the sheet of items is called, so that the loader reads it.
pub fn name_items(schema: &Schema) -> Result<String, SheetFault> {
    let Some(wanted) = &schema.sheet else {
        return Ok(ITEMS.to_string());
    };
    // The loader does not look at punctuation, and the programs do not take all of it.
    let name = wanted.replace(['*', '?', ':', '[', ']', '\\', '/'], " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches('\'').to_string();
    let found = canonical_name(&name) == canonical_name(wanted);
    match Worksheet::new().set_name(&name) {
        Ok(_) if found => Ok(name),
        _ => Err(SheetFault::Name(wanted.clone())),
    }
}

/// A name for a sheet beside that of the items, and never the same.
fn name_beside(items: &str, wanted: &str) -> String {
    let taken = canonical_name(items) == canonical_name(wanted);
    if taken { format!("{wanted} 2") } else { wanted.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sheet: &str) -> Result<String, SheetFault> {
        let mut schema = Schema::shipped().unwrap();
        schema.sheet = Some(sheet.to_string());
        name_items(&schema)
    }

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

    #[test]
    fn the_sheet_of_items_is_called_what_the_rules_read() {
        assert_eq!(name_items(&Schema::shipped().unwrap()).unwrap(), "Stock");
        assert_eq!(named("Stock Q3").unwrap(), "Stock Q3");
        assert_eq!(named("Stock: Q3/2026").unwrap(), "Stock Q3 2026");
        assert_eq!(named("'Stock'").unwrap(), "Stock");
        let long = "x".repeat(32);
        assert!(matches!(named(&long), Err(SheetFault::Name(name)) if name == long));
    }

    #[test]
    fn a_sheet_beside_the_items_has_another_name() {
        assert_eq!(name_beside("Stock", "Help"), "Help");
        assert_eq!(name_beside("HELP!", "Help"), "Help 2");
    }
}
