//! Conditional writes, and why one was not done.

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

/// Two writes that meet are both told to come again. Ours meet when a heartbeat falls on a checkpoint.
const TRIES: u32 = 8;
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

    /// Something about an inventory table.
    pub fn of_table(table: &str, sk: impl Into<String>) -> Key {
        Key { pk: format!("table#{table}"), sk: sk.into() }
    }

    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_string(), text(&self.pk)), ("sk".to_string(), text(&self.sk))])
    }
}

/// A change of one item, done only under its condition. Every attribute is written `#name`, because many of ours
/// are words that DynamoDB reserves.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub key: Key,
    pub act: Act,
    /// May be empty where the item goes away.
    pub condition: String,
    pub values: Vec<(&'static str, AttributeValue)>,
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Update(String),
    Delete,
    /// The item stays as it is; the condition must hold.
    Check,
}

/// Which of several changes was not allowed, so that none was done; the first of them is told, with the item as it is,
/// if there is one.
#[derive(Debug)]
pub(super) struct NotDone {
    pub change: usize,
    pub item: Option<HashMap<String, AttributeValue>>,
}

impl Change {
    pub fn update(key: Key, update: impl Into<String>, condition: impl Into<String>) -> Change {
        Change { key, act: Act::Update(update.into()), condition: condition.into(), values: Vec::new() }
    }

    pub fn with(mut self, values: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Change {
        self.values.extend(values);
        self
    }

    /// One more clause of the update.
    pub fn and_set(mut self, clause: &str, values: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Change {
        if let Act::Update(update) = &mut self.act {
            update.push_str(clause);
        }
        self.with(values)
    }

    pub fn delete(key: Key) -> Change {
        Change { key, act: Act::Delete, condition: String::new(), values: Vec::new() }
    }

    pub fn check(key: Key, condition: impl Into<String>) -> Change {
        Change { key, act: Act::Check, condition: condition.into(), values: Vec::new() }
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let not_in_a_name = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        let update = match &self.act {
            Act::Update(update) => update.as_str(),
            Act::Delete | Act::Check => "",
        };
        let names: HashMap<String, String> = [update, &self.condition]
            .into_iter()
            .flat_map(|expression| expression.split('#').skip(1))
            .filter_map(|rest| rest.split(not_in_a_name).next())
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
        let wrong = |error| fault::<TransactWriteItemsError>(TRANSACT, table, &SdkError::construction_failure(error));
        let item = TransactWriteItem::builder();
        let item = match &self.act {
            Act::Update(update) => item.update(part!(Update).update_expression(update).build().map_err(wrong)?),
            Act::Delete => item.delete(part!(Delete).build().map_err(wrong)?),
            Act::Check => item.condition_check(part!(ConditionCheck).build().map_err(wrong)?),
        };
        Ok(item.build())
    }
}

/// Does all changes or none. The SDK's token makes trying again after a lost answer harmless.
pub(super) async fn send(
    client: &Client,
    table: &str,
    changes: impl IntoIterator<Item = Change>,
) -> Result<Result<(), NotDone>, LedgerError> {
    let changes: Vec<Change> = changes.into_iter().collect();
    for tries in 1..=TRIES {
        let mut request = client.transact_write_items();
        for change in changes.clone() {
            request = request.transact_items(change.into_transaction(table)?);
        }
        let Err(error) = request.send().await else {
            return Ok(Ok(()));
        };
        let reasons = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
            _ => return Err(fault(TRANSACT, table, &error)),
        };
        let refused = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
        if let Some(change) = reasons.iter().position(refused) {
            return Ok(Err(NotDone { change, item: reasons[change].item().cloned() }));
        }
        let other = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        if other != Some("TransactionConflict") {
            let mut fault = CloudFault::new(TRANSACT, &place(table), &error);
            fault.passing |= matches!(other, Some("ThrottlingError" | "ProvisionedThroughputExceeded"));
            return Err(fault.into());
        }
        pause(tries).await;
    }
    Err(LedgerError::Contended { key: changes.last().map(|change| change.key.pk.clone()).unwrap_or_default() })
}

pub(super) async fn pause(tries: u32) {
    tokio::time::sleep(full_jitter(tries, PAUSE, LONGEST_PAUSE)).await;
}

pub(super) fn fault<E>(operation: &'static str, table: &str, error: &SdkError<E, HttpResponse>) -> LedgerError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    CloudFault::new(operation, &place(table), error).into()
}

fn place(table: &str) -> String {
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
    fn names_are_found_in_both_expressions() {
        let update = "SET #expires_at = :x REMOVE #load, #owner";
        let change = Change::update(Key::lease("stock"), update, "#epoch=:e AND (attribute_not_exists(#state))");
        let change = change.with([("x", number(1u32))]);
        let mut names: Vec<String> = change.names().unwrap().into_values().collect();
        names.sort();
        assert_eq!(names, ["epoch", "expires_at", "load", "owner", "state"]);
        assert_eq!(change.names().unwrap()["#load"], "load");
        assert_eq!(change.values().unwrap()[":x"], AttributeValue::N("1".into()));
        let delete = Change::delete(Key::lease("stock"));
        assert_eq!((delete.names(), delete.values(), delete.condition()), (None, None, None));
    }
}
