//! Commands that need no cloud, and what all commands share: what they take, where they print, and how they end.

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
pub use output::{Lists, answer, end, say, tell};
pub use progress::Bar;
pub use terminal::{answer_width, shorten};
