//! Surveys one sheet of an xlsx workbook for what its reader does not report and what would mislead it.

use super::super::assembly::{MAX_COLUMNS, MAX_ROWS, SheetExtras};
use super::super::row::MergedArea;
use super::super::scan::{Listener, attributes, damaged, is_true, name_of};
use super::cell::{CellListener, Kind, Odd};
use inventory_base::message::Refusal;

/// A cell that the reader would misread, or stop at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OddCell {
    /// Row and column, from 0, as the reader counts.
    pub place: (u32, u32),
    pub holds: Odd,
}

/// What a sheet has apart from the cells that its reader reads correctly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetSurvey {
    pub cells: u64,
    pub extras: SheetExtras,
    /// In file order; those not yet sent on.
    pub odd: Vec<OddCell>,
}

/// The part of the sheet that a tag is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetPart {
    BeforeRows,
    /// The part that the reader reads.
    Rows,
    AfterRows,
}

/// The listener that makes a [`SheetSurvey`].
#[derive(Debug)]
pub struct SheetListener {
    pub survey: SheetSurvey,
    /// The number of the current row, as the program shows it.
    row: u32,
    row_hidden: bool,
    row_counted: bool,
    part: SheetPart,
    /// Extension elements that are open.
    extensions: u32,
    cell: CellListener,
    place: Option<(u32, u32)>,
    /// The column of the next cell, if it does not give its own.
    next_column: u32,
    /// Whether the row gives its number, and whether it has had a cell.
    row_is_numbered: bool,
    row_has_cells: bool,
    /// The number of odd cells that are formulas with the result 0.
    zeros: usize,
}

impl SheetListener {
    pub fn new(texts: u64, is_calculated: bool) -> SheetListener {
        SheetListener {
            survey: SheetSurvey::default(),
            row: 0,
            row_hidden: false,
            row_counted: false,
            part: SheetPart::BeforeRows,
            extensions: 0,
            cell: CellListener::new(texts, is_calculated),
            place: None,
            next_column: 0,
            row_is_numbered: false,
            row_has_cells: false,
            zeros: 0,
        }
    }

    /// The row before the current one.
    pub fn rows_before(&self) -> u32 {
        self.row.saturating_sub(1)
    }

    /// Whether the reader reads a row or cell here. It ends with the rows, so anything after them would be lost; and it
    /// does not know that elements in an extension are not cells.
    #[inline]
    fn is_read(&self) -> Result<bool, Refusal> {
        match (self.part, self.extensions) {
            (SheetPart::Rows, 0) => Ok(true),
            (SheetPart::BeforeRows | SheetPart::AfterRows, 1..) => Ok(false),
            _ => Err(damaged()),
        }
    }

    fn begin_cell(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        if self.cell.is_open() {
            return Err(damaged());
        }
        if !self.is_read()? {
            return Ok(());
        }
        self.survey.cells += 1;
        let mut kind = Kind::Number;
        let others = match leading_place(rest) {
            Some((place, others)) => {
                self.place = Some(place);
                others
            }
            None => {
                self.place = None;
                rest
            }
        };
        match after_style(others) {
            b"" | b"/" => {}
            b" t=\"s\"" => kind = Kind::Shared,
            _ => {
                for (name, value) in attributes(others) {
                    match name {
                        b"r" => self.place = Some(place_of(value)?),
                        b"t" => kind = Kind::of(value),
                        _ => {}
                    }
                }
            }
        }
        self.cell.begin(kind, rest.last() == Some(&b'/'));
        if let Some((row, column)) = self.place {
            self.next_column = column;
            if row.saturating_add(1) != self.row {
                self.move_row(row.saturating_add(1))?;
            }
        }
        self.next_column = self.next_column.saturating_add(1);
        self.row_has_cells = true;
        Ok(())
    }

    /// A row without a number has that of its cells. If a cell names another row than its neighbours or the row itself,
    /// the reader would mix two rows.
    #[cold]
    fn move_row(&mut self, row: u32) -> Result<(), Refusal> {
        if self.row_is_numbered || self.row_has_cells || row < self.row {
            return Err(damaged());
        }
        self.row = row;
        Ok(())
    }

