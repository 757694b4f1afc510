//! One row and the rules: an item, or every problem the row has, not only the first.

use crate::item::{Item, Value, item_size};
use crate::message::{Problem, Rule, cell_address, count};
use crate::schema::{Column, Header, KeyFault, Kind, Schema, UnknownColumns, WhenEmpty};
use crate::workbook::{RawCell, RawRow, RawValue};

use super::heading::Heading;
use super::sheet::says;
use super::value::{Broken, Facts, Style, explain_error, is_blank, judge_cell, keep_cell, shown, warn_of};
use super::{Kept, Skip, Skipped, Verdict};

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
    /// By the rules' columns.
    facts: Vec<Facts>,
}

impl<'a> Layout<'a> {
    /// `styles` is what the columns' own evidence tells, where it was looked for.
    pub fn new(schema: &'a Schema, sheet: &str, heading: Heading, styles: Option<Vec<Style>>) -> Layout<'a> {
        let fact = |(position, column): (usize, &Column)| Facts {
            in_key: schema.key.columns().any(|key| key == column.name),
            style: styles.as_ref().map_or_else(Style::default, |styles| styles[position]),
        };
        let facts = schema.columns.iter().enumerate().map(fact).collect();
        Layout { schema, sheet: sheet.to_string(), heading, facts }
    }

    pub fn header(&self) -> &Header {
        &self.heading.header
    }

    pub fn judge(&self, row: &RawRow<'_>) -> Verdict {
        let rows = RowJudge { row, layout: self };
        match rows.recognise() {
            Some(why) => Verdict::Skipped(Skipped { why, says: says(row) }),
            None => match rows.judge() {
                Ok(item) => Verdict::Accepted(item),
                Err(problems) => Verdict::Rejected(self.keep(row, problems)),
            },
        }
    }

    /// What is to be said about the cells of a row that goes in all the same: at which column, and by which rule.
    pub fn warnings(&self, row: &RawRow<'_>, tells_formats: bool) -> Vec<(usize, Rule)> {
        let judge = RowJudge { row, layout: self };
        let warning = |(position, column)| Some((position, warn_of(judge.cell(position)?, column, tells_formats)?));
        self.schema.columns.iter().enumerate().filter_map(warning).collect()
    }

    /// A row whose value of a column stands in other rows too, which `rows` names; for the key's first column it is the
    /// item that does. One that has problems of its own is rejected for all of them.
    pub fn judge_repeated(&self, row: &RawRow<'_>, repeats: &[(usize, String)]) -> Verdict {
        let judge = RowJudge { row, layout: self };
        let key = self.schema.position(self.schema.key.first_column());
        let repeated = |(position, rows): &(usize, String)| {
            let rule = if Some(*position) == key { Rule::KeyRepeated } else { Rule::ValueRepeated };
            judge.problem(*position, Broken { rule, words: vec![("rows", rows.clone())] })
        };
        let repeated: Vec<Problem> = repeats.iter().map(repeated).collect();
        match judge.judge() {
            Ok(_) if repeated.iter().all(|problem| problem.rule == Rule::KeyRepeated) => {
                Verdict::Duplicate(self.keep(row, repeated))
            }
            Ok(_) => Verdict::Rejected(self.keep(row, repeated)),
            Err(mut problems) => {
                problems.extend(repeated);
                Verdict::Rejected(self.keep(row, problems))
            }
        }
    }

    /// The row as it was sent, with what is wrong with it.
    fn keep(&self, row: &RawRow<'_>, problems: Vec<Problem>) -> Kept {
        let cells = row.cells.iter().map(|cell| keep_cell(cell, row.number)).collect();
        Kept { problems, cells, key: self.key_of(row) }
    }

    fn key_of(&self, row: &RawRow<'_>) -> Option<Item> {
        let key = &self.schema.key;
        let mut item = self.values_of(row, key.columns())?;
        key.complete(&mut item).ok()?;
        item.retain(|name, _| key.attributes().any(|attribute| attribute == name));
        Some(item)
    }

    /// Whether the row has all that an item must have, and something of it that is more than any text.
    pub fn can_be_item(&self, row: &RawRow<'_>) -> bool {
        let required = || self.schema.columns.iter().filter(|column| column.required);
        required().any(|column| column.kind != Kind::Text)
            && self.values_of(row, required().map(|column| column.name.as_str())).is_some()
    }

    /// The values of these columns, where all of them can be read: also of a row that is rejected.
    pub fn values_of<'c>(&self, row: &RawRow<'_>, columns: impl Iterator<Item = &'c str>) -> Option<Item> {
        let judge = RowJudge { row, layout: self };
        let values = columns.map(|name| {
            let position = self.schema.position(name)?;
            let value =
                judge_cell(judge.cell(position)?, &self.schema.columns[position], self.facts[position]).ok()??;
            Some((name.to_string(), value))
        });
        values.collect()
    }
}

