//! The key of a table, and the keys of its items: how they are found in an item, compared and stored.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use inventory_base::decimal::Decimal;
use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};
use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::answer::Refusal;

/// DynamoDB's limits in bytes.
const LONGEST_PARTITION: usize = 2048;
const LONGEST_SORT: usize = 1024;

/// The values of an item's key, in one form: numbers as DynamoDB returns them, bytes as Base64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    pub partition: Cow<'a, str>,
    pub sort: Option<Cow<'a, str>>,
}

/// Finds the key of an item in its JSON.
pub trait FindKey {
    /// Returns the key of an item, which may have other attributes.
    fn key_of<'a>(&self, item: &'a RawValue) -> Result<Key<'a>, Refusal>;

    /// Returns the key from an object that must not contain anything else.
    fn key_alone<'a>(&self, key: &'a RawValue) -> Result<Key<'a>, Refusal>;
}

impl FindKey for KeyShape {
    fn key_of<'a>(&self, item: &'a RawValue) -> Result<Key<'a>, Refusal> {
        let found = find(self, item)?;
        let value = |attribute: &KeyAttribute, value: Option<&'a RawValue>, longest| {
            let name = &attribute.name;
            let value =
                value.ok_or_else(|| Refusal::invalid_value(format_args!("Missing the key {name} in the item")))?;
            read(attribute, value, longest)
        };
        let partition = value(&self.partition, found.partition, LONGEST_PARTITION)?;
        let sort = self.sort.as_ref().map(|attribute| value(attribute, found.sort, LONGEST_SORT));
        Ok(Key { partition, sort: sort.transpose()? })
    }

    fn key_alone<'a>(&self, key: &'a RawValue) -> Result<Key<'a>, Refusal> {
        let found = find(self, key)?;
        let expected = 1 + usize::from(self.sort.is_some());
        if found.attributes != expected || found.partition.is_none() || found.sort.is_some() != self.sort.is_some() {
            return Err(Refusal::invalid("The provided key element does not match the schema"));
        }
        self.key_of(key)
    }
}

fn find<'a>(shape: &KeyShape, item: &'a RawValue) -> Result<Found<'a>, Refusal> {
    let mut json = serde_json::Deserializer::from_str(item.get());
    json.deserialize_map(Finder(shape)).map_err(|error| Refusal::unreadable(&error))
}

fn read<'a>(attribute: &KeyAttribute, value: &'a RawValue, longest: usize) -> Result<Cow<'a, str>, Refusal> {
    #[derive(Deserialize)]
    enum KeyValue<'a> {
        S(#[serde(borrow)] Cow<'a, str>),
        N(#[serde(borrow)] Cow<'a, str>),
        B(#[serde(borrow)] Cow<'a, str>),
    }
    let KeyAttribute { name, kind } = attribute;
    let mismatch = || {
        let actual = value.get();
        Refusal::invalid_value(format_args!("Type mismatch for key {name} expected: {kind:?} actual: {actual}"))
    };
    let empty = |what| {
        Refusal::invalid(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
             empty {what} value. Key: {name}"
        ))
    };
    let (text, size) = match (serde_json::from_str(value.get()).map_err(|_| mismatch())?, kind) {
        (KeyValue::S(text), KeyKind::S) if text.is_empty() => return Err(empty("string")),
        (KeyValue::B(text), KeyKind::B) if text.is_empty() => return Err(empty("binary")),
        (KeyValue::S(text), KeyKind::S) => {
            let size = text.len();
            (text, size)
        }
        (KeyValue::N(digits), KeyKind::N) => (Cow::Owned(number(&digits)?), 0),
        (KeyValue::B(text), KeyKind::B) => {
            let size = bytes(&text)?.len();
            (text, size)
        }
        _ => return Err(mismatch()),
    };
    if size > longest {
        return Err(Refusal::invalid_value(format_args!(
            "Size of the key {name} has exceeded the maximum size limit of {longest} bytes"
        )));
    }
    Ok(text)
}

