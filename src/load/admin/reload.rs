//! Loads again what was held, failed or was cancelled.

use jiff::Timestamp;

use crate::ledger::{AnnouncedLoad, LoadRecord, State};
use crate::load::admin::answer::{Answer, Failed, NotSent};
use crate::load::admin::failure_queue::unmarked;
use crate::load::error::LoadError;
use crate::load::finish::leave::note_later;
use crate::load::job::Run;
use crate::load::services::Services;
use crate::load::turn::{enqueue, start_next};
use inventory_base::decision::{Decision, FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;

/// Loads again what is held.
pub async fn approve(decision: &Decision, services: &Services, run: &Run<'_>) -> Result<Answer, LoadError> {
    let held = ended(decision, services).await?.filter(|record| record.ending == Some(Ending::Held));
    let held = held.ok_or_else(|| LoadError::NotHeld(decision.load.clone()))?;
    load_again(held, decision, services, run).await
}

/// Loads again what failed or was cancelled, and lets what waits after a fault be tried at once.
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
    load_again(record, decision, services, run).await
}

/// Loads again all that has failed since and was not yet, the oldest upload first, and sends again the events that rest in
/// the failure queue. One that cannot be sent again keeps no other from it.
pub async fn redrive_all(
    decision: &(dyn Fn(LoadId) -> Decision + Sync),
    since: Option<Timestamp>,
    services: &Services,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let (mut loads, mut left) = (Vec::new(), Vec::new());
    for failed in find_failed(since, services).await? {
        match redrive(&decision(failed.load.clone()), services, run).await {
            Ok(Answer::LoadedAgain { load, .. } | Answer::Retried { load }) => loads.push(load),
            Ok(_) => {}
            Err(error) => left.push(NotSent { load: Some(failed.load), reason: sentence(&error) }),
        }
    }
    let (events, fault) = send_resting_again(services).await;
    left.extend(fault.map(|fault| NotSent { load: None, reason: sentence(&fault) }));
    Ok(Answer::Redriven { loads, events, left })
}

/// How many events of the failure queue were sent again, and what stood in the way of the next.
async fn send_resting_again(services: &Services) -> (u64, Option<LoadError>) {
    let mut events = 0;
    let (Some(failures), Some(relay)) = (&services.failures, &services.relay) else { return (events, None) };
    loop {
        let sent = async {
            let Some(resting) = failures.next().await? else { return Ok::<bool, LoadError>(false) };
            relay.send(&unmarked(resting.event.clone())).await?;
            failures.remove(resting).await?;
            Ok(true)
        };
        match sent.await {
            Ok(true) => events += 1,
            Ok(false) => return (events, None),
            Err(error) => return (events, Some(error)),
        }
    }
}

/// Which loads have failed since, and how many events rest in the failure queue.
pub async fn list_failed(since: Option<Timestamp>, services: &Services) -> Result<Answer, LoadError> {
    let events = match &services.failures {
        Some(failures) => failures.count().await?,
        None => 0,
    };
    Ok(Answer::Failed { loads: find_failed(since, services).await?, events })
}

/// The same upload, as a load of its own. It keeps the time of its upload, and so its place among the others: whoever sends
/// it again, and whenever, it does not become newer by that.
async fn load_again(
    record: LoadRecord,
    decision: &Decision,
    services: &Services,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let load = decision.load.next();
    let was_held = record.ending == Some(Ending::Held);
    let again = match &record.undo {
        // What was to be taken back still is.
        Some(undo) => ("undo", serde_json::json!(undo)),
        None => ("again", serde_json::json!(decision)),
    };
    let announced = AnnouncedLoad { load: load.clone(), decision: Some(again), ..AnnouncedLoad::from_record(record) };
    enqueue(announced, services, run).await?;
    // Whoever decided first has decided it.
    let first = ledger.read(&load).await?.and_then(|record| record.again);
    let Decision { by, at, .. } = first.unwrap_or_else(|| decision.clone());
    let what = if was_held { FollowUpKind::Approved } else { FollowUpKind::Reloaded };
    let later = FollowUp { what, load: load.clone(), by: Some(by.clone()), at };
    note_later(&decision.load, later, services).await;
    start_next(services).await;
    Ok(Answer::LoadedAgain { load, by, at })
}

async fn ended(decision: &Decision, services: &Services) -> Result<Option<LoadRecord>, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(ledger.read(&decision.load).await?.filter(|record| record.state == State::Ended))
}

/// The oldest upload first.
async fn find_failed(since: Option<Timestamp>, services: &Services) -> Result<Vec<Failed>, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let mut failed = Vec::new();
    for over in ledger.ended_loads(services.table.name()).await? {
        let counts = over.ending == Ending::Failed && since.is_none_or(|since| over.ended >= since);
        if counts && ledger.read(&over.load.next()).await?.is_none() {
            let (load, key, ended, summary) = (over.load, over.key, over.ended, over.summary);
            let uploaded = ledger.read(&load).await?.map_or(ended, |record| record.position.at());
            failed.push(Failed { load, key, uploaded, ended, summary });
        }
    }
    failed.sort_by_key(|failed| failed.uploaded);
    Ok(failed)
}
