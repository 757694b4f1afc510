//! Limits on what a file may cost, counted on actual data and never on what a header claims.

use serde::{Deserialize, Serialize};

use inventory_base::message::{Refusal, cell_address, column_letters, count, refusal};

/// Limits on what a file may cost before it is refused. Enforced on actual data, never on what a header claims.
///
/// The defaults are for a function of 512 MB, of which the reading child may use 400. An xlsx sheet with a million
/// rows, Excel's maximum, is within them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Rows with a value, per sheet.
    pub rows: u64,
    /// Columns that may have values, counted from A.
    pub columns: u32,
    /// Bytes of text in one cell.
    pub cell_bytes: usize,
    /// Cells of all sheets together.
    pub cells: u64,
    /// Rows of an OpenDocument sheet that are stored only as a repeat count of the row before them. Two identical rows
    /// are never two items, so real lists have few.
    pub repeated_rows: u64,
    /// Total unpacked size of the parts of a zipped workbook that are read.
    pub unpacked_bytes: u64,
    /// How many times its packed size a part may unpack to. Sheets reach 10 or 30; the format's maximum is 1,032.
    pub unpacked_ratio: u64,
    /// Up to this size a part may have any ratio: a small sheet with the same row over and over is not a bomb.
    pub unpacked_ratio_floor_bytes: u64,
    /// Distinct texts of a workbook. They stay in memory: 24 bytes each, plus the text.
    pub shared_texts: u64,
    /// Bytes of those texts.
    pub shared_text_bytes: u64,
    /// Size of each of the parts with styles, names and the list of sheets, which stay in memory too.
    pub part_bytes: u64,
    /// Size of a file that can only be read as a whole: xls and web pages.
    pub whole_file_bytes: u64,
    /// Cells of a file that is read as a whole.
    pub whole_cells: u64,
    /// Whether the reader may use threads of its own. Without them the same steps run one after another.
    pub threads: bool,
}

impl Default for Budget {
    fn default() -> Self {
        Budget::DEFAULT
    }
}

impl Budget {
    /// The defaults as a constant.
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
    /// Bytes of text in one row. Without this limit a thousand cells, each within its own, would take a gigabyte. Four
    /// cells of the maximum size are ten times what an item of the table can hold.
    pub(super) fn row_bytes(&self) -> usize {
        self.cell_bytes.saturating_mul(4)
    }

    /// Refuses a file that can only be read as a whole and is larger than allowed; `what` is what it then holds.
    pub(super) fn check_whole_file(&self, bytes: u64, what: &str) -> Result<(), Refusal> {
        if bytes <= self.whole_file_bytes {
            return Ok(());
        }
        Err(holds_too_much(what, &format!("{} MB", count(self.whole_file_bytes >> 20))))
    }
}

/// The refusal for a file that exceeds a limit on the file as a whole.
pub(super) fn holds_too_much(what: &str, limit: &str) -> Refusal {
    refusal!(FileHoldsTooMuch { what, limit })
}

/// The refusal for a value in `column`; `columns` is the number of columns allowed.
#[cold]
pub(super) fn too_many_columns(sheet: &str, column: u32, columns: u32) -> Refusal {
    let last = column_letters(columns.saturating_sub(1));
    refusal!(TooManyColumns { sheet, column: column_letters(column), limit: last })
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

    /// Counts a cell with a value; `bytes` is the length of its text. Rows are numbered from 1.
    #[inline]
    pub(super) fn count_cell(&mut self, row: u32, column: u32, bytes: usize) -> Result<(), Refusal> {
        if column >= self.budget.columns {
            return Err(self.too_many_columns(column));
        }
        self.count_text(row, column, bytes)
    }

    /// Counts a cell of any column, for readers whose cells beyond the limit are skipped later.
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

    /// Counts a row with a value, after all of its cells.
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
        refusal!(TooManyRows { sheet: self.sheet, limit: count(self.budget.rows) })
    }

    #[cold]
    pub(super) fn too_many_columns(&self, column: u32) -> Refusal {
        too_many_columns(self.sheet, column, self.budget.columns)
    }

    #[cold]
    pub(super) fn cell_too_long(&self, row: u32, column: u32) -> Refusal {
        refusal!(CellTooLong {
            cell: cell_address(column, row),
            sheet: self.sheet,
            limit: count(self.budget.cell_bytes as u64)
        })
    }

    #[cold]
    pub(super) fn row_too_long(&self, row: u32) -> Refusal {
        refusal!(RowTooLong { row, sheet: self.sheet, limit: count(self.budget.row_bytes() as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::message::Rule;

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
    fn rows_are_counted_and_the_text_limit_applies_to_each_row() {
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
    fn every_refusal_is_a_complete_sentence_that_names_the_place() {
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
