//! The loader on one processor and on two, with the table on another as far as there are enough.

use std::thread::available_parallelism;

use crate::Asked;
use crate::measure::load::{Load, Loads, load_into};
use crate::measure::program::Program;
use crate::measure::table::SimulatedTable;
use crate::measure::told::{Table, whole};
use crate::measure::{stock, xlsx};

pub fn measure(asked: &Asked) -> String {
    let cores = available_parallelism().expect("processors").get();
    if cores < 2 {
        return "There is one processor only.\n".to_string();
    }
    let of_table = (cores - 1).min(2);
    let programs = [("1", "0"), ("2", "0,1")]
        .map(|(count, cores)| Program::inventory(count, &[]).under(&["taskset", "-c", cores]));
    let mut told =
        Table::with_header(["rows", "processors", "seconds", "items/s", "µs of processor per item", "peak memory, MB"]);
    let mut gain = String::new();
    for rows in asked.sizes(&[1_000_000]) {
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        let mut all = [Loads(Vec::new()), Loads(Vec::new())];
        for _ in 0..asked.rounds {
            for (program, loads) in programs.iter().zip(&mut all) {
                let table = SimulatedTable::start_on(Some(of_table), &[]);
                loads.0.push(load_into(&table, program, &file, rows).complete("inventory"));
            }
        }
        for (program, loads) in programs.iter().zip(&all) {
            told.add([
                whole(rows),
                program.name.clone(),
                format!("{:.1}", loads.seconds()),
                whole(loads.median(Load::items_per_second)),
                format!("{:.1}", loads.median(Load::micros_per_item)),
                whole(loads.median(|load| load.run.megabytes)),
            ]);
        }
        let times = all[0].against(&all[1], |one, two| one.run.seconds / two.run.seconds);
        gain += &format!("The second processor makes {} rows {times:.2} times as fast.\n", whole(rows));
    }
    let shared = if of_table < 2 { " With two, the table shares one of them." } else { "" };
    format!("{told}\n{}{shared}\n", gain.trim())
}
