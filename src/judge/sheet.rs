//! The way through a whole file: which sheets hold items, where their headers are, and a verdict for every row.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::message::{Refusal, Rule, cell_address, column_letters, count};
use crate::schema::{Header, HeaderFault, Schema};
use crate::workbook::{RawRow, Sheet, Workbook};

use super::cell::shown;
use super::duplicates::{Group, Seen};
use super::row::{judge_repeated, judge_row, key_of};
use super::{JudgeError, Place, Skip, Verdict};

/// Titles, logos and blank rows stand above the header, but not this many.
const HEADER_SEARCH_ROWS: usize = 50;
/// Rows named in the message of a repeated item; more are counted.
const ROWS_NAMED: usize = 10;
/// Cells quoted from the header that came nearest.
const HEADER_CELLS_QUOTED: usize = 8;

/// What became of a sheet as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRead {
    pub name: String,
    pub loaded: bool,
    /// Why it was not loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skip>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<u32>,
    /// The columns that were found: attribute, header as it stands there, letter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnRead>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRead {
    pub attribute: String,
    pub header: String,
    pub column: String,
}

type Emit<'a> = &'a mut dyn FnMut(Place, Verdict) -> std::io::Result<()>;

/// Judges one file by one set of rules.
pub struct Judge<'a> {
    schema: &'a Schema,
    headers: Vec<Option<Header>>,
    seen: Seen,
    nearest: Option<Nearest>,
    /// Rows that were taken for items, in all sheets.
    items: u64,
}

/// The row that came nearest to being a header, for the refusal.
struct Nearest {
    sheet: String,
    row: u32,
    known: usize,
    found: String,
}

impl<'a> Judge<'a> {
    pub fn new(schema: &'a Schema) -> Judge<'a> {
        Judge { schema, headers: Vec::new(), seen: Seen::default(), nearest: None, items: 0 }
    }

    /// Every row of every sheet gets its verdict, in order. A row accepted here may still turn out to be a duplicate.
    pub fn judge_file(&mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<Vec<SheetRead>, JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let mut read = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            let Ok(number) = u16::try_from(index) else { break };
            let mut pass =
                SheetPass { judge: self, index: number, name: &sheet.name, emit, state: State::Searching(vec![]) };
            if !sheet.visible {
                pass.state = State::PassedOver(Skip::HiddenSheet);
            }
            visit_rows(workbook, index, &mut |row| pass.take_row(row))?;
            let (header, skipped) = pass.finish()?;
            read.push(self.describe(&sheet.name, header.as_ref(), skipped));
            self.headers.push(header);
        }
        match read.iter().find_map(|sheet| Some((sheet, sheet.header_row?))) {
            None => Err(self.refuse_without_header().into()),
            Some((sheet, row)) if self.items == 0 => {
                let row = row.to_string();
                Err(Refusal::new(Rule::NoItems, &[("sheet", sheet.name.as_str()), ("row", &row)]).into())
            }
            Some(_) => Ok(read),
        }
    }

