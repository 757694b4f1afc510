//! BatchWriteItem, PutItem, UpdateItem and DeleteItem.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::{Consumed, Refusal, to_json};
use crate::counts::Outcome;
use crate::request::{self, BatchWrite, Key, SingleWrite, WriteRequest, blocks, only_table};
use crate::table::Table;
use crate::units::Units;

const ITEMS_PER_REQUEST: usize = 25;
/// Bytes per write unit.
const BLOCK: usize = 1024;

/// One item of a request, and its cost for the table itself.
struct Write<'a> {
    key: Key<'a>,
    action: Action<'a>,
    own: Units,
}

enum Action<'a> {
    Put(&'a RawValue),
    Delete,
    /// Its expressions are not evaluated.
    Update,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWritten<'a> {
    unprocessed_items: BTreeMap<&'a str, Vec<WriteRequest<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<[Consumed<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SingleWritten<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<Consumed<'a>>,
}

pub fn batch_write(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let BatchWrite { request_items, return_consumed_capacity } = request::read(body)?;
    let (name, requests) = only_table(request_items)?;
    if requests.is_empty() {
        return Err(Refusal::invalid("The batch write request list for a table cannot be null or empty"));
    }
    if requests.len() > ITEMS_PER_REQUEST {
        return Err(Refusal::invalid("Too many items requested for the BatchWriteItem call"));
    }
    let writes = requests.iter().map(|request| measure(table, request)).collect::<Result<Vec<_>, _>>()?;
    if (1..writes.len()).any(|n| writes[..n].iter().any(|write| write.key == writes[n].key)) {
        return Err(Refusal::invalid("Provided list of item keys contains duplicates"));
    }
    let (own, left) = take(table, writes, now)?;
    let left: Vec<WriteRequest> = left.into_iter().map(|n| requests[n]).collect();
    let unprocessed_items = if left.is_empty() { BTreeMap::new() } else { BTreeMap::from([(&*name, left)]) };
    let consumed = Consumed::requested(&name, own, table.settings.indexes, return_consumed_capacity);
    Ok(to_json(&BatchWritten { unprocessed_items, consumed_capacity: consumed.map(|consumed| [consumed]) }))
}

pub fn put(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    let item = request.item.ok_or_else(|| missing("item"))?;
    single(table, &request, measure(table, &WriteRequest::PutRequest { item })?, now)
}

pub fn delete(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    let key = request.key.ok_or_else(|| missing("key"))?;
    single(table, &request, measure(table, &WriteRequest::DeleteRequest { key })?, now)
}

/// Updates an item, which costs the size of the key and of all values in the expressions.
pub fn update(table: &Table, body: &str, now: Instant) -> Result<String, Refusal> {
    let request: SingleWrite = request::read(body)?;
    let key = request.key.ok_or_else(|| missing("key"))?;
    let parts = || std::iter::once(key).chain(request.expression_attribute_values);
    let text: usize = parts().map(|part| part.get().len()).sum();
    let size = if text <= BLOCK { text } else { parts().map(request::size).sum::<Result<usize, _>>()? };
    let own = Units::whole(size.div_ceil(BLOCK).max(1) as u64);
    let write = Write { key: table.settings.key.key_alone(key)?, action: Action::Update, own };
    single(table, &request, write, now)
}

fn missing(parameter: &str) -> Refusal {
    Refusal::invalid(format!(
        "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null"
    ))
}

fn single(table: &Table, request: &SingleWrite, write: Write, now: Instant) -> Result<String, Refusal> {
    let (own, _) = take(table, vec![write], now)?;
    let (indexes, wanted) = (table.settings.indexes, request.return_consumed_capacity);
    Ok(to_json(&SingleWritten { consumed_capacity: Consumed::requested(&request.table_name, own, indexes, wanted) }))
}

