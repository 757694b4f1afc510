//! What people decide about a load, and what happens to it after it has ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::load_id::LoadId;

/// Who decided something about a load, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub load: LoadId,
    /// Under the name that the caller gave.
    pub by: String,
    pub at: Timestamp,
}

/// Who decided that a load is undone, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The load that is to be undone.
    pub load: LoadId,
    /// Under the name that the caller gave.
    pub by: String,
    pub at: Timestamp,
    /// Only to tell what would become of it.
    pub dry_run: bool,
}

/// What happened to a load after it had ended. What the load says of itself stays true with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    pub what: Afterwards,
    /// The load that followed, or that it replaced.
    pub load: LoadId,
    /// Who decided it; none where nobody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Afterwards {
    /// It was held, and is loaded all the same.
    Approved,
    /// It had failed or was cancelled, and is loaded again.
    Reloaded,
    Undone,
    /// An older version of its file was stopped or left out because of it.
    Replaced,
}

impl Later {
    /// In a sentence.
    pub fn say(&self) -> String {
        let Later { what, load, by, at } = self;
        let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let on = at.strftime("%-d %b %Y, %H:%M UTC");
        match what {
            Afterwards::Approved => format!("Approved{by} on {on}, and loaded as load {load}."),
            Afterwards::Reloaded => format!("Reloaded{by} on {on} as load {load}."),
            Afterwards::Undone => format!("Undone{by} on {on} by load {load}."),
            Afterwards::Replaced => format!("It replaced load {load}, an older version of the same file."),
        }
    }

    /// Whether what the load said at its end is no longer how things are.
    pub fn changes_the_answer(&self) -> bool {
        self.what != Afterwards::Replaced
    }
}
