//! One cell and its column's rules: the value the table gets, or the rule that keeps it out.

mod boolean;
mod choice;
mod currency;
mod date;
mod date_format;
mod date_pattern;
mod elapsed;
mod error;
mod evidence;
mod format_code;
mod gtin;
mod number;
mod number_format;
mod separators;
mod shown;
mod text;
mod typed;

use crate::message::{Rule, cell_address};
use crate::schema::{Column, DecimalSign, Kind};
use crate::workbook::{RawCell, RawValue};

use super::lent::LentValue;
use super::{CellKind, KeptCell};
use text::trim;

pub(super) use currency::{Currencies, Mixed};
pub use error::shows_error;
pub(super) use error::{error_in, explain_error};
pub(super) use evidence::Evidence;
pub(super) use shown::shown;

/// A rule that a cell breaks, with the words its sentence needs beyond row, column, cell and value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub rule: Rule,
    pub words: Vec<(&'static str, String)>,
}

impl From<Rule> for Broken {
    fn from(rule: Rule) -> Broken {
        Broken { rule, words: Vec::new() }
    }
}

/// What is known of a column beyond its own rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether it is part of the table's key.
    pub in_key: bool,
    pub style: Style,
}

/// How the numbers typed as text in a column are written, as far as its evidence tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// Nobody has looked: a point is taken for the decimal sign, a comma is asked about.
    #[default]
    Assumed,
    Known(DecimalSign),
    /// A row of another list, which is not here to tell: 1.234 is asked about, and so is a comma.
    Alone,
    /// Every number with a sign in it can be read both ways: 1.234.
    Ambiguous,
    /// Some cells prove the point and some the comma; here is what most of them prove.
    Mixed(DecimalSign),
}

/// Whether a person sees nothing in the cell.
pub(super) fn is_blank(cell: &RawCell<'_>) -> bool {
    matches!(&cell.value, RawValue::Text(text) if trim(text).is_empty())
}

/// What the table gets for this cell; `None` where it is empty.
pub(super) fn judge_cell<'a>(
    cell: &'a RawCell<'_>,
    column: &'a Column,
    facts: Facts,
) -> Result<Option<LentValue<'a>>, Broken> {
    if let Some(error) = error_in(cell) {
        return Err(explain_error(error));
    }
    match &cell.value {
        RawValue::NoResult => return Err(Rule::FormulaWithoutResult.into()),
        RawValue::Unreadable => return Err(Rule::CellCouldNotBeRead.into()),
        _ if is_blank(cell) => return Ok(None),
        RawValue::Date(_) if facts.in_key && column.kind != Kind::Date => return Err(Rule::DateInKey.into()),
        _ => {}
    }
    let value = match column.kind {
        Kind::Text => text::judge_text(shown(cell), column)?,
        Kind::Integer | Kind::Decimal | Kind::Money => number::judge_number(cell, column, facts.style)?,
        Kind::Boolean => boolean::judge_boolean(cell)?,
        Kind::Date => date::judge_date(cell, column)?,
        Kind::Choice => choice::judge_choice(&shown(cell), column)?,
        Kind::Gtin => gtin::judge_gtin(cell, column)?,
    };
    match &value {
        LentValue::S(text) if facts.in_key && text::has_hidden_sign(text) => Err(Rule::HiddenSignInKey.into()),
        _ => Ok(Some(value)),
    }
}

/// What is to be said about a cell whose row goes in all the same. `tells_formats` is what the workbook knows of itself:
/// xls is read without number formats.
pub(super) fn warn_of(cell: &RawCell<'_>, column: &Column, tells_formats: bool) -> Option<Rule> {
    if loses_zeros(cell, column, tells_formats) {
        Some(Rule::ZerosMayBeLost)
    } else if column.kind == Kind::Text && !shown::is_sure(cell) {
        Some(Rule::NotTakenAsShown)
    } else {
        None
    }
}

/// Whether 123 stands in a text column and may have been shown as 00123 by a format that the file does not tell.
pub(super) fn loses_zeros(cell: &RawCell<'_>, column: &Column, tells_formats: bool) -> bool {
    let whole = matches!(cell.value, RawValue::Number(number) if number >= 0.0 && number.fract() == 0.0);
    whole && !tells_formats && cell.format.is_none() && column.kind == Kind::Text && column.pad.is_none()
}

