//! Taking back what a load wrote: whether that can be done, the plan for it, and its writing.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::asked::Answer;
use super::journey::Journey;
use super::turn::{enqueue, settle, start_next, wait_for_turn};
use super::writing::{Open, WrittenChunk, places_of};
use super::{LoadError, Places, Progress, Rules, Run, RunEnd};
use crate::ledger::{Announced, LoadRecord, State};
use crate::store::Store;
use crate::table::{Act, Change, Table, Turn};
use inventory_base::decision::Undo;
use inventory_base::ending::Ending;
use inventory_base::item::{Item, item_size};
use inventory_base::load_id::LoadId;
use inventory_check::plan::{
    self, CHUNKS_AT_ONCE, ChunkEntry, ChunkOutcome, Counts, Estimate, Index, MissingItem, Names, PlanRow, StayedItem,
    StayingItem, StepBack, UndoFate, Undone,
};
use inventory_check::report::{Report, Seconds, UndoAnswer};
use inventory_rules::judge::FileRead;
use inventory_rules::schema::TableShape;

/// Why a load cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    #[error("nothing is known of load {0} here, so nothing was undone; check its name, and where its report is")]
    Unknown(LoadId),
    #[error("load {0} has not ended, so nothing was undone; wait for its report")]
    NotEnded(LoadId),
    #[error("load {load} ended as \"{ending}\" and wrote nothing, so there is nothing to undo")]
    NothingWritten { load: LoadId, ending: String },
    #[error(
        "load {0} wrote without looking at the table first (compare = false), so nobody knows what was there before; \
         nothing was undone. Load a sheet with the right values instead"
    )]
    NotCompared(LoadId),
    #[error(
        "the table was deleted and made anew since load {0}, so what that load wrote is not in it; nothing was undone"
    )]
    TableMadeAnew(LoadId),
    #[error(
        "the plan of load {0} is no longer kept, and with it what was there before; nothing was undone. Load a sheet \
         with the right values instead"
    )]
    Expired(LoadId),
}

/// A load that wrote something.
struct Undoable {
    plan: Index,
    /// Chunks that the load has written for certain. Whether it wrote more, their outcomes say.
    chunks_done: usize,
}

/// Takes back what a load wrote, or goes on with that.
pub async fn undo(undo: &Undo, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let load = undo.load.undoing();
    match &places.ledger {
        Some(ledger) => {
            let announced = match ledger.read(&load).await? {
                Some(record) => Announced::known(record),
                None => announce(undo, places).await?,
            };
            let turn = wait_for_turn(ledger, &announced, run).await?;
            settle(turn, &load, ledger, places, rules, run).await
        }
        None => match look_up(&load, places).await? {
            (_, Some(ending)) => Ok(RunEnd::EndedBefore { ending }),
            _ => {
                let undoable = find_undoable(undo, places).await?;
                let journey = Journey::new(load, undoable.plan.upload, None, places, rules, run);
                Journey { undo: Some(undo.clone()), ..journey }.travel().await
            }
        },
    }
}

