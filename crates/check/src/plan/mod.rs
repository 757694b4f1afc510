//! What will be written, known and kept before anything is: every row's fate, the items, what was there before.
//!
//! A plan is chunks of rows as JSON Lines under zstd, and an index written last and only once. The index is the commit:
//! after it nothing of the plan changes, and writing, continuing, reporting and undoing start from it alone.

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
use inventory_rules::judge::{Kept, KeptCell, Skipped, Verdict};

pub use changed::{Biggest, ChangedAttribute, ChangedRow};
pub use chunk::{
    CHUNKS_AT_ONCE, ROWS_PER_CHUNK, chunk_name, decode, missing_name, pack, read_lines, undo_name, unpack,
};
pub use compare::{Before, Comparison, key_of, provenance};
pub use estimate::{Estimate, read_units, write_units};
pub use gates::{Evidence, Gate, LastLoad, Newer, NewerLoad, Tripped};
pub use index::{ChunkEntry, Counts, Index, LATEST_PAGE, Names};
pub use keys::LoadKeys;
pub use kinds::{Kind, Kinds};
pub use missing::{Listed, MissingItem};
pub use partitions::Partitions;
pub use totals::{ControlTotals, Difference, Figure, Figures, Group};
pub use twins::{Respelling, Twins};
pub use undo::{STAYING_LISTED, StayedItem, StayingItem, StepBack, UndoCounts, UndoFate, Undone};

/// What became, or will become, of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    New,
    Changed,
    Unchanged,
    /// Put without a look at what was there.
    Written,
    /// Right, where no table was asked.
    Accepted,
    /// Left as it was, because the item is there and items are only added.
    Kept,
    Rejected,
    Duplicate,
    Skipped,
    /// Waits with the whole load for somebody to approve it.
    Held,
    /// Planned, and not written: superseded, cancelled, refused by the table.
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

    /// Whether a row of this fate has an item that goes to the table.
    pub fn is_written(self) -> bool {
        matches!(self, Fate::New | Fate::Changed | Fate::Written)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the plan: one line of a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    pub sheet: Arc<str>,
    pub row: u32,
    pub fate: Fate,
    /// What will be; in mode `merge`, what is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// In mode `merge`, the attributes that go away: the sheet has their columns, and the cells are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removes: Vec<String>,
    /// Of a row that cannot go in, where it is readable: the item is listed all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Item>,
    /// What was there when the table was asked; absent where it was not, or had nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Item>,
    /// Of a new row, a key that the table has and that differs from the row's own only in capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<Item>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The row as it was sent, where it cannot go in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<KeptCell>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
}

/// A row of the plan as far as putting its item needs it. The item is left as the text that it is.
#[derive(Debug, Deserialize)]
pub struct PutRow<'a> {
    #[serde(borrow)]
    pub sheet: Cow<'a, str>,
    pub row: u32,
    pub fate: Fate,
    #[serde(borrow, default)]
    pub item: Option<&'a RawValue>,
}

