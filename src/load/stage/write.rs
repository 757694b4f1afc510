//! Writes the plan to the table, several chunks at a time so that the table is never kept waiting, and reports each in order.

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ledger::LedgerError;
use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::kept::KeptBefore;
use crate::load::stage::write_chunk::{Open, write_chunk};
use inventory_base::progress::Progress;
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, ChunkKind, ChunkOutcome, Fate, Index, Names, PartOutcome};
use inventory_check::report::Seconds;

/// What writing came to.
pub struct Writing {
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
    deadline: Option<Instant>,
    stopped: AtomicBool,
}

impl Limits {
    fn may_begin(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

impl Job<'_> {
    /// Writes the plan's chunks until all are written, the time is over, or the load is to stop. Each one's outcome is
    /// kept before the ledger's checkpoint passes it; what was begun is finished.
    pub async fn write(&self, plan: &Index, seconds: &mut Seconds) -> Result<Writing, LoadError> {
        let clock = Instant::now();
        let limits = Limits { deadline: self.deadline(), stopped: AtomicBool::new(false) };
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
        let has_work = match entry.kind {
            ChunkKind::Rows => entry.counts.has(Fate::is_written),
            ChunkKind::Missing(_) | ChunkKind::Undo(_) => true,
        };
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
        let (store, names) = (&self.services.store, Names(&self.load));
        let turn = self.services.table.write_turn(plan.order.is_some()).await;
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
        let open = Open { only: part.as_ref().map(|part| &*part.left), deadline: limits.deadline };
        let (mut outcome, open, left) = match packed {
            Some(packed) => write_chunk(&self.services.table, turn, &plan.schema, entry, &packed, open).await?,
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
}
