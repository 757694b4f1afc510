//! The settings of the table: its key, its capacity, and whether it keeps items.

use std::str::FromStr;

use clap::Parser;

use crate::capacity::Limits;

/// A simulated DynamoDB table with realistic capacity and little else, for benchmarks on one machine.
///
/// What it models: one table, of any name; the capacity of the table and of each value of the partition key, as token
/// buckets that fill evenly and hold some seconds of unused capacity; the units that items cost, the limits of a
/// request, items and keys returned as unprocessed, throttled requests; the latency of responses. It supports
/// BatchWriteItem, PutItem, UpdateItem, DeleteItem, BatchGetItem, Scan and DescribeTable.
///
/// What it does not model: expressions and conditions, which are not evaluated (every condition holds); the cost of a
/// larger previous item (only the size of the new one counts); partitions that split or share their capacity; an
/// index's own capacity; the limit of 16 MB for BatchGetItem; signatures, which are not checked; several tables in one
/// request, and unknown parameters of reads, which are refused.
///
/// GET /counts returns what was requested and accepted. POST /reset restores the initial state. POST
/// /capacity?write=N&read=N changes the table's capacity.
#[derive(Debug, Clone, Parser)]
#[command(name = "simulated-table")]
pub struct Settings {
    /// Names of the partition key and, after a comma, of the sort key. Both are text.
    #[arg(long, default_value = "sku", value_name = "PARTITION[,SORT]")]
    pub key: KeyNames,
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
    /// Keep items that are put and return them. UpdateItem is charged but changes nothing.
    #[arg(long)]
    pub keep: bool,
    /// The latency of responses in milliseconds; up to one more.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub latency_ms: u64,
    /// The port on 127.0.0.1; 0: any free port.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub port: u16,
}

impl Settings {
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyNames {
    pub partition: String,
    pub sort: Option<String>,
}

impl FromStr for KeyNames {
    type Err = &'static str;

    fn from_str(names: &str) -> Result<KeyNames, &'static str> {
        let mut parts = names.split(',').map(|name| name.trim().to_string());
        let names = (parts.next().unwrap_or_default(), parts.next());
        match (names, parts.next()) {
            ((partition, sort), None) if !partition.is_empty() && sort.as_deref() != Some("") => {
                Ok(KeyNames { partition, sort })
            }
            _ => Err("one name or two, such as sku or warehouse,sku"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_key_has_one_name_or_two() {
        let names = |partition: &str, sort: Option<&str>| KeyNames {
            partition: partition.to_string(),
            sort: sort.map(ToString::to_string),
        };
        assert_eq!("sku".parse(), Ok(names("sku", None)));
        assert_eq!("warehouse, sku".parse(), Ok(names("warehouse", Some("sku"))));
        for wrong in ["", ",sku", "sku,", "a,b,c"] {
            assert!(wrong.parse::<KeyNames>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_is_valid() {
        Settings::command().debug_assert();
    }
}