/// Of an unpacked chunk, the rows that came to one of these fates. The others, most of them, are not taken apart.
pub fn read_rows_of(name: &str, lines: &str, fates: &[Fate]) -> Result<Vec<PlanRow>, PlanError> {
    // It stands before all that quotes the file but the sheet's name, in which a quotation mark never stands alone.
    let is_of_these = |line: &&str| {
        let fate = line.split_once(r#""fate":""#).and_then(|(_, rest)| rest.split_once('"'));
        fate.is_some_and(|(fate, _)| fates.iter().any(|these| these.name() == fate))
    };
    let wanted: String = lines.split_inclusive('\n').filter(is_of_these).collect();
    chunk::read_lines(name, &wanted)
}

impl PlanRow {
    /// A row that may go in, before anything is known of the table.
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

    /// The row with the fate that writing gave it in the end.
    pub fn turned_out(mut self, outcome: &ChunkOutcome) -> PlanRow {
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
        let kept = |fate, Kept { problems, cells, key }| PlanRow { fate, problems, cells, key, ..plan.clone() };
        match verdict {
            Verdict::Accepted(item) => PlanRow { item: Some(item), ..plan },
            Verdict::Rejected(row) => kept(Fate::Rejected, row),
            Verdict::Duplicate(row) => kept(Fate::Duplicate, row),
            Verdict::Skipped(skipped) => PlanRow { fate: Fate::Skipped, skipped: Some(skipped), ..plan },
        }
    }
}

/// What writing taught beyond the plan, kept per chunk before the checkpoint passes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkOutcome {
    /// When its first request was sent, and how long it took to the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    #[serde(default)]
    pub seconds: f64,
    /// Consumed, indexes included.
    pub write_units: f64,
    /// Of looking at missing items once more before they were changed.
    #[serde(default)]
    pub read_units: f64,
    pub requests: u64,
    /// Items that the table handed back unprocessed and that were sent again.
    pub tried_again: u64,
    /// Rows whose item the table did not take, with what it said.
    pub refused: Vec<RefusedRow>,
    /// Rows that were to be added and whose item somebody else had put there in the meantime.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptRow>,
    /// Missing items that somebody had changed since they were read: left as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edited: Vec<Item>,
    /// Of an undo: items that stay as they are after all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stayed: Vec<StayedItem>,
}

impl ChunkOutcome {
    /// Of a chunk that was written in several runs.
    pub fn after(self, before: ChunkOutcome) -> ChunkOutcome {
        fn join<T>(before: Vec<T>, after: Vec<T>) -> Vec<T> {
            before.into_iter().chain(after).collect()
        }
        ChunkOutcome {
            // Between two runs nothing was written, so there is no one span of time.
            began: None,
            seconds: before.seconds + self.seconds,
            write_units: before.write_units + self.write_units,
            read_units: before.read_units + self.read_units,
            requests: before.requests + self.requests,
            tried_again: before.tried_again + self.tried_again,
            refused: join(before.refused, self.refused),
            kept: join(before.kept, self.kept),
            edited: join(before.edited, self.edited),
            stayed: join(before.stayed, self.stayed),
        }
    }
}

/// A chunk of which some is written, and some was left for the next run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartOutcome {
    pub outcome: ChunkOutcome,
    /// The places of what is left, among all lines that are to be written; in order.
    pub left: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    pub sheet: Arc<str>,
    pub row: u32,
    /// What was to become of it.
    pub planned: Fate,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow {
    pub sheet: Arc<str>,
    pub row: u32,
    /// What was to become of it.
    pub planned: Fate,
}

/// Why a plan could not be made or understood.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the judged rows could not be read back from temporary storage: {0}")]
    Spool(std::io::Error),
    #[error("{name} of the plan could not be packed: {source}")]
    Pack { name: String, source: std::io::Error },
    #[error("{name} of the plan is damaged: {reason}; upload the file again")]
    Damaged { name: String, reason: String },
    #[error("the plan is of version {0}, and this loader knows version 1; let the loader that made it finish it")]
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
    fn a_line_says_what_will_be_and_what_was_there() {
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
    fn rows_of_some_fates_are_found_whatever_the_others_quote() {
        let quoting = |row: u32, fate: Fate| {
            let says = r#"","fate":"rejected""#;
            let item = Item::from([("fate".to_string(), Value::S(says.into()))]);
            PlanRow { fate, ..PlanRow::accepted(says, row, Some(item)) }
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
    fn a_row_that_cannot_go_in_keeps_its_cells_and_no_item() {
        let cell = KeptCell { cell: "A12".into(), kind: CellKind::Text, value: "x".into(), format: None, number: None };
        let kept = Kept { problems: vec![], cells: vec![cell], key: None };
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
    fn a_fate_is_written_down_by_its_name() {
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
