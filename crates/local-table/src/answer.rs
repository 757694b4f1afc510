//! The table's responses, in DynamoDB's JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::units::Units;

/// A response with status 400: its type and message.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    kind: &'static str,
    message: String,
}

impl Refusal {
    pub fn throttled() -> Refusal {
        let message = "The level of configured provisioned throughput for the table was exceeded. Consider increasing \
                       your provisioning level with the UpdateTable API.";
        Refusal {
            kind: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal { kind: "com.amazon.coral.validate#ValidationException", message: message.into() }
    }

    pub fn unreadable(error: &serde_json::Error) -> Refusal {
        Refusal { kind: "com.amazon.coral.service#SerializationException", message: error.to_string() }
    }

    pub fn unknown_operation(operation: &str) -> Refusal {
        let message = format!("The simulated table has no {operation}");
        Refusal { kind: "com.amazon.coral.service#UnknownOperationException", message }
    }

    pub fn to_json(&self) -> String {
        json!({ "__type": self.kind, "message": self.message }).to_string()
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
