//! Plans the undo of a load: from its plan and its outcomes, compared with the items of the table now.
//!
//! A load that is done is undone as a whole. If it ended early (superseded, cancelled, failed), the chunks with an
//! outcome are undone, and those after them that may be partly written are looked at too: items that were not written
//! are found as they were before.

use std::collections::BTreeSet;

use tokio::time::Instant;

use crate::ledger::{LoadRecord, State};
use crate::load::error::{CannotUndo, LoadError};
use crate::load::job::Job;
use crate::load::services::Services;
use crate::store::Store;
use inventory_base::decision::Undo;
use inventory_base::ending::Ending;
use inventory_base::item::{Item, item_size};
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_check::plan;
use inventory_check::plan::{
    CHUNKS_AT_ONCE, ChunkEntry, ChunkKind, ChunkOutcome, Estimate, Index, MissingItem, Names, PlanRow, UndoStep, Undone,
};
use inventory_check::report::{Report, Seconds};
use inventory_rules::judge::FileRead;
use inventory_rules::schema::TableShape;

/// A load that wrote something.
pub struct Undoable {
    pub plan: Index,
    /// The number of chunks that the load has certainly written. Outcomes show whether it wrote more.
    pub chunks_done: usize,
}

/// Returns the ledger's record of a load, and how the load ended. Without a record, because there is no ledger or the
/// load took no turn, the ending comes from the report.
pub async fn read_record_and_ending(
    load: &LoadId,
    services: &Services,
) -> Result<(Option<LoadRecord>, Option<Ending>), LoadError> {
    let record = match &services.ledger {
        Some(ledger) => ledger.read(load).await?,
        None => None,
    };
    let ending = match &record {
        Some(record) => record.ending.filter(|_| record.state == State::Ended),
        None => {
            let json = services.store.read(&Names(load).report()).await?;
            let report: Option<Report> = json.map(|json| serde_json::from_slice(&json)).transpose()?;
            report.map(|report| report.ending)
        }
    };
    Ok((record, ending))
}

/// Returns the load to undo, if it can be: it has ended, has written into this table, and its plan has the values
/// before.
pub async fn find_undoable(undo: &Undo, services: &Services) -> Result<Undoable, LoadError> {
    let load = || undo.load.clone();
    let (record, ending) = read_record_and_ending(&undo.load, services).await?;
    let plan = services.store.read(&Names(&undo.load).index()).await?;
    let Some(ending) = ending else {
        let is_known = record.is_some() || plan.is_some();
        return Err(if is_known { CannotUndo::NotEnded(load()) } else { CannotUndo::Unknown(load()) }.into());
    };
    let stopped = [Ending::Superseded, Ending::Cancelled, Ending::Failed];
    let is_done = ending == Ending::Done;
    if !is_done && !stopped.contains(&ending) {
        return Err(CannotUndo::NothingWritten { load: load(), ending }.into());
    }
    let noted = record.as_ref().map_or(0, |record| record.chunks_done as usize);
    let plan = match plan {
        Some(json) => Index::decode(&json)?,
        None if !is_done && record.is_some_and(|record| record.chunks_total == 0) => {
            return Err(CannotUndo::NothingWritten { load: load(), ending }.into());
        }
        None => return Err(CannotUndo::Expired(load()).into()),
    };
    let ours = services.table.name();
    if plan.table.table != ours {
        let planned = plan.table.table;
        return Err(LoadError::OtherTable { load: load(), planned, ours: ours.to_string() });
    }
    if !plan.compared {
        return Err(CannotUndo::NotCompared(load()).into());
    }
    let chunks_done = if is_done { plan.chunks.len() } else { noted };
    Ok(Undoable { plan, chunks_done })
}

/// Builds the plan of an undo.
struct UndoBuilder {
    index: Index,
    undone: Undone,
    write_units: f64,
    /// Read units for reading items again before they are changed.
    read_again_units: f64,
}

