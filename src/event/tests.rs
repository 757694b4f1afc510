use super::*;
use serde_json::json;

const SOURCE: TrustedSource<'_> = TrustedSource { bucket: "stock", account: "123456789012" };

fn record(key: &str) -> Json {
    json!({
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-10-03T08:00:00.000Z",
        "s3": { "bucket": { "name": "stock" },
                "object": { "key": key, "versionId": "v1", "sequencer": "0055AED6DCD90281E5", "eTag": "e", "size": 7 } }
    })
}

fn keys(event: &Json) -> Vec<String> {
    let requests = decode(event, SOURCE).unwrap();
    requests
        .into_iter()
        .map(|request| match request {
            Request::Load(upload) => upload.key,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn keys_are_decoded_as_s3_and_other_services_encode_them() {
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
    assert_eq!(decode(&event, SOURCE), Err(EventError::KeyNotText));
}

#[test]
fn each_record_is_an_upload_and_folder_markers_and_lock_files_are_ignored() {
    let event = json!({ "Records": [
        record("uploads/a.xlsx"), record("uploads/"), record("uploads/%7E%24a.xlsx"), record("uploads/.~lock.a.ods%23"),
        record("uploads/b.csv"),
    ]});
    assert_eq!(keys(&event), ["uploads/a.xlsx", "uploads/b.csv"]);
}

#[test]
fn a_record_carries_version_sequencer_and_size() {
    let Request::Load(upload) = decode(&json!({ "Records": [record("uploads/a.xlsx")] }), SOURCE).unwrap().remove(0)
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
    assert_eq!(decode(&test, SOURCE), Ok(vec![]));
    let mut removed = record("uploads/a.xlsx");
    removed["eventName"] = json!("ObjectRemoved:Delete");
    assert_eq!(decode(&json!({ "Records": [removed] }), SOURCE), Ok(vec![]));
}

#[test]
fn foreign_events_are_refused() {
    assert_eq!(decode(&json!({}), SOURCE), Err(EventError::Unknown));
    assert_eq!(decode(&json!([1, 2]), SOURCE), Err(EventError::Unknown));
    assert_eq!(decode(&json!({ "Records": [{ "eventSource": "aws:sns" }] }), SOURCE), Err(EventError::Unknown));
    let nameless = EventError::Incomplete { record: 0, what: "object key" };
    assert_eq!(decode(&json!({ "Records": [record("")] }), SOURCE), Err(nameless));
    let event = json!({ "Records": [record("uploads/a.xlsx")] });
    assert_eq!(
        decode(&event, TrustedSource { bucket: "other", account: "1" }),
        Err(EventError::OtherBucket("stock".into()))
    );
}

fn from_eventbridge(key: &str) -> Json {
    json!({
        "version": "0", "source": "aws.s3", "detail-type": "Object Created", "account": "123456789012",
        "time": "2026-10-03T08:00:00Z",
        "detail": { "bucket": { "name": "stock" }, "reason": "PutObject",
                    "object": { "key": key, "version-id": "v1", "sequencer": "0055AED6DCD90281E5", "etag": "e", "size": 7 } }
    })
}

#[test]
fn eventbridge_events_give_the_same_upload_with_an_unencoded_key() {
    let upload = |event: &Json| match decode(event, SOURCE).unwrap().remove(0) {
        Request::Load(upload) => upload,
        other => panic!("{other:?}"),
    };
    let (bridge, s3) = (
        upload(&from_eventbridge("uploads/50%+1.csv")),
        upload(&json!({ "Records": [record("uploads/50%25%2B1.csv")] })),
    );
    assert_eq!(LoadId::of(&bridge), LoadId::of(&s3));
    assert_eq!(Upload { time: None, ..bridge }, Upload { time: None, ..s3 });
    assert_eq!(decode(&from_eventbridge("uploads/~$a.xlsx"), SOURCE), Ok(vec![]));
    let mut event = from_eventbridge("uploads/a.csv");
    event["detail-type"] = json!("Object Deleted");
    assert_eq!(decode(&event, SOURCE), Ok(vec![]));
    let mut event = from_eventbridge("uploads/a.csv");
    event["account"] = json!("999999999999");
    assert_eq!(decode(&event, SOURCE), Err(EventError::OtherAccount("999999999999".into())));
    let mut event = from_eventbridge("uploads/a.csv");
    event["detail"]["bucket"]["name"] = json!("other");
    assert_eq!(decode(&event, SOURCE), Err(EventError::OtherBucket("other".into())));
}

#[test]
fn each_message_of_a_queue_is_handled_separately() {
    let message = |id: &str, body: String| json!({ "messageId": id, "eventSource": "aws:sqs", "body": body });
    let s3 = json!({ "Records": [record("uploads/a.xlsx"), record("uploads/b.csv")] }).to_string();
    let event = json!({ "Records": [
        message("1", s3), message("2", "no JSON".into()), message("3", from_eventbridge("uploads/c.ods").to_string()),
    ]});
    let opened: Vec<(Option<String>, Result<usize, EventError>)> = open(&event, SOURCE)
        .into_iter()
        .map(|message| (message.id, message.requests.map(|requests| requests.len())))
        .collect();
    let id = |id: &str| Some(id.to_string());
    assert_eq!(opened, [(id("1"), Ok(2)), (id("2"), Err(EventError::NotJson)), (id("3"), Ok(1))]);
    let alone = open(&json!({ "Records": [record("uploads/a.xlsx")] }), SOURCE);
    assert_eq!((alone.len(), &alone[0].id), (1, &None));
}

#[test]
fn commands_are_accepted_only_from_a_direct_invocation() {
    let load = LoadId::parse("0123456789abcdef").unwrap();
    let by = || ("Erika".to_string(), Timestamp::UNIX_EPOCH);
    let decision = || Decision { load: load.clone(), by: by().0, at: by().1 };
    for request in [
        Request::Approve(decision()),
        Request::Redrive(decision()),
        Request::Cancel(decision()),
        Request::Continue(load.clone()),
        Request::Undo(Undo { load: load.clone(), by: by().0, at: by().1, dry_run: false }),
        Request::ListFailed { since: None },
        Request::Sweep,
    ] {
        let command = own_event(&request).unwrap();
        assert_eq!(decode(&command, SOURCE), Ok(vec![request]));
        let refused = |event: &Json| {
            let requests = open(event, SOURCE).remove(0).requests;
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
        refused(&with(from_eventbridge("uploads/a.csv")));
        refused(&with(json!({ "Records": [record("uploads/a.xlsx")] })));
    }
}

#[test]
fn a_load_its_undo_and_its_reloads_have_different_ids() {
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
fn a_load_id_is_made_of_bucket_key_and_version() {
    let Request::Load(upload) = decode(&json!({ "Records": [record("uploads/a.xlsx")] }), SOURCE).unwrap().remove(0)
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
