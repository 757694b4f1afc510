//! The command `inventory`: what can be typed, and what the exit codes say.

mod asking;
mod check;
#[cfg(test)]
mod commands;
mod deployed;
mod export;
mod load;
mod loads;
mod new_file;
mod output;
mod progress;
mod schema;
mod show;
mod template;
mod terminal;
mod undo;
mod upload;
mod wait;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use sha2::{Digest, Sha256};

use crate::config;
use crate::load::{LoadError, Rules, RulesFrom};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;
use inventory_base::upload::Upload;
use inventory_check::report::Report;
use inventory_check::sheet::SheetFault;
use inventory_rules::schema::Schema;
use schema::read_rules;

/// Loads a spreadsheet of stock into a DynamoDB table, and tells what became of every row.
#[derive(Parser)]
#[command(name = "inventory", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    subcommand: Sub,
}

const EXIT_CODES: &str = "Exit codes:
  0  everything is in (or, checked, is right)
  1  done, but some rows need attention or lost a value, or the table differs from what was written
  2  the command line or the set-up is not right
  3  the file is refused; nothing was changed
  4  the load is held, or would be, until somebody approves it; nothing was changed
  5  a fault of the cloud; run the same command again to go on";

const CHECK_CODES: &str = "Exit codes:
  0  all rows are right
  1  some rows need attention or lost a value
  2  the command line or the set-up is not right
  3  the file is refused
  4  a load would wait for approval: the file doesn't look like a stock list";

/// Of a command that only asks.
const ANSWER_CODES: &str = "Exit codes:
  0  it is told, or done
  2  the command line or the set-up is not right, or nothing is known of the load
  5  a fault of the cloud; run the same command again";

/// Of a command that only prints what it has.
const PRINT_CODES: &str = "Exit codes:
  0  it is printed
  2  the command line is not right";

const TEMPLATE_CODES: &str = "Exit codes:
  0  the file is made
  2  the command line or the set-up is not right, or there is such a file";

const EXPORT_CODES: &str = "Exit codes:
  0  all items are in the file
  1  some are left out; they are named
  2  the command line or the set-up is not right, or there is such a file
  5  a fault of the cloud; run the same command again";

const UPLOAD_CODES: &str = "Exit codes (without --wait only 0, 2, 3 and 5):
    0  everything is in, or with a trial would be; without --wait, the file is in the bucket
    1  done, but some rows need attention or lost a value, or the table differs from what was
       written; or not done: cancelled, or the file was replaced or deleted
    2  the command line or the set-up is not right
    3  the file is refused; nothing was changed
    4  the load is held until somebody approves it; nothing was changed
    5  a fault of the cloud, or the load failed; inventory show LOAD tells which
  130  left with Ctrl-C; the load goes on";

