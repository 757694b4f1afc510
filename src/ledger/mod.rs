//! Who loads what, how far, how it ended. One DynamoDB table; each load has a record, each inventory table a lease, a
//! queue and a history.
//!
//! A lease has an epoch, raised by whoever takes it. Everything a run writes about its load is one transaction with a
//! renewal of the lease under the run's own epoch, so there is one place that says whose turn it is, and nothing can
//! be written about a load by a run that has lost its turn without knowing.

mod asking;
mod changes;
mod expected;
mod lease;
mod outage;
mod place;
mod queue;
mod record;
mod take;
mod versions;
mod watch;
mod write;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::clients::CloudFault;
pub use asking::Announced;
use changes::{LoadChange, lease_freed, lease_handed_over, lease_renewed, with_headway};
pub use expected::LastIn;
use inventory_base::decision::Later;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{LastLoad, Names};
use lease::now_ms;
pub use lease::{Headway, Holder, Lease, LeaseRecord, LeaseVerdict, judge_lease};
pub use outage::{Outage, Retries};
pub use place::Place;
pub use queue::EndedLoad;
use queue::{put_into_history, put_into_queue};
use record::Reading;
pub use record::{LoadRecord, State, Step, Stop, TRANSITIONS};
pub use take::{IfBusy, Turn};
pub use watch::Watch;
use write::{Change, Key, fault, number, send, text};

/// A record outlives its load by a year; DynamoDB then deletes it by itself (attribute `expires`).
const KEPT_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The ledger's table, and how long a turn lasts without being renewed.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    lease: Duration,
    /// Where the loads of this loader are kept, if another loader may keep its loads elsewhere.
    keeps_in: Option<String>,
    made: Arc<OnceLock<Option<Timestamp>>>,
}

/// Why the ledger could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run took the turn. It is at this load now, or will be before this one is tried again.
    #[error("load {load} lost its turn at table {table} (epoch {epoch}): its lease ran out and another run took over")]
    TurnLost { load: LoadId, table: String, epoch: u64 },
    /// Somebody asked the load to stop; nothing was noted.
    #[error("load {load} was asked to stop ({})", stop.parts().0)]
    Stopped { load: LoadId, stop: Stop },
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
            LedgerError::TurnLost { .. } | LedgerError::Contended { .. } | LedgerError::Stopped { .. } => true,
            LedgerError::NotAllowed { .. } | LedgerError::Unknown { .. } | LedgerError::Unreadable { .. } => false,
        }
    }
}

impl Ledger {
    /// Keeps its items in the table `table`; a lease not renewed for so long may be taken over.
    pub fn new(client: Client, table: impl Into<String>, lease: Duration) -> Ledger {
        Ledger { client, table: table.into(), lease, keeps_in: None, made: Arc::default() }
    }

    /// Goes on only with loads that are kept there: two loaders with reports buckets of their own may share a ledger, and
    /// neither has the other's plans.
    pub fn of_loader(self, keeps_in: impl Into<String>) -> Ledger {
        Ledger { keeps_in: Some(keeps_in.into()), ..self }
    }

    /// Whether another loader keeps the plan of a load.
    fn is_elsewhere(&self, record: &LoadRecord) -> bool {
        let is = matches!((&self.keeps_in, &record.kept_in), (Some(ours), Some(theirs)) if ours != theirs);
        if is {
            tracing::warn!(event = "load_of_another_loader", load = %record.load, kept_in = record.kept_in);
        }
        is
    }

