//! Making the plan: what the sheet says beside what the table holds, chunk after chunk, and the index at last.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;

use super::comparing::Draft;
use super::journey::Journey;
use super::{LoadError, Places, Progress, make_spool, read_file, too_large};
use crate::store::{Fetched, Kept, StoreError};
use crate::table::Table;
use inventory_base::item::{Item, item_size};
use inventory_check::child::{Following, Items, Outcome, Rows};
use inventory_check::plan::{
    self, Biggest, ChunkEntry, Counts, Estimate, Evidence, Fate, Gate, Index, LastLoad, Listed, LoadKeys, MissingItem,
    Names, Partitions, PlanError, PlanRow, ROWS_PER_CHUNK, Twins,
};
use inventory_check::report::{Report, Seconds};
use inventory_rules::judge::{FileRead, SheetRead};
use inventory_rules::schema::{Missing, Schema, TableShape};

/// Chunks whose items are asked for, and chunks on their way to be kept, at once.
pub(super) const AT_ONCE: usize = 4;
/// Items read back from the table after the load; of more, this many are sampled.
pub(super) const READ_BACK_ITEMS: u64 = 10_000;

/// What planning came to.
pub(super) enum Planned {
    Plan(Box<Index>),
    /// Nothing is to be written; the report says why.
    Nothing(Box<Report>),
}

/// The plan in the making.
pub(super) struct Making<'a> {
    pub index: Index,
    schema: &'a Schema,
    pub evidence: Evidence<'a>,
    pub listed: Option<Listed<'a>>,
    partitions: Partitions<'a>,
    biggest: Biggest,
    twins: Twins,
    keys: LoadKeys,
    write_units: f64,
    /// Of looking at missing items once more before they are changed.
    read_again_units: f64,
    /// Of reading all items of the load back.
    read_back_units: f64,
}

