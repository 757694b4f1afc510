//! Telling people and programs what happened: each load that is over, and the sheet that never came.

mod queue;

use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::report::Report;
use inventory_loader::ledger::{Announced, IfBusy, Ledger, State, Turn};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::stack::Stack;
use crate::harness::{eventually, files, unique};
use queue::Queue;

const RULES_KEY: &str = "rules/inventory.toml";
const RULES: &str = include_str!("../../inventory.toml");

/// A stack, and who listens to it.
struct Heard {
    stack: Stack,
    mails: Queue,
    events: Queue,
}

impl Heard {
    async fn stack(name: &str, rules: &str) -> Heard {
        let loader = Path::new(env!("CARGO_BIN_EXE_loader"));
        let stack = Stack::own(name, loader, &[("RulesKey", RULES_KEY)]).await;
        stack.upload(RULES_KEY, rules.as_bytes().to_vec()).await;
        let (mails, events) = (Queue::of_mails(&stack).await, Queue::of_events(&stack).await);
        Heard { stack, mails, events }
    }

    /// Uploads a file, and waits until its report is there and both have heard of it: the mail and the event.
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

/// What an event says in short: how it is called, and how the load ended.
fn news(event: &Json) -> (&str, &str) {
    assert_eq!(event["source"], "inventory.loader");
    (event["detail-type"].as_str().expect("a type"), event["detail"]["ending"].as_str().expect("an ending"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_load_is_told_by_mail_and_event_and_the_log_quotes_no_cell() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let heard = Heard::stack("told", RULES).await;
    let (prefix, secret) = (unique("told"), unique("secret"));
    let sheet =
        |rows: usize| String::from_utf8(files::csv(&prefix, rows)).unwrap().replace("Item 1,", &format!("{secret},"));

    let with_mistake = format!("{}{prefix}-x,{secret},{secret},1.00\n", sheet(12));
    let (done, mail, event) = heard.load("done.csv", with_mistake.into_bytes()).await;
    let load = done.load.clone().expect("a load");
    assert_eq!((done.ending, done.problems_total), (Ending::Done, 1), "{}", done.summary);
    assert_eq!(subject(&mail), "1 row needs your attention: done.csv");
    assert!(text(&mail).starts_with(&format!("{}\n", done.summary)), "{mail}");
    let bucket = &heard.stack.reports;
    for part in [
        done.problems[0].message.as_str(),
        &format!("loads/{load}/report.html in the bucket {bucket}:\nhttps://"),
        &format!("inventory undo {load} --function {}\n", heard.stack.function),
        &format!("Load {load} of uploads/done.csv in the bucket {}", heard.stack.uploads),
    ] {
        assert!(text(&mail).contains(part), "{part}: {mail}");
    }
    assert!(text(&mail).contains(&secret), "the mail quotes the cell");
    assert_eq!(mail["MessageAttributes"]["kind"]["Value"], "inventory.load.finished");
    assert_eq!(news(&event), ("inventory.load.finished", "done"));
    let detail = &event["detail"];
    assert_eq!((&detail["summary"], &detail["rows"]["new"]), (&json!(done.summary), &json!(12)));
    assert_eq!(detail["problems"], json!({ "total": 1, "by_rule": { done.problems[0].rule.id(): 1 } }));
    assert_eq!(detail["report"], json!({ "bucket": bucket, "key": format!("loads/{load}/report.json") }));

    let (held, mail, event) = heard.load("held.csv", sheet(3).into_bytes()).await;
    let held = (held.ending, held.load.expect("a load"));
    assert_eq!((held.0, subject(&mail)), (Ending::Held, "Nothing was changed, it waits for your approval: held.csv"));
    assert!(text(&mail).contains(&format!("inventory approve {} --function ", held.1)), "{mail}");
    assert_eq!((news(&event), &event["detail"]["held"]), (("inventory.load.held", "held"), &json!(["fewer"])));

    let (refused, mail, event) = heard.load("refused.xlsx", b"%PDF-1.7\n".to_vec()).await;
    let rule = refused.refusal.as_ref().expect("a refusal").rule;
    assert_eq!(subject(&mail), "Nothing was changed, the file needs mending: refused.xlsx");
    assert!(text(&mail).starts_with(&refused.summary), "{mail}");
    assert_eq!((news(&event), &event["detail"]["refusal"]), (("inventory.load.refused", "refused"), &json!(rule.id())));

    let (_, mail, event) = heard.load("dry-run/tried.csv", sheet(12).into_bytes()).await;
    assert_eq!(subject(&mail), "Only tried, nothing was changed: tried.csv");
    assert_eq!(news(&event), ("inventory.load.finished", "dry-run"));

    heard.stack.upload(RULES_KEY, b"version = 2\n".to_vec()).await;
    let (failed, mail, event) = heard.load("failed.csv", sheet(1).into_bytes()).await;
    let failed = failed.load.expect("a load");
    assert_eq!(subject(&mail), "Stopped by a fault: failed.csv");
    assert!(text(&mail).contains(&format!("inventory redrive {failed} --function ")), "{mail}");
    assert_eq!(news(&event), ("inventory.load.failed", "failed"));

    // What was measured, and a line for each stage.
    let measured = heard.stack.log_event(load.as_str(), "load_measured").await;
    assert_eq!(measured["_aws"]["CloudWatchMetrics"][0]["Namespace"], "InventoryLoader");
    assert_eq!((&measured["Table"], &measured["RowsNew"]), (&json!(heard.stack.inventory), &json!(12.0)));
    assert_eq!((&measured["RowsRejected"], &measured["PeopleNotTold"]), (&json!(1.0), &json!(0.0)));
    let (reader, own) = (measured["ReaderMemory"].as_f64().unwrap(), measured["OwnMemory"].as_f64().unwrap());
    assert!((1.0..1000.0).contains(&reader) && (1.0..1000.0).contains(&own), "{measured}");
    let lines = heard.stack.log_lines(load.as_str()).await;
    let mut stages: Vec<&str> =
        lines.iter().filter(|line| line["event"] == "stage_over").filter_map(|line| line["stage"].as_str()).collect();
    // All lines of one invocation carry one time here.
    stages.sort_unstable();
    assert_eq!(stages, ["fetch", "mend", "plan", "read", "read_back", "write"]);
    heard.stack.log_event(failed.as_str(), "load_measured").await;
    assert_eq!(heard.stack.raw_log_lines(&secret).await, [""; 0], "the log quotes a cell");
    assert!(heard.events.all_about(&secret).await.is_empty(), "an event quotes a cell");

    // A topic that is gone keeps no load from ending.
    heard.stack.cloud.sns.delete_topic().topic_arn(&heard.stack.topic).send().await.expect("a topic to delete");
    heard.stack.upload(RULES_KEY, RULES.as_bytes().to_vec()).await;
    let upload = heard.stack.upload("uploads/untold.csv", sheet(12).into_bytes()).await;
    let untold = LoadId::of(&upload);
    assert_eq!(heard.stack.report(&upload).await.ending, Ending::Done);
    let measured = heard.stack.log_event(untold.as_str(), "load_measured").await;
    assert_eq!(measured["PeopleNotTold"], 1.0);
    let error = heard.stack.log_event(untold.as_str(), "people_not_told").await;
    let error = (error["level"].as_str(), error["error"].as_str().unwrap_or_default());
    assert!(error.0 == Some("ERROR") && error.1.contains(&heard.stack.topic), "{error:?}");
    assert_eq!(news(&heard.events.about(untold.as_str()).await), ("inventory.load.finished", "done"));
    let record = ledger_of(&heard.stack).read(&untold).await.expect("an answer").expect("a record");
    assert_eq!((record.state, record.starts), (State::Ended, 1));
    assert_eq!(heard.stack.failure_count().await, 0);
}

/// With leases that run out at once.
fn ledger_of(stack: &Stack) -> Ledger {
    Ledger::new(stack.cloud.dynamodb.clone(), &stack.ledger, Duration::from_millis(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_runs_were_all_killed_is_told_as_failed() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let heard = Heard::stack("killed", RULES).await;
    let stack = &heard.stack;
    let prefix = unique("killed");
    let upload = stack.upload(&format!("elsewhere/{prefix}.csv"), files::csv(&prefix, 3)).await;
    let load = LoadId::of(&upload);
    let announced = Announced::upload(&load, &upload, &stack.inventory);
    for _ in 0..3 {
        // A run that dies at once, as far as the ledger can see.
        let turn = ledger_of(stack).take_turn(&announced, "dead", IfBusy::Queue).await.expect("an answer");
        assert!(matches!(turn, Turn::Ours(..)), "{turn:?}");
    }
    stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    let mail = heard.mails.about(load.as_str()).await;
    assert_eq!(subject(&mail), format!("Stopped by a fault: {prefix}.csv"));
    assert!(text(&mail).contains("was started 3 times and got nowhere"), "{mail}");
    assert_eq!(news(&heard.events.about(load.as_str()).await), ("inventory.load.failed", "failed"));
    assert_eq!(stack.report(&upload).await.ending, Ending::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarter_that_never_came_is_told_once() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let rules = RULES.replace("mode = \"replace\"", "mode = \"replace\"\nexpect_every = \"100 days\"");
    let heard = Heard::stack("missing", &rules).await;
    let stack = &heard.stack;
    let sweep = async || stack.invoke(&json!({ "sweep": {} })).await.expect("no error");
    let missing = async || heard.events.all_about("inventory.load.missing").await;
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

    // Before the first load nothing is expected, and on the day of one neither.
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
    let event = heard.events.about("inventory.load.missing").await;
    assert_eq!((&event["detail"]["periods"], &event["detail"]["last"]["load"]), (&json!(2), &json!(load)));
    assert_eq!(
        (&event["detail"]["table"], &event["detail"]["expect_every"]),
        (&json!(stack.inventory), &json!("100 days"))
    );
    let mail = heard.mails.about("No sheet since").await;
    assert!(subject(&mail).ends_with(&format!(": table {}", stack.inventory)), "{mail}");
    assert!(text(&mail).contains("one is expected every 100 days"), "{mail}");

    // The next sweeps have nothing new to tell, and the next load ends the waiting.
    sweep().await;
    ended(&stack.upload("uploads/second.csv", files::csv(&prefix, 4)).await).await;
    sweep().await;
    let last = ledger_of(stack).last_in(&stack.inventory).await.expect("an answer").expect("a load");
    assert!(last.told == 0 && last.at > long_ago, "{last:?}");
    // What comes on the bus comes in order: were there another one, it would be here before this load's.
    heard.events.about("uploads/second.csv").await;
    assert_eq!(missing().await.len(), 1);
}
