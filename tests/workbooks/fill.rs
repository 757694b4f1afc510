//! Fills in a template: types rows below its header, in cells with the style of their column, and changes nothing else.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

const SHEET: &str = "xl/worksheets/sheet1.xml";

/// Fills the template with rows. What looks like a number becomes one, unless it has leading zeros.
pub fn fill(template: &[u8], rows: &[Vec<String>]) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(template)).expect("a workbook");
    let mut xml = String::new();
    archive.by_name(SHEET).expect("the first sheet").read_to_string(&mut xml).expect("text");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for place in 0..archive.len() {
        let part = archive.by_index_raw(place).expect("a part");
        if part.name().expect("its name") != SHEET {
            zip.raw_copy_file(part).expect("its content");
        }
    }
    let styles = column_styles(&xml);
    let typed: String = (2..).zip(rows).map(|(number, cells)| row(number, cells, &styles)).collect();
    let filled = xml.replacen("</sheetData>", &format!("{typed}</sheetData>"), 1);
    assert_ne!(filled, xml);
    zip.start_file(SHEET, SimpleFileOptions::default()).expect("a part");
    zip.write_all(filled.as_bytes()).expect("its content");
    zip.finish().expect("a workbook").into_inner()
}

fn row(number: usize, cells: &[String], styles: &[String]) -> String {
    let cell = |(place, typed): (usize, &String)| {
        let (letter, style) = (char::from(b'A' + place as u8), &styles[place]);
        match typed.parse::<f64>() {
            Ok(_) if typed.len() == 1 || !typed.starts_with('0') => {
                format!("<c r=\"{letter}{number}\"{style}><v>{typed}</v></c>")
            }
            _ => {
                let typed = typed.replace('&', "&amp;").replace('<', "&lt;");
                format!("<c r=\"{letter}{number}\"{style} t=\"inlineStr\"><is><t>{typed}</t></is></c>")
            }
        }
    };
    format!("<row r=\"{number}\">{}</row>", cells.iter().enumerate().map(cell).collect::<String>())
}

/// Returns the style attribute for cells of each column, such as ` s="3"`, or an empty string.
fn column_styles(xml: &str) -> Vec<String> {
    let columns = xml.split("<col ").skip(1);
    let style = |column: &str| {
        let own = column.split("/>").next().unwrap_or_default();
        let number = own.split_once("style=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(number, _)| number);
        let (min, max) = (attribute(own, "min"), attribute(own, "max"));
        vec![number.map_or(String::new(), |number| format!(" s=\"{number}\"")); max - min + 1]
    };
    columns.flat_map(style).collect()
}

fn attribute(element: &str, name: &str) -> usize {
    let value = element.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.expect("the attribute").0.parse().expect("a number")
}
