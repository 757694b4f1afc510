//! Judges one row by the rules: an item, or all problems of the row, not only the first.

use crate::schema::{Column, Header, KeyFault, Kind, Schema, UnknownColumns, WhenEmpty};
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size};
use inventory_base::message::{Problem, Rule, cell_address, count};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::borrowed::{AttributeNames, BorrowedItem, BorrowedValue};
use super::document::DocumentColumns;
use super::heading::Heading;
use super::ragged::{Doubt, Ragged};
use super::value::{
    ColumnFacts, CurrencyColumn, Style, Violation, display_text, is_blank, judge_cell, keep_cell,
    read_without_addition, warn_of, why_no_value,
};
use super::what_to_do::WhatToDoColumns;
use super::{OriginalCell, RejectedRow, Skip, Skipped, Verdict};

/// DynamoDB's limit for an item.
const ITEM_BYTES: usize = 400 * 1024;
/// The words that a row of totals begins with.
const TOTAL_WORDS: [&str; 9] =
    ["total", "totals", "grand total", "subtotal", "sub total", "sum", "summe", "gesamt", "zwischensumme"];
/// A single cell with at least this many words is a note, even in the key's column.
const MIN_NOTE_WORDS: usize = 3;
/// Limit for a value quoted in a message; the plan has all of it.
const QUOTED_CHARACTERS: usize = 60;

/// What is known about a table before its rows are judged.
pub(super) struct Layout<'a> {
    pub schema: &'a Schema,
    pub sheet: String,
    heading: Heading,
    /// Whether the cells come from a text file, directly or as rows to fix that were sent back.
    from_text_file: bool,
    /// In the order of the rules' columns.
    facts: Vec<ColumnFacts>,
    /// The key's columns, as indexes in the rules.
    key: Vec<usize>,
    /// The values of a row are in the order of the rules' columns, followed by further attributes.
    names: AttributeNames,
    /// The indexes of the values of unknown columns that are kept.
    others: Vec<usize>,
    /// Which rows have values in the wrong columns, for text files.
    ragged: Option<Ragged>,
    /// The column that names the currency of each row.
    pub currency_column: Option<CurrencyColumn>,
    document: DocumentColumns,
}

impl<'a> Layout<'a> {
    /// `styles` is the evidence of whole columns, if it was gathered.
    pub fn new(schema: &'a Schema, sheet: &str, heading: Heading, styles: Option<Vec<Style>>) -> Layout<'a> {
        let unknown = if heading.what_to_do.load().is_some() { Style::RowsToFix } else { Style::default() };
        let from_text_file = heading.what_to_do.load().is_some();
        let fact = |(position, column): (usize, &Column)| ColumnFacts {
            in_key: schema.key.columns().any(|key| key == column.name),
            from_text_file,
            style: styles.as_ref().map_or(unknown, |styles| styles[position]),
        };
        let facts = schema.columns.iter().enumerate().map(fact).collect();
        let key = schema.key.columns().filter_map(|column| schema.position(column)).collect();
        let columns = schema.columns.iter().map(|column| column.name.as_str());
        let are_kept = schema.unknown_columns == UnknownColumns::Keep;
        let others = heading.header.others.iter().filter(|_| are_kept).map(|(_, name)| name.as_str());
        let names = AttributeNames::new(columns.chain(schema.key.attributes()).chain(others.clone()));
        let others = others.filter_map(|name| names.place(name)).collect();
        let currency_column = CurrencyColumn::find(schema, &heading.header);
        let document = DocumentColumns::new(schema, &heading.header);
        let sheet = sheet.to_string();
        Layout {
            schema,
            sheet,
            heading,
            from_text_file,
            facts,
            key,
            names,
            others,
            ragged: None,
            currency_column,
            document,
        }
    }

    /// Adds what all rows together show about their widths.
    pub fn with_ragged(mut self, ragged: Option<Ragged>) -> Layout<'a> {
        // Only text files have lines that can be ragged.
        if ragged.is_some() {
            self.from_text_file = true;
            self.facts.iter_mut().for_each(|facts| facts.from_text_file = true);
        }
        Layout { ragged, ..self }
    }

    pub fn ragged(&self) -> Option<&Ragged> {
        self.ragged.as_ref()
    }

    pub fn header(&self) -> &Header {
        &self.heading.header
    }

    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// The columns that reveal a document other than a stock list.
    pub fn document(&self) -> &DocumentColumns {
        &self.document
    }

    /// Columns that are not part of the list; rows are judged without them.
    pub fn what_to_do(&self) -> &WhatToDoColumns {
        &self.heading.what_to_do
    }

