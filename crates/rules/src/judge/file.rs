//! Judges a whole file: one sheet after another, then the items that appear in more than one row.

use std::ops::ControlFlow;

use crate::schema::{Schema, canonical_name};
use inventory_base::message::{Refusal, refusal};
use inventory_workbook::{Sheet, Workbook};

use super::batch::read_rows;
use super::collector::Collector;
use super::heading::{HeaderSearch, Heading};
use super::merged::FirstPassRows;
use super::missing_columns::note_missing_group;
use super::nearest_header::refuse_without_header;
use super::prepass::gather_evidence;
use super::sheet::SheetPass;
use super::verdict_sink::SinkMut;
use super::{FileRead, JudgeError, Skip};

/// Judges one file by one set of rules.
pub struct Judge<'a> {
    pub(super) collected: Collector<'a>,
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Schema) -> Judge<'a> {
        Judge { collected: Collector::new(schema) }
    }

    /// Gives every row of every sheet a verdict, in order. A row accepted here may still turn out to be a duplicate.
    pub fn judge_file(&mut self, workbook: &mut Workbook, sink: SinkMut<'_>) -> Result<FileRead, JudgeError> {
        let sheets = workbook.sheets().to_vec();
        self.check_pinned_sheet(&sheets)?;
        self.collected.notes.extend_from_slice(workbook.notes());
        let mut read = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            let Ok(number) = u16::try_from(index) else { break };
            self.collected.items.push(0);
            self.collected.rows.push(FirstPassRows::default());
            let notes_before = workbook.notes().len();
            let evidence = gather_evidence(self.collected.schema, workbook, index)?;
            self.collected.evidence.push(evidence.into_iter().map(Some).collect());
            sink.sheet(number, self.collected.describe(&sheet.name, None, None))?;
            let mut pass = SheetPass::new(&mut self.collected, number, &sheet.name, sink);
            if !sheet.visible {
                pass.ignore(Skip::HiddenSheet);
            } else if pass.is_other_sheet() {
                pass.ignore(Skip::OtherSheet);
            }
            read_rows(workbook, index, &mut |row| pass.judge_row(row))?;
            let (of_sheet, tables) = pass.finish()?;
            if tables.is_some() {
                // A note on hidden rows says that they were loaded, so it only holds for sheets that are.
                self.collected.notes.extend_from_slice(&workbook.notes()[notes_before..]);
            }
            read.push(of_sheet);
            self.collected.tables.push(tables);
        }
        match read.iter().find_map(|sheet| Some((sheet, sheet.header_row?))) {
            None => {
                let hidden = self.find_hidden_header(workbook, &sheets)?;
                Err(hidden
                    .unwrap_or_else(|| refuse_without_header(self.collected.schema, self.collected.nearest.as_ref()))
                    .into())
            }
            Some((sheet, row)) if self.collected.items.iter().all(|items| *items == 0) => {
                Err(refusal!(NoItems { sheet: sheet.name, row }).into())
            }
            Some(_) => {
                self.collected.notes.extend(note_missing_group(self.collected.schema, &read));
                Ok(FileRead {
                    sheets: read,
                    unremarked_rows: self.collected.unremarked_rows,
                    notes: std::mem::take(&mut self.collected.notes),
                    fixes: self
                        .collected
                        .tables
                        .iter()
                        .flatten()
                        .find_map(|tables| tables.first.what_to_do().load().cloned()),
                    document: std::mem::take(&mut self.collected.document).decide(self.collected.items.iter().sum()),
                })
            }
        }
    }

    fn check_pinned_sheet(&self, sheets: &[Sheet]) -> Result<(), Refusal> {
        let Some(wanted) = &self.collected.schema.sheet else {
            return Ok(());
        };
        if sheets.iter().any(|sheet| sheet.visible && same_name(&sheet.name, wanted)) {
            return Ok(());
        }
        let found: Vec<String> = sheets.iter().map(|sheet| format!("\"{}\"", sheet.name)).collect();
        Err(refusal!(SheetMissing { sheet: wanted, found: found.join(", ") }))
    }

    /// Finds a hidden sheet that has a header, for files whose visible sheets have none.
    fn find_hidden_header(&self, workbook: &mut Workbook, sheets: &[Sheet]) -> Result<Option<Refusal>, Refusal> {
        let wanted =
            |sheet: &Sheet| self.collected.schema.sheet.as_ref().is_none_or(|wanted| same_name(&sheet.name, wanted));
        for (index, sheet) in sheets.iter().enumerate().filter(|(_, sheet)| !sheet.visible && wanted(sheet)) {
            let mut heading: Option<Heading> = None;
            let mut search = HeaderSearch::new(self.collected.schema);
            workbook.visit_rows(index, &mut |row| {
                heading = search.look_at(row).ok();
                if heading.is_some() || search.is_finished() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            if let Some(heading) = heading {
                let refusal = refusal!(SheetHiddenFits { sheet: sheet.name, row: heading.header.row });
                return Ok(Some(refusal));
            }
        }
        Ok(None)
    }
}

fn same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
}

#[cfg(test)]
pub mod tests;
