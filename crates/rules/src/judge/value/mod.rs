//! Judges one cell by its column's rules: the value that is stored, or the rule that rejects it.

mod boolean;
mod cell_error;
mod choice;
mod currency;
mod date;
mod date_format;
mod date_pattern;
mod display;
mod elapsed;
mod evidence;
mod format_code;
mod gtin;
mod identifier;
mod lookalikes;
mod moment;
mod number;
mod number_format;
mod placeholder;
mod separators;
mod text;
mod typed_number;

use std::borrow::Cow;

use crate::schema::{Column, DecimalSeparator, Kind};
use inventory_base::message::{Rule, cell_address};
use inventory_workbook::{RawCell, RawValue};

use super::borrowed::BorrowedValue;
use super::{CellKind, OriginalCell};
use identifier::identifies;
use lookalikes::{has_invisible_character, mixes_alphabets, to_half_width};
use text::trim;

pub(super) use cell_error::why_no_value;
pub use cell_error::{is_formula, shows_error};
pub(super) use currency::{Currencies, CurrencyColumn};
pub(super) use display::display_text;
pub(super) use evidence::{Evidence, needs_evidence};
pub(super) use identifier::IdentifierStyle;
pub(super) use lookalikes::fold;

/// A rule that a cell breaks, with the words for its message beyond row, column, cell and value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub rule: Rule,
    pub words: Vec<(&'static str, String)>,
}

impl From<Rule> for Violation {
    fn from(rule: Rule) -> Violation {
        Violation { rule, words: Vec::new() }
    }
}

/// What is known about a column beyond its own rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ColumnFacts {
    /// Whether it is part of the table's key.
    pub in_key: bool,
    /// Whether its cells come from a text file: formulas there were never calculated.
    pub from_text_file: bool,
    pub style: Style,
}

/// How the numbers typed as text in a column are written, according to its evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// Not examined: 12.50 has a decimal point; 1.234 and a comma are reported.
    #[default]
    Assumed,
    Known(DecimalSeparator),
    /// A row to fix, without the rest of its list as evidence: 1.234 is reported, and so is a comma.
    RowsToFix,
    /// Every number with a separator can be read both ways: 1.234.
    Ambiguous,
    /// Some cells prove the point and some the comma; this is what most of them prove.
    Mixed(DecimalSeparator),
    /// The identifiers of a text column, and how they are written.
    Identifiers(IdentifierStyle),
}

/// Whether the cell looks empty to a person.
pub(super) fn is_blank(cell: &RawCell<'_>) -> bool {
    let is_kept = |text: &str| text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
    matches!(&cell.value, RawValue::Text(text) if !is_kept(text) && trim(text).is_empty())
}

/// Returns the value that is stored for this cell; `None` if it is empty.
pub(super) fn judge_cell<'a>(
    cell: &'a RawCell<'_>,
    column: &'a Column,
    facts: ColumnFacts,
) -> Result<Option<BorrowedValue<'a>>, Violation> {
    if let Some(violation) = why_no_value(cell, facts.from_text_file) {
        return Err(violation);
    }
    match &cell.value {
        _ if is_blank(cell) => return Ok(None),
        RawValue::DateOrNumber(_) if !is_number(column.kind) => {
            return Err(Rule::DateOrNumber.into());
        }
        RawValue::Date(_) if facts.in_key && column.kind != Kind::Date => {
            return Err(Rule::DateInKey.into());
        }
        RawValue::Text(text) if column.kind != Kind::Text => {
            if let Cow::Owned(text) = to_half_width(text) {
                let to_half_width = RawCell { value: RawValue::Text(text.into()), ..cell.clone() };
                return Ok(judge_cell(&to_half_width, column, facts)?.map(BorrowedValue::into_owned));
            }
        }
        _ => {}
    }
    let identifies = identifies(column, facts);
    let value = match column.kind {
        Kind::Text => {
            let text = if identifies { identifier::read(cell, facts.style)? } else { display_text(cell) };
            text::judge_text(text, column)?
        }
        Kind::Integer | Kind::Decimal | Kind::Money => {
            if identifies {
                identifier::check_number(cell)?;
            }
            number::judge_number(cell, column, facts.style)?
        }
        Kind::Boolean => boolean::judge_boolean(cell)?,
        Kind::Date => date::judge_date(cell, column)?,
        Kind::Choice => choice::judge_choice(&display_text(cell), column)?,
        Kind::Gtin => gtin::judge_gtin(cell, column, facts.style)?,
    };
    if column.kind == Kind::Text
        && (identifies || column.required)
        && let BorrowedValue::S(text) = &value
    {
        check_text(text, identifies)?;
    }
    Ok(Some(value))
}

