//! Refuses cells that contain whole rows of the list: in the original text file, a stray quotation mark merged them
//! into one cell. Spreadsheet programs open such a file without a warning and may have saved it as a workbook.

use std::borrow::Cow;

use inventory_base::message::{Refusal, cell_address, count, refusal};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::row::Layout;

const DELIMITERS: [char; 4] = [';', '\t', '|', ','];
/// A line with more cells than this is not a row of the list.
const MOST_CELLS: usize = 1_000;

pub(super) fn refuse_swallowed_rows(row: &RawRow<'_>, layout: &Layout<'_>) -> Option<Refusal> {
    let (column, rows) = (0..row.cells.len()).find_map(|at| {
        let RawValue::Text(text) = &row.cells[at].value else {
            return None;
        };
        // Line breaks are control characters, which hardly any text has. The fold checks many bytes at once.
        if !text.bytes().fold(false, |found, byte| found | (byte < b' ')) {
            return None;
        }
        let mut delimiters = DELIMITERS.into_iter().filter(|delimiter| text.contains(*delimiter));
        let rows = delimiters.find_map(|delimiter| count_rows(text, row, at, delimiter, layout))?;
        Some((row.cells[at].column, rows))
    })?;
    let rows = if rows == 1 { "1 row".to_string() } else { format!("{} rows", count(rows)) };
    let cell = cell_address(column, row.number);
    Some(refusal!(QuoteSwallowsRows { cell, sheet: layout.sheet, rows }))
}

/// The number of lines below the cell's first line, if more than half of all its lines are items.
fn count_rows(text: &str, row: &RawRow<'_>, at: usize, delimiter: char, layout: &Layout<'_>) -> Option<u64> {
    let mut lines = text.split(['\n', '\r']).filter(|line| !line.is_empty()).peekable();
    let (mut rows, mut items) = (0, 0);
    while let Some(line) = lines.next() {
        // The cell begins in its first line and ends in its last; the other cells of the row belong to these two lines.
        let before = if rows == 0 { &row.cells[..at] } else { &[] };
        let after = if lines.peek().is_none() { &row.cells[at + 1..] } else { &[] };
        let first = if rows == 0 { row.cells[at].column } else { 0 };
        let beyond = row.cells[at].column + 1;
        let line = read_line(line, delimiter, first).map(|(cells, next)| {
            let after = after.iter().map(|cell| RawCell { column: cell.column - beyond + next, ..cell.clone() });
            let cells = before.iter().cloned().chain(cells).chain(after).collect();
            RawRow { number: row.number, cells, fields: None }
        });
        rows += 1;
        items += u64::from(line.is_some_and(|line| layout.can_be_item(&line)));
    }
    (rows > 1 && items > rows / 2).then(|| rows - 1)
}

/// The cells of a line that begins in this column, and the column after the last one.
fn read_line(line: &str, delimiter: char, first: u32) -> Option<(Vec<RawCell<'_>>, u32)> {
    // In a sentence, a space follows.
    let mut texts = line.split(delimiter).skip(1);
    if texts.by_ref().take(MOST_CELLS).any(|text| text.starts_with(' ')) || texts.next().is_some() {
        return None;
    }
    let mut next = first;
    let mut cells = Vec::new();
    for text in line.split(delimiter) {
        if !text.is_empty() {
            cells.push(RawCell { column: next, value: RawValue::Text(Cow::Borrowed(text)), format: None });
        }
        next += 1;
    }
    Some((cells, next))
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged, judged_by, refused};
    use inventory_base::message::Rule;

    #[test]
    fn a_cell_of_a_text_file_that_contains_rows_is_refused_with_their_number() {
        let refusal = refused(b"SKU;Name;Qty\nA;Bolt;5\nB;\"Rillettes;6\nC;Nut;7\nD;Cord;2 m\nE;Pin 5\";8\nF;Cap;9\n");
        assert_eq!(refusal.rule, Rule::QuoteSwallowsRows);
        let message = "B3 on sheet \"Stock\" contains 3 rows of the list below its first line: \
                       a quotation mark before it was not closed, so they became one cell.";
        assert_eq!(refusal.message, message);
        // The second quotation mark may be in a different column than the first.
        let refusal = refused(b"Price,SKU,Name,Qty\r\n1,A,Bolt,5\r\n2,B,\"Nut,6\r\n3,\"\"C\",Pin,7\r\n");
        assert!(refusal.message.starts_with("C3 on sheet \"Stock\" contains 1 row of"), "{}", refusal.message);
    }

    #[test]
    fn a_workbook_made_from_such_a_text_file_is_refused_too() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Stock").unwrap();
        sheet.write_row(0, 0, ["Code article", "D\u{e9}signation", "Quantit\u{e9}", "Prix"]).unwrap();
        sheet.write_row(1, 0, ["C-1", "Rillettes 180 g;31;6,40\nC-2;Foie gras;9;29,50\nC-3;Terrine 12"]).unwrap();
        sheet.write_row(1, 2, [15.0, 7.2]).unwrap();
        let refusal = refused(&book.save_to_buffer().unwrap());
        assert!(refusal.message.starts_with("B2 on sheet \"Stock\" contains 2 rows of"), "{}", refusal.message);
    }

    #[test]
    fn a_description_of_several_lines_is_just_a_text() {
        for text in ["big\nblue", "big, blue\nA4, 80 g, 500", "10,5 mm\n12,5 mm", "Bolt;5\nNut;6\nPin", "x\n\ny;z\n"] {
            assert!(judged(format!("SKU,Name,Qty\nA,\"{text}\",5\n").as_bytes()).is_ok(), "{text}");
        }
        // If items are nothing but texts, a line of three words looks like one.
        let texts = |rules: String| rules.replacen("type = \"integer\"\nrequired = true", "type = \"integer\"", 1);
        assert!(judged_by(b"SKU;Name;Price\nA;\"x\ny;z;5\nu\";5\n", texts).is_ok());
    }
}
