//! Notifies people if no load has come in the period in which the rules expect one.

use jiff::Timestamp;

use crate::load::error::LoadError;
use crate::load::finish::notify::log_failed_notifications;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::notify::OverdueSheet;

/// Notifies people once for each period without a load, if the rules say how often one is expected. Errors are logged,
/// and the next sweep tries again.
pub async fn notify_if_missing(services: &Services, settings: &Settings) {
    if let Err(error) = check_for_missing_load(services, settings).await {
        tracing::warn!(event = "missing_load_not_checked", table = services.table.name(), error = %error);
    }
}

async fn check_for_missing_load(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let (Some(notifier), Some(ledger)) = (&services.notify, &services.ledger) else { return Ok(()) };
    let table = services.table.name();
    let Some(last) = ledger.last_arrival(table).await? else { return Ok(()) };
    // This reads a small object at each sweep: less than a cent a month.
    let Some(every) = settings.rules.read(&services.store).await?.expect_every else { return Ok(()) };
    let periods = every.passed(last.at, Timestamp::now());
    let Some(due) = every.after(last.at, 1).filter(|_| periods > last.periods_notified) else { return Ok(()) };
    // This comes before the notice, so that only one of two concurrent sweeps sends it.
    if !ledger.note_missed(table, &last, periods).await? {
        return Ok(());
    }
    let missing = OverdueSheet { table, last: &last.load, at: last.at, every, periods, due };
    let faults = notifier.notify_missing(&missing).await;
    // A notice that was sent through one channel is not repeated because the other failed.
    let passing = faults.iter().find(|fault| fault.transient).filter(|_| faults.len() == notifier.channels());
    if let Some(fault) = passing {
        ledger.forget_missed(table, &last, periods).await?;
        return Err(fault.clone().into());
    }
    log_failed_notifications(&faults, last.load.as_str());
    tracing::info!(event = "load_missing", table, last = %last.load, since = %last.at, periods);
    Ok(())
}
