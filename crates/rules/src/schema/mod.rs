//! The rules in `inventory.toml`: columns, their types, and the header names that people really use.

mod column;
mod dates;
#[cfg(test)]
mod docs_examples;
mod encoding;
#[cfg(test)]
mod exports;
mod gates;
mod header;
mod header_names;
mod interval;
mod key;
mod mistake;
mod pattern;
mod policy;
mod read;
mod read_column;
mod read_policy;
mod rules_file;
mod table_mismatch;
mod table_shape;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use crate::cell::{CURRENCY_SYMBOLS, CurrencySymbol, DecimalSeparator};
pub(crate) use column::ColumnFacts;
pub use column::{
    Accepts, Column, ColumnType, GENERAL_FORMAT, StoredAs, Strictness, TEXT_FORMAT, TYPES, Validation, WhenEmpty,
};
pub use encoding::TextEncoding;
pub use gates::Gates;
pub use header::{Header, HeaderFault, NamedCell};
pub use header_names::canonical_name;
pub use interval::Interval;
pub use key::{Key, KeyFault, KeyPart, Template, TemplateError};
pub use mistake::{Mistake, Mistakes};
pub use pattern::Pattern;
pub use policy::{DISCONTINUED, DocumentHeaders, Missing, Mode, PROVENANCE, Price, Scope, Sync, Totals};
pub use table_mismatch::TableMismatch;
pub use table_shape::{Capacity, IndexShape, Projection, TableShape};

use header_names::HeaderNames;

/// The text of the rules that come with the loader.
pub const SHIPPED: &str = include_str!("../../../../inventory.toml");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Version of the file format.
    version: u32,
    #[serde(default)]
    pub mode: Mode,
    /// Whether the table is read before it is written.
    #[serde(default = "yes")]
    pub compare: bool,
    /// Whether those reads are strongly consistent.
    #[serde(default = "yes")]
    pub consistent_reads: bool,
    /// Whether each item written records its load and the time.
    #[serde(default)]
    pub provenance: bool,
    #[serde(default)]
    pub duplicates: Duplicates,
    /// Whether keys that differ only in case are different.
    #[serde(default)]
    pub key_case: KeyCase,
    #[serde(default)]
    pub unknown_columns: UnknownColumns,
    /// The only sheet to read, if the rules name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The encoding of text files that are not Unicode, if the rules name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<TextEncoding>,
    /// How often a sheet is expected; if none arrives in time, a notification is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_every: Option<Interval>,
    pub key: Key,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
    #[serde(default)]
    pub gates: Gates,
    #[serde(default, skip_serializing_if = "DocumentHeaders::is_default")]
    pub document: DocumentHeaders,
    #[serde(default)]
    pub totals: Totals,
    #[serde(default)]
    pub price: Price,
    #[serde(rename = "column")]
    pub columns: Vec<Column>,
    #[serde(skip)]
    names: Cached<HeaderNames>,
}

fn yes() -> bool {
    true
}

/// What happens to rows with the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// None of them is loaded.
    #[default]
    Reject,
    /// The last one is loaded.
    Last,
    /// The first one is loaded.
    First,
}

/// Whether `a-17` and `A-17` may be two items. The table distinguishes them; people don't.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyCase {
    /// They are most likely the same item, so neither is loaded.
    #[default]
    Folds,
    /// They are two items.
    Matters,
}

/// What happens to columns of the sheet that the rules don't know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownColumns {
    /// Their cells become attributes named after the header.
    Keep,
    #[default]
    Ignore,
    /// The file is refused.
    Reject,
}

/// A value derived from the other fields, computed on first use.
#[derive(Debug, Clone)]
struct Cached<T>(OnceLock<T>);

impl<T> Default for Cached<T> {
    fn default() -> Cached<T> {
        Cached(OnceLock::new())
    }
}

/// Derived values are equal if the other fields are.
impl<T> PartialEq for Cached<T> {
    fn eq(&self, _: &Cached<T>) -> bool {
        true
    }
}

impl<T> Eq for Cached<T> {}

impl Schema {
    pub fn shipped() -> Result<Schema, Mistakes> {
        Schema::from_toml(SHIPPED)
    }

    pub fn from_toml(text: &str) -> Result<Schema, Mistakes> {
        read::read(text)
    }

    /// The index of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The columns in which an empty cell keeps the value in the table.
    pub fn kept_columns(&self) -> impl Iterator<Item = &str> {
        let kept = self.columns.iter().filter(|column| column.empty == WhenEmpty::Keep);
        kept.map(|column| column.name.as_str())
    }

    /// Whether items have this attribute by these rules. Any other attribute was written by another program.
    pub fn is_known(&self, attribute: &str) -> bool {
        let marks = self.sync.as_ref().is_some_and(|sync| sync.missing == Missing::Mark);
        self.position(attribute).is_some()
            || self.key.attributes().any(|part| part == attribute)
            || self.provenance && PROVENANCE.contains(&attribute)
            || marks && attribute == DISCONTINUED
    }

