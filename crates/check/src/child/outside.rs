//! The parent's end: starts the child, keeps what it says, and turns its death into a refusal in a sentence.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use inventory_base::message::{Refusal, Rule, count};
use inventory_rules::judge::SheetRead;

use super::spool::{Reading, Spool};
use super::{Brief, Line, READ};

/// A row of at most 1,000 columns, each cell at its largest, is far below it.
const LINE_BYTES: u64 = 256 << 20;
/// Of what the child says on standard error, enough to know why it died.
const LAST_WORDS_BYTES: u64 = 4096;
/// A child that waits for something instead of working is given this many times its processor time.
const WAITING_FACTOR: u64 = 3;

/// Which program is started as the child. Both of ours can be; under test it is neither of them that runs.
#[derive(Debug, Clone)]
pub struct Reader {
    pub program: PathBuf,
    /// Where the spool is kept while it is read.
    pub scratch: PathBuf,
    /// What the spool may take there.
    pub scratch_bytes: u64,
}

/// How a reading ended.
#[derive(Debug)]
pub enum Outcome {
    Read(Reading),
    Refused(Refusal),
}

/// The machine's fault, not the file's. Trying again may help.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("the reader {program} could not be started: {source}")]
    Start { program: PathBuf, source: io::Error },
    #[error("the reader's words could not be kept in {folder}: {source}; more temporary storage may be needed")]
    Spool { folder: PathBuf, source: io::Error },
    #[error(
        "the time of this run was over before the file was read, which had {seconds} s; give the function more time"
    )]
    RunTooShort { seconds: u64 },
    #[error("the reader said something that is not in its language; are both programs of the same version?")]
    Language,
    #[error("the brief could not be written down: {0}")]
    Brief(serde_json::Error),
    #[error("this process could not be kept unreadable: {0}")]
    Hide(io::Error),
}

/// Reads and judges `file` in a child, which has no longer than `patience`, and keeps what it says in the spool, which
/// can be followed meanwhile. `progress` hears how many rows have been judged, now and then.
pub async fn read(
    reader: &Reader,
    file: File,
    brief: &Brief,
    spool: Spool,
    patience: Duration,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome, ChildError> {
    keep_unreadable().map_err(ChildError::Hide)?;
    let words = serde_json::to_string(brief).map_err(ChildError::Brief)?;
    let mut child = Command::new(&reader.program)
        .arg(READ)
        .arg(words)
        .env_clear()
        .current_dir("/")
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ChildError::Start { program: reader.program.clone(), source })?;
    let longest = Duration::from_secs(brief.limits.processor_seconds * WAITING_FACTOR);
    let ended = tokio::time::timeout(patience.min(longest), listen(&mut child, reader, spool, progress)).await;
    let (said, status, last_words) = match ended {
        Ok(ended) => ended?,
        // The next run may have more time; that a file takes too long, only its own limit says.
        Err(_) if patience < longest => {
            return Err(ChildError::RunTooShort { seconds: patience.as_secs() });
        }
        Err(_) => return Ok(Outcome::Refused(took_too_long(longest.as_secs()))),
    };
    match said {
        Said::Everything(reading) if status.success() => Ok(Outcome::Read(reading)),
        Said::Refused(refusal) if status.success() => Ok(Outcome::Refused(refusal)),
        _ => {
            tracing::warn!(event = "reader_died", status = %status, words = last_words.trim());
            Ok(Outcome::Refused(explain_death(status, &last_words, brief)))
        }
    }
}

/// What the child's lines came to.
enum Said {
    Everything(Reading),
    Refused(Refusal),
    /// It stopped in the middle.
    Part,
}

async fn listen(
    child: &mut Child,
    reader: &Reader,
    spool: Spool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Said, ExitStatus, String), ChildError> {
    let start_fault = |source| ChildError::Start { program: reader.program.clone(), source };
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(start_fault(io::Error::other("it has no output")));
    };
    let last_words = async {
        let mut text = Vec::new();
        // Read to the end even beyond what is kept, or a talkative child would wait for us for ever.
        let kept = (&mut stderr).take(LAST_WORDS_BYTES).read_to_end(&mut text).await;
        let drained = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        kept.and(drained).map(|_| String::from_utf8_lossy(&text).into_owned())
    };
    let (said, last_words) = tokio::join!(keep_lines(stdout, reader, spool, progress), last_words);
    let said = said?;
    let status = child.wait().await.map_err(start_fault)?;
    Ok((said, status, last_words.unwrap_or_default()))
}

