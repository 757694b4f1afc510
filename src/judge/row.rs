//! One row and the rules: an item, or every problem the row has, not only the first.

use crate::item::{Item, Value, item_size};
use crate::message::{Problem, Rule, cell_address, count};
use crate::schema::{Column, Header, Schema};
use crate::workbook::{RawCell, RawRow};

use super::cell::{Broken, judge_cell, keep_cell, shown, trim};
use super::{Kept, Skip, Verdict};

/// What DynamoDB takes as a partition key and as a sort key.
const PARTITION_KEY_BYTES: usize = 2048;
const SORT_KEY_BYTES: usize = 1024;
/// What DynamoDB takes as one item.
const ITEM_BYTES: usize = 400 * 1024;
/// A cell alone in its row that holds so many words is a note, even in the column of the key.
const WORDS_OF_A_NOTE: usize = 3;
/// Of a value quoted in a message; the whole of it is in the plan.
const QUOTED_CHARACTERS: usize = 60;

pub(super) fn judge_row(row: &RawRow<'_>, header: &Header, schema: &Schema, sheet: &str) -> Verdict {
    let rows = RowJudge { row, header, schema, sheet };
    match rows.recognise() {
        Some(skip) => Verdict::Skipped(skip),
        None => match rows.judge() {
            Ok(item) => Verdict::Accepted(item),
            Err(problems) => Verdict::Rejected(keep(row, problems)),
        },
    }
}

/// The row as it was sent, with what is wrong with it.
pub(super) fn keep(row: &RawRow<'_>, problems: Vec<Problem>) -> Kept {
    Kept { problems, cells: row.cells.iter().map(|cell| keep_cell(cell, row.number)).collect() }
}

/// A row whose item stands in other rows too. One that has problems of its own is rejected for all of them.
pub(super) fn judge_repeated(row: &RawRow<'_>, header: &Header, schema: &Schema, sheet: &str, rows: &str) -> Verdict {
    let judge = RowJudge { row, header, schema, sheet };
    let position = schema.position(&schema.key.partition).unwrap_or_default();
    let repeated = judge.problem(position, Broken { rule: Rule::KeyRepeated, words: vec![("rows", rows.to_string())] });
    match judge.judge() {
        Ok(_) => Verdict::Duplicate(keep(row, vec![repeated])),
        Err(mut problems) => {
            problems.push(repeated);
            Verdict::Rejected(keep(row, problems))
        }
    }
}

/// The key of a row that was taken for an item, where all of it can be read: also of one that is rejected.
pub(super) fn key_of(row: &RawRow<'_>, header: &Header, schema: &Schema) -> Option<Item> {
    let judge = RowJudge { row, header, schema, sheet: "" };
    let values = schema.key.columns().map(|name| {
        let position = schema.position(name)?;
        let value = judge_cell(judge.cell(position)?, &schema.columns[position]).ok()??;
        Some((name.to_string(), value))
    });
    values.collect()
}

struct RowJudge<'a> {
    row: &'a RawRow<'a>,
    header: &'a Header,
    schema: &'a Schema,
    sheet: &'a str,
}

