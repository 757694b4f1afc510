//! Whose turn it is: asking for it, keeping it, giving it back, and who comes next.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::journey::{Journey, MyTurn};
use super::stopping::{drop_unbegun, replaced};
use super::{LoadError, Places, Progress, Rules, Run, RunEnd, telling};
use crate::ledger::{Announced, IfBusy, Lease, Ledger, LedgerError, LoadRecord, Turn};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::plan::{Gate, Index, Names};
use inventory_check::report::Report;

/// How long the command waits for another load into the same table. The function does not: it queues.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(500);
/// A run that ends in an error does not wait longer for the ledger.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// Loads an upload, or goes on with its load.
pub async fn load(upload: Upload, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let load = LoadId::of(&upload);
    let ledger = match &places.ledger {
        // A trial writes nothing, so nobody need wait.
        Some(ledger) if !run.dry_run && !upload.is_dry_run() => ledger,
        _ => return Journey::new(load, upload, None, places, rules, run).travel().await,
    };
    let announced = Announced::upload(&load, &upload, places.table.name());
    let turn = match &places.relay {
        Some(_) => ledger.take_turn(&announced, run.request_id, IfBusy::Queue).await?,
        None => wait_for_turn(ledger, &announced, run).await?,
    };
    settle(turn, &load, ledger, places, rules, run).await
}

/// Goes on with a load of which only the name is known.
pub async fn go_on(load: &LoadId, places: &Places, rules: &Rules, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let turn = ledger.take_up(load, run.request_id).await?;
    settle(turn, load, ledger, places, rules, run).await
}

/// Puts an upload into the queue without a run of its own.
pub async fn queue(upload: &Upload, places: &Places, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let load = LoadId::of(upload);
    let announced = Announced::upload(&load, upload, places.table.name());
    enqueue(announced, places, run).await
}

/// Puts a load into the queue without a run of its own; `start_next` starts it.
pub(super) async fn enqueue(announced: Announced, places: &Places, run: &Run<'_>) -> Result<RunEnd, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    match ledger.enqueue(&announced, run.request_id).await? {
        Turn::Outdated(announced, newer) => drop_outdated(*announced, newer, ledger, places).await,
        Turn::Ended(record) => Ok(RunEnd::EndedBefore { ending: record.ending.unwrap_or_default() }),
        Turn::Duplicate | Turn::Ours(..) => Ok(RunEnd::Duplicate),
        Turn::Queued { behind } => Ok(RunEnd::Queued { load: announced.load, behind }),
        Turn::Busy { load } => Ok(RunEnd::Queued { load: announced.load, behind: Some(load) }),
    }
}

/// Asks for a run of whichever load should be under way and is not. Whoever cannot ask leaves it to the sweep.
pub async fn start_next(places: &Places) -> Option<LoadId> {
    let (Some(ledger), Some(relay)) = (&places.ledger, &places.relay) else { return None };
    let asked = async {
        let next = ledger.who_should_run(places.table.name()).await?;
        if let Some(load) = &next {
            relay.ask_to_continue(load).await?;
        }
        Ok::<_, LoadError>(next)
    };
    asked.await.unwrap_or_else(|error| {
        tracing::warn!(event = "next_not_started", table = places.table.name(), error = %error);
        None
    })
}

pub(super) async fn wait_for_turn(ledger: &Ledger, announced: &Announced, run: &Run<'_>) -> Result<Turn, LoadError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let turn = ledger.take_turn(announced, run.request_id, IfBusy::Tell).await?;
        if !matches!(turn, Turn::Busy { .. }) || Instant::now() >= until {
            return Ok(turn);
        }
        sleep(LOOK.mul_f64(0.5 + fastrand::f64())).await;
    }
}

