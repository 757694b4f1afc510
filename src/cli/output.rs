//! What the command prints: the answer first, then what needs attention, grouped, then where the rest is.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Telling, Trouble};
use crate::judge::Skip;
use crate::message::{Problem, Rule, count};
use crate::plan::{Fate, PlanRow};
use crate::report::Report;

/// Problems of one kind that are printed in full; the rest of the kind is named by its cells.
const TOLD_IN_FULL: usize = 3;
const CELLS_NAMED: usize = 8;

/// A sentence for whoever typed the command, beside what is printed.
pub(super) fn say(sentence: &str) {
    // Nobody is left to hear about a closed standard error.
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// The files of `--fates` and `--items`.
pub(super) struct Lists {
    fates: Option<(PathBuf, BufWriter<File>)>,
    items: Option<(PathBuf, BufWriter<File>)>,
}

impl Lists {
    pub fn create(telling: &Telling) -> Result<Lists, Trouble> {
        let open = |path: &Option<PathBuf>| -> Result<_, Trouble> {
            let Some(path) = path else { return Ok(None) };
            let file = File::create(path).map_err(|error| Trouble::file("written", path, &error))?;
            Ok(Some((path.clone(), BufWriter::new(file))))
        };
        Ok(Lists { fates: open(&telling.fates)?, items: open(&telling.items)? })
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

    pub fn finish(self) -> Result<(), Trouble> {
        for (path, mut out) in self.fates.into_iter().chain(self.items) {
            out.flush().map_err(|error| Trouble::file("written", &path, &error))?;
        }
        Ok(())
    }
}

/// Prints a report; `kept` is where its file is.
pub(super) fn tell(report: &Report, title: Option<&str>, json: bool, kept: Option<&str>) -> Result<(), Trouble> {
    let text = if json {
        let mut text = serde_json::to_string_pretty(report).map_err(|error| Trouble::usage(error.to_string()))?;
        text.push('\n');
        text
    } else {
        words(report, title, kept)
    };
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Trouble::file("written", Path::new("standard output"), &error)),
    }
}

fn words(report: &Report, title: Option<&str>, kept: Option<&str>) -> String {
    let mut text = String::new();
    if let Some(title) = title {
        text.push_str(&format!("{title}: "));
    }
    text.push_str(&report.summary);
    text.push('\n');
    for sheet in report.sheets.iter().filter(|sheet| !sheet.loaded) {
        let why = match sheet.skipped {
            Some(Skip::HiddenSheet) => "it is hidden",
            Some(Skip::OtherSheet) => "the rules name another one",
            _ => "it has no row with the names of the columns",
        };
        text.push_str(&format!("Sheet \"{}\" was passed over: {why}.\n", sheet.name));
    }
    for row in report.skipped.iter().filter(|row| row.why != Skip::Title) {
        let what = if row.why == Skip::Total { "total" } else { "note" };
        text.push_str(&format!("Row {} was taken for a {what} and left out: \"{}\"\n", row.row, row.says));
    }
    for note in &report.notes {
        text.push_str(&format!("{} {}\n", note.message, note.advice));
    }
    for (rule, mut problems) in by_rule(&report.problems) {
        text.push('\n');
        // The rows of one item share one sentence.
        problems.dedup_by(|b, a| a.message == b.message);
        for problem in problems.iter().take(TOLD_IN_FULL) {
            text.push_str(&format!("  {} {}\n", problem.message, problem.advice));
        }
        if problems.len() > TOLD_IN_FULL {
            let rest = &problems[TOLD_IN_FULL..];
            let cells: Vec<String> = rest.iter().take(CELLS_NAMED).map(|problem| place(problem)).collect();
            let more = if rest.len() > CELLS_NAMED { ", …" } else { "" };
            let number = count(rest.len() as u64);
            text.push_str(&format!("  {number} more of this kind ({}): {}{more}\n", rule.id(), cells.join(", ")));
        }
    }
    if report.problems_total > report.problems.len() as u64 {
        let listed = count(report.problems.len() as u64);
        text.push_str(&format!("\nOf {} problems {listed} are listed.\n", count(report.problems_total)));
    }
    if let Some(kept) = kept {
        text.push_str(&format!("\nThe report is in {kept}\n"));
    }
    text
}

fn place(problem: &Problem) -> String {
    problem.cell.clone().unwrap_or_else(|| format!("row {}", problem.row))
}

/// The kinds in the order in which they first come.
fn by_rule(problems: &[Problem]) -> Vec<(Rule, Vec<&Problem>)> {
    let mut kinds: Vec<(Rule, Vec<&Problem>)> = Vec::new();
    for problem in problems {
        match kinds.iter_mut().find(|(rule, _)| *rule == problem.rule) {
            Some((_, kind)) => kind.push(problem),
            None => kinds.push((problem.rule, vec![problem])),
        }
    }
    kinds
}
