//! Workbooks of Excel 97 to 2003.

use super::super::case::{Case, Cell, Sheet, Value};
use super::serial;
use inventory_test_files::compound::compound;

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;
const FONT: u16 = 0x0031;
const CODE_PAGE: u16 = 0x0042;
const BOUND_SHEET: u16 = 0x0085;
const XF: u16 = 0x00E0;
const MERGED_CELLS: u16 = 0x00E5;
const SST: u16 = 0x00FC;
const LABEL_SST: u16 = 0x00FD;
const DIMENSIONS: u16 = 0x0200;
const BLANK: u16 = 0x0201;
const NUMBER: u16 = 0x0203;
const LABEL: u16 = 0x0204;
const BOOL_ERROR: u16 = 0x0205;
const STRING: u16 = 0x0207;
const ROW: u16 = 0x0208;
const RK: u16 = 0x027E;
const FORMAT: u16 = 0x041E;
const FORMULA: u16 = 0x0006;
/// The record number that older programs use.
const OLD_FORMULA: u16 = 0x0406;

/// The first identifier for custom formats.
const FIRST_FORMAT: u16 = 164;
/// The number of styles before those of cells.
const STYLES: usize = 16;
/// The largest size of a record.
const RECORD_BYTES: usize = 8_224;

/// What belongs to the whole workbook.
#[derive(Default)]
struct Book {
    texts: Vec<String>,
    text_bytes: usize,
    formats: Vec<(u16, &'static str)>,
    old_formulas: bool,
}

pub fn xls(case: &Case) -> Vec<u8> {
    let mut book = Book { old_formulas: case.cell_types.old_formulas, ..Book::default() };
    let sheets: Vec<_> = case.sheets.iter().map(|sheet| book.sheet(sheet)).collect();
    let mut head = record(BOF, &begin(5));
    head.extend(record(CODE_PAGE, &1200_u16.to_le_bytes()));
    for _ in 0..5 {
        head.extend(record(
            FONT,
            &[&[200, 0, 0, 0, 0xFF, 0x7F, 0x90, 1, 0, 0, 0, 0, 0, 0], &*short_text("Arial")].concat(),
        ));
    }
    for (id, code) in &book.formats {
        head.extend(record(FORMAT, &[&id.to_le_bytes(), &*text(code)].concat()));
    }
    for style in 0..STYLES {
        head.extend(record(XF, &xf(0, style + 1 < STYLES)));
    }
    for (id, _) in &book.formats {
        head.extend(record(XF, &xf(*id, false)));
    }
    let table = book.shared_texts();
    let names: Vec<_> = case.sheets.iter().map(|sheet| short_text(&sheet.name)).collect();
    let bound: usize = names.iter().map(|name| 4 + 6 + name.len()).sum();
    let mut place = head.len() + bound + table.len() + 4;
    for (name, sheet) in names.iter().zip(&sheets) {
        let at = u32::try_from(place).expect("a small file").to_le_bytes();
        head.extend(record(BOUND_SHEET, &[&at[..], &[0, 0], name].concat()));
        place += sheet.len();
    }
    head.extend(table);
    head.extend(record(EOF, &[]));
    head.extend(sheets.concat());
    compound("Workbook", head)
}

impl Book {
    fn sheet(&mut self, sheet: &Sheet) -> Vec<u8> {
        let mut out = record(BOF, &begin(16));
        let width = sheet.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let [rows, columns] = [sheet.rows.len(), width].map(half);
        let dimensions = [&[0; 4], &*u32::from(rows).to_le_bytes().to_vec(), &halves(&[0, columns, 0])].concat();
        out.extend(record(DIMENSIONS, &dimensions));
        for (number, row) in sheet.rows.iter().enumerate().filter(|(_, row)| row.hidden) {
            let head = halves(&[half(number), 0, half(row.cells.len()), 255, 0, 0]);
            out.extend(record(ROW, &[&*head, &0x0000_0120_u32.to_le_bytes()].concat()));
        }
        for (number, row) in sheet.rows.iter().enumerate() {
            for (column, cell) in row.cells.iter().enumerate() {
                out.extend(self.cell(half(number), half(column), cell));
            }
        }
        let areas = sheet
            .merges
            .iter()
            .flat_map(|merge| [merge.rows.0, merge.rows.1, merge.columns.0, merge.columns.1].map(half));
        let areas: Vec<u16> = std::iter::once(half(sheet.merges.len())).chain(areas).collect();
        if !sheet.merges.is_empty() {
            out.extend(record(MERGED_CELLS, &halves(&areas)));
        }
        out.extend(record(EOF, &[]));
        out
    }

