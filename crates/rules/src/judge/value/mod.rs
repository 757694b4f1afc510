//! One cell and its column's rules: the value the table gets, or the rule that keeps it out.

mod alike;
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
mod identifier;
mod nothing;
mod number;
mod number_format;
mod separators;
mod shown;
mod text;
mod typed;

use std::borrow::Cow;

use crate::schema::{Column, DecimalSign, Kind};
use inventory_base::message::{Rule, cell_address};
use inventory_workbook::{RawCell, RawValue};

use super::lent::LentValue;
use super::{CellKind, KeptCell};
use alike::{has_hidden_character, mixes_alphabets, narrow};
use identifier::identifies;
use text::trim;

pub(super) use alike::fold;
pub(super) use currency::{Currencies, NamedBeside};
pub(super) use error::no_value_in;
pub use error::{is_formula, shows_error};
pub(super) use evidence::{Evidence, needs_evidence};
pub(super) use identifier::Habits;
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
    /// Whether its cells come from a text file: a formula there was never calculated.
    pub as_typed: bool,
    pub style: Style,
}

/// How the numbers typed as text in a column are written, as far as its evidence tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// Nobody has looked: 12.50 has a decimal point, and 1.234 and a comma are asked about.
    #[default]
    Assumed,
    Known(DecimalSign),
    /// A row of another list, which is not here to tell: 1.234 is asked about, and so is a comma.
    Alone,
    /// Every number with a sign in it can be read both ways: 1.234.
    Ambiguous,
    /// Some cells prove the point and some the comma; here is what most of them prove.
    Mixed(DecimalSign),
    /// What tells items apart in a column of texts, and how it is written.
    Identifiers(Habits),
}

/// Whether a person sees nothing in the cell.
pub(super) fn is_blank(cell: &RawCell<'_>) -> bool {
    let is_kept = |text: &str| text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
    matches!(&cell.value, RawValue::Text(text) if !is_kept(text) && trim(text).is_empty())
}

/// What the table gets for this cell; `None` where it is empty.
pub(super) fn judge_cell<'a>(
    cell: &'a RawCell<'_>,
    column: &'a Column,
    facts: Facts,
) -> Result<Option<LentValue<'a>>, Broken> {
    if let Some(broken) = no_value_in(cell, facts.as_typed) {
        return Err(broken);
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
            if let Cow::Owned(text) = narrow(text) {
                let narrow = RawCell { value: RawValue::Text(text.into()), ..cell.clone() };
                return Ok(judge_cell(&narrow, column, facts)?.map(LentValue::into_owned));
            }
        }
        _ => {}
    }
    let identifies = identifies(column, facts);
    let value = match column.kind {
        Kind::Text => {
            let text = if identifies { identifier::read(cell, facts.style)? } else { shown(cell) };
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
        Kind::Choice => choice::judge_choice(&shown(cell), column)?,
        Kind::Gtin => gtin::judge_gtin(cell, column, facts.style)?,
    };
    if column.kind == Kind::Text
        && (identifies || column.required)
        && let LentValue::S(text) = &value
    {
        check_text(text, identifies)?;
    }
    Ok(Some(value))
}

