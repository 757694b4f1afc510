//! Notifications by mail and event: of each load that has ended, and of a sheet that is missing.

mod queue;

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::report::Report;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Ledger, State, Turn};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::stack::Stack;
use crate::harness::{eventually, files, unique};
use queue::Queue;

const RULES_KEY: &str = "rules/inventory.toml";
const RULES: &str = include_str!("../../inventory.toml");

/// A stack with queues that receive its mails and events.
struct NotifyingStack {
    stack: Stack,
    mails: Queue,
    events: Queue,
}

impl NotifyingStack {
    async fn deploy(name: &str, rules: &str) -> NotifyingStack {
        let loader = Path::new(env!("CARGO_BIN_EXE_loader"));
        let stack = Stack::own(name, loader, &[("RulesKey", RULES_KEY)]).await;
        stack.upload(RULES_KEY, rules.as_bytes().to_vec()).await;
        let (mails, events) = (Queue::of_mails(&stack).await, Queue::of_events(&stack).await);
        NotifyingStack { stack, mails, events }
    }

    /// Uploads a file and returns its report, the mail and the event, once all three are there.
    async fn load(&self, key: &str, content: Vec<u8>) -> (Report, Json, Json) {
        let upload = self.stack.upload(&format!("uploads/{key}"), content).await;
        let (report, load) = (self.stack.report(&upload).await, LoadId::of(&upload));
        (report, self.mails.about(load.as_str()).await, self.events.about(load.as_str()).await)
    }
}

fn subject(mail: &Json) -> &str {
    mail["Subject"].as_str().expect("a subject")
}

fn text(mail: &Json) -> &str {
    mail["Message"].as_str().expect("a text")
}

/// Returns the type of an event, and the ending of its load.
fn type_and_ending(event: &Json) -> (&str, &str) {
    assert_eq!(event["source"], "inventory.loader");
    (event["detail-type"].as_str().expect("a type"), event["detail"]["ending"].as_str().expect("an ending"))
}

/// Returns a list of items, the second of which has this name.
fn list(name: &str, rows: usize) -> Vec<u8> {
    String::from_utf8(files::csv("notified", rows)).unwrap().replace("Item 1,", &format!("{name},")).into_bytes()
}

