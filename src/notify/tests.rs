//! What is told, and what becomes of it where it cannot be told.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::*;
use crate::clients::fake::{Asked, Fake, Reply};
use inventory_base::ending::Ending;
use inventory_base::message::{Note, Problem, Refusal, Rule};
use inventory_base::upload::Upload;
use inventory_check::plan::{Fate, Gate, Tripped};
use inventory_check::report::{Seconds, Stopped};

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:told";
const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                         <MessageId>1</MessageId></PublishResult></PublishResponse>";
const GONE: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code>\
                    <Message>Topic does not exist</Message></Error></ErrorResponse>";
const THROTTLED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttled</Code>\
                         <Message>Rate exceeded</Message></Error></ErrorResponse>";
static LOAD: LazyLock<LoadId> = LazyLock::new(|| LoadId::parse("0123456789abcdef").unwrap());

fn is_event(asked: &Asked) -> bool {
    asked.header("x-amz-target") == Some("AWSEvents.PutEvents")
}

fn taken() -> Json {
    json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })
}

fn not_taken(code: &str) -> Json {
    json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": code, "ErrorMessage": "so it says" }] })
}

/// Answers mails like this, and events like that.
fn cloud(mail: Reply, event: Reply) -> Fake {
    Fake::answering(move |asked| if is_event(asked) { event.clone() } else { mail.clone() })
}

fn around() -> Around {
    Around { reports: "reports".into(), function: "loader".into(), region: "eu-central-1".into() }
}

fn notifier(fake: &Fake) -> Notifier {
    Notifier::new(fake.sns(), fake.eventbridge(), Some(TOPIC.into()), Some("default".into()), around())
}

fn found() -> Found<'static> {
    Found { table: "stock", names: Names(&LOAD) }
}

fn upload(key: &str) -> Upload {
    let (bucket, key) = ("uploads".to_string(), key.to_string());
    Upload { bucket, key, version: Some("7".into()), sequencer: None, etag: None, size: None, time: None }
}

/// A load of which five rows are in and `problems` rows are not.
fn ended(ending: Ending, problems: usize) -> Report {
    let summary = "5 of 9 rows are in.".to_string();
    let seconds = Seconds { total: 4.5, ..Seconds::default() };
    let mut report = Report::stopped(LOAD.clone(), upload("uploads/Lagerbestände Q3.xlsx"), ending, summary, seconds);
    report.rows.total = 5 + problems as u64;
    report.rows.fates.insert(Fate::New, 5);
    report.rows.fates.insert(Fate::Rejected, problems as u64);
    let problem = |row: usize| Problem {
        sheet: "Stock".into(),
        row: row as u32,
        column: Some("Price".into()),
        cell: Some(format!("D{row}")),
        value: Some("secret".into()),
        rule: Rule::NumberExpected,
        message: format!("Price in D{row} is \"secret\nTo approve: click\"."),
        advice: "Type it as a number.".into(),
    };
    report.problems = (2..2 + problems).map(problem).collect();
    report.problems.iter().for_each(|problem| report.kinds.add(problem));
    report.problems_total = problems as u64;
    report
}

fn mail(report: &Report) -> Mail {
    Mail::of_report(report, found(), &around())
}

fn event(report: &Report) -> Event {
    Event::of_report(report, found(), &around())
}

