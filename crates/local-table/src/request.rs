//! Requests to the table. Items are kept as the text they were sent as; only the key is parsed, and the size if needed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use inventory_base::item::{Item, item_size};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::{Refusal, ReturnConsumedCapacity};
use crate::settings::KeyNames;

const LARGEST_ITEM: usize = 400 * 1024;

pub fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(body).map_err(|error| Refusal::unreadable(&error))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchWrite<'a> {
    #[serde(borrow)]
    pub request_items: BTreeMap<Cow<'a, str>, Vec<WriteRequest<'a>>>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
pub enum WriteRequest<'a> {
    PutRequest {
        #[serde(borrow, rename = "Item")]
        item: &'a RawValue,
    },
    DeleteRequest {
        #[serde(borrow, rename = "Key")]
        key: &'a RawValue,
    },
}

/// PutItem, UpdateItem and DeleteItem, without their expressions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SingleWrite<'a> {
    #[serde(borrow)]
    pub table_name: Cow<'a, str>,
    #[serde(borrow)]
    pub item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub key: Option<&'a RawValue>,
    #[serde(borrow)]
    pub expression_attribute_values: Option<&'a RawValue>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BatchGet<'a> {
    #[serde(borrow)]
    pub request_items: BTreeMap<Cow<'a, str>, GetRequest<'a>>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetRequest<'a> {
    #[serde(borrow)]
    pub keys: Vec<&'a RawValue>,
    #[serde(default)]
    pub consistent_read: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Scan<'a> {
    #[serde(borrow)]
    pub table_name: Cow<'a, str>,
    #[serde(default)]
    pub consistent_read: bool,
    pub limit: Option<usize>,
    #[serde(borrow)]
    pub exclusive_start_key: Option<&'a RawValue>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Describe<'a> {
    #[serde(borrow)]
    pub table_name: Cow<'a, str>,
}

/// Returns the one table of a batch, and its requests.
pub fn only_table<'a, T>(tables: BTreeMap<Cow<'a, str>, T>) -> Result<(Cow<'a, str>, T), Refusal> {
    let mut tables = tables.into_iter();
    match (tables.next(), tables.next()) {
        (Some(table), None) => Ok(table),
        (None, _) => Err(Refusal::invalid("The requestItems parameter is required and must not be empty")),
        (Some(_), Some(_)) => Err(Refusal::invalid("The simulated table takes one table in a request")),
    }
}

/// Returns the number of blocks an item fills. Its JSON is never shorter than the size DynamoDB counts.
pub fn blocks(item: &RawValue, block: usize) -> Result<u64, Refusal> {
    if item.get().len() <= block {
        return Ok(1);
    }
    let size = size(item)?;
    if size > LARGEST_ITEM {
        return Err(Refusal::invalid("Item size has exceeded the maximum allowed size"));
    }
    Ok(size.div_ceil(block).max(1) as u64)
}

pub fn size(item: &RawValue) -> Result<usize, Refusal> {
    Ok(item_size(&read::<Item>(item.get())?))
}

/// The values of an item's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    pub partition: Cow<'a, str>,
    pub sort: Option<Cow<'a, str>>,
}

impl Key<'_> {
    pub fn into_owned(self) -> Key<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Key { partition: owned(self.partition), sort: self.sort.map(owned) }
    }

    pub fn to_item(&self, names: &KeyNames) -> serde_json::Value {
        let sort = names.sort.iter().zip(&self.sort);
        let values = std::iter::once((&names.partition, &self.partition)).chain(sort);
        values.map(|(name, text)| (name.clone(), serde_json::json!({ "S": text }))).collect()
    }
}

impl KeyNames {
    /// Returns the key of an item, which may have other attributes.
    pub fn key_of<'a>(&self, item: &'a RawValue) -> Result<Key<'a>, Refusal> {
        let found = self.find(item)?;
        let missing = |name: &str| {
            let message = "One or more parameter values were invalid: Missing the key";
            Refusal::invalid(format!("{message} {name} in the item"))
        };
        let partition = text(&self.partition, found.partition.ok_or_else(|| missing(&self.partition))?)?;
        let sort = self.sort.as_deref().map(|name| text(name, found.sort.ok_or_else(|| missing(name))?));
        Ok(Key { partition, sort: sort.transpose()? })
    }

    /// Returns the key from an object that must not contain anything else.
    pub fn key_alone<'a>(&self, key: &'a RawValue) -> Result<Key<'a>, Refusal> {
        let found = self.find(key)?;
        let expected = 1 + usize::from(self.sort.is_some());
        if found.attributes != expected || found.partition.is_none() || found.sort.is_some() != self.sort.is_some() {
            return Err(Refusal::invalid("The provided key element does not match the schema"));
        }
        self.key_of(key)
    }

    fn find<'a>(&self, item: &'a RawValue) -> Result<Found<'a>, Refusal> {
        let mut json = serde_json::Deserializer::from_str(item.get());
        json.deserialize_map(Finder(self)).map_err(|error| Refusal::unreadable(&error))
    }
}