impl Journey<'_> {
    pub(super) async fn make_plan(&self, seconds: &mut Seconds) -> Result<Planned, LoadError> {
        if let Some(undo) = &self.undo {
            return Ok(Planned::Plan(Box::new(self.plan_undo(undo, seconds).await?)));
        }
        let Places { store, table, .. } = self.places;
        let schema = self.rules.from.read(store).await?;
        let shape = table.describe().await?;
        schema.check_fits(&shape)?;

        let clock = Instant::now();
        let fetched = store.fetch(&self.upload, self.rules.upload_bytes).await;
        seconds.fetch = clock.elapsed().as_secs_f64();
        let file = match fetched {
            Ok(Fetched::File(file, bytes)) => {
                tracing::info!(event = "stage_over", load = %self.load, stage = "fetch", seconds = seconds.fetch, bytes);
                file
            }
            Ok(Fetched::Gone) => return Ok(Planned::Nothing(Box::new(self.removed(*seconds)))),
            Err(StoreError::TooLarge { bytes, limit }) => {
                return Ok(Planned::Nothing(Box::new(self.refused(too_large(bytes, limit), *seconds))));
            }
            Err(error) => return Err(error.into()),
        };

        let clock = Instant::now();
        let spool = make_spool(self.rules)?;
        let following = spool.follow().map_err(PlanError::Spool)?;
        let mut asks = Asks::new(self, &schema, &shape, self.kept_chunks().await?);
        let read = async {
            let read = read_file(file, &self.upload, &schema, self.rules, self.run, Items::Told, spool).await;
            seconds.read = clock.elapsed().as_secs_f64();
            read
        };
        // Early rows are planned while later ones are still read.
        let early = async {
            asks.look_if_empty().await?;
            self.plan_rows(Making::new(&asks, &shape), &asks, stream::unfold(following, next_rows), None).await
        };
        let (read, early) = tokio::join!(read, early);
        let reading = match read? {
            Outcome::Read(reading) => reading,
            Outcome::Refused(refusal) => {
                return Ok(Planned::Nothing(Box::new(self.refused(refusal, *seconds))));
            }
        };
        if let Some(bytes) = reading.peak_memory {
            let _ = self.reader_memory.set(bytes);
        }
        let (read, rows, memory) = (seconds.read, reading.rows, reading.peak_memory);
        tracing::info!(event = "stage_over", load = %self.load, stage = "read", seconds = read, rows, memory_bytes = memory);
        let mut making = early?;
        if reading.has_duplicates() {
            // Some rows were taken for what they are not. What was planned otherwise is found where it was kept.
            let early = making.index;
            asks.kept.extend(early.chunks.iter().map(|chunk| Names(&self.load).chunk(chunk)));
            asks.read_units = early.read_units;
            let rows = reading.rows().map_err(PlanError::Spool)?;
            let whole = stream::unfold((rows, reading.file.sheets.as_slice().into()), all_rows);
            making = self.plan_rows(Making::new(&asks, &shape), &asks, whole, Some(reading.rows)).await?;
        }
        making.index.file = reading.file;
        self.plan_missing(&mut making, &asks).await?;
        let last = match &self.turn {
            Some(turn) => turn.ledger.last_load(&turn.lease.table).await?,
            None => None,
        };
        let newer = self.find_newer(&schema, &mut making.keys).await?;
        making.evidence.note_newer(newer);
        let (index, keys) = making.finish(last.as_ref());
        if self.turn.is_some() && index.held.is_empty() && !index.dry_run {
            self.places.store.keep(&Names(&self.load).keys(), keys.encode()).await?;
        }
        let index = self.keep_index(index).await?;
        seconds.plan = clock.elapsed().as_secs_f64() - seconds.read;
        self.log_planned(&index, seconds.plan);
        Ok(Planned::Plan(Box::new(index)))
    }

    pub(super) fn log_planned(&self, plan: &Index, seconds: f64) {
        tracing::info!(
            event = "stage_over",
            load = %self.load,
            stage = "plan",
            seconds,
            chunks = plan.chunks.len(),
            rows = plan.counts.total(),
            read_units = plan.read_units,
        );
    }

    /// The plan counts from here on. Where another run of this load was first, it is that one's.
    pub(super) async fn keep_index(&self, index: Index) -> Result<Index, LoadError> {
        self.begin_writing(&index).await?;
        let (store, name) = (&self.places.store, Names(&self.load).index());
        match store.keep_once(&name, index.encode()?).await? {
            Kept::New => Ok(index),
            Kept::AlreadyThere => {
                let json = store.read(&name).await?.ok_or_else(|| self.missing("plan.json"))?;
                let index = Index::decode(&json)?;
                self.begin_writing(&index).await?;
                Ok(index)
            }
        }
    }

    /// Puts the rows of a file beside what the table holds, and keeps them chunk by chunk. `of` how many, where that is
    /// known.
    async fn plan_rows<'a>(
        &self,
        mut making: Making<'a>,
        asks: &Asks<'a>,
        rows: impl Stream<Item = Result<Judged, PlanError>>,
        of: Option<u64>,
    ) -> Result<Making<'a>, LoadError> {
        {
            let looked_up = rows.enumerate().map(|(number, rows)| self.look_up(number, rows, asks)).buffered(AT_ONCE);
            let stored = looked_up
                .map(|draft| {
                    let packed = draft.and_then(|draft| making.add(draft));
                    async move {
                        let Packed { entry, packed } = packed?;
                        if let Some(packed) = packed {
                            self.keep_chunk(&Names(&self.load).chunk(&entry), packed).await?;
                        }
                        Ok::<u64, LoadError>(entry.counts.total())
                    }
                })
                .buffered(AT_ONCE);
            let mut stored = pin!(stored);
            let (mut rows, mut chunks) = (0, 0);
            while let Some(planned) = stored.next().await {
                rows += planned?;
                chunks += 1;
                if chunks > asks.kept.len() && self.is_late() {
                    return Err(LoadError::PlanGoesOn);
                }
                (self.run.progress)(Progress::Planning { rows, of });
            }
        }
        Ok(making)
    }

    /// Chunks that an earlier run of this load has kept, and that can be counted on: nothing else was loaded since.
    pub(super) async fn kept_chunks(&self) -> Result<BTreeSet<String>, LoadError> {
        match &self.turn {
            Some(turn) if turn.lease.is_unbroken() => {
                let names = self.places.store.names(&format!("loads/{}/plan/", self.load)).await?;
                if !names.is_empty() {
                    tracing::info!(event = "planning_goes_on", load = %self.load, chunks_kept = names.len());
                }
                Ok(names.into_iter().collect())
            }
            _ => Ok(BTreeSet::new()),
        }
    }

    /// Only once, so that a run which has lost its turn without knowing does not change what another one's index counts
    /// on. What an attempt by other rules or another loader left, before any index, gives way.
    pub(super) async fn keep_chunk(&self, name: &str, packed: Vec<u8>) -> Result<(), LoadError> {
        let store = &self.places.store;
        if store.keep_once(name, packed.clone()).await? == Kept::AlreadyThere
            && store.read(name).await?.as_ref() != Some(&packed)
        {
            self.check_turn()?;
            tracing::warn!(event = "chunk_replaced", load = %self.load, name);
            store.keep(name, packed).await?;
        }
        Ok(())
    }
}

