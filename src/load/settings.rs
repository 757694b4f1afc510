//! How a load is to be done: its rules, and the limits of time and size.

use std::time::Duration;

use crate::ledger::Retries;
use crate::load::rules::RulesFrom;
use inventory_check::child::Reader;

/// When the sweep looks through the uploads bucket for what no event told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// An upload of the last minutes may still be announced.
    pub after: Duration,
    /// What is older than this is not loaded without being asked for.
    pub within: Duration,
    /// How often it begins from the first name.
    pub every: Duration,
}

impl Default for Look {
    fn default() -> Look {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Look { after: Duration::from_secs(15 * 60), within: 7 * DAY, every: DAY }
    }
}

/// Of the time a run has left, at most this part is kept free for ending well: a sentence, or another run.
const MARGIN_SHARE: u32 = 4;

/// By what a load judges, and what it may take.
#[derive(Debug, Clone)]
pub struct Settings {
    pub rules: RulesFrom,
    pub reader: Reader,
    pub heartbeat: Duration,
    /// Before the end of its time a run leaves off so long.
    pub margin: Duration,
    /// After that, plans and reports are deleted; none where nobody does.
    pub kept_for: Option<Duration>,
    pub retries: Retries,
    pub look: Look,
}

impl Settings {
    pub fn margin(&self, left: Duration) -> Duration {
        self.margin.min(left / MARGIN_SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use inventory_rules::schema::Schema;

    #[test]
    fn the_margin_is_a_quarter_of_a_short_run_and_the_set_time_of_a_long_one() {
        let rules = RulesFrom::Given(Box::new(Schema::shipped().unwrap()));
        let settings = config::settings(rules, Reader::new("", ""));
        assert_eq!(settings.margin(Duration::from_secs(900)), Duration::from_secs(30));
        assert_eq!(settings.margin(Duration::from_secs(4)), Duration::from_secs(1));
        assert_eq!(settings.margin(Duration::ZERO), Duration::ZERO);
    }
}
