//! A small file and a large one: what memory a load needs beside calamine's bare reader, and whether a row takes longer
//! the more of them there are.

use std::path::PathBuf;

use crate::Asked;
use crate::measure::load::{Loads, load};
use crate::measure::median::median;
use crate::measure::process::run;
use crate::measure::program::Program;
use crate::measure::told::{Table, whole};
use crate::measure::{bare, csv, stock, xlsx};

const SMALL: u32 = 100_000;
const LARGE: u32 = 1_000_000;

type Make = fn(u32) -> PathBuf;

pub fn measure(asked: &Asked) -> String {
    let program = Program::inventory("inventory", &[]);
    let large = asked.rows.unwrap_or(LARGE);
    let kinds: [(&str, Make); 2] = [
        ("xlsx", |rows| xlsx::make(&format!("stock-{rows}"), stock::rows(rows))),
        ("CSV", |rows| csv::make(&format!("stock-{rows}"), stock::rows(rows))),
    ];
    let mut told = Table::with_header(["file", "rows", "seconds", "µs per row", "peak memory, MB"]);
    let mut ratios = String::new();
    let bare_megabytes: Vec<f64> =
        (0..asked.rounds).map(|_| run(&mut bare::command(&kinds[0].1(large))).succeeded().megabytes).collect();
    for (kind, make) in kinds {
        let sizes = [SMALL, large];
        let files = sizes.map(make);
        let mut all = [Loads(Vec::new()), Loads(Vec::new())];
        for _ in 0..asked.rounds {
            for ((rows, file), loads) in sizes.iter().zip(&files).zip(&mut all) {
                loads.0.push(load(&program, file, *rows, &[]).complete("inventory"));
            }
        }
        for (rows, loads) in sizes.iter().zip(&all) {
            told.add([
                kind.to_string(),
                whole(*rows),
                format!("{:.1}", loads.seconds()),
                format!("{:.1}", loads.median(|load| 1e6 / load.items_per_second())),
                whole(loads.median(|load| load.run.megabytes)),
            ]);
        }
        let [few, many] = &all;
        let growth = many.against(few, |many, few| few.items_per_second() / many.items_per_second());
        ratios += &format!("- A row of the large {kind} takes {growth:.2} times as long as one of the small.\n");
        if kind == "xlsx" {
            let pairs = many.0.iter().zip(&bare_megabytes).map(|(load, bare)| load.run.megabytes / bare);
            ratios += &format!(
                "- calamine's bare cell reader needs {} MB for the large xlsx; the load needs {:.2} times as much.\n",
                whole(median(bare_megabytes.iter().copied())),
                median(pairs)
            );
        }
    }
    format!("{told}\n{ratios}")
}
