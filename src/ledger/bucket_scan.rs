//! How far the search for unannounced uploads has come. It goes through the bucket in the order of the keys, over many
//! sweeps.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::write::{ItemWrite, Key, send, text};
use super::{Ledger, LedgerError};

/// A pass over the uploads bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketScan {
    pub began: Timestamp,
    /// Where it continues; `None` at the end of the bucket.
    pub next: Option<String>,
}

impl Ledger {
    /// Returns the last pass; `None` before the first.
    pub async fn bucket_scan(&self, table: &str) -> Result<Option<BucketScan>, LedgerError> {
        let key = Key::of_table(table, "watch");
        self.get(&key, |reading| reading.parsed("watch", |json| serde_json::from_str(json).ok())).await
    }

    /// Notes how far a pass has come. Two sweeps at once look at the same uploads, which does no harm.
    pub async fn note_bucket_scan(&self, table: &str, bucket_scan: &BucketScan) -> Result<(), LedgerError> {
        let change = ItemWrite::update(Key::of_table(table, "watch"), "SET #watch = :watch", "");
        let change = change.with([("watch", text(&serde_json::json!(bucket_scan).to_string()))]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }
}
