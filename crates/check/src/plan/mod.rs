//! The plan of a load, made and stored before anything is written: every row's fate, its item, and the item before.
//!
//! A plan consists of chunks of rows, as JSON Lines compressed with zstd, and an index that is written last and only
//! once. The index is the commit: afterwards the plan never changes, and writing, resuming, reporting and undoing need
//! nothing else.

mod changed;
mod chunk;
mod compare;
mod estimate;
mod gates;
mod index;
mod keys;
mod kinds;
mod missing;
mod partitions;
mod totals;
mod twins;
mod undo;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::child::JudgedRow;
use inventory_base::item::Item;
use inventory_base::message::Problem;
use inventory_rules::judge::{OriginalCell, RejectedRow, Skipped, Verdict};

pub use changed::{Biggest, ChangedAttribute, ChangedRow};
pub use chunk::{
    CHUNKS_AT_ONCE, ROWS_PER_CHUNK, chunk_name, decode, missing_name, pack, read_lines, undo_name, unpack,
};
pub use compare::{Before, Comparison, key_of, provenance};
pub use estimate::{Estimate, read_units, write_units};
pub use gates::{Evidence, Gate, LastLoad, Newer, NewerLoad, Tripped};
pub use index::{ChunkEntry, ChunkKind, Counts, Index, LATEST_PAGE, Names};
pub use keys::LoadKeys;
pub use kinds::{Kind, Kinds};
pub use missing::{Listed, MissingItem};
pub use partitions::Partitions;
pub use totals::{ControlTotals, Difference, Figure, Figures, Group};
pub use twins::{CaseVariants, Twins};
pub use undo::{FailedUndo, NOT_UNDONE_LISTED, NotUndoneItem, UndoCounts, UndoFate, UndoStep, Undone};

/// What happened, or will happen, to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    New,
    Changed,
    Unchanged,
    /// Put without reading the table first.
    Written,
    /// Right, as far as the file shows; no table was read.
    Accepted,
    /// The existing item was left unchanged, because this load only adds items.
    Kept,
    Rejected,
    Duplicate,
    Skipped,
    /// Waits for approval with the whole load.
    Held,
    /// Planned but not written: superseded, cancelled, or refused by the table.
    NotWritten,
}

impl Fate {
    pub const ALL: [Fate; 11] = [
        Fate::New,
        Fate::Changed,
        Fate::Unchanged,
        Fate::Written,
        Fate::Accepted,
        Fate::Kept,
        Fate::Rejected,
        Fate::Duplicate,
        Fate::Skipped,
        Fate::Held,
        Fate::NotWritten,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Fate::New => "new",
            Fate::Changed => "changed",
            Fate::Unchanged => "unchanged",
            Fate::Written => "written",
            Fate::Accepted => "accepted",
            Fate::Kept => "kept",
            Fate::Rejected => "rejected",
            Fate::Duplicate => "duplicate",
            Fate::Skipped => "skipped",
            Fate::Held => "held",
            Fate::NotWritten => "not-written",
        }
    }

    /// Whether the item of a row with this fate is written to the table.
    pub fn is_written(self) -> bool {
        matches!(self, Fate::New | Fate::Changed | Fate::Written)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the plan, which is one line of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    pub sheet: Arc<str>,
    pub row: u32,
    pub fate: Fate,
    /// The new item; in mode `merge`, the attributes to set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// In mode `merge`, the attributes to remove: the sheet has their columns, and the cells are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<String>,
    /// The key of a row that can't be loaded, if it is readable: its item is still listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Item>,
    /// The item that the table had; `None` if it had none, or wasn't read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Item>,
    /// For a new row: a key in the table that differs from the row's own only in upper and lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<Item>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The row's cells as they were sent, if it can't be loaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<OriginalCell>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
}

/// The parts of a plan row that are needed to put its item. The item remains unparsed JSON.
#[derive(Debug, Deserialize)]
pub struct PutRow<'a> {
    #[serde(borrow)]
    pub sheet: Cow<'a, str>,
    pub row: u32,
    pub fate: Fate,
    #[serde(borrow, default)]
    pub item: Option<&'a RawValue>,
}

