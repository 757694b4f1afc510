//! Records one load with perf, to see where its processor time goes. benches/profile draws a flame graph of it.

use std::path::Path;

use crate::Arguments;
use crate::measure::load::load;
use crate::measure::program::Program;
use crate::measure::{stock, xlsx};

const ROWS: u32 = 1_000_000;

pub fn record(arguments: &Arguments, recorded: &Path) {
    let rows = arguments.rows.unwrap_or(ROWS);
    let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
    let recorded = recorded.to_str().expect("a path in UTF-8");
    // 499 times a second, so as not to be in step with events every hundredth of a second.
    let perf = ["perf", "record", "--freq", "499", "--call-graph", "fp", "--output", recorded, "--"];
    load(&Program::inventory("inventory under perf", &[]).wrapped_in(&perf), &file, rows, &[]).checked("inventory");
}
