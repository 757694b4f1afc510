//! What a bad day or a person does to a load: old failures sent again, outages of minutes, events that never come, tables
//! too slow for a run, ledgers of yesterday, plans that are deleted, tables that are made anew.

use std::time::Duration;

use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;
use inventory_check::report::Report;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::call::{Call, Service};
use super::fault::Fault;
use super::lambda::Settings;
use super::model::{RULES_IN_ORDER, RULES_OF_ALL, Stock, Uploads, Version};
use super::process::Outcome;
use super::proxy::Policy;
use super::seeds::{full, seed};
use super::world::World;
use super::{SECOND, is_write, settings};
use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::{another_second, eventually};

/// How each of these loads ended, once all of them have, however many sweeps that takes.
async fn endings(world: &World, loads: &[&LoadId]) -> Vec<String> {
    let what = format!("the ends of {loads:?}, with the log in {:?}", world.log);
    let found = eventually(&what, || async {
        let ledger = world.read_ledger(&[]).await;
        let ending = |load: &&LoadId| {
            ledger.records.iter().find(|record| record.load == **load).and_then(|record| record.ending.clone())
        };
        let found: Vec<String> = loads.iter().filter_map(ending).collect();
        (found.len() == loads.len()).then_some(found)
    })
    .await;
    world.lambda.quiet().await;
    found
}

async fn report(world: &World, load: &LoadId) -> Report {
    world.report(load).await.unwrap_or_else(|| panic!("{load} has no report; log in {:?}", world.log))
}

async fn assert_stock(world: &World, versions: &[&Version]) {
    let differences = Stock::of(versions.iter().copied()).differences(&world.stock_items().await);
    assert_eq!(differences, [""; 0], "log in {:?}", world.log);
}

async fn answer(world: &World, event: Json) -> Json {
    match world.lambda.ask(&event).await {
        Outcome::Answered(answer) => answer["answers"][0].clone(),
        other => panic!("{event}: {other:?}"),
    }
}

/// All calls that are of this kind meet this fault until it is over.
fn for_a_while(length: Duration, fault: Fault, meets: impl Fn(&Call) -> bool + Send + 'static) -> Policy {
    let over = Instant::now() + length;
    Box::new(move |call| (Instant::now() < over && meets(call)).then_some(fault))
}

fn is_of_stock(call: &Call) -> bool {
    call.kind.service == Service::DynamoDb && call.kind.place == "stock"
}

fn is_of_ledger(call: &Call) -> bool {
    call.kind.service == Service::DynamoDb && call.kind.place == "ledger"
}

