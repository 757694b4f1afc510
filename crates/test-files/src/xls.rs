//! Excel 97 to 2003 workbooks, built record by record.

use crate::compound::compound;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;

pub fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &(body.len() as u16).to_le_bytes(), body].concat()
}

pub fn le(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub fn bof(version: u16, kind: u16) -> Vec<u8> {
    record(BOF, &[le(&[version, kind, 0, 0]), vec![0; 8]].concat())
}

/// Builds a workbook with one sheet of these records, after these global records.
pub fn book(globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
    book_of(0x0600, &[&[5, 0][..], b"Stock"].concat(), globals, sheet)
}

pub fn book_of(version: u16, name: &[u8], globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
    let before = [vec![bof(version, 5)], globals.to_vec()].concat().concat();
    let name = [&[0, 0][..], name].concat();
    let offset = before.len() + 4 + 4 + name.len() + 4;
    [
        before,
        record(0x0085, &[&(offset as u32).to_le_bytes()[..], &name].concat()),
        record(EOF, &[]),
        bof(version, 0x10),
        sheet.concat(),
        record(EOF, &[]),
    ]
    .concat()
}

/// Builds the same workbook as a file.
pub fn file(globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
    compound("Workbook", book(globals, sheet))
}

pub fn number(row: u16, column: u16, style: u16, number: f64) -> Vec<u8> {
    record(NUMBER, &[le(&[row, column, style]), number.to_le_bytes().to_vec()].concat())
}

pub fn label(row: u16, column: u16, value: &str) -> Vec<u8> {
    record(LABEL, &[le(&[row, column, 0]), text(value)].concat())
}

pub fn style(format: u16) -> Vec<u8> {
    record(0x00E0, &[le(&[0, format]), vec![0; 16]].concat())
}

pub fn format(id: u16, code: &str) -> Vec<u8> {
    record(0x041E, &[le(&[id, code.len() as u16]), vec![0], code.as_bytes().to_vec()].concat())
}

/// A formula in the first style whose result is these eight bytes.
pub fn formula(kind: u16, row: u16, column: u16, result: [u8; 8]) -> Vec<u8> {
    record(kind, &[le(&[row, column, 0]), result.to_vec(), vec![0; 8]].concat())
}

pub fn text(text: &str) -> Vec<u8> {
    [&le(&[text.len() as u16])[..], &[0], text.as_bytes()].concat()
}
