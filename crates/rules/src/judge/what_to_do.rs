//! The column "What to do" in a workbook of rows to fix. It comes back with the rows and is recognised by its header in
//! any position. Only the load named in the header is read.

use std::borrow::Cow;

use inventory_base::load_id::LoadId;
use inventory_workbook::RawRow;

/// A longer header is a different one and isn't examined.
const HEADER_BYTES: usize = 256;

/// The header of the column; it names the load whose rows are to be fixed.
pub fn what_to_do_header(load: &LoadId) -> String {
    format!("What to do (load {load})")
}

/// The load that a header names. Other programs may have changed its whitespace and case.
fn load_of(header: &str) -> Option<LoadId> {
    if header.len() > HEADER_BYTES {
        return None;
    }
    let words: Vec<&str> = header.split_whitespace().collect();
    let header = words.join(" ").to_ascii_lowercase();
    LoadId::parse(header.strip_prefix("what to do (load ")?.strip_suffix(')')?.trim())
}

/// The "What to do" columns of a sheet, and the load that the first of them names.
#[derive(Debug, Clone, Default)]
pub(super) struct WhatToDoColumns {
    columns: Vec<u32>,
    load: Option<LoadId>,
}

impl WhatToDoColumns {
    /// Notes which of a row's texts are such headers, and removes them.
    pub fn take_out_of(&mut self, texts: &mut Vec<(u32, String)>) {
        texts.retain(|(place, text)| {
            let Some(load) = load_of(text) else {
                return true;
            };
            self.columns.push(*place);
            self.load.get_or_insert(load);
            false
        });
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The load that the sheet fixes.
    pub fn load(&self) -> Option<&LoadId> {
        self.load.as_ref()
    }

    /// The row without these columns.
    pub fn without<'r, 'a>(&self, row: &'r RawRow<'a>) -> Cow<'r, RawRow<'a>> {
        if self.columns.is_empty() {
            return Cow::Borrowed(row);
        }
        let cells = row.cells.iter().filter(|cell| !self.columns.contains(&cell.column));
        Cow::Owned(RawRow { number: row.number, cells: cells.cloned().collect(), fields: row.fields })
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{judged, judged_by, rules};
    use super::*;
    use crate::judge::{Skip, Verdict};
    use inventory_base::item::Item;
    use inventory_base::message::Rule;

    const LOAD: &str = "0123456789abcdef.2";
    const HEADER: &str = "What to do (load 0123456789abcdef.2)";

    fn item(verdict: &Verdict) -> &Item {
        match verdict {
            Verdict::Accepted(item) => item,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_header_is_recognised_regardless_of_whitespace_and_case() {
        let load = LoadId::parse(LOAD).unwrap();
        assert_eq!(what_to_do_header(&load), HEADER);
        for header in [HEADER, " what to do\u{a0}(LOAD  0123456789ABCDEF.2 )\n"] {
            assert_eq!(load_of(header), Some(load.clone()), "{header:?}");
        }
        for other in ["What to do", "What to do (load ../../x)", "What to do (load 0123456789abcdef", "to do"] {
            assert_eq!(load_of(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_column_is_left_out_in_any_position_and_names_the_load() {
        for list in [
            format!("SKU,Name,Qty,{HEADER}\nA,Bolt,5,Row 14: fix it\n"),
            format!("{HEADER},SKU,Name,Qty\nRow 14: fix it,A,Bolt,5\n"),
            format!("Stock of Q3\n\nSKU,{HEADER},Name,Qty\nA,,Bolt,5\n"),
            format!("Item,,,{HEADER}\nnumber,Name,Qty,\nA,Bolt,5,fix it\n"),
        ] {
            for unknown in ["ignore", "reject", "keep"] {
                let change = |rules: String| {
                    rules.replace("unknown_columns = \"ignore\"", &format!("unknown_columns = \"{unknown}\""))
                };
                let (verdicts, file) = judged_by(list.as_bytes(), change).unwrap();
                assert_eq!(file.fixes.as_ref().map(LoadId::as_str), Some(LOAD), "{list}");
                assert!(file.notes.is_empty() && file.sheets[0].others.is_empty(), "{list}: {file:?}");
                let (_, last) = verdicts.last_key_value().unwrap();
                assert_eq!(item(last).keys().collect::<Vec<_>>(), ["name", "quantity", "sku"], "{unknown} {list}");
            }
        }
        let (_, file) = judged_by(b"SKU,Name,Qty,What to do\nA,Bolt,5,count it\n", |rules| rules).unwrap();
        assert_eq!((file.fixes, file.notes[0].rule), (None, Rule::ColumnsNotKnown));
    }

    #[test]
    fn its_cells_are_not_kept_and_a_row_of_nothing_else_is_blank() {
        let list = format!("SKU,Name,Qty,{HEADER}\nA,Bolt,many,first\nB,Nut,1,second\nB,Nut,2,third\n,,,fourth\n");
        let (verdicts, _) = judged(list.as_bytes()).unwrap();
        for row in [2, 3, 4] {
            let (Verdict::Rejected(kept) | Verdict::Duplicate(kept)) = &verdicts[&row] else { panic!("row {row}") };
            assert_eq!(kept.cells.iter().map(|cell| cell.cell.as_bytes()[0]).collect::<Vec<_>>(), b"ABC", "row {row}");
        }
        assert_eq!(rules(&verdicts[&4]), ["key-repeated"]);
        assert!(matches!(&verdicts[&5], Verdict::Skipped(skipped) if skipped.why == Skip::Blank));
    }

    #[test]
    fn rows_to_fix_are_no_evidence_for_each_others_decimal_separator() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Stock").unwrap();
        sheet.write_row(0, 0, ["SKU", "Name", "Quantity", "Price", HEADER]).unwrap();
        sheet.write_row(1, 0, ["A", "Bolt", "5", "1.234"]).unwrap();
        sheet.write_row(2, 0, ["B", "Nut", "5", "12.50"]).unwrap();
        let (verdicts, _) = judged(&book.save_to_buffer().unwrap()).unwrap();
        assert_eq!(rules(&verdicts[&2]), ["separator-unclear"]);
    }

    #[test]
    fn a_workbook_of_rows_to_fix_assumes_no_decimal_separator() {
        let book = |header: &str, price: &str| {
            let mut book = rust_xlsxwriter::Workbook::new();
            let sheet = book.add_worksheet().set_name("Stock").unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Quantity", "Price", header]).unwrap();
            sheet.write_row(1, 0, ["A", "Bolt", "5", price]).unwrap();
            book.save_to_buffer().unwrap()
        };
        for (header, price, expected) in [
            ("Remark", "1.234", Some("separator-unclear")),
            (HEADER, "1.234", Some("separator-unclear")),
            (HEADER, "12.50", None),
            (HEADER, "12,50", Some("point-expected")),
            (HEADER, "1234", None),
        ] {
            let (verdicts, _) = judged(&book(header, price)).unwrap();
            assert_eq!(rules(&verdicts[&2]).first().copied(), expected, "{header} {price}");
        }
    }

    #[test]
    fn items_shared_by_two_sheets_of_rows_to_fix_are_reported_row_by_row() {
        let mut book = rust_xlsxwriter::Workbook::new();
        for name in ["Leeds", "York"] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Quantity", HEADER]).unwrap();
            for row in 1..=12 {
                sheet.write_row(row, 0, [format!("A-{row}"), "Bolt".into(), "5".into()]).unwrap();
            }
        }
        let (verdicts, _) = judged(&book.save_to_buffer().unwrap()).unwrap();
        assert_eq!(rules(&verdicts[&2]), ["key-repeated"]);
    }
}
