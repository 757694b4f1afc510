//! The settings of the table: its key, its capacity, and whether it keeps items.

use std::path::PathBuf;

use clap::Parser;

use crate::capacity::Limits;
use inventory_base::key_shape::KeyShape;

/// A simulated DynamoDB table with realistic capacity, for benchmarks on one machine.
///
/// What it models: one table, of any name; the capacity of the table and of each value of the partition key, as token
/// buckets that fill evenly and hold some seconds of unused capacity; the units that items cost, the limits of a
/// request, items and keys returned as unprocessed, throttled requests; the latency of responses. It supports
/// BatchWriteItem, PutItem, UpdateItem, DeleteItem, BatchGetItem, Scan and DescribeTable.
///
/// Conditions compare attributes with values and ask whether attributes exist; updates set and remove attributes. Any
/// other expression or parameter is refused, and so are several tables in one request.
///
/// What it does not model: the cost of a larger previous item in BatchWriteItem (only the size of the new one counts);
/// partitions that split or share their capacity; an index's own capacity; signatures, which are not checked.
///
/// GET /counts returns what was requested and accepted. POST /reset restores the initial state. POST
/// /capacity?write=N&read=N changes the table's capacity.
#[derive(Debug, Clone, Parser)]
#[command(name = "simulated-table")]
pub struct Settings {
    /// Names of the partition key and, after a comma, of the sort key. Both are text, or of the type N or B after a
    /// colon, as in shelf:N.
    #[arg(long, default_value = "sku", value_name = "PARTITION[,SORT]")]
    pub key: KeyShape,
    /// The only name of a table that is answered to; `None` for any name.
    #[arg(skip)]
    pub name: Option<String>,
    /// Write units per second; 0: no limit.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub write_units: u64,
    /// Read units per second; 0: no limit.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub read_units: u64,
    /// Write units per second of each value of the partition key; 0: no limit.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub partition_write_units: u64,
    /// Read units per second of each value of the partition key, but not of scans; 0: no limit.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub partition_read_units: u64,
    /// The most unused capacity that is held, in seconds.
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub burst_seconds: u64,
    /// Start with the most capacity that can be held, instead of none.
    #[arg(long)]
    pub full: bool,
    /// The number of global secondary indexes, each of which costs as much as the table itself.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u64).range(..=20))]
    pub indexes: u64,
    /// Describe the table as provisioned instead of on demand.
    #[arg(long)]
    pub provisioned: bool,
    /// Keep items in memory and return them. Otherwise the table is always empty.
    #[arg(long)]
    pub keep: bool,
    /// Keep items in this file, and those that are in it already.
    #[arg(long, value_name = "FILE", conflicts_with = "keep")]
    pub file: Option<PathBuf>,
    /// Keep items as the text they are sent as, and check only their keys and sizes: so the table takes less of the
    /// processor time that a benchmark has.
    #[arg(long)]
    pub trust_items: bool,
    /// The latency of responses in milliseconds; up to one more.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub latency_ms: u64,
    /// The port on 127.0.0.1; 0: any free port.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
}

impl Settings {
    /// The settings of a table without limits that answers only to this name.
    pub fn unlimited(name: &str, key: KeyShape) -> Settings {
        Settings {
            key,
            name: Some(name.to_string()),
            write_units: 0,
            read_units: 0,
            partition_write_units: 0,
            partition_read_units: 0,
            burst_seconds: 1,
            full: false,
            indexes: 0,
            provisioned: false,
            keep: false,
            file: None,
            trust_items: false,
            latency_ms: 0,
            port: 0,
        }
    }

    pub fn write_limits(&self) -> Limits {
        self.limits(self.write_units, self.partition_write_units)
    }

    pub fn read_limits(&self) -> Limits {
        self.limits(self.read_units, self.partition_read_units)
    }

    fn limits(&self, table: u64, partition: u64) -> Limits {
        Limits { table, partition, burst_seconds: self.burst_seconds, full: self.full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_valid() {
        Settings::command().debug_assert();
        assert!(Settings::try_parse_from(["simulated-table", "--keep", "--file", "f"]).is_err());
    }
}
