//! Binary workbooks of Excel 2007 and later, streamed. Parsed here and not with calamine, which reports no number
//! formats, takes errors of formulas for empty cells, and panics on data outside a record.

mod parts;
pub mod records;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufReader;

use super::assembly::{Assembly, DAYS_TO_1904, MAX_COLUMNS, MAX_ROWS, SheetExtras, Visit, finite};
use super::budget::Budget;
use super::format::{Format, Opened, SheetReader, Signature};
use super::number_format::CellFormat;
use super::row::{MergedArea, RawValue, Sheet};
use super::scan::damaged;
use super::source::Source;
use super::survey::{attribute, each_start};
use super::zipped::{Unpacked, Zipped};
use inventory_base::message::Refusal;

use parts::{has_results, is_zero, read_formats, read_texts};
use records::{Body, Records};

const BOOK: &str = "xl/workbook.bin";

pub const FORMAT: Format = Format {
    name: "a binary Excel workbook",
    endings: &["xlsb"],
    recognises: |signature| matches!(signature, Signature::ZipPart(BOOK)),
    open: |input| XlsbReader::open(input.source, input.budget).map(|(reader, sheets)| Opened::new(reader, sheets)),
    misnamed: Format::advise_to_rename,
};

/// A binary workbook of which only the texts and formats are in memory, not the sheets.
pub struct XlsbReader {
    zipped: Zipped,
    parts: HashMap<String, String>,
    values: Values,
    unpacked: Unpacked,
}

/// What all sheets share.
struct Values {
    texts: Vec<String>,
    formats: Vec<CellFormat>,
    epoch: f64,
    /// Whether the workbook says that a program has calculated it.
    is_calculated: bool,
}

impl XlsbReader {
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsbReader, Vec<Sheet>), Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        let texts = read_texts(&mut zipped, budget, &mut unpacked)?;
        let formats = read_formats(&mut zipped, budget, &mut unpacked)?;
        let relations = zipped.read_small("xl/_rels/workbook.bin.rels", budget, &mut unpacked)?.ok_or_else(damaged)?;
        let mut paths = HashMap::new();
        each_start(std::str::from_utf8(&relations).map_err(|_| damaged())?, "Relationship", &mut |tag| {
            if let (Some(id), Some(path)) = (attribute(tag, "Id")?, attribute(tag, "Target")?) {
                let kind = attribute(tag, "Type")?.unwrap_or_default();
                let path = path.strip_prefix('/').map_or_else(|| format!("xl/{path}"), str::to_owned);
                paths.insert(id, (path, kind.ends_with("/worksheet")));
            }
            Ok(())
        })?;

        let book = zipped.read_small(BOOK, budget, &mut unpacked)?.ok_or_else(damaged)?;
        let mut records = Records::new(book.as_slice());
        let (mut sheets, mut parts, mut epoch) = (Vec::new(), HashMap::new(), 0.0);
        let mut is_calculated = false;
        let mut names = HashSet::new();
        while let Some((kind, body)) = records.next().map_err(|_| damaged())? {
            match kind {
                // BrtWbProp
                0x0099 if body.u8(0).is_some_and(|flags| flags & 1 != 0) => epoch = DAYS_TO_1904,
                // BrtCalcProp: the version that calculated last, manual or automatic mode, and whether to calculate on
                // opening.
                0x009D => {
                    let by = body.u32(0).zip(body.u32(4)).is_some_and(|(by, mode)| by != 0 && mode != 0);
                    is_calculated = by && body.u8(24).is_some_and(|flags| flags & 1 == 0);
                }
                // BrtBundleSh
                0x009C => {
                    let sheet = read_sheet(body).ok_or_else(damaged)?;
                    // Excel never writes two sheets of one name; it would be unclear which is meant.
                    if !names.insert(sheet.0.name.clone()) {
                        return Err(damaged());
                    }
                    let (path, has_rows) = paths.get(&sheet.1).ok_or_else(damaged)?;
                    if *has_rows {
                        parts.insert(sheet.0.name.clone(), path.clone());
                        sheets.push(sheet.0);
                    }
                }
                _ => {}
            }
        }
        if names.is_empty() {
            return Err(damaged());
        }
        let values = Values { texts, formats, epoch, is_calculated };
        Ok((XlsbReader { zipped, parts, values, unpacked }, sheets))
    }
}

