//! Reading the whole table, page after page or several parts of it side by side, and asking whether there is anything in
//! it.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanOutput};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::queue::Queue;
use super::request_loop::{Answer, Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError};
use inventory_base::item::Item;

/// A way through all items of a table, in DynamoDB's order.
#[derive(Debug)]
pub struct Scan<'a> {
    table: &'a Table,
    consistent: bool,
    /// Of items in a page; without it, a page is what DynamoDB gives at once: 1 MB.
    most: Option<i32>,
    /// Which part of the table, and of how many.
    part: (u32, u32),
    units: f64,
    /// Of the last page.
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
    /// A scan of whole items. An item that is written meanwhile may be seen or not.
    pub fn scan(&self) -> Scan<'_> {
        self.scan_part((0, 1))
    }

    fn scan_part(&self, part: (u32, u32)) -> Scan<'_> {
        self.scan_segment(part, None)
    }

    /// A scan of one of so many parts of the table, from the beginning or behind a key.
    pub fn scan_segment(&self, part: (u32, u32), after: Option<Item>) -> Scan<'_> {
        let next = after.map_or(Next::First, Next::After);
        let (consistent, most) = (self.consistent_reads, None);
        Scan { table: self, consistent, most, part, units: 0.0, page_units: 0.0, next }
    }

    /// Hands over all items, page after page as they come from so many parts of the table, which are read side by side.
    /// Returns the read units it took.
    pub async fn scan_side_by_side<E: From<TableError>>(
        &self,
        parts: u32,
        mut take: impl FnMut(Vec<Item>) -> Result<(), E>,
    ) -> Result<f64, E> {
        let mut asked: FuturesUnordered<_> = (0..parts).map(|part| self.scan_part((part, parts)).go_on()).collect();
        let mut units = 0.0;
        while let Some((scan, page)) = asked.next().await {
            match page? {
                Some(items) => {
                    take(items)?;
                    asked.push(scan.go_on());
                }
                None => units += scan.units,
            }
        }
        Ok(units)
    }

    /// Whether the table has no item, and the read units it took to know.
    pub async fn is_empty(&self) -> Result<(bool, f64), TableError> {
        // One unit is cheap, and a table that was only just filled must not seem empty.
        let mut scan = Scan { consistent: true, most: Some(1), ..self.scan() };
        while let Some(page) = scan.next_page().await? {
            if !page.is_empty() {
                return Ok((false, scan.units));
            }
        }
        Ok((true, scan.units))
    }
}

