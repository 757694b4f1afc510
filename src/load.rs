//! The journey of one load, in the order of the street: its turn, the bytes, the rows, the plan, the table, the report.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::child::{self, Brief, ChildError, Limits, Outcome, Reader};
use crate::event::{LoadId, Request, Upload};
use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord, State, Turn};
use crate::message::{Refusal, Rule, count};
use crate::plan::{self, ChunkOutcome, Chunks, Fate, Index, Names, PlanError, PlanRow, RefusedRow};
use crate::relay::{Relay, RelayError};
use crate::report::{Report, Seconds, Tally};
use crate::schema::{Schema, SchemaError};
use crate::store::{Fetched, Kept, Store, StoreError};
use crate::table::{Table, TableError};
use crate::workbook::Budget;

/// How long a run waits for another load into the same table before it gives its event back to be tried again.
const TURN_PATIENCE: Duration = Duration::from_secs(20);
const TURN_LOOK: Duration = Duration::from_millis(500);
/// Of the time a run has left when it begins writing, kept free for handing over.
const MARGIN_SHARE: u32 = 4;
const MARGIN_MOST: Duration = Duration::from_secs(30);

/// Where a load reads and writes.
pub struct Places {
    pub store: Store,
    /// Without one a load takes no turn: whoever starts it sees to it that it is alone.
    pub ledger: Option<Ledger>,
    pub table: Table,
    /// Who is asked for another run when the time of this one is over.
    pub relay: Option<Relay>,
}

/// By what a load judges, and what it may take.
#[derive(Debug, Clone)]
pub struct Rules {
    pub schema: Schema,
    pub reader: Reader,
    pub limits: Limits,
    pub budget: Budget,
    pub upload_bytes: u64,
    pub heartbeat: Duration,
}

/// One invocation, or one call of the command.
pub struct Run<'a> {
    pub request_id: &'a str,
    /// When the run is stopped from outside.
    pub deadline: Option<Instant>,
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How far a load is, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Reading { rows: u64 },
    Planning { rows: u64, of: u64 },
    Writing { rows: u64, of: u64 },
}

/// How a run ended without an error.
#[derive(Debug)]
pub enum RunEnd {
    /// The load is over.
    Ended(Box<Report>),
    /// Its time was over before the load was; another run has been asked for.
    Continued { chunks_done: u32, chunks: u32 },
    /// Another run is at this load.
    Duplicate,
    /// The load was over before.
    EndedBefore { ending: String },
}

/// A fault of the cloud or of the set-up; what is wrong with a file is a report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("load {holder} has been writing into table {table} for {} s; trying again later is safe", waited.as_secs())]
    Busy { table: String, holder: LoadId, waited: Duration },
    #[error("load {load} was planned for table {planned}, and this run writes to {ours}; start it where it belongs")]
    OtherTable { load: LoadId, planned: String, ours: String },
    #[error("load {load} has {part} missing from its plan; upload the file again")]
    PlanIncomplete { load: LoadId, part: String },
    #[error("load {0} got nowhere in a whole run, so no other is asked for; give the function more time")]
    NoHeadway(LoadId),
    #[error("there is no file {0}")]
    FileMissing(String),
    #[error("a load can only be continued where there is a ledger")]
    NoLedger,
    #[error("the report could not be written down: {0}")]
    Report(#[from] serde_json::Error),
}

impl LoadError {
    /// Whether the same load may succeed later, with nobody changing anything.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            LoadError::Ledger(error) => error.would_trying_again_help(),
            LoadError::Store(error) => error.would_trying_again_help(),
            LoadError::Table(error) => error.would_trying_again_help(),
            LoadError::Relay(error) => error.would_trying_again_help(),
            LoadError::Child(_) | LoadError::Busy { .. } => true,
            LoadError::Plan(_)
            | LoadError::Schema(_)
            | LoadError::OtherTable { .. }
            | LoadError::PlanIncomplete { .. }
            | LoadError::NoHeadway(_)
            | LoadError::FileMissing(_)
            | LoadError::NoLedger
            | LoadError::Report(_) => false,
        }
    }
}

