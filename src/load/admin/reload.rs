//! Reloads what was held, failed or was cancelled.

use jiff::Timestamp;

use crate::ledger::{AnnouncedLoad, LoadRecord, State};
use crate::load::admin::answer::{Answer, Failed, NotSent};
use crate::load::admin::failure_queue::without_outage;
use crate::load::error::LoadError;
use crate::load::finish::keep::note_follow_up;
use crate::load::job::Run;
use crate::load::services::Services;
use crate::load::turn::{enqueue, start_next};
use inventory_base::decision::{Decision, FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;

/// Reloads a held load, with the gates that held it approved.
pub async fn approve(decision: &Decision, services: &Services, run: &Run<'_>) -> Result<Answer, LoadError> {
    let held = ended(decision, services).await?.filter(|record| record.ending == Some(Ending::Held));
    let held = held.ok_or_else(|| LoadError::NotHeld(decision.load.clone()))?;
    reload(held, decision, services, run).await
}

/// Reloads a load that failed or was cancelled. A load that is waiting after a transient fault is retried at once.
pub async fn redrive(decision: &Decision, services: &Services, run: &Run<'_>) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    if ledger.forget_outage(&decision.load).await? {
        start_next(services).await;
        return Ok(Answer::Retried { load: decision.load.clone() });
    }
    let stopped = [Ending::Failed, Ending::Cancelled];
    let record = ended(decision, services).await?;
    let record = record.filter(|record| record.ending.is_some_and(|ending| stopped.contains(&ending)));
    let record = record.ok_or_else(|| LoadError::NotFailed(decision.load.clone()))?;
    reload(record, decision, services, run).await
}

/// Reloads all loads that have failed since a time and were not reloaded yet, the oldest upload first, and sends the
/// events in the failure queue again. If one cannot be reloaded, the others still are.
pub async fn redrive_all(
    decision: &(dyn Fn(LoadId) -> Decision + Sync),
    since: Option<Timestamp>,
    services: &Services,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let (mut loads, mut left) = (Vec::new(), Vec::new());
    for failed in find_failed_loads(since, services).await? {
        match redrive(&decision(failed.load.clone()), services, run).await {
            Ok(Answer::LoadedAgain { load, .. } | Answer::Retried { load }) => loads.push(load),
            Ok(_) => {}
            Err(error) => left.push(NotSent { load: Some(failed.load), reason: sentence(&error) }),
        }
    }
    let (events, fault) = resend_failed_events(services).await;
    left.extend(fault.map(|fault| NotSent { load: None, reason: sentence(&fault) }));
    Ok(Answer::Redriven { loads, events, left })
}

/// Sends the events in the failure queue again. Returns how many were sent, and the error that stopped it.
async fn resend_failed_events(services: &Services) -> (u64, Option<LoadError>) {
    let mut events = 0;
    let (Some(failures), Some(relay)) = (&services.failures, &services.relay) else { return (events, None) };
    loop {
        let sent = async {
            let Some(failed) = failures.next().await? else { return Ok::<bool, LoadError>(false) };
            relay.send(&without_outage(failed.event.clone())).await?;
            failures.remove(failed).await?;
            Ok(true)
        };
        match sent.await {
            Ok(true) => events += 1,
            Ok(false) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// Lists the loads that have failed since a time, and counts the events in the failure queue.
pub async fn list_failed(since: Option<Timestamp>, services: &Services) -> Result<Answer, LoadError> {
    let events = match &services.failures {
        Some(failures) => failures.count().await?,
        None => 0,
    };
    Ok(Answer::Failed { loads: find_failed_loads(since, services).await?, events })
}

/// Queues the same upload as a new linked load. It keeps the time of the upload, and so its place among the others: a
/// reload does not make the file newer.
async fn reload(
    record: LoadRecord,
    decision: &Decision,
    services: &Services,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let load = decision.load.next();
    let was_held = record.ending == Some(Ending::Held);
    let again = match &record.undo {
        // A reload of an undo is an undo, too.
        Some(undo) => ("undo", serde_json::json!(undo)),
        None => ("again", serde_json::json!(decision)),
    };
    let announced = AnnouncedLoad { load: load.clone(), decision: Some(again), ..AnnouncedLoad::from_record(record) };
    enqueue(announced, services, run).await?;
    // The first decision counts.
    let first = ledger.read(&load).await?.and_then(|record| record.again);
    let Decision { by, at, .. } = first.unwrap_or_else(|| decision.clone());
    let what = if was_held { FollowUpKind::Approved } else { FollowUpKind::Reloaded };
    let later = FollowUp { what, load: load.clone(), by: Some(by.clone()), at };
    note_follow_up(&decision.load, later, services).await;
    start_next(services).await;
    Ok(Answer::LoadedAgain { load, by, at })
}

async fn ended(decision: &Decision, services: &Services) -> Result<Option<LoadRecord>, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(ledger.read(&decision.load).await?.filter(|record| record.state == State::Ended))
}

/// Finds the loads that have failed and were not reloaded, the oldest upload first.
async fn find_failed_loads(since: Option<Timestamp>, services: &Services) -> Result<Vec<Failed>, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let mut failed = Vec::new();
    for ended_load in ledger.ended_loads(services.table.name()).await? {
        let counts = ended_load.ending == Ending::Failed && since.is_none_or(|since| ended_load.ended >= since);
        if counts && ledger.read(&ended_load.load.next()).await?.is_none() {
            let (load, key, ended, summary) = (ended_load.load, ended_load.key, ended_load.ended, ended_load.summary);
            let uploaded = ledger.read(&load).await?.map_or(ended, |record| record.position.at());
            failed.push(Failed { load, key, uploaded, ended, summary });
        }
    }
    failed.sort_by_key(|failed| failed.uploaded);
    Ok(failed)
}
