//! A `Job` is one load in one run: the state that its stages share.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord};
use crate::load::error::LoadError;
use crate::load::services::Services;
use crate::load::settings::Settings;
use inventory_base::decision::Undo;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_base::upload::Upload;
use inventory_check::plan::{Gate, Index};
use inventory_check::report::{Report, Seconds};

/// The turn that this run holds, if there is a ledger.
pub struct HeldTurn<'a> {
    pub ledger: &'a Ledger,
    pub lease: &'a Lease,
    pub record: &'a LoadRecord,
}

pub struct Job<'a> {
    pub load: LoadId,
    pub upload: Upload,
    /// The load that this one undoes, if it is an undo.
    pub undo: Option<Undo>,
    pub turn: Option<HeldTurn<'a>>,
    pub services: &'a Services,
    pub settings: &'a Settings,
    pub run: &'a Run<'a>,
    /// Make the plan, and write nothing.
    pub dry_run: bool,
    /// Gates that the approver has waived.
    pub waived: BTreeSet<Gate>,
    pub started: Instant,
    /// When this run stops sending, to have time for a report or the hand-over.
    pub send_until: Option<Instant>,
    pub table_checked: Mutex<Option<Instant>>,
    /// Peak memory of the reader in bytes, if this run has read the file.
    pub reader_memory: OnceLock<u64>,
}

impl<'a> Job<'a> {
    pub fn new(
        load: LoadId,
        upload: Upload,
        turn: Option<HeldTurn<'a>>,
        services: &'a Services,
        settings: &'a Settings,
        run: &'a Run<'a>,
    ) -> Job<'a> {
        let dry_run = run.dry_run || upload.is_dry_run();
        let waived = run.waived.clone();
        let send_until = run.time_left().map(|left| Instant::now() + (left - settings.margin(left)));
        Job {
            load,
            upload,
            undo: None,
            turn,
            services,
            settings,
            run,
            dry_run,
            waived,
            started: Instant::now(),
            send_until,
            table_checked: Mutex::new(None),
            reader_memory: OnceLock::new(),
        }
    }
}

/// One invocation of the function, or one call of the command.
pub struct Run<'a> {
    pub request_id: &'a str,
    /// When Lambda stops this run.
    pub deadline: Option<Instant>,
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Make the plan, and write nothing.
    pub dry_run: bool,
    /// Gates that do not hold the load.
    pub waived: BTreeSet<Gate>,
}

impl Run<'_> {
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// How a run ended without an error.
#[derive(Debug)]
pub enum RunEnd {
    /// The load has ended.
    Ended(Box<Report>),
    /// The deadline came before the end of the load; another run has been started.
    Continued { chunks_done: u32, chunks: u32 },
    /// Another run is working on this load.
    Duplicate,
    /// Another load is using the table; this one is queued and starts at its turn.
    Queued { load: LoadId, behind: Option<LoadId> },
    /// A transient fault stopped the run; the load is retried after a pause.
    Delayed { until: Timestamp },
    /// The load had ended before this run.
    EndedBefore { ending: Ending },
}

impl Job<'_> {
    /// Records in the ledger that this plan will be written. This comes before the plan is kept, so that a load that
    /// has to stop or to give way leaves no plan that a later run would follow.
    pub async fn begin_writing(&self, plan: &Index) -> Result<(), LoadError> {
        match &self.turn {
            Some(turn) if !plan.dry_run && plan.held.is_empty() => {
                Ok(turn.ledger.planned(turn.lease, turn.record, plan.chunks.len() as u32).await?)
            }
            _ => Ok(()),
        }
    }

    /// Calls `check_table` while writing, at most once a second.
    pub async fn check_table_again(&self, plan: &Index) -> Result<(), LoadError> {
        const EVERY: Duration = Duration::from_secs(1);
        let is_due = self.table_checked.lock().is_ok_and(|mut checked| {
            let is_due = checked.is_none_or(|checked| checked.elapsed() >= EVERY);
            if is_due {
                *checked = Some(Instant::now());
            }
            is_due
        });
        if is_due { self.check_table(plan).await } else { Ok(()) }
    }

    /// Checks that the plan was made for this table, and not for another one or an earlier one of the same name.
    pub async fn check_table(&self, plan: &Index) -> Result<(), LoadError> {
        let (load, planned, ours) = (self.load.clone(), &plan.table.table, self.services.table.name());
        if planned != ours {
            return Err(LoadError::OtherTable { load, planned: planned.clone(), ours: ours.to_string() });
        }
        let is_new = plan.table.is_different_table(&self.services.table.describe().await?);
        if is_new { Err(LoadError::TableRecreated { load, table: ours.to_string() }) } else { Ok(()) }
    }

    /// When this run stops sending so that the next one can resume; `None` if no other run can be started.
    pub fn deadline(&self) -> Option<Instant> {
        self.turn.as_ref().and(self.services.relay.as_ref()).and(self.send_until)
    }

    pub fn is_past_deadline(&self) -> bool {
        self.deadline().is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Fails if the lease has expired: a run that Lambda froze and thawed may have lost its turn without noticing.
    pub fn check_turn(&self) -> Result<(), LedgerError> {
        match &self.turn {
            Some(HeldTurn { lease, .. }) if !lease.is_live() => {
                Err(LedgerError::TurnLost { load: lease.load.clone(), table: lease.table.clone(), epoch: lease.epoch })
            }
            _ => Ok(()),
        }
    }

    pub fn seconds(&self) -> Seconds {
        Seconds { total: self.started.elapsed().as_secs_f64(), ..Seconds::default() }
    }
}
