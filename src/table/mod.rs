//! All of DynamoDB's item traffic: describing the inventory table, reading its items, and writing and changing them.

mod change;
mod describe;
mod expression;
mod meter;
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
pub use pace::Turn;
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
    /// The table `name`; writing gives up when it has accepted nothing for the time `wait`, reading when it has given
    /// nothing.
    pub fn new(client: Client, name: impl Into<String>, wait: Duration) -> Table {
        // Here it is tried again, with the time left in view and everyone slowed down: not twice over. Told once, for a
        // request that is told of it itself takes a third longer.
        let client = Client::from_conf(client.config().to_builder().retry_config(RetryConfig::disabled()).build());
        let (reading, writing) = (Arc::new(Pace::new(None)), Arc::new(Pace::new(None)));
        Table { client, name: name.into(), wait, consistent_reads: true, reading, writing }
    }

    /// Without consistent reads, an item may be what it was a moment ago, for half the read units.
    pub fn with_consistent_reads(self, consistent_reads: bool) -> Table {
        Table { consistent_reads, ..self }
    }

    /// Never consumes more read units per second than this, its copies included. A ceiling is above zero.
    pub fn with_read_ceiling(self, ceiling: Option<f64>) -> Table {
        Table { reading: Arc::new(Pace::new(ceiling)), ..self }
    }

    /// Never consumes more write units per second than this, its copies and the table's indexes included. A ceiling is
    /// above zero.
    pub fn with_write_ceiling(self, ceiling: Option<f64>) -> Table {
        Table { writing: Arc::new(Pace::new(ceiling)), ..self }
    }

    /// Waits until those who write before this one have sent all they have; or only until there are fewer than four of
    /// them, if theirs may go side by side with this one's.
    pub async fn turn_to_write(&self, side_by_side: bool) -> Turn<'_> {
        self.writing.turn(side_by_side).await
    }

    /// Write units a second that are not to be passed.
    pub fn write_ceiling(&self) -> Option<f64> {
        self.writing.ceiling()
    }

    /// Its name, or its ARN if it was named so.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        format!("table {}", self.name)
    }
}

/// Why the table could not be asked or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error(
        "table {table} accepted nothing for {} s ({last}); {left} items are not in. Trying again is safe; \
         if it happens often, look at the table's write capacity and at the time it may take", waited.as_secs()
    )]
    NoProgress { table: String, waited: Duration, left: usize, last: String },
    #[error(
        "table {table} gave nothing for {} s ({last}). Trying again is safe; if it happens often, look at the table's \
         read capacity and at the time it may take", waited.as_secs()
    )]
    NothingRead { table: String, waited: Duration, last: String },
    #[error("table {table} is {status}, so nothing can be written; wait until it is active")]
    NotActive { table: String, status: String },
    #[error("table {table} answered with {what}; is there something newer than this loader knows?")]
    Strange { table: String, what: String },
    /// A value that is not what its type says. Items were judged before, so this is a plan that somebody has edited.
    #[error("attribute {attribute} of an item is not what its type says: {what}; load the file again")]
    Value { attribute: String, what: &'static str },
    #[error("an item could not be written down: {0}")]
    Unsendable(#[from] serde_json::Error),
    #[error("{0}")]
    Cloud(#[from] CloudFault),
}

impl TableError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            TableError::Cloud(fault) => fault.passing,
            // A table that is being made becomes active; one that was archived or is being deleted does not.
            TableError::NotActive { status, .. } => matches!(status.as_str(), "CREATING" | "UPDATING"),
            TableError::NoProgress { .. } | TableError::NothingRead { .. } => true,
            TableError::Strange { .. } | TableError::Value { .. } | TableError::Unsendable(_) => false,
        }
    }
}
