//! `inventory check FILE…`: reads and judges files, without any cloud.

use std::path::{Path, PathBuf};

use clap::Args;
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;
use inventory_base::progress::Progress;
use inventory_rules::schema::Schema;

use super::args::{ReportArgs, local_upload, own_reader};
use super::exit::{CHECK_CODES, CliError, Exit};
use super::output::{self, Lists};
use super::progress::Bar;
use crate::check::check;
use crate::child::Items;
use crate::report::{Report, ToFix};
use crate::sheet::{RowsToFix, ToFixError};

pub const EXAMPLES: &[&str] = &["inventory check stock.xlsx", "inventory check *.csv --json | jq .summary"];

/// Check files: report what a load would make of them. Needs no cloud and changes nothing.
#[derive(Args)]
#[command(after_help = CHECK_CODES)]
pub struct Check {
    /// The spreadsheets to check.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the rows to fix into this workbook, each with what to do. Once fixed, the workbook can be loaded as it is.
    #[arg(long, value_name = "OUT.xlsx")]
    to_fix: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

impl Check {
    pub async fn run(self) -> Result<Exit, CliError> {
        let is_about_one = self.report.fates.is_some() || self.report.items.is_some() || self.to_fix.is_some();
        if self.files.len() > 1 && is_about_one {
            return Err(CliError::usage(
                "--fates, --items and --to-fix are about the rows of one file. Check the files one by one.",
            ));
        }
        let (rules, reader) = (self.report.rules()?, own_reader()?);
        let items = if self.report.items.is_some() { Items::Included } else { Items::Omitted };
        let mut worst = Exit::Good;
        for path in &self.files {
            let file = local_upload(path)?;
            let mut lists = Lists::create(&self.report)?;
            let mut to_fix = self.to_fix.as_deref().map(|out| ToFixFile::begin(path, out, &rules)).transpose()?;
            let bar = Bar::reading();
            let mut add = |row: &_| {
                to_fix.iter_mut().try_for_each(|to_fix| to_fix.rows.add(row))?;
                lists.add(row)
            };
            let progress = |rows| bar.show(Progress::Reading { rows });
            let mut report = bar.during(check(file, &rules, &reader, items, &progress, &mut add)).await?;
            lists.finish()?;
            if let Some(to_fix) = to_fix {
                to_fix.finish(&mut report)?;
            }
            let title = (self.files.len() > 1).then(|| path.display().to_string());
            output::print_report(&report, title.as_deref(), self.report.json, None)?;
            worst = worst.max(Exit::from(&report));
        }
        Ok(worst)
    }
}

/// The workbook of rows to fix, while the file is being checked.
struct ToFixFile<'a> {
    rows: RowsToFix,
    out: &'a Path,
}

impl<'a> ToFixFile<'a> {
    fn begin(file: &Path, out: &'a Path, rules: &Schema) -> Result<ToFixFile<'a>, CliError> {
        if out.canonicalize().is_ok_and(|out| file.canonicalize().is_ok_and(|file| file == out)) {
            let out = out.display();
            return Err(CliError::usage(format!("{out} is the file being checked. Name another one for --to-fix.")));
        }
        let rows =
            RowsToFix::new(&std::env::temp_dir(), rules.duplicates).map_err(|error| to_fix_error(error.into()))?;
        Ok(ToFixFile { rows, out })
    }

    /// Writes the workbook. If no row needs fixing, an existing file is left unchanged.
    fn finish(self, report: &mut Report) -> Result<(), CliError> {
        // The load that this file would be.
        let load = LoadId::of(&report.upload);
        match self.rows.write(&load, &report.sheets).map_err(to_fix_error)? {
            Some(book) => {
                let content = book.read().map_err(|error| to_fix_error(error.into()))?;
                std::fs::write(self.out, content).map_err(|error| CliError::file("written", self.out, &error))?;
                let place = self.out.display().to_string();
                report.to_fix = Some(ToFix { place, rows: book.rows, of: book.of });
            }
            None => output::print_note(&format!("No row needs fixing, so {} was not written.", self.out.display())),
        }
        Ok(())
    }
}

fn to_fix_error(error: ToFixError) -> CliError {
    CliError::usage(sentence(&error))
}
