//! Reads the rules in `inventory.toml` and judges the rows of a file by them, as items or problems.

mod cell;
pub mod judge;
pub mod schema;
