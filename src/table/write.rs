//! Writes whole items, 25 per request and several requests at once, until each is written or refused for good.

use std::collections::HashMap;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemError, BatchWriteItemOutput};
use aws_sdk_dynamodb::types::WriteRequest;
use aws_smithy_types::body::SdkBody;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::outcome::RequestOutcome;
use super::queue::Queue;
use super::request_loop::{Refused, Slot, Tally, Traffic};
use super::values::item_to_attributes;
use super::{Table, TableError, WriteTurn};
use inventory_base::item::{Item, item_size};

const OPERATION: &str = "BatchWriteItem";
/// DynamoDB's limit.
const ITEMS_PER_REQUEST: usize = 25;
/// The bytes around each item in a request.
const BYTES_AROUND_ITEM: usize = r#"{"PutRequest":{"Item":}},"#.len();
/// The bytes around all items of a request, without the table's name.
const BYTES_AROUND_REQUEST: usize = 128;
/// The most requests in flight.
const REQUESTS: u32 = 128;

/// The result of writing items. Every item that is in neither `refused` nor `left` is in the table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// Write units consumed by the table and its indexes.
    pub units: f64,
    pub requests: u64,
    /// Items retried because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    /// The indexes of the items that were not written before the deadline, sorted.
    pub left: Vec<usize>,
}

impl Table {
    /// Writes items, replacing those with the same keys, in any order; no two may have the same key. Writing them all
    /// again after an error does no harm.
    pub async fn write<T: ItemText>(&self, items: &[T]) -> Result<Written, TableError> {
        self.write_in_turn(self.write_turn(false).await, None, items).await
    }

    /// Writes items while holding a turn, until the deadline.
    pub async fn write_in_turn<T: ItemText>(
        &self,
        turn: WriteTurn<'_>,
        deadline: Option<Instant>,
        items: &[T],
    ) -> Result<Written, TableError> {
        let queue = Queue::new(0..items.len(), ITEMS_PER_REQUEST, |index| items[index].bytes());
        let send = |batch: &[usize]| Ok(self.put_all(self.serialize(items, batch)?));
        let read = |batch: &[usize], answer| self.read_answer(items, batch, answer);
        let Tally { units, requests, tried_again, refused, left, .. } =
            self.run_requests(Traffic::Write, Slot { turn: Some(turn), deadline }, queue, REQUESTS, send, read).await?;
        Ok(Written { units, requests, tried_again, refused, left })
    }

    /// Serializes a request as JSON. The SDK would first need a map of attributes for each item.
    fn serialize<T: ItemText>(&self, items: &[T], batch: &[usize]) -> Result<Vec<u8>, TableError> {
        let puts = batch.iter().map(|&index| Put { put_request: PutItem { item: &items[index] } }).collect();
        let request = Puts { request_items: HashMap::from([(&self.name, puts)]), return_consumed_capacity: "TOTAL" };
        let items_bytes: usize = batch.iter().map(|&index| items[index].bytes()).sum();
        let mut text =
            Vec::with_capacity(items_bytes + batch.len() * BYTES_AROUND_ITEM + BYTES_AROUND_REQUEST + self.name.len());
        serde_json::to_writer(&mut text, &request)?;
        Ok(text)
    }

    fn put_all(&self, text: Vec<u8>) -> impl Future<Output = Answered> + use<> {
        let body = SdkBody::from(text);
        // The SDK resolves the endpoint from the table names, and does everything but serialize the items.
        let named = HashMap::from([(self.name.clone(), Vec::new())]);
        let request = self.client.batch_write_item().set_request_items(Some(named)).customize();
        let request = request.mutate_request(move |request| {
            let length = body.content_length().unwrap_or_default();
            request.headers_mut().insert("content-length", length.to_string());
            *request.body_mut() = body.try_clone().unwrap_or_else(SdkBody::taken);
        });
        async move { request.send().await }
    }

    /// Reads an answer. Unprocessed items are identified by comparing them with what was sent. If one came back
    /// changed, the whole batch is sent again: some items are then written twice, but nothing is lost.
    fn read_answer<T: ItemText>(
        &self,
        items: &[T],
        batch: &[usize],
        answer: Answered,
    ) -> Result<RequestOutcome<()>, TableError> {
        let output = match answer {
            Ok(output) => output,
            Err(error) => return self.refused_or_busy(OPERATION, &error),
        };
        let units = output.consumed_capacity().iter().filter_map(|capacity| capacity.capacity_units()).sum();
        let back: Vec<WriteRequest> =
            output.unprocessed_items.into_iter().flatten().flat_map(|(_, puts)| puts).collect();
        let accepted = batch.len().saturating_sub(back.len());
        let left = if back.is_empty() {
            Vec::new()
        } else {
            returned_indexes(items, batch, &back)?.unwrap_or_else(|| batch.to_vec())
        };
        Ok(RequestOutcome::Processed { units, accepted, left, output: () })
    }
}

