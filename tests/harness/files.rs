//! Spreadsheets for tests: plain ones of any size, and hostile ones that no spreadsheet program would write.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Returns a CSV file of `rows` items whose SKUs begin with `prefix`.
pub fn csv(prefix: &str, rows: usize) -> Vec<u8> {
    let mut text = String::from("SKU,Name,Quantity,Unit price\n");
    for row in 0..rows {
        text.push_str(&format!("{prefix}-{row:06},Item {row},{},{}.99\n", row % 500, row % 100));
    }
    text.into_bytes()
}

const CONTENT_TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"#;
const RELS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Stock" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#;
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";

/// A function that writes one part of a workbook.
type Part<'a> = &'a dyn Fn(&mut dyn Write) -> std::io::Result<()>;

fn workbook(strings: Part<'_>, sheet: Part<'_>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_level(Some(1)).large_file(true);
    let plain = |text: &'static str| move |out: &mut dyn Write| out.write_all(text.as_bytes());
    let parts: [(&str, Part<'_>); 6] = [
        ("[Content_Types].xml", &plain(CONTENT_TYPES)),
        ("_rels/.rels", &plain(RELS)),
        ("xl/workbook.xml", &plain(WORKBOOK)),
        ("xl/_rels/workbook.xml.rels", &plain(WORKBOOK_RELS)),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, write) in parts {
        zip.start_file(name, options).expect("a part");
        write(&mut zip).expect("its content");
    }
    zip.finish().expect("a workbook").into_inner()
}

fn empty_sheet(out: &mut dyn Write) -> std::io::Result<()> {
    write!(out, r#"<worksheet xmlns="{MAIN}"><sheetData></sheetData></worksheet>"#)
}

fn repeat(out: &mut dyn Write, text: &str, megabytes: usize) -> std::io::Result<()> {
    let block = text.repeat((1 << 20) / text.len() + 1);
    (0..megabytes).try_for_each(|_| out.write_all(block.as_bytes()))
}

/// Claims to hold four billion shared strings: a reader that trusts the count allocates room for all of them.
pub fn claims_billions_of_strings() -> Vec<u8> {
    workbook(
        &|out| write!(out, r#"<sst xmlns="{MAIN}" uniqueCount="4294967295"><si><t>a</t></si></sst>"#),
        &empty_sheet,
    )
}

/// Really holds more than a million short strings: the file is within the size budget, but each string takes memory.
pub fn holds_a_million_strings() -> Vec<u8> {
    const MEGABYTES: usize = 25;
    let strings = |out: &mut dyn Write| {
        write!(out, r#"<sst xmlns="{MAIN}">"#)?;
        repeat(out, "<si><t>A-17</t></si>", MEGABYTES)?;
        write!(out, "</sst>")
    };
    workbook(&strings, &empty_sheet)
}

/// Rows without end and without a value: they take no memory, only time. The noise between them keeps the compression
/// ratio of the sheet below the limit.
pub fn endless_empty_rows(megabytes: usize) -> Vec<u8> {
    const NOISE_BYTES: usize = 16 * 1024;
    let sheet = |out: &mut dyn Write| {
        write!(out, r#"<worksheet xmlns="{MAIN}"><sheetData>"#)?;
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..megabytes {
            let noise: String = std::iter::repeat_with(|| random.alphanumeric()).take(NOISE_BYTES).collect();
            write!(out, "<!--{noise}-->")?;
            repeat(out, r#"<row r="1"></row>"#, 1)?;
        }
        write!(out, "</sheetData></worksheet>")
    };
    workbook(&|out| write!(out, r#"<sst xmlns="{MAIN}"/>"#), &sheet)
}
