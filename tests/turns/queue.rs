//! Waiting loads: they run in the order of their events, only the newest version of a file is loaded, and no load is
//! forgotten.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::decision::{FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Lease, Ledger, LedgerError, Outage, Retries, State, Stop, Turn};
use serde_json::json;

use crate::harness::eventually;

use super::{TestLedger, at_once, expect_turn, half_written, record, upload, wait_until_expired};

/// Returns an upload at this minute of the hour.
fn at(key: &str, minute: u32) -> Upload {
    Upload { time: Some(format!("2026-10-03T08:{minute:02}:00.000Z")), ..upload(key) }
}

fn version(key: &str, sequencer: &str) -> Upload {
    let minute = 10 + sequencer.bytes().last().map_or(0, u32::from) % 40;
    Upload { version: Some(sequencer.into()), sequencer: Some(sequencer.into()), ..at(key, minute) }
}

fn announced(upload: &Upload) -> AnnouncedLoad {
    AnnouncedLoad::from_upload(&LoadId::of(upload), upload, "stock")
}

async fn arrive(ledger: &Ledger, upload: &Upload) -> Turn {
    ledger.take_turn(&announced(upload), upload.key.as_str(), IfBusy::Queue).await.expect("an answer")
}

async fn next(ledger: &Ledger) -> Option<LoadId> {
    ledger.load_to_start("stock").await.expect("an answer")
}

async fn end(ledger: &Ledger, lease: &Lease) {
    ledger.end(lease, "a.xlsx", Ending::Done, json!({}), None).await.expect("the ending");
}