impl Job<'_> {
    /// Plans an undo from the plan and the outcomes of the load to undo, compared with what the table holds now. It has
    /// a chunk for each chunk of which something was or may have been written.
    pub async fn plan_undo(&self, undo: &Undo, seconds: &mut Seconds) -> Result<Index, LoadError> {
        let clock = Instant::now();
        let undoable = find_undoable(undo, self.services).await?;
        let loaded = &undoable.plan;
        let shape = self.services.table.describe().await?;
        if loaded.table.is_different_table(&shape) {
            return Err(CannotUndo::TableRecreated(loaded.load.clone()).into());
        }
        loaded.schema.check_table(&shape)?;
        let mut builder = UndoBuilder::new(self, undo, loaded, shape);
        let kept = self.kept_chunks().await?;
        let (mut lines, mut unknown, mut has_progressed) = (0, None, false);
        for (number, entry) in loaded.in_writing_order().enumerate() {
            let outcome = match self.services.store.read(&Names(&loaded.load).outcome(number)).await? {
                Some(json) => serde_json::from_slice(&json)?,
                None if number < undoable.chunks_done => return Err(CannotUndo::Expired(loaded.load.clone()).into()),
                // A run that died may have left this many chunks partially written. An item that was not written is
                // found as it was before.
                None if number < *unknown.get_or_insert(number) + CHUNKS_AT_ONCE => ChunkOutcome::default(),
                None => break,
            };
            let mut steps = undo_steps(loaded, entry, &outcome, &self.services.store).await?;
            if !steps.is_empty() {
                let name = plan::undo_name(builder.index.chunks.len())?;
                match self.kept_steps(&name, &steps, &kept).await? {
                    Some(kept) => {
                        kept.iter().for_each(|step| builder.add(step, step.left.as_ref()));
                        steps = kept;
                    }
                    None => {
                        let keys: Vec<Item> = steps.iter().map(|step| step.key.clone()).collect();
                        let found = self.read_in_parts(&self.services.table, &name, &keys).await?;
                        builder.index.read_units += found.units;
                        for (step, there) in steps.iter_mut().zip(&found.items) {
                            step.compare(there.as_ref());
                            builder.add(step, there.as_ref());
                        }
                        has_progressed = true;
                    }
                }
                self.keep_steps(&mut builder.index, name, steps).await?;
            }
            lines += entry.lines();
            (self.run.progress)(Progress::Planning { rows: lines, of: Some(loaded.lines()) });
            if has_progressed && self.is_past_deadline() {
                return Err(LoadError::PlanUnfinished);
            }
        }
        let index = builder.finish();
        let index = if self.dry_run { index } else { self.keep_index(index).await? };
        seconds.plan = clock.elapsed().as_secs_f64();
        self.log_planned(&index, seconds.plan);
        Ok(index)
    }

    /// Returns the steps of a chunk if an earlier run of this undo has compared and kept them.
    async fn kept_steps(
        &self,
        name: &str,
        steps: &[UndoStep],
        kept: &BTreeSet<String>,
    ) -> Result<Option<Vec<UndoStep>>, LoadError> {
        let place = format!("loads/{}/plan/{name}", self.load);
        if !kept.contains(&place) {
            return Ok(None);
        }
        let Some(packed) = self.services.store.read(&place).await? else { return Ok(None) };
        let Ok(kept) = plan::decode::<UndoStep>(name, &packed) else { return Ok(None) };
        let same = kept.len() == steps.len() && kept.iter().zip(steps).all(|(kept, step)| kept.key == step.key);
        Ok(same.then_some(kept))
    }

    async fn keep_steps(&self, index: &mut Index, name: String, steps: Vec<UndoStep>) -> Result<(), LoadError> {
        let packed = plan::pack(&name, &steps)?;
        let entry = ChunkEntry::new(name, ChunkKind::Undo(steps.len() as u64));
        if !self.dry_run {
            self.keep_chunk(&Names(&self.load).chunk(&entry), packed).await?;
        }
        index.add(entry);
        Ok(())
    }
}

impl UndoBuilder {
    pub fn new(job: &Job<'_>, undo: &Undo, loaded: &Index, shape: TableShape) -> UndoBuilder {
        let (load, upload, schema) = (job.load.clone(), loaded.upload.clone(), loaded.schema.clone());
        let mut index = Index::new(load, upload, schema, shape, FileRead::default());
        index.compared = true;
        index.dry_run = job.dry_run;
        UndoBuilder { index, undone: Undone::new(undo), write_units: 0.0, read_again_units: 0.0 }
    }

    pub fn add(&mut self, step: &UndoStep, there: Option<&Item>) {
        self.undone.add(step);
        if step.fate.is_written() {
            let after = step.after(there);
            self.write_units += plan::write_units(&self.index.table, there, after.as_ref());
            let read_again = there.map_or(0.0, |there| plan::read_units(item_size(there), true));
            self.read_again_units += read_again;
        }
    }

    pub fn finish(mut self) -> Index {
        let read_units = self.index.read_units + self.read_again_units;
        let (price, capacity) = (&self.index.schema.price, self.index.table.capacity);
        self.index.estimate = Estimate::of(self.write_units, read_units, price, capacity);
        self.index.undone = Some(self.undone);
        self.index
    }
}

/// Returns the steps that undo what a chunk wrote, by its plan and its outcome.
async fn undo_steps(
    loaded: &Index,
    entry: &ChunkEntry,
    outcome: &ChunkOutcome,
    store: &Store,
) -> Result<Vec<UndoStep>, LoadError> {
    let packed = store.read(&Names(&loaded.load).chunk(entry)).await?;
    let packed = packed.ok_or_else(|| CannotUndo::Expired(loaded.load.clone()))?;
    let schema = &loaded.schema;
    let steps = match entry.kind {
        ChunkKind::Undo(_) => {
            let failed = |step: &UndoStep| outcome.failed_undos.iter().any(|failed| failed.item.key == step.key);
            let steps = plan::decode::<UndoStep>(&entry.name, &packed)?.into_iter();
            steps.filter(|step| !failed(step)).filter_map(UndoStep::of_undo).collect()
        }
        ChunkKind::Missing(_) => {
            let items = plan::decode::<MissingItem>(&entry.name, &packed)?.into_iter();
            let steps = items.filter_map(|item| UndoStep::of_missing(item, schema));
            steps.filter(|step| !outcome.edited.contains(&step.key)).collect()
        }
        ChunkKind::Rows => {
            let rows = plan::decode::<PlanRow>(&entry.name, &packed)?.into_iter();
            rows.filter_map(|row| UndoStep::of_row(row.with_outcome(outcome), schema)).collect()
        }
    };
    Ok(steps)
}
