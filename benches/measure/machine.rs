//! The machine on which the benchmark runs, and whether it is otherwise idle.

use std::fs;
use std::thread::available_parallelism;

/// The load average above which measured times are unreliable.
const QUIET: f64 = 0.5;

pub struct Machine {
    pub cores: usize,
    pub model: String,
    /// Before the measurement, which itself raises it.
    pub load_average: f64,
}

impl Machine {
    pub fn detect() -> Machine {
        let processors = fs::read_to_string("/proc/cpuinfo").expect("/proc");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").expect("/proc");
        let load_average = load.split_whitespace().next().and_then(|load| load.parse().ok()).expect("a number");
        if load_average > QUIET {
            eprintln!("The load average is {load_average}: other programs are running, and times will be too long.");
        }
        Machine {
            cores: available_parallelism().expect("cores").get(),
            model: model.map_or("unknown model", |(_, model)| model).to_string(),
            load_average,
        }
    }

    /// Describes how the results were measured.
    pub fn describe(&self, rounds: usize, seed: u64) -> String {
        let Machine { cores, model, load_average } = self;
        let rounds = match rounds {
            1 => "one round".to_string(),
            rounds => format!("medians of {rounds} rounds taken in turn"),
        };
        format!("{cores} cores ({model}), load average {load_average:.2} before, {rounds}, seed {seed}.")
    }
}
