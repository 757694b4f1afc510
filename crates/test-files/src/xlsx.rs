//! Excel workbooks whose parts are changed.

use std::io::{Cursor, Read, Write};

use rust_xlsxwriter::Workbook;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// Returns the workbook with one of its parts changed.
pub fn patched(workbook: &[u8], part: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut found = false;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let name = entry.name().unwrap();
        if name == part {
            found = true;
            text = change(&text);
        }
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    assert!(found, "no part {part}");
    zip.finish().unwrap().into_inner()
}

/// Builds a workbook with one sheet of these handwritten rows.
pub fn sheet_of(rows: &str) -> Vec<u8> {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Stock").unwrap();
    patched(&workbook.save_to_buffer().unwrap(), "xl/worksheets/sheet1.xml", |xml| {
        assert!(xml.contains("<sheetData/>"));
        xml.replace("<sheetData/>", &format!("<sheetData>{rows}</sheetData>"))
    })
}
