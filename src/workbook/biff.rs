//! The records of a workbook of Excel 97 to 2003, looked through before its reader makes room for what they claim.

use super::budget::{Budget, holds_too_much};
use super::scan::damaged;
use crate::message::{Refusal, Rule, cell_address, count};

/// What the records say of the workbook.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// Whether its texts are in UTF-16, whatever code page it claims.
    pub is_unicode: bool,
    /// In the order of their tabs, charts and macros among them.
    pub sheets: Vec<SheetRecords>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetRecords {
    pub hidden_rows: u64,
    pub merged: u64,
}

/// Refuses what is protected, what reaches further than can be read whole, and what its reader would stumble over.
pub fn look_through(stream: &[u8], budget: &Budget) -> Result<Book, Refusal> {
    let mut book = Book::default();
    let mut places = Vec::new();
    for (index, record) in records(stream).enumerate() {
        let (kind, body) = record?;
        match kind {
            // BOF: the version is 0x0600 from Excel 97 on.
            0x0809 if index == 0 => book.is_unicode = u16_at(body, 0) == Some(0x0600),
            _ if index == 0 => return Err(damaged()),
            // FilePass
            0x002F => return Err(Refusal::new(Rule::FileProtected, &[])),
            // BoundSheet
            0x0085 => places.push(u32_at(body, 0).ok_or_else(damaged)? as usize),
            0x000A => break,
            _ => {}
        }
    }
    let mut cells = 0;
    for place in places {
        let sheet = stream.get(place..).ok_or_else(damaged)?;
        book.sheets.push(look_through_sheet(sheet, budget, &mut cells)?);
    }
    Ok(book)
}

fn look_through_sheet(stream: &[u8], budget: &Budget, cells: &mut u64) -> Result<SheetRecords, Refusal> {
    let mut found = SheetRecords::default();
    let mut corner: Option<Corners> = None;
    let (mut hidden, mut with_value) = (std::collections::HashSet::new(), std::collections::HashSet::new());
    let mut depth = 0_u32;
    for record in records(stream) {
        let (kind, body) = record?;
        match kind {
            0x0809 => depth += 1,
            0x000A if depth <= 1 => break,
            0x000A => depth -= 1,
            // What a chart inside the sheet draws.
            _ if depth > 1 => {}
            // Dimensions: from row, to row, from column, to column, each end one further.
            0x0200 => {
                let (rows, columns) = if body.len() >= 14 {
                    (span(u32_at(body, 0), u32_at(body, 4)), span(wide(body, 8), wide(body, 10)))
                } else {
                    (span(wide(body, 0), wide(body, 2)), span(wide(body, 4), wide(body, 6)))
                };
                let claimed = rows.ok_or_else(damaged)?.saturating_mul(columns.ok_or_else(damaged)?);
                if claimed > budget.whole_cells {
                    return Err(too_many_cells(budget));
                }
            }
            // Row: the flag says that it has no height.
            0x0208 if body.get(12).is_some_and(|flags| flags & 0x20 != 0) => {
                hidden.extend(u16_at(body, 0));
            }
            // MergedCells
            0x00E5 => {
                let places = u16_at(body, 0).ok_or_else(damaged)?;
                if body.len() < 2 + 8 * usize::from(places) {
                    return Err(damaged());
                }
                found.merged += u64::from(places);
            }
            // Formula, MulRk, LabelSst, RString, Number, Label, BoolErr, Rk
            0x0006 | 0x00BD | 0x00FD | 0x00D6 | 0x0203 | 0x0204 | 0x0205 | 0x027E => {
                let (Some(row), Some(first)) = (u16_at(body, 0), u16_at(body, 2)) else { return Err(damaged()) };
                let last = if kind == 0x00BD {
                    let last = body.len().checked_sub(2).and_then(|at| u16_at(body, at));
                    last.filter(|&last| last >= first).ok_or_else(damaged)?
                } else {
                    first
                };
                with_value.insert(row);
                let corners = corner.get_or_insert(Corners { top: row, bottom: row, left: first, right: last });
                corners.top = corners.top.min(row);
                corners.bottom = corners.bottom.max(row);
                corners.left = corners.left.min(first);
                corners.right = corners.right.max(last);
            }
            _ => {}
        }
    }
    if let Some(corners) = corner {
        let rows = u64::from(corners.bottom - corners.top) + 1;
        *cells += rows * (u64::from(corners.right - corners.left) + 1);
        if *cells > budget.whole_cells {
            let last = cell_address(corners.right.into(), u32::from(corners.bottom) + 1);
            let what = format!("a sheet that reaches to {last}");
            return Err(holds_too_much(&what, &format!("{} cells", count(budget.whole_cells))));
        }
    }
    found.hidden_rows = hidden.intersection(&with_value).count() as u64;
    Ok(found)
}

