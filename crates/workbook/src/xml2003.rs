//! XML spreadsheets of Excel 2002 and 2003, streamed. Inventory programs still write them, and call them `.xls`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufReader;
use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::assembly::{Assembly, DAYS_TO_1904, MAX_COLUMNS, MAX_ROWS, SheetExtras, Visit, days_from_iso, finite};
use super::budget::Budget;
use super::format::{Format, Opened, SheetReader, Signature, contains_ignoring_case};
use super::number_format::{Shows, shows};
use super::row::{MergedArea, RawValue, Sheet};
use super::scan::{char_of, damaged};
use super::survey::attribute;
use super::text::{Text, TextReader};
use inventory_base::message::Refusal;

pub const FORMAT: Format = Format {
    name: "an Excel 2003 XML spreadsheet",
    endings: &["xml"],
    recognises: |signature| matches!(signature, Signature::Text(text) if is_spreadsheet(text)),
    open: |input| {
        let text = input.text()?;
        let note = text.note().cloned();
        let (reader, sheets) = Xml2003Reader::open(text)?;
        Ok(Opened { note, ..Opened::new(reader, sheets) })
    },
    misnamed: Format::advise_to_rename,
};

/// The first day that has the same number in this format, which counts 1900 as a leap year as Excel does, and in the
/// calendar.
const FIRST_OF_MARCH_1900: f64 = 61.0;
/// The style of cells that name none.
const DEFAULT_STYLE: &str = "Default";

fn is_spreadsheet(text: &[u8]) -> bool {
    const MARKS: [&[u8]; 2] = [b"progid=\"Excel.Sheet\"", b"urn:schemas-microsoft-com:office:spreadsheet"];
    text.starts_with(b"<?xml") && MARKS.iter().any(|mark| contains_ignoring_case(text, mark))
}

type Xml = Reader<BufReader<TextReader>>;

/// A spreadsheet of which only the names of the sheets and the number formats are in memory.
pub struct Xml2003Reader {
    text: Text,
    /// The codes of number formats, by the names of the styles.
    formats: HashMap<String, String>,
    epoch: f64,
}

impl Xml2003Reader {
    /// Reads the whole file once for its sheets and formats, and to check that it is complete.
    pub fn open(text: Text) -> Result<(Xml2003Reader, Vec<Sheet>), Refusal> {
        let mut reader = Xml2003Reader { text, formats: HashMap::new(), epoch: 0.0 };
        let mut xml = reader.content()?;
        let (mut sheets, mut names) = (Vec::<Sheet>::new(), HashSet::new());
        let (mut style, mut parents) = (String::new(), HashMap::new());
        let (mut buffer, mut in_visible, mut whole) = (Vec::new(), false, false);
        loop {
            buffer.clear();
            match xml.read_event_into(&mut buffer).map_err(|_| damaged())? {
                Event::DocType(_) => return Err(damaged()),
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "Style" => {
                        style = attribute(&tag, "ID")?.unwrap_or_default();
                        parents.extend(attribute(&tag, "Parent")?.map(|parent| (style.clone(), parent)));
                    }
                    "NumberFormat" => {
                        let code = attribute(&tag, "Format")?.map_or(String::new(), |name| code_of(&name));
                        reader.formats.insert(style.clone(), code);
                    }
                    "Date1904" => reader.epoch = DAYS_TO_1904,
                    "Worksheet" => {
                        let name = attribute(&tag, "Name")?.filter(|name| names.insert(name.clone()));
                        sheets.push(Sheet { name: name.ok_or_else(damaged)?, visible: true });
                    }
                    "Visible" => in_visible = true,
                    _ => {}
                },
                Event::Text(text) if in_visible => {
                    if let Some(sheet) = sheets.last_mut() {
                        sheet.visible &= !matches!(text.xml10_content().trim(), "SheetHidden" | "SheetVeryHidden");
                    }
                }
                Event::End(tag) => match tag.local_name().as_ref() {
                    "Visible" => in_visible = false,
                    "Workbook" => whole = true,
                    _ => {}
                },
                Event::Eof if whole && !sheets.is_empty() => break,
                Event::Eof => return Err(damaged()),
                _ => {}
            }
        }
        // Excel writes no chains of parents, so one step is enough.
        for (style, parent) in parents {
            if let (None, Some(code)) = (reader.formats.get(&style), reader.formats.get(&parent).cloned()) {
                reader.formats.insert(style, code);
            }
        }
        Ok((reader, sheets))
    }

    fn content(&self) -> Result<Xml, Refusal> {
        let mut xml = Reader::from_reader(BufReader::new(self.text.reader().map_err(|_| damaged())?));
        xml.config_mut().expand_empty_elements = true;
        Ok(xml)
    }
}

