//! One row and the rules: an item, or every problem the row has, not only the first.

use crate::schema::{Column, Header, KeyFault, Kind, Schema, UnknownColumns, WhenEmpty};
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size};
use inventory_base::message::{Problem, Rule, cell_address, count};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::document::DocumentColumns;
use super::heading::Heading;
use super::lent::{LentItem, LentValue, Names};
use super::ragged::{Doubt, Ragged};
use super::value::{
    Broken, Facts, NamedBeside, Style, is_blank, judge_cell, keep_cell, no_value_in, read_without, shown, warn_of,
};
use super::what_to_do::WhatToDo;
use super::{Kept, KeptCell, Skip, Skipped, Verdict};

/// What DynamoDB takes as one item.
const ITEM_BYTES: usize = 400 * 1024;
/// What a row of sums begins with.
const TOTALS: [&str; 9] =
    ["total", "totals", "grand total", "subtotal", "sub total", "sum", "summe", "gesamt", "zwischensumme"];
/// A cell alone in its row that holds so many words is a note, even in the column of the key.
const WORDS_OF_A_NOTE: usize = 3;
/// Of a value quoted in a message; the whole of it is in the plan.
const QUOTED_CHARACTERS: usize = 60;

/// What is known of a sheet before its rows are judged.
pub(super) struct Layout<'a> {
    pub schema: &'a Schema,
    pub sheet: String,
    heading: Heading,
    /// Whether the cells come from a text file, of themselves or as rows that are sent back.
    as_typed: bool,
    /// By the rules' columns.
    facts: Vec<Facts>,
    /// The columns of the key, by the rules' columns.
    key: Vec<usize>,
    /// The values of a row are by the rules' columns, then those of further attributes.
    names: Names,
    /// The places of the values that are kept of columns that the rules do not know.
    others: Vec<usize>,
    /// Which rows have values in the wrong columns, where that can be told.
    ragged: Option<Ragged>,
    /// The column that names the currency of each row.
    pub currency: Option<NamedBeside>,
    document: DocumentColumns,
}

impl<'a> Layout<'a> {
    /// `styles` is what the columns' own evidence tells, where it was looked for.
    pub fn new(schema: &'a Schema, sheet: &str, heading: Heading, styles: Option<Vec<Style>>) -> Layout<'a> {
        let unknown = if heading.what_to_do.load().is_some() { Style::Alone } else { Style::default() };
        let as_typed = heading.what_to_do.load().is_some();
        let fact = |(position, column): (usize, &Column)| Facts {
            in_key: schema.key.columns().any(|key| key == column.name),
            as_typed,
            style: styles.as_ref().map_or(unknown, |styles| styles[position]),
        };
        let facts = schema.columns.iter().enumerate().map(fact).collect();
        let key = schema.key.columns().filter_map(|column| schema.position(column)).collect();
        let columns = schema.columns.iter().map(|column| column.name.as_str());
        let are_kept = schema.unknown_columns == UnknownColumns::Keep;
        let others = heading.header.others.iter().filter(|_| are_kept).map(|(_, name)| name.as_str());
        let names = Names::new(columns.chain(schema.key.attributes()).chain(others.clone()));
        let others = others.filter_map(|name| names.place(name)).collect();
        let currency = NamedBeside::find(schema, &heading.header);
        let document = DocumentColumns::new(schema, &heading.header);
        let sheet = sheet.to_string();
        Layout { schema, sheet, heading, as_typed, facts, key, names, others, ragged: None, currency, document }
    }

    /// With what its rows together tell of their widths.
    pub fn with_ragged(mut self, ragged: Option<Ragged>) -> Layout<'a> {
        // Only text files have lines that can be ragged.
        if ragged.is_some() {
            self.as_typed = true;
            self.facts.iter_mut().for_each(|facts| facts.as_typed = true);
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

    /// What says that the rows are of another document than a list of stock.
    pub fn document(&self) -> &DocumentColumns {
        &self.document
    }

    /// What is no part of the list, and of no row that is judged.
    pub fn what_to_do(&self) -> &WhatToDo {
        &self.heading.what_to_do
    }

    pub fn judge<'r>(&'r self, row: &'r RawRow<'_>) -> Verdict<LentItem<'r>> {
        let rows = RowJudge { row, layout: self };
        let is_part = || self.ragged.as_ref().is_some_and(|ragged| ragged.is_part(row));
        match rows.recognise().filter(|why| *why != Skip::Note || !is_part()) {
            Some(why) => Verdict::Skipped(Skipped { why, says: says(row) }),
            None => match rows.judge() {
                Ok(item) => Verdict::Accepted(item),
                Err(problems) => Verdict::Rejected(self.keep(row, problems)),
            },
        }
    }

