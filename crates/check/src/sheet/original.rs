//! Writes a cell as it was sent: with its type and its number format, but never as a formula.

use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format, FormatAlign, Worksheet, XlsxError};

use super::{CELL_UNITS, LOOKS_LIKE_A_FORMULA, write_text};
use inventory_rules::judge::{CellKind, OriginalCell, shows_error};

/// Excel's limit on custom number formats in a file is between 200 and 250.
const CODES: usize = 200;
/// Excel's limit on the length of a number format.
const CODE_CHARACTERS: usize = 255;
/// Formats for dates whose own format is unknown, so that they remain dates.
const DAY: &str = "yyyy-mm-dd";
const MOMENT: &str = "yyyy-mm-dd\\Thh:mm:ss";
const CLOCK: &str = "hh:mm:ss";
/// Written for a value that can't be returned; the loader reads it as missing.
const NO_VALUE: &str = "#N/A";
/// Dark enough to be seen on a poor screen, light enough to read text on it.
const MARK: Color = Color::RGB(0xFF_D9_66);

/// The cell formats in use, each created only once.
pub(super) struct CellFormats {
    plain: FormatPair,
    by_code: HashMap<String, FormatPair>,
}

/// A number format for plain cells and for marked ones.
struct FormatPair {
    plain: Format,
    marked: Format,
}

impl FormatPair {
    fn new(code: &str) -> FormatPair {
        // The instructions in the same row take several lines.
        let plain = Format::new().set_align(FormatAlign::Top);
        let plain = match code {
            "" => plain,
            // Formats that follow the user's locale are identified by their number.
            "mm-dd-yy" => plain.set_num_format_index(14),
            "m/d/yy h:mm" => plain.set_num_format_index(22),
            "@" => plain.set_num_format_index(49),
            code => plain.set_num_format(code),
        };
        FormatPair { marked: plain.clone().set_background_color(MARK), plain }
    }

    fn of(&self, marked: bool) -> &Format {
        if marked { &self.marked } else { &self.plain }
    }
}

/// The format of a cell. Most cells have their column's format, which is better left unspecified: the library searches
/// all formats for each one that is specified.
struct CellFormat<'a> {
    format: &'a Format,
    is_columns: bool,
}

impl CellFormats {
    pub fn new() -> CellFormats {
        let dates = [DAY, MOMENT, CLOCK].map(|code| (code.to_string(), FormatPair::new(code)));
        CellFormats { plain: FormatPair::new(""), by_code: dates.into() }
    }

    /// The format of a column.
    pub fn plain(&self) -> &Format {
        &self.plain.plain
    }

    /// The format of an empty cell that should have a value.
    pub fn marked(&self) -> &Format {
        &self.plain.marked
    }

    /// Returns the format for `code`, or for `otherwise` if there is no code or Excel doesn't allow it.
    fn get(&mut self, code: Option<&str>, otherwise: Option<&str>, marked: bool) -> CellFormat<'_> {
        let is_allowed = |code: &&str| code.chars().count() <= CODE_CHARACTERS && !code.contains(char::is_control);
        let pair = match code.filter(is_allowed) {
            Some(code) if self.by_code.len() < CODES || self.by_code.contains_key(code) => {
                Some(&*self.by_code.entry(code.to_string()).or_insert_with(|| FormatPair::new(code)))
            }
            _ => otherwise.and_then(|code| self.by_code.get(code)),
        };
        CellFormat { format: pair.unwrap_or(&self.plain).of(marked), is_columns: pair.is_none() && !marked }
    }
}

/// Returns the index of a cell's column: that of D14 is 3.
pub(super) fn column_of(address: &str) -> Option<u16> {
    let letters = address.bytes().take_while(u8::is_ascii_uppercase);
    let number =
        letters.fold(0_u32, |number, letter| number.saturating_mul(26).saturating_add(u32::from(letter - b'A') + 1));
    u16::try_from(number.checked_sub(1)?).ok()
}

