//! Judges one sheet from top to bottom: titles, the header, items, and what is between and below them.

use crate::cell::is_blank;
use crate::schema::{HeaderFault, canonical_name};
use inventory_base::message::{Refusal, note};
use inventory_workbook::RawRow;

use super::collector::Collector;
use super::counts::ColumnCounts;
use super::heading::{HeaderSearch, Heading};
use super::later_header::{LaterHeaderSearch, LaterRow, MAX_TABLES_BELOW, refuse_second_table};
use super::missing_columns::{refuse_missing_columns, refuse_named_twice};
use super::nearest_header::NearestHeader;
use super::row::row_text;
use super::swallowed_rows::refuse_swallowed_rows;
use super::tables::Tables;
use super::unnamed_columns::report_unnamed;
use super::verdict_sink::SinkMut;
use super::{JudgeError, Place, SheetRead, Skip, Skipped, Verdict};

/// The state of reading one sheet.
enum State<'a> {
    Searching(Search<'a>),
    Judging(Box<Judging<'a>>),
    Ignored(Skip),
}

struct Search<'a> {
    header: HeaderSearch<'a>,
    /// The rows so far: titles, if a header follows.
    passed: Vec<Passed>,
}

struct Judging<'a> {
    tables: Tables<'a>,
    later_headers: LaterHeaderSearch<'a>,
    /// The last foreign header; an item accepted below it would be a mistake.
    foreign: Option<Refusal>,
    /// Why no item can be loaded from this sheet. Only raised if there is an item.
    refusal: Option<Refusal>,
    /// By table.
    counts: Vec<ColumnCounts>,
}

struct Passed {
    row: u32,
    blank: bool,
    says: String,
}

pub(super) struct SheetPass<'p, 'a> {
    collected: &'p mut Collector<'a>,
    index: u16,
    name: &'p str,
    sink: SinkMut<'p>,
    state: State<'a>,
}

impl<'p, 'a> SheetPass<'p, 'a> {
    pub fn new(collected: &'p mut Collector<'a>, index: u16, name: &'p str, sink: SinkMut<'p>) -> SheetPass<'p, 'a> {
        let search = Search { header: HeaderSearch::new(collected.schema), passed: Vec::new() };
        SheetPass { collected, index, name, sink, state: State::Searching(search) }
    }

    /// Whether the rules name a different sheet.
    pub fn is_other_sheet(&self) -> bool {
        let wanted = self.collected.schema.sheet.as_ref();
        wanted.is_some_and(|wanted| canonical_name(wanted) != canonical_name(self.name))
    }

    pub fn ignore(&mut self, skip: Skip) {
        self.state = State::Ignored(skip);
    }

    pub fn judge_row(&mut self, row: &RawRow<'_>) -> Result<(), JudgeError> {
        match &mut self.state {
            State::Ignored(skip) => {
                // A sheet that is ignored is reported as a whole, not row by row.
                let skipped = Skipped { why: *skip, says: String::new() };
                self.skip(row.number, skipped)
            }
            State::Judging(judging) => {
                let Judging { tables, later_headers, foreign, refusal, counts } = judging.as_mut();
                let layout = tables.last();
                let row = layout.what_to_do().without(row);
                let row = row.as_ref();
                match later_headers.classify(row, layout.heading(), self.name) {
                    LaterRow::NotHeader => {}
                    LaterRow::RepeatedHeader => {
                        *foreign = None;
                        return self.skip(row.number, Skipped { why: Skip::Header, says: row_text(row) });
                    }
                    LaterRow::NewTable(heading) => return self.begin_table(row, *heading),
                    LaterRow::ForeignHeader(refusal) => *foreign = Some(refusal),
                }
                let verdict = layout.judge(row);
                if !matches!(verdict, Verdict::Skipped(_)) {
                    let foreign = foreign.take_if(|_| matches!(verdict, Verdict::Accepted(_)));
                    if let Some(refusal) = refusal.take().or(foreign) {
                        return Err(refusal.into());
                    }
                    if let Some(refusal) = refuse_swallowed_rows(row, layout) {
                        return Err(refusal.into());
                    }
                    if !is_ragged(&verdict)
                        && let Some(counts) = counts.last_mut()
                    {
                        counts.note_row(row);
                    }
                }
                let place = Place(self.index, row.number);
                self.collected.note(place, row, layout, &verdict);
                self.collected.emit(self.sink, place, verdict)
            }
            State::Searching(search) => match search.header.look_at(row) {
                Ok(heading) => {
                    self.end_search(Skip::Title, heading.row_above_skip())?;
                    let later_headers = LaterHeaderSearch::new(self.collected.schema, &heading);
                    let layout = self.collected.lay_out((self.index, self.name), 0, heading)?;
                    let refusal = refuse_missing_columns(self.collected.schema, self.name, layout.header());
                    let counts = vec![ColumnCounts::new(layout.header())];
                    let tables = Tables::new(layout);
                    self.sink.sheet(self.index, self.collected.describe(self.name, Some((&tables, &counts)), None))?;
                    self.state =
                        State::Judging(Box::new(Judging { tables, later_headers, foreign: None, refusal, counts }));
                    self.skip(row.number, Skipped { why: Skip::Header, says: row_text(row) })
                }
                Err(fault) => self.pass(row, fault),
            },
        }
    }

