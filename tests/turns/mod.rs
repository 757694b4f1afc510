//! Turns at a table: the ledger on a real DynamoDB table, with one request, consecutive and concurrent requests.

mod model;
mod queue;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Lease, Ledger, LedgerError, LoadRecord, State, Turn};
use serde_json::json;
use tokio::sync::RwLockReadGuard;

use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, cloud};
use crate::harness::eventually;

/// A lease that outlasts every test.
const LONG_LEASE: Duration = Duration::from_secs(600);
const SHORT_LEASE: Duration = Duration::from_millis(1);

/// The ledger of one test, with long leases and, as `expiring`, with leases that expire at once.
struct TestLedger {
    cloud: Cloud,
    table: String,
    ledger: Ledger,
    expiring: Ledger,
    _answers: RwLockReadGuard<'static, ()>,
}

impl TestLedger {
    async fn create() -> TestLedger {
        let _answers = DYNAMODB_ANSWERS.read().await;
        let cloud = cloud().await;
        let table = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
        let with = |lease| Ledger::new(cloud.dynamodb.clone(), &table, lease);
        TestLedger { ledger: with(LONG_LEASE), expiring: with(SHORT_LEASE), table, cloud, _answers }
    }

    async fn delete(self) {
        self.cloud.delete_table(&self.table).await;
    }
}

/// A file from a local disk, whose load no other program can continue.
fn from_disk(key: &str) -> Upload {
    Upload { bucket: String::new(), ..upload(key) }
}

fn upload(key: &str) -> Upload {
    Upload {
        bucket: "uploads".into(),
        key: key.into(),
        version: Some("1".into()),
        sequencer: None,
        etag: None,
        size: Some(7),
        time: None,
    }
}

async fn take_turn(ledger: &Ledger, upload: &Upload, table: &str, request: &str) -> Turn {
    let announced = AnnouncedLoad::from_upload(&LoadId::of(upload), upload, table);
    ledger.take_turn(&announced, request, IfBusy::DontQueue).await.expect("an answer")
}

fn expect_turn(turn: Turn) -> (Lease, LoadRecord) {
    match turn {
        Turn::Taken(lease, record) => (lease, *record),
        other => panic!("no turn: {other:?}"),
    }
}

async fn record(ledger: &Ledger, load: &LoadId) -> LoadRecord {
    ledger.read(load).await.expect("an answer").expect("a record")
}

/// Starts a load into the table `stock` by the request `first`, and writes three of its five chunks.
async fn half_written(ledger: &Ledger, upload: &Upload) -> Lease {
    let (lease, record) = expect_turn(take_turn(ledger, upload, "stock", "first").await);
    ledger.planned(&lease, &record, 5).await.expect("planned");
    ledger.checkpoint(&lease, 3).await.expect("a checkpoint");
    lease
}

async fn wait_until_expired(lease: &Lease) {
    eventually("the lease to expire", || async { (!lease.is_live()).then_some(()) }).await;
}

fn assert_lost(result: Result<(), LedgerError>, lease: &Lease) {
    match result {
        Err(LedgerError::TurnLost { load, epoch, .. }) => assert_eq!((&load, epoch), (&lease.load, lease.epoch)),
        other => panic!("the turn is not lost: {other:?}"),
    }
}

