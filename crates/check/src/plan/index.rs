//! The index of a plan, written last: which file is loaded by which rules into which table, and what the chunks hold.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ChangedRow, ControlTotals, Estimate, Fate, Gate, Kinds, PlanError, Tripped, Undone};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_rules::judge::FileRead;
use inventory_rules::schema::{Schema, TableShape};

const VERSION: u32 = 1;

/// The number of rows of each fate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Fate, u64>);

impl Counts {
    pub fn add(&mut self, fate: Fate, rows: u64) {
        *self.0.entry(fate).or_default() += rows;
    }

    pub fn add_all(&mut self, other: &Counts) {
        for (fate, rows) in &other.0 {
            self.add(*fate, *rows);
        }
    }

    pub fn of(&self, fate: Fate) -> u64 {
        self.0.get(&fate).copied().unwrap_or_default()
    }

    /// Counts one row as `to` instead of `from`, because it turned out differently from the plan.
    pub fn shift(&mut self, from: Fate, to: Fate) {
        if let Some(rows) = self.0.get_mut(&from).filter(|rows| **rows > 0) {
            *rows -= 1;
            self.add(to, 1);
        }
    }

    /// Counts all rows with one of these fates as `to`.
    pub fn move_all(&mut self, from: impl Fn(Fate) -> bool, to: Fate) {
        let moved: u64 = self.0.iter().filter(|(fate, _)| from(**fate)).map(|(_, rows)| rows).sum();
        self.0.retain(|fate, _| !from(*fate));
        if moved > 0 {
            self.add(to, moved);
        }
    }

    pub fn has(&self, wanted: impl Fn(Fate) -> bool) -> bool {
        self.0.iter().any(|(fate, rows)| wanted(*fate) && *rows > 0)
    }

    /// The number of rows whose item is, or will be, in the table as the sheet has it.
    pub fn items(&self) -> u64 {
        [Fate::New, Fate::Changed, Fate::Unchanged, Fate::Written].into_iter().map(|fate| self.of(fate)).sum()
    }

    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// What the index says about a chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredEntry", into = "StoredEntry")]
pub struct ChunkEntry {
    pub name: String,
    pub kind: ChunkKind,
    /// The fates of its rows.
    pub counts: Counts,
    pub problems: u64,
}

/// What the lines of a chunk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    /// Rows of the sheet.
    Rows,
    /// This many items that the sheet no longer lists.
    Missing(u64),
    /// This many items that the undone load wrote.
    Undo(u64),
}

impl ChunkEntry {
    /// A chunk of rows, none of which are counted yet.
    pub fn of_rows(name: String) -> ChunkEntry {
        ChunkEntry::new(name, ChunkKind::Rows)
    }

    pub fn new(name: String, kind: ChunkKind) -> ChunkEntry {
        ChunkEntry { name, kind, counts: Counts::default(), problems: 0 }
    }

    /// The number of lines of the chunk.
    pub fn lines(&self) -> u64 {
        match self.kind {
            ChunkKind::Rows => self.counts.total(),
            ChunkKind::Missing(items) | ChunkKind::Undo(items) => items,
        }
    }
}

/// A chunk as `plan.json` stores it.
#[derive(Serialize, Deserialize)]
struct StoredEntry {
    name: String,
    counts: Counts,
    problems: u64,
    #[serde(default)]
    missing: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    undone: u64,
}

impl From<StoredEntry> for ChunkEntry {
    fn from(stored: StoredEntry) -> ChunkEntry {
        let StoredEntry { name, counts, problems, missing, undone } = stored;
        let kind = match (missing, undone) {
            (0, 0) => ChunkKind::Rows,
            (items, 0) => ChunkKind::Missing(items),
            (_, items) => ChunkKind::Undo(items),
        };
        ChunkEntry { name, kind, counts, problems }
    }
}

