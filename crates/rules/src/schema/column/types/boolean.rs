//! `boolean`: yes and no, in the words people use.

use super::{Accepts, ColumnType, GENERAL_FORMAT, Identifies, StoredAs, Strictness, Validation};
use crate::cell::{BorrowedValue, Violation, clean, violation};
use inventory_base::item::Value;
use inventory_workbook::{RawCell, RawValue};

pub static BOOLEAN: ColumnType = ColumnType {
    name: "boolean",
    description: "yes or no",
    stored_as: StoredAs::Boolean,
    holds_dates: false,
    is_free_text: false,
    identifies: Identifies::Never,
    settings: &[],
    find_mistake: |_| None,
    explain_separator: |_, _| None,
    read_value: |given, _| Ok(Value::Bool(given.as_bool().ok_or("true or false")?)),
    judge: |cell, _, _| judge(cell),
    explain: |_, _| "Yes or no.".to_string(),
    example: |_| Some(Value::Bool(false)),
    validation: |_| Some(Validation { accepts: Accepts::OneOf(vec!["yes", "no"]), strictness: Strictness::Warn }),
    number_format: |_| GENERAL_FORMAT,
    width: |_| 12,
};

/// Non-ASCII letters are compared exactly, so they are listed in both cases.
const YES: [&str; 15] =
    ["yes", "y", "true", "x", "1", "ja", "j", "wahr", "oui", "vrai", "sí", "sÍ", "si", "verdadero", "✓"];
const NO: [&str; 12] = ["no", "n", "false", "0", "-", "nein", "falsch", "non", "faux", "falso", "✗", "✘"];
/// Further ticks. A crossed box is not one of them: it means yes to some people and no to others.
const TICKS: [&str; 3] = ["✔", "☑", "✅"];

fn judge(cell: &RawCell<'_>) -> Result<BorrowedValue<'static>, Violation> {
    let answer = match &cell.value {
        RawValue::Bool(flag) => Some(*flag),
        RawValue::Number(number) if *number == 1.0 => Some(true),
        RawValue::Number(number) if *number == 0.0 => Some(false),
        RawValue::Text(text) => read_word(&clean(text)),
        _ => None,
    };
    answer.map(BorrowedValue::Bool).ok_or_else(|| violation!(YesOrNoExpected))
}

fn read_word(text: &str) -> Option<bool> {
    let among = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if among(&YES) || among(&TICKS) {
        Some(true)
    } else if among(&NO) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{cell, judged, number, text};

    #[test]
    fn yes_and_no_are_accepted_in_many_forms() {
        let lines = "type = \"boolean\"";
        for yes in ["yes", "X", "TRUE", " 1 ", "ja", "Wahr", "OUI", "vrai", "Sí", "SÍ", "si\u{301}", "verdadero", "✓"]
        {
            assert_eq!(judged(lines, &text(yes)), "Bool(true)", "{yes}");
        }
        for no in ["No", "n", "FALSE", "0", "nein", "Falsch", "non", "faux", "FALSO", "✗", "-"] {
            assert_eq!(judged(lines, &text(no)), "Bool(false)", "{no}");
        }
        for neither in ["maybe", "2", "☒", "yes?", "no no"] {
            assert_eq!(judged(lines, &text(neither)), "yes-or-no-expected", "{neither}");
        }
    }

    #[test]
    fn cells_that_are_not_texts_are_read_too() {
        let lines = "type = \"boolean\"";
        assert_eq!(judged(lines, &cell(RawValue::Bool(false))), "Bool(false)");
        assert_eq!(judged(lines, &number(1.0)), "Bool(true)");
        assert_eq!(judged(lines, &number(0.0)), "Bool(false)");
        assert_eq!(judged(lines, &number(2.0)), "yes-or-no-expected");
        assert_eq!(judged(lines, &cell(RawValue::Date(1.0))), "yes-or-no-expected");
    }
}
