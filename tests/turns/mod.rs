//! Whose turn it is: the ledger over a real table, alone, one after the other and all at once.

mod model;
mod queue;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{Announced, IfBusy, Lease, Ledger, LedgerError, LoadRecord, State, Turn};
use serde_json::json;
use tokio::sync::RwLockReadGuard;

use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, cloud};
use crate::harness::eventually;

/// Outlasts every test, its waiting included.
const LASTING: Duration = Duration::from_secs(600);
const BRIEF: Duration = Duration::from_millis(1);

/// A ledger of a test's own, with leases that last and with leases that run out at once.
struct Own {
    cloud: Cloud,
    table: String,
    ledger: Ledger,
    brief: Ledger,
    _answers: RwLockReadGuard<'static, ()>,
}

impl Own {
    async fn ledger() -> Own {
        let _answers = DYNAMODB_ANSWERS.read().await;
        let cloud = cloud().await;
        let table = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
        let with = |lease| Ledger::new(cloud.dynamodb.clone(), &table, lease);
        Own { ledger: with(LASTING), brief: with(BRIEF), table, cloud, _answers }
    }

    async fn delete(self) {
        self.cloud.delete_table(&self.table).await;
    }
}

/// A file from somebody's disk, which nobody else can go on with.
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

async fn ask(ledger: &Ledger, upload: &Upload, table: &str, request: &str) -> Turn {
    let announced = Announced::upload(&LoadId::of(upload), upload, table);
    ledger.take_turn(&announced, request, IfBusy::Tell).await.expect("an answer")
}

fn ours(turn: Turn) -> (Lease, LoadRecord) {
    match turn {
        Turn::Ours(lease, record) => (lease, *record),
        other => panic!("no turn: {other:?}"),
    }
}

async fn record(ledger: &Ledger, load: &LoadId) -> LoadRecord {
    ledger.read(load).await.expect("an answer").expect("a record")
}

/// A load into the table `stock` with three of its five chunks written, by the request `first`.
async fn half_written(ledger: &Ledger, upload: &Upload) -> Lease {
    let (lease, record) = ours(ask(ledger, upload, "stock", "first").await);
    ledger.planned(&lease, &record, 5).await.expect("planned");
    ledger.checkpoint(&lease, 3).await.expect("a checkpoint");
    lease
}

async fn has_run_out(lease: &Lease) {
    eventually("the lease to run out", || async { (!lease.is_live()).then_some(()) }).await;
}

fn assert_lost(result: Result<(), LedgerError>, lease: &Lease) {
    match result {
        Err(LedgerError::TurnLost { load, epoch, .. }) => assert_eq!((&load, epoch), (&lease.load, lease.epoch)),
        other => panic!("the turn is not lost: {other:?}"),
    }
}

