//! The journey of one load, in the order of the street: the bytes, the rows, the plan, the table, the report.

use tokio::time::Instant;

use super::{LoadError, Places, Progress, Rules, Run, RunEnd, margin, read_file, too_large};
use crate::child::{Items, Outcome};
use crate::event::{LoadId, Upload};
use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord, State};
use crate::message::Refusal;
use crate::plan::{self, ChunkOutcome, Chunks, Fate, Index, Names, PlanError, PlanRow, RefusedRow};
use crate::report::{Report, Seconds, Tally};
use crate::store::{Fetched, Kept, StoreError};

/// The turn this run has, where there is a ledger.
pub(super) struct MyTurn<'a> {
    pub ledger: &'a Ledger,
    pub lease: &'a Lease,
    pub record: &'a LoadRecord,
}

pub(super) struct Journey<'a> {
    load: LoadId,
    upload: Upload,
    turn: Option<MyTurn<'a>>,
    places: &'a Places,
    rules: &'a Rules,
    run: &'a Run<'a>,
    started: Instant,
}

/// What planning came to.
enum Planned {
    Plan(Box<Index>),
    /// Nothing is to be written; the report says why.
    Nothing(Box<Report>),
}

/// What writing came to.
struct Writing {
    chunks_done: usize,
    /// Of the chunks this run wrote, by their number.
    outcomes: Vec<(usize, ChunkOutcome)>,
}