    /// Keeps the turn: the heartbeat.
    pub async fn renew(&self, lease: &Lease) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        match send(&self.client, &self.table, [with_headway(lease_renewed(lease, expiry, self.lease), lease)]).await? {
            Ok(()) => lease.extend(expiry, self.lease),
            Err(_) if lease.is_given_back() => {}
            Err(_) => return Err(turn_lost(lease)),
        }
        Ok(())
    }

    /// Notes that more of the plan is kept.
    pub async fn progress(&self, lease: &Lease) -> Result<(), LedgerError> {
        let values = vec![("zero", number(0u32))];
        let and = " AND attribute_not_exists(#stop)";
        let change = LoadChange { step: Step::Progress, set: "#starts_without_progress = :zero", and, values };
        self.note(lease, change).await
    }

    /// Notes that the plan is made, in so many chunks: from now on it is written. Not where the load is to stop.
    pub async fn planned(&self, lease: &Lease, record: &LoadRecord, chunks: u32) -> Result<(), LedgerError> {
        // Made again by the next run, it is no progress any more.
        let starts = if record.state == State::Planning { 0 } else { record.starts_without_progress };
        let change = LoadChange {
            step: Step::Planned,
            set: "#plan = :plan, #chunks_total = :chunks, #starts_without_progress = :starts",
            and: " AND #chunks_done = :zero AND attribute_not_exists(#stop)",
            values: vec![
                ("plan", text(&Names(&lease.load).index())),
                ("chunks", number(chunks)),
                ("starts", number(starts)),
                ("zero", number(0u32)),
            ],
        };
        self.note(lease, change).await
    }

    /// Notes how many chunks are written, from the first on without a gap. Never goes back, and not where the load is
    /// to stop.
    pub async fn checkpoint(&self, lease: &Lease, chunks_done: u32) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::Checkpoint,
            set: "#chunks_done = :done, #starts_without_progress = :zero",
            and: " AND #chunks_done <= :done AND #chunks_total >= :done AND attribute_not_exists(#stop)",
            values: vec![("done", number(chunks_done)), ("zero", number(0u32))],
        };
        self.note(lease, change).await
    }

    /// Notes how the load ended, and frees the table. `key` is the name of its upload.
    pub async fn end(
        &self,
        lease: &Lease,
        key: &str,
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
        let over = EndedLoad {
            load: lease.load.clone(),
            key: key.to_string(),
            ending: ending.to_string(),
            summary: summary["summary"].as_str().unwrap_or_default().to_string(),
            ended: Timestamp::now(),
        };
        lease.give_back();
        let history = put_into_history(&lease.table, &over, now_ms());
        self.note_with(lease, change, lease_freed(lease, loaded), Some(history)).await?;
        tracing::info!(event = "turn_ended", load = %lease.load, table = lease.table, epoch = lease.epoch, ending);
        Ok(())
    }

    /// Goes back into the queue and frees the table, for a load that goes first.
    pub async fn give_way(&self, lease: &Lease, place: &Place) -> Result<(), LedgerError> {
        let change = LoadChange {
            step: Step::GiveWay,
            set: "#starts_without_progress = :zero",
            and: "",
            values: vec![("zero", number(0u32))],
        };
        lease.give_back();
        let waiting = put_into_queue(&lease.table, place, now_ms());
        self.note_with(lease, change, lease_freed(lease, None), Some(waiting)).await?;
        tracing::info!(event = "turn_given", load = %lease.load, table = lease.table, epoch = lease.epoch);
        Ok(())
    }

    /// Gives the turn to whichever run continues this load. No other load can take it before this one is over.
    pub async fn hand_over(&self, lease: &Lease) -> Result<(), LedgerError> {
        let change = lease_handed_over(lease, self.expiry(now_ms()), self.lease);
        lease.give_back();
        send(&self.client, &self.table, [change]).await?.map_err(|_| turn_lost(lease))
    }

    /// Notes what happened to a load after its end. Said twice, it is noted once.
    pub async fn note_later(&self, load: &LoadId, later: &Later) -> Result<(), LedgerError> {
        let said = text(&serde_json::json!(later).to_string());
        let update = "SET #later = list_append(if_not_exists(#later, :none), :one)";
        let is_news = "attribute_exists(#state) AND (attribute_not_exists(#later) OR NOT contains(#later, :said))";
        let change = Change::update(Key::load(load), update, is_news).with([
            ("none", AttributeValue::L(Vec::new())),
            ("one", AttributeValue::L(vec![said.clone()])),
            ("said", said),
        ]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }

    /// When the ledger's table was made. One that is restored from a backup is made then.
    pub async fn made(&self) -> Result<Option<Timestamp>, LedgerError> {
        if let Some(made) = self.made.get() {
            return Ok(*made);
        }
        let answer = self.client.describe_table().table_name(&self.table).send().await;
        let description = answer.map_err(|error| fault("DescribeTable", &self.table, &error))?.table;
        let made = description.and_then(|table| Timestamp::from_second(table.creation_date_time?.secs()).ok());
        Ok(*self.made.get_or_init(|| made))
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

    async fn note(&self, lease: &Lease, change: LoadChange<'_>) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        self.note_with(lease, change, with_headway(lease_renewed(lease, expiry, self.lease), lease), None).await?;
        lease.extend(expiry, self.lease);
        Ok(())
    }

    async fn note_with(
        &self,
        lease: &Lease,
        change: LoadChange<'_>,
        turn: Change,
        more: Option<Change>,
    ) -> Result<(), LedgerError> {
        let step = change.step;
        let mut note = change.of(&lease.load, now_ms());
        match step {
            Step::GiveWay => note = note.and_set(" REMOVE #stop, #stop_by", []),
            // What it met before is behind it.
            Step::Progress | Step::Planned | Step::Checkpoint | Step::End => note = note.and_set(" REMOVE #outage", []),
            _ => {}
        }
        let changes = [turn, note].into_iter().chain(more);
        let Err(refused) = send(&self.client, &self.table, changes).await? else {
            if matches!(step, Step::Progress | Step::Planned | Step::Checkpoint) {
                lease.note_progress();
            }
            return Ok(());
        };
        if refused.change == 0 {
            return Err(turn_lost(lease));
        }
        let (load, attributes) = (lease.load.clone(), refused.item.unwrap_or_default());
        let found = Reading { key: &Key::load(&load).pk, attributes: &attributes };
        if let Some(stop) = found.stop()? {
            return Err(LedgerError::Stopped { load, stop });
        }
        let show = |name: &str| match attributes.get(name) {
            Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.clone(),
            _ => "unknown".to_string(),
        };
        let state = format!("{} (chunk {} of {})", show("state"), show("chunks_done"), show("chunks_total"));
        Err(LedgerError::NotAllowed { load, step, state })
    }

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

    fn expiry(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX))
    }
}

