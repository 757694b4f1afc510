//! The keys of a load's items, each as a digest of eight bytes. They are kept with the plan, so that a later load of an
//! older upload can check whether it would replace newer values with older ones.

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};
use inventory_rules::schema::Schema;

const DIGEST_BYTES: usize = size_of::<u64>();

/// The keys of the items that a load writes, and of those that were already right.
#[derive(Debug, Clone, Default)]
pub struct LoadKeys {
    written: Vec<u64>,
    unchanged: Vec<u64>,
}

impl LoadKeys {
    pub fn add(&mut self, schema: &Schema, key: &Item, is_written: bool) {
        let keys = if is_written { &mut self.written } else { &mut self.unchanged };
        keys.push(digest(schema, key));
    }

    /// Must be called after the last `add` and before any query.
    pub fn sort(&mut self) {
        self.written.sort_unstable();
    }

    /// Encodes the keys of all items of the load in order, eight bytes each.
    pub fn encode(&self) -> Vec<u8> {
        let mut keys: Vec<u64> = self.written.iter().chain(&self.unchanged).copied().collect();
        keys.sort_unstable();
        keys.iter().flat_map(|key| key.to_be_bytes()).collect()
    }

    /// Returns which of the items this load would write are also in another load, as positions among the written items.
    pub fn shared_with(&self, encoded: &[u8]) -> impl Iterator<Item = usize> {
        let mut theirs = encoded.chunks_exact(DIGEST_BYTES).map(|bytes| {
            let bytes = std::array::from_fn(|n| bytes[n]);
            u64::from_be_bytes(bytes)
        });
        let mut next = theirs.next();
        self.written.iter().enumerate().filter_map(move |(place, ours)| {
            while next.is_some_and(|theirs| theirs < *ours) {
                next = theirs.next();
            }
            (next == Some(*ours)).then_some(place)
        })
    }

    /// The number of items that the load would write.
    pub fn written(&self) -> usize {
        self.written.len()
    }
}

/// FNV-1a. The worst that a collision can do is to hold a load for approval.
fn digest(schema: &Schema, key: &Item) -> u64 {
    let mut digest = 0xCBF2_9CE4_8422_2325_u64;
    let mut update = |bytes: &[u8]| {
        for byte in bytes {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    };
    for attribute in schema.key.attributes() {
        match key.get(attribute) {
            Some(Value::S(text)) => update(text.as_bytes()),
            // The table may write a number differently.
            Some(Value::N(digits)) => match Decimal::parse(digits) {
                Ok(number) => update(number.to_string().as_bytes()),
                Err(_) => update(digits.as_bytes()),
            },
            Some(other) => update(format!("{other:?}").as_bytes()),
            None => {}
        }
        // UTF-8 text never contains this byte.
        update(&[0xFF]);
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_items_are_found_whether_the_other_load_wrote_them_or_left_them_unchanged() {
        let schema = Schema::shipped().unwrap();
        let item = |sku: &str| Item::from([("sku".to_string(), Value::S(sku.into()))]);
        let keys = |written: &[&str], unchanged: &[&str]| {
            let mut keys = LoadKeys::default();
            written.iter().for_each(|sku| keys.add(&schema, &item(sku), true));
            unchanged.iter().for_each(|sku| keys.add(&schema, &item(sku), false));
            keys.sort();
            keys
        };
        let shared = |ours: &LoadKeys, theirs: &LoadKeys| ours.shared_with(&theirs.encode()).count();
        let newer = keys(&["A", "B", "C"], &["D"]);
        assert_eq!(shared(&keys(&["B", "X", "D", "Y"], &["A"]), &newer), 2);
        assert_eq!(shared(&keys(&[], &["A", "B"]), &newer), 0, "an unchanged item overwrites nothing");
        assert_eq!(shared(&keys(&["X", "Y"], &[]), &newer), 0);
        assert_eq!(shared(&keys(&["A"], &[]), &keys(&[], &[])), 0);
        assert_eq!(newer.encode().len(), 4 * 8);
    }

    #[test]
    fn a_number_is_the_same_key_however_it_is_written() {
        let rules = "version = 1\n[key]\npartition = \"n\"\nsort = \"t\"\n[[column]]\nname = \"n\"\ntype = \"integer\"\n\
                     required = true\n[[column]]\nname = \"t\"\ntype = \"text\"\nrequired = true\n";
        let schema = Schema::from_toml(rules).unwrap();
        let of = |n: &str, t: &str| {
            let item = [("n", Value::N(n.to_string().into())), ("t", Value::S(t.to_string().into()))];
            digest(&schema, &item.map(|(name, value)| (name.to_string(), value)).into())
        };
        assert_eq!(of("12", "a"), of("12.0", "a"));
        assert_ne!(of("12", "a"), of("1", "2a"));
        assert_ne!(of("12", "a"), of("13", "a"));
    }
}
