//! Three cases in which ddbimport loses rows but reports that it is complete: the items in the table at the end, and
//! the program's last message.

use std::path::Path;

use serde_json::Value as Json;

use crate::Arguments;
use crate::measure::csv;
use crate::measure::load::load_into;
use crate::measure::process::Run;
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::stock::{self, Row};
use crate::measure::table::SimulatedTable;

const THROTTLED_ROWS: u32 = 20_000;
const ROWS: u32 = 1_000;
/// The row that repeats the key of the row before it, which is in the same batch.
const REPEATS: usize = 11;

type Outcomes = Table<6>;

pub fn measure(arguments: &Arguments) -> String {
    let programs = Program::installed(vec![
        Program::inventory("inventory", &[]),
        Program::ddbimport("ddbimport, `-concurrency 32`", &["-concurrency", "32"]),
    ]);
    let mut results =
        Table::with_header(["what", "program", "rows", "items in the table", "exit code", "last message"]);

    let rows = arguments.rows.unwrap_or(THROTTLED_ROWS);
    let file = csv::make(&format!("stock-{rows}"), stock::rows(rows));
    compare(
        &mut results,
        "a table of 500 units/s",
        &programs,
        &file,
        rows,
        &["--write-units", "500"],
        arguments.rounds,
    );
    // The outcome of these is the same every time.
    let file = csv::make("stock-repeated", stock::rows(ROWS).scan(String::new(), repeat));
    compare(&mut results, "the same key in two consecutive rows", &programs, &file, ROWS, &[], 1);
    let file = csv::make_with_byte_order_mark("stock-marked", stock::rows(ROWS));
    compare(&mut results, "a byte order mark before the header", &programs, &file, ROWS, &[], 1);
    results.to_string()
}

fn repeat(sku_before: &mut String, mut row: Row) -> Option<Row> {
    if row.sku == format!("{REPEATS:08}") {
        row.sku = sku_before.clone();
    }
    sku_before.clone_from(&row.sku);
    Some(row)
}

fn compare(
    results: &mut Outcomes,
    what: &str,
    programs: &[Program],
    file: &Path,
    rows: u32,
    words: &[&str],
    rounds: usize,
) {
    let mut all: Vec<Vec<(u64, Run)>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (program, runs) in programs.iter().zip(&mut all) {
            let table = SimulatedTable::start(words);
            let load = load_into(&table, program, file, rows);
            runs.push((table.items(), load.run));
        }
    }
    for (program, mut runs) in programs.iter().zip(all) {
        runs.sort_by_key(|(items, _)| *items);
        let ((fewest, run), (most, _)) = (&runs[0], &runs[runs.len() - 1]);
        let items = if fewest == most {
            whole(*fewest as f64)
        } else {
            format!("{} to {}", whole(*fewest as f64), whole(*most as f64))
        };
        let code = run.exit_code.map_or("none".to_string(), |code| code.to_string());
        results.add([what.to_string(), program.name.clone(), whole(rows), items, code, last_message(&run.output)]);
    }
}

/// Returns the program's summary: for ours one of its first sentences, for ddbimport its last log line.
fn last_message(output: &str) -> String {
    let last = output.lines().last().unwrap_or_default();
    match serde_json::from_str::<Json>(last) {
        Ok(line) => format!("{} ({} records)", line["msg"].as_str().unwrap_or_default(), line["records"]),
        Err(_) => output.lines().find(|line| line.contains(" rows ")).unwrap_or(last).to_string(),
    }
}
