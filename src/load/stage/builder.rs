//! Builds the plan of a file, chunk by chunk.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::stage::verify::READ_BACK_ITEMS;
use crate::table::Table;
use inventory_base::item::{Item, item_size};
use inventory_check::plan;
use inventory_check::plan::{
    Biggest, ChunkEntry, Estimate, Evidence, Fate, Gate, Index, LastLoad, Listed, LoadKeys, MissingItem, Partitions,
    PlanRow, Twins,
};
use inventory_rules::judge::{FileRead, SheetRead};
use inventory_rules::schema::{Missing, Schema, TableShape};

/// The input of a plan: the rules, the table, and what earlier runs have kept.
pub struct PlanInput<'a> {
    pub schema: &'a Schema,
    pub table: Table,
    /// The index without any rows.
    index: Index,
    pub provenance: Item,
    pub empty: bool,
    pub read_units: f64,
    pub kept: BTreeSet<String>,
}

impl<'a> PlanInput<'a> {
    pub fn new(job: &Job<'_>, schema: &'a Schema, shape: &TableShape, kept: BTreeSet<String>) -> PlanInput<'a> {
        let (load, upload) = (job.load.clone(), job.upload.clone());
        let mut index = Index::new(load, upload, schema.clone(), shape.clone(), FileRead::default());
        index.compared = schema.compare;
        index.dry_run = job.dry_run;
        index.waived = job.waived.clone();
        let provenance = plan::provenance(schema, job.load.as_str(), &index.made.to_string());
        let table = job.services.table.clone().with_consistent_reads(schema.consistent_reads);
        PlanInput { schema, table, index, provenance, empty: false, read_units: 0.0, kept }
    }

    pub async fn check_if_empty(&mut self) -> Result<(), LoadError> {
        if self.schema.compare {
            (self.empty, self.read_units) = self.table.is_empty().await?;
        }
        Ok(())
    }
}

/// The judged rows of a chunk, and the sheets they are from.
pub struct Judged {
    pub rows: Vec<PlanRow>,
    pub sheets: Arc<[SheetRead]>,
}

/// A chunk before it is packed.
pub struct Draft {
    pub number: usize,
    pub rows: Vec<PlanRow>,
    /// Read units that the comparison with the table consumed.
    pub read_units: f64,
    /// Whether an earlier run of this load has kept the same chunk.
    pub is_kept: bool,
}

/// A chunk that is ready to be stored.
pub struct Packed {
    pub entry: ChunkEntry,
    /// `None` if the chunk is kept already.
    pub packed: Option<Vec<u8>>,
}

/// Builds a plan from its chunks.
pub struct PlanBuilder<'a> {
    pub index: Index,
    schema: &'a Schema,
    pub evidence: Evidence<'a>,
    pub listed: Option<Listed<'a>>,
    partitions: Partitions<'a>,
    biggest: Biggest,
    twins: Twins,
    pub keys: LoadKeys,
    write_units: f64,
    /// Read units for reading missing items again before they are changed.
    read_again_units: f64,
    /// Read units for reading back all items of the load.
    read_back_units: f64,
}

impl<'a> PlanBuilder<'a> {
    pub fn new(input: &PlanInput<'a>, shape: &'a TableShape) -> PlanBuilder<'a> {
        let (schema, mut index) = (input.schema, input.index.clone());
        index.read_units = input.read_units;
        PlanBuilder {
            index,
            schema,
            evidence: Evidence::new(schema),
            listed: schema.sync.as_ref().map(|sync| Listed::new(schema, sync)),
            partitions: Partitions::new(shape),
            biggest: Biggest::default(),
            twins: Twins::default(),
            keys: LoadKeys::default(),
            write_units: 0.0,
            read_again_units: 0.0,
            read_back_units: 0.0,
        }
    }
}

