//! Changes single items, under conditions or in part, which BatchWriteItem cannot do.

use std::pin::Pin;

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use tokio::time::Instant;

use super::expression::Placeholders;
use super::outcome::RequestOutcome;
use super::queue::Queue;
use super::request_loop::{Refused, Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError, WriteTurn};
use inventory_base::item::{Item, same_in, same_item};

/// The most requests in flight. A request changes one item, where a batch write has 25.
const REQUESTS: u32 = 128;

/// Sends a request that changes one item under a condition. The builders of the three operations share no trait.
macro_rules! in_flight {
    ($request:expr, $table:expr, $condition:expr, $placeholders:expr) => {{
        let condition: Option<String> = $condition;
        // The item that exists is wanted only if it is what the condition fails on.
        let on_failure = condition.as_ref().map(|_| ReturnValuesOnConditionCheckFailure::AllOld);
        let request = $request
            .table_name(&$table)
            .set_condition_expression(condition)
            .set_expression_attribute_names($placeholders.names())
            .set_expression_attribute_values($placeholders.values())
            .set_return_values_on_condition_check_failure(on_failure)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let in_flight: InFlight = Box::pin(async move {
            let answer = request.send().await.map_err(|error| error.map_service_error(Error::from));
            answer.map(|output| output.consumed_capacity)
        });
        in_flight
    }};
}

/// A change of one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The attributes of the table's key.
    pub key: Item,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Sets and removes attributes and leaves the others; creates the item if it doesn't exist. Never includes the key.
    Merge { set: Item, remove: Vec<String> },
    /// Puts the whole item if none exists.
    Add(Item),
    /// Deletes the item if it is still what was read.
    Delete { read: Item },
    /// Sets attributes if the item is still what was read.
    Mark { read: Item, set: Item },
    /// Replaces the whole item if it is still what was read.
    Replace { read: Item, put: Item },
    /// Changes attributes if they still have the values that were read, and leaves the others. An attribute only in
    /// `set` is added, one only in `read` is removed. Never includes the key.
    Swap { read: Item, set: Item },
}

impl Act {
    fn operation(&self) -> &'static str {
        match self {
            Act::Merge { .. } | Act::Mark { .. } | Act::Swap { .. } => "UpdateItem",
            Act::Add(_) | Act::Replace { .. } => "PutItem",
            Act::Delete { .. } => "DeleteItem",
        }
    }
}

/// The result of changing items. Every change whose index is in none of the lists was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changed {
    /// Write units consumed by the table and its indexes. DynamoDB doesn't report the cost of failed conditions.
    pub units: f64,
    /// Read units consumed to check whether items are still what was read.
    pub read_units: f64,
    pub requests: u64,
    /// Changes and keys retried because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    /// Additions not made because another item exists. Sorted, as are the lists below.
    pub kept: Vec<usize>,
    /// Deletions, marks, replacements and swaps not made because the item is no longer what was read.
    pub edited: Vec<usize>,
    /// Not made before the deadline.
    pub left: Vec<usize>,
}

/// The state of a change, compared with what the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeStatus {
    Pending,
    Done,
    Kept,
    Edited,
}

impl Table {
    /// Makes changes in any order; no two may have the same key. Repeating them all after an error does no harm: a
    /// change that finds its own result counts as made.
    ///
    /// Items that must still be what was read are first read again and compared as a whole (for a swap, only its
    /// attributes). Then they are changed on the condition that no attribute that was read has a different value. Such
    /// a condition can't detect an attribute added between the two, and compares at most 150 attributes, or 128 that
    /// must be absent. In a larger item the key is compared first, then the attributes that are set, then the others by
    /// name.
    ///
    /// An expression has at most 4 KB, so a change that sets and removes more than about 400 attributes is refused.
    pub async fn change(&self, changes: &[Change]) -> Result<Changed, TableError> {
        self.change_in_turn(self.write_turn(false).await, None, changes).await
    }

