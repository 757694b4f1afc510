//! Dates with a time of day.

use jiff::civil::Date;

/// A date and the seconds since midnight.
pub(crate) type Moment = (Date, u32);

/// Converts days since 30 December 1899 to a moment.
pub(crate) fn serial_moment(serial: f64) -> Option<Moment> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    /// Spreadsheet programs count a 29 February 1900, which never existed, so days before it are off by one.
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
    Some((date, (seconds - days * SECONDS_PER_DAY) as u32))
}

/// The date, with the time unless it is midnight.
pub(crate) fn iso((date, second): Moment) -> String {
    if second == 0 { date.to_string() } else { format!("{date}T{}", clock(second)) }
}

pub(super) fn clock(second: u32) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
