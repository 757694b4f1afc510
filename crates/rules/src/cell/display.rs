//! The text of a cell as the spreadsheet program shows it, if that is certain; otherwise its full value.

use std::borrow::Cow;

use inventory_workbook::{RawCell, RawValue};

use super::moment::{clock, iso, serial_moment};
use super::number_format::plain;
use super::text::clean;
use super::{date_format, elapsed, number_format};

pub(crate) fn display_text<'a>(cell: &'a RawCell<'_>) -> Cow<'a, str> {
    match &cell.value {
        RawValue::Text(text) => match under_format(cell) {
            Some(shown) => Cow::Owned(shown),
            None => clean(text),
        },
        RawValue::Error(text) => Cow::Borrowed(text),
        // Only the program itself can show the result.
        RawValue::NoResult => Cow::Borrowed("(formula)"),
        RawValue::Unreadable => Cow::Borrowed("(unreadable)"),
        RawValue::Bool(true) => Cow::Borrowed("TRUE"),
        RawValue::Bool(false) => Cow::Borrowed("FALSE"),
        RawValue::DateOrNumber(number) => Cow::Owned(plain(*number)),
        RawValue::Number(number) => Cow::Owned(under_format(cell).unwrap_or_else(|| plain(*number))),
        RawValue::Date(serial) => Cow::Owned(under_format(cell).unwrap_or_else(|| plain_date(*serial))),
    }
}

/// Whether [`display_text`] is what the program shows, not just the value. A date in ISO form is good enough.
pub(crate) fn is_exact(cell: &RawCell<'_>) -> bool {
    !matches!(cell.value, RawValue::Number(_)) || cell.format.is_none() || under_format(cell).is_some()
}

fn under_format(cell: &RawCell<'_>) -> Option<String> {
    let code = cell.format.as_deref()?;
    let shown = match &cell.value {
        RawValue::Number(number) => elapsed::render(*number, code).or_else(|| number_format::render(*number, code)),
        RawValue::Date(serial) => date_format::render(serial_moment(*serial)?, code),
        RawValue::Text(text) => number_format::render_text(text, code),
        RawValue::DateOrNumber(_)
        | RawValue::Bool(_)
        | RawValue::Error(_)
        | RawValue::NoResult
        | RawValue::Unreadable => None,
    }?;
    let text = clean(&shown);
    // A format can hide a value without deleting it.
    (!text.is_empty()).then(|| text.into_owned())
}

fn plain_date(serial: f64) -> String {
    match serial_moment(serial) {
        Some((_, second)) if (0.0..1.0).contains(&serial) => clock(second),
        Some(moment) => iso(moment),
        None => serial.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{cell, number, text, under};

    #[test]
    fn a_number_is_displayed_plain_or_under_its_format() {
        for (value, code, expected) in [
            (123.0, None, "123"),
            (4006381333931.0, None, "4006381333931"),
            (0.1 + 0.2, None, "0.3"),
            (1e12, None, "1000000000000"),
            (123.0, Some("00000"), "00123"),
            (123456.0, Some("00000"), "123456"),
            (1.5, Some("0.00"), "1.50"),
            (1234.5, Some("_-* #,##0.00\\ \"€\"_-"), "1,234.50 €"),
            (1.5, Some("# ?/?"), "1.5"),
            (123.0, Some(";;;"), "123"),
            (123.0, Some("@"), "123"),
            (1.5, Some("[h]:mm"), "36:00"),
        ] {
            let mut cell = number(value);
            cell.format = code.map(Cow::Borrowed);
            assert_eq!(display_text(&cell), expected, "{value} {code:?}");
        }
    }

    #[test]
    fn a_date_is_displayed_under_its_format_or_as_iso() {
        for (serial, code, expected) in [
            (46298.0, "dd.mm.yyyy", "03.10.2026"),
            (46298.0, "mm-dd-yy", "2026-10-03"),
            (46298.75, "[$-F800]dddd, mmmm dd, yyyy", "2026-10-03T18:00:00"),
            (0.75, "[h]:mm", "18:00:00"),
            (0.75, "h:mm", "18:00"),
            (1e9, "yyyy", "1000000000"),
        ] {
            assert_eq!(display_text(&under(RawValue::Date(serial), code)), expected, "{serial} {code}");
        }
        assert_eq!(display_text(&cell(RawValue::Date(46298.0))), "2026-10-03");
    }

    #[test]
    fn a_text_is_displayed_in_its_place_in_the_format() {
        assert_eq!(display_text(&under(RawValue::Text("17".into()), "\"A-\"@")), "A-17");
        assert_eq!(display_text(&under(RawValue::Text(" 17 ".into()), "@")), "17");
        assert_eq!(display_text(&under(RawValue::Text("17".into()), "00000")), "17");
        assert_eq!(display_text(&text(" 17\u{a0}")), "17");
        assert_eq!(display_text(&cell(RawValue::Bool(false))), "FALSE");
        assert_eq!(display_text(&cell(RawValue::Error("#N/A".into()))), "#N/A");
    }
}