/// Returns the rows of a decompressed chunk that have one of these fates, without parsing the others, which are most.
pub fn read_rows_of(name: &str, lines: &str, fates: &[Fate]) -> Result<Vec<PlanRow>, PlanError> {
    // The fate comes before everything quoted from the file except the sheet's name, in which quotation marks are
    // escaped.
    let has_wanted_fate = |line: &&str| {
        let fate = line.split_once(r#""fate":""#).and_then(|(_, rest)| rest.split_once('"'));
        fate.is_some_and(|(fate, _)| fates.iter().any(|wanted| wanted.name() == fate))
    };
    let wanted: String = lines.split_inclusive('\n').filter(has_wanted_fate).collect();
    chunk::read_lines(name, &wanted)
}

impl PlanRow {
    /// Returns a row that is right as far as the file shows, before it is compared with the table.
    pub fn accepted(sheet: impl Into<Arc<str>>, row: u32, item: Option<Item>) -> PlanRow {
        PlanRow {
            sheet: sheet.into(),
            row,
            fate: Fate::Accepted,
            item,
            removes: Vec::new(),
            key: None,
            before: None,
            twin: None,
            problems: Vec::new(),
            cells: Vec::new(),
            skipped: None,
        }
    }

    /// Returns the row with its final fate, now that its chunk has been written.
    pub fn with_outcome(mut self, outcome: &ChunkOutcome) -> PlanRow {
        let is_this = |sheet: &Arc<str>, row: u32| row == self.row && *sheet == self.sheet;
        if outcome.refused.iter().any(|refused| is_this(&refused.sheet, refused.row)) {
            self.fate = Fate::NotWritten;
        } else if outcome.kept.iter().any(|kept| is_this(&kept.sheet, kept.row)) {
            self.fate = Fate::Kept;
        }
        self
    }
}

impl From<JudgedRow> for PlanRow {
    fn from(judged: JudgedRow) -> PlanRow {
        let JudgedRow { sheet, row, verdict } = judged;
        let plan = PlanRow::accepted(sheet, row, None);
        let kept = |fate, RejectedRow { problems, cells, key }| PlanRow { fate, problems, cells, key, ..plan.clone() };
        match verdict {
            Verdict::Accepted(item) => PlanRow { item: Some(item), ..plan },
            Verdict::Rejected(row) => kept(Fate::Rejected, row),
            Verdict::Duplicate(row) => kept(Fate::Duplicate, row),
            Verdict::Skipped(skipped) => PlanRow { fate: Fate::Skipped, skipped: Some(skipped), ..plan },
        }
    }
}

/// What only writing a chunk could show, stored before the checkpoint moves past the chunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkOutcome {
    /// When the first request was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// Seconds from the first request to the last answer.
    #[serde(default)]
    pub seconds: f64,
    /// Write units consumed, indexes included.
    pub write_units: f64,
    /// Read units consumed by reading missing items again before they were changed.
    #[serde(default)]
    pub read_units: f64,
    pub requests: u64,
    /// The number of items that the table returned unprocessed and that were sent again.
    pub tried_again: u64,
    /// Rows whose item the table refused, with its reason.
    pub refused: Vec<RefusedRow>,
    /// Rows that were to be added, but whose item another writer had put there in the meantime.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptRow>,
    /// Missing items that another writer had changed since they were read; they were left unchanged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edited: Vec<Item>,
    /// In an undo: items that could not be undone after all.
    #[serde(rename = "stayed", default, skip_serializing_if = "Vec::is_empty")]
    pub failed_undos: Vec<FailedUndo>,
}

impl ChunkOutcome {
    /// Joins the outcomes of a chunk that was written in two runs; `before` is that of the earlier one.
    pub fn after(self, before: ChunkOutcome) -> ChunkOutcome {
        fn join<T>(before: Vec<T>, after: Vec<T>) -> Vec<T> {
            before.into_iter().chain(after).collect()
        }
        ChunkOutcome {
            // Nothing was written between the two runs, so the two spans of time can't be joined.
            began: None,
            seconds: before.seconds + self.seconds,
            write_units: before.write_units + self.write_units,
            read_units: before.read_units + self.read_units,
            requests: before.requests + self.requests,
            tried_again: before.tried_again + self.tried_again,
            refused: join(before.refused, self.refused),
            kept: join(before.kept, self.kept),
            edited: join(before.edited, self.edited),
            failed_undos: join(before.failed_undos, self.failed_undos),
        }
    }
}

