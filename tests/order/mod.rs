//! Loads that meet, stop, fail and are sent again, by the deployed function.

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
use inventory_loader::ledger::{Announced, IfBusy, Ledger, LoadRecord, State, Turn};
use serde_json::{Value as Json, json};

use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::stack::{Stack, notification};
use crate::harness::{eventually, files, inventory_at, unique};

async fn own_stack(name: &str) -> Stack {
    Stack::own(name, Path::new(env!("CARGO_BIN_EXE_loader")), &[]).await
}

/// Its loads last long enough for something to happen meanwhile.
async fn slow_stack(name: &str) -> Stack {
    Stack::own(name, Path::new(env!("CARGO_BIN_EXE_loader")), &[("WriteUnits", "1500")]).await
}

/// A list of items that says in each row which list it is.
fn list(prefix: &str, rows: usize, quantity: u32) -> Vec<u8> {
    let lines = (0..rows).map(|row| format!("{prefix}-{row:06},Item {row},{quantity},2.99\n"));
    format!("SKU,Name,Quantity,Unit price\n{}", lines.collect::<String>()).into_bytes()
}

/// The same, and a row to mend.
fn list_and_one_to_mend(prefix: &str, rows: usize, quantity: u32) -> Vec<u8> {
    [list(prefix, rows, quantity), format!("{prefix}-none,Item,none,2.99\n").into_bytes()].concat()
}

/// Puts a file where no event comes from, to be announced by hand: as of so many minutes from now, with this sequencer.
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

/// As S3 does it: nobody waits for the answer.
async fn announce(stack: &Stack, upload: &Upload) {
    let invoke = stack.cloud.lambda.invoke().function_name(&stack.function).invocation_type(InvocationType::Event);
    invoke.payload(Blob::new(event(upload).to_string())).send().await.expect("an event taken");
}

fn ledger_of(stack: &Stack, lease: Duration) -> Ledger {
    Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, lease)
}

async fn record(stack: &Stack, upload: &Upload) -> LoadRecord {
    let found = ledger_of(stack, Duration::from_secs(45)).read(&LoadId::of(upload)).await;
    found.expect("an answer").expect("a record")
}

fn ask(stack: &Stack, words: &[&str]) -> Output {
    let words = [words, &["--function", &stack.function]].concat();
    inventory_at(&stack.cloud.endpoint, REGION, &words)
}

async fn first_chunk(stack: &Stack, upload: &Upload) {
    let name = format!("loads/{}/outcome/00000.json", LoadId::of(upload));
    eventually("the first chunk", || stack.kept(&name)).await;
}

