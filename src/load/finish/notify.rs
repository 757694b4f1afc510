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

/// After this many starts in a row without progress, a load ends even if its notices cannot be sent. Lambda sends an
/// event three times, and the first may have made progress: with one more, the event would end up in the failure queue.
const MAX_STARTS_TO_NOTIFY: u64 = 2;

/// Sends the notices of the end of a load, before the ledger is written: after a run that was killed in between, the
/// next one sends them again. Returns the number of channels that failed.
///
/// A transient fault is an error of the run if another run can retry it. A permanent fault does not keep a finished
/// load from ending.
pub async fn notify_end(
    report: &Report,
    names: Names<'_>,
    services: &Services,
    may_be_retried: bool,
) -> Result<u64, LoadError> {
    let Some(notifier) = &services.notify else { return Ok(0) };
    let faults = notifier.notify_end(report, LoadLocation { table: services.table.name(), names }).await;
    if may_be_retried && let Some(fault) = faults.iter().find(|fault| fault.transient) {
        return Err(fault.clone().into());
    }
    log_failed_notifications(&faults, names.0.as_str());
    if faults.is_empty() {
        tracing::info!(event = "people_told", load = %names.0, ending = report.ending.name());
    }
    Ok(faults.len() as u64)
}

pub fn log_failed_notifications(faults: &[CloudFault], of: &str) {
    for fault in faults {
        tracing::error!(event = "people_not_told", load = of, error = %fault);
    }
}

/// Prints what a load measured, if metrics are made from it.
pub fn measure(report: &Report, services: &Services, failed_notifications: u64, reader_bytes: Option<u64>) {
    if services.prints_metrics {
        let measured = Measured {
            report,
            table: services.table.name(),
            failed_notifications,
            reader_bytes,
            own_bytes: peak_memory(),
            at: Timestamp::now(),
        };
        metrics::print(&measured);
    }
}

impl Job<'_> {
    /// Sends the notices of the end of this load, unless the run has lost its turn: the run that holds it now reports
    /// how the load really ends.
    pub async fn notify_end(&self, report: &Report) -> Result<u64, LoadError> {
        self.check_turn()?;
        notify_end(report, Names(&self.load), self.services, self.may_be_retried()).await
    }

    /// Whether another run may send the notices that this one cannot. A broken topic must neither block the table for
    /// all other loads nor make a finished load fail.
    pub fn may_be_retried(&self) -> bool {
        self.turn.as_ref().is_none_or(|turn| {
            turn.record.starts_without_progress < MAX_STARTS_TO_NOTIFY && turn.record.outage.is_none()
        })
    }
}

/// Notifies people of an outage. Returns `true` if at least one channel worked, or if notices are not set up.
pub async fn notify_outage(
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
        tracing::info!(event = "delay_notified", load = load.map(LoadId::as_str), given_up = outage.given_up);
    }
    for fault in &faults {
        tracing::warn!(event = "people_not_told", load = load.map(LoadId::as_str), error = %fault);
    }
    // A notice that was sent through one channel is not repeated because the other failed.
    faults.len() < notifier.channels().max(1)
}
