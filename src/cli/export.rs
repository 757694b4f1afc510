//! `inventory export --table T`: writes all items of a table into a workbook or a CSV, which can be loaded again with
//! every row unchanged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::local::{LoadsFolder, OpenTable, WhichTable};
use crate::load::LoadError;
use crate::table::TableError;
use inventory_base::item::{Item, Value};
use inventory_base::message::count;
use inventory_check::cli::{Bar, CliError, Exit, NewFile, print_answer, read_rules};
use inventory_check::sheet::export::{self, Exported};
use inventory_check::sheet::{Form, name_items};
use inventory_rules::schema::{Mode, Schema, canonical_name};

/// The most items and attributes that are named in the text; `--json` has more.
const NAMED: usize = 10;

const EXPORT_CODES: &str = "Exit codes:
  0  all items are in the file
  1  some items were left out; they are listed
  2  the command line or the set-up is not right, or the file already exists
  5  a fault of the cloud; run the same command again";

#[cfg(test)]
pub const EXAMPLES: &[&str] =
    &["inventory export --table stock --out stock.xlsx", "inventory export --local --out stock.csv"];

/// Write all items of a table into a workbook or a CSV, which can be loaded again with every row unchanged.
#[derive(Args)]
#[command(after_help = EXPORT_CODES)]
pub struct Export {
    #[command(flatten)]
    table: WhichTable,
    #[command(flatten)]
    folder: LoadsFolder,
    /// The file to write: a workbook if its name ends in .xlsx, a CSV if it ends in .csv.
    #[arg(long, value_name = "FILE", default_value = "stock.xlsx")]
    out: PathBuf,
    /// Overwrite the file if it exists.
    #[arg(long)]
    force: bool,
    /// Use the rules in this file instead of those that come with the loader (inventory.toml).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Consume at most this many read units a second.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u32).range(1..))]
    read_units: Option<u32>,
    /// Read this many segments of the table in parallel.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    segments: u32,
    /// How many seconds to wait before giving up if the table does nothing.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    table_wait: u64,
    /// Print as JSON what is in the file and what was left out.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct ExportAnswer<'a> {
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
        let open = self.table.open(|| OpenTable::of_earlier_load(&self.folder.loads)).await?;
        let table = open
            .table(Duration::from_secs(self.table_wait))
            .with_consistent_reads(schema.consistent_reads)
            .with_read_ceiling(self.read_units.map(f64::from));
        let shape = table.describe().await.map_err(LoadError::from)?;
        schema.check_table(&shape).map_err(LoadError::from)?;
        let mut export = export::Export::begin(&schema, form, new.file()?)?;
        let (bar, mut read) = (Bar::reading(), 0);
        let scan = table.scan_parallel(self.segments, |items| {
            read += items.len() as u64;
            bar.set_message(&format!("{} items read", count(read)));
            items.into_iter().try_for_each(|item| export.add(item)).map_err(CliError::from)
        });
        let read_units = bar.during(scan).await?;
        let exported = export.end()?;
        new.keep()?;
        let told = ExportAnswer { file: self.out.display().to_string(), exported: &exported, read_units };
        let text = if self.json {
            serde_json::to_string_pretty(&told).map_err(|error| CliError::usage(error.to_string()))?
        } else {
            words(&told, &schema)
        };
        print_answer(&text);
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
            Err(CliError::usage(format!("{name} ends neither in .xlsx nor in .csv. Choose one of them with --out.")))
        }
    }
}

/// Checks that a CSV has the name of the sheet that the rules read, because its file name is its sheet name.
fn check_name(path: &Path, form: Form, schema: &Schema) -> Result<(), CliError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_read = |wanted: &String| canonical_name(wanted) == canonical_name(&stem);
    if form == Form::Workbook || schema.sheet.as_ref().is_none_or(is_read) {
        return Ok(());
    }
    let wanted = name_items(schema)?;
    Err(CliError::usage(format!(
        "The rules read only the sheet \"{wanted}\", and the sheet of a CSV is named after its file. Name it \
         \"{wanted}.csv\", or make a workbook."
    )))
}

fn words(told: &ExportAnswer<'_>, schema: &Schema) -> String {
    let ExportAnswer { file, exported, .. } = told;
    let mut lines = vec![describe_items(file, exported)];
    lines.extend(describe_left_out(exported));
    lines.extend(describe_not_known(&exported.not_known, schema));
    lines.push(format!("It took {} read units.", count(told.read_units.round() as u64)));
    lines.join("\n")
}

