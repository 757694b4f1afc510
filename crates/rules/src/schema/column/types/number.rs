//! What all types of numbers have in common: the stored value of a cell in 15 digits, or a number typed as text, whose
//! decimal separator the column decides.

use toml::de::DeValue;

use super::NumberForm;
use crate::cell::{
    BorrowedValue, DecimalSeparator, Shape, Style, TypedNumber, Violation, check_number, is_in_other_currency,
    is_shown_date, separator_char, trim, violation,
};
use crate::schema::rules_file::decimal;
use crate::schema::{Column, ColumnFacts};
use inventory_base::decimal::{Decimal, DecimalError};
use inventory_base::item::Value;
use inventory_workbook::{RawCell, RawValue};

/// Reads a number in the rules that the column accepts.
pub(super) fn read_value(given: &DeValue, column: &Column, form: NumberForm) -> Result<Value, String> {
    let number = decimal(given).ok_or("a number without quotes")?;
    if !form.accepts(number) {
        return Err("a whole number".to_string());
    }
    if !is_within_limits(number, column) {
        return Err("within min and max".to_string());
    }
    Ok(Value::N(number.to_string().into()))
}

/// Returns the first candidate that is allowed, or else the smallest or largest number allowed.
pub(super) fn example(column: &Column, form: NumberForm, candidates: &[&str]) -> Option<Value> {
    let is_allowed = |number: Decimal| is_within_limits(number, column) && form.accepts(number);
    let limits = [column.min, column.max].into_iter().flatten().map(|limit| limit.to_string());
    let mut all = candidates.iter().map(ToString::to_string).chain(limits);
    all.find(|digits| Decimal::parse(digits).is_ok_and(is_allowed)).map(|digits| Value::N(digits.into()))
}

fn is_within_limits(number: Decimal, column: &Column) -> bool {
    column.min.is_none_or(|min| number >= min) && column.max.is_none_or(|max| number <= max)
}

pub(super) fn judge(
    cell: &RawCell<'_>,
    column: &Column,
    facts: ColumnFacts,
    form: NumberForm,
) -> Result<BorrowedValue<'static>, Violation> {
    if column.identifies(facts.in_key) {
        check_number(cell)?;
    }
    if let Some(wanted) = column.currency.as_ref().filter(|wanted| is_in_other_currency(cell, wanted)) {
        return Err(violation!(CurrencyDiffers { currency: wanted }));
    }
    if !form.accepts_percent && is_percent(cell) {
        return Err(violation!(PercentForNumber));
    }
    let number = match &cell.value {
        RawValue::Number(number) | RawValue::DateOrNumber(number) => {
            Decimal::from_cell(*number).map_err(|fault| explain(fault, form))?
        }
        RawValue::Text(text) => {
            let style = column.decimal.map_or(facts.style, Style::Known);
            let text = trim(text);
            read_text(text, form, style).map_err(|violation| explain_text(violation, text, form, style))?
        }
        RawValue::Date(_) => return Err(violation!(DateForNumber)),
        _ => return Err(form.expected()),
    };
    if !form.accepts(number) {
        return Err(violation!(WholeNumberExpected));
    }
    match (column.min, column.max) {
        (Some(limit), _) if number < limit => Err(violation!(TooSmall { limit })),
        (_, Some(limit)) if number > limit => Err(violation!(TooLarge { limit })),
        _ => Ok(BorrowedValue::N(number)),
    }
}

/// Whether the cell shows a percentage.
fn is_percent(cell: &RawCell<'_>) -> bool {
    match &cell.value {
        RawValue::Number(_) => cell.format.as_deref().is_some_and(|code| code.contains('%')),
        RawValue::Text(text) => text.contains('%') && TypedNumber::read(text, true).is_some(),
        _ => false,
    }
}

impl NumberForm {
    fn accepts(self, number: Decimal) -> bool {
        !self.is_whole || number.is_integer()
    }