/// Checks a text that an item must have; more strictly if it identifies the item.
fn check_text(text: &str, identifies: bool) -> Result<(), Violation> {
    if placeholder::is_placeholder(text) {
        return Err(Rule::SaysNothing.into());
    }
    if identifies && has_invisible_character(text) {
        return Err(Rule::HiddenSignInKey.into());
    }
    if identifies && mixes_alphabets(text) {
        return Err(Rule::AlphabetsMixed.into());
    }
    Ok(())
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Decimal | Kind::Money)
}

/// The warning about a cell whose row is loaded anyway.
pub(super) fn warn_of(cell: &RawCell<'_>, column: &Column, facts: ColumnFacts) -> Option<Rule> {
    if identifies(column, facts) && identifier::is_read_without_addition(cell, facts.style) {
        Some(Rule::ReadWithoutAddition)
    } else if column.kind == Kind::Text && placeholder::is_null_word(cell) {
        Some(Rule::NullKeptAsText)
    } else if column.kind == Kind::Text && !display::is_exact(cell) {
        Some(Rule::NotTakenAsShown)
    } else {
        None
    }
}

/// The text without what a program added to it, if the whole column shows that.
pub(super) fn read_without_addition(cell: &RawCell<'_>, column: &Column, facts: ColumnFacts) -> Option<String> {
    let is_text = matches!(cell.value, RawValue::Text(_));
    let without = is_text && identifies(column, facts) && identifier::is_read_without_addition(cell, facts.style);
    without.then(|| identifier::read(cell, facts.style).ok().map(Cow::into_owned)).flatten()
}

/// The cell as it was sent, to be returned for fixing.
pub(super) fn keep_cell(cell: &RawCell<'_>, row: u32) -> OriginalCell {
    let (kind, value) = match &cell.value {
        RawValue::Text(text) => (CellKind::Text, text.to_string()),
        RawValue::Number(number) => (CellKind::Number, number.to_string()),
        RawValue::Date(serial) => (CellKind::Date, serial.to_string()),
        // As a number or a date it would come back as one of the two, although nobody decided which.
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
mod tests {
    use super::*;

    /// A column with the given lines of `inventory.toml`.
    pub(super) fn column(lines: &str) -> Column {
        toml::from_str(&format!("name = \"c\"\ntitle = \"C\"\n{lines}")).unwrap()
    }

    pub(super) fn cell(value: RawValue<'_>) -> RawCell<'_> {
        RawCell { column: 0, value, format: None }
    }

    pub(super) fn text(s: &str) -> RawCell<'_> {
        cell(RawValue::Text(Cow::Borrowed(s)))
    }

    pub(super) fn number(number: f64) -> RawCell<'static> {
        cell(RawValue::Number(number))
    }

    pub(super) fn under<'a>(value: RawValue<'a>, format: &'a str) -> RawCell<'a> {
        RawCell { column: 0, value, format: Some(Cow::Borrowed(format)) }
    }

    /// The value as text, or the rule that is broken with its words.
    pub(super) fn outcome(judged: Result<Option<BorrowedValue<'_>>, Violation>) -> String {
        match judged {
            Ok(None) => "empty".to_string(),
            Ok(Some(BorrowedValue::Bool(flag))) => format!("Bool({flag})"),
            Ok(Some(value)) => value.text().into_owned(),
            Err(violation) => {
                let words = violation.words.iter().map(|(_, word)| format!(" {word}"));
                format!("{}{}", violation.rule.id(), words.collect::<String>())
            }
        }
    }

    /// As [`outcome`], for a column that isn't part of the key.
    pub(super) fn judged(lines: &str, cell: &RawCell<'_>) -> String {
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
            assert_eq!(warned, expected.then_some(Rule::NotTakenAsShown), "{code}");
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
