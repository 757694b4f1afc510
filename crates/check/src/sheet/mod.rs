//! Writes workbooks: template, export, and rows to fix. They contain only values, so no spreadsheet program ever runs
//! what a cell says.

mod cell;
mod columns;
mod explain;
pub mod export;
mod fault;
mod help;
mod original;
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

/// The last row of a sheet, counted from 0.
const LAST_ROW: u32 = 1_048_575;
/// The name of the sheet of items if the rules don't name one.
const ITEMS: &str = "Stock";
/// The longest text that a cell can hold, in UTF-16 units.
const CELL_UNITS: usize = 32_767;

/// A spreadsheet program may take a text that starts with one of these for a formula when the cell is edited.
const LOOKS_LIKE_A_FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n'];

/// Writes a text as text. If it looks like a formula, the cell gets the quote prefix, as in Excel when an apostrophe is
/// typed first, so that it remains text even after an edit.
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

/// Returns the text, shortened with an ellipsis if it has more than this many UTF-16 units, which Excel counts.
fn fit(text: &str, units: usize) -> String {
    let mut taken = 0;
    let mut cut = 0;
    for (at, c) in text.char_indices() {
        taken += c.len_utf16();
        if taken > units {
            return format!("{}…", &text[..cut]);
        }
        if taken < units {
            cut = at + c.len_utf8();
        }
    }
    text.to_string()
}

/// Returns a name for the sheet of items under which the loader reads it.
pub fn name_items(schema: &Schema) -> Result<String, SheetFault> {
    let Some(wanted) = &schema.sheet else {
        return Ok(ITEMS.to_string());
    };
    // The loader ignores punctuation in names, and spreadsheet programs don't allow all of it.
    let name = wanted.replace(['*', '?', ':', '[', ']', '\\', '/'], " ");
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ").trim_matches('\'').to_string();
    let is_found = canonical_name(&name) == canonical_name(wanted);
    match Worksheet::new().set_name(&name) {
        Ok(_) if is_found => Ok(name),
        _ => Err(SheetFault::Name(wanted.clone())),
    }
}

/// Returns a name for another sheet that differs from that of the items.
fn other_sheet_name(items: &str, wanted: &str) -> String {
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
    fn a_text_is_shortened_to_fit_and_ends_with_an_ellipsis() {
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
    fn the_sheet_of_items_has_a_name_that_the_rules_read() {
        assert_eq!(name_items(&Schema::shipped().unwrap()).unwrap(), "Stock");
        assert_eq!(named("Stock Q3").unwrap(), "Stock Q3");
        assert_eq!(named("Stock: Q3/2026").unwrap(), "Stock Q3 2026");
        assert_eq!(named("'Stock'").unwrap(), "Stock");
        let long = "x".repeat(32);
        assert!(matches!(named(&long), Err(SheetFault::Name(name)) if name == long));
    }

    #[test]
    fn another_sheet_never_has_the_name_of_the_sheet_of_items() {
        assert_eq!(other_sheet_name("Stock", "Help"), "Help");
        assert_eq!(other_sheet_name("HELP!", "Help"), "Help 2");
    }
}
