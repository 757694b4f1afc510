//! Loads: what they need, whose turn it is, how they end. The journey itself is in `journey`.

mod journey;
mod look;
mod planning;
mod readback;
mod rules;
mod undo;

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::child::{self, Brief, ChildError, Items, Limits, Outcome, Reader};
use crate::event::{LoadId, Request, Upload};
use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord, Turn};
use crate::message::{Refusal, Rule, count};
use crate::plan::{Gate, Index, Names, PlanError};
use crate::relay::{Relay, RelayError};
use crate::report::{Ending, Report};
use crate::schema::{Misfit, Schema};
use crate::store::{Store, StoreError};
use crate::table::{Table, TableError};
use crate::workbook::Budget;
use journey::{Journey, MyTurn};

pub use look::{check, visit_rows};
pub use rules::{RulesError, RulesFrom};
pub use undo::{CannotUndo, answer};

/// How long a run waits for another load into the same table before it gives its event back to be tried again.
const TURN_PATIENCE: Duration = Duration::from_secs(20);
/// A run that ends in an error does not wait longer for the ledger.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);
const TURN_LOOK: Duration = Duration::from_millis(500);
/// Of the time a run has left kept free for ending well: a sentence, or another run.
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
    pub from: RulesFrom,
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
    /// The plan is made, and nothing is written.
    pub dry_run: bool,
    /// Gates that are not asked.
    pub waived: BTreeSet<Gate>,
}

impl Run<'_> {
    fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
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
    Rules(#[from] RulesError),
    #[error(transparent)]
    Misfit(#[from] Misfit),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error("it is load {holder}'s turn at table {table}, for longer than {} s; trying again later is safe", waited.as_secs())]
    Busy { table: String, holder: LoadId, waited: Duration },
    #[error("load {load} was planned for table {planned}, and this run writes to {ours}; start it where it belongs")]
    OtherTable { load: LoadId, planned: String, ours: String },
    #[error("load {load} has {part} missing from its plan; upload the file again")]
    PlanIncomplete { load: LoadId, part: String },
    #[error("load {0} got nowhere in a whole run, so no other is asked for; give the function more time")]
    NoHeadway(LoadId),
    #[error("load {0} is not held, so there is nothing to approve; check the name in its report")]
    NotHeld(LoadId),
    #[error(transparent)]
    CannotUndo(#[from] CannotUndo),
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
            | LoadError::Rules(_)
            | LoadError::Misfit(_)
            | LoadError::OtherTable { .. }
            | LoadError::PlanIncomplete { .. }
            | LoadError::NoHeadway(_)
            | LoadError::NotHeld(_)
            | LoadError::CannotUndo(_)
            | LoadError::FileMissing(_)
            | LoadError::NoLedger
            | LoadError::Report(_) => false,
        }
    }
}