    pub fn judge<'r>(&'r self, row: &'r RawRow<'_>) -> Verdict<BorrowedItem<'r>> {
        let rows = RowJudge { row, layout: self };
        let is_part = || self.ragged.as_ref().is_some_and(|ragged| ragged.is_part(row));
        match rows.skip_reason().filter(|why| *why != Skip::Note || !is_part()) {
            Some(why) => Verdict::Skipped(Skipped { why, says: row_text(row) }),
            None => match rows.judge() {
                Ok(item) => Verdict::Accepted(item),
                Err(problems) => Verdict::Rejected(self.keep(row, problems)),
            },
        }
    }

    /// Warnings about the cells of a row that is loaded: the column and the rule.
    pub fn warnings(&self, row: &RawRow<'_>) -> Vec<(usize, Rule)> {
        let judge = RowJudge { row, layout: self };
        let warning =
            |(position, column)| Some((position, warn_of(judge.cell(position)?, column, self.facts[position])?));
        self.schema.columns.iter().enumerate().filter_map(warning).collect()
    }

    /// Judges a row together with what other rows and merged cells add: the columns concerned, and the rule that each
    /// breaks. A row that also has problems of its own is rejected for all of them.
    pub fn judge_again<'r>(
        &'r self,
        row: &'r RawRow<'_>,
        violations: Vec<(usize, Violation)>,
    ) -> Verdict<BorrowedItem<'r>> {
        let judge = RowJudge { row, layout: self };
        let added: Vec<Problem> =
            violations.into_iter().map(|(position, violation)| judge.problem(position, violation)).collect();
        match judge.judge() {
            Ok(item) if added.is_empty() => Verdict::Accepted(item),
            Ok(_) if added.iter().all(|problem| problem.rule == Rule::KeyRepeated) => {
                Verdict::Duplicate(self.keep(row, added))
            }
            Ok(_) => Verdict::Rejected(self.keep(row, added)),
            Err(mut problems) => {
                // A merged cell is not empty.
                let is_merged = |problem: &Problem| {
                    let mut merged = added.iter().filter(|added| added.rule == Rule::ValueMerged);
                    merged.any(|merged| merged.cell == problem.cell && merged.column == problem.column)
                };
                problems.retain(|problem| {
                    !matches!(problem.rule, Rule::ValueMissing | Rule::KeyMissing) || !is_merged(problem)
                });
                problems.extend(added);
                Verdict::Rejected(self.keep(row, problems))
            }
        }
    }

    /// The row as it was sent, with its problems.
    fn keep(&self, row: &RawRow<'_>, problems: Vec<Problem>) -> RejectedRow {
        let keep = |cell: &RawCell<'_>| {
            let kept = keep_cell(cell, row.number);
            let value = self.read_by_column(cell).unwrap_or(kept.value);
            OriginalCell { number: self.number_by_column(cell), value, ..kept }
        };
        let key = if problems.iter().any(|problem| problem.rule.is_about_columns()) { None } else { self.key_of(row) };
        RejectedRow { problems, cells: row.cells.iter().map(keep).collect(), key }
    }

    /// The text as its whole column shows that it should be read, such as 40001 for 40001.0; other rows to fix would
    /// not show that.
    fn read_by_column(&self, cell: &RawCell<'_>) -> Option<String> {
        let position = self.position_of(cell)?;
        read_without_addition(cell, &self.schema.columns[position], self.facts[position])
    }

    /// The index of the rules' column that a cell is in.
    fn position_of(&self, cell: &RawCell<'_>) -> Option<usize> {
        let is_here = |found: &Option<(u32, String)>| found.as_ref().is_some_and(|(place, _)| *place == cell.column);
        self.header().columns.iter().position(is_here)
    }

    /// The number that a text is read as, if only its column decides that; among other rows it would be ambiguous.
    fn number_by_column(&self, cell: &RawCell<'_>) -> Option<String> {
        if !matches!(cell.value, RawValue::Text(_)) {
            return None;
        }
        let position = self.position_of(cell)?;
        let (column, facts) = (&self.schema.columns[position], self.facts[position]);
        let read = judge_cell(cell, column, facts).ok()?;
        let alone = judge_cell(cell, column, ColumnFacts { style: Style::RowsToFix, ..facts });
        match &read {
            Some(number @ BorrowedValue::N(_)) if alone.as_ref() != Ok(&read) => Some(number.text().into_owned()),
            _ => None,
        }
    }

    fn key_of(&self, row: &RawRow<'_>) -> Option<Item> {
        let key = &self.schema.key;
        let values = self.values_of(row, self.key.iter().copied())?;
        let text_of = |column: &str| {
            let (_, value) = key.columns().zip(&values).find(|(name, _)| *name == column)?;
            Some(value.text())
        };
        let composite = key.complete(text_of).ok()?.into_iter().map(|(name, text)| (name, Value::S(text.into())));
        let attributes = key.columns().zip(values.iter().map(Value::from)).chain(composite);
        let attributes = attributes.filter(|(name, _)| key.attributes().any(|attribute| attribute == *name));
        Some(attributes.collect())
    }

    /// Whether every required column has a valid value and at least one of them is not a text column.
    pub fn can_be_item(&self, row: &RawRow<'_>) -> bool {
        let required = || self.schema.columns.iter().enumerate().filter(|(_, column)| column.required);
        required().any(|(_, column)| column.kind != Kind::Text)
            && self.values_of(row, required().map(|(position, _)| position)).is_some()
    }

    /// The values of these columns, if all of them can be read; also for rows that are rejected.
    pub fn values_of<'r>(
        &'r self,
        row: &'r RawRow<'_>,
        columns: impl Iterator<Item = usize>,
    ) -> Option<Vec<BorrowedValue<'r>>> {
        let judge = RowJudge { row, layout: self };
        columns.map(|position| judge.judge_column(position).ok()?).collect()
    }
}

