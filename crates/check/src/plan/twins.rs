//! Finds new rows whose key is in the table in other upper or lower case: `A-17` and `a-17` are two items to the table,
//! but one to people.

use std::borrow::Cow;

use super::{PlanRow, key_of};
use inventory_base::item::{Item, Value};
use inventory_base::message::{Note, count, note};
use inventory_rules::judge::SheetRead;
use inventory_rules::schema::{Key, KeyCase, KeyPart, Schema};

/// The number of rows that the note names.
const NAMED: usize = 3;

/// Makes the upper-case and lower-case variants of the keys of items.
pub struct CaseVariants<'a> {
    schema: &'a Schema,
    /// The columns of the key that hold text; a choice has only the spellings that the rules name.
    texts: Vec<&'a str>,
}

impl<'a> CaseVariants<'a> {
    /// `None` if case matters in keys, or no column of the key holds text.
    pub fn new(schema: &'a Schema) -> Option<CaseVariants<'a>> {
        let is_text =
            |name: &&str| schema.columns.iter().any(|column| column.name == *name && column.kind.is_free_text);
        let texts: Vec<&str> = schema.key.columns().filter(is_text).collect();
        (schema.key_case == KeyCase::Folds && !texts.is_empty()).then_some(CaseVariants { schema, texts })
    }

    /// Returns the variants of an item's key: with all its texts changed, and, if there are several, each one alone.
    pub fn other_keys(&self, item: &Item) -> Vec<Item> {
        let own = key_of(item, self.schema);
        let alone = self.texts.chunks(1).filter(|_| self.texts.len() > 1);
        let mut keys: Vec<Item> = Vec::new();
        for columns in std::iter::once(&self.texts[..]).chain(alone) {
            for case in [str::to_uppercase, str::to_lowercase] {
                let key = with_case(&self.schema.key, item, columns, case);
                keys.extend(key.filter(|key| *key != own && !keys.contains(key)));
            }
        }
        keys
    }
}

/// Returns the key with these columns in another case; `None` if the table could hold no such key.
fn with_case(key: &Key, item: &Item, columns: &[&str], case: fn(&str) -> String) -> Option<Item> {
    let text_of = |column: &str| {
        let text = match item.get(column)? {
            Value::S(text) | Value::N(text) => Cow::Borrowed(text.as_str()),
            Value::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
            _ => return None,
        };
        Some(if columns.contains(&column) { Cow::Owned(case(&text)) } else { text })
    };
    let composite = key.complete(text_of).ok()?;
    let mut variant: Item = composite.into_iter().map(|(name, text)| (name, Value::S(text.into()))).collect();
    for part in key.parts() {
        let KeyPart::Column(name) = part else {
            continue;
        };
        let value = match columns.contains(&name.as_str()) {
            true => Value::S(text_of(name)?.into()),
            false => item.get(name)?.clone(),
        };
        variant.insert(name.as_str(), value);
    }
    Some(variant)
}

/// New rows whose key is in the table in other upper or lower case.
#[derive(Debug, Default)]
pub struct Twins {
    rows: u64,
    first: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    sheet: String,
    row: u32,
    ours: String,
    theirs: String,
}

impl Twins {
    pub fn add(&mut self, row: &PlanRow, schema: &Schema) {
        let (Some(theirs), Some(item)) = (&row.twin, &row.item) else {
            return;
        };
        self.rows += 1;
        if self.first.len() < NAMED {
            let (ours, theirs) = (key_text(&key_of(item, schema)), key_text(theirs));
            self.first.push(Pair { sheet: row.sheet.to_string(), row: row.row, ours, theirs });
        }
    }

