//! Exit codes of commands, and their errors.

use std::path::Path;

use inventory_base::ending::Ending;
use inventory_base::message::sentence;

use crate::check::CheckError;
use crate::report::Report;
use crate::sheet::SheetFault;

pub const CHECK_CODES: &str = "Exit codes:
  0  all rows are right
  1  some rows need attention or lost a value
  2  the command line or the set-up is not right
  3  the file was refused
  4  the load would be held until it is approved: the file doesn't look like a stock list";

/// Exit codes of commands that only print a text.
pub const PRINT_CODES: &str = "Exit codes:
  0  the text was printed
  2  the command line is not right";

pub const TEMPLATE_CODES: &str = "Exit codes:
  0  the file was written
  2  the command line or the set-up is not right, or the file already exists";

/// How a command ended; the numbers never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Good = 0,
    SomeRows = 1,
    Usage = 2,
    Refused = 3,
    Held = 4,
    Cloud = 5,
    /// The exit code of a program that Ctrl-C ended, by the convention of shells.
    Interrupted = 130,
}

impl From<&Report> for Exit {
    fn from(report: &Report) -> Exit {
        match report.ending {
            Ending::Refused => Exit::Refused,
            Ending::Held => Exit::Held,
            Ending::DryRun if !report.held.is_empty() => Exit::Held,
            Ending::Failed => Exit::Cloud,
            Ending::Done | Ending::DryRun
                if report.needing_attention() == 0 && !report.differs() && !report.lost_values() =>
            {
                Exit::Good
            }
            Ending::Done | Ending::DryRun | Ending::Removed | Ending::Superseded | Ending::Cancelled => Exit::SomeRows,
        }
    }
}

impl Exit {
    /// Returns the exit code for a load that had already ended.
    pub fn of_ended(ending: Ending) -> Exit {
        match ending {
            Ending::Refused => Exit::Refused,
            Ending::Held => Exit::Held,
            Ending::Failed => Exit::Cloud,
            Ending::Done | Ending::DryRun | Ending::Removed | Ending::Superseded | Ending::Cancelled => Exit::Good,
        }
    }
}

/// The error of a command: an exit code, and a sentence for the user.
#[derive(Debug)]
pub struct CliError {
    pub exit: Exit,
    pub sentence: String,
}

impl CliError {
    pub fn usage(sentence: impl Into<String>) -> CliError {
        CliError { exit: Exit::Usage, sentence: sentence.into() }
    }

    pub fn file(action: &str, path: &Path, error: &std::io::Error) -> CliError {
        CliError::usage(format!(
            "{} could not be {action}: {error}. Check the name and its permissions.",
            path.display()
        ))
    }
}

impl From<SheetFault> for CliError {
    fn from(fault: SheetFault) -> CliError {
        CliError::usage(sentence(&fault))
    }
}

impl From<CheckError> for CliError {
    fn from(error: CheckError) -> CliError {
        CliError { exit: Exit::Cloud, sentence: sentence(&error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Difference, Figure, Group};
    use crate::report::{ReadBack, Seconds};
    use inventory_base::decimal::Decimal;
    use inventory_base::load_id::LoadId;
    use inventory_base::message::note;
    use inventory_base::upload::Upload;

    #[test]
    fn a_table_that_differs_and_lost_values_give_exit_code_1() {
        let upload: Upload = serde_json::from_str(
            r#"{"bucket":"uploads","key":"a.csv","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#,
        )
        .unwrap();
        let mut report = Report::stopped(LoadId::of(&upload), upload, Ending::Done, String::new(), Seconds::default());
        assert_eq!(Exit::from(&report), Exit::Good);
        let read_back = |differences| Some(ReadBack { items: 1, of: 1, differences });
        report.totals.read_back = read_back(vec![]);
        assert_eq!(Exit::from(&report), Exit::Good);
        report.notes = vec![note!(NotTakenAsShown { column: "SKU", cell: "A2", number: 7 })];
        assert_eq!(Exit::from(&report), Exit::Good);
        report.notes = vec![note!(CellsMergedAcross { sheet: "Stock", columns: "C", rows: "1 row" })];
        assert_eq!(Exit::from(&report), Exit::SomeRows);
        report.notes.clear();
        let (figure, group) = (Figure::Items, Group::All);
        let difference = Difference { figure, group, expected: Decimal::from(1_u64), found: Decimal::from(0_u64) };
        report.totals.read_back = read_back(vec![difference]);
        assert_eq!(Exit::from(&report), Exit::SomeRows);
    }
}
