//! Collects what a report says about the rows, row by row and chunk by chunk.

use serde::{Deserialize, Serialize};

use crate::plan::{
    self, ChangedRow, ChunkEntry, ChunkKind, ChunkOutcome, Counts, Fate, Kinds, MissingItem, PlanRow, RefusedRow,
    UndoStep, Undone,
};
use inventory_base::item::Item;
use inventory_base::message::{Problem, Sentences, sentences};
use inventory_rules::judge::{Skip, Skipped};
use inventory_rules::schema::{Missing, Schema};

use super::Units;
use super::rate::Spans;

/// How many problems a report lists; all are counted, and all are in the plan.
pub const PROBLEMS_LISTED: usize = 10_000;
/// How many changed rows, and how many missing items, a report lists; all are in the plan.
pub const CHANGES_LISTED: usize = 10_000;
/// How many titles, totals and notes a report lists; all are in the plan.
const SKIPPED_LISTED: usize = 100;

/// A row that was skipped because it isn't an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRow {
    pub sheet: String,
    pub row: u32,
    pub why: Skip,
    pub says: String,
}

/// Items that the sheet no longer lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingItems {
    pub total: u64,
    /// What happens to them; `None` if the rules don't look for missing items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Missing>,
    /// The number of items left unchanged because they were changed while the load was running.
    pub edited: u64,
    /// The keys of the first `CHANGES_LISTED`.
    pub items: Vec<Item>,
}

/// Collects what a report says about the rows.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) counts: Counts,
    pub(super) problems: Vec<Problem>,
    pub(super) problems_total: u64,
    pub(super) kinds: Kinds,
    pub(super) skipped: Vec<SkippedRow>,
    pub(super) changed: Vec<ChangedRow>,
    pub(super) missing: MissingItems,
    pub(super) undone: Option<Undone>,
    pub(super) units: Units,
    pub(super) spans: Spans,
}

impl Tally {
    /// Starts with the counts from the index of a plan; then only the rows to be listed need to be read.
    pub fn with_counts(counts: Counts, kinds: Kinds) -> Tally {
        Tally { counts, kinds, ..Tally::default() }
    }

    /// Counts and lists a row.
    pub fn add_row(&mut self, row: PlanRow) {
        self.counts.add(row.fate, 1);
        row.problems.iter().for_each(|problem| self.kinds.add(problem));
        self.add_problems(row.problems);
        self.add_skipped(&row.sheet, row.row, row.skipped);
    }

    /// Lists a planned row that has already been counted.
    pub fn list_row(&mut self, row: PlanRow, schema: &Schema) {
        if row.fate == Fate::Changed && self.changed.len() < CHANGES_LISTED {
            self.changed.push(ChangedRow::of(&row, schema));
        }
        self.add_problems(row.problems);
        self.add_skipped(&row.sheet, row.row, row.skipped);
    }

    fn add_skipped(&mut self, sheet: &str, row: u32, skipped: Option<Skipped>) {
        let listed = skipped.filter(|skipped| matches!(skipped.why, Skip::Title | Skip::Total | Skip::Note));
        if let Some(skipped) = listed.filter(|_| self.skipped.len() < SKIPPED_LISTED) {
            self.skipped.push(SkippedRow { sheet: sheet.to_string(), row, why: skipped.why, says: skipped.says });
        }
    }

    pub fn list_missing(&mut self, item: &MissingItem, schema: &Schema) {
        if self.missing.items.len() < CHANGES_LISTED {
            self.missing.items.push(plan::key_of(&item.before, schema));
        }
    }

    /// Sets what is undone, if this is an undo.
    pub fn set_undone(&mut self, undone: Option<Undone>) {
        self.undone = undone;
    }

    pub fn count_missing(&mut self, items: u64, then: Option<Missing>) {
        self.missing.total = items;
        self.missing.then = then.filter(|_| items > 0);
    }

    /// Whether a chunk has anything that the report still has room to list.
    pub fn wants(&self, chunk: &ChunkEntry) -> bool {
        let has = |fate| chunk.counts.of(fate) > 0;
        (chunk.problems > 0 && self.problems.len() < PROBLEMS_LISTED)
            || (has(Fate::Skipped) && self.skipped.len() < SKIPPED_LISTED)
            || (has(Fate::Changed) && self.changed.len() < CHANGES_LISTED)
            || (matches!(chunk.kind, ChunkKind::Missing(_)) && self.missing.items.len() < CHANGES_LISTED)
    }

    pub(super) fn add_problems(&mut self, problems: Vec<Problem>) {
        self.problems_total += problems.len() as u64;
        let room = PROBLEMS_LISTED - self.problems.len();
        self.problems.extend(problems.into_iter().take(room));
    }

