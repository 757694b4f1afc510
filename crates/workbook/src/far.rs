//! Cells beyond the last column that is read, such as a note or a formatted blank. A few are skipped and reported; many
//! are a column, and the file is refused.

use std::ops::ControlFlow;

use super::assembly::Visit;
use super::budget::{Budget, too_many_columns};
use super::row::{RawRow, RawValue};
use inventory_base::message::{Note, Refusal, cell_address, column_letters, count, note};

/// More cells than this in a sheet are not stray cells.
const MAX_STRAY_CELLS: u64 = 100;
const CELLS_NAMED: usize = 3;

/// Sits between a reader and the visitor of its rows, and passes on only the columns that are read.
pub struct FarCells<'a> {
    visit: Visit<'a>,
    columns: u32,
    /// Whether the visitor has stopped reading.
    stopped: bool,
    cells: u64,
    named: Vec<String>,
    first_column: u32,
    /// Whether a row continues past the limit without a gap: that is a wide table.
    is_contiguous: bool,
}

impl<'a> FarCells<'a> {
    pub fn new(budget: &Budget, visit: Visit<'a>) -> FarCells<'a> {
        FarCells {
            visit,
            columns: budget.columns,
            stopped: false,
            cells: 0,
            named: Vec::new(),
            first_column: budget.columns,
            is_contiguous: false,
        }
    }

    #[inline]
    pub fn visit(&mut self, row: &RawRow<'_>) -> ControlFlow<()> {
        let flow = match row.cells.last() {
            Some(last) if last.column >= self.columns => self.visit_within_limit(row),
            _ => (self.visit)(row),
        };
        self.stopped |= flow.is_break();
        flow
    }

    #[cold]
    fn visit_within_limit(&mut self, row: &RawRow<'_>) -> ControlFlow<()> {
        let nearer = row.cells.partition_point(|cell| cell.column < self.columns);
        let (near, far) = row.cells.split_at(nearer);
        for cell in far {
            if matches!(&cell.value, RawValue::Text(text) if text.trim().is_empty()) {
                continue;
            }
            if self.cells == 0 {
                self.first_column = cell.column;
            }
            self.cells += 1;
            if self.named.len() < CELLS_NAMED {
                self.named.push(cell_address(cell.column, row.number));
            }
        }
        self.is_contiguous |= near.last().zip(far.first()).is_some_and(|(near, far)| near.column + 1 == far.column);
        if self.is_table() {
            return ControlFlow::Break(());
        }
        if near.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.visit)(&RawRow { cells: near.to_vec(), ..*row })
    }

    fn is_table(&self) -> bool {
        self.is_contiguous || self.cells > MAX_STRAY_CELLS
    }

    /// Reports what was skipped, once the sheet was read to its end.
    pub fn note(&self, sheet: &str) -> Result<Option<Note>, Refusal> {
        if self.is_table() {
            return Err(too_many_columns(sheet, self.first_column, self.columns));
        }
        if self.cells == 0 || self.stopped {
            return Ok(None);
        }
        let more = self.cells - self.named.len() as u64;
        let more = if more > 0 { format!(" and {} more", count(more)) } else { String::new() };
        let cells = format!("{}{more}", self.named.join(", "));
        let last = column_letters(self.columns.saturating_sub(1));
        Ok(Some(note!(CellsFarRight { sheet, cells, last }).on_sheet(sheet)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::zipped::tests::file_of;
    use super::super::{Budget, Workbook, assembly::tests::shown};
    use super::*;
    use inventory_base::message::Rule;

    /// Reads a sheet of three items in two columns, with these cells far to their right.
    fn read(far: &[(u32, u16, &str)]) -> Result<(Vec<String>, Vec<String>), Refusal> {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet().set_name("Stock").unwrap();
        for row in 0..3 {
            sheet.write(row, 0, "A-17").unwrap().write(row, 1, 5).unwrap();
        }
        let bold = rust_xlsxwriter::Format::new().set_bold();
        sheet.write_blank(1, 16_383, &bold).unwrap();
        for (row, column, text) in far {
            sheet.write(*row, *column, *text).unwrap();
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let mut workbook = Workbook::open(file_of(&bytes), "a.xlsx", Budget::DEFAULT)?;
        let mut rows = Vec::new();
        for _ in 0..2 {
            rows.clear();
            workbook.visit_rows(0, &mut |row| {
                rows.push(shown(row));
                ControlFlow::Continue(())
            })?;
        }
        Ok((rows, workbook.notes().iter().map(|note| note.message.clone()).collect()))
    }

    #[test]
    fn a_few_stray_cells_far_to_the_right_are_skipped_and_reported() {
        let items = [1, 2, 3].map(|row| format!("{row}:0=\"A-17\"|1=5"));
        let (rows, notes) = read(&[(0, 16_383, " ")]).unwrap();
        assert_eq!((rows.as_slice(), notes.as_slice()), (items.as_slice(), [].as_slice()));
        let far = [(0, 1_000, "x"), (2, 16_383, "check"), (6, 16_382, "Ann"), (7, 2_000, "Bob")];
        let (rows, notes) = read(&far).unwrap();
        assert_eq!(rows, items);
        let message = "Sheet \"Stock\" has values beyond column ALL, the last one that is read: \
                       ALM1, XFD3, XFC7 and 1 more.";
        assert_eq!(notes, [message]);
        // The last column within the limit is read.
        assert_eq!(read(&[(0, 999, "x")]).unwrap().0[0], "1:0=\"A-17\"|1=5|999=\"x\"");
    }

    #[test]
    fn a_whole_column_beyond_the_limit_is_refused() {
        let far: Vec<_> = (0..=MAX_STRAY_CELLS as u32).map(|row| (row, 1_500, "x")).collect();
        let refusal = read(&far).unwrap_err();
        assert_eq!(refusal.rule, Rule::TooManyColumns);
        assert!(refusal.message.contains("BES"), "{}", refusal.message);
        assert!(read(&far[1..]).is_ok());
        // Or a row that continues there.
        assert_eq!(read(&[(0, 999, "x"), (0, 1_000, "y")]).unwrap_err().rule, Rule::TooManyColumns);
    }
}
