//! A rule that a cell breaks, with what its message says.

use std::fmt::Display;

use inventory_base::message::{Rule, Sentences};

/// A rule that a cell breaks, with the words for its message that the cell's place and value don't give. Made by
/// [`violation!`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    rule: Rule,
    words: Vec<(&'static str, String)>,
}

/// The words for a message that every cell has.
pub(crate) struct CellWords<'a> {
    pub row: u32,
    pub column: &'a str,
    pub cell: &'a str,
    pub value: &'a str,
}

impl CellWords<'_> {
    pub const NAMES: [&'static str; 4] = ["row", "column", "cell", "value"];
}

/// Returns a [`Violation`], with a word for each placeholder of its message that isn't one of [`CellWords`]:
/// `violation!(TooSmall { limit })`. A forgotten or superfluous word doesn't compile.
macro_rules! violation {
    (@value $word:ident) => { $word.to_string() };
    (@value $word:ident $value:expr) => { $value.to_string() };
    ($rule:ident $({ $($word:ident $(: $value:expr)?),+ $(,)? })?) => {{
        const _: () = inventory_base::message::check_words(
            inventory_base::message::Rule::$rule,
            &[$($(stringify!($word)),+)?],
            &$crate::cell::CellWords::NAMES,
        );
        $crate::cell::Violation::new(
            inventory_base::message::Rule::$rule,
            vec![$($((stringify!($word), $crate::cell::violation!(@value $word $($value)?))),+)?],
        )
    }};
}
pub(crate) use violation;

impl Violation {
    /// See [`violation!`].
    pub fn new(rule: Rule, words: Vec<(&'static str, String)>) -> Violation {
        Violation { rule, words }
    }

    /// Returns the message and the advice about a cell.
    pub fn sentences(&self, cell: &CellWords<'_>) -> Sentences {
        let CellWords { row, column, cell, value } = cell;
        let of_cell = CellWords::NAMES.into_iter().zip([row as &dyn Display, column, cell, value]);
        let others = self.words.iter().map(|(name, word)| (*name, word as &dyn Display));
        Sentences::new(self.rule, &of_cell.chain(others).collect::<Vec<_>>())
    }

    /// The rule's identifier and the words.
    #[cfg(test)]
    pub fn brief(&self) -> String {
        let words = self.words.iter().map(|(_, word)| format!(" {word}"));
        format!("{}{}", self.rule.id(), words.collect::<String>())
    }
}