    /// Counts problems that the report has no room to list.
    pub fn count_problems(&mut self, problems: u64) {
        self.problems_total += problems;
    }

    pub fn units(&self) -> Units {
        self.units
    }

    /// Adds what reading the table consumed, before or after the writing.
    pub fn add_read_units(&mut self, units: f64) {
        self.units.read += units;
    }

    /// Adds the outcome of a chunk; counts rows that turned out differently from the plan by their final fate.
    pub fn add_outcome(&mut self, outcome: ChunkOutcome) {
        self.spans.add(&outcome);
        self.units.write += outcome.write_units;
        self.units.read += outcome.read_units;
        self.units.requests += outcome.requests;
        self.units.tried_again += outcome.tried_again;
        for refused in outcome.refused {
            self.counts.shift(refused.planned, Fate::NotWritten);
            let problem = refused_problem(refused);
            self.kinds.add(&problem);
            self.add_problems(vec![problem]);
        }
        for kept in outcome.kept {
            self.counts.shift(kept.planned, Fate::Kept);
        }
        self.missing.edited += outcome.edited.len() as u64;
        for failed in outcome.failed_undos {
            if let Some(undone) = &mut self.undone {
                undone.shift(failed);
            }
        }
    }

    /// Counts the rows of a chunk that was never written as not written.
    pub fn mark_not_written(&mut self, entry: &ChunkEntry) {
        for fate in Fate::ALL.into_iter().filter(|fate| fate.is_written()) {
            for _ in 0..entry.counts.of(fate) {
                self.counts.shift(fate, Fate::NotWritten);
            }
        }
    }

    /// Counts a step of an undo that was never carried out as not reached.
    pub fn mark_not_reached(&mut self, step: &UndoStep) {
        if let Some(undone) = &mut self.undone {
            undone.mark_not_reached(step);
        }
    }

    /// Counts all rows that were to be written as held.
    pub fn hold(&mut self) {
        self.counts.move_all(Fate::is_written, Fate::Held);
    }
}

fn refused_problem(refused: RefusedRow) -> Problem {
    let Sentences { rule, message, advice } = sentences!(TableRefusedItem { row: refused.row, reason: refused.reason });
    Problem {
        sheet: refused.sheet.to_string(),
        row: refused.row,
        column: None,
        cell: None,
        value: None,
        rule,
        message,
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(planned: Fate) -> RefusedRow {
        RefusedRow { sheet: "S".into(), row: 7, planned, reason: "Item is odd.".into() }
    }

    fn counts(fate: Fate, rows: u64) -> Counts {
        let mut counts = Counts::default();
        counts.add(fate, rows);
        counts
    }

    fn entry(counts: Counts, problems: u64) -> ChunkEntry {
        ChunkEntry { counts, problems, ..ChunkEntry::of_rows("0".into()) }
    }

    #[test]
    fn problems_are_listed_up_to_a_limit_and_counted_beyond_it() {
        let problem = refused_problem(refused(Fate::Written));
        let mut tally = Tally::default();
        tally.add_problems(vec![problem.clone(); PROBLEMS_LISTED - 1]);
        tally.add_problems(vec![problem; 3]);
        assert_eq!((tally.problems.len(), tally.problems_total), (PROBLEMS_LISTED, PROBLEMS_LISTED as u64 + 2));
        assert!(!tally.wants(&entry(counts(Fate::Rejected, 1), 1)));
        assert!(Tally::default().wants(&entry(counts(Fate::Rejected, 1), 1)));
    }

    #[test]
    fn a_row_that_the_table_refused_does_not_count_as_written() {
        for planned in [Fate::New, Fate::Changed, Fate::Written] {
            let mut tally = Tally::with_counts(counts(planned, 2), Kinds::default());
            let outcome = ChunkOutcome {
                write_units: 1.5,
                requests: 2,
                tried_again: 3,
                refused: vec![refused(planned)],
                ..ChunkOutcome::default()
            };
            tally.add_outcome(outcome);
            assert_eq!((tally.counts.of(planned), tally.counts.of(Fate::NotWritten)), (1, 1));
            assert_eq!(tally.problems[0].message, "The table rejected row 7: \"Item is odd.\"");
            assert_eq!(tally.units, Units { write: 1.5, read: 0.0, requests: 2, tried_again: 3 });
        }
    }

    #[test]
    fn rows_of_a_held_load_count_as_held() {
        let mut tally = Tally::with_counts(counts(Fate::New, 3), Kinds::default());
        tally.counts.add(Fate::Changed, 2);
        tally.counts.add(Fate::Rejected, 1);
        tally.hold();
        assert_eq!((tally.counts.of(Fate::Held), tally.counts.of(Fate::Rejected), tally.counts.total()), (5, 1, 6));
    }
}