fn too_many_cells(budget: &Budget) -> Refusal {
    holds_too_much("too many cells for the old form .xls", &count(budget.whole_cells))
}

struct Corners {
    top: u16,
    bottom: u16,
    left: u16,
    right: u16,
}

fn span(from: Option<u32>, to: Option<u32>) -> Option<u64> {
    Some(u64::from(to?.saturating_sub(from?)))
}

fn wide(body: &[u8], at: usize) -> Option<u32> {
    u16_at(body, at).map(u32::from)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Each record's kind and body, up to the end of the stream.
fn records(mut stream: &[u8]) -> impl Iterator<Item = Result<(u16, &[u8]), Refusal>> {
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        let read = || {
            let length = usize::from(u16_at(stream, 2)?);
            Some((u16_at(stream, 0)?, stream.get(4..4 + length)?, &stream[4 + length..]))
        };
        let Some((kind, body, rest)) = read() else {
            stream = &[];
            return Some(Err(damaged()));
        };
        stream = rest;
        Some(Ok((kind, body)))
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn record(kind: u16, body: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes(), &(body.len() as u16).to_le_bytes(), body].concat()
    }

    fn le(numbers: &[u16]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// A workbook with one sheet of these records; what stands before it is of these.
    pub fn book(globals: &[Vec<u8>], sheet: &[Vec<u8>]) -> Vec<u8> {
        let bof = |kind| record(0x0809, &[le(&[0x0600, kind, 0, 0]), vec![0; 8]].concat());
        let before = [vec![bof(5)], globals.to_vec()].concat().concat();
        let name = [&[0, 0, 5, 0][..], b"Stock"].concat();
        let place = before.len() + 4 + 4 + name.len() + 4;
        [
            before,
            record(0x0085, &[&(place as u32).to_le_bytes()[..], &name].concat()),
            record(0x000A, &[]),
            bof(0x10),
            sheet.concat(),
            record(0x000A, &[]),
        ]
        .concat()
    }

    fn number(row: u16, column: u16) -> Vec<u8> {
        record(0x0203, &[le(&[row, column, 0]), 1.5_f64.to_le_bytes().to_vec()].concat())
    }

    fn hidden(row: u16) -> Vec<u8> {
        record(0x0208, &[le(&[row, 0, 1, 0, 0, 0]), vec![0x20, 0, 0, 0]].concat())
    }

    #[test]
    fn hidden_rows_and_merged_cells_are_counted() {
        let chart = [record(0x0809, &le(&[0x0600, 0x20])), number(9, 9), record(0x000A, &[])].concat();
        let merged = record(0x00E5, &le(&[2, 0, 0, 0, 1, 1, 1, 0, 1]));
        let stream = book(&[], &[hidden(1), hidden(2), number(1, 0), chart, number(3, 0), merged]);
        let book = look_through(&stream, &Budget::DEFAULT).unwrap();
        assert_eq!(book, Book { is_unicode: true, sheets: vec![SheetRecords { hidden_rows: 1, merged: 2 }] });
    }

    #[test]
    fn what_the_reader_would_stumble_over_is_refused() {
        let dimensions = |rows: u32, columns: u16| {
            record(0x0200, &[&[0; 4][..], &rows.to_le_bytes(), &le(&[0, columns, 0])].concat())
        };
        let cases = [
            (book(&[record(0x002F, &le(&[1, 1]))], &[]), Rule::FileProtected),
            (book(&[], &[dimensions(0xFFFF_FFFF, 256)]), Rule::FileHoldsTooMuch),
            (book(&[], &[number(0, 0), number(0xFFFF, 255)]), Rule::FileHoldsTooMuch),
            (book(&[], &[record(0x00E5, &le(&[900, 0]))]), Rule::FileDamaged),
            (book(&[], &[record(0x00BD, &le(&[0, 5, 0, 0, 0, 2]))]), Rule::FileDamaged),
            (book(&[record(0x0085, &[0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0, 0])], &[]), Rule::FileDamaged),
            (book(&[], &[number(0, 0)])[..60].to_vec(), Rule::FileDamaged),
            (b"\x09\x08".to_vec(), Rule::FileDamaged),
            (record(0x0203, &[0; 14]), Rule::FileDamaged),
        ];
        for (stream, rule) in cases {
            let refusal = look_through(&stream, &Budget::DEFAULT).expect_err(rule.id());
            assert_eq!(refusal.rule, rule);
        }
        let wide = book(&[], &[dimensions(7_000, 256), number(0, 0), number(6_999, 255)]);
        assert!(look_through(&wide, &Budget::DEFAULT).is_ok());
    }
}
