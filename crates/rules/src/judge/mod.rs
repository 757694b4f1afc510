//! Turns rows into items or problems, by the rules. Everything a file can reveal is found here, before the plan is
//! made; no later stage checks a value again.

mod batch;
mod borrowed;
mod collector;
mod counts;
mod document;
mod duplicates;
mod file;
mod fold;
mod heading;
mod later_header;
mod merged;
mod missing_columns;
mod nearest_header;
mod prepass;
mod ragged;
mod repeats;
mod row;
mod row_checker;
mod row_set;
mod second_pass;
mod sheet;
mod swallowed_rows;
mod tables;
mod unnamed_columns;
pub(crate) mod value;
mod verdict_sink;
mod what_to_do;

use serde::{Deserialize, Serialize};

use crate::schema::NamedCell;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Refusal, column_letters};

pub use crate::cell::{is_formula, shows_error};
pub use borrowed::BorrowedItem;
pub use document::{Document, DocumentSign};
pub use file::Judge;
pub use row_checker::{RowChecker, would_be_read};
pub use verdict_sink::VerdictSink;
pub use what_to_do::what_to_do_header;

/// A row: the index of its sheet in the file, and its row number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place(pub u16, pub u32);

/// The result of judging a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict<I = Item> {
    Accepted(I),
    Rejected(RejectedRow),
    /// The same item appears in several rows. Only known once the whole file has been read.
    Duplicate(RejectedRow),
    Skipped(Skipped),
}

impl<I> Verdict<I> {
    /// Converts the verdict's item.
    pub fn map<J>(self, change: impl FnOnce(I) -> J) -> Verdict<J> {
        match self {
            Verdict::Accepted(item) => Verdict::Accepted(change(item)),
            Verdict::Rejected(kept) => Verdict::Rejected(kept),
            Verdict::Duplicate(kept) => Verdict::Duplicate(kept),
            Verdict::Skipped(skipped) => Verdict::Skipped(skipped),
        }
    }
}

/// A row that is not loaded: its problems, and the row as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    pub problems: Vec<Problem>,
    pub cells: Vec<OriginalCell>,
    /// The attributes of the table's key, if all of them could be read: the item then counts as listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Item>,
}

/// A cell as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginalCell {
    pub cell: String,
    #[serde(rename = "type")]
    pub kind: CellKind,
    /// The full value: a number with all digits in the file, a date as days since 30 December 1899.
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The number that a text was read as, if only its whole column shows which character is the decimal separator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    Text,
    Number,
    Date,
    Boolean,
    Error,
    /// A formula whose result is not in the file; its value is empty.
    Formula,
}

/// A row that isn't an item: the reason, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub why: Skip,
    /// Empty if the whole sheet was skipped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}

/// Why a row isn't an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    Title,
    Header,
    Total,
    Note,
    /// All its cells are blank.
    Blank,
    /// The sheet has no header row.
    SheetWithoutHeader,
    HiddenSheet,
    /// The rules name a different sheet.
    OtherSheet,
}

impl Skip {
    /// Whether such rows need no mention in the report.
    fn goes_without_saying(self) -> bool {
        matches!(self, Skip::Header | Skip::Blank)
    }
}

/// What happened to the file as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    pub sheets: Vec<SheetRead>,
    /// Skipped rows that need no mention: headers and blank rows.
    #[serde(default)]
    pub unremarked_rows: u64,
    /// Notes for the uploader that don't concern a single row or sheet.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The load whose rows the file fixes: it is a part of that load's file, not a list of its own.
    #[serde(alias = "mends", default, skip_serializing_if = "Option::is_none")]
    pub fixes: Option<LoadId>,
    /// The evidence that the file isn't a stock list, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
}

/// What happened to a sheet as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRead {
    pub name: String,
    pub loaded: bool,
    /// Why it was not loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// The columns that were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRead>,
    /// The sheet's other columns that have a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherColumn>,
    /// Tables below the first one, with their own headers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRead>,
}

/// A table below another one on the same sheet: its header, and the columns found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    pub header_row: u32,
    pub columns: Vec<ColumnRead>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherColumn>,
}

impl SheetRead {
    /// The header row and the columns of each table, from the top; empty if no header was found.
    pub fn columns_by_table(&self) -> impl Iterator<Item = (u32, &[ColumnRead])> {
        let first = self.header_row.map(|row| (row, self.columns.as_slice()));
        first.into_iter().chain(self.tables.iter().map(|table| (table.header_row, table.columns.as_slice())))
    }

    /// The columns by which a row was read.
    pub fn columns_at(&self, row: u32) -> &[ColumnRead] {
        self.table_at(row).map_or(&self.columns, |table| &table.columns)
    }

    /// The other columns with a header in the table of a row.
    pub fn others_at(&self, row: u32) -> &[OtherColumn] {
        self.table_at(row).map_or(&self.others, |table| &table.others)
    }

    /// The header row by which a row was read.
    pub fn header_row_at(&self, row: u32) -> Option<u32> {
        self.table_at(row).map_or(self.header_row, |table| Some(table.header_row))
    }

    /// The columns of a table; `table` is the number of tables above it.
    fn columns_of_mut(&mut self, table: usize) -> Option<&mut [ColumnRead]> {
        match table {
            0 => Some(&mut self.columns),
            _ => self.tables.get_mut(table - 1).map(|table| table.columns.as_mut_slice()),
        }
    }

    fn table_at(&self, row: u32) -> Option<&TableRead> {
        self.tables.iter().rev().find(|table| table.header_row < row)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRead {
    pub attribute: String,
    /// The column's title in the rules.
    #[serde(default)]
    pub title: String,
    /// As the sheet writes it.
    pub header: String,
    pub column: String,
    /// The numbers of rows with items that have a value in the column, and that have none.
    #[serde(default)]
    pub values: u64,
    #[serde(default)]
    pub empty: u64,
    /// Other columns that could have been taken for this attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<OtherColumn>,
}

/// A column that the rules don't know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherColumn {
    pub header: String,
    pub column: String,
}

impl From<&NamedCell> for OtherColumn {
    fn from((place, header): &NamedCell) -> OtherColumn {
        OtherColumn { header: header.clone(), column: column_letters(*place) }
    }
}

/// Why judging ended before the end of the file.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    #[error("the file is refused: {}", .0.rule.id())]
    Refused(Refusal),
    /// The receiver of the verdicts is gone.
    #[error("a verdict could not be handed on: {0}")]
    Output(#[from] std::io::Error),
}

impl From<Refusal> for JudgeError {
    fn from(refusal: Refusal) -> JudgeError {
        JudgeError::Refused(refusal)
    }
}
