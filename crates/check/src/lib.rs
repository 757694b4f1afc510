//! Everything that needs no cloud: reading and judging a file in a confined child process, planning the load, and
//! reporting it. The program `inventory-check` is built on this crate.

pub mod check;
pub mod child;
pub mod cli;
pub mod plan;
pub mod report;
pub mod sheet;
