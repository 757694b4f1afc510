//! Prints the report to standard output, notes to standard error, and the lists into their files.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::ReportArgs;
use super::exit::{CliError, Exit};
use super::terminal::without_control_characters;
use crate::plan::{Fate, PlanRow};
use crate::report::{Report, words};

/// Prints a sentence for the user to standard error.
pub fn print_note(sentence: &str) {
    // If standard error is closed, there is no way to report that.
    let _ = writeln!(io::stderr(), "{}", without_control_characters(sentence));
}

/// Prints the answer to standard output.
pub fn print_answer(text: &str) {
    // A closed pipe is not an error.
    let _ = writeln!(io::stdout(), "{}", for_stdout(text));
}

/// Returns a text as it is printed to standard output: unchanged for a file or a pipe.
fn for_stdout(text: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() { without_control_characters(text) } else { Cow::Borrowed(text) }
}

/// The files of `--fates` and `--items`.
pub struct Lists {
    fates: Option<(PathBuf, BufWriter<File>)>,
    items: Option<(PathBuf, BufWriter<File>)>,
}

impl Lists {
    pub fn create(args: &ReportArgs) -> Result<Lists, CliError> {
        let open = |path: &Option<PathBuf>| -> Result<_, CliError> {
            let Some(path) = path else { return Ok(None) };
            let file = File::create(path).map_err(|error| CliError::file("written", path, &error))?;
            Ok(Some((path.clone(), BufWriter::new(file))))
        };
        Ok(Lists { fates: open(&args.fates)?, items: open(&args.items)? })
    }

    pub fn wanted(&self) -> bool {
        self.fates.is_some() || self.items.is_some()
    }

    pub fn add(&mut self, row: &PlanRow) -> io::Result<()> {
        #[derive(Serialize)]
        struct RowFate<'a> {
            sheet: &'a str,
            row: u32,
            fate: Fate,
        }
        if let Some((_, out)) = &mut self.fates {
            serde_json::to_writer(&mut *out, &RowFate { sheet: &row.sheet, row: row.row, fate: row.fate })?;
            out.write_all(b"\n")?;
        }
        if let (Some((_, out)), Some(item)) =
            (&mut self.items, row.item.as_ref().filter(|_| row.fate != Fate::NotWritten))
        {
            serde_json::to_writer(&mut *out, item)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    pub fn finish(self) -> Result<(), CliError> {
        for (path, mut out) in self.fates.into_iter().chain(self.items) {
            out.flush().map_err(|error| CliError::file("written", &path, &error))?;
        }
        Ok(())
    }
}

/// Prints a report. `kept` is the place of its file.
pub fn print_report(report: &Report, title: Option<&str>, json: bool, kept: Option<&str>) -> Result<(), CliError> {
    let text = if json {
        let mut text = serde_json::to_string_pretty(report).map_err(|error| CliError::usage(error.to_string()))?;
        text.push('\n');
        text
    } else {
        words(report, title, kept)
    };
    match io::stdout().write_all(for_stdout(&text).as_bytes()) {
        // The reader of the pipe, such as `head`, has closed it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CliError::file("written", Path::new("standard output"), &error)),
    }
}

/// Returns the exit code of the process, after printing the error of a command if it had one.
pub fn finish(result: Result<Exit, CliError>) -> ExitCode {
    let exit = result.unwrap_or_else(|error| {
        print_note(&error.sentence);
        error.exit
    });
    ExitCode::from(exit as u8)
}
