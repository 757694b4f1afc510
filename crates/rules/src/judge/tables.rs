//! The tables of one sheet, one below another, each with its own header. Nearly every sheet has one table.

use super::row::Layout;

pub(super) struct Tables<'a> {
    pub first: Layout<'a>,
    later: Vec<Layout<'a>>,
}

impl<'a> Tables<'a> {
    pub fn new(first: Layout<'a>) -> Tables<'a> {
        Tables { first, later: Vec::new() }
    }

    pub fn push(&mut self, below: Layout<'a>) {
        self.later.push(below);
    }

    pub fn later(&self) -> &[Layout<'a>] {
        &self.later
    }

    /// The lowest one so far.
    pub fn last(&self) -> &Layout<'a> {
        self.later.last().unwrap_or(&self.first)
    }

    /// The number of tables above the one that a row belongs to.
    pub fn index_at(&self, row: u32) -> usize {
        self.later.iter().rposition(|layout| layout.header().row < row).map_or(0, |place| place + 1)
    }

    /// The table that a row belongs to.
    pub fn at(&self, row: u32) -> &Layout<'a> {
        match self.index_at(row) {
            0 => &self.first,
            place => &self.later[place - 1],
        }
    }

    /// Each table with the row in which the next one begins.
    pub fn with_ends(&self) -> impl Iterator<Item = (&Layout<'a>, u32)> {
        let ends = self.later.iter().map(|layout| layout.header().row).chain([u32::MAX]);
        std::iter::once(&self.first).chain(&self.later).zip(ends)
    }
}
