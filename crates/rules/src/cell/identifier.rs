//! Identifiers: keys, unique values and barcodes. If a program took one for a number or a date, it has changed it, and
//! what is left is never loaded as the identifier.

use std::borrow::Cow;

use inventory_workbook::{RawCell, RawValue, text_formula};

use super::cell_error::is_formula;
use super::currency::currency_shown;
use super::display::{display_text, is_exact};
use super::identifier_shape::{before_zeros, is_grouped, is_midnight_stamp, is_scientific, looks_like_excel_date};
use super::number_format::plain;
use super::style::{IdentifierStyle, Style, Zeros};
use super::text::trim;
use super::violation::{Violation, violation};

/// Excel keeps 15 digits of a number and replaces the rest with zeros.
const FIRST_WITH_LOST_DIGITS: f64 = 1e15;

/// Reads the identifier that a cell shows, or reports how it was changed.
pub(crate) fn read<'a>(cell: &'a RawCell<'_>, style: Style) -> Result<Cow<'a, str>, Violation> {
    match &cell.value {
        RawValue::Date(_) => Err(violation!(DateInKey)),
        RawValue::Bool(_) => Err(violation!(TrueInKey)),
        RawValue::Number(number) => read_number(*number, cell, style),
        _ => read_text(without_formula(display_text(cell))?, style),
    }
}

/// Reads the identifier in a text such as `="00123"`, which text files use so that Excel keeps the zeros. Any other
/// formula stored as text was never calculated.
pub(crate) fn without_formula(text: Cow<'_, str>) -> Result<Cow<'_, str>, Violation> {
    if !is_formula(&text) {
        return Ok(text);
    }
    let identifier = text_formula(&text).map(|identifier| trim(&identifier).to_owned());
    identifier.map(Cow::Owned).ok_or_else(|| violation!(FormulaAsText))
}

fn read_number<'a>(number: f64, cell: &'a RawCell<'_>, style: Style) -> Result<Cow<'a, str>, Violation> {
    if number.abs() >= FIRST_WITH_LOST_DIGITS {
        return Err(violation!(DigitsLost));
    }
    let Some(code) = cell.format.as_deref() else {
        return Ok(display_text(cell));
    };
    if !is_exact(cell) {
        // If someone types 12E4, it is stored as 120000 with this format.
        let is_scientific = code.contains("E+") || code.contains("e+") || code.contains("E-");
        return if is_scientific { Err(violation!(MadeScientific)) } else { Ok(display_text(cell)) };
    }
    let text = display_text(cell);
    if text.contains('%') || currency_shown(code).is_some() {
        return Err(violation!(AmountInKey));
    }
    if text.contains(',') && is_grouped(&text) {
        return Ok(Cow::Owned(plain(number)));
    }
    drop_zeros(text, style)
}

fn read_text(text: Cow<'_, str>, style: Style) -> Result<Cow<'_, str>, Violation> {
    let identifier_style = identifier_style(style);
    if is_scientific(&text) {
        return Err(violation!(MadeScientific));
    }
    if !identifier_style.dates
        && (is_midnight_stamp(&text) || identifier_style.exported && looks_like_excel_date(&text))
    {
        return Err(violation!(DateInKey));
    }
    if identifier_style.exported && is_grouped(&text) {
        return Err(violation!(AmountInKey));
    }
    if identifier_style.exported && matches!(text.as_ref(), "TRUE" | "FALSE") {
        return Err(violation!(TrueInKey));
    }
    drop_zeros(text, style)
}

/// Checks what a number in the key may have lost.
pub(crate) fn check_number(cell: &RawCell<'_>) -> Result<(), Violation> {
    match &cell.value {
        RawValue::Number(number) if number.abs() >= FIRST_WITH_LOST_DIGITS => Err(violation!(DigitsLost)),
        // Item numbers are not typed like this, and a code that looks like this isn't a number.
        RawValue::Text(text) if is_power_of_ten(trim(text)) => Err(violation!(MadeScientific)),
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
pub(crate) fn drop_zeros(mut text: Cow<'_, str>, style: Style) -> Result<Cow<'_, str>, Violation> {
    let Some(end) = before_zeros(&text) else {
        return Ok(text);
    };
    match identifier_style(style).zeros {
        Zeros::Added => Err(violation!(ZerosAdded { proposal: &text[..end] })),
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
pub(crate) fn is_read_without_addition(cell: &RawCell<'_>, style: Style) -> bool {
    match &cell.value {
        RawValue::Text(_) if !matches!(style, Style::Identifiers(IdentifierStyle { zeros: Zeros::AddedToAll, .. })) => {
            false
        }
        RawValue::Number(_) if !cell.format.as_deref().is_some_and(|code| code.contains([',', '.'])) => false,
        RawValue::Text(_) | RawValue::Number(_) => read(cell, style).is_ok_and(|read| read != display_text(cell)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::IdentifierTally;
    use crate::judge::value::tests::{cell, column, number, outcome, text, under};
    use crate::judge::value::{Warning, judge_cell, warn_of};
    use crate::schema::ColumnFacts;

    const TEXT: &str = "type = \"text\"";
    const UNIQUE: &str = "type = \"text\"\nunique = true";

    fn key(cell: &RawCell<'_>, style: Style) -> String {
        outcome(judge_cell(cell, &column(TEXT), ColumnFacts { in_key: true, style, ..ColumnFacts::default() }))
    }

    fn alone(cell: &RawCell<'_>) -> String {
        key(cell, Style::Assumed)
    }

    fn style_of(texts: &[&str], exported: bool) -> Style {
        let mut tally = IdentifierTally::default();
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
        let style = style_of(&["A-17", "A-18"], true);
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
        let floats = style_of(&["40001.0", "40002.0", "Total"], true);
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
            assert_eq!(key(&text("40001.0"), style_of(others, true)), "zeros-added 40001", "{others:?}");
        }
        let sizes = style_of(&["10.0", "10.5", "11.0"], true);
        assert_eq!(key(&text("10.0"), sizes), "10.0");
        let dates = style_of(&["4-Mar", "5-Mar", "A-17"], true);
        assert_eq!(key(&text("4-Mar"), dates), "4-Mar");
    }

    #[test]
    fn removed_additions_are_noted() {
        let floats = style_of(&["40001.0", "40002.0"], true);
        let (plain, unique) = (column(TEXT), column(UNIQUE));
        let key = |style| ColumnFacts { in_key: true, style, ..ColumnFacts::default() };
        assert_eq!(warn_of(&text("40001.0"), &plain, key(floats)), Some(Warning::ReadWithoutAddition));
        assert_eq!(
            warn_of(&under(RawValue::Number(1234.0), "#,##0"), &unique, ColumnFacts::default()),
            Some(Warning::ReadWithoutAddition)
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
