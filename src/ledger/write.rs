//! Sends conditional writes, and reports which condition failed.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};

use super::LedgerError;
use crate::clients::{CloudFault, full_jitter};
use inventory_base::load_id::LoadId;

const TRANSACT: &str = "TransactWriteItems";

/// Of two conflicting transactions DynamoDB may cancel both. Ours conflict when a heartbeat coincides with a
/// checkpoint.
const ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The key of an item of the ledger.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    pub fn load(load: &LoadId) -> Key {
        Key { pk: format!("load#{load}"), sk: "state".to_string() }
    }

    pub fn lease(table: &str) -> Key {
        Key::of_table(table, "lease")
    }

    /// The key of an item about an inventory table.
    pub fn of_table(table: &str, sk: impl Into<String>) -> Key {
        Key { pk: format!("table#{table}"), sk: sk.into() }
    }

    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_string(), text(&self.pk)), ("sk".to_string(), text(&self.sk))])
    }
}

/// A write of one item, done only if its condition holds. Every attribute is written as `#name`, because many of the
/// names are reserved words in DynamoDB.
#[derive(Debug, Clone)]
pub(super) struct ItemWrite {
    pub key: Key,
    pub action: WriteAction,
    /// May be empty.
    pub condition: String,
    pub values: Vec<(&'static str, AttributeValue)>,
}

#[derive(Debug, Clone)]
pub(super) enum WriteAction {
    Update(String),
    Delete,
    /// Leaves the item unchanged; the condition must hold.
    Check,
}

/// The condition of a write did not hold, so none of the writes was done. If several failed, this is the first one.
#[derive(Debug)]
pub(super) struct ConditionFailed {
    /// The index of the write.
    pub index: usize,
    /// The item as it is, if there is one.
    pub item: Option<HashMap<String, AttributeValue>>,
}

impl ItemWrite {
    pub fn update(key: Key, update: impl Into<String>, condition: impl Into<String>) -> ItemWrite {
        ItemWrite { key, action: WriteAction::Update(update.into()), condition: condition.into(), values: Vec::new() }
    }

    pub fn with(mut self, values: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> ItemWrite {
        self.values.extend(values);
        self
    }

    /// Appends a clause to the update.
    pub fn and_set(
        mut self,
        clause: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> ItemWrite {
        if let WriteAction::Update(update) = &mut self.action {
            update.push_str(clause);
        }
        self.with(values)
    }

    pub fn delete(key: Key) -> ItemWrite {
        ItemWrite { key, action: WriteAction::Delete, condition: String::new(), values: Vec::new() }
    }

    pub fn check(key: Key, condition: impl Into<String>) -> ItemWrite {
        ItemWrite { key, action: WriteAction::Check, condition: condition.into(), values: Vec::new() }
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let ends_a_name = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let update = match &self.action {
            WriteAction::Update(update) => update.as_str(),
            WriteAction::Delete | WriteAction::Check => "",
        };
        let names: HashMap<String, String> = [update, &self.condition]
            .into_iter()
            .flat_map(|expression| expression.split('#').skip(1))
            .filter_map(|rest| rest.split(ends_a_name).next())
            .map(|name| (format!("#{name}"), name.to_string()))
            .collect();
        Some(names).filter(|names| !names.is_empty())
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        let values: HashMap<_, _> =
            self.values.iter().map(|(name, value)| (format!(":{name}"), value.clone())).collect();
        Some(values).filter(|values| !values.is_empty())
    }

    fn condition(&self) -> Option<String> {
        Some(self.condition.clone()).filter(|condition| !condition.is_empty())
    }

    fn into_transaction(self, table: &str) -> Result<TransactWriteItem, LedgerError> {
        macro_rules! part {
            ($kind:ident) => {
                $kind::builder()
                    .table_name(table)
                    .set_key(Some(self.key.attributes()))
                    .set_condition_expression(self.condition())
                    .set_expression_attribute_names(self.names())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            };
        }
        let unsendable =
            |error| fault::<TransactWriteItemsError>(TRANSACT, table, &SdkError::construction_failure(error));
        let item = TransactWriteItem::builder();
        let item = match &self.action {
            WriteAction::Update(update) => {
                item.update(part!(Update).update_expression(update).build().map_err(unsendable)?)
            }
            WriteAction::Delete => item.delete(part!(Delete).build().map_err(unsendable)?),
            WriteAction::Check => item.condition_check(part!(ConditionCheck).build().map_err(unsendable)?),
        };
        Ok(item.build())
    }
}

/// Does all writes or none. The SDK's token makes a retry after a lost answer harmless.
pub(super) async fn send(
    client: &Client,
    table: &str,
    writes: impl IntoIterator<Item = ItemWrite>,
) -> Result<Result<(), ConditionFailed>, LedgerError> {
    let writes: Vec<ItemWrite> = writes.into_iter().collect();
    for attempt in 1..=ATTEMPTS {
        let mut request = client.transact_write_items();
        for write in writes.clone() {
            request = request.transact_items(write.into_transaction(table)?);
        }
        let Err(error) = request.send().await else {
            return Ok(Ok(()));
        };
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
            _ => return Err(fault(TRANSACT, table, &error)),
        };
        let refused = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        if let Some(index) = reasons.iter().position(refused) {
            return Ok(Err(ConditionFailed { index, item: reasons[index].item().cloned() }));
        }
        let other = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        if other != Some("TransactionConflict") {
            let mut fault = CloudFault::new(TRANSACT, &resource(table), &error);
            fault.transient |= matches!(other, Some("ThrottlingError" | "ProvisionedThroughputExceeded"));
            return Err(fault.into());
        }
        pause(attempt).await;
    }
    Err(LedgerError::Contended { key: writes.last().map(|write| write.key.pk.clone()).unwrap_or_default() })
}

pub(super) async fn pause(attempt: u32) {
    tokio::time::sleep(full_jitter(attempt, PAUSE, LONGEST_PAUSE)).await;
}

pub(super) fn fault<E>(operation: &'static str, table: &str, error: &SdkError<E, HttpResponse>) -> LedgerError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    CloudFault::new(operation, &resource(table), error).into()
}

fn resource(table: &str) -> String {
    format!("ledger table {table}")
}

pub(super) fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

pub(super) fn number(number: impl Into<u64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_names_are_found_in_update_and_condition() {
        let update = "SET #expires_at = :x REMOVE #load, #owner";
        let write = ItemWrite::update(Key::lease("stock"), update, "#epoch=:e AND (attribute_not_exists(#state))");
        let write = write.with([("x", number(1u32))]);
        let mut names: Vec<String> = write.names().unwrap().into_values().collect();
        names.sort();
        assert_eq!(names, ["epoch", "expires_at", "load", "owner", "state"]);
        assert_eq!(write.names().unwrap()["#load"], "load");
        assert_eq!(write.values().unwrap()[":x"], AttributeValue::N("1".into()));
        let delete = ItemWrite::delete(Key::lease("stock"));
        assert_eq!((delete.names(), delete.values(), delete.condition()), (None, None, None));
    }
}
