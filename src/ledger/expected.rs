//! When the last load went in, and for how many periods since then people were told that none came.

use jiff::Timestamp;

use super::write::{Change, Key, number, send, text};
use super::{Ledger, LedgerError};
use inventory_base::load_id::LoadId;
use inventory_check::plan::LastLoad;

/// The last load that went into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastIn {
    pub load: LoadId,
    pub at: Timestamp,
    /// Periods without another load, of which people were told.
    pub told: u64,
}

impl Ledger {
    /// None before the first.
    pub async fn last_in(&self, table: &str) -> Result<Option<LastIn>, LedgerError> {
        let key = Key::lease(table);
        let found = self.get(&key, |reading| {
            let last: Option<LastLoad> = reading.optional("last", |json| serde_json::from_str(json).ok())?;
            let at = reading.optional("last_at", |time| time.parse().ok())?;
            let told = if reading.attributes.contains_key("missed") { reading.number("missed")? } else { 0 };
            Ok(last.zip(at).map(|(last, at)| LastIn { load: last.load, at, told }))
        });
        Ok(found.await?.flatten())
    }

    /// Notes that people are told of so many periods. False where somebody else has, or a load came in.
    pub async fn note_missed(&self, table: &str, last: &LastIn, periods: u64) -> Result<bool, LedgerError> {
        let is_news = "#last_at = :last_at AND (attribute_not_exists(#missed) OR #missed < :missed)";
        let change = Change::update(Key::lease(table), "SET #missed = :missed", is_news);
        let change = change.with([("last_at", text(&last.at.to_string())), ("missed", number(periods))]);
        Ok(send(&self.client, &self.table, [change]).await?.is_ok())
    }

    /// Takes that back where they could not be told, so that they are at the next look.
    pub async fn forget_missed(&self, table: &str, last: &LastIn, periods: u64) -> Result<(), LedgerError> {
        let is_ours = "#last_at = :last_at AND #missed = :missed";
        let change = Change::update(Key::lease(table), "SET #missed = :told", is_ours);
        let values = [("missed", number(periods)), ("told", number(last.told))];
        let change = change.with(values).with([("last_at", text(&last.at.to_string()))]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }
}