    fn expected(self) -> Violation {
        if self.is_whole { violation!(WholeNumberExpected) } else { violation!(NumberExpected) }
    }
}

fn explain(fault: DecimalError, form: NumberForm) -> Violation {
    match fault {
        DecimalError::OutOfRange => violation!(NumberTooLong),
        DecimalError::NotANumber => form.expected(),
    }
}

/// Explains what happened to a number in a text that isn't one.
fn explain_text(violation: Violation, text: &str, form: NumberForm, style: Style) -> Violation {
    if violation != form.expected() {
        return violation;
    }
    if is_shown_date(text) {
        return violation!(DateForNumber);
    }
    let is_digit = |c: char| c.is_ascii_digit();
    let fixed = text.replace(['O', 'o'], "0");
    if fixed != text
        && text.contains(is_digit)
        && read_text(&fixed, form, style).is_ok_and(|number| form.accepts(number))
    {
        return violation!(LetterForZero { proposal: fixed });
    }
    violation
}

fn read_text(text: &str, form: NumberForm, style: Style) -> Result<Decimal, Violation> {
    use DecimalSeparator::{Comma, Point};
    // Most numbers are plain, and need no closer look if the decimal separator is known to be the point.
    let point = style == Style::Known(Point);
    if point || text.bytes().all(|b| b.is_ascii_digit()) {
        match Decimal::parse(text) {
            Err(DecimalError::NotANumber) => {}
            parsed => return parsed.map_err(|fault| explain(fault, form)),
        }
    }
    let typed = TypedNumber::read(text, form.accepts_currency()).ok_or_else(|| form.expected())?;
    let separator = match (typed.shape, style) {
        (Shape::Whole, _) => Point,
        (Shape::Sure(separator), Style::Assumed | Style::RowsToFix) if separator == Point => separator,
        (Shape::Sure(separator), Style::Known(known) | Style::Mixed(known)) if separator == known => separator,
        (Shape::Sure(separator), Style::Ambiguous) => separator,
        (Shape::Sure(separator), Style::Mixed(most)) => return Err(mixed_separators(&typed, separator, most, form)),
        (Shape::Sure(separator), _) => return Err(wrong_separator(&typed, separator, form)),
        (Shape::Either, Style::Known(known)) => known,
        (Shape::Either, _) => {
            let grouping = if typed.has(Point) { Comma } else { Point };
            let fraction = if typed.has(Point) { Point } else { Comma };
            let (first, second) = (proposal(&typed, grouping), proposal(&typed, fraction));
            return Err(violation!(SeparatorUnclear { first, second }));
        }
    };
    typed.value(separator).map_err(|fault| explain(fault, form))
}

/// In a column with points, `12,50` is most likely 12.50: that is proposed, never assumed silently.
fn wrong_separator(typed: &TypedNumber<'_>, separator: DecimalSeparator, form: NumberForm) -> Violation {
    let whole = typed.value(separator).is_ok_and(|number| number.is_integer());
    if !typed.has(separator) || form.is_whole && !whole {
        return form.expected();
    }
    let wanted = match separator {
        DecimalSeparator::Comma => DecimalSeparator::Point,
        DecimalSeparator::Point => DecimalSeparator::Comma,
    };
    let number = in_style(proposal(typed, separator), wanted);
    let proposal = match typed.currency {
        Some((symbol, _)) => format!("{number} alone, without {symbol}"),
        None => number,
    };
    match wanted {
        DecimalSeparator::Point => violation!(PointExpected { proposal }),
        DecimalSeparator::Comma => violation!(CommaExpected { proposal }),
    }
}

fn mixed_separators(
    typed: &TypedNumber<'_>,
    separator: DecimalSeparator,
    most: DecimalSeparator,
    form: NumberForm,
) -> Violation {
    let Ok(number) = typed.value(separator) else {
        return form.expected();
    };
    let name = |separator| {
        if separator == DecimalSeparator::Point { "point" } else { "comma" }
    };
    let proposal = in_style(number.to_string(), most);
    violation!(SeparatorsMixed { sign: name(separator), other: name(most), proposal })
}

