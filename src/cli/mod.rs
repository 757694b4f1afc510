//! The command `inventory`. To add a subcommand, write a file with its arguments, its examples and `run`, and add a
//! line to the table below.

mod args;
mod asking;
mod deployed;
#[cfg(test)]
mod help_page;
mod local;
mod wait;

mod approve;
mod cancel;
mod completions;
mod export;
mod failed;
mod load;
mod loads;
mod plan;
mod redrive;
mod show;
mod undo;
mod upload;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use inventory_check::cli::{CliError, Exit, check, finish, schema, template};

/// Declares the subcommands with their arguments, what runs them, and their examples.
macro_rules! subcommands {
    ($($name:ident in $module:ident,)+) => {
        #[derive(Subcommand)]
        enum Listed {
            $($name($module::$name),)+
        }

        impl Listed {
            async fn run(self) -> Result<Exit, CliError> {
                match self {
                    $(Listed::$name(arguments) => arguments.run().await,)+
                }
            }
        }

        #[cfg(test)]
        const EXAMPLES: &[&[&str]] = &[$($module::EXAMPLES,)+ completions::EXAMPLES];
    };
}

subcommands! {
    Check in check,
    Load in load,
    Plan in plan,
    Upload in upload,
    Loads in loads,
    Show in show,
    Approve in approve,
    Failed in failed,
    Redrive in redrive,
    Cancel in cancel,
    Undo in undo,
    Template in template,
    Export in export,
    Schema in schema,
}

/// Load spreadsheets of stock into a DynamoDB table, and report what happened to every row.
#[derive(Parser)]
#[command(name = "inventory", version, after_help = args::EXIT_CODES, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    subcommand: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    #[command(flatten)]
    Listed(Box<Listed>),
    Completions(completions::Completions),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    // clap ends the process itself, with 2, if the command line is wrong.
    let command = Command::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(CliError::usage(format!("No threads could be started: {error}.")))),
    };
    finish(match command.subcommand {
        Subcommands::Listed(listed) => runtime.block_on(listed.run()),
        Subcommands::Completions(completions) => completions.run(Command::command()),
    })
}

/// Returns the whole command line, for the page of commands.
#[cfg(test)]
fn command() -> clap::Command {
    Command::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Command::command().debug_assert();
    }
}
