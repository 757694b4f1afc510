//! The operations of the table, by their names in DynamoDB.

use std::time::Instant;

use crate::answer::Refusal;
use crate::items::{ReadItems, WriteItems};
use crate::table::Table;
use crate::{describe, reading, writing};

pub type ReadOperation = fn(&Table, &dyn ReadItems, &str, Instant) -> Result<String, Refusal>;
pub type WriteOperation = fn(&Table, &mut dyn WriteItems, &str, Instant) -> Result<String, Refusal>;

#[derive(Clone, Copy)]
pub enum Operation {
    Read(ReadOperation),
    Write(WriteOperation),
}

impl Operation {
    pub fn by_name(name: &str) -> Result<Operation, Refusal> {
        Ok(match name {
            "BatchWriteItem" => Operation::Write(writing::batch_write),
            "PutItem" => Operation::Write(writing::put),
            "UpdateItem" => Operation::Write(writing::update),
            "DeleteItem" => Operation::Write(writing::delete),
            "BatchGetItem" => Operation::Read(reading::batch_get),
            "Scan" => Operation::Read(reading::scan),
            "DescribeTable" => Operation::Read(describe::describe),
            other => return Err(Refusal::unknown_operation(other)),
        })
    }
}

/// Reads a body as text.
pub fn text(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|error| Refusal::invalid(error.to_string()))
}
