//! A table as a file: a workbook, an OpenDocument spreadsheet, or text with delimiters.

use std::io::{Cursor, Read, Write};
use std::ops::RangeInclusive;

use rust_xlsxwriter::{Format, Workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::table::{Cell, EPOCH, EPOCH_1904, Table};

/// Where a workbook keeps its texts.
#[derive(Debug, Clone, Copy)]
pub enum Texts {
    /// In a part of their own, each once.
    Shared,
    /// In the cells, as programs write them that stream.
    InCells,
}

/// The day its dates are counted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum System {
    Of1900,
    Of1904,
}

pub fn xlsx(table: &Table, texts: Texts, system: System) -> Vec<u8> {
    xlsx_with(table, texts, system, &[])
}

/// With cells of a column merged over these rows; what they show is in the first of them.
pub fn xlsx_merged(table: &Table, merged: &[(u32, RangeInclusive<u32>)]) -> Vec<u8> {
    xlsx_with(table, Texts::Shared, System::Of1900, merged)
}

fn xlsx_with(table: &Table, texts: Texts, system: System, merged: &[(u32, RangeInclusive<u32>)]) -> Vec<u8> {
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
    let epoch = if system == System::Of1904 { EPOCH_1904 } else { EPOCH };
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
    if system == System::Of1904 { count_from_1904(&bytes) } else { bytes }
}

/// The writer knows one date system only.
fn count_from_1904(workbook: &[u8]) -> Vec<u8> {
    edit_part(workbook, "xl/workbook.xml", |xml| {
        assert!(xml.contains("<workbookPr "));
        xml.replace("<workbookPr ", "<workbookPr date1904=\"1\" ")
    })
}

/// The same workbook with one of its parts changed.
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

/// `counted` is how the programs write equal neighbours: once, and how often.
pub fn ods(table: &Table, counted: bool) -> Vec<u8> {
    let mut rows = String::new();
    let last = table.keys().next_back().copied().unwrap_or(0);
    for (cells, times) in runs((1..=last).map(|row| table.get(&row)), counted) {
        rows.push_str(&format!("<table:table-row{}>", repeated("rows", times)));
        let last = cells.and_then(|cells| cells.keys().next_back());
        let cells = last.map_or(vec![None], |last| (0..=*last).map(|column| cells?.get(&column)).collect());
        for (cell, times) in runs(cells.into_iter(), counted) {
            let (said, shown) = cell.map(ods_cell).unwrap_or_default();
            rows.push_str(&format!("<table:table-cell{}{said}>{shown}</table:table-cell>", repeated("columns", times)));
        }
        rows.push_str("</table:table-row>\n");
    }
    ods_file("", &format!("<table:table table:name=\"Stock\">{rows}</table:table>"))
}

/// An OpenDocument spreadsheet of these tables.
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

/// What a cell says for programs, and what it shows, which is less.
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

/// A text as the cells of an OpenDocument spreadsheet have it.
pub fn ods_paragraphs(text: &str) -> String {
    text.split('\n').map(|line| format!("<text:p>{}</text:p>", ods_line(line))).collect()
}

/// Of blanks in a row, and of those at the ends, XML keeps nothing: they are counted.
fn ods_line(line: &str) -> String {
    let mut xml = String::new();
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            ' ' => {
                let inside = !xml.is_empty() && signs.peek().is_some();
                let mut blanks = 1;
                while signs.next_if_eq(&' ').is_some() {
                    blanks += 1;
                }
                match blanks {
                    1 if inside => xml.push(' '),
                    1 => xml.push_str("<text:s/>"),
                    _ => xml.push_str(&format!("<text:s text:c=\"{blanks}\"/>")),
                }
            }
            '\t' => xml.push_str("<text:tab/>"),
            '\r' => xml.push_str("&#13;"),
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            _ => xml.push(sign),
        }
    }
    xml
}

pub const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];

#[derive(Debug, Clone, Copy)]
pub enum Letters {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
}

pub const LETTERS: [Letters; 4] = [Letters::Utf8, Letters::Utf8Marked, Letters::Utf16Le, Letters::Utf16Be];

/// How programs differ in writing the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    pub quotes_all: bool,
    pub windows_lines: bool,
    /// All rows are as long as the longest.
    pub full_rows: bool,
}

/// Every cell as it would be typed.
pub fn csv(table: &Table, delimiter: char, letters: Letters, habits: Habits) -> Vec<u8> {
    let line_end = if habits.windows_lines { "\r\n" } else { "\n" };
    let width = table.values().flat_map(|cells| cells.keys()).max().map_or(0, |last| last + 1);
    let mut text = String::new();
    // Of a sign in a cell nobody can be sure that it is not the delimiter: `a;1,5` is two columns either way. Excel is
    // told by such a line.
    let may_mislead = |text: &str| DELIMITERS.iter().any(|other| *other != delimiter && text.contains(*other));
    if table.values().flat_map(|cells| cells.values()).any(|cell| may_mislead(&typed(cell))) {
        text.push_str(&format!("sep={delimiter}{line_end}"));
    }
    let last = table.keys().next_back().copied().unwrap_or(0);
    for row in 1..=last {
        let cells = table.get(&row);
        let own_width = cells.and_then(|cells| cells.keys().next_back()).map_or(0, |last| last + 1);
        let width = if habits.full_rows { width } else { own_width };
        if width > 0 {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(u8::try_from(delimiter).expect("ASCII"))
                .quote_style(if habits.quotes_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
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
    encode(&text, letters)
}

fn encode(text: &str, letters: Letters) -> Vec<u8> {
    let marked = format!("\u{FEFF}{text}");
    match letters {
        Letters::Utf8 => text.into(),
        Letters::Utf8Marked => marked.into(),
        Letters::Utf16Le => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Letters::Utf16Be => marked.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}

/// The cell in full, as a person or a program would type it.
pub fn typed(cell: &Cell) -> String {
    /// Beyond, programs write the exponent.
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
