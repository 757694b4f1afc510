//! Converts a value of the table into a cell that the loader reads back as the same value.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::{Date, date};
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use super::{CELL_UNITS, write_text};
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_rules::schema::{Column, DecimalSeparator, StoredAs};
use inventory_workbook::{RawCell, RawValue};

/// The first day that all spreadsheet programs number alike: before it, some count 29 February 1900, which never existed.
const FIRST_DAY: Date = date(1900, 3, 1);
const EPOCH: Date = date(1899, 12, 30);

/// The format of a file of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Workbook,
    /// Comma-separated text, in which every value is text.
    Csv,
}

/// The content of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CellValue<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    /// Days since 30 December 1899.
    Day(f64),
}

/// Why no cell can hold a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoCell {
    OtherType { is: &'static str, wanted: &'static str },
    TooLong { characters: usize },
    Character,
}

impl fmt::Display for NoCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoCell::OtherType { is, wanted } => write!(f, "is {is}, but the rules expect {wanted}"),
            NoCell::TooLong { characters } => {
                let (has, most) = (count(*characters as u64), count(CELL_UNITS as u64));
                write!(f, "has {has} characters, but a cell holds at most {most}")
            }
            NoCell::Character => f.write_str("contains a character that such a file can't hold"),
        }
    }
}

/// Returns the cell for a value of this column.
pub(super) fn to_cell<'a>(value: &'a Value, column: &Column, form: Form) -> Result<CellValue<'a>, NoCell> {
    match (column.kind.stored_as, value) {
        (StoredAs::Text, Value::S(text)) => {
            let may_be_day = column.kind.holds_dates && form == Form::Workbook;
            match may_be_day.then(|| day_of(text)).flatten() {
                Some(day) => Ok(CellValue::Day(day)),
                None => text_cell(text, form),
            }
        }
        (StoredAs::Number(_), Value::N(digits)) => {
            let number = Decimal::parse(digits).map_err(|_| other_type(value, column))?;
            Ok(number_cell(number, column, form))
        }
        (StoredAs::Boolean, Value::Bool(yes)) => Ok(CellValue::Text(if *yes { "yes" } else { "no" }.into())),
        _ => Err(other_type(value, column)),
    }
}

fn other_type(value: &Value, column: &Column) -> NoCell {
    let is = match value {
        Value::S(_) => "text",
        Value::N(_) => "a number",
        Value::Bool(_) => "yes or no",
        Value::B(_) => "binary data",
        Value::Null(_) => "an empty value",
        Value::L(_) => "a list",
        Value::M(_) => "a map",
        Value::StringSet(_) | Value::NumberSet(_) | Value::BinarySet(_) => "a set",
    };
    NoCell::OtherType { is, wanted: column.kind.description }
}

fn text_cell(text: &str, form: Form) -> Result<CellValue<'_>, NoCell> {
    match form {
        Form::Workbook => {
            let characters = text.encode_utf16().count();
            if characters > CELL_UNITS {
                return Err(NoCell::TooLong { characters });
            }
            // XML doesn't allow these.
            let not_in_xml =
                |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}');
            if text.contains(not_in_xml) {
                return Err(NoCell::Character);
            }
        }
        // A file with a zero byte isn't read as text.
        Form::Csv if text.contains('\0') => return Err(NoCell::Character),
        Form::Csv => {}
    }
    Ok(CellValue::Text(text.into()))
}

/// Returns a text cell for a number of more than the 15 digits that spreadsheet programs keep; it is read in full.
fn number_cell(number: Decimal, column: &Column, form: Form) -> CellValue<'static> {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(float) if form == Form::Workbook && Decimal::from_cell(float) == Ok(number) => CellValue::Number(float),
        _ => CellValue::Text(type_number(text, column.decimal).into()),
    }
}

/// Returns the number as it would be typed into this column. With exactly three decimal places, the decimal separator
/// could be read as a thousands separator; a fourth place prevents that, whatever else is in the column.
fn type_number(mut digits: String, separator: Option<DecimalSeparator>) -> String {
    const THREE_PLACES: usize = ".000".len();
    if let Some(point) = digits.find('.') {
        if digits.len() - point == THREE_PLACES {
            digits.push('0');
        }
        if separator == Some(DecimalSeparator::Comma) {
            digits.replace_range(point..=point, ",");
        }
    }
    digits
}

/// Returns the number of a day in spreadsheet programs; `None` if the text has a time, or is before their calendar.
fn day_of(text: &str) -> Option<f64> {
    let day: Date = text.parse().ok()?;
    let is_plain = day >= FIRST_DAY && day.to_string() == text;
    is_plain.then(|| f64::from((day - EPOCH).get_days()))
}

