//! One cell and its column's rules: the value the table gets, or the rule that keeps it out.

use std::borrow::Cow;

use crate::decimal::{Decimal, DecimalFault};
use crate::item::Value;
use crate::message::Rule;
use crate::schema::{Column, Kind};
use crate::workbook::{RawCell, RawValue};

use super::{CellKind, KeptCell};
use crate::message::cell_address;

/// A rule that a cell breaks, with the words its sentence needs beyond row, column, cell and value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub rule: Rule,
    pub words: Vec<(&'static str, String)>,
}

impl From<Rule> for Broken {
    fn from(rule: Rule) -> Broken {
        Broken { rule, words: Vec::new() }
    }
}

/// What the table gets for this cell; `None` where it is empty.
pub(super) fn judge_cell(cell: &RawCell<'_>, column: &Column) -> Result<Option<Value>, Broken> {
    if matches!(cell.value, RawValue::Error(_)) {
        return Err(Rule::CellShowsError.into());
    }
    if let RawValue::Text(text) = &cell.value
        && trim(text).is_empty()
    {
        return Ok(None);
    }
    let value = match column.kind {
        Kind::Text => judge_text(&shown(cell), column)?,
        Kind::Integer | Kind::Decimal | Kind::Money => judge_number(cell, column)?,
        Kind::Boolean => judge_boolean(cell)?,
        Kind::Date => judge_date(cell)?,
        Kind::Choice => judge_choice(&shown(cell), column)?,
    };
    Ok(Some(value))
}

/// The cell as the spreadsheet program shows it, as far as its format is known.
pub(super) fn shown<'a>(cell: &'a RawCell<'_>) -> Cow<'a, str> {
    match &cell.value {
        RawValue::Text(text) => Cow::Borrowed(trim(text)),
        RawValue::Error(text) => Cow::Borrowed(text),
        RawValue::Bool(true) => Cow::Borrowed("TRUE"),
        RawValue::Bool(false) => Cow::Borrowed("FALSE"),
        RawValue::Date(serial) => Cow::Owned(date_text(*serial).unwrap_or_else(|| serial.to_string())),
        RawValue::Number(number) => Cow::Owned(shown_number(*number, cell.format.as_deref())),
    }
}

/// 123 under the format `00000` is shown, and meant, as 00123.
fn shown_number(number: f64, format: Option<&str>) -> String {
    let plain = Decimal::from_cell(number).map_or_else(|_| number.to_string(), |decimal| decimal.to_string());
    let zeros = format.filter(|format| !format.is_empty() && format.bytes().all(|b| b == b'0'));
    match (zeros, plain.bytes().all(|b| b.is_ascii_digit())) {
        (Some(zeros), true) => format!("{plain:0>width$}", width = zeros.len()),
        _ => plain,
    }
}

/// Blanks of every kind at both ends, and the marks that have no width at all.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{feff}'))
}

fn judge_text(text: &str, column: &Column) -> Result<Value, Broken> {
    if let Some(limit) = column.max_length {
        let length = text.chars().count();
        if length > limit {
            let words = vec![("length", length.to_string()), ("limit", limit.to_string())];
            return Err(Broken { rule: Rule::TextTooLong, words });
        }
    }
    Ok(Value::S(text.to_string()))
}

fn judge_number(cell: &RawCell<'_>, column: &Column) -> Result<Value, Broken> {
    let expected = if column.kind == Kind::Integer { Rule::WholeNumberExpected } else { Rule::NumberExpected };
    let parsed = match &cell.value {
        RawValue::Number(number) => Decimal::from_cell(*number),
        RawValue::Text(text) => Decimal::parse(trim(text)),
        _ => Err(DecimalFault::NotANumber),
    };
    let number = match parsed {
        Ok(number) => number,
        Err(DecimalFault::OutOfRange) => return Err(Rule::NumberTooLong.into()),
        Err(DecimalFault::NotANumber) => {
            return Err(match with_point(&shown(cell)) {
                Some(proposal) => Broken { rule: Rule::PointExpected, words: vec![("proposal", proposal)] },
                None => expected.into(),
            });
        }
    };
    if column.kind == Kind::Integer && !number.is_integer() {
        return Err(Rule::WholeNumberExpected.into());
    }
    let beyond = |rule, limit: Decimal| Err(Broken { rule, words: vec![("limit", limit.to_string())] });
    match (column.min, column.max) {
        (Some(min), _) if number < min => beyond(Rule::TooSmall, min),
        (_, Some(max)) if number > max => beyond(Rule::TooLarge, max),
        _ => Ok(Value::N(number.to_string())),
    }
}

/// `12,50` is most likely 12.50: proposed, never silently taken.
fn with_point(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(',')?;
    let unlike_thousands = fraction.len() != 3 && !whole.contains('.');
    Decimal::parse(&format!("{whole}.{fraction}")).ok().filter(|_| unlike_thousands).map(|number| number.to_string())
}

