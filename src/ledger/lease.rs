//! The lease of an inventory table: loads into one table take turns, and this says whose turn it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::record::Reading;
use super::write::Key;
use super::{Ledger, LedgerError};
use inventory_base::load_id::LoadId;

/// The lease as the ledger holds it. It is never deleted, or its epoch would begin again and an old holder's would be
/// believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRecord {
    /// The load whose turn it is; none when the table is free.
    pub load: Option<LoadId>,
    /// The request that holds it; none when it was handed over to whichever run continues the load.
    pub owner: Option<String>,
    /// Raised by whoever takes the lease, and by nobody else.
    pub epoch: u64,
    /// By the holder's clock, in milliseconds since 1970.
    pub expires_at: u64,
    /// Milliseconds that a lease of its holder lasts; none where an older loader took it.
    pub lasts: Option<u64>,
}

/// Clocks that differ by no more than this are right.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);

impl LeaseRecord {
    /// Whether its holder has not renewed it in time. A lease with more time left than it lasts was written by a clock that
    /// is ahead of ours: its holder may be long dead. Taking it over is safe, for its epoch rises.
    pub(super) fn has_run_out(&self, now_ms: u64) -> bool {
        let ahead = self.lasts.and_then(|lasts| self.expires_at.checked_sub(now_ms)?.checked_sub(lasts));
        let is_wrong = ahead.is_some_and(|ahead| u128::from(ahead) > CLOCKS_DIFFER.as_millis());
        if let (true, Some(ahead)) = (is_wrong, ahead) {
            tracing::warn!(event = "clocks_differ", holder = self.owner.as_deref(), ahead_seconds = ahead / 1_000);
        }
        is_wrong || now_ms >= self.expires_at
    }
}

/// What a request may do with a table's lease right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseVerdict {
    /// Take it, under this epoch.
    Take { epoch: u64 },
    /// Another request is at this very load: leave it to that one.
    Duplicate,
    /// It is another load's turn until that one is over, even where its run has died: half a load is worse than a late
    /// one.
    Busy { load: LoadId, expired: bool },
    /// The table is free, and this load waits before us.
    Behind { load: LoadId },
}

/// Judges a lease. A request that meets its own lease takes it again: Lambda gives the retry of a killed run the same
/// request id. Should both live (events are sometimes delivered twice at once), the epoch stops the first.
pub fn judge_lease(
    lease: Option<&LeaseRecord>,
    load: &LoadId,
    request_id: &str,
    now_ms: u64,
    ahead: Option<&LoadId>,
) -> LeaseVerdict {
    let take = LeaseVerdict::Take { epoch: lease.map_or(1, |lease| lease.epoch + 1) };
    let Some((lease, holder)) = lease.and_then(|lease| Some((lease, lease.load.as_ref()?))) else {
        return ahead.map_or(take, |ahead| LeaseVerdict::Behind { load: ahead.clone() });
    };
    let expired = lease.has_run_out(now_ms);
    match lease.owner.as_deref() {
        _ if holder != load => LeaseVerdict::Busy { load: holder.clone(), expired },
        _ if expired => take,
        None => take,
        Some(owner) if owner == request_id => take,
        Some(_) => LeaseVerdict::Duplicate,
    }
}

/// How far a run is, in rows, which its load's record does not know. It stands beside the lease, and is brought there by
/// what is written about the lease anyway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headway {
    pub read: u64,
    pub compared: u64,
    pub written: u64,
    /// Rows to be written; 0 until that is known.
    pub of: u64,
}

/// Whose turn it is at a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub load: LoadId,
    /// Whether its run gives signs of life.
    pub is_live: bool,
    pub headway: Option<Headway>,
}

/// A turn that was taken. Worth something only as long as it can be renewed under its epoch.
#[derive(Debug)]
pub struct Lease {
    pub load: LoadId,
    pub table: String,
    pub owner: String,
    pub epoch: u64,
    unbroken: bool,
    ends: Mutex<Ends>,
    given_back: AtomicBool,
    /// Whether the ledger has heard from this run that the load got further.
    progressed: AtomicBool,
    headway: Mutex<Option<Headway>>,
}

/// When a turn ends that is not renewed: by the wall clock, which the next holder reads too and which goes on while a
/// process is frozen, and by the one that nobody can put back.
#[derive(Debug, Clone, Copy)]
struct Ends {
    at_ms: u64,
    at: Instant,
}

