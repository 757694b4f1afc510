//! Loads a stock spreadsheet from S3 into DynamoDB and reports what happened to every row.
//!
//! This crate talks to AWS and runs a load from its event to its report. Reading, judging, planning and reporting are
//! in the crates below it (`crates/`), which don't use AWS.
//!
//! The groups of modules are in the order in which an upload passes them; no group imports from a later one.

// AWS: the clients, events, S3 and the inventory table.
pub mod clients;
pub mod event;
pub mod store;
pub mod table;

// The ledger, and notifications.
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod relay;

// Loads, and the programs that start them.
pub mod cli;
pub mod config;
pub mod function;
pub mod load;