async fn keep_lines(
    stdout: ChildStdout,
    reader: &Reader,
    spool: Spool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Said, ChildError> {
    const ROWS_PER_PROGRESS: u64 = 1000;
    let fault = |source| ChildError::Spool { folder: reader.scratch.clone(), source };
    let mut kept = spool.writer().map_err(fault)?;
    let mut sheets: Vec<SheetRead> = Vec::new();
    let mut lines = BufReader::with_capacity(1 << 16, stdout);
    let mut line = Vec::new();
    let (mut rows, mut bytes, mut duplicates_at, mut peak_memory) = (0u64, 0u64, None, None);
    loop {
        line.clear();
        let length = (&mut lines).take(LINE_BYTES).read_until(b'\n', &mut line).await.map_err(fault)? as u64;
        if line.last() != Some(&b'\n') {
            return Ok(Said::Part);
        }
        let is_row = line.starts_with(Line::ROW) && duplicates_at.is_none();
        if line.starts_with(Line::AGAIN) {
            duplicates_at.get_or_insert(bytes);
        } else if !is_row {
            let told = match serde_json::from_slice(&line) {
                Ok(Line::Sheet(number, sheet)) => {
                    sheets.truncate(usize::from(number));
                    sheets.push(sheet);
                    continue;
                }
                Ok(Line::Memory(bytes)) => {
                    peak_memory = Some(bytes);
                    continue;
                }
                told => told,
            };
            progress(rows);
            return match told {
                Ok(Line::End(file)) => {
                    kept.flush().map_err(fault)?;
                    let mut reading = spool.end(duplicates_at.unwrap_or(bytes), bytes, rows, file);
                    reading.peak_memory = peak_memory;
                    Ok(Said::Everything(reading))
                }
                Ok(Line::Refused(refusal)) => Ok(Said::Refused(refusal)),
                _ => Err(ChildError::Language),
            };
        }
        bytes += length;
        if bytes > reader.scratch_bytes {
            const MEGABYTE: u64 = 1 << 20;
            let limit = count(reader.scratch_bytes / MEGABYTE);
            return Ok(Said::Refused(Refusal::new(Rule::FileFillsStorage, &[("limit", &limit)])));
        }
        kept.write_all(&line).map_err(fault)?;
        rows += u64::from(is_row);
        if is_row && rows % ROWS_PER_PROGRESS == 0 {
            kept.flush().map_err(fault)?;
            spool.grow(bytes, rows, &sheets);
            progress(rows);
        }
    }
}

fn took_too_long(seconds: u64) -> Refusal {
    Refusal::new(Rule::FileTakesTooLong, &[("limit", &count(seconds))])
}

/// Why the child died, as far as its end tells.
fn explain_death(status: ExitStatus, last_words: &str, brief: &Brief) -> Refusal {
    use rustix::process::Signal;
    let signal = status.signal();
    let is = |wanted: Signal| signal == Some(wanted.as_raw());
    // The words of Rust's own allocation handler. A machine that is short of memory kills without words.
    if last_words.contains("memory allocation of") || is(Signal::KILL) {
        let limit = count(brief.limits.megabytes);
        return Refusal::new(Rule::FileNeedsTooMuchMemory, &[("limit", &limit)]);
    }
    if is(Signal::XCPU) {
        return took_too_long(brief.limits.processor_seconds);
    }
    Refusal::new(Rule::FileStopsReader, &[])
}

/// A child of the same user could otherwise read this process's environment and memory under /proc, keys included.
fn keep_unreadable() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_rules::schema::Schema;
    use inventory_workbook::Budget;

    fn brief() -> Brief {
        let (budget, limits) = (Budget::default(), super::super::Limits { processor_seconds: 2, megabytes: 100 });
        Brief {
            file_name: "a.csv".into(),
            schema: Schema::shipped().unwrap(),
            budget,
            limits,
            items: super::super::Items::Told,
        }
    }

    #[test]
    fn a_death_is_explained_by_how_it_came() {
        let said = |raw: i32, words: &str| explain_death(ExitStatus::from_raw(raw), words, &brief()).rule;
        assert_eq!(said(6, "memory allocation of 103079215080 bytes failed"), Rule::FileNeedsTooMuchMemory);
        assert_eq!(said(9, ""), Rule::FileNeedsTooMuchMemory);
        assert_eq!(said(24, ""), Rule::FileTakesTooLong);
        assert_eq!(said(11, ""), Rule::FileStopsReader);
        assert_eq!(said(101 << 8, "the reader stopped at src/x.rs:1:1"), Rule::FileStopsReader);
    }
}
