//! What people and the schedule ask of the loader: load again, stop, tell what failed, start what should run.

use jiff::Timestamp;
use serde::Serialize;

use super::forgotten::look_for_forgotten;
use super::notice::tell_if_missing;
use super::resting::{retry_resting, unmarked};
use super::rows::{RowsShown, show_rows};
use super::showing::{About, LoadInShort, Shown, list_loads, show};
use super::stopping::drop_unbegun;
use super::turn::{enqueue, start_next};
use super::{LoadError, Places, Rules, Run, RunEnd, telling};
use crate::ledger::{Announced, LoadRecord, State, Stop};
use inventory_base::decision::{Afterwards, Decision, Later};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;
use inventory_check::plan::Fate;
use inventory_check::report::{Report, UndoAnswer};

/// How often a load that moves on is asked to stop before somebody has to ask again.
const CANCEL_TRIES: u32 = 5;

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Under this name it is loaded when it is its turn, or was before: as these people decided first.
    LoadedAgain {
        load: LoadId,
        by: String,
        at: Timestamp,
    },
    /// It waited after a fault that may pass, and is tried again now.
    Retried {
        load: LoadId,
    },
    /// Under this name it is undone when it is its turn, or was before.
    Undoing {
        load: LoadId,
    },
    /// What an undo would come to.
    Undo(UndoAnswer),
    /// Over without having begun, or asked to stop at its next step.
    Cancelled {
        load: LoadId,
        had_begun: bool,
    },
    /// The loads that failed and were not sent again, and how many events rest in the failure queue.
    Failed {
        loads: Vec<Failed>,
        events: u64,
    },
    /// The loads that wait, the one under way, and the last that are over.
    Loads(Vec<LoadInShort>),
    /// How far a load is, or what became of it; nothing where nothing is known of it.
    Shown(Option<Box<Shown>>),
    Rows(RowsShown),
    About(About),
    /// What was sent again, and what could not be.
    Redriven {
        loads: Vec<LoadId>,
        events: u64,
        left: Vec<NotSent>,
    },
    /// The load that a run was asked for.
    Swept {
        asked: Option<LoadId>,
    },
}

/// A load that failed, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    pub load: LoadId,
    pub key: String,
    /// When the file was uploaded: in that order failed loads are sent again.
    pub uploaded: Timestamp,
    pub ended: Timestamp,
    pub summary: String,
}

/// A load, or the events of the failure queue, that could not be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotSent {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadId>,
    pub reason: String,
}

/// Loads again what is held.
pub async fn approve(decision: &Decision, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let held = ended(decision, places).await?.filter(|record| record.ending.as_deref() == Some(Ending::Held.name()));
    let held = held.ok_or_else(|| LoadError::NotHeld(decision.load.clone()))?;
    load_again(held, decision, places, run).await
}

/// Loads again what failed or was cancelled, and lets what waits after a fault be tried at once.
pub async fn redrive(decision: &Decision, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    if ledger.forget_outage(&decision.load).await? {
        start_next(places).await;
        return Ok(Answer::Retried { load: decision.load.clone() });
    }
    let stopped = [Ending::Failed.name(), Ending::Cancelled.name()];
    let record = ended(decision, places).await?;
    let record = record.filter(|record| record.ending.as_deref().is_some_and(|ending| stopped.contains(&ending)));
    let record = record.ok_or_else(|| LoadError::NotFailed(decision.load.clone()))?;
    load_again(record, decision, places, run).await
}

/// Loads again all that has failed since and was not yet, the oldest upload first, and sends again the events that rest in
/// the failure queue. One that cannot be sent again keeps no other from it.
pub async fn redrive_all(
    decision: &(dyn Fn(LoadId) -> Decision + Sync),
    since: Option<Timestamp>,
    places: &Places,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let (mut loads, mut left) = (Vec::new(), Vec::new());
    for failed in find_failed(since, places).await? {
        match redrive(&decision(failed.load.clone()), places, run).await {
            Ok(Answer::LoadedAgain { load, .. } | Answer::Retried { load }) => loads.push(load),
            Ok(_) => {}
            Err(error) => left.push(NotSent { load: Some(failed.load), reason: sentence(&error) }),
        }
    }
    let (events, fault) = send_resting_again(places).await;
    left.extend(fault.map(|fault| NotSent { load: None, reason: sentence(&fault) }));
    Ok(Answer::Redriven { loads, events, left })
}

/// How many events of the failure queue were sent again, and what stood in the way of the next.
async fn send_resting_again(places: &Places) -> (u64, Option<LoadError>) {
    let mut events = 0;
    let (Some(failures), Some(relay)) = (&places.failures, &places.relay) else { return (events, None) };
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
pub async fn list_failed(since: Option<Timestamp>, places: &Places) -> Result<Answer, LoadError> {
    let events = match &places.failures {
        Some(failures) => failures.count().await?,
        None => 0,
    };
    Ok(Answer::Failed { loads: find_failed(since, places).await?, events })
}

/// Which loads wait, which one is under way, and which were the last.
pub async fn tell_loads(at_most: usize, places: &Places) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(Answer::Loads(list_loads(places.table.name(), ledger, at_most).await?))
}