    fn names(&self) -> &HeaderNames {
        self.names.0.get_or_init(|| HeaderNames::of_rules(&self.columns, &self.document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&str) -> String) -> Result<Schema, Mistakes> {
        Schema::from_toml(&change(SHIPPED))
    }

    #[test]
    fn the_shipped_rules_are_valid() {
        let schema = Schema::shipped().unwrap();
        assert_eq!(schema.key.attributes().collect::<Vec<_>>(), ["sku"]);
        assert_eq!(schema.columns.len(), 10);
        assert_eq!((schema.mode, schema.compare, schema.provenance), (Mode::Replace, true, false));
        assert_eq!((schema.sync, schema.gates, schema.price), (None, Gates::default(), Price::default()));
        let named = ["quantity", "unit_price", "warehouse"].map(|column| Some(column.to_string()));
        let [quantity, price, per] = named;
        assert_eq!(schema.totals, Totals { quantity, price, per, read_back: true });
    }

    #[test]
    fn the_rules_survive_a_round_trip_through_json() {
        let rules = "version = 1\nmode = \"merge\"\nprovenance = true\nduplicates = \"last\"\nkey_case = \"matters\"\nsheet = \"Stock\"\n\
                     encoding = \"latin2\"\nexpect_every = \"3 months\"\n\
                     [sync]\nmissing = \"mark\"\nscope = { site = \"A\" }\n\
                     [gates]\nrejected_rows = 12\nzero_percent = false\nprice_factor = 1.5\nvanishing = false\ndocument = false\nolder = false\n\
                     [document]\nnumbers = [\"Invoice\"]\nquantities = []\n\
                     [totals]\nprice = \"price\"\nper = \"site\"\nread_back = false\n\
                     [price]\nwrite = 0.7\nread = 0.1\ncurrency = \"EUR\"\n\
                     [key]\npartition = \"sku\"\nsort = { name = \"sk\", from = \"{site}#{sku}\" }\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\npattern = \"[A-Z]+\"\n\
                     [[column]]\nname = \"site\"\ntype = \"choice\"\nchoices = [\"A\"]\nrequired = true\n\
                     [[column]]\nname = \"bin\"\ntype = \"text\"\nempty = \"keep\"\nheader = \"Shelf\"\n\
                     [[column]]\nname = \"price\"\nprefer = [[\"Cost\", \"*price\"]]\ncandidates = [\"*price*\"]\nnever = [\"Total*\"]\ntype = \"money\"\ndefault = 0.10\nmin = 0.1\ndecimal = \",\"\n";
        for schema in [Schema::shipped().unwrap(), Schema::from_toml(rules).unwrap()] {
            let text = serde_json::to_string(&schema).unwrap();
            assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
        }
    }

    #[test]
    fn rules_in_an_older_plan_can_still_be_read() {
        let older = r#"{"version":1,"key":{"partition":"sku"},
            "column":[{"name":"sku","title":"SKU","type":"text","required":true}]}"#;
        let schema: Schema = serde_json::from_str(older).unwrap();
        let plainest = "version = 1\n[key]\npartition = \"sku\"\n\
                        [[column]]\nname = \"sku\"\ntitle = \"SKU\"\ntype = \"text\"\nrequired = true\n";
        assert_eq!(schema, Schema::from_toml(plainest).unwrap());
    }

    #[test]
    fn attributes_written_by_other_programs_are_not_known() {
        let plain = with(|text| text.to_string()).unwrap();
        assert!(plain.is_known("sku") && plain.is_known("supplier"));
        assert!(!plain.is_known("shelf") && !plain.is_known("loaded_by"));
        let rules = "version = 1\nprovenance = true\n[sync]\nmissing = \"mark\"\nscope = \"table\"\n\
                     [key]\npartition = { name = \"pk\", from = \"#{sku}\" }\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
                     [[column]]\nname = \"bin\"\ntype = \"text\"\nempty = \"keep\"\n";
        let schema = Schema::from_toml(rules).unwrap();
        assert!(
            ["pk", "sku", "bin", "loaded_by", "loaded_at", "discontinued"].iter().all(|name| schema.is_known(name))
        );
        assert_eq!(schema.kept_columns().collect::<Vec<_>>(), ["bin"]);
    }

    #[test]
    fn a_misspelt_rule_is_named_with_its_line() {
        let mistakes = with(|text| text.replacen("required = true", "requird = true", 1)).unwrap_err();
        let line = SHIPPED.lines().position(|line| line == "required = true").unwrap() + 1;
        let misspelt = Mistake { line, sentence: "required is misspelt as \"requird\"; write required".into() };
        assert!(mistakes.all().contains(&misspelt), "{mistakes}");
    }
}
