//! One load in one run: what its stages share.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord};
use crate::load::error::LoadError;
use crate::load::services::Services;
use crate::load::settings::Settings;
use inventory_base::ending::Ending;
use inventory_base::decision::Undo;
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_base::upload::Upload;
use inventory_check::plan::{Gate, Index};
use inventory_check::report::{Report, Seconds};

/// The turn this run has, where there is a ledger.
pub struct HeldTurn<'a> {
    pub ledger: &'a Ledger,
    pub lease: &'a Lease,
    pub record: &'a LoadRecord,
}

pub struct Job<'a> {
    pub load: LoadId,
    pub upload: Upload,
    /// Where it takes back what another load wrote.
    pub undo: Option<Undo>,
    pub turn: Option<HeldTurn<'a>>,
    pub services: &'a Services,
    pub settings: &'a Settings,
    pub run: &'a Run<'a>,
    /// The plan is made, and nothing is written.
    pub dry_run: bool,
    /// Gates that somebody has approved.
    pub waived: BTreeSet<Gate>,
    pub started: Instant,
    /// When this run is to leave off, so that it can end well.
    pub send_until: Option<Instant>,
    pub table_checked: Mutex<Option<Instant>>,
    /// The most memory that reading the file took, in bytes, where this run has read it.
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
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
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
    EndedBefore { ending: Ending },
}

impl Job<'_> {
    /// The ledger hears that this is what will be written. It is asked before the plan is kept, so that a load which is
    /// to stop or to give way does so, and leaves no plan that others would follow.
    pub async fn begin_writing(&self, plan: &Index) -> Result<(), LoadError> {
        match &self.turn {
            Some(turn) if !plan.dry_run && plan.held.is_empty() => {
                Ok(turn.ledger.planned(turn.lease, turn.record, plan.chunks.len() as u32).await?)
            }
            _ => Ok(()),
        }
    }

    /// The same, for a run that is under way; asked again only when some time has passed.
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

    /// A plan is for one table: for no other, nor for a new one of the same name.
    pub async fn check_table(&self, plan: &Index) -> Result<(), LoadError> {
        let (load, planned, ours) = (self.load.clone(), &plan.table.table, self.services.table.name());
        if planned != ours {
            return Err(LoadError::OtherTable { load, planned: planned.clone(), ours: ours.to_string() });
        }
        let is_new = plan.table.is_different_table(&self.services.table.describe().await?);
        if is_new { Err(LoadError::TableMadeAnew { load, table: ours.to_string() }) } else { Ok(()) }
    }

    /// From when on this run sends nothing more, because another one can go on.
    pub fn deadline(&self) -> Option<Instant> {
        self.turn.as_ref().and(self.services.relay.as_ref()).and(self.send_until)
    }

    pub fn is_past_deadline(&self) -> bool {
        self.deadline().is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// A run that was frozen and thaws may have lost its turn without having noticed.
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
