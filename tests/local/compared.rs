//! The local table answers as DynamoDB Local does, request by request.

use inventory_base::item::plain_number;
use inventory_base::key_shape::KeyShape;
use inventory_local_table::EmbeddedTable;
use serde_json::{Value as Json, json};

use super::dynamodb::DynamoDb;
use super::requests::{Key, Requests};
use crate::harness::cloud::{DYNAMODB_ANSWERS, dynamodb_itself};
use crate::harness::unique;

/// Requests for each kind of key.
const REQUESTS: usize = 500;

/// The answer in a form that can be compared: without capacity and messages, and without an order where DynamoDB promises
/// none.
fn comparable((status, mut answer): (u16, Json), table: &str) -> (u16, Json) {
    let Some(parts) = answer.as_object_mut() else { return (status, answer) };
    parts.remove("ConsumedCapacity");
    for message in ["message", "Message"] {
        parts.remove(message);
    }
    if let Some(kind) = parts.get_mut("__type") {
        *kind = json!(kind.as_str().and_then(|kind| kind.rsplit('#').next()));
    }
    let responses = parts.get_mut("Responses").and_then(|tables| tables.get_mut(table));
    if let Some(items) = responses {
        *items = json!(ordered(items.as_array().cloned().unwrap_or_default()));
    }
    if let Some(item) = parts.get_mut("Item") {
        normalise(item);
    }
    (status, answer)
}

fn ordered(mut items: Vec<Json>) -> Vec<Json> {
    items.iter_mut().for_each(normalise);
    items.sort_by_key(ToString::to_string);
    items
}

/// Writes equal numbers alike, which DynamoDB Local does not do everywhere, and sorts sets.
fn normalise(value: &mut Json) {
    let number = |digits: &Json| json!(plain_number(digits.as_str().expect("digits")));
    match value {
        Json::Object(parts) => {
            for (name, part) in parts {
                match (name.as_str(), &mut *part) {
                    ("N", Json::String(_)) => *part = number(part),
                    ("SS" | "NS" | "BS", Json::Array(set)) => {
                        if name == "NS" {
                            set.iter_mut().for_each(|digits| *digits = number(digits));
                        }
                        set.sort_by_key(ToString::to_string);
                    }
                    (_, part) => normalise(part),
                }
            }
        }
        Json::Array(list) => list.iter_mut().for_each(normalise),
        _ => {}
    }
}

fn shortened(body: &Json) -> String {
    let text = body.to_string();
    text.chars().take(2000).collect()
}

/// Sends the same requests to both, and compares each answer.
async fn compare(key: &'static Key, seed: u64) {
    let table: &'static str = unique("local").leak();
    let folder = tempfile::tempdir().expect("a folder");
    let words: Vec<String> = key.iter().map(|(name, kind)| format!("{name}:{kind}")).collect();
    let schema: KeyShape = words.join(",").parse().expect("a key");
    let embedded = EmbeddedTable::in_file(table, schema, &folder.path().join("table")).expect("a table");
    let ours = DynamoDb::new(embedded.url(), embedded.access_key());
    let theirs = DynamoDb::new(dynamodb_itself().await, "test");
    let attribute = |(name, kind): &(&str, &str)| json!({ "AttributeName": name, "AttributeType": kind });
    let element = |((name, _), kind): (&(&str, &str), &str)| json!({ "AttributeName": name, "KeyType": kind });
    let create = json!({
        "TableName": table,
        "AttributeDefinitions": key.iter().map(attribute).collect::<Vec<_>>(),
        "KeySchema": key.iter().zip(["HASH", "RANGE"]).map(element).collect::<Vec<_>>(),
        "BillingMode": "PAY_PER_REQUEST",
    });
    let created = theirs.send("CreateTable", &create).await;
    assert_eq!(created.0, 200, "{}", created.1);

    let mut requests = Requests { random: fastrand::Rng::with_seed(seed), table, key };
    let mut by_kind = std::collections::BTreeMap::<String, u32>::new();
    for n in 0..REQUESTS {
        let (operation, body) = match requests.random.u8(..20) {
            0..=11 => {
                let key = requests.any_key();
                let get = json!({ "RequestItems": { table: { "Keys": [key], "ConsistentRead": true } } });
                let answer = ours.send("BatchGetItem", &get).await.1;
                let there = answer["Responses"][table].get(0).cloned().unwrap_or_default();
                requests.single(&key, &there)
            }
            12..=15 => ("BatchWriteItem", requests.batch_write()),
            16..=18 => ("BatchGetItem", requests.batch_get()),
            _ => ("Scan", requests.wrong_scan()),
        };
        let (a, b) = tokio::join!(ours.send(operation, &body), theirs.send(operation, &body));
        let why =
            || format!("seed {seed}, request {n}, {operation} {}\nours {}\ntheirs {}", shortened(&body), a.1, b.1);
        assert_eq!(comparable(a.clone(), table), comparable(b.clone(), table), "{}", why());
        let kind = comparable(a, table);
        *by_kind.entry(format!("{operation} {}", kind.1["__type"].as_str().unwrap_or("done"))).or_default() += 1;
        if n % 40 == 39 || n + 1 == REQUESTS {
            for (segments, limit) in [(1, None), (1, Some(1)), (3, None), (4, Some(2))] {
                let (a, b) = tokio::join!(ours.scan(table, segments, limit), theirs.scan(table, segments, limit));
                assert_eq!(ordered(a), ordered(b), "seed {seed}, after request {n}, {segments} segments of {limit:?}");
            }
        }
    }
    println!("{by_kind:?}");
    // Each kind was sent, and each single write was also refused by its condition and for its content.
    for operation in ["PutItem", "UpdateItem", "DeleteItem"] {
        for outcome in ["done", "ConditionalCheckFailedException", "ValidationException"] {
            assert!(by_kind.contains_key(&format!("{operation} {outcome}")), "{operation} {outcome}: {by_kind:?}");
        }
    }
    for operation in ["BatchWriteItem", "BatchGetItem"] {
        for outcome in ["done", "ValidationException"] {
            assert!(by_kind.contains_key(&format!("{operation} {outcome}")), "{operation} {outcome}: {by_kind:?}");
        }
    }
    theirs.send("DeleteTable", &json!({ "TableName": table })).await;
}

/// The seed of this run; LOCAL_SEED repeats another one.
fn seed() -> u64 {
    let seed = std::env::var("LOCAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("LOCAL_SEED={seed} sends the same requests again");
    seed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_a_text_key_answers_as_dynamodb_does() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    compare(&[("sku", "S")], seed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_a_number_and_a_text_as_its_key_answers_as_dynamodb_does() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    compare(&[("shelf", "N"), ("sku", "S")], seed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_a_text_and_bytes_as_its_key_answers_as_dynamodb_does() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    compare(&[("sku", "S"), ("photo", "B")], seed()).await;
}