    /// Begins another table with its own header; the following rows are read by it.
    fn begin_table(&mut self, row: &RawRow<'_>, heading: Heading) -> Result<(), JudgeError> {
        let State::Judging(judging) = &mut self.state else { return Ok(()) };
        let schema = self.collected.schema;
        let missing = refuse_missing_columns(schema, self.name, &heading.header);
        judging.refusal = missing.map(|_| refuse_second_table(self.name, row, judging.tables.last().heading()));
        judging.foreign = None;
        judging.later_headers = LaterHeaderSearch::new(schema, &heading);
        self.collected.notes.push(note!(TableBelow { sheet: self.name, row: row.number }).on_sheet(self.name));
        let table = judging.tables.later().len() + 1;
        if self.collected.tables_below() + table > MAX_TABLES_BELOW {
            return Err(refuse_second_table(self.name, row, judging.tables.last().heading()).into());
        }
        let layout = self.collected.lay_out((self.index, self.name), table, heading)?;
        judging.counts.push(ColumnCounts::new(layout.header()));
        judging.tables.push(layout);
        let found = Some((&judging.tables, judging.counts.as_slice()));
        self.sink.sheet(self.index, self.collected.describe(self.name, found, None))?;
        self.skip(row.number, Skipped { why: Skip::Header, says: row_text(row) })
    }

    /// Handles a row that isn't the header; the header may still follow.
    fn pass(&mut self, row: &RawRow<'_>, fault: HeaderFault) -> Result<(), JudgeError> {
        let known = match fault {
            HeaderFault::KeyMissing { known, .. } => known,
            HeaderFault::NamedTwice { column, first, second } => {
                let refusal = refuse_named_twice(self.name, row.number, &column, &first, &second);
                return Err(refusal.into());
            }
        };
        let collected = &mut *self.collected;
        collected.nearest = NearestHeader::best_of(collected.nearest.take(), self.name, row, known);
        if let State::Searching(search) = &mut self.state {
            search.passed.push(Passed { row: row.number, blank: row.cells.iter().all(is_blank), says: row_text(row) });
            if search.header.is_finished() {
                self.end_search(Skip::SheetWithoutHeader, Skip::SheetWithoutHeader)?;
            }
        }
        Ok(())
    }

    /// Gives the rows so far their verdict, with a separate one for the last of them. Unless a header was found, the
    /// rest of the sheet is ignored.
    fn end_search(&mut self, why: Skip, last: Skip) -> Result<(), JudgeError> {
        if let State::Searching(search) = std::mem::replace(&mut self.state, State::Ignored(why)) {
            let mut passed = search.passed.into_iter().peekable();
            while let Some(Passed { row, blank, says }) = passed.next() {
                let why = if passed.peek().is_none() { last } else { why };
                let why = if blank { Skip::Blank } else { why };
                self.skip(row, Skipped { why, says })?;
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(SheetRead, Option<Tables<'a>>), JudgeError> {
        if matches!(self.state, State::Searching(_)) {
            self.end_search(Skip::SheetWithoutHeader, Skip::SheetWithoutHeader)?;
        }
        Ok(match self.state {
            State::Judging(judging) => {
                let Judging { tables, counts, .. } = *judging;
                for ((layout, _), counts) in tables.with_ends().zip(&counts) {
                    self.collected.notes.extend(report_unnamed(self.name, layout.header(), counts));
                    self.collected.notes.extend(layout.ragged().into_iter().flat_map(|ragged| ragged.notes(self.name)));
                }
                (self.collected.describe(self.name, Some((&tables, &counts)), None), Some(tables))
            }
            State::Ignored(skip) => (self.collected.describe(self.name, None, Some(skip)), None),
            State::Searching(_) => (self.collected.describe(self.name, None, None), None),
        })
    }

    fn skip(&mut self, row: u32, skipped: Skipped) -> Result<(), JudgeError> {
        self.collected.emit(self.sink, Place(self.index, row), Verdict::Skipped(skipped))
    }
}

/// Whether the row's values may be in the wrong columns, so that values in unnamed columns mean nothing.
fn is_ragged<I>(verdict: &Verdict<I>) -> bool {
    matches!(verdict, Verdict::Rejected(kept) if kept.problems.iter().any(|problem| problem.rule.is_about_columns()))
}
