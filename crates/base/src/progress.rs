//! How far a load is, in rows.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Reading {
        rows: u64,
    },
    /// The total is unknown while the file is still being read.
    Planning {
        rows: u64,
        of: Option<u64>,
    },
    Writing {
        rows: u64,
        of: u64,
    },
}
