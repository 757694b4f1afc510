//! The same item in several rows, and items that people take for the same. A million rows are remembered in twenty bytes
//! each.

use sha2::{Digest, Sha256};

use super::Place;
use super::lent::LentValue;
use super::value::fold;
use crate::schema::KeyCase;
use inventory_base::message::Rule;

/// 80 bits of a digest of the values as they are compared, the row's place, and two tags of 16 bits: of the values as they
/// are written, and of the same without capitals. Sorting brings the same values together, in the order of rows. As
/// numbers they are compared several times faster than as bytes.
type Entry = [u32; 5];

/// The bits of an entry's third word that are the sheet's.
const SHEET: u32 = 0xffff;

#[derive(Default)]
pub(super) struct Seen {
    entries: Vec<Entry>,
    /// How keys are compared; other values are the same only if they are written the same.
    case: Option<KeyCase>,
    folded: String,
}

/// Rows that have the same value, or values that people take for the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub rows: Vec<Place>,
    /// How their values differ, where they do.
    pub differ: Option<Differ>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Differ {
    /// Only in capitals.
    InCase,
    /// In characters that look alike.
    InLookAlikes,
}

impl Differ {
    pub fn rule(self) -> Rule {
        match self {
            Differ::InCase => Rule::KeysDifferInCase,
            Differ::InLookAlikes => Rule::KeysLookAlike,
        }
    }
}

impl Seen {
    /// Keys, which people take for the same although the table does not.
    pub fn keys(case: KeyCase) -> Seen {
        Seen { case: Some(case), ..Seen::default() }
    }

    /// Notes what the row has in the columns that tell one item from another; nothing if it lacks one of them.
    pub fn note<'v>(&mut self, place: Place, values: impl IntoIterator<Item = Option<&'v LentValue<'v>>>) {
        let mut digest = Sha256::new();
        let (mut written, mut lower, mut all_plain) = (Tag::default(), Tag::default(), true);
        for value in values {
            let Some(value) = value else { return };
            let kind = match value {
                LentValue::S(_) => b'S',
                LentValue::N(_) => b'N',
                LentValue::Bool(_) => b'B',
            };
            let text = value.text();
            let compared = match self.case {
                None => text.as_ref(),
                Some(case) => {
                    written.add(&text);
                    if !fold(&text, case, &mut self.folded) {
                        all_plain = false;
                        lower.add(&text.to_lowercase());
                    }
                    self.folded.as_str()
                }
            };
            // With its type and length, so that no two keys can run together into the same bytes.
            digest.update([kind]);
            digest.update((compared.len() as u64).to_be_bytes());
            digest.update(compared.as_bytes());
        }
        let digest = digest.finalize();
        let word = |at: usize| u32::from_be_bytes(std::array::from_fn(|byte| digest[4 * at + byte]));
        // Such keys are compared without capitals and nothing else, so where the digests are the same, this is too.
        let lower = if all_plain { word(3) >> 16 } else { lower.short() };
        let tags = written.short() << 16 | lower;
        self.entries.push([word(0), word(1), word(2) & !SHEET | u32::from(place.0), place.1, tags]);
    }

    /// All groups, each in the order of its rows.
    pub fn into_groups(mut self) -> Vec<Group> {
        self.entries.sort_unstable();
        self.entries
            .chunk_by(|a, b| a[..2] == b[..2] && a[2] & !SHEET == b[2] & !SHEET)
            .filter(|group| group.len() > 1)
            .map(|group| Group {
                rows: group.iter().map(|[_, _, sheet, row, _]| Place((sheet & SHEET) as u16, *row)).collect(),
                differ: differ(group),
            })
            .collect()
    }
}

fn differ(group: &[Entry]) -> Option<Differ> {
    let same = |tag: fn(u32) -> u32| group.iter().all(|entry| tag(entry[4]) == tag(group[0][4]));
    match (same(|tags| tags >> 16), same(|tags| tags & 0xffff)) {
        (true, _) => None,
        (false, true) => Some(Differ::InCase),
        (false, false) => Some(Differ::InLookAlikes),
    }
}

