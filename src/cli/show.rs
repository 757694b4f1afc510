//! `inventory show LOAD`: how far one load is, or what became of it and of each of its rows.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{ANSWER_CODES, load_name};
use super::deployed::{self, Deployed};
use super::loads::{say_ended, say_when};
use crate::event::Request;
use crate::ledger::State;
use crate::load::{self, LoadError, RowsShown, Shown};
use crate::relay::Relay;
use crate::store::{FolderStore, Store};
use inventory_base::decision::FollowUp;
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_check::cli::{CliError, Exit, answer, say, tell};
use inventory_check::plan::Fate;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory show 0c3f1a2b4d5e6f70 --function inventory-loader",
    "inventory show 0c3f1a2b4d5e6f70 --out inventory-loads --rows rejected | jq -r '.problems[].message'",
];

/// Show how far a load is, or what happened to it and to its rows.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Show {
    /// The load, by its name in the report, the log or the list of loads.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: LoadId,
    /// The folder where `inventory load` keeps it, where it was made from this machine.
    #[arg(long, value_name = "FOLDER", conflicts_with = "function")]
    out: Option<PathBuf>,
    /// Print each row with what became of it and why, as JSON Lines; only those of one fate, if it is named: rejected.
    #[arg(long, value_name = "FATE", num_args = 0..=1, default_missing_value = ALL, value_parser = fate)]
    rows: Option<Wanted>,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    loader: Deployed,
}

const ALL: &str = "all";

/// Which rows are to be printed.
#[derive(Clone)]
struct Wanted(Option<Fate>);

fn fate(name: &str) -> Result<Wanted, String> {
    let known = || Fate::ALL.map(Fate::name).join(", ");
    match Fate::ALL.into_iter().find(|fate| fate.name() == name) {
        Some(fate) => Ok(Wanted(Some(fate))),
        None if name == ALL => Ok(Wanted(None)),
        None => Err(format!("the fates are {}; the load's name stands before --rows", known())),
    }
}

/// Where the load is looked for.
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
                    "Say where the load was made: by the loader's function (--function, or INVENTORY_FUNCTION), or from \
                     here with a folder (--out).",
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
    async fn show(&self, load: &LoadId) -> Result<Option<Shown>, CliError> {
        match self {
            Place::Folder(store) => Ok(load::show(load, store, None).await?),
            Place::Function(relay) => deployed::ask_patiently(relay, &Request::Show(load.clone()), "shown").await,
        }
    }

    async fn print_rows(&self, load: &LoadId, fate: Option<Fate>) -> Result<(), CliError> {
        let mut out = BufWriter::new(io::stdout().lock());
        let (mut next, mut shortened) = (Some(0), 0);
        while let Some(from) = next {
            let shown = self.rows(load, from, fate).await?;
            match print(&shown, &mut out) {
                // Whoever reads has had enough, as `head` does.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                printed => printed.map_err(|error| CliError::file("written", Path::new("standard output"), &error))?,
            }
            (next, shortened) = (shown.next, shortened + shown.shortened);
        }
        if shortened > 0 {
            say(&say_shortened(shortened, load));
        }
        Ok(())
    }

    async fn rows(&self, load: &LoadId, from: u64, fate: Option<Fate>) -> Result<RowsShown, CliError> {
        match self {
            Place::Folder(store) => Ok(load::show_rows(load, from, fate, store, None).await?),
            Place::Function(relay) => {
                let fate = fate.map(|fate| fate.name().to_string());
                deployed::ask_patiently(relay, &Request::ShowRows { load: load.clone(), from, fate }, "rows").await
            }
        }
    }
}

fn say_shortened(rows: u64, load: &LoadId) -> String {
    let (rows, them) = match rows {
        1 => ("1 row is".to_string(), "it"),
        n => (format!("{} rows are", count(n)), "these"),
    };
    format!(
        "{rows} too long to be printed whole here: of {them} only sheet, row and fate were printed. The plan in \
         loads/{load}/plan has the rest."
    )
}

