//! Writes a table as a workbook, an OpenDocument spreadsheet, or delimited text.

use std::io::{Cursor, Read, Write};
use std::ops::RangeInclusive;

use rust_xlsxwriter::{Format, Workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::table::{Cell, EPOCH, EPOCH_1904, Table};

/// Where a workbook stores its texts.
#[derive(Debug, Clone, Copy)]
pub enum Texts {
    /// In the shared strings, each once.
    Shared,
    /// In the cells, as streaming writers do.
    InCells,
}

/// The date system of a workbook.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DateSystem {
    Of1900,
    Of1904,
}

pub fn xlsx(table: &Table, texts: Texts, system: DateSystem) -> Vec<u8> {
    xlsx_with(table, texts, system, &[])
}

/// Writes a workbook in which cells of a column are merged over these rows; their value is in the first row.
pub fn xlsx_merged(table: &Table, merged: &[(u32, RangeInclusive<u32>)]) -> Vec<u8> {
    xlsx_with(table, Texts::Shared, DateSystem::Of1900, merged)
}

fn xlsx_with(table: &Table, texts: Texts, system: DateSystem, merged: &[(u32, RangeInclusive<u32>)]) -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = match texts {
        Texts::Shared => workbook.add_worksheet(),
        Texts::InCells => workbook.add_worksheet_with_constant_memory().expect("room for a sheet"),
    };
    for (column, rows) in merged {
        let column = u16::try_from(*column).expect("few columns");
        let area = sheet.merge_range(rows.start() - 1, column, rows.end() - 1, column, "", &Format::new());
        area.expect("an area of its own");
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    let moment = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let epoch = if system == DateSystem::Of1904 { EPOCH_1904 } else { EPOCH };
    for (row, cells) in table {
        for (column, cell) in cells {
            let (row, column) = (row - 1, u16::try_from(*column).expect("few columns"));
            let written = match cell {
                Cell::Text(text) => sheet.write_string(row, column, text),
                Cell::Number(number) => sheet.write_number(row, column, *number),
                Cell::Bool(yes) => sheet.write_boolean(row, column, *yes),
                Cell::Date(time) => {
                    let days = time.duration_since(epoch.at(0, 0, 0, 0)).as_secs_f64() / 86_400.0;
                    let format = if days.fract() == 0.0 { &day } else { &moment };
                    sheet.write_number_with_format(row, column, days, format)
                }
            };
            written.expect("a cell");
        }
    }
    let bytes = workbook.save_to_buffer().expect("a workbook");
    if system == DateSystem::Of1904 { count_from_1904(&bytes) } else { bytes }
}

/// Changes the date system, because the writer supports only one.
fn count_from_1904(workbook: &[u8]) -> Vec<u8> {
    edit_part(workbook, "xl/workbook.xml", |xml| {
        assert!(xml.contains("<workbookPr "));
        xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" ")
    })
}

/// Returns the workbook with one of its parts edited.
pub fn edit_part(workbook: &[u8], part: &str, edit: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(workbook)).expect("a workbook");
    let mut xml = String::new();
    archive.by_name(part).expect("the part").read_to_string(&mut xml).expect("text");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let other = archive.by_index_raw(place).expect("a part");
        if other.name().expect("its name") != part {
            zip.raw_copy_file(other).expect("its content");
        }
    }
    zip.start_file(part, SimpleFileOptions::default()).expect("a part");
    zip.write_all(edit(xml).as_bytes()).expect("its content");
    zip.finish().expect("a workbook").into_inner()
}

/// Writes an OpenDocument spreadsheet. If `counted`, equal neighbours are written once with a repeat count.
pub fn ods(table: &Table, counted: bool) -> Vec<u8> {
    let mut rows = String::new();
    let last = table.keys().next_back().copied().unwrap_or(0);
    for (cells, times) in runs((1..=last).map(|row| table.get(&row)), counted) {
        rows.push_str(&format!("<table:table-row{}>", repeated("rows", times)));
        let last = cells.and_then(|cells| cells.keys().next_back());
        let cells = last.map_or(vec![None], |last| (0..=*last).map(|column| cells?.get(&column)).collect());
        for (cell, times) in runs(cells.into_iter(), counted) {
            let (attributes, content) = cell.map(ods_cell).unwrap_or_default();
            rows.push_str(&format!(
                "<table:table-cell{}{attributes}>{content}</table:table-cell>",
                repeated("columns", times)
            ));
        }
        rows.push_str("</table:table-row>\n");
    }
    ods_file("", &format!("<table:table table:name=\"Stock\">{rows}</table:table>"))
}

/// Returns an OpenDocument spreadsheet with these tables.
pub fn ods_file(styles: &str, tables: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" \
         xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" office:version=\"1.3\">\
         <office:automatic-styles>{styles}</office:automatic-styles>\
         <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (part, text) in [("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)] {
        zip.start_file(part, SimpleFileOptions::default()).expect("a part");
        zip.write_all(text.as_bytes()).expect("its content");
    }
    zip.finish().expect("a spreadsheet").into_inner()
}

fn runs<T: PartialEq>(all: impl Iterator<Item = T>, counted: bool) -> Vec<(T, usize)> {
    let mut runs: Vec<(T, usize)> = Vec::new();
    for one in all {
        match runs.last_mut() {
            Some((last, times)) if counted && *last == one => *times += 1,
            _ => runs.push((one, 1)),
        }
    }
    runs
}

