//! Tables with little capacity, which start without burst capacity: how much of it a load uses, and how often it
//! exceeds it.

use std::process::Command;

use crate::Arguments;
use crate::measure::load::{Load, Loads, load};
use crate::measure::median::median;
use crate::measure::process::run;
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{stock, xlsx};

const TABLES: [(u32, u32); 4] = [(1_000, 100_000), (4_000, 100_000), (40_000, 100_000), (40_000, 1_000_000)];
const LIMIT: u32 = 500;
const ROWS_WITH_LIMIT: u32 = 10_000;

pub fn measure(arguments: &Arguments) -> String {
    let program = Program::inventory("inventory", &[]);
    let mut table = Table::with_header([
        "write units/s",
        "rows",
        "`inventory check`, s",
        "items / capacity, s",
        "whole load, s",
        "load ÷ (check + items / capacity)",
        "capacity used while writing, %",
        "items refused, %",
    ]);
    let mut measured = Vec::new();
    for (units, rows) in TABLES.map(|(units, rows)| (units, arguments.rows.unwrap_or(rows))) {
        // With --rows, two of the sizes may be the same.
        if measured.contains(&(units, rows)) {
            continue;
        }
        measured.push((units, rows));
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        let (mut checks, mut loads) = (Vec::new(), Loads(Vec::new()));
        for _ in 0..arguments.rounds {
            checks.push(run(Command::new(env!("CARGO_BIN_EXE_inventory")).arg("check").arg(&file)).succeeded().seconds);
            loads.0.push(load(&program, &file, rows, &["--write-units", &units.to_string()]).checked("inventory"));
        }
        let writing = f64::from(rows) / f64::from(units);
        let pairs = loads.0.iter().zip(&checks);
        let ratio = median(pairs.map(|(load, check)| load.run.seconds / (check + writing)));
        table.add([
            whole(units),
            whole(rows),
            format!("{:.1}", median(checks)),
            format!("{writing:.1}"),
            format!("{:.1}", loads.seconds()),
            format!("{ratio:.2}"),
            format!("{:.1}", loads.median(Load::capacity_used)),
            format!("{:.2}", loads.median(Load::refused)),
        ]);
    }
    format!("{table}\n{}", with_own_limit(arguments.rounds))
}

/// A load with a limit of its own into a table without limits.
fn with_own_limit(rounds: usize) -> String {
    let program = Program::inventory("inventory --write-units", &["--write-units", &LIMIT.to_string()]);
    let file = xlsx::make(&format!("stock-{ROWS_WITH_LIMIT}"), stock::rows(ROWS_WITH_LIMIT));
    let most = (0..rounds).map(|_| {
        let load = load(&program, &file, ROWS_WITH_LIMIT, &[]).checked(&program.name);
        load.counts.most_write_units_in_a_second
    });
    format!(
        "With `--write-units {LIMIT}`, {} rows into a table without limits: {} write units at most in any second of \
         any round.\n",
        whole(ROWS_WITH_LIMIT),
        whole(most.fold(0.0, f64::max))
    )
}
