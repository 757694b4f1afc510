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
    pub const ALL: [Ending; 8] = [
        Ending::Done,
        Ending::Refused,
        Ending::Held,
        Ending::DryRun,
        Ending::Removed,
        Ending::Superseded,
        Ending::Cancelled,
        Ending::Failed,
    ];

    /// Parses the name of an ending.
    pub fn parse(name: &str) -> Option<Ending> {
        Ending::ALL.into_iter().find(|ending| ending.name() == name)
    }

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

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_written_and_read_by_its_name() {
        for ending in Ending::ALL {
            assert_eq!(Ending::parse(ending.name()), Some(ending));
            assert_eq!(serde_json::to_value(ending).unwrap(), ending.name());
        }
        assert_eq!(Ending::parse("postponed"), None);
    }
}
