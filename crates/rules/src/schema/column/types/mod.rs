//! The types of columns. Each has one file with everything that the loader does differently for its columns; the rest of
//! the loader knows only [`ColumnType`].

mod boolean;
mod choice;
mod date;
mod decimal;
mod gtin;
mod integer;
mod money;
mod number;
mod text;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use toml::de::DeValue;

use super::{Column, ColumnFacts};
use crate::cell::{BorrowedValue, Violation};
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;
use inventory_base::key_shape::KeyKind;
use inventory_workbook::RawCell;

pub(crate) use text::TEXT as FREE_TEXT;

/// All types, in the order in which messages name them.
pub static TYPES: &[&ColumnType] = &[
    &text::TEXT,
    &integer::INTEGER,
    &decimal::DECIMAL,
    &money::MONEY,
    &boolean::BOOLEAN,
    &date::DATE,
    &choice::CHOICE,
    &gtin::GTIN,
];

/// The number format of cells without one.
pub const GENERAL_FORMAT: &str = "General";
/// The number format of texts.
pub const TEXT_FORMAT: &str = "@";

/// Everything that the loader does differently for the columns of one type.
pub struct ColumnType {
    /// Its name in the rules.
    pub name: &'static str,
    /// What its cells hold, in the words of people: `a whole number`.
    pub description: &'static str,
    pub stored_as: StoredAs,
    /// Whether its cells may be date cells.
    pub holds_dates: bool,
    /// Whether its values are texts in words of any kind, kept as they are shown.
    pub is_free_text: bool,
    /// Whether its values identify their items.
    pub(crate) identifies: Identifies,
    /// Its settings, besides those of every column.
    pub(in crate::schema) settings: &'static [&'static str],
    /// Finds a mistake in the settings: the setting, and what is wrong with it.
    pub(in crate::schema) find_mistake: fn(&Column) -> Option<(&'static str, String)>,
    /// Explains why the separator of a composite key can't follow the column's values: they may contain it.
    pub(in crate::schema) explain_separator: fn(&Column, char) -> Option<String>,
    /// Reads a value in the rules, such as a default, or says what it should be.
    pub(in crate::schema) read_value: fn(&DeValue, &Column) -> Result<Value, String>,
    /// Judges a cell that has a value.
    pub(in crate::schema) judge: JudgeCell,
    /// What goes into the column; the second argument is an example with the words before it, or empty.
    pub(in crate::schema) explain: fn(&Column, &str) -> String,
    pub(in crate::schema) example: fn(&Column) -> Option<Value>,
    /// What a spreadsheet program accepts in the cells.
    pub(in crate::schema) validation: for<'c> fn(&'c Column) -> Option<Validation<'c>>,
    /// The number format of the cells in a workbook.
    pub(in crate::schema) number_format: fn(&Column) -> &'static str,
    /// The usual width of the values, in characters.
    pub(in crate::schema) width: fn(&Column) -> usize,
}

type JudgeCell = for<'a> fn(&'a RawCell<'_>, &'a Column, ColumnFacts) -> Result<BorrowedValue<'a>, Violation>;

/// How the table stores the values of a type. Whole columns of numbers are examined for their decimal separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredAs {
    Text,
    Number(NumberForm),
    Boolean,
}

/// Which numbers a type accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberForm {
    /// Only whole numbers.
    pub(crate) is_whole: bool,
    /// Whether 15 % is 0.15. In a count or a price it means something else.
    pub(crate) accepts_percent: bool,
    pub(crate) currency: CurrencySymbols,
}

/// What a currency next to a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurrencySymbols {
    /// Most likely, columns were swapped.
    Rejected,
    Ignored,
    /// All values of a column must be in the same currency.
    Compared,
}

/// When a column's values must identify their items, and are checked for what programs do to identifiers. Whole columns
/// of texts that identify are examined for how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identifies {
    Never,
    /// In the key, or if the column is `unique`.
    IfUnique,
    Always,
}

/// What a spreadsheet program accepts in a cell, and how it reacts to something else.
pub struct Validation<'c> {
    pub accepts: Accepts<'c>,
    pub strictness: Strictness,
}

