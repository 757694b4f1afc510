//! A spreadsheet of stock lands in S3; a minute later the table is right, and a person has been told what became of
//! every row.
//!
//! The modules stand in the order an upload passes them, and no group imports from a later one.

// What all stages speak of.
pub mod decimal;
pub mod item;
pub mod message;

// What we were asked, and whether it is our turn.
pub mod clients;
pub mod event;
pub mod ledger;
pub mod schema;
pub mod store;

// In the child.
pub mod child;
pub mod judge;
pub mod workbook;

// Plan, write, tell.
pub mod metrics;
pub mod notify;
pub mod plan;
pub mod relay;
pub mod report;
pub mod sheet;
pub mod table;

// The journey, and what sets it up.
pub mod cli;
pub mod config;
pub mod function;
pub mod load;
