//! A cell as it was sent, written once more: with its type and its number format, and never as a formula.

use std::collections::HashMap;

use rust_xlsxwriter::{Color, Format, FormatAlign, Worksheet, XlsxError};

use super::{CELL_UNITS, LOOKS_LIKE_A_FORMULA, write_text};
use inventory_rules::judge::{CellKind, KeptCell, shows_error};

/// Excel takes between 200 and 250 number formats of a file's own.
const CODES: usize = 200;
/// Of one of them, as Excel has it.
const CODE_LETTERS: usize = 255;
/// Of cells whose format nobody told; with these a date stays a date.
const DAY: &str = "yyyy-mm-dd";
const MOMENT: &str = "yyyy-mm-dd\\Thh:mm:ss";
const CLOCK: &str = "hh:mm:ss";
/// Where no value can be handed back: what a spreadsheet program shows there, and the loader takes for none.
const NO_VALUE: &str = "#N/A";
/// Dark enough to be seen on a poor screen, light enough to read what stands on it.
const MARK: Color = Color::RGB(0xFF_D9_66);

/// The looks of cells: each made once, however many have it.
pub(super) struct Looks {
    plain: Look,
    by_code: HashMap<String, Look>,
}

struct Look {
    plain: Format,
    marked: Format,
}

impl Look {
    fn new(code: &str) -> Look {
        // What to do takes several lines beside it.
        let plain = Format::new().set_align(FormatAlign::Top);
        let plain = match code {
            "" => plain,
            // Those that look as the user's system has them have only a number.
            "mm-dd-yy" => plain.set_num_format_index(14),
            "m/d/yy h:mm" => plain.set_num_format_index(22),
            "@" => plain.set_num_format_index(49),
            code => plain.set_num_format(code),
        };
        Look { marked: plain.clone().set_background_color(MARK), plain }
    }

    fn of(&self, marked: bool) -> &Format {
        if marked { &self.marked } else { &self.plain }
    }
}

/// A cell's look. Most look as their column does, which is not said of each: whenever a format is named it is looked for
/// among all that there are.
struct Chosen<'a> {
    format: &'a Format,
    is_columns: bool,
}

impl Looks {
    pub fn new() -> Looks {
        let dates = [DAY, MOMENT, CLOCK].map(|code| (code.to_string(), Look::new(code)));
        Looks { plain: Look::new(""), by_code: dates.into() }
    }

    /// That of a column.
    pub fn plain(&self) -> &Format {
        &self.plain.plain
    }

    /// That of an empty cell which should have something.
    pub fn marked(&self) -> &Format {
        &self.plain.marked
    }

    /// That of a format code, or of another one where it has none that Excel takes.
    fn get(&mut self, code: Option<&str>, otherwise: Option<&str>, marked: bool) -> Chosen<'_> {
        let fits = |code: &&str| code.chars().count() <= CODE_LETTERS && !code.contains(char::is_control);
        let look = match code.filter(fits) {
            Some(code) if self.by_code.len() < CODES || self.by_code.contains_key(code) => {
                Some(&*self.by_code.entry(code.to_string()).or_insert_with(|| Look::new(code)))
            }
            _ => otherwise.and_then(|code| self.by_code.get(code)),
        };
        Chosen { format: look.unwrap_or(&self.plain).of(marked), is_columns: look.is_none() && !marked }
    }
}

/// The place of a cell's column: that of D14 is 3.
pub(super) fn column_of(address: &str) -> Option<u16> {
    let letters = address.bytes().take_while(u8::is_ascii_uppercase);
    let number =
        letters.fold(0_u32, |number, letter| number.saturating_mul(26).saturating_add(u32::from(letter - b'A') + 1));
    u16::try_from(number.checked_sub(1)?).ok()
}

/// Whether a workbook has room for all that the cell says.
pub(super) fn has_room(cell: &KeptCell) -> bool {
    cell.value.len() <= CELL_UNITS || cell.value.encode_utf16().count() <= CELL_UNITS
}

/// Writes the cell into a row, in its own column.
pub(super) fn write_kept(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &KeptCell,
    marked: bool,
    looks: &mut Looks,
) -> Result<(), XlsxError> {
    let number = exact(cell.number.as_deref().unwrap_or(&cell.value));
    let otherwise = match (cell.kind, number) {
        (CellKind::Date, Some(days)) if days.fract() == 0.0 => Some(DAY),
        (CellKind::Date, Some(days)) if days < 1.0 => Some(CLOCK),
        (CellKind::Date, Some(_)) => Some(MOMENT),
        _ => None,
    };
    let look = looks.get(cell.format.as_deref(), otherwise, marked);
    let format = look.format;
    match (cell.kind, number) {
        (CellKind::Number | CellKind::Date, Some(number)) => match look.is_columns {
            true => sheet.write_number(row, column, number)?,
            false => sheet.write_number_with_format(row, column, number, format)?,
        },
        // Alone in a workbook, the text would be asked about once more.
        (CellKind::Text, Some(number)) if cell.number.is_some() => {
            sheet.write_number_with_format(row, column, number, format)?
        }
        (CellKind::Boolean, _) => sheet.write_boolean_with_format(row, column, cell.value == "true", format)?,
        (CellKind::Error, _) if shows_error(&cell.value) => write_text(sheet, row, column, &cell.value, format)?,
        (CellKind::Error | CellKind::Formula, _) => write_text(sheet, row, column, NO_VALUE, format)?,
        (CellKind::Text | CellKind::Number | CellKind::Date, _) => {
            match look.is_columns && !cell.value.starts_with(LOOKS_LIKE_A_FORMULA) {
                true => sheet.write_string(row, column, &cell.value)?,
                false => write_text(sheet, row, column, &cell.value, format)?,
            }
        }
    };
    Ok(())
}

/// The number, where it comes back as it is: with more digits than a workbook keeps it goes as a text.
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
    fn a_number_goes_as_one_only_if_it_comes_back_as_it_is() {
        for digits in ["0.30000000000000004", "123", "-0.05", "1000000000000"] {
            assert_eq!(exact(digits).map(|number| number.to_string()).as_deref(), Some(digits));
        }
        for other in ["12345678901234567891", "0.1234567890123456789", "12.50", "NaN", "inf", "", "many"] {
            assert_eq!(exact(other), None, "{other}");
        }
    }

    #[test]
    fn of_more_formats_than_excel_takes_the_first_are_kept_and_dates_stay_dates() {
        let mut looks = Looks::new();
        for decimals in 0..2 * CODES {
            looks.get(Some(&format!("0.{}", "0".repeat(decimals))), None, false);
        }
        assert_eq!(looks.by_code.len(), CODES);
        let day = Look::new(DAY);
        assert!(*looks.get(Some("[$-407]d. mmmm"), Some(DAY), false).format == day.plain);
        assert!(*looks.get(Some(DAY), None, true).format == day.marked);
        assert!(*looks.get(Some("0\u{1}"), None, true).format == Look::new("").marked);
    }
}
