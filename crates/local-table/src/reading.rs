//! BatchGetItem and Scan.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Consumed, Refusal, to_json};
use crate::counts::Outcome;
use crate::request::{self, BatchGet, GetRequest, Key, Scan, blocks, only_table};
use crate::table::{State, Table};
use crate::units::Units;

const KEYS_PER_REQUEST: usize = 100;
/// Bytes per read unit.
const BLOCK: usize = 4096;
/// Bytes per page of a scan.
const PAGE: usize = 1 << 20;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGot<'a> {
    responses: BTreeMap<&'a str, Vec<&'a RawValue>>,
    unprocessed_keys: BTreeMap<&'a str, GetRequest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<[Consumed<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<'a> {
    count: usize,
    scanned_count: usize,
    items: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Consumed<'a>>,
}

pub fn batch_get(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let BatchGet { request_items, return_consumed_capacity } = request::read(body)?;
    let (name, GetRequest { keys: requested, consistent_read }) = only_table(request_items)?;
    if requested.is_empty() {
        return Err(Refusal::invalid("The list of keys for a table cannot be null or empty"));
    }
    if requested.len() > KEYS_PER_REQUEST {
        return Err(Refusal::invalid("Too many items requested for the BatchGetItem call"));
    }
    let keys = requested.iter().map(|key| table.settings.key.key_alone(key)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted: Vec<&Key> = keys.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::invalid("Provided list of item keys contains duplicates"));
    }

    let mut state = table.state();
    let State { reads, kept, counts, .. } = &mut *state;
    let (mut units, mut items, mut left) = (Units::ZERO, Vec::new(), Vec::new());
    for (&text, key) in requested.iter().zip(&keys) {
        let item = kept.get(key).map(|item| &**item);
        let cost = cost(item.map_or(Ok(1), |item| blocks(item, BLOCK))?, consistent_read);
        if reads.take(Some(&key.partition), cost, now) {
            units += cost;
            items.extend(item);
        } else {
            left.push(text);
        }
    }
    let refused = left.len();
    counts.add_read(Outcome { taken: (requested.len() - refused) as u64, units, refused: refused as u64 });
    if refused == requested.len() {
        return Err(Refusal::throttled());
    }
    let left = (refused > 0).then_some((&*name, GetRequest { keys: left, consistent_read }));
    let consumed = Consumed::requested(&name, units, 0, return_consumed_capacity);
    Ok(to_json(&BatchGot {
        responses: BTreeMap::from([(&*name, items)]),
        unprocessed_keys: left.into_iter().collect(),
        consumed_capacity: consumed.map(|consumed| [consumed]),
    }))
}

/// Scans a page, which costs the total size of its items, and at least one block.
pub fn scan(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let requested: Scan = request::read(body)?;
    if requested.limit == Some(0) {
        return Err(Refusal::invalid("Limit must be greater than or equal to 1"));
    }
    let names = &table.settings.key;
    let start = requested.exclusive_start_key.map(|key| names.key_alone(key)).transpose()?.map(Key::into_owned);
    let start = start.map_or(Bound::Unbounded, Bound::Excluded);

    let mut state = table.state();
    let State { reads, kept, counts, .. } = &mut *state;
    let (mut items, mut size, mut last) = (Vec::new(), 0, None);
    let mut is_last_page = true;
    for (key, item) in kept.range((start, Bound::Unbounded)) {
        let next = request::size(item)?;
        if !items.is_empty() && size + next > PAGE {
            is_last_page = false;
            break;
        }
        size += next;
        items.push(&**item);
        last = Some(key);
        // Like the real table, which then does not check whether there is another item.
        if requested.limit == Some(items.len()) {
            is_last_page = false;
            break;
        }
    }
    let units = cost(size.div_ceil(BLOCK).max(1) as u64, requested.consistent_read);
    if !reads.take(None, units, now) {
        counts.add_read(Outcome { taken: 0, units: Units::ZERO, refused: items.len().max(1) as u64 });
        return Err(Refusal::throttled());
    }
    counts.add_read(Outcome { taken: items.len() as u64, units, refused: 0 });
    Ok(to_json(&Page {
        count: items.len(),
        scanned_count: items.len(),
        items,
        last_evaluated_key: last.filter(|_| !is_last_page).map(|key| key.to_item(names)),
        consumed_capacity: Consumed::requested(&requested.table_name, units, 0, requested.return_consumed_capacity),
    }))
}

