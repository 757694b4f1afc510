//! Asking for a turn: whose is it, who waits before, and is this still the version to load?

use jiff::Timestamp;

use super::asking::{Announced, Asking};
use super::changes::{asked_to_stop, lease_taken, load_dropped, load_queued, load_taken};
use super::lease::now_ms;
use super::queue::{EndedLoad, put_into_history, put_into_queue, take_from_queue};
use super::versions::{is_newest, is_older};
use super::write::{Key, pause, send};
use super::{Lease, LeaseRecord, LeaseVerdict, Ledger, LedgerError, LoadRecord, Place, State, Stop, judge_lease};
use inventory_base::load_id::LoadId;

/// How often a turn is asked for when others ask at the same moment. Each time somebody got it.
const TAKE_TRIES: u32 = 8;

/// What asking for a turn came to.
#[derive(Debug)]
pub enum Turn {
    /// It is this request's turn; the record is as it was left by whoever was at it before.
    Ours(Lease, Box<LoadRecord>),
    /// Another request is at this very load.
    Duplicate,
    /// The load waits in the queue until it is asked for.
    Queued { behind: Option<LoadId> },
    /// Another load is being written into the same table, and this one was not to wait in the queue.
    Busy { load: LoadId },
    /// The load is not to begin: a newer version of its upload is known.
    Outdated(Box<Announced>, LoadId),
    /// The load is over.
    Ended(Box<LoadRecord>),
}

/// What a load that finds the table busy is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    Queue,
    /// There is nobody who could start it later.
    Tell,
}

impl Ledger {
    /// Asks for a turn to begin a load, or to go on with it if it was begun. A load that is known already goes into the
    /// table it was announced for.
    pub async fn take_turn(
        &self,
        announced: &Announced,
        request_id: &str,
        if_busy: IfBusy,
    ) -> Result<Turn, LedgerError> {
        self.take(&announced.load, Some(announced), request_id, if_busy).await
    }

    /// Asks for a turn to go on with a load of which only the name is known.
    pub async fn take_up(&self, load: &LoadId, request_id: &str) -> Result<Turn, LedgerError> {
        self.take(load, None, request_id, IfBusy::Queue).await
    }

