//! `inventory template`: makes a workbook to fill in from the rules.

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
    /// Use the rules in this file instead of those that come with the loader (inventory.toml).
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The workbook to make.
    #[arg(long, value_name = "FILE", default_value = "stock-template.xlsx")]
    out: PathBuf,
    /// Overwrite the file if it exists.
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
                "A template is a workbook, but {name} does not end in .xlsx. Choose another name with --out."
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
            output::print_answer(&text);
        } else {
            let columns = match schema.columns.len() {
                1 => "1 column".to_string(),
                columns => format!("{} columns", count(columns as u64)),
            };
            output::print_answer(&format!(
                "{name} is ready to fill in: {columns} on the sheet \"{sheet}\". What goes into each is on the sheet next \
                 to it, with an example row."
            ));
        }
        Ok(Exit::Good)
    }
}
