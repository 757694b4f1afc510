//! Errors of writing a sheet of items: what is wrong, and what to do.

use rust_xlsxwriter::XlsxError;

#[derive(Debug, thiserror::Error)]
pub enum SheetFault {
    #[error(
        "the rules read only the sheet \"{0}\", but spreadsheet programs don't allow that name; set `sheet` in the rules \
         to at most 31 letters and digits, or remove it"
    )]
    Name(String),
    #[error("a header row with the titles of all columns isn't recognised by the rules; rename one or more of {0}")]
    Header(String),
    #[error("the workbook could not be created: {0}")]
    Workbook(#[from] XlsxError),
    #[error("it could not be written: {0}; check whether the disk is full")]
    Disk(#[from] std::io::Error),
}
