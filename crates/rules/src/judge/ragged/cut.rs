//! Rows that a line break inside a value has cut in two. In a file whose rows all have the same number of values, the
//! parts have fewer; in one that leaves out empty values at the end of its rows, fewer values say nothing.

/// More changes of the number of values than this have no rule that could be broken.
const MOST_STRETCHES: usize = 1 << 16;
/// Excel leaves out empty columns at the end for sixteen rows at once. So many short rows in a row are no accident.
const ROWS_OF_A_HABIT: u32 = 8;
/// So many whole rows tell that the last one should have been whole, too.
const ROWS_BEFORE_THE_END: u32 = 3;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It is a part of one.
    Part,
    /// It is the last row, and the end of the file may be missing. If it is plainly no item, it is a note.
    End,
    /// It has all its values, and the row of this number, just below it, may be the rest of its last.
    Above(u32),
    /// It has all its values, and the row of this number, just above it, may be the beginning of its first.
    Below(u32),
}

/// The rows below a header, as stretches of rows that have the same number of values.
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
    /// A row of fewer values than `columns` makes a stretch only with rows next to it.
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

    /// The line of one value directly below the last row that has all of them, and that row: a note, or the rest of it.
    pub fn find_tail(&self, usual: u32) -> Option<(u32, u32)> {
        let at = self.stretches.iter().rposition(|stretch| stretch.fields >= usual)?;
        let (whole, next) = (self.stretches[at], self.stretches.get(at + 1)?);
        (usual > 1 && next.fields == 1 && whole.last + 1 == next.first).then_some((next.first, whole.last))
    }

    /// The rows that are cut, in their order. `usual` is the number of values that most rows have, `open` whether some
    /// row ends with an empty one.
    pub fn find_cuts(&self, header_row: u32, usual: u32, open: bool) -> Vec<(u32, Cut)> {
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
                // A line alone is a note or the name of a group, but between two rows. Under the header it can only
                // be the beginning of the row below it.
                let above = before.last().filter(|whole| whole.last + 1 == first);
                let below = after.first().filter(|whole| last + 1 == whole.first);
                if let (Some(above), Some(_)) = (above, below) {
                    cuts.push((above.last, Cut::Above(first)));
                    cuts.extend(parts);
                }
                if let Some(below) = below.filter(|_| above.is_some() || header_row + 1 == first) {
                    cuts.push((below.first, Cut::Below(last)));
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
        // Without an empty value at any end, several short rows that are no parts of one tell that these are left out.
        if is_habit || (!open && odd.len() > 1) {
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

    /// The cuts in rows of these numbers of values; zero is a blank line.
    fn cuts(fields: &[u32], open: bool) -> Vec<(u32, Cut)> {
        let mut lines = Lines::default();
        for (row, fields) in (2..).zip(fields).filter(|(_, fields)| **fields > 0) {
            lines.add(row, *fields, 5);
        }
        lines.find_cuts(1, 5, open)
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
    fn parts_that_come_to_one_row_are_its_parts() {
        let parts = |rows: &[u32]| rows.iter().map(|row| (*row, Cut::Part)).collect::<Vec<_>>();
        assert_eq!(cuts(&[5, 5, 2, 4, 5, 5], false), parts(&[4, 5]));
        assert_eq!(cuts(&[5, 2, 1, 4, 5, 5, 3, 3, 5], false), parts(&[3, 4, 5, 8, 9]));
        // At the end of the list too.
        assert_eq!(cuts(&[5, 5, 3, 3], true), parts(&[4, 5]));
        // A lone row that lacks a value, where all others have it.
        assert_eq!(cuts(&[5, 5, 4, 5], false), parts(&[4]));
        assert_eq!(cuts(&[5, 4, 5, 5, 3, 5], true), parts(&[3, 6]));
    }

    #[test]
    fn a_last_row_that_alone_lacks_a_value_may_be_the_end_of_a_file_that_was_cut_off() {
        assert_eq!(cuts(&[5, 5, 5, 3], false), [(5, Cut::End)]);
        assert_eq!(cuts(&[5, 5, 5, 0, 3], true), [(6, Cut::End)]);
        // Few rows tell nothing, nor do files that leave out empty values, and a line alone is a note.
        for fields in [&[5, 5, 3][..], &[5, 5, 4, 5, 3], &[5, 5, 5, 1], &[5, 5, 5, 3, 2]] {
            assert_eq!(cuts(fields, false), [], "{fields:?}");
        }
    }

    #[test]
    fn a_line_between_two_rows_may_belong_to_either() {
        let cut = [(3, Cut::Above(4)), (4, Cut::Part), (5, Cut::Part), (6, Cut::Below(5))];
        assert_eq!(cuts(&[5, 5, 1, 1, 5, 5], false), cut);
        // Under the header it is a note, or the row below it has lost the beginning of its first value.
        assert_eq!(cuts(&[1, 5, 5], true), [(3, Cut::Below(2))]);
        assert_eq!(cuts(&[1, 1, 5], false), [(4, Cut::Below(3))]);
        // Below the list, or with a blank line beside it, it is a note.
        for fields in [&[5, 5, 1][..], &[5, 5, 1, 1], &[5, 0, 1, 5], &[5, 1, 0, 5], &[0, 1, 5], &[1, 0, 5]] {
            assert_eq!(cuts(fields, true), [], "{fields:?}");
        }
    }

    #[test]
    fn where_empty_values_at_the_end_are_left_out_a_short_row_is_whole() {
        assert_eq!(cuts(&[5, 4, 5, 3, 5, 5], false), []);
        assert_eq!(cuts(&[5, 3, 3, 5, 5, 4, 5, 3, 5], false), []);
        // As Excel does, for sixteen rows at once; and what stands below the list.
        let sixteen = [vec![5; 3], vec![4; 16], vec![5; 30]].concat();
        assert_eq!(cuts(&sixteen, true), []);
        assert_eq!(cuts(&[5, 5, 5, 3, 2], true), []);
    }
}
