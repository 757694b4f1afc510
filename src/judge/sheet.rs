//! The way down one sheet: titles, the header, items, and what stands between and under them.

use crate::message::{Refusal, Rule, cell_address};
use crate::schema::{Header, HeaderFault, canonical_name};
use crate::workbook::RawRow;

use super::file::{Emit, Judge};
use super::nearest::Nearest;
use super::row::Layout;
use super::value::shown;
use super::{JudgeError, Place, Skip, Skipped, Verdict};

/// Titles, logos and blank rows stand above the header, but not this many.
pub(super) const HEADER_SEARCH_ROWS: usize = 50;

/// Where the reading of one sheet stands.
enum State<'a> {
    Searching(Search),
    Judging(Layout<'a>),
    PassedOver(Skip),
}

/// What was passed while searching for the header: titles, if it comes.
#[derive(Default)]
struct Search {
    passed: Vec<(u32, String)>,
    /// The row just above, which may be the upper half of a header over two rows.
    above: Option<Texts>,
}

struct Texts {
    row: u32,
    texts: Vec<(u32, String)>,
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
        SheetPass { judge, index, name, emit, state: State::Searching(Search::default()) }
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
                self.emit(row.number, Verdict::Skipped(skipped))
            }
            State::Judging(layout) => {
                let verdict = layout.judge(row);
                self.judge.note(Place(self.index, row.number), row, layout, &verdict);
                self.emit(row.number, verdict)
            }
            State::Searching(_) => self.search(row),
        }
    }

    fn search(&mut self, row: &RawRow<'_>) -> Result<(), JudgeError> {
        let texts: Vec<(u32, String)> = row.cells.iter().map(|cell| (cell.column, shown(cell).into_owned())).collect();
        match self.match_header(row.number, &texts) {
            Ok(header) => {
                self.leave_search(Skip::Title)?;
                let layout = self.judge.lay_out(self.index, self.name, header)?;
                self.state = State::Judging(layout);
                self.skip(row, Skip::Header)
            }
            Err(HeaderFault::NamedTwice { column, first, second }) => {
                let (first, second) = (cell_address(first, row.number), cell_address(second, row.number));
                let words = [("sheet", self.name), ("column", &column), ("first", &first), ("second", &second)];
                Err(Refusal::new(Rule::ColumnNamedTwice, &words).into())
            }
            Err(HeaderFault::KeyMissing { known, .. }) => {
                let judge = &mut *self.judge;
                judge.nearest = Nearest::or_nearer(judge.nearest.take(), self.name, row, known);
                if let State::Searching(search) = &mut self.state {
                    search.passed.push((row.number, says(row)));
                    search.above = Some(Texts { row: row.number, texts });
                    if search.passed.len() >= HEADER_SEARCH_ROWS {
                        self.leave_search(Skip::SheetWithoutHeader)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The row alone, or with the one just above it: `Unit` over `price` is one name, and so is a name of which the
    /// lower half is empty.
    fn match_header(&self, row: u32, texts: &[(u32, String)]) -> Result<Header, HeaderFault> {
        fn lent(texts: &[(u32, String)]) -> Vec<(u32, &str)> {
            texts.iter().map(|(column, text)| (*column, text.as_str())).collect()
        }
        let alone = self.judge.schema.match_header(row, &lent(texts));
        let (Err(HeaderFault::KeyMissing { known, .. }), State::Searching(search)) = (&alone, &self.state) else {
            return alone;
        };
        let Some(above) = search.above.as_ref().filter(|above| above.row + 1 == row) else { return alone };
        let both = self.judge.schema.match_header(row, &lent(&stack(&above.texts, texts)));
        match both {
            Ok(header) if header.columns.iter().flatten().count() > known + 1 => Ok(header),
            _ => alone,
        }
    }

    /// The rows passed while searching get their fate; what comes is passed over unless a header was found.
    fn leave_search(&mut self, skip: Skip) -> Result<(), JudgeError> {
        if let State::Searching(search) = std::mem::replace(&mut self.state, State::PassedOver(skip)) {
            for (row, says) in search.passed {
                self.emit(row, Verdict::Skipped(Skipped { why: skip, says }))?;
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<(Option<Layout<'a>>, Option<Skip>), JudgeError> {
        if matches!(self.state, State::Searching(_)) {
            self.leave_search(Skip::SheetWithoutHeader)?;
        }
        Ok(match self.state {
            State::Judging(layout) => (Some(layout), None),
            State::PassedOver(skip) => (None, Some(skip)),
            State::Searching(_) => (None, None),
        })
    }

    fn skip(&mut self, row: &RawRow<'_>, why: Skip) -> Result<(), JudgeError> {
        self.emit(row.number, Verdict::Skipped(Skipped { why, says: says(row) }))
    }

    fn emit(&mut self, row: u32, verdict: Verdict) -> Result<(), JudgeError> {
        Ok((self.emit)(Place(self.index, row), verdict)?)
    }
}

/// What a row says, as far as a person needs it to find it again.
pub(super) fn says(row: &RawRow<'_>) -> String {
    const CHARACTERS: usize = 100;
    let words: Vec<_> = row.cells.iter().take(CHARACTERS).map(shown).collect();
    let text = words.join(" ");
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Two rows of texts as one: what stands over and under each other is joined.
fn stack(upper: &[(u32, String)], lower: &[(u32, String)]) -> Vec<(u32, String)> {
    let mut both: Vec<(u32, String)> = lower.to_vec();
    for (column, text) in upper {
        match both.iter_mut().find(|(place, _)| place == column) {
            Some((_, below)) => *below = format!("{text} {below}"),
            None => both.push((*column, text.clone())),
        }
    }
    both.sort_unstable_by_key(|(column, _)| *column);
    both
}
