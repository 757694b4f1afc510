//! Runs a program to its end and measures its time, processor time and memory.

use std::fs;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);
/// The unit in which /proc counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Run {
    pub seconds: f64,
    /// Processor time of the process and its children.
    pub processor_seconds: f64,
    /// Peak memory of the process and its children, with shared pages counted once.
    pub megabytes: f64,
    pub exit_code: Option<i32>,
    /// Everything it printed.
    pub output: String,
}

pub fn run(command: &mut Command) -> Run {
    let mut output = tempfile::tempfile().expect("a file for the output");
    let same = || Stdio::from(output.try_clone().expect("the same file"));
    command.stdin(Stdio::null()).stdout(same()).stderr(same());
    let spent_before = spent_by_children();
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let id = child.id();
    let (end, ended) = mpsc::channel::<()>();
    let sampler = thread::spawn(move || {
        let mut peak = 0;
        loop {
            peak = peak.max(memory_of_all(id));
            if ended.recv_timeout(SAMPLE_INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return peak;
            }
        }
    });
    let status = child.wait().expect("its status");
    let seconds = began.elapsed().as_secs_f64();
    drop(end);
    let peak = sampler.join().expect("the peak");
    let mut text = String::new();
    output.rewind().expect("the output");
    output.read_to_string(&mut text).expect("the output");
    let processor_seconds = spent_by_children() - spent_before;
    Run {
        seconds,
        processor_seconds,
        megabytes: peak as f64 / f64::from(1 << 20),
        exit_code: status.code(),
        output: text,
    }
}

impl Run {
    pub fn succeeded(self) -> Run {
        assert_eq!(self.exit_code, Some(0), "{}", self.output);
        self
    }
}

/// Returns the processor time of this process's ended children and their descendants.
fn spent_by_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("/proc");
    // The name may contain any character; the fields after it are counted from the third.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number");
    (ticks(16) + ticks(17)) / TICKS_PER_SECOND
}

fn memory_of_all(process: u32) -> u64 {
    // Children may have been started by any thread.
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|line| line.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    memory_of(process) + children.into_iter().map(memory_of_all).sum::<u64>()
}

/// Returns a process's memory in bytes: proportional (PSS) if readable, resident (RSS) otherwise.
fn memory_of(process: u32) -> u64 {
    let kilobytes = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).unwrap_or_default() * 1024
}
