//! `inventory.toml` as rules: columns, their types, and the header names people really use.

mod header;
mod shape;

use serde::{Deserialize, Serialize};

pub use header::{Header, HeaderFault, canonical_name};
pub use shape::{IndexShape, KeyAttribute, KeyKind, KeyShape, TableShape};

use crate::decimal::Decimal;

/// The rules the loader comes with.
const SHIPPED: &str = include_str!("../../inventory.toml");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Of the form of this file.
    version: u32,
    #[serde(default)]
    pub mode: Mode,
    pub key: Key,
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
}

/// How an item reaches the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Whole items are put.
    #[default]
    Replace,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The column that is the table's partition key.
    pub partition: String,
    /// The column that is the table's sort key, where it has one.
    pub sort: Option<String>,
}

impl Key {
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.partition.as_str()).chain(self.sort.as_deref())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The attribute in the table.
    pub name: String,
    /// What people call it; also a header name.
    pub title: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
    pub min: Option<Decimal>,
    pub max: Option<Decimal>,
    /// In characters.
    pub max_length: Option<usize>,
    /// What a `choice` may be.
    #[serde(default)]
    pub choices: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Text,
    Integer,
    Decimal,
    Money,
    Boolean,
    Date,
    Choice,
}

impl Kind {
    fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Decimal | Kind::Money)
    }

    /// The type of a key attribute fed by such a column, where it can be one.
    fn key_kind(self) -> Option<KeyKind> {
        match self {
            Kind::Text | Kind::Date | Kind::Choice => Some(KeyKind::S),
            Kind::Integer | Kind::Decimal | Kind::Money => Some(KeyKind::N),
            Kind::Boolean => None,
        }
    }
}

/// What is wrong with a set of rules, or between it and the table. For whoever runs the loader.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    #[error("the rules could not be read: {0}")]
    Syntax(String),
    #[error("the rules are of version {0}, and this loader knows version 1; use a newer loader or write version = 1")]
    Version(u32),
    #[error("the rules name no column {0:?}, and [key] needs it; add a [[column]] with that name or change the key")]
    KeyColumnMissing(String),
    #[error("column {0:?} is part of the key and must have required = true")]
    KeyColumnOptional(String),
    #[error("column {0:?} is part of the key and a boolean, which a table's key cannot be; make it a text")]
    KeyColumnBoolean(String),
    #[error("two columns are called {0:?}; give each a name of its own")]
    ColumnTwice(String),
    #[error("columns {first:?} and {second:?} are both found under the header {header:?}; remove it from one of them")]
    HeaderTwice { header: String, first: String, second: String },
    #[error("column {column:?} has {rule}, which only a {applies} column can have; remove it or change the type")]
    RuleOutOfPlace { column: String, rule: &'static str, applies: &'static str },
    #[error("column {0:?} is a choice without choices; add choices = [\"…\"]")]
    NoChoices(String),
    #[error(
        "the table's {part} key is {table_name:?} of type {table_kind}, and the rules make it {name:?} of type {kind}; \
         change [key] or load into another table"
    )]
    KeyDiffers { part: &'static str, table_name: String, table_kind: String, name: String, kind: String },
    #[error(
        "index {index:?} of the table wants {attribute:?} as {table_kind}, and the rules make that column {kind}; \
         change the column's type"
    )]
    IndexKeyDiffers { index: String, attribute: String, table_kind: String, kind: String },
}

impl Schema {
    pub fn shipped() -> Result<Schema, SchemaError> {
        Schema::from_toml(SHIPPED)
    }

    pub fn from_toml(text: &str) -> Result<Schema, SchemaError> {
        let schema: Schema = toml::from_str(text).map_err(|e| SchemaError::Syntax(e.to_string()))?;
        schema.check()?;
        Ok(schema)
    }

    /// The place of a column among the columns.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    fn check(&self) -> Result<(), SchemaError> {
        if self.version != 1 {
            return Err(SchemaError::Version(self.version));
        }
        for (i, column) in self.columns.iter().enumerate() {
            if self.columns[..i].iter().any(|other| other.name == column.name) {
                return Err(SchemaError::ColumnTwice(column.name.clone()));
            }
            column.check()?;
        }
        header::check_names(&self.columns)?;
        for name in self.key.columns() {
            let column = self.columns.iter().find(|column| column.name == name);
            let column = column.ok_or_else(|| SchemaError::KeyColumnMissing(name.to_string()))?;
            if !column.required {
                return Err(SchemaError::KeyColumnOptional(name.to_string()));
            }
            if column.kind.key_kind().is_none() {
                return Err(SchemaError::KeyColumnBoolean(name.to_string()));
            }
        }
        Ok(())
    }

    /// Whether items judged by these rules can be put into this table. Found out before judging: one wrong index key
    /// makes DynamoDB refuse all 25 items of a request.
    pub fn check_fits(&self, shape: &TableShape) -> Result<(), SchemaError> {
        self.check_key("partition", Some(&shape.key.partition), Some(&self.key.partition))?;
        self.check_key("sort", shape.key.sort.as_ref(), self.key.sort.as_ref())?;
        for index in &shape.indexes {
            for attribute in std::iter::once(&index.key.partition).chain(&index.key.sort) {
                let Some(column) = self.columns.iter().find(|column| column.name == attribute.name) else {
                    continue;
                };
                if column.kind.key_kind() != Some(attribute.kind) {
                    return Err(SchemaError::IndexKeyDiffers {
                        index: index.name.clone(),
                        attribute: attribute.name.clone(),
                        table_kind: format!("{:?}", attribute.kind),
                        kind: format!("{:?}", column.kind).to_lowercase(),
                    });
                }
            }
        }
        Ok(())
    }

    fn check_key(
        &self,
        part: &'static str,
        table: Option<&KeyAttribute>,
        ours: Option<&String>,
    ) -> Result<(), SchemaError> {
        let ours = ours.and_then(|name| self.columns.iter().find(|column| &column.name == name));
        let fits = match (table, ours) {
            (None, None) => true,
            (Some(table), Some(ours)) => table.name == ours.name && ours.kind.key_kind() == Some(table.kind),
            _ => false,
        };
        let said = |name: Option<String>| name.unwrap_or_else(|| "none".to_string());
        if fits {
            return Ok(());
        }
        Err(SchemaError::KeyDiffers {
            part,
            table_name: said(table.map(|table| table.name.clone())),
            table_kind: said(table.map(|table| format!("{:?}", table.kind))),
            name: said(ours.map(|ours| ours.name.clone())),
            kind: said(ours.and_then(|ours| ours.kind.key_kind()).map(|kind| format!("{kind:?}"))),
        })
    }
}

