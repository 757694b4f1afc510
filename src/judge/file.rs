//! The way through a whole file: sheet after sheet, then the items that stand in more than one row.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use crate::message::{Note, Refusal, Rule, cell_address, column_letters, listed};
use crate::schema::{NamedCell, Schema, UnknownColumns, canonical_name};
use crate::workbook::{RawRow, Sheet, Workbook};

use super::batch::read_rows;
use super::counts::ColumnCounts;
use super::heading::{HeaderSearch, Heading};
use super::lent::LentItem;
use super::merged::{MergeRows, Merged};
use super::missing::{note_missing_group, unknown_names};
use super::nearest::{Nearest, refuse_without_header};
use super::ragged::{Ragged, Widths};
use super::repeats::{Repeats, who_is_left_out};
use super::row::{Layout, says_total};
use super::sheet::SheetPass;
use super::value::{Broken, Currencies, Evidence, Style, needs_evidence, shown};
use super::{FileRead, JudgeError, OtherColumn, Place, SheetRead, Skip, Verdict};

/// Columns named that the rules do not know.
const COLUMNS_NAMED: usize = 8;

/// In how many rows of a workbook an identifier is looked for that a program changed as it did all of its column.
const FIRST_ROWS: u32 = 50;

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
    layouts: Vec<Option<Layout<'a>>>,
    /// By sheet, where the columns' own evidence was looked for.
    styles: Vec<Option<Vec<Style>>>,
    /// By sheet, where its rows have a number of values.
    ragged: Vec<Option<Ragged>>,
    repeats: Repeats,
    pub(super) nearest: Option<Nearest>,
    /// Rows that were taken for items, by sheet.
    items: Vec<u64>,
    /// The same by their numbers.
    rows: Vec<MergeRows>,
    unremarked_rows: u64,
    pub(super) notes: Vec<Note>,
    /// By sheet, column and rule.
    warned: BTreeSet<(u16, usize, Rule)>,
    currencies: Currencies,
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Schema) -> Judge<'a> {
        Judge {
            schema,
            layouts: Vec::new(),
            styles: Vec::new(),
            ragged: Vec::new(),
            repeats: Repeats::new(schema),
            nearest: None,
            items: Vec::new(),
            rows: Vec::new(),
            unremarked_rows: 0,
            notes: Vec::new(),
            warned: BTreeSet::new(),
            currencies: Currencies::new(schema),
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
            let wanted = workbook.is_text() || sheet.visible && self.needs_evidence(workbook, index)?;
            let evidence = if wanted { self.look_for_evidence(workbook, index)? } else { None };
            let (styles, ragged) = evidence.unzip();
            let ragged = ragged.filter(|_| workbook.is_text());
            self.styles.push(styles);
            self.ragged.push(ragged);
            emit.sheet(number, self.describe(&sheet.name, None, None))?;
            let mut pass = SheetPass::new(self, number, &sheet.name, emit);
            if !sheet.visible {
                pass.pass_over(Skip::HiddenSheet);
            } else if pass.is_not_wanted() {
                pass.pass_over(Skip::OtherSheet);
            }
            read_rows(workbook, index, &mut |row| pass.take_row(row))?;
            let (of_sheet, layout) = pass.finish()?;
            if layout.is_some() {
                // What is said of hidden rows is that they were loaded.
                self.notes.extend_from_slice(&workbook.notes()[notes_before..]);
            }
            read.push(of_sheet);
            self.layouts.push(layout);
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
                    mends: self.layouts.iter().flatten().find_map(|layout| layout.what_to_do().load().cloned()),
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

    /// Reads a sheet once more, and before: whether 1.234 is more than a thousand, its whole column tells, and how many
    /// values a row should have, all rows.
    fn look_for_evidence(
        &self,
        workbook: &mut Workbook,
        sheet: usize,
    ) -> Result<Option<(Vec<Style>, Ragged)>, JudgeError> {
        let separator = workbook.separator();
        let mut evidence = Evidence::new(self.schema, workbook.is_text());
        let mut found: Option<(Heading, Widths)> = None;
        let mut search = HeaderSearch::new(self.schema);
        let mut fields_above = 0;
        workbook.visit_rows(sheet, &mut |row| {
            let fields = row.fields.unwrap_or_default();
            match &mut found {
                Some((heading, widths)) => {
                    evidence.note_row(row, &heading.header);
                    if !heading.is_again(row) && !says_total(row) {
                        widths.note_row(row);
                    }
                }
                None if search.is_over() => return ControlFlow::Break(()),
                None => {
                    found = search.look_at(row).ok().map(|heading| {
                        let above = if heading.above_is() == Skip::Header { fields_above } else { 0 };
                        let widths = Widths::new(self.schema, &heading.header, row, fields.max(above), separator);
                        (heading, widths)
                    });
                    fields_above = fields;
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(found.map(|(_, widths)| (evidence.decide(), widths.decide())))
    }

    /// Whether one of the first rows has an identifier such as 40001.0: then its whole column must be looked at.
    fn needs_evidence(&self, workbook: &mut Workbook, sheet: usize) -> Result<bool, JudgeError> {
        let mut heading: Option<Heading> = None;
        let mut search = HeaderSearch::new(self.schema);
        let (mut needed, mut rows) = (false, 0);
        workbook.visit_rows(sheet, &mut |row| {
            match &heading {
                Some(heading) => {
                    rows += 1;
                    needed = needs_evidence(row, &heading.header, self.schema);
                    if needed || rows == FIRST_ROWS {
                        return ControlFlow::Break(());
                    }
                }
                None if search.is_over() => return ControlFlow::Break(()),
                None => heading = search.look_at(row).ok(),
            }
            ControlFlow::Continue(())
        })?;
        Ok(needed)
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

    /// What is known of a sheet once its header is found.
    pub(super) fn lay_out(&mut self, sheet: u16, name: &str, heading: Heading) -> Result<Layout<'a>, Refusal> {
        let header = &heading.header;
        let unknown = unknown_names(self.schema, header, column_letters);
        if !unknown.is_empty() {
            let words = [("sheet", name), ("columns", &listed(&unknown, COLUMNS_NAMED))];
            match self.schema.unknown_columns {
                UnknownColumns::Keep => {}
                UnknownColumns::Ignore => self.notes.push(Note::new(Rule::ColumnsNotKnown, &words)),
                UnknownColumns::Reject => {
                    return Err(Refusal::new(Rule::ColumnsNotAllowed, &words));
                }
            }
        }
        let styles = self.styles.get(usize::from(sheet)).cloned().flatten();
        let ragged = self.ragged.get_mut(usize::from(sheet)).and_then(Option::take);
        Ok(Layout::new(self.schema, name, heading, styles).with_ragged(ragged))
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

    /// The second pass over the file, made only if some rows cannot be judged by themselves: these rows get their final
    /// verdict, in the order of the file.
    pub fn judge_again(self, workbook: &mut Workbook, emit: Emit<'_>, file: &mut FileRead) -> Result<(), JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let repeated = self.repeats.find(self.schema, &self.layouts, &self.items, &sheets)?;
        let (mixed, all) = (self.currencies.are_mixed(), who_is_left_out(self.schema.duplicates));
        let mut repeated = repeated.into_iter().peekable();
        for (index, layout) in self.layouts.iter().enumerate() {
            let Some(layout) = layout else { continue };
            let mut merged = Merged::new(layout, workbook.merged(index), &self.rows[index]);
            if merged.is_none() && !mixed && repeated.peek().is_none_or(|(place, _)| usize::from(place.0) != index) {
                continue;
            }
            read_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let row = layout.what_to_do().without(row);
                let mut broken = Vec::new();
                while let Some((_, found)) = repeated.next_if(|(wanted, _)| *wanted == place) {
                    let rows = found.name_rows(place.0, &sheets);
                    broken.push((
                        found.position,
                        Broken { rule: found.rule, words: vec![("rows", rows), ("all", all.to_string())] },
                    ));
                }
                let touched = merged.as_mut().and_then(|merged| merged.touch(&row));
                let now = touched.as_ref().map_or(row.as_ref(), |touched| &touched.row);
                if mixed && matches!(layout.judge(now), Verdict::Accepted(_)) {
                    broken.extend(self.currencies.mixed(now, layout.header(), layout.currency));
                }
                let Some(mut touched) = touched else {
                    if !broken.is_empty() {
                        emit.row(place, layout.judge_again(&row, broken))?;
                    }
                    return Ok(());
                };
                let is_judged_anew = touched.is_judged_anew() || !broken.is_empty();
                broken.append(&mut touched.broken);
                let verdict = layout.judge_again(&touched.row, broken);
                if let Some(merged) = &mut merged {
                    merged.note(&touched, &row, &verdict);
                }
                if is_judged_anew {
                    emit.row(place, verdict)?;
                }
                Ok(())
            })?;
            if let (Some(merged), Some(sheet)) = (merged, file.sheets.get_mut(index)) {
                file.notes.extend(merged.finish(&sheet.name, &mut sheet.columns));
            }
        }
        Ok(())
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

    pub(super) fn describe(
        &self,
        name: &str,
        found: Option<(&Layout<'_>, &ColumnCounts)>,
        skipped: Option<Skip>,
    ) -> SheetRead {
        let header = found.map(|(layout, _)| layout.header());
        let columns = found.map(|(layout, counts)| counts.describe(self.schema, layout.header()));
        let others = header.iter().flat_map(|header| &header.others);
        let others = others.map(OtherColumn::from);
        SheetRead {
            name: name.to_string(),
            loaded: header.is_some(),
            skipped,
            header_row: header.map(|header| header.row),
            columns: columns.unwrap_or_default(),
            others: others.collect(),
        }
    }
}

fn same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
}

#[cfg(test)]
pub mod tests;
