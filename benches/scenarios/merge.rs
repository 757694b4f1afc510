//! Mode merge, which updates item by item instead of writing batches of 25.

use crate::Arguments;
use crate::measure::load::{Load, take_turns};
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{rules, stock, xlsx};

pub fn measure(arguments: &Arguments) -> String {
    let programs = [Program::inventory("replace", &[]), Program::inventory("merge", &["--schema", &rules::merging()])];
    let mut results = Table::with_header([
        "rows",
        "write units/s",
        "mode",
        "seconds",
        "items/s",
        "µs of processor per item",
        "items refused, %",
    ]);
    for rows in arguments.sizes(&[100_000]) {
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        for (limit, words) in [("4,000", ["--write-units", "4000"]), ("no limit", ["--write-units", "0"])] {
            let all = take_turns(arguments.rounds, &programs, &file, rows, &words);
            for (program, loads) in programs.iter().zip(&all) {
                results.add([
                    whole(rows),
                    limit.to_string(),
                    program.name.clone(),
                    format!("{:.1}", loads.seconds()),
                    whole(loads.median(Load::items_per_second)),
                    format!("{:.1}", loads.median(Load::micros_per_item)),
                    format!("{:.2}", loads.median(Load::refused)),
                ]);
            }
        }
    }
    results.to_string()
}
