//! A spreadsheet of stock lands in S3; a minute later the table is right, and a person has been told what became of
//! every row. This crate is the cloud and the order of a load; how a file is read, judged, planned and reported is in
//! the crates below it (`crates/`), which know nothing of the cloud.
//!
//! The modules are in the order an upload passes them, and none imports from a later one.

// The cloud, and what it asks of us.
pub mod clients;
pub mod event;
pub mod store;
pub mod table;

// Whose turn it is, and who is told.
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod relay;

// A load, and what sets it up.
pub mod cli;
pub mod config;
pub mod function;
pub mod load;
