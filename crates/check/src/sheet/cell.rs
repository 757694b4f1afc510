//! A value of the table as the cell that shows it, so that reading the cell gives the same value again.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::{Date, date};
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use super::{CELL_UNITS, write_text};
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_rules::schema::{Column, DecimalSign, Kind};
use inventory_workbook::{RawCell, RawValue};

/// From here on days are counted alike everywhere: before it, spreadsheet programs have a day that never was.
const FIRST_DAY: Date = date(1900, 3, 1);
const EPOCH: Date = date(1899, 12, 30);

/// What a file of items can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Workbook,
    /// Text with commas, in which every value is typed.
    Csv,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shown<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    /// Days since 30 December 1899.
    Day(f64),
}

/// Why no cell can show a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unshown {
    OtherType { is: &'static str, wanted: &'static str },
    TooLong { characters: usize },
    Sign,
}

impl fmt::Display for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unshown::OtherType { is, wanted } => write!(f, "is {is}, and the rules want {wanted}"),
            Unshown::TooLong { characters } => {
                let (has, most) = (count(*characters as u64), count(CELL_UNITS as u64));
                write!(f, "has {has} characters, and a cell holds {most}")
            }
            Unshown::Sign => f.write_str("has a sign in it that such a file cannot hold"),
        }
    }
}

/// The cell for a value of this column.
pub(super) fn show<'a>(value: &'a Value, column: &Column, form: Form) -> Result<Shown<'a>, Unshown> {
    match (column.kind, value) {
        (Kind::Text | Kind::Choice | Kind::Gtin, Value::S(text)) => show_text(text, form),
        (Kind::Date, Value::S(text)) => match day_of(text).filter(|_| form == Form::Workbook) {
            Some(day) => Ok(Shown::Day(day)),
            None => show_text(text, form),
        },
        (Kind::Integer | Kind::Decimal | Kind::Money, Value::N(digits)) => {
            let number = Decimal::parse(digits).map_err(|_| other_type(value, column))?;
            Ok(show_number(number, column, form))
        }
        (Kind::Boolean, Value::Bool(said)) => Ok(Shown::Text(if *said { "yes" } else { "no" }.into())),
        _ => Err(other_type(value, column)),
    }
}

fn other_type(value: &Value, column: &Column) -> Unshown {
    let is = match value {
        Value::S(_) => "a text",
        Value::N(_) => "a number",
        Value::Bool(_) => "yes or no",
        Value::B(_) => "binary",
        Value::Null(_) => "nothing at all",
        Value::L(_) => "a list",
        Value::M(_) => "a map",
        Value::StringSet(_) | Value::NumberSet(_) | Value::BinarySet(_) => "a set",
    };
    let wanted = match column.kind {
        Kind::Text => "a text",
        Kind::Integer => "a whole number",
        Kind::Decimal => "a number",
        Kind::Money => "an amount",
        Kind::Boolean => "yes or no",
        Kind::Date => "a date",
        Kind::Choice => "one of their choices",
        Kind::Gtin => "the digits of a barcode",
    };
    Unshown::OtherType { is, wanted }
}

fn show_text(text: &str, form: Form) -> Result<Shown<'_>, Unshown> {
    match form {
        Form::Workbook => {
            let characters = text.encode_utf16().count();
            if characters > CELL_UNITS {
                return Err(Unshown::TooLong { characters });
            }
            // What XML has no place for.
            let is_sign = |c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}');
            if text.contains(is_sign) {
                return Err(Unshown::Sign);
            }
        }
        // A zero byte is no text.
        Form::Csv if text.contains('\0') => return Err(Unshown::Sign),
        Form::Csv => {}
    }
    Ok(Shown::Text(text.into()))
}

/// A number of more than the 15 digits that a spreadsheet program keeps is shown as a text, which is read in full.
fn show_number(number: Decimal, column: &Column, form: Form) -> Shown<'static> {
    let text = number.to_string();
    match text.parse::<f64>() {
        Ok(float) if form == Form::Workbook && Decimal::from_cell(float) == Ok(number) => Shown::Number(float),
        _ => Shown::Text(type_number(text, column.decimal).into()),
    }
}

/// The digits as somebody would type them into this column. Where three stand after the sign it could be one between
/// thousands, which only a fourth rules out whatever else is in the column.
fn type_number(mut digits: String, sign: Option<DecimalSign>) -> String {
    const THOUSANDS: usize = ".000".len();
    if let Some(point) = digits.find('.') {
        if digits.len() - point == THOUSANDS {
            digits.push('0');
        }
        if sign == Some(DecimalSign::Comma) {
            digits.replace_range(point..=point, ",");
        }
    }
    digits
}

