//! Yes and no, in the words people use.

use crate::judge::borrowed::BorrowedValue;
use inventory_base::message::Rule;
use inventory_workbook::{RawCell, RawValue};

use super::Violation;
use super::text::clean;

/// Non-ASCII letters are compared exactly, so they are listed in both cases.
const YES: [&str; 15] =
    ["yes", "y", "true", "x", "1", "ja", "j", "wahr", "oui", "vrai", "sí", "sÍ", "si", "verdadero", "✓"];
const NO: [&str; 12] = ["no", "n", "false", "0", "-", "nein", "falsch", "non", "faux", "falso", "✗", "✘"];
/// Further ticks. A crossed box is not one of them: it means yes to some people and no to others.
const TICKS: [&str; 3] = ["✔", "☑", "✅"];

pub(super) fn judge_boolean(cell: &RawCell<'_>) -> Result<BorrowedValue<'static>, Violation> {
    let answer = match &cell.value {
        RawValue::Bool(flag) => Some(*flag),
        RawValue::Number(number) if *number == 1.0 => Some(true),
        RawValue::Number(number) if *number == 0.0 => Some(false),
        RawValue::Text(text) => read_word(&clean(text)),
        _ => None,
    };
    answer.map(BorrowedValue::Bool).ok_or(Rule::YesOrNoExpected.into())
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
    use super::super::tests::{cell, judged, number, text};
    use super::*;

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
