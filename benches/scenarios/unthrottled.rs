//! Workbooks into a table without limits: how fast the programs themselves are.

use std::path::PathBuf;

use crate::Arguments;
use crate::measure::load::take_turns;
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{rules, stock, xlsx};

pub fn measure(arguments: &Arguments) -> String {
    let programs = Program::installed(vec![
        Program::inventory("inventory", &[]),
        Program::inventory("inventory, `compare = false`", &["--schema", &rules::without_comparing()]),
        Program::openpyxl(),
        Program::calamine(),
    ]);
    let make = |rows| xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
    compare(&programs, &arguments.sizes(&[10_000, 100_000, 1_000_000]), make, arguments.rounds)
}

/// Compares the first program, which is ours, with the others.
pub fn compare(programs: &[Program], sizes: &[u32], make: impl Fn(u32) -> PathBuf, rounds: usize) -> String {
    let mut results = Table::with_header([
        "rows",
        "program",
        "items/s",
        "µs of processor per item",
        "peak memory, MB",
        "times as long as inventory",
    ]);
    for &rows in sizes {
        let all = take_turns(rounds, programs, &make(rows), rows, &[]);
        for (program, loads) in programs.iter().zip(&all).filter(|(_, loads)| !loads.0.is_empty()) {
            let [rate, micros, memory, ratio] = loads.cells(&all[0]);
            results.add([whole(rows), program.name.clone(), rate, micros, memory, ratio]);
        }
    }
    results.to_string()
}
