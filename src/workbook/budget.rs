//! What a file may cost before it is refused, counted on what really comes out and never on what a header claims.

use serde::{Deserialize, Serialize};

use crate::message::{Refusal, Rule, cell_address, column_letters, count};

/// What a file may cost before it is refused. Enforced on what really comes out, never on what a header claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Rows with a value, per sheet.
    pub rows: u64,
    /// The columns from A on in which values may stand.
    pub columns: u32,
    /// The text of one cell.
    pub cell_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { rows: 2_000_000, columns: 1_000, cell_bytes: 1 << 20 }
    }
}

impl Budget {
    /// The text of one row. Without it a thousand cells, each within its own limit, would take a gigabyte. Four of the
    /// longest cells are ten times what an item of the table can hold.
    pub(super) fn row_bytes(&self) -> usize {
        self.cell_bytes.saturating_mul(4)
    }
}

/// Counts one sheet's rows and cells against the budget as they are read.
pub(super) struct Meter<'a> {
    sheet: &'a str,
    budget: &'a Budget,
    rows: u64,
    row_bytes: usize,
}

impl<'a> Meter<'a> {
    pub(super) fn new(sheet: &'a str, budget: &'a Budget) -> Self {
        Meter { sheet, budget, rows: 0, row_bytes: 0 }
    }

    /// Takes account of a cell with a value; `bytes` is the length of its text. Rows are numbered from 1.
    #[inline]
    pub(super) fn count_cell(&mut self, row: u32, column: u32, bytes: usize) -> Result<(), Refusal> {
        self.row_bytes = self.row_bytes.saturating_add(bytes);
        if column >= self.budget.columns {
            return Err(self.too_many_columns(column));
        }
        if bytes > self.budget.cell_bytes {
            return Err(self.cell_too_long(row, column));
        }
        if self.row_bytes > self.budget.row_bytes() {
            return Err(self.row_too_long(row));
        }
        Ok(())
    }

    /// Takes account of a row with a value, when all of its cells have been counted.
    #[inline]
    pub(super) fn count_row(&mut self) -> Result<(), Refusal> {
        self.rows += 1;
        self.row_bytes = 0;
        if self.rows > self.budget.rows {
            return Err(self.too_many_rows());
        }
        Ok(())
    }

    #[cold]
    fn too_many_rows(&self) -> Refusal {
        Refusal::new(Rule::TooManyRows, &[("sheet", self.sheet), ("limit", &count(self.budget.rows))])
    }

    #[cold]
    pub(super) fn too_many_columns(&self, column: u32) -> Refusal {
        let last = column_letters(self.budget.columns.saturating_sub(1));
        Refusal::new(
            Rule::TooManyColumns,
            &[("sheet", self.sheet), ("column", &column_letters(column)), ("limit", &last)],
        )
    }

    #[cold]
    pub(super) fn cell_too_long(&self, row: u32, column: u32) -> Refusal {
        Refusal::new(
            Rule::CellTooLong,
            &[
                ("cell", &cell_address(column, row)),
                ("sheet", self.sheet),
                ("limit", &count(self.budget.cell_bytes as u64)),
            ],
        )
    }

    #[cold]
    pub(super) fn row_too_long(&self, row: u32) -> Refusal {
        Refusal::new(
            Rule::RowTooLong,
            &[("row", &row.to_string()), ("sheet", self.sheet), ("limit", &count(self.budget.row_bytes() as u64))],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Budget = Budget { rows: 2, columns: 3, cell_bytes: 10 };

    #[test]
    fn a_cell_at_the_limit_is_read_and_one_beyond_is_refused() {
        let cases = [
            (vec![(0, 10), (2, 10)], None),
            (vec![(0, 11)], Some(Rule::CellTooLong)),
            (vec![(2, 0)], None),
            (vec![(3, 0)], Some(Rule::TooManyColumns)),
            (vec![(0, 10), (0, 10), (1, 10), (1, 10)], None),
            (vec![(0, 10), (0, 10), (1, 10), (1, 10), (2, 1)], Some(Rule::RowTooLong)),
        ];
        for (cells, expected) in cases {
            let mut meter = Meter::new("Stock", &SMALL);
            let refusal = cells.iter().find_map(|&(column, bytes)| meter.count_cell(7, column, bytes).err());
            assert_eq!(refusal.map(|refusal| refusal.rule), expected, "{cells:?}");
        }
    }

    #[test]
    fn rows_are_counted_and_each_row_has_the_whole_allowance_of_text() {
        let mut meter = Meter::new("Stock", &SMALL);
        for _ in 0..2 {
            for _ in 0..4 {
                meter.count_cell(1, 0, 10).unwrap();
            }
            meter.count_row().unwrap();
        }
        assert_eq!(meter.count_row().unwrap_err().rule, Rule::TooManyRows);
    }

    #[test]
    fn every_refusal_is_a_whole_sentence_with_the_place_she_looks_for() {
        let budget = Budget::default();
        let meter = Meter::new("Stock", &budget);
        for (refusal, words) in [
            (meter.too_many_rows(), vec!["\"Stock\"", "2,000,000"]),
            (meter.too_many_columns(1_000), vec!["\"Stock\"", "ALM", "ALL"]),
            (meter.cell_too_long(14, 3), vec!["\"Stock\"", "D14", "1,048,576"]),
            (meter.row_too_long(14), vec!["\"Stock\"", "ow 14", "4,194,304"]),
        ] {
            let text = format!("{} {}", refusal.message, refusal.advice);
            assert!(!text.contains('{'), "{text}");
            for word in words {
                assert!(text.contains(word), "{text} lacks {word}");
            }
        }
    }
}
