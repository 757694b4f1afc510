//! `gtin`: barcode numbers of 8, 12, 13 or 14 digits, the last of which is a check digit. Recognises what spreadsheet
//! programs do to them, and proposes the repair.

use std::borrow::Cow;

use super::text::pad;
use super::{Accepts, ColumnType, Identifies, StoredAs, Strictness, TEXT_FORMAT, Validation};
use crate::cell::{BorrowedValue, Style, Violation, display_text, drop_zeros, plain, violation, without_formula};
use crate::schema::Column;
use inventory_base::item::Value;
use inventory_workbook::{RawCell, RawValue};

pub static GTIN: ColumnType = ColumnType {
    name: "gtin",
    description: "the digits of a barcode",
    stored_as: StoredAs::Text,
    holds_dates: false,
    is_free_text: false,
    identifies: Identifies::Always,
    settings: &["pad", "unique"],
    find_mistake: |column| {
        let pad = column.pad.filter(|pad| !LENGTHS.contains(pad))?;
        Some(("pad", format!("pad is {pad}, but a barcode has 8, 12, 13 or 14 digits; write one of these")))
    },
    explain_separator: |_, _| None,
    read_value: |_, _| Err("removed: no two products have the same barcode".to_string()),
    judge: |cell, column, facts| judge(cell, column, facts.style),
    explain: |_, _| "A barcode number of 8, 12, 13 or 14 digits, as printed under the bars.".to_string(),
    example: |_| Some(Value::S("4006381333931".into())),
    validation: |_| {
        let accepts = Accepts::Length { least: Some(8), most: 14 };
        Some(Validation { accepts, strictness: Strictness::Warn })
    },
    number_format: |_| TEXT_FORMAT,
    width: |_| 16,
};

/// The lengths of barcodes in use.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];

fn judge<'a>(cell: &'a RawCell<'_>, column: &Column, style: Style) -> Result<BorrowedValue<'a>, Violation> {
    if matches!(cell.value, RawValue::Date(_)) {
        return Err(violation!(DateInKey));
    }
    let digits = digits_of(cell)?;
    if let Some(isbn) = isbn_10(&digits) {
        return Ok(BorrowedValue::S(isbn));
    }
    let digits = pad(drop_zeros(digits, style)?, column);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        let shortened = is_scientific(&digits);
        return Err(if shortened { violation!(GtinShortened) } else { violation!(GtinExpected) });
    }
    if digits.bytes().all(|b| b == b'0') {
        return Err(violation!(GtinExpected));
    }
    if LENGTHS.contains(&digits.len()) && has_valid_check_digit(&digits) {
        return Ok(BorrowedValue::S(digits));
    }
    Err(explain(&digits, matches!(cell.value, RawValue::Number(_))))
}

/// The digits without the spaces and hyphens that make them easier to read. 4,006,381 as a number is 4006381.
fn digits_of<'a>(cell: &'a RawCell<'_>) -> Result<Cow<'a, str>, Violation> {
    let shown = match &cell.value {
        RawValue::Text(_) => without_formula(display_text(cell))?,
        RawValue::Number(_) => display_text(cell),
        _ => return Err(violation!(GtinExpected)),
    };
    let is_gap = |c: char| c == '-' || c.is_whitespace();
    // A hyphen at either end separates nothing: it is a minus or a typing error.
    let bare = if shown.contains(is_gap) && !shown.starts_with('-') && !shown.ends_with('-') {
        Cow::Owned(shown.replace(is_gap, ""))
    } else {
        shown
    };
    match &cell.value {
        RawValue::Number(number) if !bare.bytes().all(|b| b.is_ascii_digit()) => Ok(Cow::Owned(plain(*number))),
        _ => Ok(bare),
    }
}

/// ISBN-10, used until 2007: ten characters; the last one, which may be X, is a check digit.
fn isbn_10<'a>(digits: &Cow<'a, str>) -> Option<Cow<'a, str>> {
    if !is_isbn_10(digits) {
        return None;
    }
    Some(if digits.ends_with('x') { Cow::Owned(digits.replace('x', "X")) } else { digits.clone() })
}

