//! `inventory load FILE --table T` and `inventory plan FILE --table T`: the whole street from this machine, or all of it
//! but the writing. Plan and report are kept in a local folder.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::args::{EXIT_CODES, settings};
use crate::clients;
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Run, RunEnd, Services};
use crate::store::{FolderStore, Store};
use crate::table::Table;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::cli::{Bar, CliError, Exit, Lists, ReportArgs, local_upload, say, tell};
use inventory_check::plan::{Gate, Index, Names};

/// As long as the function's own, which the template sets.
pub const LEASE: Duration = Duration::from_secs(45);

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory load stock.xlsx --table stock --ledger inventory-ledger"];

/// Load a file into a table.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Load {
    #[command(flatten)]
    load: LoadArgs,
    /// The loader's ledger table, so that loads into one table take turns.
    #[arg(long, value_name = "TABLE")]
    ledger: Option<String>,
    /// Go on although this gate would hold the load: rejected, zeros, prices, fewer, missing, vanishing,
    /// document or older.
    #[arg(long, value_name = "GATE", value_delimiter = ',', value_parser = gate)]
    waive: Vec<Gate>,
}

/// What `load` and `plan` take.
#[derive(Args)]
pub struct LoadArgs {
    /// The spreadsheet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The DynamoDB table.
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// Talk to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The AWS region of the table; by default what the AWS settings say.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Keep the plan and the report in this folder.
    #[arg(long, value_name = "FOLDER", default_value = "inventory-loads")]
    out: PathBuf,
    /// Give up when the table does nothing for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    table_wait: u64,
    /// Read no more than so many units a second from the table.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    read_units: Option<u32>,
    /// Write no more than so many units a second to the table, its indexes included.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    write_units: Option<u32>,
    #[command(flatten)]
    report: ReportArgs,
}

fn gate(name: &str) -> Result<Gate, String> {
    let known = || Gate::ALL.map(Gate::name).join(", ");
    Gate::ALL.into_iter().find(|gate| gate.name() == name).ok_or_else(|| format!("the gates are {}", known()))
}

impl Load {
    pub async fn run(self) -> Result<Exit, CliError> {
        if self.ledger.is_none() {
            say(&format!(
                "No ledger is named (--ledger), so this load takes no turn: see that nothing else is loaded into table {} \
                 until it ends.",
                self.load.table
            ));
        }
        self.load.run(self.ledger.as_deref(), false, &self.waive).await
    }
}

impl LoadArgs {
    pub async fn run(self, ledger: Option<&str>, dry_run: bool, waived: &[Gate]) -> Result<Exit, CliError> {
        let settings = settings(self.report.rules()?)?;
        let store = Store::Folder(FolderStore::new(self.out.clone()));
        let upload = unfinished(local_upload(&self.file)?.1, &store, dry_run, waived).await?;
        let name = LoadId::of(&upload);
        let clients = clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await;
        let ledger = ledger.map(|table| Ledger::new(clients.dynamodb.clone(), table, LEASE));
        let table = Table::new(clients.dynamodb, &self.table, Duration::from_secs(self.table_wait))
            .with_read_ceiling(self.read_units.map(f64::from))
            .with_write_ceiling(self.write_units.map(f64::from));
        let services = Services::here(store, ledger, table);
        let bar = Bar::new();
        let request_id = format!("{name}-{}", std::process::id());
        let run = Run {
            request_id: &request_id,
            deadline: None,
            progress: &|progress| bar.show(progress),
            dry_run,
            waived: waived.iter().copied().collect(),
        };
        let report = match bar.during(load::load(upload, &services, &settings, &run)).await? {
            RunEnd::Ended(report) => report,
            RunEnd::Duplicate => {
                return Err(CliError::usage(
                    "This very file is being loaded right now; wait for it to end. If it was stopped, try again in a minute.",
                ));
            }
            RunEnd::EndedBefore { ending } => {
                say(&format!(
                    "This very file was loaded before, and ended as \"{ending}\". Nothing was changed this time."
                ));
                return Ok(Exit::of_ended(ending));
            }
            // Only a load that somebody else can start gets there.
            RunEnd::Continued { .. } | RunEnd::Queued { .. } | RunEnd::Delayed { .. } => {
                return Err(LoadError::NoHeadway(name).into());
            }
        };
        let mut lists = Lists::create(&self.report)?;
        if lists.wanted() {
            load::visit_rows(&name, &services.store, &mut |row| lists.add(row)).await?;
        }
        lists.finish()?;
        tell(&report, None, self.report.json, Some(&services.store.location(&Names(&name).page())))?;
        if !report.held.is_empty() && !self.report.json {
            let gates: BTreeSet<&str> = report.held.iter().map(|held| held.gate.name()).collect();
            let gates = Vec::from_iter(gates).join(",");
            say(&format!("If all of that is right, load the file from here with --waive {gates}"));
        }
        Ok(Exit::from(&*report))
    }
}

/// The same file typed again is a load of its own when the last one has ended or was asked for otherwise, and goes on
/// where it stopped when not.
async fn unfinished(upload: Upload, store: &Store, dry_run: bool, waived: &[Gate]) -> Result<Upload, CliError> {
    let content = upload.version.clone().unwrap_or_default();
    let waived: BTreeSet<Gate> = waived.iter().copied().collect();
    let mut upload = upload;
    for again in 2.. {
        let load = LoadId::of(&upload);
        let names = Names(&load);
        let read = async |name: String| store.read(&name).await.map_err(LoadError::from);
        let ended = read(names.report()).await?.is_some();
        let plan = read(names.index()).await?.map(|json| Index::decode(&json)).transpose().map_err(LoadError::from)?;
        if !ended && plan.is_none_or(|plan| plan.dry_run == dry_run && plan.waived == waived) {
            break;
        }
        upload.version = Some(format!("{content};{again}"));
    }
    Ok(upload)
}
