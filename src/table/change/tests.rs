//! Tests of item changes, on a fake table that checks conditions as DynamoDB does.

use super::*;
use crate::clients::fake::{Fake, FakeRequest, Reply, error};
use crate::table::expression::{COMPARISONS, EXPRESSION_BYTES};
use inventory_base::item::Value;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(30);

/// The items of the fake table, by SKU.
type FakeTable = Arc<Mutex<BTreeMap<String, Json>>>;

fn fake_table(items: Json) -> FakeTable {
    let items = items.as_array().unwrap().iter();
    Arc::new(Mutex::new(items.map(|item| (sku(item), item.clone())).collect()))
}

fn sku(item: &Json) -> String {
    item["sku"]["S"].as_str().unwrap().to_string()
}

fn item(json: Json) -> Item {
    serde_json::from_value(json).unwrap()
}

fn key(sku: &str) -> Item {
    item(json!({ "sku": { "S": sku } }))
}

fn change(sku: &str, act: Act) -> Change {
    Change { key: key(sku), act }
}

/// Carries out a request. Reading costs a unit for each item found, a change one unit.
fn answer(fake_table: &FakeTable, request: &FakeRequest) -> Reply {
    let mut fake_table = fake_table.lock().unwrap();
    let body = request.json();
    if let Some(keys) = body["RequestItems"]["stock"]["Keys"].as_array() {
        let found: Vec<&Json> = keys.iter().filter_map(|key| fake_table.get(&sku(key))).collect();
        let units = json!([{ "CapacityUnits": found.len() as f64 }]);
        return Reply::Json(200, json!({ "Responses": { "stock": found }, "ConsumedCapacity": units }));
    }
    let sku = sku(if body["Item"].is_null() { &body["Key"] } else { &body["Item"] });
    let existing = fake_table.get(&sku).cloned();
    let attribute = |word: &str| body["ExpressionAttributeNames"][word].as_str().unwrap().to_string();
    let equation = |text: &str| {
        let (name, value) = text.split_once('=').unwrap();
        (attribute(name), body["ExpressionAttributeValues"][value].clone())
    };
    let holds = |term: &str| match term.strip_prefix("attribute_not_exists(") {
        Some(word) => {
            existing.as_ref().is_none_or(|existing| existing[attribute(word.trim_end_matches(')'))].is_null())
        }
        None => existing.as_ref().is_some_and(|existing| existing[equation(term).0] == equation(term).1),
    };
    if !body["ConditionExpression"].as_str().is_none_or(|condition| condition.split(" AND ").all(holds)) {
        assert_eq!(body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
        let mut failed = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
        if let Some(existing) = existing {
            failed["Item"] = existing;
        }
        return Reply::Json(400, failed);
    }
    match request.header("x-amz-target").unwrap() {
        "DynamoDB_20120810.PutItem" => drop(fake_table.insert(sku, body["Item"].clone())),
        "DynamoDB_20120810.DeleteItem" => drop(fake_table.remove(&sku)),
        _ => {
            let update = body["UpdateExpression"].as_str().unwrap_or_default();
            let (set, remove) = update.split_once("REMOVE ").unwrap_or((update, ""));
            let item = fake_table.entry(sku).or_insert_with(|| body["Key"].clone());
            for term in set.trim().trim_start_matches("SET ").split(',').filter(|term| !term.is_empty()) {
                let (name, value) = equation(term);
                item[name] = value;
            }
            for word in remove.split(',').filter(|word| !word.is_empty()) {
                item.as_object_mut().unwrap().remove(&attribute(word));
            }
        }
    }
    Reply::Json(200, json!({ "ConsumedCapacity": { "CapacityUnits": 1.0 } }))
}

fn fake_of(fake_table: &FakeTable) -> Fake {
    let fake_table = fake_table.clone();
    Fake::answering(move |request| answer(&fake_table, request))
}

/// Carries out each request but loses its answer the first time; the answers of repeated requests arrive.
fn losing_answers(fake_table: &FakeTable) -> Fake {
    let (fake_table, seen) = (fake_table.clone(), Mutex::new(Vec::new()));
    Fake::answering(move |request| {
        let reply = answer(&fake_table, request);
        let mut seen = seen.lock().unwrap();
        if seen.contains(&request.json()) {
            return reply;
        }
        seen.push(request.json());
        Reply::Json(500, json!({ "__type": "InternalServerError" }))
    })
}

fn table(fake: &Fake) -> Table {
    Table::new(fake.dynamodb(), "stock", WAIT)
}

fn assert_holds(fake_table: &FakeTable, items: Json) {
    let found: Vec<Json> = fake_table.lock().unwrap().values().cloned().collect();
    assert_eq!(Json::from(found), items);
}

fn operations(fake: &Fake) -> Vec<String> {
    let target =
        |request: &FakeRequest| request.header("x-amz-target").unwrap().rsplit('.').next().unwrap().to_string();
    fake.requests().iter().map(target).collect()
}

#[tokio::test(start_paused = true)]
async fn merging_sets_and_removes_attributes_and_leaves_the_rest() {
    let fake_table =
        fake_table(json!([{ "sku": { "S": "A" }, "price": { "N": "1" }, "old": { "N": "1" }, "name": { "S": "x" } }]));
    let fake = fake_of(&fake_table);
    let merge = |set: Json, remove: &[&str]| Act::Merge {
        set: item(set),
        remove: remove.iter().map(ToString::to_string).collect(),
    };
    let changes = [
        change("A", merge(json!({ "price": { "N": "2" }, "a b": { "S": "y" } }), &["old", "never"])),
        change("B", merge(json!({ "price": { "N": "3" } }), &[])),
        change("C", merge(json!({}), &[])),
    ];
    let changed = table(&fake).change(&changes).await.unwrap();
    assert_eq!(changed, Changed { units: 3.0, requests: 3, ..Changed::default() });
    assert_holds(
        &fake_table,
        json!([
            { "sku": { "S": "A" }, "price": { "N": "2" }, "a b": { "S": "y" }, "name": { "S": "x" } },
            { "sku": { "S": "B" }, "price": { "N": "3" } },
            { "sku": { "S": "C" } },
        ]),
    );
    assert_eq!(table(&fake).change(&[]).await.unwrap(), Changed::default());
}

#[tokio::test(start_paused = true)]
async fn adding_never_changes_an_existing_item_and_recognises_its_own() {
    let existing =
        json!([{ "sku": { "S": "A" }, "price": { "N": "5" } }, { "sku": { "S": "B" }, "price": { "N": "5" } }]);
    let fake_table = fake_table(existing.clone());
    let ours = |sku: &str, price: &str| item(json!({ "sku": { "S": sku }, "price": { "N": price } }));
    let changes = [
        change("A", Act::Add(ours("A", "6"))),
        change("B", Act::Add(ours("B", "5.00"))),
        change("C", Act::Add(ours("C", "6"))),
    ];
    let changed = table(&fake_of(&fake_table)).change(&changes).await.unwrap();
    assert_eq!((changed.kept, changed.units), (vec![0], 1.0));
    let mut expected = existing;
    expected.as_array_mut().unwrap().push(json!({ "sku": { "S": "C" }, "price": { "N": "6" } }));
    assert_holds(&fake_table, expected);
}

#[tokio::test(start_paused = true)]
async fn only_unchanged_items_are_deleted_or_marked() {
    let row = |sku: &str, price: &str| json!({ "sku": { "S": sku }, "price": { "N": price } });
    let more = json!({ "sku": { "S": "C" }, "price": { "N": "1" }, "note": { "S": "mine" } });
    let fake_table = fake_table(json!([row("A", "1"), row("B", "2"), more, row("E", "1"), row("F", "2")]));
    let fake = fake_of(&fake_table);
    let delete = |sku: &str| change(sku, Act::Delete { read: item(row(sku, "1.0")) });
    let gone = || item(json!({ "gone": { "BOOL": true } }));
    let mark = |sku: &str| change(sku, Act::Mark { read: item(row(sku, "1")), set: gone() });
    let changes = [delete("A"), delete("B"), delete("C"), delete("D"), mark("E"), mark("F"), mark("G")];
    // The fake compares numbers as text, so a change of A with price 1.0 would fail there, although 1.0 equals 1.
    let changed = table(&fake).change(&changes[1..]).await.unwrap();
    assert_eq!(changed.edited, [0, 1, 4, 5]);
    assert_eq!((changed.units, changed.read_units, changed.requests), (1.0, 4.0, 2));
    assert_eq!(operations(&fake), ["BatchGetItem", "UpdateItem"]);
    let changed = table(&fake).change(&[change("A", Act::Delete { read: item(row("A", "1")) })]).await.unwrap();
    assert_eq!(changed.edited, [0_usize; 0]);
    assert_holds(
        &fake_table,
        json!([
            row("B", "2"),
            { "sku": { "S": "C" }, "price": { "N": "1" }, "note": { "S": "mine" } },
            { "sku": { "S": "E" }, "price": { "N": "1" }, "gone": { "BOOL": true } },
            row("F", "2"),
        ]),
    );
}

#[tokio::test(start_paused = true)]
async fn an_item_edited_between_read_and_change_is_left() {
    let row = |sku: &str, price: &str| json!({ "sku": { "S": sku }, "price": { "N": price } });
    let fake_table = fake_table(json!([row("A", "1"), row("B", "1"), row("C", "1"), row("D", "1")]));
    let inside = fake_table.clone();
    let fake = Fake::answering(move |request| {
        let reply = answer(&inside, request);
        if request.number == 0 {
            let mut fake_table = inside.lock().unwrap();
            fake_table.insert("A".into(), row("A", "7"));
            fake_table.remove("B");
            fake_table.get_mut("C").unwrap()["gone"] = json!({ "S": "in May" });
            fake_table.remove("D");
        }
        reply
    });
    let set = item(json!({ "gone": { "BOOL": true } }));
    let read = |sku: &str| item(row(sku, "1"));
    let changes = [
        change("A", Act::Delete { read: read("A") }),
        change("B", Act::Delete { read: read("B") }),
        change("C", Act::Mark { read: read("C"), set: set.clone() }),
        change("D", Act::Mark { read: read("D"), set }),
    ];
    let changed = table(&fake).change(&changes).await.unwrap();
    assert_eq!(changed.edited, [0, 2, 3]);
    let noted = json!({ "sku": { "S": "C" }, "price": { "N": "1" }, "gone": { "S": "in May" } });
    assert_holds(&fake_table, json!([row("A", "7"), noted]));
}

#[tokio::test(start_paused = true)]
async fn items_are_replaced_and_attributes_swapped_only_if_unchanged() {
    let row = |sku: &str, price: &str| json!({ "sku": { "S": sku }, "price": { "N": price } });
    let sold = |sku: &str, price: &str| {
        let mut row = row(sku, price);
        row["sold"] = json!({ "N": "3" });
        row
    };
    let existing = json!([row("A", "1"), sold("B", "1"), sold("C", "1"), sold("D", "2"), row("E", "1"), row("G", "1")]);
    let fake_table = fake_table(existing);
    let inside = fake_table.clone();
    // Between the read and the change, another program deletes E and sells one of G.
    let fake = Fake::answering(move |request| {
        let reply = answer(&inside, request);
        if request.number == 0 {
            let mut fake_table = inside.lock().unwrap();
            fake_table.remove("E");
            fake_table.insert("G".into(), row("G", "1.5"));
        }
        reply
    });
    let replace = |sku: &str| {
        let put = item(json!({ "sku": { "S": sku }, "name": { "S": "x" } }));
        change(sku, Act::Replace { read: item(row(sku, "1")), put })
    };
    let name = || item(json!({ "name": { "S": "x" } }));
    let swap = |sku: &str| change(sku, Act::Swap { read: item(json!({ "price": { "N": "1" } })), set: name() });
    let bare = change("F", Act::Swap { read: Item::new(), set: name() });
    let gone = change("E", Act::Swap { read: Item::new(), set: name() });
    let changes = [replace("A"), replace("B"), swap("C"), swap("D"), gone, bare, replace("G")];
    let changed = table(&fake).change(&changes).await.unwrap();
    assert_eq!(changed.edited, [1, 3, 4, 5, 6]);
    let after = json!([
        { "sku": { "S": "A" }, "name": { "S": "x" } },
        sold("B", "1"),
        { "sku": { "S": "C" }, "sold": { "N": "3" }, "name": { "S": "x" } },
        sold("D", "2"),
        row("G", "1.5"),
    ]);
    assert_holds(&fake_table, after.clone());
    // Again, by a run that knows nothing of the first.
    let again = table(&fake_of(&fake_table)).change(&[replace("A"), swap("C")]).await.unwrap();
    assert_eq!((again.edited, again.units), (vec![], 0.0));
    assert_holds(&fake_table, after);
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answer_was_lost_is_made_once_and_counts_as_made() {
    let row = |sku: &str| json!({ "sku": { "S": sku }, "price": { "N": "1" } });
    let fake_table = fake_table(json!([row("B"), row("C"), row("D")]));
    let set = item(json!({ "gone": { "BOOL": true } }));
    let changes = [
        change("A", Act::Add(item(row("A")))),
        change("B", Act::Delete { read: item(row("B")) }),
        change("C", Act::Mark { read: item(row("C")), set: set.clone() }),
        change("D", Act::Merge { set, remove: vec!["price".into()] }),
    ];
    let expected = json!([
        row("A"),
        { "sku": { "S": "C" }, "price": { "N": "1" }, "gone": { "BOOL": true } },
        { "sku": { "S": "D" }, "gone": { "BOOL": true } },
    ]);
    // Once with retries in the same run, and again in a run that knows nothing of the first.
    for tried_again in [6, 0] {
        let fake = if tried_again > 0 { losing_answers(&fake_table) } else { fake_of(&fake_table) };
        let changed = table(&fake).change(&changes).await.unwrap();
        assert_eq!((changed.kept, changed.edited, changed.refused), (vec![], vec![], vec![]));
        assert_eq!(changed.tried_again, tried_again);
        assert_holds(&fake_table, expected.clone());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_does_not_stop_the_others() {
    let fake_table = fake_table(json!([]));
    let inside = fake_table.clone();
    let fake = Fake::answering(move |request| match request.json()["Key"]["sku"]["S"].as_str() {
        Some("A-7" | "A-30") => error("ValidationException"),
        _ if request.number % 3 == 2 => error("ThrottlingException"),
        _ => answer(&inside, request),
    });
    let merge = |n| {
        let set = item(json!({ "price": { "N": "1" } }));
        change(&format!("A-{n}"), Act::Merge { set, remove: vec![] })
    };
    let changes: Vec<Change> = (0..100).map(merge).collect();
    let changed = table(&fake).change(&changes).await.unwrap();
    let refused = |index| Refused { index, reason: "the message".to_string() };
    assert_eq!(changed.refused, [refused(7), refused(30)]);
    assert_eq!(fake_table.lock().unwrap().len(), 98);
    assert_eq!((changed.units, changed.requests), (98.0, 100 + changed.tried_again));
}

#[tokio::test(start_paused = true)]
async fn changes_fail_after_the_wait_if_the_table_accepts_none() {
    let changes = [change("A", Act::Merge { set: Item::new(), remove: vec!["price".into()] })];
    let fake = Fake::answering(|_| error("ProvisionedThroughputExceededException"));
    let failed = table(&fake).change(&changes).await.unwrap_err();
    assert!(matches!(failed, TableError::NoProgress { left: 1, .. }), "{failed}");
    let fake = Fake::answering(|_| error("AccessDeniedException"));
    let failed = table(&fake).change(&changes).await.unwrap_err();
    assert!(!failed.is_retryable() && failed.to_string().starts_with("UpdateItem on table"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn in_an_item_too_large_for_a_condition_the_set_attributes_are_compared_first() {
    let mut large = json!({ "sku": { "S": "A" } });
    for n in 0..400 {
        large[format!("a{n:03}")] = json!({ "N": "1" });
    }
    let fake_table = fake_table(json!([large]));
    let fake = fake_of(&fake_table);
    let set = item(json!({ "zone": { "S": "none" }, "a399": { "N": "0" } }));
    let mark = change("A", Act::Mark { read: item(large), set });
    assert_eq!(table(&fake).change(&[mark]).await.unwrap().edited, [0_usize; 0]);
    let request = fake.requests()[1].json();
    let condition = request["ConditionExpression"].as_str().unwrap().to_string();
    assert_eq!(condition.split(" AND ").count(), COMPARISONS);
    assert!(condition.len() <= 4096, "{} bytes", condition.len());
    let names = request["ExpressionAttributeNames"].as_object().unwrap();
    let compared = |name: &str| {
        condition.split(" AND ").any(|term| {
            names.iter().any(|(word, of)| {
                of == name && (term.starts_with(&format!("{word}=")) || term == format!("attribute_not_exists({word})"))
            })
        })
    };
    assert!(compared("zone") && compared("a399") && compared("a000") && !compared("a398"));
}

#[tokio::test(start_paused = true)]
async fn a_large_item_deleted_before_its_change_is_not_created_again() {
    let large: Item = (0..200).map(|n| (format!("a{n:03}"), Value::N("1".to_string().into()))).collect();
    for act in [
        Act::Swap { read: Item::new(), set: large.clone() },
        Act::Mark { read: key("A"), set: large.clone() },
        Act::Replace { read: key("A"), put: joined(&key("A"), &large) },
    ] {
        let fake_table = fake_table(json!([{ "sku": { "S": "A" } }]));
        let inside = fake_table.clone();
        let fake = Fake::answering(move |request| {
            let reply = answer(&inside, request);
            if request.number == 0 {
                inside.lock().unwrap().clear();
            }
            reply
        });
        let changed = table(&fake).change(&[change("A", act)]).await.unwrap();
        assert_eq!(changed.edited, [0]);
        assert_holds(&fake_table, json!([]));
        let condition = fake.requests()[1].json()["ConditionExpression"].as_str().unwrap().to_string();
        assert!(condition.len() <= EXPRESSION_BYTES, "{} bytes", condition.len());
    }
}
