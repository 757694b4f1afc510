//! The rules of an inventory, read from `inventory.toml`, and what they make of the rows of a file: items and problems.

pub mod judge;
pub mod schema;
