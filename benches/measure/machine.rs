//! The machine that measures, and whether it has anything else to do.

use std::fs;
use std::thread::available_parallelism;

/// Above this the programs wait for others, and times say little.
const QUIET: f64 = 0.5;

pub struct Machine {
    pub cores: usize,
    pub model: String,
    /// At the beginning; later it is the measuring itself.
    pub load_average: f64,
}

impl Machine {
    pub fn look() -> Machine {
        let processors = fs::read_to_string("/proc/cpuinfo").expect("/proc");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").expect("/proc");
        let load_average = load.split_whitespace().next().and_then(|load| load.parse().ok()).expect("a number");
        if load_average > QUIET {
            eprintln!(
                "The load average is {load_average}: something else is at work here, and times will be too long."
            );
        }
        Machine {
            cores: available_parallelism().expect("cores").get(),
            model: model.map_or("of unknown make", |(_, model)| model).to_string(),
            load_average,
        }
    }

    /// How what follows was measured.
    pub fn tell(&self, rounds: usize, seed: u64) -> String {
        let Machine { cores, model, load_average } = self;
        let rounds = match rounds {
            1 => "one round".to_string(),
            rounds => format!("medians of {rounds} rounds taken in turn"),
        };
        format!("{cores} cores ({model}), load average {load_average:.2} before, {rounds}, seed {seed}.")
    }
}
