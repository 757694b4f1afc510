//! Reading whole items by their keys: 100 to a request, several requests at once, in the order they were asked for.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemError, BatchGetItemOutput};
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use tokio::time::Instant;

use super::queue::Queue;
use super::request_loop::{Answer, Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError};
use crate::clients::CloudFault;
use inventory_base::item::{Item, Value, plain_number};

const OPERATION: &str = "BatchGetItem";
/// DynamoDB's limit.
const KEYS_PER_REQUEST: usize = 100;
/// At once. Their answers are large.
const REQUESTS: u32 = 16;

/// What reading came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// In the order of the keys; nothing where the table has no such item.
    pub items: Vec<Option<Item>>,
    /// Keys that were not asked for, because it was time to leave off: their places, in order.
    pub left: Vec<usize>,
    /// Read units consumed.
    pub units: f64,
    pub requests: u64,
    /// Keys asked for again because the table was busy, did not answer, or had more to give than an answer holds.
    pub tried_again: u64,
}

type Answered = Result<BatchGetItemOutput, SdkError<BatchGetItemError, HttpResponse>>;

/// Items, and where their keys stand among all that were asked for.
type Placed = Vec<(usize, Item)>;

impl Table {
    /// Reads the items with these keys, each of which is the key's attributes and nothing else. One that stands there
    /// twice is asked for once: DynamoDB refuses such a request.
    pub async fn read(&self, keys: &[Item]) -> Result<Found, TableError> {
        self.read_until(keys, None).await
    }

    /// The same, up to a moment. Of keys that are left then nothing is known.
    pub async fn read_until(&self, keys: &[Item], leave_off: Option<Instant>) -> Result<Found, TableError> {
        let names: Vec<&str> = keys.first().into_iter().flat_map(Item::keys).collect();
        let mut first = HashMap::with_capacity(keys.len());
        let firsts: Vec<usize> =
            keys.iter().enumerate().map(|(index, key)| *first.entry(plain_key(key, &names)).or_insert(index)).collect();
        let once = firsts.iter().enumerate().filter(|(index, first)| index == *first).map(|(index, _)| index);
        let queue = Queue::new(once, KEYS_PER_REQUEST, |_| 0);
        let send = |batch: &[usize]| self.ask_for(keys, batch);
        let read = |batch: &[usize], answer| match answer {
            Ok(output) => self.found(keys, batch, output),
            Err(error) => self.busy(OPERATION, &error),
        };
        let Tally { units, requests, tried_again, mut left, gave, .. } =
            self.settle(Traffic::Read, Slot { turn: None, leave_off }, queue, REQUESTS, send, read).await?;
        let mut items = vec![None; keys.len()];
        for (index, item) in gave.into_iter().flatten() {
            items[index] = Some(item);
        }
        for (index, first) in firsts.into_iter().enumerate().filter(|(index, first)| first < index) {
            items[index] = items[first].clone();
            if left.binary_search(&first).is_ok() {
                left.push(index);
            }
        }
        left.sort_unstable();
        Ok(Found { items, left, units, requests, tried_again })
    }

