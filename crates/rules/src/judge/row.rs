//! Judges one row by the rules: an item, or all problems of the row, not only the first.

mod row_judge;

use crate::cell::{BorrowedValue, Style, Violation, display_text};
use crate::schema::{Column, ColumnFacts, Header, Schema, UnknownColumns};
use inventory_base::item::{Item, Value};
use inventory_base::message::{Problem, Rule};
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::borrowed::{AttributeNames, BorrowedItem};
use super::document::DocumentColumns;
use super::heading::Heading;
use super::ragged::Ragged;
use super::value::{CurrencyColumn, Warning, judge_cell, keep_cell, read_without_addition, warn_of};
use super::what_to_do::WhatToDoColumns;
use super::{OriginalCell, RejectedRow, Skip, Skipped, Verdict};

use row_judge::RowJudge;
pub(super) use row_judge::is_total_row;

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
    pub fn warnings(&self, row: &RawRow<'_>) -> Vec<(usize, Warning)> {
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
        required().any(|(_, column)| !column.kind.is_free_text)
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

#[cfg(test)]
mod tests;
