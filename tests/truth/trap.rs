//! What goes wrong with lists on their way to us, each kind with the truth beside it.

mod candidates;
mod headers;
mod keys;
mod letters;
mod merged;
mod odd_cells;
mod ragged;
mod sheets;
mod values;

use super::case::{Case, Form};
use super::language::Language;
use super::list::{Field, Keys};

pub struct Trap {
    pub name: &'static str,
    pub forms: &'static [Form],
    /// In which languages there is such a thing; empty means in all that are common.
    pub languages: &'static [&'static Language],
    /// Columns that the list must have.
    pub needs: &'static [Field],
    /// What the item numbers must look like.
    pub keys: Option<Keys>,
    /// Lays it; false where the case has no room for it.
    pub lay: fn(&mut Case) -> bool,
}

impl Trap {
    const fn new(name: &'static str, forms: &'static [Form], lay: fn(&mut Case) -> bool) -> Trap {
        Trap { name, forms, languages: &[], needs: &[], keys: None, lay }
    }

    const fn with(mut self, needs: &'static [Field]) -> Trap {
        self.needs = needs;
        self
    }

    const fn among(mut self, keys: Keys) -> Trap {
        self.keys = Some(keys);
        self
    }

    const fn spoken(mut self, languages: &'static [&'static Language]) -> Trap {
        self.languages = languages;
        self
    }
}

/// All of them.
pub fn all() -> Vec<&'static Trap> {
    let kinds: [&'static [Trap]; 9] = [
        ragged::TRAPS,
        headers::TRAPS,
        candidates::TRAPS,
        keys::TRAPS,
        letters::TRAPS,
        merged::TRAPS,
        values::TRAPS,
        odd_cells::TRAPS,
        sheets::TRAPS,
    ];
    kinds.into_iter().flatten().collect()
}
