//! How often a sheet is expected: `100 days`, `13 weeks`, `3 months`.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Almost three years of days; a longer interval would be of no use.
const MOST: u32 = 999;

/// A whole number of days, weeks or months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    count: u32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
}

impl Interval {
    /// The format that `parse` accepts, in words.
    pub(super) const EXPECTED: &str = "a number of days, weeks or months, such as \"100 days\"";

    pub fn parse(text: &str) -> Option<Interval> {
        let (digits, word) = text.split_once(' ')?;
        let unit = match word {
            "day" | "days" => Unit::Day,
            "week" | "weeks" => Unit::Week,
            "month" | "months" => Unit::Month,
            _ => return None,
        };
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let count = digits.parse().ok().filter(|count| is_plain && *count <= MOST)?;
        Some(Interval { count, unit })
    }

    /// When the given number of periods has passed.
    pub fn after(self, since: Timestamp, periods: u64) -> Option<Timestamp> {
        let count = i64::from(self.count).checked_mul(periods.try_into().ok()?)?;
        let days = |days: i64| since.checked_add(SignedDuration::from_hours(days.checked_mul(24)?)).ok();
        match self.unit {
            Unit::Day => days(count),
            Unit::Week => days(count.checked_mul(7)?),
            Unit::Month => {
                let months = Span::new().try_months(count).ok()?;
                Some(since.to_zoned(TimeZone::UTC).checked_add(months).ok()?.timestamp())
            }
        }
    }

    /// The number of periods that have passed.
    pub fn passed(self, since: Timestamp, now: Timestamp) -> u64 {
        let is_over = |periods: &u64| self.after(since, *periods).is_some_and(|end| end <= now);
        (1..).take_while(is_over).last().unwrap_or_default()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
        };
        let s = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {unit}{s}", self.count)
    }
}

impl From<Interval> for String {
    fn from(every: Interval) -> String {
        every.to_string()
    }
}

impl TryFrom<String> for Interval {
    type Error = String;

    fn try_from(text: String) -> Result<Interval, String> {
        Interval::parse(&text).ok_or_else(|| format!("{text:?} should be {}", Interval::EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_whole_number_of_days_weeks_or_months() {
        for (text, expected) in
            [("100 days", "100 days"), ("1 day", "1 day"), ("13 week", "13 weeks"), ("3 months", "3 months")]
        {
            assert_eq!(Interval::parse(text).map(|every| every.to_string()).as_deref(), Some(expected));
        }
        for text in [
            "",
            "100",
            "days",
            "0 days",
            "01 days",
            "+1 days",
            "-1 days",
            "1.5 months",
            "1000 days",
            "100  days",
            "100 Days",
            "1 year",
        ] {
            assert_eq!(Interval::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_period_has_passed_at_its_last_moment_but_not_before() {
        let at = |time: &str| time.parse::<Timestamp>().unwrap();
        let since = at("2026-11-30T08:00:00Z");
        for (every, now, passed) in [
            ("100 days", "2027-03-10T07:59:59Z", 0),
            ("100 days", "2027-03-10T08:00:00Z", 1),
            ("100 days", "2027-06-18T08:00:00Z", 2),
            ("2 weeks", "2026-12-14T08:00:00Z", 1),
            // February has no 30th.
            ("3 months", "2027-02-28T07:59:59Z", 0),
            ("3 months", "2027-02-28T08:00:00Z", 1),
            ("1 day", "2026-11-30T07:00:00Z", 0),
        ] {
            assert_eq!(Interval::parse(every).unwrap().passed(since, at(now)), passed, "{every} {now}");
        }
    }
}