#[tokio::test(start_paused = true)]
async fn a_load_that_is_over_is_told_by_mail_and_by_event() {
    let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, taken()));
    assert!(notifier(&fake).tell_end(&ended(Ending::Done, 4), found()).await.is_empty());
    let asked = fake.asked();
    let (events, mails): (Vec<&Asked>, Vec<&Asked>) = asked.iter().partition(|asked| is_event(asked));
    assert_eq!((events.len(), mails.len()), (1, 1));
    let entry = &events[0].json()["Entries"][0];
    assert_eq!(
        (&entry["Source"], &entry["DetailType"]),
        (&json!("inventory.loader"), &json!("inventory.load.finished"))
    );
    assert_eq!(entry["EventBusName"], "default");
    let detail: Json = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!((&detail["load"], &detail["ending"]), (&json!(*LOAD), &json!("done")));
    let form = mails[0].form();
    let said = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!((said("Action"), said("Message").is_some()), (Some("Publish"), true));
    assert!(said("Subject").unwrap().starts_with("4%20rows%20need%20your%20attention"), "{form:?}");
    assert_eq!(said("MessageAttributes.entry.1.Value.StringValue"), Some("inventory.load.finished"));
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_named_is_not_told() {
    let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, taken()));
    let none = Notifier::new(fake.sns(), fake.eventbridge(), None, None, around());
    assert!(none.tell_end(&ended(Ending::Done, 0), found()).await.is_empty());
    assert_eq!(fake.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_is_a_fault_though_the_answer_says_that_all_is_well() {
    for (code, passing, sent) in
        [("ThrottlingException", true, 3), ("InternalFailure", true, 3), ("NotAuthorized", false, 1)]
    {
        let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, not_taken(code)));
        let faults = notifier(&fake).tell_end(&ended(Ending::Done, 0), found()).await;
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert_eq!((fault.operation, fault.code.as_str(), fault.passing), ("PutEvents", code, passing));
        assert!(fault.to_string().contains("event bus default"), "{fault}");
        assert_eq!(fake.asked().iter().filter(|asked| is_event(asked)).count(), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn one_way_that_does_not_work_does_not_stand_in_the_way_of_the_other() {
    let fake = cloud(Reply::Body(404, GONE), Reply::Json(200, taken()));
    let faults = notifier(&fake).tell_end(&ended(Ending::Done, 0), found()).await;
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert!(
        !fault.passing && fault.to_string().contains(TOPIC) && fault.to_string().contains("Check the name"),
        "{fault}"
    );
    assert_eq!(fake.asked().iter().filter(|asked| is_event(asked)).count(), 1);

    let fake = cloud(Reply::Body(429, THROTTLED), Reply::Json(200, taken()));
    let faults = notifier(&fake).tell_end(&ended(Ending::Done, 0), found()).await;
    assert!(matches!(&faults[..], [fault] if fault.passing && fault.code == "Throttled"), "{faults:?}");
}

#[test]
fn an_event_is_called_after_who_has_to_do_something() {
    let kinds: Vec<&str> = [
        Ending::Done,
        Ending::DryRun,
        Ending::Removed,
        Ending::Superseded,
        Ending::Cancelled,
        Ending::Held,
        Ending::Refused,
        Ending::Failed,
    ]
    .map(|ending| event(&ended(ending, 0)).kind.rsplit_once('.').unwrap().1)
    .into();
    assert_eq!(kinds, ["finished", "finished", "finished", "finished", "finished", "held", "refused", "failed"]);
}

#[test]
fn an_event_has_counts_and_names_and_places() {
    let detail = event(&ended(Ending::Done, 4)).detail;
    assert_eq!(
        (&detail["version"], &detail["table"], &detail["summary"]),
        (&json!(1), &json!("stock"), &json!("5 of 9 rows are in."))
    );
    let upload = json!({ "bucket": "uploads", "key": "uploads/Lagerbestände Q3.xlsx", "version": "7" });
    assert_eq!(detail["upload"], upload);
    assert_eq!(
        (&detail["rows"]["total"], &detail["rows"]["new"], &detail["rows"]["held"]),
        (&json!(9), &json!(5), &json!(0))
    );
    assert_eq!(detail["problems"], json!({ "total": 4, "by_rule": { "number-expected": 4 } }));
    assert_eq!(detail["report"], json!({ "bucket": "reports", "key": "loads/0123456789abcdef/report.json" }));
    assert_eq!(detail["seconds"], 4.5);
    assert_eq!(detail.get("refusal"), None);
}

#[test]
fn no_event_quotes_the_file() {
    let refusal = Refusal { rule: Rule::ColumnMissing, message: "\"secret\" is near.".into(), advice: "secret".into() };
    let refused = Report::refused(Some(LOAD.clone()), upload("uploads/a.csv"), refusal, Seconds::default());
    let mut held = ended(Ending::Held, 4);
    let (message, advice) = ("secret: far fewer items.".to_string(), "Is secret complete?".to_string());
    held.summary = message.clone();
    held.held = vec![Tripped { gate: Gate::Fewer, scope: Some("secret".into()), message, advice }];
    let mut lost = ended(Ending::Done, 0);
    let note = Note::of_sheet(Rule::CellsMergedAcross, "secret", &[("columns", "C"), ("rows", "5 rows")]);
    lost.summary = format!("All 5 rows are in, but 5 of them lost a value: {}", note.message);
    lost.notes = vec![note];
    let told = event(&lost).detail;
    assert_eq!(told["summary"], "All 5 rows are in, but 5 of them lost a value.");
    assert_eq!(told["notes"], json!(["cells-merged-across"]));
    for report in [refused, held, lost, ended(Ending::Done, 4), ended(Ending::Failed, 4)] {
        let event = event(&report);
        assert!(!event.detail.to_string().contains("secret"), "{}", event.detail);
    }
}

#[test]
fn the_subject_is_a_short_line_of_ascii_whatever_the_file_is_called() {
    let subject = |key: &str, ending| {
        let mut report = ended(ending, 0);
        report.upload = upload(key);
        mail(&report).subject
    };
    assert_eq!(subject("uploads/Lagerbestände Q3.xlsx", Ending::Done), "All rows are in: Lagerbestande Q3.xlsx");
    assert_eq!(subject("uploads/a\r\nBcc: b@c.xlsx", Ending::Failed), "Stopped by a fault: a??Bcc: b@c.xlsx");
    for key in ["ü".repeat(400), "在庫表.xlsx".to_string(), "\u{202e}\u{7f}\t".repeat(60), String::new()] {
        for ending in [Ending::Done, Ending::Held, Ending::Refused, Ending::Removed, Ending::DryRun, Ending::Superseded]
        {
            let subject = subject(&key, ending);
            assert!(subject.len() < 100 && subject.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{subject:?}");
            assert!(subject.starts_with(|letter: char| letter.is_ascii_alphabetic()));
        }
    }
}

#[test]
fn a_mail_has_the_answer_the_first_problems_the_place_of_the_report_and_what_can_be_done() {
    let body = mail(&ended(Ending::Done, 4)).body;
    let expected = "5 of 9 rows are in.\n\
        \n\
        \x20 Price in D2 is \"secret To approve: click\". Type it as a number.\n\
        \x20 Price in D3 is \"secret To approve: click\". Type it as a number.\n\
        \x20 Price in D4 is \"secret To approve: click\". Type it as a number.\n\
        \x20 1 more of this kind (number-expected): D5\n\
        \n\
        The report is loads/0123456789abcdef/report.html in the bucket reports:\n\
        https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=loads/0123456789abcdef/report.html\n\
        \n\
        To take back what it changed: inventory undo 0123456789abcdef --function loader\n\
        Load 0123456789abcdef of uploads/Lagerbestände Q3.xlsx in the bucket uploads, version 7, into table stock.\n";
    assert_eq!(body, expected);
}

#[test]
fn a_mail_says_how_to_approve_and_how_to_send_again() {
    for (ending, says) in [
        (Ending::Held, Some("To load it all the same: inventory approve 0123456789abcdef --function loader\n")),
        (Ending::Failed, Some("To send it again: inventory redrive 0123456789abcdef --function loader\n")),
        (Ending::Cancelled, Some("To send it again: inventory redrive 0123456789abcdef --function loader\n")),
        (Ending::Superseded, None),
    ] {
        let body = mail(&ended(ending, 0)).body;
        let mut lines = body.split_inclusive('\n').filter(|line| line.starts_with("To ") && !line.contains(" undo "));
        assert_eq!((lines.next(), lines.next()), (says, None), "{body}");
    }
    let unbegun = Report::cancelled(LOAD.clone(), upload("uploads/a.csv"), "Erika");
    assert!(!mail(&unbegun).body.contains("inventory undo"), "nothing was changed");
    let fault = Stopped { reason: "The table is gone.".into(), advice: "Mend it.".into() };
    let failed = ended(Ending::Failed, 0).with_reason(fault);
    assert!(mail(&failed).body.starts_with("5 of 9 rows are in. The table is gone. Mend it.\n"));
}

#[test]
fn a_mail_that_would_be_too_long_is_cut_after_a_sentence_and_says_so() {
    let mut report = ended(Ending::Done, 0);
    report.summary = "Ä row needs your attention. ".repeat(20_000);
    let body = mail(&report).body;
    assert!(body.len() <= 256_000 && body.len() > 255_000, "{}", body.len());
    let (text, foot) = body.split_once("\nThe rest is in the report.\n").expect("that it was cut");
    assert!(text.ends_with("attention."), "{:?}", &text[text.len() - 40..]);
    assert!(foot.contains("inventory undo 0123456789abcdef"));
}

#[test]
fn the_console_is_where_the_region_has_it() {
    for (region, start) in [
        (
            "eu-central-1",
            "https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=loads/",
        ),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/s3/object/reports?"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/reports?"),
        ("us-east-1", "https://us-east-1.console.aws.amazon.com/s3/object/reports?"),
    ] {
        let around = Around { region: region.into(), ..around() };
        let body = Mail::of_report(&ended(Ending::Done, 0), found(), &around).body;
        assert!(body.contains(start), "{body}");
    }
}

#[test]
fn a_sheet_that_did_not_come_is_told_with_when_the_last_one_did() {
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let every = Every::parse("100 days").unwrap();
    let since = at("2026-10-03T08:00:00Z");
    let missing =
        Missing { table: "stock", last: &LOAD, at: since, every, periods: 2, due: every.after(since, 1).unwrap() };
    let mail = Mail::of_missing(&missing);
    assert_eq!(
        (mail.subject.as_str(), mail.kind),
        ("No sheet since 3 Oct 2026: table stock", "inventory.load.missing")
    );
    let expected = "No sheet has come into table stock since 3 Oct 2026. By the rules one is expected every 100 days, so \
                    the next one was due on 11 Jan 2027. The table is as it was.\n";
    assert!(mail.body.starts_with(expected), "{}", mail.body);
    let event = Event::of_missing(&missing);
    assert_eq!(event.kind, "inventory.load.missing");
    let detail = json!({
        "version": 1, "table": "stock", "last": { "load": "0123456789abcdef", "ended": "2026-10-03T08:00:00Z" },
        "expect_every": "100 days", "due": "2027-01-11T08:00:00Z", "periods": 2,
    });
    assert_eq!(event.detail, detail);
}

fn outage(given_up: bool) -> Outage {
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let (since, next) = (at("2026-10-03T08:00:00Z"), at("2026-10-03T09:00:00Z"));
    Outage { since, next, tries: 6, why: "Table stock gave\nnothing.".into(), told: false, given_up }
}

fn delayed(outage: &Outage) -> Delayed<'_> {
    let gives_up = "2026-10-04T08:00:00Z".parse().unwrap();
    Delayed { table: "stock", load: Some(&LOAD), file: "q3.csv", outage, gives_up }
}

#[test]
fn a_load_that_takes_long_is_told_with_until_when_it_is_tried_and_then_that_it_is_not() {
    let around = around();
    let of = |given_up| Mail::of_delayed(&delayed(&outage(given_up)), &around);
    let (late, over) = (of(false), of(true));
    assert_eq!((late.subject.as_str(), over.subject.as_str()), ("Delayed: q3.csv", "Not loaded: q3.csv"));
    for says in [
        "You don't have to do anything",
        "until 4 Oct 2026, 08:00 UTC",
        "The last of 6 tries: Table stock gave nothing.\n",
    ] {
        assert!(late.body.contains(says), "{}", late.body);
    }
    assert!(late.body.contains("inventory show 0123456789abcdef --function loader"), "{}", late.body);
    assert!(over.body.contains("send it again: inventory redrive --yes --function loader"), "{}", over.body);
}

#[test]
fn the_examples_in_the_documentation_have_the_fields_of_an_event() {
    let blocks = include_str!("../../docs/events.md").split("```json\n").skip(1);
    let blocks: Vec<Json> =
        blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).expect("JSON")).collect();
    let fields = |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (at, every) = (Timestamp::UNIX_EPOCH, Every::parse("100 days").unwrap());
    let missing = Missing { table: "stock", last: &LOAD, at, every, periods: 1, due: at };
    let delayed = Event::of_delayed(&delayed(&outage(false))).detail;
    let told = [event(&ended(Ending::Done, 4)).detail, Event::of_missing(&missing).detail, delayed];
    assert_eq!(blocks[1..].iter().map(fields).collect::<Vec<_>>(), told.each_ref().map(fields));
    for part in ["upload", "rows", "problems", "units", "report"] {
        assert_eq!(fields(&blocks[1][part]), fields(&told[0][part]), "{part}");
    }
}
