//! `inventory schema check [FILE]` and `inventory schema show`: a set of rules, checked or printed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::args::{listed, parse_rules};
use super::exit::{CliError, Exit, PRINT_CODES};
use super::output;
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_rules::schema::{self, Missing, Mistakes, Mode, SHIPPED, Scope};

const FILE_CODES: &str = "Exit codes:
  0  there is no mistake
  2  there are mistakes, or the file cannot be read";

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
        /// The rules.
        #[arg(value_name = "FILE", default_value = "inventory.toml")]
        file: PathBuf,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the rules the loader comes with, to start your own from.
    #[command(after_help = PRINT_CODES)]
    Show {
        /// Print them as JSON, with all that they leave unsaid.
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
                output::answer(&serde_json::json!(rules).to_string());
                return Ok(Exit::Good);
            }
            Action::Check { file, json } => (file, json),
        };
        match parse_rules(&file)? {
            checked if json => {
                let mistakes = checked.as_ref().err().map(Mistakes::all).unwrap_or_default();
                let line = |mistake: &schema::Mistake| serde_json::json!({ "line": mistake.line, "message": mistake.sentence });
                let mistakes: Vec<_> = mistakes.iter().map(line).collect();
                output::answer(&serde_json::json!({ "file": file, "mistakes": mistakes }).to_string());
                Ok(if checked.is_ok() { Exit::Good } else { Exit::Usage })
            }
            Ok(rules) => {
                let key: Vec<&str> = rules.key.attributes().collect();
                let columns = count(rules.columns.len() as u64);
                let first = format!("{}: {columns} columns, key {}. No mistakes.", file.display(), key.join(" and "));
                let every = rules.expect_every.map(|every| format!("A sheet is expected every {every}.\n"));
                let every = every.unwrap_or_default();
                print(&format!("{first}\n{}\n{}\n{every}", say_way(&rules), say_gates(&rules)))?;
                Ok(Exit::Good)
            }
            Err(mistakes) => {
                print(&(listed(&file, &mistakes) + "\n"))?;
                Ok(Exit::Usage)
            }
        }
    }
}

/// How items reach the table, and what becomes of those that are not listed.
fn say_way(rules: &schema::Schema) -> String {
    let way = match (rules.mode, rules.compare) {
        (Mode::Replace, true) => "New and changed items are put whole",
        (Mode::Replace, false) => "All items are put whole, without a look at the table; there will be no undo",
        (Mode::Merge, true) => "New and changed items get what the sheet says and keep the rest",
        (Mode::Merge, false) => {
            "All items get what the sheet says and keep the rest, without a look at the table; there will be no undo"
        }
        (Mode::Add, _) => "Only items that the table does not have are added",
    };
    let Some(sync) = &rules.sync else {
        return format!("{way}. Items that a sheet does not list stay.");
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
        // No column has any other.
        other => format!("{other:?}"),
    }
}

/// What would hold a load, of the gates that see something.
fn say_gates(rules: &schema::Schema) -> String {
    let (gates, totals) = (&rules.gates, &rules.totals);
    let sees = |column: &Option<String>| column.is_some() && rules.compare;
    let quantities = gates.zero_percent.filter(|_| sees(&totals.quantity));
    let prices = gates.price_percent.zip(gates.price_factor).filter(|_| sees(&totals.price));
    let missing = gates.missing_percent.filter(|_| rules.sync.is_some());
    // Where items are only added, nothing is overwritten.
    let older = gates.older && rules.mode != Mode::Add;
    let vanishing = gates.vanishing && rules.compare && rules.mode == Mode::Replace;
    let reasons: Vec<String> = [
        gates.rejected_rows.map(|rows| format!("more than {} rows are rejected", count(rows))),
        gates.rejected_percent.map(|percent| format!("more than {percent}% of the rows are rejected")),
        quantities.map(|percent| format!("more than {percent}% of the quantities fall to zero")),
        prices.map(|(percent, factor)| format!("more than {percent}% of the prices change beyond {factor} times")),
        gates.fewer_percent.map(|percent| format!("there are fewer than {percent}% of the last load's items")),
        missing.map(|percent| format!("more than {percent}% of the items are not listed")),
        vanishing.then(|| "attributes would be gone that no column has".to_string()),
        gates.document.then(|| "the file looks like an invoice or an order instead of a stock list".to_string()),
        older.then(|| "newer files with some of the same items have been loaded since it was uploaded".to_string()),
    ]
    .into_iter()
    .flatten()
    .collect();
    match reasons.split_last() {
        None => "No load waits to be approved.".to_string(),
        Some((only, [])) => format!("A load waits to be approved if {only}."),
        Some((last, others)) => format!("A load waits to be approved if {}, or {last}.", others.join(", ")),
    }
}

fn print(text: &str) -> Result<(), CliError> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| CliError::file("written", Path::new("standard output"), &error)),
    }
}
