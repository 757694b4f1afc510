//! Builds DynamoDB expressions: which attributes to set and remove, and the condition that an item is unchanged.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::TableError;
use super::values::value_to_attribute;
use inventory_base::item::{Item, Value};

/// The most comparisons in a condition. DynamoDB's limit is 300 operators, and each comparison needs an AND.
pub(super) const COMPARISONS: usize = 150;
/// The longest expression that DynamoDB accepts.
pub(super) const EXPRESSION_BYTES: usize = 4096;
/// The length of `#1234=:1234 AND `.
const EQUATION_BYTES: usize = 16;
/// The length of `attribute_not_exists(#1234) AND `.
const ABSENCE_BYTES: usize = 32;

/// The placeholders of an expression, with their names and values. Used directly, names could be reserved words or
/// contain spaces.
#[derive(Default)]
pub(super) struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    pub fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_string());
        placeholder
    }

    fn equation(&mut self, name: &str, value: &Value) -> Result<String, TableError> {
        let placeholder = format!(":{}", self.values.len());
        self.values.insert(placeholder.clone(), value_to_attribute(name, value)?);
        Ok(format!("{}={placeholder}", self.name(name)))
    }

    /// Returns an update expression; `None` if there is nothing to change.
    pub fn update(&mut self, set: &Item, remove: &[String]) -> Result<Option<String>, TableError> {
        let set = set.iter().map(|(name, value)| self.equation(name, value)).collect::<Result<Vec<_>, _>>()?;
        let remove: Vec<String> = remove.iter().map(|name| self.name(name)).collect();
        let clauses = [("SET", set), ("REMOVE", remove)].into_iter().filter(|(_, terms)| !terms.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, terms)| format!("{verb} {}", terms.join(","))).collect();
        Ok((!clauses.is_empty()).then(|| clauses.join(" ")))
    }

    /// Returns the condition that the item is still what was read, as far as a condition can express that. It always
    /// includes the key: a condition of absent attributes alone would create an item that was deleted.
    pub fn unchanged(&mut self, key: &Item, read: &Item, set: &Item) -> Result<String, TableError> {
        let key_terms = key.iter().map(|(name, value)| (name, Some(value)));
        let set_terms = set.keys().filter(|name| !key.contains_key(name)).map(|name| (name, read.get(name)));
        let other_terms = read.iter().filter(|(name, _)| !set.contains_key(name) && !key.contains_key(name));
        let other_terms = other_terms.map(|(name, value)| (name, Some(value)));
        let mut room = EXPRESSION_BYTES;
        let has_room = |(_, value): &(&str, Option<&Value>)| {
            let left = room.checked_sub(if value.is_some() { EQUATION_BYTES } else { ABSENCE_BYTES });
            room = left.unwrap_or_default();
            left.is_some()
        };
        let all = key_terms.chain(set_terms).chain(other_terms);
        let comparisons = all.take(COMPARISONS).take_while(has_room).map(|(name, value)| match value {
            Some(value) => self.equation(name, value),
            None => Ok(format!("attribute_not_exists({})", self.name(name))),
        });
        Ok(comparisons.collect::<Result<Vec<_>, _>>()?.join(" AND "))
    }

    /// The names; `None` if there are none, because DynamoDB refuses an empty map.
    pub fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