fn cost(blocks: u64, consistent: bool) -> Units {
    Units::halves(blocks * if consistent { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn keep(table: &Table, items: &[Json], now: Instant) {
        for item in items {
            writing::put(table, &json!({ "TableName": "stock", "Item": item }).to_string(), now).unwrap();
        }
    }

    fn get(table: &Table, keys: &[Json], consistent: bool, now: Instant) -> Result<Json, Refusal> {
        let requested = json!({ "stock": { "Keys": keys, "ConsistentRead": consistent } });
        let body = json!({ "RequestItems": requested, "ReturnConsumedCapacity": "TOTAL" }).to_string();
        batch_get(table, &body, now).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    fn page(table: &Table, more: Json, now: Instant) -> Result<Json, Refusal> {
        let mut body = json!({ "TableName": "stock", "ReturnConsumedCapacity": "TOTAL" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scan(table, &body.to_string(), now).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    #[test]
    fn kept_items_are_returned_and_absent_ones_cost_too() {
        let (table, start) = Table::with("--keep");
        keep(&table, &[item(1, 10), item(2, 5000), item(3, 10)], start);
        let gone = json!({ "TableName": "stock", "Key": key(3) }).to_string();
        writing::delete(&table, &gone, start).unwrap();
        for (consistent, units) in [(false, 2.0), (true, 4.0)] {
            let answer = get(&table, &[key(1), key(2), key(3)], consistent, start).unwrap();
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
        keep(&table, &[item(1, 10)], start);
        let answer = get(&table, &[key(1)], false, start + SECOND).unwrap();
        assert_eq!(answer["Responses"], json!({ "stock": [] }));
        assert_eq!(answer["ConsumedCapacity"][0]["CapacityUnits"], 0.5);
        let empty = page(&table, json!({ "ConsistentRead": true }), start + SECOND).unwrap();
        let capacity = json!({ "TableName": "stock", "CapacityUnits": 1.0 });
        assert_eq!(empty, json!({ "Count": 0, "ScannedCount": 0, "Items": [], "ConsumedCapacity": capacity }));
    }

    #[test]
    fn keys_without_units_are_returned_unprocessed_or_the_request_is_throttled() {
        let (table, start) = Table::with("--read-units 2 --partition-read-units 1");
        let keys: Vec<Json> = (0..7).map(key).collect();
        assert_eq!(get(&table, &keys, false, start), Err(Refusal::throttled()));
        let answer = get(&table, &keys, false, start + SECOND).unwrap();
        assert_eq!(
            answer["UnprocessedKeys"],
            json!({ "stock": { "Keys": keys[4..], "ConsistentRead": false } }),
            "four half units are taken"
        );
        // By then the first partition has one and a half units.
        let later = start + 2 * SECOND;
        assert!(get(&table, &[key(0)], true, later).is_ok());
        assert_eq!(get(&table, &[key(0)], true, later), Err(Refusal::throttled()));
        let counts = table.counts();
        assert_eq!((counts.keys_taken, counts.keys_refused), (5, 11));
        assert_eq!((counts.read_requests, counts.read_requests_throttled), (4, 2));
    }

    #[test]
    fn a_batch_that_dynamodb_refuses_is_refused() {
        let (table, start) = Table::with("");
        let keys: Vec<Json> = (0..101).map(key).collect();
        assert!(get(&table, &keys[..100], false, start).is_ok());
        let refusal = get(&table, &keys, false, start).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("Too many items requested for the BatchGetItem call"));
        let refusal = get(&table, &[key(2), key(1), key(2)], false, start).unwrap_err();
        assert_eq!(refusal, Refusal::invalid("Provided list of item keys contains duplicates"));
        assert!(get(&table, &[item(1, 10)], false, start).is_err());
        assert!(get(&table, &[], false, start).is_err());
        let projected = json!({ "stock": { "Keys": [key(1)], "ProjectionExpression": "sku" } });
        let refusal = batch_get(&table, &json!({ "RequestItems": projected }).to_string(), start).unwrap_err();
        assert!(refusal.to_json().contains("ProjectionExpression"), "{refusal:?}");
    }

    #[test]
    fn a_scan_returns_all_items_in_pages_of_a_megabyte() {
        let (table, start) = Table::with("--keep");
        // 7 bytes of names, 5 of the key and 300,000 of the note: three fit into a page.
        let items: Vec<Json> = (0..7).map(|n| item(n, 300_000)).collect();
        keep(&table, &items, start);
        let (mut seen, mut sizes, mut more) = (Vec::new(), Vec::new(), json!({}));
        loop {
            let mut page = page(&table, more, start).unwrap();
            let found = page["Items"].as_array().unwrap();
            sizes.push((found.len(), page["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap()));
            seen.extend(found.iter().cloned());
            match page["LastEvaluatedKey"].take() {
                Json::Null => break,
                last => more = json!({ "ExclusiveStartKey": last }),
            }
        }
        assert_eq!(seen, items);
        assert_eq!(sizes, [(3, 110.0), (3, 110.0), (1, 37.0)]);
        assert_eq!(table.counts().keys_taken, 7);
    }

    #[test]
    fn a_limited_scan_stops_at_the_limit_and_resumes_after_a_deleted_key() {
        let (table, start) = Table::with("--keep --key warehouse,sku");
        let key = |n: usize| json!({ "warehouse": { "S": "north" }, "sku": { "S": n.to_string() } });
        keep(&table, &(1..=3).map(key).collect::<Vec<_>>(), start);
        let first = page(&table, json!({ "Limit": 2, "ConsistentRead": true }), start).unwrap();
        assert_eq!((&first["Items"], &first["LastEvaluatedKey"]), (&json!([key(1), key(2)]), &key(2)));
        writing::delete(&table, &json!({ "TableName": "stock", "Key": key(2) }).to_string(), start).unwrap();
        let rest = page(&table, json!({ "ExclusiveStartKey": key(2), "Limit": 1 }), start).unwrap();
        // If the limit is reached with the last item, the scan does not know that this is the end.
        assert_eq!((&rest["Items"], &rest["LastEvaluatedKey"]), (&json!([key(3)]), &key(3)));
        let end = page(&table, json!({ "ExclusiveStartKey": key(3) }), start).unwrap();
        assert_eq!((&end["Count"], &end["LastEvaluatedKey"]), (&json!(0), &Json::Null));
        assert!(page(&table, json!({ "Limit": 0 }), start).is_err());
        assert!(page(&table, json!({ "Segment": 0, "TotalSegments": 2 }), start).is_err(), "segments are not modelled");
    }

    #[test]
    fn a_scan_without_units_is_throttled() {
        let (table, start) = Table::with("--keep --read-units 1");
        keep(&table, &[item(1, 9000)], start);
        assert_eq!(page(&table, json!({}), start + SECOND), Err(Refusal::throttled()));
        assert!(page(&table, json!({}), start + 2 * SECOND).is_ok(), "three blocks cost one and a half units");
        let counts = table.counts();
        assert_eq!((counts.read_requests, counts.read_requests_throttled), (2, 1));
        assert_eq!(counts.read_units, Units::halves(3));
    }
}
