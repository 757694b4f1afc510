//! Workbooks of Excel 2007 and later, streamed: apart from the shared texts, memory use does not grow with the rows.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::BufReader;

use calamine::{Cell, DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use super::assembly::{
    DAYS_TO_1904, MAX_COLUMNS, MAX_ROWS, NON_TEXT_BYTES, SheetExtras, Visit, damaged_after, days_from_iso, finite,
    time_of_day, too_many_cells,
};
use super::budget::{Budget, Meter};
use super::format::{Format, Opened, SheetReader, Signature};
use super::number_format::CellFormat;
use super::row::{RawCell, RawRow, RawValue, Sheet, recycle};
use super::source::Source;
use super::survey::{Odd, OddCell, Survey};
use super::xlsx_style::formats_of;
use inventory_base::message::{Refusal, refusal};

/// With or without macros.
pub const FORMAT: Format = Format {
    name: "an Excel workbook",
    endings: &["xlsx", "xlsm", "xltx", "xltm"],
    recognises: |signature| matches!(signature, Signature::ZipPart("xl/workbook.xml")),
    open: |input| XlsxReader::open(input.source, input.budget).map(|(reader, sheets)| Opened::new(reader, sheets)),
    misnamed: Format::advise_to_rename,
};

/// A workbook of which only the texts and formats are in memory, not the sheets.
pub struct XlsxReader {
    workbook: Xlsx<BufReader<Source>>,
    survey: Survey,
}

/// A cell with a value, and the number of its style.
type Held<'a> = (Cell<DataRef<'a>>, usize);

/// Marks, in place of a style, a text that is an error unknown to calamine.
const ODD_ERROR: usize = usize::MAX;
/// Marks, in place of a style, a formula without a result, which calamine takes for an empty cell.
const NO_RESULT: usize = usize::MAX - 1;
/// Marks, in place of a style, a cell that calamine would misread.
const UNREADABLE: usize = usize::MAX - 2;

impl XlsxReader {
    /// Reads everything but the sheets. Chart and dialog sheets have no rows and are not listed.
    pub fn open(source: &Source, budget: &Budget) -> Result<(XlsxReader, Vec<Sheet>), Refusal> {
        let mut survey = Survey::begin(source, budget)?;
        let workbook: Xlsx<_> = Xlsx::new(BufReader::new(source.from_start())).map_err(|error| match error {
            XlsxError::Password => refusal!(FileProtected),
            _ => survey.stopped().unwrap_or_else(|| refusal!(FileDamaged)),
        })?;
        // calamine finds a sheet by its name, so the second of two with the same name would silently be the first
        // again. Excel never writes that, nor a workbook without a sheet.
        let all = workbook.sheets_metadata();
        let mut names = HashSet::new();
        if all.is_empty() || !all.iter().all(|sheet| names.insert(sheet.name.as_str())) {
            return Err(refusal!(FileDamaged));
        }
        let sheets = all
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| Sheet { name: sheet.name.clone(), visible: sheet.visible == SheetVisible::Visible })
            .collect();
        Ok((XlsxReader { workbook, survey }, sheets))
    }
}

