//! Loads that wait: in the order of their events, the newest version of a file alone, and none forgotten.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::decision::{Afterwards, Later};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{Announced, IfBusy, Lease, Ledger, LedgerError, Outage, Retries, State, Stop, Turn};
use serde_json::json;

use crate::harness::eventually;

use super::{Own, at_once, half_written, has_run_out, ours, record, upload};

/// An upload of this minute of the hour.
fn at(key: &str, minute: u32) -> Upload {
    Upload { time: Some(format!("2026-10-03T08:{minute:02}:00.000Z")), ..upload(key) }
}

fn version(key: &str, sequencer: &str) -> Upload {
    let minute = 10 + sequencer.bytes().last().map_or(0, u32::from) % 40;
    Upload { version: Some(sequencer.into()), sequencer: Some(sequencer.into()), ..at(key, minute) }
}

fn announced(upload: &Upload) -> Announced {
    Announced::upload(&LoadId::of(upload), upload, "stock")
}

async fn arrive(ledger: &Ledger, upload: &Upload) -> Turn {
    ledger.take_turn(&announced(upload), upload.key.as_str(), IfBusy::Queue).await.expect("an answer")
}

async fn next(ledger: &Ledger) -> Option<LoadId> {
    ledger.who_should_run("stock").await.expect("an answer")
}

async fn end(ledger: &Ledger, lease: &Lease) {
    ledger.end(lease, "a.xlsx", "done", json!({}), None).await.expect("the ending");
}

