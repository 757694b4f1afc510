//! The ledger: which load is running, how far it is, and how it ended. It is one DynamoDB table; each load has a
//! record, and each inventory table a lease, a queue and a history.
//!
//! | `pk` | `sk` | content |
//! |---|---|---|
//! | `load#ID` | `state` | the record of a load |
//! | `table#NAME` | `lease` | whose turn it is, and the last load, for gates and notifications; never deleted |
//! | `table#NAME` | `queue#TIME#ID` | a waiting load, by the time of its upload |
//! | `table#NAME` | `key#DIGEST` | the newest known version of an upload |
//! | `table#NAME` | `load#TIME#ID` | the history: a load that has ended |
//! | `table#NAME` | `watch` | how far the search for unannounced uploads has come |
//!
//! A lease has an epoch, which is raised each time the lease is taken. A run writes about its load only in a
//! transaction that also renews the lease under the run's own epoch. So a run that has lost its turn without noticing
//! can't write anything about its load.

mod bucket_scan;
mod changes;
mod last_arrival;
mod lease;
mod outage;
mod queue;
mod queue_position;
mod record;
mod take;
mod turn_request;
mod versions;
mod write;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::clients::CloudFault;
pub use bucket_scan::BucketScan;
use changes::{LoadWrite, lease_freed, lease_handed_over, lease_renewed, with_counts};
use inventory_base::decision::FollowUp;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{LastLoad, Names};
pub use last_arrival::LastArrival;
use lease::now_ms;
pub use lease::{Holder, Lease, LeaseRecord, LeaseVerdict, ProgressCounts, judge_lease};
pub use outage::{Outage, Retries};
pub use queue::EndedLoad;
use queue::{put_into_history, put_into_queue};
pub use queue_position::QueuePosition;
use record::ItemReader;
pub use record::{LoadRecord, State, Step, Stop, TRANSITIONS};
pub use take::{IfBusy, Turn};
pub use turn_request::AnnouncedLoad;
use write::{ItemWrite, Key, fault, number, send, text};

/// Records are kept for a year after the last change; then DynamoDB deletes them (attribute `expires`).
const KEPT_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The ledger's table, and how long a lease lasts without being renewed.
#[derive(Debug, Clone)]
pub struct Ledger {
    client: Client,
    table: String,
    lease: Duration,
    /// Where this loader keeps its plans and reports; `None` if no other loader shares the ledger.
    reports_at: Option<String>,
    created_at: Arc<OnceLock<Option<Timestamp>>>,
}

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run took the lease. It is running this load, or will be before this one is retried.
    #[error("load {load} lost its turn at table {table} (epoch {epoch}): its lease expired and another run took over")]
    TurnLost { load: LoadId, table: String, epoch: u64 },
    /// The load was asked to stop; nothing was noted.
    #[error("load {load} was asked to stop ({})", stop.parts().0)]
    Stopped { load: LoadId, stop: Stop },
    #[error(
        "load {load} is {state}, so the step \"{}\" is not allowed; this is a bug in the loader, please report it",
        step.name()
    )]
    NotAllowed { load: LoadId, step: Step, state: String },
    #[error("load {load} is not in the ledger; check its name, or upload the file again")]
    Unknown { load: LoadId },
    #[error("item {key} of the ledger was changed by other runs at each attempt; retrying is safe")]
    Contended { key: String },
    #[error(
        "attribute {attribute} of item {key} of the ledger is missing or unreadable; check whether it was written by \
         another version of the loader, or by hand"
    )]
    Unreadable { key: String, attribute: &'static str },
    #[error("{0}")]
    Cloud(#[from] CloudFault),
}

impl LedgerError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            LedgerError::Cloud(fault) => fault.transient,
            LedgerError::TurnLost { .. } | LedgerError::Contended { .. } | LedgerError::Stopped { .. } => true,
            LedgerError::NotAllowed { .. } | LedgerError::Unknown { .. } | LedgerError::Unreadable { .. } => false,
        }
    }
}

impl Ledger {
    /// A ledger in this DynamoDB table. A lease that is not renewed for the duration `lease` may be taken over.
    pub fn new(client: Client, table: impl Into<String>, lease: Duration) -> Ledger {
        Ledger { client, table: table.into(), lease, reports_at: None, created_at: Arc::default() }
    }

    /// Continues only loads whose plans and reports are kept there. Two loaders with different reports buckets may
    /// share a ledger, but neither has the other's plans.
    pub fn with_reports_at(self, reports_at: impl Into<String>) -> Ledger {
        Ledger { reports_at: Some(reports_at.into()), ..self }
    }

