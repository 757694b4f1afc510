//! The table's responses, in DynamoDB's JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::units::Units;

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810#";

/// A response with status 400: its type and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: String,
    message: String,
    /// The item that a condition was checked against, if the request wants it.
    item: Option<Box<str>>,
}

impl Refusal {
    fn new(kind: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal { kind: kind.into(), message: message.into(), item: None }
    }

    pub fn throttled() -> Refusal {
        let message = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
                       your provisioning level with the UpdateTable API.";
        Refusal::new(format!("{DYNAMODB}ProvisionedThroughputExceededException"), message)
    }

    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new("com.amazon.coral.validate#ValidationException", message)
    }

    /// DynamoDB's most frequent beginning of a message.
    pub fn invalid_value(message: impl std::fmt::Display) -> Refusal {
        Refusal::invalid(format!("One or more parameter values were invalid: {message}"))
    }

    /// A request that is not JSON of the expected form. A parameter that this table does not know is refused as
    /// DynamoDB refuses wrong parameters.
    pub fn unreadable(error: &serde_json::Error) -> Refusal {
        let message = error.to_string();
        match message.starts_with("unknown field") || message.starts_with("unknown variant") {
            true => Refusal::invalid(format!("The local table does not support this: {message}")),
            false => Refusal::new("com.amazon.coral.service#SerializationException", message),
        }
    }

    pub fn unknown_operation(operation: &str) -> Refusal {
        let message = format!("The local table has no {operation}");
        Refusal::new("com.amazon.coral.service#UnknownOperationException", message)
    }

    pub fn unknown_table() -> Refusal {
        let message = "Cannot do operations on a non-existent table";
        Refusal::new(format!("{DYNAMODB}ResourceNotFoundException"), message)
    }

    pub fn unknown_caller() -> Refusal {
        let message = "The security token included in the request is invalid.";
        Refusal::new("com.amazon.coral.service#UnrecognizedClientException", message)
    }

    pub fn condition_failed(item: Option<&str>) -> Refusal {
        let refusal =
            Refusal::new(format!("{DYNAMODB}ConditionalCheckFailedException"), "The conditional request failed");
        Refusal { item: item.map(Box::from), ..refusal }
    }

    /// The file of the items could not be read or written. DynamoDB has no such error; a caller that knows only
    /// DynamoDB's takes it for a lasting one, as it is: a full disk stays full.
    pub fn file_fault(error: impl std::fmt::Display) -> Refusal {
        let message = format!("The file of the local table could not be read or written: {error}");
        Refusal::new(format!("{DYNAMODB}LocalFileFault"), message)
    }

    pub fn is_file_fault(&self) -> bool {
        self.kind.ends_with("#LocalFileFault")
    }

    pub fn to_json(&self) -> String {
        let mut answer = json!({ "__type": self.kind, "message": self.message });
        if let Some(item) = self.item.as_deref().and_then(|item| serde_json::from_str(item).ok()) {
            let item: serde_json::Value = item;
            answer["Item"] = item;
        }
        answer.to_string()
    }
}

/// How much of the consumed capacity a response reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReturnConsumedCapacity {
    #[default]
    None,
    Total,
    Indexes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Consumed<'a> {
    table_name: &'a str,
    capacity_units: Units,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<Part>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    global_secondary_indexes: BTreeMap<String, Part>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    capacity_units: Units,
}

impl<'a> Consumed<'a> {
    /// Returns the units of the table and the same for each index, or `None` if the request does not ask for them.
    pub fn requested(
        table_name: &'a str,
        own: Units,
        indexes: u64,
        wanted: ReturnConsumedCapacity,
    ) -> Option<Consumed<'a>> {
        let part = || Part { capacity_units: own };
        let (table, parts) = match wanted {
            ReturnConsumedCapacity::None => return None,
            ReturnConsumedCapacity::Total => (None, 0),
            ReturnConsumedCapacity::Indexes => (Some(part()), indexes),
        };
        Some(Consumed {
            table_name,
            capacity_units: own * (1 + indexes),
            table,
            global_secondary_indexes: (1..=parts).map(|n| (index_name(n), part())).collect(),
        })
    }
}

pub fn index_name(n: u64) -> String {
    format!("index-{n}")
}

/// Serialises a response, which consists of texts and numbers and cannot fail.
pub fn to_json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("texts and numbers")
}
