//! What the function answers to people and programs that invoke it.

use jiff::Timestamp;
use serde::Serialize;

use crate::load::admin::rows::{RowsShown, show_rows};
use crate::load::admin::show::{About, LoadInShort, Shown, list_loads, show};
use crate::load::error::LoadError;
use crate::load::services::Services;
use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;
use inventory_check::report::UndoAnswer;

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

/// Which loads wait, which one is under way, and which were the last.
pub async fn answer_loads(at_most: usize, services: &Services) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(Answer::Loads(list_loads(services.table.name(), ledger, at_most).await?))
}

/// How far a load is, or what became of it.
pub async fn answer_load(load: &LoadId, services: &Services) -> Result<Answer, LoadError> {
    let shown = show(load, &services.store, services.ledger.as_ref()).await?;
    Ok(Answer::Shown(shown.map(Shown::fit_into_answer).transpose()?.map(Box::new)))
}

/// What became of a load's rows; of a fate that nobody knows there are none.
pub async fn answer_rows(
    load: &LoadId,
    from: u64,
    fate: Option<&str>,
    services: &Services,
) -> Result<Answer, LoadError> {
    let known = fate.map(|name| Fate::ALL.into_iter().find(|fate| fate.name() == name));
    if known == Some(None) {
        return Ok(Answer::Rows(RowsShown::default()));
    }
    Ok(Answer::Rows(show_rows(load, from, known.flatten(), &services.store, services.ledger.as_ref()).await?))
}

/// What the loader reads and writes.
pub fn answer_about(uploads_bucket: &str, services: &Services) -> Answer {
    Answer::About(About {
        uploads_bucket: uploads_bucket.to_string(),
        reports: services.store.location("loads"),
        table: services.table.name().to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
    })
}
