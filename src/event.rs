//! What a Lambda event asks for: uploads to load, or one of our own loads to continue; in whatever envelope it comes.

mod own;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// The folder of uploads that are only tried.
const DRY_RUN: &str = "dry-run";
pub use own::{LOADS_AT_MOST, own_event};

/// One version of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    /// As the uploader named it, decoded.
    pub key: String,
    pub version: Option<String>,
    /// S3's order of the writes to one key.
    pub sequencer: Option<String>,
    pub etag: Option<String>,
    pub size: Option<u64>,
    /// When S3 took it, as S3 wrote it down.
    pub time: Option<String>,
}

impl Upload {
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// Neither a folder nor what an office program leaves beside an open file.
    pub fn is_spreadsheet(&self) -> bool {
        let lock_file = self.file_name().starts_with("~$") || self.file_name().starts_with(".~lock.");
        !self.key.ends_with('/') && !lock_file
    }

    /// Put into a folder `dry-run`: the plan is made and told, and nothing is written.
    pub fn is_dry_run(&self) -> bool {
        // On a disk a folder may be called so by chance.
        !self.bucket.is_empty() && self.key.rsplit('/').skip(1).any(|folder| folder == DRY_RUN)
    }
}

/// The name of a load: the same upload always has the same, so that delivering it twice is one load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(String);

impl LoadId {
    const HEX_DIGITS: usize = 16;
    const UNDO: &str = "undo";
    /// An undo can be undone, and so on, but not for ever: the name is part of paths.
    const LONGEST: usize = 128;

    pub fn of(upload: &Upload) -> LoadId {
        let version = upload.version.as_deref().or(upload.sequencer.as_deref()).unwrap_or_default();
        let digest = Sha256::digest(format!("{}\n{}\n{version}", upload.bucket, upload.key));
        let mut name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        name.truncate(Self::HEX_DIGITS);
        LoadId(name)
    }

    /// The nth load linked to this one: approved, sent again.
    pub fn linked(&self, n: u32) -> LoadId {
        LoadId(format!("{}.{n}", self.0))
    }

    /// The load that takes up this one when it is approved: always the same, so that approving twice is once.
    pub fn next(&self) -> LoadId {
        let link = self.0.rsplit_once('.').and_then(|(first, link)| Some((first, link.parse::<u32>().ok()?)));
        let (first, n) = link.unwrap_or((&self.0, 1));
        LoadId(first.to_string()).linked(n + 1)
    }

    /// The load that undoes this one: always the same, so that undoing twice is once.
    pub fn undoing(&self) -> LoadId {
        LoadId(format!("{}.{}", self.0, Self::UNDO))
    }

    /// A name that came from outside, believed only when it looks like one of ours: it becomes part of paths.
    pub fn parse(text: &str) -> Option<LoadId> {
        let (name, links) = text.split_once('.').map_or((text, None), |(name, links)| (name, Some(links)));
        let hex = name.len() == Self::HEX_DIGITS && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_number = |link: &str| link.len() <= 6 && link.parse::<u32>().is_ok_and(|n| n > 1);
        let is_link = |link: &str| link == Self::UNDO || is_number(link);
        let linked = links.is_none_or(|links| links.split('.').all(is_link));
        (hex && linked && text.len() <= Self::LONGEST).then(|| LoadId(text.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LoadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Load(Upload),
    /// Go on with a load whose plan is kept. Carries only its name.
    Continue(LoadId),
    /// Load again what is held.
    Approve(Decision),
    /// Load again what failed or was cancelled.
    Redrive(Decision),
    /// Load again all that failed, the oldest upload first, and send again what rests in the failure queue.
    RedriveAll {
        by: String,
        at: Timestamp,
        /// Only what has failed since.
        since: Option<Timestamp>,
    },
    /// Take back what a load wrote.
    Undo(Undo),
    /// Stop a load at its next step.
    Cancel(Decision),
    /// Tell which loads failed.
    ListFailed {
        since: Option<Timestamp>,
    },
    /// Tell of the last loads, and of those that wait or are under way.
    ListLoads {
        at_most: usize,
    },
    /// Tell how far a load is, or what became of it.
    Show(LoadId),
    /// Tell what became of a load's rows, from this one on, as many as an answer holds.
    ShowRows {
        load: LoadId,
        from: u64,
        /// Only those of this fate, by its name.
        fate: Option<String>,
    },
    /// Tell what the loader reads and writes.
    About,
    /// Start what should run and does not.
    Sweep,
}

/// Who decided something about a load, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub load: LoadId,
    /// Under the name that the caller gave.
    pub by: String,
    pub at: Timestamp,
}

/// Who decided that a load is undone, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The load that is to be undone.
    pub load: LoadId,
    /// Under the name that the caller gave.
    pub by: String,
    pub at: Timestamp,
    /// Only to tell what would become of it.
    pub dry_run: bool,
}

/// What happened to a load after it had ended. What the load says of itself stays true with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    pub what: Afterwards,
    /// The load that followed, or that it replaced.
    pub load: LoadId,
    /// Who decided it; none where nobody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Afterwards {
    /// It was held, and is loaded all the same.
    Approved,
    /// It had failed or was cancelled, and is loaded again.
    Reloaded,
    Undone,
    /// An older version of its file was stopped or left out because of it.
    Replaced,
}

