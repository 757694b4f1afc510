//! Dates as ISO 8601: a date cell, or a text that can be read in only one way. 03/04/2026 is reported, not guessed.

use std::borrow::Cow;

use jiff::civil::Date;

use crate::judge::borrowed::BorrowedValue;
use crate::schema::Column;
use inventory_base::message::Rule;
use inventory_workbook::{RawCell, RawValue};

use super::Violation;
use super::date_pattern::read_pattern;
use super::moment::{Moment, clock, iso, serial_moment};
use super::text::trim;

/// Unambiguous date formats besides ISO's own.
const UNAMBIGUOUS: [&str; 11] = [
    // With full stops, the day always comes first.
    "d.m.yyyy",
    "yyyy-m-d",
    "yyyy/m/d",
    "yyyy.m.d",
    "d mmm yyyy",
    "d. mmm yyyy",
    "d-mmm-yyyy",
    "d/mmm/yyyy",
    "mmm d, yyyy",
    "mmm d yyyy",
    "d 'de' mmm 'de' yyyy",
];

pub(super) fn judge_date<'a>(cell: &'a RawCell<'_>, column: &Column) -> Result<BorrowedValue<'a>, Violation> {
    match &cell.value {
        // Below one it is a time without a date.
        RawValue::Date(serial) if *serial >= 1.0 => {
            serial_moment(*serial).map(|moment| BorrowedValue::S(iso(moment).into())).ok_or(Rule::DateExpected.into())
        }
        RawValue::Text(text) => {
            let text = trim(text);
            read_text(text, &column.dates).map(BorrowedValue::S).ok_or_else(|| explain_text(text))
        }
        RawValue::Number(number) => Err(explain_number(*number)),
        _ => Err(Rule::DateExpected.into()),
    }
}

fn read_text<'a>(text: &'a str, declared: &[String]) -> Option<Cow<'a, str>> {
    if is_iso(text) {
        return Some(Cow::Borrowed(text));
    }
    if let Some(moment) = declared.iter().find_map(|pattern| read_pattern(text, pattern)) {
        return Some(iso(moment).into());
    }
    let (day, time) = split_time(text);
    let (second, zone) = match time {
        Some(time) => read_time(time)?,
        None => (0, ""),
    };
    let patterns = declared.iter().map(String::as_str).chain(UNAMBIGUOUS);
    let (date, _) = patterns.map(|pattern| read_pattern(day, pattern)).find_map(|moment| moment)?;
    match zone {
        "" => Some(iso((date, second)).into()),
        // In another time zone this moment may be on another day, so the time is kept.
        zone => Some(format!("{date}T{}{zone}", clock(second)).into()),
    }
}

/// Whether the text is already in the stored form: 2026-10-03.
fn is_iso(text: &str) -> bool {
    let is_like = text.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    text.len() == 10 && is_like && text.parse::<Date>().is_ok()
}

/// Splits `2026-10-03T18:00` into the date and the time.
fn split_time(text: &str) -> (&str, Option<&str>) {
    let before_colon = text.find(':').map(|colon| &text[..colon]);
    let start = before_colon.and_then(|before| before.rfind(|c: char| c.is_whitespace() || c == 'T' || c == 't'));
    match start {
        Some(start) => {
            let time = text[start..].trim_start_matches(|c: char| c.is_whitespace() || c == 'T' || c == 't');
            (text[..start].trim_end_matches(|c: char| c.is_whitespace() || c == ','), Some(time))
        }
        None => (text, None),
    }
}

/// `18:00`, `6:00:30 PM`, `18:00:30.5Z`, `18:00+02:00`: seconds since midnight, and the zone as written.
fn read_time(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(text.len());
    let (time, tail) = text.split_at(end);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let mut next = |limit: u32| -> Option<u32> {
        let part = parts.next()?;
        let number = part.parse().ok().filter(|_| part.len() <= 2)?;
        (number < limit).then_some(number)
    };
    let (hour, minute) = (next(24)?, next(60)?);
    let second = if time.matches(':').count() > 1 { next(60)? } else { 0 };
    if parts.next().is_some() || fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (hour, zone) = match tail.trim() {
        half if half.eq_ignore_ascii_case("am") && (1..=12).contains(&hour) => (hour % 12, ""),
        half if half.eq_ignore_ascii_case("pm") && (1..=12).contains(&hour) => (hour % 12 + 12, ""),
        zone => (hour, zone),
    };
    (zone.is_empty() || is_zone(zone)).then_some((hour * 3600 + minute * 60 + second, zone))
}

/// `Z`, `+02:00` or `+0200`.
fn is_zone(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).map(|rest| rest.replacen(':', "", 1));
    text == "Z" || digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// In a form that nobody misreads: 3 Apr 2026.
fn with_month_name(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// Whether a text is a date as a spreadsheet program shows it, with or without the year: 12-May, 12. Mai, May-50.
pub(super) fn is_shown_date(text: &str) -> bool {
    let day_of_month = |pattern| read_pattern(&format!("{text} 2000"), pattern).is_some();
    read_text(text, &[]).is_some()
        || ["d-mmm yyyy", "d. mmm yyyy", "d mmm yyyy"].into_iter().any(day_of_month)
        || ["mmm-yy", "mmm yy", "mmm yyyy"]
            .into_iter()
            .any(|month| read_pattern(&format!("1 {text}"), &format!("d {month}")).is_some())
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
            let words = vec![
                ("first", with_month_name(first.0)),
                ("second", with_month_name(second.0)),
                ("type_first", first.0.to_string()),
                ("type_second", second.0.to_string()),
            ];
            Violation { rule: Rule::DateOrderUnclear, words }
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
        Some(moment) => Violation { rule: Rule::DateToConfirm, words: vec![("proposal", iso(moment))] },
        None => Rule::DateExpected.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, judged, number, text};
    use super::*;

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
