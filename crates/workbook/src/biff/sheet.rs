//! The records of one sheet: where its cells are, and what each of them contains.

use std::borrow::Cow;
use std::collections::HashSet;

use super::text::{TextEncoding, text_at};
use super::{
    BOF, BOOL_ERR, Body, CONTINUE, EOF, FORMULA, LABEL, LABEL_SST, MERGED_CELLS, MUL_RK, NUMBER, RK, RSTRING, Record,
    Records, STRING,
};
use crate::assembly::{Assembly, SheetExtras, Visit, finite};
use crate::budget::{Budget, holds_too_much};
use crate::number_format::CellFormat;
use crate::row::{MergedArea, RawValue};
use crate::scan::damaged;
use crate::xlsb::error_shown;
use inventory_base::message::{Refusal, count};

/// What the records of all sheets refer to.
pub struct SharedData {
    pub(super) encoding: TextEncoding,
    pub(super) texts: Vec<String>,
    /// Formats by style number. An unknown style has the general format, as in other programs.
    pub(super) formats: Vec<CellFormat>,
    /// Days from 30 December 1899 to the start of the workbook's date system.
    pub(super) epoch: f64,
    /// Whether the program that wrote the workbook calculates. One that does not stores 0 or an empty text as the
    /// result of each formula.
    pub(super) is_calculated: bool,
}

/// A sheet whose cells stay in the stream until they are read.
#[derive(Debug, Default)]
pub struct SheetRecords {
    /// Sorted by row and column: some programs write cells in any order.
    places: Vec<Place>,
    pub extras: SheetExtras,
    /// Whether a formula has a result that a program that does not calculate would not write.
    pub(super) has_results: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    row: u16,
    column: u16,
    /// The offset of the record that contains the cell.
    at: u32,
}

/// The result of a formula, as its record stores it.
enum FormulaResult {
    Number(f64),
    /// In the next record.
    Text,
    Bool(bool),
    Error(u8),
    Empty,
}

impl SheetRecords {
    /// Finds the cells of the sheet that begins at `start`, and returns its length as well. `cells` counts those of all
    /// sheets.
    pub fn find(
        stream: &[u8],
        start: usize,
        budget: &Budget,
        cells: &mut u64,
    ) -> Result<(SheetRecords, usize), Refusal> {
        let mut found = SheetRecords::default();
        let mut hidden = HashSet::new();
        let mut depth = 0_u32;
        for record in Records::from(stream, start) {
            let record = record?;
            match record.kind {
                BOF => depth += 1,
                _ if depth == 0 => return Err(damaged()),
                EOF if depth == 1 => {
                    found.end(&hidden);
                    *cells += found.places.len() as u64;
                    return Ok((found, record.at + 4 - start));
                }
                EOF => depth -= 1,
                // Records of a chart inside the sheet.
                _ if depth > 1 => {}
                MERGED_CELLS => found.merge(record.body)?,
                _ => found.take(record, &mut hidden).ok_or_else(damaged)?,
            }
            if *cells + found.places.len() as u64 > budget.whole_cells {
                return Err(holds_too_much("too many cells for an .xls workbook", &count(budget.whole_cells)));
            }
        }
        // A complete sheet ends with an EOF record.
        Err(damaged())
    }

    fn take(&mut self, record: Record<'_>, hidden: &mut HashSet<u16>) -> Option<()> {
        let Record { kind, body, at } = record;
        match kind {
            // Row: the flag means that it has no height.
            0x0208 if body.u8(12).is_some_and(|flags| flags & 0x20 != 0) => {
                hidden.insert(body.u16(0)?);
            }
            // Cells as Excel 2 wrote them, which do not occur in newer workbooks.
            0x0002..=0x0005 => return None,
            _ if is_cell(kind) => {
                let (row, first) = (body.u16(0)?, body.u16(2)?);
                let last = if kind == MUL_RK {
                    let last = body.u16(body.0.len().checked_sub(2)?)?;
                    let numbers = usize::from(last.checked_sub(first)?) + 1;
                    (body.0.len() == 6 + 6 * numbers).then_some(last)?
                } else {
                    first
                };
                let at = u32::try_from(at).ok()?;
                self.places.extend((first..=last).map(|column| Place { row, column, at }));
                if FORMULA.contains(&kind) {
                    self.has_results |= !matches!(result_of(body)?, FormulaResult::Empty | FormulaResult::Number(0.0));
                }
            }
            _ => {}
        }
        Some(())
    }