#[derive(Subcommand)]
enum Sub {
    /// Read and judge files, and tell what a load would make of them. Needs no cloud and changes nothing.
    #[command(after_help = CHECK_CODES)]
    Check(check::Check),
    /// Load a file into a table.
    #[command(after_help = EXIT_CODES)]
    Load(load::Load),
    /// Tell what a load would change in a table, without changing anything.
    #[command(after_help = EXIT_CODES)]
    Plan(load::Plan),
    /// Put a file where the deployed loader looks for uploads; with --wait, see its load to the end.
    #[command(after_help = UPLOAD_CODES)]
    Upload(upload::Upload),
    /// List the last loads, and what waits or is under way.
    #[command(after_help = ANSWER_CODES)]
    Loads(loads::Loads),
    /// Tell how far a load is, or what became of it and of its rows.
    #[command(after_help = ANSWER_CODES)]
    Show(show::Show),
    /// Let a load go on that waits for somebody to approve it.
    #[command(after_help = ANSWER_CODES)]
    Approve(asking::OneLoad),
    /// List the loads that failed, and how many events rest in the failure queue.
    #[command(after_help = ANSWER_CODES)]
    Failed(asking::ListFailed),
    /// Load again what failed or was cancelled: one load, or all that failed.
    #[command(after_help = ANSWER_CODES)]
    Redrive(asking::Redrive),
    /// Stop a load that waits or is under way.
    #[command(after_help = ANSWER_CODES)]
    Cancel(asking::OneLoad),
    /// Take back what a load wrote, but for items that somebody changed since.
    #[command(after_help = EXIT_CODES)]
    Undo(undo::Undo),
    /// Make a workbook to fill in from the rules: columns, drop-downs, limits, and a sheet that explains them.
    #[command(after_help = TEMPLATE_CODES)]
    Template(template::Template),
    /// Write all items of a table into a workbook or a CSV, which loads again with every row unchanged.
    #[command(after_help = EXPORT_CODES)]
    Export(export::Export),
    /// Look at the rules that files are judged by, or check a set of your own.
    #[command(subcommand, after_help = EXIT_CODES)]
    Schema(schema::Schema),
    /// Print what a shell needs to complete what is typed: bash, elvish, fish, powershell or zsh.
    #[command(after_help = PRINT_CODES)]
    Completions {
        /// The shell.
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

/// What is told, where, and by which rules. The same for every subcommand.
#[derive(Args)]
struct Telling {
    /// Print the report as JSON, as `report.json` holds it (docs/report.md).
    #[arg(long)]
    json: bool,
    /// Write each row with its fate into this file, as JSON Lines: {"sheet":"Stock","row":12,"fate":"rejected"}.
    #[arg(long, value_name = "OUT")]
    fates: Option<PathBuf>,
    /// Write the items of the accepted rows into this file, as JSON Lines in DynamoDB's JSON.
    #[arg(long, value_name = "OUT")]
    items: Option<PathBuf>,
    /// Judge by the rules in this file instead of those the loader comes with (inventory.toml).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

/// How a command ended; the numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    Good = 0,
    SomeRows = 1,
    Usage = 2,
    Refused = 3,
    Held = 4,
    Cloud = 5,
    /// As shells say it of what Ctrl-C ended.
    Left = 130,
}

impl From<&Report> for Exit {
    fn from(report: &Report) -> Exit {
        match report.ending {
            Ending::Refused => Exit::Refused,
            Ending::Held => Exit::Held,
            Ending::DryRun if !report.held.is_empty() => Exit::Held,
            Ending::Failed => Exit::Cloud,
            Ending::Done | Ending::DryRun
                if report.needing_attention() == 0 && !report.differs() && !report.lost_values() =>
            {
                Exit::Good
            }
            Ending::Done | Ending::DryRun | Ending::Removed | Ending::Superseded | Ending::Cancelled => Exit::SomeRows,
        }
    }
}

impl Exit {
    /// Of a load that was over before.
    fn of_ended(ending: &str) -> Exit {
        match ending {
            ending if ending == Ending::Refused.name() => Exit::Refused,
            ending if ending == Ending::Held.name() => Exit::Held,
            ending if ending == Ending::Failed.name() => Exit::Cloud,
            _ => Exit::Good,
        }
    }
}

/// What keeps a command from its work: a sentence for whoever typed it.
#[derive(Debug)]
struct CliError {
    exit: Exit,
    sentence: String,
}

impl CliError {
    fn usage(sentence: impl Into<String>) -> CliError {
        CliError { exit: Exit::Usage, sentence: sentence.into() }
    }

    fn file(action: &str, path: &Path, error: &std::io::Error) -> CliError {
        CliError::usage(format!(
            "{} could not be {action}: {error}. Check the name and its permissions.",
            path.display()
        ))
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> CliError {
        // What a later try cannot heal, somebody has to set right first.
        let exit = if error.would_trying_again_help() { Exit::Cloud } else { Exit::Usage };
        CliError { exit, sentence: sentence(&error) }
    }
}

impl From<SheetFault> for CliError {
    fn from(fault: SheetFault) -> CliError {
        CliError::usage(sentence(&fault))
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // clap ends a wrong command line itself, with 2.
    let command = Command::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(CliError::usage(format!("No threads could be started: {error}.")))),
    };
    end(runtime.block_on(async {
        match command.subcommand {
            Sub::Check(check) => check.run().await,
            Sub::Load(load) => load.run().await,
            Sub::Plan(plan) => plan.run().await,
            Sub::Upload(upload) => upload.run().await,
            Sub::Loads(loads) => loads.run().await,
            Sub::Show(show) => show.run().await,
            Sub::Approve(load) => load.approve().await,
            Sub::Failed(failed) => failed.run().await,
            Sub::Redrive(redrive) => redrive.run().await,
            Sub::Cancel(load) => load.cancel().await,
            Sub::Undo(undo) => undo.run().await,
            Sub::Template(template) => template.run(),
            Sub::Export(export) => export.run().await,
            Sub::Schema(schema) => schema.run(),
            Sub::Completions { shell } => {
                print_completions(shell);
                Ok(Exit::Good)
            }
        }
    }))
}

fn print_completions(shell: clap_complete::Shell) {
    // Into memory first: a pipe that is closed is no fault here.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Command::command(), "inventory", &mut script);
    output::answer(String::from_utf8_lossy(&script).trim_end());
}

fn end(result: Result<Exit, CliError>) -> ExitCode {
    let exit = result.unwrap_or_else(|trouble| {
        output::say(&trouble.sentence);
        trouble.exit
    });
    ExitCode::from(exit as u8)
}

impl Telling {
    fn rules(&self) -> Result<Rules, CliError> {
        rules_of(schema_in(self.schema.as_deref())?)
    }
}

/// The rules in a file, or those the loader comes with.
fn schema_in(file: Option<&Path>) -> Result<Schema, CliError> {
    match file {
        None => Schema::shipped().map_err(|mistakes| CliError::usage(format!("{mistakes}."))),
        Some(path) => read_rules(path)?.map_err(|mistakes| CliError::usage(schema::listed(path, &mistakes))),
    }
}

fn rules_of(schema: Schema) -> Result<Rules, CliError> {
    let program = std::env::current_exe().map_err(|error| {
        CliError::usage(format!("The command does not find itself, and so cannot start its reader: {error}."))
    })?;
    Ok(config::rules(RulesFrom::Given(Box::new(schema)), config::reader(program, std::env::temp_dir())))
}

fn load_name(name: &str) -> Result<LoadId, String> {
    LoadId::parse(name).ok_or_else(|| "a load's name has 16 digits and letters, as its report has it".to_string())
}

/// Who a decision is written down for.
fn whoever_types(named: Option<String>) -> String {
    named.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "nobody named".to_string())
}

/// A file on this machine, as an upload: its version is its content, so the same file is the same load.
fn local_upload(path: &Path) -> Result<Upload, CliError> {
    let fault = |error: std::io::Error| CliError::file("read", path, &error);
    let full = path.canonicalize().map_err(fault)?;
    let mut file = File::open(&full).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if !metadata.is_file() {
        return Err(CliError::usage(format!("{} is not a file. Name the spreadsheet itself.", path.display())));
    }
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(fault)? {
            0 => break,
            length => digest.update(&block[..length]),
        }
    }
    let version = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Upload {
        bucket: String::new(),
        key: full.to_string_lossy().into_owned(),
        version: Some(version),
        sequencer: None,
        etag: None,
        size: Some(metadata.len()),
        time: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::decimal::Decimal;
    use inventory_base::message::{Note, Rule};
    use inventory_check::plan::{Difference, Figure, Group};
    use inventory_check::report::{ReadBack, Seconds};

    #[test]
    fn the_command_line_holds_together() {
        Command::command().debug_assert();
    }

    #[test]
    fn a_table_that_differs_and_rows_that_lost_a_value_do_not_end_with_0() {
        let upload: Upload = serde_json::from_str(
            r#"{"bucket":"uploads","key":"a.csv","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#,
        )
        .unwrap();
        let mut report = Report::stopped(LoadId::of(&upload), upload, Ending::Done, String::new(), Seconds::default());
        assert_eq!(Exit::from(&report), Exit::Good);
        let read_back = |differences| Some(ReadBack { items: 1, of: 1, differences });
        report.totals.read_back = read_back(vec![]);
        assert_eq!(Exit::from(&report), Exit::Good);
        report.notes = vec![Note::new(Rule::NotTakenAsShown, &[])];
        assert_eq!(Exit::from(&report), Exit::Good);
        report.notes = vec![Note::new(Rule::CellsMergedAcross, &[])];
        assert_eq!(Exit::from(&report), Exit::SomeRows);
        report.notes.clear();
        let (figure, group) = (Figure::Items, Group::All);
        let difference = Difference { figure, group, expected: Decimal::from(1_u64), found: Decimal::from(0_u64) };
        report.totals.read_back = read_back(vec![difference]);
        assert_eq!(Exit::from(&report), Exit::SomeRows);
    }
}
