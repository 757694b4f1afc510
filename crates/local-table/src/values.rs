//! Checks the values of items as DynamoDB does, and brings numbers into the form in which DynamoDB returns them.

use std::collections::BTreeSet;

use inventory_base::item::{Item, Value, item_size};
use serde_json::value::RawValue;

use crate::answer::Refusal;
use crate::key::{bytes, number};
use crate::request::{self, LARGEST_ITEM};

/// Levels of lists and maps in one another.
const DEEPEST: usize = 32;

/// Reads an item and checks all its values and its size.
pub fn read_item(text: &RawValue) -> Result<Item, Refusal> {
    let item = request::read::<Item>(text.get())?;
    let item = item.into_iter().map(|(name, value)| Ok((name, checked(value)?))).collect::<Result<Item, Refusal>>()?;
    check_names(&item)?;
    match item_size(&item) {
        ..=LARGEST_ITEM => Ok(item),
        _ => Err(Refusal::invalid("Item size has exceeded the maximum allowed size")),
    }
}

/// Checks a value and normalises its numbers.
pub fn checked(value: Value) -> Result<Value, Refusal> {
    check(value, 1)
}

fn check(value: Value, depth: usize) -> Result<Value, Refusal> {
    if depth > DEEPEST {
        return Err(Refusal::invalid("Nesting Levels have exceeded supported limits"));
    }
    Ok(match value {
        Value::N(digits) => Value::N(number(&digits)?.into()),
        Value::B(base64) => {
            bytes(&base64)?;
            Value::B(base64)
        }
        Value::Null(false) => {
            return Err(Refusal::invalid_value("Null attribute value types must have the value of true"));
        }
        Value::L(list) => {
            Value::L(list.into_iter().map(|value| check(value, depth + 1)).collect::<Result<_, Refusal>>()?)
        }
        Value::M(map) => {
            let map = map.into_iter().map(|(name, value)| Ok((name, check(value, depth + 1)?)));
            let map = map.collect::<Result<Item, Refusal>>()?;
            check_names(&map)?;
            Value::M(map)
        }
        Value::StringSet(set) => Value::StringSet(distinct(set, "string")?),
        Value::NumberSet(set) => {
            let set = set.iter().map(|digits| number(digits)).collect::<Result<Vec<_>, _>>()?;
            Value::NumberSet(distinct(set, "number")?)
        }
        Value::BinarySet(set) => {
            set.iter().try_for_each(|base64| bytes(base64).map(drop))?;
            Value::BinarySet(distinct(set, "binary")?)
        }
        Value::S(_) | Value::Bool(_) | Value::Null(true) => value,
    })
}

fn distinct(set: Vec<String>, kind: &str) -> Result<Vec<String>, Refusal> {
    if set.is_empty() {
        return Err(Refusal::invalid_value(format_args!("An {kind} set may not be empty")));
    }
    if set.iter().collect::<BTreeSet<_>>().len() < set.len() {
        return Err(Refusal::invalid_value(format_args!("Input collection {set:?} contains duplicates.")));
    }
    Ok(set)
}

fn check_names(item: &Item) -> Result<(), Refusal> {
    match item.keys().any(str::is_empty) {
        true => Err(Refusal::invalid_value("Attribute name must not be empty")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn read(item: &Json) -> Result<Item, Refusal> {
        read_item(&RawValue::from_string(item.to_string()).unwrap())
    }

    #[test]
    fn numbers_are_normalised_at_any_depth() {
        let item = json!({ "a": { "L": [{ "M": { "n": { "N": "1.50" } } }] }, "b": { "NS": ["1E2", "007"] } });
        let read = serde_json::to_value(read(&item).unwrap()).unwrap();
        assert_eq!(read, json!({ "a": { "L": [{ "M": { "n": { "N": "1.5" } } }] }, "b": { "NS": ["100", "7"] } }));
    }

    #[test]
    fn values_that_dynamodb_refuses_are_refused() {
        let nested = |levels: usize| (0..levels).fold(json!({ "S": "x" }), |inner, _| json!({ "L": [inner] }));
        assert!(read(&json!({ "a": nested(DEEPEST - 1) })).is_ok());
        for (value, why) in [
            (json!({ "N": "1x" }), "numeric value"),
            (json!({ "N": "1E126" }), "supported range"),
            (json!({ "N": "123456789012345678901234567890123456789" }), "38 significant"),
            (json!({ "B": "A" }), "Base64"),
            (json!({ "NULL": false }), "value of true"),
            (json!({ "SS": [] }), "may not be empty"),
            (json!({ "SS": ["a", "a"] }), "duplicates"),
            (json!({ "NS": ["1", "1.0"] }), "duplicates"),
            (json!({ "BS": ["AA==", "AA=="] }), "duplicates"),
            (json!({ "L": [{ "N": "" }] }), "numeric value"),
            (json!({ "M": { "": { "S": "x" } } }), "name must not be empty"),
            (json!({ "X": "a" }), "does not support"),
            (nested(DEEPEST), "Nesting"),
        ] {
            let refusal = read(&json!({ "a": value })).unwrap_err().to_json();
            assert!(refusal.contains("#ValidationException") && refusal.contains(why), "{value}: {refusal}");
        }
        assert!(read(&json!({ "a": { "N": 5 } })).unwrap_err().to_json().contains("#SerializationException"));
    }

    #[test]
    fn an_item_has_at_most_400_kilobytes() {
        let item = |bytes: usize| json!({ "a": { "S": "x".repeat(bytes - 1) } });
        assert!(read(&item(LARGEST_ITEM)).is_ok());
        let refusal = read(&item(LARGEST_ITEM + 1)).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("Item size has exceeded the maximum allowed size"));
    }
}