struct RowJudge<'a> {
    row: &'a RawRow<'a>,
    layout: &'a Layout<'a>,
}

impl RowJudge<'_> {
    fn cell(&self, position: usize) -> Option<&RawCell<'_>> {
        let (place, _) = self.layout.header().columns[position].as_ref()?;
        self.row.cell(*place)
    }

    /// A row that is plainly no item: blanks, a total, a note, the header again.
    fn recognise(&self) -> Option<Skip> {
        let mut filled = self.row.cells.iter().filter(|cell| !is_blank(cell));
        let Some(first) = filled.next().map(shown) else { return Some(Skip::Blank) };
        let is_alone = filled.next().is_none();
        if self.layout.heading.is_again(self.row) {
            return Some(Skip::Header);
        }
        // What stood above the header could still be an item, in a list of nothing but texts.
        if self.layout.heading.is_above_again(self.row) && self.judge().is_err() {
            return Some(self.layout.heading.above_is());
        }
        let key_given = self.layout.schema.key.columns().any(|key| {
            let cell = self.layout.schema.position(key).and_then(|position| self.cell(position));
            cell.is_some_and(|cell| !is_blank(cell))
        });
        let word = first.trim_end_matches(|c: char| !c.is_alphanumeric());
        let says_total = TOTALS.iter().any(|total| word.eq_ignore_ascii_case(total));
        if !key_given {
            let starts_total = says_total || word.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("total "));
            return match is_alone {
                _ if starts_total => Some(Skip::Total),
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
        cells.any(|cell| matches!(cell.value, RawValue::Error(_) | RawValue::NoResult))
    }

    fn judge(&self) -> Result<Item, Vec<Problem>> {
        let Layout { schema, facts, .. } = self.layout;
        let mut item = Item::new();
        let mut problems = Vec::new();
        for (position, column) in schema.columns.iter().enumerate() {
            let judged = match self.cell(position) {
                Some(cell) => judge_cell(cell, column, facts[position]),
                None => Ok(None),
            };
            match judged.and_then(|value| complete(column, value, facts[position])) {
                Ok(Some(value)) => {
                    item.insert(column.name.clone(), value);
                }
                Ok(None) => {}
                Err(broken) => problems.push(self.problem(position, broken)),
            }
        }
        if schema.unknown_columns == UnknownColumns::Keep {
            self.add_unknown(&mut item, &mut problems);
        }
        if let Err(faults) = schema.key.complete(&mut item) {
            self.add_key_faults(faults, &mut problems);
        }
        if problems.is_empty() && item_size(&item) > ITEM_BYTES {
            problems.push(self.too_large(&item));
        }
        if problems.is_empty() { Ok(item) } else { Err(problems) }
    }

    /// Columns that the rules do not know, under the names of their headers.
    fn add_unknown(&self, item: &mut Item, problems: &mut Vec<Problem>) {
        for (place, name) in &self.layout.header().others {
            let Some(cell) = self.row.cell(*place) else { continue };
            let value = match &cell.value {
                RawValue::Error(error) => {
                    problems.push(self.problem_in(name, Some(cell.column), explain_error(error)));
                    continue;
                }
                RawValue::NoResult => {
                    problems.push(self.problem_in(name, Some(cell.column), Rule::FormulaWithoutResult.into()));
                    continue;
                }
                RawValue::Bool(said) => Value::Bool(*said),
                RawValue::Number(number) if cell.format.is_none() => {
                    match crate::decimal::Decimal::from_cell(*number) {
                        Ok(number) => Value::N(number.to_string()),
                        Err(_) => Value::S(shown(cell).into_owned()),
                    }
                }
                _ => Value::S(shown(cell).into_owned()),
            };
            // What the rules know by that name stands.
            item.entry(name.clone()).or_insert(value);
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
            let Some(position) = self.layout.schema.position(&column) else { continue };
            let problem = self.problem(position, broken);
            // A cell that was not understood has said so already.
            let told = problems.iter().any(|other| other.column == problem.column && other.cell == problem.cell);
            if !told || problem.rule != Rule::KeyMissing {
                problems.push(problem);
            }
        }
    }

    fn too_large(&self, item: &Item) -> Problem {
        let longest = item.iter().max_by_key(|(_, value)| value.size()).map(|(name, _)| name.as_str());
        let position = longest.and_then(|name| self.layout.schema.position(name)).unwrap_or_default();
        let words = vec![("length", count(item_size(item) as u64)), ("limit", count(ITEM_BYTES as u64))];
        self.problem(position, Broken { rule: Rule::ItemTooLarge, words })
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

fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

/// What an empty cell means, and the rules that are the same for every type.
fn complete(column: &Column, value: Option<Value>, facts: Facts) -> Result<Option<Value>, Broken> {
    match value {
        None => match &column.empty {
            WhenEmpty::Default(value) => Ok(Some(value.clone())),
            // A key that is missing is told by the key itself.
            WhenEmpty::Absent | WhenEmpty::Keep if column.required && !facts.in_key => Err(Rule::ValueMissing.into()),
            WhenEmpty::Absent | WhenEmpty::Keep => Ok(None),
        },
        Some(Value::S(text)) => match &column.pattern {
            Some(pattern) if !pattern.fits(&text) => {
                Err(Broken { rule: Rule::PatternDiffers, words: vec![("pattern", pattern.as_str().to_string())] })
            }
            _ => Ok(Some(Value::S(text))),
        },
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::heading::tests::{heading, row};
    use crate::workbook::RawValue;
    use std::borrow::Cow;

    const HEADER: [&str; 5] = ["SKU", "Name", "Quantity", "Price", "Discontinued"];

    /// As a row of a sheet whose first row is the header.
    fn judged_by(schema: &Schema, row: &RawRow<'_>) -> Verdict {
        Layout::new(schema, "Stock", heading(schema, &[&HEADER]), None).judge(row)
    }

    fn judged(texts: &[&str]) -> Verdict {
        judged_by(&Schema::shipped().unwrap(), &row(1014, texts))
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
        let skipped = |why, says: &str| Verdict::Skipped(Skipped { why, says: says.to_string() });
        assert_eq!(judged(&["", "Total", "512"]), skipped(Skip::Total, "Total 512"));
        assert_eq!(judged(&["Total:", "", "512"]), skipped(Skip::Total, "Total: 512"));
        assert_eq!(judged(&["", "counted by Ann"]), skipped(Skip::Note, "counted by Ann"));
        let note = "Damaged goods are in the cage.";
        assert_eq!(judged(&[note]), skipped(Skip::Note, note));
        assert_eq!(problems(&["A 17"])[0].rule, Rule::ValueMissing);
        assert!(matches!(judged(&HEADER), Verdict::Skipped(Skipped { why: Skip::Header, .. })));
    }

    #[test]
    fn a_row_of_blanks_is_a_blank_row_and_blanks_beside_a_note_do_not_make_it_an_item() {
        let skipped = |why, says: &str| Verdict::Skipped(Skipped { why, says: says.to_string() });
        for blanks in [&[" "][..], &["", " \u{a0}"], &["\u{200b}", "\t", "\u{feff} ", "\u{2003}"]] {
            assert_eq!(judged(blanks), skipped(Skip::Blank, ""), "{blanks:?}");
        }
        assert_eq!(judged(&[" ", "counted by Ann", "\u{a0}"]), skipped(Skip::Note, "counted by Ann"));
        assert_eq!(judged(&[" ", "Total", "512"]), skipped(Skip::Total, "Total 512"));
        assert_eq!(problems(&[" ", "Bolt", "5"])[0].rule, Rule::KeyMissing);
        let number = RawCell { column: 7, value: RawValue::Number(0.0), format: None };
        let mut row = row(2, &[" "]);
        row.cells.push(number);
        assert_eq!(judged_by(&Schema::shipped().unwrap(), &row), skipped(Skip::Note, "0"));
    }

    #[test]
    fn both_rows_of_a_header_are_known_again_at_the_top_of_each_page() {
        let schema = Schema::shipped().unwrap();
        let (upper, lower) = (["Item", "Item", "", "Reorder", "Last"], ["SKU", "Name", "Qty", "level", "counted"]);
        let layout = Layout::new(&schema, "Stock", heading(&schema, &[&upper, &lower]), None);
        let why = |texts: &[&str]| match layout.judge(&row(40, texts)) {
            Verdict::Skipped(skipped) => Some(skipped.why),
            _ => None,
        };
        assert_eq!((why(&upper), why(&lower)), (Some(Skip::Header), Some(Skip::Header)));
        assert_eq!(why(&["SKU", "Name", "Qty", "level", "counted", "Page 2"]), Some(Skip::Header));
        // One cell more, less or other, and it may be an item with mistakes, which are told.
        for row in [
            &["Item", "Item", "5", "Reorder", "Last"][..],
            &["Item", "Item", "", "Reorder"],
            &["Item", "item", "", "Reorder", "Last"],
            &["Item", "Item", "", "Reorder", "Last", "Page 2"],
            &["SKU", "Name", "5", "level", "counted"],
        ] {
            assert_eq!(why(row), None, "{row:?}");
        }
    }

    #[test]
    fn a_row_above_the_header_is_known_again_unless_it_could_be_an_item() {
        let schema = Schema::shipped().unwrap();
        let why = |schema: &Schema, above: &[&str]| {
            let layout = Layout::new(schema, "Stock", heading(schema, &[above, &["SKU", "Name", "Qty"]]), None);
            match layout.judge(&row(40, above)) {
                Verdict::Skipped(skipped) => Some(skipped.why),
                _ => None,
            }
        };
        assert_eq!(why(&schema, &["Leeds", "Goods", "Stock"]), Some(Skip::Title));
        assert_eq!(why(&schema, &["A-17", "Bolt", "5"]), None);
        // The number of an item and nothing else: what is missing is told.
        assert_eq!(why(&schema, &["A-17"]), None);
    }

    #[test]
    fn an_error_in_a_column_of_the_rules_is_told_and_beside_them_it_is_a_note() {
        let error = |column, text| RawCell { column, value: RawValue::Error(Cow::Borrowed(text)), format: None };
        let schema = Schema::from_toml(
            &include_str!("../../inventory.toml").replace("unknown_columns = \"ignore\"", "unknown_columns = \"keep\""),
        )
        .unwrap();
        let header: Vec<&str> = HEADER.into_iter().chain(["Remark"]).collect();
        let layout = Layout::new(&schema, "Stock", heading(&schema, &[&header]), None);
        let judge = |cells| layout.judge(&RawRow { number: 9, cells });
        let told = |verdict| match verdict {
            Verdict::Rejected(Kept { problems, .. }) => {
                problems.into_iter().map(|problem| (problem.rule.id(), problem.message)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        // Alone in its row: in the column of the key, and in another one.
        for (column, beginning) in [(0, "SKU in A9 shows #N/A: "), (3, "Price in D9 shows #N/A: ")] {
            let told = told(judge(vec![error(column, "#N/A")]));
            assert!(
                told.iter().any(|(rule, said)| *rule == "cell-shows-error" && said.starts_with(beginning)),
                "{told:?}"
            );
        }
        let beside = judge(vec![error(7, "#DIV/0!")]);
        assert_eq!(beside, Verdict::Skipped(Skipped { why: Skip::Note, says: "#DIV/0!".into() }));
        // A column that is kept although the rules do not know it gets no error for a value.
        let mut item = row(9, &["A", "Bolt", "5"]).cells;
        item.push(error(5, "#REF!"));
        assert_eq!(
            told(judge(item)),
            [(
                "cell-shows-error",
                "Remark in F9 shows #REF!: the formula there points to a cell that is gone.".to_string()
            )]
        );
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
        let long = "x".repeat(2049);
        let Verdict::Rejected(kept) = judged_by(&schema, &row(2, &[&long, "Bolt", "5"])) else {
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
        let long = "x".repeat(ITEM_BYTES);
        let Verdict::Rejected(kept) = judged_by(&schema, &row(2, &["A", &long, "5"])) else { panic!("not rejected") };
        assert_eq!((kept.problems[0].rule, kept.problems[0].cell.as_deref()), (Rule::ItemTooLarge, Some("B2")));
    }
}
