//! Who loads what, how far, how it ended. One DynamoDB table; each load has a record, each inventory table a lease.
//!
//! A lease has an epoch, raised by whoever takes it. Everything a run writes about its load is one transaction with a
//! renewal of the lease under the run's own epoch, so there is one place that says whose turn it is, and nothing can
//! be written about a load by a run that has lost its turn without knowing.

mod changes;
mod lease;
mod record;
mod write;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::clients::CloudFault;
use crate::event::{Approval, LoadId, Undo, Upload};
use crate::plan::LastLoad;
use changes::{LoadChange, Word, lease_freed, lease_handed_over, lease_renewed, lease_taken, load_taken};
use lease::now_ms;
pub use lease::{Lease, LeaseRecord, LeaseVerdict, judge_lease};
use record::Reading;
pub use record::{LoadRecord, State, Step, TRANSITIONS};
use write::{Change, Key, NotDone, fault, number, pause, send_both, text};

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
        self.take(load, Some((upload, inventory_table, None)), request_id).await
    }

    /// Asks for a turn to load an upload again under a name of its own, because somebody approved what held it.
    pub async fn take_approved(
        &self,
        load: &LoadId,
        held: &LoadRecord,
        approval: &Approval,
        request_id: &str,
    ) -> Result<Turn, LedgerError> {
        let word = Some(("approval", serde_json::json!(approval)));
        self.take(load, Some((&held.upload, &held.table, word)), request_id).await
    }

    /// Asks for a turn to take back what a load wrote.
    pub async fn take_undo(
        &self,
        load: &LoadId,
        upload: &Upload,
        inventory_table: &str,
        undo: &Undo,
        request_id: &str,
    ) -> Result<Turn, LedgerError> {
        let word = Some(("undo", serde_json::json!(undo)));
        self.take(load, Some((upload, inventory_table, word)), request_id).await
    }

    /// Asks for a turn to go on with a load of which only the name is known.
    pub async fn take_up(&self, load: &LoadId, request_id: &str) -> Result<Turn, LedgerError> {
        self.take(load, None, request_id).await
    }

    async fn take(
        &self,
        load: &LoadId,
        announced: Option<(&Upload, &str, Option<Word>)>,
        request_id: &str,
    ) -> Result<Turn, LedgerError> {
        for tries in 1..=TAKE_TRIES {
            let (upload, table) = match (self.read(load).await?, &announced) {
                (Some(record), _) if record.state == State::Ended => return Ok(Turn::Ended(record)),
                (Some(record), _) => (record.upload, record.table),
                (None, Some((upload, table, _))) => (Upload::clone(upload), table.to_string()),
                (None, None) => return Err(LedgerError::Unknown { load: load.clone() }),
            };
            let found = self.read_lease(&table).await?;
            let now = now_ms();
            let epoch = match judge_lease(found.as_ref(), load, request_id, now) {
                LeaseVerdict::Take { epoch } => epoch,
                LeaseVerdict::Duplicate => return Ok(Turn::Duplicate),
                LeaseVerdict::Busy { load } => return Ok(Turn::Busy { load }),
            };
            let unbroken = found.as_ref().is_some_and(|found| found.load.as_ref() == Some(load));
            let lease = Lease::new(load, &table, request_id, epoch, self.expiry(now), unbroken);
            let word = announced.as_ref().and_then(|(.., word)| word.as_ref());
            let taken = load_taken(&lease, &upload, word, now);
            let changes = [lease_taken(&lease, found.as_ref(), self.expiry(now)), taken];
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
        match lease_renewed(lease, expiry).send(&self.client, &self.table).await? {
            true => lease.extend(expiry),
            false if lease.is_given_back() => {}
            false => return Err(turn_lost(lease)),
        }
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
    pub async fn end(
        &self,
        lease: &Lease,
        ending: &str,
        summary: serde_json::Value,
        loaded: Option<&LastLoad>,
    ) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::End,
            set: "#ending = :ending, #summary = :summary",
            and: "",
            values: vec![("ending", text(ending)), ("summary", text(&summary.to_string()))],
        };
        lease.give_back();
        self.note_with(lease, change, lease_freed(lease, loaded)).await?;
        tracing::info!(event = "turn_ended", load = %lease.load, table = lease.table, epoch = lease.epoch, ending);
        Ok(())
    }

    /// Gives the turn to whichever run continues this load. For one lease's length no other load can take it.
    pub async fn hand_over(&self, lease: &Lease) -> Result<(), LedgerError> {
        let change = lease_handed_over(lease, self.expiry(now_ms()));
        lease.give_back();
        if change.send(&self.client, &self.table).await? { Ok(()) } else { Err(turn_lost(lease)) }
    }

    /// What the ledger knows of a load.
    pub async fn read(&self, load: &LoadId) -> Result<Option<LoadRecord>, LedgerError> {
        self.get(&Key::load(load), |reading| reading.load_record()).await
    }

    /// The load before, into an inventory table, as far as it went in.
    pub async fn last_load(&self, table: &str) -> Result<Option<LastLoad>, LedgerError> {
        let key = Key::lease(table);
        let last = self.get(&key, |reading| reading.optional("last", |json| serde_json::from_str(json).ok())).await?;
        Ok(last.flatten())
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

    async fn note(&self, lease: &Lease, change: LoadChange) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        self.note_with(lease, change, lease_renewed(lease, expiry)).await?;
        lease.extend(expiry);
        Ok(())
    }

    async fn note_with(&self, lease: &Lease, change: LoadChange, turn: Change) -> Result<(), LedgerError> {
        let step = change.step;
        let changes = [turn, change.of(&lease.load, now_ms())];
        match send_both(&self.client, &self.table, changes).await? {
            Ok(()) => Ok(()),
            Err(NotDone::First) => Err(turn_lost(lease)),
            Err(NotDone::Second(item)) => {
                let found = item.unwrap_or_default();
                let show = |name: &str| match found.get(name) {
                    Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
                    _ => "unknown".to_string(),
                };
                let state = format!("{} (chunk {} of {})", show("state"), show("chunks_done"), show("chunks_total"));
                Err(LedgerError::NotAllowed { load: lease.load.clone(), step, state })
            }
        }
    }

    fn expiry(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX))
    }
}