fn describe_items(file: &str, exported: &Exported) -> String {
    let on_sheets = match exported.sheets {
        1 => String::new(),
        sheets => format!(", on {} sheets", count(sheets.into())),
    };
    // There are too many to sort.
    let order = if exported.sorted { "" } else { " They are in the order in which the table returned them." };
    match exported.items {
        0 => format!("The table has no items: {file} has only the header row."),
        1 => format!("1 item is in {file}."),
        items => format!("{} items are in {file}{on_sheets}.{order}", count(items)),
    }
}

fn describe_left_out(exported: &Exported) -> Vec<String> {
    let left_out = &exported.left_out;
    let mut lines = Vec::new();
    match left_out.total {
        0 => return lines,
        1 => lines.push("1 item was left out, because it could not be loaded again unchanged:".to_string()),
        n => lines.push(format!("{} items were left out, because they could not be loaded again unchanged:", count(n))),
    }
    for item in left_out.items.iter().take(NAMED) {
        lines.push(format!("  {}: {} {}", name(&item.key), item.column, item.reason));
    }
    if let Some(more) = left_out.total.checked_sub(NAMED as u64).filter(|more| *more > 0) {
        lines.push(format!("  {} more", count(more)));
    }
    lines
}

fn describe_not_known(not_known: &BTreeMap<String, u64>, schema: &Schema) -> Option<String> {
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
        Mode::Replace => " Loading the file would remove them, because the rules replace whole items.",
        Mode::Merge | Mode::Add => " Loading the file leaves them unchanged.",
    };
    Some(format!("These attributes have no column in the rules and were left out: {}.{meaning}", named.join(", ")))
}

/// Names an item by the values of its key.
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
        let told = ExportAnswer { file: "stock.xlsx".to_string(), exported, read_units: 1234.5 };
        words(&told, &Schema::shipped().unwrap())
    }

    #[test]
    fn the_answer_has_what_is_in_the_file_and_then_what_was_left_out() {
        let mut exported = Exported { items: 4_900, sheets: 1, sorted: true, ..Exported::default() };
        assert_eq!(told(&exported), "4,900 items are in stock.xlsx.\nIt took 1,235 read units.");
        exported.not_known = BTreeMap::from([("bin".into(), 3), ("shelf".into(), 1)]);
        let key = Item::from([("sku", Value::S("A-17".into()))]);
        let item = LeftOutItem { key, column: "Name".into(), reason: "would be left empty".into() };
        exported.left_out = LeftOut { total: 1, items: vec![item] };
        assert_eq!(
            told(&exported),
            "4,900 items are in stock.xlsx.\n\
             1 item was left out, because it could not be loaded again unchanged:\n  A-17: Name would be left empty\n\
             These attributes have no column in the rules and were left out: bin (3 items), shelf (1 item). \
             Loading the file would remove them, because the rules replace whole items.\n\
             It took 1,235 read units."
        );
    }

    #[test]
    fn the_answer_for_a_large_table_has_its_sheets_and_order() {
        let exported = Exported { items: 2_000_000, sheets: 2, ..Exported::default() };
        let first =
            "2,000,000 items are in stock.xlsx, on 2 sheets. They are in the order in which the table returned them.";
        assert!(told(&exported).starts_with(first), "{}", told(&exported));
        let empty = Exported { sheets: 1, sorted: true, ..Exported::default() };
        assert!(told(&empty).starts_with("The table has no items: stock.xlsx has only the header row."));
    }

    #[test]
    fn a_csv_must_be_named_after_the_sheet_that_the_rules_read() {
        let mut schema = Schema::shipped().unwrap();
        schema.sheet = Some("Stock Q3".into());
        let said = |path: &str| {
            let form = form_of(Path::new(path)).map_err(|error| error.sentence)?;
            check_name(Path::new(path), form, &schema).map_err(|error| error.sentence)
        };
        assert_eq!(said("out/stock q3.CSV"), Ok(()));
        assert_eq!(said("any.xlsx"), Ok(()));
        assert!(said("stock.csv").unwrap_err().contains("Name it \"Stock Q3.csv\""));
        assert!(said("stock.ods").unwrap_err().contains("neither in .xlsx nor in .csv"));
    }
}