    fn ask_for(&self, keys: &[Item], batch: &[usize]) -> Result<impl Future<Output = Answered> + use<>, TableError> {
        let unsendable = |error: BuildError| {
            CloudFault::new(OPERATION, &self.place(), &SdkError::<BatchGetItemError, _>::construction_failure(error))
        };
        let attributes = batch.iter().map(|&index| item_to_attributes(&keys[index])).collect::<Result<_, _>>()?;
        let asked = KeysAndAttributes::builder().set_keys(Some(attributes)).consistent_read(self.consistent_reads);
        let request = self
            .client
            .batch_get_item()
            .request_items(&self.name, asked.build().map_err(unsendable)?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(async move { request.send().await })
    }

    /// DynamoDB answers in any order and writes numbers in its own way. What does not fit into an answer's 16 MB comes
    /// back like what a busy table did not get to; asking for less at once is right for both.
    fn found(&self, keys: &[Item], batch: &[usize], output: BatchGetItemOutput) -> Result<Answer<Placed>, TableError> {
        let names: Vec<&str> = keys[batch[0]].keys().collect();
        let places: HashMap<_, usize> = batch.iter().map(|&index| (plain_key(&keys[index], &names), index)).collect();
        let place = |item: &Item| {
            let what = || "an item that was not asked for".to_string();
            let found = places.get(&plain_key(item, &names)).copied();
            found.ok_or_else(|| TableError::Strange { table: self.name.clone(), what: what() })
        };
        let units = output.consumed_capacity().iter().filter_map(|capacity| capacity.capacity_units()).sum();
        let mut gave = Vec::with_capacity(batch.len());
        for attributes in output.responses.into_iter().flatten().flat_map(|(_, items)| items) {
            let item = item_from_attributes(attributes)?;
            gave.push((place(&item)?, item));
        }
        let mut left = Vec::new();
        for key in output.unprocessed_keys.into_iter().flatten().flat_map(|(_, asked)| asked.keys) {
            left.push(place(&item_from_attributes(key)?)?);
        }
        Ok(Answer::Taken { units, accepted: batch.len() - left.len(), left, gave })
    }
}

/// The values of a key in the one form in which equal keys are equal.
fn plain_key<'a>(item: &'a Item, names: &[&str]) -> Vec<Option<Cow<'a, str>>> {
    let plain = |name: &&str| match item.get(name)? {
        Value::N(digits) => Some(plain_number(digits)),
        Value::S(text) => Some(Cow::Borrowed(text.as_str())),
        Value::B(text) => Some(Cow::Borrowed(text.as_str())),
        _ => None,
    };
    names.iter().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Asked, Fake, Reply, error};
    use serde_json::{Value as Json, json};
    use std::time::Duration;

    const WAIT: Duration = Duration::from_secs(30);

    fn table(fake: &Fake) -> Table {
        Table::new(fake.dynamodb(), "stock", WAIT)
    }

    fn keys(count: usize) -> Vec<Item> {
        (0..count).map(|n| Item::from([("sku".to_string(), Value::S(format!("A-{n}").into()))])).collect()
    }

    fn asked(request: &Asked) -> Vec<Json> {
        request.json()["RequestItems"]["stock"]["Keys"].as_array().unwrap().clone()
    }

    /// The number in a key such as `A-17`.
    fn number(key: &Json) -> usize {
        key["sku"]["S"].as_str().unwrap()[2..].parse().unwrap()
    }

    /// Has every other item, and answers for the keys that `takes` says, the last first. Each key costs a unit.
    fn every_other(takes: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Fake {
        Fake::answering(move |request| {
            let (taken, back): (Vec<Json>, Vec<Json>) =
                asked(request).into_iter().partition(|key| takes(request.number, number(key)));
            let item = |key: &Json| json!({ "sku": key["sku"], "n": { "N": number(key).to_string() } });
            let found: Vec<Json> = taken.iter().rev().filter(|key| number(key).is_multiple_of(2)).map(item).collect();
            let back = if back.is_empty() { json!({}) } else { json!({ "stock": { "Keys": back } }) };
            let units = json!([{ "TableName": "stock", "CapacityUnits": taken.len() as f64 }]);
            Reply::Json(
                200,
                json!({ "Responses": { "stock": found }, "UnprocessedKeys": back, "ConsumedCapacity": units }),
            )
        })
    }

    fn assert_every_other(found: &Found, count: usize) {
        assert_eq!(found.items.len(), count);
        for (n, item) in found.items.iter().enumerate() {
            let read = item.as_ref().map(|item| item["n"].clone());
            assert_eq!(read, n.is_multiple_of(2).then(|| Value::N(n.to_string().into())), "{n}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn items_are_given_in_the_order_of_their_keys() {
        let fake = every_other(|_, _| true);
        let found = table(&fake).read(&keys(1_010)).await.unwrap();
        assert_eq!((found.units, found.requests, found.tried_again), (1_010.0, 11, 0));
        assert_every_other(&found, 1_010);
        for request in fake.asked() {
            assert!(asked(&request).len() <= KEYS_PER_REQUEST);
            assert_eq!(request.json()["RequestItems"]["stock"]["ConsistentRead"], json!(true));
        }
        assert_eq!(table(&fake).read(&[]).await.unwrap(), Found::default());
    }

    #[tokio::test(start_paused = true)]
    async fn reads_are_as_consistent_as_the_table_was_told() {
        let fake = every_other(|_, _| true);
        table(&fake).with_consistent_reads(false).read(&keys(1)).await.unwrap();
        assert_eq!(fake.asked()[0].json()["RequestItems"]["stock"]["ConsistentRead"], json!(false));
    }

    #[tokio::test(start_paused = true)]
    async fn unprocessed_keys_are_asked_for_again_until_each_is_answered() {
        let fake = every_other(|request, n| (request * 7 + n) % 10 < 3);
        let found = table(&fake).read(&keys(1_000)).await.unwrap();
        assert_every_other(&found, 1_000);
        let sent: usize = fake.asked().iter().map(|request| asked(request).len()).sum();
        assert_eq!((found.units, found.tried_again as usize), (1_000.0, sent - 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn numbers_in_keys_are_found_again_however_they_were_written() {
        let key = |shelf: &str, sku: &str| {
            Item::from([("shelf".to_string(), Value::N(shelf.into())), ("sku".to_string(), Value::S(sku.into()))])
        };
        let there = json!([
            { "shelf": { "N": "5" }, "sku": { "S": "5.0" }, "row": { "N": "1" } },
            { "shelf": { "N": "100" }, "sku": { "S": "x" } },
        ]);
        let back = json!({ "stock": { "Keys": [{ "shelf": { "N": "0.25" }, "sku": { "S": "x" } }] } });
        let fake = Fake::answering(move |request| match request.number {
            0 => Reply::Json(200, json!({ "Responses": { "stock": there }, "UnprocessedKeys": back })),
            _ => Reply::Json(200, json!({})),
        });
        let keys = [key("1E+2", "x"), key("5.0", "5"), key("5.0", "5.0"), key("00.250", "x")];
        let found = table(&fake).read(&keys).await.unwrap();
        let found_at: Vec<bool> = found.items.iter().map(Option::is_some).collect();
        assert_eq!(found_at, [true, false, true, false]);
        assert_eq!((found.requests, found.tried_again), (2, 1));
        assert_eq!(found.items[2].as_ref().unwrap()["row"], Value::N("1".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_that_was_not_asked_for_is_an_error_and_not_a_missing_one() {
        let fake =
            Fake::answering(|_| Reply::Json(200, json!({ "Responses": { "stock": [{ "sku": { "S": "B-1" } }] } })));
        let error = table(&fake).read(&keys(3)).await.unwrap_err();
        assert!(matches!(error, TableError::Strange { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_gives_nothing_ends_the_read_at_its_time() {
        for answer in [
            error("ProvisionedThroughputExceededException"),
            Reply::Json(500, json!({ "__type": "InternalServerError" })),
            Reply::Silence,
        ] {
            let fake = Fake::answering(move |_| answer.clone());
            let began = Instant::now();
            let error = table(&fake).read(&keys(100)).await.unwrap_err();
            assert!(matches!(error, TableError::NothingRead { .. }) && error.would_trying_again_help(), "{error}");
            assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
            assert!((1..80).contains(&fake.asked().len()), "{} requests", fake.asked().len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_heal_ends_the_read_at_once() {
        for code in ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"] {
            let fake = Fake::answering(move |_| error(code));
            let error = table(&fake).read(&keys(1_000)).await.unwrap_err();
            assert!(!error.would_trying_again_help() && error.to_string().contains(code), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_stands_there_twice_is_asked_for_once_and_answered_twice() {
        let fake = every_other(|_, _| true);
        let twice: Vec<Item> = keys(60).into_iter().chain(keys(60)).collect();
        let found = table(&fake).read(&twice).await.unwrap();
        assert_eq!((found.units, found.items.len()), (60.0, 120));
        assert_eq!(found.items[..60], found.items[60..]);
        assert!(found.items[..60].iter().flatten().count() == 30);
    }

    #[tokio::test(start_paused = true)]
    async fn the_read_ceiling_is_held_over_several_reads_and_is_no_standstill() {
        // A request takes longer at the ceiling than the table may stand still.
        let fake = every_other(|_, _| true);
        let mut table = table(&fake).with_read_ceiling(Some(20.0));
        table.wait = Duration::from_secs(3);
        let began = Instant::now();
        for _ in 0..3 {
            let found = table.clone().read(&keys(500)).await.unwrap();
            assert_every_other(&found, 500);
        }
        // All 1,500 units, one in each request.
        let took = began.elapsed().as_secs_f64();
        assert!((75.0..75.0 / 0.9).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn under_a_ceiling_too_a_table_that_gives_nothing_ends_the_read() {
        let fake = Fake::answering(|_| error("ProvisionedThroughputExceededException"));
        let began = Instant::now();
        let error = table(&fake).with_read_ceiling(Some(5.0)).read(&keys(300)).await.unwrap_err();
        assert!(matches!(error, TableError::NothingRead { .. }), "{error}");
        assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
    }
}