/// When DynamoDB may delete what is written now, in seconds since 1970.
fn expiry_of_record(now_ms: u64) -> u64 {
    now_ms / 1_000 + KEPT_SECONDS
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
        (ledger, Lease::new(&load, "stock", "me", 3, false))
    }

    /// A transaction that was not done, for these reasons.
    fn cancelled(reasons: [&str; 2]) -> Reply {
        cancelled_at(reasons, json!({ "state": { "S": "ended" } }))
    }

    fn cancelled_at(reasons: [&str; 2], item: serde_json::Value) -> Reply {
        let reasons = reasons.map(|code| json!({ "Code": code, "Item": item }));
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
        let item = json!({ "state": { "S": "writing" }, "stop": { "S": "cancelled" }, "stop_by": { "S": "Erika" } });
        let fake = Fake::answering(move |_| cancelled_at(state, item.clone()));
        let (ledger, lease) = ledger(&fake);
        let error = ledger.checkpoint(&lease, 1).await.unwrap_err();
        assert!(
            matches!(&error, LedgerError::Stopped { stop: Stop::Cancelled { by }, .. } if by == "Erika"),
            "{error}"
        );
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
    async fn how_far_the_run_is_goes_with_what_is_written_about_the_turn_anyway() {
        let fake = Fake::answering(|_| Reply::Json(200, json!({})));
        let (ledger, lease) = ledger(&fake);
        ledger.renew(&lease).await.unwrap();
        lease.note_headway(|headway| headway.read = 4_000);
        ledger.renew(&lease).await.unwrap();
        lease.note_headway(|headway| (headway.written, headway.of) = (1_000, 4_000));
        ledger.checkpoint(&lease, 1).await.unwrap();
        let told: Vec<Option<Headway>> = fake
            .asked()
            .iter()
            .map(|asked| {
                let turn = &asked.json()["TransactItems"][0]["Update"]["ExpressionAttributeValues"];
                turn[":headway"]["S"].as_str().map(|headway| serde_json::from_str(headway).unwrap())
            })
            .collect();
        let read = Headway { read: 4_000, ..Headway::default() };
        assert_eq!(told, [None, Some(read), Some(Headway { written: 1_000, of: 4_000, ..read })]);
    }

    #[tokio::test(start_paused = true)]
    async fn why_a_turn_was_not_renewed_is_told_apart() {
        for code in ["TransactionConflict", "ConditionalCheckFailed", "AccessDeniedException"] {
            let reply = match code {
                "AccessDeniedException" => error(code),
                _ => cancelled([code, "None"]),
            };
            let fake = Fake::answering(move |_| reply.clone());
            let (ledger, lease) = ledger(&fake);
            let error = ledger.renew(&lease).await.unwrap_err();
            match code {
                "TransactionConflict" => assert!(matches!(error, LedgerError::Contended { .. }), "{error}"),
                "ConditionalCheckFailed" => assert!(matches!(error, LedgerError::TurnLost { .. }), "{error}"),
                _ => assert!(!error.would_trying_again_help(), "{error}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_that_meets_the_end_of_its_own_turn_has_not_lost_it() {
        let fake = Fake::answering(|asked| match asked.number {
            0 => Reply::Json(200, json!({})),
            _ => cancelled(["ConditionalCheckFailed", "None"]),
        });
        let (ledger, lease) = ledger(&fake);
        ledger.end(&lease, "a.xlsx", "done", json!({}), None).await.unwrap();
        ledger.renew(&lease).await.unwrap();
        assert!(!lease.is_live());
    }
}
