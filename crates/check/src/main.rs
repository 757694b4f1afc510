//! `inventory-check FILE…`: the same as `inventory check`, built without any crate of the cloud. Started with `read` as its
//! first argument it is the child that reads.

use std::process::ExitCode;

use clap::Parser;
use inventory_check::{child, cli};

/// Checks spreadsheets of stock: what would be loaded, and what needs to be fixed first. Changes nothing.
#[derive(Parser)]
#[command(name = "inventory-check", version, after_help = cli::CHECK_CODES, max_term_width = 100)]
struct Command {
    #[command(flatten)]
    check: cli::check::Check,
}

fn main() -> ExitCode {
    if let Some(brief) = child::brief_from_args(std::env::args_os()) {
        return child::serve(&brief);
    }
    let command = Command::parse();
    cli::finish(match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command.check.run()),
        Err(error) => Err(cli::CliError::usage(format!("No threads could be started: {error}."))),
    })
}
