//! `date`: stored as ISO 8601, from a date cell or a text that can be read in only one way. 03/04/2026 is reported, not
//! guessed.

use jiff::civil::Date;
use toml::de::DeValue;

use super::{Accepts, ColumnType, Identifies, StoredAs, Strictness, Validation};
use crate::cell::{
    BorrowedValue, Moment, Violation, iso, read_date, read_pattern, serial_moment, split_time, trim, violation,
};
use crate::schema::Column;
use inventory_base::item::Value;
use inventory_workbook::{RawCell, RawValue};

pub static DATE: ColumnType = ColumnType {
    name: "date",
    description: "a date",
    stored_as: StoredAs::Text,
    holds_dates: true,
    is_free_text: false,
    identifies: Identifies::Never,
    settings: &["dates", "unique"],
    find_mistake: |_| None,
    explain_separator,
    read_value: |given, _| read_value(given),
    judge: |cell, column, _| judge(cell, column),
    explain: |_, such_as| format!("A date{such_as} (year-month-day)."),
    example: |_| Some(Value::S("2026-10-03".into())),
    validation: |_| Some(Validation { accepts: Accepts::Date, strictness: Strictness::Warn }),
    number_format: |_| "yyyy-mm-dd",
    width: |_| 12,
};

fn judge<'a>(cell: &'a RawCell<'_>, column: &Column) -> Result<BorrowedValue<'a>, Violation> {
    match &cell.value {
        // Below one it is a time without a date.
        RawValue::Date(serial) if *serial >= 1.0 => serial_moment(*serial)
            .map(|moment| BorrowedValue::S(iso(moment).into()))
            .ok_or_else(|| violation!(DateExpected)),
        RawValue::Text(text) => {
            let text = trim(text);
            read_date(text, &column.dates).map(BorrowedValue::S).ok_or_else(|| explain_text(text))
        }
        RawValue::Number(number) => Err(explain_number(*number)),
        _ => Err(violation!(DateExpected)),
    }
}

/// In a form that cannot be misread: 3 Apr 2026.
fn with_month_name(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// Explains what a text may mean that isn't clearly a date.
fn explain_text(text: &str) -> Violation {
    let (day, _) = split_time(text);
    if day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()) {
        return confirm(read_pattern(day, "yyyymmdd"));
    }
    let read = |patterns: [&str; 2]| patterns.iter().find_map(|pattern| read_pattern(day, pattern));
    let readings = match day.chars().find(|c| !c.is_ascii_digit()) {
        Some('.') => [read_pattern(day, "d.m.yy"), None],
        Some('/') => [read(["d/m/yyyy", "d/m/yy"]), read(["m/d/yyyy", "m/d/yy"])],
        // With hyphens, a two-digit year could also come first.
        Some('-') => [read_pattern(day, "d-m-yyyy"), read_pattern(day, "m-d-yyyy")],
        _ => [None, None],
    };
    match readings {
        [Some(first), Some(second)] if first != second => {
            violation!(DateOrderUnclear {
                first: with_month_name(first.0),
                second: with_month_name(second.0),
                type_first: first.0,
                type_second: second.0,
            })
        }
        [first, second] => confirm(first.or(second)),
    }
}

/// 46298 is the number behind 2026-10-03 if the cell's date format is lost; some programs write 20261003.
fn explain_number(number: f64) -> Violation {
    /// 1 January 1950 to 31 December 2099: other numbers are unlikely to be dates in a stock list.
    const LIKELY_DAYS: std::ops::Range<f64> = 18_264.0..73_051.0;
    if LIKELY_DAYS.contains(&number) {
        return confirm(serial_moment(number));
    }
    confirm(read_pattern(&number.to_string(), "yyyymmdd"))
}

fn confirm(moment: Option<Moment>) -> Violation {
    match moment {
        Some(moment) => violation!(DateToConfirm { proposal: iso(moment) }),
        None => violation!(DateExpected),
    }
}

fn read_value(given: &DeValue) -> Result<Value, String> {
    let written = given.as_datetime().map(ToString::to_string);
    let text = written.as_deref().or(given.as_str());
    let date = text.and_then(|text| text.parse::<Date>().ok());
    let date = date.filter(|date| Some(date.to_string().as_str()) == text);
    Ok(Value::S(date.ok_or("a date such as 2026-10-03")?.to_string().into()))
}

