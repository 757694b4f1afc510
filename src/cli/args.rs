//! Arguments that several commands share, and the exit codes of those that load or ask.

use inventory_base::load_id::LoadId;
use inventory_check::cli::{CliError, Exit, own_reader};
use inventory_rules::schema::Schema;

use crate::config;
use crate::load::{LoadError, RulesFrom, Settings};

pub const EXIT_CODES: &str = "Exit codes:
  0  all rows were loaded (or, for a check or a dry run, are right)
  1  finished, but some rows need attention or lost a value, or the table differs from what was written
  2  the command line or the set-up is not right
  3  the file was refused; nothing was changed
  4  the load is held (or would be) until it is approved; nothing was changed
  5  a fault of the cloud; run the same command again to resume";

/// Exit codes of commands that ask the deployed loader.
pub const ANSWER_CODES: &str = "Exit codes:
  0  the loader has answered, and accepted what was asked for
  2  the command line or the set-up is not right, or the load is not known
  5  a fault of the cloud; run the same command again";

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> CliError {
        // If a retry cannot fix it, the user has to.
        let exit = if error.is_retryable() { Exit::Cloud } else { Exit::Usage };
        CliError { exit, sentence: inventory_base::message::sentence(&error) }
    }
}

/// The settings of a load from this machine.
pub fn settings(rules: Schema) -> Result<Settings, CliError> {
    Ok(config::settings(RulesFrom::Given(Box::new(rules)), own_reader()?))
}

pub fn parse_load_id(name: &str) -> Result<LoadId, String> {
    LoadId::parse(name).ok_or_else(|| "a load's name has 16 digits and letters, as in its report".to_string())
}

/// Returns the name that a decision is recorded under: the one given, or the user of this machine.
pub fn decision_maker(named: Option<String>) -> String {
    named.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "an unnamed user".to_string())
}
