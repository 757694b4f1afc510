//! The key of a DynamoDB table or of one of its indexes.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The types a key attribute can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    S,
    N,
    B,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    pub name: String,
    pub kind: KeyKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyShape {
    pub partition: KeyAttribute,
    pub sort: Option<KeyAttribute>,
}

impl KeyShape {
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.partition).chain(&self.sort)
    }
}

/// `sku` or `warehouse,sku`; a type other than text is added as in `shelf:N`.
impl FromStr for KeyShape {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<KeyShape, &'static str> {
        const EXPECTED: &str = "one name or two, such as sku, shelf:N or warehouse,sku";
        let attribute = |text: &str| {
            let (name, kind) = text.rsplit_once(':').unwrap_or((text, "S"));
            let kind = match kind.trim() {
                "S" => KeyKind::S,
                "N" => KeyKind::N,
                "B" => KeyKind::B,
                _ => return Err(EXPECTED),
            };
            let name = name.trim().to_string();
            if name.is_empty() { Err(EXPECTED) } else { Ok(KeyAttribute { name, kind }) }
        };
        let mut parts = text.split(',').map(attribute);
        let partition = parts.next().ok_or(EXPECTED)??;
        let sort = parts.next().transpose()?;
        match parts.next() {
            None if sort.as_ref().is_none_or(|sort| sort.name != partition.name) => Ok(KeyShape { partition, sort }),
            _ => Err(EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_name_or_two_each_with_its_type() {
        let attribute = |name: &str, kind| KeyAttribute { name: name.to_string(), kind };
        let one = KeyShape { partition: attribute("sku", KeyKind::S), sort: None };
        assert_eq!("sku".parse(), Ok(one));
        let two =
            KeyShape { partition: attribute("warehouse", KeyKind::S), sort: Some(attribute("shelf", KeyKind::N)) };
        assert_eq!("warehouse, shelf:N".parse(), Ok(two));
        for wrong in ["", ",sku", "sku,", "a,b,c", "sku:X", ":N", "a,a"] {
            assert!(wrong.parse::<KeyShape>().is_err(), "{wrong}");
        }
    }
}
