//! Faults that may pass, and what a load remembers of them: since when it meets them, and when it is tried again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::changes::lease_handed_over;
use super::lease::now_ms;
use super::record::State;
use super::write::{Change, Key, number, send, text};
use super::{Lease, Ledger, LedgerError, turn_lost};
use crate::event::LoadId;

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

impl Ledger {
    /// Gives the turn to whichever run tries again, and notes why. A run that can say why it failed has not got nowhere
    /// without a word, so it does not count as one that did.
    pub async fn note_outage(&self, lease: &Lease, outage: &Outage) -> Result<(), LedgerError> {
        let turn = lease_handed_over(lease, self.expiry(now_ms()), self.lease);
        lease.give_back();
        let is_begun = "#state IN (:planning, :writing)";
        let update = "SET #outage = :outage, #starts_without_progress = :zero";
        let note = Change::update(Key::load(&lease.load), update, is_begun).with([
            ("outage", text(&serde_json::json!(outage).to_string())),
            ("zero", number(0u32)),
            ("planning", text(State::Planning.name())),
            ("writing", text(State::Writing.name())),
        ]);
        send(&self.client, &self.table, [turn, note]).await?.map_err(|_| turn_lost(lease))
    }

    /// Lets a load be tried again at once, and for as long as any other. False where it meets no faults.
    pub async fn forget_outage(&self, load: &LoadId) -> Result<bool, LedgerError> {
        let change = Change::update(Key::load(load), "REMOVE #outage", "attribute_exists(#outage)");
        Ok(send(&self.client, &self.table, [change]).await?.is_ok())
    }
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