fn is_isbn_10(digits: &str) -> bool {
    const LENGTH: usize = 10;
    let (Some((others, last)), LENGTH) = (digits.split_at_checked(LENGTH - 1), digits.len()) else {
        return false;
    };
    let value = |(place, byte): (usize, u8)| byte.is_ascii_digit().then(|| (LENGTH - place) * usize::from(byte - b'0'));
    let last = match last {
        "X" | "x" => Some(10),
        _ => value((LENGTH - 1, last.as_bytes()[0])),
    };
    let sum = others.bytes().enumerate().map(value).sum::<Option<usize>>();
    let is_none = digits.bytes().all(|byte| byte == b'0');
    !is_none && sum.zip(last).is_some_and(|(sum, last)| (sum + last).is_multiple_of(LENGTH + 1))
}

/// 4.00638E+12: what is left of a barcode that was saved as shown in a narrow cell.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(exponent.trim_start_matches('+')) && digits(&mantissa.replacen(['.', ','], "", 1))
}

fn explain(digits: &str, is_number: bool) -> Violation {
    /// A spreadsheet program keeps this many digits of a number; those after them become zeros.
    const KEPT_DIGITS: usize = 15;
    /// A barcode that was rounded for a narrow cell, as in 1.40E+13, ends in zeros. Real ones hardly ever do, and then
    /// their check digit is correct.
    const ROUNDED: &str = "00000";
    match digits.len() {
        // Leading zeros don't change the check digit, so it shows whether they are all that is missing.
        length @ (7 | 9..=11) if has_valid_check_digit(digits) => {
            let full = if length == 7 { 8 } else { 12 };
            violation!(GtinZeroMissing { proposal: format!("{digits:0>full$}") })
        }
        // An ISBN-10 that lost its leading zero.
        9 if is_isbn_10(&format!("0{digits}")) => {
            violation!(GtinZeroMissing { proposal: format!("0{digits}") })
        }
        7.. if digits.ends_with(ROUNDED) => violation!(GtinShortened),
        7 | 11 => digit_missing(digits),
        // Twelve digits that begin with these are complete barcodes from North America; others lack one of thirteen
        // digits.
        12 if !digits.starts_with(['0', '1', '6', '7', '8']) => digit_missing(digits),
        8 | 12 | 13 | 14 => violation!(GtinCheckDigit { proposals: propose(digits) }),
        length if is_number && length > KEPT_DIGITS => violation!(GtinShortened),
        _ => violation!(GtinExpected),
    }
}

fn digit_missing(digits: &str) -> Violation {
    let proposal = format!("{digits}{}", check_digit(digits));
    violation!(GtinDigitMissing { proposal })
}

/// Proposes what a barcode of the right length may have been. Swapped neighbours are as likely as a wrong last digit.
fn propose(digits: &str) -> String {
    let (others, _) = digits.split_at(digits.len() - 1);
    let last = format!("{others}{}", check_digit(others));
    match only_swap(digits) {
        Some(swapped) => {
            format!("with two digits swapped it would be {swapped}, with another last digit {last}")
        }
        None => format!("two digits may be swapped or one wrong; with another last digit it would be {last}"),
    }
}

/// The digits with two neighbours swapped, if exactly one such swap is valid.
fn only_swap(digits: &str) -> Option<String> {
    let swap =
        |at: usize| format!("{}{}{}{}", &digits[..at], &digits[at + 1..at + 2], &digits[at..at + 1], &digits[at + 2..]);
    let mut right = (0..digits.len() - 1).map(swap).filter(|swapped| has_valid_check_digit(swapped));
    let first = right.next()?;
    right.next().is_none().then_some(first)
}

fn has_valid_check_digit(digits: &str) -> bool {
    let (others, last) = digits.split_at(digits.len() - 1);
    last.bytes().next() == Some(b'0' + check_digit(others))
}

