//! Writing what the plan says: several chunks under way at once, so that the table is never kept waiting, each told of in
//! its turn.

use std::collections::BTreeSet;
use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::journey::Journey;
use super::undo::write_steps;
use super::{LoadError, Progress};
use crate::ledger::LedgerError;
use crate::table::{Act, Change, Table, Turn};
use inventory_base::item::Item;
use inventory_check::plan::{
    self, CHUNKS_AT_ONCE, ChunkEntry, ChunkOutcome, Fate, Index, KeptRow, MissingItem, Names, PartOutcome, PlanRow,
    PutRow, RefusedRow, StepBack,
};
use inventory_check::report::Seconds;
use inventory_rules::schema::{Missing, Mode, Schema};

/// What writing came to.
pub(super) struct Writing {
    pub chunks_done: usize,
    /// Of the chunks this run wrote, by their place in the order of writing.
    pub outcomes: Vec<(usize, ChunkOutcome)>,
    /// Whether a chunk that is not done has come further in this run.
    pub has_parts: bool,
}

/// What became of one chunk.
enum Became {
    Done(ChunkOutcome),
    /// It was time to leave off before all of it was written; what is left is kept for the next run.
    InPart {
        has_progressed: bool,
    },
    NotBegun,
}

/// When no more is begun, nor sent.
struct Limits {
    leave_off: Option<Instant>,
    stopped: AtomicBool,
}

impl Limits {
    fn may_begin(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && self.leave_off.is_none_or(|leave_off| Instant::now() < leave_off)
    }
}

/// What earlier runs have kept of chunks.
struct KeptBefore {
    outcomes: BTreeSet<String>,
    parts: BTreeSet<String>,
}

