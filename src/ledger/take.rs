//! Takes turns: decides whether a load may start, has to wait in the queue, or is outdated.

use jiff::Timestamp;

use super::changes::{asked_to_stop, lease_taken, load_dropped, load_queued, load_taken};
use super::lease::now_ms;
use super::queue::{EndedLoad, put_into_history, put_into_queue, take_from_queue};
use super::turn_request::{AnnouncedLoad, TurnRequest};
use super::versions::{is_newest, is_older};
use super::write::{Key, pause, send};
use super::{
    Lease, LeaseRecord, LeaseVerdict, Ledger, LedgerError, LoadRecord, QueuePosition, State, Stop, judge_lease,
};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;

/// How often a turn is requested if other requests interfere. In each round one of them succeeds.
const TAKE_TRIES: u32 = 8;

/// The result of a request for a turn.
#[derive(Debug)]
pub enum Turn {
    /// It is this request's turn. The record is as the previous run left it.
    Taken(Lease, Box<LoadRecord>),
    /// Another request is running this same load.
    Duplicate,
    /// The load waits in the queue until it is started.
    Queued { behind: Option<LoadId> },
    /// Another load has the table, and this one must not or cannot wait in the queue.
    Busy { load: LoadId },
    /// The load must not begin: a newer version of its upload is known.
    Outdated(Box<AnnouncedLoad>, LoadId),
    /// The load has ended.
    Ended(Ending),
}

/// What to do with a load if the table is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfBusy {
    Queue,
    /// For a load that nothing could start later.
    DontQueue,
}

impl Ledger {
    /// Requests a turn to begin a load, or to continue it. A load that has a record goes into the table it was
    /// announced for.
    pub async fn take_turn(
        &self,
        announced: &AnnouncedLoad,
        request_id: &str,
        if_busy: IfBusy,
    ) -> Result<Turn, LedgerError> {
        self.take(&announced.load, Some(announced), request_id, if_busy).await
    }

    /// Requests a turn to continue a load of which only the id is known.
    pub async fn take_turn_to_continue(&self, load: &LoadId, request_id: &str) -> Result<Turn, LedgerError> {
        self.take(load, None, request_id, IfBusy::Queue).await
    }

