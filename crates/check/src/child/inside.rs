//! The child's side: sets its limits, reads and judges the file, and writes lines to standard output.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::Serialize;

use inventory_base::item::Item;
use inventory_rules::judge::{BorrowedItem, Judge, JudgeError, Place, SheetRead, Verdict, VerdictSink};
use inventory_workbook::Workbook;

use super::{Brief, Items, Line, LineOf, READ, confine, peak_memory};

/// Returns the brief if the process was started as the child.
pub fn brief_from_args(mut arguments: impl Iterator<Item = OsString>) -> Option<OsString> {
    let first = arguments.nth(1)?;
    if first == READ { Some(arguments.next().unwrap_or_default()) } else { None }
}

/// Runs as the child. Must be called before any thread is started, so that the limits and the change of user apply to
/// all threads.
pub fn serve(brief: &std::ffi::OsStr) -> ExitCode {
    // Report where it panicked, never what it was reading.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("the reader stopped at {}", panic.location().map_or_else(String::new, ToString::to_string));
    }));
    let done = brief
        .to_str()
        .and_then(|text| serde_json::from_str::<Brief>(text).ok())
        .ok_or_else(|| io::Error::other("the brief could not be understood"))
        .and_then(|brief| {
            confine(brief.limits)?;
            let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
            // The standard library's stdout is line-buffered: each write is split at its last line break, and so there
            // are twice as many.
            let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            let mut out = BufWriter::with_capacity(1 << 16, out);
            judge(file, brief, &mut out)?;
            out.flush()
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn judge(file: File, brief: Brief, out: &mut impl Write) -> io::Result<()> {
    match judge_rows(file, brief, out) {
        Ok(()) => Ok(()),
        Err(JudgeError::Refused(refusal)) => write_line(out, &Line::Refused(refusal)),
        Err(JudgeError::Output(error)) => Err(error),
    }
}

fn judge_rows(file: File, brief: Brief, out: &mut impl Write) -> Result<(), JudgeError> {
    let encoding = brief.schema.encoding.map(|encoding| encoding.0);
    let mut workbook = Workbook::open_in(file, &brief.file_name, brief.budget, encoding).map_err(JudgeError::from)?;
    let mut judge = Judge::new(&brief.schema);
    let mut read = judge.judge_file(&mut workbook, &mut LineWriter { items: brief.items, out })?;
    let mut write_again =
        |place: Place, verdict: Verdict<BorrowedItem<'_>>| write_line(out, &LineOf::Again(place, verdict));
    judge.judge_again(&mut workbook, &mut write_again, &mut read)?;
    if let Some(bytes) = peak_memory() {
        write_line(out, &Line::Memory(bytes))?;
    }
    write_line(out, &Line::End(read))?;
    Ok(())
}

/// Writes each verdict as a line.
struct LineWriter<'a, W> {
    items: Items,
    out: &'a mut W,
}

impl<W: Write> VerdictSink for LineWriter<'_, W> {
    fn row(&mut self, place: Place, verdict: Verdict<BorrowedItem<'_>>) -> io::Result<()> {
        match self.items {
            Items::Included => write_line(self.out, &LineOf::Row(place, verdict)),
            Items::Omitted => write_line(self.out, &Line::Row(place, verdict.map(|_| Item::new()))),
        }
    }

    fn sheet(&mut self, number: u16, sheet: SheetRead) -> io::Result<()> {
        write_line(self.out, &Line::Sheet(number, sheet))
    }
}

fn write_line(out: &mut impl Write, line: &LineOf<impl Serialize>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