impl Journey<'_> {
    /// Writes the plan's chunks until all are written, the time is over, or the load is to stop. Each one's outcome is
    /// kept before the ledger's checkpoint passes it; what was begun is finished.
    pub(super) async fn write(&self, plan: &Index, seconds: &mut Seconds) -> Result<Writing, LoadError> {
        let clock = Instant::now();
        let limits = Limits { leave_off: self.leave_off(), stopped: AtomicBool::new(false) };
        let kept = self.kept_before().await?;
        let chunks_done = self.chunks_done().await?;
        let mut writing = Writing { chunks_done, outcomes: Vec::new(), has_parts: false };
        if writing.chunks_done > 0 {
            tracing::info!(event = "load_goes_on", load = %self.load, chunks_done = writing.chunks_done);
        }
        let (noted, mut news) = watch::channel(writing.chunks_done);
        let write = async {
            let of = plan.lines();
            let mut begun = plan.in_writing_order();
            let mut rows: u64 = begun.by_ref().take(writing.chunks_done).map(ChunkEntry::lines).sum();
            let chunks = stream::iter(begun.clone().zip(writing.chunks_done..))
                .take_while(|_| ready(limits.may_begin()))
                .map(async |(entry, place)| {
                    self.check_table_again(plan).await?;
                    Ok((place, entry, self.fetch(entry).await?))
                })
                .buffered(CHUNKS_AT_ONCE)
                .map(async |fetched: Result<_, LoadError>| {
                    let (place, entry, packed) = fetched?;
                    self.write_and_keep(plan, place, entry, packed, &kept, &limits).await
                })
                .buffered(CHUNKS_AT_ONCE);
            let mut chunks = pin!(chunks);
            let mut is_prefix = true;
            while let Some(became) = chunks.next().await {
                let outcome = match became? {
                    Became::Done(outcome) if is_prefix => outcome,
                    // Behind a chunk that is not done: the next run finds its outcome.
                    Became::Done(_) => continue,
                    Became::NotBegun => {
                        is_prefix = false;
                        continue;
                    }
                    Became::InPart { has_progressed } => {
                        (is_prefix, writing.has_parts) = (false, writing.has_parts || has_progressed);
                        continue;
                    }
                };
                rows += begun.next().map_or(0, ChunkEntry::lines);
                writing.outcomes.push((writing.chunks_done, outcome));
                writing.chunks_done += 1;
                (self.run.progress)(Progress::Writing { rows, of });
                noted.send_replace(writing.chunks_done);
            }
            drop(noted);
            Ok(())
        };
        let tell = async {
            while news.changed().await.is_ok() {
                let chunks_done = *news.borrow_and_update();
                let Some(turn) = &self.turn else { continue };
                match turn.ledger.checkpoint(turn.lease, chunks_done as u32).await {
                    Err(stop @ LedgerError::Stopped { .. }) => {
                        limits.stopped.store(true, Ordering::Relaxed);
                        return Ok(Some(stop));
                    }
                    told => told?,
                }
            }
            Ok::<_, LoadError>(None)
        };
        let ((), stop) = tokio::try_join!(write, tell)?;
        seconds.write = clock.elapsed().as_secs_f64();
        let of_chunks =
            |count: fn(&ChunkOutcome) -> f64| writing.outcomes.iter().map(|(_, chunk)| count(chunk)).sum::<f64>();
        tracing::info!(
            event = "stage_over",
            load = %self.load,
            stage = "write",
            seconds = seconds.write,
            chunks = writing.outcomes.len(),
            write_units = of_chunks(|chunk| chunk.write_units),
            tried_again = of_chunks(|chunk| chunk.tried_again as f64),
        );
        match stop {
            Some(stop) => Err(stop.into()),
            None => Ok(writing),
        }
    }

    /// The packed lines of a chunk, where any of them is to be written.
    async fn fetch(&self, entry: &ChunkEntry) -> Result<Option<Vec<u8>>, LoadError> {
        let has_work = entry.undone > 0 || entry.missing > 0 || entry.counts.has(Fate::is_written);
        Ok(if has_work { Some(self.read_packed(entry).await?) } else { None })
    }

    async fn write_and_keep(
        &self,
        plan: &Index,
        place: usize,
        entry: &ChunkEntry,
        packed: Option<Vec<u8>>,
        kept: &KeptBefore,
        limits: &Limits,
    ) -> Result<Became, LoadError> {
        let (store, names) = (&self.places.store, Names(&self.load));
        let turn = self.places.table.turn_to_write(plan.order.is_some()).await;
        if !limits.may_begin() {
            return Ok(Became::NotBegun);
        }
        if kept.outcomes.contains(&names.outcome(place)) {
            return Ok(Became::Done(self.read_outcome(place).await?));
        }
        let part = match kept.parts.contains(&names.part(place)) {
            true => store.read(&names.part(place)).await?,
            false => None,
        };
        let part: Option<PartOutcome> = part.map(|json| serde_json::from_slice(&json)).transpose()?;
        let (begun, begun_at) = (Instant::now(), Timestamp::now());
        self.check_turn()?;
        let open = Open { only: part.as_ref().map(|part| &*part.left), leave_off: limits.leave_off };
        let (mut outcome, open, left) = match packed {
            Some(packed) => write_chunk(&self.places.table, turn, &plan.schema, entry, &packed, open).await?,
            None => (ChunkOutcome::default(), 0, Vec::new()),
        };
        (outcome.began, outcome.seconds) = (Some(begun_at), begun.elapsed().as_secs_f64());
        let outcome = part.map(|part| part.outcome).into_iter().fold(outcome, ChunkOutcome::after);
        if left.is_empty() {
            store.keep(&names.outcome(place), serde_json::to_vec(&outcome)?).await?;
            return Ok(Became::Done(outcome));
        }
        let has_progressed = left.len() < open;
        tracing::info!(event = "chunk_left_in_part", load = %self.load, place, lines = open, left = left.len());
        if has_progressed {
            store.keep(&names.part(place), serde_json::to_vec(&PartOutcome { outcome, left })?).await?;
        }
        Ok(Became::InPart { has_progressed })
    }

    /// What this run need not do again.
    async fn kept_before(&self) -> Result<KeptBefore, LoadError> {
        let names = async |folder: &str| self.places.store.names(&format!("loads/{}/{folder}/", self.load)).await;
        let (outcomes, parts) = (names("outcome").await?, names("part").await?);
        Ok(KeptBefore { outcomes: outcomes.into_iter().collect(), parts: parts.into_iter().collect() })
    }

    /// Whether some of a chunk is written and not all of it.
    pub(super) async fn has_parts(&self, chunks_done: usize) -> Result<bool, LoadError> {
        let kept = self.kept_before().await?;
        let names = Names(&self.load);
        Ok((chunks_done..chunks_done + CHUNKS_AT_ONCE).any(|place| kept.parts.contains(&names.part(place))))
    }

    /// The finished prefix. An outcome is kept before the ledger hears of its chunk, so the outcomes know best: a ledger
    /// that was restored to an earlier day knows of fewer, and what was written since must not be written again.
    pub(super) async fn chunks_done(&self) -> Result<usize, LoadError> {
        let kept = self.outcomes_kept().await?;
        match &self.turn {
            Some(turn) if turn.record.chunks_done as usize > kept => {
                Err(self.missing(&format!("outcome/{kept:05}.json")))
            }
            _ => Ok(kept),
        }
    }

    /// How many chunks, from the first on without a gap, have an outcome.
    pub(super) async fn outcomes_kept(&self) -> Result<usize, LoadError> {
        let kept = self.places.store.names(&format!("loads/{}/outcome/", self.load)).await?;
        Ok(kept.iter().enumerate().take_while(|(number, name)| **name == Names(&self.load).outcome(*number)).count())
    }
}

