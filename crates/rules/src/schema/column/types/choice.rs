//! `choice`: one of the texts that the rules allow, in the rules' own spelling.

use toml::de::DeValue;

use super::{Accepts, ColumnType, Identifies, StoredAs, Strictness, TEXT_FORMAT, Validation};
use crate::cell::{BorrowedValue, Violation, display_text, same_words, violation};
use crate::schema::Column;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_workbook::RawCell;

pub static CHOICE: ColumnType = ColumnType {
    name: "choice",
    description: "one of the choices",
    stored_as: StoredAs::Text,
    holds_dates: false,
    is_free_text: false,
    identifies: Identifies::Never,
    settings: &["choices", "unique"],
    find_mistake: |column| {
        let sentence = format!("column \"{}\" is a choice without choices; add choices = [\"…\"]", column.name);
        column.choices.is_empty().then_some(("type", sentence))
    },
    explain_separator,
    read_value,
    judge: |cell, column, _| judge(cell, column),
    explain: |column, _| format!("One of: {}.", name_choices(&column.choices)),
    example: |column| Some(Value::S(column.choices.first()?.as_str().into())),
    validation: |column| {
        let choices = column.choices.iter().map(String::as_str).collect();
        Some(Validation { accepts: Accepts::OneOf(choices), strictness: Strictness::Stop })
    },
    number_format: |_| TEXT_FORMAT,
    width: |column| column.choices.iter().map(|choice| choice.chars().count()).max().unwrap_or_default(),
};

/// How many choices are named; the drop-down list has all of them.
const CHOICES_NAMED: usize = 20;

fn judge<'a>(cell: &RawCell<'_>, column: &'a Column) -> Result<BorrowedValue<'a>, Violation> {
    let text = display_text(cell);
    match column.choices.iter().find(|choice| same_words(choice, &text)) {
        Some(choice) => Ok(BorrowedValue::S(choice.into())),
        None => Err(violation!(ChoiceExpected { choices: column.choices.join(", ") })),
    }
}

fn read_value(given: &DeValue, column: &Column) -> Result<Value, String> {
    let choice = column.choices.iter().find(|choice| Some(choice.as_str()) == given.as_str());
    Ok(Value::S(choice.ok_or("one of choices, written the same way")?.as_str().into()))
}

fn explain_separator(column: &Column, separator: char) -> Option<String> {
    let choice = column.choices.iter().find(|choice| choice.contains(separator))?;
    Some(format!(
        "{separator} can't separate {} from what follows, because \"{choice}\" contains it; use another separator",
        column.name
    ))
}

fn name_choices(choices: &[String]) -> String {
    let named = choices.iter().take(CHOICES_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match choices.len().saturating_sub(CHOICES_NAMED) {
        0 => named,
        more => format!("{named} and {} more", count(more as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{judged, text};

    #[test]
    fn a_choice_is_stored_as_the_rules_write_it() {
        let lines = "type = \"choice\"\nchoices = [\"Yes\", \"Phased out\", \"Größe M\"]";
        assert_eq!(judged(lines, &text("phased OUT ")), "Phased out");
        assert_eq!(judged(lines, &text("GRO\u{308}ßE m")), "Größe M");
        assert_eq!(judged(lines, &text("Phased\u{a0} out")), "Phased out");
        assert_eq!(judged(lines, &text("Ｙｅｓ")), "Yes");
        assert!(judged(lines, &text("Y\u{435}s")).starts_with("choice-expected"));
        assert_eq!(judged(lines, &text("maybe")), "choice-expected Yes, Phased out, Größe M");
    }

    #[test]
    fn only_the_first_of_many_choices_are_named() {
        let choices: Vec<String> = (0..1_030).map(|n| n.to_string()).collect();
        assert!(name_choices(&choices).ends_with("18, 19 and 1,010 more"));
        assert_eq!(name_choices(&choices[..2]), "0, 1");
    }
}
