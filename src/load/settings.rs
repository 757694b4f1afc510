//! The settings of a load: its rules, and the limits of time and size.

use std::time::Duration;

use crate::ledger::Retries;
use crate::load::rules::RulesFrom;
use inventory_check::child::Reader;

/// When the sweep scans the uploads bucket for uploads that no event announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadScan {
    /// The age from which an upload counts as missed; the event of a newer one may still arrive.
    pub min_age: Duration,
    /// The age beyond which an upload is not loaded unless an operator asks for it.
    pub max_age: Duration,
    /// How often a scan of the whole bucket begins.
    pub interval: Duration,
}

impl Default for UploadScan {
    fn default() -> UploadScan {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        UploadScan { min_age: Duration::from_secs(15 * 60), max_age: 7 * DAY, interval: DAY }
    }
}

/// The margin is at most the remaining time of the run divided by this.
const MARGIN_SHARE: u32 = 4;

/// The rules and the limits of a load.
#[derive(Debug, Clone)]
pub struct Settings {
    pub rules: RulesFrom,
    pub reader: Reader,
    pub heartbeat: Duration,
    /// How long before its deadline a run stops sending.
    pub margin: Duration,
    /// The age at which plans and reports are deleted; `None` if they are kept for good.
    pub kept_for: Option<Duration>,
    pub retries: Retries,
    pub upload_scan: UploadScan,
}

impl Settings {
    /// The part of the remaining time that is kept free for a report or the hand-over.
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
