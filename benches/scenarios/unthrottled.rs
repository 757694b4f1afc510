//! Workbooks into a table that takes all that comes: what the programs themselves can do.

use std::path::PathBuf;

use crate::Asked;
use crate::measure::load::take_turns;
use crate::measure::program::Program;
use crate::measure::told::{Table, whole};
use crate::measure::{rules, stock, xlsx};

pub fn measure(asked: &Asked) -> String {
    let programs = Program::there(vec![
        Program::inventory("inventory", &[]),
        Program::inventory("inventory, `compare = false`", &["--schema", &rules::without_comparing()]),
        Program::openpyxl(),
        Program::calamine(),
    ]);
    let make = |rows| xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
    compare(&programs, &asked.sizes(&[10_000, 100_000, 1_000_000]), make, asked.rounds)
}

/// The first program, which is ours, beside the others.
pub fn compare(programs: &[Program], sizes: &[u32], make: impl Fn(u32) -> PathBuf, rounds: usize) -> String {
    let mut told = Table::with_header([
        "rows",
        "program",
        "items/s",
        "µs of processor per item",
        "peak memory, MB",
        "inventory is so many times as fast",
    ]);
    for &rows in sizes {
        let all = take_turns(rounds, programs, &make(rows), rows, &[]);
        for (program, loads) in programs.iter().zip(&all).filter(|(_, loads)| !loads.0.is_empty()) {
            let [rate, micros, memory, ratio] = loads.cells(&all[0]);
            told.add([whole(rows), program.name.clone(), rate, micros, memory, ratio]);
        }
    }
    told.to_string()
}
