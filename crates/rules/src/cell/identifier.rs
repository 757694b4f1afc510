//! Identifiers: keys, unique values and barcodes. If a program took one for a number or a date, it has changed it, and
//! what is left is never loaded as the identifier.

use std::borrow::Cow;

use crate::schema::{Column, Kind};
use inventory_base::message::Rule;
use inventory_workbook::{RawCell, RawValue, text_formula};

use super::cell_error::is_formula;
use super::currency::currency_shown;
use super::date::is_shown_date;
use super::display::{display_text, is_exact};
use super::number_format::plain;
use super::text::trim;
use super::{ColumnFacts, Style, Violation};

/// Excel keeps 15 digits of a number and replaces the rest with zeros.
const FIRST_WITH_LOST_DIGITS: f64 = 1e15;

/// How the identifiers of a whole column are written, if that was examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) struct IdentifierStyle {
    pub zeros: Zeros,
    /// Most of them look like dates, so that is how they are written.
    pub dates: bool,
    /// The file is a text file, which has only what a program displayed.
    pub exported: bool,
}

/// The meaning of `.0` in `40001.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) enum Zeros {
    /// A program added it to some of the identifiers.
    Added,
    /// A program added it to every identifier of the column.
    AddedToAll,
    /// Part of the identifier: others are like 40001.5.
    PartOfIdentifier,
}

/// Counts the identifiers of a column by what they look like. Words without digits, such as "Total", are not counted.
#[derive(Default)]
pub(super) struct Tally {
    all: u64,
    zeros: u64,
    fractions: u64,
    dates: u64,
}

