//! Judges one cell by its column's rules: the value that is stored, or the rule that rejects it.

mod currencies;
mod evidence;

use std::borrow::Cow;

use crate::cell::{
    BorrowedValue, Violation, is_blank, is_exact, is_null_word, is_read_without_addition, read_identifier,
    to_half_width, violation, why_no_value,
};
use crate::schema::{Column, ColumnFacts};
use inventory_base::message::cell_address;
use inventory_workbook::{RawCell, RawValue};

use super::{CellKind, OriginalCell};

pub(super) use currencies::{Currencies, CurrencyColumn};
pub(super) use evidence::{Evidence, needs_evidence};

/// Returns the value that is stored for this cell; `None` if it is empty.
pub(crate) fn judge_cell<'a>(
    cell: &'a RawCell<'_>,
    column: &'a Column,
    facts: ColumnFacts,
) -> Result<Option<BorrowedValue<'a>>, Violation> {
    if let Some(violation) = why_no_value(cell, facts.from_text_file) {
        return Err(violation);
    }
    match &cell.value {
        _ if is_blank(cell) => return Ok(None),
        RawValue::DateOrNumber(_) if !column.kind.is_number() => return Err(violation!(DateOrNumber)),
        RawValue::Date(_) if facts.in_key && !column.kind.holds_dates => return Err(violation!(DateInKey)),
        RawValue::Text(text) if !column.kind.is_free_text => {
            if let Cow::Owned(text) = to_half_width(text) {
                let to_half_width = RawCell { value: RawValue::Text(text.into()), ..cell.clone() };
                return Ok(judge_cell(&to_half_width, column, facts)?.map(BorrowedValue::into_owned));
            }
        }
        _ => {}
    }
    column.judge(cell, facts).map(Some)
}

/// Why a cell is worth a look although its row is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Warning {
    ReadWithoutAddition,
    NullKeptAsText,
    NotTakenAsShown,
}

/// The warning about a cell whose row is loaded anyway.
pub(crate) fn warn_of(cell: &RawCell<'_>, column: &Column, facts: ColumnFacts) -> Option<Warning> {
    if column.identifies(facts.in_key) && is_read_without_addition(cell, facts.style) {
        Some(Warning::ReadWithoutAddition)
    } else if column.kind.is_free_text && is_null_word(cell) {
        Some(Warning::NullKeptAsText)
    } else if column.kind.is_free_text && !is_exact(cell) {
        Some(Warning::NotTakenAsShown)
    } else {
        None
    }
}

/// The text without what a program added to it, if the whole column shows that.
pub(super) fn read_without_addition(cell: &RawCell<'_>, column: &Column, facts: ColumnFacts) -> Option<String> {
    let is_text = matches!(cell.value, RawValue::Text(_));
    let without = is_text && column.identifies(facts.in_key) && is_read_without_addition(cell, facts.style);
    without.then(|| read_identifier(cell, facts.style).ok().map(Cow::into_owned)).flatten()
}