/// The cell as it was sent, to be handed back for mending.
pub(super) fn keep_cell(cell: &RawCell<'_>, row: u32) -> KeptCell {
    let (kind, value) = match &cell.value {
        RawValue::Text(text) => (CellKind::Text, text.to_string()),
        RawValue::Number(number) => (CellKind::Number, number.to_string()),
        RawValue::Date(serial) => (CellKind::Date, serial.to_string()),
        RawValue::Bool(said) => (CellKind::Boolean, said.to_string()),
        RawValue::Error(text) => (CellKind::Error, text.to_string()),
        RawValue::NoResult => (CellKind::Formula, String::new()),
        RawValue::Unreadable => (CellKind::Error, String::new()),
    };
    let format = cell.format.as_deref().map(str::to_string);
    KeptCell { cell: cell_address(cell.column, row), kind, value, format, number: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

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
    pub(super) fn told(judged: Result<Option<LentValue<'_>>, Broken>) -> String {
        match judged {
            Ok(None) => "empty".to_string(),
            Ok(Some(LentValue::Bool(said))) => format!("Bool({said})"),
            Ok(Some(value)) => value.text().into_owned(),
            Err(broken) => {
                let words = broken.words.iter().map(|(_, word)| format!(" {word}"));
                format!("{}{}", broken.rule.id(), words.collect::<String>())
            }
        }
    }

    /// As [`told`], for a column of no further fame.
    pub(super) fn judged(lines: &str, cell: &RawCell<'_>) -> String {
        told(judge_cell(cell, &column(lines), Facts::default()))
    }

    const TEXT: &str = "type = \"text\"";
    const KEY: Facts = Facts { in_key: true, style: Style::Assumed };

    #[test]
    fn blanks_are_an_empty_cell_and_an_error_is_never_a_value() {
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
    fn a_key_is_no_date_and_has_nothing_hidden_in_it() {
        let key = |cell: &RawCell<'_>| told(judge_cell(cell, &column(TEXT), KEY));
        assert_eq!(key(&under(RawValue::Date(46085.0), "d-mmm")), "date-in-key");
        assert_eq!(judged(TEXT, &under(RawValue::Date(46085.0), "d-mmm")), "4-Mar");
        assert_eq!(told(judge_cell(&cell(RawValue::Date(46085.0)), &column("type = \"date\""), KEY)), "2026-03-04");
        for hidden in ["A\n17", "A\u{7}17", "A\t17", "A\u{200b}17", "\u{e4}\u{85}17"] {
            assert_eq!(key(&text(hidden)), "hidden-sign-in-key", "{hidden:?}");
            assert_eq!(judged(TEXT, &text(hidden)), hidden);
        }
        assert_eq!(key(&text("\u{feff}A 17\n")), "A 17");
    }

    #[test]
    fn zeros_may_be_lost_where_the_file_tells_no_formats() {
        let plain = column(TEXT);
        assert_eq!(warn_of(&number(123.0), &plain, false), Some(Rule::ZerosMayBeLost));
        assert_eq!(warn_of(&number(123.0), &plain, true), None);
        for (cell, lines) in [
            (text("123"), TEXT),
            (number(12.5), TEXT),
            (number(123.0), "type = \"text\"\npad = 5"),
            (number(123.0), "type = \"gtin\""),
            (number(123.0), "type = \"integer\""),
        ] {
            assert_eq!(warn_of(&cell, &column(lines), false), None, "{cell:?} {lines}");
        }
    }

    #[test]
    fn what_is_shown_in_a_way_not_read_here_is_said() {
        let plain = column(TEXT);
        for (code, said) in
            [("# ?/?", true), ("0.00E+00", true), ("00000", false), ("[h]:mm", false), ("[h]:mm.0", true)]
        {
            let warned = warn_of(&under(RawValue::Number(1.5), code), &plain, true);
            assert_eq!(warned, said.then_some(Rule::NotTakenAsShown), "{code}");
        }
        assert_eq!(warn_of(&under(RawValue::Number(1.5), "# ?/?"), &column("type = \"money\""), true), None);
    }

    #[test]
    fn a_kept_cell_says_all_the_file_says() {
        let cell = RawCell { column: 3, value: RawValue::Number(0.1 + 0.2), format: Some("00000".into()) };
        let kept = keep_cell(&cell, 14);
        let text = r#"{"cell":"D14","type":"number","value":"0.30000000000000004","format":"00000"}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
    }
}
