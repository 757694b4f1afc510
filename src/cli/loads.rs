//! `inventory loads`: lists the last loads into a table, and those that are waiting or running, from the deployed
//! loader, a ledger, or the folder where `inventory load` keeps them.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::args::ANSWER_CODES;
use super::deployed::{self, Deployed};
use super::load::LEASE;
use crate::event::{MAX_LOADS, Request};
use crate::ledger::{Ledger, State};
use crate::load::{self, LoadSummary};
use crate::store::{FolderStore, Store};
use inventory_base::decision::{FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::message::count;
use inventory_check::cli::{CliError, Exit, print_answer, shorten, stdout_width};

/// The fewest columns for a file name. With less room, each load takes several lines instead.
const NAME_COLUMNS: usize = 20;
const GAP: usize = 2;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory loads --function inventory-loader --limit 5",
    "inventory loads --function inventory-loader --json | jq -r '.loads[] | select(.ending == \"held\").load'",
];

/// List the last loads, and those that are waiting or running.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Loads {
    /// The inventory table; with --ledger, the ledger is read directly instead of asking the function.
    #[arg(long, value_name = "TABLE", requires = "ledger", conflicts_with = "function")]
    table: Option<String>,
    /// The loader's ledger table.
    #[arg(long, value_name = "TABLE", requires = "table")]
    ledger: Option<String>,
    /// The folder where `inventory load` and `inventory plan` keep their loads.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["function", "table"])]
    out: Option<PathBuf>,
    /// List at most this many loads that have ended.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=MAX_LOADS))]
    limit: u64,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loader: Deployed,
}

impl Loads {
    pub async fn run(self) -> Result<Exit, CliError> {
        let loads = self.find().await?;
        let text = match self.json {
            true => serde_json::json!({ "loads": loads }).to_string(),
            false => format_loads(&loads, stdout_width()),
        };
        print_answer(&text);
        Ok(Exit::Good)
    }

    async fn find(&self) -> Result<Vec<LoadSummary>, CliError> {
        let at_most = self.limit as usize;
        if let Some(folder) = &self.out {
            return Ok(load::list_kept_loads(&Store::Folder(FolderStore::new(folder)), at_most).await?);
        }
        if let (Some(table), Some(ledger)) = (&self.table, &self.ledger) {
            let ledger = Ledger::new(self.loader.connect().await.dynamodb, ledger, LEASE);
            return Ok(load::list_loads(table, &ledger, at_most).await?);
        }
        let relay = self.loader.relay().await.ok_or_else(|| {
            CliError::usage(
                "Name the loads to list: those of the loader's function (--function, or INVENTORY_FUNCTION), of a \
                 ledger (--table with --ledger), or of the folder of inventory load (--out).",
            )
        })?;
        deployed::ask_with_progress(&relay, &Request::ListLoads { at_most }, "loads").await
    }
}

/// A load in the list.
struct Line {
    load: String,
    when: String,
    file: String,
    result: String,
    rows_in: String,
    left_out: String,
}

impl Line {
    fn of(short: &LoadSummary) -> Line {
        let rows = |rows: Option<u64>| rows.map(count).unwrap_or_default();
        Line {
            load: short.load.to_string(),
            when: short.at.map(format_time).unwrap_or_default(),
            file: short.file.clone(),
            result: describe_result(short),
            rows_in: rows(short.rows_in),
            left_out: rows(short.rows_left_out),
        }
    }

    fn heading() -> Line {
        let [load, when, file, result, rows_in, left_out] =
            ["Load", "When (UTC)", "File", "Result", "In", "Left out"].map(str::to_string);
        Line { load, when, file, result, rows_in, left_out }
    }

    fn cells(&self) -> [&str; 6] {
        [&self.load, &self.when, &self.file, &self.result, &self.rows_in, &self.left_out]
    }

    /// Formats the load in columns, with numbers aligned to the right.
    fn in_columns(&self, widths: &[usize; 6]) -> String {
        let file = shorten(&self.file, widths[2]);
        let cells = [&self.load, &self.when, &file, &self.result, &self.rows_in, &self.left_out];
        let mut line = String::new();
        for (column, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(char_count(cell)));
            let (before, after) = if column < 4 { ("", gap.as_str()) } else { (gap.as_str(), "") };
            line.push_str(&format!("{}{before}{cell}{after}", if column > 0 { "  " } else { "" }));
        }
        line.trim_end().to_string()
    }

    /// Formats the load in several lines, for a terminal that is too narrow for columns.
    fn in_lines(&self, columns: usize) -> String {
        let counted = match self.rows_in.is_empty() {
            true => String::new(),
            false => format!(", {} in, {} left out", self.rows_in, self.left_out),
        };
        let [first, name, result] =
            [format!("{}  {}", self.load, self.when), self.file.clone(), format!("{}{counted}", self.result)];
        let [name, result] = [name, result].map(|text| shorten(&text, columns.saturating_sub(GAP)));
        format!("{}\n  {name}\n  {result}", shorten(first.trim_end(), columns))
    }
}

fn char_count(text: &str) -> usize {
    text.chars().count()
}

fn format_loads(loads: &[LoadSummary], columns: Option<usize>) -> String {
    if loads.is_empty() {
        return "No loads are known here.".to_string();
    }
    let lines: Vec<Line> = std::iter::once(Line::heading()).chain(loads.iter().map(Line::of)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line.cells()) {
            *width = char_count(cell).max(*width);
        }
    }
    let all: usize = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
    let over = columns.map_or(0, |columns| all.saturating_sub(columns));
    if over > 0 && widths[2] < over + NAME_COLUMNS {
        let columns = columns.unwrap_or(usize::MAX);
        return lines[1..].iter().map(|line| line.in_lines(columns)).collect::<Vec<_>>().join("\n");
    }
    widths[2] -= over;
    lines.iter().map(|line| line.in_columns(&widths)).collect::<Vec<_>>().join("\n")
}