    async fn take(
        &self,
        load: &LoadId,
        announced: Option<&Announced>,
        request_id: &str,
        if_busy: IfBusy,
    ) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            let asking = match self.ask(load, announced, request_id).await? {
                Ok(asking) => asking,
                Err(turn) => return Ok(turn),
            };
            let table = &asking.announced.table;
            let found = self.read_lease(table).await?;
            let first = self.first_waiting(table).await?.filter(|first| *first < asking.place);
            let ahead = first.and_then(|first| first.load());
            match judge_lease(found.as_ref(), load, request_id, now_ms(), ahead.as_ref()) {
                LeaseVerdict::Take { epoch } => {
                    if let Some(turn) = self.try_to_take(&asking, found.as_ref(), epoch).await? {
                        return Ok(turn);
                    }
                }
                LeaseVerdict::Duplicate => return Ok(Turn::Duplicate),
                LeaseVerdict::Behind { load } if if_busy == IfBusy::Tell => return Ok(Turn::Busy { load }),
                LeaseVerdict::Behind { load } => {
                    if self.queue(&asking).await? {
                        return Ok(Turn::Queued { behind: Some(load) });
                    }
                }
                LeaseVerdict::Busy { load: holder, expired } => {
                    let held_by = self.read(&holder).await?;
                    if expired && is_abandoned(held_by.as_ref()) {
                        let epoch = found.as_ref().map_or(1, |found| found.epoch + 1);
                        if let Some(turn) = self.try_to_take(&asking, found.as_ref(), epoch).await? {
                            return Ok(turn);
                        }
                    } else if if_busy == IfBusy::Tell || asking.state.is_some_and(State::is_begun) {
                        return Ok(Turn::Busy { load: holder });
                    } else if self.queue(&asking).await? {
                        self.make_way(&asking, held_by.as_ref()).await?;
                        // Whoever had the table may have looked into the queue before we were in it.
                        let now = self.read_lease(table).await?;
                        if now.is_some_and(|lease| lease.load.is_some()) {
                            return Ok(Turn::Queued { behind: Some(holder) });
                        }
                    }
                }
            }
            // Somebody was quicker. What that makes of our turn, the ledger now says.
            pause(tries).await;
        }
        Err(LedgerError::Contended { key: Key::load(load).pk })
    }

    /// Puts a load into the queue, whether the table is free or not, and says what is to be known of it.
    pub async fn enqueue(&self, announced: &Announced, request_id: &str) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            match self.ask(&announced.load, Some(announced), request_id).await? {
                Err(turn) => return Ok(turn),
                Ok(asking) if asking.state.is_some_and(State::is_begun) => return Ok(Turn::Duplicate),
                Ok(asking) if self.queue(&asking).await? => return Ok(Turn::Queued { behind: None }),
                Ok(_) => pause(tries).await,
            }
        }
        Err(LedgerError::Contended { key: Key::load(&announced.load).pk })
    }

    /// What is known of a load that asks for its turn; or, where that settles it, what its turn comes to.
    async fn ask(
        &self,
        load: &LoadId,
        announced: Option<&Announced>,
        request_id: &str,
    ) -> Result<Result<Asking, Turn>, LedgerError> {
        let (request_id, kept_in) = (request_id.to_string(), self.keeps_in.clone());
        let asking = match (self.read(load).await?, announced) {
            (Some(record), _) if record.state == State::Ended => return Ok(Err(Turn::Ended(Box::new(record)))),
            (Some(record), _) if self.is_elsewhere(&record) => return Ok(Err(Turn::Duplicate)),
            (Some(record), _) => {
                let (place, state) = (record.place.clone(), Some(record.state));
                Asking { announced: Announced::known(record), place, state, request_id, kept_in }
            }
            (None, Some(announced)) => {
                let place = Place::new(announced.at, load);
                Asking { announced: announced.clone(), place, state: None, request_id, kept_in }
            }
            (None, None) => return Err(LedgerError::Unknown { load: load.clone() }),
        };
        let Announced { table, upload, is_version, .. } = &asking.announced;
        if *is_version
            && !asking.state.is_some_and(State::is_begun)
            && let Some(newer) = self.announce_version(table, upload, load, now_ms()).await?
        {
            return Ok(Err(Turn::Outdated(Box::new(asking.announced), newer)));
        }
        Ok(Ok(asking))
    }

    async fn try_to_take(
        &self,
        asking: &Asking,
        found: Option<&LeaseRecord>,
        epoch: u64,
    ) -> Result<Option<Turn>, LedgerError> {
        let Announced { load, upload, table, is_version, .. } = &asking.announced;
        let now = now_ms();
        let unbroken = found.is_some_and(|found| found.load.as_ref() == Some(load));
        let lease = Lease::new(load, table, &asking.request_id, epoch, unbroken);
        let expiry = self.expiry(now);
        let mut changes = vec![lease_taken(&lease, found, expiry, self.lease), load_taken(&lease, asking, now)];
        if !asking.state.is_some_and(State::is_begun) {
            changes.extend(is_newest(table, upload).filter(|_| *is_version));
            changes.push(take_from_queue(table, &asking.place));
        }
        if send(&self.client, &self.table, changes).await?.is_err() {
            return Ok(None);
        }
        lease.extend(expiry, self.lease);
        // Read again: what was known before the turn may be known better now.
        let record = self.read(load).await?.ok_or_else(|| LedgerError::Unknown { load: load.clone() })?;
        tracing::info!(
            event = "turn_taken", load = %load, table, epoch, state = record.state.name(),
            starts = record.starts, starts_without_progress = record.starts_without_progress
        );
        Ok(Some(Turn::Ours(lease, Box::new(record))))
    }

    /// False where the load is not what it was.
    async fn queue(&self, asking: &Asking) -> Result<bool, LedgerError> {
        let Announced { load, table, .. } = &asking.announced;
        let now = now_ms();
        let changes = [load_queued(asking, now), put_into_queue(table, &asking.place, now)];
        let done = send(&self.client, &self.table, changes).await?.is_ok();
        if done {
            tracing::info!(event = "load_queued", load = %load, table, place = asking.place.as_str());
        }
        Ok(done)
    }

    /// Asks the load that has the table to stop, where the one that asks should have it first.
    async fn make_way(&self, asking: &Asking, holder: Option<&LoadRecord>) -> Result<(), LedgerError> {
        let Some(holder) = holder.filter(|holder| !holder.upload.bucket.is_empty()) else { return Ok(()) };
        let Announced { load, upload, is_version, .. } = &asking.announced;
        let stop = if *is_version && holder.is_version && is_older(&holder.upload, upload) {
            Stop::Superseded { by: load.clone() }
        } else if asking.place < holder.place {
            Stop::GiveWay { to: load.clone() }
        } else {
            return Ok(());
        };
        self.ask_to_stop(&holder.load, &stop).await?;
        Ok(())
    }

    /// Asks a load to stop at its next step. False where it is not under way, or past where it can.
    pub async fn ask_to_stop(&self, load: &LoadId, stop: &Stop) -> Result<bool, LedgerError> {
        let asked = send(&self.client, &self.table, [asked_to_stop(load, stop)]).await?.is_ok();
        if asked {
            let (why, by) = stop.parts();
            tracing::info!(event = "load_asked_to_stop", load = %load, why, by);
        }
        Ok(asked)
    }

    /// Ends a load that has not begun. False where it has, or is over.
    pub async fn drop_load(&self, announced: &Announced, ending: &str, summary: &str) -> Result<bool, LedgerError> {
        let Announced { load, upload, table, .. } = announced;
        let now = now_ms();
        let place = Place::new(announced.at, load);
        let (request_id, kept_in) = (String::new(), self.keeps_in.clone());
        let asking = Asking { announced: announced.clone(), place, state: None, request_id, kept_in };
        let (key, ended) = (upload.key.clone(), Timestamp::now());
        let (ending, summary) = (ending.to_string(), summary.to_string());
        let over = EndedLoad { load: load.clone(), key, ending, summary, ended };
        let changes = [
            load_dropped(&asking, &over, now),
            take_from_queue(table, &asking.place),
            put_into_history(table, &over, now),
        ];
        let dropped = send(&self.client, &self.table, changes).await?.is_ok();
        if dropped {
            tracing::info!(event = "load_dropped", load = %load, table, ending = over.ending);
        }
        Ok(dropped)
    }

    /// The load that should run now and is not, as far as the ledger can tell: one whose run died, or the first in the
    /// queue of a table that is free.
    pub async fn who_should_run(&self, table: &str) -> Result<Option<LoadId>, LedgerError> {
        if let Some(lease) = self.read_lease(table).await?
            && let Some(holder) = &lease.load
        {
            if !lease.has_run_out(now_ms()) {
                return Ok(None);
            }
            let record = self.read(holder).await?;
            if !is_abandoned(record.as_ref()) {
                // One that meets faults has its pause first, unless it is only to end.
                let has_pause = |record: &LoadRecord| {
                    let next = record.outage.as_ref().filter(|_| record.stop.is_none()).map(|outage| outage.next);
                    next.is_some_and(|next| Timestamp::now() < next)
                };
                let waits = |record: &LoadRecord| self.is_elsewhere(record) || has_pause(record);
                return Ok(Some(holder.clone()).filter(|_| !record.as_ref().is_some_and(waits)));
            }
        }
        loop {
            let Some(first) = self.first_waiting(table).await? else { return Ok(None) };
            let Some(load) = first.load() else { return Ok(None) };
            match self.read(&load).await? {
                Some(record) if record.state != State::Ended && record.place == first => {
                    // Its own loader starts it.
                    return Ok(Some(load).filter(|_| !self.is_elsewhere(&record)));
                }
                // Two deliveries at once of an event that does not say when it was can come to two places.
                _ => {
                    tracing::warn!(event = "place_removed", load = %load, table, place = first.as_str());
                    let _ = send(&self.client, &self.table, [take_from_queue(table, &first)]).await?;
                }
            }
        }
    }
}

/// Whether nobody goes on with a load whose run has died: of a file from somebody's disk only its own command can, and
/// finds what it left.
fn is_abandoned(record: Option<&LoadRecord>) -> bool {
    record.is_none_or(|record| record.upload.bucket.is_empty())
}