/// Makes a load with each ending: done with a rejected row, held, refused, a dry run, and failed because of the rules.
async fn load_with_each_ending(notifying: &NotifyingStack, secret: &str) -> [(Report, Json, Json); 5] {
    let with_mistake = [list(secret, 12), format!("notified-x,{secret},{secret},1.00\n").into_bytes()].concat();
    let done = notifying.load("done.csv", with_mistake).await;
    let held = notifying.load("held.csv", list(secret, 3)).await;
    let refused = notifying.load("refused.xlsx", b"%PDF-1.7\n".to_vec()).await;
    let tried = notifying.load("dry-run/tried.csv", list(secret, 12)).await;
    notifying.stack.upload(RULES_KEY, b"version = 2\n".to_vec()).await;
    let failed = notifying.load("failed.csv", list(secret, 1)).await;
    [done, held, refused, tried, failed]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_ending_of_a_load_is_reported_by_mail_and_event() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let notifying = NotifyingStack::deploy("endings", RULES).await;
    let secret = unique("secret");
    let [done, held, refused, tried, failed] = load_with_each_ending(&notifying, &secret).await;

    let (done, mail, event) = done;
    let load = done.load.clone().expect("a load");
    assert_eq!((done.ending, done.problems_total), (Ending::Done, 1), "{}", done.summary);
    assert_eq!(subject(&mail), "1 row needs your attention: done.csv");
    assert!(text(&mail).starts_with(&format!("{}\n", done.summary)), "{mail}");
    let bucket = &notifying.stack.reports;
    for part in [
        done.problems[0].message.as_str(),
        &format!("loads/{load}/report.html in the bucket {bucket}:\nhttps://"),
        &format!("inventory undo {load} --function {}\n", notifying.stack.function),
        &format!("Load {load} of uploads/done.csv in the bucket {}", notifying.stack.uploads),
    ] {
        assert!(text(&mail).contains(part), "{part}: {mail}");
    }
    assert!(text(&mail).contains(&secret), "the mail quotes the cell");
    assert_eq!(mail["MessageAttributes"]["kind"]["Value"], "inventory.load.finished");
    assert_eq!(type_and_ending(&event), ("inventory.load.finished", "done"));
    let detail = &event["detail"];
    assert_eq!((&detail["summary"], &detail["rows"]["new"]), (&json!(done.summary), &json!(12)));
    assert_eq!(detail["problems"], json!({ "total": 1, "by_rule": { done.problems[0].rule.id(): 1 } }));
    assert_eq!(detail["report"], json!({ "bucket": bucket, "key": format!("loads/{load}/report.json") }));

    let (held, mail, event) = held;
    let held = (held.ending, held.load.expect("a load"));
    assert_eq!(
        (held.0, subject(&mail)),
        (Ending::Held, "Nothing has been changed yet, waiting for your approval: held.csv")
    );
    assert!(text(&mail).contains(&format!("inventory approve {} --function ", held.1)), "{mail}");
    assert_eq!(
        (type_and_ending(&event), &event["detail"]["held"]),
        (("inventory.load.held", "held"), &json!(["fewer"]))
    );

    let (refused, mail, event) = refused;
    let rule = refused.refusal.as_ref().expect("a refusal").rule;
    assert_eq!(subject(&mail), "Nothing was changed, the file needs fixing: refused.xlsx");
    assert!(text(&mail).starts_with(&refused.summary), "{mail}");
    assert_eq!(
        (type_and_ending(&event), &event["detail"]["refusal"]),
        (("inventory.load.refused", "refused"), &json!(rule.id()))
    );

    let (_, mail, event) = tried;
    assert_eq!(subject(&mail), "Preview only, nothing was changed: tried.csv");
    assert_eq!(type_and_ending(&event), ("inventory.load.finished", "dry-run"));

    let (failed, mail, event) = failed;
    let failed = failed.load.expect("a load");
    assert_eq!(subject(&mail), "Stopped by an error: failed.csv");
    assert!(text(&mail).contains(&format!("inventory redrive {failed} --function ")), "{mail}");
    assert_eq!(type_and_ending(&event), ("inventory.load.failed", "failed"));
    assert_eq!(notifying.stack.failure_count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_are_measured_and_neither_log_nor_events_quote_a_cell() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let notifying = NotifyingStack::deploy("metrics", RULES).await;
    let secret = unique("secret");
    let [(done, ..), .., (failed, ..)] = load_with_each_ending(&notifying, &secret).await;
    let (load, failed) = (done.load.expect("a load"), failed.load.expect("a load"));

    let measured = notifying.stack.log_event(load.as_str(), "load_measured").await;
    assert_eq!(measured["_aws"]["CloudWatchMetrics"][0]["Namespace"], "InventoryLoader");
    assert_eq!((&measured["Table"], &measured["RowsNew"]), (&json!(notifying.stack.inventory), &json!(12.0)));
    assert_eq!((&measured["RowsRejected"], &measured["PeopleNotTold"]), (&json!(1.0), &json!(0.0)));
    let (reader, own) = (measured["ReaderMemory"].as_f64().unwrap(), measured["OwnMemory"].as_f64().unwrap());
    assert!((1.0..1000.0).contains(&reader) && (1.0..1000.0).contains(&own), "{measured}");
    let lines = notifying.stack.log_lines(load.as_str()).await;
    let mut stages: Vec<&str> =
        lines.iter().filter(|line| line["event"] == "stage_over").filter_map(|line| line["stage"].as_str()).collect();
    // Sorted, because all lines of one invocation have the same timestamp here.
    stages.sort_unstable();
    assert_eq!(stages, ["fetch", "plan", "read", "read_back", "to_fix", "write"]);
    notifying.stack.log_event(failed.as_str(), "load_measured").await;
    assert_eq!(notifying.stack.raw_log_lines(&secret).await, [""; 0], "the log quotes a cell");
    assert!(notifying.events.all_about(&secret).await.is_empty(), "an event quotes a cell");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_ends_and_is_measured_even_if_the_topic_is_gone() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let notifying = NotifyingStack::deploy("gone", RULES).await;
    notifying.stack.cloud.sns.delete_topic().topic_arn(&notifying.stack.topic).send().await.expect("a topic to delete");
    let upload = notifying.stack.upload("uploads/unnotified.csv", list("Bolt", 12)).await;
    let load = LoadId::of(&upload);
    assert_eq!(notifying.stack.report(&upload).await.ending, Ending::Done);
    let measured = notifying.stack.log_event(load.as_str(), "load_measured").await;
    assert_eq!(measured["PeopleNotTold"], 1.0);
    let error = notifying.stack.log_event(load.as_str(), "people_not_told").await;
    let error = (error["level"].as_str(), error["error"].as_str().unwrap_or_default());
    assert!(error.0 == Some("ERROR") && error.1.contains(&notifying.stack.topic), "{error:?}");
    assert_eq!(type_and_ending(&notifying.events.about(load.as_str()).await), ("inventory.load.finished", "done"));
    let record = ledger_of(&notifying.stack).read(&load).await.expect("an answer").expect("a record");
    assert_eq!((record.state, record.starts), (State::Ended, 1));
    assert_eq!(notifying.stack.failure_count().await, 0);
}

/// Returns a ledger whose leases expire at once.
fn ledger_of(stack: &Stack) -> Ledger {
    Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, Duration::from_millis(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_runs_were_all_killed_is_reported_as_failed() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let notifying = NotifyingStack::deploy("killed", RULES).await;
    let stack = &notifying.stack;
    let prefix = unique("killed");
    let upload = stack.upload(&format!("elsewhere/{prefix}.csv"), files::csv(&prefix, 3)).await;
    let load = LoadId::of(&upload);
    let announced = AnnouncedLoad::from_upload(&load, &upload, &stack.inventory);
    for _ in 0..3 {
        // A run that the ledger regards as dead at once, because its lease expires.
        let turn = ledger_of(stack).take_turn(&announced, "dead", IfBusy::Queue).await.expect("an answer");
        assert!(matches!(turn, Turn::Taken(..)), "{turn:?}");
    }
    stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    let mail = notifying.mails.about(load.as_str()).await;
    assert_eq!(subject(&mail), format!("Stopped by an error: {prefix}.csv"));
    assert!(text(&mail).contains("was started 3 times and made no progress"), "{mail}");
    assert_eq!(type_and_ending(&notifying.events.about(load.as_str()).await), ("inventory.load.failed", "failed"));
    assert_eq!(stack.report(&upload).await.ending, Ending::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_sheet_is_reported_once() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let rules = RULES.replace("mode = \"replace\"", "mode = \"replace\"\nexpect_every = \"100 days\"");
    let notifying = NotifyingStack::deploy("missing", &rules).await;
    let stack = &notifying.stack;
    let sweep = async || stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    let missing = async || notifying.events.all_about("inventory.load.missing").await;
    let prefix = unique("missing");
    let ended = async |upload: &Upload| {
        let load = LoadId::of(upload);
        eventually("the end in the ledger", || async {
            let record = ledger_of(stack).read(&load).await.expect("an answer");
            record.filter(|record| record.state == State::Ended)
        })
        .await;
        load
    };

    // Nothing is expected before the first load, or on the day of a load.
    sweep().await;
    let load = ended(&stack.upload("uploads/first.csv", files::csv(&prefix, 3)).await).await;
    sweep().await;
    assert!(missing().await.is_empty());

    let long_ago = Timestamp::now().checked_sub(SignedDuration::from_hours(250 * 24)).unwrap();
    let update = stack.cloud.dynamodb.update_item().table_name(&stack.ledger).update_expression("SET last_at = :at");
    let update = update.key("pk", AttributeValue::S(format!("table#{}", stack.inventory)));
    let update = update.key("sk", AttributeValue::S("lease".to_string()));
    update.expression_attribute_values(":at", AttributeValue::S(long_ago.to_string())).send().await.expect("an update");
    sweep().await;
    let event = notifying.events.about("inventory.load.missing").await;
    assert_eq!((&event["detail"]["periods"], &event["detail"]["last"]["load"]), (&json!(2), &json!(load)));
    assert_eq!(
        (&event["detail"]["table"], &event["detail"]["expect_every"]),
        (&json!(stack.inventory), &json!("100 days"))
    );
    let mail = notifying.mails.about("No sheet since").await;
    assert!(subject(&mail).ends_with(&format!(": table {}", stack.inventory)), "{mail}");
    assert!(text(&mail).contains("expect one every 100 days"), "{mail}");

    // The next sweeps have nothing new to report, and the next load ends the waiting.
    sweep().await;
    ended(&stack.upload("uploads/second.csv", files::csv(&prefix, 4)).await).await;
    sweep().await;
    let last = ledger_of(stack).last_arrival(&stack.inventory).await.expect("an answer").expect("a load");
    assert!(last.periods_notified == 0 && last.at > long_ago, "{last:?}");
    // Events arrive in order: another one would have arrived before this load's.
    notifying.events.about("uploads/second.csv").await;
    assert_eq!(missing().await.len(), 1);
}