fn print(shown: &RowsShown, out: &mut impl Write) -> io::Result<()> {
    for row in &shown.rows {
        serde_json::to_writer(&mut *out, row)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints what is known of a load, and of one that is over the report.
fn answer_load(shown: &Shown, json: bool) -> Result<(), CliError> {
    if json {
        answer(&serde_json::json!(shown).to_string());
        return Ok(());
    }
    answer(&say_load(shown));
    if let Some(report) = &shown.report {
        answer("");
        tell(report, None, false, Some(&shown.report_is_in))?;
        say_cut(shown);
    }
    Ok(())
}

/// Of a report that is too long for an answer of the function.
pub(super) fn say_cut(shown: &Shown) {
    if let Some(listed) = shown.lists_cut_at {
        say(&format!(
            "The report is too long to be sent whole: its lists stop at {} entries here. All of it is in report.json beside {}",
            count(listed as u64),
            shown.report_is_in
        ));
    }
}

fn say_load(shown: &Shown) -> String {
    let file = shown.upload.as_ref().map_or("a file not yet known", |upload| upload.key.as_str());
    let table = shown.table.as_ref().map(|table| format!(", into table {table}")).unwrap_or_default();
    let mut lines = vec![format!("Load {}: {file}{table}", shown.load), say_state(shown)];
    if let Some(again) = &shown.again {
        let when = say_when(again.at);
        lines.push(format!("It loads {} again, as {} wanted on {when} UTC.", again.load, again.by));
    }
    if let Some(undo) = &shown.undo {
        lines.push(format!("It undoes load {}, as {} wanted on {} UTC.", undo.load, undo.by, say_when(undo.at)));
    }
    lines.extend(shown.outage.as_ref().map(|outage| {
        let (since, next) = (say_when(outage.since), say_when(outage.next));
        format!("It is delayed: since {since} UTC, {} The next try is at {next} UTC.", outage.why)
    }));
    lines.extend(shown.later.iter().map(FollowUp::say));
    if let Some((why, by)) = shown.stop.as_ref().filter(|_| shown.state != State::Ended) {
        lines.push(match why.as_str() {
            "cancelled" => format!("It stops at its next step: {by} cancelled it."),
            "superseded" => format!("It stops at its next step: load {by} is of a newer version of the file."),
            _ => format!("It lets load {by} go first at its next step."),
        });
    }
    if shown.state == State::Ended && shown.report.is_none() {
        lines.extend(shown.summary.clone());
        lines.push("Its report is no longer kept.".to_string());
    }
    lines.join("\n")
}

fn say_state(shown: &Shown) -> String {
    let on = |at: Option<jiff::Timestamp>| at.map(|at| format!(" {} UTC", say_when(at))).unwrap_or_default();
    let runs = match shown.starts {
        0 | 1 => String::new(),
        runs => format!(" This is its run number {}.", count(runs)),
    };
    // Who types the command again goes on with a load of a folder; a deployed one goes on by itself.
    let waits =
        if shown.is_running || shown.starts == 0 { "" } else { " No run is at it right now; the next goes on." };
    match shown.state {
        State::Queued => {
            let behind = shown.behind.as_ref().map(|load| format!(" Load {load} has the table."));
            format!("It has waited for its turn since{}.{}", on(shown.announced), behind.unwrap_or_default())
        }
        State::Planning => {
            // What an undo compares, it does not read from a file.
            let read = match shown.headway.map_or((0, 0), |rows| (rows.read, rows.compared)) {
                (0, 0) => String::new(),
                (read, 0) => format!(": {} rows read", count(read)),
                (0, compared) => format!(": {} rows compared", count(compared)),
                (read, compared) => format!(": {} rows read, {} compared", count(read), count(compared)),
            };
            format!("It is being read and compared{read}. Nothing is written yet.{runs}{waits}")
        }
        State::Writing => format!("It is being written: {}.{runs}{waits}", say_written(shown)),
        State::Ended => {
            let ending = shown.ending.map_or("over".to_string(), |ending| say_ended(ending, &shown.later));
            let runs = if shown.starts > 1 { format!(", in {} runs", count(shown.starts)) } else { String::new() };
            format!("It ended on{}: {ending}{runs}.", on(shown.updated))
        }
    }
}

/// How much of a load is written, as far as the ledger knows.
pub(super) fn say_written(shown: &Shown) -> String {
    let percent = |done: u64, of: u64| done * 100 / of.max(1);
    match shown.headway.filter(|headway| headway.of > 0) {
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

    /// As the function answers it, with these parts.
    fn shown(parts: serde_json::Value) -> Shown {
        let mut shown = json!({
            "load": "0123456789abcdef.2", "table": "stock", "state": "planning", "is_running": true, "starts": 1,
            "upload": { "bucket": "uploads", "key": "uploads/q3.csv", "version": "1", "sequencer": null, "etag": null,
                        "size": null, "time": null },
            "ending": null, "summary": null, "announced": "2026-10-03T08:00:00Z", "updated": "2026-10-03T08:01:00Z",
            "behind": null, "headway": null, "chunks_done": 0, "chunks_total": 0, "stop": null, "again": null,
            "undo": null, "report": null, "lists_cut_at": null, "report_is_in": "s3://reports/x"
        });
        for (name, part) in parts.as_object().unwrap() {
            shown[name] = part.clone();
        }
        serde_json::from_value(shown).unwrap()
    }

    fn says(parts: serde_json::Value) -> String {
        say_load(&shown(parts)).split_once('\n').unwrap().1.to_string()
    }

    #[test]
    fn a_load_is_told_as_far_as_it_is() {
        let first = say_load(&shown(json!({})));
        assert!(first.starts_with("Load 0123456789abcdef.2: uploads/q3.csv, into table stock\n"), "{first}");
        let headway = json!({ "read": 4000, "compared": 3000, "written": 1500, "of": 6000 });
        for (parts, told) in [
            (json!({}), "It is being read and compared. Nothing is written yet."),
            (
                json!({ "headway": headway }),
                "It is being read and compared: 4,000 rows read, 3,000 compared. Nothing is written yet.",
            ),
            (
                json!({ "headway": { "read": 0, "compared": 3000, "written": 0, "of": 0 } }),
                "It is being read and compared: 3,000 rows compared. Nothing is written yet.",
            ),
            (
                json!({ "state": "queued", "behind": "fedcba9876543210" }),
                "It has waited for its turn since 3 Oct 2026 08:00 UTC. Load fedcba9876543210 has the table.",
            ),
            (
                json!({ "state": "writing", "headway": headway, "starts": 3, "is_running": false }),
                "It is being written: 25%, 1,500 of 6,000 rows. This is its run number 3. No run is at it right now; the next goes on.",
            ),
            (json!({ "state": "writing", "chunks_done": 1, "chunks_total": 3 }), "It is being written: 33%."),
            (
                json!({ "state": "ended", "ending": "held", "summary": "Nothing was written." }),
                "It ended on 3 Oct 2026 08:01 UTC: waits to be approved.\nNothing was written.\nIts report is no longer kept.",
            ),
        ] {
            assert_eq!(says(parts), told);
        }
    }

    #[test]
    fn who_wanted_it_and_who_stops_it_is_told() {
        let word = json!({ "load": "0123456789abcdef", "by": "Erika", "at": "2026-10-03T07:00:00Z" });
        let told = says(json!({ "again": word, "stop": ["cancelled", "Jo"] }));
        assert!(told.contains("It loads 0123456789abcdef again, as Erika wanted on 3 Oct 2026 07:00 UTC."), "{told}");
        assert!(told.ends_with("It stops at its next step: Jo cancelled it."), "{told}");
        let told = says(json!({ "stop": ["superseded", "fedcba9876543210"] }));
        assert!(told.ends_with("load fedcba9876543210 is of a newer version of the file."), "{told}");
    }

    #[test]
    fn a_load_that_is_delayed_says_why_and_when_it_is_tried_again() {
        let outage = json!({ "since": "2026-10-03T08:00:00Z", "next": "2026-10-03T08:31:00Z", "tries": 5,
                              "why": "table stock gave nothing." });
        let told = says(json!({ "outage": outage, "is_running": false }));
        let delayed = "It is delayed: since 3 Oct 2026 08:00 UTC, table stock gave nothing. The next try is at 3 Oct 2026 \
                       08:31 UTC.";
        assert!(told.ends_with(delayed), "{told}");
    }

    #[test]
    fn a_fate_that_is_none_is_named_with_those_that_are() {
        assert!(matches!(fate("rejected"), Ok(Wanted(Some(Fate::Rejected)))));
        assert!(matches!(fate("all"), Ok(Wanted(None))));
        assert!(fate("bad").is_err_and(|said| said.contains("not-written")));
    }
}
