//! Writes the plan to the table, several chunks at a time so that there is always one to send, and reports each in
//! order.

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
use crate::load::kept::{KeptBefore, Writing};
use crate::load::stage::write_chunk::{PendingLines, write_chunk};
use inventory_base::progress::Progress;
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, ChunkKind, ChunkOutcome, Fate, Index, Names, PartOutcome};
use inventory_check::report::Seconds;

/// The result of writing one chunk.
enum ChunkResult {
    Done(ChunkOutcome),
    /// The deadline came before all of it was written; the rest is kept for the next run.
    Partial {
        has_progressed: bool,
    },
    NotStarted,
}

/// When no further chunk is started.
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
    /// Writes the plan's chunks until all are written, the deadline is reached, or the load has to stop. Each outcome
    /// is kept before the ledger's checkpoint passes it; chunks that were started are finished.
    pub async fn write(&self, plan: &Index, seconds: &mut Seconds) -> Result<Writing, LoadError> {
        let clock = Instant::now();
        let limits = Limits { deadline: self.deadline(), stopped: AtomicBool::new(false) };
        let kept = self.kept_before().await?;
        let chunks_done = self.chunks_done().await?;
        let mut writing = Writing { chunks_done, outcomes: Vec::new(), has_partial_chunks: false };
        if writing.chunks_done > 0 {
            tracing::info!(event = "load_resumed", load = %self.load, chunks_done = writing.chunks_done);
        }
        let (done, mut done_changed) = watch::channel(writing.chunks_done);
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
            while let Some(result) = chunks.next().await {
                let outcome = match result? {
                    ChunkResult::Done(outcome) if is_prefix => outcome,
                    // It comes after a chunk that is not finished: the next run finds its outcome.
                    ChunkResult::Done(_) => continue,
                    ChunkResult::NotStarted => {
                        is_prefix = false;
                        continue;
                    }
                    ChunkResult::Partial { has_progressed } => {
                        (is_prefix, writing.has_partial_chunks) = (false, writing.has_partial_chunks || has_progressed);
                        continue;
                    }
                };
                rows += begun.next().map_or(0, ChunkEntry::lines);
                writing.outcomes.push((writing.chunks_done, outcome));
                writing.chunks_done += 1;
                (self.run.progress)(Progress::Writing { rows, of });
                done.send_replace(writing.chunks_done);
            }
            drop(done);
            Ok(())
        };
        let checkpoint = async {
            while done_changed.changed().await.is_ok() {
                let chunks_done = *done_changed.borrow_and_update();
                let Some(turn) = &self.turn else { continue };
                match turn.ledger.checkpoint(turn.lease, chunks_done as u32).await {
                    Err(stop @ LedgerError::Stopped { .. }) => {
                        limits.stopped.store(true, Ordering::Relaxed);
                        return Ok(Some(stop));
                    }
                    result => result?,
                }
            }
            Ok::<_, LoadError>(None)
        };
        let ((), stop) = tokio::try_join!(write, checkpoint)?;
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

    /// Reads the packed lines of a chunk; `None` if none of them is to be written.
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
    ) -> Result<ChunkResult, LoadError> {
        let (store, names) = (&self.services.store, Names(&self.load));
        let turn = self.services.table.write_turn(plan.order.is_some()).await;
        if !limits.may_begin() {
            return Ok(ChunkResult::NotStarted);
        }
        if kept.outcomes.contains(&names.outcome(place)) {
            return Ok(ChunkResult::Done(self.read_outcome(place).await?));
        }
        let part = match kept.parts.contains(&names.part(place)) {
            true => store.read(&names.part(place)).await?,
            false => None,
        };
        let part: Option<PartOutcome> = part.map(|json| serde_json::from_slice(&json)).transpose()?;
        let (begun, begun_at) = (Instant::now(), Timestamp::now());
        self.check_turn()?;
        let pending = PendingLines { only: part.as_ref().map(|part| &*part.left), deadline: limits.deadline };
        let (mut outcome, pending, left) = match packed {
            Some(packed) => write_chunk(&self.services.table, turn, &plan.schema, entry, &packed, pending).await?,
            None => (ChunkOutcome::default(), 0, Vec::new()),
        };
        (outcome.began, outcome.seconds) = (Some(begun_at), begun.elapsed().as_secs_f64());
        let outcome = part.map(|part| part.outcome).into_iter().fold(outcome, ChunkOutcome::after);
        if left.is_empty() {
            store.keep(&names.outcome(place), serde_json::to_vec(&outcome)?).await?;
            return Ok(ChunkResult::Done(outcome));
        }
        let has_progressed = left.len() < pending;
        tracing::info!(event = "chunk_left_in_part", load = %self.load, place, lines = pending, left = left.len());
        if has_progressed {
            store.keep(&names.part(place), serde_json::to_vec(&PartOutcome { outcome, left })?).await?;
        }
        Ok(ChunkResult::Partial { has_progressed })
    }
}