/// Runs the tasks concurrently on all threads.
async fn at_once<T: Send + 'static>(tasks: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    join_all(tasks).await.into_iter().map(|number| number.expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_turn_creates_the_record_of_a_load() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let load = LoadId::of(&upload);
    assert_eq!(test.ledger.read(&load).await.expect("an answer"), None);
    let (lease, found) = expect_turn(take_turn(&test.ledger, &upload, "stock", "first").await);
    assert!(lease.is_live());
    assert_eq!(
        (&found.load, &found.upload, found.table.as_str(), found.state),
        (&load, &upload, "stock", State::Planning)
    );
    assert_eq!((found.owner.as_str(), found.epoch, found.starts, found.starts_without_progress), ("first", 1, 1, 1));
    assert_eq!((found.chunks_done, found.chunks_total, found.ending), (0, 0, None));
    assert_eq!(record(&test.ledger, &load).await, found);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_load_cannot_be_continued() {
    let test = TestLedger::create().await;
    let load = LoadId::of(&upload("never.xlsx"));
    let error = test.ledger.take_turn_to_continue(&load, "first").await.unwrap_err();
    assert!(matches!(&error, LedgerError::Unknown { load: unknown } if *unknown == load), "{error}");
    assert!(!error.is_retryable());
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_for_a_running_load_is_a_duplicate() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let (lease, before) = expect_turn(take_turn(&test.ledger, &upload, "stock", "first").await);
    assert!(matches!(take_turn(&test.ledger, &upload, "stock", "second").await, Turn::Duplicate));
    assert!(matches!(test.ledger.take_turn_to_continue(&lease.load, "second").await, Ok(Turn::Duplicate)));
    assert_eq!(record(&test.ledger, &lease.load).await, before, "the request is not counted");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_load_into_the_same_table_learns_which_one_it_waits_for() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    let second = upload("b.xlsx");
    let turn = take_turn(&test.ledger, &second, "stock", "second").await;
    assert!(matches!(&turn, Turn::Busy { load } if *load == lease.load), "{turn:?}");
    assert_eq!(test.ledger.read(&LoadId::of(&second)).await.expect("an answer"), None, "it has not begun");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_into_different_tables_do_not_wait_for_each_other() {
    let test = TestLedger::create().await;
    let (first, _) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    let (second, _) = expect_turn(take_turn(&test.ledger, &upload("b.xlsx"), "spares", "second").await);
    test.ledger.renew(&first).await.expect("the one turn");
    test.ledger.renew(&second).await.expect("the other turn");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_planned_written_and_ended() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &upload("a.xlsx")).await;
    let writing = record(&test.ledger, &lease.load).await;
    assert_eq!((writing.state, writing.chunks_done, writing.chunks_total), (State::Writing, 3, 5));
    test.ledger.checkpoint(&lease, 5).await.expect("the last checkpoint");
    let summary = json!({ "rows": { "written": 5 } });
    test.ledger.end(&lease, "a.xlsx", Ending::Done, summary.clone(), None).await.expect("the ending");
    let ended = record(&test.ledger, &lease.load).await;
    assert_eq!((ended.state, ended.chunks_done, ended.chunks_total), (State::Ended, 5, 5));
    assert_eq!((ended.ending, ended.summary), (Some(Ending::Done), Some(summary)));
    assert_eq!(ended.started, writing.started);
    assert!(!lease.is_live());
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_can_end_without_a_plan() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    test.ledger.end(&lease, "a.xlsx", Ending::Refused, json!({}), None).await.expect("the ending");
    let ended = record(&test.ledger, &lease.load).await;
    assert_eq!((ended.state, ended.ending, ended.chunks_total), (State::Ended, Some(Ending::Refused), 0));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_chunk_is_recorded_before_the_plan() {
    let test = TestLedger::create().await;
    let (lease, before) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    let error = test.ledger.checkpoint(&lease, 1).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
    assert!(error.to_string().contains("is planning"), "{error}");
    assert_eq!(record(&test.ledger, &lease.load).await, before);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_plan_is_recorded_once_chunks_are_written() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &upload("a.xlsx")).await;
    let found = record(&test.ledger, &lease.load).await;
    let error = test.ledger.planned(&lease, &found, 9).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
    assert_eq!(record(&test.ledger, &lease.load).await, found);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_cannot_go_back_or_beyond_the_plan() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &upload("a.xlsx")).await;
    for chunks in [2, 6] {
        let error = test.ledger.checkpoint(&lease, chunks).await.unwrap_err();
        assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
        assert!(error.to_string().contains("chunk 3 of 5"), "{error}");
    }
    test.ledger.checkpoint(&lease, 3).await.expect("the same again");
    assert_eq!(record(&test.ledger, &lease.load).await.chunks_done, 3);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_load_is_never_resumed() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let lease = half_written(&test.ledger, &upload).await;
    test.ledger.end(&lease, "a.xlsx", Ending::Done, json!({}), None).await.expect("the ending");
    let ended = record(&test.ledger, &lease.load).await;
    let turns = [
        take_turn(&test.ledger, &upload, "stock", "first").await,
        take_turn(&test.ledger, &upload, "stock", "second").await,
        test.ledger.take_turn_to_continue(&lease.load, "first").await.expect("an answer"),
    ];
    for turn in turns {
        assert!(matches!(&turn, Turn::Ended(Ending::Done)), "{turn:?}");
    }
    assert_lost(test.ledger.checkpoint(&lease, 4).await, &lease);
    assert_eq!(record(&test.ledger, &lease.load).await, ended);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_load_frees_its_table_at_once() {
    let test = TestLedger::create().await;
    let (first, _) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    test.ledger.end(&first, "a.xlsx", Ending::Done, json!({}), None).await.expect("the ending");
    let (second, _) = expect_turn(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await);
    assert_eq!(second.epoch, first.epoch + 1, "an epoch is never reused");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_retry_of_a_killed_run_resumes_where_it_stopped() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    half_written(&test.ledger, &upload).await;
    let (lease, found) = expect_turn(take_turn(&test.ledger, &upload, "stock", "first").await);
    assert!(lease.is_live());
    assert_eq!((found.state, found.chunks_done, found.chunks_total), (State::Writing, 3, 5));
    assert_eq!((found.epoch, found.starts), (2, 2));
    test.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_turn_can_no_longer_record_anything() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let lost = half_written(&test.ledger, &upload).await;
    let (_, found) = expect_turn(take_turn(&test.ledger, &upload, "stock", "first").await);
    assert_lost(test.ledger.renew(&lost).await, &lost);
    assert_lost(test.ledger.planned(&lost, &found, 9).await, &lost);
    assert_lost(test.ledger.checkpoint(&lost, 4).await, &lost);
    assert_lost(test.ledger.hand_over(&lost).await, &lost);
    assert_lost(test.ledger.end(&lost, "a.xlsx", Ending::Done, json!({}), None).await, &lost);
    assert_eq!(record(&test.ledger, &lost.load).await, found);
    assert!(
        matches!(take_turn(&test.ledger, &upload, "stock", "second").await, Turn::Duplicate),
        "the turn is still taken"
    );
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_without_progress_are_counted_until_one_makes_progress() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let start = async || {
        let (lease, found) = expect_turn(take_turn(&test.ledger, &upload, "stock", "first").await);
        (lease, (found.starts, found.starts_without_progress), found)
    };
    assert_eq!(start().await.1, (1, 1));
    let (lease, counted, found) = start().await;
    assert_eq!(counted, (2, 2));
    test.ledger.progress(&lease).await.expect("more of the plan");
    assert_eq!(start().await.1, (3, 1));
    let (lease, counted, _) = start().await;
    assert_eq!(counted, (4, 2));
    test.ledger.planned(&lease, &found, 5).await.expect("planned");
    let (lease, counted, found) = start().await;
    assert_eq!(counted, (5, 1));
    test.ledger.planned(&lease, &found, 5).await.expect("planned again");
    assert_eq!(start().await.1, (6, 2), "making a plan again is not progress");
    let (lease, ..) = start().await;
    test.ledger.checkpoint(&lease, 1).await.expect("a checkpoint");
    assert_eq!(start().await.1, (8, 1));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_load_keeps_the_table_it_was_started_with() {
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    half_written(&test.ledger, &upload).await;
    let (lease, found) = expect_turn(take_turn(&test.ledger, &upload, "spares", "first").await);
    assert_eq!((lease.table.as_str(), found.table.as_str()), ("stock", "stock"));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_run_died_keeps_its_turn() {
    let test = TestLedger::create().await;
    let dead = half_written(&test.expiring, &upload("a.xlsx")).await;
    wait_until_expired(&dead).await;
    let turn = take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await;
    assert!(matches!(&turn, Turn::Busy { load } if *load == dead.load), "{turn:?}");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expired_turn_of_a_local_file_is_taken_by_the_next_load() {
    let test = TestLedger::create().await;
    let dead = half_written(&test.expiring, &from_disk("a.xlsx")).await;
    wait_until_expired(&dead).await;
    let (lease, _) = expect_turn(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await);
    assert_eq!(lease.epoch, 2);
    assert_lost(test.ledger.checkpoint(&dead, 4).await, &dead);
    assert_eq!(record(&test.ledger, &dead.load).await.chunks_done, 3);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_turn_is_taken_by_another_request_for_the_same_load() {
    let test = TestLedger::create().await;
    let dead = half_written(&test.expiring, &upload("a.xlsx")).await;
    wait_until_expired(&dead).await;
    let (lease, found) = expect_turn(test.ledger.take_turn_to_continue(&dead.load, "second").await.expect("an answer"));
    assert_eq!((found.owner.as_str(), found.chunks_done, found.epoch), ("second", 3, lease.epoch));
    assert_lost(test.ledger.renew(&dead).await, &dead);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_heartbeat_keeps_a_turn_that_was_not_taken() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(take_turn(&test.expiring, &upload("a.xlsx"), "stock", "first").await);
    wait_until_expired(&lease).await;
    test.ledger.renew(&lease).await.expect("a heartbeat");
    assert!(lease.is_live());
    assert!(matches!(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await, Turn::Busy { .. }));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_a_heartbeat_too() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.expiring, &upload("a.xlsx")).await;
    wait_until_expired(&lease).await;
    test.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    assert!(lease.is_live());
    assert!(matches!(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await, Turn::Busy { .. }));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handed_over_turn_is_kept_for_the_next_run_of_the_load() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &upload("a.xlsx")).await;
    test.ledger.hand_over(&lease).await.expect("a hand-over");
    assert!(!lease.is_live());
    assert!(matches!(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "other").await, Turn::Busy { .. }));
    let (next, found) = expect_turn(test.ledger.take_turn_to_continue(&lease.load, "second").await.expect("an answer"));
    assert_eq!((found.state, found.chunks_done, found.owner.as_str()), (State::Writing, 3, "second"));
    assert_eq!(next.epoch, lease.epoch + 1);
    assert_lost(test.ledger.checkpoint(&lease, 4).await, &lease);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_heartbeat_does_not_block_a_handed_over_turn() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &upload("a.xlsx")).await;
    test.expiring.hand_over(&lease).await.expect("a hand-over");
    test.ledger.renew(&lease).await.expect("a late heartbeat, which is not an error");
    assert!(!lease.is_live());
    let (next, _) = expect_turn(test.ledger.take_turn_to_continue(&lease.load, "second").await.expect("an answer"));
    assert_eq!(next.epoch, lease.epoch + 1);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_after_the_end_has_no_effect_and_is_not_an_error() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    test.ledger.end(&lease, "a.xlsx", Ending::Done, json!({}), None).await.expect("the ending");
    test.ledger.renew(&lease).await.expect("a late heartbeat, which is not an error");
    assert!(!lease.is_live());
    expect_turn(take_turn(&test.ledger, &upload("b.xlsx"), "stock", "second").await);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_for_one_load_one_gets_the_turn() {
    const REQUESTS: usize = 16;
    let test = TestLedger::create().await;
    for round in 0..5 {
        let upload = upload(&format!("{round}.xlsx"));
        let turns = at_once((0..REQUESTS).map(|number| {
            let (ledger, upload) = (test.ledger.clone(), upload.clone());
            async move { take_turn(&ledger, &upload, &format!("stock-{round}"), &format!("request-{number}")).await }
        }));
        let (taken, others): (Vec<_>, Vec<_>) =
            turns.await.into_iter().partition(|turn| matches!(turn, Turn::Taken(..)));
        assert_eq!(taken.len(), 1);
        assert!(others.iter().all(|turn| matches!(turn, Turn::Duplicate)), "{others:?}");
        assert_eq!(record(&test.ledger, &LoadId::of(&upload)).await.starts, 1);
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_loads_into_one_table_one_gets_the_expired_turn() {
    const REQUESTS: usize = 16;
    let test = TestLedger::create().await;
    let (dead, _) = expect_turn(take_turn(&test.expiring, &from_disk("dead.xlsx"), "stock", "dead").await);
    wait_until_expired(&dead).await;
    let turns = at_once((0..REQUESTS).map(|number| {
        let ledger = test.ledger.clone();
        async move { take_turn(&ledger, &upload(&format!("{number}.xlsx")), "stock", "same").await }
    }));
    let (taken, others): (Vec<_>, Vec<_>) = turns.await.into_iter().partition(|turn| matches!(turn, Turn::Taken(..)));
    let [Turn::Taken(winner, _)] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!(winner.epoch, 2);
    assert!(others.iter().all(|turn| matches!(turn, Turn::Busy { load } if *load == winner.load)), "{others:?}");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_turn_is_either_renewed_or_taken_but_never_both() {
    let test = TestLedger::create().await;
    for round in 0..24 {
        let table = format!("stock-{round}");
        let (lease, _) =
            expect_turn(take_turn(&test.expiring, &from_disk(&format!("{round}.xlsx")), &table, "first").await);
        wait_until_expired(&lease).await;
        let renewed = async {
            // Vary at which moment of the taking the renewal happens.
            for _ in 0..round % 4 {
                record(&test.ledger, &lease.load).await;
            }
            test.ledger.renew(&lease).await
        };
        let next = upload(&format!("next-{round}.xlsx"));
        let (renewed, turn) = tokio::join!(renewed, take_turn(&test.ledger, &next, &table, "second"));
        match turn {
            Turn::Taken(..) => assert_lost(renewed, &lease),
            Turn::Busy { .. } => renewed.expect("a heartbeat"),
            other => panic!("{other:?}"),
        }
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_request_delivered_concurrently_only_the_last_turn_stays_valid() {
    // Fewer than the attempts to take a turn: an attempt only fails if another request succeeded.
    const REQUESTS: usize = 4;
    let test = TestLedger::create().await;
    let upload = upload("a.xlsx");
    let turns = at_once((0..REQUESTS).map(|_| {
        let (ledger, upload) = (test.ledger.clone(), upload.clone());
        async move { take_turn(&ledger, &upload, "stock", "same").await }
    }));
    let leases: Vec<Lease> = turns.await.into_iter().map(|turn| expect_turn(turn).0).collect();
    let mut epochs: Vec<u64> = leases.iter().map(|lease| lease.epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, [1, 2, 3, 4]);
    for lease in leases {
        let renewed = test.ledger.renew(&lease).await;
        if lease.epoch == 4 { renewed.expect("the last turn") } else { assert_lost(renewed, &lease) }
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_heartbeats_and_checkpoints_all_succeed() {
    const CHUNKS: u32 = 50;
    let test = TestLedger::create().await;
    let (lease, found) = expect_turn(take_turn(&test.ledger, &upload("a.xlsx"), "stock", "first").await);
    test.ledger.planned(&lease, &found, CHUNKS).await.expect("planned");
    let lease = Arc::new(lease);
    let (ledger, renewed) = (test.ledger.clone(), lease.clone());
    let heartbeats = tokio::spawn(async move {
        for _ in 0..CHUNKS {
            ledger.renew(&renewed).await.expect("a heartbeat");
        }
    });
    for chunk in 1..=CHUNKS {
        test.ledger.checkpoint(&lease, chunk).await.expect("a checkpoint");
    }
    heartbeats.await.expect("the heartbeats");
    assert_eq!(record(&test.ledger, &lease.load).await.chunks_done, CHUNKS);
    test.delete().await;
}
