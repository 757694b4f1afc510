//! The numbers of the rows of a sheet that are items or notes, needed later, when the merged cells are known.

use std::ops::RangeInclusive;

/// Row numbers in ascending order, stored as runs. Items mostly follow one another, so a sheet has few runs.
#[derive(Default)]
pub(super) struct RowSet {
    runs: Vec<(u32, u32)>,
}

impl RowSet {
    pub fn push(&mut self, row: u32) {
        match self.runs.last_mut() {
            Some((_, last)) if row == last.saturating_add(1) => *last = row,
            _ => self.runs.push((row, row)),
        }
    }

    pub fn contains(&self, row: u32) -> bool {
        self.count(row..=row) > 0
    }

    /// The number of these rows that are in the set.
    pub fn count(&self, rows: RangeInclusive<u32>) -> u64 {
        let (first, last) = rows.into_inner();
        let from = self.runs.partition_point(|(_, end)| *end < first);
        let runs = self.runs[from..].iter().take_while(|(start, _)| *start <= last);
        runs.map(|(start, end)| u64::from((*end).min(last) - (*start).max(first) + 1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_across_gaps() {
        let mut rows = RowSet::default();
        [2, 3, 4, 8, 10, 11].into_iter().for_each(|row| rows.push(row));
        assert_eq!(rows.runs, [(2, 4), (8, 8), (10, 11)]);
        for (range, count) in [(1..=1, 0), (2..=4, 3), (3..=9, 3), (5..=7, 0), (4..=10, 3), (1..=99, 6)] {
            assert_eq!(rows.count(range.clone()), count, "{range:?}");
        }
        assert!(rows.contains(8) && !rows.contains(9));
    }
}
