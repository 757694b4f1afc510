//! The loader with a child that, confined as every child is, looks for keys instead of reading the file. What it finds
//! it says where a reader would say its verdict. Deployed and started by `tests/confinement`.
//!
//! key-hunter             serves as the Lambda function
//! key-hunter read BRIEF  is the child
//! key-hunter start FILE  starts a child of its own, as the function does, and prints what that found
//! key-hunter look        looks without being confined: shows that the hunter can find something

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use inventory_check::child::{self, Brief, Items, Limits, Outcome, Reader, Spool};
use inventory_loader::function;
use inventory_rules::schema::Schema;
use inventory_workbook::Budget;

/// In two halves, so that the hunter's own program and memory do not hold what it looks for.
const HALVES: (&str, &str) = ("AWS_SECRET_", "ACCESS_KEY=");

fn main() -> ExitCode {
    if let Some(brief) = child::asked_to_read(std::env::args_os()) {
        let brief: Brief = serde_json::from_str(&brief.to_string_lossy()).expect("a brief");
        child::confine(brief.limits).expect("confinement");
        let found = hunt();
        let message = format!("user {}, found {}: {}", user(), found.len(), found.join(" "));
        let refusal = serde_json::json!({ "rule": "file-stops-reader", "message": message, "advice": "" });
        println!("{}", serde_json::json!({ "refused": refusal }));
        return ExitCode::SUCCESS;
    }
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("look"), _) => println!("{}", hunt().join("\n")),
        (Some("start"), Some(file)) => println!("{}", start_child(Path::new(&file))),
        _ => function::serve().expect("the function"),
    }
    ExitCode::SUCCESS
}

#[tokio::main]
async fn start_child(file: &Path) -> String {
    let reader = Reader {
        program: std::env::current_exe().expect("this program"),
        scratch: std::env::temp_dir(),
        scratch_bytes: 1 << 20,
    };
    let brief = Brief {
        file_name: "stock.csv".to_string(),
        schema: Schema::shipped().expect("the shipped rules"),
        budget: Budget::default(),
        limits: Limits { processor_seconds: 60, megabytes: 200 },
        items: Items::Told,
    };
    let (file, spool) = (File::open(file).expect("the file"), Spool::create(&reader.scratch).expect("a spool"));
    match child::read(&reader, file, &brief, spool, Duration::MAX, &|_| {}).await {
        Ok(Outcome::Refused(refusal)) => refusal.message,
        other => format!("{other:?}"),
    }
}

fn user() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Uid:")).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or("unknown").to_string()
}

/// Every path under /proc by which another process's keys could be read, and that gave one away.
fn hunt() -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for process in list(Path::new("/proc")) {
        let name = process.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let mut paths = vec![process.join("environ"), process.join("cmdline")];
        for task in list(&process.join("task")) {
            paths.extend([task.join("environ"), task.join("cmdline")]);
        }
        if name != own {
            // Whatever the others have open, and what they see as their root.
            paths.extend(list(&process.join("fd")));
            paths.push(process.join("root/proc/self/environ"));
            found.extend(memory_with_keys(&process));
        }
        found.extend(paths.into_iter().filter(|path| holds_keys(path)).map(|path| path.display().to_string()));
    }
    found
}

fn list(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn holds_keys(path: &Path) -> bool {
    const MOST: u64 = 1 << 20;
    // Pipes and sockets would wait for ever.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut content = Vec::new();
    File::open(path).is_ok_and(|file| file.take(MOST).read_to_end(&mut content).is_ok()) && has_keys(&content)
}

/// The stack of another process, where its environment stands.
fn memory_with_keys(process: &Path) -> Option<String> {
    let maps = fs::read_to_string(process.join("maps")).ok()?;
    let range = maps.lines().find(|line| line.ends_with("[stack]"))?.split(' ').next()?.to_string();
    let (from, to) = range.split_once('-')?;
    let (from, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
    let path = process.join("mem");
    let mut memory = File::open(&path).ok()?;
    memory.seek(SeekFrom::Start(from)).ok()?;
    let mut content = Vec::new();
    memory.take(to - from).read_to_end(&mut content).ok()?;
    has_keys(&content).then(|| path.display().to_string())
}

fn has_keys(content: &[u8]) -> bool {
    let wanted = format!("{}{}", HALVES.0, HALVES.1);
    content.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}
