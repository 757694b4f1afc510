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
mod tests;
