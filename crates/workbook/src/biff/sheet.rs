//! The records of one sheet: where its cells are, and what each of them holds.

use std::borrow::Cow;
use std::collections::HashSet;

use super::text::text_at;
use super::{
    BOF, BOOL_ERR, Body, Book, CONTINUE, EOF, FORMULA, LABEL, LABEL_SST, MERGED_CELLS, MUL_RK, NUMBER, RK, RSTRING,
    Record, Records, STRING,
};
use crate::assembly::{Assembly, Beside, Visit, finite};
use crate::budget::{Budget, holds_too_much};
use crate::number_format::CellFormat;
use crate::scan::damaged;
use crate::xlsb::error_shown;
use crate::{MergedArea, RawValue};
use inventory_base::message::{Refusal, count};

/// A sheet whose cells stay where they are in the stream until they are read.
#[derive(Debug, Default)]
pub struct SheetRecords {
    /// In the order of rows and columns: some programs write cells as they come.
    places: Vec<Place>,
    pub beside: Beside,
    /// Whether a formula comes to something that a program which does not calculate would not write.
    pub(super) has_results: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    row: u16,
    column: u16,
    /// Where the record begins that holds the cell.
    at: u32,
}

/// What a formula comes to, as its own record has it.
enum Outcome {
    Number(f64),
    /// In the record that follows.
    Text,
    Bool(bool),
    Error(u8),
    Empty,
}

impl SheetRecords {
    /// Finds the cells of the sheet that begins here, and tells how long it is. `cells` counts those of all sheets.
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
                // What a chart inside the sheet draws.
                _ if depth > 1 => {}
                MERGED_CELLS => found.merge(record.body)?,
                _ => found.take(record, &mut hidden).ok_or_else(damaged)?,
            }
            if *cells + found.places.len() as u64 > budget.whole_cells {
                return Err(holds_too_much("too many cells for the old form .xls", &count(budget.whole_cells)));
            }
        }
        // A sheet ends with a record that says so.
        Err(damaged())
    }

    fn take(&mut self, record: Record<'_>, hidden: &mut HashSet<u16>) -> Option<()> {
        let Record { kind, body, at } = record;
        match kind {
            // Row: the flag says that it has no height.
            0x0208 if body.u8(12).is_some_and(|flags| flags & 0x20 != 0) => {
                hidden.insert(body.u16(0)?);
            }
            // Cells as Excel 2 wrote them, which no newer workbook has.
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
                    self.has_results |= !matches!(result_of(body)?, Outcome::Empty | Outcome::Number(0.0));
                }
            }
            _ => {}
        }
        Some(())
    }

    fn merge(&mut self, body: Body<'_>) -> Result<(), Refusal> {
        for area in 0..usize::from(body.u16(0).ok_or_else(damaged)?) {
            let side = |at: usize| body.u16(8 * area + at).map(u32::from).ok_or_else(damaged);
            self.beside.add_merged(MergedArea {
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
        self.beside.hidden_rows = rows.filter(|row| hidden.contains(row)).count() as u64;
    }

    /// Hands over the rows; whether they were read to their end.
    pub fn visit_rows(
        &self,
        name: &str,
        stream: &[u8],
        book: &Book,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<bool, Refusal> {
        let mut assembly = Assembly::new(name, budget, visit);
        for row in self.places.chunk_by(|one, other| one.row == other.row) {
            let number = u32::from(row[0].row) + 1;
            for place in row {
                let (value, style) = value_at(stream, place, book).ok_or_else(|| assembly.damaged())?;
                let format = book.formats.get(usize::from(style)).and_then(CellFormat::owned_code);
                assembly.push(number, place.column.into(), value, format)?;
            }
            if assembly.end_row(number)?.is_break() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a record holds a cell with a value, or several.
fn is_cell(kind: u16) -> bool {
    matches!(kind, LABEL | RSTRING | LABEL_SST | NUMBER | RK | MUL_RK | BOOL_ERR) || FORMULA.contains(&kind)
}

/// What a cell holds, and its style.
fn value_at(stream: &[u8], place: &Place, book: &Book) -> Option<(RawValue<'static>, u16)> {
    let mut records = Records::from(stream, place.at as usize);
    let Record { kind, body, .. } = records.next()?.ok()?;
    // Several cells are one after another, each a style and a number.
    let at = if kind == MUL_RK { 4 + 6 * usize::from(place.column.checked_sub(body.u16(2)?)?) } else { 4 };
    let style = body.u16(at)?;
    let number = |number: f64| {
        let format = book.formats.get(usize::from(style));
        format.map_or_else(|| finite(number, RawValue::Number), |format| format.value(number, book.epoch))
    };
    let text = |text: String| RawValue::Text(Cow::Owned(text));
    let value = match kind {
        LABEL_SST => text(book.texts.get(body.u32(6)? as usize)?.clone()),
        LABEL | RSTRING => text(text_at(body, 6, records, book.letters)?),
        NUMBER => number(body.f64(6)?),
        RK | MUL_RK => number(body.short_number(at + 2)?),
        BOOL_ERR => match body.u8(7)? {
            0 => RawValue::Bool(body.u8(6)? != 0),
            1 => RawValue::Error(Cow::Borrowed(error_shown(body.u8(6)?))),
            _ => return None,
        },
        _ => match result_of(body)? {
            Outcome::Number(0.0) | Outcome::Empty if !book.is_calculated => RawValue::NoResult,
            Outcome::Number(result) => number(result),
            Outcome::Text => result_text(records, book)?.map_or(RawValue::NoResult, text),
            Outcome::Bool(yes) => RawValue::Bool(yes),
            Outcome::Error(code) => RawValue::Error(Cow::Borrowed(error_shown(code))),
            Outcome::Empty => text(String::new()),
        },
    };
    Some((value, style))
}

fn result_of(formula: Body<'_>) -> Option<Outcome> {
    if formula.u16(12)? != 0xFFFF {
        return Some(Outcome::Number(formula.f64(6)?));
    }
    match formula.u8(6)? {
        0 => Some(Outcome::Text),
        1 => Some(Outcome::Bool(formula.u8(8)? != 0)),
        2 => Some(Outcome::Error(formula.u8(8)?)),
        3 => Some(Outcome::Empty),
        _ => None,
    }
}

/// The text that a formula comes to. What it shares with other formulas comes before it.
fn result_text(records: Records<'_>, book: &Book) -> Option<Option<String>> {
    let mut records = records;
    while let Some(record) = records.next() {
        let Record { kind, body, .. } = record.ok()?;
        match kind {
            STRING => return Some(Some(text_at(body, 0, records, book.letters)?)),
            // SharedFormula, Array, Table, and what continues the formula.
            0x04BC | 0x0221 | 0x0236 | CONTINUE => {}
            _ => break,
        }
    }
    Some(None)
}
