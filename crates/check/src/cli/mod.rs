//! Commands that need no cloud, and what all commands share: arguments, output and exit codes.

mod args;
pub mod check;
mod exit;
mod new_file;
mod output;
mod progress;
pub mod schema;
pub mod template;
mod terminal;

pub use args::{ReportArgs, local_upload, own_reader, read_rules};
pub use exit::{CHECK_CODES, CliError, Exit, PRINT_CODES, TEMPLATE_CODES};
pub use new_file::NewFile;
pub use output::{Lists, finish, print_answer, print_note, print_report};
pub use progress::Bar;
pub use terminal::{shorten, stdout_width};