fn judge_boolean(cell: &RawCell<'_>) -> Result<Value, Broken> {
    let said = match &cell.value {
        RawValue::Bool(said) => Some(*said),
        RawValue::Number(number) if *number == 1.0 => Some(true),
        RawValue::Number(number) if *number == 0.0 => Some(false),
        RawValue::Text(text) => match trim(text).to_lowercase().as_str() {
            "yes" | "y" | "true" | "x" | "1" | "ja" | "oui" | "sí" | "si" => Some(true),
            "no" | "n" | "false" | "0" | "-" | "nein" | "non" => Some(false),
            _ => None,
        },
        _ => None,
    };
    said.map(Value::Bool).ok_or(Rule::YesOrNoExpected.into())
}

fn judge_date(cell: &RawCell<'_>) -> Result<Value, Broken> {
    let date = match &cell.value {
        RawValue::Date(serial) => date_text(*serial),
        RawValue::Text(text) => iso_date(trim(text)),
        _ => None,
    };
    date.map(Value::S).ok_or(Rule::DateExpected.into())
}

/// Only the one way of writing a date that cannot be misread: 03/04/2026 is asked about, not guessed.
fn iso_date(text: &str) -> Option<String> {
    let digits_and_dashes = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date: jiff::civil::Date = digits_and_dashes.then(|| text.parse().ok())??;
    Some(date.to_string())
}

