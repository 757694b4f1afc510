//! An item as it stands in its row: the values lent by the cells, the names by the sheet's layout. Most of a million items
//! are written down at once and forgotten; making a map with names of its own for each took longer than judging it.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};

/// What a column makes of a cell, written as the [`Value`] that it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum LentValue<'a> {
    S(Cow<'a, str>),
    N(Decimal),
    #[serde(rename = "BOOL")]
    Bool(bool),
}

impl<'a> LentValue<'a> {
    /// None for the types that no column has.
    pub fn of(value: &'a Value) -> Option<LentValue<'a>> {
        match value {
            Value::S(text) => Some(LentValue::S(Cow::Borrowed(text))),
            Value::N(digits) => Decimal::parse(digits).ok().map(LentValue::N),
            Value::Bool(said) => Some(LentValue::Bool(*said)),
            _ => None,
        }
    }

    /// As the table has it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            LentValue::S(text) => Cow::Borrowed(text),
            LentValue::N(number) => Cow::Owned(number.to_string()),
            LentValue::Bool(said) => Cow::Borrowed(if *said { "true" } else { "false" }),
        }
    }

    /// The same value, lent by no one.
    pub fn into_owned(self) -> LentValue<'static> {
        match self {
            LentValue::S(text) => LentValue::S(Cow::Owned(text.into_owned())),
            LentValue::N(number) => LentValue::N(number),
            LentValue::Bool(said) => LentValue::Bool(said),
        }
    }

    /// No fewer bytes than DynamoDB counts.
    pub fn size_at_most(&self) -> usize {
        match self {
            LentValue::S(text) => text.len(),
            LentValue::N(_) => Decimal::MAX_DIGITS as usize,
            LentValue::Bool(_) => 1,
        }
    }
}

impl From<&LentValue<'_>> for Value {
    fn from(value: &LentValue<'_>) -> Value {
        match value {
            LentValue::S(text) => Value::S(text.as_ref().into()),
            LentValue::N(number) => Value::N(number.to_string().into()),
            LentValue::Bool(said) => Value::Bool(*said),
        }
    }
}

/// The attributes that a sheet's items can have, in the order of their names, each with its place among a row's values.
#[derive(Debug)]
pub(super) struct Names(Vec<(String, usize)>);

impl Names {
    /// The place of a value is where its name stands first among these.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Names {
        let mut places: Vec<(String, usize)> = Vec::new();
        for name in names {
            if !places.iter().any(|(other, _)| other == name) {
                places.push((name.to_string(), places.len()));
            }
        }
        places.sort();
        Names(places)
    }

    pub fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, place)| *place)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Written as the [`Item`] that it becomes.
#[derive(Debug)]
pub struct LentItem<'a> {
    names: &'a Names,
    values: Vec<Option<LentValue<'a>>>,
}

impl<'a> LentItem<'a> {
    /// `values` are by the places of their names.
    pub(super) fn new(names: &'a Names, values: Vec<Option<LentValue<'a>>>) -> LentItem<'a> {
        LentItem { names, values }
    }

    /// By its place among the row's values.
    pub(super) fn value(&self, place: usize) -> Option<&LentValue<'a>> {
        self.values.get(place)?.as_ref()
    }

    /// No fewer bytes than DynamoDB counts.
    pub(super) fn size_at_most(&self) -> usize {
        self.attributes().map(|(name, value)| name.len() + value.size_at_most()).sum()
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, &LentValue<'a>)> {
        self.names.0.iter().filter_map(|(name, place)| Some((name.as_str(), self.value(*place)?)))
    }
}

impl Serialize for LentItem<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.attributes())
    }
}

impl From<&LentItem<'_>> for Item {
    fn from(item: &LentItem<'_>) -> Item {
        item.attributes().map(|(name, value)| (name.to_string(), value.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_in_its_row_is_written_as_the_one_it_becomes() {
        let names = Names::new(["sku", "price", "Ärger", "a \"b\"", "price", "ok", "gone"]);
        let number = |digits| Some(LentValue::N(Decimal::parse(digits).unwrap()));
        let text = |text| Some(LentValue::S(Cow::Borrowed(text)));
        let values = vec![text("A\n\"1\""), number("-0.050"), text("ü"), number("1e20"), Some(LentValue::Bool(false))];
        let lent = LentItem::new(&names, values);
        let written = serde_json::to_string(&lent).unwrap();
        let expected = r#"{"a \"b\"":{"N":"100000000000000000000"},"ok":{"BOOL":false},"price":{"N":"-0.05"},"sku":{"S":"A\n\"1\""},"Ärger":{"S":"ü"}}"#;
        assert_eq!(written, expected);
        assert!(inventory_base::item::item_size(&serde_json::from_str(&written).unwrap()) <= lent.size_at_most());
        assert_eq!(serde_json::to_string(&Item::from(&lent)).unwrap(), expected);
        assert_eq!(serde_json::to_string(&LentItem::new(&names, vec![])).unwrap(), "{}");
    }

    #[test]
    fn a_value_of_the_rules_is_lent_and_comes_back() {
        for value in [Value::S("None".into()), Value::N("0.1".into()), Value::Bool(true)] {
            assert_eq!(LentValue::of(&value).as_ref().map(Value::from), Some(value));
        }
        assert_eq!(LentValue::of(&Value::Null(true)), None);
    }
}
