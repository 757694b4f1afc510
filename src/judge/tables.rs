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

    /// The one that a row belongs to.
    pub fn at(&self, row: u32) -> &Layout<'a> {
        self.further.iter().rev().find(|layout| layout.header().row < row).unwrap_or(&self.first)
    }
}