fn is_queued(turn: &Turn) -> bool {
    matches!(turn, Turn::Queued { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_finds_the_table_busy_waits_and_is_next() {
    let own = Own::ledger().await;
    let (first, second) = (at("a.xlsx", 1), at("b.xlsx", 2));
    let (lease, _) = ours(arrive(&own.ledger, &first).await);
    let turn = arrive(&own.ledger, &second).await;
    assert!(matches!(&turn, Turn::Queued { behind: Some(load) } if *load == lease.load), "{turn:?}");
    let waiting = record(&own.ledger, &LoadId::of(&second)).await;
    assert_eq!((waiting.state, waiting.starts, waiting.stop), (State::Queued, 0, None));
    assert_eq!(next(&own.ledger).await, None, "the table is not free");
    end(&own.ledger, &lease).await;
    assert_eq!(next(&own.ledger).await, Some(LoadId::of(&second)));
    let (lease, found) = ours(own.ledger.take_up(&LoadId::of(&second), "continued").await.expect("an answer"));
    assert_eq!((found.state, found.starts, found.upload), (State::Planning, 1, second));
    end(&own.ledger, &lease).await;
    assert_eq!(next(&own.ledger).await, None);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_goes_in_the_order_of_the_events_and_not_of_arrival() {
    let own = Own::ledger().await;
    let (lease, _) = ours(arrive(&own.ledger, &at("first.xlsx", 0)).await);
    for minute in [5, 2, 9, 2] {
        assert!(is_queued(&arrive(&own.ledger, &at(&format!("{minute}.xlsx"), minute)).await));
    }
    end(&own.ledger, &lease).await;
    // One that comes now and is not the first waits behind it, though the table is free.
    let late = at("late.xlsx", 7);
    let turn = arrive(&own.ledger, &late).await;
    assert!(matches!(&turn, Turn::Queued { behind: Some(load) } if *load == LoadId::of(&at("2.xlsx", 2))), "{turn:?}");
    for (key, minute) in [("2.xlsx", 2), ("5.xlsx", 5), ("late.xlsx", 7), ("9.xlsx", 9)] {
        let load = LoadId::of(&at(key, minute));
        assert_eq!(next(&own.ledger).await, Some(load.clone()));
        let (lease, _) = ours(own.ledger.take_up(&load, "continued").await.expect("an answer"));
        end(&own.ledger, &lease).await;
    }
    let ended = own.ledger.ended_loads("stock").await.expect("the history");
    let keys: Vec<LoadId> = ended.into_iter().map(|ended| ended.load).collect();
    assert_eq!(keys.len(), 5, "each once: {keys:?}");
    assert_eq!(keys[0], LoadId::of(&at("9.xlsx", 9)), "the last one first");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_does_not_pass_those_who_wait() {
    let own = Own::ledger().await;
    let (lease, _) = ours(arrive(&own.ledger, &at("a.xlsx", 1)).await);
    arrive(&own.ledger, &at("b.xlsx", 2)).await;
    end(&own.ledger, &lease).await;
    let typed = announced(&Upload { time: None, ..super::from_disk("c.xlsx") });
    let turn = own.ledger.take_turn(&typed, "typed", IfBusy::Tell).await.expect("an answer");
    assert!(matches!(&turn, Turn::Busy { load } if *load == LoadId::of(&at("b.xlsx", 2))), "{turn:?}");
    assert_eq!(own.ledger.read(&typed.load).await.expect("an answer"), None);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_forgotten_who_comes_while_the_table_becomes_free() {
    let own = Own::ledger().await;
    for round in 0..24 {
        let (first, second) = (at(&format!("{round}-a.xlsx"), 1), at(&format!("{round}-b.xlsx"), 2));
        let (lease, _) = ours(arrive(&own.ledger, &first).await);
        let ending = async {
            // Falls on another moment of the arrival each time.
            for _ in 0..round % 6 {
                record(&own.ledger, &lease.load).await;
            }
            end(&own.ledger, &lease).await;
            next(&own.ledger).await
        };
        let (told, turn) = tokio::join!(ending, arrive(&own.ledger, &second));
        let lease = match turn {
            Turn::Ours(lease, _) => lease,
            turn => {
                assert!(is_queued(&turn), "{turn:?}");
                assert_eq!(told, Some(LoadId::of(&second)), "round {round}");
                ours(own.ledger.take_up(&LoadId::of(&second), "continued").await.expect("an answer")).0
            }
        };
        end(&own.ledger, &lease).await;
        assert_eq!(next(&own.ledger).await, None);
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_come_at_once_one_begins_and_all_others_wait() {
    const RACERS: u32 = 12;
    let own = Own::ledger().await;
    let turns = at_once((0..RACERS).map(|racer| {
        let ledger = own.ledger.clone();
        async move { arrive(&ledger, &at(&format!("{racer}.xlsx"), racer)).await }
    }))
    .await;
    let (mut taken, waiting): (Vec<_>, Vec<_>) = turns.into_iter().partition(|turn| matches!(turn, Turn::Ours(..)));
    assert!(taken.len() == 1 && waiting.iter().all(is_queued), "{taken:?} {waiting:?}");
    let (mut lease, _) = ours(taken.remove(0));
    let mut done = 1;
    loop {
        end(&own.ledger, &lease).await;
        let Some(load) = next(&own.ledger).await else { break };
        lease = ours(own.ledger.take_up(&load, "continued").await.expect("an answer")).0;
        done += 1;
    }
    assert_eq!(done, RACERS);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_never_begins_once_a_newer_one_is_known() {
    let own = Own::ledger().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "00550A"));
    let (lease, _) = ours(arrive(&own.ledger, &newer).await);
    for _ in 0..2 {
        let turn = arrive(&own.ledger, &older).await;
        let Turn::Outdated(of, by) = &turn else { panic!("{turn:?}") };
        assert_eq!((&of.load, by), (&LoadId::of(&older), &lease.load));
    }
    let dropped = own.ledger.drop_load(&announced(&older), "superseded", "Nothing was changed.").await;
    assert!(dropped.expect("an answer"));
    let over = record(&own.ledger, &LoadId::of(&older)).await;
    assert_eq!((over.state, over.ending.as_deref(), over.starts), (State::Ended, Some("superseded"), 0));
    assert!(matches!(arrive(&own.ledger, &older).await, Turn::Ended(_)));
    // Another name is another matter.
    assert!(is_queued(&arrive(&own.ledger, &version("b.xlsx", "0055")).await));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_that_waits_is_outdated_when_it_is_its_turn() {
    let own = Own::ledger().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "0056"));
    let (lease, _) = ours(arrive(&own.ledger, &at("first.xlsx", 0)).await);
    assert!(is_queued(&arrive(&own.ledger, &older).await) && is_queued(&arrive(&own.ledger, &newer).await));
    end(&own.ledger, &lease).await;
    let load = next(&own.ledger).await.expect("a load");
    assert_eq!(load, LoadId::of(&older));
    let Turn::Outdated(of, by) = own.ledger.take_up(&load, "continued").await.expect("an answer") else {
        panic!("it began")
    };
    assert_eq!(by, LoadId::of(&newer));
    assert!(own.ledger.drop_load(&of, "superseded", "").await.expect("an answer"));
    assert_eq!(next(&own.ledger).await, Some(LoadId::of(&newer)));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_makes_the_older_one_stop_at_its_next_chunk() {
    let own = Own::ledger().await;
    let (older, newer) = (version("a.xlsx", "0055"), version("a.xlsx", "0056"));
    let lease = half_written(&own.ledger, &older).await;
    assert!(is_queued(&arrive(&own.ledger, &newer).await));
    let stopped = Stop::Superseded { by: LoadId::of(&newer) };
    match own.ledger.checkpoint(&lease, 4).await {
        Err(LedgerError::Stopped { load, stop }) => assert_eq!((&load, &stop), (&lease.load, &stopped)),
        other => panic!("it goes on: {other:?}"),
    }
    assert!(lease.is_live(), "it still ends by itself, its requests answered");
    assert_eq!(record(&own.ledger, &lease.load).await.chunks_done, 3);
    end(&own.ledger, &lease).await;
    assert_eq!(next(&own.ledger).await, Some(LoadId::of(&newer)));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_upload_that_comes_late_goes_first_as_long_as_nothing_is_written() {
    let own = Own::ledger().await;
    let (early, late) = (at("early.xlsx", 1), at("late.xlsx", 2));
    let (lease, found) = ours(arrive(&own.ledger, &late).await);
    assert!(is_queued(&arrive(&own.ledger, &early).await));
    let error = own.ledger.planned(&lease, &found, 5).await.unwrap_err();
    assert!(matches!(&error, LedgerError::Stopped { stop: Stop::GiveWay { .. }, .. }), "{error}");
    own.ledger.give_way(&lease, &found.place).await.expect("the table given");
    let waiting = record(&own.ledger, &lease.load).await;
    assert_eq!((waiting.state, waiting.stop, waiting.starts_without_progress), (State::Queued, None, 0));
    for upload in [&early, &late] {
        assert_eq!(next(&own.ledger).await, Some(LoadId::of(upload)));
        let (lease, found) = ours(own.ledger.take_up(&LoadId::of(upload), "continued").await.expect("an answer"));
        own.ledger.planned(&lease, &found, 5).await.expect("planned");
        // From here on it is too late for anybody to go first.
        assert!(is_queued(&arrive(&own.ledger, &at(&format!("before-{}", upload.key), 0)).await));
        own.ledger.checkpoint(&lease, 1).await.expect("a checkpoint");
        end(&own.ledger, &lease).await;
        let first = next(&own.ledger).await.expect("the one that came too late");
        end(&own.ledger, &ours(own.ledger.take_up(&first, "continued").await.expect("an answer")).0).await;
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_run_died_is_the_one_that_should_run() {
    let own = Own::ledger().await;
    let dead = half_written(&own.brief, &upload("a.xlsx")).await;
    arrive(&own.ledger, &at("b.xlsx", 2)).await;
    has_run_out(&dead).await;
    assert_eq!(next(&own.ledger).await, Some(dead.load.clone()));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_not_held_up_by_a_command_that_was_stopped() {
    let own = Own::ledger().await;
    let dead = half_written(&own.brief, &super::from_disk("a.xlsx")).await;
    let waits = announced(&at("b.xlsx", 2));
    own.ledger.enqueue(&waits, "asked").await.expect("an answer");
    has_run_out(&dead).await;
    assert_eq!(next(&own.ledger).await, Some(waits.load.clone()));
    ours(own.ledger.take_up(&waits.load, "continued").await.expect("an answer"));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_place_of_a_load_that_is_over_holds_up_nobody() {
    let own = Own::ledger().await;
    let (twice, waits) = (at("a.xlsx", 1), at("b.xlsx", 3));
    own.ledger.enqueue(&announced(&twice), "asked").await.expect("an answer");
    let place =
        [("pk", "table#stock".to_string()), ("sk", format!("queue#2026-10-03T08:02:00.000Z#{}", LoadId::of(&twice)))];
    let put = own.cloud.dynamodb.put_item().table_name(&own.table);
    let item = place.map(|(name, value)| (name.to_string(), AttributeValue::S(value)));
    put.set_item(Some(item.into())).send().await.expect("a second place");
    own.ledger.enqueue(&announced(&waits), "asked").await.expect("an answer");
    for upload in [&twice, &waits] {
        assert_eq!(next(&own.ledger).await, Some(LoadId::of(upload)));
        end(&own.ledger, &ours(own.ledger.take_up(&LoadId::of(upload), "asked").await.expect("an answer")).0).await;
    }
    assert_eq!(next(&own.ledger).await, None);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_to_stop_is_asked_once_and_for_good() {
    let own = Own::ledger().await;
    let (lease, found) = ours(arrive(&own.ledger, &at("a.xlsx", 5)).await);
    let load = &lease.load;
    let stop = |by: &str| Stop::Cancelled { by: by.into() };
    let way = Stop::GiveWay { to: LoadId::of(&at("b.xlsx", 1)) };
    let ask = async |stop: &Stop| own.ledger.ask_to_stop(load, stop).await.expect("an answer");
    assert!(ask(&way).await && ask(&stop("Erika")).await, "to give way is not for good");
    assert!(!ask(&stop("Max")).await && !ask(&way).await);
    assert_eq!(record(&own.ledger, load).await.stop, Some(stop("Erika")));
    let error = own.ledger.planned(&lease, &found, 1).await.unwrap_err();
    assert!(error.to_string().contains("asked to stop"), "{error}");
    end(&own.ledger, &lease).await;
    assert!(!own.ledger.ask_to_stop(load, &stop("Max")).await.expect("an answer"), "it is over");
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_waits_and_is_dropped_while_it_is_taken_up_is_either_dropped_or_begun() {
    let own = Own::ledger().await;
    for round in 0..12 {
        let upload = at(&format!("{round}.xlsx"), 1);
        let load = LoadId::of(&upload);
        own.ledger.enqueue(&announced(&upload), "asked").await.expect("an answer");
        let ledger = Arc::new(own.ledger.clone());
        let known = announced(&upload);
        let (dropped, turn) =
            tokio::join!(ledger.drop_load(&known, "cancelled", ""), ledger.take_up(&load, "continued"));
        match (dropped.expect("an answer"), turn.expect("an answer")) {
            (true, Turn::Ended(_)) => {}
            (false, Turn::Ours(lease, _)) => end(&own.ledger, &lease).await,
            other => panic!("{other:?}"),
        }
        assert_eq!(next(&own.ledger).await, None);
    }
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_another_loader_is_left_to_it() {
    let own = Own::ledger().await;
    let (ours_in, theirs_in) =
        (own.brief.clone().of_loader("s3://a/loads"), own.ledger.clone().of_loader("s3://b/loads"));
    let theirs = at("a.xlsx", 1);
    let dead = half_written(&ours_in, &theirs).await;
    has_run_out(&dead).await;
    assert_eq!(next(&ours_in).await, Some(dead.load.clone()));
    assert_eq!(next(&theirs_in).await, None, "its plan is in another bucket");
    assert!(matches!(arrive(&theirs_in, &theirs).await, Turn::Duplicate));
    ours(ours_in.take_up(&dead.load, "continued").await.expect("an answer"));
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_met_a_fault_has_its_pause_and_is_then_the_one_that_should_run() {
    let own = Own::ledger().await;
    let retries = Retries::default();
    let fault = |why: &str| Outage::after(None, why.into(), jiff::Timestamp::now(), &retries);
    let lease = half_written(&own.brief, &at("a.xlsx", 1)).await;
    own.brief.note_outage(&lease, &fault("busy")).await.expect("noted");
    let noted = record(&own.ledger, &lease.load).await;
    assert_eq!((noted.starts_without_progress, noted.outage.map(|outage| outage.why)), (0, Some("busy".into())));
    has_run_out(&lease).await;
    assert_eq!(next(&own.ledger).await, None, "its pause is not over");
    // Nothing is gained by waiting where it is only to stop.
    assert!(own.ledger.ask_to_stop(&lease.load, &Stop::Cancelled { by: "Erika".into() }).await.expect("an answer"));
    assert_eq!(next(&own.ledger).await, Some(lease.load.clone()));
    own.delete().await;

    let own = Own::ledger().await;
    let lease = half_written(&own.brief, &at("a.xlsx", 1)).await;
    own.brief.note_outage(&lease, &fault("busy")).await.expect("noted");
    has_run_out(&lease).await;
    // Somebody has mended it and wants it tried now.
    assert!(own.ledger.forget_outage(&lease.load).await.expect("an answer"));
    assert!(!own.ledger.forget_outage(&lease.load).await.expect("an answer"), "there is none any more");
    eventually("its lease to run out", || async { next(&own.ledger).await }).await;
    // What gets further has left its faults behind.
    let (lease, _) = ours(own.ledger.take_up(&lease.load, "continued").await.expect("an answer"));
    own.ledger.note_outage(&lease, &fault("again")).await.expect("noted");
    let (lease, _) = ours(own.ledger.take_up(&lease.load, "continued").await.expect("an answer"));
    own.ledger.checkpoint(&lease, 4).await.expect("a checkpoint");
    assert!(lease.has_progressed());
    assert_eq!(record(&own.ledger, &lease.load).await.outage, None);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_load_after_its_end_is_noted_once_in_its_record() {
    let own = Own::ledger().await;
    let (lease, _) = ours(arrive(&own.ledger, &at("a.xlsx", 1)).await);
    end(&own.ledger, &lease).await;
    let later = |what, by: &str| Later {
        what,
        load: lease.load.next(),
        by: Some(by.into()),
        at: "2026-10-03T08:00:00Z".parse().expect("a time"),
    };
    let (reloaded, undone) = (later(Afterwards::Reloaded, "Erika"), later(Afterwards::Undone, "Max"));
    for later in [&reloaded, &undone, &reloaded] {
        own.ledger.note_later(&lease.load, later).await.expect("noted");
    }
    assert_eq!(record(&own.ledger, &lease.load).await.later, [reloaded, undone]);
    let nobody = LoadId::of(&at("never.xlsx", 1));
    own.ledger.note_later(&nobody, &later(Afterwards::Undone, "Max")).await.expect("an answer");
    assert_eq!(own.ledger.read(&nobody).await.expect("an answer"), None);
    own.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_which_all_is_written_is_not_asked_to_stop() {
    let own = Own::ledger().await;
    let lease = half_written(&own.ledger, &at("a.xlsx", 5)).await;
    own.ledger.checkpoint(&lease, 5).await.expect("a checkpoint");
    assert!(record(&own.ledger, &lease.load).await.is_written());
    let cancelled = Stop::Cancelled { by: "Erika".into() };
    assert!(!own.ledger.ask_to_stop(&lease.load, &cancelled).await.expect("an answer"));
    end(&own.ledger, &lease).await;
    own.delete().await;
}
