//! A column of the rules: its names, which values it accepts, and what an empty cell means.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use crate::cell::{BorrowedValue, DecimalSeparator, Style, Violation};
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;
use inventory_workbook::RawCell;

pub(crate) use types::FREE_TEXT;
pub use types::{Accepts, ColumnType, GENERAL_FORMAT, StoredAs, Strictness, TEXT_FORMAT, TYPES, Validation};

mod types;

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
    pub kind: &'static ColumnType,
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

    /// An example that complies with the column's rules; `None` if none can be derived from them. It is only shown, never
    /// loaded.
    pub fn example(&self) -> Option<Value> {
        (self.kind.example)(self)
    }

    /// Says what goes into the column. `such_as` is an example with the words before it, or empty.
    pub fn explain(&self, such_as: &str) -> String {
        (self.kind.explain)(self, such_as)
    }

    /// What a spreadsheet program accepts in the column's cells; `None` for anything.
    pub fn validation(&self) -> Option<Validation<'_>> {
        (self.kind.validation)(self)
    }

    /// The number format of the column's cells. It hides nothing: a price with more than two decimal places shows all of
    /// them.
    pub fn number_format(&self) -> &'static str {
        (self.kind.number_format)(self)
    }

    /// The usual width of the column's values, in characters.
    pub fn width(&self) -> usize {
        (self.kind.width)(self)
    }

    /// Whether the column's values must identify their items.
    pub(crate) fn identifies(&self, in_key: bool) -> bool {
        self.kind.identifies(in_key || self.unique)
    }

    /// Judges a cell that has a value; the type decides what that is.
    #[inline]
    pub(crate) fn judge<'a>(
        &'a self,
        cell: &'a RawCell<'_>,
        facts: ColumnFacts,
    ) -> Result<BorrowedValue<'a>, Violation> {
        (self.kind.judge)(cell, self, facts)
    }
}

/// What is known about a column beyond its own rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ColumnFacts {
    /// Whether it is part of the table's key.
    pub in_key: bool,
    /// Whether its cells come from a text file: formulas there were never calculated.
    pub from_text_file: bool,
    pub style: Style,
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
