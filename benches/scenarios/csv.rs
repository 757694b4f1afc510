//! CSV files, compared with ddbimport and the usual script: into a table without limits, and into one with limits.

use crate::Arguments;
use crate::measure::load::{Load, take_turns};
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{csv, stock};
use crate::scenarios::unthrottled::compare;

const UNITS: u32 = 4_000;

pub fn measure(arguments: &Arguments) -> String {
    let mut programs = Program::installed(vec![
        Program::inventory("inventory", &[]),
        Program::ddbimport("ddbimport", &[]),
        Program::ddbimport("ddbimport, `-concurrency 32`", &["-concurrency", "32"]),
        Program::csv(),
    ]);
    let make = |rows| csv::make(&format!("stock-{rows}"), stock::rows(rows));
    let free = compare(&programs, &arguments.sizes(&[100_000, 1_000_000]), make, arguments.rounds);

    programs.retain(|program| !program.is_slow);
    let mut limited = Table::with_header([
        "rows",
        "program",
        "seconds",
        "capacity used, %",
        "items refused, %",
        "items in the table",
    ]);
    for rows in arguments.sizes(&[100_000]) {
        let all = take_turns(arguments.rounds, &programs, &make(rows), rows, &["--write-units", &UNITS.to_string()]);
        for (program, loads) in programs.iter().zip(&all) {
            limited.add([
                whole(rows),
                program.name.clone(),
                format!("{:.1}", loads.seconds()),
                format!("{:.1}", loads.median(Load::capacity_used)),
                format!("{:.1}", loads.median(Load::refused)),
                whole(loads.median(|load| load.counts.items_taken as f64)),
            ]);
        }
    }
    format!("{free}\nInto a table of {} write units/s that starts without burst capacity:\n\n{limited}", whole(UNITS))
}
