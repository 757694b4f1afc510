//! In words, what goes into a column: for the note on its name, the help sheet, and what is said while somebody types.

use super::example::example;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_rules::schema::{Column, Kind, Schema, WhenEmpty};

/// Of a list of choices; the cell's own list has all of them.
const CHOICES_NAMED: usize = 20;

/// All there is to say about a column.
pub(super) fn explain(schema: &Schema, column: &Column) -> String {
    [Some(what_goes_in(column)), only_once(schema, column), Some(when_empty(column))]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn what_goes_in(column: &Column) -> String {
    let such_as = example(column).map(|example| format!(" such as {}", in_words(&example))).unwrap_or_default();
    let first = match column.kind {
        Kind::Text => match column.max_length {
            Some(most) => format!("A text of at most {} characters.", count(most as u64)),
            None => "A text.".to_string(),
        },
        Kind::Integer => format!("A whole number{such_as}."),
        Kind::Decimal => format!("A number{such_as}."),
        Kind::Money => match &column.currency {
            Some(currency) => format!("An amount in {currency}{such_as}."),
            None => format!("An amount{such_as}, without a sign of money."),
        },
        Kind::Boolean => "Yes or no.".to_string(),
        Kind::Date => format!("A date{such_as} (year-month-day)."),
        Kind::Choice => format!("One of: {}.", name_choices(&column.choices)),
        Kind::Gtin => "A barcode number of 8, 12, 13 or 14 digits: those under the bars.".to_string(),
    };
    let limits = match (&column.min, &column.max) {
        (Some(min), Some(max)) => Some(format!("From {min} to {max}.")),
        (Some(min), None) => Some(format!("{min} or more.")),
        (None, Some(max)) => Some(format!("{max} at most.")),
        (None, None) => None,
    };
    let pad = column.pad.map(|digits| format!("Digits alone get zeros in front, up to {digits} digits."));
    let pattern = column.pattern.as_ref().map(|pattern| format!("Written as the rules say: {}", pattern.as_str()));
    [Some(first), limits, pad, pattern].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub(super) fn when_empty(column: &Column) -> String {
    match &column.empty {
        _ if column.required => "It must be filled in.".to_string(),
        WhenEmpty::Default(value) => format!("Left empty, it counts as {}.", in_words(value)),
        WhenEmpty::Keep => "Left empty, the item keeps what it has.".to_string(),
        WhenEmpty::Absent => "It may be left empty.".to_string(),
    }
}

fn only_once(schema: &Schema, column: &Column) -> Option<String> {
    let title =
        |name: &str| schema.position(name).map_or(name, |place| schema.columns[place].title.as_str()).to_string();
    let key: Vec<String> = schema.key.columns().map(title).collect();
    match key.as_slice() {
        [_] if schema.key.first_column() == column.name => Some("It stands in one row only.".to_string()),
        _ if column.unique => Some("It stands in one row only.".to_string()),
        [first @ .., last] if schema.key.columns().any(|name| name == column.name) => {
            Some(format!("No two rows have the same {} and {last}.", first.join(", ")))
        }
        _ => None,
    }
}

fn name_choices(choices: &[String]) -> String {
    let named = choices.iter().take(CHOICES_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match choices.len().saturating_sub(CHOICES_NAMED) {
        0 => named,
        more => format!("{named} and {} more", count(more as u64)),
    }
}

/// A value as somebody would write it.
pub(super) fn in_words(value: &Value) -> String {
    match value {
        Value::S(text) | Value::N(text) => text.to_string(),
        Value::Bool(true) => "yes".to_string(),
        // No column has any other.
        _ => "no".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_column_is_said() {
        let rules = r#"version = 1
            [key]
            partition = { name = "pk", from = "{site}#{sku}" }
            [[column]]
            name = "site"
            title = "Site"
            type = "choice"
            choices = ["Leeds", "York"]
            required = true
            [[column]]
            name = "sku"
            title = "SKU"
            type = "text"
            pad = 5
            max_length = 1200
            required = true
            [[column]]
            name = "level"
            type = "integer"
            min = 20
            max = 99
            default = 25
            [[column]]
            name = "price"
            type = "money"
            currency = "EUR"
            min = 0
            empty = "keep"
            [[column]]
            name = "code"
            type = "gtin"
            unique = true
            [[column]]
            name = "bin"
            type = "text"
            pattern = '[A-Z]-\d+'
            [[column]]
            name = "sold"
            type = "boolean"
            default = false
            [[column]]
            name = "counted"
            type = "date"
            [[column]]
            name = "weight"
            type = "decimal"
            max = 1
        "#;
        let schema = Schema::from_toml(rules).unwrap();
        let said: Vec<String> = schema.columns.iter().map(|column| explain(&schema, column)).collect();
        assert_eq!(
            said,
            [
                "One of: Leeds, York. No two rows have the same Site and SKU. It must be filled in.",
                "A text of at most 1,200 characters. Digits alone get zeros in front, up to 5 digits. \
                 No two rows have the same Site and SKU. It must be filled in.",
                "A whole number such as 20. From 20 to 99. Left empty, it counts as 25.",
                "An amount in EUR such as 12.50. 0 or more. Left empty, the item keeps what it has.",
                "A barcode number of 8, 12, 13 or 14 digits: those under the bars. It stands in one row only. \
                 It may be left empty.",
                "A text. Written as the rules say: [A-Z]-\\d+ It may be left empty.",
                "Yes or no. Left empty, it counts as no.",
                "A date such as 2026-10-03 (year-month-day). It may be left empty.",
                "A number such as 1. 1 at most. It may be left empty.",
            ]
        );
    }

    #[test]
    fn of_many_choices_the_first_are_named() {
        let choices: Vec<String> = (0..1_030).map(|n| n.to_string()).collect();
        assert!(name_choices(&choices).ends_with("18, 19 and 1,010 more"));
        assert_eq!(name_choices(&choices[..2]), "0, 1");
    }
}
