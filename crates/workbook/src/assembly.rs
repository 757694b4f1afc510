//! Assembles cells into rows, for the readers whose cells own their texts.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::budget::{Budget, Meter, holds_too_much, too_many_columns};
use super::row::{MergedArea, RawCell, RawRow, RawValue};
use inventory_base::message::{Refusal, count, refusal};

/// Excel's limits.
pub const MAX_ROWS: u32 = 1_048_576;
pub const MAX_COLUMNS: u32 = 16_384;

/// What a number, a date or a boolean counts towards the row's text limit: about the length of its text.
pub const NON_TEXT_BYTES: usize = 8;

/// Days from 30 December 1899 to 1 January 1904, where the other date system starts.
pub const DAYS_TO_1904: f64 = 1462.0;

/// More merged areas than this are refused: they are kept until the sheet is judged, and this many take 16 MB.
const MAX_MERGED_AREAS: usize = 1_000_000;

/// What a sheet has apart from its cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetExtras {
    /// Rows with a value that the program does not show.
    pub hidden_rows: u64,
    /// Merged areas.
    pub areas: Vec<MergedArea>,
}

impl SheetExtras {
    /// Adds a merged area. One that ends before it begins, is a single cell or is outside the sheet is ignored.
    pub fn add_merged(&mut self, area: MergedArea) -> Result<(), Refusal> {
        let (rows, columns) = (area.first_row..=area.last_row, area.first_column..=area.last_column);
        if area.first_row == 0
            || rows.is_empty()
            || columns.is_empty()
            || (area.first_row, area.first_column) == (area.last_row, area.last_column)
        {
            return Ok(());
        }
        if self.areas.len() >= MAX_MERGED_AREAS {
            return Err(holds_too_much("too many merged cells", &count(MAX_MERGED_AREAS as u64)));
        }
        self.areas.push(area);
        Ok(())
    }
}

pub type Visit<'a> = &'a mut dyn FnMut(&RawRow<'_>) -> ControlFlow<()>;

/// Collects the cells of one sheet into rows and passes these on, in order and within the budget.
pub struct Assembly<'a> {
    sheet: &'a str,
    budget: &'a Budget,
    meter: Meter<'a>,
    visit: Visit<'a>,
    row: RawRow<'static>,
    last: u32,
    cells: u64,
}

impl<'a> Assembly<'a> {
    pub fn new(sheet: &'a str, budget: &'a Budget, visit: Visit<'a>) -> Self {
        let row = RawRow { number: 0, cells: Vec::new(), fields: None };
        Assembly { sheet, budget, meter: Meter::new(sheet, budget), visit, row, last: 0, cells: 0 }
    }

    /// Adds a cell to the current row; an empty text is not a value.
    pub fn push(
        &mut self,
        number: u32,
        column: u32,
        value: RawValue<'static>,
        format: Option<Cow<'static, str>>,
    ) -> Result<(), Refusal> {
        let bytes = match &value {
            RawValue::Text(text) if text.is_empty() => return Ok(()),
            RawValue::Text(text) => text.len(),
            _ => NON_TEXT_BYTES,
        };
        self.meter.count_text(number, column, bytes)?;
        self.cells += 1;
        if self.cells > self.budget.cells {
            return Err(holds_too_much("too many cells", &count(self.budget.cells)));
        }
        if self.row.cells.len() >= self.budget.columns as usize {
            return Err(too_many_cells(self.sheet, self.last, column, self.budget));
        }
        self.row.cells.push(RawCell { column, value, format });
        Ok(())
    }

    /// Sets how many values the current row has, including empty ones.
    pub fn count_fields(&mut self, fields: u32) {
        self.row.fields = Some(fields);
    }

    /// Ends the current row. Rows must come in ascending order; `Break` stops the reading.
    pub fn end_row(&mut self, number: u32) -> Result<ControlFlow<()>, Refusal> {
        if self.row.cells.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let cells = &mut self.row.cells;
        if !cells.is_sorted_by_key(|cell| cell.column) {
            cells.sort_by_key(|cell| cell.column);
        }
        if number <= self.last || number > MAX_ROWS || cells.windows(2).any(|pair| pair[0].column == pair[1].column) {
            return Err(damaged_after(self.sheet, self.last));
        }
        self.meter.count_row()?;
        self.row.number = number;
        self.last = number;
        let flow = (self.visit)(&self.row);
        self.row.cells.clear();
        Ok(flow)
    }

