//! One load under perf: where its processor time goes. benches/profile makes a picture of it.

use std::path::Path;

use crate::Asked;
use crate::measure::load::load;
use crate::measure::program::Program;
use crate::measure::{stock, xlsx};

const ROWS: u32 = 1_000_000;

pub fn record(asked: &Asked, recorded: &Path) {
    let rows = asked.rows.unwrap_or(ROWS);
    let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
    let recorded = recorded.to_str().expect("a path in UTF-8");
    // 499 times a second, so as not to keep step with what happens every hundredth.
    let perf = ["perf", "record", "--freq", "499", "--call-graph", "fp", "--output", recorded, "--"];
    load(&Program::inventory("inventory under perf", &[]).under(&perf), &file, rows, &[]).complete("inventory");
}
