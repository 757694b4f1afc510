//! Decisions about a load, and what happens to it after it has ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::load_id::LoadId;

/// A decision about a load: by whom, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub load: LoadId,
    /// The name that the caller gave.
    pub by: String,
    pub at: Timestamp,
}

/// The decision to undo a load: by whom, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The load to undo.
    pub load: LoadId,
    /// The name that the caller gave.
    pub by: String,
    pub at: Timestamp,
    /// Whether to report only what the undo would do.
    pub dry_run: bool,
}

/// What happened to a load after it had ended. What the load's own report says stays true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    pub what: FollowUpKind,
    /// The load that followed, or the one it replaced.
    pub load: LoadId,
    /// Who decided it; `None` if it needed no decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FollowUpKind {
    /// It was held, and was then approved and loaded.
    Approved,
    /// It had failed or was cancelled, and was loaded again.
    Reloaded,
    Undone,
    /// It stopped or skipped an older version of its file.
    Replaced,
}

impl FollowUp {
    /// Describes the follow-up in a sentence.
    pub fn describe(&self) -> String {
        let FollowUp { what, load, by, at } = self;
        let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let on = at.strftime("%-d %b %Y, %H:%M UTC");
        match what {
            FollowUpKind::Approved => format!("Approved{by} on {on}, and loaded as load {load}."),
            FollowUpKind::Reloaded => format!("Reloaded{by} on {on} as load {load}."),
            FollowUpKind::Undone => format!("Undone{by} on {on} by load {load}."),
            FollowUpKind::Replaced => format!("It replaced load {load}, an older version of the same file."),
        }
    }

    /// Whether the outcome that the load reported at its end no longer holds.
    pub fn changes_outcome(&self) -> bool {
        self.what != FollowUpKind::Replaced
    }
}