impl Ends {
    fn new(at_ms: u64, now_ms: u64, now: Instant, lasts: Duration) -> Ends {
        let left = Duration::from_millis(at_ms.saturating_sub(now_ms)).min(lasts);
        Ends { at_ms, at: now + left }
    }

    fn is_before(self, now_ms: u64, now: Instant) -> bool {
        self.at_ms <= now_ms || self.at <= now
    }
}

impl Lease {
    pub(super) fn new(load: &LoadId, table: &str, owner: &str, epoch: u64, unbroken: bool) -> Lease {
        Lease {
            load: load.clone(),
            table: table.to_string(),
            owner: owner.to_string(),
            epoch,
            unbroken,
            ends: Mutex::new(Ends { at_ms: 0, at: Instant::now() }),
            given_back: AtomicBool::new(false),
            progressed: AtomicBool::new(false),
            headway: Mutex::new(None),
        }
    }

    /// Whether nobody else can have taken the turn yet. A run that was frozen and thaws asks this before its next
    /// write: its heartbeat slept as long as it did.
    pub fn is_live(&self) -> bool {
        let ends = self.ends.lock().map(|ends| *ends);
        !self.is_given_back() && ends.is_ok_and(|ends| !ends.is_before(now_ms(), Instant::now()))
    }

    /// Whether it was this load's turn before too: no other load has written into the table since.
    pub fn is_unbroken(&self) -> bool {
        self.unbroken
    }

    /// Whether this run has brought the load any further.
    pub fn has_progressed(&self) -> bool {
        self.progressed.load(Ordering::Relaxed)
    }

    pub(super) fn note_progress(&self) {
        self.progressed.store(true, Ordering::Relaxed);
    }

    /// Notes how far the run is. The ledger hears it with the next heartbeat or checkpoint.
    pub fn note_headway(&self, note: impl FnOnce(&mut Headway)) {
        if let Ok(mut headway) = self.headway.lock() {
            note(headway.get_or_insert_default());
        }
    }

    pub(super) fn headway(&self) -> Option<Headway> {
        self.headway.lock().ok().and_then(|headway| *headway)
    }

    /// Said before the ledger is told: a heartbeat that meets the end of its own turn has not lost it.
    pub(super) fn give_back(&self) {
        self.given_back.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_given_back(&self) -> bool {
        self.given_back.load(Ordering::Relaxed)
    }

    /// Until `at_ms` of the wall clock, and never for longer than a lease lasts.
    pub(super) fn extend(&self, at_ms: u64, lasts: Duration) {
        let Ok(mut ends) = self.ends.lock() else { return };
        let new = Ends::new(at_ms, now_ms(), Instant::now(), lasts);
        if new.at > ends.at {
            *ends = new;
        }
    }
}

impl Ledger {
    /// Which load has the turn at a table, and how far it is.
    pub async fn holder(&self, table: &str) -> Result<Option<Holder>, LedgerError> {
        let key = Key::lease(table);
        let found = self.get(&key, |reading| Ok((reading.lease_record()?, reading.headway()))).await?;
        Ok(found.and_then(|(lease, headway)| {
            let is_live = !lease.has_run_out(now_ms());
            Some(Holder { load: lease.load?, is_live, headway })
        }))
    }
}

impl Reading<'_> {
    /// Only for people to know, so what cannot be read is no fault.
    fn headway(&self) -> Option<Headway> {
        serde_json::from_str(self.attributes.get("headway")?.as_s().ok()?).ok()
    }

    pub(super) fn lease_record(&self) -> Result<LeaseRecord, LedgerError> {
        Ok(LeaseRecord {
            load: self.optional("load", LoadId::parse)?,
            owner: self.optional("owner", |owner| Some(owner.to_string()))?,
            epoch: self.number("epoch")?,
            expires_at: self.number("expires_at")?,
            lasts: self.attributes.get("lasts").map(|_| self.number("lasts")).transpose()?,
        })
    }
}

