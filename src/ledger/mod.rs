//! Who loads what, how far, how it ended. One DynamoDB table; each load has a record, each inventory table a lease.
//!
//! A lease has an epoch, raised by whoever takes it. Everything a run writes about its load is one transaction with a
//! renewal of the lease under the run's own epoch, so there is one place that says whose turn it is, and nothing can
//! be written about a load by a run that has lost its turn without knowing.

mod lease;
mod record;
mod write;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::clients::CloudFault;
use crate::event::{LoadId, Upload};
pub use lease::{Lease, LeaseRecord, LeaseVerdict, judge_lease};
use lease::now_ms;
use record::Reading;
pub use record::{LoadRecord, State, Step, TRANSITIONS};
use write::{Change, Key, NotDone, fault, number, pause, send_both, text};

/// A record outlives its load by a year; DynamoDB then deletes it by itself (attribute `expires`).
const KEPT_SECONDS: u64 = 365 * 24 * 60 * 60;
/// How often a turn is asked for when others ask at the same moment. Each time somebody got it.
const TAKE_TRIES: u32 = 6;

/// The ledger's table, and how long a turn lasts without being renewed.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    lease: Duration,
}

/// What asking for a turn came to.
#[derive(Debug)]
pub enum Turn {
    /// It is this request's turn; the record is as it was left by whoever was at it before.
    Ours(Lease, LoadRecord),
    /// Another request is at this very load.
    Duplicate,
    /// Another load is being written into the same table.
    Busy { load: LoadId },
    /// The load is over.
    Ended(LoadRecord),
}

/// Why the ledger could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run took the turn. It is at this load now, or will be before this one is tried again.
    #[error("load {load} lost its turn at table {table} (epoch {epoch}): its lease ran out and another run took over")]
    TurnLost { load: LoadId, table: String, epoch: u64 },
    #[error("load {load} is {state}, where \"{}\" cannot happen; this is a defect of the loader, please report it", step.name())]
    NotAllowed { load: LoadId, step: Step, state: String },
    #[error("the ledger has no load {load}; check the name, or upload the file again")]
    Unknown { load: LoadId },
    #[error("item {key} of the ledger was changed by others at each try; it may pass, trying again is safe")]
    Contended { key: String },
    #[error("item {key} of the ledger has no readable {attribute}; was it written by another version, or by hand?")]
    Unreadable { key: String, attribute: &'static str },
    #[error("{0}")]
    Cloud(#[from] CloudFault),
}

impl LedgerError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            LedgerError::Cloud(fault) => fault.passing,
            LedgerError::TurnLost { .. } | LedgerError::Contended { .. } => true,
            LedgerError::NotAllowed { .. } | LedgerError::Unknown { .. } | LedgerError::Unreadable { .. } => false,
        }
    }
}

impl Ledger {
    /// Keeps its items in the table `table`; a lease not renewed for so long may be taken over.
    pub fn new(client: Client, table: impl Into<String>, lease: Duration) -> Ledger {
        Ledger { client, table: table.into(), lease }
    }

    /// Asks for a turn to load an upload into an inventory table. A load that is known already goes into the table it
    /// was begun with.
    pub async fn take_turn(
        &self,
        load: &LoadId,
        upload: &Upload,
        inventory_table: &str,
        request_id: &str,
    ) -> Result<Turn, LedgerError> {
        self.take(load, Some((upload, inventory_table)), request_id).await
    }

    /// Asks for a turn to go on with a load of which only the name is known.
    pub async fn take_up(&self, load: &LoadId, request_id: &str) -> Result<Turn, LedgerError> {
        self.take(load, None, request_id).await
    }