fn is_queued(turn: &Turn) -> bool {
    matches!(turn, Turn::Queued { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_finds_the_table_busy_waits_and_is_next() {
    let test = TestLedger::create().await;
    let (first, second) = (at("a.xlsx", 1), at("b.xlsx", 2));
    let (lease, _) = expect_turn(arrive(&test.ledger, &first).await);
    let turn = arrive(&test.ledger, &second).await;
    assert!(matches!(&turn, Turn::Queued { behind: Some(load) } if *load == lease.load), "{turn:?}");
    let waiting = record(&test.ledger, &LoadId::of(&second)).await;
    assert_eq!((waiting.state, waiting.starts, waiting.stop), (State::Queued, 0, None));
    assert_eq!(next(&test.ledger).await, None, "the table is busy");
    end(&test.ledger, &lease).await;
    assert_eq!(next(&test.ledger).await, Some(LoadId::of(&second)));
    let (lease, found) =
        expect_turn(test.ledger.take_turn_to_continue(&LoadId::of(&second), "continued").await.expect("an answer"));
    assert_eq!((found.state, found.starts, found.upload), (State::Planning, 1, second));
    end(&test.ledger, &lease).await;
    assert_eq!(next(&test.ledger).await, None);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_loads_run_in_the_order_of_their_events_and_not_of_arrival() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(arrive(&test.ledger, &at("first.xlsx", 0)).await);
    for minute in [5, 2, 9, 2] {
        assert!(is_queued(&arrive(&test.ledger, &at(&format!("{minute}.xlsx"), minute)).await));
    }
    end(&test.ledger, &lease).await;
    // A load that arrives now and is not the first has to wait, although the table is free.
    let late = at("late.xlsx", 7);
    let turn = arrive(&test.ledger, &late).await;
    assert!(matches!(&turn, Turn::Queued { behind: Some(load) } if *load == LoadId::of(&at("2.xlsx", 2))), "{turn:?}");
    for (key, minute) in [("2.xlsx", 2), ("5.xlsx", 5), ("late.xlsx", 7), ("9.xlsx", 9)] {
        let load = LoadId::of(&at(key, minute));
        assert_eq!(next(&test.ledger).await, Some(load.clone()));
        let (lease, _) = expect_turn(test.ledger.take_turn_to_continue(&load, "continued").await.expect("an answer"));
        end(&test.ledger, &lease).await;
    }
    let ended = test.ledger.ended_loads("stock").await.expect("the history");
    let keys: Vec<LoadId> = ended.into_iter().map(|ended| ended.load).collect();
    assert_eq!(keys.len(), 5, "each load once: {keys:?}");
    assert_eq!(keys[0], LoadId::of(&at("9.xlsx", 9)), "the last one is first");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_does_not_overtake_waiting_loads() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(arrive(&test.ledger, &at("a.xlsx", 1)).await);
    arrive(&test.ledger, &at("b.xlsx", 2)).await;
    end(&test.ledger, &lease).await;
    let typed = announced(&Upload { time: None, ..super::from_disk("c.xlsx") });
    let turn = test.ledger.take_turn(&typed, "typed", IfBusy::DontQueue).await.expect("an answer");
    assert!(matches!(&turn, Turn::Busy { load } if *load == LoadId::of(&at("b.xlsx", 2))), "{turn:?}");
    assert_eq!(test.ledger.read(&typed.load).await.expect("an answer"), None);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_load_is_forgotten_that_arrives_while_the_table_becomes_free() {
    let test = TestLedger::create().await;
    for round in 0..24 {
        let (first, second) = (at(&format!("{round}-a.xlsx"), 1), at(&format!("{round}-b.xlsx"), 2));
        let (lease, _) = expect_turn(arrive(&test.ledger, &first).await);
        let ending = async {
            // Vary at which moment of the arrival the load ends.
            for _ in 0..round % 6 {
                record(&test.ledger, &lease.load).await;
            }
            end(&test.ledger, &lease).await;
            next(&test.ledger).await
        };
        let (next_load, turn) = tokio::join!(ending, arrive(&test.ledger, &second));
        let lease = match turn {
            Turn::Taken(lease, _) => lease,
            turn => {
                assert!(is_queued(&turn), "{turn:?}");
                assert_eq!(next_load, Some(LoadId::of(&second)), "round {round}");
                expect_turn(
                    test.ledger.take_turn_to_continue(&LoadId::of(&second), "continued").await.expect("an answer"),
                )
                .0
            }
        };
        end(&test.ledger, &lease).await;
        assert_eq!(next(&test.ledger).await, None);
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_concurrent_loads_one_begins_and_all_others_wait() {
    const REQUESTS: u32 = 12;
    let test = TestLedger::create().await;
    let turns = at_once((0..REQUESTS).map(|number| {
        let ledger = test.ledger.clone();
        async move { arrive(&ledger, &at(&format!("{number}.xlsx"), number)).await }
    }))
    .await;
    let (mut taken, waiting): (Vec<_>, Vec<_>) = turns.into_iter().partition(|turn| matches!(turn, Turn::Taken(..)));
    assert!(taken.len() == 1 && waiting.iter().all(is_queued), "{taken:?} {waiting:?}");
    let (mut lease, _) = expect_turn(taken.remove(0));
    let mut done = 1;
    loop {
        end(&test.ledger, &lease).await;
        let Some(load) = next(&test.ledger).await else { break };
        lease = expect_turn(test.ledger.take_turn_to_continue(&load, "continued").await.expect("an answer")).0;
        done += 1;
    }
    assert_eq!(done, REQUESTS);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_never_begins_once_a_newer_one_is_known() {
    let test = TestLedger::create().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "00550A"));
    let (lease, _) = expect_turn(arrive(&test.ledger, &newer).await);
    for _ in 0..2 {
        let turn = arrive(&test.ledger, &older).await;
        let Turn::Outdated(of, by) = &turn else { panic!("{turn:?}") };
        assert_eq!((&of.load, by), (&LoadId::of(&older), &lease.load));
    }
    let dropped = test.ledger.drop_load(&announced(&older), Ending::Superseded, "Nothing was changed.").await;
    assert!(dropped.expect("an answer"));
    let ended = record(&test.ledger, &LoadId::of(&older)).await;
    assert_eq!((ended.state, ended.ending, ended.starts), (State::Ended, Some(Ending::Superseded), 0));
    assert!(matches!(arrive(&test.ledger, &older).await, Turn::Ended(_)));
    // Files with other names are independent.
    assert!(is_queued(&arrive(&test.ledger, &version("b.xlsx", "0055")).await));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_older_version_is_outdated_at_its_turn() {
    let test = TestLedger::create().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "0056"));
    let (lease, _) = expect_turn(arrive(&test.ledger, &at("first.xlsx", 0)).await);
    assert!(is_queued(&arrive(&test.ledger, &older).await) && is_queued(&arrive(&test.ledger, &newer).await));
    end(&test.ledger, &lease).await;
    let load = next(&test.ledger).await.expect("a load");
    assert_eq!(load, LoadId::of(&older));
    let Turn::Outdated(of, by) = test.ledger.take_turn_to_continue(&load, "continued").await.expect("an answer") else {
        panic!("the older version began")
    };
    assert_eq!(by, LoadId::of(&newer));
    assert!(test.ledger.drop_load(&of, Ending::Superseded, "").await.expect("an answer"));
    assert_eq!(next(&test.ledger).await, Some(LoadId::of(&newer)));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_makes_the_older_one_stop_at_its_next_chunk() {
    let test = TestLedger::create().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "0056"));
    let lease = half_written(&test.ledger, &older).await;
    assert!(is_queued(&arrive(&test.ledger, &newer).await));
    let stopped = Stop::Superseded { by: LoadId::of(&newer) };
    match test.ledger.checkpoint(&lease, 4).await {
        Err(LedgerError::Stopped { load, stop }) => assert_eq!((&load, &stop), (&lease.load, &stopped)),
        other => panic!("the load continues: {other:?}"),
    }
    assert!(lease.is_live(), "the load still has its turn to end itself");
    assert_eq!(record(&test.ledger, &lease.load).await.chunks_done, 3);
    end(&test.ledger, &lease).await;
    assert_eq!(next(&test.ledger).await, Some(LoadId::of(&newer)));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_upload_that_arrives_late_goes_first_while_nothing_is_written() {
    let test = TestLedger::create().await;
    let (early, late) = (at("early.xlsx", 1), at("late.xlsx", 2));
    let (lease, found) = expect_turn(arrive(&test.ledger, &late).await);
    assert!(is_queued(&arrive(&test.ledger, &early).await));
    let error = test.ledger.planned(&lease, &found, 5).await.unwrap_err();
    assert!(matches!(&error, LedgerError::Stopped { stop: Stop::GiveWay { .. }, .. }), "{error}");
    test.ledger.give_way(&lease, &found.position).await.expect("the table given");
    let waiting = record(&test.ledger, &lease.load).await;
    assert_eq!((waiting.state, waiting.stop, waiting.starts_without_progress), (State::Queued, None, 0));
    for upload in [&early, &late] {
        assert_eq!(next(&test.ledger).await, Some(LoadId::of(upload)));
        let (lease, found) =
            expect_turn(test.ledger.take_turn_to_continue(&LoadId::of(upload), "continued").await.expect("an answer"));
        test.ledger.planned(&lease, &found, 5).await.expect("planned");
        // From now on no other load can go first.
        assert!(is_queued(&arrive(&test.ledger, &at(&format!("before-{}", upload.key), 0)).await));
        test.ledger.checkpoint(&lease, 1).await.expect("a checkpoint");
        end(&test.ledger, &lease).await;
        let first = next(&test.ledger).await.expect("the load that arrived too late");
        end(
            &test.ledger,
            &expect_turn(test.ledger.take_turn_to_continue(&first, "continued").await.expect("an answer")).0,
        )
        .await;
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_run_died_is_started_next() {
    let test = TestLedger::create().await;
    let dead = half_written(&test.expiring, &upload("a.xlsx")).await;
    arrive(&test.ledger, &at("b.xlsx", 2)).await;
    wait_until_expired(&dead).await;
    assert_eq!(next(&test.ledger).await, Some(dead.load.clone()));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_command_does_not_block_waiting_loads() {
    let test = TestLedger::create().await;
    let dead = half_written(&test.expiring, &super::from_disk("a.xlsx")).await;
    let waits = announced(&at("b.xlsx", 2));
    test.ledger.enqueue(&waits, "asked").await.expect("an answer");
    wait_until_expired(&dead).await;
    assert_eq!(next(&test.ledger).await, Some(waits.load.clone()));
    expect_turn(test.ledger.take_turn_to_continue(&waits.load, "continued").await.expect("an answer"));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_queue_position_of_an_ended_load_does_not_block_the_queue() {
    let test = TestLedger::create().await;
    let (twice, waits) = (at("a.xlsx", 1), at("b.xlsx", 3));
    test.ledger.enqueue(&announced(&twice), "asked").await.expect("an answer");
    let place =
        [("pk", "table#stock".to_string()), ("sk", format!("queue#2026-10-03T08:02:00.000Z#{}", LoadId::of(&twice)))];
    let put = test.cloud.dynamodb.put_item().table_name(&test.table);
    let item = place.map(|(name, value)| (name.to_string(), AttributeValue::S(value)));
    put.set_item(Some(item.into())).send().await.expect("a second place");
    test.ledger.enqueue(&announced(&waits), "asked").await.expect("an answer");
    for upload in [&twice, &waits] {
        assert_eq!(next(&test.ledger).await, Some(LoadId::of(upload)));
        end(
            &test.ledger,
            &expect_turn(test.ledger.take_turn_to_continue(&LoadId::of(upload), "asked").await.expect("an answer")).0,
        )
        .await;
    }
    assert_eq!(next(&test.ledger).await, None);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_keeps_its_first_stop_request_unless_that_was_to_give_way() {
    let test = TestLedger::create().await;
    let (lease, found) = expect_turn(arrive(&test.ledger, &at("a.xlsx", 5)).await);
    let load = &lease.load;
    let stop = |by: &str| Stop::Cancelled { by: by.into() };
    let give_way = Stop::GiveWay { to: LoadId::of(&at("b.xlsx", 1)) };
    let ask = async |stop: &Stop| test.ledger.ask_to_stop(load, stop).await.expect("an answer");
    assert!(ask(&give_way).await && ask(&stop("Erika")).await, "a request to give way can be replaced");
    assert!(!ask(&stop("Max")).await && !ask(&give_way).await);
    assert_eq!(record(&test.ledger, load).await.stop, Some(stop("Erika")));
    let error = test.ledger.planned(&lease, &found, 1).await.unwrap_err();
    assert!(error.to_string().contains("asked to stop"), "{error}");
    end(&test.ledger, &lease).await;
    assert!(!test.ledger.ask_to_stop(load, &stop("Max")).await.expect("an answer"), "it has ended");
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_load_that_is_dropped_while_it_starts_is_either_dropped_or_begun() {
    let test = TestLedger::create().await;
    for round in 0..12 {
        let upload = at(&format!("{round}.xlsx"), 1);
        let load = LoadId::of(&upload);
        test.ledger.enqueue(&announced(&upload), "asked").await.expect("an answer");
        let ledger = Arc::new(test.ledger.clone());
        let known = announced(&upload);
        let (dropped, turn) = tokio::join!(
            ledger.drop_load(&known, Ending::Cancelled, ""),
            ledger.take_turn_to_continue(&load, "continued")
        );
        match (dropped.expect("an answer"), turn.expect("an answer")) {
            (true, Turn::Ended(_)) => {}
            (false, Turn::Taken(lease, _)) => end(&test.ledger, &lease).await,
            other => panic!("{other:?}"),
        }
        assert_eq!(next(&test.ledger).await, None);
    }
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_another_loader_is_not_started() {
    let test = TestLedger::create().await;
    let (our_ledger, their_ledger) =
        (test.expiring.clone().with_reports_at("s3://a/loads"), test.ledger.clone().with_reports_at("s3://b/loads"));
    let theirs = at("a.xlsx", 1);
    let dead = half_written(&our_ledger, &theirs).await;
    wait_until_expired(&dead).await;
    assert_eq!(next(&our_ledger).await, Some(dead.load.clone()));
    assert_eq!(next(&their_ledger).await, None, "its plan is in another bucket");
    assert!(matches!(arrive(&their_ledger, &theirs).await, Turn::Duplicate));
    expect_turn(our_ledger.take_turn_to_continue(&dead.load, "continued").await.expect("an answer"));
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_met_a_fault_pauses_before_it_is_started_again() {
    let test = TestLedger::create().await;
    let retries = Retries::default();
    let fault = |why: &str| Outage::after(None, why.into(), jiff::Timestamp::now(), &retries);
    let lease = half_written(&test.expiring, &at("a.xlsx", 1)).await;
    test.expiring.note_outage(&lease, &fault("busy")).await.expect("noted");
    let noted = record(&test.ledger, &lease.load).await;
    assert_eq!((noted.starts_without_progress, noted.outage.map(|outage| outage.why)), (0, Some("busy".into())));
    wait_until_expired(&lease).await;
    assert_eq!(next(&test.ledger).await, None, "it is still pausing");
    // A load that only has to stop does not pause.
    assert!(test.ledger.ask_to_stop(&lease.load, &Stop::Cancelled { by: "Erika".into() }).await.expect("an answer"));
    assert_eq!(next(&test.ledger).await, Some(lease.load.clone()));
    test.delete().await;

    let test = TestLedger::create().await;
    let lease = half_written(&test.expiring, &at("a.xlsx", 1)).await;
    test.expiring.note_outage(&lease, &fault("busy")).await.expect("noted");
    wait_until_expired(&lease).await;
    // An operator has fixed the problem and wants the load retried now.
    assert!(test.ledger.forget_outage(&lease.load).await.expect("an answer"));
    assert!(!test.ledger.forget_outage(&lease.load).await.expect("an answer"), "there is none left");
    eventually("its lease to expire", || async { next(&test.ledger).await }).await;
    // Progress resets the outage.
    let (lease, _) = expect_turn(test.ledger.take_turn_to_continue(&lease.load, "continued").await.expect("an answer"));
    test.ledger.note_outage(&lease, &fault("again")).await.expect("noted");
    let (lease, _) = expect_turn(test.ledger.take_turn_to_continue(&lease.load, "continued").await.expect("an answer"));
    test.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    assert!(lease.has_progressed());
    assert_eq!(record(&test.ledger, &lease.load).await.outage, None);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn follow_ups_of_an_ended_load_are_recorded_once() {
    let test = TestLedger::create().await;
    let (lease, _) = expect_turn(arrive(&test.ledger, &at("a.xlsx", 1)).await);
    end(&test.ledger, &lease).await;
    let later = |what, by: &str| FollowUp {
        what,
        load: lease.load.next(),
        by: Some(by.into()),
        at: "2026-10-03T08:00:00Z".parse().expect("a time"),
    };
    let (reloaded, undone) = (later(FollowUpKind::Reloaded, "Erika"), later(FollowUpKind::Undone, "Max"));
    for later in [&reloaded, &undone, &reloaded] {
        test.ledger.note_later(&lease.load, later).await.expect("noted");
    }
    assert_eq!(record(&test.ledger, &lease.load).await.later, [reloaded, undone]);
    let unknown = LoadId::of(&at("never.xlsx", 1));
    test.ledger.note_later(&unknown, &later(FollowUpKind::Undone, "Max")).await.expect("an answer");
    assert_eq!(test.ledger.read(&unknown).await.expect("an answer"), None);
    test.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completely_written_load_is_not_asked_to_stop() {
    let test = TestLedger::create().await;
    let lease = half_written(&test.ledger, &at("a.xlsx", 5)).await;
    test.ledger.checkpoint(&lease, 5).await.expect("a checkpoint");
    assert!(record(&test.ledger, &lease.load).await.is_written());
    let cancelled = Stop::Cancelled { by: "Erika".into() };
    assert!(!test.ledger.ask_to_stop(&lease.load, &cancelled).await.expect("an answer"));
    end(&test.ledger, &lease).await;
    test.delete().await;
}
