//! What DynamoDB is told in expressions: what of an item is to be set and removed, and as what it must still be there.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::TableError;
use super::values::value_to_attribute;
use inventory_base::item::{Item, Value};

/// DynamoDB takes 300 operators in a condition: so many comparisons, and an AND between each two.
pub(super) const COMPARISONS: usize = 150;
/// Of an expression, and of what it has for each attribute: `#1234=:1234 AND ` or `attribute_not_exists(#1234) AND `.
pub(super) const EXPRESSION_BYTES: usize = 4096;
const EQUATION_BYTES: usize = 16;
const ABSENCE_BYTES: usize = 32;

/// The names and values that an expression speaks of. Written into it themselves, they could be reserved words, or have
/// blanks.
#[derive(Default)]
pub(super) struct Words {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Words {
    pub fn name(&mut self, name: &str) -> String {
        let word = format!("#{}", self.names.len());
        self.names.insert(word.clone(), name.to_string());
        word
    }

    fn equation(&mut self, name: &str, value: &Value) -> Result<String, TableError> {
        let word = format!(":{}", self.values.len());
        self.values.insert(word.clone(), value_to_attribute(name, value)?);
        Ok(format!("{}={word}", self.name(name)))
    }

    /// Nothing where nothing is to be changed.
    pub fn update(&mut self, set: &Item, remove: &[String]) -> Result<Option<String>, TableError> {
        let set = set.iter().map(|(name, value)| self.equation(name, value)).collect::<Result<Vec<_>, _>>()?;
        let remove: Vec<String> = remove.iter().map(|name| self.name(name)).collect();
        let clauses = [("SET", set), ("REMOVE", remove)].into_iter().filter(|(_, words)| !words.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, words)| format!("{verb} {}", words.join(","))).collect();
        Ok((!clauses.is_empty()).then(|| clauses.join(" ")))
    }

    /// That the item still is what was read, as far as a condition can say it. Its key is always in it: by the absence
    /// of other attributes alone, an item that is gone would be made anew.
    pub fn unchanged(&mut self, key: &Item, read: &Item, set: &Item) -> Result<String, TableError> {
        let own = key.iter().map(|(name, value)| (name, Some(value)));
        let first = set.keys().filter(|name| !key.contains_key(name)).map(|name| (name, read.get(name)));
        let others = read.iter().filter(|(name, _)| !set.contains_key(name) && !key.contains_key(name));
        let others = others.map(|(name, value)| (name, Some(value)));
        let mut room = EXPRESSION_BYTES;
        let has_room = |(_, value): &(&str, Option<&Value>)| {
            let left = room.checked_sub(if value.is_some() { EQUATION_BYTES } else { ABSENCE_BYTES });
            room = left.unwrap_or_default();
            left.is_some()
        };
        let all = own.chain(first).chain(others);
        let comparisons = all.take(COMPARISONS).take_while(has_room).map(|(name, value)| match value {
            Some(value) => self.equation(name, value),
            None => Ok(format!("attribute_not_exists({})", self.name(name))),
        });
        Ok(comparisons.collect::<Result<Vec<_>, _>>()?.join(" AND "))
    }

    /// DynamoDB refuses an empty list.
    pub fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    pub fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}