/// Which lines of a chunk are still to be written, and until when that is done.
#[derive(Clone, Copy)]
pub(super) struct Open<'a> {
    /// Their places among all lines that are to be written; without it, all of them.
    only: Option<&'a [u32]>,
    pub leave_off: Option<Instant>,
}

impl Open<'_> {
    /// Those of all lines that are to be written which still are, each with its place.
    pub fn of<T>(&self, lines: impl IntoIterator<Item = T>) -> (Vec<u32>, Vec<T>) {
        let is_open = |place: &u32| self.only.is_none_or(|only| only.binary_search(place).is_ok());
        (0..).zip(lines).filter(|(place, _)| is_open(place)).unzip()
    }
}

/// The outcome as far as it has come, how many lines were open, and the places of those that still are.
pub(super) type WrittenChunk = (ChunkOutcome, usize, Vec<u32>);

async fn write_chunk(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    entry: &ChunkEntry,
    packed: &[u8],
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    if entry.undone > 0 {
        return write_steps(table, turn, plan::decode::<StepBack>(&entry.name, packed)?, open).await;
    }
    if entry.missing > 0 {
        return write_missing(table, turn, schema, plan::decode(&entry.name, packed)?, open).await;
    }
    match schema.mode {
        Mode::Replace => put_rows(table, turn, entry, packed, open).await,
        Mode::Merge | Mode::Add => change_rows(table, turn, schema, plan::decode(&entry.name, packed)?, open).await,
    }
}

/// The places of what is left, among all lines of the chunk.
pub(super) fn places_of(left: &[usize], places: &[u32]) -> Vec<u32> {
    left.iter().filter_map(|index| places.get(*index).copied()).collect()
}

