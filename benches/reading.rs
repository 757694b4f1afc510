//! Compares reading and judging with calamine's bare cell reader, on the same file in the same run: time and memory.
//!
//! cargo bench --bench reading                      1,000,000 rows of 10 columns; updates docs/performance.md
//! cargo bench --bench reading -- [ROWS] [--dry]    another number of rows; with --dry the results are only printed

mod measure {
    pub mod bare_reader;
    pub mod cached;
    pub mod machine;
    pub mod median;
    pub mod process;
    pub mod results;
    pub mod stock;
    pub mod xlsx;
}

use std::fs;
use std::process::Command;

use measure::machine::Machine;
use measure::median::median;
use measure::process::run;
use measure::results::{self, Table, whole};
use measure::stock::{self, SEED};
use measure::{bare_reader, xlsx};

const ROWS: u32 = 1_000_000;
const ROUNDS: usize = 5;

fn main() {
    if bare_reader::ran() {
        return;
    }
    let (options, numbers): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let rows = numbers.first().map_or(ROWS, |rows| rows.parse().expect("a number of rows"));
    let machine = Machine::detect();
    let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));

    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(run(&mut bare_reader::command(&file)).succeeded());
        ours.push(run(Command::new(env!("CARGO_BIN_EXE_inventory")).arg("check").arg(&file)).succeeded());
    }

    let mut table = Table::with_header(["", "seconds", "processor seconds", "peak memory, MB"]);
    for (name, runs) in [("calamine, bare cell reader", &bare), ("`inventory check`", &ours)] {
        table.add([
            name.to_string(),
            format!("{:.2}", median(runs.iter().map(|run| run.seconds))),
            format!("{:.2}", median(runs.iter().map(|run| run.processor_seconds))),
            whole(median(runs.iter().map(|run| run.megabytes))),
        ]);
    }
    let ratio = median(ours.iter().zip(&bare).map(|(ours, bare)| ours.seconds / bare.seconds));
    table.add(["ratio of time, pair by pair".to_string(), format!("{ratio:.2}"), String::new(), String::new()]);
    let size = fs::metadata(&file).expect("the file").len() as f64 / f64::from(1 << 20);
    let text = format!(
        "{table}\n{} rows of 10 columns, {size:.1} MB. {}\nTo repeat: `cargo bench --bench reading -- {rows}`.",
        whole(rows),
        machine.describe(ROUNDS, SEED)
    );
    println!("{text}");
    if !options.iter().any(|option| option == "--dry") {
        results::save("reading", &text);
    }
}
