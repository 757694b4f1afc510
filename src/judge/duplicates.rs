//! The same item in several rows. A million rows are remembered in twenty bytes each.

use sha2::{Digest, Sha256};

use crate::item::{Item, Value};

use super::Place;

/// 112 bits of a digest of the key, then the row's place: sorting brings the same keys together, in the order of rows.
const FINGERPRINT_BYTES: usize = 14;
type Entry = [u8; FINGERPRINT_BYTES + 6];

#[derive(Default)]
pub(super) struct Seen {
    entries: Vec<Entry>,
}

/// The rows of one item that stands in more than one.
pub(super) type Group = Vec<Place>;

impl Seen {
    pub fn note(&mut self, place: Place, item: &Item, columns: &[String]) {
        let mut digest = Sha256::new();
        for attribute in columns {
            // With its type and length, so that no two keys can run together into the same bytes.
            let (kind, text) = match item.get(attribute) {
                Some(Value::S(text)) => (b'S', text.as_str()),
                Some(Value::N(number)) => (b'N', number.as_str()),
                Some(Value::Bool(true)) => (b'T', ""),
                Some(Value::Bool(false)) => (b'F', ""),
                _ => (b'-', ""),
            };
            digest.update([kind]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        let mut entry = Entry::default();
        entry[..FINGERPRINT_BYTES].copy_from_slice(&digest.finalize()[..FINGERPRINT_BYTES]);
        entry[FINGERPRINT_BYTES..FINGERPRINT_BYTES + 2].copy_from_slice(&place.0.to_be_bytes());
        entry[FINGERPRINT_BYTES + 2..].copy_from_slice(&place.1.to_be_bytes());
        self.entries.push(entry);
    }

    /// All groups, each in the order of its rows.
    pub fn into_groups(mut self) -> Vec<Group> {
        self.entries.sort_unstable();
        self.entries
            .chunk_by(|a, b| a[..FINGERPRINT_BYTES] == b[..FINGERPRINT_BYTES])
            .filter(|group| group.len() > 1)
            .map(|group| group.iter().map(place_of).collect())
            .collect()
    }
}

fn place_of(entry: &Entry) -> Place {
    let [.., s0, s1, r0, r1, r2, r3] = *entry;
    Place(u16::from_be_bytes([s0, s1]), u32::from_be_bytes([r0, r1, r2, r3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str) -> Item {
        Item::from([("sku".to_string(), Value::S(sku.into()))])
    }

    #[test]
    fn rows_with_the_same_key_come_together_in_order() {
        let key = ["sku".to_string()];
        let mut seen = Seen::default();
        for (row, sku) in ["A", "B", "A", "C", "B", "A"].iter().enumerate() {
            seen.note(Place(0, row as u32 + 2), &item(sku), &key);
        }
        seen.note(Place(1, 1), &item("C"), &key);
        let mut groups = seen.into_groups();
        groups.sort();
        assert_eq!(
            groups,
            [
                vec![Place(0, 2), Place(0, 4), Place(0, 7)],
                vec![Place(0, 3), Place(0, 6)],
                vec![Place(0, 5), Place(1, 1)],
            ]
        );
    }

    #[test]
    fn keys_of_two_parts_do_not_run_together() {
        let key = ["a".to_string(), "b".to_string()];
        let pair = |a: &str, b: &str| Item::from([("a", Value::S(a.into())), ("b", Value::S(b.into()))]);
        let mut seen = Seen::default();
        seen.note(Place(0, 1), &pair("xS", "y"), &key);
        seen.note(Place(0, 2), &pair("x", "Sy"), &key);
        assert!(seen.into_groups().is_empty());
    }
}
