//! Values of items as people read them, in a sentence or in the cell of a table.

use inventory_base::item::{Item, Value};
use inventory_base::message::grouped;
use jiff::civil::{Date, DateTime};

/// Formats a value for a sentence: texts are in quotation marks, dates are not.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::S(text) => date(text).unwrap_or_else(|| format!("{text:?}")),
        Value::N(digits) => digits.to_string(),
        value => shown_otherwise(value),
    }
}

/// Formats a value for the cell of a table, which needs no quotation marks. Numbers have at least `places` decimals.
pub(super) fn shown_in_cell(value: &Value, places: usize) -> String {
    match value {
        Value::S(text) => date(text).unwrap_or_else(|| text_in_cell(text)),
        Value::N(number) => grouped(&pad(number, places)),
        value => shown_otherwise(value),
    }
}

fn shown_otherwise(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_string(),
        Value::Bool(false) => "no".to_string(),
        Value::Null(_) => "(nothing)".to_string(),
        _ => "(several values)".to_string(),
    }
}

/// Returns the text without quotation marks, unless its spaces or invisible characters would be overlooked.
pub(super) fn text_in_cell(text: &str) -> String {
    let is_clear = text.trim() == text && !text.is_empty() && !text.contains("  ") && !text.contains(char::is_control);
    if is_clear { text.to_string() } else { format!("{text:?}") }
}

/// Names an item by the values of its key.
pub(super) fn key(item: &Item) -> String {
    let plain = |value: &Value| match value {
        Value::S(text) => text.to_string(),
        value => shown(value),
    };
    item.values().map(plain).collect::<Vec<_>>().join(" ")
}

/// Formats the value of a date column, such as `2026-10-03`, as `3 Oct 2026`; `None` for any other text.
fn date(text: &str) -> Option<String> {
    const DAY: usize = "2026-10-03".len();
    if text.len() == DAY {
        return Some(text.parse::<Date>().ok()?.strftime("%-d %b %Y").to_string());
    }
    let moment = text.parse::<DateTime>().ok().filter(|_| text.as_bytes().get(DAY) == Some(&b'T'))?;
    let time = if moment.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    Some(moment.strftime(&format!("%-d %b %Y, {time}")).to_string())
}

/// Returns the number of decimals.
pub(super) fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// Adds zeros to a number until it has `places` decimals.
pub(super) fn pad(number: &str, places: usize) -> String {
    let missing = places.saturating_sub(decimals(number));
    if missing == 0 || number.contains(['e', 'E']) {
        return number.to_string();
    }
    let point = if number.contains('.') { "" } else { "." };
    format!("{number}{point}{}", "0".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_no_quotation_marks_and_texts_only_in_sentences() {
        let text = |text: &str| Value::S(text.into());
        for (value, sentence, cell) in [
            (text("2026-10-03"), "3 Oct 2026", "3 Oct 2026"),
            (text("2026-10-03T08:30:00"), "3 Oct 2026, 08:30", "3 Oct 2026, 08:30"),
            (text("2026-13-03"), "\"2026-13-03\"", "2026-13-03"),
            (text("20261003"), "\"20261003\"", "20261003"),
            (text("Ember Stoves"), "\"Ember Stoves\"", "Ember Stoves"),
            (text("Leeds "), "\"Leeds \"", "\"Leeds \""),
            (text(""), "\"\"", "\"\""),
            (Value::Bool(true), "yes", "yes"),
        ] {
            assert_eq!((shown(&value).as_str(), shown_in_cell(&value, 2).as_str()), (sentence, cell));
        }
    }

    #[test]
    fn numbers_are_filled_up_to_the_decimals_of_their_column() {
        for (number, places, expected) in [
            ("1234.5", 2, "1234.50"),
            ("1234", 2, "1234.00"),
            ("1234", 0, "1234"),
            ("0.125", 2, "0.125"),
            ("-7", 1, "-7.0"),
        ] {
            assert_eq!(pad(number, places), expected);
        }
    }
}
