//! The way through a whole file: sheet after sheet, then the items that stand in more than one row.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use crate::schema::{Header, Schema, UnknownColumns, canonical_name};
use inventory_base::message::{Note, Refusal, Rule, cell_address, column_letters, listed};
use inventory_workbook::{RawRow, Sheet, Workbook};

use super::batch::read_rows;
use super::counts::ColumnCounts;
use super::document::DocumentEvidence;
use super::heading::{HeaderSearch, Heading};
use super::lent::LentItem;
use super::merged::MergeRows;
use super::missing::{note_missing_group, unknown_names};
use super::nearest::{Nearest, refuse_without_header};
use super::prepass::{TableEvidence, look_for_evidence};
use super::repeats::Repeats;
use super::row::Layout;
use super::sheet::SheetPass;
use super::tables::Tables;
use super::value::{Currencies, shown};
use super::{ColumnRead, FileRead, JudgeError, OtherColumn, Place, SheetRead, Skip, TableRead, Verdict};

/// Columns named that the rules do not know.
const COLUMNS_NAMED: usize = 8;

/// Hears what is judged, as it comes.
pub trait Hear {
    fn row(&mut self, place: Place, verdict: Verdict<LentItem<'_>>) -> io::Result<()>;

    /// What is known of a sheet, before its first row and once more when its header is found.
    fn sheet(&mut self, _number: u16, _sheet: SheetRead) -> io::Result<()> {
        Ok(())
    }
}

impl<F: FnMut(Place, Verdict<LentItem<'_>>) -> io::Result<()>> Hear for F {
    fn row(&mut self, place: Place, verdict: Verdict<LentItem<'_>>) -> io::Result<()> {
        self(place, verdict)
    }
}

pub(super) type Emit<'a> = &'a mut dyn Hear;

/// Judges one file by one set of rules.
pub struct Judge<'a> {
    pub(super) schema: &'a Schema,
    /// By sheet.
    pub(super) tables: Vec<Option<Tables<'a>>>,
    /// By sheet and table, where evidence was looked for, until the table is laid out.
    evidence: Vec<Vec<Option<TableEvidence>>>,
    pub(super) repeats: Repeats,
    pub(super) nearest: Option<Nearest>,
    /// Rows that were taken for items, by sheet.
    pub(super) items: Vec<u64>,
    /// The same by their numbers.
    pub(super) rows: Vec<MergeRows>,
    unremarked_rows: u64,
    pub(super) notes: Vec<Note>,
    /// By sheet, column and rule.
    warned: BTreeSet<(u16, usize, Rule)>,
    pub(super) currencies: Currencies,
    document: DocumentEvidence,
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Schema) -> Judge<'a> {
        Judge {
            schema,
            tables: Vec::new(),
            evidence: Vec::new(),
            repeats: Repeats::new(schema),
            nearest: None,
            items: Vec::new(),
            rows: Vec::new(),
            unremarked_rows: 0,
            notes: Vec::new(),
            warned: BTreeSet::new(),
            currencies: Currencies::new(schema),
            document: DocumentEvidence::default(),
        }
    }

    /// Every row of every sheet gets its verdict, in order. A row accepted here may still turn out to be a duplicate.
    pub fn judge_file(&mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<FileRead, JudgeError> {
        let sheets = workbook.sheets().to_vec();
        self.check_pinned_sheet(&sheets)?;
        self.notes.extend_from_slice(workbook.notes());
        let mut read = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            let Ok(number) = u16::try_from(index) else { break };
            self.items.push(0);
            self.rows.push(MergeRows::default());
            let notes_before = workbook.notes().len();
            let evidence = look_for_evidence(self.schema, workbook, index)?;
            self.evidence.push(evidence.into_iter().map(Some).collect());
            emit.sheet(number, self.describe(&sheet.name, None, None))?;
            let mut pass = SheetPass::new(self, number, &sheet.name, emit);
            if !sheet.visible {
                pass.pass_over(Skip::HiddenSheet);
            } else if pass.is_not_wanted() {
                pass.pass_over(Skip::OtherSheet);
            }
            read_rows(workbook, index, &mut |row| pass.take_row(row))?;
            let (of_sheet, tables) = pass.finish()?;
            if tables.is_some() {
                // What is said of hidden rows is that they were loaded.
                self.notes.extend_from_slice(&workbook.notes()[notes_before..]);
            }
            read.push(of_sheet);
            self.tables.push(tables);
        }
        match read.iter().find_map(|sheet| Some((sheet, sheet.header_row?))) {
            None => {
                let hidden = self.find_hidden_header(workbook, &sheets)?;
                Err(hidden.unwrap_or_else(|| refuse_without_header(self.schema, self.nearest.as_ref())).into())
            }
            Some((sheet, row)) if self.items.iter().all(|items| *items == 0) => {
                let row = row.to_string();
                Err(Refusal::new(Rule::NoItems, &[("sheet", sheet.name.as_str()), ("row", &row)]).into())
            }
            Some(_) => {
                self.notes.extend(note_missing_group(self.schema, &read));
                Ok(FileRead {
                    sheets: read,
                    unremarked_rows: self.unremarked_rows,
                    notes: std::mem::take(&mut self.notes),
                    mends: self.tables.iter().flatten().find_map(|tables| tables.first.what_to_do().load().cloned()),
                    document: std::mem::take(&mut self.document).decide(self.items.iter().sum()),
                })
            }
        }
    }

    fn check_pinned_sheet(&self, sheets: &[Sheet]) -> Result<(), Refusal> {
        let Some(wanted) = &self.schema.sheet else {
            return Ok(());
        };
        if sheets.iter().any(|sheet| sheet.visible && same_name(&sheet.name, wanted)) {
            return Ok(());
        }
        let found: Vec<String> = sheets.iter().map(|sheet| format!("\"{}\"", sheet.name)).collect();
        Err(Refusal::new(Rule::SheetMissing, &[("sheet", wanted), ("found", &found.join(", "))]))
    }

    /// Where no visible sheet has a header: the hidden one that has.
    fn find_hidden_header(&self, workbook: &mut Workbook, sheets: &[Sheet]) -> Result<Option<Refusal>, Refusal> {
        let wanted = |sheet: &Sheet| self.schema.sheet.as_ref().is_none_or(|wanted| same_name(&sheet.name, wanted));
        for (index, sheet) in sheets.iter().enumerate().filter(|(_, sheet)| !sheet.visible && wanted(sheet)) {
            let mut heading: Option<Heading> = None;
            let mut search = HeaderSearch::new(self.schema);
            workbook.visit_rows(index, &mut |row| {
                heading = search.look_at(row).ok();
                if heading.is_some() || search.is_over() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            if let Some(heading) = heading {
                let row = heading.header.row.to_string();
                let words = [("sheet", sheet.name.as_str()), ("row", &row)];
                return Ok(Some(Refusal::new(Rule::SheetHiddenFits, &words)));
            }
        }
        Ok(None)
    }

    /// What is known of a table once its header is found. `table` counts the tables above it on its sheet.
    pub(super) fn lay_out(
        &mut self,
        (sheet, name): (u16, &str),
        table: usize,
        heading: Heading,
    ) -> Result<Layout<'a>, Refusal> {
        let unknown = unknown_names(self.schema, &heading.header, column_letters);
        if !unknown.is_empty() {
            let words = [("sheet", name), ("columns", &listed(&unknown, COLUMNS_NAMED))];
            match self.schema.unknown_columns {
                UnknownColumns::Keep => {}
                UnknownColumns::Ignore => {
                    let note = Note::new(Rule::ColumnsNotKnown, &words);
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                UnknownColumns::Reject => return Err(Refusal::new(Rule::ColumnsNotAllowed, &words)),
            }
        }
        self.note_meant(name, &heading.header);
        let evidence = self.evidence.get_mut(usize::from(sheet)).and_then(|tables| tables.get_mut(table)?.take());
        let (styles, ragged) = evidence.map(|evidence| (evidence.styles, evidence.ragged)).unzip();
        Ok(Layout::new(self.schema, name, heading, styles).with_ragged(ragged.flatten()))
    }

    /// Says of a column that was not found which others may be it.
    fn note_meant(&mut self, sheet: &str, header: &Header) {
        for (column, cells) in self.schema.may_be_meant(header) {
            let named = cells.iter().map(|(place, text)| format!("\"{text}\" ({})", column_letters(*place)));
            let headers = listed(&named.collect::<Vec<_>>(), COLUMNS_NAMED);
            let headers = if cells.len() > 1 { format!("one of {headers}") } else { headers };
            let words = [("column", column.title.as_str()), ("headers", &headers)];
            let note = Note::of_sheet(Rule::ColumnMayBeMeant, sheet, &words);
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// Tables below others on the sheets before.
    pub(super) fn tables_below(&self) -> usize {
        self.tables.iter().flatten().map(|tables| tables.further().len()).sum()
    }

    /// Remembers what the rows tell together: what may stand in one of them only, and what is said once of all.
    pub(super) fn note(
        &mut self,
        place: Place,
        row: &RawRow<'_>,
        layout: &Layout<'_>,
        verdict: &Verdict<LentItem<'_>>,
    ) {
        let rows = &mut self.rows[usize::from(place.0)];
        if let Verdict::Skipped(skipped) = verdict {
            if skipped.why == Skip::Note {
                rows.notes.push(place.1);
            }
            return;
        }
        self.items[usize::from(place.0)] += 1;
        rows.items.push(place.1);
        self.document.note_row(row, layout.document(), &layout.sheet);
        if matches!(verdict, Verdict::Accepted(_)) {
            for (position, rule) in layout.warnings(row) {
                self.warn(place, row, layout, position, rule);
            }
            self.currencies.note_row(row, layout.header(), layout.currency);
        }
        self.repeats.note(place, row, layout, verdict);
    }

    /// Hands a row's verdict on.
    pub(super) fn tell(
        &mut self,
        emit: Emit<'_>,
        place: Place,
        verdict: Verdict<LentItem<'_>>,
    ) -> Result<(), JudgeError> {
        if matches!(&verdict, Verdict::Skipped(skipped) if skipped.why.goes_without_saying()) {
            self.unremarked_rows += 1;
        }
        Ok(emit.row(place, verdict)?)
    }

    /// Says the first warning of its kind.
    fn warn(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, position: usize, rule: Rule) {
        if !self.warned.insert((place.0, position, rule)) {
            return;
        }
        let Some((column, title)) = &layout.header().columns[position] else {
            return;
        };
        let cell = cell_address(*column, row.number);
        let value = row.cell(*column).map(shown).unwrap_or_default();
        let words = [("column", title.as_str()), ("cell", &cell), ("number", &value), ("sheet", &layout.sheet)];
        self.notes.push(Note::new(rule, &words));
    }

    /// What became of a sheet. `counts` are by table.
    pub(super) fn describe(
        &self,
        name: &str,
        found: Option<(&Tables<'_>, &[ColumnCounts])>,
        skipped: Option<Skip>,
    ) -> SheetRead {
        let described = found.into_iter().flat_map(|(tables, counts)| {
            tables.with_ends().zip(counts).map(|((layout, _), counts)| self.describe_table(layout, counts))
        });
        let mut tables: Vec<TableRead> = described.collect();
        let first = (!tables.is_empty()).then(|| tables.remove(0));
        let header_row = first.as_ref().map(|first| first.header_row);
        let (columns, others) = first.map(|first| (first.columns, first.others)).unwrap_or_default();
        let loaded = header_row.is_some();
        SheetRead { name: name.to_string(), loaded, skipped, header_row, columns, others, tables }
    }

    fn describe_table(&self, layout: &Layout<'_>, counts: &ColumnCounts) -> TableRead {
        let header = layout.header();
        let columns: Vec<ColumnRead> = counts.describe(self.schema, header);
        TableRead { header_row: header.row, columns, others: header.others.iter().map(OtherColumn::from).collect() }
    }
}

fn same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
}

#[cfg(test)]
pub mod tests;
