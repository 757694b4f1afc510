//! An item that still borrows from its row: values from the cells, names from the sheet's layout. Most items are
//! serialised at once and dropped; building an owned map for each of a million items took longer than judging them.

use serde::{Serialize, Serializer};

use crate::cell::BorrowedValue;
use inventory_base::item::Item;

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
    use inventory_base::decimal::Decimal;
    use inventory_base::item::Value;
    use std::borrow::Cow;

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
