//! The lease of an inventory table. Loads into one table take turns, and the lease says whose turn it is.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::record::ItemReader;
use super::write::Key;
use super::{Ledger, LedgerError};
use inventory_base::load_id::LoadId;

/// A lease as stored in the ledger. It is never deleted: its epoch would start again, and an old holder's epoch would
/// be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRecord {
    /// The load whose turn it is; `None` if the table is free.
    pub load: Option<LoadId>,
    /// The request that holds it; `None` if it was handed over to whichever run continues the load.
    pub owner: Option<String>,
    /// Raised each time the lease is taken, and only then.
    pub epoch: u64,
    /// By the holder's clock, in milliseconds since 1970.
    pub expires_at: u64,
    /// How long the holder's leases last, in milliseconds; `None` if an older version of the loader took it.
    pub duration_ms: Option<u64>,
}

/// The largest difference between two clocks that counts as normal.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

impl LeaseRecord {
    /// Whether the lease has expired. A lease with more time left than its whole duration was written by a clock that
    /// is ahead of ours, so its holder may have died long ago; it counts as expired. Taking it over is safe, since the
    /// epoch is raised.
    pub(super) fn has_expired(&self, now_ms: u64) -> bool {
        let ahead = self.duration_ms.and_then(|duration| self.expires_at.checked_sub(now_ms)?.checked_sub(duration));
        let is_wrong = ahead.is_some_and(|ahead| u128::from(ahead) > CLOCK_TOLERANCE.as_millis());
        if let (true, Some(ahead)) = (is_wrong, ahead) {
            tracing::warn!(event = "clocks_differ", holder = self.owner.as_deref(), ahead_seconds = ahead / 1_000);
        }
        is_wrong || now_ms >= self.expires_at
    }
}

/// What a request may do with a table's lease right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseVerdict {
    /// Take the lease, under this epoch.
    Take { epoch: u64 },
    /// Another request is running this same load; leave it to that one.
    Duplicate,
    /// It is another load's turn until that load has ended, even if its run has died: a half-written load is worse than
    /// a late one.
    Busy { load: LoadId, expired: bool },
    /// The table is free, and this load is ahead of ours in the queue.
    Behind { load: LoadId },
}

/// Decides about a lease. A request that finds its own lease takes it again, because Lambda gives the retry of a killed
/// run the same request id. If both are alive (an event is sometimes delivered twice at once), the epoch stops the
/// first one.
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
    let expired = lease.has_expired(now_ms);
    match lease.owner.as_deref() {
        _ if holder != load => LeaseVerdict::Busy { load: holder.clone(), expired },
        _ if expired => take,
        None => take,
        Some(owner) if owner == request_id => take,
        Some(_) => LeaseVerdict::Duplicate,
    }
}

/// How far a run is, in rows. Stored with the lease and not in the load's record, because it is written with the
/// lease's renewals anyway.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressCounts {
    pub read: u64,
    pub compared: u64,
    pub written: u64,
    /// The number of rows to be written; 0 until it is known.
    pub of: u64,
}

/// The load that holds the lease of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub load: LoadId,
    /// Whether its run still renews the lease.
    pub is_live: bool,
    pub progress: Option<ProgressCounts>,
}

/// A lease held by this run. It is valid only as long as it can be renewed under its epoch.
#[derive(Debug)]
pub struct Lease {
    pub load: LoadId,
    pub table: String,
    pub owner: String,
    pub epoch: u64,
    unbroken: bool,
    end: Mutex<LeaseEnd>,
    released: AtomicBool,
    /// Whether this run has noted progress of the load in the ledger.
    progressed: AtomicBool,
    counts: Mutex<Option<ProgressCounts>>,
}

/// When a lease ends if it isn't renewed: by the wall clock, which the next holder uses too and which continues while a
/// process is frozen, and by the monotonic clock, which can't be set back.
#[derive(Debug, Clone, Copy)]
struct LeaseEnd {
    at_ms: u64,
    at: Instant,
}

impl LeaseEnd {
    fn new(at_ms: u64, now_ms: u64, now: Instant, duration: Duration) -> LeaseEnd {
        let left = Duration::from_millis(at_ms.saturating_sub(now_ms)).min(duration);
        LeaseEnd { at_ms, at: now + left }
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
            end: Mutex::new(LeaseEnd { at_ms: 0, at: Instant::now() }),
            released: AtomicBool::new(false),
            progressed: AtomicBool::new(false),
            counts: Mutex::new(None),
        }
    }

    /// Whether no other run can have taken the lease yet. A run that was frozen checks this before its next write,
    /// because its heartbeat was frozen too.
    pub fn is_live(&self) -> bool {
        let end = self.end.lock().map(|end| *end);
        !self.is_released() && end.is_ok_and(|end| !end.is_before(now_ms(), Instant::now()))
    }

    /// Whether this load also held the previous lease, so that no other load has written to the table since.
    pub fn is_unbroken(&self) -> bool {
        self.unbroken
    }

    /// Whether this run has made progress with the load.
    pub fn has_progressed(&self) -> bool {
        self.progressed.load(Ordering::Relaxed)
    }

    pub(super) fn note_progress(&self) {
        self.progressed.store(true, Ordering::Relaxed);
    }

    /// Notes how far the run is. The next heartbeat or checkpoint writes it to the ledger.
    pub fn note_counts(&self, note: impl FnOnce(&mut ProgressCounts)) {
        if let Ok(mut counts) = self.counts.lock() {
            note(counts.get_or_insert_default());
        }
    }

    pub(super) fn counts(&self) -> Option<ProgressCounts> {
        self.counts.lock().ok().and_then(|counts| *counts)
    }

    /// Marks the lease as released, before the ledger is updated, so that a concurrent heartbeat doesn't count it as
    /// lost.
    pub(super) fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.load(Ordering::Relaxed)
    }

    /// Extends the lease until `at_ms` by the wall clock, but never by more than the duration of a lease.
    pub(super) fn extend(&self, at_ms: u64, duration: Duration) {
        let Ok(mut end) = self.end.lock() else { return };
        let new = LeaseEnd::new(at_ms, now_ms(), Instant::now(), duration);
        if new.at > end.at {
            *end = new;
        }
    }
}