/// A number as DynamoDB returns it.
pub fn number(digits: &str) -> Result<String, Refusal> {
    use inventory_base::decimal::DecimalError;
    match Decimal::parse(digits) {
        Ok(number) => Ok(number.to_string()),
        Err(DecimalError::NotANumber) => {
            Err(Refusal::invalid(format!("The parameter cannot be converted to a numeric value: {digits}")))
        }
        Err(DecimalError::OutOfRange) => Err(Refusal::invalid(format!(
            "The number {digits} has more than 38 significant digits, or a magnitude outside the supported range"
        ))),
    }
}

pub fn bytes(base64: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_STANDARD.decode(base64).map_err(|error| Refusal::invalid_value(format_args!("not Base64: {error}")))
}

/// Bytes of the hash in front of a stored key.
const HASH_BYTES: usize = 8;
/// Bytes of the partition's length in a stored key.
const LENGTH_BYTES: usize = 2;

impl<'a> Key<'a> {
    /// The key as it is stored: the hash of the partition first, so that the segments of a scan are ranges; then the
    /// length of the partition, the partition and the sort key, so that no two keys are stored alike.
    pub fn stored(&self) -> Vec<u8> {
        let sort = self.sort.as_deref().unwrap_or_default();
        let mut stored = Vec::with_capacity(HASH_BYTES + LENGTH_BYTES + self.partition.len() + sort.len());
        stored.extend(hash(self.partition.as_bytes()).to_be_bytes());
        // A partition key has at most 2,048 bytes, in Base64 a third more.
        stored.extend((self.partition.len() as u16).to_be_bytes());
        stored.extend(self.partition.as_bytes());
        stored.extend(sort.as_bytes());
        stored
    }

    /// Reads a stored key; `None` if it is not one.
    pub fn from_stored(stored: &'a [u8], schema: &KeyShape) -> Option<Key<'a>> {
        let (length, rest) = stored.get(HASH_BYTES..)?.split_first_chunk::<LENGTH_BYTES>()?;
        let (partition, sort) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let text = |bytes| std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
        let sort = schema.sort.as_ref().map(|_| text(sort));
        Some(Key { partition: text(partition)?, sort: if let Some(sort) = sort { Some(sort?) } else { None } })
    }

    pub fn to_item(&self, schema: &KeyShape) -> serde_json::Value {
        let values = std::iter::once(&self.partition).chain(&self.sort);
        let value = |(attribute, text): (&KeyAttribute, &Cow<'_, str>)| {
            let kind = format!("{:?}", attribute.kind);
            (attribute.name.clone(), serde_json::json!({ kind: text }))
        };
        schema.attributes().zip(values).map(value).collect()
    }

    /// The part of the table that a key belongs to when it is scanned in this many parts.
    pub fn segment(&self, segments: u64) -> u64 {
        ((u128::from(hash(self.partition.as_bytes())) * u128::from(segments)) >> 64) as u64
    }
}

/// The first stored key of a segment, as its hash; `None` after the last segment.
pub fn segment_start(segment: u64, segments: u64) -> Option<[u8; HASH_BYTES]> {
    let start = (u128::from(segment) << 64).div_ceil(u128::from(segments));
    u64::try_from(start).ok().map(u64::to_be_bytes)
}

/// FNV-1a, with its bits mixed afterwards so that the highest ones differ too. It is part of the file's format.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    for _ in 0..2 {
        hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    hash ^ (hash >> 32)
}

#[derive(Default)]
struct Found<'a> {
    partition: Option<&'a RawValue>,
    sort: Option<&'a RawValue>,
    attributes: usize,
}

struct Finder<'n>(&'n KeyShape);

impl<'de> Visitor<'de> for Finder<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut item: M) -> Result<Found<'de>, M::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let KeyShape { partition, sort } = self.0;
        let mut found = Found::default();
        while let Some(Name(name)) = item.next_key()? {
            found.attributes += 1;
            if name == partition.name {
                found.partition = Some(item.next_value()?);
            } else if sort.as_ref().is_some_and(|sort| name == sort.name) {
                found.sort = Some(item.next_value()?);
            } else {
                item.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
