//! Rows and rules become items, or problems in words. Everything a file can teach is found out here, before anything is
//! planned; nothing after this stage checks a value again.

mod batch;
mod below;
mod counts;
mod document;
mod duplicates;
mod file;
mod heading;
mod item_rows;
mod lent;
mod merged;
mod missing;
mod nearest;
mod prepass;
mod ragged;
mod repeats;
mod row;
mod second_pass;
mod sheet;
mod swallowed;
mod tables;
mod trial;
mod unnamed;
mod value;
mod what_to_do;

use serde::{Deserialize, Serialize};

use crate::schema::NamedCell;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Refusal, column_letters};

pub use document::{Document, DocumentSign};
pub use file::{Hear, Judge};
pub use lent::LentItem;
pub use trial::{Trial, would_be_read};
pub use value::{is_formula, shows_error};
pub use what_to_do::what_to_do_header;

/// A row, by the place of its sheet in the file and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place(pub u16, pub u32);

/// What judging makes of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict<I = Item> {
    Accepted(I),
    Rejected(Kept),
    /// The same item stands in several rows. Known only when the whole file is read.
    Duplicate(Kept),
    Skipped(Skipped),
}

impl<I> Verdict<I> {
    /// The verdict with its item in another form.
    pub fn map<J>(self, change: impl FnOnce(I) -> J) -> Verdict<J> {
        match self {
            Verdict::Accepted(item) => Verdict::Accepted(change(item)),
            Verdict::Rejected(kept) => Verdict::Rejected(kept),
            Verdict::Duplicate(kept) => Verdict::Duplicate(kept),
            Verdict::Skipped(skipped) => Verdict::Skipped(skipped),
        }
    }
}

/// What is kept of a row that cannot go in: why, and the row as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub problems: Vec<Problem>,
    pub cells: Vec<KeptCell>,
    /// The attributes of the table's key, where all of them are readable: the item is listed all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Item>,
}

/// A cell as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCell {
    pub cell: String,
    #[serde(rename = "type")]
    pub kind: CellKind,
    /// The value in full: a number with all the digits the file has, a date as days since 30 December 1899.
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The number that a text was read as, where only its whole column told which of its signs is the decimal one.
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
    /// One whose result is not in the file; its value is empty.
    Formula,
}

/// A row that is no item: why, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub why: Skip,
    /// Empty where the whole sheet was passed over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}

/// Why a row is no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skip {
    Title,
    Header,
    Total,
    Note,
    /// Its cells hold nothing but blanks.
    Blank,
    /// The sheet has no row with the names of the columns.
    SheetWithoutHeader,
    HiddenSheet,
    /// The rules name another one.
    OtherSheet,
}

impl Skip {
    /// Whether nobody who looks at the sheet wonders what became of such a row.
    fn goes_without_saying(self) -> bool {
        matches!(self, Skip::Header | Skip::Blank)
    }
}

/// What became of a file as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    pub sheets: Vec<SheetRead>,
    /// Rows that were skipped and of which nobody wonders why: headers, and rows of blanks.
    #[serde(default)]
    pub unremarked_rows: u64,
    /// What she should know beyond rows and sheets.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// The load whose rows the file mends: a part of that one's file, and not a list by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mends: Option<LoadId>,
    /// What says that it is a document other than a list of stock, where something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Document>,
}

/// What became of a sheet as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRead {
    pub name: String,
    pub loaded: bool,
    /// Why it was not loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// The columns that were found: attribute, header as it stands there, letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRead>,
    /// The sheet's further columns that have a header.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherColumn>,
    /// Tables below the first one whose header is another one: their rows were read by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRead>,
}

/// A table below another one on the same sheet: its header, and what was found there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRead {
    pub header_row: u32,
    pub columns: Vec<ColumnRead>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherColumn>,
}

impl SheetRead {
    /// The columns of each table with the row of its header, from above; none where no header was found.
    pub fn columns_by_table(&self) -> impl Iterator<Item = (u32, &[ColumnRead])> {
        let first = self.header_row.map(|row| (row, self.columns.as_slice()));
        first.into_iter().chain(self.tables.iter().map(|table| (table.header_row, table.columns.as_slice())))
    }

    /// The columns by which a row was read.
    pub fn columns_at(&self, row: u32) -> &[ColumnRead] {
        self.table_at(row).map_or(&self.columns, |table| &table.columns)
    }

    /// The further columns that have a header where a row stands.
    pub fn others_at(&self, row: u32) -> &[OtherColumn] {
        self.table_at(row).map_or(&self.others, |table| &table.others)
    }

    /// The row with the names by which a row was read.
    pub fn header_row_at(&self, row: u32) -> Option<u32> {
        self.table_at(row).map_or(self.header_row, |table| Some(table.header_row))
    }

    /// The columns of a table, by how many tables are above it.
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
    /// What the rules call it.
    #[serde(default)]
    pub title: String,
    /// As it stands in the sheet.
    pub header: String,
    pub column: String,
    /// Rows with items that have a value there, and rows that have none.
    #[serde(default)]
    pub values: u64,
    #[serde(default)]
    pub empty: u64,
    /// Columns that could have been taken for this attribute, where this one was chosen among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<OtherColumn>,
}

/// A column that the rules do not know: header as it stands there, letter.
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
    /// Whoever listens to the verdicts is gone.
    #[error("a verdict could not be handed on: {0}")]
    Output(#[from] std::io::Error),
}

impl From<Refusal> for JudgeError {
    fn from(refusal: Refusal) -> JudgeError {
        JudgeError::Refused(refusal)
    }
}
