//! What the table holds: attributes and their values, written down as DynamoDB's JSON wherever they are written down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Attributes by name. Ordered, so that the same item is always the same text.
pub type Item = BTreeMap<String, Value>;

/// A value of any of DynamoDB's types. Numbers stay decimal text: a float would lose what the cell said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    S(String),
    N(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    /// Base64, as DynamoDB's JSON has it.
    B(String),
    #[serde(rename = "NULL")]
    Null(bool),
    L(Vec<Value>),
    M(Item),
    #[serde(rename = "SS")]
    StringSet(Vec<String>),
    #[serde(rename = "NS")]
    NumberSet(Vec<String>),
    #[serde(rename = "BS")]
    BinarySet(Vec<String>),
}

impl Value {
    /// Bytes as DynamoDB counts them towards an item's size.
    pub fn size(&self) -> usize {
        /// Of a list or map, and of each of its elements.
        const CONTAINER_BYTES: usize = 3;
        const ELEMENT_BYTES: usize = 1;
        match self {
            Value::S(text) => text.len(),
            Value::N(digits) => number_size(digits),
            Value::Bool(_) | Value::Null(_) => 1,
            Value::B(base64) => binary_size(base64),
            Value::L(list) => CONTAINER_BYTES + list.iter().map(|v| v.size() + ELEMENT_BYTES).sum::<usize>(),
            Value::M(map) => {
                CONTAINER_BYTES + map.iter().map(|(k, v)| k.len() + v.size() + ELEMENT_BYTES).sum::<usize>()
            }
            Value::StringSet(set) => set.iter().map(String::len).sum(),
            Value::NumberSet(set) => set.iter().map(|n| number_size(n)).sum(),
            Value::BinarySet(set) => set.iter().map(|b| binary_size(b)).sum(),
        }
    }
}

/// Bytes of an item as DynamoDB counts them: names and values.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

/// About one byte for two significant digits, and one more: DynamoDB's own rule of thumb, rounded up.
fn number_size(digits: &str) -> usize {
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).count();
    significant.div_ceil(2) + 1 + usize::from(digits.starts_with('-'))
}

fn binary_size(base64: &str) -> usize {
    let padding = base64.bytes().rev().take_while(|&b| b == b'=').count();
    base64.len() / 4 * 3 - padding.min(base64.len() / 4 * 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_as_dynamodbs_json_and_read_back() {
        let text = r#"{"a":{"S":"00123"},"b":{"N":"19.99"},"c":{"BOOL":true},"d":{"NULL":true},"e":{"L":[{"S":"x"}]},"f":{"M":{"g":{"NS":["1"]}}},"h":{"B":"AAE="}}"#;
        let item: Item = serde_json::from_str(text).unwrap();
        assert_eq!(item["a"], Value::S("00123".into()));
        assert_eq!(serde_json::to_string(&item).unwrap(), text);
    }

    #[test]
    fn sizes_count_names_and_values() {
        let item = Item::from([("sku".to_string(), Value::S("A-1".into())), ("ok".to_string(), Value::Bool(true))]);
        assert_eq!(item_size(&item), 3 + 3 + 2 + 1);
        assert_eq!(Value::B("AAE=".into()).size(), 2);
    }
}
