//! What a load reads from, writes to and calls.

use crate::event::TrustedSource;
use crate::ledger::Ledger;
use crate::notify::Notifier;
use crate::relay::{FailureQueue, Relay};
use crate::store::Store;
use crate::table::Table;

/// The services that a load uses.
pub struct Services {
    pub store: Store,
    /// Without one a load takes no turn: the caller makes sure that no other load uses the table.
    pub ledger: Option<Ledger>,
    pub table: Table,
    /// Starts another run when this one reaches its deadline.
    pub relay: Option<Relay>,
    /// The queue of events that failed in every attempt.
    pub failures: Option<FailureQueue>,
    /// Notifies people and programs of the end of a load; not used by the command, which prints it.
    pub notify: Option<Notifier>,
    /// Where uploads come from; `None` if the file is named on the command line.
    pub uploads: Option<Uploads>,
    /// Whether to print what a load measured, for CloudWatch to turn into metrics.
    pub prints_metrics: bool,
}

impl Services {
    /// The services of a command, which sends no notices and starts no other runs.
    pub fn for_command(store: Store, ledger: Option<Ledger>, table: Table) -> Services {
        let (relay, failures, notify, uploads) = (None, None, None, None);
        Services { store, ledger, table, relay, failures, notify, uploads, prints_metrics: false }
    }
}

/// The bucket that files are uploaded to.
#[derive(Debug, Clone)]
pub struct Uploads {
    pub bucket: String,
    /// The prefix of the keys of uploads.
    pub prefix: String,
    /// The AWS account that owns the bucket.
    pub account: String,
}

impl Uploads {
    /// The source whose events are trusted.
    pub fn ours(&self) -> TrustedSource<'_> {
        TrustedSource { bucket: &self.bucket, account: &self.account }
    }
}
