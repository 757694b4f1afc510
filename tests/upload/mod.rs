//! Loads triggered by uploads to S3: items, plan, report and log line.

use inventory_base::ending::Ending;
use inventory_base::item::{Item, Value};
use inventory_base::load_id::LoadId;
use inventory_check::plan::{self, Fate, Index, PlanRow};
use serde_json::{Value as Json, json};

use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::stack::{Stack, notification};
use crate::harness::{files, inventory, sample, unique};

fn row(index: &Index, packed: &[u8], sku: &str) -> plan::PlanRow {
    let rows = plan::decode(&index.chunks[0].name, packed).expect("a chunk");
    rows.into_iter()
        .find(|row: &PlanRow| row.item.as_ref().is_some_and(|item| item["sku"] == Value::S(sku.into())))
        .expect("a row")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_items_a_plan_a_report_and_a_log_line() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let expected: Json = serde_json::from_slice(&std::fs::read(sample("expected.json")).unwrap()).unwrap();
    let expected = &expected["q3-stock.xlsx"];
    let upload = stack
        .upload(&format!("uploads/{}/q3-stock.xlsx", unique("q3")), std::fs::read(sample("q3-stock.xlsx")).unwrap())
        .await;
    let load = LoadId::of(&upload);
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.load.as_ref()), (Ending::Done, Some(&load)));
    assert_eq!(report.rows.fates[&Fate::New], expected["rows"]["written"].as_u64().unwrap());
    assert_eq!(report.table.as_deref(), Some(stack.inventory.as_str()));
    assert!(report.units.write > 0.0 && report.seconds.total > 0.0, "{:?} {:?}", report.units, report.seconds);

    // Every item of the file, and the items that were written by hand, with their types.
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("items");
    let sheet = sample("q3-stock.xlsx");
    inventory(&["check", sheet.to_str().unwrap(), "--items", list.to_str().unwrap()]);
    let lines = std::fs::read_to_string(&list).unwrap();
    assert_eq!(lines.lines().count() as u64, report.rows.fates[&Fate::New]);
    for line in lines.lines() {
        let item: Item = serde_json::from_str(line).unwrap();
        let Value::S(sku) = &item["sku"] else { panic!("{item:?}") };
        assert_eq!(stack.item(sku).await.as_ref(), Some(&item));
    }
    let by_hand = expected["items"].as_object().expect("items");
    assert!(!by_hand.is_empty());
    for (sku, item) in by_hand {
        let found = serde_json::to_value(stack.item(sku).await).unwrap();
        assert_eq!(&found, item, "{sku}");
    }

    // The plan in the reports bucket, with each row of each sheet.
    let index = Index::decode(&stack.kept(&format!("loads/{load}/plan.json")).await.expect("plan.json")).unwrap();
    assert_eq!((&index.load, &index.upload.key), (&load, &upload.key));
    assert_eq!(index.table.key.partition.name, "sku");
    assert_eq!(index.counts.total(), report.rows.total);
    let packed = stack.kept(&format!("loads/{load}/plan/{}", index.chunks[0].name)).await.expect("a chunk");
    let (sku, item) = by_hand.iter().next().unwrap();
    let row = row(&index, &packed, sku);
    assert_eq!((row.fate, row.before), (Fate::New, None));
    assert_eq!(&serde_json::to_value(row.item).unwrap(), item);
    assert!(stack.kept(&format!("loads/{load}/outcome/00000.json")).await.is_some());

    let line = stack.log_event(load.as_str(), "load_finished").await;
    assert_eq!((&line["ending"], &line["new"]), (&json!("done"), &expected["rows"]["written"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_in_the_plan_as_they_were_sent() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let zeros = rust_xlsxwriter::Format::new().set_num_format("00000");
    let sheet = book.add_worksheet().set_name("Stock").unwrap();
    sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
    sheet.write_number_with_format(1, 0, 123.0, &zeros).unwrap();
    sheet.write_row(1, 1, ["Bolt", "many"]).unwrap();
    sheet.write_row(2, 0, [unique("raw").as_str(), "Nut"]).unwrap();
    sheet.write_number(2, 2, 1.0).unwrap();
    let upload = stack.upload(&format!("uploads/{}.xlsx", unique("raw")), book.save_to_buffer().unwrap()).await;
    let report = stack.report(&upload).await;
    assert_eq!(report.rows.fates[&Fate::Rejected], 1);
    assert_eq!(report.problems[0].message, "Quantity in C2 is \"many\".");

    let load = LoadId::of(&upload);
    let packed = stack.kept(&format!("loads/{load}/plan/00000.jsonl.zst")).await.expect("a chunk");
    let rows: Vec<PlanRow> = plan::decode("00000", &packed).unwrap();
    let rejected = rows.iter().find(|row| row.fate == Fate::Rejected).expect("the rejected row");
    let cells = serde_json::to_value(&rejected.cells).unwrap();
    assert_eq!(cells[0], json!({ "cell": "A2", "type": "number", "value": "123", "format": "00000" }));
    assert_eq!(cells[2], json!({ "cell": "C2", "type": "text", "value": "many" }));
    assert_eq!(rejected.problems[0].rule.id(), "whole-number-expected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_spaces_brackets_plus_and_umlaut_is_loaded() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("name");
    let key = format!("uploads/{prefix}/Q3 stock (final) + ä.csv");
    let upload = stack.upload(&key, files::csv(&prefix, 3)).await;
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.upload.key), (Ending::Done, key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_delivery_changes_nothing() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("twice");
    let upload = stack.upload(&format!("uploads/{prefix}.csv"), files::csv(&prefix, 3)).await;
    stack.report(&upload).await;
    let load = LoadId::of(&upload);
    stack.log_event(load.as_str(), "turn_ended").await;

    let mut edited = stack.item(&format!("{prefix}-000001")).await.expect("an item");
    edited.insert("name", Value::S("edited elsewhere".into()));
    stack.put_item(edited.clone()).await;
    let report = stack.kept(&format!("loads/{load}/report.json")).await;
    stack.invoke(&notification(&upload)).await.expect("no error");
    assert_eq!(stack.item(&format!("{prefix}-000001")).await, Some(edited));
    assert_eq!(stack.kept(&format!("loads/{load}/report.json")).await, report);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_gone_ends_as_removed_and_not_as_an_error() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let mut upload = stack.upload(&format!("elsewhere/{}.csv", unique("gone")), files::csv("gone", 1)).await;
    let version = upload.version.clone().expect("a version");
    let delete = stack.cloud.s3.delete_object().bucket(&stack.uploads).key(&upload.key).version_id(version);
    delete.send().await.expect("a deletion");
    stack.invoke(&notification(&upload)).await.expect("no error");
    assert_eq!(stack.report(&upload).await.ending, Ending::Removed);

    upload.version = None;
    upload.sequencer = Some("0055AED6DCD90281E5".into());
    stack.invoke(&notification(&upload)).await.expect("no error");
    assert_eq!(stack.report(&upload).await.ending, Ending::Removed);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_announced_version_is_loaded_and_not_the_newest() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("pinned");
    let key = format!("elsewhere/{prefix}.csv");
    let first = stack.upload(&key, files::csv(&prefix, 2)).await;
    stack.upload(&key, files::csv(&prefix, 5)).await;
    stack.invoke(&notification(&first)).await.expect("no error");
    assert_eq!(stack.report(&first).await.rows.fates[&Fate::New], 2);
    assert_eq!(stack.count_items(&prefix).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_events_succeed_and_unknown_or_foreign_events_fail() {
    let stack = Stack::shared().await;
    let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": stack.uploads });
    assert_eq!(stack.invoke(&test).await, Ok(json!({ "batchItemFailures": [], "answers": [] })));
    let error = stack.invoke(&json!({ "hello": "world" })).await.unwrap_err();
    assert!(error.contains("neither an S3 notification"), "{error}");
    let mut upload = stack.upload(&format!("elsewhere/{}.csv", unique("other")), files::csv("other", 1)).await;
    upload.bucket = "foreign-bucket".to_string();
    let error = stack.invoke(&notification(&upload)).await.unwrap_err();
    assert!(error.contains("foreign-bucket"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_failed_messages_of_a_queue_batch_are_returned() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("queue");
    let upload = stack.upload(&format!("elsewhere/{prefix}.csv"), files::csv(&prefix, 2)).await;
    let mut strange = notification(&upload);
    strange["Records"][0]["s3"]["bucket"]["name"] = json!("foreign-bucket");
    let message = |id: &str, body: String| json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
    let messages = [message("1", strange.to_string()), message("2", notification(&upload).to_string())];
    let answer = stack.invoke(&json!({ "Records": messages })).await;
    assert_eq!(answer.expect("an answer")["batchItemFailures"], json!([{ "itemIdentifier": "1" }]));
    assert_eq!(stack.report(&upload).await.rows.fates[&Fate::New], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_longer_than_one_run_resumes_from_its_plan_even_after_a_deployment() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    const ROWS: usize = 50_000;
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_loader"));
    // Long enough to make the plan in one run, but not to write it.
    let stack = Stack::own("hops", program, &[("TimeoutSeconds", "14"), ("TableWaitSeconds", "10")]).await;
    let prefix = unique("hops");
    let upload = stack.upload(&format!("uploads/{prefix}.csv"), files::csv(&prefix, ROWS)).await;
    let load = LoadId::of(&upload);
    // The log of the next run is not checked: if the new version replaces it in the meantime, the local cloud lets the
    // run finish but drops its log.
    let handed_over = stack.log_event(load.as_str(), "load_handed_over").await;
    let done = handed_over["chunks_done"].as_u64().expect("a number");
    assert!(done > 0 && done < handed_over["chunks"].as_u64().expect("a number"), "{handed_over}");
    stack.redeploy().await;
    // The workbook is no longer needed.
    let delete = stack.cloud.s3.delete_object().bucket(&stack.uploads).key(&upload.key);
    delete.set_version_id(upload.version.clone()).send().await.expect("a deletion");
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::New]), (Ending::Done, ROWS as u64));
    assert_eq!(stack.count_items(&prefix).await, ROWS);
    assert_eq!(stack.failure_count().await, 0);
}
