//! How a load ended.

use serde::{Deserialize, Serialize};

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Done,
    /// The file cannot be loaded. Nothing was changed.
    Refused,
    Held,
    DryRun,
    /// The upload was deleted or replaced before its turn came.
    Removed,
    /// A newer version of the same upload was due to be loaded instead.
    Superseded,
    Cancelled,
    Failed,
}

impl Ending {
    pub fn name(self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Refused => "refused",
            Ending::Held => "held",
            Ending::DryRun => "dry-run",
            Ending::Removed => "removed",
            Ending::Superseded => "superseded",
            Ending::Cancelled => "cancelled",
            Ending::Failed => "failed",
        }
    }
}
