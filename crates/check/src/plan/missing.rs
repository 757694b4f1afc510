//! Finds the items in the table that the sheet no longer lists, and decides what happens to them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use inventory_base::item::{Item, Value};
use inventory_rules::schema::{DISCONTINUED, Missing, Schema, Scope, Sync};

/// One line of a chunk of missing items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItem {
    pub missing: Missing,
    /// The item as it was read; it is changed only if it is still the same.
    pub before: Item,
}

impl MissingItem {
    /// Returns the item as it will be; `None` if it will be deleted.
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

    /// Returns the attribute that marks an item as discontinued.
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
    /// The number of rows whose key could not be read, so it isn't known which items they are.
    pub unreadable: u64,
}

/// The digest of a key. A million of them take sixteen megabytes.
type Fingerprint = [u8; 16];

impl<'a> Listed<'a> {
    pub fn new(schema: &'a Schema, sync: &'a Sync) -> Listed<'a> {
        Listed { schema, sync, keys: Vec::new(), scopes: BTreeSet::new(), unreadable: 0 }
    }

    /// Adds a row that holds an item, with its key if it could be read, and the item if it was accepted.
    pub fn add(&mut self, key: Option<&Item>, item: Option<&Item>) {
        let Some(key) = key else {
            self.unreadable += 1;
            return;
        };
        self.keys.push(fingerprint(self.schema, key));
        if let Scope::Column(column) = &self.sync.scope {
            // If the scope is a column of the key, it is known for a rejected row too.
            if let Some(value) = item.unwrap_or(key).get(column) {
                let value = canonical(value);
                if !self.scopes.contains(&value) {
                    self.scopes.insert(value);
                }
            }
        }
    }

    /// Must be called after the last `add` and before any query.
    pub fn sort(&mut self) {
        self.keys.sort_unstable();
    }

    /// Returns a digest of the listed keys, the scopes and the rules of the synchronisation.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        self.keys.iter().for_each(|key| digest.update(key));
        self.scopes.iter().for_each(|scope| digest.update(scope));
        digest.update(format!("{:?}", self.sync));
        digest.finalize().iter().take(size_of::<Fingerprint>()).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether this item of the table is in the scope of the sheet.
    pub fn covers(&self, item: &Item) -> bool {
        match &self.sync.scope {
            Scope::Table => true,
            Scope::Column(column) => item.get(column).is_some_and(|value| self.scopes.contains(&canonical(value))),
            Scope::Only { column, value } => item.get(column).is_some_and(|found| canonical(found) == canonical(value)),
        }
    }

    pub fn lists(&self, item: &Item) -> bool {
        self.keys.binary_search(&fingerprint(self.schema, item)).is_ok()
    }

    /// Whether a missing item has already been marked as discontinued, so that nothing is left to do.
    pub fn is_already_marked(&self, item: &Item) -> bool {
        self.sync.missing == Missing::Mark && item.get(DISCONTINUED) == Some(&Value::Bool(true))
    }

    /// Returns the plan's line for an item that is missing.
    pub fn missing(&self, before: Item) -> MissingItem {
        MissingItem { missing: self.sync.missing, before }
    }
}

fn fingerprint(schema: &Schema, item: &Item) -> Fingerprint {
    let mut digest = Sha256::new();
    for attribute in schema.key.attributes() {
        let value = item.get(attribute).map(canonical).unwrap_or_default();
        digest.update((value.len() as u64).to_be_bytes());
        digest.update(value);
    }
    let digest = digest.finalize();
    std::array::from_fn(|n| digest[n])
}

/// Returns a value in canonical form, because the table may write a number differently.
fn canonical(value: &Value) -> String {
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
    fn a_sheet_covers_only_its_scope() {
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
            assert_eq!(listed.covers(&item("B-1", "Leeds")), leeds, "{sync:?}");
            assert_eq!(listed.covers(&item("B-1", "York")), york, "{sync:?}");
            assert_eq!(listed.covers(&Item::new()), sync.scope == Scope::Table);
        }
    }

    #[test]
    fn a_row_with_a_readable_key_lists_its_item() {
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
    fn a_marked_item_is_not_marked_again() {
        let schema = Schema::shipped().unwrap();
        let sync = sync(Missing::Mark, Scope::Table);
        let listed = Listed::new(&schema, &sync);
        let mut one = item("A", "Leeds");
        assert!(!listed.is_already_marked(&one));
        one.insert(DISCONTINUED.to_string(), Value::Bool(true));
        assert!(listed.is_already_marked(&one));
    }
}
