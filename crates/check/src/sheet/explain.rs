//! Describes what goes into a column: for the note on its heading, the help sheet, and the hint while typing.

use inventory_base::item::Value;
use inventory_rules::schema::{Column, Schema, WhenEmpty};

/// Returns the full description of a column.
pub(super) fn explain(schema: &Schema, column: &Column) -> String {
    [Some(what_goes_in(column)), only_once(schema, column), Some(when_empty(column))]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn what_goes_in(column: &Column) -> String {
    let such_as = column.example().map(|example| format!(" such as {}", in_words(&example))).unwrap_or_default();
    let first = column.explain(&such_as);
    let limits = match (&column.min, &column.max) {
        (Some(min), Some(max)) => Some(format!("From {min} to {max}.")),
        (Some(min), None) => Some(format!("{min} or more.")),
        (None, Some(max)) => Some(format!("At most {max}.")),
        (None, None) => None,
    };
    let pad = column.pad.map(|digits| format!("Numbers with fewer than {digits} digits get leading zeros."));
    let pattern = column.pattern.as_ref().map(|pattern| format!("Format: {}", pattern.as_str()));
    [Some(first), limits, pad, pattern].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub(super) fn when_empty(column: &Column) -> String {
    match &column.empty {
        _ if column.required => "It must be filled in.".to_string(),
        WhenEmpty::Default(value) => format!("If left empty, it counts as {}.", in_words(value)),
        WhenEmpty::Keep => "If left empty, the item keeps its value.".to_string(),
        WhenEmpty::Absent => "It may be left empty.".to_string(),
    }
}

fn only_once(schema: &Schema, column: &Column) -> Option<String> {
    let title =
        |name: &str| schema.position(name).map_or(name, |place| schema.columns[place].title.as_str()).to_string();
    let key: Vec<String> = schema.key.columns().map(title).collect();
    match key.as_slice() {
        [_] if schema.key.first_column() == column.name => Some("Each value may appear only once.".to_string()),
        _ if column.unique => Some("Each value may appear only once.".to_string()),
        [first @ .., last] if schema.key.columns().any(|name| name == column.name) => {
            Some(format!("No two rows may have the same {} and {last}.", first.join(", ")))
        }
        _ => None,
    }
}

/// Returns a value as people would write it.
pub(super) fn in_words(value: &Value) -> String {
    match value {
        Value::S(text) | Value::N(text) => text.to_string(),
        Value::Bool(true) => "yes".to_string(),
        // No column has any other type of value.
        _ => "no".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_column_is_described() {
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
        let descriptions: Vec<String> = schema.columns.iter().map(|column| explain(&schema, column)).collect();
        assert_eq!(
            descriptions,
            [
                "One of: Leeds, York. No two rows may have the same Site and SKU. It must be filled in.",
                "Text of up to 1,200 characters. Numbers with fewer than 5 digits get leading zeros. \
                 No two rows may have the same Site and SKU. It must be filled in.",
                "A whole number such as 20. From 20 to 99. If left empty, it counts as 25.",
                "An amount in EUR such as 12.50. 0 or more. If left empty, the item keeps its value.",
                "A barcode number of 8, 12, 13 or 14 digits, as printed under the bars. Each value may appear only once. \
                 It may be left empty.",
                "Text. Format: [A-Z]-\\d+ It may be left empty.",
                "Yes or no. If left empty, it counts as no.",
                "A date such as 2026-10-03 (year-month-day). It may be left empty.",
                "A number such as 1. At most 1. It may be left empty.",
            ]
        );
    }
}
