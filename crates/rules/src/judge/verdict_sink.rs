//! Where verdicts go.

use std::io;

use super::borrowed::BorrowedItem;
use super::{Place, SheetRead, Verdict};

/// Receives the verdicts as they are made.
pub trait VerdictSink {
    fn row(&mut self, place: Place, verdict: Verdict<BorrowedItem<'_>>) -> io::Result<()>;

    /// Reports what is known about a sheet: before its first row, and again whenever a header is found.
    fn sheet(&mut self, _number: u16, _sheet: SheetRead) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(Place, Verdict<BorrowedItem<'_>>) -> io::Result<()>> VerdictSink for F {
    fn row(&mut self, place: Place, verdict: Verdict<BorrowedItem<'_>>) -> io::Result<()> {
        self(place, verdict)
    }
}

pub(super) type SinkMut<'a> = &'a mut dyn VerdictSink;
