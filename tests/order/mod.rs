//! Concurrent, cancelled, failed and redriven loads of the deployed function.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use inventory_base::ending::Ending;
use inventory_base::item::Value;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::plan::{Fate, UndoFate};
use inventory_check::report::Report;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Ledger, LoadRecord, State, Turn};
use serde_json::{Value as Json, json};

use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::stack::{Stack, notification};
use crate::harness::{eventually, files, inventory_at, unique};

async fn own_stack(name: &str) -> Stack {
    Stack::own(name, Path::new(env!("CARGO_BIN_EXE_loader")), &[]).await
}

/// Deploys a stack whose loads take long enough for something to happen in the meantime.
async fn slow_stack(name: &str) -> Stack {
    Stack::own(name, Path::new(env!("CARGO_BIN_EXE_loader")), &[("WriteUnits", "1500")]).await
}

/// Returns a list of items that all have this quantity, by which the list can be recognised.
fn list(prefix: &str, rows: usize, quantity: u32) -> Vec<u8> {
    let lines = (0..rows).map(|row| format!("{prefix}-{row:06},Item {row},{quantity},2.99\n"));
    format!("SKU,Name,Quantity,Unit price\n{}", lines.collect::<String>()).into_bytes()
}

/// Returns the same list with an additional row to fix.
fn list_and_one_to_fix(prefix: &str, rows: usize, quantity: u32) -> Vec<u8> {
    [list(prefix, rows, quantity), format!("{prefix}-none,Item,none,2.99\n").into_bytes()].concat()
}

/// Puts a file where S3 sends no event, to be announced by the test as uploaded in `minute` minutes with this
/// sequencer.
async fn put(stack: &Stack, name: &str, content: Vec<u8>, minute: u32, sequencer: &str) -> Upload {
    let upload = stack.upload(&format!("elsewhere/{name}.csv"), content).await;
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minute.into());
    let time = Some(time.to_string());
    Upload { sequencer: Some(sequencer.to_string()), time, ..upload }
}

fn event(upload: &Upload) -> Json {
    let mut event = notification(upload);
    event["Records"][0]["eventTime"] = json!(upload.time);
    event["Records"][0]["s3"]["object"]["sequencer"] = json!(upload.sequencer);
    event
}

/// Sends the event of an upload asynchronously, as S3 does.
async fn announce(stack: &Stack, upload: &Upload) {
    let invoke = stack.cloud.lambda.invoke().function_name(&stack.function).invocation_type(InvocationType::Event);
    invoke.payload(Blob::new(event(upload).to_string())).send().await.expect("an accepted event");
}

fn ledger_of(stack: &Stack, lease: Duration) -> Ledger {
    Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, lease)
}

async fn record(stack: &Stack, upload: &Upload) -> LoadRecord {
    let found = ledger_of(stack, Duration::from_secs(45)).read(&LoadId::of(upload)).await;
    found.expect("an answer").expect("a record")
}

fn run(stack: &Stack, words: &[&str]) -> Output {
    let words = [words, &["--function", &stack.function]].concat();
    inventory_at(&stack.cloud.endpoint, REGION, &words)
}

async fn wait_for_first_chunk(stack: &Stack, upload: &Upload) {
    let name = format!("loads/{}/outcome/00000.json", LoadId::of(upload));
    eventually("the first chunk", || stack.kept(&name)).await;
}

