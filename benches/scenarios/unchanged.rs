//! A file of which nine rows in ten are already in the table.

use crate::Arguments;
use crate::measure::load::{Loads, load_into};
use crate::measure::program::Program;
use crate::measure::results::{Table, whole};
use crate::measure::table::SimulatedTable;
use crate::measure::{stock, xlsx};

const LIMITS: [&str; 4] = ["--write-units", "4000", "--read-units", "12000"];
const ONE_CHANGED_IN: usize = 10;

pub fn measure(arguments: &Arguments) -> String {
    let program = Program::inventory("inventory", &[]);
    let mut results = Table::with_header(["rows", "file", "seconds", "write units", "read units"]);
    for rows in arguments.sizes(&[100_000]) {
        let first = xlsx::make(&format!("stock-{rows}"), stock::rows(rows));
        let changed = stock::rows(rows).enumerate().map(|(at, mut row)| {
            row.quantity += u32::from(at % ONE_CHANGED_IN == 0);
            row
        });
        let second = xlsx::make(&format!("stock-{rows}-changed"), changed);

        let (mut full, mut changes) = (Loads(Vec::new()), Loads(Vec::new()));
        for _ in 0..arguments.rounds {
            let table = SimulatedTable::start(&LIMITS);
            let before = load_into(&table, &program, &first, rows).checked("inventory");
            let mut after = load_into(&table, &program, &second, rows).checked("inventory");
            after.counts.write_units -= before.counts.write_units;
            after.counts.read_units -= before.counts.read_units;
            full.0.push(before);
            changes.0.push(after);
        }
        for (file, loads) in [("all rows new", &full), ("the same, one row in ten changed", &changes)] {
            results.add([
                whole(rows),
                file.to_string(),
                format!("{:.1}", loads.seconds()),
                whole(loads.median(|load| load.counts.write_units)),
                whole(loads.median(|load| load.counts.read_units)),
            ]);
        }
        let time = changes.against(&full, |changes, full| changes.run.seconds / full.run.seconds);
        let units = changes.against(&full, |changes, full| changes.counts.write_units / full.counts.write_units);
        results.add([
            String::new(),
            "the second against the first, %".to_string(),
            format!("{:.0}", 100.0 * time),
            format!("{:.1}", 100.0 * units),
            String::new(),
        ]);
    }
    results.to_string()
}
