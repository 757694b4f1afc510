//! The traps: typical defects of lists, each with what the rows should truly be loaded as.

mod candidates;
mod encodings;
mod headers;
mod keys;
mod merged;
mod odd_cells;
mod ragged;
mod sheets;
mod values;

use super::case::{Case, FileFormat};
use super::language::Language;
use super::list::{Field, Keys};

pub struct Trap {
    pub name: &'static str,
    pub file_formats: &'static [FileFormat],
    /// The languages in which the trap occurs; empty means any language.
    pub languages: &'static [&'static Language],
    /// Columns that the list must have.
    pub needs: &'static [Field],
    /// The kind of item numbers that the list must have, if it matters.
    pub keys: Option<Keys>,
    /// Puts the trap into a case; returns false if the case is not suitable.
    pub apply: fn(&mut Case) -> bool,
}

impl Trap {
    const fn new(name: &'static str, file_formats: &'static [FileFormat], apply: fn(&mut Case) -> bool) -> Trap {
        Trap { name, file_formats, languages: &[], needs: &[], keys: None, apply }
    }

    const fn with_columns(mut self, needs: &'static [Field]) -> Trap {
        self.needs = needs;
        self
    }

    const fn with_keys(mut self, keys: Keys) -> Trap {
        self.keys = Some(keys);
        self
    }

    const fn in_languages(mut self, languages: &'static [&'static Language]) -> Trap {
        self.languages = languages;
        self
    }
}

/// Returns all traps.
pub fn all() -> Vec<&'static Trap> {
    let kinds: [&'static [Trap]; 9] = [
        ragged::TRAPS,
        headers::TRAPS,
        candidates::TRAPS,
        keys::TRAPS,
        encodings::TRAPS,
        merged::TRAPS,
        values::TRAPS,
        odd_cells::TRAPS,
        sheets::TRAPS,
    ];
    kinds.into_iter().flatten().collect()
}
