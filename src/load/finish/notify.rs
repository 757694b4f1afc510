//! Notifies people and programs of loads that have ended or are delayed, and prints what a load measured.

use jiff::Timestamp;

use crate::clients::CloudFault;
use crate::ledger::Outage;
use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::metrics;
use crate::metrics::Measured;
use crate::notify::DelayedLoad;
use crate::notify::LoadLocation;
use inventory_base::load_id::LoadId;
use inventory_check::child::peak_memory;
use inventory_check::plan::Names;
use inventory_check::report::Report;

/// With so many starts in a row that got no further, a load ends though it could not be told. Lambda sends an event three
/// times, and the first may have got somewhere: with one start more, the event would come to rest in the failure queue.
const STARTS_TO_TELL: u64 = 2;

/// Tells that a load is over, before the ledger hears of it: a run killed in between tells once more. Returns how many
/// of the ways to tell did not work.
///
/// A fault that may pass is the run's own as long as another run may come. One that will not pass does not keep a load
/// from ending that is done.
pub async fn tell_end(
    report: &Report,
    names: Names<'_>,
    services: &Services,
    may_come_again: bool,
) -> Result<u64, LoadError> {
    let Some(notifier) = &services.notify else { return Ok(0) };
    let faults = notifier.notify_end(report, LoadLocation { table: services.table.name(), names }).await;
    if may_come_again && let Some(fault) = faults.iter().find(|fault| fault.transient) {
        return Err(fault.clone().into());
    }
    log_untold(&faults, names.0.as_str());
    if faults.is_empty() {
        tracing::info!(event = "people_told", load = %names.0, ending = report.ending.name());
    }
    Ok(faults.len() as u64)
}

pub fn log_untold(faults: &[CloudFault], of: &str) {
    for fault in faults {
        tracing::error!(event = "people_not_told", load = of, error = %fault);
    }
}

/// Prints what a load measured, where somebody makes metrics of it.
pub fn measure(report: &Report, services: &Services, untold: u64, reader_bytes: Option<u64>) {
    if services.prints_metrics {
        let measured = Measured {
            report,
            table: services.table.name(),
            failed_notifications: untold,
            reader_bytes,
            own_bytes: peak_memory(),
            at: Timestamp::now(),
        };
        metrics::print(&measured);
    }
}

impl Job<'_> {
    /// Not for a run that has lost its turn: whoever has it now tells how the load really ends.
    pub async fn tell_end(&self, report: &Report) -> Result<u64, LoadError> {
        self.check_turn()?;
        tell_end(report, Names(&self.load), self.services, self.may_come_again()).await
    }

    /// Whether another run may tell what this one cannot. A topic that is out of order must not keep the table from all
    /// others, nor make a load fail that is done.
    pub fn may_come_again(&self) -> bool {
        self.turn
            .as_ref()
            .is_none_or(|turn| turn.record.starts_without_progress < STARTS_TO_TELL && turn.record.outage.is_none())
    }
}

/// Tells of an outage. True where it was told, or where notices are not set up.
pub async fn tell(
    outage: &Outage,
    load: Option<&LoadId>,
    file: &str,
    services: &Services,
    settings: &Settings,
) -> bool {
    let Some(notifier) = &services.notify else { return true };
    let table = services.table.name();
    let gives_up = outage.since.checked_add(settings.retries.give_up).unwrap_or(Timestamp::MAX);
    let faults = notifier.notify_delayed(&DelayedLoad { table, load, file, outage, gives_up }).await;
    if faults.is_empty() {
        tracing::info!(event = "delay_told", load = load.map(LoadId::as_str), given_up = outage.given_up);
    }
    for fault in &faults {
        tracing::warn!(event = "people_not_told", load = load.map(LoadId::as_str), error = %fault);
    }
    // A notice that went out in one way is not repeated for the sake of the other.
    faults.len() < notifier.channels().max(1)
}