impl CellValue<'_> {
    /// Returns the cell as the reader of a workbook, or of a CSV file, will return it.
    pub fn as_read(&self, column: u32, format: Option<&'static str>) -> RawCell<'_> {
        let value = match self {
            CellValue::Text(text) => RawValue::Text(Cow::Borrowed(text)),
            CellValue::Number(number) => RawValue::Number(*number),
            CellValue::Day(days) => RawValue::Date(*days),
        };
        RawCell { column, value, format: format.map(Cow::Borrowed) }
    }

    pub fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, format: &Format) -> Result<(), XlsxError> {
        match self {
            CellValue::Text(text) => write_text(sheet, row, column, text, format)?,
            CellValue::Number(number) | CellValue::Day(number) => {
                sheet.write_number_with_format(row, column, *number, format)?
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(lines: &str) -> Column {
        toml::from_str(&format!("name = \"c\"\ntitle = \"C\"\n{lines}")).unwrap()
    }

    /// Returns the cell in a workbook and in a CSV file.
    fn cells(lines: &str, value: Value) -> [String; 2] {
        [Form::Workbook, Form::Csv].map(|form| match to_cell(&value, &column(lines), form) {
            Ok(CellValue::Text(text)) => format!("\"{text}\""),
            Ok(CellValue::Number(number)) => number.to_string(),
            Ok(CellValue::Day(day)) => format!("day {day}"),
            Err(reason) => reason.to_string(),
        })
    }

    #[test]
    fn a_number_is_a_number_cell_if_the_cell_keeps_all_its_digits() {
        let nines = "9".repeat(38);
        let typed = format!("\"{nines}\"");
        for (lines, digits, expected) in [
            ("type = \"integer\"", "12", ["12", "\"12\""]),
            ("type = \"money\"", "19.990", ["19.99", "\"19.99\""]),
            ("type = \"decimal\"", "1.234", ["1.234", "\"1.2340\""]),
            ("type = \"decimal\"", "123456789012345", ["123456789012345", "\"123456789012345\""]),
            ("type = \"decimal\"", "1234567890123456", ["\"1234567890123456\"", "\"1234567890123456\""]),
            ("type = \"decimal\"", "1234567890123456.125", ["\"1234567890123456.1250\"", "\"1234567890123456.1250\""]),
            ("type = \"decimal\"\ndecimal = \",\"", "-1.234", ["-1.234", "\"-1,2340\""]),
            ("type = \"integer\"", &nines, [&typed, &typed]),
        ] {
            assert_eq!(cells(lines, Value::N(digits.into())), expected, "{lines} {digits}");
        }
    }

    #[test]
    fn a_day_is_a_date_cell_if_all_programs_number_it_alike() {
        let date = |text: &str| cells("type = \"date\"", Value::S(text.into()))[0].clone();
        assert_eq!(date("2026-10-03"), "day 46298");
        assert_eq!(date("1900-03-01"), "day 61");
        for text in ["1900-02-28", "0001-01-01", "2026-10-03T18:00:00", "03.10.2026", "soon"] {
            assert_eq!(date(text), format!("\"{text}\""));
        }
        assert_eq!(cells("type = \"date\"", Value::S("2026-10-03".into()))[1], "\"2026-10-03\"");
    }

    #[test]
    fn a_value_that_no_cell_can_hold_is_refused_with_the_reason() {
        let text = "type = \"text\"";
        let list = Value::L(vec![Value::Bool(true)]);
        assert_eq!(cells(text, list)[0], "is a list, but the rules expect text");
        let not_a_number = "is text, but the rules expect a whole number";
        assert_eq!(cells("type = \"integer\"", Value::S("5".into()))[1], not_a_number);
        let long = "x".repeat(CELL_UNITS + 1);
        let [book, csv] = cells(text, Value::S(long.as_str().into()));
        assert_eq!(book, "has 32,768 characters, but a cell holds at most 32,767");
        assert_eq!(csv, format!("\"{long}\""));
        let character = "contains a character that such a file can't hold";
        assert_eq!(cells(text, Value::S("a\u{1}b".into())), [character, "\"a\u{1}b\""]);
        assert_eq!(cells(text, Value::S("=\"00123\"".into())), ["\"=\"00123\"\"", "\"=\"00123\"\""]);
        assert_eq!(cells(text, Value::S("a\0".into())), [character, character]);
    }

    #[test]
    fn yes_and_no_are_written_as_in_the_drop_down_lists() {
        assert_eq!(cells("type = \"boolean\"", Value::Bool(true)), ["\"yes\"", "\"yes\""]);
        assert_eq!(cells("type = \"boolean\"", Value::Bool(false)), ["\"no\"", "\"no\""]);
    }
}
