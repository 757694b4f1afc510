//! Whole loads into a simulated table, alone and beside the programs people use today. Its tables go into
//! docs/performance.md.
//!
//! cargo build --release --example simulated-table && cargo bench --bench loading -- --help

mod measure {
    pub mod bare;
    pub mod csv;
    pub mod load;
    pub mod machine;
    pub mod median;
    pub mod once;
    pub mod process;
    pub mod program;
    pub mod rules;
    pub mod stock;
    pub mod table;
    pub mod told;
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
use measure::{bare, told};

struct Scenario {
    name: &'static str,
    about: &'static str,
    /// Gives its tables.
    measure: fn(&Asked) -> String,
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "unthrottled",
        about: "workbooks into a table that takes all that comes, against scripts",
        measure: scenarios::unthrottled::measure,
    },
    Scenario { name: "csv", about: "CSV files, against ddbimport and a script", measure: scenarios::csv::measure },
    Scenario {
        name: "losses",
        about: "where ddbimport loses rows: what each says of it",
        measure: scenarios::losses::measure,
    },
    Scenario {
        name: "capacity",
        about: "tables with little capacity: how much of it is used",
        measure: scenarios::capacity::measure,
    },
    Scenario {
        name: "unchanged",
        about: "a file of which nine rows in ten are in the table already",
        measure: scenarios::unchanged::measure,
    },
    Scenario { name: "merge", about: "mode merge, which changes item by item", measure: scenarios::merge::measure },
    Scenario {
        name: "memory",
        about: "what a large file needs, and whether its rows take longer",
        measure: scenarios::memory::measure,
    },
    Scenario {
        name: "reports",
        about: "what it costs to tell people what became of a large file",
        measure: scenarios::reports::measure,
    },
    Scenario { name: "cores", about: "one processor and two", measure: scenarios::cores::measure },
    Scenario { name: "hot", about: "a sheet sorted by the table's partition key", measure: scenarios::hot::measure },
    Scenario {
        name: "start",
        about: "the function, until it asks for its first event",
        measure: scenarios::start::measure,
    },
];

/// Measure whole loads into a simulated table.
#[derive(Parser)]
struct Asked {
    /// Which to measure; all of them by default
    #[arg(value_name = "SCENARIO", value_parser = SCENARIOS.iter().map(|scenario| scenario.name).collect::<Vec<_>>())]
    scenarios: Vec<String>,
    /// Take so many turns and tell the medians
    #[arg(long, default_value_t = 5, value_parser = rounds)]
    rounds: usize,
    /// Load so many rows instead of those the scenario has
    #[arg(long)]
    rows: Option<u32>,
    /// Print the results and leave docs/performance.md as it is
    #[arg(long)]
    dry: bool,
    /// Let perf record one load of a million rows into this file, and measure nothing
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Print which scenarios there are
    #[arg(long)]
    list: bool,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Asked {
    fn sizes(&self, default: &[u32]) -> Vec<u32> {
        self.rows.map_or_else(|| default.to_vec(), |rows| vec![rows])
    }

    /// The command that measures this again.
    fn again(&self, scenario: &Scenario) -> String {
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
    if bare::served() {
        return;
    }
    let asked = Asked::parse();
    if asked.list {
        SCENARIOS.iter().for_each(|scenario| println!("{:<12} {}", scenario.name, scenario.about));
        return;
    }
    if let Some(recorded) = &asked.profile {
        scenarios::profile::record(&asked, recorded);
        return;
    }
    let machine = Machine::look();
    for scenario in SCENARIOS {
        if !asked.scenarios.is_empty() && !asked.scenarios.iter().any(|name| name == scenario.name) {
            continue;
        }
        eprintln!("{}: {}", scenario.name, scenario.about);
        let results = (scenario.measure)(&asked);
        let text = format!("{results}\n{}\nAgain: `{}`.", machine.tell(asked.rounds, SEED), asked.again(scenario));
        println!("## {}\n\n{text}\n", scenario.name);
        if !asked.dry {
            told::keep(scenario.name, &text);
        }
    }
}
