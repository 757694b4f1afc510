//! The key of an item: columns as they stand, or several columns put together under a name of their own.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What DynamoDB takes as a partition key and as a sort key.
const PARTITION_KEY_BYTES: usize = 2048;
const SORT_KEY_BYTES: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub partition: KeyPart,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<KeyPart>,
}

/// One attribute of the table's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    /// A column as it stands.
    Column(String),
    /// An attribute put together from columns, which the item holds beside them.
    Composite { name: String, from: Template },
}

impl KeyPart {
    /// The attribute in the table.
    pub fn attribute(&self) -> &str {
        match self {
            KeyPart::Column(name) | KeyPart::Composite { name, .. } => name,
        }
    }

    /// The columns it is made of.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (one, template) = match self {
            KeyPart::Column(name) => (Some(name.as_str()), None),
            KeyPart::Composite { from, .. } => (None, Some(from)),
        };
        one.into_iter().chain(template.into_iter().flat_map(Template::columns))
    }
}

impl From<&str> for KeyPart {
    fn from(column: &str) -> KeyPart {
        KeyPart::Column(column.to_string())
    }
}

impl Key {
    pub fn parts(&self) -> impl Iterator<Item = &KeyPart> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    /// The attributes of the table's key.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.parts().map(KeyPart::attribute)
    }

    /// The columns that tell one item from another, each once. Two items have the same key exactly when these are the
    /// same.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let sort = self.sort.iter().flat_map(KeyPart::columns);
        let again = |name: &&str| !self.partition.columns().any(|column| column == *name);
        self.partition.columns().chain(sort.filter(again))
    }

    /// The column an item is called by.
    pub fn first_column(&self) -> &str {
        self.columns().next().unwrap_or_default()
    }

    /// The composite attributes of the key, put together from the texts of its columns, or all that keeps them out.
    pub fn complete<'v>(
        &self,
        text_of: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> Result<Vec<(&str, String)>, Vec<KeyFault>> {
        let (mut attributes, mut faults) = (Vec::new(), Vec::new());
        let limits = [PARTITION_KEY_BYTES, SORT_KEY_BYTES];
        for (part, limit) in self.parts().zip(limits) {
            let mut longest = ("", 0);
            for column in part.columns() {
                match text_of(column) {
                    Some(text) if text.len() >= longest.1 => longest = (column, text.len()),
                    Some(_) => {}
                    None => faults.push(KeyFault::Missing { column: column.to_string() }),
                }
            }
            let bytes = match part {
                KeyPart::Column(_) => longest.1,
                KeyPart::Composite { name, from } => {
                    let value = from.fill(&text_of, &mut faults);
                    let bytes = value.len();
                    attributes.push((name.as_str(), value));
                    bytes
                }
            };
            if bytes > limit {
                faults.push(KeyFault::TooLong { column: longest.0.to_string(), bytes, limit });
            }
        }
        if faults.is_empty() { Ok(attributes) } else { Err(faults) }
    }
}

/// Why an item has no key that the table could take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// The cell of this column is empty, or was not understood.
    Missing { column: String },
    /// The value of this column has the sign that parts it from the next one in a composite key: two items could come
    /// out as one.
    HoldsSign { column: String, sign: char },
    /// What DynamoDB would not take; the column is the one with the longest value.
    TooLong { column: String, bytes: usize, limit: usize },
}

/// A text with columns in braces, such as `{warehouse}#{sku}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
    /// What stands after the last column.
    end: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// The text in front of the column.
    before: String,
    column: String,
    /// The first sign between this column and the next. A value without it ends before that sign, so no two keys are
    /// equal. The last column may hold anything.
    sign: Option<char>,
}