    /// The second way through the file, taken only when an item stands in several rows: these rows as they were sent.
    pub fn judge_duplicates(mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<(), JudgeError> {
        let groups = std::mem::take(&mut self.seen).into_groups();
        if groups.is_empty() {
            return Ok(());
        }
        let sheets = workbook.sheets().to_vec();
        let mut places: Vec<(Place, &Group)> =
            groups.iter().flat_map(|group| group.iter().map(move |place| (*place, group))).collect();
        places.sort_unstable_by_key(|(place, _)| *place);
        let mut wanted = places.into_iter().peekable();
        for (index, (sheet, header)) in sheets.iter().zip(&self.headers).enumerate() {
            let Some(header) = header else { continue };
            visit_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let Some((_, group)) = wanted.next_if(|(wanted, _)| *wanted == place) else { return Ok(()) };
                let rows = name_rows(group, place.0, &sheets);
                Ok(emit(place, judge_repeated(row, header, self.schema, &sheet.name, &rows))?)
            })?;
        }
        Ok(())
    }

    fn describe(&self, name: &str, header: Option<&Header>, skipped: Option<Skip>) -> SheetRead {
        let columns = header.iter().flat_map(|header| self.schema.columns.iter().zip(&header.columns));
        let columns = columns.filter_map(|(column, found)| {
            let (place, title) = found.as_ref()?;
            Some(ColumnRead { attribute: column.name.clone(), header: title.clone(), column: column_letters(*place) })
        });
        SheetRead {
            name: name.to_string(),
            loaded: header.is_some(),
            skipped,
            header_row: header.map(|header| header.row),
            columns: columns.collect(),
        }
    }

    fn refuse_without_header(&self) -> Refusal {
        let key = self.schema.position(&self.schema.key.partition).unwrap_or_default();
        let column = self.schema.columns[key].title.as_str();
        match &self.nearest {
            Some(nearest) => {
                let row = nearest.row.to_string();
                let words =
                    [("column", column), ("row", &row), ("sheet", nearest.sheet.as_str()), ("found", &nearest.found)];
                Refusal::new(Rule::NoSheetFits, &words)
            }
            None => Refusal::new(Rule::NoHeaderFound, &[("column", column)]),
        }
    }

    fn note_nearest(&mut self, sheet: &str, row: &RawRow<'_>, known: usize) {
        if known == 0 || self.nearest.as_ref().is_some_and(|nearest| nearest.known >= known) {
            return;
        }
        let quoted: Vec<String> =
            row.cells.iter().take(HEADER_CELLS_QUOTED).map(|cell| format!("\"{}\"", shown(cell))).collect();
        self.nearest = Some(Nearest { sheet: sheet.to_string(), row: row.number, known, found: quoted.join(", ") });
    }
}

