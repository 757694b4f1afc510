//! Tables with little capacity, which begin with nothing saved up: how much of it a load uses, and how often it asks for
//! more than there is.

use std::process::Command;

use crate::Asked;
use crate::measure::load::{Load, Loads, load};
use crate::measure::median::median;
use crate::measure::process::run;
use crate::measure::program::Program;
use crate::measure::told::{Table, whole};
use crate::measure::{stock, xlsx};

const TABLES: [(u32, u32); 4] = [(1_000, 100_000), (4_000, 100_000), (40_000, 100_000), (40_000, 1_000_000)];
const CEILING: u32 = 500;
const ROWS_UNDER_CEILING: u32 = 10_000;

pub fn measure(asked: &Asked) -> String {
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
    for (units, rows) in TABLES.map(|(units, rows)| (units, asked.rows.unwrap_or(rows))) {
        // With other sizes asked for, two of them can become the same.
        if measured.contains(&(units, rows)) {
            continue;
        }
        measured.push((units, rows));
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        let (mut checks, mut loads) = (Vec::new(), Loads(Vec::new()));
        for _ in 0..asked.rounds {
            checks.push(run(Command::new(env!("CARGO_BIN_EXE_inventory")).arg("check").arg(&file)).succeeded().seconds);
            loads.0.push(load(&program, &file, rows, &["--write-units", &units.to_string()]).complete("inventory"));
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
    format!("{table}\n{}", under_a_ceiling(asked.rounds))
}

/// The table would take more, but the load may not.
fn under_a_ceiling(rounds: usize) -> String {
    let program = Program::inventory("inventory --write-units", &["--write-units", &CEILING.to_string()]);
    let file = xlsx::make(&format!("stock-{ROWS_UNDER_CEILING}"), stock::rows(ROWS_UNDER_CEILING));
    let most = (0..rounds).map(|_| {
        let load = load(&program, &file, ROWS_UNDER_CEILING, &[]).complete(&program.name);
        load.counts.most_write_units_in_a_second
    });
    format!(
        "With `--write-units {CEILING}`, {} rows into a table without limits: {} write units at most in any second of \
         any round.\n",
        whole(ROWS_UNDER_CEILING),
        whole(most.fold(0.0, f64::max))
    )
}
