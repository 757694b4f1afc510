//! Finds rows that a line break inside a value has cut in two. If all rows of a file have the same number of values,
//! the parts have fewer. In a file that omits empty values at the end of its rows, fewer values mean nothing.

/// If the number of values changes more often than this, the file follows no pattern that could be violated.
const MOST_STRETCHES: usize = 1 << 16;
/// Excel omits empty columns at the end for sixteen rows at a time, so this many consecutive short rows are not an
/// accident.
const ROWS_OF_A_HABIT: u32 = 8;
/// After this many complete rows, the last row should be complete too.
const ROWS_BEFORE_THE_END: u32 = 3;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is a part of a row.
    Part,
    /// It is the last row, and the end of the file may be missing. If it clearly isn't an item, it is a note.
    End,
    /// It is complete, but the row below, with this number, may be the rest of its last value.
    ContinuesIn(u32),
    /// It is complete, but the row above, with this number, may be the beginning of its first value.
    ContinuedFrom(u32),
}

/// The rows below a header as stretches of rows with the same number of values.
#[derive(Default)]
pub struct Lines {
    stretches: Vec<Stretch>,
    too_many: bool,
}

#[derive(Clone, Copy)]
struct Stretch {
    fields: u32,
    first: u32,
    last: u32,
    rows: u32,
}

impl Lines {
    /// Adds a row. Rows with fewer values than `columns` only join a stretch if they are adjacent.
    pub fn add(&mut self, row: u32, fields: u32, columns: u32) {
        let is_full = self.stretches.len() == MOST_STRETCHES;
        match self.stretches.last_mut() {
            Some(last) if last.fields == fields && (last.last + 1 == row || fields >= columns) => {
                (last.last, last.rows) = (row, last.rows + 1);
            }
            _ if is_full => self.too_many = true,
            _ => self.stretches.push(Stretch { fields, first: row, last: row, rows: 1 }),
        }
    }

    /// Finds a line of one value directly below the last complete row: a note, or the rest of that row. Returns both
    /// row numbers.
    pub fn find_tail(&self, usual: u32) -> Option<(u32, u32)> {
        let at = self.stretches.iter().rposition(|stretch| stretch.fields >= usual)?;
        let (whole, next) = (self.stretches[at], self.stretches.get(at + 1)?);
        (usual > 1 && next.fields == 1 && whole.last + 1 == next.first).then_some((next.first, whole.last))
    }

