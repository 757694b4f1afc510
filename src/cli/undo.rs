//! `inventory undo LOAD`: what a load wrote is taken back, by the deployed loader (`--function F`) or from this machine,
//! where `inventory load` kept its plan (`--table T --out FOLDER`). Without `--yes` it is only told what that comes to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::args::{EXIT_CODES, decided_by, load_name, settings};
use super::deployed::{self, Deployed};
use super::load::LEASE;
use crate::clients::Clients;
use crate::event::Request;
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Run, RunEnd, Services};
use crate::relay::Relay;
use crate::store::{FolderStore, Store};
use crate::table::Table;
use inventory_base::decision::Undo as UndoDecision;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::cli::{Bar, CliError, Exit, answer, say, tell};
use inventory_check::plan::{Names, Undone};
use inventory_check::report::{Report, UndoAnswer};
use inventory_rules::schema::Schema;

const GO_ON: &str = "To undo it, say the same again with --yes.";

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader",
    "inventory undo 0c3f1a2b4d5e6f70 --function inventory-loader --yes",
];

/// Undo a load, except for items changed since.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Undo {
    /// The load, by its name in the report.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: LoadId,
    /// Do it. Without this, nothing is changed: it is only told what would become of the items.
    #[arg(long)]
    yes: bool,
    /// The DynamoDB table, for a load that was made from this machine.
    #[arg(long, value_name = "TABLE", conflicts_with = "function")]
    table: Option<String>,
    /// The folder where that load kept its plan, and where the undo keeps its own.
    #[arg(long, value_name = "FOLDER", default_value = "inventory-loads", conflicts_with = "function")]
    out: PathBuf,
    /// The loader's ledger table, so that loads into one table take turns.
    #[arg(long, value_name = "TABLE", conflicts_with = "function")]
    ledger: Option<String>,
    /// Give up when the table does nothing for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "function")]
    table_wait: u64,
    /// Read no more than so many units a second from the table.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "function")]
    read_units: Option<u32>,
    /// Write no more than so many units a second to the table, its indexes included.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "function")]
    write_units: Option<u32>,
    /// Print the report as JSON, as `report.json` holds it (docs/report.md).
    #[arg(long)]
    json: bool,
    /// Who wants it undone, for the record; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    loader: Deployed,
}

/// Where there is something to undo.
fn say_go_on(report: &Report) {
    if report.undone.as_ref().is_some_and(Undone::changes_items) {
        say(GO_ON);
    }
}

impl Undo {
    pub async fn run(self) -> Result<Exit, CliError> {
        let by = decided_by(self.by.clone());
        let undo = UndoDecision { load: self.load.clone(), by, at: Timestamp::now(), dry_run: !self.yes };
        if let Some(table) = &self.table {
            return self.undo_from_here(undo, table, self.loader.connect().await).await;
        }
        match self.loader.relay().await {
            Some(relay) => self.ask(undo, &relay).await,
            None => Err(CliError::usage(
                "Where was it loaded? Name the loader's function (--function), or the table (--table) for a load that \
                 was made from this machine.",
            )),
        }
    }

    /// What it comes to is waited for; that it is done, which may take longer than one run of the function, is not.
    async fn ask(&self, undo: UndoDecision, relay: &Relay) -> Result<Exit, CliError> {
        let (name, by) = (undo.load.undoing(), undo.by.clone());
        let trial = Request::Undo(UndoDecision { dry_run: true, ..undo.clone() });
        let told = match deployed::ask_patiently(relay, &trial, "undo").await? {
            UndoAnswer::Report(report) => report,
            UndoAnswer::EndedBefore(ending) => return Ok(self.say_ended_before(ending)),
        };
        if !self.yes {
            tell(&told, None, self.json, None)?;
            say_go_on(&told);
            return Ok(Exit::from(&*told));
        }
        let reply = relay.ask(&Request::Undo(undo)).await.map_err(LoadError::from)?;
        if self.json {
            answer(&reply["answers"][0].to_string());
        }
        let (load, report) = (&self.load, Names(&name).page());
        say(&format!(
            "Load {load} is undone as load {name}, for {by}, when it is its turn. Its report will be in {report} of the \
             reports bucket."
        ));
        Ok(Exit::Good)
    }

    async fn undo_from_here(&self, undo: UndoDecision, table: &str, clients: Clients) -> Result<Exit, CliError> {
        if self.ledger.is_none() && self.yes {
            say(&format!(
                "No ledger is named (--ledger), so this undo takes no turn: see that nothing is loaded into table \
                 {table} until it ends."
            ));
        }
        let settings = settings(Schema::shipped().map_err(|mistakes| CliError::usage(format!("{mistakes}.")))?)?;
        let ledger = self.ledger.as_ref().map(|table| Ledger::new(clients.dynamodb.clone(), table, LEASE));
        let table = Table::new(clients.dynamodb, table, Duration::from_secs(self.table_wait))
            .with_read_ceiling(self.read_units.map(f64::from))
            .with_write_ceiling(self.write_units.map(f64::from));
        let store = Store::Folder(FolderStore::new(self.out.clone()));
        let services = Services::here(store, ledger, table);
        let bar = Bar::new();
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
                    "This very load is being undone right now; wait for that to end. If it was stopped, try again in a \
                     minute.",
                ));
            }
            RunEnd::EndedBefore { ending } => return Ok(self.say_ended_before(ending)),
            // Only what somebody else can start gets there.
            RunEnd::Continued { .. } | RunEnd::Queued { .. } | RunEnd::Delayed { .. } => {
                return Err(LoadError::NoHeadway(name).into());
            }
        };
        let kept = self.yes.then(|| services.store.location(&Names(&name).page()));
        tell(&report, None, self.json, kept.as_deref())?;
        if !self.yes {
            say_go_on(&report);
        }
        Ok(Exit::from(&*report))
    }

    fn say_ended_before(&self, ending: Ending) -> Exit {
        let (load, name) = (&self.load, self.load.undoing());
        let ended = match ending == Ending::Done {
            true => String::new(),
            false => format!(" That ended as \"{ending}\"; its report says what was taken back."),
        };
        say(&format!(
            "Load {load} was undone before, as load {name}.{ended} Nothing was changed this time. To take that back, undo {name}."
        ));
        Exit::of_ended(ending)
    }
}
