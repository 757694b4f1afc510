//! When the last load went into a table, and for how many periods since then a missing load was reported.

use jiff::Timestamp;

use super::write::{ItemWrite, Key, number, send, text};
use super::{Ledger, LedgerError};
use inventory_base::load_id::LoadId;
use inventory_check::plan::LastLoad;

/// The last load that went into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastArrival {
    pub load: LoadId,
    pub at: Timestamp,
    /// The number of periods without another load that were reported.
    pub periods_notified: u64,
}

impl Ledger {
    /// Returns the last load that went into a table; `None` before the first.
    pub async fn last_arrival(&self, table: &str) -> Result<Option<LastArrival>, LedgerError> {
        let key = Key::lease(table);
        let found = self.get(&key, |item| {
            let last: Option<LastLoad> = item.optional("last", |json| serde_json::from_str(json).ok())?;
            let at = item.optional("last_at", |time| time.parse().ok())?;
            let periods_notified = if item.attributes.contains_key("missed") { item.number("missed")? } else { 0 };
            Ok(last.zip(at).map(|(last, at)| LastArrival { load: last.load, at, periods_notified }))
        });
        Ok(found.await?.flatten())
    }

    /// Notes that this number of missed periods is being reported. Returns `false` if another run has noted it already,
    /// or a load has gone in.
    pub async fn note_missed(&self, table: &str, last: &LastArrival, periods: u64) -> Result<bool, LedgerError> {
        let is_new = "#last_at = :last_at AND (attribute_not_exists(#missed) OR #missed < :missed)";
        let change = ItemWrite::update(Key::lease(table), "SET #missed = :missed", is_new);
        let change = change.with([("last_at", text(&last.at.to_string())), ("missed", number(periods))]);
        Ok(send(&self.client, &self.table, [change]).await?.is_ok())
    }

    /// Reverts the note if the report could not be sent, so that the next sweep sends it.
    pub async fn forget_missed(&self, table: &str, last: &LastArrival, periods: u64) -> Result<(), LedgerError> {
        let is_ours = "#last_at = :last_at AND #missed = :missed";
        let change = ItemWrite::update(Key::lease(table), "SET #missed = :told", is_ours);
        let values = [("missed", number(periods)), ("told", number(last.periods_notified))];
        let change = change.with(values).with([("last_at", text(&last.at.to_string()))]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }
}
