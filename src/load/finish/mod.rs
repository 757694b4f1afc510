//! The end of a load: its report, its rows to fix, its notices, and its record in the ledger.

pub mod end;
pub mod keep;
pub mod notify;
pub mod report;
pub mod to_fix;
pub mod unstarted;
