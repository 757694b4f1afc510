//! Requests to the table. A parameter that is not listed here is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use inventory_base::item::{Item, Value, item_size};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::{Refusal, ReturnConsumedCapacity};

/// The size of the largest item that DynamoDB takes.
pub const LARGEST_ITEM: usize = 400 * 1024;

pub fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(body).map_err(|error| Refusal::unreadable(&error))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BatchWrite<'a> {
    #[serde(borrow)]
    pub request_items: BTreeMap<Cow<'a, str>, Vec<WriteRequest<'a>>>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
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

/// PutItem, UpdateItem and DeleteItem.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SingleWrite<'a> {
    #[serde(borrow)]
    pub table_name: Cow<'a, str>,
    #[serde(borrow)]
    pub item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub key: Option<&'a RawValue>,
    pub update_expression: Option<String>,
    pub condition_expression: Option<String>,
    pub expression_attribute_names: Option<BTreeMap<String, String>>,
    pub expression_attribute_values: Option<BTreeMap<String, Value>>,
    /// Read only so that any other wish is refused.
    #[serde(default, rename = "ReturnValues")]
    pub _return_values: ReturnValues,
    #[serde(default)]
    pub return_values_on_condition_check_failure: ReturnOnFailure,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

/// Which attributes an answer returns. The loader wants none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReturnValues {
    #[default]
    None,
}

/// Whether the answer to a condition that does not hold has the item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnOnFailure {
    #[default]
    None,
    AllOld,
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
    pub segment: Option<u64>,
    pub total_segments: Option<u64>,
    #[serde(borrow)]
    pub exclusive_start_key: Option<&'a RawValue>,
    #[serde(default)]
    pub return_consumed_capacity: ReturnConsumedCapacity,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
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
        (Some(_), Some(_)) => Err(Refusal::invalid("The local table takes one table in a request")),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_string()).unwrap()
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

    #[test]
    fn an_unknown_parameter_is_refused_as_dynamodb_refuses_wrong_ones() {
        for body in [
            r#"{"TableName":"stock","Key":{},"Expected":{}}"#,
            r#"{"TableName":"stock","Key":{},"ReturnValues":"ALL_NEW"}"#,
            r#"{"TableName":"stock","Key":{},"ReturnItemCollectionMetrics":"SIZE"}"#,
        ] {
            let refusal = read::<SingleWrite>(body).err().unwrap().to_json();
            assert!(refusal.contains("#ValidationException") && refusal.contains("does not support"), "{refusal}");
        }
        let refusal = read::<SingleWrite>(r#"{"TableName":5}"#).err().unwrap().to_json();
        assert!(refusal.contains("#SerializationException"), "{refusal}");
    }
}
