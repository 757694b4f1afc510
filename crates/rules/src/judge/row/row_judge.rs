//! Judges the cells of a row: whether it is an item at all, its values, and its problems.

use crate::cell::{BorrowedValue, CellWords, Violation, display_text, is_blank, violation, why_no_value};
use crate::schema::{Column, ColumnFacts, KeyFault, WhenEmpty};
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, item_size};
use inventory_base::message::{Problem, Rule, Sentences, cell_address, count};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::Layout;
use crate::judge::Skip;
use crate::judge::borrowed::BorrowedItem;
use crate::judge::ragged::Doubt;
use crate::judge::value::{CurrencyColumn, judge_cell};

/// DynamoDB's limit for an item.
pub(super) const ITEM_BYTES: usize = 400 * 1024;
/// The words that a row of totals begins with.
const TOTAL_WORDS: [&str; 9] =
    ["total", "totals", "grand total", "subtotal", "sub total", "sum", "summe", "gesamt", "zwischensumme"];
/// A single cell with at least this many words is a note, even in the key's column.
const MIN_NOTE_WORDS: usize = 3;
/// Limit for a value quoted in a message; the plan has all of it.
pub(super) const QUOTED_CHARACTERS: usize = 60;

pub(super) struct RowJudge<'a> {
    pub row: &'a RawRow<'a>,
    pub layout: &'a Layout<'a>,
}

impl<'a> RowJudge<'a> {
    pub fn cell(&self, position: usize) -> Option<&'a RawCell<'a>> {
        let (place, _) = self.layout.header().columns[position].as_ref()?;
        self.row.cell(*place)
    }

    /// Recognises rows that clearly aren't items: blank rows, totals, notes and repeated headers.
    pub fn skip_reason(&self) -> Option<Skip> {
        let mut filled = self.row.cells.iter().filter(|cell| !is_blank(cell));
        let Some(first) = filled.next().map(display_text) else {
            return Some(Skip::Blank);
        };
        let is_alone = filled.next().is_none();
        if self.layout.heading.is_repeated(self.row) {
            return Some(Skip::Header);
        }
        // In a list of nothing but texts, such a row could still be an item.
        if self.layout.heading.repeats_row_above(self.row) && self.judge().is_err() {
            return Some(self.layout.heading.row_above_skip());
        }
        let key_given = self.layout.key.iter().any(|column| self.cell(*column).is_some_and(|cell| !is_blank(cell)));
        let is_total_row = is_total(&first);
        if !key_given {
            return match is_alone {
                _ if is_total_row || starts_with_total(&first) => Some(Skip::Total),
                true if !self.shows_error() => Some(Skip::Note),
                _ => None,
            };
        }
        if is_alone && first.split_whitespace().count() >= MIN_NOTE_WORDS {
            return Some(Skip::Note);
        }
        // A total in the key's column, unless the row is a valid item.
        (is_total_row && self.judge().is_err()).then_some(Skip::Total)
    }

    /// Whether a column of the rules shows an error: such rows are never skipped. In other columns an error is no more
    /// than a note.
    fn shows_error(&self) -> bool {
        let mut cells = (0..self.layout.schema.columns.len()).filter_map(|position| self.cell(position));
        cells.any(|cell| why_no_value(cell, self.layout.from_text_file).is_some())
    }