    /// What is to be said about the cells of a row that goes in all the same: at which column, and by which rule.
    pub fn warnings(&self, row: &RawRow<'_>) -> Vec<(usize, Rule)> {
        let judge = RowJudge { row, layout: self };
        let warning =
            |(position, column)| Some((position, warn_of(judge.cell(position)?, column, self.facts[position])?));
        self.schema.columns.iter().enumerate().filter_map(warning).collect()
    }

    /// A row with what other rows and merged cells say about it: the columns concerned, and the rule that each breaks. A
    /// row that has problems of its own is rejected for all of them.
    pub fn judge_again<'r>(&'r self, row: &'r RawRow<'_>, broken: Vec<(usize, Broken)>) -> Verdict<LentItem<'r>> {
        let judge = RowJudge { row, layout: self };
        let told: Vec<Problem> = broken.into_iter().map(|(position, broken)| judge.problem(position, broken)).collect();
        match judge.judge() {
            Ok(item) if told.is_empty() => Verdict::Accepted(item),
            Ok(_) if told.iter().all(|problem| problem.rule == Rule::KeyRepeated) => {
                Verdict::Duplicate(self.keep(row, told))
            }
            Ok(_) => Verdict::Rejected(self.keep(row, told)),
            Err(mut problems) => {
                // A cell that is merged with others is not empty.
                let is_merged = |problem: &Problem| {
                    let mut told = told.iter().filter(|told| told.rule == Rule::ValueMerged);
                    told.any(|told| told.cell == problem.cell && told.column == problem.column)
                };
                problems.retain(|problem| {
                    !matches!(problem.rule, Rule::ValueMissing | Rule::KeyMissing) || !is_merged(problem)
                });
                problems.extend(told);
                Verdict::Rejected(self.keep(row, problems))
            }
        }
    }

    /// The row as it was sent, with what is wrong with it.
    fn keep(&self, row: &RawRow<'_>, problems: Vec<Problem>) -> Kept {
        let keep = |cell: &RawCell<'_>| {
            let kept = keep_cell(cell, row.number);
            let value = self.read_by_column(cell).unwrap_or(kept.value);
            KeptCell { number: self.number_by_column(cell), value, ..kept }
        };
        let key = if problems.iter().any(|problem| problem.rule.is_about_columns()) { None } else { self.key_of(row) };
        Kept { problems, cells: row.cells.iter().map(keep).collect(), key }
    }

    /// What a text is by what its column tells, which other rows would not tell: 40001 for 40001.0.
    fn read_by_column(&self, cell: &RawCell<'_>) -> Option<String> {
        let position = self.position_of(cell)?;
        read_without(cell, &self.schema.columns[position], self.facts[position])
    }

    /// The rules' column that a cell stands in.
    fn position_of(&self, cell: &RawCell<'_>) -> Option<usize> {
        let is_here = |found: &Option<(u32, String)>| found.as_ref().is_some_and(|(place, _)| *place == cell.column);
        self.header().columns.iter().position(is_here)
    }

    /// The number that a text is by what its column tells, where it would be asked about among other rows.
    fn number_by_column(&self, cell: &RawCell<'_>) -> Option<String> {
        if !matches!(cell.value, RawValue::Text(_)) {
            return None;
        }
        let position = self.position_of(cell)?;
        let (column, facts) = (&self.schema.columns[position], self.facts[position]);
        let read = judge_cell(cell, column, facts).ok()?;
        let alone = judge_cell(cell, column, Facts { style: Style::Alone, ..facts });
        match &read {
            Some(number @ LentValue::N(_)) if alone.as_ref() != Ok(&read) => Some(number.text().into_owned()),
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

    /// Whether the row has all that an item must have, and something of it that is more than any text.
    pub fn can_be_item(&self, row: &RawRow<'_>) -> bool {
        let required = || self.schema.columns.iter().enumerate().filter(|(_, column)| column.required);
        required().any(|(_, column)| column.kind != Kind::Text)
            && self.values_of(row, required().map(|(position, _)| position)).is_some()
    }

    /// The values of these columns, where all of them can be read: also of a row that is rejected.
    pub fn values_of<'r>(
        &'r self,
        row: &'r RawRow<'_>,
        columns: impl Iterator<Item = usize>,
    ) -> Option<Vec<LentValue<'r>>> {
        let judge = RowJudge { row, layout: self };
        columns.map(|position| judge.judge_column(position).ok()?).collect()
    }
}

