//! The pass over a sheet before its rows are judged. It gathers what a whole column, and the widths of all rows, reveal
//! about each row. Text files always get it, workbooks only if one of their first rows needs it.

use std::ops::ControlFlow;

use crate::cell::Style;
use crate::schema::Schema;
use inventory_base::message::Refusal;
use inventory_workbook::{RawRow, Workbook};

use super::Skip;
use super::heading::{HeaderSearch, Heading};
use super::later_header::{LaterHeaderSearch, LaterRow};
use super::ragged::{Ragged, Widths};
use super::row::is_total_row;
use super::value::{Evidence, needs_evidence};

/// The number of rows in a workbook that are checked for values that only their whole column can explain.
const FIRST_ROWS: u32 = 50;

/// What the rows of one table reveal together.
pub(super) struct TableEvidence {
    /// In the order of the rules' columns: how its values are written.
    pub styles: Vec<Style>,
    /// Which rows have too many or too few values, for text files.
    pub ragged: Option<Ragged>,
}

/// Gathers the evidence of each table of a sheet, in order; empty if none is needed.
pub(super) fn gather_evidence(
    schema: &Schema,
    workbook: &mut Workbook,
    sheet: usize,
) -> Result<Vec<TableEvidence>, Refusal> {
    if !workbook.is_text() && !calls_for_evidence(schema, workbook, sheet)? {
        return Ok(Vec::new());
    }
    let (name, is_text) = (workbook.sheets()[sheet].name.clone(), workbook.is_text());
    let separator = workbook.separator();
    let mut found = Vec::new();
    let mut table: Option<TableScan<'_>> = None;
    let mut search = HeaderSearch::new(schema);
    let mut fields_above = 0;
    workbook.visit_rows(sheet, &mut |row| {
        match &mut table {
            Some(begun) => {
                if let Some(next) = begun.take(row, &name) {
                    let next = TableScan::begin(schema, is_text, next, row, 0, separator);
                    found.extend(table.replace(next).map(|table| table.decide(is_text)));
                }
            }
            None if search.is_finished() => return ControlFlow::Break(()),
            None => {
                let heading = search.look_at(row).ok();
                table = heading.map(|heading| TableScan::begin(schema, is_text, heading, row, fields_above, separator));
                fields_above = row.fields.unwrap_or_default();
            }
        }
        ControlFlow::Continue(())
    })?;
    found.extend(table.map(|table| table.decide(is_text)));
    Ok(found)
}

/// One table of the sheet, as far as it has been read.
struct TableScan<'a> {
    heading: Heading,
    later_headers: LaterHeaderSearch<'a>,
    evidence: Evidence,
    widths: Widths,
}

impl<'a> TableScan<'a> {
    /// `fields_above` is the number of values in the row above the header, which may be part of it.
    fn begin(
        schema: &'a Schema,
        is_text: bool,
        heading: Heading,
        row: &RawRow<'_>,
        fields_above: u32,
        separator: Option<char>,
    ) -> TableScan<'a> {
        let above = if heading.row_above_skip() == Skip::Header { fields_above } else { 0 };
        let fields = row.fields.unwrap_or_default().max(above);
        TableScan {
            later_headers: LaterHeaderSearch::new(schema, &heading),
            evidence: Evidence::new(schema, is_text),
            widths: Widths::new(schema, &heading.header, row, fields, separator),
            heading,
        }
    }

    /// Notes a row. If the row is the header of the next table, returns that header.
    fn take(&mut self, row: &RawRow<'_>, sheet: &str) -> Option<Heading> {
        match self.later_headers.classify(&self.heading.what_to_do.without(row), &self.heading, sheet) {
            LaterRow::NewTable(next) => return Some(*next),
            LaterRow::NotHeader => {
                self.evidence.note_row(row, &self.heading.header);
                if !self.heading.is_repeated(row) && !is_total_row(row) {
                    self.widths.note_row(row);
                }
            }
            LaterRow::RepeatedHeader | LaterRow::ForeignHeader(_) => {}
        }
        None
    }

    fn decide(self, is_text: bool) -> TableEvidence {
        let mut styles = self.evidence.decide();
        // A file of rows to fix doesn't have the other rows of its list, so they can't decide.
        if !is_text && self.heading.what_to_do.load().is_some() {
            let of_numbers = |style: &&mut Style| !matches!(style, Style::Identifiers(_));
            styles.iter_mut().filter(of_numbers).for_each(|style| *style = Style::RowsToFix);
        }
        TableEvidence { styles, ragged: is_text.then(|| self.widths.decide()) }
    }
}

/// Whether one of the first rows has a value that only its whole column can explain, such as the identifier 40001.0.
fn calls_for_evidence(schema: &Schema, workbook: &mut Workbook, sheet: usize) -> Result<bool, Refusal> {
    if !workbook.sheets()[sheet].visible {
        return Ok(false);
    }
    let mut heading: Option<Heading> = None;
    let mut search = HeaderSearch::new(schema);
    let (mut calls, mut rows) = (false, 0);
    workbook.visit_rows(sheet, &mut |row| {
        match &heading {
            Some(heading) => {
                rows += 1;
                calls = needs_evidence(row, &heading.header, schema);
                if calls || rows == FIRST_ROWS {
                    return ControlFlow::Break(());
                }
            }
            None if search.is_finished() => return ControlFlow::Break(()),
            None => heading = search.look_at(row).ok(),
        }
        ControlFlow::Continue(())
    })?;
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::file::tests::{judged, rules};

    #[test]
    fn a_text_that_looks_like_a_formula_stays_a_text_in_a_workbook_with_a_prepass() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Stock").unwrap();
        sheet.write_row(0, 0, ["SKU", "Name", "Qty"]).unwrap();
        sheet.write_row(1, 0, ["40001.0", "=Bolt", "5"]).unwrap();
        sheet.write_row(2, 0, ["40002.0", "Nut", "5"]).unwrap();
        let (verdicts, _) = judged(&book.save_to_buffer().unwrap()).unwrap();
        let Verdict::Accepted(item) = &verdicts[&2] else { panic!("{:?}", verdicts[&2]) };
        assert_eq!(item["name"], inventory_base::item::Value::S("=Bolt".into()));
    }

    #[test]
    fn an_ambiguous_number_typed_as_text_in_a_workbook_is_reported() {
        let list = |prices: &[&str]| {
            let mut book = rust_xlsxwriter::Workbook::new();
            let sheet = book.add_worksheet().set_name("Stock").unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Qty", "Price"]).unwrap();
            for (row, price) in (1..).zip(prices) {
                sheet.write_row(row, 0, [format!("A-{row}"), "Bolt".into(), "5".into(), price.to_string()]).unwrap();
            }
            let (verdicts, _) = judged(&book.save_to_buffer().unwrap()).unwrap();
            (2..).zip(prices).map(|(row, _)| rules(&verdicts[&row]).concat()).collect::<Vec<_>>()
        };
        assert_eq!(list(&["1.000", "5", "1,000"]), ["separator-unclear", "", "separator-unclear"]);
        // The other price decides.
        assert_eq!(list(&["1.000", "2.50"]), ["", ""]);
        assert_eq!(list(&["1.000", "2,50"]), ["separator-unclear", "point-expected"]);
    }
}
