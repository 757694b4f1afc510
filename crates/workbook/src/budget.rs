//! What a file may cost before it is refused, counted on what really comes out and never on what a header claims.

use serde::{Deserialize, Serialize};

use inventory_base::message::{Refusal, Rule, cell_address, column_letters, count};

/// What a file may cost before it is refused. Enforced on what really comes out, never on what a header claims.
///
/// The defaults are for a function of 512 MB, of which the reading child may have 400. A sheet of xlsx as full as
/// Excel lets it be, a million rows, is within them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Rows with a value, per sheet.
    pub rows: u64,
    /// The columns from A on in which values may stand.
    pub columns: u32,
    /// The text of one cell.
    pub cell_bytes: usize,
    /// Cells of all sheets together.
    pub cells: u64,
    /// Rows of an OpenDocument sheet that are not written but counted: the one before them, so often. Two items alike are
    /// none, so no list has many.
    pub repeated_rows: u64,
    /// What the parts of a zipped workbook that are read come to when they are unpacked.
    pub unpacked_bytes: u64,
    /// How many times its packed size a part may unpack to. Sheets come to 10 or 30, the most that packing allows is
    /// 1,032.
    pub unpacked_ratio: u64,
    /// Below this a part may unpack to as much as it likes: a small sheet of the same row over and over is no bomb.
    pub unpacked_ratio_floor_bytes: u64,
    /// Different texts of a workbook, which stay in memory: 24 bytes each and the text.
    pub shared_texts: u64,
    /// The letters of those texts.
    pub shared_text_bytes: u64,
    /// Styles, names and the list of sheets, each: they stay in memory too.
    pub part_bytes: u64,
    /// The size of a file that can only be read whole: xls and web pages.
    pub whole_file_bytes: u64,
    /// Cells of a file that is read whole.
    pub whole_cells: u64,
    /// Whether the reading may use threads of its own. Where there are none, the same steps run one after another.
    pub threads: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::DEFAULT
    }
}

impl Budget {
    /// The defaults, where a constant is wanted.
    pub const DEFAULT: Budget = Budget {
        rows: 2_000_000,
        columns: 1_000,
        cell_bytes: 1 << 20,
        cells: 50_000_000,
        repeated_rows: 50_000,
        unpacked_bytes: 2 << 30,
        unpacked_ratio: 100,
        unpacked_ratio_floor_bytes: 64 << 20,
        shared_texts: 2_500_000,
        shared_text_bytes: 128 << 20,
        part_bytes: 16 << 20,
        whole_file_bytes: 32 << 20,
        whole_cells: 2_000_000,
        threads: true,
    };
}

impl Budget {
    /// The text of one row. Without it a thousand cells, each within its own limit, would take a gigabyte. Four of the
    /// longest cells are ten times what an item of the table can hold.
    pub(super) fn row_bytes(&self) -> usize {
        self.cell_bytes.saturating_mul(4)
    }
}

/// A file that costs more in all than any of its sheets or rows alone.
pub(super) fn holds_too_much(what: &str, limit: &str) -> Refusal {
    Refusal::new(Rule::FileHoldsTooMuch, &[("what", what), ("limit", limit)])
}

/// `columns` are as many as may be.
#[cold]
pub(super) fn too_many_columns(sheet: &str, column: u32, columns: u32) -> Refusal {
    let last = column_letters(columns.saturating_sub(1));
    Refusal::new(Rule::TooManyColumns, &[("sheet", sheet), ("column", &column_letters(column)), ("limit", &last)])
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
        if column >= self.budget.columns {
            return Err(self.too_many_columns(column));
        }
        self.count_text(row, column, bytes)
    }

    /// The same for a cell of any column, where those beyond the limit are passed over later.
    #[inline]
    pub(super) fn count_text(&mut self, row: u32, column: u32, bytes: usize) -> Result<(), Refusal> {
        self.row_bytes = self.row_bytes.saturating_add(bytes);
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
        too_many_columns(self.sheet, column, self.budget.columns)
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

    const SMALL: Budget = Budget { rows: 2, columns: 3, cell_bytes: 10, ..Budget::DEFAULT };

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
