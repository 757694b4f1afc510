//! OpenDocument spreadsheets, streamed. Parsed here and not with calamine, which keeps the whole file in memory,
//! allocates whatever a count in it claims, and never ends on a truncated file.

mod cell;
mod formats;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufReader;
use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::read::ZipFile;

use super::assembly::{Assembly, MAX_COLUMNS, MAX_ROWS, SheetExtras, Visit};
use super::budget::{Budget, holds_too_much};
use super::format::{Format, Opened, SheetReader, Signature};
use super::row::{MergedArea, RawValue, Sheet};
use super::scan::{CheckOnly, Scan, char_of, damaged};
use super::source::Source;
use super::survey::{attribute, each_start};
use super::zipped::{Part, Unpacked, Zipped};
use inventory_base::message::{Refusal, Rule, count, refusal};

use cell::{Cell, repeat_count};
use formats::Formats;

const CONTENT: &str = "content.xml";

type Xml<'a> = Reader<BufReader<Part<ZipFile<'a, BufReader<Source>>>>>;

pub const FORMAT: Format = Format {
    name: "an OpenDocument spreadsheet",
    endings: &["ods", "ots"],
    recognises: |signature| matches!(signature, Signature::MimeType(kind) if kind.starts_with(MIME_TYPE)),
    open: |input| OdsReader::open(input.source, input.budget).map(|(reader, sheets)| Opened::new(reader, sheets)),
    misnamed: Format::advise_to_rename,
};

/// Templates have an ending after it.
const MIME_TYPE: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

/// A spreadsheet of which only the names of the sheets and the number formats are in memory.
pub struct OdsReader {
    zipped: Zipped,
    formats: Formats,
}

impl OdsReader {
    /// Reads the whole file once for the names of its sheets, and to check that it is complete.
    pub fn open(source: &Source, budget: &Budget) -> Result<(OdsReader, Vec<Sheet>), Refusal> {
        let mut zipped = Zipped::open(source)?;
        let mut unpacked = Unpacked::default();
        if let Some(manifest) = zipped.read_small("META-INF/manifest.xml", budget, &mut unpacked)? {
            let manifest = String::from_utf8(manifest).map_err(|_| damaged())?;
            each_start(&manifest, "encryption-data", &mut |_| Err(refusal!(FileProtected)))?;
        }
        let mut scan = Scan::default();
        if !zipped.unpack(CONTENT, budget, &mut unpacked, &mut |chunk| scan.take(chunk, &mut CheckOnly))?
            || scan.is_cut()
        {
            return Err(damaged());
        }
        let formats = match zipped.read_small("styles.xml", budget, &mut unpacked)? {
            Some(styles) => {
                Scan::default().take(&styles, &mut CheckOnly)?;
                Formats::read(&String::from_utf8(styles).map_err(|_| damaged())?)?
            }
            None => Formats::default(),
        };
        let mut reader = OdsReader { zipped, formats };
        let sheets = reader.list_sheets(budget)?;
        Ok((reader, sheets))
    }

    fn list_sheets(&mut self, budget: &Budget) -> Result<Vec<Sheet>, Refusal> {
        let mut formats = std::mem::take(&mut self.formats);
        let mut in_body = false;
        let mut xml = Self::content(&mut self.zipped, budget)?;
        let (mut sheets, mut names) = (Vec::new(), HashSet::new());
        let (mut hidden, mut style): (HashMap<String, bool>, _) = (HashMap::new(), None);
        let (mut buffer, mut depth, mut whole) = (Vec::new(), 0_u32, false);
        loop {
            buffer.clear();
            let event = match xml.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(error) => return Err(xml.get_ref().get_ref().refuse(error)),
            };
            if !in_body {
                formats.take(&event)?;
            }
            match event {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "body" => in_body = true,
                    "style" => style = attribute(&tag, "name")?,
                    "table-properties" => {
                        let visible = attribute(&tag, "display")?.is_none_or(|display| display != "false");
                        hidden.extend(style.clone().map(|style| (style, !visible)));
                    }
                    "table" => {
                        // A table inside a cell is part of a drawing or note.
                        depth += 1;
                        if depth == 1 {
                            sheets.push(sheet_of(&tag, &hidden, &mut names)?);
                        }
                    }
                    _ => {}
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    "table" => depth = depth.saturating_sub(1),
                    "document-content" => whole = true,
                    _ => {}
                },
                Event::Eof if whole && depth == 0 && !sheets.is_empty() => break,
                Event::Eof => return Err(damaged()),
                _ => {}
            }
        }
        formats.resolve();
        self.formats = formats;
        Ok(sheets)
    }

    fn content<'a>(zipped: &'a mut Zipped, budget: &Budget) -> Result<Xml<'a>, Refusal> {
        let part = zipped.part(CONTENT, budget, Unpacked::default())?.ok_or_else(damaged)?;
        let mut xml = Reader::from_reader(BufReader::new(part));
        xml.config_mut().expand_empty_elements = true;
        Ok(xml)
    }
}

