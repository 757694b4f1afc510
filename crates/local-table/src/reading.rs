//! BatchGetItem and Scan.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Consumed, Refusal, to_json};
use crate::counts::Outcome;
use crate::items::ReadItems;
use crate::key::{Key, segment_start};
use crate::request::{self, BatchGet, GetRequest, Scan, blocks, only_table};
use crate::table::{State, Table};
use crate::units::Units;

const KEYS_PER_REQUEST: usize = 100;
/// Bytes per read unit.
const BLOCK: usize = 4096;
/// Bytes per page of a scan.
const PAGE: usize = 1 << 20;
/// Bytes of the items in the answer to BatchGetItem; the other keys are returned unprocessed.
const ANSWER: usize = 16 << 20;
const MOST_SEGMENTS: u64 = 1_000_000;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGot<'a> {
    responses: BTreeMap<&'a str, Vec<Box<RawValue>>>,
    unprocessed_keys: BTreeMap<&'a str, GetRequest<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<[Consumed<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Page<'a> {
    count: usize,
    scanned_count: usize,
    items: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Consumed<'a>>,
}

pub fn batch_get(table: &Table, items: &dyn ReadItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let BatchGet { request_items, return_consumed_capacity } = request::read(body)?;
    let (name, GetRequest { keys: requested, consistent_read }) = only_table(request_items)?;
    table.check_name(&name)?;
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
    let found = keys.iter().map(|key| items.get(&key.stored())).collect::<Result<Vec<_>, _>>()?;

    let mut state = table.state();
    let State { reads, counts, .. } = &mut *state;
    let (mut units, mut items, mut left, mut bytes) = (Units::ZERO, Vec::new(), Vec::new(), 0);
    for ((&text, key), item) in requested.iter().zip(&keys).zip(found) {
        let cost = cost(item.as_deref().map_or(Ok(1), |item| blocks(item, BLOCK))?, consistent_read);
        bytes += item.as_deref().map_or(0, |item| item.get().len());
        let fits = items.is_empty() || bytes <= ANSWER;
        if fits && reads.take(Some(&key.partition), cost, now) {
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
pub fn scan(table: &Table, items: &dyn ReadItems, body: &str, now: Instant) -> Result<String, Refusal> {
    let requested: Scan = request::read(body)?;
    table.check_name(&requested.table_name)?;
    if requested.limit == Some(0) {
        return Err(Refusal::invalid("Limit must be greater than or equal to 1"));
    }
    let schema = &table.settings.key;
    let (segment, segments) = segment_of(&requested)?;
    let start = match requested.exclusive_start_key {
        Some(key) => Some(start_of(&schema.key_alone(key)?, segment, segments)?),
        None => None,
    };
    let (first, end) = (segment_start(segment, segments).unwrap_or_default(), segment_start(segment + 1, segments));
    let from = start.as_deref().map_or(Bound::Included(&first[..]), Bound::Excluded);
    let to = end.as_ref().map_or(Bound::Unbounded, |end| Bound::Excluded(&end[..]));

    let (mut page, mut size, mut last, mut is_last_page) = (Vec::new(), 0, Vec::new(), true);
    items.visit(from, to, &mut |key, item| {
        let next = request::size(item)?;
        if !page.is_empty() && size + next > PAGE {
            is_last_page = false;
            return Ok(ControlFlow::Break(()));
        }
        size += next;
        page.push(item.to_owned());
        last.clear();
        last.extend_from_slice(key);
        // Like the real table, which then does not check whether there is another item.
        if requested.limit == Some(page.len()) {
            is_last_page = false;
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let last_key = match is_last_page {
        true => None,
        false => Some(Key::from_stored(&last, schema).ok_or_else(|| Refusal::file_fault("a key is not readable"))?),
    };

    let units = cost(size.div_ceil(BLOCK).max(1) as u64, requested.consistent_read);
    let mut state = table.state();
    let State { reads, counts, .. } = &mut *state;
    if !reads.take(None, units, now) {
        counts.add_read(Outcome { taken: 0, units: Units::ZERO, refused: page.len().max(1) as u64 });
        return Err(Refusal::throttled());
    }
    counts.add_read(Outcome { taken: page.len() as u64, units, refused: 0 });
    Ok(to_json(&Page {
        count: page.len(),
        scanned_count: page.len(),
        items: page,
        last_evaluated_key: last_key.map(|key| key.to_item(schema)),
        consumed_capacity: Consumed::requested(&requested.table_name, units, 0, requested.return_consumed_capacity),
    }))
}

/// Returns the segment and the number of segments.
fn segment_of(scan: &Scan) -> Result<(u64, u64), Refusal> {
    match (scan.segment, scan.total_segments) {
        (None, None) => Ok((0, 1)),
        (Some(_), Some(total)) if total == 0 || total > MOST_SEGMENTS => {
            Err(Refusal::invalid(format!("TotalSegments must be between 1 and {MOST_SEGMENTS}")))
        }
        (Some(segment), Some(total)) if segment < total => Ok((segment, total)),
        (Some(segment), Some(total)) => Err(Refusal::invalid(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        ))),
        _ => Err(Refusal::invalid("Segment and TotalSegments must be present together")),
    }
}

/// Returns the stored key that a page begins after, which must be of the segment.
fn start_of(key: &Key, segment: u64, segments: u64) -> Result<Vec<u8>, Refusal> {
    if key.segment(segments) != segment {
        let message = "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
                       with correct Segment";
        return Err(Refusal::invalid(format!("{message}. TotalSegments: {segments} Segment: {segment}")));
    }
    Ok(key.stored())
}

fn cost(blocks: u64, consistent: bool) -> Units {
    Units::halves(blocks * if consistent { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
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

    fn get(
        table: &Table,
        items: &dyn ReadItems,
        keys: &[Json],
        consistent: bool,
        now: Instant,
    ) -> Result<Json, Refusal> {
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
        let refusal =
            batch_get(&table, &Nowhere, &json!({ "RequestItems": projected }).to_string(), start).unwrap_err();
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
}
