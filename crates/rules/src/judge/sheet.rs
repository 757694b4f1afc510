//! The way down one sheet: titles, the header, items, and what stands between and under them.

use crate::schema::{HeaderFault, canonical_name};
use inventory_base::message::{Note, Refusal, Rule};
use inventory_workbook::RawRow;

use super::below::{Below, BelowHeader, TABLES_AT_MOST, refuse_second_table};
use super::counts::ColumnCounts;
use super::file::{Emit, Judge};
use super::heading::{HeaderSearch, Heading};
use super::missing::{refuse_missing_columns, refuse_named_twice};
use super::nearest::Nearest;
use super::row::says;
use super::swallowed::refuse_swallowed_rows;
use super::tables::Tables;
use super::unnamed::report_unnamed;
use super::value::is_blank;
use super::{JudgeError, Place, SheetRead, Skip, Skipped, Verdict};

/// Where the reading of one sheet stands.
enum State<'a> {
    Searching(Search<'a>),
    Judging(Box<Judging<'a>>),
    PassedOver(Skip),
}

struct Search<'a> {
    header: HeaderSearch<'a>,
    /// What was passed: titles, if the header comes.
    passed: Vec<Passed>,
}

struct Judging<'a> {
    tables: Tables<'a>,
    below: BelowHeader<'a>,
    /// A header that is none of ours was passed: an item below it would be one by mistake.
    foreign: Option<Refusal>,
    /// Why no item can come from this sheet. Without any there is nothing to be told.
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
    judge: &'p mut Judge<'a>,
    index: u16,
    name: &'p str,
    emit: Emit<'p>,
    state: State<'a>,
}

impl<'p, 'a> SheetPass<'p, 'a> {
    pub fn new(judge: &'p mut Judge<'a>, index: u16, name: &'p str, emit: Emit<'p>) -> SheetPass<'p, 'a> {
        let search = Search { header: HeaderSearch::new(judge.schema), passed: Vec::new() };
        SheetPass { judge, index, name, emit, state: State::Searching(search) }
    }

    /// Whether the rules name another sheet.
    pub fn is_not_wanted(&self) -> bool {
        let wanted = self.judge.schema.sheet.as_ref();
        wanted.is_some_and(|wanted| canonical_name(wanted) != canonical_name(self.name))
    }

    pub fn pass_over(&mut self, skip: Skip) {
        self.state = State::PassedOver(skip);
    }