/// What holds for a text that an item must have; more where it tells the item from all others.
fn check_text(text: &str, identifies: bool) -> Result<(), Broken> {
    if nothing::says_nothing(text) {
        return Err(Rule::SaysNothing.into());
    }
    if identifies && has_hidden_character(text) {
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

/// What is to be said about a cell whose row goes in all the same.
pub(super) fn warn_of(cell: &RawCell<'_>, column: &Column, facts: Facts) -> Option<Rule> {
    if identifies(column, facts) && identifier::is_read_without(cell, facts.style) {
        Some(Rule::ReadWithoutAddition)
    } else if column.kind == Kind::Text && nothing::is_null(cell) {
        Some(Rule::NullKeptAsText)
    } else if column.kind == Kind::Text && !shown::is_sure(cell) {
        Some(Rule::NotTakenAsShown)
    } else {
        None
    }
}

/// A text that its whole column tells to be read without what a program added to it.
pub(super) fn read_without(cell: &RawCell<'_>, column: &Column, facts: Facts) -> Option<String> {
    let is_text = matches!(cell.value, RawValue::Text(_));
    let without = is_text && identifies(column, facts) && identifier::is_read_without(cell, facts.style);
    without.then(|| identifier::read(cell, facts.style).ok().map(Cow::into_owned)).flatten()
}

/// The cell as it was sent, to be handed back for mending.
pub(super) fn keep_cell(cell: &RawCell<'_>, row: u32) -> KeptCell {
    let (kind, value) = match &cell.value {
        RawValue::Text(text) => (CellKind::Text, text.to_string()),
        RawValue::Number(number) => (CellKind::Number, number.to_string()),
        RawValue::Date(serial) => (CellKind::Date, serial.to_string()),
        // As a number or a date it would come back as one of them, without anybody having said which.
        RawValue::DateOrNumber(number) => (CellKind::Error, number.to_string()),
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
    const KEY: Facts = Facts { in_key: true, as_typed: false, style: Style::Assumed };

    #[test]
    fn a_formula_in_a_text_file_is_no_value_and_what_only_looks_like_one_is() {
        let typed = Facts { as_typed: true, ..Facts::default() };
        let told = |kind: &str, cell: &RawCell<'_>, facts| {
            told(judge_cell(cell, &column(&format!("type = \"{kind}\"")), facts))
        };
        for formula in ["=A3", " =SUM(B2:B9)", "=\"1\"&\"2\"", "=-B3", "=+B3*2", "=(1+2)", "=5", "= $A$1", "='Old'!A3"]
        {
            for kind in ["text", "integer", "date", "gtin"] {
                assert_eq!(told(kind, &text(formula), typed), "formula-as-text", "{kind} {formula}");
            }
            assert_eq!(told("text", &text(formula), Facts::default()), formula.trim(), "{formula}");
            assert_eq!(told("text", &under(text(formula).value, "@"), typed), formula.trim(), "{formula}");
        }
        for value in ["=", "==", "=== Screws ===", "=>", "-5", "+49 40 1234", "@home", "a=b"] {
            assert_eq!(told("text", &text(value), typed), value);
        }
    }

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
    fn what_may_be_a_date_or_a_number_is_taken_only_where_it_can_be_one_of_them() {
        let either = cell(RawValue::DateOrNumber(46298.0));
        for kind in ["integer", "decimal", "money"] {
            assert_eq!(judged(&format!("type = \"{kind}\""), &either), "46298");
        }
        for kind in ["text", "date", "boolean", "gtin"] {
            assert_eq!(judged(&format!("type = \"{kind}\""), &either), "date-or-number", "{kind}");
        }
        assert_eq!(told(judge_cell(&either, &column(TEXT), KEY)), "date-or-number");
        // Handed back as it was sent, it would be one of the two.
        assert_eq!(keep_cell(&either, 14).kind, CellKind::Error);
    }

    #[test]
    fn what_is_shown_in_a_way_not_read_here_is_said() {
        let plain = column(TEXT);
        let codes = [("# ?/?", true), ("0.00E+00", true), ("00000", false), ("[h]:mm", false), ("[h]:mm.0", true)];
        for (code, said) in codes {
            let warned = warn_of(&under(RawValue::Number(1.5), code), &plain, Facts::default());
            assert_eq!(warned, said.then_some(Rule::NotTakenAsShown), "{code}");
        }
        let price = column("type = \"money\"");
        assert_eq!(warn_of(&under(RawValue::Number(1.5), "# ?/?"), &price, Facts::default()), None);
    }

    #[test]
    fn a_kept_cell_says_all_the_file_says() {
        let cell = RawCell { column: 3, value: RawValue::Number(0.1 + 0.2), format: Some("00000".into()) };
        let kept = keep_cell(&cell, 14);
        let text = r#"{"cell":"D14","type":"number","value":"0.30000000000000004","format":"00000"}"#;
        assert_eq!(serde_json::to_string(&kept).unwrap(), text);
    }
}