    async fn take(
        &self,
        load: &LoadId,
        announced: Option<&AnnouncedLoad>,
        request_id: &str,
        if_busy: IfBusy,
    ) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            let request = match self.make_request(load, announced, request_id).await? {
                Ok(request) => request,
                Err(turn) => return Ok(turn),
            };
            let table = &request.announced.table;
            let found = self.read_lease(table).await?;
            let first = self.first_waiting(table).await?.filter(|first| *first < request.position);
            let ahead = first.and_then(|first| first.load());
            match judge_lease(found.as_ref(), load, request_id, now_ms(), ahead.as_ref()) {
                LeaseVerdict::Take { epoch } => {
                    if let Some(turn) = self.try_to_take(&request, found.as_ref(), epoch).await? {
                        return Ok(turn);
                    }
                }
                LeaseVerdict::Duplicate => return Ok(Turn::Duplicate),
                LeaseVerdict::Behind { load } if if_busy == IfBusy::DontQueue => return Ok(Turn::Busy { load }),
                LeaseVerdict::Behind { load } => {
                    if self.queue(&request).await? {
                        return Ok(Turn::Queued { behind: Some(load) });
                    }
                }
                LeaseVerdict::Busy { load: holder, expired } => {
                    let held_by = self.read(&holder).await?;
                    if expired && is_abandoned(held_by.as_ref()) {
                        let epoch = found.as_ref().map_or(1, |found| found.epoch + 1);
                        if let Some(turn) = self.try_to_take(&request, found.as_ref(), epoch).await? {
                            return Ok(turn);
                        }
                    } else if if_busy == IfBusy::DontQueue || request.state.is_some_and(State::is_begun) {
                        return Ok(Turn::Busy { load: holder });
                    } else if self.queue(&request).await? {
                        self.ask_holder_to_stop(&request, held_by.as_ref()).await?;
                        // The previous holder may have looked into the queue before this load was in it.
                        let now = self.read_lease(table).await?;
                        if now.is_some_and(|lease| lease.load.is_some()) {
                            return Ok(Turn::Queued { behind: Some(holder) });
                        }
                    }
                }
            }
            // Another request was faster; read the ledger again.
            pause(tries).await;
        }
        Err(LedgerError::Contended { key: Key::load(load).pk })
    }

    /// Puts a load into the queue, even if the table is free.
    pub async fn enqueue(&self, announced: &AnnouncedLoad, request_id: &str) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            match self.make_request(&announced.load, Some(announced), request_id).await? {
                Err(turn) => return Ok(turn),
                Ok(request) if request.state.is_some_and(State::is_begun) => return Ok(Turn::Duplicate),
                Ok(request) if self.queue(&request).await? => return Ok(Turn::Queued { behind: None }),
                Ok(_) => pause(tries).await,
            }
        }
        Err(LedgerError::Contended { key: Key::load(&announced.load).pk })
    }

    /// Gathers what is known about a load that requests a turn, or returns the result if that already decides it.
    async fn make_request(
        &self,
        load: &LoadId,
        announced: Option<&AnnouncedLoad>,
        request_id: &str,
    ) -> Result<Result<TurnRequest, Turn>, LedgerError> {
        let (request_id, kept_in) = (request_id.to_string(), self.reports_at.clone());
        let request = match (self.read(load).await?, announced) {
            (Some(LoadRecord { state: State::Ended, ending: Some(ending), .. }), _) => {
                return Ok(Err(Turn::Ended(ending)));
            }
            (Some(record), _) if self.belongs_to_another_loader(&record) => return Ok(Err(Turn::Duplicate)),
            (Some(record), _) => {
                let (position, state) = (record.position.clone(), Some(record.state));
                TurnRequest { announced: AnnouncedLoad::from_record(record), position, state, request_id, kept_in }
            }
            (None, Some(announced)) => {
                let position = QueuePosition::new(announced.at, load);
                TurnRequest { announced: announced.clone(), position, state: None, request_id, kept_in }
            }
            (None, None) => return Err(LedgerError::Unknown { load: load.clone() }),
        };
        let AnnouncedLoad { table, upload, is_version, .. } = &request.announced;
        if *is_version
            && !request.state.is_some_and(State::is_begun)
            && let Some(newer) = self.announce_version(table, upload, load, now_ms()).await?
        {
            return Ok(Err(Turn::Outdated(Box::new(request.announced), newer)));
        }
        Ok(Ok(request))
    }

    async fn try_to_take(
        &self,
        request: &TurnRequest,
        found: Option<&LeaseRecord>,
        epoch: u64,
    ) -> Result<Option<Turn>, LedgerError> {
        let AnnouncedLoad { load, upload, table, is_version, .. } = &request.announced;
        let now = now_ms();
        let unbroken = found.is_some_and(|found| found.load.as_ref() == Some(load));
        let lease = Lease::new(load, table, &request.request_id, epoch, unbroken);
        let expiry = self.expiry(now);
        let mut changes = vec![lease_taken(&lease, found, expiry, self.lease), load_taken(&lease, request, now)];
        if !request.state.is_some_and(State::is_begun) {
            changes.extend(is_newest(table, upload).filter(|_| *is_version));
            changes.push(take_from_queue(table, &request.position));
        }
        if send(&self.client, &self.table, changes).await?.is_err() {
            return Ok(None);
        }
        lease.extend(expiry, self.lease);
        // Read the record again: it may have changed before the turn was taken.
        let record = self.read(load).await?.ok_or_else(|| LedgerError::Unknown { load: load.clone() })?;
        tracing::info!(
            event = "turn_taken", load = %load, table, epoch, state = record.state.name(),
            starts = record.starts, starts_without_progress = record.starts_without_progress
        );
        Ok(Some(Turn::Taken(lease, Box::new(record))))
    }

    /// Puts the load into the queue. Returns `false` if its state has changed.
    async fn queue(&self, request: &TurnRequest) -> Result<bool, LedgerError> {
        let AnnouncedLoad { load, table, .. } = &request.announced;
        let now = now_ms();
        let changes = [load_queued(request, now), put_into_queue(table, &request.position, now)];
        let done = send(&self.client, &self.table, changes).await?.is_ok();
        if done {
            tracing::info!(event = "load_queued", load = %load, table, place = request.position.as_str());
        }
        Ok(done)
    }

    /// Asks the load that has the table to stop, if the requesting load replaces it or should go first.
    async fn ask_holder_to_stop(&self, request: &TurnRequest, holder: Option<&LoadRecord>) -> Result<(), LedgerError> {
        let Some(holder) = holder.filter(|holder| !holder.upload.bucket.is_empty()) else { return Ok(()) };
        let AnnouncedLoad { load, upload, is_version, .. } = &request.announced;
        let stop = if *is_version && holder.is_version && is_older(&holder.upload, upload) {
            Stop::Superseded { by: load.clone() }
        } else if request.position < holder.position {
            Stop::GiveWay { to: load.clone() }
        } else {
            return Ok(());
        };
        self.ask_to_stop(&holder.load, &stop).await?;
        Ok(())
    }

    /// Asks a load to stop at its next step. Returns `false` if it isn't running, or can no longer stop.
    pub async fn ask_to_stop(&self, load: &LoadId, stop: &Stop) -> Result<bool, LedgerError> {
        let asked = send(&self.client, &self.table, [asked_to_stop(load, stop)]).await?.is_ok();
        if asked {
            let (why, by) = stop.parts();
            tracing::info!(event = "load_asked_to_stop", load = %load, why, by);
        }
        Ok(asked)
    }

    /// Ends a load that has not begun. Returns `false` if it has begun or ended.
    pub async fn drop_load(
        &self,
        announced: &AnnouncedLoad,
        ending: Ending,
        summary: &str,
    ) -> Result<bool, LedgerError> {
        let AnnouncedLoad { load, upload, table, .. } = announced;
        let now = now_ms();
        let position = QueuePosition::new(announced.at, load);
        let (request_id, kept_in) = (String::new(), self.reports_at.clone());
        let request = TurnRequest { announced: announced.clone(), position, state: None, request_id, kept_in };
        let (key, ended) = (upload.key.clone(), Timestamp::now());
        let summary = summary.to_string();
        let ended = EndedLoad { load: load.clone(), key, ending, summary, ended };
        let changes = [
            load_dropped(&request, &ended, now),
            take_from_queue(table, &request.position),
            put_into_history(table, &ended, now),
        ];
        let dropped = send(&self.client, &self.table, changes).await?.is_ok();
        if dropped {
            tracing::info!(event = "load_dropped", load = %load, table, ending = ended.ending.name());
        }
        Ok(dropped)
    }

    /// Returns the load that should be running but isn't: one whose run has died, or the first in the queue of a free
    /// table.
    pub async fn load_to_start(&self, table: &str) -> Result<Option<LoadId>, LedgerError> {
        if let Some(lease) = self.read_lease(table).await?
            && let Some(holder) = &lease.load
        {
            if !lease.has_expired(now_ms()) {
                return Ok(None);
            }
            let record = self.read(holder).await?;
            if !is_abandoned(record.as_ref()) {
                // A load with temporary faults waits for its retry, unless it was asked to stop.
                let has_pause = |record: &LoadRecord| {
                    let next = record.outage.as_ref().filter(|_| record.stop.is_none()).map(|outage| outage.next);
                    next.is_some_and(|next| Timestamp::now() < next)
                };
                let waits = |record: &LoadRecord| self.belongs_to_another_loader(record) || has_pause(record);
                return Ok(Some(holder.clone()).filter(|_| !record.as_ref().is_some_and(waits)));
            }
        }
        loop {
            let Some(first) = self.first_waiting(table).await? else { return Ok(None) };
            let Some(load) = first.load() else { return Ok(None) };
            match self.read(&load).await? {
                Some(record) if record.state != State::Ended && record.position == first => {
                    // Its own loader starts it.
                    return Ok(Some(load).filter(|_| !self.belongs_to_another_loader(&record)));
                }
                // An event without a time that is delivered twice at once can give a load two queue positions.
                _ => {
                    tracing::warn!(event = "place_removed", load = %load, table, place = first.as_str());
                    let _ = send(&self.client, &self.table, [take_from_queue(table, &first)]).await?;
                }
            }
        }
    }
}

/// Whether a load whose run has died is not going to be continued. A load of a local file can be continued only by its
/// own command, which finds what the run left.
fn is_abandoned(record: Option<&LoadRecord>) -> bool {
    record.is_none_or(|record| record.upload.bucket.is_empty())
}
