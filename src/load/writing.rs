//! Writing what the plan says: several chunks under way at once, so that the table is never kept waiting, each told of in
//! its turn.

use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::journey::Journey;
use super::undo::write_steps;
use super::{LoadError, Progress};
use crate::item::Item;
use crate::ledger::LedgerError;
use crate::plan::{
    self, CHUNKS_AT_ONCE, ChunkEntry, ChunkOutcome, Fate, Index, KeptRow, MissingItem, Names, PlanRow, PutRow,
    RefusedRow, StepBack,
};
use crate::report::Seconds;
use crate::schema::{Missing, Mode, Schema};
use crate::table::{Act, Change, Table, Turn};

/// What writing came to.
pub(super) struct Writing {
    pub chunks_done: usize,
    /// Of the chunks this run wrote, by their place in the order of writing.
    pub outcomes: Vec<(usize, ChunkOutcome)>,
}

/// When the next chunk may be begun, and when no more.
struct Limits {
    stop_at: Option<Instant>,
    deadline: Option<Instant>,
    stopped: AtomicBool,
    times: Mutex<Times>,
}

/// How long chunks take.
#[derive(Default)]
struct Times {
    /// Of those that are done.
    longest: Duration,
    /// When those under way were begun.
    begun: Vec<Instant>,
}

impl Limits {
    fn new(stop_at: Option<Instant>, deadline: Option<Instant>) -> Limits {
        Limits { stop_at, deadline, stopped: AtomicBool::new(false), times: Mutex::default() }
    }

    /// Begins a chunk, unless there may be no time to end it.
    fn begin(&self) -> Option<Instant> {
        let (now, mut times) = (Instant::now(), self.times.lock().ok()?);
        // The next may take longer than any before. What is not done yet takes no less than it has taken.
        let longest = times.begun.iter().map(|begun| now - *begun).fold(times.longest, Duration::max);
        let may = !self.stopped.load(Ordering::Relaxed)
            && self.stop_at.is_none_or(|stop_at| now < stop_at)
            && self.deadline.is_none_or(|deadline| now + longest.mul_f64(1.5) < deadline);
        may.then(|| {
            times.begun.push(now);
            now
        })
    }

    fn end(&self, begun: Instant) {
        let Ok(mut times) = self.times.lock() else { return };
        times.longest = times.longest.max(begun.elapsed());
        if let Some(at) = times.begun.iter().position(|other| *other == begun) {
            times.begun.swap_remove(at);
        }
    }
}

