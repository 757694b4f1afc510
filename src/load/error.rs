//! What keeps a load from its end that is not wrong with the file: faults of the cloud and of the set-up.

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
    TableMismatch(#[from] TableMismatch),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Cloud(#[from] CloudFault),
    #[error("it is load {holder}'s turn at table {table}; trying again later is safe")]
    Busy { table: String, holder: LoadId },
    #[error("load {load} was planned for table {planned}, and this run writes to {ours}; start it where it belongs")]
    OtherTable { load: LoadId, planned: String, ours: String },
    #[error(
        "table {table} was deleted and made anew while load {load} was under way; what the load had written is gone with it"
    )]
    TableMadeAnew { load: LoadId, table: String },
    #[error(
        "{part} of load {load} is not kept any more, so the load cannot be finished; did somebody empty the reports \
         bucket? Upload the file again"
    )]
    PlanIncomplete { load: LoadId, part: String },
    #[error("load {0} got nowhere in a whole run, so no other is asked for; give the function more time")]
    NoHeadway(LoadId),
    #[error("the time of this run is over before the plan is made")]
    PlanGoesOn,
    #[error("load {0} is not held, so there is nothing to approve; check the name in its report")]
    NotHeld(LoadId),
    #[error("load {0} did not fail and was not cancelled, so it is not sent again; check the name in its report")]
    NotFailed(LoadId),
    #[error("load {0} neither waits nor is under way, so there is nothing to cancel; check the name")]
    NotUnderWay(LoadId),
    #[error(
        "all rows of load {0} are written already, so it was not cancelled; once its report is there, inventory undo {0} \
         takes them back"
    )]
    AllWritten(LoadId),
    #[error(transparent)]
    CannotUndo(#[from] CannotUndo),
    #[error("nothing is known of load {0} here; check its name, and whether it is the right loader or folder")]
    UnknownLoad(LoadId),
    #[error("load {0} is not over, so what became of its rows is not known yet; wait for its report")]
    NotOver(LoadId),
    #[error("there is no file {0}")]
    FileMissing(String),
    #[error("a load can only be continued where there is a ledger")]
    NoLedger,
    #[error("the report could not be written down: {0}")]
    Report(#[from] serde_json::Error),
}

impl LoadError {
    /// Whether the same load may succeed later, with nobody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            LoadError::Ledger(error) => error.is_retryable(),
            LoadError::Store(error) => error.is_retryable(),
            LoadError::Table(error) => error.is_retryable(),
            LoadError::Relay(error) => error.is_retryable(),
            LoadError::Cloud(fault) => fault.transient,
            // With a whole run before it, the next one may get further.
            LoadError::NoHeadway(_) | LoadError::PlanGoesOn => true,
            LoadError::Child(_) | LoadError::Busy { .. } => true,
            LoadError::Plan(_)
            | LoadError::Rules(_)
            | LoadError::TableMismatch(_)
            | LoadError::OtherTable { .. }
            | LoadError::TableMadeAnew { .. }
            | LoadError::PlanIncomplete { .. }
            | LoadError::NotHeld(_)
            | LoadError::NotFailed(_)
            | LoadError::NotUnderWay(_)
            | LoadError::AllWritten(_)
            | LoadError::CannotUndo(_)
            | LoadError::UnknownLoad(_)
            | LoadError::NotOver(_)
            | LoadError::FileMissing(_)
            | LoadError::NoLedger
            | LoadError::Report(_) => false,
        }
    }

    /// Whether something it needs is out of order for the moment: no matter how often, trying later may help.
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

    /// Whether the load is over with it: it would meet the same in every run.
    pub fn ends_the_load(&self) -> bool {
        // Whoever writes to that other table can still go on with the load.
        !self.is_retryable() && !matches!(self, LoadError::OtherTable { .. } | LoadError::Ledger(_))
    }
}

/// Why a load cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum CannotUndo {
    #[error("nothing is known of load {0} here, so nothing was undone; check its name, and where its report is")]
    Unknown(LoadId),
    #[error("load {0} has not ended, so nothing was undone; wait for its report")]
    NotEnded(LoadId),
    #[error("load {load} ended as \"{ending}\" and wrote nothing, so there is nothing to undo")]
    NothingWritten { load: LoadId, ending: Ending },
    #[error(
        "load {0} wrote without looking at the table first (compare = false), so nobody knows what was there before; \
         nothing was undone. Load a sheet with the right values instead"
    )]
    NotCompared(LoadId),
    #[error(
        "the table was deleted and made anew since load {0}, so what that load wrote is not in it; nothing was undone"
    )]
    TableMadeAnew(LoadId),
    #[error(
        "the plan of load {0} is no longer kept, and with it what was there before; nothing was undone. Load a sheet \
         with the right values instead"
    )]
    Expired(LoadId),
}
