//! The cost of the reports: the time from the end of a load to the end of the command, in which it makes the reports,
//! and the memory, for a large file without mistakes and for one with a problem in every twentieth row. The rows to fix
//! are packed during the writing, which only shows in the whole time and the processor time.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::Arguments;
use crate::measure::csv;
use crate::measure::load::load;
use crate::measure::median::median;
use crate::measure::process::Run;
use crate::measure::program::{OUT, Program};
use crate::measure::results::{Table, whole};
use crate::measure::stock::{self, Row};

const ROWS: u32 = 1_000_000;
/// One row in this many has no name.
const WRONG: usize = 20;

pub fn measure(arguments: &Arguments) -> String {
    let program = Program::inventory("inventory", &[]);
    let rows = arguments.rows.unwrap_or(ROWS);
    let wrong = stock::rows(rows).zip(1..).map(|(row, number)| match number % WRONG {
        0 => Row { name: String::new(), ..row },
        _ => row,
    });
    let files = [
        ("nothing", csv::make(&format!("stock-{rows}"), stock::rows(rows)), 0),
        ("one row in twenty", csv::make(&format!("stock-wrong-{rows}"), wrong), 1),
    ];
    let mut all: [Vec<(Run, f64)>; 2] = Default::default();
    for _ in 0..arguments.rounds {
        for ((_, file, exit_code), loads) in files.iter().zip(&mut all) {
            let run = load(&program, file, rows, &[]).run;
            assert_eq!(run.exit_code, Some(*exit_code), "{}", run.output);
            let after = run.seconds - seconds_of_load();
            loads.push((run, after));
        }
    }
    let mut results = Table::with_header([
        "what is wrong",
        "rows",
        "whole command, s",
        "processors, s",
        "reports, s",
        "part of the time, %",
        "peak memory, MB",
    ]);
    for ((what, ..), loads) in files.iter().zip(&all) {
        let of = |value: fn(&(Run, f64)) -> f64| median(loads.iter().map(value));
        results.add([
            what.to_string(),
            whole(rows),
            format!("{:.2}", of(|(run, _)| run.seconds)),
            format!("{:.2}", of(|(run, _)| run.processor_seconds)),
            format!("{:.2}", of(|(_, after)| *after)),
            format!("{:.1}", of(|(run, after)| 100.0 * after / run.seconds)),
            whole(of(|(run, _)| run.megabytes)),
        ]);
    }
    results.to_string()
}

/// Returns the seconds in the load's own report, which is made after writing and reading back.
fn seconds_of_load() -> f64 {
    let reports: Vec<PathBuf> = fs::read_dir(Path::new(OUT).join("loads"))
        .expect("the loads")
        .map(|entry| entry.expect("an entry").path().join("report.json"))
        .filter(|report| report.is_file())
        .collect();
    let [report] = &reports[..] else { panic!("{reports:?}") };
    let report: Json = serde_json::from_slice(&fs::read(report).expect("the report")).expect("JSON");
    report["seconds"]["total"].as_f64().expect("seconds")
}
