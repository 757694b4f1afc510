//! The tables of one sheet below each other, each with a header of its own. Nearly every sheet has one.

use super::row::Layout;

pub(super) struct Tables<'a> {
    pub first: Layout<'a>,
    further: Vec<Layout<'a>>,
}

impl<'a> Tables<'a> {
    pub fn new(first: Layout<'a>) -> Tables<'a> {
        Tables { first, further: Vec::new() }
    }

    pub fn push(&mut self, below: Layout<'a>) {
        self.further.push(below);
    }

    pub fn further(&self) -> &[Layout<'a>] {
        &self.further
    }

    /// The lowest one so far.
    pub fn last(&self) -> &Layout<'a> {
        self.further.last().unwrap_or(&self.first)
    }

    /// How many tables are above the one that a row belongs to.
    pub fn place_at(&self, row: u32) -> usize {
        self.further.iter().rposition(|layout| layout.header().row < row).map_or(0, |place| place + 1)
    }

    /// The one that a row belongs to.
    pub fn at(&self, row: u32) -> &Layout<'a> {
        match self.place_at(row) {
            0 => &self.first,
            place => &self.further[place - 1],
        }
    }

    /// Each with the row in which the next one begins.
    pub fn with_ends(&self) -> impl Iterator<Item = (&Layout<'a>, u32)> {
        let ends = self.further.iter().map(|layout| layout.header().row).chain([u32::MAX]);
        std::iter::once(&self.first).chain(&self.further).zip(ends)
    }
}
