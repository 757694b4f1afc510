//! The parent's side: starts the child, stores its output, and explains its death as a refusal of the file.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use inventory_base::message::{Refusal, count, refusal};
use inventory_rules::judge::SheetRead;

use super::spool::{Reading, Spool};
use super::{Brief, Line, READ};

/// Far more than a row of at most 1,000 columns takes, even with every cell at its largest.
const LINE_BYTES: u64 = 256 << 20;
/// How much of the child's standard error is kept: enough to know why it died.
const STDERR_BYTES: u64 = 4096;
/// The child's wall-clock limit as a multiple of its limit on processor time, for one that waits instead of working.
const WAITING_FACTOR: u64 = 3;

/// The folder of the spool, and the largest spool allowed there.
pub struct Scratch<'a> {
    pub folder: &'a Path,
    pub bytes: u64,
}

/// The outcome of reading a file.
#[derive(Debug)]
pub enum Outcome {
    Read(Reading),
    Refused(Refusal),
}

/// A fault of the machine, not of the file. A retry may help.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("the reader {program} could not be started: {source}")]
    Start { program: PathBuf, source: io::Error },
    #[error("the reader's output could not be stored in {folder}: {source}; more temporary storage may be needed")]
    Spool { folder: PathBuf, source: io::Error },
    #[error("the run ended before the file was read: {seconds} s were left for it; give the function a longer timeout")]
    RunTooShort { seconds: u64 },
    #[error("the reader's output could not be understood; are both programs of the same version?")]
    Protocol,
    #[error("the reader's instructions could not be serialised: {0}")]
    Brief(serde_json::Error),
    #[error("this process could not be made unreadable to others: {0}")]
    Hide(io::Error),
}

/// Reads and judges `file` in a child for at most `patience`, and stores its output in the spool, which can be followed
/// in the meantime. Calls `progress` from time to time with the number of rows judged.
pub async fn read(
    program: &Path,
    scratch: &Scratch<'_>,
    file: File,
    brief: &Brief,
    spool: Spool,
    patience: Duration,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Outcome, ChildError> {
    keep_unreadable().map_err(ChildError::Hide)?;
    let brief_json = serde_json::to_string(brief).map_err(ChildError::Brief)?;
    let mut child = Command::new(program)
        .arg(READ)
        .arg(brief_json)
        .env_clear()
        .current_dir("/")
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ChildError::Start { program: program.to_path_buf(), source })?;
    let longest = Duration::from_secs(brief.limits.processor_seconds * WAITING_FACTOR);
    let ended =
        tokio::time::timeout(patience.min(longest), listen(&mut child, program, scratch, spool, progress)).await;
    let (output, status, stderr) = match ended {
        Ok(ended) => ended?,
        // The next run may have more time; a file takes too long only if it exceeds its own limit.
        Err(_) if patience < longest => {
            return Err(ChildError::RunTooShort { seconds: patience.as_secs() });
        }
        Err(_) => return Ok(Outcome::Refused(took_too_long(longest.as_secs()))),
    };
    match output {
        Output::Complete(reading) if status.success() => Ok(Outcome::Read(reading)),
        Output::Refused(refusal) if status.success() => Ok(Outcome::Refused(refusal)),
        _ => {
            tracing::warn!(event = "reader_died", status = %status, words = stderr.trim());
            Ok(Outcome::Refused(explain_death(status, &stderr, brief)))
        }
    }
}

/// The child's whole output.
enum Output {
    Complete(Reading),
    Refused(Refusal),
    /// It ended without its last line.
    Truncated,
}

