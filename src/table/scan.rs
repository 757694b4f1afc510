//! Scans the whole table, page by page or several segments in parallel, and finds out whether it is empty.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanOutput};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::outcome::RequestOutcome;
use super::queue::Queue;
use super::request_loop::{Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError};
use inventory_base::item::Item;

/// A scan of all items of a table or a segment, in DynamoDB's order.
#[derive(Debug)]
pub struct Scan<'a> {
    table: &'a Table,
    consistent: bool,
    /// The most items on a page; `None` for DynamoDB's own limit of 1 MB.
    page_limit: Option<i32>,
    /// The segment, and the number of segments.
    segment: (u32, u32),
    units: f64,
    /// The read units of the last page.
    page_units: f64,
    next: Next,
}

type Answered = Result<ScanOutput, SdkError<ScanError, HttpResponse>>;

#[derive(Debug, Clone)]
enum Next {
    First,
    After(Item),
    None,
}

impl Table {
    /// Starts a scan of whole items. It may or may not see items written during the scan.
    pub fn scan(&self) -> Scan<'_> {
        self.scan_one_segment((0, 1))
    }

    fn scan_one_segment(&self, segment: (u32, u32)) -> Scan<'_> {
        self.scan_segment(segment, None)
    }

    /// Starts a scan of one segment of the table, from the beginning or after a key.
    pub fn scan_segment(&self, segment: (u32, u32), after: Option<Item>) -> Scan<'_> {
        let next = after.map_or(Next::First, Next::After);
        let (consistent, page_limit) = (self.consistent_reads, None);
        Scan { table: self, consistent, page_limit, segment, units: 0.0, page_units: 0.0, next }
    }

    /// Scans this number of segments in parallel and passes all items to `take`, page by page. Returns the read units
    /// consumed.
    pub async fn scan_parallel<E: From<TableError>>(
        &self,
        segments: u32,
        mut take: impl FnMut(Vec<Item>) -> Result<(), E>,
    ) -> Result<f64, E> {
        let mut running: FuturesUnordered<_> =
            (0..segments).map(|segment| self.scan_one_segment((segment, segments)).advance()).collect();
        let mut units = 0.0;
        while let Some((scan, page)) = running.next().await {
            match page? {
                Some(items) => {
                    take(items)?;
                    running.push(scan.advance());
                }
                None => units += scan.units,
            }
        }
        Ok(units)
    }

    /// Returns whether the table has no items, and the read units consumed.
    pub async fn is_empty(&self) -> Result<(bool, f64), TableError> {
        // A consistent read costs little here, and a table that was filled a moment ago must not seem empty.
        let mut scan = Scan { consistent: true, page_limit: Some(1), ..self.scan() };
        while let Some(page) = scan.next_page().await? {
            if !page.is_empty() {
                return Ok((false, scan.units));
            }
        }
        Ok((true, scan.units))
    }
}

