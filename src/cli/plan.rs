//! `inventory plan FILE --table T`: a dry run, which does all of a load but the writing.

use clap::Args;
use inventory_check::cli::{CliError, Exit};

use super::args::EXIT_CODES;
use super::load::LoadArgs;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory plan stock.xlsx --table stock", "inventory plan stock.xlsx --local"];

/// Report what a load would change in a table, without changing anything.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Plan {
    #[command(flatten)]
    load: LoadArgs,
}

impl Plan {
    pub async fn run(self) -> Result<Exit, CliError> {
        self.load.run(None, true, &[]).await
    }
}
