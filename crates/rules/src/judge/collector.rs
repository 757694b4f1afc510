//! What the rows of a file add up to: items, values that must be unique, evidence, notes, and what is known of each sheet.

use std::collections::BTreeSet;

use crate::cell::display_text;
use crate::schema::{Header, Schema, UnknownColumns};
use inventory_base::message::{Note, Refusal, cell_address, column_letters, listed, note, refusal};
use inventory_workbook::RawRow;

use super::borrowed::BorrowedItem;
use super::counts::ColumnCounts;
use super::document::DocumentEvidence;
use super::heading::Heading;
use super::merged::FirstPassRows;
use super::missing_columns::unknown_names;
use super::nearest_header::NearestHeader;
use super::prepass::TableEvidence;
use super::repeats::Repeats;
use super::row::Layout;
use super::tables::Tables;
use super::value::{Currencies, Warning};
use super::verdict_sink::SinkMut;
use super::{ColumnRead, JudgeError, OtherColumn, Place, SheetRead, Skip, TableRead, Verdict};

/// The number of unknown columns named in a note.
const COLUMNS_NAMED: usize = 8;

/// What the rows of a file add up to, besides their verdicts.
pub(super) struct Collector<'a> {
    pub schema: &'a Schema,
    /// By sheet.
    pub tables: Vec<Option<Tables<'a>>>,
    /// By sheet and table: the evidence that was gathered, until the table's layout takes it.
    pub evidence: Vec<Vec<Option<TableEvidence>>>,
    pub repeats: Repeats,
    pub nearest: Option<NearestHeader>,
    /// The number of rows taken for items, by sheet.
    pub items: Vec<u64>,
    /// Their row numbers, by sheet.
    pub rows: Vec<FirstPassRows>,
    pub unremarked_rows: u64,
    pub notes: Vec<Note>,
    /// By sheet, column and rule.
    warned: BTreeSet<(u16, usize, Warning)>,
    pub currencies: Currencies,
    pub document: DocumentEvidence,
}

impl<'a> Collector<'a> {
    pub fn new(schema: &'a Schema) -> Collector<'a> {
        Collector {
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

    /// Builds the layout of a table whose header was found. `table` is the number of tables above it on its sheet.
    pub fn lay_out(
        &mut self,
        (sheet, name): (u16, &str),
        table: usize,
        heading: Heading,
    ) -> Result<Layout<'a>, Refusal> {
        let unknown = unknown_names(self.schema, &heading.header, column_letters);
        if !unknown.is_empty() {
            let columns = listed(&unknown, COLUMNS_NAMED);
            match self.schema.unknown_columns {
                UnknownColumns::Keep => {}
                UnknownColumns::Ignore => {
                    let note = note!(ColumnsNotKnown { sheet: name, columns });
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
                UnknownColumns::Reject => return Err(refusal!(ColumnsNotAllowed { sheet: name, columns })),
            }
        }
        self.note_possible_headers(name, &heading.header);
        let evidence = self.evidence.get_mut(usize::from(sheet)).and_then(|tables| tables.get_mut(table)?.take());
        let (styles, ragged) = evidence.map(|evidence| (evidence.styles, evidence.ragged)).unzip();
        Ok(Layout::new(self.schema, name, heading, styles).with_ragged(ragged.flatten()))
    }

    /// Notes which unknown columns may be a column that was not found.
    fn note_possible_headers(&mut self, sheet: &str, header: &Header) {
        for (column, cells) in self.schema.possible_headers(header) {
            let named = cells.iter().map(|(place, text)| format!("\"{text}\" ({})", column_letters(*place)));
            let headers = listed(&named.collect::<Vec<_>>(), COLUMNS_NAMED);
            let headers = if cells.len() > 1 { format!("one of {headers}") } else { headers };
            let note = note!(ColumnMayBeMeant { sheet, column: column.title, headers }).on_sheet(sheet);
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    /// The number of tables below others on the previous sheets.
    pub fn tables_below(&self) -> usize {
        self.tables.iter().flatten().map(|tables| tables.later().len()).sum()
    }

    /// Collects what only all rows together show: values that must be unique, and warnings that are given once.
    pub fn note(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, verdict: &Verdict<BorrowedItem<'_>>) {
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
            for (position, warning) in layout.warnings(row) {
                self.warn(place, row, layout, position, warning);
            }
            self.currencies.note_row(row, layout.header(), layout.currency_column);
        }
        self.repeats.note(place, row, layout, verdict);
    }

    /// Passes a row's verdict to the sink.
    pub fn emit(
        &mut self,
        sink: SinkMut<'_>,
        place: Place,
        verdict: Verdict<BorrowedItem<'_>>,
    ) -> Result<(), JudgeError> {
        if matches!(&verdict, Verdict::Skipped(skipped) if skipped.why.goes_without_saying()) {
            self.unremarked_rows += 1;
        }
        Ok(sink.row(place, verdict)?)
    }

    /// Notes the first warning of its kind.
    fn warn(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, position: usize, warning: Warning) {
        if !self.warned.insert((place.0, position, warning)) {
            return;
        }
        let Some((place, column)) = &layout.header().columns[position] else {
            return;
        };
        let (sheet, cell) = (&layout.sheet, cell_address(*place, row.number));
        let number = row.cell(*place).map(display_text).unwrap_or_default();
        self.notes.push(match warning {
            Warning::ReadWithoutAddition => note!(ReadWithoutAddition { column, sheet, number, cell }),
            Warning::NullKeptAsText => note!(NullKeptAsText { column, cell, sheet, number }),
            Warning::NotTakenAsShown => note!(NotTakenAsShown { column, cell, number }),
        });
    }

    /// What happened to a sheet. `counts` are by table.
    pub fn describe(
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
