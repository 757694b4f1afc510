//! `inventory export --table T`: all items of a table as a workbook or a CSV, which loads again with every row unchanged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use crate::clients;
use crate::load::LoadError;
use crate::table::{Table, TableError};
use inventory_base::item::{Item, Value};
use inventory_base::message::count;
use inventory_check::cli::{Bar, CliError, Exit, NewFile, answer, read_rules};
use inventory_check::sheet::export::{self, Exported};
use inventory_check::sheet::{Form, name_items};
use inventory_rules::schema::{Mode, Schema, canonical_name};

/// Items and attributes that are named in words; `--json` has more.
const NAMED: usize = 10;

const EXPORT_CODES: &str = "Exit codes:
  0  all items are in the file
  1  some are left out; they are named
  2  the command line or the set-up is not right, or there is such a file
  5  a fault of the cloud; run the same command again";

#[cfg(test)]
pub const EXAMPLES: &[&str] =
    &["inventory export --table stock --out stock.xlsx", "inventory export --table stock --out stock.csv"];

/// Write all items of a table into a workbook or a CSV, which loads again with every row unchanged.
#[derive(Args)]
#[command(after_help = EXPORT_CODES)]
pub struct Export {
    /// The DynamoDB table.
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// The file to make: a workbook where it ends in .xlsx, text with commas where it ends in .csv.
    #[arg(long, value_name = "FILE", default_value = "stock.xlsx")]
    out: PathBuf,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
    /// Export by the rules in this file instead of those the loader comes with (inventory.toml).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Read no more than so many units a second from the table.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    read_units: Option<u32>,
    /// Read so many parts of the table side by side.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    segments: u32,
    /// Give up when the table does nothing for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    table_wait: u64,
    /// Talk to this address instead of AWS, such as http://127.0.0.1:4566.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// The AWS region of the table; by default what the AWS settings say.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Print as JSON what is in the file and what is not.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Told<'a> {
    file: String,
    #[serde(flatten)]
    exported: &'a Exported,
    read_units: f64,
}

impl Export {
    pub async fn run(self) -> Result<Exit, CliError> {
        let schema = read_rules(self.schema.as_deref())?;
        let form = form_of(&self.out)?;
        check_name(&self.out, form, &schema)?;
        let new = NewFile::begin(&self.out, self.force)?;
        let clients = clients::connect(self.endpoint_url.as_deref(), self.region.as_deref()).await;
        let table = Table::new(clients.dynamodb, &self.table, Duration::from_secs(self.table_wait))
            .with_consistent_reads(schema.consistent_reads)
            .with_read_ceiling(self.read_units.map(f64::from));
        let shape = table.describe().await.map_err(LoadError::from)?;
        schema.check_table(&shape).map_err(LoadError::from)?;
        let mut export = export::Export::begin(&schema, form, new.file()?)?;
        let (bar, mut read) = (Bar::new(), 0);
        let scan = table.scan_parallel(self.segments, |items| {
            read += items.len() as u64;
            bar.say(&format!("{} items read", count(read)));
            items.into_iter().try_for_each(|item| export.add(item)).map_err(CliError::from)
        });
        let read_units = bar.during(scan).await?;
        let exported = export.end()?;
        new.keep()?;
        let told = Told { file: self.out.display().to_string(), exported: &exported, read_units };
        let text = if self.json {
            serde_json::to_string_pretty(&told).map_err(|error| CliError::usage(error.to_string()))?
        } else {
            words(&told, &schema)
        };
        answer(&text);
        Ok(if exported.left_out.total == 0 { Exit::Good } else { Exit::SomeRows })
    }
}

impl From<TableError> for CliError {
    fn from(error: TableError) -> CliError {
        LoadError::from(error).into()
    }
}

fn form_of(path: &Path) -> Result<Form, CliError> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("xlsx") => Ok(Form::Workbook),
        Some("csv") => Ok(Form::Csv),
        _ => {
            let name = path.display();
            Err(CliError::usage(format!(
                "{name} ends neither in .xlsx nor in .csv. Say by its ending what it should be."
            )))
        }
    }
}

/// A csv is the sheet that its name says, and so may not be the one that the rules read.
fn check_name(path: &Path, form: Form, schema: &Schema) -> Result<(), CliError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_read = |wanted: &String| canonical_name(wanted) == canonical_name(&stem);
    if form == Form::Workbook || schema.sheet.as_ref().is_none_or(is_read) {
        return Ok(());
    }
    let wanted = name_items(schema)?;
    Err(CliError::usage(format!(
        "The rules read only the sheet \"{wanted}\", and a CSV is called like its file. Call it \"{wanted}.csv\", or make a \
         workbook."
    )))
}

fn words(told: &Told<'_>, schema: &Schema) -> String {
    let Told { file, exported, .. } = told;
    let mut lines = vec![tell_items(file, exported)];
    lines.extend(tell_left_out(exported));
    lines.extend(tell_not_known(&exported.not_known, schema));
    lines.push(format!("It took {} read units.", count(told.read_units.round() as u64)));
    lines.join("\n")
}

