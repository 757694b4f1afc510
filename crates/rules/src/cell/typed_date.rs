//! A date typed as text, if it can be read in only one way: `2026-10-03`, `3 Oct 2026`, `05.10.2026 18:00`.

use std::borrow::Cow;

use jiff::civil::Date;

use super::date_pattern::read_pattern;
use super::moment::{clock, iso};

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

/// Reads a date in one of the declared formats, or in one that is unambiguous, as ISO 8601.
pub(crate) fn read_date<'a>(text: &'a str, declared: &[String]) -> Option<Cow<'a, str>> {
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
pub(crate) fn split_time(text: &str) -> (&str, Option<&str>) {
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

/// Whether a text is a date as a spreadsheet program shows it, with or without the year: 12-May, 12. Mai, May-50.
pub(crate) fn is_shown_date(text: &str) -> bool {
    let day_of_month = |pattern| read_pattern(&format!("{text} 2000"), pattern).is_some();
    read_date(text, &[]).is_some()
        || ["d-mmm yyyy", "d. mmm yyyy", "d mmm yyyy"].into_iter().any(day_of_month)
        || ["mmm-yy", "mmm yy", "mmm yyyy"]
            .into_iter()
            .any(|month| read_pattern(&format!("1 {text}"), &format!("d {month}")).is_some())
}