impl SheetReader for Xml2003Reader {
    fn visit_rows(
        &mut self,
        index: usize,
        sheet: &str,
        budget: &Budget,
        visit: Visit<'_>,
    ) -> Result<Option<SheetExtras>, Refusal> {
        let mut table = Table {
            reader: self,
            assembly: Assembly::new(sheet, budget, visit),
            extras: SheetExtras::default(),
            row: 0,
            span: 0,
            hidden: false,
            column: 0,
            next_column: 0,
            values: 0,
            style: None,
            row_style: None,
            columns: Vec::new(),
            data: None,
            needs_result: false,
        };
        let mut xml = self.content()?;
        let (mut buffer, mut seen, mut in_comment) = (Vec::new(), 0, false);
        loop {
            buffer.clear();
            let event = xml.read_event_into(&mut buffer).map_err(|_| table.assembly.damaged())?;
            let in_sheet = seen == index + 1;
            match event {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "Worksheet" => seen += 1,
                    _ if !in_sheet || in_comment => {}
                    // Comments are not part of the cell.
                    "Comment" => in_comment = true,
                    "Column" => table.take_column(&tag)?,
                    "Row" => table.begin_row(&tag)?,
                    "Cell" => table.begin_cell(&tag)?,
                    "Data" => table.data = Some((attribute(&tag, "Type")?.unwrap_or_default(), String::new())),
                    _ => {}
                },
                Event::End(tag) => match tag.local_name().as_ref() {
                    _ if !in_sheet => {}
                    "Comment" => in_comment = false,
                    "Data" if !in_comment => table.end_data()?,
                    "Cell" if table.needs_result => {
                        table.values += 1;
                        table.assembly.push(table.row, table.column, RawValue::NoResult, None)?;
                    }
                    "Row" if table.end_row()?.is_break() => return Ok(None),
                    "Worksheet" => return Ok(Some(table.extras)),
                    _ => {}
                },
                Event::Text(text) => table.take_text(&text.xml10_content(), budget),
                Event::CData(text) => table.take_text(&text.xml10_content(), budget),
                Event::GeneralRef(reference) => {
                    let c = char_of(&reference).ok_or_else(|| table.assembly.damaged())?;
                    table.take_text(c.encode_utf8(&mut [0; 4]), budget);
                }
                Event::Eof => return Err(table.assembly.damaged()),
                _ => {}
            }
        }
    }
}

/// The state of reading a sheet.
struct Table<'a> {
    reader: &'a Xml2003Reader,
    assembly: Assembly<'a>,
    extras: SheetExtras,
    /// The current row, and the number of rows after it that only share its style.
    row: u32,
    span: u32,
    hidden: bool,
    /// The current cell, and the column after it and the cells merged with it.
    column: u32,
    next_column: u32,
    values: u64,
    style: Option<String>,
    row_style: Option<String>,
    /// First column, end (exclusive), style.
    columns: Vec<(u32, u32, Option<String>)>,
    /// The declared type and the text of the cell; whether it is a formula without a result so far.
    data: Option<(String, String)>,
    needs_result: bool,
}

impl<'a> Table<'a> {
    /// The position that the file gives, counted from 1, or `otherwise`.
    fn position(&self, tag: &BytesStart<'_>, name: &str, otherwise: u32, max: u32) -> Result<u32, Refusal> {
        match attribute(tag, name)? {
            None => Ok(otherwise),
            Some(place) => place.parse().ok().filter(|place| *place <= max).ok_or_else(|| self.assembly.damaged()),
        }
    }

    fn take_column(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        let next = self.columns.last().map_or(0, |(_, end, _)| *end) + 1;
        let first = self.position(tag, "Index", next, MAX_COLUMNS)?.max(next) - 1;
        let end = first + 1 + self.position(tag, "Span", 0, MAX_COLUMNS)?;
        if end > MAX_COLUMNS {
            return Err(self.assembly.damaged());
        }
        self.columns.push((first, end, attribute(tag, "StyleID")?));
        Ok(())
    }

    fn begin_row(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        let next = self.row + 1 + self.span;
        self.row = self.position(tag, "Index", next, MAX_ROWS)?;
        self.span = self.position(tag, "Span", 0, MAX_ROWS)?;
        if self.row < next || self.row > MAX_ROWS {
            return Err(self.assembly.damaged());
        }
        self.hidden = attribute(tag, "Hidden")?.is_some_and(|hidden| hidden == "1");
        self.row_style = attribute(tag, "StyleID")?;
        (self.next_column, self.values) = (0, 0);
        Ok(())
    }