impl<'a> Journey<'a> {
    pub fn new(
        load: LoadId,
        upload: Upload,
        turn: Option<MyTurn<'a>>,
        places: &'a Places,
        rules: &'a Rules,
        run: &'a Run<'a>,
    ) -> Journey<'a> {
        Journey { load, upload, turn, places, rules, run, started: Instant::now() }
    }

    pub async fn travel(&self) -> Result<RunEnd, LoadError> {
        let mut seconds = Seconds::default();
        let plan = match self.kept_plan().await? {
            Some(plan) => plan,
            None => match self.make_plan(&mut seconds).await? {
                Planned::Plan(plan) => *plan,
                Planned::Nothing(report) => return self.end(*report).await,
            },
        };
        let writing = self.write(&plan, &mut seconds).await?;
        if writing.chunks_done < plan.chunks.len() {
            return self.hand_over(&plan, &writing).await;
        }
        let report = self.make_report(plan, writing, seconds).await?;
        self.end(report).await
    }

    /// A plan that was kept before is followed, never made again.
    async fn kept_plan(&self) -> Result<Option<Index>, LoadError> {
        let Some(json) = self.places.store.read(&Names(&self.load).index()).await? else {
            return Ok(None);
        };
        let plan = Index::decode(&json)?;
        tracing::info!(event = "plan_found", load = %self.load, chunks = plan.chunks.len(), made = %plan.made);
        self.begin_writing(&plan).await?;
        Ok(Some(plan))
    }

    async fn make_plan(&self, seconds: &mut Seconds) -> Result<Planned, LoadError> {
        let Places { store, table, .. } = self.places;
        let schema = self.rules.from.read(store).await?;
        let shape = table.describe().await?;
        schema.check_fits(&shape)?;

        let clock = Instant::now();
        let fetched = store.fetch(&self.upload, self.rules.upload_bytes).await;
        seconds.fetch = clock.elapsed().as_secs_f64();
        let file = match fetched {
            Ok(Fetched::File(file, _)) => file,
            Ok(Fetched::Gone) => return Ok(Planned::Nothing(Box::new(self.removed(*seconds)))),
            Err(StoreError::TooLarge { bytes, limit }) => {
                return Ok(Planned::Nothing(Box::new(self.refused(too_large(bytes, limit), *seconds))));
            }
            Err(error) => return Err(error.into()),
        };

        let clock = Instant::now();
        let read = read_file(file, &self.upload, &schema, self.rules, self.run, Items::Told).await?;
        seconds.read = clock.elapsed().as_secs_f64();
        let reading = match read {
            Outcome::Read(reading) => reading,
            Outcome::Refused(refusal) => {
                return Ok(Planned::Nothing(Box::new(self.refused(refusal, *seconds))));
            }
        };

        let clock = Instant::now();
        let names = Names(&self.load);
        let mut index = Index::new(self.load.clone(), self.upload.clone(), schema, shape, reading.file.clone());
        let mut chunks = Chunks::new(reading.rows().map_err(PlanError::Spool)?, Fate::Written);
        while let Some((entry, packed)) = chunks.next_chunk()? {
            self.keep_chunk(&names.chunk(&entry), packed).await?;
            index.add(entry);
            (self.run.progress)(Progress::Planning { rows: index.counts.total(), of: reading.rows });
        }
        if store.keep_once(&names.index(), index.encode()?).await? == Kept::AlreadyThere {
            let json = store.read(&names.index()).await?.ok_or_else(|| self.missing("plan.json"))?;
            index = Index::decode(&json)?;
        }
        self.begin_writing(&index).await?;
        seconds.plan = clock.elapsed().as_secs_f64();
        Ok(Planned::Plan(Box::new(index)))
    }

    /// Only once, so that a run which has lost its turn without knowing does not change what another one's index counts
    /// on. What an attempt by other rules or another loader left, before any index, gives way.
    async fn keep_chunk(&self, name: &str, packed: Vec<u8>) -> Result<(), LoadError> {
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

    /// The ledger hears that the plan is kept; after this the workbook is never read again.
    async fn begin_writing(&self, plan: &Index) -> Result<(), LoadError> {
        let ours = self.places.table.name();
        if plan.table.table != ours {
            let (load, planned) = (self.load.clone(), plan.table.table.clone());
            return Err(LoadError::OtherTable { load, planned, ours: ours.to_string() });
        }
        match &self.turn {
            Some(turn) if turn.record.state == State::Planning => {
                Ok(turn.ledger.planned(turn.lease, plan.chunks.len() as u32).await?)
            }
            _ => Ok(()),
        }
    }

    /// Writes chunk after chunk, each one's outcome and then its checkpoint, until all are written or the time is over.
    async fn write(&self, plan: &Index, seconds: &mut Seconds) -> Result<Writing, LoadError> {
        let Places { store, table, .. } = self.places;
        let names = Names(&self.load);
        let clock = Instant::now();
        let stop_at = self.run.time_left().map(|left| clock + (left - margin(left)));
        let mut writing = Writing { chunks_done: self.chunks_done().await?, outcomes: Vec::new() };
        let mut rows: u64 = plan.chunks[..writing.chunks_done].iter().map(|chunk| chunk.counts.total()).sum();
        if writing.chunks_done > 0 {
            tracing::info!(event = "load_goes_on", load = %self.load, chunks_done = writing.chunks_done);
        }
        for (number, entry) in plan.chunks.iter().enumerate().skip(writing.chunks_done) {
            if stop_at.is_some_and(|stop_at| Instant::now() >= stop_at) {
                break;
            }
            self.check_turn()?;
            let (places, items): (Vec<_>, Vec<_>) = self
                .read_chunk(entry)
                .await?
                .into_iter()
                .filter(|row| row.fate.is_written())
                .filter_map(|row| Some(((row.sheet, row.row), row.item?)))
                .unzip();
            let written = table.write(&items).await?;
            let refused = written.refused.into_iter().filter_map(|refused| {
                let (sheet, row) = places.get(refused.index)?.clone();
                Some(RefusedRow { sheet, row, reason: refused.reason })
            });
            let outcome = ChunkOutcome {
                write_units: written.units,
                requests: written.requests,
                tried_again: written.tried_again,
                refused: refused.collect(),
            };
            store.keep(&names.outcome(number), serde_json::to_vec(&outcome)?).await?;
            if let Some(turn) = &self.turn {
                turn.ledger.checkpoint(turn.lease, number as u32 + 1).await?;
            }
            writing.outcomes.push((number, outcome));
            writing.chunks_done = number + 1;
            rows += entry.counts.total();
            (self.run.progress)(Progress::Writing { rows, of: plan.counts.total() });
        }
        seconds.write = clock.elapsed().as_secs_f64();
        Ok(writing)
    }

    /// A run that was frozen and thaws may have lost its turn without having noticed.
    fn check_turn(&self) -> Result<(), LedgerError> {
        match &self.turn {
            Some(MyTurn { lease, .. }) if !lease.is_live() => {
                Err(LedgerError::TurnLost { load: lease.load.clone(), table: lease.table.clone(), epoch: lease.epoch })
            }
            _ => Ok(()),
        }
    }

    /// The finished prefix: the ledger knows; without one, the outcomes do.
    async fn chunks_done(&self) -> Result<usize, LoadError> {
        if let Some(turn) = &self.turn {
            return Ok(turn.record.chunks_done as usize);
        }
        let kept = self.places.store.names(&format!("loads/{}/outcome/", self.load)).await?;
        Ok(kept.iter().enumerate().take_while(|(number, name)| **name == Names(&self.load).outcome(*number)).count())
    }

    async fn read_chunk(&self, entry: &plan::ChunkEntry) -> Result<Vec<PlanRow>, LoadError> {
        let packed = self.places.store.read(&Names(&self.load).chunk(entry)).await?;
        Ok(plan::decode(&entry.name, &packed.ok_or_else(|| self.missing(&entry.name))?)?)
    }

    async fn hand_over(&self, plan: &Index, writing: &Writing) -> Result<RunEnd, LoadError> {
        let (Some(turn), Some(relay)) = (&self.turn, &self.places.relay) else {
            return Err(LoadError::NoHeadway(self.load.clone()));
        };
        if writing.outcomes.is_empty() {
            return Err(LoadError::NoHeadway(self.load.clone()));
        }
        turn.ledger.hand_over(turn.lease).await?;
        relay.ask_to_continue(&self.load).await?;
        let (chunks_done, chunks) = (writing.chunks_done as u32, plan.chunks.len() as u32);
        tracing::info!(event = "load_handed_over", load = %self.load, chunks_done, chunks);
        Ok(RunEnd::Continued { chunks_done, chunks })
    }

    async fn make_report(&self, plan: Index, writing: Writing, mut seconds: Seconds) -> Result<Report, LoadError> {
        let mut tally = Tally::with_counts(plan.counts.clone());
        for entry in &plan.chunks {
            if tally.wants(entry) {
                for row in self.read_chunk(entry).await? {
                    tally.tell(row);
                }
            } else {
                tally.count_problems(entry.problems);
            }
        }
        let first_of_ours = writing.outcomes.first().map_or(plan.chunks.len(), |(number, _)| *number);
        for number in 0..first_of_ours {
            let name = Names(&self.load).outcome(number);
            let json = self.places.store.read(&name).await?.ok_or_else(|| self.missing(&name))?;
            tally.add_outcome(serde_json::from_slice(&json)?);
        }
        for (_, outcome) in writing.outcomes {
            tally.add_outcome(outcome);
        }
        seconds.total = self.started.elapsed().as_secs_f64();
        let table = Some(plan.table.table);
        Ok(Report::of_rows(Some(self.load.clone()), self.upload.clone(), table, plan.file, tally, seconds))
    }

    /// Leaves the report, then tells the ledger: a run killed in between leaves it once more.
    async fn end(&self, report: Report) -> Result<RunEnd, LoadError> {
        self.places.store.keep(&Names(&self.load).report(), report.encode()?).await?;
        if let Some(turn) = &self.turn {
            let summary = serde_json::json!({ "summary": report.summary, "rows": report.rows, "units": report.units });
            turn.ledger.end(turn.lease, report.ending.name(), summary).await?;
        }
        let of = |fate| report.rows.fates.get(&fate).copied().unwrap_or_default();
        tracing::info!(
            event = "load_finished",
            load = %self.load,
            ending = report.ending.name(),
            refusal = report.refusal.as_ref().map(|refusal| refusal.rule.id()),
            rows = report.rows.total,
            written = of(Fate::Written),
            rejected = of(Fate::Rejected),
            duplicate = of(Fate::Duplicate),
            skipped = of(Fate::Skipped),
            not_written = of(Fate::NotWritten),
            problems = report.problems_total,
            write_units = report.units.write,
            seconds = report.seconds.total,
        );
        Ok(RunEnd::Ended(Box::new(report)))
    }

    fn refused(&self, refusal: Refusal, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::refused(Some(self.load.clone()), self.upload.clone(), refusal, seconds)
    }

    fn removed(&self, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::removed(self.load.clone(), self.upload.clone(), seconds)
    }

    fn missing(&self, part: &str) -> LoadError {
        LoadError::PlanIncomplete { load: self.load.clone(), part: part.to_string() }
    }
}