impl Column {
    fn check(&self) -> Result<(), SchemaError> {
        let out_of_place =
            |rule, applies| Err(SchemaError::RuleOutOfPlace { column: self.name.clone(), rule, applies });
        if !self.kind.is_number() && (self.min.is_some() || self.max.is_some()) {
            return out_of_place("min or max", "number");
        }
        if self.kind != Kind::Text && self.max_length.is_some() {
            return out_of_place("max_length", "text");
        }
        match (self.kind, self.choices.is_empty()) {
            (Kind::Choice, true) => Err(SchemaError::NoChoices(self.name.clone())),
            (Kind::Choice, false) | (_, true) => Ok(()),
            (_, false) => out_of_place("choices", "choice"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&str) -> String) -> Result<Schema, SchemaError> {
        Schema::from_toml(&change(SHIPPED))
    }

    fn shape(key: KeyAttribute) -> TableShape {
        TableShape { table: "inventory".into(), key: KeyShape { partition: key, sort: None }, indexes: vec![] }
    }

    fn attribute(name: &str, kind: KeyKind) -> KeyAttribute {
        KeyAttribute { name: name.into(), kind }
    }

    #[test]
    fn the_shipped_rules_hold_together() {
        let schema = Schema::shipped().unwrap();
        assert_eq!(schema.key.partition, "sku");
        assert_eq!(schema.columns.len(), 10);
        assert_eq!(schema.mode, Mode::Replace);
    }

    #[test]
    fn the_rules_travel_as_json_unchanged() {
        let schema = Schema::shipped().unwrap();
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    }

    #[test]
    fn a_misspelt_rule_is_named_with_its_line() {
        let error = with(|text| text.replacen("required = true", "requird = true", 1)).unwrap_err();
        assert!(error.to_string().contains("requird"), "{error}");
        assert!(error.to_string().contains("line 17"), "{error}");
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let error = |result: Result<Schema, SchemaError>| result.unwrap_err().to_string();
        assert!(error(with(|t| t.replace("version = 1", "version = 2"))).contains("version 2"));
        assert!(error(with(|t| t.replace("partition = \"sku\"", "partition = \"ean\""))).contains("\"ean\""));
        assert!(error(with(|t| t.replacen("required = true", "required = false", 1))).contains("required"));
        assert!(error(with(|t| t.replace("name = \"supplier\"", "name = \"name\""))).contains("two columns"));
        assert!(error(with(|t| t.replace("\"Vendor\"", "\"S K U\""))).contains("both found"));
        assert!(error(with(|t| t.replace("type = \"boolean\"", "type = \"choice\""))).contains("choices"));
        assert!(
            error(with(|t| t.replace("type = \"boolean\"", "type = \"boolean\"\nmin = \"1\""))).contains("min or max")
        );
    }

    #[test]
    fn a_table_that_does_not_fit_is_found_before_judging() {
        let schema = Schema::shipped().unwrap();
        assert_eq!(schema.check_fits(&shape(attribute("sku", KeyKind::S))), Ok(()));
        let error = schema.check_fits(&shape(attribute("sku", KeyKind::N))).unwrap_err().to_string();
        assert!(error.contains("\"sku\" of type N") && error.contains("of type S"), "{error}");
        assert!(schema.check_fits(&shape(attribute("id", KeyKind::S))).is_err());
        let mut sorted = shape(attribute("sku", KeyKind::S));
        sorted.key.sort = Some(attribute("warehouse", KeyKind::S));
        assert!(schema.check_fits(&sorted).unwrap_err().to_string().contains("sort key"));
        let mut indexed = shape(attribute("sku", KeyKind::S));
        let key = KeyShape { partition: attribute("quantity", KeyKind::S), sort: None };
        indexed.indexes.push(IndexShape { name: "by-quantity".into(), key });
        assert!(schema.check_fits(&indexed).unwrap_err().to_string().contains("by-quantity"));
    }
}