    /// Makes changes while holding a turn, until the deadline.
    pub async fn change_in_turn(
        &self,
        turn: WriteTurn<'_>,
        deadline: Option<Instant>,
        changes: &[Change],
    ) -> Result<Changed, TableError> {
        let mut changed = Changed::default();
        let pending = self.reread(changes, deadline, &mut changed).await?;
        let send = |batch: &[usize]| self.send(&changes[batch[0]]);
        let read = |batch: &[usize], sent| self.read_sent(changes, batch[0], sent);
        let Tally { units, requests, tried_again, refused, left, outputs } = self
            .run_requests(
                Traffic::Write,
                Slot { turn: Some(turn), deadline },
                Queue::one_by_one(pending),
                REQUESTS,
                send,
                read,
            )
            .await?;
        for (index, status) in outputs {
            changed.add(index, status);
        }
        changed.left.extend(left);
        changed.kept.sort_unstable();
        changed.edited.sort_unstable();
        changed.left.sort_unstable();
        let (requests, tried_again) = (requests + changed.requests, tried_again + changed.tried_again);
        Ok(Changed { units, requests, tried_again, refused, ..changed })
    }

    /// Reads the items again that must still be what was read, and returns the indexes of the changes that are still to
    /// be made.
    async fn reread(
        &self,
        changes: &[Change],
        deadline: Option<Instant>,
        changed: &mut Changed,
    ) -> Result<Vec<usize>, TableError> {
        let must_be_as_read = |change: &Change| !matches!(change.act, Act::Merge { .. } | Act::Add(_));
        let (guarded, mut pending): (Vec<usize>, Vec<usize>) =
            (0..changes.len()).partition(|&index| must_be_as_read(&changes[index]));
        let keys: Vec<Item> = guarded.iter().map(|&index| changes[index].key.clone()).collect();
        // The reads are consistent, or our own recent writes would look like someone else's.
        // Half of the time is reserved for the changes; otherwise a slow table would only ever be read.
        let now = Instant::now();
        let halfway = deadline.map(|deadline| now + deadline.saturating_duration_since(now) / 2);
        let found = self.clone().with_consistent_reads(true).read_until(&keys, halfway).await?;
        changed.read_units = found.units;
        changed.requests = found.requests;
        changed.tried_again = found.tried_again;
        for (at, (index, there)) in guarded.into_iter().zip(found.items).enumerate() {
            if found.left.binary_search(&at).is_ok() {
                changed.left.push(index);
                continue;
            }
            match status_of(&changes[index].act, there.as_ref()) {
                ChangeStatus::Pending => pending.push(index),
                status => changed.add(index, status),
            }
        }
        Ok(pending)
    }

    fn send(&self, change: &Change) -> Result<InFlight, TableError> {
        let Change { key, act } = change;
        match act {
            Act::Merge { set, remove } => self.update(key, None, set, remove),
            Act::Mark { read, set } => self.update(key, Some(read), set, &[]),
            Act::Add(item) => self.put(key, None, item),
            Act::Replace { read, put } => self.put(key, Some(read), put),
            Act::Swap { read, set } => {
                let remove: Vec<String> =
                    read.keys().filter(|name| !set.contains_key(name)).map(str::to_string).collect();
                self.update(key, Some(read), set, &remove)
            }
            Act::Delete { read } => self.delete(key, read),
        }
    }

    fn read_sent(
        &self,
        changes: &[Change],
        index: usize,
        sent: Answered,
    ) -> Result<RequestOutcome<(usize, ChangeStatus)>, TableError> {
        let act = &changes[index].act;
        let processed =
            |units, status| RequestOutcome::Processed { units, accepted: 1, left: Vec::new(), output: (index, status) };
        match sent {
            Ok(capacity) => {
                let units = capacity.and_then(|capacity| capacity.capacity_units).unwrap_or_default();
                Ok(processed(units, ChangeStatus::Done))
            }
            Err(SdkError::ServiceError(ref refusal))
                if let Error::ConditionalCheckFailedException(failed) = refusal.err() =>
            {
                let there = failed.item.clone().map(item_from_attributes).transpose()?;
                let status = match (act, status_of(act, there.as_ref())) {
                    // DynamoDB's own comparison decides.
                    (Act::Add(_), ChangeStatus::Pending) => ChangeStatus::Kept,
                    (_, ChangeStatus::Pending) => ChangeStatus::Edited,
                    (_, status) => status,
                };
                Ok(processed(0.0, status))
            }
            Err(error) => self.refused_or_busy(act.operation(), &error),
        }
    }

