//! Loads: what they need, whose turn it is, how they end. The journey itself is in `journey`.

mod asked;
mod comparing;
mod forgotten;
mod journey;
mod look;
mod mending;
mod newer;
mod notice;
mod planning;
mod readback;
mod resting;
mod retrying;
mod rows;
mod rules;
mod showing;
mod stopping;
mod telling;
mod turn;
mod undo;
mod unlisted;
mod writing;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clients::CloudFault;
use crate::event::Ours;
use crate::ledger::{Headway, Ledger, LedgerError, Retries};
use crate::notify::Notifier;
use crate::relay::{FailureQueue, Relay, RelayError};
use crate::store::{Store, StoreError};
use crate::table::{Table, TableError};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Refusal, Rule, count};
use inventory_base::upload::Upload;
use inventory_check::child::{self, Brief, ChildError, Items, Limits, Outcome, Reader, Spool};
use inventory_check::plan::{Gate, PlanError};
use inventory_check::report::Report;
use inventory_rules::schema::{Misfit, Schema};
use inventory_workbook::Budget;

pub use asked::{
    Answer, Failed, approve, cancel, list_failed, redrive, redrive_all, sweep, tell_load, tell_loads, tell_places,
    tell_rows,
};
pub use look::check;
pub use rows::{RowsShown, show_rows, visit_rows};
pub use rules::{RulesError, RulesFrom};
pub use showing::{About, LoadInShort, Shown, list_kept, list_loads, show};
pub use turn::{go_on, load, queue, start_next};
pub use undo::{CannotUndo, ask_undo, tell_undo, undo};

/// Of the time a run has left, at most this part is kept free for ending well: a sentence, or another run.
const MARGIN_SHARE: u32 = 4;

/// Where a load reads and writes.
pub struct Places {
    pub store: Store,
    /// Without one a load takes no turn: whoever starts it sees to it that it is alone.
    pub ledger: Option<Ledger>,
    pub table: Table,
    /// Who is asked for another run when the time of this one is over.
    pub relay: Option<Relay>,
    /// Where events rest that ended in an error each time.
    pub failures: Option<FailureQueue>,
    /// Who tells people and programs that a load is over; whoever typed a command sees it.
    pub notify: Option<Notifier>,
    /// Where uploads come from; none where a person names the file.
    pub uploads: Option<Uploads>,
    /// Whether what a load measured is printed: somebody makes metrics of it.
    pub prints_metrics: bool,
}

impl Places {
    /// Of a command: whoever typed it sees how it ends.
    pub fn here(store: Store, ledger: Option<Ledger>, table: Table) -> Places {
        let (relay, failures, notify, uploads) = (None, None, None, None);
        Places { store, ledger, table, relay, failures, notify, uploads, prints_metrics: false }
    }
}

/// The bucket that uploads come into.
#[derive(Debug, Clone)]
pub struct Uploads {
    pub bucket: String,
    /// What the keys of uploads begin with.
    pub prefix: String,
    /// The account that owns it.
    pub account: String,
}

impl Uploads {
    /// Whose events are believed.
    pub fn ours(&self) -> Ours<'_> {
        Ours { bucket: &self.bucket, account: &self.account }
    }
}

/// When the sweep looks through the uploads bucket for what no event told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// An upload of the last minutes may still be announced.
    pub after: Duration,
    /// What is older than this is not loaded without being asked for.
    pub within: Duration,
    /// How often it begins from the first name.
    pub every: Duration,
}

impl Default for Look {
    fn default() -> Look {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Look { after: Duration::from_secs(15 * 60), within: 7 * DAY, every: DAY }
    }
}

/// By what a load judges, and what it may take.
#[derive(Debug, Clone)]
pub struct Rules {
    pub from: RulesFrom,
    pub reader: Reader,
    pub limits: Limits,
    pub budget: Budget,
    pub upload_bytes: u64,
    pub heartbeat: Duration,
    /// Before the end of its time a run leaves off so long.
    pub margin: Duration,
    /// After that, plans and reports are deleted; none where nobody does.
    pub kept_for: Option<Duration>,
    pub retries: Retries,
    pub look: Look,
}

impl Rules {
    fn margin(&self, left: Duration) -> Duration {
        self.margin.min(left / MARGIN_SHARE)
    }
}

/// One invocation, or one call of the command.
pub struct Run<'a> {
    pub request_id: &'a str,
    /// When the run is stopped from outside.
    pub deadline: Option<Instant>,
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// The plan is made, and nothing is written.
    pub dry_run: bool,
    /// Gates that are not asked.
    pub waived: BTreeSet<Gate>,
}