impl RowJudge<'_> {
    fn cell(&self, position: usize) -> Option<&RawCell<'_>> {
        let (place, _) = self.header.columns[position].as_ref()?;
        self.row.cells.iter().find(|cell| cell.column == *place)
    }

    /// A row that is plainly no item: a total, a note, the header again.
    fn recognise(&self) -> Option<Skip> {
        let key_given = self.schema.key.columns().any(|key| {
            let cell = self.schema.position(key).and_then(|position| self.cell(position));
            cell.is_some_and(|cell| !trim(&shown(cell)).is_empty())
        });
        let first = self.row.cells.first().map(shown).unwrap_or_default();
        let word = first.trim_end_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let says_total = matches!(
            word.as_str(),
            "total"
                | "totals"
                | "grand total"
                | "subtotal"
                | "sub total"
                | "sum"
                | "summe"
                | "gesamt"
                | "zwischensumme"
        );
        if !key_given {
            let starts_total = says_total || word.starts_with("total ");
            return match self.row.cells.len() {
                _ if starts_total => Some(Skip::Total),
                1 => Some(Skip::Note),
                _ => None,
            };
        }
        if self.row.cells.len() == 1 && first.split_whitespace().count() >= WORDS_OF_A_NOTE {
            return Some(Skip::Note);
        }
        // A total written into the key's column, with nothing in the columns an item must have of text.
        if says_total && self.judge().is_err() {
            return Some(Skip::Total);
        }
        self.is_header_again().then_some(Skip::Header)
    }

    fn is_header_again(&self) -> bool {
        let mut matched = 0;
        for (position, column) in self.header.columns.iter().enumerate() {
            let Some((_, name)) = column else { continue };
            match self.cell(position) {
                Some(cell) if shown(cell) == name.as_str() => matched += 1,
                _ => return false,
            }
        }
        matched > 1
    }

    fn judge(&self) -> Result<Item, Vec<Problem>> {
        let mut item = Item::new();
        let mut problems = Vec::new();
        for (position, column) in self.schema.columns.iter().enumerate() {
            let judged = match self.cell(position) {
                Some(cell) => judge_cell(cell, column),
                None => Ok(None),
            };
            match judged.and_then(|value| self.complete(column, value)) {
                Ok(Some(value)) => {
                    item.insert(column.name.clone(), value);
                }
                Ok(None) => {}
                Err(broken) => problems.push(self.problem(position, broken)),
            }
        }
        if problems.is_empty() && item_size(&item) > ITEM_BYTES {
            problems.push(self.too_large(&item));
        }
        if problems.is_empty() { Ok(item) } else { Err(problems) }
    }

    /// What an empty cell means, and what a key must be.
    fn complete(&self, column: &Column, value: Option<Value>) -> Result<Option<Value>, Broken> {
        let is_partition = column.name == self.schema.key.partition;
        let is_sort = self.schema.key.sort.as_ref() == Some(&column.name);
        match value {
            None if is_partition || is_sort => Err(Rule::KeyMissing.into()),
            None if column.required => Err(Rule::ValueMissing.into()),
            Some(Value::S(text)) if is_partition || is_sort => {
                let limit = if is_partition { PARTITION_KEY_BYTES } else { SORT_KEY_BYTES };
                if text.len() > limit {
                    let words = vec![("length", count(text.len() as u64)), ("limit", count(limit as u64))];
                    return Err(Broken { rule: Rule::KeyTooLong, words });
                }
                Ok(Some(Value::S(text)))
            }
            value => Ok(value),
        }
    }

    fn too_large(&self, item: &Item) -> Problem {
        let longest = item.iter().max_by_key(|(_, value)| value.size()).map(|(name, _)| name.as_str());
        let position = longest.and_then(|name| self.schema.position(name)).unwrap_or_default();
        let words = vec![("length", count(item_size(item) as u64)), ("limit", count(ITEM_BYTES as u64))];
        self.problem(position, Broken { rule: Rule::ItemTooLarge, words })
    }

    fn problem(&self, position: usize, broken: Broken) -> Problem {
        let column = &self.schema.columns[position];
        let number = self.row.number;
        let found = self.header.columns[position].as_ref();
        let title = found.map_or(column.title.as_str(), |(_, title)| title.as_str());
        let address = found.map(|(place, _)| cell_address(*place, number));
        let value = self.cell(position).map(|cell| quoted(&shown(cell)));
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
            sheet: self.sheet.to_string(),
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

fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbook::RawValue;
    use std::borrow::Cow;

    const HEADER: [&str; 5] = ["SKU", "Name", "Quantity", "Price", "Discontinued"];

    fn row<'a>(number: u32, texts: &[&'a str]) -> RawRow<'a> {
        let cells = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
        let cell = |(column, text): (usize, &&'a str)| RawCell {
            column: column as u32,
            value: RawValue::Text(Cow::Borrowed(text)),
            format: None,
        };
        RawRow { number, cells: cells.map(cell).collect() }
    }

    fn judged(texts: &[&str]) -> Verdict {
        let schema = Schema::shipped().unwrap();
        let names: Vec<(u32, &str)> = HEADER.iter().enumerate().map(|(i, name)| (i as u32, *name)).collect();
        let header = schema.match_header(1, &names).unwrap();
        judge_row(&row(1014, texts), &header, &schema, "Stock")
    }

    fn problems(texts: &[&str]) -> Vec<Problem> {
        match judged(texts) {
            Verdict::Rejected(kept) => kept.problems,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_good_row_is_an_item() {
        let Verdict::Accepted(item) = judged(&["00123", "Bolt", "5", "19.990", "no"]) else { panic!("not accepted") };
        let text = r#"{"discontinued":{"BOOL":false},"name":{"S":"Bolt"},"quantity":{"N":"5"},"sku":{"S":"00123"},"unit_price":{"N":"19.99"}}"#;
        assert_eq!(serde_json::to_string(&item).unwrap(), text);
    }

    #[test]
    fn all_problems_of_a_row_are_told_with_their_place() {
        let problems = problems(&["A-1", "", "many", "12,5", "perhaps"]);
        let told: Vec<_> = problems.iter().map(|p| (p.rule.id(), p.cell.as_deref().unwrap())).collect();
        assert_eq!(
            told,
            [
                ("value-missing", "B1014"),
                ("whole-number-expected", "C1014"),
                ("point-expected", "D1014"),
                ("yes-or-no-expected", "E1014"),
            ]
        );
        assert_eq!(problems[2].message, "Price in D1014 is \"12,5\", with a comma where a point was expected.");
        assert_eq!(problems[2].advice, "Type it as 12.5. Row 1014 was left out.");
        assert_eq!(problems[2].column.as_deref(), Some("Price"));
        for problem in problems {
            assert!(!problem.message.contains('{') && !problem.advice.contains('{'), "{problem:?}");
        }
    }

    #[test]
    fn a_row_without_its_key_is_rejected_unless_it_is_plainly_no_item() {
        assert_eq!(problems(&["", "Bolt", "5"])[0].rule, Rule::KeyMissing);
        assert_eq!(judged(&["", "Total", "512"]), Verdict::Skipped(Skip::Total));
        assert_eq!(judged(&["Total:", "", "512"]), Verdict::Skipped(Skip::Total));
        assert_eq!(judged(&["", "counted by Ann"]), Verdict::Skipped(Skip::Note));
        assert_eq!(judged(&["Damaged goods are in the cage."]), Verdict::Skipped(Skip::Note));
        assert_eq!(problems(&["A 17"])[0].rule, Rule::ValueMissing);
        assert_eq!(judged(&HEADER), Verdict::Skipped(Skip::Header));
    }

    #[test]
    fn an_item_called_total_is_an_item() {
        assert!(matches!(judged(&["Total", "Cleaner, brand Total", "5"]), Verdict::Accepted(_)));
    }

    #[test]
    fn what_dynamodb_would_refuse_is_found_here() {
        assert_eq!(problems(&["A", &"x".repeat(2000), "5"])[0].rule, Rule::TextTooLong);
        let schema =
            Schema::from_toml(&include_str!("../../inventory.toml").replace("max_length = 128\n", "")).unwrap();
        let names: Vec<(u32, &str)> = HEADER.iter().enumerate().map(|(i, name)| (i as u32, *name)).collect();
        let header = schema.match_header(1, &names).unwrap();
        let long = "x".repeat(2049);
        let Verdict::Rejected(kept) = judge_row(&row(2, &[&long, "Bolt", "5"]), &header, &schema, "Stock") else {
            panic!("not rejected")
        };
        assert_eq!(kept.problems[0].rule, Rule::KeyTooLong);
        assert!(kept.problems[0].value.as_ref().unwrap().chars().count() <= QUOTED_CHARACTERS + 1);
        assert_eq!(kept.cells[0].value, long);
    }

    #[test]
    fn an_item_over_the_tables_limit_names_its_longest_column() {
        let toml = include_str!("../../inventory.toml").replace("max_length = 1000\n", "");
        let schema = Schema::from_toml(&toml).unwrap();
        let names: Vec<(u32, &str)> = HEADER.iter().enumerate().map(|(i, name)| (i as u32, *name)).collect();
        let header = schema.match_header(1, &names).unwrap();
        let long = "x".repeat(ITEM_BYTES);
        let Verdict::Rejected(kept) = judge_row(&row(2, &["A", &long, "5"]), &header, &schema, "Stock") else {
            panic!("not rejected")
        };
        assert_eq!((kept.problems[0].rule, kept.problems[0].cell.as_deref()), (Rule::ItemTooLarge, Some("B2")));
    }
}
