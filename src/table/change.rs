//! Changes of one item each, made under conditions or in part: what BatchWriteItem cannot do.

use std::pin::Pin;

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use tokio::time::Instant;

use super::expression::Words;
use super::queue::Queue;
use super::request_loop::{Answer, Refused, Slot, Tally, Traffic};
use super::values::{item_from_attributes, item_to_attributes};
use super::{Table, TableError, Turn};
use inventory_base::item::{Item, same_in, same_item};

/// At once: a change is one item where a batch is 25.
const REQUESTS: u32 = 128;

/// What is to be done with one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The attributes of the table's key.
    pub key: Item,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Sets and removes attributes, whatever else the item has; makes the item where there is none. Never names the
    /// key.
    Merge { set: Item, remove: Vec<String> },
    /// Puts the whole item where there is none.
    Add(Item),
    /// Removes the item, as long as it still is what was read.
    Delete { read: Item },
    /// Sets attributes, as long as the item still is what was read.
    Mark { read: Item, set: Item },
    /// Puts the whole item in place of another, as long as that one still is what was read.
    Replace { read: Item, put: Item },
    /// Gives attributes other values, as long as they still have those that were read, whatever else the item has. An
    /// attribute that one of the two lacks is not there before, or afterwards. Never names the key.
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

/// What changing came to. Every change whose index is in none of the lists has been made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changed {
    /// Write units consumed, by the table and its indexes. DynamoDB does not say what a condition that does not hold
    /// costs.
    pub units: f64,
    /// Read units consumed, to see whether items still are what was read.
    pub read_units: f64,
    pub requests: u64,
    /// Changes and keys sent again because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    /// To be added, but another item is there. In order, as are those below.
    pub kept: Vec<usize>,
    /// To be deleted, marked, replaced or swapped, but the item is no longer what was read. It is left as it is.
    pub edited: Vec<usize>,
    /// Not made, because it was time to leave off.
    pub left: Vec<usize>,
}

/// How a change stands to what is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Done,
    Kept,
    Edited,
}

impl Table {
    /// Makes changes, no two of which may have the same key, in any order. Making them all again after an error does no
    /// harm: a change that finds what it would have made, has been made.
    ///
    /// Items that have to be what was read are first read again and compared whole, but for those whose attributes are
    /// swapped; then they are changed on the condition that no attribute that was read has another value. A condition
    /// can neither see an attribute that was added in the moment between the two, nor compare more than 150 attributes,
    /// or 128 that are not to be there: of a larger item, its key comes first, then those that are set, then the others
    /// in the order of their names.
    ///
    /// An expression has 4 KB at most: a change that sets and removes more than some 400 attributes is refused.
    pub async fn change(&self, changes: &[Change]) -> Result<Changed, TableError> {
        self.change_in_turn(self.turn_to_write(false).await, None, changes).await
    }

    /// Makes changes whose turn it is, up to a moment.
    pub async fn change_in_turn(
        &self,
        turn: Turn<'_>,
        leave_off: Option<Instant>,
        changes: &[Change],
    ) -> Result<Changed, TableError> {
        let mut changed = Changed::default();
        let open = self.look_again(changes, leave_off, &mut changed).await?;
        let send = |batch: &[usize]| self.send(&changes[batch[0]]);
        let read = |batch: &[usize], sent| self.read_sent(changes, batch[0], sent);
        let Tally { units, requests, tried_again, refused, left, gave } = self
            .settle(Traffic::Write, Slot { turn: Some(turn), leave_off }, Queue::singly(open), REQUESTS, send, read)
            .await?;
        for (index, standing) in gave {
            changed.add(index, standing);
        }
        changed.left.extend(left);
        changed.kept.sort_unstable();
        changed.edited.sort_unstable();
        changed.left.sort_unstable();
        let (requests, tried_again) = (requests + changed.requests, tried_again + changed.tried_again);
        Ok(Changed { units, requests, tried_again, refused, ..changed })
    }

    /// Which changes are still to be made, now that items which have to be what was read have been read again.
    async fn look_again(
        &self,
        changes: &[Change],
        leave_off: Option<Instant>,
        changed: &mut Changed,
    ) -> Result<Vec<usize>, TableError> {
        let must_be_as_read = |change: &Change| !matches!(change.act, Act::Merge { .. } | Act::Add(_));
        let (guarded, mut open): (Vec<usize>, Vec<usize>) =
            (0..changes.len()).partition(|&index| must_be_as_read(&changes[index]));
        let keys: Vec<Item> = guarded.iter().map(|&index| changes[index].key.clone()).collect();
        // As consistent as can be, or our own writes of a moment ago would look like somebody's.
        // Half of the time is for changing what was looked at: otherwise a slow table would only ever be looked at.
        let now = Instant::now();
        let half_way = leave_off.map(|leave_off| now + leave_off.saturating_duration_since(now) / 2);
        let found = self.clone().with_consistent_reads(true).read_until(&keys, half_way).await?;
        changed.read_units = found.units;
        changed.requests = found.requests;
        changed.tried_again = found.tried_again;
        for (place, (index, there)) in guarded.into_iter().zip(found.items).enumerate() {
            if found.left.binary_search(&place).is_ok() {
                changed.left.push(index);
                continue;
            }
            match stand(&changes[index].act, there.as_ref()) {
                Standing::Open => open.push(index),
                standing => changed.add(index, standing),
            }
        }
        Ok(open)
    }

