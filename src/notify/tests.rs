//! Tests of mails and events, and of what happens if they can't be sent.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::*;
use crate::clients::fake::{Fake, FakeRequest, Reply};
use inventory_base::ending::Ending;
use inventory_base::message::{Problem, Refusal, Rule, note};
use inventory_base::upload::Upload;
use inventory_check::plan::{Fate, Gate, Tripped};
use inventory_check::report::{Seconds, Stopped};

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:loads";
const PUBLISHED: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>\
                         <MessageId>1</MessageId></PublishResult></PublishResponse>";
const GONE: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code>\
                    <Message>Topic does not exist</Message></Error></ErrorResponse>";
const THROTTLED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttled</Code>\
                         <Message>Rate exceeded</Message></Error></ErrorResponse>";
static LOAD: LazyLock<LoadId> = LazyLock::new(|| LoadId::parse("0123456789abcdef").unwrap());

fn is_event(asked: &FakeRequest) -> bool {
    asked.header("x-amz-target") == Some("AWSEvents.PutEvents")
}

fn taken() -> Json {
    json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] })
}

fn not_taken(code: &str) -> Json {
    json!({ "FailedEntryCount": 1, "Entries": [{ "ErrorCode": code, "ErrorMessage": "the reason" }] })
}

/// Returns a fake cloud that answers mails with `mail` and events with `event`.
fn cloud(mail: Reply, event: Reply) -> Fake {
    Fake::answering(move |asked| if is_event(asked) { event.clone() } else { mail.clone() })
}

fn context() -> MailContext {
    MailContext { reports: "reports".into(), function: "loader".into(), region: "eu-central-1".into() }
}

fn notifier(fake: &Fake) -> Notifier {
    Notifier::new(fake.sns(), fake.eventbridge(), Some(TOPIC.into()), Some("default".into()), context())
}

fn location() -> LoadLocation<'static> {
    LoadLocation { table: "stock", names: Names(&LOAD) }
}

fn upload(key: &str) -> Upload {
    let (bucket, key) = ("uploads".to_string(), key.to_string());
    Upload { bucket, key, version: Some("7".into()), sequencer: None, etag: None, size: None, time: None }
}

/// A load of which five rows were loaded and `problems` rows were not.
fn ended(ending: Ending, problems: usize) -> Report {
    let summary = "5 of 9 rows were loaded.".to_string();
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
    Mail::of_report(report, location(), &context())
}