/// Loads an upload, or goes on with a load whose plan is kept.
pub async fn run(request: Request, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let Some(ledger) = &places.ledger else {
        let Request::Load(upload) = request else {
            return Err(LoadError::NoLedger);
        };
        let load = LoadId::of(&upload);
        return Journey::new(load, upload, None, places, rules, run).travel().await;
    };
    let (lease, record) = match wait_for_turn(ledger, &request, places, run).await? {
        Turn::Ours(lease, record) => (lease, record),
        Turn::Duplicate => return Ok(RunEnd::Duplicate),
        Turn::Ended(record) => {
            return Ok(RunEnd::EndedBefore { ending: record.ending.unwrap_or_default() });
        }
        Turn::Busy { load } => {
            let table = places.table.name().to_string();
            return Err(LoadError::Busy { table, holder: load, waited: TURN_PATIENCE });
        }
    };
    let turn = MyTurn { ledger, lease: &lease, record: &record };
    let journey = Journey::new(record.load.clone(), record.upload.clone(), Some(turn), places, rules, run);
    // One task does both, so that nothing is left running when either ends. Boxed: a journey is a large future.
    tokio::select! {
        end = Box::pin(journey.travel()) => end,
        lost = keep_turn(ledger, &lease, rules.heartbeat) => Err(lost.into()),
    }
}

async fn wait_for_turn(
    ledger: &Ledger,
    request: &Request,
    places: &Places,
    run: &Run<'_>,
) -> Result<Turn, LedgerError> {
    let until = Instant::now() + TURN_PATIENCE;
    loop {
        let turn = match request {
            Request::Load(upload) => {
                ledger.take_turn(&LoadId::of(upload), upload, places.table.name(), run.request_id).await?
            }
            Request::Continue(load) => ledger.take_up(load, run.request_id).await?,
        };
        if !matches!(turn, Turn::Busy { .. }) || Instant::now() >= until {
            return Ok(turn);
        }
        sleep(TURN_LOOK.mul_f64(0.5 + fastrand::f64())).await;
    }
}

/// Renews the lease for as long as it is polled, and ends only when it cannot be renewed.
async fn keep_turn(ledger: &Ledger, lease: &Lease, heartbeat: Duration) -> LedgerError {
    loop {
        sleep(heartbeat).await;
        match ledger.renew(lease).await {
            Ok(()) => {}
            // The ledger's trouble may pass before the lease runs out; whose turn it is, the next write says.
            Err(error @ LedgerError::TurnLost { .. }) => return error,
            Err(error) => tracing::warn!(event = "heartbeat_missed", load = %lease.load, error = %error),
        }
    }
}

/// The turn this run has, where there is a ledger.
struct MyTurn<'a> {
    ledger: &'a Ledger,
    lease: &'a Lease,
    record: &'a LoadRecord,
}