async fn listen(
    child: &mut Child,
    program: &Path,
    scratch: &Scratch<'_>,
    spool: Spool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Output, ExitStatus, String), ChildError> {
    let start_fault = |source| ChildError::Start { program: program.to_path_buf(), source };
    let (Some(stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(start_fault(io::Error::other("it has no output")));
    };
    let last_words = async {
        let mut text = Vec::new();
        // Read to the end even beyond what is kept, or a child that writes a lot would block forever.
        let kept = (&mut stderr).take(STDERR_BYTES).read_to_end(&mut text).await;
        let drained = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        kept.and(drained).map(|_| String::from_utf8_lossy(&text).into_owned())
    };
    let (output, last_words) = tokio::join!(store_lines(stdout, scratch, spool, progress), last_words);
    let output = output?;
    let status = child.wait().await.map_err(start_fault)?;
    Ok((output, status, last_words.unwrap_or_default()))
}

async fn store_lines(
    stdout: ChildStdout,
    scratch: &Scratch<'_>,
    spool: Spool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Output, ChildError> {
    const ROWS_PER_PROGRESS: u64 = 1000;
    let fault = |source| ChildError::Spool { folder: scratch.folder.to_path_buf(), source };
    let mut kept = spool.writer().map_err(fault)?;
    let mut sheets: Vec<SheetRead> = Vec::new();
    let mut lines = BufReader::with_capacity(1 << 16, stdout);
    let mut line = Vec::new();
    let (mut rows, mut bytes, mut revised_at, mut peak_memory) = (0u64, 0u64, None, None);
    loop {
        line.clear();
        let length = (&mut lines).take(LINE_BYTES).read_until(b'\n', &mut line).await.map_err(fault)? as u64;
        if line.last() != Some(&b'\n') {
            return Ok(Output::Truncated);
        }
        let is_row = line.starts_with(Line::ROW) && revised_at.is_none();
        if line.starts_with(Line::AGAIN) {
            revised_at.get_or_insert(bytes);
        } else if !is_row {
            let parsed = match serde_json::from_slice(&line) {
                Ok(Line::Sheet(number, sheet)) => {
                    sheets.truncate(usize::from(number));
                    sheets.push(sheet);
                    continue;
                }
                Ok(Line::Memory(bytes)) => {
                    peak_memory = Some(bytes);
                    continue;
                }
                parsed => parsed,
            };
            progress(rows);
            return match parsed {
                Ok(Line::End(file)) => {
                    kept.flush().map_err(fault)?;
                    let mut reading = spool.end(revised_at.unwrap_or(bytes), bytes, rows, file);
                    reading.peak_memory = peak_memory;
                    Ok(Output::Complete(reading))
                }
                Ok(Line::Refused(refusal)) => Ok(Output::Refused(refusal)),
                _ => Err(ChildError::Protocol),
            };
        }
        bytes += length;
        if bytes > scratch.bytes {
            const MEGABYTE: u64 = 1 << 20;
            let limit = count(scratch.bytes / MEGABYTE);
            return Ok(Output::Refused(refusal!(FileFillsStorage { limit })));
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
    refusal!(FileTakesTooLong { limit: count(seconds) })
}

/// Explains why the child died, as far as its exit status and standard error show.
fn explain_death(status: ExitStatus, stderr: &str, brief: &Brief) -> Refusal {
    use rustix::process::Signal;
    let signal = status.signal();
    let is = |wanted: Signal| signal == Some(wanted.as_raw());
    // The message of Rust's own allocation handler. A machine that is short of memory kills without a message.
    if stderr.contains("memory allocation of") || is(Signal::KILL) {
        let limit = count(brief.limits.megabytes);
        return refusal!(FileNeedsTooMuchMemory { limit });
    }
    if is(Signal::XCPU) {
        return took_too_long(brief.limits.processor_seconds);
    }
    refusal!(FileStopsReader)
}

/// Makes this process unreadable to others: a child of the same user could otherwise read its environment and memory
/// under /proc, AWS keys included.
fn keep_unreadable() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::message::Rule;
    use inventory_rules::schema::Schema;
    use inventory_workbook::Budget;

    fn brief() -> Brief {
        let (budget, limits) = (Budget::default(), super::super::Limits { processor_seconds: 2, megabytes: 100 });
        Brief {
            file_name: "a.csv".into(),
            schema: Schema::shipped().unwrap(),
            budget,
            limits,
            items: super::super::Items::Included,
        }
    }

    #[test]
    fn a_dead_child_is_explained_by_its_signal_and_standard_error() {
        let rule = |raw: i32, stderr: &str| explain_death(ExitStatus::from_raw(raw), stderr, &brief()).rule;
        assert_eq!(rule(6, "memory allocation of 103079215080 bytes failed"), Rule::FileNeedsTooMuchMemory);
        assert_eq!(rule(9, ""), Rule::FileNeedsTooMuchMemory);
        assert_eq!(rule(24, ""), Rule::FileTakesTooLong);
        assert_eq!(rule(11, ""), Rule::FileStopsReader);
        assert_eq!(rule(101 << 8, "the reader stopped at src/x.rs:1:1"), Rule::FileStopsReader);
    }
}
