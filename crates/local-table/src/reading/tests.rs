use super::*;
use crate::items::{Memory, Nowhere};
use crate::writing;
use serde_json::{Value as Json, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn key(n: usize) -> Json {
    json!({ "sku": { "S": format!("A-{n:03}") } })
}

fn item(n: usize, bytes: usize) -> Json {
    json!({ "sku": { "S": format!("A-{n:03}") }, "note": { "S": "x".repeat(bytes) } })
}

fn keep(table: &Table, kept: &mut Memory, items: &[Json], now: Instant) {
    for item in items {
        writing::put(table, kept, &json!({ "TableName": "stock", "Item": item }).to_string(), now).unwrap();
    }
}

fn get(table: &Table, items: &dyn ReadItems, keys: &[Json], consistent: bool, now: Instant) -> Result<Json, Refusal> {
    let requested = json!({ "stock": { "Keys": keys, "ConsistentRead": consistent } });
    let body = json!({ "RequestItems": requested, "ReturnConsumedCapacity": "TOTAL" }).to_string();
    batch_get(table, items, &body, now).map(|answer| serde_json::from_str(&answer).unwrap())
}

fn page(table: &Table, items: &dyn ReadItems, more: Json, now: Instant) -> Result<Json, Refusal> {
    let mut body = json!({ "TableName": "stock", "ReturnConsumedCapacity": "TOTAL" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    scan(table, items, &body.to_string(), now).map(|answer| serde_json::from_str(&answer).unwrap())
}

#[test]
fn kept_items_are_returned_and_absent_ones_cost_too() {
    let ((table, start), mut kept) = (Table::with(""), Memory::default());
    keep(&table, &mut kept, &[item(1, 10), item(2, 5000), item(3, 10)], start);
    let gone = json!({ "TableName": "stock", "Key": key(3) }).to_string();
    writing::delete(&table, &mut kept, &gone, start).unwrap();
    for (consistent, units) in [(false, 2.0), (true, 4.0)] {
        let answer = get(&table, &kept, &[key(1), key(2), key(3)], consistent, start).unwrap();
        assert_eq!(answer["Responses"], json!({ "stock": [item(1, 10), item(2, 5000)] }));
        assert_eq!(answer["UnprocessedKeys"], json!({}));
        assert_eq!(answer["ConsumedCapacity"], json!([{ "TableName": "stock", "CapacityUnits": units }]));
    }
    let counts = table.counts();
    assert_eq!((counts.keys_taken, counts.read_units, counts.read_requests), (6, Units::whole(6), 2));
}

#[test]
fn without_keeping_reads_find_nothing_but_still_cost() {
    let (table, start) = Table::with("--read-units 10");
    writing::put(&table, &mut Nowhere, &json!({ "TableName": "stock", "Item": item(1, 10) }).to_string(), start)
        .unwrap();
    let answer = get(&table, &Nowhere, &[key(1)], false, start + SECOND).unwrap();
    assert_eq!(answer["Responses"], json!({ "stock": [] }));
    assert_eq!(answer["ConsumedCapacity"][0]["CapacityUnits"], 0.5);
    let empty = page(&table, &Nowhere, json!({ "ConsistentRead": true }), start + SECOND).unwrap();
    let capacity = json!({ "TableName": "stock", "CapacityUnits": 1.0 });
    assert_eq!(empty, json!({ "Count": 0, "ScannedCount": 0, "Items": [], "ConsumedCapacity": capacity }));
}

#[test]
fn keys_without_units_are_returned_unprocessed_or_the_request_is_throttled() {
    let (table, start) = Table::with("--read-units 2 --partition-read-units 1");
    let keys: Vec<Json> = (0..7).map(key).collect();
    assert_eq!(get(&table, &Nowhere, &keys, false, start), Err(Refusal::throttled()));
    let answer = get(&table, &Nowhere, &keys, false, start + SECOND).unwrap();
    assert_eq!(
        answer["UnprocessedKeys"],
        json!({ "stock": { "Keys": keys[4..], "ConsistentRead": false } }),
        "four half units are taken"
    );
    // By then the first partition has one and a half units.
    let later = start + 2 * SECOND;
    assert!(get(&table, &Nowhere, &[key(0)], true, later).is_ok());
    assert_eq!(get(&table, &Nowhere, &[key(0)], true, later), Err(Refusal::throttled()));
    let counts = table.counts();
    assert_eq!((counts.keys_taken, counts.keys_refused), (5, 11));
    assert_eq!((counts.read_requests, counts.read_requests_throttled), (4, 2));
}

#[test]
fn a_batch_that_dynamodb_refuses_is_refused() {
    let (table, start) = Table::with("");
    let keys: Vec<Json> = (0..101).map(key).collect();
    assert!(get(&table, &Nowhere, &keys[..100], false, start).is_ok());
    let refusal = get(&table, &Nowhere, &keys, false, start).unwrap_err();
    assert_eq!(refusal, Refusal::invalid("Too many items requested for the BatchGetItem call"));
    let refusal = get(&table, &Nowhere, &[key(2), key(1), key(2)], false, start).unwrap_err();
    assert_eq!(refusal, Refusal::invalid("Provided list of item keys contains duplicates"));
    assert!(get(&table, &Nowhere, &[item(1, 10)], false, start).is_err());
    assert!(get(&table, &Nowhere, &[], false, start).is_err());
    let projected = json!({ "stock": { "Keys": [key(1)], "ProjectionExpression": "sku" } });
    let refusal = batch_get(&table, &Nowhere, &json!({ "RequestItems": projected }).to_string(), start).unwrap_err();
    assert!(refusal.to_json().contains("ProjectionExpression"), "{refusal:?}");
}

/// Scans to the end, and returns the items and what each page had: items and units.
fn scan_all(table: &Table, kept: &Memory, parameters: Json, now: Instant) -> (Vec<String>, Vec<(usize, f64)>) {
    let (mut seen, mut pages, mut more) = (Vec::new(), Vec::new(), parameters.clone());
    loop {
        let mut page = page(table, kept, more, now).unwrap();
        let found = page["Items"].as_array().unwrap();
        pages.push((found.len(), page["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap()));
        seen.extend(found.iter().map(ToString::to_string));
        match page["LastEvaluatedKey"].take() {
            Json::Null => break,
            last => {
                more = parameters.clone();
                more["ExclusiveStartKey"] = last;
            }
        }
    }
    (seen, pages)
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items
}

#[test]
fn a_scan_returns_all_items_in_pages_of_a_megabyte() {
    let ((table, start), mut kept) = (Table::with(""), Memory::default());
    // 7 bytes of names, 5 of the key and 300,000 of the note: three fit into a page.
    let items: Vec<Json> = (0..7).map(|n| item(n, 300_000)).collect();
    keep(&table, &mut kept, &items, start);
    let (seen, pages) = scan_all(&table, &kept, json!({}), start);
    assert_eq!(sorted(seen), sorted(items.iter().map(ToString::to_string).collect()));
    assert_eq!(pages, [(3, 110.0), (3, 110.0), (1, 37.0)]);
    assert_eq!(table.counts().keys_taken, 7);
}

#[test]
fn segments_together_have_each_item_once() {
    let ((table, start), mut kept) = (Table::with(""), Memory::default());
    let items: Vec<Json> = (0..200).map(|n| item(n, 10)).collect();
    keep(&table, &mut kept, &items, start);
    for segments in [1, 2, 5, 64] {
        let mut seen = Vec::new();
        for segment in 0..segments {
            let parameters = json!({ "Segment": segment, "TotalSegments": segments, "Limit": 7 });
            seen.extend(scan_all(&table, &kept, parameters, start).0);
        }
        assert_eq!(sorted(seen), sorted(items.iter().map(ToString::to_string).collect()), "{segments} segments");
    }
    for wrong in [
        json!({ "Segment": 0 }),
        json!({ "TotalSegments": 2 }),
        json!({ "Segment": 2, "TotalSegments": 2 }),
        json!({ "Segment": 0, "TotalSegments": 0 }),
        json!({ "Segment": 0, "TotalSegments": 1_000_001 }),
    ] {
        let refusal = page(&table, &kept, wrong, start).unwrap_err().to_json();
        assert!(refusal.contains("#ValidationException"), "{refusal}");
    }
    // A page does not begin after the key of another segment.
    let wrong = (0..2).filter(|segment| {
        let more = json!({ "Segment": segment, "TotalSegments": 2, "ExclusiveStartKey": key(1) });
        page(&table, &kept, more, start).is_err()
    });
    assert_eq!(wrong.count(), 1);
}

#[test]
fn a_limited_scan_stops_at_the_limit_and_resumes_after_a_deleted_key() {
    let ((table, start), mut kept) = (Table::with("--key warehouse,sku"), Memory::default());
    let key = |n: usize| json!({ "warehouse": { "S": "north" }, "sku": { "S": n.to_string() } });
    keep(&table, &mut kept, &(1..=3).map(key).collect::<Vec<_>>(), start);
    let first = page(&table, &kept, json!({ "Limit": 2, "ConsistentRead": true }), start).unwrap();
    assert_eq!((&first["Items"], &first["LastEvaluatedKey"]), (&json!([key(1), key(2)]), &key(2)));
    let gone = json!({ "TableName": "stock", "Key": key(2) }).to_string();
    writing::delete(&table, &mut kept, &gone, start).unwrap();
    let rest = page(&table, &kept, json!({ "ExclusiveStartKey": key(2), "Limit": 1 }), start).unwrap();
    // If the limit is reached with the last item, the scan does not know that this is the end.
    assert_eq!((&rest["Items"], &rest["LastEvaluatedKey"]), (&json!([key(3)]), &key(3)));
    let end = page(&table, &kept, json!({ "ExclusiveStartKey": key(3) }), start).unwrap();
    assert_eq!((&end["Count"], &end["LastEvaluatedKey"]), (&json!(0), &Json::Null));
    assert!(page(&table, &kept, json!({ "Limit": 0 }), start).is_err());
}

#[test]
fn a_scan_without_units_is_throttled() {
    let ((table, start), mut kept) = (Table::with("--read-units 1"), Memory::default());
    keep(&table, &mut kept, &[item(1, 9000)], start);
    assert_eq!(page(&table, &kept, json!({}), start + SECOND), Err(Refusal::throttled()));
    assert!(page(&table, &kept, json!({}), start + 2 * SECOND).is_ok(), "three blocks cost one and a half units");
    let counts = table.counts();
    assert_eq!((counts.read_requests, counts.read_requests_throttled), (2, 1));
    assert_eq!(counts.read_units, Units::halves(3));
}

#[test]
fn an_answer_has_at_most_16_megabytes_and_the_other_keys_are_unprocessed() {
    let ((table, start), mut kept) = (Table::with(""), Memory::default());
    keep(&table, &mut kept, &(0..60).map(|n| item(n, 300_000)).collect::<Vec<_>>(), start);
    let keys: Vec<Json> = (0..60).map(key).collect();
    let answer = get(&table, &kept, &keys, true, start).unwrap();
    let count = |part: &Json| part.as_array().unwrap().len();
    let (found, left) = (count(&answer["Responses"]["stock"]), count(&answer["UnprocessedKeys"]["stock"]["Keys"]));
    assert_eq!((found, left), (55, 5));
}
