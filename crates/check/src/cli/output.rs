//! Where the command prints: the report to standard output, sentences beside it, and the lists into their files.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::ReportArgs;
use super::exit::{CliError, Exit};
use super::terminal::harmless;
use crate::plan::{Fate, PlanRow};
use crate::report::{Report, words};

/// A sentence for whoever typed the command, beside what is printed.
pub fn say(sentence: &str) {
    // Nobody is left to hear about a closed standard error.
    let _ = writeln!(io::stderr(), "{}", harmless(sentence));
}

/// What was asked for, on standard output.
pub fn answer(text: &str) {
    // A pipe that is closed has had enough.
    let _ = writeln!(io::stdout(), "{}", shown(text));
}

/// A text as it goes to standard output: a file or a pipe gets every letter of it.
fn shown(text: &str) -> Cow<'_, str> {
    if io::stdout().is_terminal() { harmless(text) } else { Cow::Borrowed(text) }
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

/// Prints a report; `kept` is where its file is.
pub fn tell(report: &Report, title: Option<&str>, json: bool, kept: Option<&str>) -> Result<(), CliError> {
    let text = if json {
        let mut text = serde_json::to_string_pretty(report).map_err(|error| CliError::usage(error.to_string()))?;
        text.push('\n');
        text
    } else {
        words(report, title, kept)
    };
    match io::stdout().write_all(shown(&text).as_bytes()) {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CliError::file("written", Path::new("standard output"), &error)),
    }
}

/// Ends the process: prints the sentence of a command that could not do its work.
pub fn end(result: Result<Exit, CliError>) -> ExitCode {
    let exit = result.unwrap_or_else(|error| {
        say(&error.sentence);
        error.exit
    });
    ExitCode::from(exit as u8)
}
