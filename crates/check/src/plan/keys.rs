//! The keys of a load's items, each as a few bytes. They are kept beside the plan, so that an older upload which is loaded
//! later can be asked whether it would put older values in place of newer ones.

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};
use inventory_rules::schema::Schema;

const DIGEST_BYTES: usize = size_of::<u64>();

/// What a load writes, and what it found to be right already.
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

    /// To be called once all items are added, before anything is asked.
    pub fn sort(&mut self) {
        self.written.sort_unstable();
    }

    /// All items that the load speaks of, in order: eight bytes each.
    pub fn encode(&self) -> Vec<u8> {
        let mut keys: Vec<u64> = self.written.iter().chain(&self.unchanged).copied().collect();
        keys.sort_unstable();
        keys.iter().flat_map(|key| key.to_be_bytes()).collect()
    }

    /// Those of the items it would write that another load spoke of, by their places among them.
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

    /// Items it would write.
    pub fn written(&self) -> usize {
        self.written.len()
    }
}

/// FNV-1a. Two keys that meet by chance make a load wait for a person, and nothing worse.
fn digest(schema: &Schema, key: &Item) -> u64 {
    let mut digest = 0xCBF2_9CE4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    };
    for attribute in schema.key.attributes() {
        match key.get(attribute) {
            Some(Value::S(text)) => take(text.as_bytes()),
            // The table writes a number in its own way.
            Some(Value::N(digits)) => match Decimal::parse(digits) {
                Ok(number) => take(number.to_string().as_bytes()),
                Err(_) => take(digits.as_bytes()),
            },
            Some(other) => take(format!("{other:?}").as_bytes()),
            None => {}
        }
        // No text has this byte.
        take(&[0xFF]);
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_items_are_found_whether_the_other_load_wrote_them_or_found_them_right() {
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
        assert_eq!(shared(&keys(&[], &["A", "B"]), &newer), 0, "what stays as it is overwrites nothing");
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