fn proposal(typed: &TypedNumber<'_>, separator: DecimalSeparator) -> String {
    typed.value(separator).map_or_else(|_| "a shorter number".to_string(), |number| number.to_string())
}

fn in_style(number: String, separator: DecimalSeparator) -> String {
    number.replace('.', separator_char(separator).encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::judge_cell;
    use crate::judge::value::tests::{cell, column, judged, number, outcome, text, under};

    const MONEY: &str = "type = \"money\"";
    const INTEGER: &str = "type = \"integer\"";

    #[test]
    fn cells_keep_their_stored_value_in_fifteen_digits() {
        assert_eq!(judged(MONEY, &number(19.990000000000002)), "19.99");
        assert_eq!(judged(MONEY, &number(0.1 + 0.2)), "0.3");
        assert_eq!(judged("type = \"decimal\"", &under(RawValue::Number(0.15), "0%")), "0.15");
        assert_eq!(judged(MONEY, &under(RawValue::Number(12.3456), "0.00 €")), "12.3456");
        assert_eq!(judged(INTEGER, &number(12.0)), "12");
        assert_eq!(judged(INTEGER, &number(2.5)), "whole-number-expected");
    }

    #[test]
    fn what_is_not_a_number_is_a_problem() {
        for no in ["n/a", "5 pcs", "1,2,3", "1.2.3"] {
            assert_eq!(judged(MONEY, &text(no)), "number-expected", "{no}");
            assert_eq!(judged(INTEGER, &text(no)), "whole-number-expected", "{no}");
        }
        assert_eq!(judged(INTEGER, &text("2.5")), "whole-number-expected");
        assert_eq!(judged(INTEGER, &text("2,5")), "whole-number-expected");
        assert_eq!(judged(INTEGER, &text("€ 5")), "whole-number-expected");
        assert_eq!(judged(MONEY, &cell(RawValue::Bool(true))), "number-expected");
        assert_eq!(judged(MONEY, &text(&"9".repeat(39))), "number-too-long");
        assert_eq!(judged(MONEY, &text(&format!("€ {}", "9".repeat(39)))), "number-too-long");
        let limits = "type = \"integer\"\nmin = 0\nmax = 10";
        assert_eq!(judged(limits, &text("(1)")), "too-small 0");
        assert_eq!(judged(limits, &number(11.0)), "too-large 10");
    }

    #[test]
    fn a_percentage_is_neither_a_count_nor_a_price() {
        for lines in [INTEGER, MONEY] {
            for shown in ["100 %", "100%", "(5%)"] {
                assert_eq!(judged(lines, &text(shown)), "percent-for-number", "{shown}");
            }
            assert_eq!(judged(lines, &under(RawValue::Number(1.0), "0%")), "percent-for-number");
            assert_eq!(judged(lines, &under(RawValue::Number(1.0), "0")), "1");
        }
        assert_eq!(judged("type = \"decimal\"", &text("15 %")), "0.15");
    }

    #[test]
    fn full_width_digits_are_digits() {
        assert_eq!(judged(INTEGER, &text("１２")), "12");
        assert_eq!(judged(MONEY, &text("￥１，２３４．５")), "1234.5");
        assert_eq!(judged("type = \"date\"", &text("２０２６-１０-０３")), "2026-10-03");
        assert_eq!(judged("type = \"boolean\"", &text("Ｘ")), "Bool(true)");
        assert_eq!(judged("type = \"gtin\"", &text("４００６３８１３３３９３１")), "4006381333931");
        assert_eq!(judged("type = \"text\"", &text("Ａ-１７")), "Ａ-１７");
    }

    #[test]
    fn a_number_that_became_a_date_is_reported_as_a_date() {
        assert_eq!(judged(MONEY, &under(RawValue::Date(46154.0), "d-mmm")), "date-for-number");
        for shown in ["12-May", "12. Mai", "12 May", "May-50", "05.12.2026", "2026-05-12"] {
            assert_eq!(judged(MONEY, &text(shown)), "date-for-number", "{shown}");
            assert_eq!(judged(INTEGER, &text(shown)), "date-for-number", "{shown}");
        }
        for other in ["12 pcs", "5 mayor", "may", "12 may be"] {
            assert_eq!(judged(MONEY, &text(other)), "number-expected", "{other}");
        }
    }

    #[test]
    fn the_letter_o_in_a_number_is_reported() {
        assert_eq!(judged(INTEGER, &text("5O")), "letter-for-zero 50");
        assert_eq!(judged(INTEGER, &text(" 1o5 ")), "letter-for-zero 105");
        assert_eq!(judged(MONEY, &text("6.9O")), "letter-for-zero 6.90");
        for other in ["O", "oO", "5 pots", "on order", "5.O5"] {
            assert_eq!(judged(INTEGER, &text(other)), "whole-number-expected", "{other}");
        }
    }

    #[test]
    fn the_column_decides_what_a_separator_means() {
        use DecimalSeparator::{Comma, Point};
        let (point, comma) = (Style::Known(Point), Style::Known(Comma));
        let (most_point, most_comma) = (Style::Mixed(Point), Style::Mixed(Comma));
        for (written, style, expected) in [
            ("12.50", Style::Assumed, "12.5"),
            ("1.234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("€ 1.234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("1,234.5", Style::Assumed, "1234.5"),
            ("12,50", Style::Assumed, "point-expected 12.5"),
            ("1.234,50", Style::Assumed, "point-expected 1234.5"),
            ("12,50 EUR", Style::Assumed, "point-expected 12.5 alone, without EUR"),
            ("1.234.567", Style::Assumed, "number-expected"),
            ("1,234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("12.50", Style::RowsToFix, "12.5"),
            ("1234", Style::RowsToFix, "1234"),
            ("1.234", Style::RowsToFix, "separator-unclear 1234 1.234"),
            ("12,50", Style::RowsToFix, "point-expected 12.5"),
            ("1.234", point, "1.234"),
            ("1,234", point, "1234"),
            ("12,50", point, "point-expected 12.5"),
            ("1.234", comma, "1234"),
            ("1,234", comma, "1.234"),
            ("12,50 €", comma, "12.5"),
            ("1.234.567", comma, "1234567"),
            ("12.50", comma, "comma-expected 12,5"),
            ("1,234,567", comma, "number-expected"),
            ("1234", comma, "1234"),
            ("1.5E3", comma, "comma-expected 1500"),
            ("1.234", Style::Ambiguous, "separator-unclear 1234 1.234"),
            ("1,234", Style::Ambiguous, "separator-unclear 1234 1.234"),
            ("12", Style::Ambiguous, "12"),
            ("12,50", most_comma, "12.5"),
            ("12.50", most_comma, "separators-mixed point comma 12,5"),
            ("1,234.50", most_point, "1234.5"),
            ("12,50", most_point, "separators-mixed comma point 12.5"),
            ("1.234", most_point, "separator-unclear 1234 1.234"),
            ("1 234", most_point, "1234"),
        ] {
            let facts = ColumnFacts { style, ..ColumnFacts::default() };
            assert_eq!(outcome(judge_cell(&text(written), &column(MONEY), facts)), expected, "{written} {style:?}");
        }
    }

    #[test]
    fn the_rules_take_precedence_over_the_evidence() {
        let lines = "type = \"integer\"\ndecimal = \",\"";
        for style in [Style::Assumed, Style::Ambiguous, Style::Known(DecimalSeparator::Point)] {
            let facts = ColumnFacts { style, ..ColumnFacts::default() };
            assert_eq!(outcome(judge_cell(&text("1.234"), &column(lines), facts)), "1234", "{style:?}");
        }
        assert_eq!(judged("type = \"money\"\ndecimal = \".\"", &text("1,234")), "1234");
    }
}
