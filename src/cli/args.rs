//! What several commands take, and the exit codes of those that load or ask.

use inventory_base::load_id::LoadId;
use inventory_check::cli::{CliError, Exit, own_reader};
use inventory_rules::schema::Schema;

use crate::config;
use crate::load::{LoadError, RulesFrom, Settings};

pub const EXIT_CODES: &str = "Exit codes:
  0  everything is in (or, checked, is right)
  1  done, but some rows need attention or lost a value, or the table differs from what was written
  2  the command line or the set-up is not right
  3  the file is refused; nothing was changed
  4  the load is held, or would be, until somebody approves it; nothing was changed
  5  a fault of the cloud; run the same command again to go on";

/// Exit codes of commands that ask the deployed loader.
pub const ANSWER_CODES: &str = "Exit codes:
  0  it is told, or done
  2  the command line or the set-up is not right, or nothing is known of the load
  5  a fault of the cloud; run the same command again";

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> CliError {
        // What a retry cannot solve, a person has to.
        let exit = if error.is_retryable() { Exit::Cloud } else { Exit::Usage };
        CliError { exit, sentence: inventory_base::message::sentence(&error) }
    }
}

/// The settings of a load from this machine.
pub fn settings(rules: Schema) -> Result<Settings, CliError> {
    Ok(config::settings(RulesFrom::Given(Box::new(rules)), own_reader()?))
}

pub fn load_name(name: &str) -> Result<LoadId, String> {
    LoadId::parse(name).ok_or_else(|| "a load's name has 16 digits and letters, as its report has it".to_string())
}

/// The name that a decision is recorded under.
pub fn decided_by(named: Option<String>) -> String {
    named.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "nobody named".to_string())
}
