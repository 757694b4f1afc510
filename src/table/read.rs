//! Reads whole items by their keys, 100 per request and several requests at once. The items are returned in the order
//! of the keys.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemError, BatchGetItemOutput};
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use tokio::time::Instant;

use super::outcome::RequestOutcome;
use super::queue::Queue;
use super::request_loop::{Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError};
use crate::clients::CloudFault;
use inventory_base::item::{Item, Value, plain_number};

const OPERATION: &str = "BatchGetItem";
/// DynamoDB's limit.
const KEYS_PER_REQUEST: usize = 100;
/// The most requests in flight. Their answers are large.
const REQUESTS: u32 = 16;

/// The result of reading items.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// In the order of the keys; `None` if the table has no such item.
    pub items: Vec<Option<Item>>,
    /// The indexes of the keys that were not read before the deadline, sorted.
    pub left: Vec<usize>,
    /// Read units consumed.
    pub units: f64,
    pub requests: u64,
    /// Keys requested again because the table was busy, did not answer, or found more than one answer can hold.
    pub tried_again: u64,
}

type Answered = Result<BatchGetItemOutput, SdkError<BatchGetItemError, HttpResponse>>;

/// Items, each with the index of its key among all requested keys.
type IndexedItems = Vec<(usize, Item)>;

impl Table {
    /// Reads the items with these keys. A key has its key attributes and nothing else. A duplicate key is requested
    /// only once, because DynamoDB refuses requests with duplicates.
    pub async fn read(&self, keys: &[Item]) -> Result<Found, TableError> {
        self.read_until(keys, None).await
    }