impl From<ChunkEntry> for StoredEntry {
    fn from(ChunkEntry { name, kind, counts, problems }: ChunkEntry) -> StoredEntry {
        let (missing, undone) = match kind {
            ChunkKind::Rows => (0, 0),
            ChunkKind::Missing(items) => (items, 0),
            ChunkKind::Undo(items) => (0, items),
        };
        StoredEntry { name, counts, problems, missing, undone }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    version: u32,
    pub load: LoadId,
    pub upload: Upload,
    /// The program that made the plan.
    pub program: String,
    pub made: Timestamp,
    /// The rules that the file was judged by; they may have changed since.
    pub schema: Schema,
    /// The table as it was described before judging.
    pub table: TableShape,
    /// Whether the table was read, so that `before` says what was there.
    pub compared: bool,
    /// What the load undoes, if it is an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// Whether this is a dry run: nothing of the plan is ever written.
    #[serde(default)]
    pub dry_run: bool,
    /// Why the load waits for approval; until then nothing is written.
    #[serde(default)]
    pub held: Vec<Tripped>,
    /// The gates that were skipped because the load that tripped them was approved.
    #[serde(default)]
    pub waived: BTreeSet<Gate>,
    #[serde(flatten)]
    pub file: FileRead,
    pub counts: Counts,
    #[serde(default)]
    pub kinds: Kinds,
    /// The biggest changes.
    #[serde(default)]
    pub biggest: Vec<ChangedRow>,
    /// The number of items that the sheet no longer lists.
    #[serde(default)]
    pub missing: u64,
    /// The number of items of the load by scope; the next load is compared with it.
    #[serde(default)]
    pub per_scope: BTreeMap<String, u64>,
    #[serde(default)]
    pub totals: ControlTotals,
    pub estimate: Estimate,
    /// Read units consumed while the plan was made.
    pub read_units: f64,
    pub chunks: Vec<ChunkEntry>,
    /// The order in which chunks are written, if it isn't the order of the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<u32>>,
}

impl Index {
    pub fn new(load: LoadId, upload: Upload, schema: Schema, table: TableShape, file: FileRead) -> Index {
        Index {
            version: VERSION,
            load,
            upload,
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_string(),
            made: Timestamp::now(),
            schema,
            table,
            compared: false,
            undone: None,
            dry_run: false,
            held: Vec::new(),
            waived: BTreeSet::new(),
            file,
            counts: Counts::default(),
            kinds: Kinds::default(),
            biggest: Vec::new(),
            missing: 0,
            per_scope: BTreeMap::new(),
            totals: ControlTotals::default(),
            estimate: Estimate::default(),
            read_units: 0.0,
            chunks: Vec::new(),
            order: None,
        }
    }

    pub fn add(&mut self, chunk: ChunkEntry) {
        self.counts.add_all(&chunk.counts);
        if let ChunkKind::Missing(items) = chunk.kind {
            self.missing += items;
        }
        self.chunks.push(chunk);
    }

    /// Returns the chunks in the order in which they are written; a chunk's place in it names its outcome.
    pub fn in_writing_order(&self) -> impl Iterator<Item = &ChunkEntry> + Clone {
        let order = self.order.iter().flatten().filter_map(|chunk| self.chunks.get(*chunk as usize));
        let rest = if self.order.is_some() { &[] } else { &self.chunks[..] };
        order.chain(rest)
    }

    /// The number of lines of all chunks, of whichever kind.
    pub fn lines(&self) -> u64 {
        self.chunks.iter().map(ChunkEntry::lines).sum()
    }

    pub fn encode(&self) -> Result<Vec<u8>, PlanError> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| PlanError::Pack { name: "plan.json".to_string(), source: error.into() })
    }

    pub fn decode(json: &[u8]) -> Result<Index, PlanError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let damaged =
            |error: serde_json::Error| PlanError::Damaged { name: "plan.json".into(), reason: error.to_string() };
        let Versioned { version } = serde_json::from_slice(json).map_err(damaged)?;
        if version != VERSION {
            return Err(PlanError::Version(version));
        }
        let index: Index = serde_json::from_slice(json).map_err(damaged)?;
        let names_each_once = |order: &Vec<u32>| {
            let chunks: BTreeSet<u32> = order.iter().copied().collect();
            order.len() == index.chunks.len() && chunks.into_iter().eq(0..order.len() as u32)
        };
        match index.order.as_ref().is_none_or(names_each_once) {
            true => Ok(index),
            false => {
                let reason = "its order does not name each chunk once".to_string();
                Err(PlanError::Damaged { name: "plan.json".into(), reason })
            }
        }
    }
}