fn turn_lost(lease: &Lease) -> LedgerError {
    tracing::warn!(event = "turn_lost", load = %lease.load, table = lease.table, epoch = lease.epoch);
    LedgerError::TurnLost { load: lease.load.clone(), table: lease.table.clone(), epoch: lease.epoch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Asked, Fake, Reply, error};
    use serde_json::json;

    fn ledger(fake: &Fake) -> (Ledger, Lease) {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let ledger = Ledger::new(fake.dynamodb(), "ledger", Duration::from_secs(45));
        (ledger, Lease::new(&load, "stock", "me", 3, 0, false))
    }

    /// A transaction that was not done, for these reasons.
    fn cancelled(reasons: [&str; 2]) -> Reply {
        let reasons = reasons.map(|code| json!({ "Code": code, "Item": { "state": { "S": "ended" } } }));
        let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        Reply::Json(400, json!({ "__type": code, "Message": "cancelled", "CancellationReasons": reasons }))
    }

    fn conflict_first(then: Reply) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
        move |asked| {
            if asked.number == 0 { cancelled(["TransactionConflict", "None"]) } else { then.clone() }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn why_a_note_was_not_taken_is_told_apart() {
        let (lost, state) = (["ConditionalCheckFailed", "None"], ["None", "ConditionalCheckFailed"]);
        let (both, busy) = (["ConditionalCheckFailed", "ConditionalCheckFailed"], ["None", "ThrottlingError"]);
        let told = |reasons| async move {
            let fake = Fake::answering(conflict_first(cancelled(reasons)));
            let (ledger, lease) = ledger(&fake);
            (ledger.checkpoint(&lease, 1).await.unwrap_err(), lease.is_live())
        };
        assert!(matches!(told(lost).await, (LedgerError::TurnLost { epoch: 3, .. }, false)));
        assert!(matches!(told(both).await, (LedgerError::TurnLost { .. }, false)));
        let (error, _) = told(state).await;
        assert!(matches!(&error, LedgerError::NotAllowed { step: Step::Checkpoint, .. }), "{error}");
        assert!(!error.would_trying_again_help() && error.to_string().contains("ended"));
        let (error, _) = told(busy).await;
        assert!(matches!(&error, LedgerError::Cloud(_)) && error.would_trying_again_help(), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_note_that_is_taken_renews_the_turn() {
        let fake = Fake::answering(conflict_first(Reply::Json(200, json!({}))));
        let (ledger, lease) = ledger(&fake);
        assert!(!lease.is_live());
        ledger.checkpoint(&lease, 1).await.unwrap();
        assert!(lease.is_live());
        let tokens: Vec<_> = fake.asked().iter().map(|asked| asked.json()["ClientRequestToken"].clone()).collect();
        assert!(tokens.len() == 2 && tokens[0].is_string() && tokens[0] != tokens[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn why_a_turn_was_not_renewed_is_told_apart() {
        for code in ["TransactionConflictException", "ConditionalCheckFailedException", "AccessDeniedException"] {
            let fake = Fake::answering(move |_| error(code));
            let (ledger, lease) = ledger(&fake);
            let error = ledger.renew(&lease).await.unwrap_err();
            match code {
                "TransactionConflictException" => assert!(matches!(error, LedgerError::Contended { .. }), "{error}"),
                "ConditionalCheckFailedException" => assert!(matches!(error, LedgerError::TurnLost { .. }), "{error}"),
                _ => assert!(!error.would_trying_again_help(), "{error}"),
            }
        }
    }
    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_that_meets_the_end_of_its_own_turn_has_not_lost_it() {
        let fake = Fake::answering(|asked| match asked.number {
            0 => Reply::Json(200, json!({})),
            _ => error("ConditionalCheckFailedException"),
        });
        let (ledger, lease) = ledger(&fake);
        ledger.end(&lease, "done", json!({}), None).await.unwrap();
        ledger.renew(&lease).await.unwrap();
        assert!(!lease.is_live());
    }
}
