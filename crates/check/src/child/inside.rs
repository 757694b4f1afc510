//! The child's end: limits, then the file, then lines to standard output.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::Serialize;

use inventory_base::item::Item;
use inventory_rules::judge::{Hear, Judge, JudgeError, LentItem, Place, SheetRead, Verdict};
use inventory_workbook::Workbook;

use super::{Brief, Items, Line, LineOf, READ, confine, peak_memory};

/// The brief, where the command line is that of a child.
pub fn asked_to_read(mut arguments: impl Iterator<Item = OsString>) -> Option<OsString> {
    let first = arguments.nth(1)?;
    if first == READ { Some(arguments.next().unwrap_or_default()) } else { None }
}

/// Runs as the child. Must be called before any thread is started: limits and user are given up for all of them.
pub fn serve(brief: &std::ffi::OsStr) -> ExitCode {
    // Where it stopped, never what it was reading.
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
            // The library's own way out keeps what follows the last line back, and so writes twice as often.
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
        Err(JudgeError::Refused(refusal)) => say(out, &Line::Refused(refusal)),
        Err(JudgeError::Output(error)) => Err(error),
    }
}

fn judge_rows(file: File, brief: Brief, out: &mut impl Write) -> Result<(), JudgeError> {
    let encoding = brief.schema.encoding.map(|encoding| encoding.0);
    let mut workbook = Workbook::open_in(file, &brief.file_name, brief.budget, encoding).map_err(JudgeError::from)?;
    let mut judge = Judge::new(&brief.schema);
    let mut read = judge.judge_file(&mut workbook, &mut Said { items: brief.items, out })?;
    let mut say_again = |place: Place, verdict: Verdict<LentItem<'_>>| say(out, &LineOf::Again(place, verdict));
    judge.judge_again(&mut workbook, &mut say_again, &mut read)?;
    if let Some(bytes) = peak_memory() {
        say(out, &Line::Memory(bytes))?;
    }
    say(out, &Line::End(read))?;
    Ok(())
}

/// Says what is judged, line by line.
struct Said<'a, W> {
    items: Items,
    out: &'a mut W,
}

impl<W: Write> Hear for Said<'_, W> {
    fn row(&mut self, place: Place, verdict: Verdict<LentItem<'_>>) -> io::Result<()> {
        match self.items {
            Items::Told => say(self.out, &LineOf::Row(place, verdict)),
            Items::LeftOut => say(self.out, &Line::Row(place, verdict.map(|_| Item::new()))),
        }
    }

    fn sheet(&mut self, number: u16, sheet: SheetRead) -> io::Result<()> {
        say(self.out, &Line::Sheet(number, sheet))
    }
}

fn say(out: &mut impl Write, line: &LineOf<impl Serialize>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