pub enum Accepts<'c> {
    /// Texts of this many characters.
    Length {
        least: Option<u32>,
        most: u32,
    },
    WholeNumber {
        min: Option<Decimal>,
        max: Option<Decimal>,
    },
    Number {
        min: Option<Decimal>,
        max: Option<Decimal>,
    },
    Date,
    /// One of these texts, offered in a drop-down list.
    OneOf(Vec<&'c str>),
}

/// How to react to something else in the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// The row would not be loaded, unless it is a choice in other upper or lower case.
    Stop,
    /// The row may be loaded: there are many words for `yes`, and a number may be typed with a unit or currency.
    Warn,
}

impl ColumnType {
    pub fn is_number(&self) -> bool {
        self.number_form().is_some()
    }

    /// Which numbers it accepts; `None` if its values aren't numbers.
    pub(crate) fn number_form(&self) -> Option<NumberForm> {
        match self.stored_as {
            StoredAs::Number(form) => Some(form),
            StoredAs::Text | StoredAs::Boolean => None,
        }
    }

    /// Whether all values of a column must be in the same currency.
    pub(crate) fn compares_currencies(&self) -> bool {
        self.number_form().is_some_and(|form| form.currency == CurrencySymbols::Compared)
    }

    /// `is_unique` is whether each value may appear only once in a file.
    pub(crate) fn identifies(&self, is_unique: bool) -> bool {
        match self.identifies {
            Identifies::Never => false,
            Identifies::IfUnique => is_unique,
            Identifies::Always => true,
        }
    }

    /// The type of a key attribute with such values; `None` if it can't be in a key.
    pub(in crate::schema) fn key_kind(&self) -> Option<KeyKind> {
        match self.stored_as {
            StoredAs::Text => Some(KeyKind::S),
            StoredAs::Number(_) => Some(KeyKind::N),
            StoredAs::Boolean => None,
        }
    }
}

impl NumberForm {
    /// Whether a currency may be next to the number.
    pub(crate) fn accepts_currency(&self) -> bool {
        self.currency != CurrencySymbols::Rejected
    }
}

impl PartialEq for ColumnType {
    fn eq(&self, other: &ColumnType) -> bool {
        self.name == other.name
    }
}

impl Eq for ColumnType {}

impl fmt::Debug for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// In JSON, a type is its name.
impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for &'static ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<&'static ColumnType, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = TYPES.iter().find(|known| known.name == name);
        found.copied().ok_or_else(|| D::Error::custom(format!("no column has the type \"{name}\"")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::column;

    const REFERENCE: &str = include_str!("../../../../../../docs/schema.md");

    #[test]
    fn every_type_serialises_as_its_name_in_the_rules() {
        // The rules in the plans of older loads have these names.
        for name in ["text", "integer", "decimal", "money", "boolean", "date", "choice", "gtin"] {
            assert!(TYPES.iter().any(|known| known.name == name), "{name}");
        }
        for known in TYPES {
            let json = format!("\"{}\"", known.name);
            assert_eq!(serde_json::to_string(known).unwrap(), json);
            assert_eq!(serde_json::from_str::<&'static ColumnType>(&json).unwrap(), *known);
        }
        assert!(serde_json::from_str::<&'static ColumnType>("\"mony\"").is_err());
    }

    #[test]
    fn an_example_complies_with_the_rules_or_is_none() {
        let of = |lines: &str| column(lines).example();
        let (text, number) = (|text: &str| Some(Value::S(text.into())), |digits: &str| Some(Value::N(digits.into())));
        assert_eq!(of("type = \"text\""), text("C A"));
        assert_eq!(of("type = \"text\"\nmax_length = 2"), None);
        assert_eq!(of("type = \"text\"\npattern = \"[0-9]+\""), None);
        assert_eq!(of("type = \"money\""), number("12.50"));
        assert_eq!(of("type = \"money\"\nmax = 2"), number("2"));
        assert_eq!(of("type = \"integer\"\nmin = 20"), number("20"));
        assert_eq!(of("type = \"integer\"\nmin = 12.5\nmax = 12.75"), None);
        assert_eq!(of("type = \"choice\"\nchoices = [\"box\", \"piece\"]"), text("box"));
    }

    #[test]
    fn every_type_is_in_the_reference() {
        for known in TYPES {
            assert!(REFERENCE.contains(&format!("\n| `{}` | ", known.name)), "{}", known.name);
        }
    }
}