    async fn take(
        &self,
        load: &LoadId,
        announced: Option<(&Upload, &str)>,
        request_id: &str,
    ) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            let (upload, table) = match (self.read(load).await?, announced) {
                (Some(record), _) if record.state == State::Ended => return Ok(Turn::Ended(record)),
                (Some(record), _) => (record.upload, record.table),
                (None, Some((upload, table))) => (upload.clone(), table.to_string()),
                (None, None) => return Err(LedgerError::Unknown { load: load.clone() }),
            };
            let found = self.read_lease(&table).await?;
            let now = now_ms();
            let epoch = match judge_lease(found.as_ref(), load, request_id, now) {
                LeaseVerdict::Take { epoch } => epoch,
                LeaseVerdict::Duplicate => return Ok(Turn::Duplicate),
                LeaseVerdict::Busy { load } => return Ok(Turn::Busy { load }),
            };
            let lease = Lease::new(load, &table, request_id, epoch, self.expiry(now));
            let changes = [self.lease_taken(&lease, found.as_ref(), now), self.load_taken(&lease, &upload, now)];
            if send_both(&self.client, &self.table, changes).await?.is_ok() {
                // Read again: the record may have moved on between the first reading and the turn.
                let record = self.read(load).await?.ok_or_else(|| LedgerError::Unknown { load: load.clone() })?;
                tracing::info!(
                    event = "turn_taken", load = %load, table, epoch, state = record.state.name(),
                    starts = record.starts, starts_without_progress = record.starts_without_progress
                );
                return Ok(Turn::Ours(lease, record));
            }
            // Somebody was quicker. What that makes of our turn, the ledger now says.
            pause(tries).await;
        }
        Err(LedgerError::Contended { key: Key::load(load).pk })
    }

    /// Keeps the turn: the heartbeat.
    pub async fn renew(&self, lease: &Lease) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        if !self.lease_renewed(lease, expiry).send(&self.client, &self.table).await? {
            return Err(turn_lost(lease));
        }
        lease.extend(expiry);
        Ok(())
    }

    /// Notes that the plan is kept, in so many chunks.
    pub async fn planned(&self, lease: &Lease, chunks: u32) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::Planned,
            set: "#chunks_total = :chunks, #starts_without_progress = :zero",
            and: "",
            values: vec![("chunks", number(chunks)), ("zero", number(0u32))],
        };
        self.note(lease, change).await
    }

    /// Notes how many chunks are written, from the first on without a gap. Never goes back.
    pub async fn checkpoint(&self, lease: &Lease, chunks_done: u32) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::Checkpoint,
            set: "#chunks_done = :done, #starts_without_progress = :zero",
            and: " AND #chunks_done <= :done AND #chunks_total >= :done",
            values: vec![("done", number(chunks_done)), ("zero", number(0u32))],
        };
        self.note(lease, change).await
    }

    /// Notes how the load ended, and frees the table.
    pub async fn end(&self, lease: &Lease, ending: &str, summary: serde_json::Value) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::End,
            set: "#ending = :ending, #summary = :summary",
            and: "",
            values: vec![("ending", text(ending)), ("summary", text(&summary.to_string()))],
        };
        self.note(lease, change).await?;
        tracing::info!(event = "turn_ended", load = %lease.load, table = lease.table, epoch = lease.epoch, ending);
        Ok(())
    }

    /// Gives the turn to whichever run continues this load. For one lease's length no other load can take it.
    pub async fn hand_over(&self, lease: &Lease) -> Result<(), LedgerError> {
        let mut change = self.lease_renewed(lease, self.expiry(now_ms()));
        change.update.push_str(" REMOVE #owner");
        if change.send(&self.client, &self.table).await? { Ok(()) } else { Err(turn_lost(lease)) }
    }

    /// What the ledger knows of a load.
    pub async fn read(&self, load: &LoadId) -> Result<Option<LoadRecord>, LedgerError> {
        self.get(&Key::load(load), |reading| reading.load_record()).await
    }

    async fn read_lease(&self, table: &str) -> Result<Option<LeaseRecord>, LedgerError> {
        self.get(&Key::lease(table), |reading| reading.lease_record()).await
    }

    async fn get<T>(
        &self,
        key: &Key,
        parse: impl FnOnce(Reading<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        let answer = request.consistent_read(true).send().await;
        let item = answer.map_err(|error| fault("GetItem", &self.table, &error))?.item;
        item.map(|attributes| parse(Reading { key: &key.pk, attributes: &attributes })).transpose()
    }

    /// Taken only as it was read: not if its holder has renewed it since, however late.
    fn lease_taken(&self, lease: &Lease, found: Option<&LeaseRecord>, now: u64) -> Change {
        let mut values = vec![
            ("load", text(lease.load.as_str())),
            ("owner", text(&lease.owner)),
            ("epoch", number(lease.epoch)),
            ("expires_at", number(self.expiry(now))),
        ];
        let condition = match found {
            None => "attribute_not_exists(#epoch)",
            Some(found) => {
                values.push(("found_epoch", number(found.epoch)));
                values.push(("found_expires_at", number(found.expires_at)));
                "#epoch = :found_epoch AND #expires_at = :found_expires_at"
            }
        };
        Change {
            key: Key::lease(&lease.table),
            update: "SET #load = :load, #owner = :owner, #epoch = :epoch, #expires_at = :expires_at".into(),
            condition: condition.into(),
            values,
        }
    }

    /// The owner is part of the condition, so that a late heartbeat cannot take back what was freed or handed over.
    fn lease_renewed(&self, lease: &Lease, expiry: u64) -> Change {
        Change {
            key: Key::lease(&lease.table),
            update: "SET #expires_at = :expires_at".into(),
            condition: "#epoch = :epoch AND #owner = :owner".into(),
            values: vec![
                ("expires_at", number(expiry)),
                ("epoch", number(lease.epoch)),
                ("owner", text(&lease.owner)),
            ],
        }
    }

    fn load_taken(&self, lease: &Lease, upload: &Upload, now: u64) -> Change {
        let change = LoadChange {
            step: Step::Start,
            set: "#load = :load, #upload = :upload, #table = :table, \
                  #owner = :owner, #epoch = :epoch, #started = if_not_exists(#started, :now), \
                  #chunks_total = if_not_exists(#chunks_total, :zero), \
                  #chunks_done = if_not_exists(#chunks_done, :zero), \
                  #starts = if_not_exists(#starts, :zero) + :one, \
                  #starts_without_progress = if_not_exists(#starts_without_progress, :zero) + :one",
            and: "",
            values: vec![
                ("load", text(lease.load.as_str())),
                ("upload", text(&serde_json::json!(upload).to_string())),
                ("table", text(&lease.table)),
                ("owner", text(&lease.owner)),
                ("epoch", number(lease.epoch)),
                ("zero", number(0u32)),
                ("one", number(1u32)),
            ],
        };
        change.of(&lease.load, now)
    }

    async fn note(&self, lease: &Lease, change: LoadChange) -> Result<(), LedgerError> {
        let (now, step) = (now_ms(), change.step);
        let expiry = self.expiry(now);
        let mut renewed = self.lease_renewed(lease, expiry);
        if step == Step::End {
            renewed.update = "SET #expires_at = :free REMOVE #load, #owner".into();
            renewed.values.retain(|(name, _)| *name != "expires_at");
            renewed.values.push(("free", number(0u32)));
        }
        let changes = [renewed, change.of(&lease.load, now)];
        match send_both(&self.client, &self.table, changes).await? {
            Ok(()) if step == Step::End => Ok(()),
            Ok(()) => {
                lease.extend(expiry);
                Ok(())
            }
            Err(NotDone::First) => Err(turn_lost(lease)),
            Err(NotDone::Second(item)) => {
                let found = item.unwrap_or_default();
                let show = |name: &str| match found.get(name) {
                    Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
                    _ => "unknown".to_string(),
                };
                let state =
                    format!("{} (chunk {} of {})", show("state"), show("chunks_done"), show("chunks_total"));
                Err(LedgerError::NotAllowed { load: lease.load.clone(), step, state })
            }
        }
    }

    fn expiry(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What a step changes in a load's record, besides what every step does.
struct LoadChange {
    step: Step,
    set: &'static str,
    and: &'static str,
    values: Vec<(&'static str, AttributeValue)>,
}

impl LoadChange {
    fn of(self, load: &LoadId, now: u64) -> Change {
        let mut values = self.values;
        let mut allowed = Vec::new();
        let mut target = String::new();
        for (from, _, to) in TRANSITIONS.into_iter().filter(|(_, step, _)| *step == self.step) {
            match from {
                // A step that can be the first leaves every later state as it is.
                None => {
                    allowed.push("attribute_not_exists(#state)".to_string());
                    target = format!("if_not_exists(#state, :{})", to.name());
                }
                Some(from) => {
                    allowed.push(format!("#state = :{}", from.name()));
                    if target.is_empty() {
                        target = format!(":{}", to.name());
                    }
                }
            }
            values.extend(from.into_iter().chain([to]).map(|state| (state.name(), text(state.name()))));
        }
        let time = i64::try_from(now).ok().and_then(|now| Timestamp::from_millisecond(now).ok()).unwrap_or_default();
        values.push(("now", text(&time.to_string())));
        values.push(("expires", number(now / 1_000 + KEPT_SECONDS)));
        Change {
            key: Key::load(load),
            update: format!("SET #state = {target}, {}, #updated = :now, #expires = :expires", self.set),
            condition: format!("({}){}", allowed.join(" OR "), self.and),
            values,
        }
    }
}

fn turn_lost(lease: &Lease) -> LedgerError {
    tracing::warn!(event = "turn_lost", load = %lease.load, table = lease.table, epoch = lease.epoch);
    LedgerError::TurnLost { load: lease.load.clone(), table: lease.table.clone(), epoch: lease.epoch }
}
