//! Temporary faults of a load: since when they have occurred, and when the load is retried.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// When a load that has temporary faults is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// The pause after the first fault. It doubles with each further fault.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// When people are notified that the load is delayed.
    pub notify_after: Duration,
    /// When the load is given up.
    pub give_up: Duration,
}

impl Default for Retries {
    fn default() -> Retries {
        const MINUTE: Duration = Duration::from_secs(60);
        Retries {
            first_pause: MINUTE,
            longest_pause: 60 * MINUTE,
            notify_after: 30 * MINUTE,
            give_up: 24 * 60 * MINUTE,
        }
    }
}

/// The temporary faults of a load, or of an event, since it last made progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub since: Timestamp,
    /// When it is retried.
    pub next: Timestamp,
    /// The number of attempts that ended in such a fault.
    pub tries: u32,
    /// The text of the last fault.
    pub why: String,
    /// Whether people were notified of the delay.
    #[serde(default, rename = "told")]
    pub notified: bool,
    /// Whether people were notified that it was given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
}

impl Outage {
    /// The outage after one more fault.
    pub fn after(before: Option<&Outage>, why: String, now: Timestamp, retries: &Retries) -> Outage {
        let (since, tries, notified) =
            before.map_or((now, 0, false), |before| (before.since, before.tries, before.notified));
        let pause = retries.first_pause.saturating_mul(1 << tries.min(20)).min(retries.longest_pause);
        let next = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        Outage { since, next, tries: tries.saturating_add(1), why, notified, given_up: false }
    }

    pub fn lasts(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since)
    }

    /// Whether a notification of the delay is due.
    pub fn should_notify(&self, retries: &Retries, now: Timestamp) -> bool {
        !self.notified && self.lasts(now) >= signed(retries.notify_after)
    }

    pub fn should_give_up(&self, retries: &Retries, now: Timestamp) -> bool {
        self.lasts(now) >= signed(retries.give_up)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_the_load_is_given_up_after_a_day() {
        let retries = Retries::default();
        let mut now: Timestamp = "2026-10-03T08:00:00Z".parse().unwrap();
        let mut outage = Outage::after(None, "busy".into(), now, &retries);
        let mut pauses = Vec::new();
        while !outage.should_give_up(&retries, now) {
            pauses.push(outage.next.duration_since(now).as_secs() / 60);
            now = outage.next;
            outage = Outage::after(Some(&outage), "busy".into(), now, &retries);
        }
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(outage.lasts(now).as_hours(), 24);
        assert_eq!(outage.tries as usize, pauses.len() + 1);
    }

    #[test]
    fn people_are_notified_once_of_a_delay() {
        let retries = Retries::default();
        let at =
            |minutes: i64| "2026-10-03T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
        let outage = Outage::after(None, "busy".into(), at(0), &retries);
        assert!(!outage.should_notify(&retries, at(29)) && outage.should_notify(&retries, at(30)));
        let notified = Outage { notified: true, ..outage };
        assert!(!Outage::after(Some(&notified), "busy".into(), at(40), &retries).should_notify(&retries, at(40)));
    }
}