/// The cell as it was sent, to be returned for fixing.
pub(super) fn keep_cell(cell: &RawCell<'_>, row: u32) -> OriginalCell {
    let (kind, value) = match &cell.value {
        RawValue::Text(text) => (CellKind::Text, text.to_string()),
        RawValue::Number(number) => (CellKind::Number, number.to_string()),
        RawValue::Date(serial) => (CellKind::Date, serial.to_string()),
        // As a number or a date it would come back as one of the two, although it is undecided which.
        RawValue::DateOrNumber(number) => (CellKind::Error, number.to_string()),
        RawValue::Bool(flag) => (CellKind::Boolean, flag.to_string()),
        RawValue::Error(text) => (CellKind::Error, text.to_string()),
        RawValue::NoResult => (CellKind::Formula, String::new()),
        RawValue::Unreadable => (CellKind::Error, String::new()),
    };
    let format = cell.format.as_deref().map(str::to_string);
    OriginalCell { cell: cell_address(cell.column, row), kind, value, format, number: None }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cell::Style;

    /// A column with the given lines of `inventory.toml`.
    pub(crate) fn column(lines: &str) -> Column {
        toml::from_str(&format!("name = \"c\"\ntitle = \"C\"\n{lines}")).unwrap()
    }

    pub(crate) fn cell(value: RawValue<'_>) -> RawCell<'_> {
        RawCell { column: 0, value, format: None }
    }

    pub(crate) fn text(s: &str) -> RawCell<'_> {
        cell(RawValue::Text(Cow::Borrowed(s)))
    }

    pub(crate) fn number(number: f64) -> RawCell<'static> {
        cell(RawValue::Number(number))
    }

    pub(crate) fn under<'a>(value: RawValue<'a>, format: &'a str) -> RawCell<'a> {
        RawCell { column: 0, value, format: Some(Cow::Borrowed(format)) }
    }

    /// The value as text, or the rule that is broken with its words.
    pub(crate) fn outcome(judged: Result<Option<BorrowedValue<'_>>, Violation>) -> String {
        match judged {
            Ok(None) => "empty".to_string(),
            Ok(Some(BorrowedValue::Bool(flag))) => format!("Bool({flag})"),
            Ok(Some(value)) => value.text().into_owned(),
            Err(violation) => violation.brief(),
        }
    }

    /// As [`outcome`], for a column that isn't part of the key.
    pub(crate) fn judged(lines: &str, cell: &RawCell<'_>) -> String {
        outcome(judge_cell(cell, &column(lines), ColumnFacts::default()))
    }

    const TEXT: &str = "type = \"text\"";
    const KEY: ColumnFacts = ColumnFacts { in_key: true, from_text_file: false, style: Style::Assumed };

    #[test]
    fn a_formula_in_a_text_file_is_a_problem_but_lookalikes_are_values() {
        let typed = ColumnFacts { from_text_file: true, ..ColumnFacts::default() };
        let outcome = |kind: &str, cell: &RawCell<'_>, facts| {
            outcome(judge_cell(cell, &column(&format!("type = \"{kind}\"")), facts))
        };
        for formula in ["=A3", " =SUM(B2:B9)", "=\"1\"&\"2\"", "=-B3", "=+B3*2", "=(1+2)", "=5", "= $A$1", "='Old'!A3"]
        {
            for kind in ["text", "integer", "date", "gtin"] {
                assert_eq!(outcome(kind, &text(formula), typed), "formula-as-text", "{kind} {formula}");
            }
            assert_eq!(outcome("text", &text(formula), ColumnFacts::default()), formula.trim(), "{formula}");
            assert_eq!(outcome("text", &under(text(formula).value, "@"), typed), formula.trim(), "{formula}");
        }
        for value in ["=", "==", "=== Screws ===", "=>", "-5", "+49 40 1234", "@home", "a=b"] {
            assert_eq!(outcome("text", &text(value), typed), value);
        }
    }

    #[test]
    fn a_blank_cell_is_empty_and_an_error_is_never_a_value() {
        for kind in ["text", "integer", "money", "boolean", "date", "gtin"] {
            let lines = format!("type = \"{kind}\"");
            assert_eq!(judged(&lines, &text(" \u{a0}\u{200b} ")), "empty", "{kind}");
            let error = judged(&lines, &cell(RawValue::Error("#N/A".into())));
            assert_eq!(error, "cell-shows-error the formula there looked for something and did not find it", "{kind}");
            assert_eq!(judged(&lines, &cell(RawValue::NoResult)), "formula-without-result", "{kind}");
            assert_eq!(judged(&lines, &cell(RawValue::Unreadable)), "cell-could-not-be-read", "{kind}");
            for error in ["#N/A", " #REF! ", "#NV", "Err:502"] {
                assert!(judged(&lines, &text(error)).starts_with("cell-shows-error"), "{kind} {error}");
            }
        }
        for no_error in ["#1", "#N/A-17", "Err:50", "Error", "#"] {
            assert_eq!(judged(TEXT, &text(no_error)), no_error);
        }
    }

    #[test]
    fn a_key_cannot_be_a_date_or_have_hidden_characters() {
        let key = |cell: &RawCell<'_>| outcome(judge_cell(cell, &column(TEXT), KEY));
        assert_eq!(key(&under(RawValue::Date(46085.0), "d-mmm")), "date-in-key");
        assert_eq!(judged(TEXT, &under(RawValue::Date(46085.0), "d-mmm")), "4-Mar");
        assert_eq!(outcome(judge_cell(&cell(RawValue::Date(46085.0)), &column("type = \"date\""), KEY)), "2026-03-04");
        for hidden in ["A\n17", "A\u{7}17", "A\t17", "A\u{200b}17", "\u{e4}\u{85}17"] {
            assert_eq!(key(&text(hidden)), "hidden-sign-in-key", "{hidden:?}");
            assert_eq!(judged(TEXT, &text(hidden)), hidden);
        }
        assert_eq!(key(&text("\u{feff}A 17\n")), "A 17");
    }

    #[test]
    fn a_value_that_may_be_a_date_or_a_number_is_only_accepted_as_a_number() {
        let either = cell(RawValue::DateOrNumber(46298.0));
        for kind in ["integer", "decimal", "money"] {
            assert_eq!(judged(&format!("type = \"{kind}\""), &either), "46298");
        }
        for kind in ["text", "date", "boolean", "gtin"] {
            assert_eq!(judged(&format!("type = \"{kind}\""), &either), "date-or-number", "{kind}");
        }
        assert_eq!(outcome(judge_cell(&either, &column(TEXT), KEY)), "date-or-number");
        // Returned as it was sent, it would be one of the two.
        assert_eq!(keep_cell(&either, 14).kind, CellKind::Error);
    }

    #[test]
    fn a_format_that_cannot_be_rendered_is_noted() {
        let plain = column(TEXT);
        let codes = [("# ?/?", true), ("0.00E+00", true), ("00000", false), ("[h]:mm", false), ("[h]:mm.0", true)];
        for (code, expected) in codes {
            let warned = warn_of(&under(RawValue::Number(1.5), code), &plain, ColumnFacts::default());
            assert_eq!(warned, expected.then_some(Warning::NotTakenAsShown), "{code}");
        }
        let price = column("type = \"money\"");
        assert_eq!(warn_of(&under(RawValue::Number(1.5), "# ?/?"), &price, ColumnFacts::default()), None);
    }

    #[test]
    fn a_kept_cell_has_everything_the_file_has() {
        let cell = RawCell { column: 3, value: RawValue::Number(0.1 + 0.2), format: Some("00000".into()) };
        let kept = keep_cell(&cell, 14);
        let text = r#"{"cell":"D14","type":"number","value":"0.30000000000000004","format":"00000"}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
    }
}