fn repeated(what: &str, times: usize) -> String {
    if times == 1 { String::new() } else { format!(" table:number-{what}-repeated=\"{times}\"") }
}

/// Returns the attributes of a cell with its full value, and its content as displayed, which is less precise.
fn ods_cell(cell: &Cell) -> (String, String) {
    let (kind, value, shown) = match cell {
        Cell::Text(text) => ("string", String::new(), text.clone()),
        Cell::Number(number) => ("float", format!(" office:value=\"{}\"", typed(cell)), format!("{number:.1}")),
        Cell::Bool(yes) => ("boolean", format!(" office:boolean-value=\"{yes}\""), typed(cell)),
        Cell::Date(time) => {
            ("date", format!(" office:date-value=\"{}\"", typed(cell)), time.strftime("%d.%m.%y").to_string())
        }
    };
    (format!(" office:value-type=\"{kind}\"{value}"), ods_paragraphs(&shown))
}

/// Returns a text as paragraphs of an OpenDocument cell.
pub fn ods_paragraphs(text: &str) -> String {
    text.split('\n').map(|line| format!("<text:p>{}</text:p>", ods_line(line))).collect()
}

/// Encodes a line. XML collapses consecutive spaces and those at the ends, so they are written as elements.
fn ods_line(line: &str) -> String {
    let mut xml = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' => {
                let inside = !xml.is_empty() && chars.peek().is_some();
                let mut spaces = 1;
                while chars.next_if_eq(&' ').is_some() {
                    spaces += 1;
                }
                match spaces {
                    1 if inside => xml.push(' '),
                    1 => xml.push_str("<text:s/>"),
                    _ => xml.push_str(&format!("<text:s text:c=\"{spaces}\"/>")),
                }
            }
            '\t' => xml.push_str("<text:tab/>"),
            '\r' => xml.push_str("&#13;"),
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            _ => xml.push(c),
        }
    }
    xml
}

pub const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

#[derive(Debug, Clone, Copy)]
pub enum UnicodeForm {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
}

pub const UNICODE_FORMS: [UnicodeForm; 4] =
    [UnicodeForm::Utf8, UnicodeForm::Utf8Marked, UnicodeForm::Utf16Le, UnicodeForm::Utf16Be];

/// The ways in which programs differ in writing the same rows.
#[derive(Debug, Clone, Copy)]
pub struct CsvStyle {
    pub quotes_all: bool,
    pub windows_lines: bool,
    /// Whether all rows are as long as the longest.
    pub full_rows: bool,
}

/// Writes a csv with every cell as it would be typed.
pub fn csv(table: &Table, delimiter: char, form: UnicodeForm, style: CsvStyle) -> Vec<u8> {
    let line_end = if style.windows_lines { "\r\n" } else { "\n" };
    let width = table.values().flat_map(|cells| cells.keys()).max().map_or(0, |last| last + 1);
    let mut text = String::new();
    // If a cell contains another delimiter, the delimiter is ambiguous: `a;1,5` is two columns either way. A line such
    // as `sep=;` resolves that, as for Excel.
    let is_ambiguous = |text: &str| DELIMITERS.iter().any(|other| *other != delimiter && text.contains(*other));
    if table.values().flat_map(|cells| cells.values()).any(|cell| is_ambiguous(&typed(cell))) {
        text.push_str(&format!("sep={delimiter}{line_end}"));
    }
    let last = table.keys().next_back().copied().unwrap_or(0);
    for row in 1..=last {
        let cells = table.get(&row);
        let own_width = cells.and_then(|cells| cells.keys().next_back()).map_or(0, |last| last + 1);
        let width = if style.full_rows { width } else { own_width };
        if width > 0 {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(u8::try_from(delimiter).expect("ASCII"))
                .quote_style(if style.quotes_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
                .terminator(csv::Terminator::Any(b'\n'))
                .from_writer(Vec::new());
            let record =
                (0..width).map(|column| cells.and_then(|cells| cells.get(&column)).map(typed).unwrap_or_default());
            writer.write_record(record).expect("a row");
            let written = String::from_utf8(writer.into_inner().expect("a row")).expect("text");
            text.push_str(written.strip_suffix('\n').expect("the end of the row"));
        }
        text.push_str(line_end);
    }
    encode(&text, form)
}

fn encode(text: &str, form: UnicodeForm) -> Vec<u8> {
    let marked = format!("\u{FEFF}{text}");
    match form {
        UnicodeForm::Utf8 => text.into(),
        UnicodeForm::Utf8Marked => marked.into(),
        UnicodeForm::Utf16Le => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        UnicodeForm::Utf16Be => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

/// Returns the full value of a cell as a user or a program would type it.
pub fn typed(cell: &Cell) -> String {
    /// Outside of this range programs write an exponent.
    const PLAIN: std::ops::Range<f64> = 1e-5..1e15;
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) if *number == 0.0 || PLAIN.contains(&number.abs()) => number.to_string(),
        Cell::Number(number) => format!("{number:E}"),
        Cell::Bool(yes) => yes.to_string().to_uppercase(),
        Cell::Date(time) if time.time() == jiff::civil::Time::midnight() => time.date().to_string(),
        Cell::Date(time) => time.to_string(),
    }
}
