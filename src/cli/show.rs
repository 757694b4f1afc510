//! `inventory show LOAD`: shows the progress of a load, or its result and that of each of its rows.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{ANSWER_CODES, parse_load_id};
use super::deployed::{self, Deployed};
use super::loads::{describe_ended, format_time};
use crate::event::Request;
use crate::ledger::State;
use crate::load::{self, LoadError, LoadStatus, RowsPage};
use crate::relay::Relay;
use crate::store::{FolderStore, Store};
use inventory_base::decision::FollowUp;
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_check::cli::{CliError, Exit, print_answer, print_note, print_report};
use inventory_check::plan::Fate;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory show 0c3f1a2b4d5e6f70 --function inventory-loader",
    "inventory show 0c3f1a2b4d5e6f70 --out inventory-loads --rows rejected | jq -r '.problems[].message'",
];

/// Show the progress of a load, or what happened to it and to its rows.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Show {
    /// The load, by its name in the report, the log or the list of loads.
    #[arg(value_name = "LOAD", value_parser = parse_load_id)]
    load: LoadId,
    /// The folder where `inventory load` kept it, if it was loaded from this machine.
    #[arg(long, value_name = "FOLDER", conflicts_with = "function")]
    out: Option<PathBuf>,
    /// Print each row with its fate and the reason, as JSON Lines; or only those of one fate, such as rejected.
    #[arg(long, value_name = "FATE", num_args = 0..=1, default_missing_value = ALL, value_parser = fate)]
    rows: Option<Wanted>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loader: Deployed,
}

const ALL: &str = "all";

/// The fate of the rows to print; `None` for all rows.
#[derive(Clone)]
struct Wanted(Option<Fate>);

fn fate(name: &str) -> Result<Wanted, String> {
    let known = || Fate::ALL.map(Fate::name).join(", ");
    match Fate::ALL.into_iter().find(|fate| fate.name() == name) {
        Some(fate) => Ok(Wanted(Some(fate))),
        None if name == ALL => Ok(Wanted(None)),
        None => Err(format!("the fates are {}; the load's name comes before --rows", known())),
    }
}

/// Where to find the load.
enum Place {
    Folder(Store),
    Function(Relay),
}

impl Show {
    pub async fn run(self) -> Result<Exit, CliError> {
        let place = match &self.out {
            Some(folder) => Place::Folder(Store::Folder(FolderStore::new(folder))),
            None => Place::Function(self.loader.relay().await.ok_or_else(|| {
                CliError::usage(
                    "Name the loader's function (--function, or INVENTORY_FUNCTION), or the folder (--out) of a load \
                     from this machine.",
                )
            })?),
        };
        match &self.rows {
            Some(Wanted(fate)) => place.print_rows(&self.load, *fate).await?,
            None => {
                let shown = place.show(&self.load).await?;
                answer_load(&shown.ok_or_else(|| LoadError::UnknownLoad(self.load.clone()))?, self.json)?;
            }
        }
        Ok(Exit::Good)
    }
}

impl Place {
    async fn show(&self, load: &LoadId) -> Result<Option<LoadStatus>, CliError> {
        match self {
            Place::Folder(store) => Ok(load::show(load, store, None).await?),
            Place::Function(relay) => deployed::ask_with_progress(relay, &Request::Show(load.clone()), "shown").await,
        }
    }

    async fn print_rows(&self, load: &LoadId, fate: Option<Fate>) -> Result<(), CliError> {
        let mut out = BufWriter::new(io::stdout().lock());
        let (mut next, mut shortened) = (Some(0), 0);
        while let Some(from) = next {
            let shown = self.rows(load, from, fate).await?;
            match print(&shown, &mut out) {
                // The reader of the pipe, such as `head`, has closed it.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                printed => printed.map_err(|error| CliError::file("written", Path::new("standard output"), &error))?,
            }
            (next, shortened) = (shown.next, shortened + shown.shortened);
        }
        if shortened > 0 {
            print_note(&describe_shortened(shortened, load));
        }
        Ok(())
    }

    async fn rows(&self, load: &LoadId, from: u64, fate: Option<Fate>) -> Result<RowsPage, CliError> {
        match self {
            Place::Folder(store) => Ok(load::read_rows(load, from, fate, store, None).await?),
            Place::Function(relay) => {
                let fate = fate.map(|fate| fate.name().to_string());
                deployed::ask_with_progress(relay, &Request::ShowRows { load: load.clone(), from, fate }, "rows").await
            }
        }
    }
}

fn describe_shortened(rows: u64, load: &LoadId) -> String {
    let (rows, them) = match rows {
        1 => ("1 row is".to_string(), "it"),
        n => (format!("{} rows are", count(n)), "these"),
    };
    format!(
        "{rows} too long to be printed in full: only sheet, row and fate of {them} were printed. The plan in \
         loads/{load}/plan has the rest."
    )
}

