//! Streams a file as rows of cells, without interpreting their values. The only crate that knows file formats: each is
//! in a module of its own, with its `Format`, and in the list in `formats.rs`.

mod assembly;
mod biff;
mod budget;
mod compound;
mod delimited;
mod delimiter;
mod encoding;
mod far;
#[cfg(test)]
mod files;
mod format;
mod formats;
mod html;
mod lines;
mod number_format;
mod ods;
mod row;
mod scan;
mod sniff;
mod source;
mod survey;
mod text;
mod workbook;
mod xls;
mod xlsb;
mod xlsx;
mod xlsx_style;
mod xml2003;
mod zipped;

pub use budget::Budget;
pub use delimited::text_formula;
pub use row::{MergedArea, RawCell, RawRow, RawValue, Sheet};
pub use source::{ReadAt, Source};
pub use workbook::Workbook;
