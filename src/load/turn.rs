//! Takes turns at a table, queues loads, and starts the next one.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::ledger::{AnnouncedLoad, IfBusy, Lease, Ledger, LoadRecord, ProgressCounts, Turn};
use crate::load::error::LoadError;
use crate::load::finish::keep::note_follow_up;
use crate::load::finish::unstarted::{end_unstarted, replaced};
use crate::load::hold_turn::{keep_turn, release_turn};
use crate::load::job::{HeldTurn, Job, Run, RunEnd};
use crate::load::services::Services;
use crate::load::settings::Settings;
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_base::upload::Upload;
use inventory_check::plan::{Gate, Index, Names};
use inventory_check::report::Report;

/// How long the command waits for another load into the same table. The function queues instead.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);

const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Loads an upload, or resumes its load.
pub async fn load(
    upload: Upload,
    services: &Services,
    settings: &Settings,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let load = LoadId::of(&upload);
    let ledger = match &services.ledger {
        // A dry run writes nothing, so it takes no turn.
        Some(ledger) if !run.dry_run && !upload.is_dry_run() => ledger,
        _ => return Job::new(load, upload, None, services, settings, run).run().await,
    };
    let announced = AnnouncedLoad::from_upload(&load, &upload, services.table.name());
    let turn = match &services.relay {
        Some(_) => ledger.take_turn(&announced, run.request_id, IfBusy::Queue).await?,
        None => wait_for_turn(ledger, &announced, run).await?,
    };
    act_on_turn(turn, &load, ledger, services, settings, run).await
}

/// Resumes a load by its name.
pub async fn resume(
    load: &LoadId,
    services: &Services,
    settings: &Settings,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let turn = ledger.take_turn_to_continue(load, run.request_id).await?;
    act_on_turn(turn, load, ledger, services, settings, run).await
}

/// Puts an upload into the queue without a run of its own.
pub async fn queue(upload: &Upload, services: &Services, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let load = LoadId::of(upload);
    let announced = AnnouncedLoad::from_upload(&load, upload, services.table.name());
    enqueue(announced, services, run).await
}

/// Puts a load into the queue without a run of its own; `start_next` starts it.
pub async fn enqueue(announced: AnnouncedLoad, services: &Services, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    match ledger.enqueue(&announced, run.request_id).await? {
        Turn::Outdated(announced, newer) => drop_outdated(*announced, newer, ledger, services).await,
        Turn::Ended(ending) => Ok(RunEnd::EndedBefore { ending }),
        Turn::Duplicate | Turn::Taken(..) => Ok(RunEnd::Duplicate),
        Turn::Queued { behind } => Ok(RunEnd::Queued { load: announced.load, behind }),
        Turn::Busy { load } => Ok(RunEnd::Queued { load: announced.load, behind: Some(load) }),
    }
}

/// Asks for a run of the load that should be running and is not, and returns it. If that fails, the next sweep does it.
pub async fn start_next(services: &Services) -> Option<LoadId> {
    let (Some(ledger), Some(relay)) = (&services.ledger, &services.relay) else { return None };
    let asked = async {
        let next = ledger.load_to_start(services.table.name()).await?;
        if let Some(load) = &next {
            relay.ask_to_continue(load).await?;
        }
        Ok::<_, LoadError>(next)
    };
    asked.await.unwrap_or_else(|error| {
        tracing::warn!(event = "next_not_started", table = services.table.name(), error = %error);
        None
    })
}

/// Takes the turn, and waits for another load for a while if need be; never queues.
pub async fn wait_for_turn(ledger: &Ledger, announced: &AnnouncedLoad, run: &Run<'_>) -> Result<Turn, LoadError> {
    let until = Instant::now() + TURN_TIMEOUT;
    loop {
        let turn = ledger.take_turn(announced, run.request_id, IfBusy::DontQueue).await?;
        if !matches!(turn, Turn::Busy { .. }) || Instant::now() >= until {
            return Ok(turn);
        }
        sleep(POLL_INTERVAL.mul_f64(0.5 + fastrand::f64())).await;
    }
}