impl Scan<'_> {
    /// Reads the next page, and returns it with the scan to continue.
    pub async fn advance(mut self) -> (Self, Result<Option<Vec<Item>>, TableError>) {
        let page = self.next_page().await;
        (self, page)
    }

    /// Reads the items of the next page. A page may be empty; after the last one, returns `None`. After an error, the
    /// page may be read again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Item>>, TableError> {
        if let Next::None = self.next {
            return Ok(None);
        }
        let (send, read) = (|_: &[usize]| self.request_page(), |_: &[usize], answer| self.read_page(answer));
        let page: Tally<(Vec<Item>, Next)> = self
            .table
            .run_requests(Traffic::Read, Slot::default(), Queue::one_by_one([0]), self.segment.1, send, read)
            .await?;
        self.units += page.units;
        self.page_units = page.units;
        Ok(page.outputs.into_iter().next().map(|(items, next)| {
            self.next = next;
            items
        }))
    }

    /// The read units that the last page consumed.
    pub fn page_units(&self) -> f64 {
        self.page_units
    }

    /// The key after which the next page begins; `None` before the first page and after the last.
    pub fn after(&self) -> Option<&Item> {
        match &self.next {
            Next::After(key) => Some(key),
            Next::First | Next::None => None,
        }
    }

    /// The read units consumed so far.
    pub fn units(&self) -> f64 {
        self.units
    }

    fn request_page(&self) -> Result<impl Future<Output = Answered> + use<>, TableError> {
        let start = match &self.next {
            Next::After(key) => Some(item_to_attributes(key)?),
            Next::First | Next::None => None,
        };
        let (segment, segments) = self.segment;
        let if_several = |n: u32| i32::try_from(n).ok().filter(|_| segments > 1);
        let request = self
            .table
            .client
            .scan()
            .set_segment(if_several(segment))
            .set_total_segments(if_several(segments))
            .table_name(&self.table.name)
            .consistent_read(self.consistent)
            .set_limit(self.page_limit)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(async move { request.send().await })
    }

    fn read_page(&self, answer: Answered) -> Result<RequestOutcome<(Vec<Item>, Next)>, TableError> {
        let output = match answer {
            Ok(output) => output,
            Err(error) => return self.table.busy("Scan", &error),
        };
        let units = output.consumed_capacity.and_then(|capacity| capacity.capacity_units).unwrap_or_default();
        let items = output.items.unwrap_or_default().into_iter().map(item_from_attributes).collect::<Result<_, _>>()?;
        let next = match output.last_evaluated_key {
            Some(key) => Next::After(item_from_attributes(key)?),
            None => Next::None,
        };
        Ok(RequestOutcome::Processed { units, accepted: 1, left: Vec::new(), output: (items, next) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, FakeRequest, Reply, error};
    use inventory_base::item::Value;
    use serde_json::{Value as Json, json};
    use std::time::Duration;
    use tokio::time::Instant;

    const WAIT: Duration = Duration::from_secs(30);

    /// The requested page, of a table whose pages have these numbers of items. A page costs 128 units.
    fn page(request: &FakeRequest, pages: &[usize]) -> Reply {
        let body = request.json();
        let page = body["ExclusiveStartKey"]["page"]["N"].as_str().map_or(0, |n| n.parse().unwrap());
        let items: Vec<Json> = (0..pages[page]).map(|n| json!({ "sku": { "S": format!("{page}-{n}") } })).collect();
        let units = json!({ "TableName": "stock", "CapacityUnits": 128.0 });
        let mut answer = json!({ "Items": items, "ConsumedCapacity": units });
        if page + 1 < pages.len() {
            answer["LastEvaluatedKey"] = json!({ "page": { "N": (page + 1).to_string() } });
        }
        Reply::Json(200, answer)
    }

    fn paged(pages: &'static [usize]) -> Fake {
        Fake::answering(move |request| page(request, pages))
    }

    async fn skus(mut scan: Scan<'_>) -> (Vec<String>, f64) {
        let mut skus = Vec::new();
        while let Some(page) = scan.next_page().await.unwrap() {
            skus.extend(page.into_iter().map(|item| match &item["sku"] {
                Value::S(sku) => sku.to_string(),
                other => panic!("{other:?}"),
            }));
        }
        assert_eq!(scan.next_page().await.unwrap(), None);
        (skus, scan.units())
    }

    #[tokio::test(start_paused = true)]
    async fn pages_follow_one_another_to_the_last() {
        let fake = paged(&[2, 0, 1]);
        let table = Table::new(fake.dynamodb(), "stock", WAIT);
        assert_eq!(skus(table.scan()).await, (vec!["0-0".to_string(), "0-1".into(), "2-0".into()], 384.0));
        assert!(fake.requests().iter().all(|request| request.json()["ConsistentRead"] == json!(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_page_is_retried() {
        let fake = Fake::answering(move |request| match request.number {
            0 | 2 | 3 => error("ProvisionedThroughputExceededException"),
            _ => page(request, &[1, 1]),
        });
        let table = Table::new(fake.dynamodb(), "stock", WAIT);
        assert_eq!(skus(table.scan()).await.0, ["0-0", "1-0"]);
        assert_eq!(fake.requests().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_keeps_to_the_read_ceiling() {
        let fake = paged(&[1; 20]);
        let table = Table::new(fake.dynamodb(), "stock", Duration::from_secs(1)).with_read_ceiling(Some(64.0));
        let began = Instant::now();
        skus(table.scan()).await;
        let took = began.elapsed().as_secs_f64();
        // All units but the 128 of the last page.
        assert!((38.0..38.0 / 0.95).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn segments_are_scanned_in_parallel_to_the_end_under_one_ceiling() {
        for (ceiling, seconds) in [(None, 0.0..1.0), (Some(64.0), 18.0..18.0 / 0.95)] {
            let fake = Fake::answering(move |request| {
                let segment = request.json()["Segment"].as_u64().unwrap();
                assert_eq!(request.json()["TotalSegments"], json!(3));
                page(request, [&[2, 0, 1][..], &[0], &[1, 1, 1, 1, 1, 1]][segment as usize])
            });
            let table = Table::new(fake.dynamodb(), "stock", WAIT).with_read_ceiling(ceiling);
            let (began, mut items) = (Instant::now(), 0);
            let scanned = table.scan_parallel(3, |page| {
                items += page.len();
                Ok::<_, TableError>(())
            });
            assert_eq!(scanned.await.unwrap(), 10.0 * 128.0);
            assert_eq!((items, fake.requests().len()), (9, 10));
            let took = began.elapsed().as_secs_f64();
            // All units but the 128 of the last page.
            assert!(seconds.contains(&took), "{took} s under {ceiling:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_caller_can_end_a_parallel_scan() {
        let fake = Fake::answering(|request| page(request, &[1; 100]));
        let table = Table::new(fake.dynamodb(), "stock", WAIT);
        let full =
            table.scan_parallel(2, |_| Err(TableError::UnexpectedAnswer { table: "t".into(), what: "enough".into() }));
        assert!(full.await.is_err());
        assert!(fake.requests().len() < 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_is_empty_if_no_page_has_an_item() {
        for (pages, empty, requests) in
            [(&[0_usize][..], true, 1), (&[1, 1], false, 1), (&[0, 0, 1, 1], false, 3), (&[0, 0], true, 2)]
        {
            let fake = paged(pages);
            let table = Table::new(fake.dynamodb(), "stock", WAIT).with_consistent_reads(false);
            assert_eq!(table.is_empty().await.unwrap(), (empty, 128.0 * requests as f64), "{pages:?}");
            assert_eq!(fake.requests().len(), requests);
            let request = fake.requests()[0].json();
            assert_eq!((&request["Limit"], &request["ConsistentRead"]), (&json!(1), &json!(true)));
        }
    }
}
