//! Reading and judging in a process of its own, without keys and with hard limits. A few hostile or merely broken files
//! make a reader abort or loop for ever, which nothing inside the same process can stop.

mod confine;
mod inside;
mod memory;
mod outside;
mod spool;

use serde::{Deserialize, Serialize};

use inventory_base::item::Item;
use inventory_base::message::Refusal;
use inventory_rules::judge::{FileRead, Place, SheetRead, Verdict};
use inventory_rules::schema::Schema;
use inventory_workbook::Budget;

pub use confine::confine;
pub use inside::{asked_to_read, serve};
pub use memory::peak_memory;
pub use outside::{ChildError, Outcome, Reader, read};
pub use spool::{Following, JudgedRow, Reading, Rows, Spool};

/// The first word of the child's command line; the brief is the second.
pub const READ: &str = "read";

/// What the child is told. The file itself is its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Only to name the sheet of a file that has no sheets of its own.
    pub file_name: String,
    pub schema: Schema,
    pub budget: Budget,
    pub limits: Limits,
    pub items: Items,
}

/// Whether the items of accepted rows are wanted. To count rows they are not, and telling them is much of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Items {
    Told,
    /// Accepted rows come with an empty item.
    LeftOut,
}

/// What the child may take. It sets them itself before it touches the file, and cannot take them back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    pub processor_seconds: u64,
    pub megabytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // 400 of the 512 MB of the smallest function: the rest is the parent's.
        Limits { processor_seconds: 300, megabytes: 400 }
    }
}

/// One line of what the child says. What is known of a sheet comes before its rows, and once more, in place of that, when
/// its header is found. Rows come in the order of the file, then the duplicates among them as they were sent, then the
/// memory it took, where that is known, and the end. Without an end, nothing of it counts.
pub type Line = LineOf<Item>;

/// A [`Line`], with its item as this end has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineOf<I> {
    Sheet(u16, SheetRead),
    Row(Place, Verdict<I>),
    /// The final verdict of a row that could not be judged by itself.
    Again(Place, Verdict<I>),
    /// The most it has had, in bytes.
    Memory(u64),
    End(FileRead),
    Refused(Refusal),
}

impl Line {
    /// How a line of rows begins: told apart without reading the line.
    const ROW: &'static [u8] = b"{\"row\"";
    const AGAIN: &'static [u8] = b"{\"again\"";
}
