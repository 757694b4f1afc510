//! Reads Lambda events: uploads to load, and the loader's own requests, in any of the supported envelopes.
//!
//! The envelopes are not read through the structs of `aws_lambda_events`: those of S3 require fields that say nothing here
//! (`userIdentity`, `requestParameters`), so that one record without them would fail all messages of a batch, and they
//! turn the time of the event into a value of another crate, where the load keeps it as S3 wrote it.

mod own;

use inventory_base::decision::{Decision, Undo};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use jiff::Timestamp;
use serde_json::Value as Json;

pub use own::{MAX_LOADS, own_event};

/// What an event asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    Load(Upload),
    /// Continue a load, whose plan is kept. Carries only the load's id.
    Continue(LoadId),
    /// Load a held upload, as a new linked load.
    Approve(Decision),
    /// Reload a load that failed or was cancelled.
    Redrive(Decision),
    /// Reload all failed loads, the oldest upload first, and send the events in the failure queue again.
    RedriveAll {
        by: String,
        at: Timestamp,
        /// Only what failed after this time.
        since: Option<Timestamp>,
    },
    /// Undo what a load wrote.
    Undo(Undo),
    /// Stop a load at its next step.
    Cancel(Decision),
    /// List the failed loads.
    ListFailed {
        since: Option<Timestamp>,
    },
    /// List the most recent loads, and those that are waiting or running.
    ListLoads {
        at_most: usize,
    },
    /// Show a load's progress or result.
    Show(LoadId),
    /// Show what happened to a load's rows, from `from` on, up to the number that one answer holds.
    ShowRows {
        load: LoadId,
        from: u64,
        /// Only rows with this fate, given by its name.
        fate: Option<String>,
    },
    /// Show which buckets and tables the loader uses.
    About,
    /// Start loads that should be running but aren't.
    Sweep,
}

/// An event of an invocation: either the invocation's own payload, or a message of a queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The id of the queue message; `None` if the event is the invocation's own payload.
    pub id: Option<String>,
    pub requests: Result<Vec<Request>, EventError>,
}

/// The bucket and the account whose S3 events are accepted.
#[derive(Debug, Clone, Copy)]
pub struct TrustedSource<'a> {
    pub bucket: &'a str,
    pub account: &'a str,
}

/// An event that the loader does not accept. A retry would not help, but an operator should see it, so it ends in the
/// failure queue.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EventError {
    #[error(
        "the event is neither an S3 notification nor one of the loader's own events; send the function S3 \
         ObjectCreated events"
    )]
    Unknown,
    #[error("the event's S3 record {record} has no {what}; send the function complete S3 ObjectCreated events")]
    Incomplete { record: usize, what: &'static str },
    #[error("the object key in the event is not valid UTF-8; rename the file and upload it again")]
    KeyNotText,
    #[error(
        "the event holds a command for the loader, but it came through a queue or an event bus; commands are accepted \
         only from a direct invocation. Use the inventory command, or invoke the function directly"
    )]
    NotDirect,
    #[error("the event is for bucket {0}, and this loader reads a different bucket; check the notification's target")]
    OtherBucket(String),
    #[error(
        "the event is from account {0}, and this loader's buckets are in a different account; check the rule's target"
    )]
    OtherAccount(String),
    #[error("the queue message is not JSON; send the queue S3 ObjectCreated events, directly or through EventBridge")]
    NotJson,
}

/// Unpacks an event. The messages of an SQS queue are kept apart, so that one that fails is retried without the others.
pub fn open(event: &Json, source: TrustedSource<'_>) -> Vec<Message> {
    let records = event.get("Records").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if records.first().and_then(|record| record.get("eventSource")).and_then(Json::as_str) != Some("aws:sqs") {
        return vec![Message { id: None, requests: decode(event, source) }];
    }
    let messages = records.iter().map(|record| {
        let text = |name: &str| record.get(name).and_then(Json::as_str);
        let body = text("body").and_then(|body| serde_json::from_str::<Json>(body).ok()).ok_or(EventError::NotJson);
        let requests = body.and_then(|body| decode_delivered(&body, source));
        Message { id: Some(text("messageId").unwrap_or_default().to_string()), requests }
    });
    messages.collect()
}

/// Reads the payload of an invocation. A direct invocation may carry a command: anyone with the right to invoke the
/// function may give commands. An event that S3 or an event bus sent may not, whatever it contains.
fn decode(event: &Json, source: TrustedSource<'_>) -> Result<Vec<Request>, EventError> {
    let is_direct = ["Records", "source", "detail-type"].iter().all(|part| event.get(part).is_none());
    match own::decode(event) {
        Some(request) if is_direct => Ok(vec![request?]),
        _ => decode_delivered(event, source),
    }
}

/// Reads an event that came from a queue, a bus or S3. It may only announce uploads: the right to send messages there
/// doesn't include the right to approve loads. Folder markers and the lock files of office programs are ignored.
fn decode_delivered(event: &Json, source: TrustedSource<'_>) -> Result<Vec<Request>, EventError> {
    if [Some(event), event.get("detail")].into_iter().flatten().any(|part| own::decode(part).is_some()) {
        return Err(EventError::NotDirect);
    }
    if event.get("source").and_then(Json::as_str) == Some("aws.s3") {
        return decode_eventbridge(event, source);
    }
    // S3 sends this test event once, when the notification is set up.
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
        requests.extend(accept(upload, source)?);
    }
    Ok(requests)
}

/// Reads an S3 event that came through EventBridge: one upload, with its key unencoded, and the account.
fn decode_eventbridge(event: &Json, source: TrustedSource<'_>) -> Result<Vec<Request>, EventError> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).map(str::to_string);
    if text("/detail-type").as_deref() != Some("Object Created") {
        return Ok(Vec::new());
    }
    if let Some(account) = text("/account").filter(|account| account != source.account) {
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
    Ok(accept(upload, source)?.into_iter().collect())
}

/// Accepts an upload only from our bucket. Returns `None` for a folder marker or a lock file.
fn accept(upload: Upload, source: TrustedSource<'_>) -> Result<Option<Request>, EventError> {
    if upload.bucket != source.bucket {
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

/// Decodes an object key. S3 encodes keys as HTML forms do: a space is `+`, other special bytes are `%` and two digits.
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
