//! A column of the rules: its names, which values it accepts, and what an empty cell means.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::table_shape::KeyKind;
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The attribute's name in the table.
    pub name: String,
    /// The column's name for people; also matches as a header.
    pub title: String,
    /// Further header names. One that ends in `*` matches every header that begins with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Header names that count only if the sheet has none of the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
    /// The only header the column is found under, if the rules name one; title, aliases and fallbacks then don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Pairs of headers that decide if a sheet has both: the first is preferred to the second. A `*` at either end of a
    /// header matches any text, as it does in the two lists below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefer: Vec<[String; 2]>,
    /// Headers that could be this column although none of its names match; if the sheet has one of them, no fallback is
    /// used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Headers that are never this column, even if one of its prefixes matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether a value may appear in only one row of a file.
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
    /// Texts of nothing but digits are padded with leading zeros to this length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
    /// The values that a `choice` accepts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The decimal separator of numbers typed as text; overrides what the column's own values suggest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<DecimalSeparator>,
    /// The currency code of all amounts, such as `EUR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Further formats of dates typed as text, such as `dd.mm.yyyy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<String>,
}

impl Column {
    /// The header under which the column is certain to be found.
    pub fn own_header(&self) -> &str {
        self.header.as_deref().unwrap_or(&self.title)
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The value an item gets if the cell is empty or the sheet doesn't have the column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenEmpty {
    /// The item does not get the attribute.
    #[default]
    Absent,
    /// The value in the table is kept.
    Keep,
    /// This value, which satisfies the column's own rules.
    Default(Value),
}

impl WhenEmpty {
    fn is_absent(&self) -> bool {
        *self == WhenEmpty::Absent
    }
}

/// The character between whole part and fraction; the other one, if there is one, groups thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DecimalSeparator {
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
    /// A barcode of 8, 12, 13 or 14 digits; the last one is a check digit.
    Gtin,
}

impl Kind {
    /// Each type with its name in the rules.
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

    /// The type of a key attribute with this column's values; `None` if it can't be in a key.
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
    fn every_type_serialises_as_its_name_in_the_rules() {
        for (name, kind) in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
            assert_eq!(kind.name(), name);
        }
    }
}