impl Scan<'_> {
    /// The next page, and the scan to go on with.
    pub async fn go_on(mut self) -> (Self, Result<Option<Vec<Item>>, TableError>) {
        let page = self.next_page().await;
        (self, page)
    }

    /// The items of the next page, which may be none, or nothing after the last page. After an error it may be asked
    /// for again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<Item>>, TableError> {
        if let Next::None = self.next {
            return Ok(None);
        }
        let (send, read) = (|_: &[usize]| self.ask_for_page(), |_: &[usize], answer| self.read_page(answer));
        let page: Tally<(Vec<Item>, Next)> =
            self.table.settle(Traffic::Read, Slot::default(), Queue::singly([0]), self.part.1, send, read).await?;
        self.units += page.units;
        self.page_units = page.units;
        Ok(page.gave.into_iter().next().map(|(items, next)| {
            self.next = next;
            items
        }))
    }

    /// Read units that the last page consumed.
    pub fn page_units(&self) -> f64 {
        self.page_units
    }

    /// The key behind which the next page begins; none before the first and after the last.
    pub fn after(&self) -> Option<&Item> {
        match &self.next {
            Next::After(key) => Some(key),
            Next::First | Next::None => None,
        }
    }

    /// Read units consumed so far.
    pub fn units(&self) -> f64 {
        self.units
    }

    fn ask_for_page(&self) -> Result<impl Future<Output = Answered> + use<>, TableError> {
        let start = match &self.next {
            Next::After(key) => Some(item_to_attributes(key)?),
            Next::First | Next::None => None,
        };
        let (part, parts) = self.part;
        let of_parts = |n: u32| i32::try_from(n).ok().filter(|_| parts > 1);
        let request = self
            .table
            .client
            .scan()
            .set_segment(of_parts(part))
            .set_total_segments(of_parts(parts))
            .table_name(&self.table.name)
            .consistent_read(self.consistent)
            .set_limit(self.most)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(async move { request.send().await })
    }

    fn read_page(&self, answer: Answered) -> Result<Answer<(Vec<Item>, Next)>, TableError> {
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
        Ok(Answer::Taken { units, accepted: 1, left: Vec::new(), gave: (items, next) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Asked, Fake, Reply, error};
    use inventory_base::item::Value;
    use serde_json::{Value as Json, json};
    use std::time::Duration;
    use tokio::time::Instant;

    const WAIT: Duration = Duration::from_secs(30);

    /// The page that is asked for, of pages with so many items each. A page costs 128 units.
    fn page(request: &Asked, pages: &[usize]) -> Reply {
        let asked = request.json();
        let page = asked["ExclusiveStartKey"]["page"]["N"].as_str().map_or(0, |n| n.parse().unwrap());
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
        assert!(fake.asked().iter().all(|request| request.json()["ConsistentRead"] == json!(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_a_busy_table_did_not_give_is_asked_for_again() {
        let fake = Fake::answering(move |request| match request.number {
            0 | 2 | 3 => error("ProvisionedThroughputExceededException"),
            _ => page(request, &[1, 1]),
        });
        let table = Table::new(fake.dynamodb(), "stock", WAIT);
        assert_eq!(skus(table.scan()).await.0, ["0-0", "1-0"]);
        assert_eq!(fake.asked().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_keeps_to_the_read_ceiling() {
        let fake = paged(&[1; 20]);
        let table = Table::new(fake.dynamodb(), "stock", Duration::from_secs(1)).with_read_ceiling(Some(64.0));
        let began = Instant::now();
        skus(table.scan()).await;
        let took = began.elapsed().as_secs_f64();
        // All pages but the last one's 128 units.
        assert!((38.0..38.0 / 0.95).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn parts_are_read_side_by_side_each_to_its_last_page_under_one_ceiling() {
        for (ceiling, seconds) in [(None, 0.0..1.0), (Some(64.0), 18.0..18.0 / 0.95)] {
            let fake = Fake::answering(move |request| {
                let segment = request.json()["Segment"].as_u64().unwrap();
                assert_eq!(request.json()["TotalSegments"], json!(3));
                page(request, [&[2, 0, 1][..], &[0], &[1, 1, 1, 1, 1, 1]][segment as usize])
            });
            let table = Table::new(fake.dynamodb(), "stock", WAIT).with_read_ceiling(ceiling);
            let (began, mut items) = (Instant::now(), 0);
            let taken = table.scan_side_by_side(3, |page| {
                items += page.len();
                Ok::<_, TableError>(())
            });
            assert_eq!(taken.await.unwrap(), 10.0 * 128.0);
            assert_eq!((items, fake.asked().len()), (9, 10));
            let took = began.elapsed().as_secs_f64();
            // All pages but the last one's 128 units.
            assert!(seconds.contains(&took), "{took} s under {ceiling:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_may_end_the_scan_of_all_parts() {
        let fake = Fake::answering(|request| page(request, &[1; 100]));
        let table = Table::new(fake.dynamodb(), "stock", WAIT);
        let full =
            table.scan_side_by_side(2, |_| Err(TableError::Strange { table: "t".into(), what: "enough".into() }));
        assert!(full.await.is_err());
        assert!(fake.asked().len() < 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_is_empty_when_no_page_has_an_item() {
        for (pages, empty, asked) in
            [(&[0_usize][..], true, 1), (&[1, 1], false, 1), (&[0, 0, 1, 1], false, 3), (&[0, 0], true, 2)]
        {
            let fake = paged(pages);
            let table = Table::new(fake.dynamodb(), "stock", WAIT).with_consistent_reads(false);
            assert_eq!(table.is_empty().await.unwrap(), (empty, 128.0 * asked as f64), "{pages:?}");
            assert_eq!(fake.asked().len(), asked);
            let request = fake.asked()[0].json();
            assert_eq!((&request["Limit"], &request["ConsistentRead"]), (&json!(1), &json!(true)));
        }
    }
}
