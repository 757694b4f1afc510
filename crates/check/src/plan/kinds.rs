//! Counts problems by kind: one rule in one column. A report lists some problems but counts all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use inventory_base::message::{Problem, Rule};

/// Problems of one rule in one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    pub rule: Rule,
    /// The column's header as it is in the file; `None` if the problem concerns whole rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub problems: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Kind>", into = "Vec<Kind>")]
pub struct Kinds(BTreeMap<(Rule, Option<String>), u64>);

impl Kinds {
    pub fn add(&mut self, problem: &Problem) {
        *self.0.entry((problem.rule, problem.column.clone())).or_default() += 1;
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the kinds, the most frequent first.
    pub fn by_frequency(&self) -> Vec<Kind> {
        let mut kinds = Vec::from(self.clone());
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.problems));
        kinds
    }
}

impl From<Vec<Kind>> for Kinds {
    fn from(kinds: Vec<Kind>) -> Kinds {
        Kinds(kinds.into_iter().map(|Kind { rule, column, problems }| ((rule, column), problems)).collect())
    }
}

impl From<Kinds> for Vec<Kind> {
    fn from(kinds: Kinds) -> Vec<Kind> {
        kinds.0.into_iter().map(|((rule, column), problems)| Kind { rule, column, problems }).collect()
    }
}
