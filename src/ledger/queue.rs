//! The queue of the loads waiting for their turn at a table, and the history of those that have ended.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::queue_position::{QueuePosition, written};
use super::record::ItemReader;
use super::write::{ItemWrite, Key, fault, number, text};
use super::{Ledger, LedgerError, expiry_of_record};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;

const WAITING: &str = "queue#";
const ENDED: &str = "load#";

/// An ended load in the history of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedLoad {
    pub load: LoadId,
    /// The key of the upload.
    pub key: String,
    pub ending: Ending,
    pub summary: String,
    pub ended: Timestamp,
}

pub(super) fn put_into_queue(table: &str, position: &QueuePosition, now: u64) -> ItemWrite {
    let key = Key::of_table(table, format!("{WAITING}{}", position.as_str()));
    ItemWrite::update(key, "SET #expires = :expires", "").with([("expires", number(expiry_of_record(now)))])
}

pub(super) fn take_from_queue(table: &str, position: &QueuePosition) -> ItemWrite {
    ItemWrite::delete(Key::of_table(table, format!("{WAITING}{}", position.as_str())))
}

pub(super) fn put_into_history(table: &str, ended: &EndedLoad, now: u64) -> ItemWrite {
    let key = Key::of_table(table, format!("{ENDED}{}", QueuePosition::new(ended.ended, &ended.load).as_str()));
    let update = "SET #load = :load, #key = :key, #ending = :ending, #summary = :summary, #ended = :ended, \
                  #expires = :expires";
    ItemWrite::update(key, update, "").with([
        ("load", text(ended.load.as_str())),
        ("key", text(&ended.key)),
        ("ending", text(ended.ending.name())),
        ("summary", text(&ended.summary)),
        ("ended", text(&ended.ended.to_string())),
        ("expires", number(expiry_of_record(now))),
    ])
}

impl Ledger {
    /// Returns the position of the first load in the queue of a table.
    pub(super) async fn first_waiting(&self, table: &str) -> Result<Option<QueuePosition>, LedgerError> {
        let query = self.query(table, WAITING).limit(1).send().await;
        let found = query.map_err(|error| fault("Query", &self.table, &error))?.items.unwrap_or_default();
        let Some(sk) = found.first().and_then(|item| item.get("sk")).and_then(|sk| sk.as_s().ok()) else {
            return Ok(None);
        };
        let position = sk.strip_prefix(WAITING).and_then(QueuePosition::parse);
        let unreadable = || LedgerError::Unreadable { key: Key::of_table(table, sk).pk, attribute: "sk" };
        position.map(Some).ok_or_else(unreadable)
    }

    /// Returns the loads waiting for their turn at a table, in the order of the queue.
    pub async fn waiting_loads(&self, table: &str) -> Result<Vec<LoadId>, LedgerError> {
        let mut pages = self.query(table, WAITING).into_paginator().send();
        let mut waiting = Vec::new();
        while let Some(page) = pages.next().await {
            let items = page.map_err(|error| fault("Query", &self.table, &error))?.items.unwrap_or_default();
            let keys = items.iter().filter_map(|item| item.get("sk")?.as_s().ok());
            waiting.extend(keys.filter_map(|sk| QueuePosition::parse(sk.strip_prefix(WAITING)?)?.load()));
        }
        Ok(waiting)
    }

    /// Returns the ended loads into a table, the most recent first.
    pub async fn ended_loads(&self, table: &str) -> Result<Vec<EndedLoad>, LedgerError> {
        self.last_ended(table, usize::MAX).await
    }

    /// Returns at most `at_most` ended loads into a table, the most recent first.
    pub async fn last_ended(&self, table: &str, at_most: usize) -> Result<Vec<EndedLoad>, LedgerError> {
        let query = self.query(table, ENDED).scan_index_forward(false).set_limit(i32::try_from(at_most).ok());
        let mut pages = query.into_paginator().send();
        let mut ended = Vec::new();
        while ended.len() < at_most
            && let Some(page) = pages.next().await
        {
            let items = page.map_err(|error| fault("Query", &self.table, &error))?.items.unwrap_or_default();
            for attributes in &items {
                ended.push(ItemReader { key: table, attributes }.ended_load()?);
            }
        }
        ended.truncate(at_most);
        Ok(ended)
    }

    /// Visits the loads into a table that ended after `since`, the most recent first, until `visit` returns `false`.
    pub async fn ended_since(
        &self,
        table: &str,
        since: Timestamp,
        mut visit: impl AsyncFnMut(EndedLoad) -> Result<bool, LedgerError>,
    ) -> Result<(), LedgerError> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).scan_index_forward(false);
        let query = query
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", AttributeValue::S(Key::of_table(table, "").pk))
            .expression_attribute_values(":from", text(&format!("{ENDED}{}", written(since))))
            // Sorts after every time, since times begin with a digit.
            .expression_attribute_values(":to", text(&format!("{ENDED}~")));
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            for attributes in page.map_err(|error| fault("Query", &self.table, &error))?.items.unwrap_or_default() {
                if !visit(ItemReader { key: table, attributes: &attributes }.ended_load()?).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn query(&self, table: &str, prefix: &str) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        query
            .key_condition_expression("pk = :pk AND begins_with(sk, :begins)")
            .expression_attribute_values(":pk", AttributeValue::S(Key::of_table(table, "").pk))
            .expression_attribute_values(":begins", text(prefix))
    }
}

impl ItemReader<'_> {
    fn ended_load(&self) -> Result<EndedLoad, LedgerError> {
        Ok(EndedLoad {
            load: self.parsed("load", LoadId::parse)?,
            key: self.text("key")?.to_string(),
            ending: self.parsed("ending", Ending::parse)?,
            summary: self.text("summary")?.to_string(),
            ended: self.parsed("ended", |time| time.parse().ok())?,
        })
    }
}