/// A short hash that costs next to nothing beside the digest.
#[derive(Default)]
struct Tag(u64);

impl Tag {
    fn add(&mut self, text: &str) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = self.0.wrapping_add(text.len() as u64);
        for bytes in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.0 = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR).rotate_left(29);
        }
    }

    fn short(&self) -> u32 {
        let half = (self.0 ^ (self.0 >> 32)) as u32;
        (half ^ (half >> 16)) & 0xffff
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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
        let groups = seen.into_groups();
        assert!(groups.iter().all(|group| group.differ.is_none()));
        let mut groups: Vec<_> = groups.into_iter().map(|group| group.rows).collect();
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
    fn keys_that_people_take_for_the_same_are_told_from_those_that_are() {
        let groups = |case, keys: &[&str]| {
            let mut seen = Seen::keys(case);
            (2..).zip(keys).for_each(|(row, sku)| seen.note(Place(0, row), [Some(&text(sku))]));
            seen.into_groups().into_iter().map(|group| (group.rows.len(), group.differ)).collect::<Vec<_>>()
        };
        use Differ::{InCase, InLookAlikes};
        use KeyCase::{Folds, Matters};
        for (case, keys, found) in [
            (Folds, &["A-17", "a-17", "B"][..], vec![(2, Some(InCase))]),
            (Folds, &["A-17", "A-17", "a-17"], vec![(3, Some(InCase))]),
            (Folds, &["A-17", "A-17"], vec![(2, None)]),
            (Folds, &["А-17", "A-17"], vec![(2, Some(InLookAlikes))]),
            (Folds, &["Ä-1", "ä-1"], vec![(2, Some(InCase))]),
            (Folds, &["A  1", "A 1"], vec![(2, Some(InLookAlikes))]),
            (Folds, &["B0", "BO"], vec![]),
            (Matters, &["A-17", "a-17"], vec![]),
            (Matters, &["А-17", "A-17"], vec![(2, Some(InLookAlikes))]),
            (Matters, &["A-17", "A-17"], vec![(2, None)]),
        ] {
            assert_eq!(groups(case, keys), found, "{case:?} {keys:?}");
        }
    }

    proptest! {
        #[test]
        fn keys_come_together_exactly_where_they_are_the_same_without_capitals(keys in vec("[aAbB0O](-[lI1]| [xX])?", 1..12)) {
            let mut seen = Seen::keys(KeyCase::Folds);
            (0..).zip(&keys).for_each(|(row, key)| seen.note(Place(0, row), [Some(&text(key))]));
            let mut expected: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            keys.iter().for_each(|key| expected.entry(key.to_lowercase()).or_default().push(key));
            expected.retain(|_, keys| keys.len() > 1);
            let groups = seen.into_groups();
            prop_assert_eq!(groups.len(), expected.len());
            for group in groups {
                let rows: Vec<&str> = group.rows.iter().map(|place| keys[place.1 as usize].as_str()).collect();
                prop_assert_eq!(Some(&rows), expected.get(&rows[0].to_lowercase()));
                let differ = rows.iter().any(|key| *key != rows[0]).then_some(Differ::InCase);
                prop_assert_eq!(group.differ, differ);
            }
        }
    }

    #[test]
    fn values_that_are_no_keys_are_the_same_only_as_they_are_written() {
        let mut seen = Seen::default();
        seen.note(Place(0, 2), [Some(&text("A"))]);
        seen.note(Place(0, 3), [Some(&text("a"))]);
        assert!(seen.into_groups().is_empty());
    }

    #[test]
    fn keys_of_two_parts_do_not_run_together() {
        let mut seen = Seen::default();
        seen.note(Place(0, 1), [Some(&text("xS")), Some(&text("y"))]);
        seen.note(Place(0, 2), [Some(&text("x")), Some(&text("Sy"))]);
        assert!(seen.into_groups().is_empty());
    }
}
