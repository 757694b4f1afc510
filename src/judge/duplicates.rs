//! The same item in several rows. A million rows are remembered in twenty bytes each.

use sha2::{Digest, Sha256};

use super::Place;
use super::lent::LentValue;

/// 96 bits of a digest of the key, then the row's place: sorting brings the same keys together, in the order of rows. As
/// numbers they are compared several times faster than as bytes.
type Entry = [u32; 5];

#[derive(Default)]
pub(super) struct Seen {
    entries: Vec<Entry>,
}

/// The rows of one item that stands in more than one.
pub(super) type Group = Vec<Place>;

impl Seen {
    /// Notes what the row has in the columns that tell one item from another; nothing if it lacks one of them.
    pub fn note<'v>(&mut self, place: Place, values: impl IntoIterator<Item = Option<&'v LentValue<'v>>>) {
        let mut digest = Sha256::new();
        for value in values {
            let Some(value) = value else { return };
            let kind = match value {
                LentValue::S(_) => b'S',
                LentValue::N(_) => b'N',
                LentValue::Bool(_) => b'B',
            };
            let text = value.text();
            // With its type and length, so that no two keys can run together into the same bytes.
            digest.update([kind]);
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        let digest = digest.finalize();
        let word = |at: usize| u32::from_be_bytes(std::array::from_fn(|byte| digest[4 * at + byte]));
        self.entries.push([word(0), word(1), word(2), place.0.into(), place.1]);
    }

    /// All groups, each in the order of its rows.
    pub fn into_groups(mut self) -> Vec<Group> {
        self.entries.sort_unstable();
        self.entries
            .chunk_by(|a, b| a[..3] == b[..3])
            .filter(|group| group.len() > 1)
            .map(|group| group.iter().map(|[.., sheet, row]| Place(*sheet as u16, *row)).collect())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> LentValue<'_> {
        LentValue::S(text.into())
    }

    #[test]
    fn rows_with_the_same_key_come_together_in_order() {
        let mut seen = Seen::default();
        for (row, sku) in ["A", "B", "A", "C", "B", "A"].iter().enumerate() {
            seen.note(Place(0, row as u32 + 2), [Some(&text(sku))]);
        }
        seen.note(Place(u16::MAX, u32::MAX), [Some(&text("C"))]);
        // Of a value that is not there, there are not two.
        seen.note(Place(0, 8), [None]);
        seen.note(Place(0, 9), [None]);
        let mut groups = seen.into_groups();
        groups.sort();
        assert_eq!(
            groups,
            [
                vec![Place(0, 2), Place(0, 4), Place(0, 7)],
                vec![Place(0, 3), Place(0, 6)],
                vec![Place(0, 5), Place(u16::MAX, u32::MAX)],
            ]
        );
    }

    #[test]
    fn keys_of_two_parts_do_not_run_together() {
        let mut seen = Seen::default();
        seen.note(Place(0, 1), [Some(&text("xS")), Some(&text("y"))]);
        seen.note(Place(0, 2), [Some(&text("x")), Some(&text("Sy"))]);
        assert!(seen.into_groups().is_empty());
    }
}