fn tell_items(file: &str, exported: &Exported) -> String {
    let on_sheets = match exported.sheets {
        1 => String::new(),
        sheets => format!(", on {} sheets", count(sheets.into())),
    };
    // Too many to be sorted.
    let order = if exported.sorted { "" } else { " They stand in the order in which the table gave them." };
    match exported.items {
        0 => format!("{file} has the names of the columns and no item."),
        1 => format!("1 item is in {file}."),
        items => format!("{} items are in {file}{on_sheets}.{order}", count(items)),
    }
}

fn tell_left_out(exported: &Exported) -> Vec<String> {
    let left_out = &exported.left_out;
    let mut lines = Vec::new();
    match left_out.total {
        0 => return lines,
        1 => lines.push("1 item is not in it, because it would not come back the same:".to_string()),
        n => lines.push(format!("{} items are not in it, because they would not come back the same:", count(n))),
    }
    for item in left_out.items.iter().take(NAMED) {
        lines.push(format!("  {}: {} {}", name(&item.key), item.column, item.reason));
    }
    if let Some(more) = left_out.total.checked_sub(NAMED as u64).filter(|more| *more > 0) {
        lines.push(format!("  {} more", count(more)));
    }
    lines
}

fn tell_not_known(not_known: &BTreeMap<String, u64>, schema: &Schema) -> Option<String> {
    if not_known.is_empty() {
        return None;
    }
    let items = |n: u64| if n == 1 { "1 item".to_string() } else { format!("{} items", count(n)) };
    let mut named: Vec<String> =
        not_known.iter().take(NAMED).map(|(name, n)| format!("{name} ({})", items(*n))).collect();
    if not_known.len() > NAMED {
        named.push(format!("{} more", count((not_known.len() - NAMED) as u64)));
    }
    let meaning = match schema.mode {
        Mode::Replace => " Loading the file would take them from these items, because the rules put items whole.",
        Mode::Merge | Mode::Add => " Loading the file leaves them as they are.",
    };
    Some(format!("The rules do not know these attributes, which are not in it: {}.{meaning}", named.join(", ")))
}

/// An item as people call it.
fn name(key: &Item) -> String {
    let said = |value: &Value| match value {
        Value::S(text) | Value::N(text) => text.to_string(),
        _ => "(no text)".to_string(),
    };
    key.values().map(said).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_check::sheet::export::{LeftOut, LeftOutItem};

    fn told(exported: &Exported) -> String {
        let told = Told { file: "stock.xlsx".to_string(), exported, read_units: 1234.5 };
        words(&told, &Schema::shipped().unwrap())
    }

    #[test]
    fn the_answer_is_what_is_in_the_file_and_then_what_is_not() {
        let mut exported = Exported { items: 4_900, sheets: 1, sorted: true, ..Exported::default() };
        assert_eq!(told(&exported), "4,900 items are in stock.xlsx.\nIt took 1,235 read units.");
        exported.not_known = BTreeMap::from([("bin".into(), 3), ("shelf".into(), 1)]);
        let key = Item::from([("sku", Value::S("A-17".into()))]);
        let item = LeftOutItem { key, column: "Name".into(), reason: "would be left empty".into() };
        exported.left_out = LeftOut { total: 1, items: vec![item] };
        assert_eq!(
            told(&exported),
            "4,900 items are in stock.xlsx.\n\
             1 item is not in it, because it would not come back the same:\n  A-17: Name would be left empty\n\
             The rules do not know these attributes, which are not in it: bin (3 items), shelf (1 item). \
             Loading the file would take them from these items, because the rules put items whole.\n\
             It took 1,235 read units."
        );
    }

    #[test]
    fn a_large_table_is_told_by_its_sheets_and_order() {
        let exported = Exported { items: 2_000_000, sheets: 2, ..Exported::default() };
        let first =
            "2,000,000 items are in stock.xlsx, on 2 sheets. They stand in the order in which the table gave them.";
        assert!(told(&exported).starts_with(first), "{}", told(&exported));
        let empty = Exported { sheets: 1, sorted: true, ..Exported::default() };
        assert!(told(&empty).starts_with("stock.xlsx has the names of the columns and no item."));
    }

    #[test]
    fn a_csv_is_called_like_the_sheet_that_the_rules_read() {
        let mut schema = Schema::shipped().unwrap();
        schema.sheet = Some("Stock Q3".into());
        let said = |path: &str| {
            let form = form_of(Path::new(path)).map_err(|trouble| trouble.sentence)?;
            check_name(Path::new(path), form, &schema).map_err(|trouble| trouble.sentence)
        };
        assert_eq!(said("out/stock q3.CSV"), Ok(()));
        assert_eq!(said("any.xlsx"), Ok(()));
        assert!(said("stock.csv").unwrap_err().contains("Call it \"Stock Q3.csv\""));
        assert!(said("stock.ods").unwrap_err().contains("neither in .xlsx nor in .csv"));
    }
}