/// Tells what an undo would come to. Nothing is changed, and nothing is kept of it.
pub async fn tell_undo(undo: &Undo, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<UndoAnswer, LoadError> {
    let load = undo.load.undoing();
    if let (_, Some(ending)) = look_up(&load, places).await? {
        return Ok(UndoAnswer::EndedBefore(ending));
    }
    let undoable = find_undoable(undo, places).await?;
    let journey = Journey::new(load, undoable.plan.upload, None, places, rules, run);
    let journey = Journey { undo: Some(undo.clone()), dry_run: true, ..journey };
    let plan = journey.plan_undo(undo, &mut Seconds::default()).await?;
    let report = journey.tell_unwritten(plan, journey.seconds()).await?;
    tracing::info!(event = "undo_told", load = %journey.load, summary = report.summary);
    Ok(UndoAnswer::Report(Box::new(report)))
}

/// Puts an undo into the queue, or finds it there.
pub async fn ask_undo(undo: &Undo, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let load = undo.load.undoing();
    if ledger.read(&load).await?.is_none() {
        enqueue(announce(undo, places).await?, places, run).await?;
    }
    start_next(places).await;
    Ok(Answer::Undoing { load })
}

async fn announce(undo: &Undo, places: &Places) -> Result<Announced, LoadError> {
    let upload = find_undoable(undo, places).await?.plan.upload;
    let (load, table) = (undo.load.undoing(), places.table.name().to_string());
    let decision = Some(("undo", serde_json::json!(undo)));
    Ok(Announced { load, upload, table, at: undo.at, decision, is_version: false })
}

/// What the ledger knows of a load, and how the load ended: without a ledger, and of a load that took no turn, its
/// report knows.
async fn look_up(load: &LoadId, places: &Places) -> Result<(Option<LoadRecord>, Option<String>), LoadError> {
    let record = match &places.ledger {
        Some(ledger) => ledger.read(load).await?,
        None => None,
    };
    let ending = match &record {
        Some(record) => record.ending.clone().filter(|_| record.state == State::Ended),
        None => {
            let json = places.store.read(&Names(load).report()).await?;
            let report: Option<Report> = json.map(|json| serde_json::from_slice(&json)).transpose()?;
            report.map(|report| report.ending.name().to_string())
        }
    };
    Ok((record, ending))
}

/// The load that is to be undone: one that has written something, into this table, and knows what was there before.
async fn find_undoable(undo: &Undo, places: &Places) -> Result<Undoable, LoadError> {
    let load = || undo.load.clone();
    let (record, ending) = look_up(&undo.load, places).await?;
    let plan = places.store.read(&Names(&undo.load).index()).await?;
    let Some(ending) = ending else {
        let is_known = record.is_some() || plan.is_some();
        return Err(if is_known { CannotUndo::NotEnded(load()) } else { CannotUndo::Unknown(load()) }.into());
    };
    let stopped = [Ending::Superseded, Ending::Cancelled, Ending::Failed].map(Ending::name);
    let is_done = ending == Ending::Done.name();
    if !is_done && !stopped.contains(&ending.as_str()) {
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
    let ours = places.table.name();
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

/// The plan of an undo in the making.
struct Making {
    index: Index,
    undone: Undone,
    write_units: f64,
    /// Of looking at items once more before they are changed.
    read_again_units: f64,
}

impl Journey<'_> {
    /// The plan of an undo comes from the plan and the outcomes of the load that is undone, beside what the table holds
    /// now. It has a chunk for each chunk of which something was written, or may have been.
    pub(super) async fn plan_undo(&self, undo: &Undo, seconds: &mut Seconds) -> Result<Index, LoadError> {
        let clock = Instant::now();
        let undoable = find_undoable(undo, self.places).await?;
        let loaded = &undoable.plan;
        let shape = self.places.table.describe().await?;
        if loaded.table.is_another(&shape) {
            return Err(CannotUndo::TableMadeAnew(loaded.load.clone()).into());
        }
        loaded.schema.check_fits(&shape)?;
        let mut making = Making::new(self, undo, loaded, shape);
        let kept = self.kept_chunks().await?;
        let (mut lines, mut unknown, mut has_progressed) = (0, None, false);
        for (number, entry) in loaded.in_writing_order().enumerate() {
            let outcome = match self.places.store.read(&Names(&loaded.load).outcome(number)).await? {
                Some(json) => serde_json::from_slice(&json)?,
                None if number < undoable.chunks_done => return Err(CannotUndo::Expired(loaded.load.clone()).into()),
                // A run that died may have left so many half written. An item that was not is found as it was before.
                None if number < *unknown.get_or_insert(number) + CHUNKS_AT_ONCE => ChunkOutcome::default(),
                None => break,
            };
            let mut steps = steps_back(loaded, entry, &outcome, &self.places.store).await?;
            if !steps.is_empty() {
                let name = plan::undo_name(making.index.chunks.len())?;
                match self.kept_steps(&name, &steps, &kept).await? {
                    Some(kept) => {
                        kept.iter().for_each(|step| making.add(step, step.left.as_ref()));
                        steps = kept;
                    }
                    None => {
                        let keys: Vec<Item> = steps.iter().map(|step| step.key.clone()).collect();
                        let found = self.read_in_parts(&self.places.table, &name, &keys).await?;
                        making.index.read_units += found.units;
                        for (step, there) in steps.iter_mut().zip(&found.items) {
                            step.compare(there.as_ref());
                            making.add(step, there.as_ref());
                        }
                        has_progressed = true;
                    }
                }
                self.keep_steps(&mut making.index, name, steps).await?;
            }
            lines += entry.lines();
            (self.run.progress)(Progress::Planning { rows: lines, of: Some(loaded.lines()) });
            if has_progressed && self.is_late() {
                return Err(LoadError::PlanGoesOn);
            }
        }
        let index = making.finish();
        let index = if self.dry_run { index } else { self.keep_index(index).await? };
        seconds.plan = clock.elapsed().as_secs_f64();
        self.log_planned(&index, seconds.plan);
        Ok(index)
    }

    /// The steps of a chunk as an earlier run of this undo has compared and kept them.
    async fn kept_steps(
        &self,
        name: &str,
        steps: &[StepBack],
        kept: &BTreeSet<String>,
    ) -> Result<Option<Vec<StepBack>>, LoadError> {
        let place = format!("loads/{}/plan/{name}", self.load);
        if !kept.contains(&place) {
            return Ok(None);
        }
        let Some(packed) = self.places.store.read(&place).await? else { return Ok(None) };
        let Ok(kept) = plan::decode::<StepBack>(name, &packed) else { return Ok(None) };
        let same = kept.len() == steps.len() && kept.iter().zip(steps).all(|(kept, step)| kept.key == step.key);
        Ok(same.then_some(kept))
    }

    async fn keep_steps(&self, index: &mut Index, name: String, steps: Vec<StepBack>) -> Result<(), LoadError> {
        let packed = plan::pack(&name, &steps)?;
        let entry = ChunkEntry { name, counts: Counts::default(), problems: 0, missing: 0, undone: steps.len() as u64 };
        if !self.dry_run {
            self.keep_chunk(&Names(&self.load).chunk(&entry), packed).await?;
        }
        index.add(entry);
        Ok(())
    }
}

impl Making {
    fn new(journey: &Journey<'_>, undo: &Undo, loaded: &Index, shape: TableShape) -> Making {
        let (load, upload, schema) = (journey.load.clone(), loaded.upload.clone(), loaded.schema.clone());
        let mut index = Index::new(load, upload, schema, shape, FileRead::default());
        index.compared = true;
        index.dry_run = journey.dry_run;
        Making { index, undone: Undone::new(undo), write_units: 0.0, read_again_units: 0.0 }
    }

    fn add(&mut self, step: &StepBack, there: Option<&Item>) {
        self.undone.add(step);
        if step.fate.is_written() {
            let after = step.after(there);
            self.write_units += plan::write_units(&self.index.table, there, after.as_ref());
            let read_again = there.map_or(0.0, |there| plan::read_units(item_size(there), true));
            self.read_again_units += read_again;
        }
    }

    fn finish(mut self) -> Index {
        let read_units = self.index.read_units + self.read_again_units;
        let (price, capacity) = (&self.index.schema.price, self.index.table.capacity);
        self.index.estimate = Estimate::of(self.write_units, read_units, price, capacity);
        self.index.undone = Some(self.undone);
        self.index
    }
}

/// The items that a chunk of a load wrote, by its plan and its outcome.
async fn steps_back(
    loaded: &Index,
    entry: &ChunkEntry,
    outcome: &ChunkOutcome,
    store: &Store,
) -> Result<Vec<StepBack>, LoadError> {
    let packed = store.read(&Names(&loaded.load).chunk(entry)).await?;
    let packed = packed.ok_or_else(|| CannotUndo::Expired(loaded.load.clone()))?;
    let schema = &loaded.schema;
    let steps = if entry.undone > 0 {
        let stayed = |step: &StepBack| outcome.stayed.iter().any(|stayed| stayed.item.key == step.key);
        let steps = plan::decode::<StepBack>(&entry.name, &packed)?.into_iter();
        steps.filter(|step| !stayed(step)).filter_map(StepBack::of_undo).collect()
    } else if entry.missing > 0 {
        let items = plan::decode::<MissingItem>(&entry.name, &packed)?.into_iter();
        let steps = items.filter_map(|item| StepBack::of_missing(item, schema));
        steps.filter(|step| !outcome.edited.contains(&step.key)).collect()
    } else {
        let rows = plan::decode::<PlanRow>(&entry.name, &packed)?.into_iter();
        rows.filter_map(|row| StepBack::of_row(row.turned_out(outcome), schema)).collect()
    };
    Ok(steps)
}

/// Takes items back, each as long as it still is what was read for the plan. An item that is as it will be was taken
/// back by a run that did not come to note it.
pub(super) async fn write_steps(
    table: &Table,
    turn: Turn<'_>,
    steps: Vec<StepBack>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let changes = steps.into_iter().filter(|step| step.fate.is_written()).filter_map(|step| {
        let act = match (step.left, step.before) {
            (Some(read), Some(set)) if step.in_part => Act::Swap { read, set },
            (Some(read), Some(put)) => Act::Replace { read, put },
            (Some(read), None) => Act::Delete { read },
            (None, Some(item)) => Act::Add(item),
            (None, None) => return None,
        };
        Some((step.fate, Change { key: step.key, act }))
    });
    let (places, changes) = open.of(changes);
    let (fates, changes): (Vec<UndoFate>, Vec<Change>) = changes.into_iter().unzip();
    let changed = table.change_in_turn(turn, open.leave_off, &changes).await?;
    let left = places_of(&changed.left, &places);
    let stayed = |index: usize, fate, reason| StayedItem {
        planned: fates[index],
        item: StayingItem { key: changes[index].key.clone(), fate, reason },
    };
    let edited = changed.edited.iter().chain(&changed.kept).map(|&index| stayed(index, UndoFate::Edited, None));
    let refused = changed.refused.iter();
    let refused = refused.map(|refused| stayed(refused.index, UndoFate::NotTaken, Some(refused.reason.clone())));
    let outcome = ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        stayed: edited.chain(refused).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}