    #[inline]
    fn end_cell(&mut self) -> Result<(), Refusal> {
        match self.cell.end()? {
            None => Ok(()),
            Some(holds) => self.add_odd(holds),
        }
    }

    fn add_odd(&mut self, holds: Odd) -> Result<(), Refusal> {
        self.count_value();
        let place = match (self.place, holds) {
            (Some(place), _) => place,
            (None, Odd::NoResult | Odd::Zero) => (self.row.saturating_sub(1), self.next_column - 1),
            // Without a reference, the reader loses count after a cell at which it stops.
            (None, _) => return Err(damaged()),
        };
        self.zeros += usize::from(holds == Odd::Zero);
        self.survey.odd.push(OddCell { place, holds });
        Ok(())
    }

    /// Takes the odd cells found so far; `None` while later formulas decide whether all of them are odd.
    pub fn take_odd(&mut self) -> Option<Vec<OddCell>> {
        if self.zeros > 0 && !self.cell.is_calculated {
            return None;
        }
        if std::mem::take(&mut self.zeros) > 0 {
            self.survey.odd.retain(|odd| odd.holds != Odd::Zero);
        }
        Some(std::mem::take(&mut self.survey.odd))
    }

    #[inline]
    fn begin_value(&mut self) {
        if self.extensions == 0 && self.cell.is_open() {
            self.cell.begin_value();
            self.count_value();
        }
    }

    fn count_value(&mut self) {
        if self.row_hidden && !self.row_counted {
            self.survey.extras.hidden_rows += 1;
            self.row_counted = true;
        }
    }
}

impl Listener for SheetListener {
    #[inline]
    fn tag(&mut self, tag: &[u8]) -> Result<(), Refusal> {
        // The tags that nearly all of a sheet consists of, without parsing their names.
        match tag {
            b"/c" => return self.end_cell(),
            b"/row" => return Ok(()),
            b"/v" => {
                self.cell.end_value();
                return Ok(());
            }
            b"v" => {
                self.begin_value();
                return Ok(());
            }
            [b'c', b' ', rest @ ..] => return self.begin_cell(rest),
            _ => {}
        }
        let (name, rest) = name_of(tag);
        if tag.first() == Some(&b'/') { self.end_tag(name) } else { self.begin_tag(name, rest) }
    }

    #[inline]
    fn text(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.cell.text(text);
        Ok(())
    }

    fn other(&mut self) -> Result<(), Refusal> {
        self.cell.other();
        Ok(())
    }
}

impl SheetListener {
    fn begin_tag(&mut self, name: &[u8], rest: &[u8]) -> Result<(), Refusal> {
        let is_empty_element = rest.last() == Some(&b'/');
        self.cell.other_tag();
        match name {
            b"c" => self.begin_cell(rest),
            b"v" if is_empty_element => {
                self.cell.empty_value();
                Ok(())
            }
            b"v" => {
                self.begin_value();
                Ok(())
            }
            b"f" if self.extensions == 0 => {
                self.cell.formula();
                Ok(())
            }
            b"is" if self.cell.is_open() && self.extensions == 0 => {
                self.cell.begin_inline(is_empty_element);
                self.count_value();
                Ok(())
            }
            b"row" => self.begin_row(rest),
            b"sheetData" => {
                self.part = match (self.part, is_empty_element) {
                    (SheetPart::BeforeRows, false) => SheetPart::Rows,
                    (SheetPart::BeforeRows, true) => SheetPart::AfterRows,
                    // A second one, which would not be read.
                    _ => return Err(damaged()),
                };
                Ok(())
            }
            b"extLst" => {
                self.cell.unknown_part();
                self.extensions += u32::from(!is_empty_element);
                Ok(())
            }
            b"mergeCell" => {
                let reference = attributes(rest).find(|(name, _)| *name == b"ref").map(|(_, value)| value);
                reference.and_then(area_of).map_or(Ok(()), |area| self.survey.extras.add_merged(area))
            }
            _ => {
                self.cell.unknown_part();
                Ok(())
            }
        }
    }