impl Later {
    /// In a sentence.
    pub fn say(&self) -> String {
        let Later { what, load, by, at } = self;
        let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let on = at.strftime("%-d %b %Y, %H:%M UTC");
        match what {
            Afterwards::Approved => format!("Approved{by} on {on}, and loaded as load {load}."),
            Afterwards::Reloaded => format!("Reloaded{by} on {on} as load {load}."),
            Afterwards::Undone => format!("Undone{by} on {on} by load {load}."),
            Afterwards::Replaced => format!("It replaced load {load}, an older version of the same file."),
        }
    }

    /// Whether what the load said at its end is no longer how things are.
    pub fn changes_the_answer(&self) -> bool {
        self.what != Afterwards::Replaced
    }
}

/// What one invocation brings: an event by itself, or a message of a queue that holds one.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// By which the queue knows it; none where the event came by itself.
    pub id: Option<String>,
    pub requests: Result<Vec<Request>, EventError>,
}

/// Whose events are believed.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    pub bucket: &'a str,
    pub account: &'a str,
}

/// An event that is not for us. Trying again would not help, but somebody should see it: it ends in the failure queue.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    #[error("the event is neither an S3 notification nor one of the loader's own; send it S3 ObjectCreated events")]
    Unknown,
    #[error("the event's S3 record {record} has no {what}")]
    Incomplete { record: usize, what: &'static str },
    #[error("the event's key is not text after decoding")]
    KeyNotText,
    #[error(
        "the event carries a command of the loader, and came by a queue or an event bus; commands are believed only from \
         a direct invocation of the function. Use the inventory command, or invoke the function yourself"
    )]
    NotDirect,
    #[error("the event is for bucket {0}, and this loader reads another one; check the notification's target")]
    OtherBucket(String),
    #[error("the event is from account {0}, and this loader's buckets are in another one; check the rule's target")]
    OtherAccount(String),
    #[error(
        "the message of the queue holds no JSON; send it S3 ObjectCreated events, or what EventBridge makes of them"
    )]
    NotJson,
}

/// Takes an event out of its envelope: each message of an SQS queue stands for itself, so that one which cannot be done
/// is tried again without the others.
pub fn open(event: &Json, ours: Ours<'_>) -> Vec<Message> {
    let records = event.get("Records").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if records.first().and_then(|record| record.get("eventSource")).and_then(Json::as_str) != Some("aws:sqs") {
        return vec![Message { id: None, requests: decode(event, ours) }];
    }
    let messages = records.iter().map(|record| {
        let text = |name: &str| record.get(name).and_then(Json::as_str);
        let body = text("body").and_then(|body| serde_json::from_str::<Json>(body).ok()).ok_or(EventError::NotJson);
        let requests = body.and_then(|body| decode_carried(&body, ours));
        Message { id: Some(text("messageId").unwrap_or_default().to_string()), requests }
    });
    messages.collect()
}

/// Reads an event that came by itself. Invoked directly, the function does what it is asked: whoever may invoke it may
/// ask. What S3 or an event bus made of something else is no such request, whatever it carries.
fn decode(event: &Json, ours: Ours<'_>) -> Result<Vec<Request>, EventError> {
    let is_direct = ["Records", "source", "detail-type"].iter().all(|part| event.get(part).is_none());
    match own::decode(event) {
        Some(request) if is_direct => Ok(vec![request?]),
        _ => decode_carried(event, ours),
    }
}