fn print(shown: &RowsPage, out: &mut impl Write) -> io::Result<()> {
    for row in &shown.rows {
        serde_json::to_writer(&mut *out, row)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints what is known of a load, and its report if it has ended.
fn answer_load(shown: &LoadStatus, json: bool) -> Result<(), CliError> {
    if json {
        print_answer(&serde_json::json!(shown).to_string());
        return Ok(());
    }
    print_answer(&describe_load(shown));
    if let Some(report) = &shown.report {
        print_answer("");
        print_report(report, None, false, Some(&shown.report_is_in))?;
        print_cut_note(shown);
    }
    Ok(())
}

/// Prints a note if the lists of the report were cut to fit into an answer of the function.
pub(super) fn print_cut_note(shown: &LoadStatus) {
    if let Some(listed) = shown.lists_cut_at {
        print_note(&format!(
            "The report is too long for the function's answer, so its lists stop at {} entries here. The full report \
             is report.json, in the same folder as {}",
            count(listed as u64),
            shown.report_is_in
        ));
    }
}

fn describe_load(shown: &LoadStatus) -> String {
    let file = shown.upload.as_ref().map_or("a file not yet known", |upload| upload.key.as_str());
    let table = shown.table.as_ref().map(|table| format!(", into table {table}")).unwrap_or_default();
    let mut lines = vec![format!("Load {}: {file}{table}", shown.load), describe_state(shown)];
    if let Some(again) = &shown.again {
        let when = format_time(again.at);
        lines.push(format!("It reloads {}, as requested by {} on {when} UTC.", again.load, again.by));
    }
    if let Some(undo) = &shown.undo {
        lines.push(format!(
            "It undoes load {}, as requested by {} on {} UTC.",
            undo.load,
            undo.by,
            format_time(undo.at)
        ));
    }
    lines.extend(shown.outage.as_ref().map(|outage| {
        let (since, next) = (format_time(outage.since), format_time(outage.next));
        format!("It has been delayed since {since} UTC: {} The next retry is at {next} UTC.", outage.why)
    }));
    lines.extend(shown.later.iter().map(FollowUp::describe));
    if let Some((why, by)) = shown.stop.as_ref().filter(|_| shown.state != State::Ended) {
        lines.push(match why.as_str() {
            "cancelled" => format!("It stops at its next step: {by} cancelled it."),
            "superseded" => format!("It stops at its next step: load {by} has a newer version of the file."),
            _ => format!("It lets load {by} go first at its next step."),
        });
    }
    if shown.state == State::Ended && shown.report.is_none() {
        lines.extend(shown.summary.clone());
        lines.push("Its report is no longer kept.".to_string());
    }
    lines.join("\n")
}

fn describe_state(shown: &LoadStatus) -> String {
    let on = |at: Option<jiff::Timestamp>| at.map(|at| format!(" {} UTC", format_time(at))).unwrap_or_default();
    let runs = match shown.starts {
        0 | 1 => String::new(),
        runs => format!(" This is run {}.", count(runs)),
    };
    // Running the command again resumes a load of a folder; the deployed loader resumes its loads itself.
    let waits = if shown.is_running || shown.starts == 0 {
        ""
    } else {
        " No run is active right now; the next one resumes it."
    };
    match shown.state {
        State::Queued => {
            let behind = shown.behind.as_ref().map(|load| format!(" Load {load} is using the table."));
            format!("It has been waiting for its turn since{}.{}", on(shown.announced), behind.unwrap_or_default())
        }
        State::Planning => {
            // An undo compares items without reading a file.
            let read = match shown.progress.map_or((0, 0), |rows| (rows.read, rows.compared)) {
                (0, 0) => String::new(),
                (read, 0) => format!(": {} rows read", count(read)),
                (0, compared) => format!(": {} rows compared", count(compared)),
                (read, compared) => format!(": {} rows read, {} compared", count(read), count(compared)),
            };
            format!("It is being read and compared{read}. Nothing is written yet.{runs}{waits}")
        }
        State::Writing => format!("It is being written: {}.{runs}{waits}", describe_written(shown)),
        State::Ended => {
            let ending = shown.ending.map_or("ended".to_string(), |ending| describe_ended(ending, &shown.later));
            let runs = if shown.starts > 1 { format!(", in {} runs", count(shown.starts)) } else { String::new() };
            format!("It ended on{}: {ending}{runs}.", on(shown.updated))
        }
    }
}

/// Describes how much of a load is written, as recorded in the ledger.
pub(super) fn describe_written(shown: &LoadStatus) -> String {
    let percent = |done: u64, of: u64| done * 100 / of.max(1);
    match shown.progress.filter(|progress| progress.of > 0) {
        Some(rows) => {
            format!("{}%, {} of {} rows", percent(rows.written, rows.of), count(rows.written), count(rows.of))
        }
        None => format!("{}%", percent(shown.chunks_done.into(), shown.chunks_total.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns an answer of the function with these parts.
    fn shown(parts: serde_json::Value) -> LoadStatus {
        let mut shown = json!({
            "load": "0123456789abcdef.2", "table": "stock", "state": "planning", "is_running": true, "starts": 1,
            "upload": { "bucket": "uploads", "key": "uploads/q3.csv", "version": "1", "sequencer": null, "etag": null,
                        "size": null, "time": null },
            "ending": null, "summary": null, "announced": "2026-10-03T08:00:00Z", "updated": "2026-10-03T08:01:00Z",
            "behind": null, "progress": null, "chunks_done": 0, "chunks_total": 0, "stop": null, "again": null,
            "undo": null, "report": null, "lists_cut_at": null, "report_is_in": "s3://reports/x"
        });
        for (name, part) in parts.as_object().unwrap() {
            shown[name] = part.clone();
        }
        serde_json::from_value(shown).unwrap()
    }

    fn says(parts: serde_json::Value) -> String {
        describe_load(&shown(parts)).split_once('\n').unwrap().1.to_string()
    }

    #[test]
    fn the_progress_of_a_load_is_described() {
        let first = describe_load(&shown(json!({})));
        assert!(first.starts_with("Load 0123456789abcdef.2: uploads/q3.csv, into table stock\n"), "{first}");
        let progress = json!({ "read": 4000, "compared": 3000, "written": 1500, "of": 6000 });
        for (parts, told) in [
            (json!({}), "It is being read and compared. Nothing is written yet."),
            (
                json!({ "progress": progress }),
                "It is being read and compared: 4,000 rows read, 3,000 compared. Nothing is written yet.",
            ),
            (
                json!({ "progress": { "read": 0, "compared": 3000, "written": 0, "of": 0 } }),
                "It is being read and compared: 3,000 rows compared. Nothing is written yet.",
            ),
            (
                json!({ "state": "queued", "behind": "fedcba9876543210" }),
                "It has been waiting for its turn since 3 Oct 2026 08:00 UTC. Load fedcba9876543210 is using the \
                 table.",
            ),
            (
                json!({ "state": "writing", "progress": progress, "starts": 3, "is_running": false }),
                "It is being written: 25%, 1,500 of 6,000 rows. This is run 3. No run is active right now; the next \
                 one resumes it.",
            ),
            (json!({ "state": "writing", "chunks_done": 1, "chunks_total": 3 }), "It is being written: 33%."),
            (
                json!({ "state": "ended", "ending": "held", "summary": "Nothing was written." }),
                "It ended on 3 Oct 2026 08:01 UTC: waiting for approval.\nNothing was written.\nIts report is no \
                 longer kept.",
            ),
        ] {
            assert_eq!(says(parts), told);
        }
    }

    #[test]
    fn who_asked_for_a_load_and_who_stops_it_is_named() {
        let word = json!({ "load": "0123456789abcdef", "by": "Erika", "at": "2026-10-03T07:00:00Z" });
        let told = says(json!({ "again": word, "stop": ["cancelled", "Jo"] }));
        assert!(told.contains("It reloads 0123456789abcdef, as requested by Erika on 3 Oct 2026 07:00 UTC."), "{told}");
        assert!(told.ends_with("It stops at its next step: Jo cancelled it."), "{told}");
        let told = says(json!({ "stop": ["superseded", "fedcba9876543210"] }));
        assert!(told.ends_with("load fedcba9876543210 has a newer version of the file."), "{told}");
    }

    #[test]
    fn a_delayed_load_shows_the_reason_and_the_time_of_the_next_retry() {
        let outage = json!({ "since": "2026-10-03T08:00:00Z", "next": "2026-10-03T08:31:00Z", "tries": 5,
                              "why": "Table stock did not answer." });
        let told = says(json!({ "outage": outage, "is_running": false }));
        let delayed = "It has been delayed since 3 Oct 2026 08:00 UTC: Table stock did not answer. The next retry is \
                       at 3 Oct 2026 08:31 UTC.";
        assert!(told.ends_with(delayed), "{told}");
    }

    #[test]
    fn an_unknown_fate_is_an_error_that_lists_the_fates() {
        assert!(matches!(fate("rejected"), Ok(Wanted(Some(Fate::Rejected)))));
        assert!(matches!(fate("all"), Ok(Wanted(None))));
        assert!(fate("bad").is_err_and(|said| said.contains("not-written")));
    }
}