pub(super) async fn settle(
    turn: Turn,
    load: &LoadId,
    ledger: &Ledger,
    places: &Places,
    rules: &Rules,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let end = match turn {
        Turn::Ours(lease, record) => travel(&lease, &record, ledger, places, rules, run).await?,
        Turn::Duplicate => return Ok(RunEnd::Duplicate),
        Turn::Queued { behind } => RunEnd::Queued { load: load.clone(), behind },
        Turn::Busy { load: holder } => {
            return Err(LoadError::Busy { table: places.table.name().to_string(), holder });
        }
        Turn::Outdated(announced, newer) => drop_outdated(*announced, newer, ledger, places).await?,
        Turn::Ended(record) => RunEnd::EndedBefore { ending: record.ending.unwrap_or_default() },
    };
    if !matches!(end, RunEnd::Continued { .. } | RunEnd::Delayed { .. }) {
        start_next(places).await;
    }
    Ok(end)
}

async fn travel(
    lease: &Lease,
    record: &LoadRecord,
    ledger: &Ledger,
    places: &Places,
    rules: &Rules,
    run: &Run<'_>,
) -> Result<RunEnd, LoadError> {
    let turn = MyTurn { ledger, lease, record };
    let note = |progress: Progress| {
        lease.note_headway(|headway| progress.note(headway));
        (run.progress)(progress);
    };
    let run = &Run { progress: &note, waived: run.waived.clone(), ..*run };
    let (load, upload) = (record.load.clone(), record.upload.clone());
    let mut journey = Journey::new(load, upload, Some(turn), places, rules, run);
    journey.undo = record.undo.clone();
    // One task does both, so that nothing is left running when either ends. Boxed: a journey is a large future.
    let travel = async {
        journey.waived = approved_gates(record, places, run).await?;
        journey.travel().await
    };
    let ended = tokio::select! {
        end = Box::pin(travel) => end,
        lost = keep_turn(ledger, lease, rules.heartbeat) => Err(lost.into()),
    };
    let Err(error) = ended else { return ended };
    // Who types a command is told the error itself.
    if places.relay.is_none() {
        leave_turn(ledger, lease).await;
        return Err(error);
    }
    let is_end = error.ends_the_load() && lease.is_live();
    if is_end {
        match journey.fail(&error).await {
            Ok(end) => return Ok(end),
            Err(worse) => tracing::warn!(event = "failure_not_told", load = %record.load, error = %worse),
        }
    }
    journey.try_later(error, is_end).await
}

/// A load that never begins leaves a report all the same.
async fn drop_outdated(
    announced: Announced,
    newer: LoadId,
    ledger: &Ledger,
    places: &Places,
) -> Result<RunEnd, LoadError> {
    let load = announced.load.clone();
    let report = Report::outdated(load.clone(), announced.upload.clone(), &newer);
    let end = drop_unbegun(announced, report, ledger, places).await?;
    if matches!(end, RunEnd::Ended(_)) {
        telling::note_later(&newer, replaced(&load), places).await;
    }
    Ok(end)
}

/// What somebody approved who read the report of the load that was held: the gates that held it, and those that had
/// been approved before. A load that is sent again for another reason keeps what was approved.
async fn approved_gates(record: &LoadRecord, places: &Places, run: &Run<'_>) -> Result<BTreeSet<Gate>, LoadError> {
    let Some(again) = &record.again else { return Ok(run.waived.clone()) };
    let Some(json) = places.store.read(&Names(&again.load).index()).await? else { return Ok(BTreeSet::new()) };
    let before = Index::decode(&json)?;
    Ok(before.waived.iter().copied().chain(before.held.iter().map(|tripped| tripped.gate)).collect())
}

/// After an error the turn is for whoever tries again, under whatever request id; otherwise the same event sent by hand
/// would take this run for living. Where the ledger does not answer, the lease runs out.
pub(super) async fn leave_turn(ledger: &Ledger, lease: &Lease) {
    match tokio::time::timeout(LEAVE_PATIENCE, ledger.hand_over(lease)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = %error),
        Err(_) => tracing::warn!(event = "turn_not_left", load = %lease.load, error = "no answer in time"),
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
