//! The loader with a child that is confined like every child, but searches for secret keys instead of reading the file.
//! It reports its findings as the refusal of the file. Deployed and started by `tests/confinement`.
//!
//! key-hunter             runs as the Lambda function
//! key-hunter read BRIEF  runs as the child
//! key-hunter start FILE  starts a child, as the function does, and prints what it found
//! key-hunter look        searches without being confined, to show that the hunter can find something

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use inventory_check::child::{self, Brief, Items, Limits, NamedFile, Outcome, Reader};
use inventory_loader::function;
use inventory_rules::schema::Schema;

/// In two halves, so that the hunter's own program and memory do not contain the string.
const HALVES: (&str, &str) = ("AWS_SECRET_", "ACCESS_KEY=");

fn main() -> ExitCode {
    if let Some(brief) = child::brief_from_args(std::env::args_os()) {
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
        scratch_bytes: 1 << 20,
        limits: Limits { processor_seconds: 60, megabytes: 200 },
        ..Reader::new(std::env::current_exe().expect("this program"), std::env::temp_dir())
    };
    let (rules, file) = (Schema::shipped().expect("the shipped rules"), File::open(file).expect("the file"));
    let spool = reader.spool().expect("a spool");
    match reader
        .read(NamedFile { file, name: "stock.csv" }, &rules, Items::Included, spool, Duration::MAX, &|_| {})
        .await
    {
        Ok(Outcome::Refused(refusal)) => refusal.message,
        other => format!("{other:?}"),
    }
}

fn user() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("Uid:")).unwrap_or_default();
    line.split_whitespace().nth(1).unwrap_or("unknown").to_string()
}

/// Returns the paths under /proc that reveal a secret key.
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
            // The open files of other processes, and /proc through their root.
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
    const MAX_BYTES: u64 = 1 << 20;
    // Reading pipes and sockets would block.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut content = Vec::new();
    File::open(path).is_ok_and(|file| file.take(MAX_BYTES).read_to_end(&mut content).is_ok()) && has_keys(&content)
}

/// Returns the path of another process's memory if a key is on its stack, where the environment is.
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
