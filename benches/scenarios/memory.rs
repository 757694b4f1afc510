//! A small and a large file: the memory of a load compared with calamine's bare reader, and whether a row takes longer
//! in a large file.

use std::path::PathBuf;

use crate::Arguments;
use crate::measure::load::{Loads, load};
use crate::measure::median::median;
use crate::measure::process::run;
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::{bare_reader, csv, stock, xlsx};

const SMALL: u32 = 100_000;
const LARGE: u32 = 1_000_000;

type Make = fn(u32) -> PathBuf;

pub fn measure(arguments: &Arguments) -> String {
    let program = Program::inventory("inventory", &[]);
    let large = arguments.rows.unwrap_or(LARGE);
    let kinds: [(&str, Make); 2] = [
        ("xlsx", |rows| xlsx::make(&format!("stock-{rows}"), stock::rows(rows))),
        ("CSV", |rows| csv::make(&format!("stock-{rows}"), stock::rows(rows))),
    ];
    let mut results = Table::with_header(["file", "rows", "seconds", "µs per row", "peak memory, MB"]);
    let mut ratios = String::new();
    let bare_megabytes: Vec<f64> = (0..arguments.rounds)
        .map(|_| run(&mut bare_reader::command(&kinds[0].1(large))).succeeded().megabytes)
        .collect();
    for (kind, make) in kinds {
        let sizes = [SMALL, large];
        let files = sizes.map(make);
        let mut all = [Loads(Vec::new()), Loads(Vec::new())];
        for _ in 0..arguments.rounds {
            for ((rows, file), loads) in sizes.iter().zip(&files).zip(&mut all) {
                loads.0.push(load(&program, file, *rows, &[]).checked("inventory"));
            }
        }
        for (rows, loads) in sizes.iter().zip(&all) {
            results.add([
                kind.to_string(),
                whole(*rows),
                format!("{:.1}", loads.seconds()),
                format!("{:.1}", loads.median(|load| 1e6 / load.items_per_second())),
                whole(loads.median(|load| load.run.megabytes)),
            ]);
        }
        let [few, many] = &all;
        let growth = many.against(few, |many, few| few.items_per_second() / many.items_per_second());
        ratios += &format!("- A row of the large {kind} takes {growth:.2} times as long as a row of the small one.\n");
        if kind == "xlsx" {
            let pairs = many.0.iter().zip(&bare_megabytes).map(|(load, bare)| load.run.megabytes / bare);
            ratios += &format!(
                "- calamine's bare cell reader needs {} MB for the large xlsx; the load needs {:.2} times as much.\n",
                whole(median(bare_megabytes.iter().copied())),
                median(pairs)
            );
        }
    }
    format!("{results}\n{ratios}")
}
