//! A sheet sorted by warehouse, for a table in which each warehouse is a partition with little capacity of its own.

use std::collections::HashMap;

use crate::Arguments;
use crate::measure::load::{Load, take_turns};
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{rules, stock, xlsx};

const UNITS_OF_PARTITION: u32 = 1_000;

pub fn measure(arguments: &Arguments) -> String {
    let program = [Program::inventory("inventory", &["--schema", &rules::by_warehouse()])];
    let partition = UNITS_OF_PARTITION.to_string();
    let words = ["--key", "warehouse,sku", "--write-units", "40000", "--partition-write-units", &partition];
    let mut results = Table::with_header([
        "rows",
        "rows of the largest warehouse",
        "theoretical minimum, s",
        "whole load, s",
        "load ÷ minimum",
        "items refused, %",
    ]);
    for rows in arguments.sizes(&[100_000]) {
        let mut sorted: Vec<stock::Row> = stock::rows(rows).collect();
        sorted.sort_by_key(|row| row.warehouse);
        let mut warehouses: HashMap<&str, u32> = HashMap::new();
        sorted.iter().for_each(|row| *warehouses.entry(row.warehouse).or_default() += 1);
        let largest = warehouses.into_values().max().expect("a row");
        let file = xlsx::make(&format!("stock-{rows}-by-warehouse"), sorted.into_iter());

        let all = take_turns(arguments.rounds, &program, &file, rows, &words);
        let minimum = f64::from(largest) / f64::from(UNITS_OF_PARTITION);
        results.add([
            whole(rows),
            whole(largest),
            format!("{minimum:.1}"),
            format!("{:.1}", all[0].seconds()),
            format!("{:.2}", all[0].seconds() / minimum),
            format!("{:.2}", all[0].median(Load::refused)),
        ]);
    }
    results.to_string()
}
