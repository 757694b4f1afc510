//! What people and the schedule ask of the loader: load again, stop, tell what failed, start what should run.

use serde::Serialize;

use super::notice::tell_if_missing;
use super::rows::{RowsShown, show_rows};
use super::showing::{About, LoadInShort, Shown, list_loads, show};
use super::stopping::drop_unbegun;
use super::turn::{enqueue, start_next};
use super::{LoadError, Places, Rules, Run, RunEnd};
use crate::event::{LoadId, Word};
use crate::ledger::{Announced, LoadRecord, State, Stop};
use crate::plan::Fate;
use crate::report::{Ending, Report, UndoAnswer};

/// How often a load that moves on is asked to stop before somebody has to ask again.
const CANCEL_TRIES: u32 = 5;

/// What the function answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Under this name it is loaded when it is its turn, or was before.
    LoadedAgain {
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
    /// What was sent again.
    Redriven {
        loads: Vec<LoadId>,
        events: u64,
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
    pub ended: jiff::Timestamp,
    pub summary: String,
}

/// Loads again what is held.
pub async fn approve(word: &Word, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let held = ended(word, places).await?.filter(|record| record.ending.as_deref() == Some(Ending::Held.name()));
    let held = held.ok_or_else(|| LoadError::NotHeld(word.load.clone()))?;
    load_again(held, word, places, run).await
}

/// Loads again what failed or was cancelled.
pub async fn redrive(word: &Word, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let stopped = [Ending::Failed.name(), Ending::Cancelled.name()];
    let record = ended(word, places).await?;
    let record = record.filter(|record| record.ending.as_deref().is_some_and(|ending| stopped.contains(&ending)));
    let record = record.ok_or_else(|| LoadError::NotFailed(word.load.clone()))?;
    load_again(record, word, places, run).await
}

/// Loads again all that failed and was not yet, and sends again the events that rest in the failure queue.
pub async fn redrive_all(word: &dyn Fn(LoadId) -> Word, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let mut loads = Vec::new();
    for failed in find_failed(places).await? {
        let Answer::LoadedAgain { load } = redrive(&word(failed.load), places, run).await? else { continue };
        loads.push(load);
    }
    let mut events = 0;
    if let (Some(failures), Some(relay)) = (&places.failures, &places.relay) {
        while let Some(resting) = failures.next().await? {
            relay.send(&resting.event).await?;
            failures.remove(resting).await?;
            events += 1;
        }
    }
    Ok(Answer::Redriven { loads, events })
}

/// Which loads failed, and how many events rest in the failure queue.
pub async fn list_failed(places: &Places) -> Result<Answer, LoadError> {
    let events = match &places.failures {
        Some(failures) => failures.count().await?,
        None => 0,
    };
    Ok(Answer::Failed { loads: find_failed(places).await?, events })
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
pub async fn cancel(word: &Word, places: &Places) -> Result<Answer, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let (load, by) = (word.load.clone(), word.by.clone());
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

/// Starts what should run and does not: a load whose run died, or the first in the queue. Then looks whether a sheet
/// should have come.
pub async fn sweep(places: &Places, rules: &Rules) -> Answer {
    let asked = start_next(places).await;
    tell_if_missing(places, rules).await;
    Answer::Swept { asked }
}

async fn load_again(record: LoadRecord, word: &Word, places: &Places, run: &Run<'_>) -> Result<Answer, LoadError> {
    let load = word.load.next();
    let again = match &record.undo {
        // What was to be taken back still is.
        Some(undo) => ("undo", serde_json::json!(undo)),
        None => ("again", serde_json::json!(word)),
    };
    let announced = Announced { load: load.clone(), at: word.at, word: Some(again), ..Announced::known(record) };
    enqueue(announced, places, run).await?;
    start_next(places).await;
    Ok(Answer::LoadedAgain { load })
}

async fn ended(word: &Word, places: &Places) -> Result<Option<LoadRecord>, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(ledger.read(&word.load).await?.filter(|record| record.state == State::Ended))
}

async fn find_failed(places: &Places) -> Result<Vec<Failed>, LoadError> {
    let ledger = places.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    let mut failed = Vec::new();
    for over in ledger.ended_loads(places.table.name()).await? {
        if over.ending == Ending::Failed.name() && ledger.read(&over.load.next()).await?.is_none() {
            let (load, key, ended, summary) = (over.load, over.key, over.ended, over.summary);
            failed.push(Failed { load, key, ended, summary });
        }
    }
    Ok(failed)
}