    pub fn judge_column(&self, position: usize) -> Result<Option<BorrowedValue<'a>>, Violation> {
        let Layout { schema, facts, .. } = self.layout;
        match self.cell(position) {
            Some(cell) => judge_cell(cell, &schema.columns[position], facts[position]),
            None => Ok(None),
        }
    }

    /// Returns why the values may be in the wrong columns.
    fn doubt(&self) -> Option<Problem> {
        let Layout { schema, ragged, facts, .. } = self.layout;
        let columns = &self.layout.header().columns;
        let column_at = |place: u32| {
            let is_here = |found: &Option<(u32, String)>| found.as_ref().is_some_and(|(other, _)| *other == place);
            columns.iter().position(is_here)
        };
        let can_be_cut =
            |place: u32| column_at(place).is_some_and(|at| schema.columns[at].kind.is_free_text && !facts[at].in_key);
        let Doubt { violation, cell } = ragged.as_ref()?.doubt(self.row, can_be_cut)?;
        let title = cell.and_then(column_at).map(|at| columns[at].as_ref().map_or("", |(_, title)| title));
        let problem = self.problem_in(title.unwrap_or_default(), cell, violation);
        Some(Problem { column: title.map(str::to_string), ..problem })
    }

    pub fn judge(&self) -> Result<BorrowedItem<'a>, Vec<Problem>> {
        let Layout { schema, facts, names, .. } = self.layout;
        if let Some(problem) = self.doubt() {
            return Err(vec![problem]);
        }
        let mut values = vec![None; names.len()];
        let mut problems = Vec::new();
        for ((position, column), value) in schema.columns.iter().enumerate().zip(&mut values) {
            let judged = self.judge_column(position).map(|judged| *value = judged);
            if let Err(violation) = judged.and_then(|()| complete(column, value, facts[position])) {
                problems.push(self.problem(position, violation));
            }
        }
        if let Some(currency_column) = self.layout.currency_column {
            self.check_currency(currency_column, &values, &mut problems);
        }
        self.add_unknown(&mut values, &mut problems);
        match schema.key.complete(|column| values[schema.position(column)?].as_ref().map(BorrowedValue::text)) {
            Ok(composite) => {
                for (name, text) in composite {
                    if let Some(place) = names.place(name) {
                        values[place] = Some(BorrowedValue::S(text.into()));
                    }
                }
            }
            Err(faults) => self.add_key_faults(faults, &mut problems),
        }
        let item = BorrowedItem::new(names, values);
        if problems.is_empty() && item.max_size() > ITEM_BYTES {
            problems.extend(self.too_large(&Item::from(&item)));
        }
        if problems.is_empty() { Ok(item) } else { Err(problems) }
    }

    /// Checks that each price is in the currency named by its row, and that this is the currency set by the rules.
    fn check_currency(
        &self,
        currency_column: CurrencyColumn,
        values: &[Option<BorrowedValue<'_>>],
        problems: &mut Vec<Problem>,
    ) {
        let columns = self.layout.schema.columns.iter().enumerate().zip(values);
        for ((position, column), _) in columns.filter(|(_, value)| value.is_some()) {
            let foreign =
                column.currency.as_ref().and_then(|wanted| Some((currency_column.foreign(self.row, wanted)?, wanted)));
            let money = self.cell(position).filter(|_| column.kind.compares_currencies());
            let (currency, others) = if let Some((named, wanted)) = foreign {
                (named.into_owned(), format!("the {} is in {wanted} here", column.title))
            } else if let Some((symbol, named)) = money.and_then(|cell| currency_column.contradicts(cell, self.row)) {
                (symbol.to_string(), format!("its row names {named}"))
            } else {
                continue;
            };
            problems.push(self.problem(position, violation!(CurrenciesMixed { currency, others })));
        }
    }

    /// Adds unknown columns that are kept, under the names of their headers.
    fn add_unknown(&self, values: &mut [Option<BorrowedValue<'a>>], problems: &mut Vec<Problem>) {
        for ((place, name), of_value) in self.layout.header().others.iter().zip(&self.layout.others) {
            let Some(cell) = self.row.cell(*place) else {
                continue;
            };
            if let Some(violation) = why_no_value(cell, self.layout.from_text_file) {
                problems.push(self.problem_in(name, Some(cell.column), violation));
                continue;
            }
            let value = match &cell.value {
                RawValue::DateOrNumber(_) => {
                    problems.push(self.problem_in(name, Some(cell.column), violation!(DateOrNumber)));
                    continue;
                }
                RawValue::Bool(flag) => BorrowedValue::Bool(*flag),
                RawValue::Number(number) if cell.format.is_none() => match Decimal::from_cell(*number) {
                    Ok(number) => BorrowedValue::N(number),
                    Err(_) => BorrowedValue::S(display_text(cell)),
                },
                _ => BorrowedValue::S(display_text(cell)),
            };
            // A column of the rules with this name takes precedence.
            values[*of_value].get_or_insert(value);
        }
    }

    fn add_key_faults(&self, faults: Vec<KeyFault>, problems: &mut Vec<Problem>) {
        for fault in faults {
            let (column, violation) = match fault {
                KeyFault::Missing { column } => (column, violation!(KeyMissing)),
                KeyFault::ContainsSeparator { column, separator } => {
                    (column, violation!(KeyHoldsSign { sign: separator }))
                }
                KeyFault::TooLong { column, bytes, limit } => {
                    let (length, limit) = (count(bytes as u64), count(limit as u64));
                    (column, violation!(KeyTooLong { length, limit }))
                }
            };
            let Some(position) = self.layout.schema.position(&column) else {
                continue;
            };
            let problem = self.problem(position, violation);
            // The problem of the cell itself is reported already.
            let is_reported = problems.iter().any(|other| other.column == problem.column && other.cell == problem.cell);
            if !is_reported || problem.rule != Rule::KeyMissing {
                problems.push(problem);
            }
        }
    }

    fn too_large(&self, item: &Item) -> Option<Problem> {
        let size = item_size(item);
        let longest = item.iter().max_by_key(|(_, value)| value.size()).map(|(name, _)| name);
        let position = longest.and_then(|name| self.layout.schema.position(name)).unwrap_or_default();
        let (length, limit) = (count(size as u64), count(ITEM_BYTES as u64));
        (size > ITEM_BYTES).then(|| self.problem(position, violation!(ItemTooLarge { length, limit })))
    }

    pub fn problem(&self, position: usize, violation: Violation) -> Problem {
        match self.layout.header().columns[position].as_ref() {
            Some((place, title)) => self.problem_in(title, Some(*place), violation),
            None => self.problem_in(&self.layout.schema.columns[position].title, None, violation),
        }
    }

    fn problem_in(&self, title: &str, place: Option<u32>, violation: Violation) -> Problem {
        let number = self.row.number;
        let address = place.map(|place| cell_address(place, number));
        let cell = self.row.cells.iter().find(|cell| Some(cell.column) == place);
        let value = cell.map(|cell| quoted(&display_text(cell)));
        // A column that the sheet doesn't have has no cell address.
        let row_only = format!("row {number}");
        let Sentences { rule, message, advice } = violation.sentences(&CellWords {
            row: number,
            column: title,
            cell: address.as_deref().unwrap_or(&row_only),
            value: value.as_deref().unwrap_or_default(),
        });
        Problem {
            sheet: self.layout.sheet.to_string(),
            row: number,
            column: Some(title.to_string()),
            cell: address,
            value,
            rule,
            message,
            advice,
        }
    }
}

/// Whether the row begins like a row of totals.
pub(in crate::judge) fn is_total_row(row: &RawRow<'_>) -> bool {
    let first = row.cells.iter().find(|cell| !is_blank(cell)).map(display_text);
    first.is_some_and(|first| is_total(&first) || starts_with_total(&first))
}

fn is_total(first: &str) -> bool {
    let word = first.trim_end_matches(|c: char| !c.is_alphanumeric());
    TOTAL_WORDS.iter().any(|total| word.eq_ignore_ascii_case(total))
}

fn starts_with_total(first: &str) -> bool {
    first.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("total "))
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// Applies the default of an empty cell and the rules that are the same for all types.
fn complete<'a>(
    column: &'a Column,
    value: &mut Option<BorrowedValue<'a>>,
    facts: ColumnFacts,
) -> Result<(), Violation> {
    match (&value, &column.empty, &column.pattern) {
        (None, WhenEmpty::Default(default), _) => *value = BorrowedValue::of(default),
        // A missing key is reported for the key as a whole.
        (None, ..) if column.required && !facts.in_key => return Err(violation!(ValueMissing)),
        (Some(BorrowedValue::S(text)), _, Some(pattern)) if !pattern.fits(text) => {
            return Err(violation!(PatternDiffers { pattern: pattern.as_str() }));
        }
        _ => {}
    }
    Ok(())
}
