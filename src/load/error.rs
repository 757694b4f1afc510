//! Errors of a load that are not about its file: faults of the cloud and of the set-up.

use crate::clients::CloudFault;
use crate::ledger::LedgerError;
use crate::load::rules::RulesError;
use crate::relay::RelayError;
use crate::store::StoreError;
use crate::table::TableError;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::child::ChildError;
use inventory_check::plan::PlanError;
use inventory_rules::schema::TableMismatch;

/// A fault of the cloud or of the set-up. Problems of a file are in its report instead.
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
    TableMismatch(#[from] TableMismatch),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Cloud(#[from] CloudFault),
    #[error("load {holder} is using table {table}; wait for it to end and retry")]
    Busy { table: String, holder: LoadId },
    #[error("load {load} was planned for table {planned}, but this run writes to {ours}; run it with table {planned}")]
    OtherTable { load: LoadId, planned: String, ours: String },
    #[error("table {table} was deleted and recreated while load {load} was running; what the load had written is lost")]
    TableRecreated { load: LoadId, table: String },
    #[error(
        "{part} of load {load} is missing, so the load cannot be finished; was it deleted from the reports bucket? \
         Upload the file again"
    )]
    PlanIncomplete { load: LoadId, part: String },
    #[error("load {0} made no progress in a whole run, so no further run was started; give the function more time")]
    NoProgress(LoadId),
    #[error("this run reached its deadline before the plan was complete")]
    PlanUnfinished,
    #[error("load {0} is not held, so there is nothing to approve; check the name in its report")]
    NotHeld(LoadId),
    #[error("load {0} did not fail and was not cancelled, so it was not reloaded; check the name in its report")]
    NotFailed(LoadId),
    #[error("load {0} is neither waiting nor running, so there is nothing to cancel; check the name")]
    NotActive(LoadId),
    #[error(
        "all rows of load {0} are written already, so it was not cancelled; to undo it once its report is there: \
         inventory undo {0}"
    )]
    AllWritten(LoadId),
    #[error(transparent)]
    CannotUndo(#[from] CannotUndo),
    #[error("load {0} is not known here; check its name, and whether this is the right loader or folder")]
    UnknownLoad(LoadId),
    #[error("load {0} has not ended, so the result of its rows is not known yet; wait for its report")]
    NotEnded(LoadId),
    #[error("file {0} does not exist; check the name")]
    FileMissing(String),
    #[error("this needs a ledger, and none is set up; deploy the loader with its ledger table")]
    NoLedger,
    #[error("the report could not be encoded: {0}")]
    Report(#[from] serde_json::Error),
}

impl LoadError {
    /// Whether the same load may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        match self {
            LoadError::Ledger(error) => error.is_retryable(),
            LoadError::Store(error) => error.is_retryable(),
            LoadError::Table(error) => error.is_retryable(),
            LoadError::Relay(error) => error.is_retryable(),
            LoadError::Cloud(fault) => fault.transient,
            // With its whole time still left, the next run may get further.
            LoadError::NoProgress(_) | LoadError::PlanUnfinished => true,
            LoadError::Child(_) | LoadError::Busy { .. } => true,
            LoadError::Plan(_)
            | LoadError::Rules(_)
            | LoadError::TableMismatch(_)
            | LoadError::OtherTable { .. }
            | LoadError::TableRecreated { .. }
            | LoadError::PlanIncomplete { .. }
            | LoadError::NotHeld(_)
            | LoadError::NotFailed(_)
            | LoadError::NotActive(_)
            | LoadError::AllWritten(_)
            | LoadError::CannotUndo(_)
            | LoadError::UnknownLoad(_)
            | LoadError::NotEnded(_)
            | LoadError::FileMissing(_)
            | LoadError::NoLedger
            | LoadError::Report(_) => false,
        }
    }

    /// Whether a service that the load needs is temporarily unavailable, so that a retry is worthwhile however often it
    /// has failed.
    pub fn is_outage(&self) -> bool {
        match self {
            LoadError::Ledger(LedgerError::Cloud(fault)) | LoadError::Cloud(fault) => fault.transient,
            LoadError::Ledger(LedgerError::Contended { .. }) => true,
            LoadError::Store(StoreError::Cloud(fault)) => fault.transient,
            LoadError::Table(error) => error.is_retryable(),
            LoadError::Relay(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Whether the load ends with this error, because every run would meet it again.
    pub fn ends_the_load(&self) -> bool {
        // A loader that writes to the other table can still resume the load.
        !self.is_retryable() && !matches!(self, LoadError::OtherTable { .. } | LoadError::Ledger(_))
    }
}

/// Why a load cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    #[error("load {0} is not known here, so nothing was undone; check its name, and where its report is")]
    Unknown(LoadId),
    #[error("load {0} has not ended, so nothing was undone; wait for its report")]
    NotEnded(LoadId),
    #[error("load {load} ended as \"{ending}\" and wrote nothing, so there is nothing to undo")]
    NothingWritten { load: LoadId, ending: Ending },
    #[error(
        "load {0} wrote without reading the table first (compare = false), so the values before it are not known; \
         nothing was undone. Load a sheet with the right values instead"
    )]
    NotCompared(LoadId),
    #[error(
        "the table was deleted and recreated since load {0}, so what that load wrote is not in it; nothing was undone"
    )]
    TableRecreated(LoadId),
    #[error(
        "the plan of load {0}, which had the values before it, is no longer kept; nothing was undone. Load a sheet \
         with the right values instead"
    )]
    Expired(LoadId),
}