    /// Ends the current row and repeats it: files may store equal rows once with a count.
    pub fn end_row_repeated(&mut self, number: u32, times: u32) -> Result<ControlFlow<()>, Refusal> {
        let cells = self.row.cells.clone();
        for more in 0..times {
            if more > 0 {
                self.row.cells.clone_from(&cells);
                self.cells += cells.len() as u64;
                if self.cells > self.budget.cells {
                    return Err(holds_too_much("too many cells", &count(self.budget.cells)));
                }
            }
            if self.end_row(number.saturating_add(more))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The refusal for damage after the last complete row.
    pub fn damaged(&self) -> Refusal {
        damaged_after(self.sheet, self.last)
    }
}

/// The refusal for a row with more cells than columns that are read. If the last cell is within these columns, some
/// columns occur twice; a file could repeat them endlessly.
#[cold]
pub fn too_many_cells(sheet: &str, last_row: u32, column: u32, budget: &Budget) -> Refusal {
    if column < budget.columns {
        damaged_after(sheet, last_row)
    } else {
        too_many_columns(sheet, column, budget.columns)
    }
}

/// The refusal for damage after this row; 0 if it is before the first row.
pub fn damaged_after(sheet: &str, row: u32) -> Refusal {
    if row == 0 {
        return refusal!(FileDamaged);
    }
    refusal!(SheetDamaged { sheet, row })
}

/// Wraps a number, which may be NaN or infinite in the file. Excel shows such a result as `#NUM!`; from here on numbers
/// are finite.
pub fn finite<'a>(number: f64, value: fn(f64) -> RawValue<'a>) -> RawValue<'a> {
    if number.is_finite() { value(number) } else { RawValue::Error(Cow::Borrowed("#NUM!")) }
}

/// Converts an ISO date or time to days: 2026-10-03, 2026-10-03T12:00:00Z.
pub fn days_from_iso(text: &str) -> Option<f64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let time: jiff::civil::DateTime = text.parse().ok()?;
    let span = time.duration_since(jiff::civil::date(1899, 12, 30).at(0, 0, 0, 0));
    Some(span.as_secs_f64() / 86_400.0)
}

/// Converts a time of day without a date to a fraction of a day: 12:00:00.
pub fn time_of_day(text: &str) -> Option<f64> {
    let time: jiff::civil::Time = text.strip_suffix('Z').unwrap_or(text).parse().ok()?;
    let span = time.duration_since(jiff::civil::Time::midnight());
    Some(span.as_secs_f64() / 86_400.0)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use inventory_base::message::Rule;

    /// Each row as `number:column=value format|...`.
    pub fn shown(row: &RawRow<'_>) -> String {
        let cells = row.cells.iter().map(|cell| {
            let value = match &cell.value {
                RawValue::Text(text) => format!("{text:?}"),
                RawValue::Number(number) => format!("{number}"),
                RawValue::Date(days) => format!("date {days}"),
                RawValue::DateOrNumber(number) => format!("date or {number}"),
                RawValue::Bool(yes) => format!("{yes}"),
                RawValue::Error(error) => format!("error {error}"),
                RawValue::NoResult => "no result".to_owned(),
                RawValue::Unreadable => "unreadable".to_owned(),
            };
            let format = cell.format.as_ref().map(|code| format!(" as {code}")).unwrap_or_default();
            format!("{}={value}{format}", cell.column)
        });
        format!("{}:{}", row.number, cells.collect::<Vec<_>>().join("|"))
    }

    #[test]
    fn merged_areas_are_kept_up_to_a_limit() {
        let mut extras = SheetExtras::default();
        let area = |first_row, last_row| MergedArea { first_row, last_row, first_column: 1, last_column: 2 };
        for (first, last) in [(3, 3), (3, 5), (0, 2)] {
            extras.add_merged(area(first, last)).unwrap();
        }
        extras.add_merged(MergedArea { last_column: 1, ..area(7, 7) }).unwrap();
        assert_eq!(extras, SheetExtras { hidden_rows: 0, areas: vec![area(3, 3), area(3, 5)] });
        extras.areas.resize(MAX_MERGED_AREAS, area(3, 5));
        assert_eq!(extras.add_merged(area(6, 7)).unwrap_err().rule, Rule::FileHoldsTooMuch);
    }

    #[test]
    fn cells_are_assembled_into_rows_and_a_row_can_repeat() {
        let mut rows = Vec::new();
        let mut visit = |row: &RawRow<'_>| {
            rows.push(shown(row));
            ControlFlow::Continue(())
        };
        let mut assembly = Assembly::new("Stock", &Budget::DEFAULT, &mut visit);
        let text = |text: &str| RawValue::Text(text.to_owned().into());
        assembly.push(2, 3, text("d"), None).unwrap();
        assembly.push(2, 1, RawValue::Number(1.5), Some("0.0".into())).unwrap();
        assembly.push(2, 2, text(""), None).unwrap();
        assert!(assembly.end_row(2).unwrap().is_continue());
        assert!(assembly.end_row(3).unwrap().is_continue());
        assembly.push(4, 0, RawValue::Bool(true), None).unwrap();
        assert!(assembly.end_row_repeated(4, 2).unwrap().is_continue());
        assembly.push(5, 0, text("again"), None).unwrap();
        assert_eq!(assembly.end_row(5).unwrap_err(), damaged_after("Stock", 5));
        assert_eq!(rows, ["2:1=1.5 as 0.0|3=\"d\"", "4:0=true", "5:0=true"]);
    }
}