    /// Returns the note about these rows, if there are any.
    pub fn note(&self, schema: &Schema, sheets: &[SheetRead]) -> Option<Note> {
        let rows = match self.rows {
            0 => return None,
            1 => "1 row is a new item".to_string(),
            n => format!("{} rows are new items", count(n)),
        };
        let several = sheets.iter().filter(|sheet| sheet.loaded).count() > 1;
        let mut named: Vec<String> = self.first.iter().map(|pair| pair.describe(several)).collect();
        if let Some(more) = self.rows.checked_sub(NAMED as u64).filter(|more| *more > 0) {
            named.push(format!("and {} more", count(more)));
        }
        let (column, named) = (headers(schema, sheets), named.join("; "));
        Some(note!(KeyInOtherCapitals { rows, column, named }))
    }
}

impl Pair {
    fn describe(&self, several_sheets: bool) -> String {
        let Pair { sheet, row, ours, theirs } = self;
        let of_sheet = if several_sheets { format!(" of \"{sheet}\"") } else { String::new() };
        format!("row {row}{of_sheet} has \"{ours}\", the table has \"{theirs}\"")
    }
}

fn key_text(key: &Item) -> String {
    let parts = key.values().map(|value| match value {
        Value::S(text) | Value::N(text) => text.as_str(),
        _ => "…",
    });
    parts.collect::<Vec<_>>().join(" / ")
}

/// Returns the names of the key's columns in the file.
fn headers(schema: &Schema, sheets: &[SheetRead]) -> String {
    let header = |name: &str| {
        let read = sheets.iter().flat_map(|sheet| &sheet.columns).find(|column| column.attribute == name);
        let titled = || schema.columns.iter().find(|column| column.name == name).map(|column| column.title.clone());
        read.map(|column| column.header.clone()).or_else(titled)
    };
    schema.key.columns().filter_map(header).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "partition = \"sku\"";
    const TWO: &str = "partition = \"site\"\nsort = \"sku\"";
    const JOINED: &str = "partition = { name = \"pk\", from = \"stock#{site}#{sku}\" }";

    /// Rules whose key is made of a site, which is text or a choice, and a SKU.
    fn schema(lines: &str, key: &str, site: &str) -> Schema {
        let rules = format!(
            "version = 1\n{lines}\n[key]\n{key}\n\
             [[column]]\nname = \"site\"\ntitle = \"Site\"\n{site}\nrequired = true\n\
             [[column]]\nname = \"sku\"\ntitle = \"SKU\"\ntype = \"text\"\nrequired = true\n"
        );
        Schema::from_toml(&rules).unwrap()
    }

    fn item(site: &str, sku: &str) -> Item {
        let item = Item::from([("site", Value::S(site.into())), ("sku", Value::S(sku.into()))]);
        let pk = Value::S(format!("stock#{site}#{sku}").into());
        item.into_iter().chain([("pk".into(), pk)]).collect()
    }

    fn others(schema: &Schema, item: &Item) -> Vec<String> {
        CaseVariants::new(schema).map(|it| it.other_keys(item).iter().map(key_text).collect()).unwrap_or_default()
    }

    #[test]
    fn a_key_has_an_upper_case_and_a_lower_case_variant_if_they_differ_from_it() {
        let schema = schema("", ONE, "type = \"text\"");
        for (sku, expected) in [
            ("A-17", &["a-17"][..]),
            ("a-17", &["A-17"]),
            ("Ab-17", &["AB-17", "ab-17"]),
            ("4006381333931", &[]),
            ("ÄÖ-1", &["äö-1"]),
            ("漢字-1", &[]),
        ] {
            assert_eq!(others(&schema, &item("York", sku)), expected, "{sku}");
        }
    }

    #[test]
    fn if_a_key_has_several_texts_the_case_of_all_or_of_one_is_changed() {
        let joined = schema("", JOINED, "type = \"text\"");
        let expected = ["stock#wh1#a-17", "stock#wh1#A-17", "stock#WH1#a-17"];
        assert_eq!(others(&joined, &item("WH1", "A-17")), expected);
        let apart = schema("", TWO, "type = \"text\"");
        assert_eq!(others(&apart, &item("WH1", "A-17")), ["wh1 / a-17", "wh1 / A-17", "WH1 / a-17"]);
    }

    #[test]
    fn the_case_of_a_choice_and_of_the_words_of_a_template_is_not_changed() {
        let schema = schema("", JOINED, "type = \"choice\"\nchoices = [\"York\"]");
        assert_eq!(others(&schema, &item("York", "A-17")), ["stock#York#a-17"]);
    }

    #[test]
    fn there_are_no_variants_if_case_matters_in_keys_or_the_key_has_no_text() {
        assert!(CaseVariants::new(&schema("key_case = \"matters\"", ONE, "type = \"text\"")).is_none());
        let numbers = schema("", "partition = \"site\"", "type = \"integer\"");
        assert!(CaseVariants::new(&numbers).is_none());
    }

    #[test]
    fn a_variant_too_long_for_a_key_is_not_looked_for() {
        let schema = schema("", ONE, "type = \"text\"");
        // In upper case each of these takes three bytes instead of two.
        let long = "ŉ".repeat(1_000);
        assert_eq!(others(&schema, &item("York", &long)), [""; 0]);
    }

    fn note(sheets: &[&str], rows: &[(&str, u32, &str, Option<&str>)]) -> Option<Note> {
        let schema = schema("", ONE, "type = \"text\"");
        let key = |sku: &str| Item::from([("sku", Value::S(sku.into()))]);
        let mut twins = Twins::default();
        for (sheet, row, sku, twin) in rows {
            let row = PlanRow::accepted(*sheet, *row, Some(item("York", sku)));
            twins.add(&PlanRow { twin: twin.map(key), ..row }, &schema);
        }
        let read = |name: &&str| -> SheetRead {
            let read =
                serde_json::json!({ "name": name, "loaded": true, "header_row": 1, "columns": [], "others": [] });
            serde_json::from_value(read).unwrap()
        };
        twins.note(&schema, &sheets.iter().map(read).collect::<Vec<_>>())
    }

    #[test]
    fn a_note_names_the_first_rows_with_both_spellings_and_counts_the_others() {
        assert_eq!(note(&["Stock"], &[("Stock", 2, "A-16", None)]), None);
        let one = note(&["Stock"], &[("Stock", 2, "A-16", None), ("Stock", 3, "A-17", Some("a-17"))]).unwrap();
        assert_eq!(
            one.message,
            "1 row is a new item whose SKU is already in the table with different capital letters: row 3 has \"A-17\", the table has \"a-17\"."
        );
        assert!(one.advice.contains("enter the SKU as it is in the table"), "{}", one.advice);
        let rows: Vec<_> = (2..7).map(|row| ("York", row, "b-1", Some("B-1"))).collect();
        let many = note(&["York", "Leeds"], &rows).unwrap();
        assert_eq!(
            many.message,
            "5 rows are new items whose SKU is already in the table with different capital letters: row 2 of \"York\" \
             has \"b-1\", the table has \"B-1\"; row 3 of \"York\" has \"b-1\", the table has \"B-1\"; row 4 of \"York\" has \"b-1\", the table \
             has \"B-1\"; and 2 more."
        );
    }
}