/// Whether a cell of a workbook can hold the whole value.
pub(super) fn has_room(cell: &OriginalCell) -> bool {
    cell.value.len() <= CELL_UNITS || cell.value.encode_utf16().count() <= CELL_UNITS
}

/// Writes the cell into a row and column of the sheet.
pub(super) fn write_original(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &OriginalCell,
    marked: bool,
    formats: &mut CellFormats,
) -> Result<(), XlsxError> {
    let number = exact(cell.number.as_deref().unwrap_or(&cell.value));
    let otherwise = match (cell.kind, number) {
        (CellKind::Date, Some(days)) if days.fract() == 0.0 => Some(DAY),
        (CellKind::Date, Some(days)) if days < 1.0 => Some(CLOCK),
        (CellKind::Date, Some(_)) => Some(MOMENT),
        _ => None,
    };
    let chosen = formats.get(cell.format.as_deref(), otherwise, marked);
    let format = chosen.format;
    match (cell.kind, number) {
        (CellKind::Number | CellKind::Date, Some(number)) => match chosen.is_columns {
            true => sheet.write_number(row, column, number)?,
            false => sheet.write_number_with_format(row, column, number, format)?,
        },
        // In the new workbook, without the rest of its column, the text would be ambiguous.
        (CellKind::Text, Some(number)) if cell.number.is_some() => {
            sheet.write_number_with_format(row, column, number, format)?
        }
        (CellKind::Boolean, _) => sheet.write_boolean_with_format(row, column, cell.value == "true", format)?,
        (CellKind::Error, _) if shows_error(&cell.value) => write_text(sheet, row, column, &cell.value, format)?,
        (CellKind::Error | CellKind::Formula, _) => write_text(sheet, row, column, NO_VALUE, format)?,
        (CellKind::Text | CellKind::Number | CellKind::Date, _) => {
            match chosen.is_columns && !cell.value.starts_with(LOOKS_LIKE_A_FORMULA) {
                true => sheet.write_string(row, column, &cell.value)?,
                false => write_text(sheet, row, column, &cell.value, format)?,
            }
        }
    };
    Ok(())
}

/// Returns the number if it is read back exactly; one with more digits than a workbook keeps is written as text.
fn exact(digits: &str) -> Option<f64> {
    let number: f64 = digits.parse().ok()?;
    (number.is_finite() && number.to_string() == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_found_by_its_letters() {
        let columns = ["A1", "D14", "Z9", "AA1", "XFD1048576", "", "14"].map(column_of);
        assert_eq!(columns, [Some(0), Some(3), Some(25), Some(26), Some(16383), None, None]);
        assert_eq!(column_of(&"Z".repeat(20)), None);
    }

    #[test]
    fn a_number_is_written_as_a_number_only_if_it_is_read_back_exactly() {
        for digits in ["0.30000000000000004", "123", "-0.05", "1000000000000"] {
            assert_eq!(exact(digits).map(|number| number.to_string()).as_deref(), Some(digits));
        }
        for other in ["12345678901234567891", "0.1234567890123456789", "12.50", "NaN", "inf", "", "many"] {
            assert_eq!(exact(other), None, "{other}");
        }
    }

    #[test]
    fn formats_beyond_the_limit_are_dropped_but_dates_remain_dates() {
        let mut formats = CellFormats::new();
        for decimals in 0..2 * CODES {
            formats.get(Some(&format!("0.{}", "0".repeat(decimals))), None, false);
        }
        assert_eq!(formats.by_code.len(), CODES);
        let day = FormatPair::new(DAY);
        assert!(*formats.get(Some("[$-407]d. mmmm"), Some(DAY), false).format == day.plain);
        assert!(*formats.get(Some(DAY), None, true).format == day.marked);
        assert!(*formats.get(Some("0\u{1}"), None, true).format == FormatPair::new("").marked);
    }
}