fn rows(report: &Report, fate: Fate) -> usize {
    report.rows.fates[&fate] as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_that_come_together_go_in_the_order_of_their_events() {
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
    assert_eq!(quantity, Value::N(last.into()), "the one whose turn came last has the last word");
    // Where the later one had begun to write before the earlier one was announced, nobody could know of that.
    let gave_way = stack.log_lines(LoadId::of(&late).as_str()).await.iter().any(|line| line["event"] == "turn_given");
    assert!(first.epoch < second.epoch || !gave_way);
    assert_eq!(stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_stops_an_older_one_and_an_older_one_never_begins_after_it() {
    const ROWS: usize = 15_000;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = slow_stack("version").await;
    let prefix = unique("version");
    let second = put(&stack, "stock", list_and_one_to_mend(&prefix, ROWS, 2), 2, "0055B").await;
    announce(&stack, &second).await;
    first_chunk(&stack, &second).await;
    let third = put(&stack, "stock", list(&prefix, 10, 3), 3, "0055B1").await;
    announce(&stack, &third).await;
    let report = stack.report(&second).await;
    let (is_in, is_not) = (rows(&report, Fate::New), rows(&report, Fate::NotWritten));
    assert_eq!((report.ending, is_in + is_not), (Ending::Superseded, ROWS), "{}", report.summary);
    assert!(is_in >= 1_000 && is_not > 0, "{}", report.summary);
    let is_one_to_mend = (rows(&report, Fate::Rejected), report.to_fix.is_some());
    assert_eq!(is_one_to_mend, (1, false), "only what the newer version leaves out is to be mended");
    assert!(report.summary.ends_with(&format!("Look at the report of load {}.", LoadId::of(&third))), "{report:?}");
    let report = stack.report(&third).await;
    assert_eq!((report.ending, report.rows.total), (Ending::Done, 11));
    assert_eq!(stack.count_items(&prefix).await, is_in, "what it says is in, and no more");

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
async fn a_load_that_is_cancelled_says_what_is_in_and_can_be_sent_again() {
    const ROWS: usize = 15_000;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = slow_stack("cancel").await;
    let prefix = unique("cancel");
    let (upload, next) = (
        put(&stack, "a", list_and_one_to_mend(&prefix, ROWS, 1), 1, "0055").await,
        put(&stack, "b", list(&prefix, 1, 2), 2, "0055").await,
    );
    let load = LoadId::of(&upload);
    announce(&stack, &upload).await;
    first_chunk(&stack, &upload).await;
    stack.invoke(&event(&next)).await.expect("no error");
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    // One that waits is over at once, one under way at its next chunk.
    let waits = said(ask(&stack, &["cancel", LoadId::of(&next).as_str(), "--by", "Erika"]));
    assert!(waits.contains("had not begun and is cancelled. Nothing was changed."), "{waits}");
    assert_eq!(stack.report(&next).await.ending, Ending::Cancelled);
    said(ask(&stack, &["cancel", load.as_str(), "--by", "Erika"]));
    let report = stack.report(&upload).await;
    let (is_in, is_not) = (rows(&report, Fate::New), rows(&report, Fate::NotWritten));
    assert_eq!((report.ending, is_in + is_not), (Ending::Cancelled, ROWS), "{}", report.summary);
    assert!(is_not > 0 && report.summary.contains("The load was cancelled by Erika."), "{}", report.summary);
    assert_eq!(report.to_fix.as_ref().map(|to_fix| (to_fix.rows, to_fix.of)), Some((1, 1)));
    assert_eq!(stack.count_items(&prefix).await, is_in);
    let over = ask(&stack, &["cancel", load.as_str()]);
    let error = String::from_utf8(over.stderr).unwrap();
    assert_eq!((over.status.code(), error.contains("nothing to cancel")), (Some(2), true), "{error}");

    said(ask(&stack, &["redrive", load.as_str(), "--by", "Erika"]));
    let report = stack.report_of(&load.next()).await;
    assert_eq!(
        (report.ending, rows(&report, Fate::Unchanged), rows(&report, Fate::New)),
        (Ending::Done, is_in, is_not)
    );
    assert_eq!(stack.count_items(&prefix).await, ROWS);
    // Asked again it is the same load, and over.
    said(ask(&stack, &["redrive", load.as_str()]));
    let again = stack.invoke(&json!({ "redrive": { "load": load.next() } })).await.unwrap_err();
    assert!(again.contains("did not fail"), "{again}");

    // An undo that was cancelled while it waited, and is sent again, is an undo still.
    let ledger = ledger_of(&stack, Duration::from_secs(600));
    let other = Announced::upload(&LoadId::of(&next).linked(9), &next, &stack.inventory);
    let Turn::Ours(lease, _) = ledger.take_turn(&other, "other", IfBusy::Queue).await.expect("an answer") else {
        panic!("the table is not free")
    };
    let undo = load.next().undoing();
    stack.invoke(&json!({ "undo": { "load": load.next(), "dry_run": false } })).await.expect("no error");
    said(ask(&stack, &["cancel", undo.as_str(), "--by", "Erika"]));
    assert_eq!(stack.report_of(&undo).await.ending, Ending::Cancelled);
    ledger.end(&lease, "b.csv", "done", json!({}), None).await.expect("the ending");
    said(ask(&stack, &["redrive", undo.as_str()]));
    let report = stack.report_of(&undo.next()).await;
    let undone = report.undone.expect("an undo");
    assert_eq!((report.ending, undone.items.of(UndoFate::Removed)), (Ending::Done, is_not as u64));
    assert_eq!(stack.count_items(&prefix).await, is_in);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_runs_the_sweep_starts_and_what_gets_nowhere_has_failed() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("swept").await;
    let prefix = unique("swept");
    let upload = async |name: &str, minute| put(&stack, name, list(&prefix, 3, minute), minute, "0055").await;
    let (dead, waits, hopeless) = (upload("dead", 1).await, upload("waits", 2).await, upload("hopeless", 3).await);
    let announced = |upload: &Upload| Announced::upload(&LoadId::of(upload), upload, &stack.inventory);
    // Runs that die at once, as far as the ledger can see.
    let ledger = ledger_of(&stack, Duration::from_millis(1));
    let die = async |upload: &Upload| {
        let turn = ledger.take_turn(&announced(upload), "dead", IfBusy::Queue).await.expect("an answer");
        assert!(matches!(turn, Turn::Ours(..)), "{turn:?}");
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
    assert!(report.summary.contains("was started 3 times and got nowhere"), "{}", report.summary);
    assert_eq!(stack.item(&format!("{prefix}-000000")).await.expect("an item")["quantity"], Value::N("2".into()));
    let listed = String::from_utf8(ask(&stack, &["failed"]).stdout).unwrap();
    assert!(listed.starts_with(LoadId::of(&hopeless).as_str()), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_rest_in_the_failure_queue_are_counted_and_sent_again() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("resting").await;
    let upload = put(&stack, "resting", list("resting", 3, 1), 1, "0055").await;
    // As Lambda puts them there; and one that holds no event, which is left alone.
    let resting = json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event(&upload) });
    for body in ["no event".to_string(), resting.to_string()] {
        let send = stack.cloud.sqs.send_message().queue_url(&stack.failures).message_body(body);
        send.send().await.expect("a message sent");
    }
    let said = |words| String::from_utf8(ask(&stack, words).stdout).expect("text");
    let failed = said(&["failed"]);
    assert!(
        failed.ends_with("2 events rest in the failure queue; inventory redrive sends them again too.\n"),
        "{failed}"
    );
    let would = said(&["redrive"]);
    assert!(would.starts_with("2 events of the failure queue would be sent again."), "{would}");
    assert_eq!(said(&["redrive", "--yes"]), "1 event was sent again from the failure queue.\n");
    assert_eq!(stack.report(&upload).await.ending, Ending::Done);
    assert_eq!(said(&["redrive", "--yes"]), "There was nothing to send again.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_heal_ends_the_load_at_once_with_what_to_mend() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = own_stack("gone").await;
    stack.cloud.dynamodb.delete_table().table_name(&stack.inventory).send().await.expect("a table to delete");
    let key = format!("uploads/{}.csv", unique("tableless"));
    let upload = stack.upload(&key, files::csv("tableless", 1)).await;
    let report = stack.report(&upload).await;
    let stopped = report.stopped.expect("a reason");
    assert_eq!(report.ending, Ending::Failed);
    assert!(stopped.reason.contains(&stack.inventory) && stopped.reason.contains("Check the name"), "{stopped:?}");
    assert!(stopped.advice.ends_with(&format!("inventory redrive {}", LoadId::of(&upload))), "{stopped:?}");
    let record = eventually("the end in the ledger", || async {
        Some(record(&stack, &upload).await).filter(|record| record.state == State::Ended)
    });
    assert_eq!(record.await.starts, 1);
    assert_eq!(stack.failure_count().await, 0, "it is told, and not tried again");
}