/// The progress of a chunk that was only partly written; the rest is left for the next run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartOutcome {
    pub outcome: ChunkOutcome,
    /// What is left: positions among all lines to be written, in order.
    pub left: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    pub sheet: Arc<str>,
    pub row: u32,
    /// The row's fate in the plan.
    pub planned: Fate,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow {
    pub sheet: Arc<str>,
    pub row: u32,
    /// The row's fate in the plan.
    pub planned: Fate,
}

/// Why a plan could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the judged rows could not be read back from temporary storage: {0}")]
    Spool(std::io::Error),
    #[error("{name} of the plan could not be compressed: {source}")]
    Pack { name: String, source: std::io::Error },
    #[error("{name} of the plan is damaged: {reason}; upload the file again")]
    Damaged { name: String, reason: String },
    #[error("the plan has version {0}, but this loader only knows version 1; let the loader that made it finish it")]
    Version(u32),
    #[error("the plan would have more than {0} chunks; split the file")]
    TooLong(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::item::Value;
    use inventory_rules::judge::{CellKind, Skip};

    fn judged(verdict: Verdict) -> JudgedRow {
        JudgedRow { sheet: "Stock".into(), row: 12, verdict }
    }

    #[test]
    fn a_line_has_the_item_before_and_after() {
        let item = |name: &str| Item::from([("name".to_string(), Value::S(name.into()))]);
        let mut row = PlanRow::from(judged(Verdict::Accepted(item("Bolt"))));
        row.fate = Fate::Changed;
        row.before = Some(item("Nut"));
        let line = serde_json::to_string(&row).unwrap();
        let text =
            r#"{"sheet":"Stock","row":12,"fate":"changed","item":{"name":{"S":"Bolt"}},"before":{"name":{"S":"Nut"}}}"#;
        assert_eq!(line, text);
        assert_eq!(serde_json::from_str::<PlanRow>(&line).unwrap(), row);
    }

    #[test]
    fn rows_with_some_fates_are_found_whatever_the_others_quote() {
        let quoting = |row: u32, fate: Fate| {
            let quoted = r#"","fate":"rejected""#;
            let item = Item::from([("fate".to_string(), Value::S(quoted.into()))]);
            PlanRow { fate, ..PlanRow::accepted(quoted, row, Some(item)) }
        };
        let rows: Vec<PlanRow> = (0..).zip(Fate::ALL).map(|(row, fate)| quoting(row, fate)).collect();
        let packed = pack("00000", &rows).unwrap();
        let lines = unpack("00000", &packed).unwrap();
        for wanted in [&[Fate::Rejected, Fate::Duplicate][..], &[Fate::New], &[]] {
            let found = read_rows_of("00000", &lines, wanted).unwrap();
            let expected: Vec<PlanRow> = rows.iter().filter(|row| wanted.contains(&row.fate)).cloned().collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_row_that_cannot_be_loaded_keeps_its_cells_and_no_item() {
        let cell =
            OriginalCell { cell: "A12".into(), kind: CellKind::Text, value: "x".into(), format: None, number: None };
        let kept = RejectedRow { problems: vec![], cells: vec![cell], key: None };
        for (verdict, fate) in [
            (Verdict::Rejected(kept.clone()), Fate::Rejected),
            (Verdict::Duplicate(kept), Fate::Duplicate),
            (Verdict::Skipped(Skipped { why: Skip::Total, says: "Total".into() }), Fate::Skipped),
        ] {
            let row = PlanRow::from(judged(verdict));
            assert_eq!((row.fate, row.item.is_none(), row.fate.is_written()), (fate, true, false));
            assert_eq!(row.cells.len(), usize::from(fate != Fate::Skipped));
        }
    }

    #[test]
    fn a_fate_is_serialised_as_its_name() {
        for fate in Fate::ALL {
            assert_eq!(serde_json::to_string(&fate).unwrap(), format!("\"{fate}\""));
        }
    }

    #[test]
    fn a_damaged_chunk_is_named() {
        let packed = zstd::encode_all(&b"{\"sheet\":"[..], 1).unwrap();
        for content in [&b"no zstd"[..], &packed] {
            let error = decode::<PlanRow>("00007.jsonl.zst", content).unwrap_err();
            assert!(error.to_string().starts_with("00007.jsonl.zst of the plan is damaged"), "{error}");
        }
    }
}