fn rows(report: &Report, fate: Fate) -> usize {
    report.rows.fates[&fate] as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_loads_run_in_the_order_of_their_events() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("waiting").await;
    let prefix = unique("waiting");
    // The table is busy until both loads are in the queue, the later one first.
    let ledger = ledger_of(&stack, Duration::from_secs(600));
    let holder = put(&stack, "holder", list(&prefix, 1, 0), 0, "0055").await;
    let holder = AnnouncedLoad::from_upload(&LoadId::of(&holder), &holder, &stack.inventory);
    let Turn::Taken(lease, _) = ledger.take_turn(&holder, "holder", IfBusy::Queue).await.expect("an answer") else {
        panic!("the table is busy")
    };
    let early = put(&stack, "early", list(&prefix, 3_000, 1), 1, "0055AA").await;
    let late = put(&stack, "late", list(&prefix, 2_000, 2), 2, "0055BB").await;
    for upload in [&late, &early] {
        stack.invoke(&event(upload)).await.expect("no error");
        assert_eq!(record(&stack, upload).await.state, State::Queued);
    }
    ledger.end(&lease, "holder.csv", Ending::Done, json!({}), None).await.expect("the ending");
    stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    for upload in [&early, &late] {
        assert_eq!(stack.report(upload).await.ending, Ending::Done);
    }
    let (first, second) = (record(&stack, &early).await, record(&stack, &late).await);
    assert!(first.epoch < second.epoch, "turns {} and {}", first.epoch, second.epoch);
    let quantity = stack.item(&format!("{prefix}-000000")).await.expect("an item")["quantity"].clone();
    assert_eq!(quantity, Value::N("2".into()), "the later event wins");
    assert_eq!(stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_loads_take_turns_and_the_last_turn_wins() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("both").await;
    let prefix = unique("both");
    let early = put(&stack, "early", list(&prefix, 3_000, 1), 1, "0055AA").await;
    let late = put(&stack, "late", list(&prefix, 2_000, 2), 2, "0055BB").await;
    // The later one arrives first, and both run at once.
    announce(&stack, &late).await;
    announce(&stack, &early).await;
    for (upload, rows) in [(&early, 3_000), (&late, 2_000)] {
        let report = stack.report(upload).await;
        assert_eq!((report.ending, report.rows.total), (Ending::Done, rows + 1), "{}", report.summary);
    }
    assert_eq!(stack.count_items(&prefix).await, 3_000);
    let (first, second) = (record(&stack, &early).await, record(&stack, &late).await);
    let quantity = stack.item(&format!("{prefix}-000000")).await.expect("an item")["quantity"].clone();
    let last = if first.epoch < second.epoch { "2" } else { "1" };
    assert_eq!(quantity, Value::N(last.into()), "the load with the last turn wins");
    // The later one may have begun to write before the earlier one was announced; if it had not, it gives way.
    let gave_way = stack.log_lines(LoadId::of(&late).as_str()).await.iter().any(|line| line["event"] == "turn_given");
    if gave_way {
        assert!(first.epoch < second.epoch, "a load that gave way to an earlier event runs after it");
    }
    assert_eq!(stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_stops_an_older_one_and_an_older_one_never_begins_after_it() {
    const ROWS: usize = 15_000;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = slow_stack("version").await;
    let prefix = unique("version");
    let second = put(&stack, "stock", list_and_one_to_fix(&prefix, ROWS, 2), 2, "0055B").await;
    announce(&stack, &second).await;
    wait_for_first_chunk(&stack, &second).await;
    let third = put(&stack, "stock", list(&prefix, 10, 3), 3, "0055B1").await;
    announce(&stack, &third).await;
    let report = stack.report(&second).await;
    let (written, not_written) = (rows(&report, Fate::New), rows(&report, Fate::NotWritten));
    assert_eq!((report.ending, written + not_written), (Ending::Superseded, ROWS), "{}", report.summary);
    assert!(written >= 1_000 && not_written > 0, "{}", report.summary);
    let to_fix = (rows(&report, Fate::Rejected), report.to_fix.is_some());
    assert_eq!(to_fix, (1, false), "a superseded load asks for no fixes");
    assert!(report.summary.ends_with(&format!("See the report of load {}.", LoadId::of(&third))), "{report:?}");
    let report = stack.report(&third).await;
    assert_eq!((report.ending, report.rows.total), (Ending::Done, 11));
    assert_eq!(stack.count_items(&prefix).await, written, "exactly the rows reported as written");

    let first = put(&stack, "stock", list(&prefix, 5, 1), 1, "0055A").await;
    for upload in [&second, &first, &first] {
        stack.invoke(&event(upload)).await.expect("no error");
    }
    let report = stack.report(&first).await;
    assert_eq!(report.ending, Ending::Superseded);
    assert!(report.summary.starts_with("Nothing was changed. A newer version"), "{}", report.summary);
    assert_eq!(stack.item(&format!("{prefix}-000000")).await.expect("an item")["quantity"], Value::N("3".into()));
    assert_eq!(record(&stack, &first).await.starts, 0);
    assert_eq!(stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_load_reports_what_was_written_and_can_be_redriven() {
    const ROWS: usize = 15_000;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = slow_stack("cancel").await;
    let prefix = unique("cancel");
    let (upload, next) = (
        put(&stack, "a", list_and_one_to_fix(&prefix, ROWS, 1), 1, "0055").await,
        put(&stack, "b", list(&prefix, 1, 2), 2, "0055").await,
    );
    let load = LoadId::of(&upload);
    announce(&stack, &upload).await;
    wait_for_first_chunk(&stack, &upload).await;
    stack.invoke(&event(&next)).await.expect("no error");
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    // A waiting load ends at once, a running one at its next chunk.
    let waits = said(run(&stack, &["cancel", LoadId::of(&next).as_str(), "--by", "Erika"]));
    assert!(waits.contains("had not begun and is cancelled. Nothing was changed."), "{waits}");
    assert_eq!(stack.report(&next).await.ending, Ending::Cancelled);
    said(run(&stack, &["cancel", load.as_str(), "--by", "Erika"]));
    let report = stack.report(&upload).await;
    let (written, not_written) = (rows(&report, Fate::New), rows(&report, Fate::NotWritten));
    assert_eq!((report.ending, written + not_written), (Ending::Cancelled, ROWS), "{}", report.summary);
    assert!(not_written > 0 && report.summary.contains("The load was cancelled by Erika."), "{}", report.summary);
    assert_eq!(report.to_fix.as_ref().map(|to_fix| (to_fix.rows, to_fix.of)), Some((1, 1)));
    assert_eq!(stack.count_items(&prefix).await, written);
    let ended = run(&stack, &["cancel", load.as_str()]);
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), error.contains("nothing to cancel")), (Some(2), true), "{error}");

    said(run(&stack, &["redrive", load.as_str(), "--by", "Erika"]));
    let report = stack.report_of(&load.next()).await;
    assert_eq!(
        (report.ending, rows(&report, Fate::Unchanged), rows(&report, Fate::New)),
        (Ending::Done, written, not_written)
    );
    assert_eq!(stack.count_items(&prefix).await, ROWS);
    // Redriven again, it is the same load, which has ended.
    said(run(&stack, &["redrive", load.as_str()]));
    let again = stack.invoke(&json!({ "redrive": { "load": load.next() } })).await.unwrap_err();
    assert!(again.contains("did not fail"), "{again}");

    // An undo that was cancelled while it waited is redriven as an undo.
    let ledger = ledger_of(&stack, Duration::from_secs(600));
    let other = AnnouncedLoad::from_upload(&LoadId::of(&next).linked(9), &next, &stack.inventory);
    let Turn::Taken(lease, _) = ledger.take_turn(&other, "other", IfBusy::Queue).await.expect("an answer") else {
        panic!("the table is busy")
    };
    let undo = load.next().undoing();
    stack.invoke(&json!({ "undo": { "load": load.next(), "dry_run": false } })).await.expect("no error");
    said(run(&stack, &["cancel", undo.as_str(), "--by", "Erika"]));
    assert_eq!(stack.report_of(&undo).await.ending, Ending::Cancelled);
    ledger.end(&lease, "b.csv", Ending::Done, json!({}), None).await.expect("the ending");
    said(run(&stack, &["redrive", undo.as_str()]));
    let report = stack.report_of(&undo.next()).await;
    let undone = report.undone.expect("an undo");
    assert_eq!((report.ending, undone.items.of(UndoFate::Removed)), (Ending::Done, not_written as u64));
    assert_eq!(stack.count_items(&prefix).await, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_starts_stalled_and_waiting_loads_and_fails_one_without_progress() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("swept").await;
    let prefix = unique("swept");
    let upload = async |name: &str, minute| put(&stack, name, list(&prefix, 3, minute), minute, "0055").await;
    let (dead, waits, hopeless) = (upload("dead", 1).await, upload("waits", 2).await, upload("hopeless", 3).await);
    let announced = |upload: &Upload| AnnouncedLoad::from_upload(&LoadId::of(upload), upload, &stack.inventory);
    // Runs that the ledger regards as dead at once, because their leases expire.
    let ledger = ledger_of(&stack, Duration::from_millis(1));
    let die = async |upload: &Upload| {
        let turn = ledger.take_turn(&announced(upload), "dead", IfBusy::Queue).await.expect("an answer");
        assert!(matches!(turn, Turn::Taken(..)), "{turn:?}");
    };
    die(&dead).await;
    ledger.enqueue(&announced(&waits), "dead").await.expect("an answer");
    let swept = stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    assert_eq!(swept["answers"], json!([{ "swept": { "asked": LoadId::of(&dead) } }]));
    for upload in [&dead, &waits] {
        assert_eq!(stack.report(upload).await.ending, Ending::Done);
    }
    eventually("the table to be free", || async { (record(&stack, &waits).await.state == State::Ended).then_some(()) })
        .await;
    let swept = stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    assert_eq!(swept["answers"], json!([{ "swept": { "asked": null } }]));

    for _ in 0..3 {
        die(&hopeless).await;
    }
    stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    let report = stack.report(&hopeless).await;
    assert_eq!(report.ending, Ending::Failed);
    assert!(report.summary.contains("was started 3 times and made no progress"), "{}", report.summary);
    assert_eq!(stack.item(&format!("{prefix}-000000")).await.expect("an item")["quantity"], Value::N("2".into()));
    let listed = String::from_utf8(run(&stack, &["failed"]).stdout).unwrap();
    assert!(listed.starts_with(LoadId::of(&hopeless).as_str()), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_in_the_failure_queue_are_counted_and_redriven() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("resting").await;
    let upload = put(&stack, "resting", list("resting", 3, 1), 1, "0055").await;
    // A message as Lambda sends it, and one without an event, which is ignored.
    let resting = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event(&upload) });
    for body in ["no event".to_string(), resting.to_string()] {
        let send = stack.cloud.sqs.send_message().queue_url(&stack.failures).message_body(body);
        send.send().await.expect("a message sent");
    }
    let said = |words| String::from_utf8(run(&stack, words).stdout).expect("text");
    let failed = said(&["failed"]);
    assert!(
        failed.ends_with("2 events are in the failure queue; inventory redrive sends them again, too.\n"),
        "{failed}"
    );
    let would = said(&["redrive"]);
    assert!(would.starts_with("2 events of the failure queue would be sent again."), "{would}");
    assert_eq!(said(&["redrive", "--yes"]), "1 event was sent again from the failure queue.\n");
    assert_eq!(stack.report(&upload).await.ending, Ending::Done);
    assert_eq!(said(&["redrive", "--yes"]), "There was nothing to reload.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_error_fails_the_load_at_once_and_says_what_to_fix() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("gone").await;
    stack.cloud.dynamodb.delete_table().table_name(&stack.inventory).send().await.expect("a table to delete");
    let key = format!("uploads/{}.csv", unique("no-table"));
    let upload = stack.upload(&key, files::csv("no-table", 1)).await;
    let report = stack.report(&upload).await;
    let stopped = report.stopped.expect("a reason");
    assert_eq!(report.ending, Ending::Failed);
    assert!(stopped.reason.contains(&stack.inventory) && stopped.reason.contains("Check the name"), "{stopped:?}");
    assert!(stopped.advice.ends_with(&format!("inventory redrive {}", LoadId::of(&upload))), "{stopped:?}");
    let record = eventually("the end in the ledger", || async {
        Some(record(&stack, &upload).await).filter(|record| record.state == State::Ended)
    });
    assert_eq!(record.await.starts, 1);
    assert_eq!(stack.failure_count().await, 0, "it is reported and not retried");
}
