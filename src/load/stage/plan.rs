//! Makes the plan: compares the rows of the sheet with the items of the table, chunk by chunk, and keeps the index
//! last.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::time::Instant;

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::kept::AT_ONCE;
use crate::load::services::Services;
use crate::load::stage::builder::{Judged, Packed, PlanBuilder, PlanInput};
use crate::store::{Fetched, StoreError};
use inventory_base::message::Refusal;
use inventory_base::progress::Progress;
use inventory_check::child::{IncomingRows, Items, NamedFile, Outcome, Rows, too_large};
use inventory_check::plan::{Index, Names, PlanError, PlanRow, ROWS_PER_CHUNK};
use inventory_check::report::Seconds;
use inventory_rules::judge::SheetRead;

/// The outcome of planning.
pub enum Planned {
    Plan(Box<Index>),
    /// The upload was deleted or replaced.
    Removed,
    Refused(Refusal),
}

impl Job<'_> {
    pub async fn make_plan(&self, seconds: &mut Seconds) -> Result<Planned, LoadError> {
        let Services { store, table, .. } = self.services;
        let schema = self.settings.rules.read(store).await?;
        let shape = table.describe().await?;
        schema.check_table(&shape)?;

        let clock = Instant::now();
        let fetched = store.fetch(&self.upload, self.settings.reader.file_bytes).await;
        seconds.fetch = clock.elapsed().as_secs_f64();
        let file = match fetched {
            Ok(Fetched::File(file, bytes)) => {
                tracing::info!(event = "stage_over", load = %self.load, stage = "fetch", seconds = seconds.fetch, bytes);
                file
            }
            Ok(Fetched::Gone) => return Ok(Planned::Removed),
            Err(StoreError::TooLarge { bytes, limit }) => {
                return Ok(Planned::Refused(too_large(bytes, limit)));
            }
            Err(error) => return Err(error.into()),
        };

        let clock = Instant::now();
        let spool = self.settings.reader.spool()?;
        let following = spool.follow().map_err(PlanError::Spool)?;
        let mut input = PlanInput::new(self, &schema, &shape, self.kept_chunks().await?);
        let read = async {
            let (reader, name) = (&self.settings.reader, self.upload.file_name());
            let patience = self.run.time_left().map_or(Duration::MAX, |left| left - self.settings.margin(left));
            let progress = |rows| (self.run.progress)(Progress::Reading { rows });
            let read =
                reader.read(NamedFile { file, name }, &schema, Items::Included, spool, patience, &progress).await;
            seconds.read = clock.elapsed().as_secs_f64();
            read
        };
        // Early rows are planned while later ones are still read.
        let early = async {
            input.check_if_empty().await?;
            self.plan_rows(PlanBuilder::new(&input, &shape), &input, stream::unfold(following, next_rows), None).await
        };
        let (read, early) = tokio::join!(read, early);
        let reading = match read? {
            Outcome::Read(reading) => reading,
            Outcome::Refused(refusal) => return Ok(Planned::Refused(refusal)),
        };
        if let Some(bytes) = reading.peak_memory {
            let _ = self.reader_memory.set(bytes);
        }
        let (read, rows, memory) = (seconds.read, reading.rows, reading.peak_memory);
        tracing::info!(event = "stage_over", load = %self.load, stage = "read", seconds = read, rows, memory_bytes = memory);
        let mut builder = early?;
        if reading.has_revised_verdicts() {
            // Rows that were already planned turned out to have duplicates, so the plan is made again. Unchanged chunks
            // are read back from the store.
            let early = builder.index;
            input.kept.extend(early.chunks.iter().map(|chunk| Names(&self.load).chunk(chunk)));
            input.read_units = early.read_units;
            let rows = reading.rows().map_err(PlanError::Spool)?;
            let whole = stream::unfold((rows, reading.file.sheets.as_slice().into()), all_rows);
            builder = self.plan_rows(PlanBuilder::new(&input, &shape), &input, whole, Some(reading.rows)).await?;
        }
        builder.index.file = reading.file;
        self.plan_missing(&mut builder, &input).await?;
        let last = match &self.turn {
            Some(turn) => turn.ledger.last_load(&turn.lease.table).await?,
            None => None,
        };
        let newer = self.find_newer(&schema, &mut builder.keys).await?;
        builder.evidence.set_newer(newer);
        let (index, keys) = builder.finish(last.as_ref());
        if self.turn.is_some() && index.held.is_empty() && !index.dry_run {
            self.services.store.keep(&Names(&self.load).keys(), keys.encode()).await?;
        }
        let index = self.keep_index(index).await?;
        seconds.plan = clock.elapsed().as_secs_f64() - seconds.read;
        self.log_planned(&index, seconds.plan);
        Ok(Planned::Plan(Box::new(index)))
    }

    /// Compares the rows of a file with the table, and keeps them chunk by chunk. `of` is the number of rows, if known.
    async fn plan_rows<'a>(
        &self,
        mut builder: PlanBuilder<'a>,
        input: &PlanInput<'a>,
        rows: impl Stream<Item = Result<Judged, PlanError>>,
        of: Option<u64>,
    ) -> Result<PlanBuilder<'a>, LoadError> {
        {
            let compared =
                rows.enumerate().map(|(number, rows)| self.compare_chunk(number, rows, input)).buffered(AT_ONCE);
            let stored = compared
                .map(|draft| {
                    let packed = draft.and_then(|draft| builder.add(draft));
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
                if chunks > input.kept.len() && self.is_past_deadline() {
                    return Err(LoadError::PlanUnfinished);
                }
                (self.run.progress)(Progress::Planning { rows, of });
            }
        }
        Ok(builder)
    }
}

async fn next_rows(mut following: IncomingRows) -> Option<(Result<Judged, PlanError>, IncomingRows)> {
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
