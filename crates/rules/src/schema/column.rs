//! A column of the rules: what it is called, what may stand in it, and what an empty cell means.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::shape::KeyKind;
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The attribute in the table.
    pub name: String,
    /// What people call it; also a header name.
    pub title: String,
    /// Further header names. One that ends in `*` stands for every header that begins like it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Header names that count only in a sheet that has none of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
    /// The only header the column is found under, where the rules name one; title, aliases and fallbacks do not count then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Pairs of headers that decide where a sheet has both: the first before the second. A `*` at either end of a header
    /// stands for any text; so it does in the two lists below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<[String; 2]>,
    /// Headers that could be this column although no name of it fits; beside one of them no fallback is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Headers that never are this column, whatever they begin with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Of all rows of a file, this value may stand in one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    #[serde(default, skip_serializing_if = "WhenEmpty::is_absent")]
    pub empty: WhenEmpty,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Decimal>,
    /// In characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// A text that is all digits is given zeros in front up to this length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
    /// What a `choice` may be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The sign between whole and fraction in numbers typed as text, where the column's own evidence is not to decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalSign>,
    /// The code of the currency that all amounts are in, such as `EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Further ways in which dates typed as text are written, such as `dd.mm.yyyy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<String>,
}

impl Column {
    /// The header to write over the column, so that it is found.
    pub fn own_header(&self) -> &str {
        self.header.as_deref().unwrap_or(&self.title)
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What an item gets where the cell is empty, or the sheet has no such column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenEmpty {
    /// The item has no such attribute.
    #[default]
    Absent,
    /// What the table has stays.
    Keep,
    /// This value, which keeps to the column's own rules.
    Default(Value),
}

impl WhenEmpty {
    fn is_absent(&self) -> bool {
        *self == WhenEmpty::Absent
    }
}

/// The sign between whole and fraction; the other one, if there is one, groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecimalSign {
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
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
    /// A barcode of 8, 12, 13 or 14 digits whose last one checks the others.
    Gtin,
}

impl Kind {
    /// By their names in the rules.
    pub(super) const ALL: [(&'static str, Kind); 8] = [
        ("text", Kind::Text),
        ("integer", Kind::Integer),
        ("decimal", Kind::Decimal),
        ("money", Kind::Money),
        ("boolean", Kind::Boolean),
        ("date", Kind::Date),
        ("choice", Kind::Choice),
        ("gtin", Kind::Gtin),
    ];

    pub fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Decimal | Kind::Money)
    }

    /// The type of a key attribute fed by such a column, where it can be one.
    pub(super) fn key_kind(self) -> Option<KeyKind> {
        match self {
            Kind::Text | Kind::Date | Kind::Choice | Kind::Gtin => Some(KeyKind::S),
            Kind::Integer | Kind::Decimal | Kind::Money => Some(KeyKind::N),
            Kind::Boolean => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_written_as_it_is_read() {
        for (name, kind) in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
            assert_eq!(kind.name(), name);
        }
    }
}