fn explain_separator(column: &Column, separator: char) -> Option<String> {
    matches!(separator, '-' | ':').then(|| {
        format!(
            "every date contains {separator}, so it can't separate {} from what follows; use # instead",
            column.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{cell, judged, number, text};

    const DATE: &str = "type = \"date\"";

    #[test]
    fn date_cells_become_iso_dates() {
        for (serial, expected) in [
            (46298.0, "2026-10-03"),
            (46298.75, "2026-10-03T18:00:00"),
            (1.0, "1900-01-01"),
            (59.0, "1900-02-28"),
            (60.0, "date-expected"),
            (61.0, "1900-03-01"),
            (0.75, "date-expected"),
            (-1.0, "date-expected"),
            (1e9, "date-expected"),
            (f64::NAN, "date-expected"),
        ] {
            assert_eq!(judged(DATE, &cell(RawValue::Date(serial))), expected, "{serial}");
        }
    }

    #[test]
    fn a_text_that_can_be_read_in_only_one_way_is_a_date() {
        for (written, expected) in [
            ("2026-10-03", "2026-10-03"),
            ("2026-1-3", "2026-01-03"),
            ("2026/10/03", "2026-10-03"),
            ("2026-10-03T18:00", "2026-10-03T18:00:00"),
            ("2026-10-03 18:00", "2026-10-03T18:00:00"),
            ("2026-10-03 18:00:30.25", "2026-10-03T18:00:30"),
            ("2026-10-03 00:00:00", "2026-10-03"),
            ("2026-10-03 6:05 PM", "2026-10-03T18:05:00"),
            ("2026-10-03 12:05am", "2026-10-03T00:05:00"),
            ("2026-10-03T18:00:00Z", "2026-10-03T18:00:00Z"),
            ("2026-10-03 18:00:00 +0200", "2026-10-03T18:00:00+0200"),
            ("3 Oct 2026", "2026-10-03"),
            ("05.10.2026", "2026-10-05"),
            ("5.10.2026 18:00", "2026-10-05T18:00:00"),
            ("3-oct-2026", "2026-10-03"),
            ("3. Oktober 2026", "2026-10-03"),
            ("Okt. 3, 2026", "2026-10-03"),
            ("October 3, 2026", "2026-10-03"),
            ("3 de octubre de 2026", "2026-10-03"),
            ("3 août 2026", "2026-08-03"),
            ("October 3, 2026, 18:00", "2026-10-03T18:00:00"),
        ] {
            assert_eq!(judged(DATE, &text(written)), expected, "{written}");
        }
    }

    #[test]
    fn ambiguous_dates_are_reported() {
        for (written, expected) in [
            ("03/04/2026", "date-order-unclear 3 Apr 2026 4 Mar 2026 2026-04-03 2026-03-04"),
            ("3-4-2026", "date-order-unclear 3 Apr 2026 4 Mar 2026 2026-04-03 2026-03-04"),
            ("26-10-03", "date-expected"),
            ("3/4/26", "date-order-unclear 3 Apr 2026 4 Mar 2026 2026-04-03 2026-03-04"),
            ("03/04/2026 18:00", "date-order-unclear 3 Apr 2026 4 Mar 2026 2026-04-03 2026-03-04"),
            ("31/12/2026", "date-to-confirm 2026-12-31"),
            ("12/31/2026", "date-to-confirm 2026-12-31"),
            ("4/4/2026", "date-to-confirm 2026-04-04"),
            ("03.10.26", "date-to-confirm 2026-10-03"),
            ("10.31.2026", "date-expected"),
            ("20261003", "date-to-confirm 2026-10-03"),
            ("13/13/2026", "date-expected"),
            ("2026-02-30", "date-expected"),
            ("3 Oct", "date-expected"),
            ("3 Oct 26", "date-expected"),
            ("2026-10-03 25:00", "date-expected"),
            ("2026-10-03 18:00 noon", "date-expected"),
            ("2026-10-03 1:2:3:4", "date-expected"),
            ("18:00", "date-expected"),
            ("soon", "date-expected"),
            ("12:", "date-expected"),
        ] {
            assert_eq!(judged(DATE, &text(written)), expected, "{written}");
        }
    }

    #[test]
    fn a_number_without_a_date_format_is_reported() {
        assert_eq!(judged(DATE, &number(46298.0)), "date-to-confirm 2026-10-03");
        assert_eq!(judged(DATE, &number(20261003.0)), "date-to-confirm 2026-10-03");
        assert_eq!(judged(DATE, &number(12.0)), "date-expected");
        assert_eq!(judged(DATE, &number(-1.5)), "date-expected");
    }

    #[test]
    fn declared_date_formats_are_read() {
        let lines = "type = \"date\"\ndates = [\"dd.mm.yyyy\", \"m/d/yy\", \"dd.mm.yyyy hh:mi\"]";
        for (written, expected) in [
            ("03.10.2026", "2026-10-03"),
            ("3.10.2026", "2026-10-03"),
            ("03.10.2026 18:30", "2026-10-03T18:30:00"),
            ("03.10.2026 18:30:15", "2026-10-03T18:30:15"),
            ("10/3/26", "2026-10-03"),
            ("10/3/70", "1970-10-03"),
            ("2026-10-03", "2026-10-03"),
            ("10/3/2026", "date-order-unclear 10 Mar 2026 3 Oct 2026 2026-03-10 2026-10-03"),
            ("31.02.2026", "date-expected"),
        ] {
            assert_eq!(judged(lines, &text(written)), expected, "{written}");
        }
    }
}