fn event(report: &Report) -> Event {
    Event::of_report(report, location(), &context())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_load_is_notified_by_mail_and_by_event() {
    let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, taken()));
    assert!(notifier(&fake).notify_end(&ended(Ending::Done, 4), location()).await.is_empty());
    let asked = fake.requests();
    let (events, mails): (Vec<&FakeRequest>, Vec<&FakeRequest>) = asked.iter().partition(|asked| is_event(asked));
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
    let field = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!((field("Action"), field("Message").is_some()), (Some("Publish"), true));
    assert!(field("Subject").unwrap().starts_with("4%20rows%20need%20your%20attention"), "{form:?}");
    assert_eq!(field("MessageAttributes.entry.1.Value.StringValue"), Some("inventory.load.finished"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_without_a_topic_and_a_bus() {
    let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, taken()));
    let none = Notifier::new(fake.sns(), fake.eventbridge(), None, None, context());
    assert!(none.notify_end(&ended(Ending::Done, 0), location()).await.is_empty());
    assert_eq!(fake.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_event_is_an_error_although_the_response_is_successful() {
    for (code, passing, sent) in
        [("ThrottlingException", true, 3), ("InternalFailure", true, 3), ("NotAuthorized", false, 1)]
    {
        let fake = cloud(Reply::Body(200, PUBLISHED), Reply::Json(200, not_taken(code)));
        let faults = notifier(&fake).notify_end(&ended(Ending::Done, 0), location()).await;
        let [fault] = &faults[..] else { panic!("{faults:?}") };
        assert_eq!((fault.operation, fault.code.as_str(), fault.transient), ("PutEvents", code, passing));
        assert!(fault.to_string().contains("event bus default"), "{fault}");
        assert_eq!(fake.requests().iter().filter(|asked| is_event(asked)).count(), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn if_one_channel_fails_the_other_still_works() {
    let fake = cloud(Reply::Body(404, GONE), Reply::Json(200, taken()));
    let faults = notifier(&fake).notify_end(&ended(Ending::Done, 0), location()).await;
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert!(
        !fault.transient && fault.to_string().contains(TOPIC) && fault.to_string().contains("Check the name"),
        "{fault}"
    );
    assert_eq!(fake.requests().iter().filter(|asked| is_event(asked)).count(), 1);

    let fake = cloud(Reply::Body(429, THROTTLED), Reply::Json(200, taken()));
    let faults = notifier(&fake).notify_end(&ended(Ending::Done, 0), location()).await;
    assert!(matches!(&faults[..], [fault] if fault.transient && fault.code == "Throttled"), "{faults:?}");
}

#[test]
fn the_event_type_depends_on_what_has_to_be_done() {
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
fn an_event_contains_counts_names_and_places() {
    let detail = event(&ended(Ending::Done, 4)).detail;
    assert_eq!(
        (&detail["version"], &detail["table"], &detail["summary"]),
        (&json!(1), &json!("stock"), &json!("5 of 9 rows were loaded."))
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
    let note = note!(CellsMergedAcross { sheet: "secret", columns: "C", rows: "5 rows" }).on_sheet("secret");
    lost.summary = format!("All 5 rows were loaded, but 5 of them lost a value: {}", note.message);
    lost.notes = vec![note];
    let detail = event(&lost).detail;
    assert_eq!(detail["summary"], "All 5 rows were loaded, but 5 of them lost a value.");
    assert_eq!(detail["notes"], json!(["cells-merged-across"]));
    for report in [refused, held, lost, ended(Ending::Done, 4), ended(Ending::Failed, 4)] {
        let event = event(&report);
        assert!(!event.detail.to_string().contains("secret"), "{}", event.detail);
    }
}

#[test]
fn the_subject_is_a_short_line_of_ascii_whatever_the_name_of_the_file() {
    let subject = |key: &str, ending| {
        let mut report = ended(ending, 0);
        report.upload = upload(key);
        mail(&report).subject
    };
    assert_eq!(subject("uploads/Lagerbestände Q3.xlsx", Ending::Done), "All rows were loaded: Lagerbestande Q3.xlsx");
    assert_eq!(subject("uploads/a\r\nBcc: b@c.xlsx", Ending::Failed), "Stopped by an error: a??Bcc: b@c.xlsx");
    for key in ["ü".repeat(400), "在庫表.xlsx".to_string(), "\u{202e}\u{7f}\t".repeat(60), String::new()] {
        for ending in [Ending::Done, Ending::Held, Ending::Refused, Ending::Removed, Ending::DryRun, Ending::Superseded]
        {
            let subject = subject(&key, ending);
            assert!(subject.len() < 100 && subject.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{subject:?}");
            assert!(subject.starts_with(|c: char| c.is_ascii_alphabetic()));
        }
    }
}

#[test]
fn a_mail_has_the_answer_the_first_problems_the_place_of_the_report_and_what_can_be_done() {
    let body = mail(&ended(Ending::Done, 4)).body;
    let expected = "5 of 9 rows were loaded.\n\
        \n\
        \x20 Price in D2 is \"secret To approve: click\". Type it as a number.\n\
        \x20 Price in D3 is \"secret To approve: click\". Type it as a number.\n\
        \x20 Price in D4 is \"secret To approve: click\". Type it as a number.\n\
        \x20 1 more of this kind (number-expected): D5\n\
        \n\
        The report is loads/0123456789abcdef/report.html in the bucket reports:\n\
        https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=loads/0123456789abcdef/report.html\n\
        \n\
        To undo it: inventory undo 0123456789abcdef --function loader\n\
        Load 0123456789abcdef of uploads/Lagerbestände Q3.xlsx in the bucket uploads, version 7, into table stock.\n";
    assert_eq!(body, expected);
}

#[test]
fn a_mail_says_how_to_approve_and_how_to_load_again() {
    for (ending, expected) in [
        (Ending::Held, Some("To load it anyway: inventory approve 0123456789abcdef --function loader\n")),
        (Ending::Failed, Some("To load it again: inventory redrive 0123456789abcdef --function loader\n")),
        (Ending::Cancelled, Some("To load it again: inventory redrive 0123456789abcdef --function loader\n")),
        (Ending::Superseded, None),
    ] {
        let body = mail(&ended(ending, 0)).body;
        let mut lines = body.split_inclusive('\n').filter(|line| line.starts_with("To ") && !line.contains(" undo "));
        assert_eq!((lines.next(), lines.next()), (expected, None), "{body}");
    }
    let never_started = Report::cancelled(LOAD.clone(), upload("uploads/a.csv"), "Erika");
    assert!(!mail(&never_started).body.contains("inventory undo"), "nothing was changed");
    let fault = Stopped { reason: "The table is gone.".into(), advice: "Fix it.".into() };
    let failed = ended(Ending::Failed, 0).with_reason(fault);
    assert!(mail(&failed).body.starts_with("5 of 9 rows were loaded. The table is gone. Fix it.\n"));
}

#[test]
fn a_mail_that_is_too_long_is_cut_after_a_sentence_and_says_so() {
    let mut report = ended(Ending::Done, 0);
    report.summary = "Ä row needs your attention. ".repeat(20_000);
    let body = mail(&report).body;
    assert!(body.len() <= 256_000 && body.len() > 255_000, "{}", body.len());
    let (text, foot) = body.split_once("\nThe rest is in the report.\n").expect("a mail that was cut");
    assert!(text.ends_with("attention."), "{:?}", &text[text.len() - 40..]);
    assert!(foot.contains("inventory undo 0123456789abcdef"));
}

#[test]
fn the_address_of_the_console_depends_on_the_region() {
    for (region, start) in [
        (
            "eu-central-1",
            "https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=loads/",
        ),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/s3/object/reports?"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/reports?"),
        ("us-east-1", "https://us-east-1.console.aws.amazon.com/s3/object/reports?"),
    ] {
        let context = MailContext { region: region.into(), ..context() };
        let body = Mail::of_report(&ended(Ending::Done, 0), location(), &context).body;
        assert!(body.contains(start), "{body}");
    }
}

#[test]
fn the_mail_about_an_overdue_sheet_says_when_the_last_one_was_loaded() {
    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let every = Interval::parse("100 days").unwrap();
    let since = at("2026-10-03T08:00:00Z");
    let missing =
        OverdueSheet { table: "stock", last: &LOAD, at: since, every, periods: 2, due: every.after(since, 1).unwrap() };
    let mail = Mail::of_missing(&missing);
    assert_eq!(
        (mail.subject.as_str(), mail.kind),
        ("No sheet since 3 Oct 2026: table stock", "inventory.load.missing")
    );
    let expected = "No sheet has been loaded into table stock since 3 Oct 2026. The rules expect one every 100 days, so \
                    the next one was due on 11 Jan 2027. The table is unchanged.\n";
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
    Outage { since, next, tries: 6, why: "Table stock gave\nnothing.".into(), notified: false, given_up }
}

fn delayed(outage: &Outage) -> DelayedLoad<'_> {
    let gives_up = "2026-10-04T08:00:00Z".parse().unwrap();
    DelayedLoad { table: "stock", load: Some(&LOAD), file: "q3.csv", outage, gives_up }
}

#[test]
fn the_mail_about_a_delayed_load_says_until_when_it_is_retried_or_that_retrying_has_stopped() {
    let context = context();
    let of = |given_up| Mail::of_delayed(&delayed(&outage(given_up)), &context);
    let (late, given_up) = (of(false), of(true));
    assert_eq!((late.subject.as_str(), given_up.subject.as_str()), ("Delayed: q3.csv", "Not loaded: q3.csv"));
    for part in [
        "You don't have to do anything",
        "until 4 Oct 2026, 08:00 UTC",
        "The last of 6 attempts: Table stock gave nothing.\n",
    ] {
        assert!(late.body.contains(part), "{}", late.body);
    }
    assert!(late.body.contains("inventory show 0123456789abcdef --function loader"), "{}", late.body);
    assert!(given_up.body.contains("load it again: inventory redrive --yes --function loader"), "{}", given_up.body);
}

#[test]
fn the_examples_in_the_documentation_have_the_fields_of_the_events() {
    let blocks = include_str!("../../docs/events.md").split("```json\n").skip(1);
    let blocks: Vec<Json> =
        blocks.map(|block| serde_json::from_str(block.split("```").next().unwrap()).expect("JSON")).collect();
    let fields = |json: &Json| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let (at, every) = (Timestamp::UNIX_EPOCH, Interval::parse("100 days").unwrap());
    let missing = OverdueSheet { table: "stock", last: &LOAD, at, every, periods: 1, due: at };
    let delayed = Event::of_delayed(&delayed(&outage(false))).detail;
    let details = [event(&ended(Ending::Done, 4)).detail, Event::of_missing(&missing).detail, delayed];
    assert_eq!(blocks[1..].iter().map(fields).collect::<Vec<_>>(), details.each_ref().map(fields));
    for part in ["upload", "rows", "problems", "units", "report"] {
        assert_eq!(fields(&blocks[1][part]), fields(&details[0][part]), "{part}");
    }
}
