//! The separators among the digits of a number: which one groups thousands, and which one can be the decimal separator.

use serde::{Deserialize, Serialize};

/// The character between whole part and fraction; the other one, if there is one, groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecimalSeparator {
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

/// What the separators among the digits mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No possible decimal separator: 1234, 1 234, 1'234.
    Whole,
    /// Can be read in only one way: 12.5 and 1,234,567 with a decimal point, 12,50 and 1.234.567 with a decimal comma.
    Sure(DecimalSeparator),
    /// One separator in front of exactly three digits: 1.234.
    Either,
}

pub(crate) fn separator_char(separator: DecimalSeparator) -> char {
    match separator {
        DecimalSeparator::Point => '.',
        DecimalSeparator::Comma => ',',
    }
}

/// `None` if numbers don't have their separators in such places.
pub(crate) fn shape_of(mantissa: &str) -> Option<Shape> {
    let (mut points, mut commas, mut digits, mut last) = (0u32, 0u32, 0u32, ' ');
    // A character other than point and comma that groups thousands.
    let mut mark = None;
    for c in mantissa.chars() {
        match c {
            '0'..='9' => digits += 1,
            '.' => (points, last) = (points + 1, c),
            ',' => (commas, last) = (commas + 1, c),
            '\'' | '’' => _ = mark.get_or_insert(c),
            c if c.is_whitespace() && !c.is_control() => _ = mark.get_or_insert(c),
            _ => return None,
        }
    }
    let separator = if last == '.' { DecimalSeparator::Point } else { DecimalSeparator::Comma };
    let other = if last == '.' { ',' } else { '.' };
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_whole = |text: &str, group| match group {
        Some(group) => is_grouped(text, group),
        None => is_digits(text),
    };
    if digits == 0 {
        return None;
    }
    match (points, commas) {
        (0, 0) => is_whole(mantissa, mark).then_some(Shape::Whole),
        (1, 0) | (0, 1) => {
            let (whole, fraction) = mantissa.split_once(last)?;
            if !is_whole(whole, mark) || !is_digits(fraction) {
                return None;
            }
            // Thousands are never grouped as 0.125 or 1234.567.
            let like_thousands = (1..=3).contains(&whole.len()) && !whole.starts_with('0') && fraction.len() == 3;
            Some(if like_thousands && mark.is_none() { Shape::Either } else { Shape::Sure(separator) })
        }
        _ if mark.is_some() => None,
        // A repeated separator groups thousands, so the decimal separator would be the other one.
        (_, 0) => is_grouped(mantissa, '.').then_some(Shape::Sure(DecimalSeparator::Comma)),
        (0, _) => is_grouped(mantissa, ',').then_some(Shape::Sure(DecimalSeparator::Point)),
        _ => {
            let (whole, fraction) = mantissa.rsplit_once(last)?;
            (is_grouped(whole, other) && is_digits(fraction)).then_some(Shape::Sure(separator))
        }
    }
}

/// 1,234,567 in groups of three; with commas also 12,34,567 as in India, where only the last group has three.
fn is_grouped(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(first) || !(1..=3).contains(&first.len()) || first.starts_with('0') || !text.contains(mark) {
        return false;
    }
    let (mut threes, mut twos, mut last) = (true, true, 0);
    for group in groups {
        if group.is_empty() || !is_digits(group) {
            return false;
        }
        // Only the last group may have three digits, so each group is checked when the next one follows.
        twos &= last == 0 || last == 2;
        threes &= group.len() == 3;
        last = group.len();
    }
    let indian = mark == ',' && twos && last == 3 && first.len() <= 2 && !threes;
    threes || indian
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_separators_show_their_meaning() {
        let (point, comma) = (Shape::Sure(DecimalSeparator::Point), Shape::Sure(DecimalSeparator::Comma));
        for (digits, shape) in [
            ("1234", Some(Shape::Whole)),
            ("1 234 567", Some(Shape::Whole)),
            ("1.234", Some(Shape::Either)),
            ("999,999", Some(Shape::Either)),
            ("0.125", Some(point)),
            ("1234.567", Some(point)),
            ("1.2345", Some(point)),
            ("1,234,567", Some(point)),
            ("12,34,567.8", Some(point)),
            ("1.234.567", Some(comma)),
            ("1.234,5", Some(comma)),
            ("1 234,567", Some(comma)),
            ("12.34.567", None),
            ("1,23,45", None),
            ("1,,234", None),
            ("1.234 567", None),
            ("1 23", None),
            ("1,234.5.6", None),
            (".", None),
            ("a", None),
        ] {
            assert_eq!(shape_of(digits), shape, "{digits}");
        }
    }
}
