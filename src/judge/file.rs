//! The way through a whole file: sheet after sheet, then the items that stand in more than one row.

use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use crate::message::{Note, Refusal, Rule, cell_address, column_letters, count};
use crate::schema::{Header, NamedCell, Schema, UnknownColumns, canonical_name};
use crate::workbook::{RawRow, Sheet, Workbook};

use super::batch::read_rows;
use super::below::{Below, BelowHeader};
use super::document::DocumentEvidence;
use super::heading::{HeaderSearch, Heading};
use super::lent::LentItem;
use super::nearest::{Nearest, refuse_without_header};
use super::repeats::Repeats;
use super::row::Layout;
use super::sheet::SheetPass;
use super::tables::Tables;
use super::value::{Broken, Currencies, Evidence, Mixed, Style, shown};
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
    tables: Vec<Option<Tables<'a>>>,
    /// By sheet and table, where the columns' own evidence was looked for.
    styles: Vec<Vec<Vec<Style>>>,
    repeats: Repeats,
    pub(super) nearest: Option<Nearest>,
    /// Rows that were taken for items, by sheet.
    items: Vec<u64>,
    unremarked_rows: u64,
    pub(super) notes: Vec<Note>,
    /// Whether a number comes with the format it is shown by.
    tells_formats: bool,
    /// By sheet, column and rule.
    warned: BTreeSet<(u16, usize, Rule)>,
    currencies: Currencies,
    document: DocumentEvidence,
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Schema) -> Judge<'a> {
        Judge {
            schema,
            tables: Vec::new(),
            styles: Vec::new(),
            repeats: Repeats::new(schema),
            nearest: None,
            items: Vec::new(),
            unremarked_rows: 0,
            notes: Vec::new(),
            tells_formats: true,
            warned: BTreeSet::new(),
            currencies: Currencies::new(schema),
            document: DocumentEvidence::default(),
        }
    }

    /// Every row of every sheet gets its verdict, in order. A row accepted here may still turn out to be a duplicate.
    pub fn judge_file(&mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<FileRead, JudgeError> {
        let sheets = workbook.sheets().to_vec();
        self.check_pinned_sheet(&sheets)?;
        self.tells_formats = workbook.tells_formats();
        self.notes.extend_from_slice(workbook.notes());
        let mut read = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            let Ok(number) = u16::try_from(index) else { break };
            self.items.push(0);
            let styles =
                if workbook.is_text() { self.look_for_evidence(workbook, index, &sheet.name)? } else { Vec::new() };
            self.styles.push(styles);
            emit.sheet(number, self.describe(&sheet.name, None, None))?;
            let mut pass = SheetPass::new(self, number, &sheet.name, emit);
            if !sheet.visible {
                pass.pass_over(Skip::HiddenSheet);
            } else if pass.is_not_wanted() {
                pass.pass_over(Skip::OtherSheet);
            }
            let notes_before = workbook.notes().len();
            read_rows(workbook, index, &mut |row| pass.take_row(row))?;
            let (tables, skipped) = pass.finish()?;
            if tables.is_some() {
                // What is said of hidden rows is that they were loaded.
                self.notes.extend_from_slice(&workbook.notes()[notes_before..]);
            }
            read.push(self.describe(&sheet.name, tables.as_ref(), skipped));
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
            Some(_) => Ok(FileRead {
                sheets: read,
                unremarked_rows: self.unremarked_rows,
                notes: std::mem::take(&mut self.notes),
                mends: self.tables.iter().flatten().find_map(|tables| tables.first.what_to_do().load().cloned()),
                document: std::mem::take(&mut self.document).decide(self.items.iter().sum()),
            }),
        }
    }

    fn check_pinned_sheet(&self, sheets: &[Sheet]) -> Result<(), Refusal> {
        let Some(wanted) = &self.schema.sheet else { return Ok(()) };
        if sheets.iter().any(|sheet| sheet.visible && same_name(&sheet.name, wanted)) {
            return Ok(());
        }
        let found: Vec<String> = sheets.iter().map(|sheet| format!("\"{}\"", sheet.name)).collect();
        Err(Refusal::new(Rule::SheetMissing, &[("sheet", wanted), ("found", &found.join(", "))]))
    }

    /// Reads a sheet of texts once more, and before: whether 1.234 is more than a thousand, its whole column tells.
    /// Each table of the sheet is a list of its own.
    fn look_for_evidence(
        &self,
        workbook: &mut Workbook,
        sheet: usize,
        name: &str,
    ) -> Result<Vec<Vec<Style>>, JudgeError> {
        let mut styles = Vec::new();
        let mut table: Option<(Heading, BelowHeader<'_>, Evidence)> = None;
        let begin = |heading: Heading| {
            let below = BelowHeader::new(self.schema, &heading);
            Some((heading, below, Evidence::new(self.schema)))
        };
        let mut search = HeaderSearch::new(self.schema);
        workbook.visit_rows(sheet, &mut |row| {
            match &mut table {
                Some((heading, below, evidence)) => {
                    match below.look_at(&heading.what_to_do.without(row), heading, name) {
                        Below::Table(next) => {
                            styles.push(evidence.decide());
                            table = begin(*next);
                        }
                        _ => evidence.note_row(row, &heading.header),
                    }
                }
                None if search.is_over() => return ControlFlow::Break(()),
                None => table = search.look_at(row).ok().and_then(begin),
            }
            ControlFlow::Continue(())
        })?;
        styles.extend(table.map(|(.., evidence)| evidence.decide()));
        Ok(styles)
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
    /// `table` counts the tables above it.
    pub(super) fn lay_out(
        &mut self,
        (sheet, name): (u16, &str),
        table: usize,
        heading: Heading,
    ) -> Result<Layout<'a>, Refusal> {
        let header = &heading.header;
        let told = |(place, title): &NamedCell| format!("\"{title}\" ({})", column_letters(*place));
        let mut others: Vec<String> = self.schema.unknown_in(header).take(COLUMNS_NAMED).map(told).collect();
        if !others.is_empty() {
            let more = self.schema.unknown_in(header).count() - others.len();
            others.extend((more > 0).then(|| format!("{} more", count(more as u64))));
            let words = [("sheet", name), ("columns", &others.join(", "))];
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
        let styles = self.styles.get(usize::from(sheet)).and_then(|tables| tables.get(table)).cloned();
        Ok(Layout::new(self.schema, name, heading, styles))
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
        if matches!(verdict, Verdict::Skipped(_)) {
            return;
        }
        self.items[usize::from(place.0)] += 1;
        self.document.note_row(row, layout.document(), &layout.sheet);
        if matches!(verdict, Verdict::Accepted(_)) {
            for (position, rule) in layout.warnings(row, self.tells_formats) {
                self.warn(place, row, layout, position, rule);
            }
            for Mixed { position, first, second } in self.currencies.note_row(row, layout.header()) {
                let Some((column, title)) = &layout.header().columns[position] else { continue };
                let cell = cell_address(*column, row.number);
                let words = [("column", title.as_str()), ("first", first), ("second", second), ("cell", &cell)];
                self.notes.push(Note::of_sheet(Rule::CurrenciesMixed, &layout.sheet, &words));
            }
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
    pub fn judge_again(self, workbook: &mut Workbook, emit: Emit<'_>, _file: &mut FileRead) -> Result<(), JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let repeated = self.repeats.find(self.schema, &self.tables, &self.items, &sheets)?;
        if repeated.is_empty() {
            return Ok(());
        }
        let mut repeated = repeated.into_iter().peekable();
        for (index, tables) in self.tables.iter().enumerate() {
            let Some(tables) = tables else { continue };
            read_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let mut repeats = Vec::new();
                while let Some((_, found)) = repeated.next_if(|(wanted, _)| *wanted == place) {
                    let rows = found.name_rows(place.0, &sheets);
                    repeats.push((found.position, Broken { rule: found.rule, words: vec![("rows", rows)] }));
                }
                if repeats.is_empty() {
                    return Ok(());
                }
                let layout = tables.at(row.number);
                Ok(emit.row(place, layout.judge_repeated(&layout.what_to_do().without(row), repeats))?)
            })?;
        }
        Ok(())
    }

    /// Says the first warning of its kind.
    fn warn(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, position: usize, rule: Rule) {
        if !self.warned.insert((place.0, position, rule)) {
            return;
        }
        let Some((column, title)) = &layout.header().columns[position] else { return };
        let cell = cell_address(*column, row.number);
        let value = row.cell(*column).map(shown).unwrap_or_default();
        let words = [("column", title.as_str()), ("cell", &cell), ("number", &value), ("sheet", &layout.sheet)];
        self.notes.push(Note::new(rule, &words));
    }

    pub(super) fn describe(&self, name: &str, tables: Option<&Tables<'_>>, skipped: Option<Skip>) -> SheetRead {
        let header = tables.map(|tables| tables.first.header());
        let (columns, others) = header.map(|header| self.describe_columns(header)).unwrap_or_default();
        let further = tables.map(Tables::further).unwrap_or_default().iter().map(|layout| {
            let (columns, others) = self.describe_columns(layout.header());
            TableRead { header_row: layout.header().row, columns, others }
        });
        SheetRead {
            name: name.to_string(),
            loaded: header.is_some(),
            skipped,
            header_row: header.map(|header| header.row),
            columns,
            others,
            tables: further.collect(),
        }
    }

    fn describe_columns(&self, header: &Header) -> (Vec<ColumnRead>, Vec<OtherColumn>) {
        let other = |(place, title): &NamedCell| OtherColumn { header: title.clone(), column: column_letters(*place) };
        let columns = header.columns.iter().zip(&header.instead_of);
        let columns = self.schema.columns.iter().zip(columns).filter_map(|(column, (found, instead_of))| {
            let (place, title) = found.as_ref()?;
            Some(ColumnRead {
                attribute: column.name.clone(),
                header: title.clone(),
                column: column_letters(*place),
                values: 0,
                empty: 0,
                instead_of: instead_of.iter().map(other).collect(),
            })
        });
        (columns.collect(), header.others.iter().map(other).collect())
    }
}

fn same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
}

#[cfg(test)]
pub mod tests;