/// A day as spreadsheet programs count it. What has a time, or is before their calendar, stays as it is written.
fn day_of(text: &str) -> Option<f64> {
    let day: Date = text.parse().ok()?;
    let plain = day >= FIRST_DAY && day.to_string() == text;
    plain.then(|| f64::from((day - EPOCH).get_days()))
}

impl Shown<'_> {
    /// As the reader of a workbook, or of a csv, will hand it over.
    pub fn as_read(&self, column: u32, format: Option<&'static str>) -> RawCell<'_> {
        let value = match self {
            Shown::Text(text) => RawValue::Text(Cow::Borrowed(text)),
            Shown::Number(number) => RawValue::Number(*number),
            Shown::Day(days) => RawValue::Date(*days),
        };
        RawCell { column, value, format: format.map(Cow::Borrowed) }
    }

    pub fn write(&self, sheet: &mut Worksheet, row: u32, column: u16, format: &Format) -> Result<(), XlsxError> {
        match self {
            Shown::Text(text) => write_text(sheet, row, column, text, format)?,
            Shown::Number(number) | Shown::Day(number) => {
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

    /// The cell in a workbook and in a csv.
    fn told(lines: &str, value: Value) -> [String; 2] {
        [Form::Workbook, Form::Csv].map(|form| match show(&value, &column(lines), form) {
            Ok(Shown::Text(text)) => format!("\"{text}\""),
            Ok(Shown::Number(number)) => number.to_string(),
            Ok(Shown::Day(day)) => format!("day {day}"),
            Err(unshown) => unshown.to_string(),
        })
    }

    #[test]
    fn a_number_is_a_number_as_long_as_a_cell_keeps_all_its_digits() {
        let nines = "9".repeat(38);
        let typed = format!("\"{nines}\"");
        for (lines, digits, cells) in [
            ("type = \"integer\"", "12", ["12", "\"12\""]),
            ("type = \"money\"", "19.990", ["19.99", "\"19.99\""]),
            ("type = \"decimal\"", "1.234", ["1.234", "\"1.2340\""]),
            ("type = \"decimal\"", "123456789012345", ["123456789012345", "\"123456789012345\""]),
            ("type = \"decimal\"", "1234567890123456", ["\"1234567890123456\"", "\"1234567890123456\""]),
            ("type = \"decimal\"", "1234567890123456.125", ["\"1234567890123456.1250\"", "\"1234567890123456.1250\""]),
            ("type = \"decimal\"\ndecimal = \",\"", "-1.234", ["-1.234", "\"-1,2340\""]),
            ("type = \"integer\"", &nines, [&typed, &typed]),
        ] {
            assert_eq!(told(lines, Value::N(digits.into())), cells, "{lines} {digits}");
        }
    }

    #[test]
    fn a_day_is_a_date_where_all_programs_count_alike() {
        let date = |text: &str| told("type = \"date\"", Value::S(text.into()))[0].clone();
        assert_eq!(date("2026-10-03"), "day 46298");
        assert_eq!(date("1900-03-01"), "day 61");
        for text in ["1900-02-28", "0001-01-01", "2026-10-03T18:00:00", "03.10.2026", "soon"] {
            assert_eq!(date(text), format!("\"{text}\""));
        }
        assert_eq!(told("type = \"date\"", Value::S("2026-10-03".into()))[1], "\"2026-10-03\"");
    }

    #[test]
    fn what_no_cell_can_show_is_told() {
        let text = "type = \"text\"";
        let list = Value::L(vec![Value::Bool(true)]);
        assert_eq!(told(text, list)[0], "is a list, and the rules want a text");
        assert_eq!(told("type = \"integer\"", Value::S("5".into()))[1], "is a text, and the rules want a whole number");
        let long = "x".repeat(CELL_UNITS + 1);
        let [book, csv] = told(text, Value::S(long.as_str().into()));
        assert_eq!(book, "has 32,768 characters, and a cell holds 32,767");
        assert_eq!(csv, format!("\"{long}\""));
        let sign = "has a sign in it that such a file cannot hold";
        assert_eq!(told(text, Value::S("a\u{1}b".into())), [sign, "\"a\u{1}b\""]);
        assert_eq!(told(text, Value::S("=\"00123\"".into())), ["\"=\"00123\"\"", "\"=\"00123\"\""]);
        assert_eq!(told(text, Value::S("a\0".into())), [sign, sign]);
    }

    #[test]
    fn yes_and_no_are_words_as_the_lists_of_the_cells_have_them() {
        assert_eq!(told("type = \"boolean\"", Value::Bool(true)), ["\"yes\"", "\"yes\""]);
        assert_eq!(told("type = \"boolean\"", Value::Bool(false)), ["\"no\"", "\"no\""]);
    }
}
