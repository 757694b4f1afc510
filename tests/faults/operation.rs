//! Loads under operational trouble: redriven old failures, outages of minutes, lost events, tables too slow for one
//! run, ledgers restored from a backup, deleted plans and recreated tables.

use std::time::Duration;

use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;
use inventory_check::report::Report;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::call::{Call, Service};
use super::fault::Fault;
use super::lambda::Settings;
use super::model::{RULES_WITH_OLDER_GATE, RULES_WITH_SYNC, Stock, Uploads, Version};
use super::process::Outcome;
use super::proxy::Policy;
use super::seeds::{full_run, seed};
use super::world::World;
use super::{SECOND, is_write, settings};
use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::{eventually, next_second};

/// Waits until all of these loads have ended, and returns their endings.
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
    world.lambda.wait_until_idle().await;
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
    match world.lambda.invoke_and_wait(&event).await {
        Outcome::Answered(answer) => answer["answers"][0].clone(),
        other => panic!("{event}: {other:?}"),
    }
}

/// Returns a policy by which, for `length`, the matching calls meet a fault.
fn for_a_while(length: Duration, fault: Fault, meets: impl Fn(&Call) -> bool + Send + 'static) -> Policy {
    let over = Instant::now() + length;
    Box::new(move |call| (Instant::now() < over && meets(call)).then_some(fault))
}

fn is_of_stock(call: &Call) -> bool {
    call.kind.service == Service::DynamoDb && call.kind.resource == "stock"
}

fn is_of_ledger(call: &Call) -> bool {
    call.kind.service == Service::DynamoDb && call.kind.resource == "ledger"
}