impl SheetReader for XlsbReader {
    fn visit_rows(
        &mut self,
        _: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let part = self.parts.get(sheet).ok_or_else(damaged)?;
        let is_calculated = self.values.is_calculated || has_results(&mut self.zipped, part, budget, self.unpacked);
        let part = self.zipped.part(part, budget, self.unpacked)?.ok_or_else(damaged)?;
        let mut records = Records::new(BufReader::new(part));
        let mut assembly = Assembly::new(sheet, budget, visit);
        let mut extras = SheetExtras::default();
        let (mut row, mut hidden, mut in_rows, mut values) = (0_u32, false, false, 0_u64);
        let mut next_column = 0;
        loop {
            let (kind, body) = match records.next() {
                Ok(Some(record)) => record,
                // A complete sheet ends with a BrtEndSheet record.
                Ok(None) => return Err(assembly.damaged()),
                Err(error) => {
                    let refusal = records.get_ref().get_ref().refuse(error);
                    let broken = refusal.rule == inventory_base::message::Rule::FileDamaged;
                    return Err(if broken { assembly.damaged() } else { refusal });
                }
            };
            match kind {
                // BrtBeginSheetData
                0x0091 => in_rows = true,
                // BrtRowHdr and BrtEndSheetData
                0x0000 | 0x0092 if in_rows => {
                    if values > 0 {
                        extras.hidden_rows += u64::from(hidden);
                        if assembly.end_row(row)?.is_break() {
                            return Ok(None);
                        }
                    }
                    if kind == 0x0092 {
                        in_rows = false;
                        continue;
                    }
                    let next = body.u32(0).filter(|&next| next < MAX_ROWS && next + 1 > row);
                    row = next.ok_or_else(|| assembly.damaged())? + 1;
                    // 4 bytes of style, 2 of height, then the flags.
                    hidden = body.u8(11).is_some_and(|flags| flags & 0x10 != 0);
                    values = 0;
                    next_column = 0;
                }
                0x0001..=0x0012 | 0x003D | 0x003E if in_rows => {
                    // The short forms do not give their column: it is the next one.
                    let is_short = matches!(kind, 0x000C..=0x0012 | 0x003D);
                    let (column, body) =
                        if is_short { (Some(next_column), Some(body)) } else { (body.u32(0), body.after(4)) };
                    let column = column.filter(|&column| column < MAX_COLUMNS && row > 0);
                    let column = column.ok_or_else(|| assembly.damaged())?;
                    next_column = column + 1;
                    // BrtCellBlank, BrtShortBlank
                    if matches!(kind, 0x0001 | 0x000C) {
                        continue;
                    }
                    let value = match body {
                        Some(body) if !is_calculated && is_zero(kind, body) => Some((RawValue::NoResult, None)),
                        body => body.and_then(|body| self.values.value(kind, body)),
                    };
                    let (value, format) = value.ok_or_else(|| assembly.damaged())?;
                    values += 1;
                    assembly.push(row, column, value, format)?;
                }
                // BrtMergeCell
                0x00B0 => extras.add_merged(read_merged(body).ok_or_else(|| assembly.damaged())?)?,
                // BrtEndSheet
                0x0082 => return Ok(Some(extras)),
                _ => {}
            }
        }
    }
}

impl Values {
    /// `body` is the record after the column.
    fn value(&self, kind: u16, body: Body<'_>) -> Option<(RawValue<'static>, Option<Cow<'static, str>>)> {
        let style = (body.u32(0)? & 0x00FF_FFFF) as usize;
        let format = self.formats.get(style);
        let value = match kind {
            // BrtCellRk, BrtShortRk
            0x0002 | 0x000D => self.number(body.short_number(4)?, format),
            // BrtCellError, BrtFmlaError, BrtShortError
            0x0003 | 0x000B | 0x000E => RawValue::Error(Cow::Borrowed(error_shown(body.u8(4)?))),
            // BrtCellBool, BrtFmlaBool, BrtShortBool
            0x0004 | 0x000A | 0x000F => RawValue::Bool(body.u8(4)? != 0),
            // BrtCellReal, BrtFmlaNum, BrtShortReal
            0x0005 | 0x0009 | 0x0010 => self.number(body.f64(4)?, format),
            // BrtCellSt, BrtFmlaString, BrtShortSt
            0x0006 | 0x0008 | 0x0011 => RawValue::Text(Cow::Owned(body.text(4)?.0)),
            // BrtCellRString and its short form: flags, then the text without its formatting runs.
            0x003D | 0x003E => RawValue::Text(Cow::Owned(body.text(5)?.0)),
            // BrtCellIsst, BrtShortIsst
            _ => match self.texts.get(body.u32(4)? as usize) {
                Some(text) => RawValue::Text(Cow::Owned(text.clone())),
                None => RawValue::Unreadable,
            },
        };
        Some((value, format.and_then(CellFormat::owned_code)))
    }

    fn number(&self, number: f64, format: Option<&CellFormat>) -> RawValue<'static> {
        match format {
            Some(format) => format.value(number, self.epoch),
            None => finite(number, RawValue::Number),
        }
    }
}

/// A sheet and the ID of its relationship.
fn read_sheet(body: Body<'_>) -> Option<(Sheet, String)> {
    let visible = body.u32(0)? == 0;
    let (relation, end) = body.text(8)?;
    let (name, _) = body.text(end)?;
    Some((Sheet { name, visible }, relation))
}

/// First and last row, first and last column, all from 0.
fn read_merged(body: Body<'_>) -> Option<MergedArea> {
    Some(MergedArea {
        first_row: body.u32(0)?.saturating_add(1),
        last_row: body.u32(4)?.saturating_add(1).min(MAX_ROWS),
        first_column: body.u32(8)?,
        last_column: body.u32(12)?.min(MAX_COLUMNS - 1),
    })
}

pub fn error_shown(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0F => "#VALUE!",
        0x17 => "#REF!",
        0x1D => "#NAME?",
        0x24 => "#NUM!",
        0x2A => "#N/A",
        0x2B => "#GETTING_DATA",
        _ => "#ERROR!",
    }
}

#[cfg(test)]
mod tests;