    fn merge(&mut self, body: Body<'_>) -> Result<(), Refusal> {
        for area in 0..usize::from(body.u16(0).ok_or_else(damaged)?) {
            let side = |at: usize| body.u16(8 * area + at).map(u32::from).ok_or_else(damaged);
            self.extras.add_merged(MergedArea {
                first_row: side(2)? + 1,
                last_row: side(4)? + 1,
                first_column: side(6)?,
                last_column: side(8)?,
            })?;
        }
        Ok(())
    }

    fn end(&mut self, hidden: &HashSet<u16>) {
        if !self.places.is_sorted() {
            self.places.sort_unstable();
        }
        let rows = self.places.chunk_by(|one, other| one.row == other.row).map(|row| row[0].row);
        self.extras.hidden_rows = rows.filter(|row| hidden.contains(row)).count() as u64;
    }

    /// Passes on the rows; returns whether they were read to the end.
    pub fn visit_rows(
        &self,
        name: &str,
        stream: &[u8],
        shared: &SharedData,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<bool, Refusal> {
        let mut assembly = Assembly::new(name, budget, visit);
        for row in self.places.chunk_by(|one, other| one.row == other.row) {
            let number = u32::from(row[0].row) + 1;
            for place in row {
                let (value, style) = value_at(stream, place, shared).ok_or_else(|| assembly.damaged())?;
                let format = shared.formats.get(usize::from(style)).and_then(CellFormat::owned_code);
                assembly.push(number, place.column.into(), value, format)?;
            }
            if assembly.end_row(number)?.is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a record contains cells with a value.
fn is_cell(kind: u16) -> bool {
    matches!(kind, LABEL | RSTRING | LABEL_SST | NUMBER | RK | MUL_RK | BOOL_ERR) || FORMULA.contains(&kind)
}

/// Returns the value of a cell, and its style.
fn value_at(stream: &[u8], place: &Place, shared: &SharedData) -> Option<(RawValue<'static>, u16)> {
    let mut records = Records::from(stream, place.at as usize);
    let Record { kind, body, .. } = records.next()?.ok()?;
    // A record of several cells has a style and a number for each.
    let at = if kind == MUL_RK { 4 + 6 * usize::from(place.column.checked_sub(body.u16(2)?)?) } else { 4 };
    let style = body.u16(at)?;
    let number = |number: f64| {
        let format = shared.formats.get(usize::from(style));
        format.map_or_else(|| finite(number, RawValue::Number), |format| format.value(number, shared.epoch))
    };
    let text = |text: String| RawValue::Text(Cow::Owned(text));
    let value = match kind {
        LABEL_SST => text(shared.texts.get(body.u32(6)? as usize)?.clone()),
        LABEL | RSTRING => text(text_at(body, 6, records, shared.encoding)?),
        NUMBER => number(body.f64(6)?),
        RK | MUL_RK => number(body.short_number(at + 2)?),
        BOOL_ERR => match body.u8(7)? {
            0 => RawValue::Bool(body.u8(6)? != 0),
            1 => RawValue::Error(Cow::Borrowed(error_shown(body.u8(6)?))),
            _ => return None,
        },
        _ => match result_of(body)? {
            FormulaResult::Number(0.0) | FormulaResult::Empty if !shared.is_calculated => RawValue::NoResult,
            FormulaResult::Number(result) => number(result),
            FormulaResult::Text => result_text(records, shared)?.map_or(RawValue::NoResult, text),
            FormulaResult::Bool(yes) => RawValue::Bool(yes),
            FormulaResult::Error(code) => RawValue::Error(Cow::Borrowed(error_shown(code))),
            FormulaResult::Empty => text(String::new()),
        },
    };
    Some((value, style))
}

fn result_of(formula: Body<'_>) -> Option<FormulaResult> {
    if formula.u16(12)? != 0xFFFF {
        return Some(FormulaResult::Number(formula.f64(6)?));
    }
    match formula.u8(6)? {
        0 => Some(FormulaResult::Text),
        1 => Some(FormulaResult::Bool(formula.u8(8)? != 0)),
        2 => Some(FormulaResult::Error(formula.u8(8)?)),
        3 => Some(FormulaResult::Empty),
        _ => None,
    }
}

/// The text result of a formula. Records that it shares with other formulas come before it.
fn result_text(records: Records<'_>, shared: &SharedData) -> Option<Option<String>> {
    let mut records = records;
    while let Some(record) = records.next() {
        let Record { kind, body, .. } = record.ok()?;
        match kind {
            STRING => return Some(Some(text_at(body, 0, records, shared.encoding)?)),
            // SharedFormula, Array, Table, and continuations of the formula.
            0x04BC | 0x0221 | 0x0236 | CONTINUE => {}
            _ => break,
        }
    }
    Some(None)
}