    fn begin_cell(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        let place = self.position(tag, "Index", self.next_column + 1, MAX_COLUMNS)?;
        let across = self.position(tag, "MergeAcross", 0, MAX_COLUMNS)?;
        let down = self.position(tag, "MergeDown", 0, MAX_ROWS)?;
        if place <= self.next_column || place > MAX_COLUMNS {
            return Err(self.assembly.damaged());
        }
        (self.column, self.next_column) = (place - 1, place + across);
        if across + down > 0 {
            self.extras.add_merged(MergedArea {
                first_row: self.row,
                last_row: self.row.saturating_add(down).min(MAX_ROWS),
                first_column: self.column,
                last_column: self.column.saturating_add(across).min(MAX_COLUMNS - 1),
            })?;
        }
        self.style = attribute(tag, "StyleID")?;
        self.needs_result = attribute(tag, "Formula")?.is_some();
        Ok(())
    }

    /// Keeps only as much as shows that the text is too long.
    fn take_text(&mut self, text: &str, budget: &Budget) {
        if let Some((_, data)) = self.data.as_mut().filter(|(_, data)| data.len() <= budget.cell_bytes) {
            data.push_str(text);
        }
    }

    fn end_data(&mut self) -> Result<(), Refusal> {
        let Some((kind, text)) = self.data.take() else {
            return Ok(());
        };
        self.needs_result &= kind != "String" && text.trim().is_empty();
        let code = self.code();
        let value = value_of(&kind, text, code.unwrap_or_default(), self.reader.epoch);
        let format = code.filter(|code| !code.is_empty()).map(|code| Cow::Owned(code.to_owned()));
        self.values += u64::from(!matches!(&value, RawValue::Text(text) if text.is_empty()));
        self.assembly.push(self.row, self.column, value, format)
    }

    /// The cell's own style takes precedence, then its row's, then its column's.
    fn code(&self) -> Option<&'a str> {
        let in_column = |(first, end, _): &&(u32, u32, Option<String>)| (*first..*end).contains(&self.column);
        let of_column = || self.columns.iter().find(in_column).and_then(|(.., style)| style.as_deref());
        let style = self.style.as_deref().or(self.row_style.as_deref()).or_else(of_column).unwrap_or(DEFAULT_STYLE);
        self.reader.formats.get(style).map(String::as_str)
    }

    fn end_row(&mut self) -> Result<ControlFlow<()>, Refusal> {
        self.extras.hidden_rows += u64::from(self.hidden && self.values > 0);
        self.assembly.end_row(self.row)
    }
}

fn value_of(kind: &str, text: String, code: &str, epoch: f64) -> RawValue<'static> {
    match kind {
        _ if kind == "String" || text.trim().is_empty() => RawValue::Text(Cow::Owned(text)),
        "Number" => match (text.trim().parse::<f64>(), shows(code)) {
            (Ok(number), Shows::Date) => finite(number + epoch, RawValue::Date),
            (Ok(number), _) => finite(number, RawValue::Number),
            (Err(_), _) => RawValue::Unreadable,
        },
        "DateTime" => match days_from_iso(text.trim()) {
            Some(days) => {
                let serial = if days < FIRST_OF_MARCH_1900 { days - 1.0 } else { days };
                if shows(code) == Shows::Elapsed { RawValue::Number(serial) } else { RawValue::Date(serial) }
            }
            None => RawValue::Unreadable,
        },
        "Boolean" => match text.trim() {
            "1" => RawValue::Bool(true),
            "0" => RawValue::Bool(false),
            _ => RawValue::Unreadable,
        },
        "Error" => RawValue::Error(Cow::Owned(text)),
        _ => RawValue::Unreadable,
    }
}

/// The codes of formats that are named. Names that depend on the country have none; nothing can be shown with them.
fn code_of(name: &str) -> String {
    let code = match name {
        "General" | "General Number" => "",
        "Fixed" => "0.00",
        "Standard" => "#,##0.00",
        "Percent" => "0.00%",
        "Scientific" => "0.00E+00",
        // Their code depends on the country.
        "General Date" | "Long Date" | "Medium Date" | "Short Date" => "mm-dd-yy",
        "Short Time" => "h:mm",
        "Medium Time" => "h:mm AM/PM",
        "Long Time" => "h:mm:ss AM/PM",
        // In the local currency, whose symbol is not known.
        "Currency" | "Euro Currency" => "?",
        "Yes/No" => "\"Yes\";\"Yes\";\"No\"",
        "True/False" => "\"True\";\"True\";\"False\"",
        "On/Off" => "\"On\";\"On\";\"Off\"",
        other => other,
    };
    code.to_owned()
}

#[cfg(test)]
mod tests;
