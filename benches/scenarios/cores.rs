//! The loader on one and on two processors, with the table on another one if there are enough.

use std::thread::available_parallelism;

use crate::Arguments;
use crate::measure::load::{Load, Loads, load_into};
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::table::SimulatedTable;
use crate::measure::{stock, xlsx};

pub fn measure(arguments: &Arguments) -> String {
    let cores = available_parallelism().expect("processors").get();
    if cores < 2 {
        return "There is only one processor.\n".to_string();
    }
    let table_core = (cores - 1).min(2);
    let programs = [("1", "0"), ("2", "0,1")]
        .map(|(count, cores)| Program::inventory(count, &[]).wrapped_in(&["taskset", "-c", cores]));
    let mut results =
        Table::with_header(["rows", "processors", "seconds", "items/s", "µs of processor per item", "peak memory, MB"]);
    let mut gain = String::new();
    for rows in arguments.sizes(&[1_000_000]) {
        let file = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        let mut all = [Loads(Vec::new()), Loads(Vec::new())];
        for _ in 0..arguments.rounds {
            for (program, loads) in programs.iter().zip(&mut all) {
                let table = SimulatedTable::start_on(Some(table_core), &[]);
                loads.0.push(load_into(&table, program, &file, rows).checked("inventory"));
            }
        }
        for (program, loads) in programs.iter().zip(&all) {
            results.add([
                whole(rows),
                program.name.clone(),
                format!("{:.1}", loads.seconds()),
                whole(loads.median(Load::items_per_second)),
                format!("{:.1}", loads.median(Load::micros_per_item)),
                whole(loads.median(|load| load.run.megabytes)),
            ]);
        }
        let times = all[0].against(&all[1], |one, two| one.run.seconds / two.run.seconds);
        gain += &format!("With two processors, loading {} rows is {times:.2} times as fast.\n", whole(rows));
    }
    let shared = if table_core < 2 { " With two, the table shares one of them." } else { "" };
    format!("{results}\n{}{shared}\n", gain.trim())
}
