//! Notifies people if no load has come in the period in which the rules expect one.

use jiff::Timestamp;

use crate::load::error::LoadError;
use crate::load::finish::notify::log_untold;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::notify::OverdueSheet;

/// Tells people once for each period that went by without a load, where the rules say how often one is expected. What
/// stands in the way is logged, and tried again by the next sweep.
pub async fn notify_if_missing(services: &Services, settings: &Settings) {
    if let Err(error) = look_for_missing(services, settings).await {
        tracing::warn!(event = "missing_not_looked_for", table = services.table.name(), error = %error);
    }
}

async fn look_for_missing(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let (Some(notifier), Some(ledger)) = (&services.notify, &services.ledger) else { return Ok(()) };
    let table = services.table.name();
    let Some(last) = ledger.last_arrival(table).await? else { return Ok(()) };
    // A small object at each sweep: less than a cent in a month.
    let Some(every) = settings.rules.read(&services.store).await?.expect_every else { return Ok(()) };
    let periods = every.passed(last.at, Timestamp::now());
    let Some(due) = every.after(last.at, 1).filter(|_| periods > last.periods_notified) else { return Ok(()) };
    // Before people are told, so that of two sweeps at once only one tells.
    if !ledger.note_missed(table, &last, periods).await? {
        return Ok(());
    }
    let missing = OverdueSheet { table, last: &last.load, at: last.at, every, periods, due };
    let faults = notifier.notify_missing(&missing).await;
    // Whoever was told in one way is not told again and again for the sake of the other.
    let passing = faults.iter().find(|fault| fault.transient).filter(|_| faults.len() == notifier.channels());
    if let Some(fault) = passing {
        ledger.forget_missed(table, &last, periods).await?;
        return Err(fault.clone().into());
    }
    log_untold(&faults, last.load.as_str());
    tracing::info!(event = "load_missing", table, last = %last.load, since = %last.at, periods);
    Ok(())
}