/// Whether the row begins as a row of sums does.
pub(super) fn says_total(row: &RawRow<'_>) -> bool {
    let first = row.cells.iter().find(|cell| !is_blank(cell)).map(shown);
    first.is_some_and(|first| is_total(&first) || starts_total(&first))
}

fn is_total(first: &str) -> bool {
    let word = first.trim_end_matches(|c: char| !c.is_alphanumeric());
    TOTALS.iter().any(|total| word.eq_ignore_ascii_case(total))
}

fn starts_total(first: &str) -> bool {
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

    /// A row that is plainly no item: blanks, a total, a note, the header again.
    fn recognise(&self) -> Option<Skip> {
        let mut filled = self.row.cells.iter().filter(|cell| !is_blank(cell));
        let Some(first) = filled.next().map(shown) else {
            return Some(Skip::Blank);
        };
        let is_alone = filled.next().is_none();
        if self.layout.heading.is_again(self.row) {
            return Some(Skip::Header);
        }
        // What stood above the header could still be an item, in a list of nothing but texts.
        if self.layout.heading.is_above_again(self.row) && self.judge().is_err() {
            return Some(self.layout.heading.above_is());
        }
        let key_given = self.layout.key.iter().any(|column| self.cell(*column).is_some_and(|cell| !is_blank(cell)));
        let says_total = is_total(&first);
        if !key_given {
            return match is_alone {
                _ if says_total || starts_total(&first) => Some(Skip::Total),
                true if !self.shows_error() => Some(Skip::Note),
                _ => None,
            };
        }
        if is_alone && first.split_whitespace().count() >= WORDS_OF_A_NOTE {
            return Some(Skip::Note);
        }
        // A total written into the key's column, with nothing in the columns an item must have of text.
        (says_total && self.judge().is_err()).then_some(Skip::Total)
    }

    /// In a column of the rules. An error there is never passed over; beside them it is as good as a note.
    fn shows_error(&self) -> bool {
        let mut cells = (0..self.layout.schema.columns.len()).filter_map(|position| self.cell(position));
        cells.any(|cell| no_value_in(cell, self.layout.as_typed).is_some())
    }

    fn judge_column(&self, position: usize) -> Result<Option<LentValue<'a>>, Broken> {
        let Layout { schema, facts, .. } = self.layout;
        match self.cell(position) {
            Some(cell) => judge_cell(cell, &schema.columns[position], facts[position]),
            None => Ok(None),
        }
    }

    /// What makes it doubtful that the values are in the right columns.
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
        let problem = self.problem_in(title.unwrap_or_default(), cell, Broken { rule, words });
        Some(Problem { column: title.map(str::to_string), ..problem })
    }

    fn judge(&self) -> Result<LentItem<'a>, Vec<Problem>> {
        let Layout { schema, facts, names, .. } = self.layout;
        if let Some(problem) = self.doubt() {
            return Err(vec![problem]);
        }
        let mut values = vec![None; names.len()];
        let mut problems = Vec::new();
        for ((position, column), value) in schema.columns.iter().enumerate().zip(&mut values) {
            let judged = self.judge_column(position).map(|judged| *value = judged);
            if let Err(broken) = judged.and_then(|()| complete(column, value, facts[position])) {
                problems.push(self.problem(position, broken));
            }
        }
        if let Some(beside) = self.layout.currency {
            self.check_currency(beside, &values, &mut problems);
        }
        self.add_unknown(&mut values, &mut problems);
        match schema.key.complete(|column| values[schema.position(column)?].as_ref().map(LentValue::text)) {
            Ok(composite) => {
                for (name, text) in composite {
                    if let Some(place) = names.place(name) {
                        values[place] = Some(LentValue::S(text.into()));
                    }
                }
            }
            Err(faults) => self.add_key_faults(faults, &mut problems),
        }
        let item = LentItem::new(names, values);
        if problems.is_empty() && item.size_at_most() > ITEM_BYTES {
            problems.extend(self.too_large(&Item::from(&item)));
        }
        if problems.is_empty() { Ok(item) } else { Err(problems) }
    }

    /// Prices whose row names another currency than the rules set.
    /// Whether each price is in the currency that its row names, and that one the currency of the rules.
    fn check_currency(&self, beside: NamedBeside, values: &[Option<LentValue<'_>>], problems: &mut Vec<Problem>) {
        let columns = self.layout.schema.columns.iter().enumerate().zip(values);
        for ((position, column), _) in columns.filter(|(_, value)| value.is_some()) {
            let foreign = column.currency.as_ref().and_then(|wanted| Some((beside.foreign(self.row, wanted)?, wanted)));
            let money = self.cell(position).filter(|_| column.kind == Kind::Money);
            let (currency, others) = if let Some((named, wanted)) = foreign {
                (named.into_owned(), format!("the {} is in {wanted} here", column.title))
            } else if let Some((sign, named)) = money.and_then(|cell| beside.contradicts(cell, self.row)) {
                (sign.to_string(), format!("its row names {named}"))
            } else {
                continue;
            };
            let words = vec![("currency", currency), ("others", others)];
            problems.push(self.problem(position, Broken { rule: Rule::CurrenciesMixed, words }));
        }
    }

    /// Columns that the rules do not know and that are kept, under the names of their headers.
    fn add_unknown(&self, values: &mut [Option<LentValue<'a>>], problems: &mut Vec<Problem>) {
        for ((place, name), of_value) in self.layout.header().others.iter().zip(&self.layout.others) {
            let Some(cell) = self.row.cell(*place) else {
                continue;
            };
            if let Some(broken) = no_value_in(cell, self.layout.as_typed) {
                problems.push(self.problem_in(name, Some(cell.column), broken));
                continue;
            }
            let value = match &cell.value {
                RawValue::DateOrNumber(_) => {
                    problems.push(self.problem_in(name, Some(cell.column), Rule::DateOrNumber.into()));
                    continue;
                }
                RawValue::Bool(said) => LentValue::Bool(*said),
                RawValue::Number(number) if cell.format.is_none() => match Decimal::from_cell(*number) {
                    Ok(number) => LentValue::N(number),
                    Err(_) => LentValue::S(shown(cell)),
                },
                _ => LentValue::S(shown(cell)),
            };
            // What the rules know by that name stands.
            values[*of_value].get_or_insert(value);
        }
    }

    fn add_key_faults(&self, faults: Vec<KeyFault>, problems: &mut Vec<Problem>) {
        for fault in faults {
            let (column, broken) = match fault {
                KeyFault::Missing { column } => (column, Rule::KeyMissing.into()),
                KeyFault::HoldsSign { column, sign } => {
                    (column, Broken { rule: Rule::KeyHoldsSign, words: vec![("sign", sign.to_string())] })
                }
                KeyFault::TooLong { column, bytes, limit } => {
                    let words = vec![("length", count(bytes as u64)), ("limit", count(limit as u64))];
                    (column, Broken { rule: Rule::KeyTooLong, words })
                }
            };
            let Some(position) = self.layout.schema.position(&column) else {
                continue;
            };
            let problem = self.problem(position, broken);
            // A cell that was not understood has said so already.
            let told = problems.iter().any(|other| other.column == problem.column && other.cell == problem.cell);
            if !told || problem.rule != Rule::KeyMissing {
                problems.push(problem);
            }
        }
    }

    fn too_large(&self, item: &Item) -> Option<Problem> {
        let size = item_size(item);
        let longest = item.iter().max_by_key(|(_, value)| value.size()).map(|(name, _)| name);
        let position = longest.and_then(|name| self.layout.schema.position(name)).unwrap_or_default();
        let words = vec![("length", count(size as u64)), ("limit", count(ITEM_BYTES as u64))];
        (size > ITEM_BYTES).then(|| self.problem(position, Broken { rule: Rule::ItemTooLarge, words }))
    }

    fn problem(&self, position: usize, broken: Broken) -> Problem {
        match self.layout.header().columns[position].as_ref() {
            Some((place, title)) => self.problem_in(title, Some(*place), broken),
            None => self.problem_in(&self.layout.schema.columns[position].title, None, broken),
        }
    }

    fn problem_in(&self, title: &str, place: Option<u32>, broken: Broken) -> Problem {
        let number = self.row.number;
        let address = place.map(|place| cell_address(place, number));
        let cell = self.row.cells.iter().find(|cell| Some(cell.column) == place);
        let value = cell.map(|cell| quoted(&shown(cell)));
        let row = number.to_string();
        // A column the sheet does not have has no cell to name.
        let nowhere = format!("row {row}");
        let mut words: Vec<(&str, &str)> = vec![
            ("row", &row),
            ("column", title),
            ("cell", address.as_deref().unwrap_or(&nowhere)),
            ("value", value.as_deref().unwrap_or_default()),
        ];
        words.extend(broken.words.iter().map(|(place, word)| (*place, word.as_str())));
        Problem {
            sheet: self.layout.sheet.to_string(),
            row: number,
            column: Some(title.to_string()),
            cell: address.clone(),
            value: value.clone(),
            rule: broken.rule,
            message: broken.rule.message(&words),
            advice: broken.rule.advice(&words),
        }
    }
}

/// What a row says, as far as a person needs it to find it again.
pub(super) fn says(row: &RawRow<'_>) -> String {
    const CHARACTERS: usize = 100;
    let words: Vec<_> = row.cells.iter().map(shown).filter(|word| !word.is_empty()).take(CHARACTERS).collect();
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

/// What an empty cell means, and the rules that are the same for every type.
fn complete<'a>(column: &'a Column, value: &mut Option<LentValue<'a>>, facts: Facts) -> Result<(), Broken> {
    match (&value, &column.empty, &column.pattern) {
        (None, WhenEmpty::Default(default), _) => *value = LentValue::of(default),
        // A key that is missing is told by the key itself.
        (None, ..) if column.required && !facts.in_key => return Err(Rule::ValueMissing.into()),
        (Some(LentValue::S(text)), _, Some(pattern)) if !pattern.fits(text) => {
            let words = vec![("pattern", pattern.as_str().to_string())];
            return Err(Broken { rule: Rule::PatternDiffers, words });
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