/// By what a plan is made, and of whom.
pub(super) struct Asks<'a> {
    pub schema: &'a Schema,
    pub table: Table,
    /// Nothing yet but what is known without a row.
    index: Index,
    pub provenance: Item,
    pub empty: bool,
    read_units: f64,
    pub kept: BTreeSet<String>,
}

impl<'a> Asks<'a> {
    fn new(journey: &Journey<'_>, schema: &'a Schema, shape: &TableShape, kept: BTreeSet<String>) -> Asks<'a> {
        let (load, upload) = (journey.load.clone(), journey.upload.clone());
        let mut index = Index::new(load, upload, schema.clone(), shape.clone(), FileRead::default());
        index.compared = schema.compare;
        index.dry_run = journey.dry_run;
        index.waived = journey.waived.clone();
        let provenance = plan::provenance(schema, journey.load.as_str(), &index.made.to_string());
        let table = journey.places.table.clone().with_consistent_reads(schema.consistent_reads);
        Asks { schema, table, index, provenance, empty: false, read_units: 0.0, kept }
    }

    async fn look_if_empty(&mut self) -> Result<(), LoadError> {
        if self.schema.compare {
            (self.empty, self.read_units) = self.table.is_empty().await?;
        }
        Ok(())
    }
}

/// The rows of a chunk as they were judged, and what is known of the sheets they are from.
pub(super) struct Judged {
    pub rows: Vec<PlanRow>,
    pub sheets: Arc<[SheetRead]>,
}

async fn next_rows(mut following: Following) -> Option<(Result<Judged, PlanError>, Following)> {
    let next = following.next_rows(ROWS_PER_CHUNK).await?;
    let judged = next.map(|(rows, sheets)| Judged { rows: rows.into_iter().map(PlanRow::from).collect(), sheets });
    Some((judged.map_err(PlanError::Spool), following))
}

async fn all_rows(
    (mut rows, sheets): (Rows, Arc<[SheetRead]>),
) -> Option<(Result<Judged, PlanError>, (Rows, Arc<[SheetRead]>))> {
    let chunk: Result<Vec<PlanRow>, PlanError> =
        rows.by_ref().take(ROWS_PER_CHUNK).map(|row| Ok(row.map_err(PlanError::Spool)?.into())).collect();
    match chunk {
        Ok(rows) if rows.is_empty() => None,
        chunk => Some((chunk.map(|rows| Judged { rows, sheets: sheets.clone() }), (rows, sheets))),
    }
}

struct Packed {
    entry: ChunkEntry,
    /// None where the chunk is kept already.
    packed: Option<Vec<u8>>,
}

impl<'a> Making<'a> {
    fn new(asks: &Asks<'a>, shape: &'a TableShape) -> Making<'a> {
        let (schema, mut index) = (asks.schema, asks.index.clone());
        index.read_units = asks.read_units;
        Making {
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

impl Making<'_> {
    /// Takes the rows of a chunk into account, in their order, and packs them.
    fn add(&mut self, draft: Draft) -> Result<Packed, LoadError> {
        let name = plan::chunk_name(draft.number)?;
        let mut entry = ChunkEntry { name, counts: Counts::default(), problems: 0, missing: 0, undone: 0 };
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
        self.evidence.note(row.fate, row.before.as_ref(), after.as_deref().or(row.key.as_ref()));
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

    /// Takes items that the sheet no longer lists into account.
    pub fn add_missing(&mut self, entry: ChunkEntry, items: &[MissingItem]) {
        for item in items {
            self.evidence.note_missing(&item.before);
            let after = item.after();
            if item.missing != Missing::Report {
                self.keys.add(self.schema, &item.before, true);
                self.write_units += plan::write_units(&self.index.table, Some(&item.before), after.as_ref());
                // Before it is changed it is read once more.
                self.read_again_units += plan::read_units(item_size(&item.before), true);
            }
        }
        self.index.add(entry);
    }

    /// What somebody has approved. Of rows that were mended there are few, and none of them was right before.
    fn gates_not_asked(&self) -> BTreeSet<Gate> {
        let of_a_whole = [Gate::Rejected, Gate::Fewer].into_iter().filter(|_| self.index.file.mends.is_some());
        self.index.waived.iter().copied().chain(of_a_whole).collect()
    }

    fn finish(mut self, last: Option<&LastLoad>) -> (Index, LoadKeys) {
        self.index.per_scope = self.evidence.to_last_load(&self.index.load).per_scope;
        self.evidence.note_document(self.index.file.document.as_ref());
        self.index.held = self.evidence.judge(last, &self.gates_not_asked(), &self.index.load);
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
        // Those of items that are missing come last.
        self.index.order = spread.order.map(|order| order.iter().copied().chain(chunks.skip(order.len())).collect());
        (self.index, self.keys)
    }
}
