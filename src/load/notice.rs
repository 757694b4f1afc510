//! Telling people and programs of a load that is over, and of one that never came; and what it measured.

use jiff::Timestamp;

use super::journey::Journey;
use super::{LoadError, Places, Rules};
use crate::clients::CloudFault;
use crate::metrics::{self, Measured};
use crate::notify::{Found, Missing};
use inventory_check::child::peak_memory;
use inventory_check::plan::Names;
use inventory_check::report::Report;

/// Tells that a load is over, before the ledger hears of it: a run killed in between tells once more. Returns how many
/// of the ways to tell did not work.
///
/// A fault that may pass is the run's own as long as another run may come. One that will not pass does not keep a load
/// from ending that is done.
pub(super) async fn tell_end(
    report: &Report,
    names: Names<'_>,
    places: &Places,
    may_come_again: bool,
) -> Result<u64, LoadError> {
    let Some(notifier) = &places.notify else { return Ok(0) };
    let faults = notifier.tell_end(report, Found { table: places.table.name(), names }).await;
    if may_come_again && let Some(fault) = faults.iter().find(|fault| fault.passing) {
        return Err(fault.clone().into());
    }
    log_untold(&faults, names.0.as_str());
    if faults.is_empty() {
        tracing::info!(event = "people_told", load = %names.0, ending = report.ending.name());
    }
    Ok(faults.len() as u64)
}

fn log_untold(faults: &[CloudFault], of: &str) {
    for fault in faults {
        tracing::error!(event = "people_not_told", load = of, error = %fault);
    }
}

/// Prints what a load measured, where somebody makes metrics of it.
pub(super) fn measure(report: &Report, places: &Places, untold: u64, reader_bytes: Option<u64>) {
    if places.prints_metrics {
        let measured = Measured {
            report,
            table: places.table.name(),
            untold,
            reader_bytes,
            own_bytes: peak_memory(),
            at: Timestamp::now(),
        };
        metrics::print(&measured);
    }
}

impl Journey<'_> {
    /// Not for a run that has lost its turn: whoever has it now tells how the load really ends.
    pub(super) async fn tell_end(&self, report: &Report) -> Result<u64, LoadError> {
        self.check_turn()?;
        tell_end(report, Names(&self.load), self.places, self.may_come_again()).await
    }
}

/// Tells people once for each period that went by without a load, where the rules say how often one is expected. What
/// stands in the way is logged, and tried again by the next sweep.
pub(super) async fn tell_if_missing(places: &Places, rules: &Rules) {
    if let Err(error) = look_for_missing(places, rules).await {
        tracing::warn!(event = "missing_not_looked_for", table = places.table.name(), error = %error);
    }
}

async fn look_for_missing(places: &Places, rules: &Rules) -> Result<(), LoadError> {
    let (Some(notifier), Some(ledger)) = (&places.notify, &places.ledger) else { return Ok(()) };
    let table = places.table.name();
    let Some(last) = ledger.last_in(table).await? else { return Ok(()) };
    // A small object at each sweep: less than a cent in a month.
    let Some(every) = rules.from.read(&places.store).await?.expect_every else { return Ok(()) };
    let periods = every.passed(last.at, Timestamp::now());
    let Some(due) = every.after(last.at, 1).filter(|_| periods > last.told) else { return Ok(()) };
    // Before people are told, so that of two sweeps at once only one tells.
    if !ledger.note_missed(table, &last, periods).await? {
        return Ok(());
    }
    let missing = Missing { table, last: &last.load, at: last.at, every, periods, due };
    let faults = notifier.tell_missing(&missing).await;
    // Whoever was told in one way is not told again and again for the sake of the other.
    let passing = faults.iter().find(|fault| fault.passing).filter(|_| faults.len() == notifier.ways());
    if let Some(fault) = passing {
        ledger.forget_missed(table, &last, periods).await?;
        return Err(fault.clone().into());
    }
    log_untold(&faults, last.load.as_str());
    tracing::info!(event = "load_missing", table, last = %last.load, since = %last.at, periods);
    Ok(())
}
