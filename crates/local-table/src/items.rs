//! Where items are kept: nowhere, in memory, or in a file (`file.rs`). An item is its JSON, and is found by its stored
//! key (`Key::stored`).

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use serde_json::value::RawValue;

use crate::answer::Refusal;

/// Receives stored keys and items, in the order of the keys, until it breaks.
pub type Visit<'v> = dyn FnMut(&[u8], &RawValue) -> Result<ControlFlow<()>, Refusal> + 'v;

pub trait ReadItems {
    fn get(&self, key: &[u8]) -> Result<Option<Box<RawValue>>, Refusal>;

    /// Visits the items whose keys are within the bounds.
    fn visit(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, visit: &mut Visit<'_>) -> Result<(), Refusal>;

    fn count(&self) -> Result<u64, Refusal>;
}

pub trait WriteItems: ReadItems {
    fn put(&mut self, key: &[u8], item: &RawValue) -> Result<(), Refusal>;

    fn remove(&mut self, key: &[u8]) -> Result<(), Refusal>;
}

/// Keeps nothing: a table that is always empty.
#[derive(Debug)]
pub struct Nowhere;

impl ReadItems for Nowhere {
    fn get(&self, _: &[u8]) -> Result<Option<Box<RawValue>>, Refusal> {
        Ok(None)
    }

    fn visit(&self, _: Bound<&[u8]>, _: Bound<&[u8]>, _: &mut Visit<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn count(&self) -> Result<u64, Refusal> {
        Ok(0)
    }
}

impl WriteItems for Nowhere {
    fn put(&mut self, _: &[u8], _: &RawValue) -> Result<(), Refusal> {
        Ok(())
    }

    fn remove(&mut self, _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }
}

#[derive(Debug, Default)]
pub struct Memory(BTreeMap<Box<[u8]>, Box<RawValue>>);

impl ReadItems for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Box<RawValue>>, Refusal> {
        Ok(self.0.get(key).cloned())
    }

    fn visit(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, visit: &mut Visit<'_>) -> Result<(), Refusal> {
        if is_empty(from, to) {
            return Ok(());
        }
        for (key, item) in self.0.range::<[u8], _>((from, to)) {
            if visit(key, item)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self) -> Result<u64, Refusal> {
        Ok(self.0.len() as u64)
    }
}

impl WriteItems for Memory {
    fn put(&mut self, key: &[u8], item: &RawValue) -> Result<(), Refusal> {
        self.0.insert(key.into(), item.to_owned());
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.0.remove(key);
        Ok(())
    }
}

/// Whether no key is within the bounds. Ranges of maps panic at some of these.
pub fn is_empty(from: Bound<&[u8]>, to: Bound<&[u8]>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_within_the_bounds_are_visited_until_the_visitor_has_enough() {
        let mut items = Memory::default();
        for key in ["a", "b", "c", "d"] {
            items.put(key.as_bytes(), &RawValue::from_string(format!("\"{key}\"")).unwrap()).unwrap();
        }
        items.remove(b"c").unwrap();
        let seen = |from: Bound<&str>, to: Bound<&str>, most: usize| {
            let mut seen = String::new();
            let visit = &mut |_: &[u8], item: &RawValue| {
                seen.push_str(item.get().trim_matches('"'));
                Ok(if seen.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            };
            items.visit(from.map(str::as_bytes), to.map(str::as_bytes), visit).unwrap();
            seen
        };
        assert_eq!(seen(Bound::Unbounded, Bound::Unbounded, 9), "abd");
        assert_eq!(seen(Bound::Excluded("a"), Bound::Excluded("d"), 9), "b");
        assert_eq!(seen(Bound::Included("a"), Bound::Unbounded, 2), "ab");
        // Bounds that a range of a map would panic at.
        for (from, to) in [
            (Bound::Excluded("b"), Bound::Excluded("b")),
            (Bound::Excluded("d"), Bound::Included("a")),
            (Bound::Included("d"), Bound::Excluded("a")),
        ] {
            assert_eq!(seen(from, to, 9), "");
        }
        assert_eq!(items.count(), Ok(3));
    }
}
