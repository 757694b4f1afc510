//! The pass over a sheet before its rows are judged: what a whole column, and the widths of all rows, say about each row.
//! Text files are always read twice for it, other workbooks only where one of their first rows calls for it.

use std::ops::ControlFlow;

use crate::schema::Schema;
use inventory_base::message::Refusal;
use inventory_workbook::{RawRow, Workbook};

use super::Skip;
use super::below::{Below, BelowHeader};
use super::heading::{HeaderSearch, Heading};
use super::ragged::{Ragged, Widths};
use super::row::says_total;
use super::value::{Evidence, Style, needs_evidence};

/// In how many rows of a workbook an identifier is looked for that a program changed as it did all of its column.
const FIRST_ROWS: u32 = 50;

/// What the rows of one table say together.
pub(super) struct TableEvidence {
    /// By the rules' columns: how what is in them is written.
    pub styles: Vec<Style>,
    /// Which rows have too many or too few values, where that can be told.
    pub ragged: Option<Ragged>,
}

/// The evidence of each table of a sheet, in their order; nothing where none is needed.
pub(super) fn look_for_evidence(
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
    let mut table: Option<Table<'_>> = None;
    let mut search = HeaderSearch::new(schema);
    let mut fields_above = 0;
    workbook.visit_rows(sheet, &mut |row| {
        match &mut table {
            Some(begun) => {
                if let Some(next) = begun.take(row, &name) {
                    let next = Table::begin(schema, is_text, next, row, 0, separator);
                    found.extend(table.replace(next).map(|table| table.decide(is_text)));
                }
            }
            None if search.is_over() => return ControlFlow::Break(()),
            None => {
                let heading = search.look_at(row).ok();
                table = heading.map(|heading| Table::begin(schema, is_text, heading, row, fields_above, separator));
                fields_above = row.fields.unwrap_or_default();
            }
        }
        ControlFlow::Continue(())
    })?;
    found.extend(table.map(|table| table.decide(is_text)));
    Ok(found)
}

/// One table of the sheet, as far as it was read.
struct Table<'a> {
    heading: Heading,
    below: BelowHeader<'a>,
    evidence: Evidence,
    widths: Widths,
}

impl<'a> Table<'a> {
    /// `fields_above`: how many values the row above the header has, which may be a part of it.
    fn begin(
        schema: &'a Schema,
        is_text: bool,
        heading: Heading,
        row: &RawRow<'_>,
        fields_above: u32,
        separator: Option<char>,
    ) -> Table<'a> {
        let above = if heading.above_is() == Skip::Header { fields_above } else { 0 };
        let fields = row.fields.unwrap_or_default().max(above);
        Table {
            below: BelowHeader::new(schema, &heading),
            evidence: Evidence::new(schema, is_text),
            widths: Widths::new(schema, &heading.header, row, fields, separator),
            heading,
        }
    }

    /// Takes account of a row. Returns the header of the next table where the row is that.
    fn take(&mut self, row: &RawRow<'_>, sheet: &str) -> Option<Heading> {
        match self.below.look_at(&self.heading.what_to_do.without(row), &self.heading, sheet) {
            Below::Table(next) => return Some(*next),
            Below::Row => {
                self.evidence.note_row(row, &self.heading.header);
                if !self.heading.is_again(row) && !says_total(row) {
                    self.widths.note_row(row);
                }
            }
            Below::Again | Below::Foreign(_) => {}
        }
        None
    }

    fn decide(self, is_text: bool) -> TableEvidence {
        let mut styles = self.evidence.decide();
        // Rows to fix, and the others of their list are not here to tell.
        if !is_text && self.heading.what_to_do.load().is_some() {
            let of_numbers = |style: &&mut Style| !matches!(style, Style::Identifiers(_));
            styles.iter_mut().filter(of_numbers).for_each(|style| *style = Style::Alone);
        }
        TableEvidence { styles, ragged: is_text.then(|| self.widths.decide()) }
    }
}

/// Whether one of the first rows has an identifier such as 40001.0: then its whole column must be looked at.
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
            None if search.is_over() => return ControlFlow::Break(()),
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
    fn a_text_in_a_workbook_that_begins_like_a_formula_is_a_text_also_where_columns_were_looked_at_first() {
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
    fn a_number_typed_as_text_in_a_workbook_is_asked_about_where_it_can_be_read_in_two_ways() {
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
        // Another price tells.
        assert_eq!(list(&["1.000", "2.50"]), ["", ""]);
        assert_eq!(list(&["1.000", "2,50"]), ["separator-unclear", "point-expected"]);
    }
}