#[tokio::test(flavor = "multi_thread")]
async fn old_failures_that_are_sent_again_do_not_go_over_newer_stock() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { rules: RULES_IN_ORDER, ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    world.proxy.follow(Box::new(|call| is_of_stock(call).then_some(Fault::Denied)));
    let january = uploads.put_exactly(&world, "january", 0..60).await;
    let march = uploads.put_exactly(&world, "march", 20..50).await;
    let elsewhere = uploads.put_exactly(&world, "elsewhere", 500..560).await;
    let failed = [&january, &march, &elsewhere];
    failed.iter().for_each(|version| world.lambda.send(&version.event()));
    let loads = failed.map(|version| &version.load);
    assert_eq!(endings(&world, &loads).await, ["failed"; 3], "log in {:?}", world.log);

    world.proxy.follow(Box::new(|_| None));
    let june = uploads.put_exactly(&world, "june", 0..40).await;
    world.lambda.send(&june.event());
    assert_eq!(endings(&world, &[&june.load]).await, ["done"]);

    let listed = answer(&world, json!({ "failed": {} })).await;
    let listed: Vec<&str> =
        listed["failed"]["loads"].as_array().expect("loads").iter().filter_map(|load| load["load"].as_str()).collect();
    assert_eq!(listed, loads.map(LoadId::as_str), "the oldest upload first");
    let redriven = answer(&world, json!({ "redrive": { "by": "Erika" } })).await;
    assert_eq!(redriven["redriven"]["left"], json!([]));
    let again = loads.map(LoadId::next);
    assert_eq!(endings(&world, &again.each_ref()).await, ["held", "held", "done"], "log in {:?}", world.log);
    assert_stock(&world, &[&june, &elsewhere]).await;
    let held = report(&world, &again[0]).await;
    assert!(held.held[0].message.contains("(40 items)") && held.held[0].message.contains("june.csv"), "{held:?}");

    // Somebody who has read that may load it all the same, and that is what was asked for.
    answer(&world, json!({ "approve": { "load": again[1], "by": "Erika" } })).await;
    let approved = again[1].next();
    assert_eq!(endings(&world, &[&approved]).await, ["done"], "log in {:?}", world.log);
    assert_stock(&world, &[&june, &elsewhere, &march]).await;
    // What is taken back is no older upload, whenever it was loaded.
    answer(&world, json!({ "undo": { "load": approved, "by": "Erika", "dry_run": false } })).await;
    assert_eq!(endings(&world, &[&approved.undoing()]).await, ["done"]);
    assert_stock(&world, &[&june, &elsewhere]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_comes_late_does_not_go_over_a_newer_one() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { rules: RULES_IN_ORDER, ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    let late = uploads.put_exactly(&world, "late", 0..30).await;
    let early = uploads.put_exactly(&world, "early", 10..20).await;
    world.lambda.send(&early.event());
    assert_eq!(endings(&world, &[&early.load]).await, ["done"]);
    world.lambda.send(&late.event());
    assert_eq!(endings(&world, &[&late.load]).await, ["held"], "log in {:?}", world.log);
    assert_stock(&world, &[&early]).await;
    world.end().await;
}

/// Twenty minutes, in a world that is sixty times as fast.
const OUTAGE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_out_of_order_for_twenty_minutes_is_nobodys_work() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    let version = uploads.put(&world, "patient", 1_500, 2_000).await;
    world
        .proxy
        .follow(for_a_while(OUTAGE, Fault::Throttled, |call| is_write(call) || is_of_stock(call) && call.batch > 0));
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("load_delayed") > 0, "log in {:?}", world.log);
    world.audit(&[version]).await;
    assert_eq!(answer(&world, json!({ "failed": {} })).await["failed"]["events"], 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_finds_no_ledger_for_twenty_minutes_is_loaded_when_it_is_back() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    let version = uploads.put(&world, "unheard", 100, 200).await;
    world.proxy.follow(for_a_while(OUTAGE, Fault::RequestLost, is_of_ledger));
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("event_sent_again") > 0, "log in {:?}", world.log);
    world.audit(&[version]).await;
    assert_eq!(answer(&world, json!({ "failed": {} })).await["failed"]["events"], 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_out_of_order_is_told_once_when_it_takes_long_and_once_when_it_is_given_up() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let seconds = |of_aws: u32| (SECOND * of_aws).as_secs_f64().to_string();
    let more = vec![
        ("LATE_SECONDS", seconds(200)),
        ("GIVE_UP_SECONDS", seconds(900)),
        ("LONGEST_RETRY_SECONDS", seconds(120)),
    ];
    let world = World::new(seed, Settings { has_failure_queue: true, more, ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    let version = uploads.put(&world, "hopeless", 100, 200).await;
    world
        .proxy
        .follow(Box::new(|call| (is_of_stock(call) && call.batch > 0 || is_write(call)).then_some(Fault::Throttled)));
    // A table that has something is compared.
    let first = json!({ "sku": { "S": "there" } });
    world.put_stock(&first).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    assert_eq!(world.count_events("delay_told"), 1, "log in {:?}", world.log);
    let stopped = report(&world, &version.load).await.stopped.expect("a reason");
    assert!(stopped.reason.starts_with("The load was tried "), "{stopped:?}");
    // What is out of order again works again, and the load with it.
    world.proxy.follow(Box::new(|_| None));
    answer(&world, json!({ "redrive": { "load": version.load, "by": "Erika" } })).await;
    assert_eq!(endings(&world, &[&version.load.next()]).await, ["done"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_are_denied_for_a_while_keep_no_load_from_ending_once_they_are_not() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let version = Uploads::of_now(seed).put(&world, "denied", 100, 200).await;
    let is_report =
        |call: &Call| call.kind.service == Service::S3 && call.kind.place != "uploads" && call.kind.place != "rules";
    world.proxy.follow(for_a_while(OUTAGE, Fault::Denied, is_report));
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    world.audit(&[version]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_event_was_lost_is_found_and_loaded_once() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let more = vec![("FORGOTTEN_AFTER_SECONDS", "1".to_string()), ("LOOK_EVERY_SECONDS", "1".to_string())];
    let world = World::new(seed, Settings { more, ..settings() }).await;
    // S3 tells whole seconds, and what is as old as the ledger is not looked at.
    another_second().await;
    let mut uploads = Uploads::of_now(seed);
    let told = uploads.put_exactly(&world, "told", 0..40).await;
    let lost = uploads.put_exactly(&world, "lost", 100..140).await;
    let replaced = uploads.put_exactly(&world, "replaced", 200..240).await;
    let newest = uploads.put_exactly(&world, "replaced", 200..230).await;
    world.lambda.send(&told.event());
    let loads = [&told.load, &lost.load, &newest.load];
    assert_eq!(endings(&world, &loads).await, ["done"; 3], "log in {:?}", world.log);
    assert_stock(&world, &[&told, &lost, &newest]).await;
    let before = world.read_ledger(&[]).await.records;
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(!before.iter().any(|record| record.load == replaced.load), "only the newest version is loaded");
    // It looks again and again, and finds nothing more; nor does it where the ledger has forgotten all of it.
    let ledger = world.items_of(&world.ledger).await;
    world.restore(&world.ledger, &["pk", "sk"], Vec::new()).await;
    world.lambda.next_sweep().await;
    world.lambda.next_sweep().await;
    assert_eq!(world.read_ledger(&[]).await.records, [], "what has a report was loaded");
    world.restore(&world.ledger, &["pk", "sk"], ledger).await;
    assert_eq!(world.count_events("forgotten_upload_found"), 2, "log in {:?}", world.log);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_so_slow_that_a_chunk_takes_several_runs_gets_every_item() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    // A thousand rows at a hundred units a second, in runs of three seconds. At one unit a second a run of Lambda, which
    // takes 15 minutes, does as much of a chunk.
    let more = vec![("READ_UNITS", "200".to_string())];
    let timeout = Duration::from_secs(3);
    let world = World::new(seed, Settings { timeout, write_units: Some(100), more, ..settings() }).await;
    let rows = if full() { 2_500 } else { 1_100 };
    for sku in 0..rows {
        world.put_stock(&json!({ "sku": { "S": format!("s-{sku:05}") }, "name": { "S": "as it was" } })).await;
    }
    let version = Uploads::of_now(seed).put_exactly(&world, "slow", 0..rows).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    let (chunks, reads) = (world.count_events("chunk_left_in_part"), world.count_events("read_left_in_part"));
    assert!(chunks >= 2 && reads >= 1, "{chunks} and {reads} were left in part, log in {:?}", world.log);
    let loaded = report(&world, &version.load).await;
    assert_eq!(loaded.rows.fates[&Fate::Changed], version.rows.len() as u64);
    assert_stock(&world, &[&version]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_longer_to_scan_than_a_run_gets_its_plan_all_the_same() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let more = vec![("READ_UNITS", "200".to_string())];
    let timeout = Duration::from_secs(3);
    let world = World::new(seed, Settings { timeout, rules: RULES_OF_ALL, more, ..settings() }).await;
    // Four megabytes of items that the sheet does not list: some thousand units to read.
    const UNLISTED: u64 = 40;
    for number in 0..UNLISTED {
        let text = "x".repeat(100_000);
        world.put_stock(&json!({ "sku": { "S": format!("old-{number:04}") }, "name": { "S": text } })).await;
    }
    let version = Uploads::of_now(seed).put_exactly(&world, "all", 0..50).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("planning_handed_over") >= 1, "log in {:?}", world.log);
    assert_stock(&world, &[&version]).await;
    assert_eq!(report(&world, &version.load).await.missing.total, UNLISTED);
    world.end().await;
}

/// A load that is being written, after some of its chunks.
async fn in_the_middle(world: &World, version: &Version) {
    world.lambda.send(&version.event());
    let name = format!("loads/{}/outcome/00000.json", version.load);
    eventually("the first chunk", || world.kept(&name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_yesterday_writes_nothing_of_yesterday() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let mut uploads = Uploads::of_now(seed);
    let old = uploads.put_exactly(&world, "old", 0..4_000).await;
    in_the_middle(&world, &old).await;
    let yesterday = world.items_of(&world.ledger).await;
    assert_eq!(endings(&world, &[&old.load]).await, ["done"], "log in {:?}", world.log);
    let new = uploads.put_exactly(&world, "new", 0..4_000).await;
    world.lambda.send(&new.event());
    assert_eq!(endings(&world, &[&new.load]).await, ["done"]);
    world.restore(&world.ledger, &["pk", "sk"], yesterday).await;
    assert_eq!(endings(&world, &[&old.load]).await, ["done"], "log in {:?}", world.log);
    assert_stock(&world, &[&old, &new]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_plan_was_deleted_says_so_and_writes_no_more() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let version = Uploads::of_now(seed).put_exactly(&world, "emptied", 0..6_000).await;
    in_the_middle(&world, &version).await;
    eventually("a checkpoint", || async {
        let ledger = world.items_of(&world.ledger).await;
        let done = ledger.iter().filter_map(|item| item.get("chunks_done")?.as_n().ok());
        done.into_iter().any(|done| done != "0").then_some(())
    })
    .await;
    world.lambda.kill_one(&mut fastrand::Rng::with_seed(seed));
    world.empty_reports_of(&version.load).await;
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    let told = report(&world, &version.load).await;
    assert!(told.summary.starts_with("Some rows may be in; which ones cannot be told any more."), "{}", told.summary);
    assert!(told.summary.contains("did somebody empty the reports bucket?"), "{}", told.summary);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_made_anew_during_a_load_gets_nothing_of_it() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let version = Uploads::of_now(seed).put_exactly(&world, "anew", 0..6_000).await;
    in_the_middle(&world, &version).await;
    // Nothing of the load reaches the table while it is made anew.
    world.proxy.follow(Box::new(|call| (call.kind.service == Service::DynamoDb).then_some(Fault::RequestLost)));
    world.lambda.kill_one(&mut fastrand::Rng::with_seed(seed));
    world.make_stock_anew().await;
    world.proxy.follow(Box::new(|_| None));
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    let told = report(&world, &version.load).await;
    assert!(told.summary.contains("was deleted and made anew while load"), "{}", told.summary);
    assert_eq!(world.items_of(&world.stock).await, []);
    world.end().await;
}
