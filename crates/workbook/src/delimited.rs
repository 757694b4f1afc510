//! Delimited text: CSV and its relatives, read as Excel opens them.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use csv::{ByteRecord, ReaderBuilder};

use super::assembly::{SheetExtras, Visit};
use super::budget::{Budget, Meter};
use super::delimiter::{ByteRole, CsvState, guess_delimiter, named_delimiter};
use super::format::{Format, Opened, SheetReader, Signature};
use super::lines::Lines;
use super::row::{RawCell, RawRow, RawValue, recycle};
use super::text::Text;
use inventory_base::message::{Refusal, refusal};

/// Size of the sample from which the delimiter is detected.
const HEAD_BYTES: usize = 64 * 1024;

pub const FORMAT: Format = Format {
    name: "a CSV file",
    endings: &["csv", "tsv", "txt", "tab", "prn"],
    recognises: |signature| matches!(signature, Signature::Text(text) if !text.starts_with(b"<?xml")),
    open: |input| {
        let text = input.text()?;
        let note = text.note().cloned();
        Ok(Opened { note, ..Opened::new(DelimitedReader::open(text)?, vec![input.only_sheet()]) })
    },
    misnamed: Format::advise_to_rename,
};

/// A text file whose delimiter is known.
pub struct DelimitedReader {
    text: Text,
    /// Where row 1 begins in the text: after a line that only names the delimiter, if there is one.
    start: u64,
    delimiter: u8,
}

impl DelimitedReader {
    /// Detects the delimiter.
    pub fn open(text: Text) -> Result<DelimitedReader, Refusal> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let reader = text.reader().map_err(damaged)?;
        reader.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(damaged)?;
        let (line, delimiter) = match named_delimiter(&head) {
            Some((line, delimiter)) => (line, delimiter),
            None => (0, guess_delimiter(&head, head.len() < HEAD_BYTES)),
        };
        Ok(DelimitedReader { text, start: line as u64, delimiter })
    }

    /// Explains why a row exceeds the limit. Reads it again to its end without keeping it: usually a stray quotation
    /// mark has turned the rest of the file into one cell, and then that is what the uploader has to know.
    fn explain_long_row(&self, start: u64, row: u32, meter: &Meter<'_>, budget: &Budget) -> Refusal {
        let mut text = match self.text.reader().and_then(|mut text| text.skip(start).map(|()| text)) {
            Ok(text) => BufReader::with_capacity(HEAD_BYTES, text),
            Err(error) => return damaged(error),
        };
        let (mut state, mut column, mut length) = (CsvState::CellStart, 0_u32, 0_usize);
        let mut long_column = None;
        loop {
            let chunk = match text.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) => return damaged(error),
            };
            if chunk.is_empty() {
                break;
            }
            for &byte in chunk {
                let (next, role) = state.step(byte, self.delimiter);
                state = next;
                match role {
                    ByteRole::Text => {
                        length = length.saturating_add(1);
                        if length > budget.cell_bytes {
                            long_column.get_or_insert(column);
                        }
                        if column >= budget.columns {
                            return meter.too_many_columns(column);
                        }
                    }
                    ByteRole::Quote => {}
                    ByteRole::CellEnd | ByteRole::RowEnd => {
                        if let Some(column) = long_column {
                            return meter.cell_too_long(row, column);
                        }
                        if role == ByteRole::RowEnd {
                            return meter.row_too_long(row);
                        }
                        column = column.saturating_add(1);
                        length = 0;
                    }
                }
            }
            let read = chunk.len();
            text.consume(read);
        }
        match long_column {
            _ if state == CsvState::Quoted => quote_never_ends(row),
            Some(column) => meter.cell_too_long(row, column),
            None => meter.row_too_long(row),
        }
    }
}

impl SheetReader for DelimitedReader {
    /// Numbers the rows as Excel does.
    fn visit_rows(
        &mut self,
        _: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let mut text = self.text.reader().map_err(damaged)?;
        text.skip(self.start).map_err(damaged)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(Lines::new(text, self.start, self.delimiter, budget.row_bytes()));
        let mut meter = Meter::new(sheet, budget);
        let mut record = ByteRecord::new();
        let mut spare: Vec<RawCell<'static>> = Vec::new();
        loop {
            reader.get_mut().begin_row();
            let read = reader.read_byte_record(&mut record);
            let lines = reader.get_ref();
            let number = lines.row;
            match read {
                Ok(true) => {}
                Ok(false) => return Ok(Some(SheetExtras::default())),
                Err(_) if lines.row_too_long => {
                    return Err(self.explain_long_row(lines.row_start, number, &meter, budget));
                }
                Err(error) => return Err(damaged(error)),
            }
            if lines.quote_open || lines.quote_misplaced {
                return Err(quote_never_ends(number));
            }

            let mut cells = recycle(spare);
            let texts = std::str::from_utf8(record.as_slice()).map_err(|_| unreadable_text(number))?;
            for (column, range) in (0..record.len()).filter_map(|column| Some((column, record.range(column)?))) {
                if range.is_empty() {
                    continue;
                }
                let column = u32::try_from(column).unwrap_or(u32::MAX);
                meter.count_cell(number, column, range.len())?;
                let text = texts.get(range).ok_or_else(|| unreadable_text(number))?;
                let (text, format) = match text_formula(text) {
                    Some(text) => (text, Some(TEXT_FORMAT.into())),
                    None => (Cow::Borrowed(text), None),
                };
                if text.is_empty() {
                    continue;
                }
                cells.push(RawCell { column, value: RawValue::Text(text), format });
            }
            let fields = Some(u32::try_from(record.len()).unwrap_or(u32::MAX));
            let row = RawRow { number, cells, fields };
            if !row.cells.is_empty() {
                meter.count_row()?;
                if visit(&row).is_break() {
                    return Ok(Some(SheetExtras::default()));
                }
            }
            spare = recycle(row.cells);
        }
    }

    fn is_text(&self) -> bool {
        true
    }

    fn separator(&self) -> Option<char> {
        Some(self.delimiter.into())
    }
}

/// The format of text cells.
pub const TEXT_FORMAT: &str = "@";

/// Returns the text in `="00123"`, which ERP programs write so that Excel does not take it for a number; a quotation
/// mark in it is doubled. Any other formula is left unchanged: nothing here calculates.
pub fn text_formula(cell: &str) -> Option<Cow<'_, str>> {
    let text = cell.strip_prefix("=\"")?.strip_suffix('"')?;
    if !text.contains('"') {
        return Some(Cow::Borrowed(text));
    }
    let rest = text.replace("\"\"", "");
    (!rest.contains('"')).then(|| Cow::Owned(text.replace("\"\"", "\"")))
}

/// Discards the I/O error: it is of use to programmers only, and the refusal says what to do.
fn damaged<E>(_: E) -> Refusal {
    refusal!(FileDamaged)
}

fn unreadable_text(row: u32) -> Refusal {
    refusal!(LettersUnknown { row })
}

fn quote_never_ends(row: u32) -> Refusal {
    refusal!(QuoteNeverEnds { row })
}

#[cfg(test)]
mod tests;
