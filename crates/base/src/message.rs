//! Every sentence the loader says about a file, in one place. Each has an identifier that never changes, the name of
//! its rule; `docs/messages.md` lists them.

mod catalogue;
mod format;
mod list;
mod sentences;

use serde::{Deserialize, Serialize};

pub use crate::{note, refusal, sentences};
pub use catalogue::{Rule, Shared};
pub use format::{cell_address, column_letters, count, duration, grouped, sentence};
pub use list::listed;
pub use sentences::{Sentences, check_words};

/// The generator named in the loader's own pages. It identifies a report that is uploaded by mistake in place of a
/// stock list.
pub const REPORT_GENERATOR: &str = "inventory-loader report";

/// What keeps a row out of the table, in one of its cells or as a whole: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub sheet: String,
    pub row: u32,
    /// The column's header as it is in the file.
    pub column: Option<String>,
    /// The cell's address, such as `D14`.
    pub cell: Option<String>,
    /// The value as the spreadsheet program shows it.
    pub value: Option<String>,
    pub rule: Rule,
    pub message: String,
    pub advice: String,
}

/// Why a whole file is not loaded. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub rule: Rule,
    pub message: String,
    pub advice: String,
}

/// How much a note matters to a reader of the headline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Good to know; nothing is wrong.
    Remark,
    /// Loaded, but worth a look: the loader decided something that a person should confirm.
    Look,
    /// Rows were loaded without a value that is in the file.
    Loss,
}

/// Something about a file that keeps no row out of the table, but that the uploader should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The sheet it is about; `None` if it is about the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    pub rule: Rule,
    pub message: String,
    pub advice: String,
    /// The number of rows that lost a value, if that is what the note is about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Note {
    /// The same note, about one sheet.
    pub fn on_sheet(self, sheet: &str) -> Note {
        Note { sheet: Some(sheet.to_string()), ..self }
    }
}

#[cfg(test)]
mod tests;