impl Run<'_> {
    fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// How far a load is, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Reading {
        rows: u64,
    },
    /// Of how many, is not known while the file is still read.
    Planning {
        rows: u64,
        of: Option<u64>,
    },
    Writing {
        rows: u64,
        of: u64,
    },
}

impl Progress {
    /// For those who ask the ledger meanwhile.
    fn note(self, headway: &mut Headway) {
        match self {
            Progress::Reading { rows } => headway.read = rows,
            Progress::Planning { rows, .. } => headway.compared = rows,
            Progress::Writing { rows, of } => (headway.written, headway.of) = (rows, of),
        }
    }
}

/// How a run ended without an error.
#[derive(Debug)]
pub enum RunEnd {
    /// The load is over.
    Ended(Box<Report>),
    /// Its time was over before the load was; another run has been asked for.
    Continued { chunks_done: u32, chunks: u32 },
    /// Another run is at this load.
    Duplicate,
    /// Another load has the table; this one waits in the queue and is started when it is its turn.
    Queued { load: LoadId, behind: Option<LoadId> },
    /// It met a fault that may pass, and is tried again after a pause.
    Delayed { until: Timestamp },
    /// The load was over before.
    EndedBefore { ending: String },
}

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
    Misfit(#[from] Misfit),
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
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            LoadError::Ledger(error) => error.would_trying_again_help(),
            LoadError::Store(error) => error.would_trying_again_help(),
            LoadError::Table(error) => error.would_trying_again_help(),
            LoadError::Relay(error) => error.would_trying_again_help(),
            LoadError::Cloud(fault) => fault.passing,
            // With a whole run before it, the next one may get further.
            LoadError::NoHeadway(_) | LoadError::PlanGoesOn => true,
            LoadError::Child(_) | LoadError::Busy { .. } => true,
            LoadError::Plan(_)
            | LoadError::Rules(_)
            | LoadError::Misfit(_)
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
    fn is_outage(&self) -> bool {
        match self {
            LoadError::Ledger(LedgerError::Cloud(fault)) | LoadError::Cloud(fault) => fault.passing,
            LoadError::Ledger(LedgerError::Contended { .. }) => true,
            LoadError::Store(StoreError::Cloud(fault)) => fault.passing,
            LoadError::Table(error) => error.would_trying_again_help(),
            LoadError::Relay(error) => error.would_trying_again_help(),
            _ => false,
        }
    }

    /// Whether the load is over with it: it would meet the same in every run.
    fn ends_the_load(&self) -> bool {
        // Whoever writes to that other table can still go on with the load.
        !self.would_trying_again_help() && !matches!(self, LoadError::OtherTable { .. } | LoadError::Ledger(_))
    }
}

fn make_spool(rules: &Rules) -> Result<Spool, ChildError> {
    let folder = &rules.reader.scratch;
    Spool::create(folder).map_err(|source| ChildError::Spool { folder: folder.clone(), source })
}

/// The bytes become judged rows, in the child.
async fn read_file(
    file: std::fs::File,
    upload: &Upload,
    schema: &Schema,
    rules: &Rules,
    run: &Run<'_>,
    items: Items,
    spool: Spool,
) -> Result<Outcome, ChildError> {
    let brief = Brief {
        file_name: upload.file_name().to_string(),
        schema: schema.clone(),
        budget: rules.budget.clone(),
        limits: rules.limits,
        items,
    };
    let patience = run.time_left().map_or(Duration::MAX, |left| left - rules.margin(left));
    child::read(&rules.reader, file, &brief, spool, patience, &|rows| (run.progress)(Progress::Reading { rows })).await
}

pub(crate) fn too_large(bytes: u64, limit: u64) -> Refusal {
    const MEGABYTE: u64 = 1 << 20;
    let (size, limit) = (count(bytes.div_ceil(MEGABYTE)), count(limit / MEGABYTE));
    Refusal::new(Rule::FileTooLarge, &[("size", &size), ("limit", &limit)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_refused_in_megabytes() {
        assert_eq!(
            too_large((200 << 20) + 1, 100 << 20).message,
            "The file has 201 MB, and at most 100 MB are accepted."
        );
    }

    #[test]
    fn the_margin_is_a_quarter_of_a_short_run_and_what_the_rules_say_of_a_long_one() {
        let reader = Reader { program: "".into(), scratch: "".into(), scratch_bytes: 0 };
        let rules = crate::config::rules(RulesFrom::Given(Box::new(Schema::shipped().unwrap())), reader);
        assert_eq!(rules.margin(Duration::from_secs(900)), Duration::from_secs(30));
        assert_eq!(rules.margin(Duration::from_secs(4)), Duration::from_secs(1));
        assert_eq!(rules.margin(Duration::ZERO), Duration::ZERO);
    }
}
