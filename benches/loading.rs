//! Whole loads into a simulated table, also compared with other programs. The results are written to
//! docs/performance.md.
//!
//! cargo build --release -p inventory-local-table --bin simulated-table && cargo bench --bench loading -- --help

mod measure {
    pub mod bare_reader;
    pub mod cached;
    pub mod csv;
    pub mod load;
    pub mod machine;
    pub mod median;
    pub mod process;
    pub mod program;
    pub mod results;
    pub mod rules;
    pub mod stock;
    pub mod table;
    pub mod xlsx;
}
mod scenarios {
    pub mod capacity;
    pub mod cores;
    pub mod csv;
    pub mod hot;
    pub mod losses;
    pub mod memory;
    pub mod merge;
    pub mod profile;
    pub mod reports;
    pub mod start;
    pub mod unchanged;
    pub mod unthrottled;
}

use std::path::PathBuf;

use clap::Parser;
use measure::machine::Machine;
use measure::stock::SEED;
use measure::{bare_reader, results};

struct Scenario {
    name: &'static str,
    about: &'static str,
    /// Runs the scenario and returns its results in Markdown.
    measure: fn(&Arguments) -> String,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "unthrottled",
        about: "workbooks into a table without limits, compared with scripts",
        measure: scenarios::unthrottled::measure,
    },
    Scenario {
        name: "csv",
        about: "CSV files, compared with ddbimport and a script",
        measure: scenarios::csv::measure,
    },
    Scenario {
        name: "losses",
        about: "cases in which ddbimport loses rows, and what each program reports",
        measure: scenarios::losses::measure,
    },
    Scenario {
        name: "capacity",
        about: "tables with little capacity: how much of it is used",
        measure: scenarios::capacity::measure,
    },
    Scenario {
        name: "unchanged",
        about: "a file of which nine rows in ten are already in the table",
        measure: scenarios::unchanged::measure,
    },
    Scenario { name: "merge", about: "mode merge, which changes item by item", measure: scenarios::merge::measure },
    Scenario {
        name: "memory",
        about: "memory for a large file, and whether its rows take longer",
        measure: scenarios::memory::measure,
    },
    Scenario {
        name: "reports",
        about: "the cost of the reports for a large file",
        measure: scenarios::reports::measure,
    },
    Scenario { name: "cores", about: "one processor and two", measure: scenarios::cores::measure },
    Scenario { name: "hot", about: "a sheet sorted by the table's partition key", measure: scenarios::hot::measure },
    Scenario {
        name: "start",
        about: "start of the function until it requests its first event",
        measure: scenarios::start::measure,
    },
];

/// Measure whole loads into a simulated table.
#[derive(Parser)]
struct Arguments {
    /// The scenarios to measure; all by default
    #[arg(value_name = "SCENARIO", value_parser = SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>())]
    scenarios: Vec<String>,
    /// The number of rounds, of which the medians are reported
    #[arg(long, default_value_t = 5, value_parser = rounds)]
    rounds: usize,
    /// The number of rows to load instead of the scenario's own
    #[arg(long)]
    rows: Option<u32>,
    /// Print the results without changing docs/performance.md
    #[arg(long)]
    dry: bool,
    /// Record one load of a million rows with perf into this file, and measure nothing
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
    /// Passed by `cargo bench` to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn sizes(&self, default: &[u32]) -> Vec<u32> {
        self.rows.map_or_else(|| default.to_vec(), |rows| vec![rows])
    }

    /// Returns the command that repeats the measurement.
    fn command(&self, scenario: &Scenario) -> String {
        let Scenario { name, .. } = scenario;
        match self.rows {
            None => format!("make bench ONLY={name} ROUNDS={}", self.rounds),
            Some(rows) => format!("cargo bench --bench loading -- {name} --rounds {} --rows {rows}", self.rounds),
        }
    }
}

fn rounds(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|rounds| *rounds > 0).ok_or_else(|| "at least one".to_string())
}

fn main() {
    if bare_reader::ran() {
        return;
    }
    let arguments = Arguments::parse();
    if arguments.list {
        SCENARIOS.iter().for_each(|scenario| println!("{:<12} {}", scenario.name, scenario.about));
        return;
    }
    if let Some(recorded) = &arguments.profile {
        scenarios::profile::record(&arguments, recorded);
        return;
    }
    let machine = Machine::detect();
    for scenario in SCENARIOS {
        if !arguments.scenarios.is_empty() && !arguments.scenarios.iter().any(|name| name == scenario.name) {
            continue;
        }
        eprintln!("{}: {}", scenario.name, scenario.about);
        let measured = (scenario.measure)(&arguments);
        let text = format!(
            "{measured}\n{}\nTo repeat: `{}`.",
            machine.describe(arguments.rounds, SEED),
            arguments.command(scenario)
        );
        println!("## {}\n\n{text}\n", scenario.name);
        if !arguments.dry {
            results::save(scenario.name, &text);
        }
    }
}
