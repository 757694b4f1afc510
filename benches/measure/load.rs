//! Loads into simulated tables: single loads, and rounds in which several programs take turns.

use std::fs;
use std::io;
use std::path::Path;

use super::median::median;
use super::process::{Run, run};
use super::program::{OUT, Program};
use super::results::whole;
use super::table::{Counts, SimulatedTable};

pub struct Load {
    rows: u32,
    pub run: Run,
    pub counts: Counts,
}

/// All loads of one program.
pub struct Loads(pub Vec<Load>);

/// Loads into a new table that is started with these arguments.
pub fn load(program: &Program, file: &Path, rows: u32, table: &[&str]) -> Load {
    load_into(&SimulatedTable::start(table), program, file, rows)
}

pub fn load_into(table: &SimulatedTable, program: &Program, file: &Path, rows: u32) -> Load {
    match fs::remove_dir_all(OUT) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{OUT}: {error}"),
        _ => {}
    }
    let run = run(&mut program.command(file, &table.url()));
    eprintln!("  {}: {} rows in {:.2} s", program.name, whole(rows), run.seconds);
    Load { rows, run, counts: table.counts() }
}

/// Runs each program once per round, one after another, so that temporary slowness of the machine affects all of them.
pub fn take_turns(rounds: usize, programs: &[Program], file: &Path, rows: u32, table: &[&str]) -> Vec<Loads> {
    let mut all: Vec<Loads> = programs.iter().map(|_| Loads(Vec::new())).collect();
    for round in 0..rounds {
        for (program, loads) in programs.iter().zip(&mut all) {
            if round < program.rounds(rounds, rows) {
                loads.0.push(load(program, file, rows, table).checked(&program.name));
            }
        }
    }
    all
}

impl Load {
    /// Panics if the program failed; prints a warning if it reported success but lost items.
    pub fn checked(mut self, name: &str) -> Load {
        self.run = self.run.succeeded();
        let lost = u64::from(self.rows).saturating_sub(self.counts.items_taken);
        if lost > 0 {
            eprintln!("  {name} reported success, but {lost} items are not in the table");
        }
        self
    }

    pub fn items_per_second(&self) -> f64 {
        f64::from(self.rows) / self.run.seconds
    }

    pub fn micros_per_item(&self) -> f64 {
        self.run.processor_seconds * 1e6 / f64::from(self.rows)
    }

    /// Percentage used of the capacity that the table provided between the first and the last write.
    pub fn capacity_used(&self) -> f64 {
        let Counts { write_units, write_units_available, write_units_held_at_first_write, .. } = &self.counts;
        let available = write_units_available.zip(*write_units_held_at_first_write).expect("a table with a limit");
        100.0 * write_units / (available.0 + available.1)
    }

    /// Refused items per hundred accepted ones.
    pub fn refused(&self) -> f64 {
        100.0 * self.counts.items_refused as f64 / self.counts.items_taken as f64
    }
}

impl Loads {
    pub fn median(&self, of: impl Fn(&Load) -> f64) -> f64 {
        median(self.0.iter().map(of))
    }

    /// The median of a ratio between two loads of the same round.
    pub fn against(&self, other: &Loads, ratio: impl Fn(&Load, &Load) -> f64) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(ours, theirs)| ratio(ours, theirs)))
    }

    pub fn seconds(&self) -> f64 {
        self.median(|load| load.run.seconds)
    }

    /// Returns items per second, processor time, memory, and the time as a multiple of `ours`.
    pub fn cells(&self, ours: &Loads) -> [String; 4] {
        [
            whole(self.median(Load::items_per_second)),
            format!("{:.1}", self.median(Load::micros_per_item)),
            whole(self.median(|load| load.run.megabytes)),
            format!("{:.2}", ours.against(self, |ours, theirs| theirs.run.seconds / ours.run.seconds)),
        ]
    }
}