/// Does them all at the same time, on all the threads there are.
async fn at_once<T: Send + 'static>(racers: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let racers: Vec<_> = racers.map(tokio::spawn).collect();
    join_all(racers).await.into_iter().map(|racer| racer.expect("a racer")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_turn_begins_the_record_of_a_load() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let load = LoadId::of(&upload);
    assert_eq!(own.ledger.read(&load).await.expect("an answer"), None);
    let (lease, found) = ours(ask(&own.ledger, &upload, "stock", "first").await);
    assert!(lease.is_live());
    assert_eq!(
        (&found.load, &found.upload, found.table.as_str(), found.state),
        (&load, &upload, "stock", State::Planning)
    );
    assert_eq!((found.owner.as_str(), found.epoch, found.starts, found.starts_without_progress), ("first", 1, 1, 1));
    assert_eq!((found.chunks_done, found.chunks_total, found.ending.as_deref()), (0, 0, None));
    assert_eq!(record(&own.ledger, &load).await, found);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_nobody_began_cannot_be_taken_up() {
    let own = Own::ledger().await;
    let load = LoadId::of(&upload("never.xlsx"));
    let error = own.ledger.take_up(&load, "first").await.unwrap_err();
    assert!(matches!(&error, LedgerError::Unknown { load: unknown } if *unknown == load), "{error}");
    assert!(!error.would_trying_again_help());
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_for_a_load_that_is_under_way_is_a_duplicate() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let (lease, before) = ours(ask(&own.ledger, &upload, "stock", "first").await);
    assert!(matches!(ask(&own.ledger, &upload, "stock", "second").await, Turn::Duplicate));
    assert!(matches!(own.ledger.take_up(&lease.load, "second").await, Ok(Turn::Duplicate)));
    assert_eq!(record(&own.ledger, &lease.load).await, before, "and is not counted");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_load_into_the_same_table_is_told_which_one_it_waits_for() {
    let own = Own::ledger().await;
    let (lease, _) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    let second = upload("b.xlsx");
    let turn = ask(&own.ledger, &second, "stock", "second").await;
    assert!(matches!(&turn, Turn::Busy { load } if *load == lease.load), "{turn:?}");
    assert_eq!(own.ledger.read(&LoadId::of(&second)).await.expect("an answer"), None, "it has not begun");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_into_different_tables_do_not_wait_for_each_other() {
    let own = Own::ledger().await;
    let (first, _) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    let (second, _) = ours(ask(&own.ledger, &upload("b.xlsx"), "spares", "second").await);
    own.ledger.renew(&first).await.expect("the one turn");
    own.ledger.renew(&second).await.expect("the other turn");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_planned_written_and_ended() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &upload("a.xlsx")).await;
    let writing = record(&own.ledger, &lease.load).await;
    assert_eq!((writing.state, writing.chunks_done, writing.chunks_total), (State::Writing, 3, 5));
    own.ledger.checkpoint(&lease, 5).await.expect("the last checkpoint");
    let summary = json!({ "rows": { "written": 5 } });
    own.ledger.end(&lease, "a.xlsx", "done", summary.clone(), None).await.expect("the ending");
    let ended = record(&own.ledger, &lease.load).await;
    assert_eq!((ended.state, ended.chunks_done, ended.chunks_total), (State::Ended, 5, 5));
    assert_eq!((ended.ending.as_deref(), ended.summary), (Some("done"), Some(summary)));
    assert_eq!(ended.started, writing.started);
    assert!(!lease.is_live());
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_can_end_without_a_plan() {
    let own = Own::ledger().await;
    let (lease, _) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    own.ledger.end(&lease, "a.xlsx", "refused", json!({}), None).await.expect("the ending");
    let ended = record(&own.ledger, &lease.load).await;
    assert_eq!((ended.state, ended.ending.as_deref(), ended.chunks_total), (State::Ended, Some("refused"), 0));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_chunk_is_noted_before_the_plan() {
    let own = Own::ledger().await;
    let (lease, before) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    let error = own.ledger.checkpoint(&lease, 1).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
    assert!(error.to_string().contains("is planning"), "{error}");
    assert_eq!(record(&own.ledger, &lease.load).await, before);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_plan_is_noted_once_chunks_are_written() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &upload("a.xlsx")).await;
    let found = record(&own.ledger, &lease.load).await;
    let error = own.ledger.planned(&lease, &found, 9).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
    assert_eq!(record(&own.ledger, &lease.load).await, found);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_goes_neither_back_nor_beyond_the_plan() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &upload("a.xlsx")).await;
    for chunks in [2, 6] {
        let error = own.ledger.checkpoint(&lease, chunks).await.unwrap_err();
        assert!(matches!(error, LedgerError::NotAllowed { .. }), "{error}");
        assert!(error.to_string().contains("chunk 3 of 5"), "{error}");
    }
    own.ledger.checkpoint(&lease, 3).await.expect("the same once more");
    assert_eq!(record(&own.ledger, &lease.load).await.chunks_done, 3);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_over_is_never_taken_up_again() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let lease = half_written(&own.ledger, &upload).await;
    own.ledger.end(&lease, "a.xlsx", "done", json!({}), None).await.expect("the ending");
    let ended = record(&own.ledger, &lease.load).await;
    let turns = [
        ask(&own.ledger, &upload, "stock", "first").await,
        ask(&own.ledger, &upload, "stock", "second").await,
        own.ledger.take_up(&lease.load, "first").await.expect("an answer"),
    ];
    for turn in turns {
        assert!(matches!(&turn, Turn::Ended(record) if **record == ended), "{turn:?}");
    }
    assert_lost(own.ledger.checkpoint(&lease, 4).await, &lease);
    assert_eq!(record(&own.ledger, &lease.load).await, ended);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_load_frees_its_table_at_once() {
    let own = Own::ledger().await;
    let (first, _) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    own.ledger.end(&first, "a.xlsx", "done", json!({}), None).await.expect("the ending");
    let (second, _) = ours(ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await);
    assert_eq!(second.epoch, first.epoch + 1, "an epoch is never used again");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_retry_of_a_killed_run_goes_on_where_that_one_was() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    half_written(&own.ledger, &upload).await;
    let (lease, found) = ours(ask(&own.ledger, &upload, "stock", "first").await);
    assert!(lease.is_live());
    assert_eq!((found.state, found.chunks_done, found.chunks_total), (State::Writing, 3, 5));
    assert_eq!((found.epoch, found.starts), (2, 2));
    own.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_turn_can_note_nothing_any_more() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let lost = half_written(&own.ledger, &upload).await;
    let (_, found) = ours(ask(&own.ledger, &upload, "stock", "first").await);
    assert_lost(own.ledger.renew(&lost).await, &lost);
    assert_lost(own.ledger.planned(&lost, &found, 9).await, &lost);
    assert_lost(own.ledger.checkpoint(&lost, 4).await, &lost);
    assert_lost(own.ledger.hand_over(&lost).await, &lost);
    assert_lost(own.ledger.end(&lost, "a.xlsx", "done", json!({}), None).await, &lost);
    assert_eq!(record(&own.ledger, &lost.load).await, found);
    assert!(matches!(ask(&own.ledger, &upload, "stock", "second").await, Turn::Duplicate), "the turn is still taken");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_are_counted_until_one_gets_somewhere() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let start = async || {
        let (lease, found) = ours(ask(&own.ledger, &upload, "stock", "first").await);
        (lease, (found.starts, found.starts_without_progress), found)
    };
    assert_eq!(start().await.1, (1, 1));
    let (lease, counted, found) = start().await;
    assert_eq!(counted, (2, 2));
    own.ledger.progress(&lease).await.expect("more of the plan");
    assert_eq!(start().await.1, (3, 1));
    let (lease, counted, _) = start().await;
    assert_eq!(counted, (4, 2));
    own.ledger.planned(&lease, &found, 5).await.expect("planned");
    let (lease, counted, found) = start().await;
    assert_eq!(counted, (5, 1));
    own.ledger.planned(&lease, &found, 5).await.expect("planned once more");
    assert_eq!(start().await.1, (6, 2), "a plan that is made again gets nowhere");
    let (lease, ..) = start().await;
    own.ledger.checkpoint(&lease, 1).await.expect("a checkpoint");
    assert_eq!(start().await.1, (8, 1));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_load_goes_into_the_table_it_was_begun_with() {
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    half_written(&own.ledger, &upload).await;
    let (lease, found) = ours(ask(&own.ledger, &upload, "spares", "first").await);
    assert_eq!((lease.table.as_str(), found.table.as_str()), ("stock", "stock"));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_run_died_keeps_its_turn_until_it_is_over() {
    let own = Own::ledger().await;
    let dead = half_written(&own.brief, &upload("a.xlsx")).await;
    has_run_out(&dead).await;
    let turn = ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await;
    assert!(matches!(&turn, Turn::Busy { load } if *load == dead.load), "{turn:?}");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_turn_of_a_file_from_a_disk_that_ran_out_is_taken_by_the_next_load() {
    let own = Own::ledger().await;
    let dead = half_written(&own.brief, &from_disk("a.xlsx")).await;
    has_run_out(&dead).await;
    let (lease, _) = ours(ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await);
    assert_eq!(lease.epoch, 2);
    assert_lost(own.ledger.checkpoint(&dead, 4).await, &dead);
    assert_eq!(record(&own.ledger, &dead.load).await.chunks_done, 3);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_ran_out_is_taken_by_another_request_of_the_same_load() {
    let own = Own::ledger().await;
    let dead = half_written(&own.brief, &upload("a.xlsx")).await;
    has_run_out(&dead).await;
    let (lease, found) = ours(own.ledger.take_up(&dead.load, "second").await.expect("an answer"));
    assert_eq!((found.owner.as_str(), found.chunks_done, found.epoch), ("second", 3, lease.epoch));
    assert_lost(own.ledger.renew(&dead).await, &dead);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_keeps_the_turn_even_late_when_nobody_has_taken_it() {
    let own = Own::ledger().await;
    let (lease, _) = ours(ask(&own.brief, &upload("a.xlsx"), "stock", "first").await);
    has_run_out(&lease).await;
    own.ledger.renew(&lease).await.expect("a heartbeat");
    assert!(lease.is_live());
    assert!(matches!(ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await, Turn::Busy { .. }));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_a_heartbeat_too() {
    let own = Own::ledger().await;
    let lease = half_written(&own.brief, &upload("a.xlsx")).await;
    has_run_out(&lease).await;
    own.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    assert!(lease.is_live());
    assert!(matches!(ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await, Turn::Busy { .. }));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_handed_over_is_kept_for_the_next_run_of_the_load() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &upload("a.xlsx")).await;
    own.ledger.hand_over(&lease).await.expect("a hand-over");
    assert!(!lease.is_live());
    assert!(matches!(ask(&own.ledger, &upload("b.xlsx"), "stock", "other").await, Turn::Busy { .. }));
    let (next, found) = ours(own.ledger.take_up(&lease.load, "second").await.expect("an answer"));
    assert_eq!((found.state, found.chunks_done, found.owner.as_str()), (State::Writing, 3, "second"));
    assert_eq!(next.epoch, lease.epoch + 1);
    assert_lost(own.ledger.checkpoint(&lease, 4).await, &lease);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_is_handed_over_is_free_for_the_load_whatever_a_late_heartbeat_says() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &upload("a.xlsx")).await;
    own.brief.hand_over(&lease).await.expect("a hand-over");
    own.ledger.renew(&lease).await.expect("a heartbeat that is late, which is no error");
    assert!(!lease.is_live());
    let (next, _) = ours(own.ledger.take_up(&lease.load, "second").await.expect("an answer"));
    assert_eq!(next.epoch, lease.epoch + 1);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_after_the_end_is_no_error_and_takes_nothing_back() {
    let own = Own::ledger().await;
    let (lease, _) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    own.ledger.end(&lease, "a.xlsx", "done", json!({}), None).await.expect("the ending");
    own.ledger.renew(&lease).await.expect("a heartbeat that is late, which is no error");
    assert!(!lease.is_live());
    ours(ask(&own.ledger, &upload("b.xlsx"), "stock", "second").await);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_requests_for_one_load_one_gets_the_turn() {
    const RACERS: usize = 16;
    let own = Own::ledger().await;
    for round in 0..5 {
        let upload = upload(&format!("{round}.xlsx"));
        let turns = at_once((0..RACERS).map(|racer| {
            let (ledger, upload) = (own.ledger.clone(), upload.clone());
            async move { ask(&ledger, &upload, &format!("stock-{round}"), &format!("request-{racer}")).await }
        }));
        let (ours, others): (Vec<_>, Vec<_>) = turns.await.into_iter().partition(|turn| matches!(turn, Turn::Ours(..)));
        assert_eq!(ours.len(), 1);
        assert!(others.iter().all(|turn| matches!(turn, Turn::Duplicate)), "{others:?}");
        assert_eq!(record(&own.ledger, &LoadId::of(&upload)).await.starts, 1);
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_loads_into_one_table_one_gets_the_turn_that_ran_out() {
    const RACERS: usize = 16;
    let own = Own::ledger().await;
    let (dead, _) = ours(ask(&own.brief, &from_disk("dead.xlsx"), "stock", "dead").await);
    has_run_out(&dead).await;
    let turns = at_once((0..RACERS).map(|racer| {
        let ledger = own.ledger.clone();
        async move { ask(&ledger, &upload(&format!("{racer}.xlsx")), "stock", "same").await }
    }));
    let (ours, others): (Vec<_>, Vec<_>) = turns.await.into_iter().partition(|turn| matches!(turn, Turn::Ours(..)));
    let [Turn::Ours(winner, _)] = &ours[..] else { panic!("{ours:?}") };
    assert_eq!(winner.epoch, 2);
    assert!(others.iter().all(|turn| matches!(turn, Turn::Busy { load } if *load == winner.load)), "{others:?}");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_ran_out_is_either_renewed_or_taken_and_never_both() {
    let own = Own::ledger().await;
    for round in 0..24 {
        let table = format!("stock-{round}");
        let (lease, _) = ours(ask(&own.brief, &from_disk(&format!("{round}.xlsx")), &table, "first").await);
        has_run_out(&lease).await;
        let renewed = async {
            // Falls on another moment of the taking each time.
            for _ in 0..round % 4 {
                record(&own.ledger, &lease.load).await;
            }
            own.ledger.renew(&lease).await
        };
        let next = upload(&format!("next-{round}.xlsx"));
        let (renewed, turn) = tokio::join!(renewed, ask(&own.ledger, &next, &table, "second"));
        match turn {
            Turn::Ours(..) => assert_lost(renewed, &lease),
            Turn::Busy { .. } => renewed.expect("a heartbeat"),
            other => panic!("{other:?}"),
        }
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_request_delivered_several_times_at_once_one_turn_stays() {
    // Fewer than a turn is asked for: each time it is not got, another has got it.
    const RACERS: usize = 4;
    let own = Own::ledger().await;
    let upload = upload("a.xlsx");
    let turns = at_once((0..RACERS).map(|_| {
        let (ledger, upload) = (own.ledger.clone(), upload.clone());
        async move { ask(&ledger, &upload, "stock", "same").await }
    }));
    let leases: Vec<Lease> = turns.await.into_iter().map(|turn| ours(turn).0).collect();
    let mut epochs: Vec<u64> = leases.iter().map(|lease| lease.epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, [1, 2, 3, 4]);
    for lease in leases {
        let renewed = own.ledger.renew(&lease).await;
        if lease.epoch == 4 { renewed.expect("the last turn") } else { assert_lost(renewed, &lease) }
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_and_checkpoints_at_the_same_time_are_all_done() {
    const CHUNKS: u32 = 50;
    let own = Own::ledger().await;
    let (lease, found) = ours(ask(&own.ledger, &upload("a.xlsx"), "stock", "first").await);
    own.ledger.planned(&lease, &found, CHUNKS).await.expect("planned");
    let lease = Arc::new(lease);
    let (ledger, beating) = (own.ledger.clone(), lease.clone());
    let heart = tokio::spawn(async move {
        for _ in 0..CHUNKS {
            ledger.renew(&beating).await.expect("a heartbeat");
        }
    });
    for chunk in 1..=CHUNKS {
        own.ledger.checkpoint(&lease, chunk).await.expect("a checkpoint");
    }
    heart.await.expect("the heart");
    assert_eq!(record(&own.ledger, &lease.load).await.chunks_done, CHUNKS);
    own.delete().await;
}