pub(super) fn format_time(at: Timestamp) -> String {
    at.strftime("%-d %b %Y %H:%M").to_string()
}

fn describe_result(short: &LoadSummary) -> String {
    let written = u64::from(short.chunks_done) * 100 / u64::from(short.chunks_total.max(1));
    match (short.state, short.ending) {
        (State::Queued, _) => "waiting for its turn".to_string(),
        (State::Planning, _) => "being read and compared".to_string(),
        (State::Writing, _) => format!("being written, {written}%"),
        (State::Ended, Some(ending)) => describe_ended(ending, &short.later),
        (State::Ended, None) => "ended".to_string(),
    }
}

/// Describes how a load ended, and what happened to it since.
pub(super) fn describe_ended(ending: Ending, later: &[FollowUp]) -> String {
    let last = later.iter().rfind(|later| later.changes_outcome());
    match last.map(|later| later.what) {
        Some(FollowUpKind::Approved) => "held, then approved".to_string(),
        Some(FollowUpKind::Reloaded) => format!("{}, then reloaded", describe_ending(ending)),
        Some(FollowUpKind::Undone) => format!("{}, then undone", describe_ending(ending)),
        Some(FollowUpKind::Replaced) | None => describe_ending(ending).to_string(),
    }
}

/// Describes how a load ended.
pub(super) fn describe_ending(ending: Ending) -> &'static str {
    match ending {
        Ending::Done => "done",
        Ending::Refused => "file refused",
        Ending::Held => "waiting for approval",
        Ending::DryRun => "dry run",
        Ending::Removed => "file was gone",
        Ending::Superseded => "replaced by a newer file",
        Ending::Cancelled => "cancelled",
        Ending::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::load_id::LoadId;

    fn load(n: u32, state: State, ending: Option<Ending>, file: &str) -> LoadSummary {
        LoadSummary {
            load: LoadId::parse("0123456789abcdef").unwrap().linked(n),
            file: file.to_string(),
            state,
            ending,
            at: Some("2026-10-03T08:00:59Z".parse().unwrap()),
            rows_in: ending.filter(|ending| *ending == Ending::Done).map(|_| 4_812),
            rows_left_out: ending.filter(|ending| *ending == Ending::Done).map(|_| 88),
            chunks_done: 9,
            chunks_total: 20,
            summary: None,
            later: Vec::new(),
        }
    }

    fn loads() -> [LoadSummary; 3] {
        [
            load(4, State::Queued, None, "uploads/q4.csv"),
            load(3, State::Writing, None, "uploads/york/2026-Q3 stock of all shops.xlsx"),
            load(2, State::Ended, Some(Ending::Done), "uploads/q3.csv"),
        ]
    }

    #[test]
    fn loads_are_listed_in_columns_and_nothing_is_cut_in_a_pipe() {
        let all = "\
Load                When (UTC)        File                                      Result                  In  Left out
0123456789abcdef.4  3 Oct 2026 08:00  uploads/q4.csv                            waiting for its turn
0123456789abcdef.3  3 Oct 2026 08:00  uploads/york/2026-Q3 stock of all shops.xlsx  being written, 45%
0123456789abcdef.2  3 Oct 2026 08:00  uploads/q3.csv                            done                 4,812        88";
        let words = |text: &str| text.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let piped = format_loads(&loads(), None);
        assert_eq!(words(&piped), words(all));
        let starts: Vec<usize> = piped.lines().map(|line| line.find("3 Oct").unwrap_or(20)).collect();
        assert_eq!(starts, [20; 4]);
        assert!(piped.lines().next().is_some_and(|line| line.ends_with("Left out")), "{piped}");
    }

    #[test]
    fn a_narrow_terminal_shortens_names_and_a_very_narrow_one_gets_several_lines_per_load() {
        let fits = |columns: usize| {
            let text = format_loads(&loads(), Some(columns));
            assert!(text.lines().all(|line| char_count(line) <= columns), "{columns}: {text}");
            text
        };
        assert!(fits(110).contains("uploads/yo…"), "{}", fits(110));
        assert_eq!(fits(110).lines().count(), 4);
        assert!(fits(40).contains("done, 4,812 in, 88 left out"), "{}", fits(40));
        assert_eq!(fits(40).lines().count(), 9);
        fits(20);
        assert_eq!(format_loads(&[], Some(40)), "No loads are known here.");
    }

    #[test]
    fn every_ending_is_described_in_words() {
        for ending in Ending::ALL {
            assert!(describe_ending(ending).len() >= 4 && !describe_ending(ending).contains('-'), "{ending}");
        }
    }

    #[test]
    fn the_ending_is_described_with_what_happened_since() {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let later = |what| FollowUp { what, load: load.next(), by: Some("Erika".into()), at: Timestamp::UNIX_EPOCH };
        assert_eq!(describe_ended(Ending::Held, &[]), "waiting for approval");
        assert_eq!(describe_ended(Ending::Held, &[later(FollowUpKind::Approved)]), "held, then approved");
        assert_eq!(describe_ended(Ending::Failed, &[later(FollowUpKind::Reloaded)]), "failed, then reloaded");
        let both = [later(FollowUpKind::Undone), later(FollowUpKind::Replaced)];
        assert_eq!(describe_ended(Ending::Done, &both), "done, then undone");
    }
}