/// The wall clock: the next holder reads it on another machine, and it goes on while this one is frozen.
pub(super) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000;

    fn load(n: u64) -> LoadId {
        LoadId::parse(&format!("{n:016x}")).unwrap()
    }

    fn lease(holder: Option<u64>, owner: Option<&str>, expires_at: u64) -> LeaseRecord {
        LeaseRecord { load: holder.map(load), owner: owner.map(str::to_string), epoch: 7, expires_at, lasts: None }
    }

    #[test]
    fn who_may_take_a_lease_is_decided_by_holder_owner_time_and_queue() {
        let take = LeaseVerdict::Take { epoch: 8 };
        let busy = |expired| LeaseVerdict::Busy { load: load(2), expired };
        for (lease, verdict, why) in [
            (lease(None, None, 0), take.clone(), "free"),
            (lease(Some(2), Some("other"), NOW), busy(true), "another load's, whose run has just died"),
            (lease(Some(1), Some("other"), NOW - 1), take.clone(), "this load's, expired"),
            (lease(Some(1), Some("me"), NOW + 1), take.clone(), "my own: the retry of a killed run"),
            (lease(Some(1), None, NOW + 1), take, "handed over to whoever continues this load"),
            (lease(Some(1), Some("other"), NOW + 1), LeaseVerdict::Duplicate, "this load's, by another request"),
            (lease(Some(2), Some("other"), NOW + 1), busy(false), "another load's"),
            (lease(Some(2), None, NOW + 1), busy(false), "handed over, but not to this load"),
            (lease(Some(2), Some("me"), NOW + 1), busy(false), "two uploads in one event"),
        ] {
            assert_eq!(judge_lease(Some(&lease), &load(1), "me", NOW, None), verdict, "{why}");
        }
        assert_eq!(judge_lease(None, &load(1), "me", NOW, None), LeaseVerdict::Take { epoch: 1 });
        let (free, behind) = (lease(None, None, 0), LeaseVerdict::Behind { load: load(3) });
        assert_eq!(judge_lease(Some(&free), &load(1), "me", NOW, Some(&load(3))), behind);
        let ours = lease(Some(1), None, NOW + 1);
        assert_eq!(judge_lease(Some(&ours), &load(1), "me", NOW, Some(&load(3))), LeaseVerdict::Take { epoch: 8 });
    }

    #[test]
    fn a_lease_is_live_until_it_expires_or_is_given_back() {
        let (lease, minute) = (Lease::new(&load(1), "stock", "me", 1, false), Duration::from_secs(60));
        assert!(!lease.is_live());
        lease.extend(now_ms() + 60_000, minute);
        lease.extend(0, minute);
        assert!(lease.is_live());
        lease.give_back();
        assert!(!lease.is_live());
    }

    #[test]
    fn a_clock_that_leaps_back_makes_no_lease_longer() {
        const HOUR: u64 = 60 * 60 * 1_000;
        let (now, seconds) = (Instant::now(), Duration::from_secs);
        let ends = Ends::new(NOW + 45_000, NOW, now, seconds(45));
        for (later, leap, has_ended) in [
            (seconds(44), 0, false),
            (seconds(45), 0, true),
            (seconds(45), HOUR, true),
            // Frozen, the process sees only the wall clock go on.
            (seconds(0), 0, false),
        ] {
            let wall = NOW + HOUR + u64::try_from(later.as_millis()).unwrap() - leap;
            let ends = Ends { at_ms: ends.at_ms + HOUR, ..ends };
            assert_eq!(ends.is_before(wall, now + later), has_ended, "{later:?} {leap}");
        }
        assert!(ends.is_before(NOW + HOUR, now));
        // Put back between the request and its answer, the clock seems to leave an hour.
        assert!(Ends::new(NOW + HOUR, NOW, now, seconds(45)).is_before(NOW, now + seconds(45)));
    }

    #[test]
    fn a_lease_that_lasts_longer_than_any_was_written_by_a_wrong_clock_and_has_run_out() {
        const HOUR: u64 = 60 * 60 * 1_000;
        let lease = |expires_at, lasts| LeaseRecord { lasts, ..lease(Some(1), Some("other"), expires_at) };
        for (expires_at, lasts, has_run_out) in [
            (NOW + 45_000, Some(45_000), false),
            (NOW + 90_000, Some(45_000), false),
            (NOW + HOUR, Some(45_000), true),
            (NOW + HOUR, Some(HOUR), false),
            (NOW + HOUR, None, false),
            (NOW, Some(45_000), true),
        ] {
            let lease = lease(expires_at, lasts);
            assert_eq!(lease.has_run_out(NOW), has_run_out, "{lease:?}");
            let verdict = judge_lease(Some(&lease), &load(1), "me", NOW, None);
            assert_eq!(verdict == LeaseVerdict::Take { epoch: 8 }, has_run_out, "{lease:?}");
        }
    }
}