/// Hands over the rows of a sheet until one of them cannot be dealt with.
fn visit_rows(
    workbook: &mut Workbook,
    sheet: usize,
    take: &mut dyn FnMut(&RawRow<'_>) -> Result<(), JudgeError>,
) -> Result<(), JudgeError> {
    let mut stopped = Ok(());
    workbook.visit_rows(sheet, &mut |row| {
        stopped = take(row);
        if stopped.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    stopped
}

/// `12 and 340`, `12, 15 (sheet "B") and 340`, with a count where there are many.
fn name_rows(group: &Group, here: u16, sheets: &[Sheet]) -> String {
    let mut names: Vec<String> = group
        .iter()
        .take(ROWS_NAMED)
        .map(|place| match sheets.get(usize::from(place.0)).filter(|_| place.0 != here) {
            Some(sheet) => format!("{} (sheet \"{}\")", place.1, sheet.name),
            None => place.1.to_string(),
        })
        .collect();
    if group.len() > ROWS_NAMED {
        names.push(format!("{} more", count((group.len() - ROWS_NAMED) as u64)));
    }
    let last = names.pop().unwrap_or_default();
    format!("{} and {last}", names.join(", "))
}

/// Where the reading of one sheet stands.
enum State {
    /// Rows passed so far, all before the header: titles, if the header comes.
    Searching(Vec<u32>),
    Judging(Header),
    PassedOver(Skip),
}

struct SheetPass<'p, 'a> {
    judge: &'p mut Judge<'a>,
    index: u16,
    name: &'p str,
    emit: Emit<'p>,
    state: State,
}

impl SheetPass<'_, '_> {
    fn take_row(&mut self, row: &RawRow<'_>) -> Result<(), JudgeError> {
        match &mut self.state {
            State::PassedOver(skip) => {
                let skip = *skip;
                self.emit(row.number, Verdict::Skipped(skip))
            }
            State::Judging(header) => {
                let verdict = judge_row(row, header, self.judge.schema, self.name);
                self.judge.items += u64::from(!matches!(verdict, Verdict::Skipped(_)));
                // A rejected row counts too: which of the two is right, nobody knows but her.
                let key = match &verdict {
                    Verdict::Accepted(item) => Some(Cow::Borrowed(item)),
                    Verdict::Rejected(_) => key_of(row, header, self.judge.schema).map(Cow::Owned),
                    Verdict::Duplicate(_) | Verdict::Skipped(_) => None,
                };
                if let Some(key) = key {
                    self.judge.seen.note(Place(self.index, row.number), &key, &self.judge.schema.key);
                }
                self.emit(row.number, verdict)
            }
            State::Searching(_) => self.search(row),
        }
    }

    fn search(&mut self, row: &RawRow<'_>) -> Result<(), JudgeError> {
        let texts: Vec<_> = row.cells.iter().map(|cell| (cell.column, shown(cell))).collect();
        let texts: Vec<(u32, &str)> = texts.iter().map(|(column, text)| (*column, text.as_ref())).collect();
        match self.judge.schema.match_header(row.number, &texts) {
            Ok(header) => {
                self.leave_search(Skip::Title)?;
                self.state = State::Judging(header);
                self.emit(row.number, Verdict::Skipped(Skip::Header))
            }
            Err(HeaderFault::NamedTwice { column, first, second }) => {
                let (first, second) = (cell_address(first, row.number), cell_address(second, row.number));
                let words = [("sheet", self.name), ("column", &column), ("first", &first), ("second", &second)];
                Err(Refusal::new(Rule::ColumnNamedTwice, &words).into())
            }
            Err(HeaderFault::KeyMissing { known, .. }) => {
                self.judge.note_nearest(self.name, row, known);
                if let State::Searching(passed) = &mut self.state {
                    passed.push(row.number);
                    if passed.len() >= HEADER_SEARCH_ROWS {
                        self.leave_search(Skip::SheetWithoutHeader)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The rows passed while searching get their fate; what comes is passed over unless a header was found.
    fn leave_search(&mut self, skip: Skip) -> Result<(), JudgeError> {
        if let State::Searching(passed) = std::mem::replace(&mut self.state, State::PassedOver(skip)) {
            for row in passed {
                self.emit(row, Verdict::Skipped(skip))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(Option<Header>, Option<Skip>), JudgeError> {
        if matches!(self.state, State::Searching(_)) {
            self.leave_search(Skip::SheetWithoutHeader)?;
        }
        Ok(match self.state {
            State::Judging(header) => (Some(header), None),
            State::PassedOver(skip) => (None, Some(skip)),
            State::Searching(_) => (None, None),
        })
    }

    fn emit(&mut self, row: u32, verdict: Verdict) -> Result<(), JudgeError> {
        Ok((self.emit)(Place(self.index, row), verdict)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::Budget;
    use std::collections::BTreeMap;
    use std::io::{Seek, Write};

    /// The last verdict of each row, and what was said of the sheets.
    fn judged(content: &[u8]) -> Result<(BTreeMap<u32, Verdict>, Vec<SheetRead>), JudgeError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let schema = Schema::shipped().unwrap();
        let mut workbook = Workbook::open(file, "Stock.csv", Budget::default())?;
        let mut verdicts = BTreeMap::new();
        let mut judge = Judge::new(&schema);
        let mut emit = |place: Place, verdict| {
            verdicts.insert(place.1, verdict);
            Ok(())
        };
        let sheets = judge.judge_file(&mut workbook, &mut emit)?;
        judge.judge_duplicates(&mut workbook, &mut emit)?;
        Ok((verdicts, sheets))
    }

    fn refused(content: &[u8]) -> Refusal {
        match judged(content) {
            Err(JudgeError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn rules(verdict: &Verdict) -> Vec<&'static str> {
        match verdict {
            Verdict::Rejected(kept) | Verdict::Duplicate(kept) => kept.problems.iter().map(|p| p.rule.id()).collect(),
            Verdict::Accepted(_) | Verdict::Skipped(_) => vec![],
        }
    }

    #[test]
    fn titles_stand_above_the_header_and_every_row_has_a_verdict() {
        let (verdicts, sheets) = judged(b"Stock of Q3\n\nSKU,Qty,Name\nA,5,Bolt\n,,counted by Ann\n").unwrap();
        assert_eq!(verdicts.keys().copied().collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!(verdicts[&1], Verdict::Skipped(Skip::Title));
        assert_eq!(verdicts[&3], Verdict::Skipped(Skip::Header));
        assert!(matches!(verdicts[&4], Verdict::Accepted(_)));
        assert_eq!(verdicts[&5], Verdict::Skipped(Skip::Note));
        assert_eq!((sheets[0].name.as_str(), sheets[0].header_row, sheets[0].columns.len()), ("Stock", Some(3), 3));
        assert_eq!((sheets[0].columns[1].header.as_str(), sheets[0].columns[1].column.as_str()), ("Name", "C"));
    }

    #[test]
    fn the_same_item_in_several_rows_is_in_none_and_each_names_the_others() {
        let (verdicts, _) = judged(b"SKU,Name,Qty\nA,Bolt,5\nB,Nut,1\nA,Bolt,8\n").unwrap();
        for row in [2, 4] {
            assert_eq!(rules(&verdicts[&row]), ["key-repeated"]);
            let Verdict::Duplicate(kept) = &verdicts[&row] else { panic!("{:?}", verdicts[&row]) };
            assert_eq!(kept.problems[0].message, "SKU A stands in rows 2 and 4.");
            assert_eq!(kept.cells.len(), 3);
        }
        assert!(matches!(verdicts[&3], Verdict::Accepted(_)));
    }

    #[test]
    fn a_rejected_row_makes_its_twin_a_duplicate_and_keeps_its_own_problems() {
        let (verdicts, _) = judged(b"SKU,Name,Qty\nA,Bolt,5\nA,Nut,many\n").unwrap();
        assert!(matches!(verdicts[&2], Verdict::Duplicate(_)));
        assert_eq!(rules(&verdicts[&3]), ["whole-number-expected", "key-repeated"]);
    }

    #[test]
    fn a_file_without_header_or_items_is_refused_with_the_nearest_header() {
        let refusal = refused(b"Article,Qty\nBolt,5\n");
        assert_eq!(refusal.rule, Rule::NoSheetFits);
        let message = "No sheet has a column for the SKU. The nearest header is in row 1 of sheet \"Stock\": \"Article\", \"Qty\".";
        assert_eq!(refusal.message, message);
        assert_eq!(refused(b"1,2\n3,4\n").rule, Rule::NoHeaderFound);
        assert_eq!(refused(b"SKU,Name,Qty\n").rule, Rule::NoItems);
        assert_eq!(refused(b"SKU,Price,Unit price,Qty\nA,1,2,3\n").rule, Rule::ColumnNamedTwice);
    }

    #[test]
    fn a_header_is_searched_for_in_the_first_rows_only() {
        let text = |titles: usize| "Count of 3 October\n".repeat(titles) + "SKU,Name,Qty\nA,Bolt,5\n";
        assert!(judged(text(HEADER_SEARCH_ROWS - 1).as_bytes()).is_ok());
        assert_eq!(refused(text(HEADER_SEARCH_ROWS).as_bytes()).rule, Rule::NoHeaderFound);
    }

    #[test]
    fn of_many_rows_with_one_key_some_are_named() {
        let list = "SKU,Name,Qty\n".to_string() + &"A,Bolt,5\n".repeat(1500);
        let (verdicts, _) = judged(list.as_bytes()).unwrap();
        let Verdict::Duplicate(kept) = &verdicts[&1500] else { panic!("not a duplicate") };
        assert_eq!(kept.problems[0].message, "SKU A stands in rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 1,490 more.");
    }
}
