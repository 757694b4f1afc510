//! Items that the table has and the sheet no longer lists: which they are, and what becomes of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use inventory_base::item::{Item, Value};
use inventory_rules::schema::{DISCONTINUED, Missing, Schema, Scope, Sync};

/// One line of a chunk of missing items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItem {
    pub missing: Missing,
    /// As it was read; it is changed only as long as it still is that.
    pub before: Item,
}

impl MissingItem {
    /// What will be there.
    pub fn after(&self) -> Option<Item> {
        match self.missing {
            Missing::Report => Some(self.before.clone()),
            Missing::Mark => {
                let mut after = self.before.clone();
                after.extend(MissingItem::mark());
                Some(after)
            }
            Missing::Delete => None,
        }
    }

    /// What a marked item gets.
    pub fn mark() -> Item {
        Item::from([(DISCONTINUED.to_string(), Value::Bool(true))])
    }
}

/// The keys and the scopes of all rows of a file.
pub struct Listed<'a> {
    schema: &'a Schema,
    sync: &'a Sync,
    keys: Vec<Fingerprint>,
    scopes: BTreeSet<String>,
    /// Rows whose key could not be read: nobody can say which items they stand for.
    pub unreadable: u64,
}

/// A million of them take sixteen megabytes.
type Fingerprint = [u8; 16];

impl<'a> Listed<'a> {
    pub fn new(schema: &'a Schema, sync: &'a Sync) -> Listed<'a> {
        Listed { schema, sync, keys: Vec::new(), scopes: BTreeSet::new(), unreadable: 0 }
    }

    /// A row that holds an item, with its key where that could be read, and the item where it was accepted.
    pub fn add(&mut self, key: Option<&Item>, item: Option<&Item>) {
        let Some(key) = key else {
            self.unreadable += 1;
            return;
        };
        self.keys.push(fingerprint(self.schema, key));
        if let Scope::Column(column) = &self.sync.scope {
            // A column of the key tells it of a rejected row too.
            if let Some(value) = item.unwrap_or(key).get(column) {
                let value = written(value);
                if !self.scopes.contains(&value) {
                    self.scopes.insert(value);
                }
            }
        }
    }

    /// To be called once all rows are added, before anything is asked.
    pub fn sort(&mut self) {
        self.keys.sort_unstable();
    }

    /// Of all that it lists and speaks for.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        self.keys.iter().for_each(|key| digest.update(key));
        self.scopes.iter().for_each(|scope| digest.update(scope));
        digest.update(format!("{:?}", self.sync));
        digest.finalize().iter().take(size_of::<Fingerprint>()).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the sheet speaks for this item of the table.
    pub fn speaks_for(&self, item: &Item) -> bool {
        match &self.sync.scope {
            Scope::Table => true,
            Scope::Column(column) => item.get(column).is_some_and(|value| self.scopes.contains(&written(value))),
            Scope::Only { column, value } => item.get(column).is_some_and(|found| written(found) == written(value)),
        }
    }

    pub fn lists(&self, item: &Item) -> bool {
        self.keys.binary_search(&fingerprint(self.schema, item)).is_ok()
    }

    /// Whether an item that is missing was marked as such before: nothing is left to do or to wonder about.
    pub fn is_settled(&self, item: &Item) -> bool {
        self.sync.missing == Missing::Mark && item.get(DISCONTINUED) == Some(&Value::Bool(true))
    }

    /// What becomes of an item that is missing.
    pub fn missing(&self, before: Item) -> MissingItem {
        MissingItem { missing: self.sync.missing, before }
    }
}

fn fingerprint(schema: &Schema, item: &Item) -> Fingerprint {
    let mut digest = Sha256::new();
    for attribute in schema.key.attributes() {
        let value = item.get(attribute).map(written).unwrap_or_default();
        digest.update((value.len() as u64).to_be_bytes());
        digest.update(value);
    }
    let digest = digest.finalize();
    std::array::from_fn(|n| digest[n])
}

/// A value in one way of writing: a number comes back from the table in the table's own.
fn written(value: &Value) -> String {
    match value {
        Value::S(text) => format!("S{text}"),
        Value::N(digits) => match inventory_base::decimal::Decimal::parse(digits) {
            Ok(number) => format!("N{number}"),
            Err(_) => format!("N{digits}"),
        },
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str, warehouse: &str) -> Item {
        let text = |text: &str| Value::S(text.to_string().into());
        Item::from([("sku".to_string(), text(sku)), ("warehouse".to_string(), text(warehouse))])
    }

    fn sync(missing: Missing, scope: Scope) -> Sync {
        Sync { missing, scope }
    }

    #[test]
    fn a_sheet_speaks_only_for_its_scope() {
        let schema = Schema::shipped().unwrap();
        let column = "warehouse".to_string();
        for (scope, leeds, york) in [
            (Scope::Table, true, true),
            (Scope::Column(column.clone()), true, false),
            (Scope::Only { column, value: Value::S("York".into()) }, false, true),
        ] {
            let sync = sync(Missing::Delete, scope);
            let mut listed = Listed::new(&schema, &sync);
            listed.add(Some(&item("A-1", "")), Some(&item("A-1", "Leeds")));
            listed.sort();
            assert_eq!(listed.speaks_for(&item("B-1", "Leeds")), leeds, "{sync:?}");
            assert_eq!(listed.speaks_for(&item("B-1", "York")), york, "{sync:?}");
            assert_eq!(listed.speaks_for(&Item::new()), sync.scope == Scope::Table);
        }
    }

    #[test]
    fn a_row_whose_key_is_readable_lists_its_item() {
        let schema = Schema::shipped().unwrap();
        let sync = sync(Missing::Delete, Scope::Table);
        let mut listed = Listed::new(&schema, &sync);
        for sku in ["C", "A", "B"] {
            listed.add(Some(&item(sku, "")), None);
        }
        listed.add(None, None);
        listed.sort();
        assert!(["A", "B", "C"].iter().all(|sku| listed.lists(&item(sku, "elsewhere"))));
        assert!(!listed.lists(&item("D", "")));
        assert_eq!(listed.unreadable, 1);
    }

    #[test]
    fn what_is_marked_is_not_marked_again() {
        let schema = Schema::shipped().unwrap();
        let sync = sync(Missing::Mark, Scope::Table);
        let listed = Listed::new(&schema, &sync);
        let mut one = item("A", "Leeds");
        assert!(!listed.is_settled(&one));
        one.insert(DISCONTINUED.to_string(), Value::Bool(true));
        assert!(listed.is_settled(&one));
    }
}
