//! What a load reads from, writes to and calls.

use crate::event::TrustedSource;
use crate::ledger::Ledger;
use crate::notify::Notifier;
use crate::relay::{FailureQueue, Relay};
use crate::store::Store;
use crate::table::Table;

/// Where a load reads and writes.
pub struct Services {
    pub store: Store,
    /// Without one a load takes no turn: whoever starts it sees to it that it is alone.
    pub ledger: Option<Ledger>,
    pub table: Table,
    /// Who is asked for another run when the time of this one is over.
    pub relay: Option<Relay>,
    /// Where events rest that ended in an error each time.
    pub failures: Option<FailureQueue>,
    /// Who tells people and programs that a load is over; whoever typed a command sees it.
    pub notify: Option<Notifier>,
    /// Where uploads come from; none where a person names the file.
    pub uploads: Option<Uploads>,
    /// Whether what a load measured is printed: somebody makes metrics of it.
    pub prints_metrics: bool,
}

impl Services {
    /// Of a command: whoever typed it sees how it ends.
    pub fn here(store: Store, ledger: Option<Ledger>, table: Table) -> Services {
        let (relay, failures, notify, uploads) = (None, None, None, None);
        Services { store, ledger, table, relay, failures, notify, uploads, prints_metrics: false }
    }
}

/// The bucket that uploads come into.
#[derive(Debug, Clone)]
pub struct Uploads {
    pub bucket: String,
    /// What the keys of uploads begin with.
    pub prefix: String,
    /// The account that owns it.
    pub account: String,
}

impl Uploads {
    /// Whose events are believed.
    pub fn ours(&self) -> TrustedSource<'_> {
        TrustedSource { bucket: &self.bucket, account: &self.account }
    }
}