impl SheetReader for OdsReader {
    fn visit_rows(
        &mut self,
        index: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let mut table = Table {
            assembly: Assembly::new(sheet, budget, visit),
            budget,
            extras: SheetExtras::default(),
            row: 1,
            repeat: 1,
            hidden: false,
            repeated: 0,
            column: 0,
            values: 0,
            formats: &self.formats,
            columns: Vec::new(),
            row_style: None,
        };
        let mut xml = Self::content(&mut self.zipped, budget)?;
        let (mut seen, mut depth) = (0_usize, 0_u32);
        let mut cell: Option<Cell> = None;
        let (mut buffer, mut notes) = (Vec::new(), 0_u32);
        loop {
            buffer.clear();
            let event = match xml.read_event_into(&mut buffer) {
                Ok(event) => event,
                Err(error) => {
                    let refusal = xml.get_ref().get_ref().refuse(error);
                    return Err(if refusal.rule == Rule::FileDamaged { table.assembly.damaged() } else { refusal });
                }
            };
            let in_sheet = depth == 1 && seen == index + 1;
            match event {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "table" => {
                        depth += 1;
                        seen += usize::from(depth == 1);
                    }
                    // Comments and shapes are not part of the cell.
                    "annotation" | "shape" | "shapes" => notes += 1,
                    _ if !in_sheet || notes > 0 => {}
                    "table-column" => table.take_column(&tag)?,
                    "table-row" => table.begin_row(&tag)?,
                    "table-cell" => cell = Some(Cell::begin(&tag)?),
                    "covered-table-cell" => cell = Some(Cell::begin(&tag)?.into_covered()),
                    name => {
                        if let Some(cell) = &mut cell {
                            cell.begin_inner(name, &tag, budget)?;
                        }
                    }
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    "table" => {
                        if in_sheet {
                            return Ok(Some(table.extras));
                        }
                        depth = depth.saturating_sub(1);
                    }
                    "annotation" | "shape" | "shapes" => notes = notes.saturating_sub(1),
                    _ if !in_sheet || notes > 0 => {}
                    "table-cell" | "covered-table-cell" => {
                        if let Some(cell) = cell.take() {
                            table.take_cell(cell)?;
                        }
                    }
                    "table-row" if table.end_row()?.is_break() => return Ok(None),
                    "p" => {
                        if let Some(cell) = &mut cell {
                            cell.in_paragraph = false;
                        }
                    }
                    _ => {}
                },
                Event::Text(text) if in_sheet && notes == 0 => {
                    if let Some(cell) = &mut cell {
                        cell.take_text(&text.xml10_content(), budget);
                    }
                }
                Event::CData(text) if in_sheet && notes == 0 => {
                    if let Some(cell) = &mut cell {
                        cell.take_text(&text.xml10_content(), budget);
                    }
                }
                Event::GeneralRef(reference) if in_sheet && notes == 0 => {
                    if let Some(cell) = &mut cell {
                        let c = char_of(&reference).ok_or_else(|| table.assembly.damaged())?;
                        cell.take_text(c.encode_utf8(&mut [0; 4]), budget);
                    }
                }
                Event::Eof => return Err(table.assembly.damaged()),
                _ => {}
            }
        }
    }
}