    fn end_tag(&mut self, name: &[u8]) -> Result<(), Refusal> {
        match name {
            b"c" => return self.end_cell(),
            b"v" => self.cell.end_value(),
            b"is" => self.cell.end_inline(),
            b"sheetData" if self.part == SheetPart::Rows && !self.cell.is_open() => self.part = SheetPart::AfterRows,
            b"sheetData" => return Err(damaged()),
            b"extLst" => self.extensions = self.extensions.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    fn begin_row(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        if self.cell.is_open() {
            return Err(damaged());
        }
        if !self.is_read()? {
            return Ok(());
        }
        (self.row_hidden, self.row_counted) = (false, false);
        (self.row_is_numbered, self.row_has_cells) = (false, false);
        self.row = self.row.saturating_add(1);
        self.next_column = 0;
        for (name, value) in attributes(rest) {
            match name {
                b"r" => match number_of(value) {
                    Some(row) if row <= MAX_ROWS => (self.row, self.row_is_numbered) = (row, true),
                    _ => return Err(damaged()),
                },
                b"hidden" => self.row_hidden = is_true(value),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The reference at the start of a cell's attributes, where nearly every program writes it, and the other attributes.
/// `None` if they begin differently.
#[inline]
fn leading_place(rest: &[u8]) -> Option<((u32, u32), &[u8])> {
    let reference = rest.strip_prefix(b"r=\"")?;
    let (mut column, mut row, mut at) = (0_u32, 0_u32, 0);
    while at < 3
        && let Some(letter @ b'A'..=b'Z') = reference.get(at)
    {
        column = column * 26 + u32::from(letter - b'A') + 1;
        at += 1;
    }
    // Seven digits suffice for the last row, and any number of seven digits fits into a `u32`.
    let letters = at;
    while at < letters + 7
        && let Some(digit @ b'0'..=b'9') = reference.get(at)
    {
        row = row * 10 + u32::from(digit - b'0');
        at += 1;
    }
    let others = reference[at..].strip_prefix(b"\"")?;
    Some(((row.checked_sub(1)?, column.checked_sub(1)?), others))
}

/// What follows the number of a cell's style, if the style comes first.
#[inline]
fn after_style(others: &[u8]) -> &[u8] {
    let Some(style) = others.strip_prefix(b" s=\"") else { return others };
    let digits = style.iter().take_while(|byte| byte.is_ascii_digit()).count();
    style[digits..].strip_prefix(b"\"").unwrap_or(others)
}

/// Parses a reference such as `B12`, counting from 0. The reader lets `ZZZZZZZZ1` overflow into some existing column; a
/// reference that is merely beyond the last row or column is passed on by the reader, and
/// [`visit_rows`](super::super::xlsx) refuses it with its place.
#[inline]
fn place_of(reference: &[u8]) -> Result<(u32, u32), Refusal> {
    let (mut column, mut row, mut letters) = (0_u32, 0_u32, 0);
    for &byte in reference {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' if row == 0 && letters < 3 => {
                column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
                letters += 1;
            }
            b'0'..=b'9' if row <= MAX_ROWS * 10 => row = row * 10 + u32::from(byte - b'0'),
            _ => return Err(damaged()),
        }
    }
    match (column.checked_sub(1), row.checked_sub(1)) {
        (Some(column), Some(row)) => Ok((row, column)),
        _ => Err(damaged()),
    }
}

/// Parses an area such as `B2:B4` or `B2`.
fn area_of(reference: &[u8]) -> Option<MergedArea> {
    let mut corners = reference.splitn(2, |&byte| byte == b':');
    let first = place_of(corners.next()?).ok()?;
    let last = corners.next().map_or(Ok(first), place_of).ok()?;
    Some(MergedArea {
        first_row: first.0.saturating_add(1),
        last_row: last.0.saturating_add(1).min(MAX_ROWS),
        first_column: first.1,
        last_column: last.1.min(MAX_COLUMNS - 1),
    })
}

fn number_of(digits: &[u8]) -> Option<u32> {
    if digits.len() > 9 {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
