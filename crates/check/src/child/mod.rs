//! Reads and judges a file in a separate process, without AWS keys and with hard limits. A few hostile or merely broken
//! files make a reader abort or loop forever, which nothing inside the same process can stop.

mod confine;
mod inside;
mod memory;
mod outside;
mod reader;
mod spool;

use serde::{Deserialize, Serialize};

use inventory_base::item::Item;
use inventory_base::message::Refusal;
use inventory_rules::judge::{FileRead, Place, SheetRead, Verdict};
use inventory_rules::schema::Schema;
use inventory_workbook::Budget;

pub use confine::confine;
pub use inside::{brief_from_args, serve};
pub use memory::peak_memory;
pub use outside::{ChildError, Outcome};
pub use reader::{FILE_BYTES, NamedFile, Reader, too_large};
pub use spool::{IncomingRows, JudgedRow, Reading, Rows, Spool};

/// The first argument of the child; the brief is the second.
pub const READ: &str = "read";

/// What the child needs to know, as JSON in its command line. The file itself is its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Only used to name the sheet of a file format that has no sheets, such as CSV.
    pub file_name: String,
    pub schema: Schema,
    pub budget: Budget,
    pub limits: Limits,
    pub items: Items,
}

/// Whether the child passes on the items of accepted rows. Counting rows doesn't need them, and writing them is much of
/// the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Items {
    Included,
    /// Accepted rows have an empty item.
    Omitted,
}

/// The child's limits. It sets them itself before it touches the file, and cannot raise them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub processor_seconds: u64,
    pub megabytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // 400 of the 512 MB of the smallest function; the parent needs the rest.
        Limits { processor_seconds: 300, megabytes: 400 }
    }
}

/// One line of the child's output. A sheet is described before its rows, and again, replacing the first description,
/// when its header is found. Rows come in the order of the file, followed by the final verdicts of duplicates in the
/// same order, the peak memory if known, and the end. Output without an end is discarded.
pub type Line = LineOf<Item>;

/// A [`Line`] whose item is owned, or borrowed while it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineOf<I> {
    Sheet(u16, SheetRead),
    Row(Place, Verdict<I>),
    /// The final verdict of a row that could only be judged with the whole file known.
    Again(Place, Verdict<I>),
    /// The child's peak memory in bytes.
    Memory(u64),
    End(FileRead),
    Refused(Refusal),
}

impl Line {
    /// The start of a line with a row, so that lines can be told apart without parsing them.
    const ROW: &'static [u8] = b"{\"row\"";
    const AGAIN: &'static [u8] = b"{\"again\"";
}