fn sheet_of(
    tag: &BytesStart<'_>,
    hidden: &HashMap<String, bool>,
    names: &mut HashSet<String>,
) -> Result<Sheet, Refusal> {
    let name = attribute(tag, "name")?.filter(|name| names.insert(name.clone())).ok_or_else(damaged)?;
    let style = attribute(tag, "style-name")?;
    let visible = !style.and_then(|style| hidden.get(&style).copied()).unwrap_or(false);
    Ok(Sheet { name, visible })
}

/// The state of reading a sheet.
struct Table<'a> {
    assembly: Assembly<'a>,
    budget: &'a Budget,
    extras: SheetExtras,
    row: u32,
    /// How many rows the current one stands for.
    repeat: u32,
    hidden: bool,
    /// Rows with values that are in the file only as a repeat count.
    repeated: u64,
    column: u32,
    values: u64,
    formats: &'a Formats,
    /// The default styles of columns: the end of the range (exclusive), and the style.
    columns: Vec<(u32, Option<String>)>,
    /// The default style of the current row.
    row_style: Option<String>,
}

impl Table<'_> {
    fn take_column(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        let first = self.columns.last().map_or(0, |(end, _)| *end);
        let end = first.saturating_add(repeat_count(tag, "number-columns-repeated")?);
        if first < MAX_COLUMNS {
            self.columns.push((end, attribute(tag, "default-cell-style-name")?));
        }
        Ok(())
    }

    /// The cell's own style takes precedence, then its row's, then its column's.
    fn format_of(&self, cell: &Cell, column: u32) -> Option<Cow<'static, str>> {
        let of_column = || self.columns.iter().find(|(end, _)| column < *end).and_then(|(_, style)| style.as_ref());
        let style = cell.style.as_ref().or(self.row_style.as_ref()).or_else(of_column)?;
        self.formats.code(style).map(|code| Cow::Owned(code.to_owned()))
    }

    fn begin_row(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        self.repeat = repeat_count(tag, "number-rows-repeated")?;
        self.hidden = attribute(tag, "visibility")?.is_some_and(|visibility| visibility != "visible");
        self.row_style = attribute(tag, "default-cell-style-name")?;
        (self.column, self.values) = (0, 0);
        Ok(())
    }

    fn take_cell(&mut self, cell: Cell) -> Result<(), Refusal> {
        let first = self.column;
        self.column = first.saturating_add(cell.repeat);
        if cell.columns_spanned > 1 || cell.rows_spanned > 1 {
            self.extras.add_merged(MergedArea {
                first_row: self.row,
                last_row: self.row.saturating_add(cell.rows_spanned - 1).min(MAX_ROWS),
                first_column: first,
                last_column: first.saturating_add(cell.columns_spanned - 1).min(MAX_COLUMNS - 1),
            })?;
        }
        if cell.covered {
            return Ok(());
        }
        let Some(value) = cell.value(self.budget) else { return Ok(()) };
        for column in first..self.column.min(MAX_COLUMNS) {
            self.values += 1;
            let has_format = matches!(value, RawValue::Number(_) | RawValue::Date(_));
            let format = if has_format { self.format_of(&cell, column) } else { None };
            let (value, format) = cell.as_shown(value.clone(), format);
            self.assembly.push(self.row, column, value, format)?;
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<ControlFlow<()>, Refusal> {
        let number = self.row;
        self.row = number.saturating_add(self.repeat);
        if self.values == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        if self.row > MAX_ROWS + 1 {
            return Err(self.assembly.damaged());
        }
        self.repeated += u64::from(self.repeat - 1);
        if self.repeated > self.budget.repeated_rows {
            return Err(holds_too_much("too many repeated rows", &count(self.budget.repeated_rows)));
        }
        self.extras.hidden_rows += u64::from(self.hidden) * u64::from(self.repeat);
        self.assembly.end_row_repeated(number, self.repeat)
    }
}

#[cfg(test)]
mod tests;