#[tokio::test(flavor = "multi_thread")]
async fn redriven_old_loads_do_not_overwrite_newer_stock() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { rules: RULES_WITH_OLDER_GATE, ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    world.proxy.set_policy(Box::new(|call| is_of_stock(call).then_some(Fault::Denied)));
    let january = uploads.put_exactly(&world, "january", 0..60).await;
    let march = uploads.put_exactly(&world, "march", 20..50).await;
    let elsewhere = uploads.put_exactly(&world, "elsewhere", 500..560).await;
    let failed = [&january, &march, &elsewhere];
    failed.iter().for_each(|version| world.lambda.send(&version.event()));
    let loads = failed.map(|version| &version.load);
    assert_eq!(endings(&world, &loads).await, ["failed"; 3], "log in {:?}", world.log);

    world.proxy.set_policy(Box::new(|_| None));
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

    // An operator who has read that may approve the load, and then it is written.
    answer(&world, json!({ "approve": { "load": again[1], "by": "Erika" } })).await;
    let approved = again[1].next();
    assert_eq!(endings(&world, &[&approved]).await, ["done"], "log in {:?}", world.log);
    assert_stock(&world, &[&june, &elsewhere, &march]).await;
    // An undo is not held as an older upload, whenever its load was made.
    answer(&world, json!({ "undo": { "load": approved, "by": "Erika", "dry_run": false } })).await;
    assert_eq!(endings(&world, &[&approved.undoing()]).await, ["done"]);
    assert_stock(&world, &[&june, &elsewhere]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_event_arrives_late_does_not_overwrite_a_newer_one() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { rules: RULES_WITH_OLDER_GATE, ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    let late = uploads.put_exactly(&world, "late", 0..30).await;
    let early = uploads.put_exactly(&world, "early", 10..20).await;
    world.lambda.send(&early.event());
    assert_eq!(endings(&world, &[&early.load]).await, ["done"]);
    world.lambda.send(&late.event());
    assert_eq!(endings(&world, &[&late.load]).await, ["held"], "log in {:?}", world.log);
    assert_stock(&world, &[&early]).await;
    world.end().await;
}

/// Twenty AWS minutes.
const OUTAGE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_table_outage_of_twenty_minutes_needs_no_operator() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    let version = uploads.put(&world, "patient", 1_500, 2_000).await;
    world.proxy.set_policy(for_a_while(OUTAGE, Fault::Throttled, |call| {
        is_write(call) || is_of_stock(call) && call.batch > 0
    }));
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("load_delayed") > 0, "log in {:?}", world.log);
    world.audit(&[version]).await;
    assert_eq!(answer(&world, json!({ "failed": {} })).await["failed"]["events"], 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_loaded_after_a_ledger_outage_of_twenty_minutes() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    let version = uploads.put(&world, "unheard", 100, 200).await;
    world.proxy.set_policy(for_a_while(OUTAGE, Fault::RequestLost, is_of_ledger));
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("event_sent_again") > 0, "log in {:?}", world.log);
    world.audit(&[version]).await;
    assert_eq!(answer(&world, json!({ "failed": {} })).await["failed"]["events"], 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_outage_is_reported_once_and_fails_the_load_until_it_is_redriven() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let seconds = |of_aws: u32| (SECOND * of_aws).as_secs_f64().to_string();
    let more = vec![
        ("LATE_SECONDS", seconds(200)),
        ("GIVE_UP_SECONDS", seconds(900)),
        ("LONGEST_RETRY_SECONDS", seconds(120)),
    ];
    let world = World::new(seed, Settings { has_failure_queue: true, more, ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    let version = uploads.put(&world, "hopeless", 100, 200).await;
    world.proxy.set_policy(Box::new(|call| {
        (is_of_stock(call) && call.batch > 0 || is_write(call)).then_some(Fault::Throttled)
    }));
    // An item, because an empty table is not read for comparison.
    let item = json!({ "sku": { "S": "there" } });
    world.put_stock(&item).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    assert_eq!(world.count_events("delay_notified"), 1, "log in {:?}", world.log);
    let stopped = report(&world, &version.load).await.stopped.expect("a reason");
    assert!(stopped.reason.starts_with("The load was tried "), "{stopped:?}");
    // The table works again, and the load completes.
    world.proxy.set_policy(Box::new(|_| None));
    answer(&world, json!({ "redrive": { "load": version.load, "by": "Erika" } })).await;
    assert_eq!(endings(&world, &[&version.load.next()]).await, ["done"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_ends_once_access_to_its_reports_is_restored() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { has_failure_queue: true, ..settings() }).await;
    let version = Uploads::uploaded_now(seed).put(&world, "denied", 100, 200).await;
    let is_report = |call: &Call| {
        call.kind.service == Service::S3 && call.kind.resource != "uploads" && call.kind.resource != "rules"
    };
    world.proxy.set_policy(for_a_while(OUTAGE, Fault::Denied, is_report));
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
    // S3 gives times in whole seconds, and uploads of the second in which the ledger was created are not considered.
    next_second().await;
    let mut uploads = Uploads::uploaded_now(seed);
    let delivered = uploads.put_exactly(&world, "delivered", 0..40).await;
    let lost = uploads.put_exactly(&world, "lost", 100..140).await;
    let replaced = uploads.put_exactly(&world, "replaced", 200..240).await;
    let newest = uploads.put_exactly(&world, "replaced", 200..230).await;
    world.lambda.send(&delivered.event());
    let loads = [&delivered.load, &lost.load, &newest.load];
    assert_eq!(endings(&world, &loads).await, ["done"; 3], "log in {:?}", world.log);
    assert_stock(&world, &[&delivered, &lost, &newest]).await;
    let before = world.read_ledger(&[]).await.records;
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(!before.iter().any(|record| record.load == replaced.load), "only the newest version is loaded");
    // Further searches find nothing more, not even with an empty ledger.
    let ledger = world.items_of(&world.ledger).await;
    world.restore(&world.ledger, &["pk", "sk"], Vec::new()).await;
    world.lambda.next_sweep().await;
    world.lambda.next_sweep().await;
    assert_eq!(world.read_ledger(&[]).await.records, [], "an upload with a report was loaded again");
    world.restore(&world.ledger, &["pk", "sk"], ledger).await;
    assert_eq!(world.count_events("missed_upload_found"), 2, "log in {:?}", world.log);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_so_slow_that_a_chunk_takes_several_runs_gets_every_item() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    // A thousand rows at a hundred units a second, in runs of three seconds. A Lambda run of 15 minutes gets about as
    // far through a chunk at one unit a second.
    let more = vec![("READ_UNITS", "200".to_string())];
    let timeout = Duration::from_secs(3);
    let world = World::new(seed, Settings { timeout, write_units: Some(100), more, ..settings() }).await;
    let rows = if full_run() { 2_500 } else { 1_100 };
    for sku in 0..rows {
        world.put_stock(&json!({ "sku": { "S": format!("s-{sku:05}") }, "name": { "S": "as it was" } })).await;
    }
    let version = Uploads::uploaded_now(seed).put_exactly(&world, "slow", 0..rows).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    let (chunks, reads) = (world.count_events("chunk_left_in_part"), world.count_events("read_left_in_part"));
    assert!(chunks >= 2 && reads >= 1, "{chunks} chunks and {reads} reads were left partial, log in {:?}", world.log);
    let loaded = report(&world, &version.load).await;
    assert_eq!(loaded.rows.fates[&Fate::Changed], version.rows.len() as u64);
    assert_stock(&world, &[&version]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_longer_than_a_run_to_scan_is_still_planned() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let more = vec![("READ_UNITS", "200".to_string())];
    let timeout = Duration::from_secs(3);
    let world = World::new(seed, Settings { timeout, rules: RULES_WITH_SYNC, more, ..settings() }).await;
    // Four megabytes of items that the sheet does not list: about a thousand units to read.
    const UNLISTED: u64 = 40;
    for number in 0..UNLISTED {
        let text = "x".repeat(100_000);
        world.put_stock(&json!({ "sku": { "S": format!("old-{number:04}") }, "name": { "S": text } })).await;
    }
    let version = Uploads::uploaded_now(seed).put_exactly(&world, "all", 0..50).await;
    world.lambda.send(&version.event());
    assert_eq!(endings(&world, &[&version.load]).await, ["done"], "log in {:?}", world.log);
    assert!(world.count_events("planning_handed_over") >= 1, "log in {:?}", world.log);
    assert_stock(&world, &[&version]).await;
    assert_eq!(report(&world, &version.load).await.missing.total, UNLISTED);
    world.end().await;
}

/// Starts a load and waits until its first chunk is written.
async fn start_writing(world: &World, version: &Version) {
    world.lambda.send(&version.event());
    let name = format!("loads/{}/outcome/00000.json", version.load);
    eventually("the first chunk", || world.kept(&name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_restored_from_a_backup_does_not_overwrite_newer_stock() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let mut uploads = Uploads::uploaded_now(seed);
    let old = uploads.put_exactly(&world, "old", 0..4_000).await;
    start_writing(&world, &old).await;
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
async fn a_load_whose_plan_was_deleted_fails_and_says_so() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let version = Uploads::uploaded_now(seed).put_exactly(&world, "emptied", 0..6_000).await;
    start_writing(&world, &version).await;
    eventually("a checkpoint", || async {
        let ledger = world.items_of(&world.ledger).await;
        let done = ledger.iter().filter_map(|item| item.get("chunks_done")?.as_n().ok());
        done.into_iter().any(|done| done != "0").then_some(())
    })
    .await;
    world.lambda.kill_one(&mut fastrand::Rng::with_seed(seed));
    world.empty_reports_of(&version.load).await;
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    let failed = report(&world, &version.load).await;
    assert!(
        failed.summary.starts_with("Some rows may have been loaded; which ones is no longer known."),
        "{}",
        failed.summary
    );
    assert!(failed.summary.contains("was it deleted from the reports bucket?"), "{}", failed.summary);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_recreated_during_a_load_gets_none_of_its_rows() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let seed = seed();
    let world = World::new(seed, Settings { write_units: Some(1_500), ..settings() }).await;
    let version = Uploads::uploaded_now(seed).put_exactly(&world, "recreated", 0..6_000).await;
    start_writing(&world, &version).await;
    // No write of the load reaches the table while it is recreated.
    world.proxy.set_policy(Box::new(|call| (call.kind.service == Service::DynamoDb).then_some(Fault::RequestLost)));
    world.lambda.kill_one(&mut fastrand::Rng::with_seed(seed));
    world.recreate_stock().await;
    world.proxy.set_policy(Box::new(|_| None));
    assert_eq!(endings(&world, &[&version.load]).await, ["failed"], "log in {:?}", world.log);
    let failed = report(&world, &version.load).await;
    assert!(failed.summary.contains("was deleted and recreated while load"), "{}", failed.summary);
    assert_eq!(world.items_of(&world.stock).await, []);
    world.end().await;
}
