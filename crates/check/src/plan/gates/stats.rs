//! The figures of some rows that gates judge.

use super::Gate;

/// `count` of `of` rows or items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub count: u64,
    pub of: u64,
}

impl Share {
    /// One row or item that is looked at, and whether it counts.
    pub fn one(counts: bool) -> Share {
        Share { count: counts.into(), of: 1 }
    }

    fn add(&mut self, other: Share) {
        self.count += other.count;
        self.of += other.of;
    }
}

/// The figures of some rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stats {
    /// Items planned to be in the table.
    pub items: u64,
    /// What each gate has counted, in the order of the gates.
    pub shares: [Share; Gate::COUNT],
}

impl Stats {
    /// Returns figures that only one gate has counted.
    pub fn of_gate(gate: Gate, share: Share) -> Stats {
        let mut stats = Stats::default();
        stats.shares[gate as usize] = share;
        stats
    }

    /// Returns what a gate has counted.
    pub fn share(&self, gate: Gate) -> Share {
        self.shares[gate as usize]
    }

    pub fn add(&mut self, other: &Stats) {
        self.items += other.items;
        for (sum, share) in self.shares.iter_mut().zip(other.shares) {
            sum.add(share);
        }
    }
}
