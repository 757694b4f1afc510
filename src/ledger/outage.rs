//! Faults that may pass, and what a load remembers of them: since when it meets them, and when it is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How a load that meets faults which may pass is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// After the first fault; twice as long after each that follows.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// After this a person is told that it takes long.
    pub late: Duration,
    /// After this the load is given up.
    pub give_up: Duration,
}

impl Default for Retries {
    fn default() -> Retries {
        const MINUTE: Duration = Duration::from_secs(60);
        Retries { first_pause: MINUTE, longest_pause: 60 * MINUTE, late: 30 * MINUTE, give_up: 24 * 60 * MINUTE }
    }
}

/// The faults that a load, or an event, has met since it last got anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub since: Timestamp,
    /// When it is tried again.
    pub next: Timestamp,
    /// Tries that ended in such a fault.
    pub tries: u32,
    /// The last of the faults, in words.
    pub why: String,
    /// Whether a person was told that it takes long.
    #[serde(default)]
    pub told: bool,
    /// Whether a person was told that it is not tried any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
}

impl Outage {
    /// One more fault.
    pub fn after(before: Option<&Outage>, why: String, now: Timestamp, retries: &Retries) -> Outage {
        let (since, tries, told) = before.map_or((now, 0, false), |before| (before.since, before.tries, before.told));
        let pause = retries.first_pause.saturating_mul(1 << tries.min(20)).min(retries.longest_pause);
        let next = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        Outage { since, next, tries: tries.saturating_add(1), why, told, given_up: false }
    }

    pub fn lasts(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since)
    }

    /// Whether a person should hear of it who has not.
    pub fn is_news(&self, retries: &Retries, now: Timestamp) -> bool {
        !self.told && self.lasts(now) >= signed(retries.late)
    }

    pub fn is_hopeless(&self, retries: &Retries, now: Timestamp) -> bool {
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
    fn pauses_grow_to_an_hour_and_end_after_a_day() {
        let retries = Retries::default();
        let mut now: Timestamp = "2026-10-03T08:00:00Z".parse().unwrap();
        let mut outage = Outage::after(None, "busy".into(), now, &retries);
        let mut pauses = Vec::new();
        while !outage.is_hopeless(&retries, now) {
            pauses.push(outage.next.duration_since(now).as_secs() / 60);
            now = outage.next;
            outage = Outage::after(Some(&outage), "busy".into(), now, &retries);
        }
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(outage.lasts(now).as_hours(), 24);
        assert_eq!(outage.tries as usize, pauses.len() + 1);
    }

    #[test]
    fn a_person_is_told_once_that_it_takes_long() {
        let retries = Retries::default();
        let at =
            |minutes: i64| "2026-10-03T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes);
        let outage = Outage::after(None, "busy".into(), at(0), &retries);
        assert!(!outage.is_news(&retries, at(29)) && outage.is_news(&retries, at(30)));
        let told = Outage { told: true, ..outage };
        assert!(!Outage::after(Some(&told), "busy".into(), at(40), &retries).is_news(&retries, at(40)));
    }
}
