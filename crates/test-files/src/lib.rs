//! Handmade spreadsheets for the tests of every crate.

pub mod compound;
pub mod xls;
pub mod xlsx;
