//! An item that still borrows from its row: values from the cells, names from the sheet's layout. Most items are
//! serialised at once and dropped; building an owned map for each of a million items took longer than judging them.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};

/// The value of a cell, serialised as the [`Value`] it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum BorrowedValue<'a> {
    S(Cow<'a, str>),
    N(Decimal),
    #[serde(rename = "BOOL")]
    Bool(bool),
}

impl<'a> BorrowedValue<'a> {
    /// `None` for types that no column has.
    pub fn of(value: &'a Value) -> Option<BorrowedValue<'a>> {
        match value {
            Value::S(text) => Some(BorrowedValue::S(Cow::Borrowed(text))),
            Value::N(digits) => Decimal::parse(digits).ok().map(BorrowedValue::N),
            Value::Bool(flag) => Some(BorrowedValue::Bool(*flag)),
            _ => None,
        }
    }

    /// The text as it is stored in the table.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            BorrowedValue::S(text) => Cow::Borrowed(text),
            BorrowedValue::N(number) => Cow::Owned(number.to_string()),
            BorrowedValue::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        }
    }

    /// The same value, owned.
    pub fn into_owned(self) -> BorrowedValue<'static> {
        match self {
            BorrowedValue::S(text) => BorrowedValue::S(Cow::Owned(text.into_owned())),
            BorrowedValue::N(number) => BorrowedValue::N(number),
            BorrowedValue::Bool(flag) => BorrowedValue::Bool(flag),
        }
    }

    /// An upper bound of the bytes that DynamoDB counts.
    pub fn max_size(&self) -> usize {
        match self {
            BorrowedValue::S(text) => text.len(),
            BorrowedValue::N(_) => Decimal::MAX_DIGITS as usize,
            BorrowedValue::Bool(_) => 1,
        }
    }
}

impl From<&BorrowedValue<'_>> for Value {
    fn from(value: &BorrowedValue<'_>) -> Value {
        match value {
            BorrowedValue::S(text) => Value::S(text.as_ref().into()),
            BorrowedValue::N(number) => Value::N(number.to_string().into()),
            BorrowedValue::Bool(flag) => Value::Bool(*flag),
        }
    }
}

/// The attributes that a sheet's items can have, sorted by name, each with its index among a row's values.
#[derive(Debug)]
pub(super) struct AttributeNames(Vec<(String, usize)>);

impl AttributeNames {
    /// The index of a value is the position at which its name first appears.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> AttributeNames {
        let mut places: Vec<(String, usize)> = Vec::new();
        for name in names {
            if !places.iter().any(|(other, _)| other == name) {
                places.push((name.to_string(), places.len()));
            }
        }
        places.sort();
        AttributeNames(places)
    }

    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, place)| *place)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Serialised as the [`Item`] it becomes.
#[derive(Debug)]
pub struct BorrowedItem<'a> {
    names: &'a AttributeNames,
    values: Vec<Option<BorrowedValue<'a>>>,
}

impl<'a> BorrowedItem<'a> {
    /// `values` are in the order of `AttributeNames::new`.
    pub(super) fn new(names: &'a AttributeNames, values: Vec<Option<BorrowedValue<'a>>>) -> BorrowedItem<'a> {
        BorrowedItem { names, values }
    }

    /// The value at this index.
    pub(super) fn value(&self, place: usize) -> Option<&BorrowedValue<'a>> {
        self.values.get(place)?.as_ref()
    }

    /// An upper bound of the bytes that DynamoDB counts.
    pub(super) fn max_size(&self) -> usize {
        self.attributes().map(|(name, value)| name.len() + value.max_size()).sum()
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, &BorrowedValue<'a>)> {
        self.names.0.iter().filter_map(|(name, place)| Some((name.as_str(), self.value(*place)?)))
    }
}

impl Serialize for BorrowedItem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.attributes())
    }
}

impl From<&BorrowedItem<'_>> for Item {
    fn from(item: &BorrowedItem<'_>) -> Item {
        item.attributes().map(|(name, value)| (name.to_string(), value.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_item_serialises_like_the_owned_item() {
        let names = AttributeNames::new(["sku", "price", "Ärger", "a \"b\"", "price", "ok", "gone"]);
        let number = |digits| Some(BorrowedValue::N(Decimal::parse(digits).unwrap()));
        let text = |text| Some(BorrowedValue::S(Cow::Borrowed(text)));
        let values =
            vec![text("A\n\"1\""), number("-0.050"), text("ü"), number("1e20"), Some(BorrowedValue::Bool(false))];
        let borrowed = BorrowedItem::new(&names, values);
        let written = serde_json::to_string(&borrowed).unwrap();
        let expected = r#"{"a \"b\"":{"N":"100000000000000000000"},"ok":{"BOOL":false},"price":{"N":"-0.05"},"sku":{"S":"A\n\"1\""},"Ärger":{"S":"ü"}}"#;
        assert_eq!(written, expected);
        assert!(inventory_base::item::item_size(&serde_json::from_str(&written).unwrap()) <= borrowed.max_size());
        assert_eq!(serde_json::to_string(&Item::from(&borrowed)).unwrap(), expected);
        assert_eq!(serde_json::to_string(&BorrowedItem::new(&names, vec![])).unwrap(), "{}");
    }

    #[test]
    fn a_value_survives_borrowing() {
        for value in [Value::S("None".into()), Value::N("0.1".into()), Value::Bool(true)] {
            assert_eq!(BorrowedValue::of(&value).as_ref().map(Value::from), Some(value));
        }
        assert_eq!(BorrowedValue::of(&Value::Null(true)), None);
    }
}