impl Ledger {
    /// Returns the load that holds the lease of a table, and how far it is.
    pub async fn holder(&self, table: &str) -> Result<Option<Holder>, LedgerError> {
        let key = Key::lease(table);
        let found = self.get(&key, |reading| Ok((reading.lease_record()?, reading.counts()))).await?;
        Ok(found.and_then(|(lease, counts)| {
            let is_live = !lease.has_expired(now_ms());
            Some(Holder { load: lease.load?, is_live, progress: counts })
        }))
    }
}

impl ItemReader<'_> {
    /// Only for display, so an unreadable value counts as none.
    fn counts(&self) -> Option<ProgressCounts> {
        serde_json::from_str(self.attributes.get("progress")?.as_s().ok()?).ok()
    }

    pub(super) fn lease_record(&self) -> Result<LeaseRecord, LedgerError> {
        Ok(LeaseRecord {
            load: self.optional("load", LoadId::parse)?,
            owner: self.optional("owner", |owner| Some(owner.to_string()))?,
            epoch: self.number("epoch")?,
            expires_at: self.number("expires_at")?,
            duration_ms: self.attributes.get("lasts").map(|_| self.number("lasts")).transpose()?,
        })
    }
}

/// The time of the wall clock, which the next holder can compare on another machine, and which continues while this
/// process is frozen.
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
        LeaseRecord {
            load: holder.map(load),
            owner: owner.map(str::to_string),
            epoch: 7,
            expires_at,
            duration_ms: None,
        }
    }

    #[test]
    fn a_lease_is_decided_by_holder_owner_time_and_queue() {
        let take = LeaseVerdict::Take { epoch: 8 };
        let busy = |expired| LeaseVerdict::Busy { load: load(2), expired };
        for (lease, verdict, why) in [
            (lease(None, None, 0), take.clone(), "free"),
            (lease(Some(2), Some("other"), NOW), busy(true), "another load's, whose run has just died"),
            (lease(Some(1), Some("other"), NOW - 1), take.clone(), "this load's, expired"),
            (lease(Some(1), Some("me"), NOW + 1), take.clone(), "our own: the retry of a killed run"),
            (lease(Some(1), None, NOW + 1), take, "handed over to the next run of this load"),
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
    fn a_lease_is_live_until_it_expires_or_is_released() {
        let (lease, minute) = (Lease::new(&load(1), "stock", "me", 1, false), Duration::from_secs(60));
        assert!(!lease.is_live());
        lease.extend(now_ms() + 60_000, minute);
        lease.extend(0, minute);
        assert!(lease.is_live());
        lease.release();
        assert!(!lease.is_live());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lengthen_a_lease() {
        const HOUR: u64 = 60 * 60 * 1_000;
        let (now, seconds) = (Instant::now(), Duration::from_secs);
        let end = LeaseEnd::new(NOW + 45_000, NOW, now, seconds(45));
        for (later, leap, has_ended) in
            [(seconds(44), 0, false), (seconds(45), 0, true), (seconds(45), HOUR, true), (seconds(0), 0, false)]
        {
            let wall = NOW + HOUR + u64::try_from(later.as_millis()).unwrap() - leap;
            let end = LeaseEnd { at_ms: end.at_ms + HOUR, ..end };
            assert_eq!(end.is_before(wall, now + later), has_ended, "{later:?} {leap}");
        }
        // While the process is frozen, only the wall clock advances.
        assert!(end.is_before(NOW + HOUR, now));
        // If the clock is set back between request and answer, an hour seems to be left.
        assert!(LeaseEnd::new(NOW + HOUR, NOW, now, seconds(45)).is_before(NOW, now + seconds(45)));
    }

    #[test]
    fn a_lease_that_ends_too_far_in_the_future_has_expired() {
        const HOUR: u64 = 60 * 60 * 1_000;
        let lease = |expires_at, duration_ms| LeaseRecord { duration_ms, ..lease(Some(1), Some("other"), expires_at) };
        for (expires_at, duration, has_expired) in [
            (NOW + 45_000, Some(45_000), false),
            (NOW + 90_000, Some(45_000), false),
            (NOW + HOUR, Some(45_000), true),
            (NOW + HOUR, Some(HOUR), false),
            (NOW + HOUR, None, false),
            (NOW, Some(45_000), true),
        ] {
            let lease = lease(expires_at, duration);
            assert_eq!(lease.has_expired(NOW), has_expired, "{lease:?}");
            let verdict = judge_lease(Some(&lease), &load(1), "me", NOW, None);
            assert_eq!(verdict == LeaseVerdict::Take { epoch: 8 }, has_expired, "{lease:?}");
        }
    }
}
