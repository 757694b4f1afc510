//! Finds items that appear in several rows, and items that people mistake for each other. Needs twenty bytes per row.

use sha2::{Digest, Sha256};

use super::Place;
use super::fold::fold;
use crate::cell::BorrowedValue;
use crate::schema::KeyCase;

/// 80 bits of a digest of the values in compared form, the row's place, and two 16-bit tags: of the values as written,
/// and of the values in lower case. Sorting brings equal values together, in row order. Comparing numbers is several
/// times faster than comparing bytes.
type Entry = [u32; 5];

/// The bits of an entry's third word that hold the sheet.
const SHEET: u32 = 0xffff;

#[derive(Default)]
pub(super) struct SeenValues {
    entries: Vec<Entry>,
    /// How keys are compared; other values are only equal if they are written the same.
    case: Option<KeyCase>,
    folded: String,
}

/// Rows that have the same value, or values that people mistake for each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub rows: Vec<Place>,
    /// How the values differ, if they do.
    pub difference: Option<Difference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Difference {
    /// Only in upper and lower case.
    CaseOnly,
    /// In characters that look alike.
    LookAlikes,
}

impl SeenValues {
    /// For keys, which people may mistake for each other although the table distinguishes them.
    pub fn keys(case: KeyCase) -> SeenValues {
        SeenValues { case: Some(case), ..SeenValues::default() }
    }

    /// Notes the row's values in the columns that identify an item, unless one of them is missing.
    pub fn note<'v>(&mut self, place: Place, values: impl IntoIterator<Item = Option<&'v BorrowedValue<'v>>>) {
        let mut digest = Sha256::new();
        let (mut written, mut lower, mut all_plain) = (Tag::default(), Tag::default(), true);
        for value in values {
            let Some(value) = value else { return };
            let kind = match value {
                BorrowedValue::S(_) => b'S',
                BorrowedValue::N(_) => b'N',
                BorrowedValue::Bool(_) => b'B',
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
            // With type and length, so that different keys can't produce the same bytes.
            digest.update([kind]);
            digest.update((compared.len() as u64).to_be_bytes());
            digest.update(compared.as_bytes());
        }
        let digest = digest.finalize();
        let word = |at: usize| u32::from_be_bytes(std::array::from_fn(|byte| digest[4 * at + byte]));
        // Such keys only differ in case, so equal digests mean equal lower-case forms.
        let lower = if all_plain { word(3) >> 16 } else { lower.short() };
        let tags = written.short() << 16 | lower;
        self.entries.push([word(0), word(1), word(2) & !SHEET | u32::from(place.0), place.1, tags]);
    }

    /// All groups, each in row order.
    pub fn into_groups(mut self) -> Vec<Group> {
        self.entries.sort_unstable();
        self.entries
            .chunk_by(|a, b| a[..2] == b[..2] && a[2] & !SHEET == b[2] & !SHEET)
            .filter(|group| group.len() > 1)
            .map(|group| Group {
                rows: group.iter().map(|[_, _, sheet, row, _]| Place((sheet & SHEET) as u16, *row)).collect(),
                difference: difference_in(group),
            })
            .collect()
    }
}

fn difference_in(group: &[Entry]) -> Option<Difference> {
    let same = |tag: fn(u32) -> u32| group.iter().all(|entry| tag(entry[4]) == tag(group[0][4]));
    match (same(|tags| tags >> 16), same(|tags| tags & 0xffff)) {
        (true, _) => None,
        (false, true) => Some(Difference::CaseOnly),
        (false, false) => Some(Difference::LookAlikes),
    }
}

/// A short hash that costs next to nothing compared with the digest.
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

    fn text(text: &str) -> BorrowedValue<'_> {
        BorrowedValue::S(text.into())
    }

    #[test]
    fn rows_with_the_same_key_are_grouped_in_order() {
        let mut seen = SeenValues::default();
        for (row, sku) in ["A", "B", "A", "C", "B", "A"].iter().enumerate() {
            seen.note(Place(0, row as u32 + 2), [Some(&text(sku))]);
        }
        seen.note(Place(u16::MAX, u32::MAX), [Some(&text("C"))]);
        // Missing values are not equal to each other.
        seen.note(Place(0, 8), [None]);
        seen.note(Place(0, 9), [None]);
        let groups = seen.into_groups();
        assert!(groups.iter().all(|group| group.difference.is_none()));
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
    fn keys_that_only_look_the_same_are_distinguished_from_equal_keys() {
        let groups = |case, keys: &[&str]| {
            let mut seen = SeenValues::keys(case);
            (2..).zip(keys).for_each(|(row, sku)| seen.note(Place(0, row), [Some(&text(sku))]));
            seen.into_groups().into_iter().map(|group| (group.rows.len(), group.difference)).collect::<Vec<_>>()
        };
        use Difference::{CaseOnly, LookAlikes};
        use KeyCase::{Folds, Matters};
        for (case, keys, found) in [
            (Folds, &["A-17", "a-17", "B"][..], vec![(2, Some(CaseOnly))]),
            (Folds, &["A-17", "A-17", "a-17"], vec![(3, Some(CaseOnly))]),
            (Folds, &["A-17", "A-17"], vec![(2, None)]),
            (Folds, &["А-17", "A-17"], vec![(2, Some(LookAlikes))]),
            (Folds, &["Ä-1", "ä-1"], vec![(2, Some(CaseOnly))]),
            (Folds, &["A  1", "A 1"], vec![(2, Some(LookAlikes))]),
            (Folds, &["B0", "BO"], vec![]),
            (Matters, &["A-17", "a-17"], vec![]),
            (Matters, &["А-17", "A-17"], vec![(2, Some(LookAlikes))]),
            (Matters, &["A-17", "A-17"], vec![(2, None)]),
        ] {
            assert_eq!(groups(case, keys), found, "{case:?} {keys:?}");
        }
    }

    proptest! {
        #[test]
        fn keys_are_grouped_exactly_if_they_are_equal_apart_from_case(keys in vec("[aAbB0O](-[lI1]| [xX])?", 1..12)) {
            let mut seen = SeenValues::keys(KeyCase::Folds);
            (0..).zip(&keys).for_each(|(row, key)| seen.note(Place(0, row), [Some(&text(key))]));
            let mut expected: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            keys.iter().for_each(|key| expected.entry(key.to_lowercase()).or_default().push(key));
            expected.retain(|_, keys| keys.len() > 1);
            let groups = seen.into_groups();
            prop_assert_eq!(groups.len(), expected.len());
            for group in groups {
                let rows: Vec<&str> = group.rows.iter().map(|place| keys[place.1 as usize].as_str()).collect();
                prop_assert_eq!(Some(&rows), expected.get(&rows[0].to_lowercase()));
                let difference = rows.iter().any(|key| *key != rows[0]).then_some(Difference::CaseOnly);
                prop_assert_eq!(group.difference, difference);
            }
        }
    }

    #[test]
    fn values_that_are_not_keys_are_compared_as_written() {
        let mut seen = SeenValues::default();
        seen.note(Place(0, 2), [Some(&text("A"))]);
        seen.note(Place(0, 3), [Some(&text("a"))]);
        assert!(seen.into_groups().is_empty());
    }

    #[test]
    fn the_parts_of_a_key_do_not_run_together() {
        let mut seen = SeenValues::default();
        seen.note(Place(0, 1), [Some(&text("xS")), Some(&text("y"))]);
        seen.note(Place(0, 2), [Some(&text("x")), Some(&text("Sy"))]);
        assert!(seen.into_groups().is_empty());
    }
}
