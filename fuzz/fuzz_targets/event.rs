//! Events from Lambda: any JSON, and any text as the key of an upload.

#![no_main]

use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::event::{EventError, Message, Request, TrustedSource, open};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value as Json, json};

const BUCKET: &str = "stock";
const SOURCE: TrustedSource<'_> = TrustedSource { bucket: BUCKET, account: "123456789012" };

fuzz_target!(|bytes: &[u8]| {
    if let Ok(event) = serde_json::from_slice::<Json>(bytes) {
        let messages = open(&event, SOURCE);
        assert_eq!(messages.len(), open(&event, SOURCE).len());
        for request in messages.iter().flat_map(|message| message.requests.iter().flatten()) {
            match request {
                Request::Load(upload) => check_upload(upload),
                Request::Continue(load) => check_name(load),
                Request::Approve(word) | Request::Redrive(word) | Request::Cancel(word) => check_name(&word.load),
                Request::Undo(undo) => check_name(&undo.load),
                Request::Show(load) | Request::ShowRows { load, .. } => check_name(load),
                Request::RedriveAll { .. } | Request::ListFailed { .. } | Request::ListLoads { .. } => {}
                Request::About | Request::Sweep => {}
            }
        }
    }
    if let Ok(key) = std::str::from_utf8(bytes) {
        check_key(key);
    }
});

fn check_upload(upload: &Upload) {
    assert_eq!(upload.bucket, BUCKET);
    assert!(!upload.key.is_empty() && !upload.key.ends_with('/'), "{:?} is not a file", upload.key);
    let name = upload.file_name();
    assert!(!name.is_empty() && !name.contains('/'), "{name:?} is not a file name");
    assert!(!name.starts_with("~$") && !name.starts_with(".~lock."), "{name:?} is a lock file");
    check_name(&LoadId::of(upload));
}

/// Load ids become part of paths.
fn check_name(load: &LoadId) {
    let (name, links) = load.as_str().split_once('.').unwrap_or((load.as_str(), "2"));
    assert!(name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{load}");
    let is_number = |link: &str| !link.is_empty() && link.bytes().all(|byte| byte.is_ascii_digit());
    assert!(links.split('.').all(|link| link == "undo" || is_number(link)), "{load}");
    assert!(load.as_str().len() <= 128, "{load}");
    assert_eq!(LoadId::parse(load.as_str()).as_ref(), Some(load));
}

/// A key is decoded to the original from either encoding, or ignored because it isn't an upload.
fn check_key(key: &str) {
    let written: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form_encoded = written.replace("%20", "+");
    for encoded in [written, form_encoded] {
        let event = json!({ "Records": [{
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": BUCKET }, "object": { "key": encoded } }
        }]});
        let [Message { requests, .. }] = open(&event, SOURCE).try_into().expect("one event");
        match requests.as_deref() {
            Ok([Request::Load(upload)]) => {
                assert_eq!(upload.key, key);
                check_upload(upload);
            }
            Ok([]) => {
                assert!(key.ends_with('/') || key.contains("~$") || key.contains(".~lock."), "{key:?} was ignored")
            }
            Err(EventError::Incomplete { .. }) => assert!(key.is_empty()),
            other => panic!("{key:?}: {other:?}"),
        }
    }
}