/// Puts the items of rows as they stand in the plan, which has them as DynamoDB takes them.
async fn put_rows(
    table: &Table,
    turn: Turn<'_>,
    entry: &ChunkEntry,
    packed: &[u8],
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let lines = plan::unpack(&entry.name, packed)?;
    let rows: Vec<PutRow> = plan::read_lines(&entry.name, &lines)?;
    let rows = rows.into_iter().filter(|row| row.fate.is_written()).filter_map(|row| row.item.map(|item| (row, item)));
    let (places, rows) = open.of(rows);
    let (rows, items): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let written = table.write_in_turn(turn, open.leave_off, &items).await?;
    let left = places_of(&written.left, &places);
    let refused = written.refused.into_iter().filter_map(|refused| {
        let PutRow { sheet, row, fate, .. } = rows.get(refused.index)?;
        Some(RefusedRow { sheet: sheet.as_ref().into(), row: *row, planned: *fate, reason: refused.reason })
    });
    let outcome = ChunkOutcome {
        write_units: written.units,
        requests: written.requests,
        tried_again: written.tried_again,
        refused: refused.collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}

/// Sets attributes, or adds items that are not there, one row after the other.
async fn change_rows(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    rows: Vec<PlanRow>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let (mut cells, mut changes) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let (places, rows) = open.of(rows.into_iter().filter(|row| row.fate.is_written() && row.item.is_some()));
    for row in rows {
        let Some(item) = row.item else { continue };
        cells.push((row.sheet, row.row, row.fate));
        let (key, rest) = split_key(schema, item);
        let act = match schema.mode {
            Mode::Add => Act::Add(key.clone().into_iter().chain(rest).collect()),
            _ => Act::Merge { set: rest, remove: row.removes },
        };
        changes.push(Change { key, act });
    }
    let changed = table.change_in_turn(turn, open.leave_off, &changes).await?;
    let left = places_of(&changed.left, &places);
    let kept = changed.kept.iter().filter_map(|index| cells.get(*index).cloned());
    let refused = changed.refused.into_iter().filter_map(|refused| {
        let (sheet, row, planned) = cells.get(refused.index)?.clone();
        Some(RefusedRow { sheet, row, planned, reason: refused.reason })
    });
    let outcome = ChunkOutcome {
        write_units: changed.units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        refused: refused.collect(),
        kept: kept.map(|(sheet, row, planned)| KeptRow { sheet, row, planned }).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), left))
}

/// Marks or removes what the sheet no longer lists, as long as nobody has changed it.
async fn write_missing(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    items: Vec<MissingItem>,
    open: Open<'_>,
) -> Result<WrittenChunk, LoadError> {
    let changes = items.into_iter().filter_map(|item| {
        let (key, _) = split_key(schema, item.before.clone());
        let act = match item.missing {
            Missing::Report => return None,
            Missing::Mark => Act::Mark { read: item.before, set: MissingItem::mark() },
            Missing::Delete => Act::Delete { read: item.before },
        };
        Some(Change { key, act })
    });
    let (places, changes) = open.of(changes);
    let changed = table.change_in_turn(turn, open.leave_off, &changes).await?;
    let open_left = places_of(&changed.left, &places);
    // Refused or edited: in both cases it is left as it is.
    let left = changed.edited.iter().copied().chain(changed.refused.iter().map(|refused| refused.index));
    let outcome = ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        edited: left.filter_map(|index| Some(changes.get(index)?.key.clone())).collect(),
        ..ChunkOutcome::default()
    };
    Ok((outcome, places.len(), open_left))
}

fn split_key(schema: &Schema, item: Item) -> (Item, Item) {
    item.into_iter().partition(|(name, _)| schema.key.attributes().any(|attribute| attribute == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_chunk_in_part_only_what_is_left_is_written() {
        let lines = ["a", "b", "c", "d"];
        let all = Open { only: None, leave_off: None }.of(lines);
        assert_eq!(all, (vec![0, 1, 2, 3], lines.to_vec()));
        let (places, rest) = Open { only: Some(&[1, 3]), leave_off: None }.of(lines);
        assert_eq!((&places[..], &rest[..]), (&[1, 3][..], &["b", "d"][..]));
        assert_eq!(places_of(&[1], &places), [3]);
    }
}
