//! Why a sheet of items could not be written: what is wrong, and what to do.

use rust_xlsxwriter::XlsxError;

#[derive(Debug, thiserror::Error)]
pub enum SheetFault {
    #[error(
        "the rules read no sheet but \"{0}\", and no spreadsheet program takes that for the name of one; give `sheet` in \
         the rules at most 31 letters and digits, or leave it out"
    )]
    Name(String),
    #[error("under the names of the columns in one row, the rules do not find each column; give {0} another title")]
    Header(String),
    #[error("the workbook could not be made: {0}")]
    Workbook(#[from] XlsxError),
    #[error("it could not be written: {0}; see whether the disk is full")]
    Disk(#[from] std::io::Error),
}
