//! What it costs to tell people: the time from a load's end to the command's, in which it makes the reports, and the
//! memory, for a large file with nothing wrong in it and for one with a problem in every twentieth row. The rows to mend
//! are packed beside the writing, which the whole time and the processors' time tell.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::Asked;
use crate::measure::csv;
use crate::measure::load::load;
use crate::measure::median::median;
use crate::measure::process::Run;
use crate::measure::program::{OUT, Program};
use crate::measure::stock::{self, Row};
use crate::measure::told::{Table, whole};

const ROWS: u32 = 1_000_000;
/// Every so manieth row has no name.
const WRONG: usize = 20;

pub fn measure(asked: &Asked) -> String {
    let program = Program::inventory("inventory", &[]);
    let rows = asked.rows.unwrap_or(ROWS);
    let wrong = stock::rows(rows).zip(1..).map(|(row, number)| match number % WRONG {
        0 => Row { name: String::new(), ..row },
        _ => row,
    });
    let files = [
        ("nothing", csv::make(&format!("stock-{rows}"), stock::rows(rows)), 0),
        ("one row in twenty", csv::make(&format!("stock-wrong-{rows}"), wrong), 1),
    ];
    let mut all: [Vec<(Run, f64)>; 2] = Default::default();
    for _ in 0..asked.rounds {
        for ((_, file, exit_code), loads) in files.iter().zip(&mut all) {
            let run = load(&program, file, rows, &[]).run;
            assert_eq!(run.exit_code, Some(*exit_code), "{}", run.said);
            let after = run.seconds - seconds_of_load();
            loads.push((run, after));
        }
    }
    let mut told = Table::with_header([
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
        told.add([
            what.to_string(),
            whole(rows),
            format!("{:.2}", of(|(run, _)| run.seconds)),
            format!("{:.2}", of(|(run, _)| run.processor_seconds)),
            format!("{:.2}", of(|(_, after)| *after)),
            format!("{:.1}", of(|(run, after)| 100.0 * after / run.seconds)),
            whole(of(|(run, _)| run.megabytes)),
        ]);
    }
    told.to_string()
}

/// By its own report, which is made when all is written and read back.
fn seconds_of_load() -> f64 {
    let reports: Vec<PathBuf> = fs::read_dir(Path::new(OUT).join("loads"))
        .expect("what it keeps")
        .map(|entry| entry.expect("an entry").path().join("report.json"))
        .filter(|report| report.is_file())
        .collect();
    let [report] = &reports[..] else { panic!("{reports:?}") };
    let report: Json = serde_json::from_slice(&fs::read(report).expect("the report")).expect("JSON");
    report["seconds"]["total"].as_f64().expect("seconds")
}
