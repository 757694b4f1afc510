//! Conditional writes, and why one was not done.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use super::LedgerError;
use crate::clients::{CloudFault, full_jitter};

/// Two writes that meet are both told to come again. Ours meet when a heartbeat falls on a checkpoint.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The key of an item of the ledger.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub pk: String,
    pub sk: &'static str,
}

impl Key {
    pub fn load(load: &crate::event::LoadId) -> Key {
        Key { pk: format!("load#{load}"), sk: "state" }
    }

    pub fn lease(table: &str) -> Key {
        Key { pk: format!("table#{table}"), sk: "lease" }
    }

    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_string(), text(&self.pk)), ("sk".to_string(), text(self.sk))])
    }
}

/// A change of one item, done only under its condition. Every attribute is written `#name`, because many of ours
/// are words that DynamoDB reserves.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub key: Key,
    pub update: String,
    pub condition: String,
    pub values: Vec<(&'static str, AttributeValue)>,
}

/// Why a pair of changes was not done. The condition of the first is told before that of the second.
#[derive(Debug)]
pub(super) enum NotDone {
    First,
    /// With the item as it is, if there is one.
    Second(Option<HashMap<String, AttributeValue>>),
}

impl Change {
    fn names(&self) -> HashMap<String, String> {
        let not_in_a_name = |c: char| !c.is_ascii_alphanumeric() && c != '_';
        [&self.update, &self.condition]
            .into_iter()
            .flat_map(|expression| expression.split('#').skip(1))
            .filter_map(|rest| rest.split(not_in_a_name).next())
            .map(|name| (format!("#{name}"), name.to_string()))
            .collect()
    }

    fn values(&self) -> HashMap<String, AttributeValue> {
        self.values.iter().map(|(name, value)| (format!(":{name}"), value.clone())).collect()
    }

    /// Does it alone. False when its condition does not hold.
    pub async fn send(&self, client: &Client, table: &str) -> Result<bool, LedgerError> {
        for tries in 1..=TRIES {
            let request = client
                .update_item()
                .table_name(table)
                .set_key(Some(self.key.attributes()))
                .update_expression(&self.update)
                .condition_expression(&self.condition)
                .set_expression_attribute_names(Some(self.names()))
                .set_expression_attribute_values(Some(self.values()));
            match request.send().await {
                Ok(_) => return Ok(true),
                Err(error) => match error.as_service_error() {
                    Some(known) if known.is_conditional_check_failed_exception() => return Ok(false),
                    Some(known) if known.is_transaction_conflict_exception() => pause(tries).await,
                    _ => return Err(fault("UpdateItem", table, &error)),
                },
            }
        }
        Err(LedgerError::Contended { key: self.key.pk.clone() })
    }

    fn into_transaction(self, table: &str) -> Result<TransactWriteItem, LedgerError> {
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(self.key.attributes()))
            .set_expression_attribute_names(Some(self.names()))
            .set_expression_attribute_values(Some(self.values()))
            .update_expression(self.update)
            .condition_expression(self.condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| {
                fault::<TransactWriteItemsError>("TransactWriteItems", table, &SdkError::construction_failure(error))
            })?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// Does both changes or none. The SDK's token makes trying again after a lost answer harmless.
pub(super) async fn send_both(
    client: &Client,
    table: &str,
    changes: [Change; 2],
) -> Result<Result<(), NotDone>, LedgerError> {
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
            _ => return Err(fault("TransactWriteItems", table, &error)),
        };
        let refused = |n: usize| reasons.get(n).filter(|reason| reason.code() == Some("ConditionalCheckFailed"));
        if refused(0).is_some() {
            return Ok(Err(NotDone::First));
        }
        if let Some(reason) = refused(1) {
            return Ok(Err(NotDone::Second(reason.item().cloned())));
        }
        let other = reasons.iter().filter_map(CancellationReason::code).find(|code| *code != "None");
        if other != Some("TransactionConflict") {
            let mut fault = CloudFault::new("TransactWriteItems", &place(table), &error);
            fault.passing |= matches!(other, Some("ThrottlingError" | "ProvisionedThroughputExceeded"));
            return Err(fault.into());
        }
        pause(tries).await;
    }
    Err(LedgerError::Contended { key: changes[1].key.pk.clone() })
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
        let change = Change {
            key: Key::lease("stock"),
            update: "SET #expires_at = :x REMOVE #load, #owner".into(),
            condition: "#epoch=:e AND (attribute_not_exists(#state))".into(),
            values: vec![("x", number(1u32))],
        };
        let mut names: Vec<String> = change.names().into_values().collect();
        names.sort();
        assert_eq!(names, ["epoch", "expires_at", "load", "owner", "state"]);
        assert_eq!(change.names()["#load"], "load");
        assert_eq!(change.values()[":x"], AttributeValue::N("1".into()));
    }
}