/// Reads an event that a queue, a bus or S3 brought: uploads, and nothing else. Whoever may put a message there need not
/// be one who may approve a load. Folder markers and the lock files of office programs are passed over.
fn decode_carried(event: &Json, ours: Ours<'_>) -> Result<Vec<Request>, EventError> {
    if [Some(event), event.get("detail")].into_iter().flatten().any(|part| own::decode(part).is_some()) {
        return Err(EventError::NotDirect);
    }
    if event.get("source").and_then(Json::as_str) == Some("aws.s3") {
        return decode_bridged(event, ours);
    }
    // S3 sends this once, when the notification is set up.
    if event.get("Event").and_then(Json::as_str) == Some("s3:TestEvent") {
        return Ok(Vec::new());
    }
    let records = event.get("Records").and_then(Json::as_array).ok_or(EventError::Unknown)?;
    let mut requests = Vec::with_capacity(records.len());
    for (number, record) in records.iter().enumerate() {
        if record.get("eventSource").and_then(Json::as_str) != Some("aws:s3") {
            return Err(EventError::Unknown);
        }
        let created = record.get("eventName").and_then(Json::as_str).is_some_and(|n| n.starts_with("ObjectCreated:"));
        if !created {
            continue;
        }
        let upload = decode_record(record, number)?;
        requests.extend(believe(upload, ours)?);
    }
    Ok(requests)
}

/// What EventBridge makes of S3's events: one upload, its key as it is, and the account it is in.
fn decode_bridged(event: &Json, ours: Ours<'_>) -> Result<Vec<Request>, EventError> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).map(str::to_string);
    if text("/detail-type").as_deref() != Some("Object Created") {
        return Ok(Vec::new());
    }
    if let Some(account) = text("/account").filter(|account| account != ours.account) {
        return Err(EventError::OtherAccount(account));
    }
    let need = |pointer: &str, what| {
        text(pointer).filter(|text| !text.is_empty()).ok_or(EventError::Incomplete { record: 0, what })
    };
    let upload = Upload {
        bucket: need("/detail/bucket/name", "bucket name")?,
        key: need("/detail/object/key", "object key")?,
        version: text("/detail/object/version-id"),
        sequencer: text("/detail/object/sequencer"),
        etag: text("/detail/object/etag"),
        size: event.pointer("/detail/object/size").and_then(Json::as_u64),
        time: text("/time"),
    };
    Ok(believe(upload, ours)?.into_iter().collect())
}

/// An upload is believed only in our bucket, and is none where it is a folder or a lock file.
fn believe(upload: Upload, ours: Ours<'_>) -> Result<Option<Request>, EventError> {
    if upload.bucket != ours.bucket {
        return Err(EventError::OtherBucket(upload.bucket));
    }
    Ok(upload.is_spreadsheet().then_some(Request::Load(upload)))
}

fn decode_record(record: &Json, number: usize) -> Result<Upload, EventError> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Json::as_str).map(str::to_string);
    let need = |pointer: &str, what| {
        text(pointer).filter(|text| !text.is_empty()).ok_or(EventError::Incomplete { record: number, what })
    };
    Ok(Upload {
        bucket: need("/s3/bucket/name", "bucket name")?,
        key: decode_key(&need("/s3/object/key", "object key")?)?,
        version: text("/s3/object/versionId"),
        sequencer: text("/s3/object/sequencer"),
        etag: text("/s3/object/eTag"),
        size: record.pointer("/s3/object/size").and_then(Json::as_u64),
        time: text("/eventTime"),
    })
}

/// S3 writes keys as HTML forms do: a blank is `+`, and everything unusual is `%` and two digits.
fn decode_key(encoded: &str) -> Result<String, EventError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut ahead = rest.clone();
                let digits = ahead.next().and_then(hex_digit).zip(ahead.next().and_then(hex_digit));
                match digits {
                    Some((high, low)) => {
                        rest = ahead;
                        high * 16 + low
                    }
                    None => b'%',
                }
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| EventError::KeyNotText)
}

