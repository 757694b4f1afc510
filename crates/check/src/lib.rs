//! A file is read and judged in a confined child process, and the result is planned and reported: all that needs no
//! cloud. `inventory-check` is this crate as a program.

pub mod child;
pub mod plan;
pub mod report;
pub mod sheet;
