//! A cell as the spreadsheet program shows it, as far as that is sure; else its value in full.

use std::borrow::Cow;

use inventory_base::decimal::Decimal;
use inventory_workbook::{RawCell, RawValue};

use super::date::{clock, iso, serial_moment};
use super::text::clean;
use super::{date_format, elapsed, number_format};

pub(in crate::judge) fn shown<'a>(cell: &'a RawCell<'_>) -> Cow<'a, str> {
    match &cell.value {
        RawValue::Text(text) => match under_format(cell) {
            Some(shown) => Cow::Owned(shown),
            None => clean(text),
        },
        RawValue::Error(text) => Cow::Borrowed(text),
        // What the program shows is in the program alone.
        RawValue::NoResult => Cow::Borrowed("(formula)"),
        RawValue::Unreadable => Cow::Borrowed("(unreadable)"),
        RawValue::Bool(true) => Cow::Borrowed("TRUE"),
        RawValue::Bool(false) => Cow::Borrowed("FALSE"),
        RawValue::DateOrNumber(number) => Cow::Owned(plain(*number)),
        RawValue::Number(number) => Cow::Owned(under_format(cell).unwrap_or_else(|| plain(*number))),
        RawValue::Date(serial) => Cow::Owned(under_format(cell).unwrap_or_else(|| plain_date(*serial))),
    }
}

/// Whether [`shown`] is what the program shows, and not only the value. A date in ISO form is as good as shown.
pub(super) fn is_sure(cell: &RawCell<'_>) -> bool {
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
    // What a format hides is not gone.
    (!text.is_empty()).then(|| text.into_owned())
}

/// A number in 15 digits, never 123.0 and never 1E+12.
pub(super) fn plain(number: f64) -> String {
    Decimal::from_cell(number).map_or_else(|_| number.to_string(), |decimal| decimal.to_string())
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
    use super::super::tests::{cell, number, text, under};
    use super::*;

    #[test]
    fn a_number_is_shown_plain_or_by_its_format() {
        for (value, code, said) in [
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
            assert_eq!(shown(&cell), said, "{value} {code:?}");
        }
    }

    #[test]
    fn a_date_is_shown_by_its_format_or_as_iso() {
        for (serial, code, said) in [
            (46298.0, "dd.mm.yyyy", "03.10.2026"),
            (46298.0, "mm-dd-yy", "2026-10-03"),
            (46298.75, "[$-F800]dddd, mmmm dd, yyyy", "2026-10-03T18:00:00"),
            (0.75, "[h]:mm", "18:00:00"),
            (0.75, "h:mm", "18:00"),
            (1e9, "yyyy", "1000000000"),
        ] {
            assert_eq!(shown(&under(RawValue::Date(serial), code)), said, "{serial} {code}");
        }
        assert_eq!(shown(&cell(RawValue::Date(46298.0))), "2026-10-03");
    }

    #[test]
    fn a_text_is_shown_in_the_place_its_format_has_for_it() {
        assert_eq!(shown(&under(RawValue::Text("17".into()), "\"A-\"@")), "A-17");
        assert_eq!(shown(&under(RawValue::Text(" 17 ".into()), "@")), "17");
        assert_eq!(shown(&under(RawValue::Text("17".into()), "00000")), "17");
        assert_eq!(shown(&text(" 17\u{a0}")), "17");
        assert_eq!(shown(&cell(RawValue::Bool(false))), "FALSE");
        assert_eq!(shown(&cell(RawValue::Error("#N/A".into()))), "#N/A");
    }
}
