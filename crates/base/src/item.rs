//! Items of the table: attributes and their values, always serialised as DynamoDB JSON.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Index;

use compact_str::CompactString;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal::Decimal;

/// Names and values are short, and a large sheet has ten million of them: up to 24 bytes are stored without an
/// allocation.
pub type Text = CompactString;

/// Attributes sorted by name, so that equal items serialise to the same text. A dozen attributes are looked up,
/// compared and dropped much faster in a vector than in a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item(Vec<(Text, Value)>);

impl Item {
    pub fn new() -> Item {
        Item::default()
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        // Attributes mostly arrive in order.
        match self.0.last() {
            Some((last, _)) if last.as_str() < name => Err(self.0.len()),
            _ => self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        Some(&self.0[self.search(name).ok()?].1)
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.search(name).is_ok()
    }

    pub fn insert(&mut self, name: impl Into<Text>, value: Value) {
        let name = name.into();
        match self.search(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.search(name).ok().map(|at| self.0.remove(at).1)
    }

    pub fn retain(&mut self, mut keeps: impl FnMut(&str, &Value) -> bool) {
        self.0.retain(|(name, value)| keeps(name, value));
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + Clone {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Text>> Extend<(N, Value)> for Item {
    fn extend<I: IntoIterator<Item = (N, Value)>>(&mut self, attributes: I) {
        attributes.into_iter().for_each(|(name, value)| self.insert(name, value));
    }
}

impl<N: Into<Text>> FromIterator<(N, Value)> for Item {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(attributes: I) -> Item {
        let mut item = Item::new();
        item.extend(attributes);
        item
    }
}

impl<N: Into<Text>, const LENGTH: usize> From<[(N, Value); LENGTH]> for Item {
    fn from(attributes: [(N, Value); LENGTH]) -> Item {
        attributes.into_iter().collect()
    }
}

impl IntoIterator for Item {
    type Item = (Text, Value);
    type IntoIter = std::vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Index<&str> for Item {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| panic!("the item has no attribute {name}"))
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(Attributes)
    }
}

struct Attributes;

impl<'de> Visitor<'de> for Attributes {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes by name")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Item, M::Error> {
        let mut item = Item(Vec::with_capacity(12));
        while let Some((name, value)) = map.next_entry::<Text, Value>()? {
            item.insert(name, value);
        }
        Ok(item)
    }
}

/// A value of any of DynamoDB's types. Numbers stay decimal text: a float would lose digits of the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    S(Text),
    N(Text),
    #[serde(rename = "BOOL")]
    Bool(bool),
    /// Base64, as in DynamoDB JSON.
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
    /// The size in bytes, as DynamoDB counts it towards the size of an item.
    pub fn size(&self) -> usize {
        /// Overhead of a list or map, and of each of its elements.
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

/// The size of an item in bytes as DynamoDB counts it: names and values.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

/// Whether two items are equal, however their numbers are written and their sets are ordered.
pub fn same_item(a: &Item, b: &Item) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|((a, x), (b, y))| a == b && same_value(x, y))
}

/// Whether two values are equal: 5.0 equals 5, but not the text "5".
pub fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::N(a), Value::N(b)) => a == b || plain_number(a) == plain_number(b),
        (Value::L(a), Value::L(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same_value(a, b)),
        (Value::M(a), Value::M(b)) => same_item(a, b),
        (Value::NumberSet(a), Value::NumberSet(b)) => {
            let numbers = |set: &[String]| set.iter().map(|n| plain_number(n).into_owned()).collect::<BTreeSet<_>>();
            numbers(a) == numbers(b)
        }
        (Value::StringSet(a), Value::StringSet(b)) | (Value::BinarySet(a), Value::BinarySet(b)) => {
            a.iter().collect::<BTreeSet<_>>() == b.iter().collect()
        }
        (a, b) => a == b,
    }
}

/// Whether two items are equal in these attributes. An attribute that neither has counts as equal.
pub fn same_in<'n>(names: impl IntoIterator<Item = &'n str>, a: &Item, b: &Item) -> bool {
    names.into_iter().all(|name| match (a.get(name), b.get(name)) {
        (Some(a), Some(b)) => same_value(a, b),
        (a, b) => a.is_none() && b.is_none(),
    })
}

/// Normalises a number so that equal numbers are the same text; any other text is returned unchanged.
pub fn plain_number(digits: &str) -> Cow<'_, str> {
    Decimal::parse(digits).map_or(Cow::Borrowed(digits), |number| Cow::Owned(number.to_string()))
}

/// About one byte for two significant digits, and one more: DynamoDB's own rule of thumb, rounded up. Leading and
/// trailing zeros are not significant.
fn number_size(digits: &str) -> usize {
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let mantissa = mantissa.trim_start_matches(['+', '-', '0', '.']);
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches(['0', '.']) } else { mantissa };
    let significant = mantissa.trim_end_matches('0').bytes().filter(u8::is_ascii_digit).count();
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
    fn a_value_round_trips_through_dynamodb_json() {
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

    #[test]
    fn equal_values_may_be_written_differently() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let number = |digits: &str| Value::N(digits.to_string().into());
        for (a, b) in [
            (number("5.0"), number("5")),
            (number("1E+2"), number("100")),
            (number("-0"), number("0")),
            (number("no number"), number("no number")),
            (Value::NumberSet(texts(&["2", "1.50"])), Value::NumberSet(texts(&["1.5", "2"]))),
            (Value::StringSet(texts(&["a", "b"])), Value::StringSet(texts(&["b", "a"]))),
            (Value::BinarySet(texts(&["AA==", "AQ=="])), Value::BinarySet(texts(&["AQ==", "AA=="]))),
            (
                Value::L(vec![Value::M(Item::from([("n".to_string(), number("7.10"))]))]),
                Value::L(vec![Value::M(Item::from([("n".to_string(), number("7.1"))]))]),
            ),
        ] {
            assert!(same_value(&a, &b) && same_value(&b, &a), "{a:?} and {b:?}");
        }
    }

    #[test]
    fn different_values_or_types_are_not_equal() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let number = |digits: &str| Value::N(digits.to_string().into());
        for (a, b) in [
            (number("5"), number("5.01")),
            (number("5"), Value::S("5".into())),
            (Value::S("5.0".into()), Value::S("5".into())),
            (number("no number"), number("0")),
            (Value::Null(true), Value::Bool(true)),
            (Value::NumberSet(texts(&["1"])), Value::StringSet(texts(&["1"]))),
            (Value::NumberSet(texts(&["1", "2"])), Value::NumberSet(texts(&["1"]))),
            (Value::L(vec![number("1"), number("2")]), Value::L(vec![number("2"), number("1")])),
            (Value::L(vec![number("1")]), Value::L(vec![number("1"), number("1")])),
        ] {
            assert!(!same_value(&a, &b) && !same_value(&b, &a), "{a:?} and {b:?}");
        }
    }

    #[test]
    fn items_are_equal_if_their_names_and_values_are() {
        let item = |price: &str| {
            Item::from([("sku".to_string(), Value::S("A-1".into())), ("price".to_string(), Value::N(price.into()))])
        };
        assert!(same_item(&item("19.990"), &item("19.99")));
        assert!(!same_item(&item("19.990"), &item("19.98")));
        let mut more = item("19.99");
        more.insert("remark", Value::Null(true));
        assert!(!same_item(&item("19.99"), &more) && !same_item(&more, &item("19.99")));
        let renamed = more.into_iter().filter(|(name, _)| name != "price").collect();
        assert!(!same_item(&item("19.99"), &renamed));
    }
}