    /// Reads items until the deadline. For the keys in `left`, it isn't known whether items exist.
    pub async fn read_until(&self, keys: &[Item], deadline: Option<Instant>) -> Result<Found, TableError> {
        let names: Vec<&str> = keys.first().into_iter().flat_map(Item::keys).collect();
        let mut first = HashMap::with_capacity(keys.len());
        let firsts: Vec<usize> =
            keys.iter().enumerate().map(|(index, key)| *first.entry(plain_key(key, &names)).or_insert(index)).collect();
        let once = firsts.iter().enumerate().filter(|(index, first)| index == *first).map(|(index, _)| index);
        let queue = Queue::new(once, KEYS_PER_REQUEST, |_| 0);
        let send = |batch: &[usize]| self.request_batch(keys, batch);
        let read = |batch: &[usize], answer| match answer {
            Ok(output) => self.found(keys, batch, output),
            Err(error) => self.busy(OPERATION, &error),
        };
        let Tally { units, requests, tried_again, mut left, outputs, .. } =
            self.run_requests(Traffic::Read, Slot { turn: None, deadline }, queue, REQUESTS, send, read).await?;
        let mut items = vec![None; keys.len()];
        for (index, item) in outputs.into_iter().flatten() {
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

    fn request_batch(
        &self,
        keys: &[Item],
        batch: &[usize],
    ) -> Result<impl Future<Output = Answered> + use<>, TableError> {
        let unsendable = |error: BuildError| {
            CloudFault::new(OPERATION, &self.resource(), &SdkError::<BatchGetItemError, _>::construction_failure(error))
        };
        let attributes = batch.iter().map(|&index| item_to_attributes(&keys[index])).collect::<Result<_, _>>()?;
        let requested = KeysAndAttributes::builder().set_keys(Some(attributes)).consistent_read(self.consistent_reads);
        let request = self
            .client
            .batch_get_item()
            .request_items(&self.name, requested.build().map_err(unsendable)?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(async move { request.send().await })
    }

    /// Reads an answer. DynamoDB returns items in any order and writes numbers in its own way. Keys whose items don't
    /// fit into the 16 MB of an answer come back just like those a busy table could not process; retrying at a lower
    /// rate is right for both.
    fn found(
        &self,
        keys: &[Item],
        batch: &[usize],
        answer: BatchGetItemOutput,
    ) -> Result<RequestOutcome<IndexedItems>, TableError> {
        let names: Vec<&str> = keys[batch[0]].keys().collect();
        let index_of_key: HashMap<_, usize> =
            batch.iter().map(|&index| (plain_key(&keys[index], &names), index)).collect();
        let index_of = |item: &Item| {
            let what = || "an item that was not requested".to_string();
            let found = index_of_key.get(&plain_key(item, &names)).copied();
            found.ok_or_else(|| TableError::UnexpectedAnswer { table: self.name.clone(), what: what() })
        };
        let units = answer.consumed_capacity().iter().filter_map(|capacity| capacity.capacity_units()).sum();
        let mut output = Vec::with_capacity(batch.len());
        for attributes in answer.responses.into_iter().flatten().flat_map(|(_, items)| items) {
            let item = item_from_attributes(attributes)?;
            output.push((index_of(&item)?, item));
        }
        let mut left = Vec::new();
        for key in answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys) {
            left.push(index_of(&item_from_attributes(key)?)?);
        }
        Ok(RequestOutcome::Processed { units, accepted: batch.len() - left.len(), left, output })
    }
}

/// The values of a key in a normal form, so that equal keys compare as equal.
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
    use crate::clients::fake::{Fake, FakeRequest, Reply, error};
    use serde_json::{Value as Json, json};
    use std::time::Duration;

    const WAIT: Duration = Duration::from_secs(30);

    fn table(fake: &Fake) -> Table {
        Table::new(fake.dynamodb(), "stock", WAIT)
    }

    fn keys(count: usize) -> Vec<Item> {
        (0..count).map(|n| Item::from([("sku".to_string(), Value::S(format!("A-{n}").into()))])).collect()
    }

    fn requested(request: &FakeRequest) -> Vec<Json> {
        request.json()["RequestItems"]["stock"]["Keys"].as_array().unwrap().clone()
    }

    /// The number in a key such as `A-17`.
    fn number(key: &Json) -> usize {
        key["sku"]["S"].as_str().unwrap()[2..].parse().unwrap()
    }

    /// A table that has every second item. It answers for the keys that `takes` accepts, in reverse order. Each key
    /// costs a unit.
    fn every_other(takes: impl Fn(usize, usize) -> bool + Send + Sync + 'static) -> Fake {
        Fake::answering(move |request| {
            let (taken, back): (Vec<Json>, Vec<Json>) =
                requested(request).into_iter().partition(|key| takes(request.number, number(key)));
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
    async fn items_are_returned_in_the_order_of_their_keys() {
        let fake = every_other(|_, _| true);
        let found = table(&fake).read(&keys(1_010)).await.unwrap();
        assert_eq!((found.units, found.requests, found.tried_again), (1_010.0, 11, 0));
        assert_every_other(&found, 1_010);
        for request in fake.requests() {
            assert!(requested(&request).len() <= KEYS_PER_REQUEST);
            assert_eq!(request.json()["RequestItems"]["stock"]["ConsistentRead"], json!(true));
        }
        assert_eq!(table(&fake).read(&[]).await.unwrap(), Found::default());
    }

    #[tokio::test(start_paused = true)]
    async fn reads_are_as_consistent_as_configured() {
        let fake = every_other(|_, _| true);
        table(&fake).with_consistent_reads(false).read(&keys(1)).await.unwrap();
        assert_eq!(fake.requests()[0].json()["RequestItems"]["stock"]["ConsistentRead"], json!(false));
    }

    #[tokio::test(start_paused = true)]
    async fn unprocessed_keys_are_retried_until_each_is_answered() {
        let fake = every_other(|request, n| (request * 7 + n) % 10 < 3);
        let found = table(&fake).read(&keys(1_000)).await.unwrap();
        assert_every_other(&found, 1_000);
        let sent: usize = fake.requests().iter().map(|request| requested(request).len()).sum();
        assert_eq!((found.units, found.tried_again as usize), (1_000.0, sent - 1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn number_keys_are_matched_however_they_are_written() {
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
    async fn an_unrequested_item_is_an_error() {
        let fake =
            Fake::answering(|_| Reply::Json(200, json!({ "Responses": { "stock": [{ "sku": { "S": "B-1" } }] } })));
        let error = table(&fake).read(&keys(3)).await.unwrap_err();
        assert!(matches!(error, TableError::UnexpectedAnswer { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_fails_after_the_wait_if_the_table_returns_nothing() {
        for answer in [
            error("ProvisionedThroughputExceededException"),
            Reply::Json(500, json!({ "__type": "InternalServerError" })),
            Reply::NoAnswer,
        ] {
            let fake = Fake::answering(move |_| answer.clone());
            let began = Instant::now();
            let error = table(&fake).read(&keys(100)).await.unwrap_err();
            assert!(matches!(error, TableError::NothingRead { .. }) && error.is_retryable(), "{error}");
            assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
            assert!((1..80).contains(&fake.requests().len()), "{} requests", fake.requests().len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_fault_ends_the_read_at_once() {
        for code in ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"] {
            let fake = Fake::answering(move |_| error(code));
            let error = table(&fake).read(&keys(1_000)).await.unwrap_err();
            assert!(!error.is_retryable() && error.to_string().contains(code), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_duplicate_key_is_requested_once_and_answered_twice() {
        let fake = every_other(|_, _| true);
        let twice: Vec<Item> = keys(60).into_iter().chain(keys(60)).collect();
        let found = table(&fake).read(&twice).await.unwrap();
        assert_eq!((found.units, found.items.len()), (60.0, 120));
        assert_eq!(found.items[..60], found.items[60..]);
        assert!(found.items[..60].iter().flatten().count() == 30);
    }

    #[tokio::test(start_paused = true)]
    async fn the_read_ceiling_holds_over_several_reads_and_does_not_count_as_no_progress() {
        // At the ceiling a request takes longer than the table may make no progress.
        let fake = every_other(|_, _| true);
        let mut table = table(&fake).with_read_ceiling(Some(20.0));
        table.wait = Duration::from_secs(3);
        let began = Instant::now();
        for _ in 0..3 {
            let found = table.clone().read(&keys(500)).await.unwrap();
            assert_every_other(&found, 500);
        }
        // All 1,500 units, with one in each request.
        let took = began.elapsed().as_secs_f64();
        assert!((75.0..75.0 / 0.9).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_with_a_ceiling_also_fails_if_the_table_returns_nothing() {
        let fake = Fake::answering(|_| error("ProvisionedThroughputExceededException"));
        let began = Instant::now();
        let error = table(&fake).with_read_ceiling(Some(5.0)).read(&keys(300)).await.unwrap_err();
        assert!(matches!(error, TableError::NothingRead { .. }), "{error}");
        assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
    }
}
