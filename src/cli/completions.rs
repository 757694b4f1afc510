//! `inventory completions SHELL`: prints the completion script of a shell.

use clap::Args;
use inventory_check::cli::{CliError, Exit, PRINT_CODES, print_answer};

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory completions bash > ~/.local/share/bash-completion/completions/inventory"];

/// Print the completion script of a shell: bash, elvish, fish, powershell or zsh.
#[derive(Args)]
#[command(after_help = PRINT_CODES)]
pub struct Completions {
    /// The shell to print the script for.
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the script for the whole command line.
    pub fn run(self, mut command: clap::Command) -> Result<Exit, CliError> {
        // Into memory first, so that a closed pipe is not an error.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "inventory", &mut script);
        print_answer(String::from_utf8_lossy(&script).trim_end());
        Ok(Exit::Good)
    }
}
