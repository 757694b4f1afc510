//! BatchGetItem and Scan.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Consumed, Refusal, to_json};
use crate::counts::Outcome;
use crate::items::ReadItems;
use crate::key::{FindKey, Key, segment_start};
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
mod tests;
