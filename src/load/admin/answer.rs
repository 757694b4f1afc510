//! Answers of the function to people and programs that invoke it.

use jiff::Timestamp;
use serde::Serialize;

use crate::load::admin::rows::{RowsPage, read_rows};
use crate::load::admin::show::{About, LoadStatus, LoadSummary, list_loads, show};
use crate::load::error::LoadError;
use crate::load::services::Services;
use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;
use inventory_check::report::UndoAnswer;

/// An answer of the function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The load is reloaded under this name at its turn, or was before; `by` and `at` are of the first decision.
    LoadedAgain {
        load: LoadId,
        by: String,
        at: Timestamp,
    },
    /// The load was waiting after a transient fault, and is retried now.
    Retried {
        load: LoadId,
    },
    /// The load is undone under this name at its turn, or was before.
    Undoing {
        load: LoadId,
    },
    /// What an undo would change.
    Undo(UndoAnswer),
    /// The load ended before it began, or has been asked to stop at its next step.
    Cancelled {
        load: LoadId,
        had_begun: bool,
    },
    /// The loads that failed and were not reloaded, and the number of events in the failure queue.
    Failed {
        loads: Vec<Failed>,
        events: u64,
    },
    /// The loads that are waiting, the one that is running, and the last that ended.
    Loads(Vec<LoadSummary>),
    /// The progress of a load, or its result; `None` if the load is not known.
    Shown(Option<Box<LoadStatus>>),
    Rows(RowsPage),
    About(About),
    /// What was reloaded or sent again, and what could not be.
    Redriven {
        loads: Vec<LoadId>,
        events: u64,
        left: Vec<NotSent>,
    },
    /// The load that a run was started for, if any.
    Swept {
        asked: Option<LoadId>,
    },
}

/// The summary of a load that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    pub load: LoadId,
    pub key: String,
    /// When the file was uploaded: failed loads are reloaded in this order.
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

/// Lists the loads that are waiting, the one that is running, and the last that ended.
pub async fn answer_loads(at_most: usize, services: &Services) -> Result<Answer, LoadError> {
    let ledger = services.ledger.as_ref().ok_or(LoadError::NoLedger)?;
    Ok(Answer::Loads(list_loads(services.table.name(), ledger, at_most).await?))
}

/// Returns the progress of a load, or its result.
pub async fn answer_load(load: &LoadId, services: &Services) -> Result<Answer, LoadError> {
    let shown = show(load, &services.store, services.ledger.as_ref()).await?;
    Ok(Answer::Shown(shown.map(LoadStatus::fit_into_answer).transpose()?.map(Box::new)))
}

/// Returns the rows of a load with their fates; none for an unknown fate.
pub async fn answer_rows(
    load: &LoadId,
    from: u64,
    fate: Option<&str>,
    services: &Services,
) -> Result<Answer, LoadError> {
    let known = fate.map(|name| Fate::ALL.into_iter().find(|fate| fate.name() == name));
    if known == Some(None) {
        return Ok(Answer::Rows(RowsPage::default()));
    }
    Ok(Answer::Rows(read_rows(load, from, known.flatten(), &services.store, services.ledger.as_ref()).await?))
}

/// Returns what the loader reads and writes.
pub fn answer_about(uploads_bucket: &str, services: &Services) -> Answer {
    Answer::About(About {
        uploads_bucket: uploads_bucket.to_string(),
        reports: services.store.location("loads"),
        table: services.table.name().to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
    })
}
