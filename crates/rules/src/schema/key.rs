//! The key of an item: plain columns, or an attribute composed of several columns under its own name.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// DynamoDB's limits for a partition key and a sort key.
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
    /// The value of a column.
    Column(String),
    /// An attribute composed of columns; the item also has the columns themselves.
    Composite { name: String, from: Template },
}

impl KeyPart {
    /// The attribute's name in the table.
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

    /// The columns that identify an item, without duplicates. Two items have the same key exactly if these columns are
    /// equal.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let sort = self.sort.iter().flat_map(KeyPart::columns);
        let again = |name: &&str| !self.partition.columns().any(|column| column == *name);
        self.partition.columns().chain(sort.filter(again))
    }

    /// The column that names an item in messages.
    pub fn first_column(&self) -> &str {
        self.columns().next().unwrap_or_default()
    }

    /// Composes the key's composite attributes from the texts of its columns, or returns every reason why that is
    /// impossible.
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

/// Why an item has no key that the table accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// The cell of this column is empty or could not be understood.
    Missing { column: String },
    /// The value of this column contains the separator that follows it in a composite key, so two items could get the
    /// same key.
    ContainsSeparator { column: String, separator: char },
    /// Longer than DynamoDB allows; `column` is the one with the longest value.
    TooLong { column: String, bytes: usize, limit: usize },
}

/// A text with columns in braces, such as `{warehouse}#{sku}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    pieces: Vec<TemplatePiece>,
    /// The text after the last column.
    end: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TemplatePiece {
    /// The text in front of the column.
    before: String,
    column: String,
    /// The first separator between this column and the next. Values must not contain it, so different items get
    /// different keys. The last column may contain anything.
    separator: Option<char>,
}

impl Template {
    pub fn new(source: &str) -> Result<Template, TemplateError> {
        let mut pieces: Vec<TemplatePiece> = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(TemplateError::Unclosed);
            };
            if name.is_empty() || name.contains('{') || before.contains('}') {
                return Err(TemplateError::Unclosed);
            }
            // A letter or digit would be in nearly every value.
            let separator = before.chars().find(|c| !c.is_alphanumeric() && !c.is_whitespace());
            if let Some(previous) = pieces.last_mut() {
                let (first, second) = (previous.column.clone(), name.to_string());
                previous.separator = Some(separator.ok_or(TemplateError::NoSeparator { first, second })?);
            }
            if pieces.iter().any(|piece| piece.column == name) {
                return Err(TemplateError::RepeatedColumn(name.to_string()));
            }
            pieces.push(TemplatePiece { before: before.to_string(), column: name.to_string(), separator: None });
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
        self.separators().map(|(name, _)| name)
    }

    /// The columns, each with the separator that its values must not contain.
    pub(super) fn separators(&self) -> impl Iterator<Item = (&str, Option<char>)> {
        self.pieces.iter().map(|piece| (piece.column.as_str(), piece.separator))
    }

    fn fill<'v>(&self, text_of: impl Fn(&str) -> Option<Cow<'v, str>>, faults: &mut Vec<KeyFault>) -> String {
        let mut text = String::new();
        for TemplatePiece { before, column, separator } in &self.pieces {
            let Some(value) = text_of(column) else {
                continue;
            };
            if let Some(separator) = separator.filter(|separator| value.contains(*separator)) {
                faults.push(KeyFault::ContainsSeparator { column: column.clone(), separator });
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

/// Why a text is not a template: what is wrong, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("has unbalanced braces; put each column in its own braces, as in \"{{warehouse}}#{{sku}}\"")]
    Unclosed,
    #[error("names no column; put the columns in braces, as in \"{{warehouse}}#{{sku}}\"")]
    NoColumn,
    #[error("names {0} twice; remove one of them")]
    RepeatedColumn(String),
    #[error(
        "has only letters, digits or spaces between {first} and {second}, so two items could get the same key; \
         put a separator such as # between them"
    )]
    NoSeparator { first: String, second: String },
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
    fn a_composite_key_is_composed_of_its_columns() {
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
    fn every_fault_of_a_key_is_reported() {
        let key = Key { sort: Some(KeyPart::Column("day".into())), ..composite("{warehouse}#{sku}") };
        let missing = |column: &str| KeyFault::Missing { column: column.into() };
        let separator = KeyFault::ContainsSeparator { column: "warehouse".into(), separator: '#' };
        assert_eq!(complete(&key, &[("warehouse", "a#b")]), Err(vec![missing("sku"), separator, missing("day")]));
        let long = "x".repeat(PARTITION_KEY_BYTES);
        let too_long = KeyFault::TooLong { column: "sku".into(), bytes: long.len() + 2, limit: PARTITION_KEY_BYTES };
        assert_eq!(pk(&composite("{warehouse}#{sku}"), "a", &long), Err(vec![too_long]));
    }

    #[test]
    fn a_plain_key_needs_its_columns_and_adds_no_attribute() {
        let key = Key { partition: KeyPart::Column("sku".into()), sort: Some(KeyPart::Column("quantity".into())) };
        assert_eq!(complete(&key, &[("sku", "A-1")]), Err(vec![KeyFault::Missing { column: "quantity".into() }]));
        assert_eq!(complete(&key, &[("sku", "A-1"), ("quantity", "5")]), Ok(vec![]));
    }

    #[test]
    fn an_unusable_template_is_refused() {
        let twice = TemplateError::RepeatedColumn("sku".into());
        let no_sign = TemplateError::NoSeparator { first: "warehouse".into(), second: "sku".into() };
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
    fn a_key_serialises_as_the_rules_write_it() {
        let key = Key { sort: Some(KeyPart::Column("day".into())), ..composite("{warehouse}#{sku}") };
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(json, r#"{"partition":{"name":"pk","from":"{warehouse}#{sku}"},"sort":"day"}"#);
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
    }
}
