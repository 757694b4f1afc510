//! Cloud faults: the run fails and is retried; after the last retry the event goes to the failure queue.

use std::path::Path;

use inventory_base::ending::Ending;
use inventory_base::item::{Item, Value};
use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;

use crate::harness::cloud::{DYNAMODB_ANSWERS, Pause};
use crate::harness::stack::Stack;
use crate::harness::{eventually, files, unique};

fn loader() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_loader"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_retried_and_then_reaches_the_failure_queue() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::own("faulty", loader(), &[]).await;
    stack.cloud.dynamodb.delete_table().table_name(&stack.ledger).send().await.expect("a ledger to delete");
    let key = format!("uploads/{}.csv", unique("faulty"));
    stack.upload(&key, files::csv("faulty", 1)).await;
    let failure = stack.failure(&key).await;
    let context = &failure["requestContext"];
    assert_eq!((&context["condition"], &context["approximateInvokeCount"]), (&"RetriesExhausted".into(), &3.into()));
    let error = failure["responsePayload"]["errorMessage"].as_str().expect("an error");
    assert!(error.contains(&stack.ledger) && error.contains("Check the name"), "{error}");
    assert_eq!(failure["responsePayload"]["errorType"], "LastingFault");
    // The same request was run three times.
    let request = context["requestId"].as_str().expect("a request id");
    let lines = stack.log_lines(request).await;
    assert_eq!(lines.iter().filter(|line| line["event"] == "run_failed").count(), 3, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_is_retried_and_then_reaches_the_failure_queue() {
    let _alone = DYNAMODB_ANSWERS.write().await;
    let stack = Stack::own("late", loader(), &[("TimeoutSeconds", "3"), ("TableWaitSeconds", "1")]).await;
    let key = format!("uploads/{}.csv", unique("late"));
    let pause = Pause::dynamodb();
    stack.upload(&key, files::csv("late", 1)).await;
    let failure = stack.failure(&key).await;
    drop(pause);
    assert_eq!(failure["requestContext"]["approximateInvokeCount"], 3);
    let error = failure["responsePayload"]["errorMessage"].as_str().expect("an error");
    assert!(error.contains("timed out after 3"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_stops_answering_fails_the_run_and_the_retry_completes_the_load_from_its_plan() {
    const ROWS: usize = 15_000;
    let _alone = DYNAMODB_ANSWERS.write().await;
    let stack = Stack::own("paused", loader(), &[("TableWaitSeconds", "3")]).await;
    let prefix = unique("paused");
    let upload = stack.upload(&format!("uploads/{prefix}.csv"), files::csv(&prefix, ROWS)).await;
    let load = LoadId::of(&upload);
    // Some chunks are written, but not all.
    eventually("the first chunks", || async { stack.kept(&format!("loads/{load}/outcome/00001.json")).await }).await;
    let pause = Pause::dynamodb();
    let plan = stack.kept(&format!("loads/{load}/plan.json")).await.expect("a plan");
    let failed = eventually("a failed run", || async { stack.log_lines("run_failed").await.into_iter().next() });
    let error = failed.await["error"].as_str().expect("an error").to_string();
    assert!(error.contains(&stack.inventory) || error.contains(&stack.ledger), "{error}");
    drop(pause);

    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::New]), (Ending::Done, ROWS as u64));
    assert_eq!(stack.count_items(&prefix).await, ROWS);
    assert_eq!(stack.kept(&format!("loads/{load}/plan.json")).await, Some(plan), "the same plan");
    let resumed = stack.log_event(load.as_str(), "load_resumed").await;
    assert!(resumed["chunks_done"].as_u64().unwrap() >= 1, "{resumed}");
    assert_eq!(stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_comparison_resumes_after_the_stored_chunks() {
    const ROWS: usize = 15_000;
    let _alone = DYNAMODB_ANSWERS.write().await;
    let stack = Stack::own("halved", loader(), &[("TableWaitSeconds", "3")]).await;
    let prefix = unique("compared");
    // An item, because an empty table is not read for comparison.
    stack.put_item(Item::from([("sku".to_string(), Value::S(format!("{prefix}-000000").into()))])).await;
    let upload = stack.upload(&format!("uploads/{prefix}.csv"), files::csv(&prefix, ROWS)).await;
    let load = LoadId::of(&upload);
    eventually("a chunk", || async { stack.kept(&format!("loads/{load}/plan/00001.jsonl.zst")).await }).await;
    let pause = Pause::dynamodb();
    assert_eq!(stack.kept(&format!("loads/{load}/plan.json")).await, None);
    eventually("a failed run", || async { stack.log_lines("run_failed").await.into_iter().next() }).await;
    assert_eq!(stack.kept(&format!("loads/{load}/plan.json")).await, None);
    drop(pause);

    let report = stack.report(&upload).await;
    let of = |fate| report.rows.fates[&fate];
    assert_eq!((report.ending, of(Fate::New), of(Fate::Changed)), (Ending::Done, ROWS as u64 - 1, 1));
    let resumed = stack.log_event(load.as_str(), "planning_resumed").await;
    assert!(resumed["chunks_kept"].as_u64().unwrap() >= 2, "{resumed}");
    assert_eq!(stack.count_items(&prefix).await, ROWS);
}
