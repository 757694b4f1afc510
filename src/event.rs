//! What a Lambda event asks for: uploads to load, or one of our own loads to continue; in whatever envelope it comes.

mod own;

use inventory_base::decision::{Decision, Undo};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use jiff::Timestamp;
use serde_json::Value as Json;

pub use own::{LOADS_AT_MOST, own_event};

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