fn hex_digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OURS: Ours<'_> = Ours { bucket: "stock", account: "123456789012" };

    fn record(key: &str) -> Json {
        json!({
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-10-03T08:00:00.000Z",
            "s3": { "bucket": { "name": "stock" },
                    "object": { "key": key, "versionId": "v1", "sequencer": "0055AED6DCD90281E5", "eTag": "e", "size": 7 } }
        })
    }

    fn keys(event: &Json) -> Vec<String> {
        let requests = decode(event, OURS).unwrap();
        requests
            .into_iter()
            .map(|request| match request {
                Request::Load(upload) => upload.key,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn keys_are_decoded_as_s3_and_as_others_encode_them() {
        for (encoded, key) in [
            ("uploads/Q3+stock+%28final%29+%2B+%C3%A4.xlsx", "uploads/Q3 stock (final) + ä.xlsx"),
            ("uploads/Q3%20stock%20(final)%20%2B%20%C3%A4.xlsx", "uploads/Q3 stock (final) + ä.xlsx"),
            ("uploads/100%.csv", "uploads/100%.csv"),
            ("uploads/a%2", "uploads/a%2"),
            ("uploads/%+f.csv", "uploads/% f.csv"),
        ] {
            assert_eq!(keys(&json!({ "Records": [record(encoded)] })), [key]);
        }
        let event = json!({ "Records": [record("uploads/%FF.csv")] });
        assert_eq!(decode(&event, OURS), Err(EventError::KeyNotText));
    }

    #[test]
    fn several_records_are_several_uploads_and_markers_are_passed_over() {
        let event = json!({ "Records": [
            record("uploads/a.xlsx"), record("uploads/"), record("uploads/%7E%24a.xlsx"), record("uploads/.~lock.a.ods%23"),
            record("uploads/b.csv"),
        ]});
        assert_eq!(keys(&event), ["uploads/a.xlsx", "uploads/b.csv"]);
    }

    #[test]
    fn a_record_carries_version_sequencer_and_size() {
        let Request::Load(upload) = decode(&json!({ "Records": [record("uploads/a.xlsx")] }), OURS).unwrap().remove(0)
        else {
            panic!("not a load")
        };
        assert_eq!(upload.version.as_deref(), Some("v1"));
        assert_eq!(upload.sequencer.as_deref(), Some("0055AED6DCD90281E5"));
        assert_eq!((upload.size, upload.etag.as_deref()), (Some(7), Some("e")));
    }

    #[test]
    fn the_test_event_and_removals_ask_for_nothing() {
        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "stock" });
        assert_eq!(decode(&test, OURS), Ok(vec![]));
        let mut removed = record("uploads/a.xlsx");
        removed["eventName"] = json!("ObjectRemoved:Delete");
        assert_eq!(decode(&json!({ "Records": [removed] }), OURS), Ok(vec![]));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        assert_eq!(decode(&json!({}), OURS), Err(EventError::Unknown));
        assert_eq!(decode(&json!([1, 2]), OURS), Err(EventError::Unknown));
        assert_eq!(decode(&json!({ "Records": [{ "eventSource": "aws:sns" }] }), OURS), Err(EventError::Unknown));
        let nameless = EventError::Incomplete { record: 0, what: "object key" };
        assert_eq!(decode(&json!({ "Records": [record("")] }), OURS), Err(nameless));
        let event = json!({ "Records": [record("uploads/a.xlsx")] });
        assert_eq!(
            decode(&event, Ours { bucket: "other", account: "1" }),
            Err(EventError::OtherBucket("stock".into()))
        );
    }

    fn bridged(key: &str) -> Json {
        json!({
            "version": "0", "source": "aws.s3", "detail-type": "Object Created", "account": "123456789012",
            "time": "2026-10-03T08:00:00Z",
            "detail": { "bucket": { "name": "stock" }, "reason": "PutObject",
                        "object": { "key": key, "version-id": "v1", "sequencer": "0055AED6DCD90281E5", "etag": "e", "size": 7 } }
        })
    }

    #[test]
    fn eventbridge_brings_the_same_upload_with_its_key_as_it_is() {
        let upload = |event: &Json| match decode(event, OURS).unwrap().remove(0) {
            Request::Load(upload) => upload,
            other => panic!("{other:?}"),
        };
        let (bridge, s3) =
            (upload(&bridged("uploads/50%+1.csv")), upload(&json!({ "Records": [record("uploads/50%25%2B1.csv")] })));
        assert_eq!(LoadId::of(&bridge), LoadId::of(&s3));
        assert_eq!(Upload { time: None, ..bridge }, Upload { time: None, ..s3 });
        assert_eq!(decode(&bridged("uploads/~$a.xlsx"), OURS), Ok(vec![]));
        let mut event = bridged("uploads/a.csv");
        event["detail-type"] = json!("Object Deleted");
        assert_eq!(decode(&event, OURS), Ok(vec![]));
        let mut event = bridged("uploads/a.csv");
        event["account"] = json!("999999999999");
        assert_eq!(decode(&event, OURS), Err(EventError::OtherAccount("999999999999".into())));
        let mut event = bridged("uploads/a.csv");
        event["detail"]["bucket"]["name"] = json!("other");
        assert_eq!(decode(&event, OURS), Err(EventError::OtherBucket("other".into())));
    }

    #[test]
    fn each_message_of_a_queue_stands_for_itself() {
        let message = |id: &str, body: String| json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
        let s3 = json!({ "Records": [record("uploads/a.xlsx"), record("uploads/b.csv")] }).to_string();
        let event = json!({ "Records": [
            message("1", s3), message("2", "no JSON".into()), message("3", bridged("uploads/c.ods").to_string()),
        ]});
        let told: Vec<(Option<String>, Result<usize, EventError>)> = open(&event, OURS)
            .into_iter()
            .map(|message| (message.id, message.requests.map(|requests| requests.len())))
            .collect();
        let id = |id: &str| Some(id.to_string());
        assert_eq!(told, [(id("1"), Ok(2)), (id("2"), Err(EventError::NotJson)), (id("3"), Ok(1))]);
        let alone = open(&json!({ "Records": [record("uploads/a.xlsx")] }), OURS);
        assert_eq!((alone.len(), &alone[0].id), (1, &None));
    }

    #[test]
    fn commands_are_believed_only_from_a_direct_invocation() {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let by = || ("Erika".to_string(), Timestamp::UNIX_EPOCH);
        let word = || Decision { load: load.clone(), by: by().0, at: by().1 };
        for request in [
            Request::Approve(word()),
            Request::Redrive(word()),
            Request::Cancel(word()),
            Request::Continue(load.clone()),
            Request::Undo(Undo { load: load.clone(), by: by().0, at: by().1, dry_run: false }),
            Request::ListFailed { since: None },
            Request::Sweep,
        ] {
            let command = own_event(&request).unwrap();
            assert_eq!(decode(&command, OURS), Ok(vec![request]));
            let refused = |event: &Json| {
                let requests = open(event, OURS).remove(0).requests;
                assert_eq!(requests, Err(EventError::NotDirect), "{event}");
            };
            let in_queue = |body: &Json| json!({ "Records": [{ "messageId": "1", "eventSource": "aws:sqs", "body": body.to_string() }] });
            let with = |mut event: Json| {
                event.as_object_mut().unwrap().extend(command.as_object().unwrap().clone());
                event
            };
            let by_bus = json!({ "source": "shop", "detail-type": "Restocked", "detail": command });
            refused(&in_queue(&command));
            refused(&by_bus);
            refused(&in_queue(&by_bus));
            refused(&with(bridged("uploads/a.csv")));
            refused(&with(json!({ "Records": [record("uploads/a.xlsx")] })));
        }
    }

    #[test]
    fn a_load_and_its_undo_and_what_is_approved_have_names_of_their_own() {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        assert_eq!(load.next().as_str(), "0123456789abcdef.2");
        assert_eq!(load.next().next().as_str(), "0123456789abcdef.3");
        for (load, name) in [
            (load.undoing(), "0123456789abcdef.undo"),
            (load.next().undoing(), "0123456789abcdef.2.undo"),
            (load.undoing().next().next(), "0123456789abcdef.undo.3"),
            (load.undoing().undoing(), "0123456789abcdef.undo.undo"),
        ] {
            assert_eq!(load.as_str(), name);
            assert_eq!(LoadId::parse(name), Some(load));
        }
        for name in ["0123456789abcdef.", "0123456789abcdef.undone", "0123456789abcdef.undo..2", "0123456789abcdef.1"] {
            assert_eq!(LoadId::parse(name), None);
        }
        assert_eq!(LoadId::parse(&format!("0123456789abcdef{}", ".undo".repeat(30))), None);
    }

    #[test]
    fn a_load_is_named_by_bucket_key_and_version() {
        let Request::Load(upload) = decode(&json!({ "Records": [record("uploads/a.xlsx")] }), OURS).unwrap().remove(0)
        else {
            panic!("not a load")
        };
        let name = LoadId::of(&upload);
        assert_eq!(LoadId::parse(name.as_str()), Some(name.clone()));
        assert_ne!(LoadId::of(&Upload { version: Some("v2".into()), ..upload.clone() }), name);
        assert_eq!(LoadId::of(&Upload { etag: None, size: None, ..upload.clone() }), name);
        let by_sequencer = Upload { version: None, ..upload };
        assert_ne!(LoadId::of(&by_sequencer), LoadId::of(&Upload { sequencer: None, ..by_sequencer.clone() }));
    }
}
