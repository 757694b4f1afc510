//! Converts items and values to the SDK's types and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::base64;

use super::TableError;
use inventory_base::item::{Item, Value};

/// Converts an item to the SDK's type.
pub fn item_to_attributes(item: &Item) -> Result<HashMap<String, AttributeValue>, TableError> {
    item.iter().map(|(name, value)| Ok((name.to_string(), value_to_attribute(name, value)?))).collect()
}

/// Converts the value of the attribute `name` to the SDK's type.
pub(super) fn value_to_attribute(name: &str, value: &Value) -> Result<AttributeValue, TableError> {
    to_attribute(value).map_err(|what| TableError::Value { attribute: name.to_string(), what })
}

/// Converts an item from the SDK's type.
pub fn item_from_attributes(attributes: HashMap<String, AttributeValue>) -> Result<Item, TableError> {
    attributes
        .into_iter()
        .map(|(name, value)| match from_attribute(value) {
            Ok(value) => Ok((name, value)),
            Err(what) => Err(TableError::Value { attribute: name, what }),
        })
        .collect()
}

fn to_attribute(value: &Value) -> Result<AttributeValue, &'static str> {
    Ok(match value {
        Value::S(text) => AttributeValue::S(text.to_string()),
        Value::N(digits) => AttributeValue::N(digits.to_string()),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Null(flag) => AttributeValue::Null(*flag),
        Value::B(text) => AttributeValue::B(bytes(text)?),
        Value::L(list) => AttributeValue::L(list.iter().map(to_attribute).collect::<Result<_, _>>()?),
        Value::M(map) => AttributeValue::M(
            map.iter()
                .map(|(name, value)| Ok((name.to_string(), to_attribute(value)?)))
                .collect::<Result<_, &str>>()?,
        ),
        Value::StringSet(set) => AttributeValue::Ss(set.clone()),
        Value::NumberSet(set) => AttributeValue::Ns(set.clone()),
        Value::BinarySet(set) => AttributeValue::Bs(set.iter().map(|text| bytes(text)).collect::<Result<_, _>>()?),
    })
}

fn from_attribute(value: AttributeValue) -> Result<Value, &'static str> {
    Ok(match value {
        AttributeValue::S(text) => Value::S(text.into()),
        AttributeValue::N(digits) => Value::N(digits.into()),
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::Null(flag) => Value::Null(flag),
        AttributeValue::B(bytes) => Value::B(base64::encode(bytes)),
        AttributeValue::L(list) => Value::L(list.into_iter().map(from_attribute).collect::<Result<_, _>>()?),
        AttributeValue::M(map) => Value::M(
            map.into_iter().map(|(name, value)| Ok((name, from_attribute(value)?))).collect::<Result<_, &str>>()?,
        ),
        AttributeValue::Ss(set) => Value::StringSet(set),
        AttributeValue::Ns(set) => Value::NumberSet(set),
        AttributeValue::Bs(set) => Value::BinarySet(set.into_iter().map(base64::encode).collect()),
        _ => return Err("a type newer than this loader"),
    })
}

fn bytes(text: &str) -> Result<Blob, &'static str> {
    base64::decode(text).map(Blob::new).map_err(|_| "its bytes are not Base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_converted_there_and_back() {
        let text = r#"{"b":{"B":"AAEC/w=="},"bool":{"BOOL":false},"bs":{"BS":["AA==","AQI="]},
            "l":{"L":[{"S":"x"},{"L":[]},{"M":{"deep":{"B":""}}}]},"m":{"M":{"g":{"N":"-1.50"}}},
            "n":{"N":"12345678901234567890123456789012345678"},"null":{"NULL":true},"ns":{"NS":["1","2.5"]},
            "s":{"S":"00123"},"ss":{"SS":["a","ä"]}}"#;
        let item: Item = serde_json::from_str(text).unwrap();
        let attributes = item_to_attributes(&item).unwrap();
        assert_eq!(attributes["b"], AttributeValue::B(Blob::new([0, 1, 2, 255])));
        assert_eq!(attributes["n"], AttributeValue::N("12345678901234567890123456789012345678".into()));
        assert_eq!(item_from_attributes(attributes).unwrap(), item);
    }

    #[test]
    fn invalid_base64_is_reported_with_its_attribute() {
        for value in [Value::B("?".into()), Value::L(vec![Value::BinarySet(vec!["AAE".into()])])] {
            let error = item_to_attributes(&Item::from([("photo".to_string(), value)])).unwrap_err();
            assert!(matches!(error, TableError::Value { ref attribute, .. } if attribute == "photo"), "{error}");
        }
    }
}