/// Days since 30 December 1899 as a date, with the time of day where there is one.
fn date_text(serial: f64) -> Option<String> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    /// The day that never was: spreadsheet programs count a 29 February 1900, so days before it are one off.
    const LEAP_DAY_1900: f64 = 60.0;
    /// 31 December 9999, the last day a spreadsheet program shows.
    const LAST_DAY: f64 = 2_958_466.0;
    if !(0.0..LAST_DAY).contains(&serial) || (LEAP_DAY_1900..LEAP_DAY_1900 + 1.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * SECONDS_PER_DAY).round();
    let days = (seconds / SECONDS_PER_DAY).floor();
    let shifted = if serial < LEAP_DAY_1900 { days + 1.0 } else { days };
    let epoch = jiff::civil::date(1899, 12, 30);
    let date = epoch.checked_add(jiff::Span::new().days(shifted as i64)).ok()?;
    let second = (seconds - days * SECONDS_PER_DAY) as i64;
    if second == 0 {
        return Some(date.to_string());
    }
    Some(format!("{date}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60))
}

fn judge_choice(text: &str, column: &Column) -> Result<Value, Broken> {
    let wanted = text.to_lowercase();
    match column.choices.iter().find(|choice| choice.to_lowercase() == wanted) {
        Some(choice) => Ok(Value::S(choice.clone())),
        None => Err(Broken { rule: Rule::ChoiceExpected, words: vec![("choices", column.choices.join(", "))] }),
    }
}

/// The cell as it was sent, to be handed back for mending.
pub(super) fn keep_cell(cell: &RawCell<'_>, row: u32) -> KeptCell {
    let (kind, value) = match &cell.value {
        RawValue::Text(text) => (CellKind::Text, text.to_string()),
        RawValue::Number(number) => (CellKind::Number, number.to_string()),
        RawValue::Date(serial) => (CellKind::Date, serial.to_string()),
        RawValue::Bool(said) => (CellKind::Boolean, said.to_string()),
        RawValue::Error(text) => (CellKind::Error, text.to_string()),
    };
    KeptCell { cell: cell_address(cell.column, row), kind, value, format: cell.format.as_deref().map(str::to_string) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    fn judged(column: &str, value: RawValue<'_>, format: Option<&str>) -> Result<Option<Value>, Rule> {
        let schema = Schema::shipped().unwrap();
        let column = &schema.columns[schema.position(column).unwrap()];
        let cell = RawCell { column: 0, value, format: format.map(Cow::Borrowed) };
        judge_cell(&cell, column).map_err(|broken| broken.rule)
    }

    fn text(s: &str) -> RawValue<'_> {
        RawValue::Text(Cow::Borrowed(s))
    }

    fn s(text: &str) -> Result<Option<Value>, Rule> {
        Ok(Some(Value::S(text.into())))
    }

    fn n(number: &str) -> Result<Option<Value>, Rule> {
        Ok(Some(Value::N(number.into())))
    }

    #[test]
    fn text_gets_what_the_cell_shows() {
        assert_eq!(judged("sku", text("00123"), None), s("00123"));
        assert_eq!(judged("sku", text(" \u{a0}1E5\u{2003}"), None), s("1E5"));
        assert_eq!(judged("sku", RawValue::Number(123.0), Some("00000")), s("00123"));
        assert_eq!(judged("sku", RawValue::Number(123456.0), Some("00000")), s("123456"));
        assert_eq!(judged("sku", RawValue::Number(123.0), None), s("123"));
        assert_eq!(judged("sku", RawValue::Number(4006381333931.0), None), s("4006381333931"));
        assert_eq!(judged("name", RawValue::Bool(true), None), s("TRUE"));
        assert_eq!(judged("name", RawValue::Date(46298.0), Some("yyyy-mm-dd")), s("2026-10-03"));
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(judged("unit_price", RawValue::Number(19.990000000000002), None), n("19.99"));
        assert_eq!(judged("unit_price", RawValue::Number(0.1 + 0.2), None), n("0.3"));
        assert_eq!(judged("unit_price", text(" 12.50 "), None), n("12.5"));
        assert_eq!(judged("quantity", RawValue::Number(12.0), None), n("12"));
    }

    #[test]
    fn what_is_no_number_is_a_problem() {
        assert_eq!(judged("unit_price", text("n/a"), None), Err(Rule::NumberExpected));
        assert_eq!(judged("unit_price", text("12,50"), None), Err(Rule::PointExpected));
        assert_eq!(judged("unit_price", text("1,234"), None), Err(Rule::NumberExpected));
        assert_eq!(judged("quantity", text("a dozen"), None), Err(Rule::WholeNumberExpected));
        assert_eq!(judged("quantity", RawValue::Number(2.5), None), Err(Rule::WholeNumberExpected));
        assert_eq!(judged("quantity", RawValue::Number(-1.0), None), Err(Rule::TooSmall));
        assert_eq!(judged("quantity", RawValue::Date(46298.0), None), Err(Rule::WholeNumberExpected));
        assert_eq!(judged("quantity", text(&"9".repeat(39)), None), Err(Rule::NumberTooLong));
        assert_eq!(judged("quantity", RawValue::Error("#N/A".into()), None), Err(Rule::CellShowsError));
        assert_eq!(judged("name", RawValue::Error("#REF!".into()), None), Err(Rule::CellShowsError));
    }

    #[test]
    fn dates_are_dates() {
        assert_eq!(judged("last_counted", RawValue::Date(46298.0), None), s("2026-10-03"));
        assert_eq!(judged("last_counted", RawValue::Date(46298.75), None), s("2026-10-03T18:00:00"));
        assert_eq!(judged("last_counted", RawValue::Date(1.0), None), s("1900-01-01"));
        assert_eq!(judged("last_counted", RawValue::Date(59.0), None), s("1900-02-28"));
        assert_eq!(judged("last_counted", RawValue::Date(61.0), None), s("1900-03-01"));
        assert_eq!(judged("last_counted", text("2026-10-03"), None), s("2026-10-03"));
        for unclear in ["03/04/2026", "2026-02-30", "3.10.2026", "20261003", "soon"] {
            assert_eq!(judged("last_counted", text(unclear), None), Err(Rule::DateExpected), "{unclear}");
        }
        for unclear in [60.0, -1.0, 1e9, f64::NAN] {
            assert_eq!(judged("last_counted", RawValue::Date(unclear), None), Err(Rule::DateExpected), "{unclear}");
        }
        assert_eq!(judged("last_counted", RawValue::Number(46298.0), None), Err(Rule::DateExpected));
    }

    #[test]
    fn yes_and_no_have_many_names() {
        for yes in ["yes", "X", "TRUE", "1", "ja"] {
            assert_eq!(judged("discontinued", text(yes), None), Ok(Some(Value::Bool(true))), "{yes}");
        }
        assert_eq!(judged("discontinued", RawValue::Bool(false), None), Ok(Some(Value::Bool(false))));
        assert_eq!(judged("discontinued", RawValue::Number(0.0), None), Ok(Some(Value::Bool(false))));
        assert_eq!(judged("discontinued", text("maybe"), None), Err(Rule::YesOrNoExpected));
        assert_eq!(judged("discontinued", RawValue::Number(2.0), None), Err(Rule::YesOrNoExpected));
    }

    #[test]
    fn blanks_are_an_empty_cell() {
        assert_eq!(judged("quantity", text(" \u{a0}\u{200b} "), None), Ok(None));
    }

    #[test]
    fn a_choice_is_written_as_the_rules_write_it() {
        let toml = include_str!("../../inventory.toml")
            .replace("type = \"boolean\"", "type = \"choice\"\nchoices = [\"Yes\", \"Phased out\"]");
        let schema = Schema::from_toml(&toml).unwrap();
        let column = schema.columns.last().unwrap();
        let cell = |s| RawCell { column: 0, value: text(s), format: None };
        assert_eq!(judge_cell(&cell("phased OUT"), column), Ok(Some(Value::S("Phased out".into()))));
        let broken = judge_cell(&cell("maybe"), column).unwrap_err();
        assert_eq!(broken.words, [("choices", "Yes, Phased out".to_string())]);
    }

    #[test]
    fn a_kept_cell_says_all_the_file_says() {
        let cell = RawCell { column: 3, value: RawValue::Number(0.1 + 0.2), format: Some("00000".into()) };
        let kept = keep_cell(&cell, 14);
        let text = r#"{"cell":"D14","type":"number","value":"0.30000000000000004","format":"00000"}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
    }
}
