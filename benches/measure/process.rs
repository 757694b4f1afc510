//! A program run to its end: how long it took, what it cost, and what it said.

use std::fs;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

const SAMPLED_EVERY: Duration = Duration::from_millis(10);
/// In which /proc counts processor time.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Run {
    pub seconds: f64,
    /// Of the process and its children together.
    pub processor_seconds: f64,
    /// The most at any time, of the process and its children together: shared pages counted once.
    pub megabytes: f64,
    pub exit_code: Option<i32>,
    /// All that it printed.
    pub said: String,
}

pub fn run(command: &mut Command) -> Run {
    let mut output = tempfile::tempfile().expect("a file for what it says");
    let same = || Stdio::from(output.try_clone().expect("the same file"));
    command.stdin(Stdio::null()).stdout(same()).stderr(same());
    let spent_before = spent_by_children();
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let id = child.id();
    let (end, ended) = mpsc::channel::<()>();
    let sampler = thread::spawn(move || {
        let mut most = 0;
        loop {
            most = most.max(memory_of_all(id));
            if ended.recv_timeout(SAMPLED_EVERY) != Err(RecvTimeoutError::Timeout) {
                return most;
            }
        }
    });
    let status = child.wait().expect("its status");
    let seconds = began.elapsed().as_secs_f64();
    drop(end);
    let most = sampler.join().expect("what it kept");
    let mut said = String::new();
    output.rewind().expect("what it said");
    output.read_to_string(&mut said).expect("what it said");
    let processor_seconds = spent_by_children() - spent_before;
    Run { seconds, processor_seconds, megabytes: most as f64 / f64::from(1 << 20), exit_code: status.code(), said }
}

impl Run {
    pub fn succeeded(self) -> Run {
        assert_eq!(self.exit_code, Some(0), "{}", self.said);
        self
    }
}

/// Processor time of the children of this process that have ended, and of theirs.
fn spent_by_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("/proc");
    // Behind the name, which may hold anything, the fields are counted from the third.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number");
    (ticks(16) + ticks(17)) / TICKS_PER_SECOND
}

fn memory_of_all(process: u32) -> u64 {
    // A program starts its children from any of its threads.
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|line| line.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>())
        .collect();
    memory_of(process) + children.into_iter().map(memory_of_all).sum::<u64>()
}

/// In bytes; proportional where the kernel lets us see it, resident otherwise.
fn memory_of(process: u32) -> u64 {
    let kilobytes = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).unwrap_or_default() * 1024
}
