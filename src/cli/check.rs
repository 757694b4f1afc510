//! `inventory check FILE…`: read and judge, without any cloud.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{self, Lists};
use super::progress::Bar;
use super::{CliError, Exit, Telling, local_upload};
use crate::load::{self, Rules, RulesFrom, Run};
use crate::store::{FolderStore, Store};
use inventory_base::load_id::LoadId;
use inventory_base::message::sentence;
use inventory_check::child::Items;
use inventory_check::report::{Report, ToFix};
use inventory_check::sheet::{RowsToFix, ToFixError};
use inventory_rules::schema::Duplicates;

#[derive(Args)]
pub(super) struct Check {
    /// The spreadsheets to check.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the rows that need attention into this workbook, with what to do beside them. Corrected there, they can be
    /// loaded as they are.
    #[arg(long, value_name = "OUT.xlsx")]
    to_fix: Option<PathBuf>,
    #[command(flatten)]
    telling: Telling,
}

impl Check {
    pub async fn run(self) -> Result<Exit, CliError> {
        let is_about_one = self.telling.fates.is_some() || self.telling.items.is_some() || self.to_fix.is_some();
        if self.files.len() > 1 && is_about_one {
            return Err(CliError::usage(
                "--fates, --items and --to-fix are about the rows of one file. Check the files one by one.",
            ));
        }
        let rules = self.telling.rules()?;
        let items = if self.telling.items.is_some() { Items::Told } else { Items::LeftOut };
        let mut worst = Exit::Good;
        for path in &self.files {
            let upload = local_upload(path)?;
            let mut lists = Lists::create(&self.telling)?;
            let mut mending = self.to_fix.as_deref().map(|out| Mending::begin(path, out, &rules)).transpose()?;
            let bar = Bar::new();
            let run = Run {
                request_id: "check",
                deadline: None,
                progress: &|progress| bar.show(progress),
                dry_run: true,
                waived: BTreeSet::new(),
            };
            // A check keeps nothing, so where it would be kept does not matter.
            let store = Store::Folder(FolderStore::new(std::env::temp_dir()));
            let mut add = |row: &_| {
                mending.iter_mut().try_for_each(|mending| mending.rows.add(row))?;
                lists.add(row)
            };
            let mut report = bar.during(load::check(upload, &store, &rules, &run, items, &mut add)).await?;
            lists.finish()?;
            if let Some(mending) = mending {
                mending.end(&mut report)?;
            }
            let title = (self.files.len() > 1).then(|| path.display().to_string());
            output::tell(&report, title.as_deref(), self.telling.json, None)?;
            worst = worst.max(Exit::from(&report));
        }
        Ok(worst)
    }
}

/// The workbook of rows to mend, in the making.
struct Mending<'a> {
    rows: RowsToFix,
    out: &'a Path,
}

impl<'a> Mending<'a> {
    fn begin(file: &Path, out: &'a Path, rules: &Rules) -> Result<Mending<'a>, CliError> {
        if out.canonicalize().is_ok_and(|out| file.canonicalize().is_ok_and(|file| file == out)) {
            let out = out.display();
            return Err(CliError::usage(format!("{out} is the file that is checked. Name another one for --to-fix.")));
        }
        let duplicates = match &rules.from {
            RulesFrom::Given(schema) => schema.duplicates,
            RulesFrom::Object { .. } => Duplicates::default(),
        };
        let rows = RowsToFix::new(&std::env::temp_dir(), duplicates).map_err(|error| trouble(error.into()))?;
        Ok(Mending { rows, out })
    }

    /// Nothing is written where no row needs it, and what was there stays.
    fn end(self, report: &mut Report) -> Result<(), CliError> {
        // The load that this file would be.
        let load = LoadId::of(&report.upload);
        match self.rows.write(&load, &report.sheets).map_err(trouble)? {
            Some(book) => {
                let content = book.read().map_err(|error| trouble(error.into()))?;
                std::fs::write(self.out, content).map_err(|error| CliError::file("written", self.out, &error))?;
                let place = self.out.display().to_string();
                report.to_fix = Some(ToFix { place, rows: book.rows, of: book.of });
            }
            None => output::say(&format!("No row would be in {}, so it was not written.", self.out.display())),
        }
        Ok(())
    }
}

fn trouble(error: ToFixError) -> CliError {
    CliError::usage(sentence(&error))
}
