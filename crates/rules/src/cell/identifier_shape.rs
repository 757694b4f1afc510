//! What identifiers look like, one by one and in a whole column: 40001.0, 1.23E+12, 4-Mar.

use inventory_workbook::RawCell;

use super::display::display_text;
use super::style::{IdentifierStyle, Zeros};
use super::typed_date::is_shown_date;

/// Counts the identifiers of a column by what they look like. Words without digits, such as "Total", are not counted.
#[derive(Default)]
pub(crate) struct IdentifierTally {
    all: u64,
    zeros: u64,
    fractions: u64,
    dates: u64,
}

impl IdentifierTally {
    pub fn note(&mut self, cell: &RawCell<'_>) {
        let text = display_text(cell);
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return;
        }
        self.all += 1;
        self.zeros += u64::from(before_zeros(&text).is_some());
        self.fractions += u64::from(has_fraction(&text));
        self.dates += u64::from(looks_like_excel_date(&text) || is_midnight_stamp(&text));
    }

    pub fn decide(&self, exported: bool) -> IdentifierStyle {
        /// With sizes in halves or quarters, one in four may be whole.
        const ZEROS_PER_FRACTION: u64 = 4;
        let zeros = match self.zeros {
            zeros if zeros > 1 && zeros == self.all => Zeros::AddedToAll,
            zeros if self.fractions * ZEROS_PER_FRACTION >= zeros && self.fractions > 0 => Zeros::PartOfIdentifier,
            _ => Zeros::Added,
        };
        IdentifierStyle { zeros, dates: self.dates * 2 > self.all, exported }
    }
}

/// Whether an identifier looks as if a program had changed it in a way that only its whole column can confirm.
pub(crate) fn looks_changed(text: &str) -> bool {
    before_zeros(text).is_some() || is_midnight_stamp(text)
}

/// The index of `.0` in 40001.0 or `,0` in 40001,0.
pub(super) fn before_zeros(text: &str) -> Option<usize> {
    const MOST_ZEROS: usize = 2;
    let bytes = text.as_bytes();
    if bytes.last() != Some(&b'0') {
        return None;
    }
    let end = bytes.iter().rposition(|byte| *byte != b'0')?;
    let zeros = bytes.len() - end - 1;
    let whole = end > 0 && bytes[..end].iter().all(u8::is_ascii_digit);
    (matches!(bytes[end], b'.' | b',') && zeros <= MOST_ZEROS && whole).then_some(end)
}

fn has_fraction(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    before_zeros(text).is_none()
        && !is_grouped(text)
        && text.split_once(['.', ',']).is_some_and(|(whole, fraction)| is_digits(whole) && is_digits(fraction))
}

/// A number as programs shorten it: 1.23E+12, 4,00638E+12, 1E+12, 1.23e12. 12E4 may well have been typed.
pub(super) fn is_scientific(text: &str) -> bool {
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let fraction = mantissa.split_once(['.', ',']);
    let is_number = fraction.map_or(digits(mantissa), |(whole, fraction)| digits(whole) && digits(fraction));
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    // Without a plus and two digits, it needs a fraction and a number so large that a program would not write it out.
    let is_large = power.len() >= 2 || power.parse().is_ok_and(|power: u8| power >= 7);
    let is_made = fraction.is_some() && is_large || exponent.starts_with('+') && power.len() >= 2;
    is_number && digits(power) && is_made
}

/// 1,234 and 12,345,678: the result of a number format.
pub(super) fn is_grouped(text: &str) -> bool {
    let mut groups = text.split(',');
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let mut more = 0;
    let all = groups.all(|group| {
        more += 1;
        group.len() == 3 && digits(group)
    });
    all && more > 0 && (1..=3).contains(&first.len()) && digits(first)
}

/// A date as Excel writes it after turning 4-3 or MAR4 into one: 4-Mar, Mar-04, 04. Mrz, mars-04. People type such
/// codes in capitals.
pub(super) fn looks_like_excel_date(text: &str) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;
    if !LENGTHS.contains(&text.len()) || !text.contains(['-', ' ']) {
        return false;
    }
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let (all, capitals) = (letters().count(), letters().filter(|c| c.is_uppercase()).count());
    all >= 3 && capitals <= 1 && is_shown_date(text)
}

/// A date with midnight, as programs write dates that they store as timestamps: 2026-03-04 00:00:00.
pub(super) fn is_midnight_stamp(text: &str) -> bool {
    let day = text.strip_suffix("00:00:00").map(|day| day.trim_end_matches([' ', 'T']));
    day.is_some_and(|day| day.len() >= 8 && day.len() + "00:00:00".len() < text.len() && is_shown_date(day))
}