    /// Whether another loader keeps the plan of this load.
    fn belongs_to_another_loader(&self, record: &LoadRecord) -> bool {
        let is = matches!((&self.reports_at, &record.kept_in), (Some(ours), Some(theirs)) if ours != theirs);
        if is {
            tracing::warn!(event = "load_of_another_loader", load = %record.load, kept_in = record.kept_in);
        }
        is
    }

    /// Renews the lease. This is the heartbeat.
    pub async fn renew(&self, lease: &Lease) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        match send(&self.client, &self.table, [with_counts(lease_renewed(lease, expiry, self.lease), lease)]).await? {
            Ok(()) => lease.extend(expiry, self.lease),
            Err(_) if lease.is_released() => {}
            Err(_) => return Err(turn_lost(lease)),
        }
        Ok(())
    }

    /// Notes that more of the plan is stored.
    pub async fn progress(&self, lease: &Lease) -> Result<(), LedgerError> {
        let values = vec![("zero", number(0u32))];
        let and = " AND attribute_not_exists(#stop)";
        let change = LoadWrite { step: Step::Progress, set: "#starts_without_progress = :zero", and, values };
        self.note(lease, change).await
    }

    /// Notes that the plan is complete, with its number of chunks; writing can begin. Fails if the load was asked to
    /// stop.
    pub async fn planned(&self, lease: &Lease, record: &LoadRecord, chunks: u32) -> Result<(), LedgerError> {
        // A plan that a later run makes again doesn't count as progress.
        let starts = if record.state == State::Planning { 0 } else { record.starts_without_progress };
        let change = LoadWrite {
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

    /// Notes the number of chunks that are written, counted from the first without a gap. It never decreases. Fails if
    /// the load was asked to stop.
    pub async fn checkpoint(&self, lease: &Lease, chunks_done: u32) -> Result<(), LedgerError> {
        let change = LoadWrite {
            step: Step::Checkpoint,
            set: "#chunks_done = :done, #starts_without_progress = :zero",
            and: " AND #chunks_done <= :done AND #chunks_total >= :done AND attribute_not_exists(#stop)",
            values: vec![("done", number(chunks_done)), ("zero", number(0u32))],
        };
        self.note(lease, change).await
    }

    /// Notes how the load ended, and frees the table. `key` is the key of its upload.
    pub async fn end(
        &self,
        lease: &Lease,
        key: &str,
        ending: Ending,
        summary: serde_json::Value,
        loaded: Option<&LastLoad>,
    ) -> Result<(), LedgerError> {
        let change = LoadWrite {
            step: Step::End,
            set: "#ending = :ending, #summary = :summary",
            and: "",
            values: vec![("ending", text(ending.name())), ("summary", text(&summary.to_string()))],
        };
        let ended = EndedLoad {
            load: lease.load.clone(),
            key: key.to_string(),
            ending,
            summary: summary["summary"].as_str().unwrap_or_default().to_string(),
            ended: Timestamp::now(),
        };
        lease.release();
        let history = put_into_history(&lease.table, &ended, now_ms());
        self.note_with(lease, change, lease_freed(lease, loaded), Some(history)).await?;
        tracing::info!(event = "turn_ended", load = %lease.load, table = lease.table, epoch = lease.epoch, ending = ending.name());
        Ok(())
    }

    /// Puts the load back into the queue and frees the table, for a load that goes first.
    pub async fn give_way(&self, lease: &Lease, position: &QueuePosition) -> Result<(), LedgerError> {
        let change = LoadWrite {
            step: Step::GiveWay,
            set: "#starts_without_progress = :zero",
            and: "",
            values: vec![("zero", number(0u32))],
        };
        lease.release();
        let waiting = put_into_queue(&lease.table, position, now_ms());
        self.note_with(lease, change, lease_freed(lease, None), Some(waiting)).await?;
        tracing::info!(event = "turn_given", load = %lease.load, table = lease.table, epoch = lease.epoch);
        Ok(())
    }

    /// Hands the lease over to whichever run continues this load. No other load can take it before this one has ended.
    pub async fn hand_over(&self, lease: &Lease) -> Result<(), LedgerError> {
        let change = lease_handed_over(lease, self.expiry(now_ms()), self.lease);
        lease.release();
        send(&self.client, &self.table, [change]).await?.map_err(|_| turn_lost(lease))
    }

    /// Notes what happened to a load after its end. A repeated note is stored once.
    pub async fn note_later(&self, load: &LoadId, later: &FollowUp) -> Result<(), LedgerError> {
        let entry = text(&serde_json::json!(later).to_string());
        let update = "SET #later = list_append(if_not_exists(#later, :none), :one)";
        let is_new = "attribute_exists(#state) AND (attribute_not_exists(#later) OR NOT contains(#later, :said))";
        let change = ItemWrite::update(Key::load(load), update, is_new).with([
            ("none", AttributeValue::L(Vec::new())),
            ("one", AttributeValue::L(vec![entry.clone()])),
            ("said", entry),
        ]);
        let _ = send(&self.client, &self.table, [change]).await?;
        Ok(())
    }

    /// Returns when the ledger's table was created. For a table restored from a backup, that is the time of the
    /// restore.
    pub async fn created_at(&self) -> Result<Option<Timestamp>, LedgerError> {
        if let Some(created_at) = self.created_at.get() {
            return Ok(*created_at);
        }
        let answer = self.client.describe_table().table_name(&self.table).send().await;
        let description = answer.map_err(|error| fault("DescribeTable", &self.table, &error))?.table;
        let created_at = description.and_then(|table| Timestamp::from_second(table.creation_date_time?.secs()).ok());
        Ok(*self.created_at.get_or_init(|| created_at))
    }

    /// Reads the record of a load.
    pub async fn read(&self, load: &LoadId) -> Result<Option<LoadRecord>, LedgerError> {
        self.get(&Key::load(load), |reading| reading.load_record()).await
    }

    /// Returns what the ledger remembers of the last load into an inventory table.
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
        parse: impl FnOnce(ItemReader<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        let request = self.client.get_item().table_name(&self.table).set_key(Some(key.attributes()));
        let answer = request.consistent_read(true).send().await;
        let item = answer.map_err(|error| fault("GetItem", &self.table, &error))?.item;
        item.map(|attributes| parse(ItemReader { key: &key.pk, attributes: &attributes })).transpose()
    }

    async fn note(&self, lease: &Lease, change: LoadWrite<'_>) -> Result<(), LedgerError> {
        let expiry = self.expiry(now_ms());
        self.note_with(lease, change, with_counts(lease_renewed(lease, expiry, self.lease), lease), None).await?;
        lease.extend(expiry, self.lease);
        Ok(())
    }

    async fn note_with(
        &self,
        lease: &Lease,
        change: LoadWrite<'_>,
        turn: ItemWrite,
        more: Option<ItemWrite>,
    ) -> Result<(), LedgerError> {
        let step = change.step;
        let mut note = change.of(&lease.load, now_ms());
        match step {
            Step::GiveWay => note = note.and_set(" REMOVE #stop, #stop_by", []),
            // The load has made progress, so its earlier faults no longer count.
            Step::Progress | Step::Planned | Step::Checkpoint | Step::End => note = note.and_set(" REMOVE #outage", []),
            _ => {}
        }
        let changes = [turn, note].into_iter().chain(more);
        let Err(failed) = send(&self.client, &self.table, changes).await? else {
            if matches!(step, Step::Progress | Step::Planned | Step::Checkpoint) {
                lease.note_progress();
            }
            return Ok(());
        };
        if failed.index == 0 {
            return Err(turn_lost(lease));
        }
        let (load, attributes) = (lease.load.clone(), failed.item.unwrap_or_default());
        let found = ItemReader { key: &Key::load(&load).pk, attributes: &attributes };
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

    /// Hands the lease over to whichever run retries the load, and notes the fault. A run that reports its fault
    /// doesn't count as a start without progress.
    pub async fn note_outage(&self, lease: &Lease, outage: &Outage) -> Result<(), LedgerError> {
        let turn = lease_handed_over(lease, self.expiry(now_ms()), self.lease);
        lease.release();
        let is_begun = "#state IN (:planning, :writing)";
        let update = "SET #outage = :outage, #starts_without_progress = :zero";
        let note = ItemWrite::update(Key::load(&lease.load), update, is_begun).with([
            ("outage", text(&serde_json::json!(outage).to_string())),
            ("zero", number(0u32)),
            ("planning", text(State::Planning.name())),
            ("writing", text(State::Writing.name())),
        ]);
        send(&self.client, &self.table, [turn, note]).await?.map_err(|_| turn_lost(lease))
    }

    /// Clears the outage of a load, so that it is retried at once and for the full time. Returns `false` if it had
    /// none.
    pub async fn forget_outage(&self, load: &LoadId) -> Result<bool, LedgerError> {
        let change = ItemWrite::update(Key::load(load), "REMOVE #outage", "attribute_exists(#outage)");
        Ok(send(&self.client, &self.table, [change]).await?.is_ok())
    }

    fn expiry(&self, now: u64) -> u64 {
        now.saturating_add(u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX))
    }
}

/// When DynamoDB may delete an item written now, in seconds since 1970.
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
    use crate::clients::fake::{Fake, FakeRequest, Reply, error};
    use serde_json::json;

    fn ledger(fake: &Fake) -> (Ledger, Lease) {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let ledger = Ledger::new(fake.dynamodb(), "ledger", Duration::from_secs(45));
        (ledger, Lease::new(&load, "stock", "me", 3, false))
    }

    /// The answer for a transaction that was cancelled, for these reasons.
    fn cancelled(reasons: [&str; 2]) -> Reply {
        cancelled_at(reasons, json!({ "state": { "S": "ended" } }))
    }

    fn cancelled_at(reasons: [&str; 2], item: serde_json::Value) -> Reply {
        let reasons = reasons.map(|code| json!({ "Code": code, "Item": item }));
        let code = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        Reply::Json(400, json!({ "__type": code, "Message": "cancelled", "CancellationReasons": reasons }))
    }

    fn conflict_once(then: Reply) -> impl Fn(&FakeRequest) -> Reply + Send + Sync + 'static {
        move |asked| {
            if asked.number == 0 { cancelled(["TransactionConflict", "None"]) } else { then.clone() }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_note_reports_whether_the_turn_or_the_state_was_the_reason() {
        let (lost, state) = (["ConditionalCheckFailed", "None"], ["None", "ConditionalCheckFailed"]);
        let (both, busy) = (["ConditionalCheckFailed", "ConditionalCheckFailed"], ["None", "ThrottlingError"]);
        let outcome = |reasons| async move {
            let fake = Fake::answering(conflict_once(cancelled(reasons)));
            let (ledger, lease) = ledger(&fake);
            (ledger.checkpoint(&lease, 1).await.unwrap_err(), lease.is_live())
        };
        assert!(matches!(outcome(lost).await, (LedgerError::TurnLost { epoch: 3, .. }, false)));
        assert!(matches!(outcome(both).await, (LedgerError::TurnLost { .. }, false)));
        let (error, _) = outcome(state).await;
        assert!(matches!(&error, LedgerError::NotAllowed { step: Step::Checkpoint, .. }), "{error}");
        assert!(!error.is_retryable() && error.to_string().contains("ended"));
        let item = json!({ "state": { "S": "writing" }, "stop": { "S": "cancelled" }, "stop_by": { "S": "Erika" } });
        let fake = Fake::answering(move |_| cancelled_at(state, item.clone()));
        let (ledger, lease) = ledger(&fake);
        let error = ledger.checkpoint(&lease, 1).await.unwrap_err();
        assert!(
            matches!(&error, LedgerError::Stopped { stop: Stop::Cancelled { by }, .. } if by == "Erika"),
            "{error}"
        );
        let (error, _) = outcome(busy).await;
        assert!(matches!(&error, LedgerError::Cloud(_)) && error.is_retryable(), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_note_renews_the_turn() {
        let fake = Fake::answering(conflict_once(Reply::Json(200, json!({}))));
        let (ledger, lease) = ledger(&fake);
        assert!(!lease.is_live());
        ledger.checkpoint(&lease, 1).await.unwrap();
        assert!(lease.is_live());
        let tokens: Vec<_> = fake.requests().iter().map(|asked| asked.json()["ClientRequestToken"].clone()).collect();
        assert!(tokens.len() == 2 && tokens[0].is_string() && tokens[0] != tokens[1]);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_counts_are_written_with_the_lease() {
        let fake = Fake::answering(|_| Reply::Json(200, json!({})));
        let (ledger, lease) = ledger(&fake);
        ledger.renew(&lease).await.unwrap();
        lease.note_counts(|counts| counts.read = 4_000);
        ledger.renew(&lease).await.unwrap();
        lease.note_counts(|counts| (counts.written, counts.of) = (1_000, 4_000));
        ledger.checkpoint(&lease, 1).await.unwrap();
        let sent: Vec<Option<ProgressCounts>> = fake
            .requests()
            .iter()
            .map(|asked| {
                let turn = &asked.json()["TransactItems"][0]["Update"]["ExpressionAttributeValues"];
                turn[":progress"]["S"].as_str().map(|progress| serde_json::from_str(progress).unwrap())
            })
            .collect();
        let read = ProgressCounts { read: 4_000, ..ProgressCounts::default() };
        assert_eq!(sent, [None, Some(read), Some(ProgressCounts { written: 1_000, of: 4_000, ..read })]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_reports_its_reason() {
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
                _ => assert!(!error.is_retryable(), "{error}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_heartbeat_during_the_release_of_its_own_lease_is_not_a_lost_turn() {
        let fake = Fake::answering(|asked| match asked.number {
            0 => Reply::Json(200, json!({})),
            _ => cancelled(["ConditionalCheckFailed", "None"]),
        });
        let (ledger, lease) = ledger(&fake);
        ledger.end(&lease, "a.xlsx", Ending::Done, json!({}), None).await.unwrap();
        ledger.renew(&lease).await.unwrap();
        assert!(!lease.is_live());
    }
}
