//! Numbers: the stored value of a cell in 15 digits, or a number typed as text, its decimal sign decided by the column.

use crate::judge::lent::LentValue;
use crate::schema::{Column, DecimalSign, Kind};
use inventory_base::decimal::{Decimal, DecimalFault};
use inventory_base::message::Rule;
use inventory_workbook::{RawCell, RawValue};

use super::currency::is_foreign;
use super::date::is_shown_date;
use super::separators::{Shape, char_of};
use super::text::trim;
use super::typed::Typed;
use super::{Broken, Style};

#[inline]
pub(super) fn judge_number(cell: &RawCell<'_>, column: &Column, style: Style) -> Result<LentValue<'static>, Broken> {
    if let Some(wanted) = column.currency.as_ref().filter(|_| is_foreign(cell, column)) {
        return Err(Broken { rule: Rule::CurrencyDiffers, words: vec![("currency", wanted.clone())] });
    }
    // A share is a number of its own only where fractions are: 15 % in a count or a price is something else.
    if column.kind != Kind::Decimal && is_percent(cell) {
        return Err(Rule::PercentForNumber.into());
    }
    let number = match &cell.value {
        RawValue::Number(number) | RawValue::DateOrNumber(number) => {
            Decimal::from_cell(*number).map_err(|fault| explain(fault, column))?
        }
        RawValue::Text(text) => {
            let style = column.decimal.map_or(style, Style::Known);
            let text = trim(text);
            read_text(text, column, style).map_err(|broken| explain_text(broken, text, column, style))?
        }
        RawValue::Date(_) => return Err(Rule::DateForNumber.into()),
        _ => return Err(expected(column).into()),
    };
    if column.kind == Kind::Integer && !number.is_integer() {
        return Err(Rule::WholeNumberExpected.into());
    }
    let beyond = |rule, limit: Decimal| Err(Broken { rule, words: vec![("limit", limit.to_string())] });
    match (column.min, column.max) {
        (Some(min), _) if number < min => beyond(Rule::TooSmall, min),
        (_, Some(max)) if number > max => beyond(Rule::TooLarge, max),
        _ => Ok(LentValue::N(number)),
    }
}

/// Whether the cell shows a percentage.
fn is_percent(cell: &RawCell<'_>) -> bool {
    match &cell.value {
        RawValue::Number(_) => cell.format.as_deref().is_some_and(|code| code.contains('%')),
        RawValue::Text(text) => text.contains('%') && Typed::read(text, true).is_some(),
        _ => false,
    }
}

/// Whether a sign of money may stand around the number. In a count it tells of columns that were swapped.
pub(super) fn takes_money(kind: Kind) -> bool {
    matches!(kind, Kind::Decimal | Kind::Money)
}

fn expected(column: &Column) -> Rule {
    if column.kind == Kind::Integer { Rule::WholeNumberExpected } else { Rule::NumberExpected }
}

fn explain(fault: DecimalFault, column: &Column) -> Broken {
    match fault {
        DecimalFault::OutOfRange => Rule::NumberTooLong.into(),
        DecimalFault::NotANumber => expected(column).into(),
    }
}

/// What became of the number in a text that is none.
fn explain_text(broken: Broken, text: &str, column: &Column, style: Style) -> Broken {
    if broken.rule != expected(column) {
        return broken;
    }
    if is_shown_date(text) {
        return Rule::DateForNumber.into();
    }
    let is_digit = |c: char| c.is_ascii_digit();
    let mended = text.replace(['O', 'o'], "0");
    let fits = |number: Decimal| column.kind != Kind::Integer || number.is_integer();
    if mended != text && text.contains(is_digit) && read_text(&mended, column, style).is_ok_and(fits) {
        return Broken { rule: Rule::LetterForZero, words: vec![("proposal", mended)] };
    }
    broken
}

fn read_text(text: &str, column: &Column, style: Style) -> Result<Decimal, Broken> {
    use DecimalSign::{Comma, Point};
    // Most numbers are plain ones, and need no second look where the point is known to be the decimal sign.
    let point = style == Style::Known(Point);
    if point || text.bytes().all(|b| b.is_ascii_digit()) {
        match Decimal::parse(text) {
            Err(DecimalFault::NotANumber) => {}
            parsed => return parsed.map_err(|fault| explain(fault, column)),
        }
    }
    let typed = Typed::read(text, takes_money(column.kind)).ok_or(expected(column))?;
    let sign = match (typed.shape, style) {
        (Shape::Whole, _) => Point,
        (Shape::Sure(sign), Style::Assumed | Style::Alone) if sign == Point => sign,
        (Shape::Sure(sign), Style::Known(known) | Style::Mixed(known)) if sign == known => sign,
        (Shape::Sure(sign), Style::Ambiguous) => sign,
        (Shape::Sure(sign), Style::Mixed(most)) => return Err(mixed(&typed, sign, most, column)),
        (Shape::Sure(sign), _) => return Err(unlike(&typed, sign, column)),
        (Shape::Either, Style::Known(known)) => known,
        (Shape::Either, _) => {
            let grouping = if typed.has(Point) { Comma } else { Point };
            let fraction = if typed.has(Point) { Point } else { Comma };
            let words = vec![("first", proposal(&typed, grouping)), ("second", proposal(&typed, fraction))];
            return Err(Broken { rule: Rule::SeparatorUnclear, words });
        }
    };
    typed.value(sign).map_err(|fault| explain(fault, column))
}

/// `12,50` in a column with points is most likely 12.50: proposed, never silently taken.
fn unlike(typed: &Typed<'_>, sign: DecimalSign, column: &Column) -> Broken {
    let whole = typed.value(sign).is_ok_and(|number| number.is_integer());
    if !typed.has(sign) || column.kind == Kind::Integer && !whole {
        return expected(column).into();
    }
    let (rule, wanted) = match sign {
        DecimalSign::Comma => (Rule::PointExpected, DecimalSign::Point),
        DecimalSign::Point => (Rule::CommaExpected, DecimalSign::Comma),
    };
    let number = in_style(proposal(typed, sign), wanted);
    let proposal = match typed.currency {
        Some((sign, _)) => format!("{number} alone, without {sign}"),
        None => number,
    };
    Broken { rule, words: vec![("proposal", proposal)] }
}

fn mixed(typed: &Typed<'_>, sign: DecimalSign, most: DecimalSign, column: &Column) -> Broken {
    let Ok(number) = typed.value(sign) else {
        return expected(column).into();
    };
    let name = |sign| {
        if sign == DecimalSign::Point { "point" } else { "comma" }
    };
    let words = vec![
        ("sign", name(sign).to_string()),
        ("other", name(most).to_string()),
        ("proposal", in_style(number.to_string(), most)),
    ];
    Broken { rule: Rule::SeparatorsMixed, words }
}

fn proposal(typed: &Typed<'_>, sign: DecimalSign) -> String {
    typed.value(sign).map_or_else(|_| "a shorter number".to_string(), |number| number.to_string())
}

fn in_style(number: String, sign: DecimalSign) -> String {
    number.replace('.', char_of(sign).encode_utf8(&mut [0; 4]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, column, judged, number, text, told, under};
    use super::super::{Facts, judge_cell};
    use super::*;

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
    fn what_is_no_number_is_a_problem() {
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
    fn a_percentage_is_no_count_and_no_price() {
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
    fn a_number_that_became_a_date_is_told_as_that() {
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
    fn the_letter_o_in_a_number_is_named() {
        assert_eq!(judged(INTEGER, &text("5O")), "letter-for-zero 50");
        assert_eq!(judged(INTEGER, &text(" 1o5 ")), "letter-for-zero 105");
        assert_eq!(judged(MONEY, &text("6.9O")), "letter-for-zero 6.90");
        for other in ["O", "oO", "5 pots", "on order", "5.O5"] {
            assert_eq!(judged(INTEGER, &text(other)), "whole-number-expected", "{other}");
        }
    }

    #[test]
    fn the_column_decides_what_a_sign_means() {
        use DecimalSign::{Comma, Point};
        let (point, comma) = (Style::Known(Point), Style::Known(Comma));
        let (most_point, most_comma) = (Style::Mixed(Point), Style::Mixed(Comma));
        for (written, style, said) in [
            ("12.50", Style::Assumed, "12.5"),
            ("1.234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("€ 1.234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("1,234.5", Style::Assumed, "1234.5"),
            ("12,50", Style::Assumed, "point-expected 12.5"),
            ("1.234,50", Style::Assumed, "point-expected 1234.5"),
            ("12,50 EUR", Style::Assumed, "point-expected 12.5 alone, without EUR"),
            ("1.234.567", Style::Assumed, "number-expected"),
            ("1,234", Style::Assumed, "separator-unclear 1234 1.234"),
            ("12.50", Style::Alone, "12.5"),
            ("1234", Style::Alone, "1234"),
            ("1.234", Style::Alone, "separator-unclear 1234 1.234"),
            ("12,50", Style::Alone, "point-expected 12.5"),
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
            let facts = Facts { style, ..Facts::default() };
            assert_eq!(told(judge_cell(&text(written), &column(MONEY), facts)), said, "{written} {style:?}");
        }
    }

    #[test]
    fn the_rules_outweigh_the_evidence() {
        let lines = "type = \"integer\"\ndecimal = \",\"";
        for style in [Style::Assumed, Style::Ambiguous, Style::Known(DecimalSign::Point)] {
            let facts = Facts { style, ..Facts::default() };
            assert_eq!(told(judge_cell(&text("1.234"), &column(lines), facts)), "1234", "{style:?}");
        }
        assert_eq!(judged("type = \"money\"\ndecimal = \".\"", &text("1,234")), "1234");
    }
}