impl SheetReader for XlsxReader {
    fn visit_rows(
        &mut self,
        _: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let epoch = if self.workbook.has_1904_epoch() { DAYS_TO_1904 } else { 0.0 };
        let survey = &mut self.survey;
        let mut reader = match self.workbook.worksheet_cells_reader(sheet) {
            Ok(reader) => reader,
            Err(_) => return Err(survey.stopped().unwrap_or_else(|| damaged_after(sheet, 0))),
        };
        // The reader lends its styles only between two cells, so what is needed of them is copied once per sheet.
        let formats = formats_of(reader.styles());

        let mut meter = Meter::new(sheet, budget);
        let mut held: Vec<Held<'_>> = Vec::new();
        let mut spare: Vec<RawCell<'static>> = Vec::new();
        let mut number = 0; // the current row; 0 before the first
        let mut last_whole = 0; // the last row that was read completely
        // How many odd cells were reached, the next one, and the row up to which all are known.
        let (mut odd_met, mut odd, mut surveyed) = (0, None::<OddCell>, 0);
        loop {
            let next = match reader.next_cell_with_style_id() {
                Ok(next) => next,
                // calamine does not say which cell the error is in.
                Err(error) if is_recoverable(&error) => {
                    odd = survey.odd(sheet, odd_met, u32::MAX).0;
                    let odd = odd.ok_or_else(|| damaged_after(sheet, last_whole))?;
                    Some((Cell::new(odd.place, DataRef::Empty), 0))
                }
                Err(_) => {
                    return Err(survey.stopped().unwrap_or_else(|| damaged_after(sheet, last_whole)));
                }
            };
            let next_number = next.as_ref().map(|(cell, _)| cell.get_position().0.saturating_add(1));
            if next_number != Some(number) {
                if !held.is_empty() {
                    let cells = build_cells(&mut held, &formats, epoch, spare);
                    let row = RawRow { number, cells, fields: None };
                    if row.cells.windows(2).any(|pair| pair[0].column == pair[1].column) {
                        return Err(damaged_after(sheet, last_whole));
                    }
                    meter.count_row()?;
                    if visit(&row).is_break() {
                        return Ok(None);
                    }
                    spare = recycle(row.cells);
                    held.clear();
                    last_whole = number;
                }
                // An odd cell that was not reached at its place: the reader and the survey disagree.
                if odd.is_some_and(|odd| next_number.is_none_or(|next| odd.place.0.saturating_add(1) < next)) {
                    return Err(survey.stopped().unwrap_or_else(|| damaged_after(sheet, last_whole)));
                }
                let Some(next_number) = next_number else {
                    // The rows count only if nothing in the sheet misled their reader.
                    return survey.sheet(sheet).map(|survey| Some(survey.extras.clone()));
                };
                if next_number < number || next_number > MAX_ROWS {
                    return Err(damaged_after(sheet, last_whole));
                }
                number = next_number;
                if number > surveyed {
                    (odd, surveyed) = survey.odd(sheet, odd_met, number);
                }
            }
            let Some((mut cell, mut style)) = next else {
                return Ok(None);
            };
            let place = cell.get_position();
            let column = place.1;
            if column >= MAX_COLUMNS {
                return Err(damaged_after(sheet, last_whole));
            }
            if let Some(OddCell { holds, .. }) = odd.filter(|odd| odd.place == place) {
                let text;
                (text, style) = match holds {
                    Odd::NoResult | Odd::Zero => ("", NO_RESULT),
                    Odd::Unreadable => ("", UNREADABLE),
                    Odd::Error(error) => (error, ODD_ERROR),
                };
                cell = Cell::new(place, DataRef::String(text.to_owned()));
                odd_met += 1;
                odd = survey.odd(sheet, odd_met, number).0;
            }
            let bytes = match cell.get_value() {
                _ if style >= UNREADABLE => NON_TEXT_BYTES,
                DataRef::Empty => continue,
                DataRef::SharedString(text) => text.len(),
                DataRef::String(text) => text.len(),
                DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
                _ => NON_TEXT_BYTES,
            };
            // A formula with an empty text as its result, or a text that was cleared.
            if bytes == 0 {
                continue;
            }
            meter.count_text(number, column, bytes)?;
            if held.len() >= budget.columns as usize {
                return Err(too_many_cells(sheet, last_whole, column, budget));
            }
            held.push((cell, style));
        }
    }
}

/// Builds the row's cells from what was read. They borrow their texts from it and from the workbook.
fn build_cells<'a>(
    held: &'a mut [Held<'_>],
    formats: &'a [CellFormat],
    epoch: f64,
    spare: Vec<RawCell<'static>>,
) -> Vec<RawCell<'a>> {
    // Every known program writes cells in order. The sort is stable; two cells in one place are refused later.
    if !held.is_sorted_by_key(|(cell, _)| cell.get_position().1) {
        held.sort_by_key(|(cell, _)| cell.get_position().1);
    }
    let mut cells = recycle(spare);
    cells.extend(held.iter().map(|(cell, style)| {
        let format = formats.get(*style);
        let value = match (cell.get_value(), *style) {
            (DataRef::String(error), ODD_ERROR) => RawValue::Error(Cow::Borrowed(error)),
            (_, NO_RESULT) => RawValue::NoResult,
            (_, UNREADABLE) => RawValue::Unreadable,
            (value, _) => raw_value(value, format, epoch),
        };
        let format = format.and_then(CellFormat::code).map(Cow::Borrowed);
        RawCell { column: cell.get_position().1, value, format }
    }));
    cells
}

/// Whether the error is about something in a cell that calamine does not know, after which it can continue.
fn is_recoverable(error: &XlsxError) -> bool {
    matches!(
        error,
        XlsxError::CellError(_)
            | XlsxError::CellTAttribute(_)
            | XlsxError::ParseFloat(_)
            | XlsxError::Unexpected(_)
            | XlsxError::UnexpectedNode(_)
            | XlsxError::Unrecognized { .. }
    )
}

/// calamine does not know formats with conditions, and takes some characters for those of a date, so whether a number
/// is a date is decided from its format alone.
fn raw_value<'a>(value: &'a DataRef<'_>, format: Option<&CellFormat>, epoch: f64) -> RawValue<'a> {
    let number = |number: f64| match format {
        Some(format) => format.value(number, epoch),
        None => finite(number, RawValue::Number),
    };
    match value {
        DataRef::SharedString(text) => RawValue::Text(Cow::Borrowed(text)),
        DataRef::String(text) | DataRef::DurationIso(text) => RawValue::Text(Cow::Borrowed(text)),
        DataRef::Int(whole) => RawValue::Number(*whole as f64),
        DataRef::Float(float) => number(*float),
        DataRef::DateTime(time) => number(time.as_f64()),
        DataRef::DateTimeIso(text) => {
            days_from_iso(text).or_else(|| time_of_day(text)).map_or(RawValue::Unreadable, RawValue::Date)
        }
        DataRef::Bool(yes) => RawValue::Bool(*yes),
        DataRef::Error(error) => RawValue::Error(Cow::Owned(error.to_string())),
        // Skipped before, as it has no value.
        DataRef::Empty => RawValue::Text(Cow::Borrowed("")),
    }
}

#[cfg(test)]
pub mod tests;