fn text<'a>(name: &str, value: &'a RawValue) -> Result<Cow<'a, str>, Refusal> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Text<'a> {
        #[serde(borrow, rename = "S")]
        text: Cow<'a, str>,
    }
    let mismatch = || {
        let message = format!("Type mismatch for key {name} expected: S actual: {}", value.get());
        Refusal::invalid(format!("One or more parameter values were invalid: {message}"))
    };
    serde_json::from_str(value.get()).map(|Text { text }| text).map_err(|_| mismatch())
}

#[derive(Default)]
struct Found<'a> {
    partition: Option<&'a RawValue>,
    sort: Option<&'a RawValue>,
    attributes: usize,
}

struct Finder<'n>(&'n KeyNames);

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut item: M) -> Result<Found<'de>, M::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut found = Found::default();
        while let Some(Name(name)) = item.next_key()? {
            found.attributes += 1;
            if name == self.0.partition {
                found.partition = Some(item.next_value()?);
            } else if self.0.sort.as_deref() == Some(&*name) {
                found.sort = Some(item.next_value()?);
            } else {
                item.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_string()).unwrap()
    }

    #[test]
    fn a_key_is_found_at_any_place_and_in_any_notation() {
        let names: KeyNames = "warehouse,sku".parse().unwrap();
        let plain = raw(r#"{"warehouse":{"S":"north"},"sku":{"S":"A-1"}}"#);
        let expected = names.key_alone(&plain).unwrap();
        assert_eq!((&*expected.partition, expected.sort.as_deref()), ("north", Some("A-1")));
        let item = r#" { "note": {"M": {"sku": {"S": "inside"}}}, "sku" : {"S" : "\u0041-1"},
            "more": {"S": "{\"sku\":1}"}, "ware\u0068ouse": {"S": "north"} } "#;
        assert_eq!(names.key_of(&raw(item)).unwrap(), expected);
        assert_eq!(
            raw(&expected.to_item(&names).to_string()).get(),
            r#"{"sku":{"S":"A-1"},"warehouse":{"S":"north"}}"#
        );
    }

    #[test]
    fn items_and_keys_that_do_not_match_the_tables_key_are_refused() {
        let names: KeyNames = "warehouse,sku".parse().unwrap();
        for (item, why) in [
            (r#"{"sku":{"S":"A-1"}}"#, "Missing the key warehouse in the item"),
            (r#"{"warehouse":{"S":"north"}}"#, "Missing the key sku in the item"),
            (r#"{"warehouse":{"N":"1"},"sku":{"S":"A-1"}}"#, "Type mismatch for key warehouse"),
        ] {
            let refusal = names.key_of(&raw(item)).unwrap_err().to_json();
            assert!(refusal.contains("#ValidationException") && refusal.contains(why), "{refusal}");
        }
        for key in [
            r#"{"warehouse":{"S":"north"}}"#,
            r#"{"warehouse":{"S":"north"},"sku":{"S":"A-1"},"more":{"S":"x"}}"#,
            r#"{"warehouse":{"S":"north"},"more":{"S":"A-1"}}"#,
        ] {
            let refusal = names.key_alone(&raw(key)).unwrap_err();
            assert_eq!(refusal, Refusal::invalid("The provided key element does not match the schema"), "{key}");
        }
    }

    #[test]
    fn an_item_fills_blocks_by_the_size_that_dynamodb_counts() {
        // A name of one byte and the text.
        let item = |bytes: usize| raw(&format!(r#"{{"a":{{"S":"{}"}}}}"#, "x".repeat(bytes - 1)));
        for (bytes, blocks_of_1024) in [(2, 1), (1024, 1), (1025, 2), (2048, 2), (2049, 3), (409_600, 400)] {
            assert_eq!(blocks(&item(bytes), 1024), Ok(blocks_of_1024), "{bytes} bytes");
        }
        let refusal = blocks(&item(409_601), 1024).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("Item size has exceeded the maximum allowed size"));
        // 3,000 bytes of JSON for an item of 501 bytes.
        assert_eq!(blocks(&raw(&format!(r#"{{"a":{{"S":"{}"}}}}"#, r"\u0041".repeat(500))), 1024), Ok(1));
    }
}
