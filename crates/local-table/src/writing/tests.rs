use super::*;
use crate::items::{Memory, Nowhere, ReadItems};
use serde_json::{Value as Json, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn puts(skus: impl IntoIterator<Item = usize>) -> Vec<Json> {
    let put = |n| json!({ "PutRequest": { "Item": { "sku": { "S": format!("A-{n}") }, "quantity": { "N": "5" } } } });
    skus.into_iter().map(put).collect()
}

fn batch(table: &Table, requests: &[Json], tell: &str, now: Instant) -> Result<Json, Refusal> {
    let body = json!({ "RequestItems": { "stock": requests }, "ReturnConsumedCapacity": tell }).to_string();
    batch_write(table, &mut Nowhere, &body, now).map(|answer| serde_json::from_str(&answer).unwrap())
}

fn one(
    table: &Table,
    operation: impl Fn(&Table, &mut dyn WriteItems, &str, Instant) -> Result<String, Refusal>,
    body: &Json,
    now: Instant,
) -> Result<Json, Refusal> {
    operation(table, &mut Nowhere, &body.to_string(), now).map(|answer| serde_json::from_str(&answer).unwrap())
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
    let answer = batch_write(&table, &mut Nowhere, &body, start + SECOND).unwrap();
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
    let not_json = batch_write(&table, &mut Nowhere, r#"{"RequestItems":{"stock":[{"PutRequest":"#, start).unwrap_err();
    assert!(not_json.to_json().contains("#SerializationException"));
    let two = json!({ "RequestItems": { "stock": puts(0..1), "other": puts(0..1) } }).to_string();
    assert!(batch_write(&table, &mut Nowhere, &two, start).is_err());
    assert!(one(&table, put, &json!({ "TableName": "stock" }), start).is_err());
    assert_eq!(table.counts().requests, 0);
}

/// The answer to a request for one item of a table that keeps its items.
fn kept(
    table: &Table,
    kept: &mut Memory,
    operation: impl Fn(&Table, &mut dyn WriteItems, &str, Instant) -> Result<String, Refusal>,
    mut body: Json,
) -> Result<Json, Json> {
    body["TableName"] = json!("stock");
    let answer = operation(table, kept, &body.to_string(), Instant::now());
    answer.map(|answer| serde_json::from_str(&answer).unwrap()).map_err(|refusal| {
        let mut refusal: Json = serde_json::from_str(&refusal.to_json()).unwrap();
        refusal["__type"] = json!(refusal["__type"].as_str().unwrap().rsplit('#').next());
        refusal
    })
}

fn found(kept: &Memory, sku: &str) -> Option<Json> {
    let key = Key { partition: sku.into(), sort: None };
    kept.get(&key.stored()).unwrap().map(|item| serde_json::from_str(item.get()).unwrap())
}

#[test]
fn a_change_is_made_only_if_its_condition_holds() {
    let ((table, _), mut items) = (Table::with(""), Memory::default());
    let row = |quantity: &str| json!({ "sku": { "S": "A" }, "quantity": { "N": quantity } });
    let key = json!({ "sku": { "S": "A" } });
    let names = json!({ "#0": "quantity" });
    let absent = json!({ "Item": row("1.0"), "ConditionExpression": "attribute_not_exists(#0)",
                         "ExpressionAttributeNames": names, "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });
    assert_eq!(kept(&table, &mut items, put, absent.clone()), Ok(json!({})));
    assert_eq!(found(&items, "A"), Some(row("1")), "numbers are normalised");
    let failed = kept(&table, &mut items, put, absent).unwrap_err();
    assert_eq!((&failed["__type"], &failed["Item"]), (&json!("ConditionalCheckFailedException"), &row("1")));
    let set = |quantity: &str, read: &str| {
        json!({ "Key": key, "UpdateExpression": "SET #0=:0", "ConditionExpression": "#0=:1",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": { ":0": { "N": quantity }, ":1": { "N": read } } })
    };
    let failed = kept(&table, &mut items, update, set("7", "2")).unwrap_err();
    assert_eq!((&failed["__type"], failed.get("Item")), (&json!("ConditionalCheckFailedException"), None));
    assert_eq!(kept(&table, &mut items, update, set("7", "1.00")), Ok(json!({})));
    assert_eq!(found(&items, "A"), Some(row("7")));
    let gone = |read: &str| {
        json!({ "Key": key, "ConditionExpression": "#0=:0", "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": { ":0": { "N": read } } })
    };
    assert!(kept(&table, &mut items, delete, gone("8")).is_err());
    assert_eq!(kept(&table, &mut items, delete, gone("7")), Ok(json!({})));
    assert_eq!(found(&items, "A"), None);
}

#[test]
fn an_update_creates_an_item_that_does_not_exist() {
    let ((table, _), mut items) = (Table::with(""), Memory::default());
    let body = json!({ "Key": { "sku": { "S": "A" } }, "UpdateExpression": "SET #0=:0",
                       "ExpressionAttributeNames": { "#0": "note" },
                       "ExpressionAttributeValues": { ":0": { "S": "x" } } });
    assert_eq!(kept(&table, &mut items, update, body), Ok(json!({})));
    assert_eq!(found(&items, "A"), Some(json!({ "sku": { "S": "A" }, "note": { "S": "x" } })));
}

#[test]
fn a_change_that_is_not_evaluated_is_refused_and_changes_nothing() {
    let ((table, _), mut items) = (Table::with(""), Memory::default());
    let item = json!({ "sku": { "S": "A" }, "note": { "S": "x" } });
    assert!(kept(&table, &mut items, put, json!({ "Item": item })).is_ok());
    let key = json!({ "sku": { "S": "A" } });
    let large = "x".repeat(410_000);
    for (operation, body) in [
        (update as fn(&Table, &mut dyn WriteItems, &str, Instant) -> Result<String, Refusal>, json!({ "Item": item })),
        (
            update,
            json!({ "Key": key, "UpdateExpression": "SET #0=:0", "ExpressionAttributeNames": { "#0": "sku" },
                         "ExpressionAttributeValues": { ":0": { "S": "B" } } }),
        ),
        (
            update,
            json!({ "Key": key, "UpdateExpression": "SET #0=:0", "ExpressionAttributeNames": { "#0": "note" },
                         "ExpressionAttributeValues": { ":0": { "S": large } } }),
        ),
        (
            update,
            json!({ "Key": key, "UpdateExpression": "REMOVE #0",
                         "ExpressionAttributeNames": { "#0": "note", "#1": "more" } }),
        ),
        (update, json!({ "Key": key, "ReturnValues": "ALL_NEW" })),
        (put, json!({ "Item": item, "Key": key })),
        (put, json!({ "Item": item, "ExpressionAttributeNames": { "#0": "note" } })),
        (put, json!({ "Item": item, "ConditionExpression": "attribute_exists(note)" })),
        (delete, json!({ "Key": key, "UpdateExpression": "REMOVE #0" })),
        (delete, json!({ "Key": key, "Expected": {} })),
    ] {
        let refusal = kept(&table, &mut items, operation, body).unwrap_err();
        assert_eq!(refusal["__type"], "ValidationException", "{refusal}");
    }
    assert_eq!(found(&items, "A"), Some(item));
}

#[test]
fn only_the_table_of_the_given_name_exists() {
    let table = Table::new(crate::settings::Settings::unlimited("local", "sku".parse().unwrap()), None, Instant::now());
    let refusal = kept(&table, &mut Memory::default(), put, json!({ "Item": { "sku": { "S": "A" } } })).unwrap_err();
    assert_eq!(refusal["__type"], "ResourceNotFoundException");
}

#[test]
fn trusted_items_are_kept_as_they_were_sent() {
    let ((table, _), mut items) = (Table::with("--trust-items"), Memory::default());
    let item = json!({ "sku": { "S": "A" }, "n": { "N": "1.50" } });
    assert!(kept(&table, &mut items, put, json!({ "Item": item })).is_ok());
    assert_eq!(found(&items, "A"), Some(item));
}