impl Tally {
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

/// Whether the column's values must identify their items.
pub(super) fn identifies(column: &Column, facts: ColumnFacts) -> bool {
    let read_as_written = matches!(column.kind, Kind::Text | Kind::Gtin | Kind::Integer | Kind::Decimal | Kind::Money);
    read_as_written && (facts.in_key || column.unique || column.kind == Kind::Gtin)
}

/// Reads the identifier that a cell shows, or reports how it was changed.
pub(super) fn read<'a>(cell: &'a RawCell<'_>, style: Style) -> Result<Cow<'a, str>, Violation> {
    match &cell.value {
        RawValue::Date(_) => Err(Rule::DateInKey.into()),
        RawValue::Bool(_) => Err(Rule::TrueInKey.into()),
        RawValue::Number(number) => read_number(*number, cell, style),
        _ => read_text(without_formula(display_text(cell))?, style),
    }
}

/// Reads the identifier in a text such as `="00123"`, which text files use so that Excel keeps the zeros. Any other
/// formula stored as text was never calculated.
pub(super) fn without_formula(text: Cow<'_, str>) -> Result<Cow<'_, str>, Violation> {
    if !is_formula(&text) {
        return Ok(text);
    }
    let identifier = text_formula(&text).map(|identifier| trim(&identifier).to_owned());
    identifier.map(Cow::Owned).ok_or_else(|| Rule::FormulaAsText.into())
}

fn read_number<'a>(number: f64, cell: &'a RawCell<'_>, style: Style) -> Result<Cow<'a, str>, Violation> {
    if number.abs() >= FIRST_WITH_LOST_DIGITS {
        return Err(Rule::DigitsLost.into());
    }
    let Some(code) = cell.format.as_deref() else {
        return Ok(display_text(cell));
    };
    if !is_exact(cell) {
        // If someone types 12E4, it is stored as 120000 with this format.
        let is_scientific = code.contains("E+") || code.contains("e+") || code.contains("E-");
        return if is_scientific { Err(Rule::MadeScientific.into()) } else { Ok(display_text(cell)) };
    }
    let text = display_text(cell);
    if text.contains('%') || currency_shown(code).is_some() {
        return Err(Rule::AmountInKey.into());
    }
    if text.contains(',') && is_grouped(&text) {
        return Ok(Cow::Owned(plain(number)));
    }
    drop_zeros(text, style)
}

fn read_text(text: Cow<'_, str>, style: Style) -> Result<Cow<'_, str>, Violation> {
    let identifier_style = identifier_style(style);
    if is_scientific(&text) {
        return Err(Rule::MadeScientific.into());
    }
    if !identifier_style.dates
        && (is_midnight_stamp(&text) || identifier_style.exported && looks_like_excel_date(&text))
    {
        return Err(Rule::DateInKey.into());
    }
    if identifier_style.exported && is_grouped(&text) {
        return Err(Rule::AmountInKey.into());
    }
    if identifier_style.exported && matches!(text.as_ref(), "TRUE" | "FALSE") {
        return Err(Rule::TrueInKey.into());
    }
    drop_zeros(text, style)
}

/// Checks what a number in the key may have lost.
pub(super) fn check_number(cell: &RawCell<'_>) -> Result<(), Violation> {
    match &cell.value {
        RawValue::Number(number) if number.abs() >= FIRST_WITH_LOST_DIGITS => Err(Rule::DigitsLost.into()),
        // Nobody types an item number like this, and a code that looks like this isn't a number.
        RawValue::Text(text) if is_power_of_ten(trim(text)) => Err(Rule::MadeScientific.into()),
        _ => Ok(()),
    }
}

fn is_power_of_ten(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'e' | b'E'))
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

fn identifier_style(style: Style) -> IdentifierStyle {
    match style {
        Style::Identifiers(identifier_style) => identifier_style,
        // Rows to fix may come from a text file; that they are now in a workbook doesn't make them right.
        style => IdentifierStyle { zeros: Zeros::Added, dates: false, exported: style == Style::RowsToFix },
    }
}

/// Reads 40001.0 without the `.0` that a program added, if the whole column shows that.
pub(super) fn drop_zeros(mut text: Cow<'_, str>, style: Style) -> Result<Cow<'_, str>, Violation> {
    let Some(end) = before_zeros(&text) else {
        return Ok(text);
    };
    match identifier_style(style).zeros {
        Zeros::Added => {
            let words = vec![("proposal", text[..end].to_string())];
            Err(Violation { rule: Rule::ZerosAdded, words })
        }
        Zeros::PartOfIdentifier => Ok(text),
        Zeros::AddedToAll => {
            match &mut text {
                Cow::Borrowed(text) => *text = &text[..end],
                Cow::Owned(text) => text.truncate(end),
            }
            Ok(text)
        }
    }
}

/// Whether the cell is read without something that a program added to the whole column.
pub(super) fn is_read_without_addition(cell: &RawCell<'_>, style: Style) -> bool {
    match &cell.value {
        RawValue::Text(_) if !matches!(style, Style::Identifiers(IdentifierStyle { zeros: Zeros::AddedToAll, .. })) => {
            false
        }
        RawValue::Number(_) if !cell.format.as_deref().is_some_and(|code| code.contains([',', '.'])) => false,
        RawValue::Text(_) | RawValue::Number(_) => read(cell, style).is_ok_and(|read| read != display_text(cell)),
        _ => false,
    }
}

/// Whether an identifier looks as if a program had changed it in a way that only its whole column can confirm.
pub(super) fn looks_changed(text: &str) -> bool {
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
fn is_grouped(text: &str) -> bool {
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
fn looks_like_excel_date(text: &str) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 4..=10;
    if !LENGTHS.contains(&text.len()) || !text.contains(['-', ' ']) {
        return false;
    }
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let (all, capitals) = (letters().count(), letters().filter(|c| c.is_uppercase()).count());
    all >= 3 && capitals <= 1 && is_shown_date(text)
}

/// A date with midnight, as programs write dates that they store as timestamps: 2026-03-04 00:00:00.
fn is_midnight_stamp(text: &str) -> bool {
    let day = text.strip_suffix("00:00:00").map(|day| day.trim_end_matches([' ', 'T']));
    day.is_some_and(|day| day.len() >= 8 && day.len() + "00:00:00".len() < text.len() && is_shown_date(day))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, column, number, outcome, text, under};
    use super::super::{judge_cell, warn_of};
    use super::*;

    const TEXT: &str = "type = \"text\"";
    const UNIQUE: &str = "type = \"text\"\nunique = true";

    fn key(cell: &RawCell<'_>, style: Style) -> String {
        outcome(judge_cell(cell, &column(TEXT), ColumnFacts { in_key: true, style, ..ColumnFacts::default() }))
    }

    fn alone(cell: &RawCell<'_>) -> String {
        key(cell, Style::Assumed)
    }

    fn habits_of(texts: &[&str], exported: bool) -> Style {
        let mut tally = Tally::default();
        texts.iter().for_each(|written| tally.note(&text(written)));
        Style::Identifiers(tally.decide(exported))
    }

    #[test]
    fn an_identifier_that_a_program_turned_into_a_number_is_a_problem() {
        for (written, expected) in [
            ("1.23E+12", "made-scientific"),
            ("4,00638E+12", "made-scientific"),
            ("1E+12", "made-scientific"),
            ("1.23457e+11", "made-scientific"),
            ("1.234E12", "made-scientific"),
            ("40001.0", "zeros-added 40001"),
            ("40001,0", "zeros-added 40001"),
            ("40001.00", "zeros-added 40001"),
            ("2026-03-04 00:00:00", "date-in-key"),
        ] {
            assert_eq!(alone(&text(written)), expected, "{written}");
            assert_eq!(
                outcome(judge_cell(&text(written), &column(UNIQUE), ColumnFacts::default())),
                expected,
                "{written}"
            );
            assert_eq!(outcome(judge_cell(&text(written), &column(TEXT), ColumnFacts::default())), written);
        }
        for (cell, expected) in [
            (number(1e15), "digits-lost"),
            (number(4006381333931.0), "4006381333931"),
            (under(RawValue::Number(120000.0), "0.00E+00"), "made-scientific"),
            (under(RawValue::Number(40001.0), "0.0"), "zeros-added 40001"),
            (under(RawValue::Number(1234.0), "#,##0"), "1234"),
            (under(RawValue::Number(1234.0), "#,##0.00 \"€\""), "amount-in-key"),
            (under(RawValue::Number(0.15), "0%"), "amount-in-key"),
            (under(RawValue::Number(123456.0), "000-000"), "123-456"),
            (number(12.5), "12.5"),
            (cell(RawValue::Bool(true)), "true-in-key"),
            (cell(RawValue::Date(46085.0)), "date-in-key"),
        ] {
            assert_eq!(alone(&cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn an_identifier_in_a_formula_stored_as_text_is_read() {
        for (written, expected) in [
            ("=\"00123\"", "00123"),
            (" =\"00123\" ", "00123"),
            ("=\" A-17 \"", "A-17"),
            ("=\"4\"\" pipe\"", "4\" pipe"),
            ("=\"1.23E+12\"", "made-scientific"),
            ("=A3", "formula-as-text"),
            ("=VLOOKUP(A3,B:C,2)", "formula-as-text"),
            ("=\"1\"&\"2\"", "formula-as-text"),
            ("=>17", "=>17"),
        ] {
            assert_eq!(alone(&text(written)), expected, "{written}");
            assert_eq!(alone(&under(text(written).value, "@")), expected, "{written}");
            assert_eq!(
                outcome(judge_cell(&text(written), &column(UNIQUE), ColumnFacts::default())),
                expected,
                "{written}"
            );
            assert_eq!(outcome(judge_cell(&text(written), &column(TEXT), ColumnFacts::default())), written.trim());
        }
        let barcode = column("type = \"gtin\"");
        let judged = |written: &str| outcome(judge_cell(&text(written), &barcode, ColumnFacts::default()));
        assert_eq!(judged("=\"4006381333931\""), "4006381333931");
        assert_eq!(judged("=\"36000291452\""), "gtin-zero-missing 036000291452");
        assert_eq!(judged("=B3"), "formula-as-text");
    }

    #[test]
    fn item_numbers_that_people_type_are_accepted() {
        let style = habits_of(&["A-17", "A-18"], true);
        for written in [
            "12E4",
            "1E5",
            "1E-5",
            "12E+4",
            "10-4",
            "1-2-2024",
            "MAR4",
            "MAR-04",
            "5/8",
            "123 456",
            "1.234",
            "12.345.678",
            "2026-03-04",
            "A1.0",
            "1.0.0",
            "10.000",
            "00123",
            "15%",
            "true",
            "E12",
            "3.5E2",
        ] {
            assert_eq!(key(&text(written), style), written);
            assert_eq!(alone(&text(written)), written);
        }
        // In a workbook, a cell with this text was typed as text; in a text file a program may have produced it.
        for (written, expected) in [
            ("4-Mar", "date-in-key"),
            ("Mar-04", "date-in-key"),
            ("04. Mrz", "date-in-key"),
            ("TRUE", "true-in-key"),
            ("1,234", "amount-in-key"),
        ] {
            assert_eq!(alone(&text(written)), written);
            assert_eq!(key(&text(written), style), expected, "{written}");
            assert_eq!(key(&text(written), Style::RowsToFix), expected, "{written}");
        }
    }

    #[test]
    fn the_whole_column_shows_what_a_program_added() {
        let floats = habits_of(&["40001.0", "40002.0", "Total"], true);
        assert_eq!(key(&text("40001.0"), floats), "40001");
        assert_eq!(key(&under(RawValue::Number(40001.0), "0.0"), floats), "40001");
        assert_eq!(
            outcome(judge_cell(
                &text("4006381333931.0"),
                &column("type = \"gtin\""),
                ColumnFacts { in_key: false, style: floats, ..ColumnFacts::default() }
            )),
            "4006381333931"
        );
        // Thousands separators are not fractions.
        let grouped = &["40001.0", "40,001", "1,234,567"];
        for others in [&["40001.0"][..], &["40001.0", "A-17"], &["40001.0", "40002.0", "40003"], grouped] {
            assert_eq!(key(&text("40001.0"), habits_of(others, true)), "zeros-added 40001", "{others:?}");
        }
        let sizes = habits_of(&["10.0", "10.5", "11.0"], true);
        assert_eq!(key(&text("10.0"), sizes), "10.0");
        let dates = habits_of(&["4-Mar", "5-Mar", "A-17"], true);
        assert_eq!(key(&text("4-Mar"), dates), "4-Mar");
    }

    #[test]
    fn removed_additions_are_noted() {
        let floats = habits_of(&["40001.0", "40002.0"], true);
        let (plain, unique) = (column(TEXT), column(UNIQUE));
        let key = |style| ColumnFacts { in_key: true, style, ..ColumnFacts::default() };
        assert_eq!(warn_of(&text("40001.0"), &plain, key(floats)), Some(Rule::ReadWithoutAddition));
        assert_eq!(
            warn_of(&under(RawValue::Number(1234.0), "#,##0"), &unique, ColumnFacts::default()),
            Some(Rule::ReadWithoutAddition)
        );
        assert_eq!(warn_of(&text("40001"), &plain, key(floats)), None);
        assert_eq!(warn_of(&under(RawValue::Number(1234.0), "#,##0"), &plain, ColumnFacts::default()), None);
    }

    #[test]
    fn a_number_in_the_key_must_have_all_its_digits() {
        let key = |cell: &RawCell<'_>| {
            outcome(judge_cell(
                cell,
                &column("type = \"integer\""),
                ColumnFacts { in_key: true, style: Style::Assumed, ..ColumnFacts::default() },
            ))
        };
        assert_eq!(key(&number(40001.0)), "40001");
        assert_eq!(key(&text("40001.0")), "40001");
        assert_eq!(key(&number(1e15)), "digits-lost");
        assert_eq!(key(&text("1.23E+12")), "made-scientific");
        assert_eq!(key(&text("12E4")), "made-scientific");
    }
}
