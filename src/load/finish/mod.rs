//! The end of a load: its report, its rows to fix, its notices, its line in the ledger.

pub mod end;
pub mod leave;
pub mod notify;
pub mod report;
pub mod to_fix;
pub mod unbegun;
