//! `inventory check FILE…`: read and judge, without any cloud.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::output::{self, Lists};
use super::progress::Bar;
use super::{Exit, Telling, Trouble, local_upload};
use crate::child::Items;
use crate::load::{self, Run};
use crate::store::{FolderStore, Store};

#[derive(Args)]
pub(super) struct Check {
    /// The spreadsheets to check.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    telling: Telling,
}

impl Check {
    pub async fn run(self) -> Result<Exit, Trouble> {
        if self.files.len() > 1 && (self.telling.fates.is_some() || self.telling.items.is_some()) {
            return Err(Trouble::usage("--fates and --items list the rows of one file. Check the files one by one."));
        }
        let rules = self.telling.rules()?;
        let items = if self.telling.items.is_some() { Items::Told } else { Items::LeftOut };
        let mut worst = Exit::Good;
        for path in &self.files {
            let upload = local_upload(path)?;
            let mut lists = Lists::create(&self.telling)?;
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
            let mut add = |row: &_| lists.add(row);
            let report = bar.during(load::check(upload, &store, &rules, &run, items, &mut add)).await?;
            lists.finish()?;
            let title = (self.files.len() > 1).then(|| path.display().to_string());
            output::tell(&report, title.as_deref(), self.telling.json, None)?;
            worst = worst.max(Exit::from(&report));
        }
        Ok(worst)
    }
}