/// Acts on the answer to a request for the turn: runs the load if the turn is ours, then starts the next one.
pub async fn act_on_turn(
    turn: Turn,
    load: &LoadId,
    ledger: &Ledger,
    services: &Services,
    settings: &Settings,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let end = match turn {
        Turn::Taken(lease, record) => run_in_turn(&lease, &record, ledger, services, settings, run).await?,
        Turn::Duplicate => return Ok(RunEnd::Duplicate),
        Turn::Queued { behind } => RunEnd::Queued { load: load.clone(), behind },
        Turn::Busy { load: holder } => {
            return Err(LoadError::Busy { table: services.table.name().to_string(), holder });
        }
        Turn::Outdated(announced, newer) => drop_outdated(*announced, newer, ledger, services).await?,
        Turn::Ended(ending) => RunEnd::EndedBefore { ending },
    };
    if !matches!(end, RunEnd::Continued { .. } | RunEnd::Delayed { .. }) {
        start_next(services).await;
    }
    Ok(end)
}

async fn run_in_turn(
    lease: &Lease,
    record: &LoadRecord,
    ledger: &Ledger,
    services: &Services,
    settings: &Settings,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let turn = HeldTurn { ledger, lease, record };
    let note = |progress: Progress| {
        lease.note_counts(|counts| note_progress(counts, progress));
        (run.progress)(progress);
    };
    let run = &Run { progress: &note, waived: run.waived.clone(), ..*run };
    let (load, upload) = (record.load.clone(), record.upload.clone());
    let mut job = Job::new(load, upload, Some(turn), services, settings, run);
    job.undo = record.undo.clone();
    // One task runs both, so that nothing keeps running after either ends. Boxed: a job is a large future.
    let to_end = async {
        job.waived = approved_gates(record, services, run).await?;
        job.run().await
    };
    let ended = tokio::select! {
        end = Box::pin(to_end) => end,
        lost = keep_turn(ledger, lease, settings.heartbeat) => Err(lost.into()),
    };
    let Err(error) = ended else { return ended };
    // The command prints the error itself.
    if services.relay.is_none() {
        release_turn(ledger, lease).await;
        return Err(error);
    }
    let is_end = error.ends_the_load() && lease.is_live();
    if is_end {
        match job.fail(&error).await {
            Ok(end) => return Ok(end),
            Err(worse) => tracing::warn!(event = "failure_not_reported", load = %record.load, error = %worse),
        }
    }
    job.retry_later(error, is_end).await
}

/// Ends a load that a newer version of its file overtook before it began; it still gets a report.
async fn drop_outdated(
    announced: AnnouncedLoad,
    newer: LoadId,
    ledger: &Ledger,
    services: &Services,
) -> Result<RunEnd, LoadError> {
    let load = announced.load.clone();
    let report = Report::outdated(load.clone(), announced.upload.clone(), &newer);
    let end = end_unstarted(announced, report, ledger, services).await?;
    if matches!(end, RunEnd::Ended(_)) {
        note_follow_up(&newer, replaced(&load), services).await;
    }
    Ok(end)
}

/// Returns the gates that are approved: those that held the load before it, and those that were already approved then.
/// A reload after a failure keeps what was approved.
async fn approved_gates(record: &LoadRecord, services: &Services, run: &Run<'_>) -> Result<BTreeSet<Gate>, LoadError> {
    let Some(again) = &record.again else { return Ok(run.waived.clone()) };
    let Some(json) = services.store.read(&Names(&again.load).index()).await? else { return Ok(BTreeSet::new()) };
    let before = Index::decode(&json)?;
    Ok(before.waived.iter().copied().chain(before.held.iter().map(|tripped| tripped.gate)).collect())
}

/// Counts the progress of the load; the heartbeat writes it to the ledger.
fn note_progress(counts: &mut ProgressCounts, progress: Progress) {
    match progress {
        Progress::Reading { rows } => counts.read = rows,
        Progress::Planning { rows, .. } => counts.compared = rows,
        Progress::Writing { rows, of } => (counts.written, counts.of) = (rows, of),
    }
}