fn measure<'a>(table: &Table, request: &WriteRequest<'a>) -> Result<Write<'a>, Refusal> {
    let names = &table.settings.key;
    let (key, action, blocks) = match *request {
        WriteRequest::PutRequest { item } => (names.key_of(item)?, Action::Put(item), blocks(item, BLOCK)?),
        WriteRequest::DeleteRequest { key } => (names.key_alone(key)?, Action::Delete, 1),
    };
    Ok(Write { key, action, own: Units::whole(blocks) })
}

/// Accepts the writes for which there are units. Returns their cost for the table itself, and the writes left over;
/// throttled if none was accepted.
fn take(table: &Table, writes: Vec<Write>, now: Instant) -> Result<(Units, Vec<usize>), Refusal> {
    let times = 1 + table.settings.indexes;
    let count = writes.len();
    let (mut own, mut left) = (Units::ZERO, Vec::new());
    let mut state = table.state();
    state.writes.table.fill(now);
    let state = &mut *state;
    state.counts.begin_write(&state.writes.table, now);
    for (n, write) in writes.into_iter().enumerate() {
        if !state.writes.take(Some(&write.key.partition), write.own * times, now) {
            left.push(n);
            continue;
        }
        own += write.own;
        if table.settings.keep {
            match write.action {
                Action::Put(item) => drop(state.kept.insert(write.key.into_owned(), item.to_owned())),
                Action::Delete => drop(state.kept.remove(&write.key.into_owned())),
                Action::Update => {}
            }
        }
    }
    let (taken, refused) = ((count - left.len()) as u64, left.len() as u64);
    state.counts.add_write(Outcome { taken, units: own * times, refused }, now);
    if taken == 0 { Err(Refusal::throttled()) } else { Ok((own, left)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn puts(skus: impl IntoIterator<Item = usize>) -> Vec<Json> {
        let put =
            |n| json!({ "PutRequest": { "Item": { "sku": { "S": format!("A-{n}") }, "quantity": { "N": "5" } } } });
        skus.into_iter().map(put).collect()
    }

    fn batch(table: &Table, requests: &[Json], tell: &str, now: Instant) -> Result<Json, Refusal> {
        let body = json!({ "RequestItems": { "stock": requests }, "ReturnConsumedCapacity": tell }).to_string();
        batch_write(table, &body, now).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    fn one(
        table: &Table,
        operation: impl Fn(&Table, &str, Instant) -> Result<String, Refusal>,
        body: &Json,
        now: Instant,
    ) -> Result<Json, Refusal> {
        operation(table, &body.to_string(), now).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    #[test]
    fn items_without_units_are_returned_as_they_were_sent() {
        let (table, start) = Table::with("--write-units 10");
        let answer = batch(&table, &puts(0..25), "TOTAL", start + SECOND).unwrap();
        assert_eq!(answer["UnprocessedItems"], json!({ "stock": puts(10..25) }));
        assert_eq!(answer["ConsumedCapacity"], json!([{ "TableName": "stock", "CapacityUnits": 10.0 }]));
        let counts = table.counts();
        assert_eq!((counts.items_taken, counts.items_refused, counts.write_units), (10, 15, Units::whole(10)));
        assert_eq!((counts.requests, counts.requests_throttled), (1, 0));

        let all = batch(&table, &puts(0..5), "NONE", start + 2 * SECOND).unwrap();
        assert_eq!(all, json!({ "UnprocessedItems": {} }));
    }

    #[test]
    fn the_text_of_a_returned_item_is_unchanged() {
        let (table, start) = Table::with("--write-units 1");
        let odd = r#"{ "b": {"N": "1.50"},  "sku": {"S": "\u0041"}, "a": {"S": "x\/y"} }"#;
        let taken = r#"{"PutRequest":{"Item":{"sku":{"S":"B"}}}}"#;
        let body = format!(r#"{{"RequestItems":{{"stock":[{taken},{{"PutRequest":{{"Item":{odd}}}}}]}}}}"#);
        let answer = batch_write(&table, &body, start + SECOND).unwrap();
        assert_eq!(answer, format!(r#"{{"UnprocessedItems":{{"stock":[{{"PutRequest":{{"Item":{odd}}}}}]}}}}"#));
    }

    #[test]
    fn a_request_of_which_nothing_is_accepted_is_throttled() {
        let (table, start) = Table::with("--write-units 10");
        assert_eq!(batch(&table, &puts(0..25), "TOTAL", start), Err(Refusal::throttled()));
        assert!(Refusal::throttled().to_json().contains("v20120810#ProvisionedThroughputExceededException"));
        let counts = table.counts();
        assert_eq!((counts.items_taken, counts.items_refused, counts.requests_throttled), (0, 25, 1));
    }

    #[test]
    fn a_throttled_partition_does_not_affect_the_others() {
        let (table, start) = Table::with("--key warehouse,sku --write-units 100 --partition-write-units 2");
        let put = |warehouse: &str, n: usize| {
            let item = json!({ "warehouse": { "S": warehouse }, "sku": { "S": n.to_string() } });
            json!({ "PutRequest": { "Item": item } })
        };
        let requests = [put("north", 1), put("north", 2), put("north", 3), put("south", 1), put("north", 4)];
        let answer = batch(&table, &requests, "NONE", start + SECOND).unwrap();
        assert_eq!(answer["UnprocessedItems"], json!({ "stock": [put("north", 3), put("north", 4)] }));
    }

    #[test]
    fn an_item_costs_a_unit_for_each_kilobyte_and_again_for_each_index() {
        let (table, start) = Table::with("--indexes 2 --write-units 15");
        let large = json!({ "PutRequest": { "Item": { "sku": { "S": "A-9" }, "note": { "S": "x".repeat(2048) } } } });
        let gone = json!({ "DeleteRequest": { "Key": { "sku": { "S": "A-8" } } } });
        let requests = [puts(0..1), vec![large, gone]].concat();
        let answer = batch(&table, &requests, "INDEXES", start + SECOND).unwrap();
        assert_eq!(batch(&table, &puts(0..1), "NONE", start + SECOND), Err(Refusal::throttled()));
        let part = json!({ "CapacityUnits": 5.0 });
        assert_eq!(
            answer["ConsumedCapacity"],
            json!([{
                "TableName": "stock",
                "CapacityUnits": 15.0,
                "Table": part,
                "GlobalSecondaryIndexes": { "index-1": part, "index-2": part },
            }])
        );
        assert_eq!(table.counts().write_units, Units::whole(15));
    }

    #[test]
    fn an_item_is_accepted_completely_or_not_at_all() {
        let (table, start) = Table::with("--write-units 5");
        let large = json!({ "PutRequest": { "Item": { "sku": { "S": "A-9" }, "note": { "S": "x".repeat(5000) } } } });
        let requests = [puts(0..1), vec![large.clone()], puts(1..2)].concat();
        let answer = batch(&table, &requests, "NONE", start + SECOND).unwrap();
        // The large item costs five units; four are left after the first item, which is enough for the last.
        assert_eq!(answer["UnprocessedItems"], json!({ "stock": [large] }));
    }

    #[test]
    fn single_writes_cost_the_same_and_can_be_throttled() {
        let (table, start) = Table::with("--write-units 10");
        let (key, text) = (json!({ "sku": { "S": "A-1" } }), "x".repeat(1500));
        let bodies = |tell: &str| {
            let item = json!({ "sku": { "S": "A-1" }, "note": { "S": text } });
            let values = json!({ ":0": { "S": text } });
            (
                json!({ "TableName": "stock", "Item": item, "ReturnConsumedCapacity": tell }),
                json!({
                    "TableName": "stock",
                    "Key": key,
                    "UpdateExpression": "SET #0=:0",
                    "ExpressionAttributeNames": { "#0": "note" },
                    "ExpressionAttributeValues": values,
                    "ReturnConsumedCapacity": tell,
                }),
                json!({ "TableName": "stock", "Key": key, "ReturnConsumedCapacity": tell }),
            )
        };
        let (item, change, key) = bodies("TOTAL");
        let now = start + SECOND;
        let cost = |units: f64| Ok(json!({ "ConsumedCapacity": { "TableName": "stock", "CapacityUnits": units } }));
        assert_eq!(one(&table, put, &item, now), cost(2.0));
        assert_eq!(one(&table, update, &change, now), cost(2.0));
        assert_eq!(one(&table, delete, &key, now), cost(1.0));
        let (item, change, key) = bodies("NONE");
        assert_eq!(one(&table, put, &item, now), Ok(json!({})));
        assert_eq!(one(&table, update, &change, now), Ok(json!({})));
        // One unit is left.
        assert_eq!(one(&table, put, &item, now), Err(Refusal::throttled()));
        assert_eq!(one(&table, update, &change, now), Err(Refusal::throttled()));
        assert_eq!(one(&table, delete, &key, now), Ok(json!({})));
        assert_eq!(one(&table, delete, &key, now), Err(Refusal::throttled()));
        let counts = table.counts();
        assert_eq!((counts.items_taken, counts.items_refused, counts.requests_throttled), (6, 3, 3));
    }

    #[test]
    fn changed_capacity_applies_from_then_on() {
        let (table, start) = Table::with("--write-units 10");
        assert!(batch(&table, &puts(0..10), "NONE", start + SECOND).is_ok());
        table.change_capacity(Some(20), None, start + SECOND);
        assert_eq!(batch(&table, &puts(0..25), "NONE", start + SECOND), Err(Refusal::throttled()));
        let answer = batch(&table, &puts(0..25), "NONE", start + 2 * SECOND).unwrap();
        assert_eq!(answer["UnprocessedItems"], json!({ "stock": puts(20..25) }));
        let counts = table.counts();
        assert_eq!(counts.write_units_available, Some(20.0));
        assert_eq!(counts.write_units_held_at_first_write, Some(10.0));
        assert_eq!((counts.first_write, counts.last_write), (Some(1000), Some(2000)));
    }

    #[test]
    fn what_dynamodb_refuses_is_refused_and_costs_nothing() {
        let (table, start) = Table::with("");
        let refusal = |requests: &[Json]| batch(&table, requests, "NONE", start).unwrap_err();
        assert_eq!(refusal(&puts(0..26)), Refusal::invalid("Too many items requested for the BatchWriteItem call"));
        let twice = [puts(0..3), puts(1..2)].concat();
        assert_eq!(refusal(&twice), Refusal::invalid("Provided list of item keys contains duplicates"));
        let gone = json!({ "DeleteRequest": { "Key": { "sku": { "S": "A-1" } } } });
        let both = [puts(1..2), vec![gone]].concat();
        assert_eq!(refusal(&both), Refusal::invalid("Provided list of item keys contains duplicates"));
        for wrong in [
            vec![],
            vec![json!({ "PutRequest": { "Item": { "price": { "N": "5" } } } })],
            vec![json!({ "PutRequest": { "Item": { "sku": { "N": "5" } } } })],
            vec![json!({ "PutRequest": { "Item": { "sku": { "S": "A" }, "note": { "S": "x".repeat(410_000) } } } })],
        ] {
            assert!(refusal(&wrong).to_json().contains("#ValidationException"), "{wrong:?}");
        }
        let not_json = batch_write(&table, r#"{"RequestItems":{"stock":[{"PutRequest":"#, start).unwrap_err();
        assert!(not_json.to_json().contains("#SerializationException"));
        let two = json!({ "RequestItems": { "stock": puts(0..1), "other": puts(0..1) } }).to_string();
        assert!(batch_write(&table, &two, start).is_err());
        assert!(one(&table, put, &json!({ "TableName": "stock" }), start).is_err());
        assert_eq!(table.counts().requests, 0);
    }
}