    fn cell(&mut self, row: u16, column: u16, cell: &Cell) -> Vec<u8> {
        let at = halves(&[row, column, self.style(cell)]);
        let with = |kind: u16, content: &[u8]| record(kind, &[&*at, content].concat());
        let kind = if self.old_formulas { OLD_FORMULA } else { FORMULA };
        match &cell.value {
            Value::Empty if cell.format.is_empty() => Vec::new(),
            Value::Empty => with(BLANK, &[]),
            Value::Text(value) => match self.share(value) {
                Some(place) => with(LABEL_SST, &place.to_le_bytes()),
                None => with(LABEL, &text(value)),
            },
            Value::Bool(yes) => with(BOOL_ERROR, &[u8::from(*yes), 0]),
            Value::Error(error) | Value::Raw(error) => {
                with(BOOL_ERROR, &[if *error == "#REF!" { 0x17 } else { 0x2A }, 1])
            }
            Value::Formula(_, result) => {
                // A whole number is enough of a formula.
                let token = [&[3, 0, 0x1E][..], &(*result as u16).to_le_bytes()].concat();
                with(kind, &[&result.to_le_bytes()[..], &[0; 6], &token].concat())
            }
            Value::TextFormula(_, result) => {
                // A string of one character is enough of a formula.
                let token = [4, 0, 0x17, 1, 0, b'L'];
                let formula = with(kind, &[&[0, 0, 0, 0, 0, 0, 0xFF, 0xFF][..], &[0; 6], &token].concat());
                [formula, record(STRING, &text(result))].concat()
            }
            Value::Number(_) | Value::Day(_) | Value::Time(_) => {
                let number = serial(&cell.value).expect("a number");
                match rk(number) {
                    Some(packed) => with(RK, &packed.to_le_bytes()),
                    None => with(NUMBER, &number.to_le_bytes()),
                }
            }
        }
    }

    fn style(&mut self, cell: &Cell) -> u16 {
        if cell.format.is_empty() {
            return half(STYLES - 1);
        }
        let own = |formats: &[(u16, &str)]| FIRST_FORMAT + half(formats.len());
        let known = self.formats.iter().position(|(id, code)| {
            *code == cell.format && cell.format_id.map_or(*id >= FIRST_FORMAT, |wanted| wanted == *id)
        });
        let place = known.unwrap_or_else(|| {
            self.formats.push((cell.format_id.unwrap_or(own(&self.formats)), cell.format));
            self.formats.len() - 1
        });
        half(STYLES + place)
    }

    /// Returns the index in the shared strings, unless these would exceed one record.
    fn share(&mut self, value: &str) -> Option<u32> {
        let known = self.texts.iter().position(|other| other == value);
        let place = known.or_else(|| {
            let bytes = text(value).len();
            (self.text_bytes + bytes + 8 < RECORD_BYTES).then(|| {
                self.text_bytes += bytes;
                self.texts.push(value.to_string());
                self.texts.len() - 1
            })
        });
        place.map(|place| u32::try_from(place).expect("few texts"))
    }

    fn shared_texts(&self) -> Vec<u8> {
        let count = u32::try_from(self.texts.len()).expect("few texts").to_le_bytes();
        let texts = self.texts.iter().flat_map(|value| text(value));
        record(SST, &count.into_iter().chain(count).chain(texts).collect::<Vec<_>>())
    }
}

fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), &half(content.len()).to_le_bytes(), content].concat()
}

fn begin(what: u16) -> Vec<u8> {
    [halves(&[0x0600, what, 0x0DBB, 0x07CC]), vec![0xC1, 0, 0, 0, 6, 3, 0, 0]].concat()
}

fn xf(format: u16, style: bool) -> Vec<u8> {
    let parent = if style { 0xFFF5 } else { 1 };
    [halves(&[0, format, parent]), vec![0x20, 0, 0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x20]].concat()
}

/// Encodes a text with its length in two bytes, in UTF-16 if necessary.
fn text(value: &str) -> Vec<u8> {
    let wide: Vec<u16> = value.encode_utf16().collect();
    let length = half(wide.len()).to_le_bytes();
    [&length[..], &characters(&wide)].concat()
}

fn short_text(value: &str) -> Vec<u8> {
    let wide: Vec<u16> = value.encode_utf16().collect();
    let length = u8::try_from(wide.len()).expect("a short text");
    [&[length][..], &characters(&wide)].concat()
}

fn characters(wide: &[u16]) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = wide.iter().map(|unit| u8::try_from(*unit).ok()).collect();
    match narrow {
        Some(narrow) => [vec![0], narrow].concat(),
        None => std::iter::once(1).chain(wide.iter().flat_map(|unit| unit.to_le_bytes())).collect(),
    }
}

/// Encodes a whole number or a number of hundredths in four bytes, if it fits.
fn rk(number: f64) -> Option<u32> {
    const LARGEST: f64 = 500_000_000.0;
    let fits = |number: f64| number.fract() == 0.0 && number.abs() < LARGEST;
    let hundred = number * 100.0;
    if fits(number) {
        Some((number as i32 as u32) << 2 | 0b10)
    } else if fits(hundred) && hundred / 100.0 == number {
        Some((hundred as i32 as u32) << 2 | 0b11)
    } else {
        None
    }
}

fn half(count: usize) -> u16 {
    u16::try_from(count).expect("a small sheet")
}

fn halves(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