impl PlanBuilder<'_> {
    /// Adds the rows of a chunk, in order, and packs them.
    pub fn add(&mut self, draft: Draft) -> Result<Packed, LoadError> {
        let name = plan::chunk_name(draft.number)?;
        let mut entry = ChunkEntry::of_rows(name);
        self.index.read_units += draft.read_units;
        for row in &draft.rows {
            entry.counts.add(row.fate, 1);
            entry.problems += row.problems.len() as u64;
            row.problems.iter().for_each(|problem| self.index.kinds.add(problem));
            self.add_row(row);
        }
        self.partitions.end_chunk();
        let packed = if draft.is_kept { None } else { Some(plan::pack(&entry.name, &draft.rows)?) };
        self.index.add(entry.clone());
        Ok(Packed { entry, packed })
    }

    fn add_row(&mut self, row: &PlanRow) {
        if row.fate == Fate::Skipped {
            return;
        }
        let after = row.after(self.schema.mode);
        if let Some(listed) = &mut self.listed {
            listed.add(after.as_deref().or(row.key.as_ref()), after.as_deref());
        }
        self.evidence.add_row(row.fate, row.before.as_ref(), after.as_deref().or(row.key.as_ref()));
        self.twins.add(row, self.schema);
        let Some(after) = after else { return };
        if row.fate != Fate::Kept {
            self.keys.add(self.schema, &after, row.fate.is_written());
        }
        if row.fate == Fate::Changed {
            self.biggest.add(row, &after, self.schema);
        }
        if row.fate.is_written() {
            let units = plan::write_units(&self.index.table, row.before.as_ref(), Some(&after));
            self.write_units += units;
            self.partitions.add(&after, units);
        }
        if row.fate != Fate::Kept {
            self.index.totals.add(&after, &self.schema.totals);
            self.read_back_units += plan::read_units(item_size(&after), true);
        }
    }

    /// Adds items that the sheet no longer lists.
    pub fn add_missing(&mut self, entry: ChunkEntry, items: &[MissingItem]) {
        for item in items {
            self.evidence.add_missing(&item.before);
            let after = item.after();
            if item.missing != Missing::Report {
                self.keys.add(self.schema, &item.before, true);
                self.write_units += plan::write_units(&self.index.table, Some(&item.before), after.as_ref());
                // It is read again before it is changed.
                self.read_again_units += plan::read_units(item_size(&item.before), true);
            }
        }
        self.index.add(entry);
    }

    /// The gates that do not hold this load: those that are waived, and for a workbook of fixed rows also those about
    /// rejected rows and fewer items, since it has only a few rows, all of which were wrong before.
    fn waived_gates(&self) -> BTreeSet<Gate> {
        let of_a_whole = [Gate::Rejected, Gate::Fewer].into_iter().filter(|_| self.index.file.fixes.is_some());
        self.index.waived.iter().copied().chain(of_a_whole).collect()
    }

    pub fn finish(mut self, last: Option<&LastLoad>) -> (Index, LoadKeys) {
        self.index.per_scope = self.evidence.to_last_load(&self.index.load).per_scope;
        self.evidence.set_document(self.index.file.document.as_ref());
        self.index.held = self.evidence.judge(last, &self.waived_gates(), &self.index.load);
        let items = self.index.counts.items();
        let share = if items > READ_BACK_ITEMS { READ_BACK_ITEMS as f64 / items as f64 } else { 1.0 };
        let read_back = if self.schema.totals.read_back { self.read_back_units * share } else { 0.0 };
        let read_units = self.index.read_units + self.read_again_units + read_back;
        let (price, capacity) = (&self.schema.price, self.index.table.capacity);
        let mut estimate = Estimate::of(self.write_units, read_units, price, capacity);
        let Estimate { seconds: to_write, .. } = Estimate::of(self.write_units, 0.0, price, capacity);
        let spread = self.partitions.finish(to_write.unwrap_or_default());
        let longer = (spread.seconds - to_write.unwrap_or_default()).max(0.0);
        estimate.seconds = estimate.seconds.map(|seconds| seconds + longer);
        self.index.estimate = estimate;
        self.index.biggest = self.biggest.finish();
        self.index.file.notes.extend(self.twins.note(self.schema, &self.index.file.sheets));
        self.index.file.notes.extend(spread.note);
        let chunks = 0..self.index.chunks.len() as u32;
        // Chunks of missing items come last.
        self.index.order = spread.order.map(|order| order.iter().copied().chain(chunks.skip(order.len())).collect());
        (self.index, self.keys)
    }
}