/// Whether the row begins like a row of totals.
pub(super) fn is_total_row(row: &RawRow<'_>) -> bool {
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

struct RowJudge<'a> {
    row: &'a RawRow<'a>,
    layout: &'a Layout<'a>,
}

impl<'a> RowJudge<'a> {
    fn cell(&self, position: usize) -> Option<&'a RawCell<'a>> {
        let (place, _) = self.layout.header().columns[position].as_ref()?;
        self.row.cell(*place)
    }

    /// Recognises rows that clearly aren't items: blank rows, totals, notes and repeated headers.
    fn skip_reason(&self) -> Option<Skip> {
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

    fn judge_column(&self, position: usize) -> Result<Option<BorrowedValue<'a>>, Violation> {
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
            |place: u32| column_at(place).is_some_and(|at| schema.columns[at].kind == Kind::Text && !facts[at].in_key);
        let Doubt { rule, cell, words } = ragged.as_ref()?.doubt(self.row, can_be_cut)?;
        let title = cell.and_then(column_at).map(|at| columns[at].as_ref().map_or("", |(_, title)| title));
        let problem = self.problem_in(title.unwrap_or_default(), cell, Violation { rule, words });
        Some(Problem { column: title.map(str::to_string), ..problem })
    }

    fn judge(&self) -> Result<BorrowedItem<'a>, Vec<Problem>> {
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
            let money = self.cell(position).filter(|_| column.kind == Kind::Money);
            let (currency, others) = if let Some((named, wanted)) = foreign {
                (named.into_owned(), format!("the {} is in {wanted} here", column.title))
            } else if let Some((symbol, named)) = money.and_then(|cell| currency_column.contradicts(cell, self.row)) {
                (symbol.to_string(), format!("its row names {named}"))
            } else {
                continue;
            };
            let words = vec![("currency", currency), ("others", others)];
            problems.push(self.problem(position, Violation { rule: Rule::CurrenciesMixed, words }));
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
                    problems.push(self.problem_in(name, Some(cell.column), Rule::DateOrNumber.into()));
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
                KeyFault::Missing { column } => (column, Rule::KeyMissing.into()),
                KeyFault::ContainsSeparator { column, separator } => {
                    (column, Violation { rule: Rule::KeyHoldsSign, words: vec![("sign", separator.to_string())] })
                }
                KeyFault::TooLong { column, bytes, limit } => {
                    let words = vec![("length", count(bytes as u64)), ("limit", count(limit as u64))];
                    (column, Violation { rule: Rule::KeyTooLong, words })
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
        let words = vec![("length", count(size as u64)), ("limit", count(ITEM_BYTES as u64))];
        (size > ITEM_BYTES).then(|| self.problem(position, Violation { rule: Rule::ItemTooLarge, words }))
    }

    fn problem(&self, position: usize, violation: Violation) -> Problem {
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
        let row = number.to_string();
        // A column that the sheet doesn't have has no cell address.
        let row_only = format!("row {row}");
        let mut words: Vec<(&str, &str)> = vec![
            ("row", &row),
            ("column", title),
            ("cell", address.as_deref().unwrap_or(&row_only)),
            ("value", value.as_deref().unwrap_or_default()),
        ];
        words.extend(violation.words.iter().map(|(place, word)| (*place, word.as_str())));
        Problem {
            sheet: self.layout.sheet.to_string(),
            row: number,
            column: Some(title.to_string()),
            cell: address.clone(),
            value: value.clone(),
            rule: violation.rule,
            message: violation.rule.message(&words),
            advice: violation.rule.advice(&words),
        }
    }
}

/// The text of a row, as much of it as a person needs to find the row.
pub(super) fn row_text(row: &RawRow<'_>) -> String {
    const CHARACTERS: usize = 100;
    let words: Vec<_> = row.cells.iter().map(display_text).filter(|word| !word.is_empty()).take(CHARACTERS).collect();
    let text = words.join(" ");
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
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
        (None, ..) if column.required && !facts.in_key => return Err(Rule::ValueMissing.into()),
        (Some(BorrowedValue::S(text)), _, Some(pattern)) if !pattern.fits(text) => {
            let words = vec![("pattern", pattern.as_str().to_string())];
            return Err(Violation { rule: Rule::PatternDiffers, words });
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
