//! How far the look for uploads that no load knows has come. It goes through a bucket by the names in it, over many sweeps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::write::{Change, Key, send, text};
use super::{Ledger, LedgerError};

/// A pass over the uploads bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub began: Timestamp,
    /// Where it goes on; none where it has come to the end.
    pub next: Option<String>,
}

impl Ledger {
    /// The last pass; none before the first.
    pub async fn watch(&self, table: &str) -> Result<Option<Watch>, LedgerError> {
        let key = Key::of_table(table, "watch");
        self.get(&key, |reading| reading.parsed("watch", |json| serde_json::from_str(json).ok())).await
    }

    /// Notes how far a pass has come. Of two sweeps at once each looks at the same, which does no harm.
    pub async fn note_watch(&self, table: &str, watch: &Watch) -> Result<(), LedgerError> {
        let change = Change::update(Key::of_table(table, "watch"), "SET #watch = :watch", "");
        let change = change.with([("watch", text(&serde_json::json!(watch).to_string()))]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }
}