impl Journey<'_> {
    /// Writes the plan's chunks until all are written, the time is over, or the load is to stop. Each one's outcome is
    /// kept before the ledger's checkpoint passes it; what was begun is finished.
    pub(super) async fn write(&self, plan: &Index, seconds: &mut Seconds) -> Result<Writing, LoadError> {
        let clock = Instant::now();
        let limits = Limits::new(self.leaves_off_at(), self.run.deadline);
        let mut writing = Writing { chunks_done: self.chunks_done().await?, outcomes: Vec::new() };
        if writing.chunks_done > 0 {
            tracing::info!(event = "load_goes_on", load = %self.load, chunks_done = writing.chunks_done);
        }
        let (noted, mut news) = watch::channel(writing.chunks_done);
        let write = async {
            let of = plan.lines();
            let mut begun = plan.in_writing_order();
            let mut rows: u64 = begun.by_ref().take(writing.chunks_done).map(ChunkEntry::lines).sum();
            let chunks = stream::iter(begun.clone().zip(writing.chunks_done..))
                .map(async |(entry, place)| Ok((place, entry, self.fetch(entry).await?)))
                .buffered(CHUNKS_AT_ONCE)
                .map(async |fetched: Result<_, LoadError>| {
                    let (place, entry, packed) = fetched?;
                    self.write_and_keep(plan, place, entry, packed, &limits).await
                })
                .buffered(CHUNKS_AT_ONCE);
            let mut chunks = pin!(chunks);
            while let Some(outcome) = chunks.next().await {
                let Some(outcome) = outcome? else { break };
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

    /// Nothing where the chunk may not be begun any more.
    async fn write_and_keep(
        &self,
        plan: &Index,
        place: usize,
        entry: &ChunkEntry,
        packed: Option<Vec<u8>>,
        limits: &Limits,
    ) -> Result<Option<ChunkOutcome>, LoadError> {
        let turn = self.places.table.turn_to_write(plan.order.is_some()).await;
        let Some(begun) = limits.begin() else { return Ok(None) };
        let begun_at = Timestamp::now();
        self.check_turn()?;
        let mut outcome = match packed {
            Some(packed) => write_chunk(&self.places.table, turn, &plan.schema, entry, &packed).await?,
            None => ChunkOutcome::default(),
        };
        (outcome.began, outcome.seconds) = (Some(begun_at), begun.elapsed().as_secs_f64());
        self.places.store.keep(&Names(&self.load).outcome(place), serde_json::to_vec(&outcome)?).await?;
        limits.end(begun);
        Ok(Some(outcome))
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

async fn write_chunk(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    entry: &ChunkEntry,
    packed: &[u8],
) -> Result<ChunkOutcome, LoadError> {
    if entry.undone > 0 {
        return write_steps(table, turn, plan::decode::<StepBack>(&entry.name, packed)?).await;
    }
    if entry.missing > 0 {
        return write_missing(table, turn, schema, plan::decode(&entry.name, packed)?).await;
    }
    match schema.mode {
        Mode::Replace => put_rows(table, turn, entry, packed).await,
        Mode::Merge | Mode::Add => change_rows(table, turn, schema, plan::decode(&entry.name, packed)?).await,
    }
}

/// Puts the items of rows as they stand in the plan, which has them as DynamoDB takes them.
async fn put_rows(table: &Table, turn: Turn<'_>, entry: &ChunkEntry, packed: &[u8]) -> Result<ChunkOutcome, LoadError> {
    let lines = plan::unpack(&entry.name, packed)?;
    let rows: Vec<PutRow> = plan::read_lines(&entry.name, &lines)?;
    let (rows, items): (Vec<_>, Vec<_>) =
        rows.into_iter().filter(|row| row.fate.is_written()).filter_map(|row| row.item.map(|item| (row, item))).unzip();
    let written = table.write_in_turn(turn, &items).await?;
    let refused = written.refused.into_iter().filter_map(|refused| {
        let PutRow { sheet, row, fate, .. } = rows.get(refused.index)?;
        Some(RefusedRow { sheet: sheet.as_ref().into(), row: *row, planned: *fate, reason: refused.reason })
    });
    Ok(ChunkOutcome {
        write_units: written.units,
        requests: written.requests,
        tried_again: written.tried_again,
        refused: refused.collect(),
        ..ChunkOutcome::default()
    })
}

/// Sets attributes, or adds items that are not there, one row after the other.
async fn change_rows(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    rows: Vec<PlanRow>,
) -> Result<ChunkOutcome, LoadError> {
    let (mut places, mut changes) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    for row in rows.into_iter().filter(|row| row.fate.is_written()) {
        let Some(item) = row.item else { continue };
        places.push((row.sheet, row.row, row.fate));
        let (key, rest) = split_key(schema, item);
        let act = match schema.mode {
            Mode::Add => Act::Add(key.clone().into_iter().chain(rest).collect()),
            _ => Act::Merge { set: rest, remove: row.removes },
        };
        changes.push(Change { key, act });
    }
    let changed = table.change_in_turn(turn, &changes).await?;
    let kept = changed.kept.iter().filter_map(|index| places.get(*index).cloned());
    let refused = changed.refused.into_iter().filter_map(|refused| {
        let (sheet, row, planned) = places.get(refused.index)?.clone();
        Some(RefusedRow { sheet, row, planned, reason: refused.reason })
    });
    Ok(ChunkOutcome {
        write_units: changed.units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        refused: refused.collect(),
        kept: kept.map(|(sheet, row, planned)| KeptRow { sheet, row, planned }).collect(),
        ..ChunkOutcome::default()
    })
}

/// Marks or removes what the sheet no longer lists, as long as nobody has changed it.
async fn write_missing(
    table: &Table,
    turn: Turn<'_>,
    schema: &Schema,
    items: Vec<MissingItem>,
) -> Result<ChunkOutcome, LoadError> {
    let changes = items.into_iter().filter_map(|item| {
        let (key, _) = split_key(schema, item.before.clone());
        let act = match item.missing {
            Missing::Report => return None,
            Missing::Mark => Act::Mark { read: item.before, set: MissingItem::mark() },
            Missing::Delete => Act::Delete { read: item.before },
        };
        Some(Change { key, act })
    });
    let changes: Vec<Change> = changes.collect();
    let changed = table.change_in_turn(turn, &changes).await?;
    // Refused or edited: in both cases it is left as it is.
    let left = changed.edited.iter().copied().chain(changed.refused.iter().map(|refused| refused.index));
    Ok(ChunkOutcome {
        write_units: changed.units,
        read_units: changed.read_units,
        requests: changed.requests,
        tried_again: changed.tried_again,
        edited: left.filter_map(|index| Some(changes.get(index)?.key.clone())).collect(),
        ..ChunkOutcome::default()
    })
}

fn split_key(schema: &Schema, item: Item) -> (Item, Item) {
    item.into_iter().partition(|(name, _)| schema.key.attributes().any(|attribute| attribute == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_chunk_is_not_begun_where_the_one_under_way_tells_that_there_is_no_time_for_it() {
        let begin_after = async |seconds, ended| {
            let now = Instant::now();
            let limits = Limits::new(Some(now + Duration::from_secs(90)), Some(now + Duration::from_secs(100)));
            let first = limits.begin().expect("nothing is known yet");
            tokio::time::advance(Duration::from_secs(seconds)).await;
            if ended {
                limits.end(first);
            }
            limits.begin().is_some()
        };
        for ended in [false, true] {
            assert!(begin_after(39, ended).await);
            assert!(!begin_after(41, ended).await);
        }
    }
}