    pub fn take_row(&mut self, row: &RawRow<'_>) -> Result<(), JudgeError> {
        match &mut self.state {
            State::PassedOver(skip) => {
                // A sheet that is passed over is said as a whole, not row by row.
                let skipped = Skipped { why: *skip, says: String::new() };
                self.skip(row.number, skipped)
            }
            State::Judging(judging) => {
                let Judging { tables, below, foreign, refusal, counts } = judging.as_mut();
                let layout = tables.last();
                let row = layout.what_to_do().without(row);
                let row = row.as_ref();
                match below.look_at(row, layout.heading(), self.name) {
                    Below::Row => {}
                    Below::Again => {
                        *foreign = None;
                        return self.skip(row.number, Skipped { why: Skip::Header, says: says(row) });
                    }
                    Below::Table(heading) => return self.begin_table(row, *heading),
                    Below::Foreign(refusal) => *foreign = Some(refusal),
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
                self.judge.note(place, row, layout, &verdict);
                self.judge.tell(self.emit, place, verdict)
            }
            State::Searching(search) => match search.header.look_at(row) {
                Ok(heading) => {
                    self.leave_search(Skip::Title, heading.above_is())?;
                    let below = BelowHeader::new(self.judge.schema, &heading);
                    let layout = self.judge.lay_out((self.index, self.name), 0, heading)?;
                    let refusal = refuse_missing_columns(self.judge.schema, self.name, layout.header());
                    let counts = vec![ColumnCounts::new(layout.header())];
                    let tables = Tables::new(layout);
                    self.emit.sheet(self.index, self.judge.describe(self.name, Some((&tables, &counts)), None))?;
                    self.state = State::Judging(Box::new(Judging { tables, below, foreign: None, refusal, counts }));
                    self.skip(row.number, Skipped { why: Skip::Header, says: says(row) })
                }
                Err(fault) => self.pass(row, fault),
            },
        }
    }

    /// A header of ours below the list: what follows is read by it.
    fn begin_table(&mut self, row: &RawRow<'_>, heading: Heading) -> Result<(), JudgeError> {
        let State::Judging(judging) = &mut self.state else { return Ok(()) };
        let schema = self.judge.schema;
        let missing = refuse_missing_columns(schema, self.name, &heading.header);
        judging.refusal = missing.map(|_| refuse_second_table(self.name, row, judging.tables.last().heading()));
        judging.foreign = None;
        judging.below = BelowHeader::new(schema, &heading);
        let header_row = row.number.to_string();
        self.judge.notes.push(Note::of_sheet(Rule::TableBelow, self.name, &[("row", &header_row)]));
        let table = judging.tables.further().len() + 1;
        if self.judge.tables_below() + table > TABLES_AT_MOST {
            return Err(refuse_second_table(self.name, row, judging.tables.last().heading()).into());
        }
        let layout = self.judge.lay_out((self.index, self.name), table, heading)?;
        judging.counts.push(ColumnCounts::new(layout.header()));
        judging.tables.push(layout);
        let found = Some((&judging.tables, judging.counts.as_slice()));
        self.emit.sheet(self.index, self.judge.describe(self.name, found, None))?;
        self.skip(row.number, Skipped { why: Skip::Header, says: says(row) })
    }

    /// A row that is not the header; the one that is may still come.
    fn pass(&mut self, row: &RawRow<'_>, fault: HeaderFault) -> Result<(), JudgeError> {
        let known = match fault {
            HeaderFault::KeyMissing { known, .. } => known,
            HeaderFault::NamedTwice { column, first, second } => {
                let refusal = refuse_named_twice(self.name, row.number, &column, &first, &second);
                return Err(refusal.into());
            }
        };
        let judge = &mut *self.judge;
        judge.nearest = Nearest::or_nearer(judge.nearest.take(), self.name, row, known);
        if let State::Searching(search) = &mut self.state {
            search.passed.push(Passed { row: row.number, blank: row.cells.iter().all(is_blank), says: says(row) });
            if search.header.is_over() {
                self.leave_search(Skip::SheetWithoutHeader, Skip::SheetWithoutHeader)?;
            }
        }
        Ok(())
    }

    /// The rows passed while searching get their fate, the last of them its own; what comes is passed over unless a
    /// header was found.
    fn leave_search(&mut self, why: Skip, last: Skip) -> Result<(), JudgeError> {
        if let State::Searching(search) = std::mem::replace(&mut self.state, State::PassedOver(why)) {
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
            self.leave_search(Skip::SheetWithoutHeader, Skip::SheetWithoutHeader)?;
        }
        Ok(match self.state {
            State::Judging(judging) => {
                let Judging { tables, counts, .. } = *judging;
                for ((layout, _), counts) in tables.with_ends().zip(&counts) {
                    self.judge.notes.extend(report_unnamed(self.name, layout.header(), counts));
                    self.judge.notes.extend(layout.ragged().into_iter().flat_map(|ragged| ragged.notes(self.name)));
                }
                (self.judge.describe(self.name, Some((&tables, &counts)), None), Some(tables))
            }
            State::PassedOver(skip) => (self.judge.describe(self.name, None, Some(skip)), None),
            State::Searching(_) => (self.judge.describe(self.name, None, None), None),
        })
    }

    fn skip(&mut self, row: u32, skipped: Skipped) -> Result<(), JudgeError> {
        self.judge.tell(self.emit, Place(self.index, row), Verdict::Skipped(skipped))
    }
}

/// Whether the row's values may be in the wrong columns, so that those without a name tell nothing of these.
fn is_ragged<I>(verdict: &Verdict<I>) -> bool {
    matches!(verdict, Verdict::Rejected(kept) if kept.problems.iter().any(|problem| problem.rule.is_about_columns()))
}