struct Journey<'a> {
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
    fn new(
        load: LoadId,
        upload: Upload,
        turn: Option<MyTurn<'a>>,
        places: &'a Places,
        rules: &'a Rules,
        run: &'a Run<'a>,
    ) -> Journey<'a> {
        Journey { load, upload, turn, places, rules, run, started: Instant::now() }
    }

    async fn travel(&self) -> Result<RunEnd, LoadError> {
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
        let shape = table.describe().await?;
        self.rules.schema.check_fits(&shape)?;

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
        let read = read_file(file, &self.upload, self.rules, self.run).await?;
        seconds.read = clock.elapsed().as_secs_f64();
        let reading = match read {
            Outcome::Read(reading) => reading,
            Outcome::Refused(refusal) => {
                return Ok(Planned::Nothing(Box::new(self.refused(refusal, *seconds))));
            }
        };

        let clock = Instant::now();
        let names = Names(&self.load);
        let rules = self.rules.schema.clone();
        let mut index = Index::new(self.load.clone(), self.upload.clone(), rules, shape, reading.sheets.clone());
        let mut chunks = Chunks::new(reading.rows().map_err(PlanError::Spool)?, Fate::Written);
        while let Some((entry, packed)) = chunks.next_chunk()? {
            // Only once: a run that has lost its turn without knowing must not change what another one's index counts on.
            store.keep_once(&names.chunk(&entry), packed).await?;
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
        let stop_at = self.run.deadline.map(|deadline| deadline - margin(deadline.saturating_duration_since(clock)));
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
        for entry in plan.chunks.iter().filter(|entry| entry.problems > 0) {
            if tally.has_room_for_problems() {
                for row in self.read_chunk(entry).await? {
                    tally.add_problems(row.problems);
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
        Ok(Report::of_rows(Some(self.load.clone()), self.upload.clone(), table, plan.sheets, tally, seconds))
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

async fn read_file(file: std::fs::File, upload: &Upload, rules: &Rules, run: &Run<'_>) -> Result<Outcome, ChildError> {
    let brief = Brief {
        file_name: upload.file_name().to_string(),
        schema: rules.schema.clone(),
        budget: rules.budget.clone(),
        limits: rules.limits,
    };
    child::read(&rules.reader, file, &brief, &|rows| (run.progress)(Progress::Reading { rows })).await
}

/// The first half of the street alone: what a load would make of this file. No table, no plan, no cloud. `each` sees
/// every row.
pub async fn check(
    upload: Upload,
    store: &Store,
    rules: &Rules,
    run: &Run<'_>,
    each: &mut dyn FnMut(&PlanRow) -> std::io::Result<()>,
) -> Result<Report, LoadError> {
    let clock = Instant::now();
    let mut seconds = Seconds::default();
    let refused = |upload, refusal, mut seconds: Seconds| {
        seconds.total = clock.elapsed().as_secs_f64();
        Ok(Report::refused(None, upload, refusal, seconds))
    };
    let file = match store.fetch(&upload, rules.upload_bytes).await {
        Ok(Fetched::File(file, _)) => file,
        Ok(Fetched::Gone) => return Err(LoadError::FileMissing(upload.key)),
        Err(StoreError::TooLarge { bytes, limit }) => return refused(upload, too_large(bytes, limit), seconds),
        Err(error) => return Err(error.into()),
    };
    let outcome = read_file(file, &upload, rules, run).await?;
    seconds.read = clock.elapsed().as_secs_f64();
    let reading = match outcome {
        Outcome::Read(reading) => reading,
        Outcome::Refused(refusal) => return refused(upload, refusal, seconds),
    };
    let mut tally = Tally::default();
    for judged in reading.rows().map_err(PlanError::Spool)? {
        let row = PlanRow::new(judged.map_err(PlanError::Spool)?, Fate::Accepted);
        each(&row).map_err(PlanError::Spool)?;
        tally.add_row(row);
    }
    seconds.total = clock.elapsed().as_secs_f64();
    Ok(Report::of_rows(None, upload, None, reading.sheets, tally, seconds))
}

/// Every row of a finished load with its fate as it turned out, from the plan and the outcomes.
pub async fn visit_rows(
    load: &LoadId,
    store: &Store,
    each: &mut dyn FnMut(&PlanRow) -> std::io::Result<()>,
) -> Result<(), LoadError> {
    let names = Names(load);
    let missing = |part: &str| LoadError::PlanIncomplete { load: load.clone(), part: part.to_string() };
    // Refused and removed files have no plan, and no rows.
    let Some(json) = store.read(&names.index()).await? else {
        return Ok(());
    };
    let plan = Index::decode(&json)?;
    for (number, entry) in plan.chunks.iter().enumerate() {
        let packed = store.read(&names.chunk(entry)).await?.ok_or_else(|| missing(&entry.name))?;
        let outcome = store.read(&names.outcome(number)).await?.ok_or_else(|| missing(&names.outcome(number)))?;
        let outcome: ChunkOutcome = serde_json::from_slice(&outcome)?;
        for mut row in plan::decode(&entry.name, &packed)? {
            if outcome.refused.iter().any(|refused| refused.row == row.row && refused.sheet == row.sheet) {
                row.fate = Fate::NotWritten;
            }
            each(&row).map_err(PlanError::Spool)?;
        }
    }
    Ok(())
}

fn too_large(bytes: u64, limit: u64) -> Refusal {
    const MEGABYTE: u64 = 1 << 20;
    let (size, limit) = (count(bytes.div_ceil(MEGABYTE)), count(limit / MEGABYTE));
    Refusal::new(Rule::FileTooLarge, &[("size", &size), ("limit", &limit)])
}

fn margin(left: Duration) -> Duration {
    MARGIN_MOST.min(left / MARGIN_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_a_quarter_of_a_short_run_and_half_a_minute_of_a_long_one() {
        assert_eq!(margin(Duration::from_secs(900)), Duration::from_secs(30));
        assert_eq!(margin(Duration::from_secs(4)), Duration::from_secs(1));
        assert_eq!(margin(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_large_file_is_refused_in_megabytes() {
        assert_eq!(
            too_large((200 << 20) + 1, 100 << 20).message,
            "The file has 201 MB, and at most 100 MB are accepted."
        );
    }
}