/// Every second digit, starting from the last, counts three times; the check digit brings the sum to a multiple of ten.
fn check_digit(digits: &str) -> u8 {
    let weighted = digits.bytes().rev().zip([3u32, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{cell, judged, number, text, under};

    const GTIN: &str = "type = \"gtin\"";

    #[test]
    fn barcodes_are_read_as_their_digits() {
        for (written, kept) in [
            ("4006381333931", "4006381333931"),
            (" 4006381-333931 ", "4006381333931"),
            ("4 006381 333931", "4006381333931"),
            ("036000291452", "036000291452"),
            ("96385074", "96385074"),
            ("10614141000415", "10614141000415"),
        ] {
            assert_eq!(judged(GTIN, &text(written)), kept, "{written}");
        }
        assert_eq!(judged(GTIN, &number(4006381333931.0)), "4006381333931");
        assert_eq!(judged(GTIN, &number(614141000036.0)), "614141000036");
        assert_eq!(judged(GTIN, &under(RawValue::Number(4006381333931.0), "#,##0")), "4006381333931");
        assert_eq!(judged(GTIN, &under(RawValue::Number(4006381333931.0), "0.00E+00")), "4006381333931");
        assert_eq!(judged(GTIN, &under(RawValue::Number(36000291452.0), "000000000000")), "036000291452");
    }

    #[test]
    fn damaged_barcodes_are_recognised_and_the_repair_is_proposed() {
        for (written, expected) in [
            ("36000291452", "gtin-zero-missing 036000291452"),
            ("400638133393", "gtin-digit-missing 4006381333931"),
            ("03600029145", "gtin-digit-missing 036000291452"),
            ("9638507", "gtin-digit-missing 96385074"),
            ("4.00638E+12", "gtin-shortened"),
            ("4,00638E+12", "gtin-shortened"),
            ("14012300000000", "gtin-shortened"),
            ("400638000000", "gtin-shortened"),
            ("12345", "gtin-expected"),
            ("n/a", "gtin-expected"),
            ("-", "gtin-expected"),
            ("4006381333931-", "gtin-expected"),
            ("0000000000000", "gtin-expected"),
            ("E+12", "gtin-expected"),
            ("123456789012345678", "gtin-expected"),
        ] {
            assert_eq!(judged(GTIN, &text(written)), expected, "{written}");
        }
        assert_eq!(judged(GTIN, &number(106141410004150000.0)), "gtin-shortened");
        assert_eq!(judged(GTIN, &number(14012300000000.0)), "gtin-shortened");
        assert_eq!(judged(GTIN, &number(4006381.5)), "gtin-expected");
        assert_eq!(judged(GTIN, &number(-4006381333931.0)), "gtin-expected");
        assert_eq!(judged(GTIN, &cell(RawValue::Date(46298.0))), "date-in-key");
        assert_eq!(judged(GTIN, &text("4006381333931.0")), "zeros-added 4006381333931");
    }

    #[test]
    fn a_swap_is_proposed_if_exactly_one_makes_a_barcode_valid() {
        let outcome = |written: &str| judged(GTIN, &text(written));
        let swapped =
            "gtin-check-digit with two digits swapped it would be 036000291452, with another last digit 036000291544";
        assert_eq!(outcome("036000291542"), swapped);
        for (written, last) in [
            ("4006381333932", "4006381333931"),
            // Several swaps would do.
            ("4012345010734", "4012345010732"),
            ("40063813339310", "40063813339314"),
        ] {
            let expected =
                "gtin-check-digit two digits may be swapped or one wrong; with another last digit it would be";
            assert_eq!(outcome(written), format!("{expected} {last}"));
        }
    }

    #[test]
    fn zeros_dropped_from_a_short_barcode_are_proposed() {
        // 01234565 is a barcode of eight digits.
        assert_eq!(judged(GTIN, &text("01234565")), "01234565");
        assert_eq!(judged(GTIN, &number(1234565.0)), "gtin-zero-missing 01234565");
    }

    #[test]
    fn an_isbn_10_is_checked_and_kept() {
        for (written, kept) in [
            ("0306406152", "0306406152"),
            ("0-306-40615-2", "0306406152"),
            ("0 306 40615 2", "0306406152"),
            ("3-16-148410-X", "316148410X"),
            ("316148410x", "316148410X"),
            ("0306406153", "gtin-expected"),
            ("3161484101", "gtin-expected"),
            ("0000000000", "gtin-expected"),
            ("31614841X0", "gtin-expected"),
        ] {
            assert_eq!(judged(GTIN, &text(written)), kept, "{written}");
        }
        assert_eq!(judged(GTIN, &number(3161484100.0)), "gtin-expected");
        assert_eq!(judged(GTIN, &number(306406152.0)), "gtin-zero-missing 0306406152");
    }

    #[test]
    fn declared_padding_restores_lost_zeros() {
        assert_eq!(judged("type = \"gtin\"\npad = 12", &number(36000291452.0)), "036000291452");
    }
}
