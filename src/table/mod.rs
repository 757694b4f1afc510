//! Access to the inventory table: describes it, and reads, writes and changes its items.
//!
//! | for | request | items per request | at once |
//! |---|---|---|---|
//! | comparing, reading back | BatchGetItem | 100 | 16 |
//! | `[sync]` | Scan | a page of 1 MB | 8 segments |
//! | mode `replace` | BatchWriteItem | 25, up to 1 MiB | 128 |
//! | modes `merge` and `add`, missing items, undo | UpdateItem, PutItem, DeleteItem | 1 | 128 |

mod change;
mod describe;
mod expression;
mod meter;
mod outcome;
mod pace;
mod queue;
mod read;
mod request_loop;
mod scan;
mod values;
mod write;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Client;

use crate::clients::CloudFault;
pub use change::{Act, Change, Changed};
use pace::Pace;
pub use pace::WriteTurn;
pub use read::Found;
pub use request_loop::Refused;
pub use scan::Scan;
pub use values::{item_from_attributes, item_to_attributes};
pub use write::Written;

/// An inventory table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
    wait: Duration,
    consistent_reads: bool,
    reading: Arc<Pace>,
    writing: Arc<Pace>,
}

impl Table {
    /// The table `name`. Writing fails if the table accepts nothing for the time `wait`, reading if it returns nothing.
    pub fn new(client: Client, name: impl Into<String>, wait: Duration) -> Table {
        // Retries are made here, where the remaining time is known and all senders slow down, so the SDK's are
        // disabled. On the client, because a request with its own setting takes a third longer.
        let client = Client::from_conf(client.config().to_builder().retry_config(RetryConfig::disabled()).build());
        let (reading, writing) = (Arc::new(Pace::new(None)), Arc::new(Pace::new(None)));
        Table { client, name: name.into(), wait, consistent_reads: true, reading, writing }
    }

    /// Sets whether reads are strongly consistent. Otherwise they may return older items, for half the read units.
    pub fn with_consistent_reads(self, consistent_reads: bool) -> Table {
        Table { consistent_reads, ..self }
    }

    /// Sets the most read units per second that this table and its clones consume together. A ceiling is above zero.
    pub fn with_read_ceiling(self, ceiling: Option<f64>) -> Table {
        Table { reading: Arc::new(Pace::new(ceiling)), ..self }
    }

    /// Sets the most write units per second, indexes included, that this table and its clones consume together. A
    /// ceiling is above zero.
    pub fn with_write_ceiling(self, ceiling: Option<f64>) -> Table {
        Table { writing: Arc::new(Pace::new(ceiling)), ..self }
    }

    /// Waits for a turn to write: until all earlier writers have sent everything, or, for a shared turn, until fewer
    /// than four writers are sending.
    pub async fn write_turn(&self, shared: bool) -> WriteTurn<'_> {
        self.writing.turn(shared).await
    }

    /// The ceiling in write units per second.
    pub fn write_ceiling(&self) -> Option<f64> {
        self.writing.ceiling()
    }

    /// The name, or the ARN if the table was given by ARN.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn resource(&self) -> String {
        format!("table {}", self.name)
    }
}

/// Why the table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(
        "table {table} accepted nothing for {} s ({last}); {left} items were not written. Retrying is safe; if this \
         happens often, raise the table's write capacity, or wait longer (--table-wait, TableWaitSeconds)",
        waited.as_secs()
    )]
    NoProgress { table: String, waited: Duration, left: usize, last: String },
    #[error(
        "table {table} returned nothing for {} s ({last}). Retrying is safe; if this happens often, raise the table's \
         read capacity, or wait longer (--table-wait, TableWaitSeconds)",
        waited.as_secs()
    )]
    NothingRead { table: String, waited: Duration, last: String },
    #[error("table {table} is {status}, so it can't be written to; wait until it is active")]
    NotActive { table: String, status: String },
    #[error(
        "table {table} answered with {what}, which this loader does not know; check whether a newer version of the \
         loader is available"
    )]
    UnexpectedAnswer { table: String, what: String },
    /// A value that doesn't fit its type. Items were checked before, so this means that the plan was edited.
    #[error("attribute {attribute} of an item does not fit its type: {what}; upload the file again")]
    Value { attribute: String, what: &'static str },
    #[error("an item could not be written as JSON: {0}; this is a bug in the loader, please report it")]
    Unsendable(#[from] serde_json::Error),
    #[error("{0}")]
    Cloud(#[from] CloudFault),
}

impl TableError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            TableError::Cloud(fault) => fault.transient,
            // A table that is being created becomes active; one that was archived or is being deleted does not.
            TableError::NotActive { status, .. } => matches!(status.as_str(), "CREATING" | "UPDATING"),
            TableError::NoProgress { .. } | TableError::NothingRead { .. } => true,
            TableError::UnexpectedAnswer { .. } | TableError::Value { .. } | TableError::Unsendable(_) => false,
        }
    }
}