/// The object keys of the parts of a load.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(pub &'a LoadId);

impl Names<'_> {
    pub fn index(&self) -> String {
        format!("loads/{}/plan.json", self.0)
    }

    pub fn chunk(&self, entry: &ChunkEntry) -> String {
        format!("loads/{}/plan/{}", self.0, entry.name)
    }

    /// The keys of the items in the load.
    pub fn keys(&self) -> String {
        format!("loads/{}/keys.bin", self.0)
    }

    pub fn outcome(&self, chunk: usize) -> String {
        format!("loads/{}/outcome/{chunk:05}.json", self.0)
    }

    /// The progress of a chunk that a run had no time to finish.
    pub fn part(&self, chunk: usize) -> String {
        format!("loads/{}/part/{chunk:05}.json", self.0)
    }

    /// What was read from the table before a run had to stop.
    pub fn read_part(&self, of: &str) -> String {
        format!("loads/{}/part/read-{of}", self.0)
    }

    pub fn report(&self) -> String {
        format!("loads/{}/report.json", self.0)
    }

    /// The report for people.
    pub fn page(&self) -> String {
        format!("loads/{}/report.html", self.0)
    }

    /// The report as plain text.
    pub fn words(&self) -> String {
        format!("loads/{}/report.txt", self.0)
    }

    /// The workbook of rows to fix.
    pub fn to_fix(&self) -> String {
        format!("loads/{}/to-fix.xlsx", self.0)
    }
}

/// The page of the load that ended last.
pub const LATEST_PAGE: &str = "loads/latest.html";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_another_version_is_refused() {
        assert!(matches!(Index::decode(br#"{"version":2,"new":1}"#), Err(PlanError::Version(2))));
        assert!(matches!(Index::decode(b"{"), Err(PlanError::Damaged { .. })));
    }

    #[test]
    fn chunks_are_written_in_the_order_given_and_an_order_that_omits_one_is_refused() {
        let json = br#"{"bucket":"uploads","key":"a.csv","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#;
        let upload: Upload = serde_json::from_slice(json).unwrap();
        let shape = TableShape {
            table: "stock".into(),
            id: None,
            key: serde_json::from_str(r#"{"partition":{"name":"sku","kind":"S"},"sort":null}"#).unwrap(),
            indexes: vec![],
            capacity: None,
        };
        let mut index = Index::new(LoadId::of(&upload), upload, Schema::shipped().unwrap(), shape, FileRead::default());
        for name in ["a", "b", "c"] {
            let counts = Counts::default();
            index.add(ChunkEntry { counts, ..ChunkEntry::of_rows(name.into()) });
        }
        let names = |index: &Index| index.in_writing_order().map(|chunk| chunk.name.clone()).collect::<String>();
        assert_eq!(names(&index), "abc");
        index.order = Some(vec![2, 0, 1]);
        assert_eq!(names(&Index::decode(&index.encode().unwrap()).unwrap()), "cab");
        for order in [vec![2, 0], vec![2, 0, 0], vec![1, 2, 3]] {
            index.order = Some(order);
            assert!(matches!(Index::decode(&index.encode().unwrap()), Err(PlanError::Damaged { .. })));
        }
    }

    #[test]
    fn counts_are_serialised_by_the_names_of_the_fates() {
        let mut counts = Counts::default();
        counts.add(Fate::Written, 3);
        counts.add(Fate::Skipped, 2);
        counts.shift(Fate::Written, Fate::NotWritten);
        counts.shift(Fate::Changed, Fate::NotWritten);
        assert_eq!(serde_json::to_string(&counts).unwrap(), r#"{"written":2,"skipped":2,"not-written":1}"#);
        assert_eq!(counts.total(), 5);
    }
}