/// How far a load is, or what became of it.
pub async fn tell_load(load: &LoadId, places: &Places) -> Result<Answer, LoadError> {
    let shown = show(load, &places.store, places.ledger.as_ref()).await?;
    Ok(Answer::Shown(shown.map(Shown::fit_into_answer).transpose()?.map(Box::new)))
}

/// What became of a load's rows; of a fate that nobody knows there are none.
pub async fn tell_rows(load: &LoadId, from: u64, fate: Option<&str>, places: &Places) -> Result<Answer, LoadError> {
    let known = fate.map(|name| Fate::ALL.into_iter().find(|fate| fate.name() == name));
    if known == Some(None) {
        return Ok(Answer::Rows(RowsShown::default()));
    }
    Ok(Answer::Rows(show_rows(load, from, known.flatten(), &places.store, places.ledger.as_ref()).await?))
}

/// What the loader reads and writes.
pub fn tell_places(uploads_bucket: &str, places: &Places) -> Answer {
    Answer::About(About {
        uploads_bucket: uploads_bucket.to_string(),
        reports: places.store.place("loads"),
        table: places.table.name().to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
    })
}

/// Stops a load: one that waits is over at once, one under way at its next step.
pub async fn cancel(decision: &Decision, places: &Places) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let (load, by) = (decision.load.clone(), decision.by.clone());
    for _ in 0..CANCEL_TRIES {
        let record = ledger.read(&load).await?.ok_or_else(|| LoadError::NotUnderWay(load.clone()))?;
        match record.state {
            State::Ended => return Err(LoadError::NotUnderWay(load)),
            State::Queued => {
                let report = Report::cancelled(load.clone(), record.upload.clone(), &by);
                let announced = Announced::known(record);
                if let RunEnd::Ended(_) = drop_unbegun(announced, report, ledger, places).await? {
                    return Ok(Answer::Cancelled { load, had_begun: false });
                }
            }
            State::Writing if record.is_written() => return Err(LoadError::AllWritten(load)),
            State::Planning | State::Writing => {
                if ledger.ask_to_stop(&load, &Stop::Cancelled { by: by.clone() }).await? {
                    // Should its run have died, another one is needed to end it.
                    start_next(places).await;
                    return Ok(Answer::Cancelled { load, had_begun: true });
                }
            }
        }
    }
    Err(LoadError::NotUnderWay(load))
}

/// Starts what should run and does not: a load whose run died, or the first in the queue. Sends again what met a fault that
/// may pass, and looks for uploads that no event told of, and whether a sheet should have come.
pub async fn sweep(places: &Places, rules: &Rules) -> Answer {
    let asked = start_next(places).await;
    retry_resting(places, rules).await;
    look_for_forgotten(places, rules).await;
    tell_if_missing(places, rules).await;
    Answer::Swept { asked }
}

/// The same upload, as a load of its own. It keeps the time of its upload, and so its place among the others: whoever sends
/// it again, and whenever, it does not become newer by that.
async fn load_again(
    record: LoadRecord,
    decision: &Decision,
    places: &Places,
    run: &Run<'_>,
) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let load = decision.load.next();
    let was_held = record.ending.as_deref() == Some(Ending::Held.name());
    let again = match &record.undo {
        // What was to be taken back still is.
        Some(undo) => ("undo", serde_json::json!(undo)),
        None => ("again", serde_json::json!(decision)),
    };
    let announced = Announced { load: load.clone(), decision: Some(again), ..Announced::known(record) };
    enqueue(announced, places, run).await?;
    // Whoever decided first has decided it.
    let first = ledger.read(&load).await?.and_then(|record| record.again);
    let Decision { by, at, .. } = first.unwrap_or_else(|| decision.clone());
    let what = if was_held { Afterwards::Approved } else { Afterwards::Reloaded };
    let later = Later { what, load: load.clone(), by: Some(by.clone()), at };
    telling::note_later(&decision.load, later, places).await;
    start_next(places).await;
    Ok(Answer::LoadedAgain { load, by, at })
}

async fn ended(decision: &Decision, places: &Places) -> Result<Option<LoadRecord>, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(ledger.read(&decision.load).await?.filter(|record| record.state == State::Ended))
}

/// The oldest upload first.
async fn find_failed(since: Option<Timestamp>, places: &Places) -> Result<Vec<Failed>, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let mut failed = Vec::new();
    for over in ledger.ended_loads(places.table.name()).await? {
        let counts = over.ending == Ending::Failed.name() && since.is_none_or(|since| over.ended >= since);
        if counts && ledger.read(&over.load.next()).await?.is_none() {
            let (load, key, ended, summary) = (over.load, over.key, over.ended, over.summary);
            let uploaded = ledger.read(&load).await?.map_or(ended, |record| record.place.at());
            failed.push(Failed { load, key, uploaded, ended, summary });
        }
    }
    failed.sort_by_key(|failed| failed.uploaded);
    Ok(failed)
}
