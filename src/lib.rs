//! A spreadsheet of stock lands in S3; a minute later the table is right, and a person has been told what became of
//! every row. The modules stand in the order an upload passes them; none imports a later one.

pub mod decimal;
pub mod item;
pub mod message;

pub mod event;
pub mod schema;
pub mod workbook;
pub mod judge;
pub mod child;
