//! `inventory schema check [FILE]` and `inventory schema show`: checks or prints a set of rules.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::{list_mistakes, parse_rules};
use super::exit::{CliError, Exit, PRINT_CODES};
use super::output;
use crate::plan::Gate;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_rules::schema::{self, Missing, Mistakes, Mode, SHIPPED, Scope};

const FILE_CODES: &str = "Exit codes:
  0  the rules have no mistakes
  2  the rules have mistakes, or the file cannot be read";

pub const EXAMPLES: &[&str] = &["inventory schema check inventory.toml", "inventory schema show > inventory.toml"];

/// Show the rules that files are judged by, or check a set of your own.
#[derive(Args)]
pub struct Schema {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check a set of rules and name every mistake with its line.
    #[command(after_help = FILE_CODES)]
    Check {
        /// The file of rules.
        #[arg(value_name = "FILE", default_value = "inventory.toml")]
        file: PathBuf,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the rules the loader comes with, to start your own from.
    #[command(after_help = PRINT_CODES)]
    Show {
        /// Print them as JSON, with all defaults filled in.
        #[arg(long)]
        json: bool,
    },
}

impl Schema {
    pub async fn run(self) -> Result<Exit, CliError> {
        let (file, json) = match self.action {
            Action::Show { json: false } => return print(SHIPPED).map(|()| Exit::Good),
            Action::Show { json: true } => {
                let rules = schema::Schema::shipped().map_err(|mistakes| CliError::usage(format!("{mistakes}.")))?;
                output::print_answer(&serde_json::json!(rules).to_string());
                return Ok(Exit::Good);
            }
            Action::Check { file, json } => (file, json),
        };
        match parse_rules(&file)? {
            checked if json => {
                let mistakes = checked.as_ref().err().map(Mistakes::all).unwrap_or_default();
                let line = |mistake: &schema::Mistake| serde_json::json!({ "line": mistake.line, "message": mistake.sentence });
                let mistakes: Vec<_> = mistakes.iter().map(line).collect();
                output::print_answer(&serde_json::json!({ "file": file, "mistakes": mistakes }).to_string());
                Ok(if checked.is_ok() { Exit::Good } else { Exit::Usage })
            }
            Ok(rules) => {
                let key: Vec<&str> = rules.key.attributes().collect();
                let columns = count(rules.columns.len() as u64);
                let first = format!("{}: {columns} columns, key {}. No mistakes.", file.display(), key.join(" and "));
                let every = rules.expect_every.map(|every| format!("A sheet is expected every {every}.\n"));
                let every = every.unwrap_or_default();
                print(&format!("{first}\n{}\n{}\n{every}", describe_mode(&rules), describe_gates(&rules)))?;
                Ok(Exit::Good)
            }
            Err(mistakes) => {
                print(&(list_mistakes(&file, &mistakes) + "\n"))?;
                Ok(Exit::Usage)
            }
        }
    }
}

/// Describes how items are written, and what happens to items that are not listed.
fn describe_mode(rules: &schema::Schema) -> String {
    let way = match (rules.mode, rules.compare) {
        (Mode::Replace, true) => "New and changed items are replaced as a whole",
        (Mode::Replace, false) => {
            "All items are replaced as a whole, without reading the table first; loads cannot be undone"
        }
        (Mode::Merge, true) => "New and changed items get the values of the sheet and keep their other attributes",
        (Mode::Merge, false) => {
            "All items get the values of the sheet and keep their other attributes, without reading the table first; \
             loads cannot be undone"
        }
        (Mode::Add, _) => "Only items that are not in the table are added",
    };
    let Some(sync) = &rules.sync else {
        return format!("{way}. Items that a sheet does not list are unchanged.");
    };
    let scope = match &sync.scope {
        Scope::Table => "of the table".to_string(),
        Scope::Column(column) => format!("with a {column} of the sheet"),
        Scope::Only { column, value } => format!("with {column} = {}", shown(value)),
    };
    let missing = match sync.missing {
        Missing::Report => "reported",
        Missing::Mark => "marked as discontinued",
        Missing::Delete => "deleted",
    };
    format!("{way}. Items {scope} that the sheet does not list are {missing}.")
}

fn shown(value: &Value) -> String {
    match value {
        Value::S(text) | Value::N(text) => text.to_string(),
        Value::Bool(said) => said.to_string(),
        // Columns have no other kinds of value.
        other => format!("{other:?}"),
    }
}

/// Describes what would hold a load, by the gates that can apply under these rules.
fn describe_gates(rules: &schema::Schema) -> String {
    let reasons = Gate::conditions(rules);
    match reasons.split_last() {
        None => "No load is held for approval.".to_string(),
        Some((only, [])) => format!("A load is held until it is approved if {only}."),
        Some((last, others)) => format!("A load is held until it is approved if {}, or {last}.", others.join(", ")),
    }
}

fn print(text: &str) -> Result<(), CliError> {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader of the pipe, such as `head`, has closed it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CliError::file("written", Path::new("standard output"), &error)),
    }
}