/// Loads an upload, goes on with a load whose plan is kept, loads again what was held, or undoes what is done.
pub async fn run(request: Request, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let journey = |load: LoadId, upload: Upload, turn| Journey {
        dry_run: run.dry_run || upload.is_dry_run(),
        load,
        upload,
        undo: None,
        turn,
        places,
        rules,
        run,
        waived: run.waived.clone(),
        started: Instant::now(),
    };
    let ledger = match (&places.ledger, &request) {
        // Nothing is written, so nobody need wait.
        (_, Request::Load(upload)) if run.dry_run || upload.is_dry_run() => {
            return journey(LoadId::of(upload), upload.clone(), None).travel().await;
        }
        (ledger, Request::Undo(undo)) if run.dry_run || undo.dry_run || ledger.is_none() => {
            return undo::run_without_turn(undo, places, |load, upload| journey(load, upload, None)).await;
        }
        (Some(ledger), _) => ledger,
        (None, Request::Load(upload)) => {
            return journey(LoadId::of(upload), upload.clone(), None).travel().await;
        }
        (None, Request::Continue(_) | Request::Approve(_) | Request::Undo(_)) => return Err(LoadError::NoLedger),
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
    // One task does both, so that nothing is left running when either ends. Boxed: a journey is a large future.
    let travel = async {
        let turn = MyTurn { ledger, lease: &lease, record: &record };
        let waived = approved_gates(&record, places, run).await?;
        let undo = record.undo.clone();
        let journey = Journey { waived, undo, ..journey(record.load.clone(), record.upload.clone(), Some(turn)) };
        journey.travel().await
    };
    let ended = tokio::select! {
        end = Box::pin(travel) => end,
        lost = keep_turn(ledger, &lease, rules.heartbeat) => Err(lost.into()),
    };
    if ended.is_err() {
        leave_turn(ledger, &lease).await;
    }
    ended
}

/// What somebody approved who read the report of the load that was held: the gates that held it, and those that had
/// been approved before.
async fn approved_gates(record: &LoadRecord, places: &Places, run: &Run<'_>) -> Result<BTreeSet<Gate>, LoadError> {
    let Some(approval) = &record.approval else { return Ok(run.waived.clone()) };
    let part = || LoadError::PlanIncomplete { load: approval.load.clone(), part: "plan.json".to_string() };
    let json = places.store.read(&Names(&approval.load).index()).await?.ok_or_else(part)?;
    let held = Index::decode(&json)?;
    Ok(held.waived.iter().copied().chain(held.held.iter().map(|tripped| tripped.gate)).collect())
}

/// After an error the turn is for whoever tries again, under whatever request id; otherwise the same event sent by hand
/// would take this run for living. Where the ledger does not answer, the lease runs out.
async fn leave_turn(ledger: &Ledger, lease: &Lease) {
    match tokio::time::timeout(LEAVE_PATIENCE, ledger.hand_over(lease)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = %error),
        Err(_) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = "no answer in time"),
    }
}

async fn wait_for_turn(ledger: &Ledger, request: &Request, places: &Places, run: &Run<'_>) -> Result<Turn, LoadError> {
    let until = Instant::now() + TURN_PATIENCE;
    loop {
        let turn = match request {
            Request::Load(upload) => {
                ledger.take_turn(&LoadId::of(upload), upload, places.table.name(), run.request_id).await?
            }
            Request::Continue(load) => ledger.take_up(load, run.request_id).await?,
            Request::Approve(approval) => {
                let held = ledger.read(&approval.load).await?;
                let held = held.filter(|record| record.ending.as_deref() == Some(Ending::Held.name()));
                let held = held.ok_or_else(|| LoadError::NotHeld(approval.load.clone()))?;
                ledger.take_approved(&approval.load.next(), &held, approval, run.request_id).await?
            }
            Request::Undo(undo) => undo::take_turn(ledger, undo, places, run).await?,
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
            Err(error) if !lease.is_live() => return error,
            Err(error) => tracing::warn!(event = "heartbeat_missed", load = %lease.load, error = %error),
        }
    }
}

/// The bytes become judged rows, in the child.
async fn read_file(
    file: std::fs::File,
    upload: &Upload,
    schema: &Schema,
    rules: &Rules,
    run: &Run<'_>,
    items: Items,
) -> Result<Outcome, ChildError> {
    let brief = Brief {
        file_name: upload.file_name().to_string(),
        schema: schema.clone(),
        budget: rules.budget.clone(),
        limits: rules.limits,
        items,
    };
    let patience = run.time_left().map_or(Duration::MAX, |left| left - margin(left));
    child::read(&rules.reader, file, &brief, patience, &|rows| (run.progress)(Progress::Reading { rows })).await
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
    fn a_large_file_is_refused_in_megabytes() {
        assert_eq!(
            too_large((200 << 20) + 1, 100 << 20).message,
            "The file has 201 MB, and at most 100 MB are accepted."
        );
    }

    #[test]
    fn the_margin_is_a_quarter_of_a_short_run_and_half_a_minute_of_a_long_one() {
        assert_eq!(margin(Duration::from_secs(900)), Duration::from_secs(30));
        assert_eq!(margin(Duration::from_secs(4)), Duration::from_secs(1));
        assert_eq!(margin(Duration::ZERO), Duration::ZERO);
    }
}
