//! Mode merge, which changes item by item instead of putting 25 at once.

use crate::Asked;
use crate::measure::load::{Load, take_turns};
use crate::measure::program::Program;
use crate::measure::told::{Table, whole};
use crate::measure::{rules, stock, xlsx};

pub fn measure(asked: &Asked) -> String {
    let programs = [Program::inventory("replace", &[]), Program::inventory("merge", &["--schema", &rules::merging()])];
    let mut told = Table::with_header([
        "rows",
        "write units/s",
        "mode",
        "seconds",
        "items/s",
        "µs of processor per item",
        "items refused, %",
    ]);
    for rows in asked.sizes(&[100_000]) {
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        for (limit, words) in [("4,000", ["--write-units", "4000"]), ("no limit", ["--write-units", "0"])] {
            let all = take_turns(asked.rounds, &programs, &file, rows, &words);
            for (program, loads) in programs.iter().zip(&all) {
                told.add([
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
    told.to_string()
}