    /// Finds the rows that are cut, in order. `usual` is the number of values of most rows; `some_end_empty` is whether
    /// some row ends with an empty value.
    pub fn find_cuts(&self, header_row: u32, usual: u32, some_end_empty: bool) -> Vec<(u32, Cut)> {
        let is_short = |stretch: &Stretch| stretch.fields < usual;
        let last_whole = self.stretches.iter().rev().find(|stretch| !is_short(stretch)).map_or(0, |whole| whole.last);
        let (mut cuts, mut odd, mut is_habit) = (Vec::new(), Vec::new(), self.too_many || usual < 2);
        let mut at = 0;
        while at < self.stretches.len() {
            let mut end = at + 1;
            while end < self.stretches.len()
                && is_short(&self.stretches[at])
                && is_short(&self.stretches[end])
                && self.stretches[end - 1].last + 1 == self.stretches[end].first
            {
                end += 1;
            }
            let (run, before, after) = (&self.stretches[at..end], &self.stretches[..at], &self.stretches[end..]);
            at = end;
            let (first, last) = (run[0].first, run[run.len() - 1].last);
            if !is_short(&run[0]) {
                continue;
            }
            let rows = last - first + 1;
            let values: u64 = run.iter().map(|stretch| u64::from(stretch.fields) * u64::from(stretch.rows)).sum();
            let parts = (first..=last).map(|row| (row, Cut::Part));
            if run.iter().all(|stretch| stretch.fields == 1) {
                // A line of one value is a note or the name of a group, unless it is between two rows. Directly below
                // the header it can only be the beginning of the row below it.
                let above = before.last().filter(|whole| whole.last + 1 == first);
                let below = after.first().filter(|whole| last + 1 == whole.first);
                if let (Some(above), Some(_)) = (above, below) {
                    cuts.push((above.last, Cut::ContinuesIn(first)));
                    cuts.extend(parts);
                }
                if let Some(below) = below.filter(|_| above.is_some() || header_row + 1 == first) {
                    cuts.push((below.first, Cut::ContinuedFrom(last)));
                }
            } else if rows > 1 && values == u64::from(usual + rows - 1) {
                cuts.extend(parts);
            } else if last < last_whole {
                is_habit |= rows >= ROWS_OF_A_HABIT;
                odd.extend(parts);
            } else if rows == 1 && before.iter().map(|stretch| stretch.rows).sum::<u32>() >= ROWS_BEFORE_THE_END {
                odd.push((first, Cut::End));
            }
        }
        // If no row ends with an empty value, several short rows that aren't parts of a row mean that such values are
        // omitted.
        if is_habit || (!some_end_empty && odd.len() > 1) {
            return Vec::new();
        }
        cuts.extend(odd);
        cuts.sort_by_key(|(row, _)| *row);
        cuts.dedup_by_key(|(row, _)| *row);
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cuts in rows with these numbers of values; zero is a blank line.
    fn cuts(fields: &[u32], some_end_empty: bool) -> Vec<(u32, Cut)> {
        let mut lines = Lines::default();
        for (row, fields) in (2..).zip(fields).filter(|(_, fields)| **fields > 0) {
            lines.add(row, *fields, 5);
        }
        lines.find_cuts(1, 5, some_end_empty)
    }

    #[test]
    fn a_line_directly_below_the_last_row_may_be_the_rest_of_it() {
        let tail = |fields: &[u32]| {
            let mut lines = Lines::default();
            (2..).zip(fields).filter(|(_, fields)| **fields > 0).for_each(|(row, fields)| lines.add(row, *fields, 5));
            lines.find_tail(5)
        };
        assert_eq!(tail(&[5, 5, 1]), Some((4, 3)));
        assert_eq!(tail(&[5, 5, 1, 1]), Some((4, 3)));
        for fields in [&[5, 5][..], &[5, 5, 0, 1], &[5, 1, 5], &[5, 5, 2]] {
            assert_eq!(tail(fields), None, "{fields:?}");
        }
    }

    #[test]
    fn parts_that_add_up_to_one_row_are_recognised() {
        let parts = |rows: &[u32]| rows.iter().map(|row| (*row, Cut::Part)).collect::<Vec<_>>();
        assert_eq!(cuts(&[5, 5, 2, 4, 5, 5], false), parts(&[4, 5]));
        assert_eq!(cuts(&[5, 2, 1, 4, 5, 5, 3, 3, 5], false), parts(&[3, 4, 5, 8, 9]));
        // At the end of the list too.
        assert_eq!(cuts(&[5, 5, 3, 3], true), parts(&[4, 5]));
        // A single row that lacks a value which all others have.
        assert_eq!(cuts(&[5, 5, 4, 5], false), parts(&[4]));
        assert_eq!(cuts(&[5, 4, 5, 5, 3, 5], true), parts(&[3, 6]));
    }

    #[test]
    fn a_single_short_last_row_may_be_the_end_of_a_truncated_file() {
        assert_eq!(cuts(&[5, 5, 5, 3], false), [(5, Cut::End)]);
        assert_eq!(cuts(&[5, 5, 5, 0, 3], true), [(6, Cut::End)]);
        // A few rows prove nothing, and neither do files that omit empty values; a single line is a note.
        for fields in [&[5, 5, 3][..], &[5, 5, 4, 5, 3], &[5, 5, 5, 1], &[5, 5, 5, 3, 2]] {
            assert_eq!(cuts(fields, false), [], "{fields:?}");
        }
    }

    #[test]
    fn a_line_between_two_rows_may_belong_to_either() {
        let cut = [(3, Cut::ContinuesIn(4)), (4, Cut::Part), (5, Cut::Part), (6, Cut::ContinuedFrom(5))];
        assert_eq!(cuts(&[5, 5, 1, 1, 5, 5], false), cut);
        // Below the header it is a note, or the beginning of the first value in the row below it.
        assert_eq!(cuts(&[1, 5, 5], true), [(3, Cut::ContinuedFrom(2))]);
        assert_eq!(cuts(&[1, 1, 5], false), [(4, Cut::ContinuedFrom(3))]);
        // Below the list, or next to a blank line, it is a note.
        for fields in [&[5, 5, 1][..], &[5, 5, 1, 1], &[5, 0, 1, 5], &[5, 1, 0, 5], &[0, 1, 5], &[1, 0, 5]] {
            assert_eq!(cuts(fields, true), [], "{fields:?}");
        }
    }

    #[test]
    fn short_rows_are_complete_if_trailing_empty_values_are_omitted() {
        assert_eq!(cuts(&[5, 4, 5, 3, 5, 5], false), []);
        assert_eq!(cuts(&[5, 3, 3, 5, 5, 4, 5, 3, 5], false), []);
        // As Excel does for sixteen rows at a time, and rows below the list.
        let sixteen = [vec![5; 3], vec![4; 16], vec![5; 30]].concat();
        assert_eq!(cuts(&sixteen, true), []);
        assert_eq!(cuts(&[5, 5, 5, 3, 2], true), []);
    }
}