/// Returns the indexes of the items that came back; `None` if one of them is unknown.
fn returned_indexes<T: ItemText>(
    items: &[T],
    batch: &[usize],
    back: &[WriteRequest],
) -> Result<Option<Vec<usize>>, TableError> {
    let mut sent = Vec::with_capacity(batch.len());
    for &index in batch {
        let item: Item = serde_json::from_str(&serde_json::to_string(&items[index])?)?;
        sent.push((index, item_to_attributes(&item)?));
    }
    let find = |put: &WriteRequest| {
        let back = put.put_request()?.item();
        sent.iter().find(|(_, item)| item == back).map(|(index, _)| *index)
    };
    Ok(back.iter().map(find).collect())
}

/// An item that serializes to DynamoDB's JSON.
pub trait ItemText: Serialize + Sync {
    /// The approximate length of its JSON.
    fn bytes(&self) -> usize;
}

impl ItemText for Item {
    fn bytes(&self) -> usize {
        item_size(self)
    }
}

impl ItemText for &RawValue {
    fn bytes(&self) -> usize {
        self.get().len()
    }
}

type Answered = Result<BatchWriteItemOutput, SdkError<BatchWriteItemError, HttpResponse>>;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Puts<'a, T> {
    request_items: HashMap<&'a String, Vec<Put<'a, T>>>,
    return_consumed_capacity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a, T> {
    put_request: PutItem<'a, T>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutItem<'a, T> {
    item: &'a T,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, FakeRequest, Reply, error};
    use inventory_base::item::Value;
    use serde_json::{Value as Json, json};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    const WAIT: Duration = Duration::from_secs(30);

    fn items(count: usize) -> Vec<Item> {
        (0..count)
            .map(|n| {
                Item::from([("sku", Value::S(format!("A-{n}").into())), ("quantity", Value::N(n.to_string().into()))])
            })
            .collect()
    }

    fn table(fake: &Fake, wait: Duration) -> Table {
        Table::new(fake.dynamodb(), "stock", wait)
    }

    fn puts(request: &FakeRequest) -> Vec<Json> {
        request.json()["RequestItems"]["stock"].as_array().unwrap().clone()
    }

    fn sku(put: &Json) -> String {
        put["PutRequest"]["Item"]["sku"]["S"].as_str().unwrap().to_string()
    }

    /// A table that accepts the items that `takes` accepts and returns the others. Counts how often each item was
    /// accepted.
    fn picky(takes: impl Fn(usize, &str) -> bool + Send + Sync + 'static) -> (Fake, Arc<Mutex<BTreeMap<String, u32>>>) {
        let taken: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
        let inside = taken.clone();
        let fake = Fake::answering(move |request| {
            let (taken, back): (Vec<Json>, Vec<Json>) =
                puts(request).into_iter().partition(|put| takes(request.number, &sku(put)));
            for put in &taken {
                *inside.lock().unwrap().entry(sku(put)).or_default() += 1;
            }
            let back = if back.is_empty() { json!({}) } else { json!({ "stock": back }) };
            let units = json!([{ "TableName": "stock", "CapacityUnits": taken.len() as f64 }]);
            Reply::Json(200, json!({ "UnprocessedItems": back, "ConsumedCapacity": units }))
        });
        (fake, taken)
    }

    #[tokio::test(start_paused = true)]
    async fn items_are_sent_25_per_request() {
        let (fake, taken) = picky(|_, _| true);
        let written = table(&fake, WAIT).write(&items(1_010)).await.unwrap();
        assert_eq!(written, Written { units: 1_010.0, requests: 41, tried_again: 0, refused: vec![], left: vec![] });
        assert_eq!(taken.lock().unwrap().len(), 1_010);
        assert!(fake.requests().iter().all(|request| puts(request).len() <= ITEMS_PER_REQUEST));
        assert_eq!(table(&fake, WAIT).write::<Item>(&[]).await.unwrap(), Written::default());
    }

    #[tokio::test(start_paused = true)]
    async fn large_items_share_a_request_only_if_they_fit() {
        let (fake, _) = picky(|_, _| true);
        let mut large = items(30);
        for item in &mut large {
            item.insert("text", Value::S("x".repeat(390_000).into()));
        }
        table(&fake, WAIT).write(&large).await.unwrap();
        assert!(fake.requests().iter().all(|request| request.json().to_string().len() < 2 << 20));
        assert_eq!(fake.requests().len(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn unprocessed_items_are_retried_until_each_is_written_once() {
        // Seven of ten items come back, by a rule that changes with each request.
        let (fake, taken) = picky(|number, sku| (number * 7 + sku.len() + sku.as_bytes()[2] as usize) % 10 < 3);
        let written = table(&fake, WAIT).write(&items(1_000)).await.unwrap();
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), 1_000);
        assert!(taken.values().all(|&times| times == 1));
        let sent: usize = fake.requests().iter().map(|request| puts(request).len()).sum();
        assert_eq!(written.tried_again as usize, sent - 1_000);
        assert_eq!(written.units, 1_000.0);
        assert!(written.refused.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_fails_after_the_wait_if_the_table_accepts_nothing() {
        for answer in [
            error("ProvisionedThroughputExceededException"),
            error("ThrottlingException"),
            Reply::Json(500, json!({ "__type": "InternalServerError" })),
            Reply::NoAnswer,
        ] {
            let why = format!("{answer:?}");
            let fake = Fake::answering(move |_| answer.clone());
            let began = Instant::now();
            let error = table(&fake, WAIT).write(&items(100)).await.unwrap_err();
            assert!(matches!(error, TableError::NoProgress { left: 100, .. }), "{error}");
            assert!(error.is_retryable());
            assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
            // Full jitter up to 5 s: some 20 requests in 30 s, and never a tight loop.
            let requests = fake.requests().len();
            assert!((4..80).contains(&requests), "{requests} requests for {why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_counts_from_the_last_accepted_item() {
        // Every fifth request is accepted: slow, but never long without progress.
        let (fake, taken) = picky(|number, _| number % 5 == 0);
        let wait = Duration::from_secs(10);
        let table = table(&fake, wait);
        let began = Instant::now();
        table.write(&items(2_000)).await.unwrap();
        assert_eq!(taken.lock().unwrap().len(), 2_000);
        assert!(began.elapsed() > 3 * wait, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_item_does_not_keep_out_the_others() {
        let taken: Arc<Mutex<Vec<String>>> = Arc::default();
        let inside = taken.clone();
        let fake = Fake::answering(move |request| {
            let skus: Vec<String> = puts(request).iter().map(sku).collect();
            if request.number % 3 == 2 {
                return error("ProvisionedThroughputExceededException");
            }
            if skus.iter().any(|sku| ["A-7", "A-8", "A-60"].contains(&sku.as_str())) {
                return error("ValidationException");
            }
            inside.lock().unwrap().extend(skus);
            Reply::Json(200, json!({}))
        });
        let written = table(&fake, WAIT).write(&items(100)).await.unwrap();
        let refused: Vec<usize> = written.refused.iter().map(|refused| refused.index).collect();
        assert_eq!(refused, [7, 8, 60]);
        assert_eq!(written.refused[0].reason, "the message");
        let mut taken = taken.lock().unwrap().clone();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), 97);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_fault_ends_the_write_at_once() {
        for code in ["AccessDeniedException", "ResourceNotFoundException"] {
            let fake = Fake::answering(move |_| error(code));
            let began = Instant::now();
            let error = table(&fake, WAIT).write(&items(1_000)).await.unwrap_err();
            assert!(!error.is_retryable(), "{error}");
            assert!(error.to_string().contains(code), "{error}");
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_write_ceiling_holds_over_several_writes_and_returned_items_count_once() {
        let (fake, taken) = picky(|number, _| number % 200 != 7);
        let table = table(&fake, WAIT).with_write_ceiling(Some(100.0));
        let began = Instant::now();
        for chunk in items(3_000).chunks(1_000) {
            table.clone().write(chunk).await.unwrap();
        }
        assert_eq!(taken.lock().unwrap().len(), 3_000);
        // All 3,000 units but those of the last request. Items that came back cost nothing, except for the pauses.
        let took = began.elapsed().as_secs_f64();
        assert!((30.0..30.0 / 0.85).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_with_an_item_that_comes_back_changed_is_sent_again() {
        let fake = Fake::answering(|request| {
            let mut back = puts(request)[0].clone();
            back["PutRequest"]["Item"]["quantity"]["N"] = json!("0.0");
            let back = if request.number == 0 { json!({ "stock": [back] }) } else { json!({}) };
            Reply::Json(200, json!({ "UnprocessedItems": back }))
        });
        let written = table(&fake, WAIT).write(&items(10)).await.unwrap();
        assert_eq!((written.requests, written.tried_again), (2, 10));
    }
}
