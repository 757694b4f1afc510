//! `inventory undo LOAD`: undoes a load, with the deployed loader (`--function F`) or from this machine, where
//! `inventory load` kept its plan (`--table T --out FOLDER`). Without `--yes` it only reports what would change.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::args::{EXIT_CODES, decision_maker, parse_load_id, settings};
use super::deployed::{self, Deployed};
use super::load::LEASE;
use super::local::OpenTable;
use crate::event::Request;
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Run, RunEnd, Services};
use crate::relay::Relay;
use crate::store::{FolderStore, Store};
use inventory_base::decision::Undo as UndoDecision;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::cli::{Bar, CliError, Exit, print_answer, print_note, print_report};
use inventory_check::plan::{Names, Undone};
use inventory_check::report::{Report, UndoAnswer};
use inventory_rules::schema::Schema;

const HOW_TO_UNDO: &str = "To undo it, run the same command with --yes.";

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader",
    "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader --yes",
    "inventory undo 0c3f1a2b4d5e6f70 --local --yes",
];

/// Undo a load, except for items changed since.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Undo {
    /// The load, by its name in the report.
    #[arg(value_name = "LOAD", value_parser = parse_load_id)]
    load: LoadId,
    /// Undo the load. Without this, the command only reports what would change.
    #[arg(long)]
    yes: bool,
    /// The DynamoDB table of a load from this machine.
    #[arg(long, value_name = "TABLE", conflicts_with = "function")]
    table: Option<String>,
    /// Undo a load into the local table, which is for trying things out: inventory load --local.
    #[arg(long, conflicts_with_all = ["table", "ledger", "function", "endpoint_url", "region"])]
    local: bool,
    /// The folder where that load kept its plan; the undo keeps its own there, too.
    #[arg(long, value_name = "FOLDER", default_value = "inventory-loads", conflicts_with = "function")]
    out: PathBuf,
    /// The loader's ledger table, so that loads into one table take turns.
    #[arg(long, value_name = "TABLE", conflicts_with = "function")]
    ledger: Option<String>,
    /// How many seconds to wait before giving up if the table does nothing.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "function")]
    table_wait: u64,
    /// Consume at most this many read units a second.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "function")]
    read_units: Option<u32>,
    /// Consume at most this many write units a second, those of indexes included.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "function")]
    write_units: Option<u32>,
    /// Print the report as JSON, as `report.json` holds it (docs/report.md).
    #[arg(long)]
    json: bool,
    /// Record this name as that of the person who asks for it; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    loader: Deployed,
}

/// Prints how to go ahead, if there is something to undo.
fn print_how_to_undo(report: &Report) {
    if report.undone.as_ref().is_some_and(Undone::changes_items) {
        print_note(HOW_TO_UNDO);
    }
}

impl Undo {
    pub async fn run(self) -> Result<Exit, CliError> {
        let by = decision_maker(self.by.clone());
        let undo = UndoDecision { load: self.load.clone(), by, at: Timestamp::now(), dry_run: !self.yes };
        if self.local {
            return self.undo_from_here(undo, &OpenTable::of_earlier_load(&self.out)?).await;
        }
        if let Some(table) = &self.table {
            let dynamodb = self.loader.connect().await.dynamodb;
            return self.undo_from_here(undo, &OpenTable::in_dynamodb(table, dynamodb)).await;
        }
        match self.loader.relay().await {
            Some(relay) => self.ask(undo, &relay).await,
            None => Err(CliError::usage(
                "Where was it loaded? Name the loader's function (--function), or the table (--table or --local) of a \
                 load from this machine.",
            )),
        }
    }

    /// Waits for the report of what would change, but not for the undo itself, which may take several runs of the
    /// function.
    async fn ask(&self, undo: UndoDecision, relay: &Relay) -> Result<Exit, CliError> {
        let (name, by) = (undo.load.undoing(), undo.by.clone());
        let preview = Request::Undo(UndoDecision { dry_run: true, ..undo.clone() });
        let told = match deployed::ask_with_progress(relay, &preview, "undo").await? {
            UndoAnswer::Report(report) => report,
            UndoAnswer::EndedBefore(ending) => return Ok(self.print_ended_before(ending)),
        };
        if !self.yes {
            print_report(&told, None, self.json, None)?;
            print_how_to_undo(&told);
            return Ok(Exit::from(&*told));
        }
        let reply = relay.ask(&Request::Undo(undo)).await.map_err(LoadError::from)?;
        if self.json {
            print_answer(&reply["answers"][0].to_string());
        }
        let (load, report) = (&self.load, Names(&name).page());
        print_note(&format!(
            "Load {load} will be undone as load {name} at its turn, as requested by {by}. Its report will be in \
             {report} of the reports bucket."
        ));
        Ok(Exit::Good)
    }

    async fn undo_from_here(&self, undo: UndoDecision, open: &OpenTable) -> Result<Exit, CliError> {
        if let (Some(table), None, true) = (&self.table, &self.ledger, self.yes) {
            print_note(&format!(
                "No ledger is named (--ledger), so this undo does not take turns with loads: make sure that nothing is \
                 loaded into table {table} until it ends."
            ));
        }
        let settings = settings(Schema::shipped().map_err(|mistakes| CliError::usage(format!("{mistakes}.")))?)?;
        let ledger = self.ledger.as_ref().map(|table| Ledger::new(open.dynamodb.clone(), table, LEASE));
        let table = open
            .table(Duration::from_secs(self.table_wait))
            .with_read_ceiling(self.read_units.map(f64::from))
            .with_write_ceiling(self.write_units.map(f64::from));
        let store = Store::Folder(FolderStore::new(self.out.clone()));
        let services = Services::for_command(store, ledger, table);
        let bar = Bar::reading();
        let name = undo.load.undoing();
        let request_id = format!("{name}-{}", std::process::id());
        let run = Run {
            request_id: &request_id,
            deadline: None,
            progress: &|progress| bar.show(progress),
            dry_run: undo.dry_run,
            waived: BTreeSet::new(),
        };
        let told = match self.yes {
            true => bar.during(load::undo(&undo, &services, &settings, &run)).await?,
            false => match bar.during(load::preview_undo(&undo, &services, &settings, &run)).await? {
                UndoAnswer::Report(report) => RunEnd::Ended(report),
                UndoAnswer::EndedBefore(ending) => RunEnd::EndedBefore { ending },
            },
        };
        let report = match told {
            RunEnd::Ended(report) => report,
            RunEnd::Duplicate => {
                return Err(CliError::usage(
                    "This load is being undone right now; wait for that to end. If it was stopped, retry in a minute.",
                ));
            }
            RunEnd::EndedBefore { ending } => return Ok(self.print_ended_before(ending)),
            // Only runs of the deployed loader end like this.
            RunEnd::Continued { .. } | RunEnd::Queued { .. } | RunEnd::Delayed { .. } => {
                return Err(LoadError::NoProgress(name).into());
            }
        };
        let kept = self.yes.then(|| services.store.location(&Names(&name).page()));
        print_report(&report, None, self.json, kept.as_deref())?;
        if !self.yes {
            print_how_to_undo(&report);
        }
        Ok(Exit::from(&*report))
    }

    fn print_ended_before(&self, ending: Ending) -> Exit {
        let (load, name) = (&self.load, self.load.undoing());
        let ended = match ending == Ending::Done {
            true => String::new(),
            false => format!(" That undo ended as \"{ending}\"; its report says what was undone."),
        };
        print_note(&format!(
            "Load {load} was already undone, as load {name}.{ended} Nothing was changed this time. To revert that, \
             undo {name}."
        ));
        Exit::of_ended(ending)
    }
}
