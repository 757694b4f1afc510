//! `inventory load FILE --table T` and `inventory plan FILE --table T`: a whole load from this machine, or all of it
//! but the writing. Plan and report are kept in a local folder.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::args::{EXIT_CODES, settings};
use super::local::{OpenTable, WhichTable};
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Run, RunEnd, Services};
use crate::store::{FolderStore, Store};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::cli::{Bar, CliError, Exit, Lists, ReportArgs, local_upload, print_note, print_report};
use inventory_check::plan::{Gate, Index, Names};

/// The duration of a lease, the same as that of the function, which the template sets.
pub const LEASE: Duration = Duration::from_secs(45);

#[cfg(test)]
pub const EXAMPLES: &[&str] =
    &["inventory load stock.xlsx --table stock --ledger inventory-ledger", "inventory load stock.xlsx --local"];

/// Load a file into a table.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Load {
    #[command(flatten)]
    load: LoadArgs,
    /// The loader's ledger table, so that loads into one table take turns.
    #[arg(long, value_name = "TABLE", conflicts_with = "local")]
    ledger: Option<String>,
    #[arg(long, value_name = "GATE", value_delimiter = ',', value_parser = gate, help = waive_help())]
    waive: Vec<Gate>,
}

/// Arguments of `load` and `plan`.
#[derive(Args)]
pub struct LoadArgs {
    /// The spreadsheet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    table: WhichTable,
    /// Keep the plan and the report in this folder.
    #[arg(long, value_name = "FOLDER", default_value = "inventory-loads")]
    out: PathBuf,
    /// How many seconds to wait before giving up if the table does nothing.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    table_wait: u64,
    /// Consume at most this many read units a second.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    read_units: Option<u32>,
    /// Consume at most this many write units a second, those of indexes included.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    write_units: Option<u32>,
    #[command(flatten)]
    report: ReportArgs,
}

fn waive_help() -> String {
    let [others @ .., last] = Gate::ALL.map(Gate::name);
    format!("Load even if this gate would hold the load: {} or {last}", others.join(", "))
}

fn gate(name: &str) -> Result<Gate, String> {
    let known = || Gate::ALL.map(Gate::name).join(", ");
    Gate::ALL.into_iter().find(|gate| gate.name() == name).ok_or_else(|| format!("the gates are {}", known()))
}

impl Load {
    pub async fn run(self) -> Result<Exit, CliError> {
        if let (None, Some(table)) = (&self.ledger, self.load.table.name()) {
            print_note(&format!(
                "No ledger is named (--ledger), so this load does not take turns with others: make sure that nothing \
                 else is loaded into table {table} until it ends."
            ));
        }
        self.load.run(self.ledger.as_deref(), false, &self.waive).await
    }
}

impl LoadArgs {
    pub async fn run(self, ledger: Option<&str>, dry_run: bool, waived: &[Gate]) -> Result<Exit, CliError> {
        let rules = self.report.rules()?;
        let store = Store::Folder(FolderStore::new(self.out.clone()));
        let upload = local_upload(&self.file)?.1;
        let open = self.table.open(|| match dry_run {
            true => OpenTable::for_plan(&self.out, &rules),
            false => OpenTable::for_load(&self.out, &rules),
        });
        let open = open.await?;
        let settings = settings(rules)?;
        let upload = unfinished(upload, &store, dry_run, waived).await?;
        let name = LoadId::of(&upload);
        let ledger = ledger.map(|table| Ledger::new(open.dynamodb.clone(), table, LEASE));
        let table = open
            .table(Duration::from_secs(self.table_wait))
            .with_read_ceiling(self.read_units.map(f64::from))
            .with_write_ceiling(self.write_units.map(f64::from));
        let services = Services::for_command(store, ledger, table);
        let bar = Bar::reading();
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
                    "This file is being loaded right now; wait for that load to end. If it was stopped, retry in a \
                     minute.",
                ));
            }
            RunEnd::EndedBefore { ending } => {
                print_note(&format!(
                    "This file was already loaded, and that load ended as \"{ending}\". Nothing was changed this time."
                ));
                return Ok(Exit::of_ended(ending));
            }
            // Only loads of the deployed loader end a run like this.
            RunEnd::Continued { .. } | RunEnd::Queued { .. } | RunEnd::Delayed { .. } => {
                return Err(LoadError::NoProgress(name).into());
            }
        };
        let mut lists = Lists::create(&self.report)?;
        if lists.wanted() {
            load::visit_rows(&name, &services.store, &mut |row| lists.add(row)).await?;
        }
        lists.finish()?;
        print_report(&report, None, self.report.json, Some(&services.store.location(&Names(&name).page())))?;
        if !report.held.is_empty() && !self.report.json {
            let gates: BTreeSet<&str> = report.held.iter().map(|held| held.gate.name()).collect();
            let gates = Vec::from_iter(gates).join(",");
            print_note(&format!("If all of that is right, load the file from here with --waive {gates}"));
        }
        Ok(Exit::from(&*report))
    }
}

/// Returns the upload to resume or to load: the same file is a new load if the last one has ended or had other
/// arguments, and otherwise resumes the last one.
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
