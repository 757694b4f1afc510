//! The value of a cell while it still borrows from its row.

use std::borrow::Cow;

use serde::Serialize;

use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

/// The value of a cell, serialised as the [`Value`] it becomes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) enum BorrowedValue<'a> {
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
