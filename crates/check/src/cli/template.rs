//! `inventory template`: a workbook to fill in, made from the rules.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::read_rules;
use super::exit::{CliError, Exit, TEMPLATE_CODES};
use super::new_file::NewFile;
use super::output;
use crate::sheet::template::write_template;
use inventory_base::message::count;

pub const EXAMPLES: &[&str] = &["inventory template --out stock-template.xlsx"];

/// Make a workbook to fill in from the rules: columns, drop-downs, limits, and a sheet that explains them.
#[derive(Args)]
#[command(after_help = TEMPLATE_CODES)]
pub struct Template {
    /// Make it from the rules in this file instead of those the loader comes with (inventory.toml).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The workbook to make.
    #[arg(long, value_name = "FILE", default_value = "stock-template.xlsx")]
    out: PathBuf,
    /// Write over a file that is there already.
    #[arg(long)]
    force: bool,
    /// Print as JSON what was made: {"file":"stock-template.xlsx","sheet":"Stock","columns":["SKU"]}.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Made<'a> {
    file: String,
    sheet: String,
    columns: Vec<&'a str>,
}

impl Template {
    pub async fn run(self) -> Result<Exit, CliError> {
        let name = self.out.display();
        if !self.out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
            return Err(CliError::usage(format!(
                "A template is a workbook, and {name} does not end in .xlsx. Rename it."
            )));
        }
        let schema = read_rules(self.schema.as_deref())?;
        let new = NewFile::begin(&self.out, self.force)?;
        let sheet = write_template(&schema, new.file()?)?;
        new.keep()?;
        if self.json {
            let columns = schema.columns.iter().map(|column| column.own_header()).collect();
            let made = Made { file: name.to_string(), sheet, columns };
            let text = serde_json::to_string(&made).map_err(|error| CliError::usage(error.to_string()))?;
            output::answer(&text);
        } else {
            let columns = match schema.columns.len() {
                1 => "1 column".to_string(),
                columns => format!("{} columns", count(columns as u64)),
            };
            output::answer(&format!(
                "{name} is ready to fill in: {columns} on the sheet \"{sheet}\". What goes into each is on the sheet beside \
                 it, with an example row."
            ));
        }
        Ok(Exit::Good)
    }
}