    fn send(&self, change: &Change) -> Result<Sending, TableError> {
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

    fn read_sent(&self, changes: &[Change], index: usize, sent: Sent) -> Result<Answer<(usize, Standing)>, TableError> {
        let act = &changes[index].act;
        let taken = |units, standing| Answer::Taken { units, accepted: 1, left: Vec::new(), gave: (index, standing) };
        match sent {
            Ok(capacity) => {
                let units = capacity.and_then(|capacity| capacity.capacity_units).unwrap_or_default();
                Ok(taken(units, Standing::Done))
            }
            Err(SdkError::ServiceError(ref refusal))
                if let Error::ConditionalCheckFailedException(failed) = refusal.err() =>
            {
                let there = failed.item.clone().map(item_from_attributes).transpose()?;
                let standing = match (act, stand(act, there.as_ref())) {
                    // DynamoDB has compared them, and has the last word.
                    (Act::Add(_), Standing::Open) => Standing::Kept,
                    (_, Standing::Open) => Standing::Edited,
                    (_, standing) => standing,
                };
                Ok(taken(0.0, standing))
            }
            Err(error) => self.refused_or_busy(act.operation(), &error),
        }
    }

    /// In place of what was read, or where nothing is.
    fn put(&self, key: &Item, read: Option<&Item>, item: &Item) -> Result<Sending, TableError> {
        let mut words = Words::default();
        let condition = match read {
            Some(read) => Some(words.unchanged(key, read, item)?),
            // Any attribute of the key will do: an item has them all.
            None => key.keys().next().map(|name| format!("attribute_not_exists({})", words.name(name))),
        };
        let request = self
            .client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(item_to_attributes(item)?))
            .set_condition_expression(condition)
            .set_expression_attribute_names(words.names())
            .set_expression_attribute_values(words.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(Box::pin(async move {
            let answer = request.send().await.map_err(|error| error.map_service_error(Error::from));
            answer.map(|output| output.consumed_capacity)
        }))
    }

    fn delete(&self, key: &Item, read: &Item) -> Result<Sending, TableError> {
        let mut words = Words::default();
        let unchanged = words.unchanged(key, read, &Item::new())?;
        let request = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(item_to_attributes(key)?))
            .condition_expression(unchanged)
            .set_expression_attribute_names(words.names())
            .set_expression_attribute_values(words.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(Box::pin(async move {
            let answer = request.send().await.map_err(|error| error.map_service_error(Error::from));
            answer.map(|output| output.consumed_capacity)
        }))
    }

    /// Where `read` is given, only as long as the item still is that.
    fn update(&self, key: &Item, read: Option<&Item>, set: &Item, remove: &[String]) -> Result<Sending, TableError> {
        let mut words = Words::default();
        let update = words.update(set, remove)?;
        let unchanged = read.map(|read| words.unchanged(key, read, set)).transpose()?;
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(item_to_attributes(key)?))
            .set_update_expression(update)
            .set_condition_expression(unchanged)
            .set_expression_attribute_names(words.names())
            .set_expression_attribute_values(words.values())
            .set_return_values_on_condition_check_failure(read.map(|_| ReturnValuesOnConditionCheckFailure::AllOld))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(Box::pin(async move {
            let answer = request.send().await.map_err(|error| error.map_service_error(Error::from));
            answer.map(|output| output.consumed_capacity)
        }))
    }
}

/// A request of any of the three operations on its way.
type Sending = Pin<Box<dyn Future<Output = Sent> + Send>>;
type Sent = Result<Option<ConsumedCapacity>, SdkError<Error, HttpResponse>>;

impl Changed {
    fn add(&mut self, index: usize, standing: Standing) {
        match standing {
            Standing::Kept => self.kept.push(index),
            Standing::Edited => self.edited.push(index),
            Standing::Open | Standing::Done => {}
        }
    }
}

/// What is to be said of a change when this item, or none, is there.
fn stand(act: &Act, there: Option<&Item>) -> Standing {
    match (act, there) {
        (Act::Merge { .. }, _) | (Act::Add(_), None) => Standing::Open,
        // Our own, from a try whose answer was lost.
        (Act::Add(item), Some(there)) if same_item(item, there) => Standing::Done,
        (Act::Add(_), Some(_)) => Standing::Kept,
        (Act::Delete { .. }, None) => Standing::Done,
        (Act::Mark { read, set }, Some(there)) if same_item(&joined(read, set), there) => Standing::Done,
        (Act::Replace { put, .. }, Some(there)) if same_item(put, there) => Standing::Done,
        (Act::Swap { read, set }, Some(there)) if same_in(read.keys().chain(set.keys()), set, there) => Standing::Done,
        (Act::Swap { read, set }, Some(there)) if same_in(read.keys().chain(set.keys()), read, there) => Standing::Open,
        (Act::Delete { read } | Act::Mark { read, .. } | Act::Replace { read, .. }, Some(there))
            if same_item(read, there) =>
        {
            Standing::Open
        }
        (Act::Delete { .. } | Act::Mark { .. } | Act::Replace { .. } | Act::Swap { .. }, _) => Standing::Edited,
    }
}

/// The attributes of both; where both have one, the second's.
fn joined(item: &Item, other: &Item) -> Item {
    item.iter().chain(other.iter()).map(|(name, value)| (name, value.clone())).collect()
}

#[cfg(test)]
mod tests;