impl Template {
    pub fn new(source: &str) -> Result<Template, TemplateError> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(TemplateError::Unclosed);
            };
            if name.is_empty() || name.contains('{') || before.contains('}') {
                return Err(TemplateError::Unclosed);
            }
            // A letter or digit would be in nearly every value.
            let sign = before.chars().find(|c| !c.is_alphanumeric() && !c.is_whitespace());
            if let Some(previous) = pieces.last_mut() {
                let (first, second) = (previous.column.clone(), name.to_string());
                previous.sign = Some(sign.ok_or(TemplateError::NoSign { first, second })?);
            }
            if pieces.iter().any(|piece| piece.column == name) {
                return Err(TemplateError::Twice(name.to_string()));
            }
            pieces.push(Piece { before: before.to_string(), column: name.to_string(), sign: None });
            rest = tail;
        }
        if rest.contains('}') {
            return Err(TemplateError::Unclosed);
        }
        if pieces.is_empty() {
            return Err(TemplateError::NoColumn);
        }
        Ok(Template { source: source.to_string(), pieces, end: rest.to_string() })
    }

    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.signs().map(|(name, _)| name)
    }

    /// The columns, each with the sign its values must not have.
    pub(super) fn signs(&self) -> impl Iterator<Item = (&str, Option<char>)> {
        self.pieces.iter().map(|piece| (piece.column.as_str(), piece.sign))
    }

    fn fill<'v>(&self, text_of: impl Fn(&str) -> Option<Cow<'v, str>>, faults: &mut Vec<KeyFault>) -> String {
        let mut text = String::new();
        for Piece { before, column, sign } in &self.pieces {
            let Some(value) = text_of(column) else {
                continue;
            };
            if let Some(sign) = sign.filter(|sign| value.contains(*sign)) {
                faults.push(KeyFault::HoldsSign { column: column.clone(), sign });
            }
            text.push_str(before);
            text.push_str(&value);
        }
        text + &self.end
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(source: String) -> Result<Template, TemplateError> {
        Template::new(&source)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.source
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Why a text is no template: what is wrong, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("has braces that do not pair; put each column into braces of its own, as in \"{{warehouse}}#{{sku}}\"")]
    Unclosed,
    #[error("names no column; put the columns into braces, as in \"{{warehouse}}#{{sku}}\"")]
    NoColumn,
    #[error("names {0} twice; once is enough")]
    Twice(String),
    #[error(
        "has nothing but letters, digits or blanks between {first} and {second}, so two items could get the same key; \
         put a sign such as # between them"
    )]
    NoSign { first: String, second: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composite(from: &str) -> Key {
        let partition = KeyPart::Composite { name: "pk".into(), from: Template::new(from).unwrap() };
        Key { partition, sort: None }
    }

    fn complete<'k>(key: &'k Key, texts: &[(&str, &str)]) -> Result<Vec<(&'k str, String)>, Vec<KeyFault>> {
        let text_of = |column: &str| texts.iter().find(|(name, _)| *name == column).map(|(_, text)| (*text).into());
        key.complete(text_of)
    }

    fn pk(key: &Key, warehouse: &str, sku: &str) -> Result<String, Vec<KeyFault>> {
        let mut attributes = complete(key, &[("warehouse", warehouse), ("sku", sku)])?;
        assert_eq!((attributes.len(), attributes[0].0), (1, "pk"));
        Ok(attributes.remove(0).1)
    }

    #[test]
    fn a_composite_key_is_put_together_beside_its_columns() {
        let key = composite("W:{warehouse}#{sku}!");
        assert_eq!(pk(&key, "Bremen", "A-1").as_deref(), Ok("W:Bremen#A-1!"));
        assert_eq!(key.attributes().collect::<Vec<_>>(), ["pk"]);
        assert_eq!(key.columns().collect::<Vec<_>>(), ["warehouse", "sku"]);
        assert_eq!(key.first_column(), "warehouse");
    }

    #[test]
    fn no_two_items_get_the_same_composite_key() {
        let parts = ["", "a", "#", "a#", "#a", "##", " # ", "#/", "/#", "/"];
        for from in ["{warehouse}#{sku}", "{warehouse}##{sku}", "{warehouse} # {sku}", "{warehouse}a#/{sku}"] {
            let key = composite(from);
            let mut seen = std::collections::HashMap::new();
            for warehouse in parts {
                for sku in parts {
                    let Ok(text) = pk(&key, warehouse, sku) else {
                        continue;
                    };
                    assert_eq!(seen.insert(text, (warehouse, sku)), None, "{from}: {warehouse:?} {sku:?}");
                }
            }
            assert!(seen.len() > parts.len());
        }
    }

    #[test]
    fn all_that_keeps_a_key_out_is_told() {
        let key = Key { sort: Some(KeyPart::Column("day".into())), ..composite("{warehouse}#{sku}") };
        let missing = |column: &str| KeyFault::Missing { column: column.into() };
        let sign = KeyFault::HoldsSign { column: "warehouse".into(), sign: '#' };
        assert_eq!(complete(&key, &[("warehouse", "a#b")]), Err(vec![missing("sku"), sign, missing("day")]));
        let long = "x".repeat(PARTITION_KEY_BYTES);
        let too_long = KeyFault::TooLong { column: "sku".into(), bytes: long.len() + 2, limit: PARTITION_KEY_BYTES };
        assert_eq!(pk(&composite("{warehouse}#{sku}"), "a", &long), Err(vec![too_long]));
    }

    #[test]
    fn a_plain_key_needs_its_columns_and_adds_nothing() {
        let key = Key { partition: KeyPart::Column("sku".into()), sort: Some(KeyPart::Column("quantity".into())) };
        assert_eq!(complete(&key, &[("sku", "A-1")]), Err(vec![KeyFault::Missing { column: "quantity".into() }]));
        assert_eq!(complete(&key, &[("sku", "A-1"), ("quantity", "5")]), Ok(vec![]));
    }

    #[test]
    fn a_template_that_would_not_do_is_refused() {
        let twice = TemplateError::Twice("sku".into());
        let no_sign = TemplateError::NoSign { first: "warehouse".into(), second: "sku".into() };
        for (source, error) in [
            ("sku", TemplateError::NoColumn),
            ("", TemplateError::NoColumn),
            ("{sku", TemplateError::Unclosed),
            ("sku}", TemplateError::Unclosed),
            ("{}", TemplateError::Unclosed),
            ("{a{b}}", TemplateError::Unclosed),
            ("}{sku}", TemplateError::Unclosed),
            ("{sku}#{sku}", twice),
            ("{warehouse}{sku}", no_sign.clone()),
            ("{warehouse} x {sku}", no_sign),
        ] {
            assert_eq!(Template::new(source), Err(error), "{source}");
        }
    }

    #[test]
    fn a_key_travels_as_it_is_written() {
        let key = Key { sort: Some(KeyPart::Column("day".into())), ..composite("{warehouse}#{sku}") };
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, r#"{"partition":{"name":"pk","from":"{warehouse}#{sku}"},"sort":"day"}"#);
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
    }
}