    /// Puts an item in place of what was read, or if none exists.
    fn put(&self, key: &Item, read: Option<&Item>, item: &Item) -> Result<InFlight, TableError> {
        let mut placeholders = Placeholders::default();
        let condition = match read {
            Some(read) => Some(placeholders.unchanged(key, read, item)?),
            // Any attribute of the key will do: every item has all of them.
            None => key.keys().next().map(|name| format!("attribute_not_exists({})", placeholders.name(name))),
        };
        let request = self.client.put_item().set_item(Some(item_to_attributes(item)?));
        Ok(in_flight!(request, self.name, condition, placeholders))
    }

    fn delete(&self, key: &Item, read: &Item) -> Result<InFlight, TableError> {
        let mut placeholders = Placeholders::default();
        let unchanged = Some(placeholders.unchanged(key, read, &Item::new())?);
        let request = self.client.delete_item().set_key(Some(item_to_attributes(key)?));
        Ok(in_flight!(request, self.name, unchanged, placeholders))
    }

    /// Updates an item; if `read` is given, only if the item is still that.
    fn update(&self, key: &Item, read: Option<&Item>, set: &Item, remove: &[String]) -> Result<InFlight, TableError> {
        let mut placeholders = Placeholders::default();
        let update = placeholders.update(set, remove)?;
        let unchanged = read.map(|read| placeholders.unchanged(key, read, set)).transpose()?;
        let request = self.client.update_item().set_key(Some(item_to_attributes(key)?)).set_update_expression(update);
        Ok(in_flight!(request, self.name, unchanged, placeholders))
    }
}

/// A request in flight, of any of the three operations.
type InFlight = Pin<Box<dyn Future<Output = Answered> + Send>>;
type Answered = Result<Option<ConsumedCapacity>, SdkError<Error, HttpResponse>>;

impl Changed {
    fn add(&mut self, index: usize, status: ChangeStatus) {
        match status {
            ChangeStatus::Kept => self.kept.push(index),
            ChangeStatus::Edited => self.edited.push(index),
            ChangeStatus::Pending | ChangeStatus::Done => {}
        }
    }
}

/// Returns the state of a change, given the item that exists.
fn status_of(act: &Act, there: Option<&Item>) -> ChangeStatus {
    match (act, there) {
        (Act::Merge { .. }, _) | (Act::Add(_), None) => ChangeStatus::Pending,
        // Our own item, from an attempt whose answer was lost.
        (Act::Add(item), Some(there)) if same_item(item, there) => ChangeStatus::Done,
        (Act::Add(_), Some(_)) => ChangeStatus::Kept,
        (Act::Delete { .. }, None) => ChangeStatus::Done,
        (Act::Mark { read, set }, Some(there)) if same_item(&joined(read, set), there) => ChangeStatus::Done,
        (Act::Replace { put, .. }, Some(there)) if same_item(put, there) => ChangeStatus::Done,
        (Act::Swap { read, set }, Some(there)) if same_in(read.keys().chain(set.keys()), set, there) => {
            ChangeStatus::Done
        }
        (Act::Swap { read, set }, Some(there)) if same_in(read.keys().chain(set.keys()), read, there) => {
            ChangeStatus::Pending
        }
        (Act::Delete { read } | Act::Mark { read, .. } | Act::Replace { read, .. }, Some(there))
            if same_item(read, there) =>
        {
            ChangeStatus::Pending
        }
        (Act::Delete { .. } | Act::Mark { .. } | Act::Replace { .. } | Act::Swap { .. }, _) => ChangeStatus::Edited,
    }
}

/// Merges two items. If both have an attribute, the second one's is used.
fn joined(item: &Item, other: &Item) -> Item {
    item.iter().chain(other.iter()).map(|(name, value)| (name, value.clone())).collect()
}

#[cfg(test)]
mod tests;
