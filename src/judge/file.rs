//! The way through a whole file: sheet after sheet, then the items that stand in more than one row.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::message::{Note, Refusal, Rule, cell_address, column_letters, count};
use crate::schema::{Duplicates, Header, Schema, UnknownColumns, canonical_name};
use crate::workbook::{RawRow, Sheet, Workbook};

use super::batch::read_rows;
use super::duplicates::{Group, Seen};
use super::row::Layout;
use super::sheet::{HEADER_SEARCH_ROWS, SheetPass};
use super::value::{Evidence, Style, shown};
use super::{JudgeError, Place, Skip, Verdict};

/// Rows named in the message of a repeated item; more are counted.
const ROWS_NAMED: usize = 10;
/// Fewer items that stand in two sheets are told row by row.
const SAME_ITEMS_AT_LEAST: u64 = 10;
/// Cells quoted from the header that came nearest.
const HEADER_CELLS_QUOTED: usize = 8;

/// What became of a file as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRead {
    pub sheets: Vec<SheetRead>,
    /// What she should know beyond rows and sheets.
    #[serde(default)]
    pub notes: Vec<Note>,
}

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

pub(super) type Emit<'a> = &'a mut dyn FnMut(Place, Verdict) -> std::io::Result<()>;

/// Judges one file by one set of rules.
pub struct Judge<'a> {
    pub(super) schema: &'a Schema,
    layouts: Vec<Option<Layout<'a>>>,
    /// By sheet, where the columns' own evidence was looked for.
    styles: Vec<Option<Vec<Style>>>,
    repeats: Vec<Repeats>,
    nearest: Option<Nearest>,
    /// Rows that were taken for items, by sheet.
    items: Vec<u64>,
    notes: Vec<Note>,
    /// Whether a number comes with the format it is shown by.
    tells_formats: bool,
    /// By sheet, column and rule.
    warned: BTreeSet<(u16, usize, Rule)>,
}

/// What may stand in one row only: the key, or a column that is unique.
struct Repeats {
    /// The column a problem is told at.
    position: usize,
    columns: Vec<String>,
    seen: Seen,
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
        let once = |position, columns| Repeats { position, columns, seen: Seen::default() };
        let key = schema.key.columns().map(str::to_string).collect();
        let mut repeats = vec![once(schema.position(schema.key.first_column()).unwrap_or_default(), key)];
        let unique = schema.columns.iter().enumerate().filter(|(_, column)| column.unique);
        repeats.extend(unique.map(|(position, column)| once(position, vec![column.name.clone()])));
        Judge {
            schema,
            layouts: Vec::new(),
            styles: Vec::new(),
            repeats,
            nearest: None,
            items: Vec::new(),
            notes: Vec::new(),
            tells_formats: true,
            warned: BTreeSet::new(),
        }
    }

    /// Every row of every sheet gets its verdict, in order. A row accepted here may still turn out to be a duplicate.
    pub fn judge_file(&mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<FileRead, JudgeError> {
        let sheets = workbook.sheets().to_vec();
        self.check_pinned_sheet(&sheets)?;
        self.tells_formats = workbook.tells_formats();
        self.notes.extend_from_slice(workbook.notes());
        let mut read = Vec::with_capacity(sheets.len());
        for (index, sheet) in sheets.iter().enumerate() {
            let Ok(number) = u16::try_from(index) else { break };
            self.items.push(0);
            let styles = if workbook.is_text() { self.look_for_evidence(workbook, index)? } else { None };
            self.styles.push(styles);
            let mut pass = SheetPass::new(self, number, &sheet.name, emit);
            if !sheet.visible {
                pass.pass_over(Skip::HiddenSheet);
            } else if pass.is_not_wanted() {
                pass.pass_over(Skip::OtherSheet);
            }
            let notes_before = workbook.notes().len();
            read_rows(workbook, index, &mut |row| pass.take_row(row))?;
            let (layout, skipped) = pass.finish()?;
            if layout.is_some() {
                // What is said of hidden rows is that they were loaded.
                self.notes.extend_from_slice(&workbook.notes()[notes_before..]);
            }
            read.push(self.describe(&sheet.name, layout.as_ref(), skipped));
            self.layouts.push(layout);
        }
        match read.iter().find_map(|sheet| Some((sheet, sheet.header_row?))) {
            None => Err(self.refuse_without_header().into()),
            Some((sheet, row)) if self.items.iter().all(|items| *items == 0) => {
                let row = row.to_string();
                Err(Refusal::new(Rule::NoItems, &[("sheet", sheet.name.as_str()), ("row", &row)]).into())
            }
            Some(_) => Ok(FileRead { sheets: read, notes: std::mem::take(&mut self.notes) }),
        }
    }

    fn check_pinned_sheet(&self, sheets: &[Sheet]) -> Result<(), Refusal> {
        let Some(wanted) = &self.schema.sheet else { return Ok(()) };
        if sheets.iter().any(|sheet| sheet.visible && same_name(&sheet.name, wanted)) {
            return Ok(());
        }
        let found: Vec<String> = sheets.iter().map(|sheet| format!("\"{}\"", sheet.name)).collect();
        Err(Refusal::new(Rule::SheetMissing, &[("sheet", wanted), ("found", &found.join(", "))]))
    }

    /// Reads a sheet of texts once more, and before: whether 1.234 is more than a thousand, its whole column tells.
    fn look_for_evidence(&self, workbook: &mut Workbook, sheet: usize) -> Result<Option<Vec<Style>>, JudgeError> {
        let mut evidence = Evidence::new(self.schema);
        let mut header: Option<Header> = None;
        let mut searched = 0;
        workbook.visit_rows(sheet, &mut |row| {
            match &header {
                Some(header) => evidence.note_row(row, header),
                None if searched >= HEADER_SEARCH_ROWS => return ControlFlow::Break(()),
                None => {
                    let texts: Vec<_> = row.cells.iter().map(|cell| (cell.column, shown(cell))).collect();
                    let texts: Vec<(u32, &str)> = texts.iter().map(|(place, text)| (*place, text.as_ref())).collect();
                    header = self.schema.match_header(row.number, &texts).ok();
                    searched += 1;
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(header.map(|_| evidence.decide()))
    }

    /// What is known of a sheet once its header is found.
    pub(super) fn lay_out(&mut self, sheet: u16, name: &str, header: Header) -> Result<Layout<'a>, Refusal> {
        if !header.others.is_empty() {
            let others: Vec<String> = header
                .others
                .iter()
                .take(HEADER_CELLS_QUOTED)
                .map(|(place, title)| format!("\"{title}\" ({})", column_letters(*place)))
                .collect();
            let words = [("sheet", name), ("columns", &others.join(", "))];
            match self.schema.unknown_columns {
                UnknownColumns::Keep => {}
                UnknownColumns::Ignore => self.notes.push(Note::new(Rule::ColumnsNotKnown, &words)),
                UnknownColumns::Reject => return Err(Refusal::new(Rule::ColumnsNotAllowed, &words)),
            }
        }
        let styles = self.styles.get(usize::from(sheet)).cloned().flatten();
        Ok(Layout::new(self.schema, name, header, styles))
    }

    /// Remembers what may stand in one row only. A rejected row counts too: which of the two is right, nobody knows but
    /// her.
    pub(super) fn note(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, verdict: &Verdict) {
        if matches!(verdict, Verdict::Skipped(_)) {
            return;
        }
        self.items[usize::from(place.0)] += 1;
        if matches!(verdict, Verdict::Accepted(_)) {
            for (position, rule) in layout.warnings(row, self.tells_formats) {
                self.warn(place, row, layout, position, rule);
            }
        }
        for repeats in &mut self.repeats {
            let values = match verdict {
                Verdict::Accepted(item) => Some(Cow::Borrowed(item)),
                _ => layout.values_of(row, repeats.columns.iter().map(String::as_str)).map(Cow::Owned),
            };
            if let Some(values) = values.filter(|values| repeats.columns.iter().any(|name| values.contains_key(name))) {
                repeats.seen.note(place, &values, &repeats.columns);
            }
        }
    }

    /// Says the first warning of its kind.
    fn warn(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, position: usize, rule: Rule) {
        if !self.warned.insert((place.0, position, rule)) {
            return;
        }
        let Some((column, title)) = &layout.header.columns[position] else { return };
        let cell = cell_address(*column, row.number);
        let value = row.cells.iter().find(|cell| cell.column == *column).map(shown).unwrap_or_default();
        let words = [("column", title.as_str()), ("cell", &cell), ("number", &value), ("sheet", &layout.sheet)];
        self.notes.push(Note::new(rule, &words));
    }

    /// The second way through the file, taken only when something stands in several rows: these rows as they were sent.
    pub fn judge_duplicates(mut self, workbook: &mut Workbook, emit: Emit<'_>) -> Result<(), JudgeError> {
        let sheets = workbook.sheets().to_vec();
        let repeats = std::mem::take(&mut self.repeats);
        let mut groups: Vec<(usize, Group)> = Vec::new();
        for (number, Repeats { position, seen, .. }) in repeats.into_iter().enumerate() {
            let found = seen.into_groups();
            if number == 0
                && let Some(refusal) = self.refuse_repeated_sheets(&found, &sheets)
            {
                return Err(refusal.into());
            }
            groups.extend(found.into_iter().map(|group| (position, group)));
        }
        let key = self.schema.position(self.schema.key.first_column());
        let mut told: Vec<(Place, &(usize, Group))> = Vec::new();
        for group in &groups {
            let kept = match self.schema.duplicates {
                Duplicates::Last if Some(group.0) == key => group.1.last(),
                Duplicates::First if Some(group.0) == key => group.1.first(),
                _ => None,
            };
            told.extend(group.1.iter().filter(|place| Some(*place) != kept).map(|place| (*place, group)));
        }
        if told.is_empty() {
            return Ok(());
        }
        told.sort_by_key(|(place, _)| *place);
        let mut told = told.into_iter().peekable();
        for (index, layout) in self.layouts.iter().enumerate() {
            let Some(layout) = layout else { continue };
            read_rows(workbook, index, &mut |row| {
                let place = Place(index as u16, row.number);
                let mut repeats = Vec::new();
                while let Some((_, (position, group))) = told.next_if(|(wanted, _)| *wanted == place) {
                    repeats.push((*position, name_rows(group, place.0, &sheets)));
                }
                if repeats.is_empty() {
                    return Ok(());
                }
                Ok(emit(place, layout.judge_repeated(row, &repeats))?)
            })?;
        }
        Ok(())
    }

    /// Last quarter's sheet left in the book would make every item a duplicate. That is one mistake, not thousands.
    fn refuse_repeated_sheets(&self, groups: &[Group], sheets: &[Sheet]) -> Option<Refusal> {
        let mut shared: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for group in groups {
            let mut of_sheets: Vec<u16> = group.iter().map(|place| place.0).collect();
            of_sheets.dedup();
            for (i, first) in of_sheets.iter().enumerate() {
                for second in &of_sheets[i + 1..] {
                    *shared.entry((*first, *second)).or_default() += 1;
                }
            }
        }
        let items = |sheet: u16| self.items.get(usize::from(sheet)).copied().unwrap_or_default();
        let ((first, second), same) = shared.into_iter().find(|((first, second), same)| {
            *same >= SAME_ITEMS_AT_LEAST && same * 2 > items(*first).min(items(*second))
        })?;
        let name = |sheet: u16| sheets.get(usize::from(sheet)).map_or("", |sheet| sheet.name.as_str());
        let words = [("first", name(first)), ("second", name(second)), ("same", &count(same))];
        Some(Refusal::new(Rule::SheetsRepeatItems, &words))
    }

    fn describe(&self, name: &str, layout: Option<&Layout<'_>>, skipped: Option<Skip>) -> SheetRead {
        let header = layout.map(|layout| &layout.header);
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
        let key = self.schema.position(self.schema.key.first_column()).unwrap_or_default();
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

    pub(super) fn note_nearest(&mut self, sheet: &str, row: &RawRow<'_>, known: usize) {
        if known == 0 || self.nearest.as_ref().is_some_and(|nearest| nearest.known >= known) {
            return;
        }
        let quoted: Vec<String> =
            row.cells.iter().take(HEADER_CELLS_QUOTED).map(|cell| format!("\"{}\"", shown(cell))).collect();
        self.nearest = Some(Nearest { sheet: sheet.to_string(), row: row.number, known, found: quoted.join(", ") });
    }
}

fn same_name(one: &str, other: &str) -> bool {
    canonical_name(one) == canonical_name(other)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Skipped;
    use crate::workbook::Budget;
    use std::io::{Seek, Write};

    /// By the shipped rules with a change to their text.
    fn judged_by(
        content: &[u8],
        change: impl Fn(String) -> String,
    ) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
        let schema = Schema::from_toml(&change(include_str!("../../inventory.toml").to_string())).unwrap();
        judged_with(content, &schema)
    }

    /// The last verdict of each row, and what was said of the sheets.
    fn judged(content: &[u8]) -> Result<(BTreeMap<u32, Verdict>, Vec<SheetRead>), JudgeError> {
        let (verdicts, file) = judged_with(content, &Schema::shipped().unwrap())?;
        Ok((verdicts, file.sheets))
    }

    fn judged_with(content: &[u8], schema: &Schema) -> Result<(BTreeMap<u32, Verdict>, FileRead), JudgeError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let mut workbook = Workbook::open(file, "Stock.csv", Budget::default())?;
        let mut verdicts = BTreeMap::new();
        let mut judge = Judge::new(schema);
        let mut emit = |place: Place, verdict| {
            verdicts.insert(place.1, verdict);
            Ok(())
        };
        let read = judge.judge_file(&mut workbook, &mut emit)?;
        judge.judge_duplicates(&mut workbook, &mut emit)?;
        Ok((verdicts, read))
    }

    fn refused(content: &[u8]) -> Refusal {
        match judged(content) {
            Err(JudgeError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn skipped(why: Skip, says: &str) -> Verdict {
        Verdict::Skipped(Skipped { why, says: says.to_string() })
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
        assert_eq!(verdicts[&1], skipped(Skip::Title, "Stock of Q3"));
        assert_eq!(verdicts[&3], skipped(Skip::Header, "SKU Qty Name"));
        assert!(matches!(verdicts[&4], Verdict::Accepted(_)));
        assert_eq!(verdicts[&5], skipped(Skip::Note, "counted by Ann"));
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

    #[test]
    fn a_header_may_stand_in_two_rows() {
        let (verdicts, sheets) = judged(b"Stock,,,\nItem,,Unit,Name\nnumber,Qty,price,\nA,5,1.5,Bolt\n").unwrap();
        let Verdict::Accepted(item) = &verdicts[&4] else { panic!("{:?}", verdicts[&4]) };
        assert_eq!(item.keys().collect::<Vec<_>>(), ["name", "quantity", "sku", "unit_price"]);
        assert_eq!(sheets[0].header_row, Some(3));
        assert_eq!(verdicts[&2], skipped(Skip::Title, "Item Unit Name"));
        // A blank row between them makes two tables of it, not one header.
        assert!(judged(b"Item,,Unit\n\nnumber,Qty,price\nA,5,1.5\n").is_err());
    }

    #[test]
    fn a_row_says_what_it_says_as_far_as_it_is_needed() {
        let long = "x".repeat(300);
        let (verdicts, _) = judged(format!("{long}\nSKU,Name,Qty\nA,Bolt,5\n").as_bytes()).unwrap();
        let Verdict::Skipped(title) = &verdicts[&1] else { panic!("not skipped") };
        assert_eq!(title.says.chars().count(), 101);
    }

    #[test]
    fn a_sheet_that_lists_the_items_of_another_is_one_sentence() {
        let book = |same: usize| {
            let mut book = rust_xlsxwriter::Workbook::new();
            for (sheet, first) in [("Q2", 0), ("Q3", 100 - same)] {
                let sheet = book.add_worksheet().set_name(sheet).unwrap();
                sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
                for row in 0..100 {
                    sheet
                        .write_row(row + 1, 0, [format!("A-{}", first + row as usize), "Bolt".into(), "5".into()])
                        .unwrap();
                }
            }
            book.save_to_buffer().unwrap()
        };
        let refusal = refused(&book(60));
        assert_eq!(refusal.rule, Rule::SheetsRepeatItems);
        assert_eq!(refusal.message, "Sheets \"Q2\" and \"Q3\" list the same items (60 of them).");
        assert!(judged(&book(9)).is_ok());
    }

    fn item(verdict: &Verdict) -> &crate::item::Item {
        match verdict {
            Verdict::Accepted(item) => item,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn which_of_several_rows_counts_is_for_the_rules_to_say() {
        let list = b"SKU,Name,Qty\nA,Bolt,1\nB,Nut,2\nA,Bolt,3\nA,Bolt,4\n";
        for (policy, right) in [("last", 5), ("first", 2)] {
            let (verdicts, _) = judged_by(list, |rules| {
                rules.replace("\nduplicates = \"reject\"", &format!("\nduplicates = \"{policy}\""))
            })
            .unwrap();
            for row in [2, 4, 5] {
                assert_eq!(matches!(verdicts[&row], Verdict::Accepted(_)), row == right, "{policy}: {row}");
                assert_eq!(matches!(verdicts[&row], Verdict::Duplicate(_)), row != right, "{policy}: {row}");
            }
        }
    }

    #[test]
    fn a_value_that_may_stand_in_one_row_only_keeps_all_its_rows_out() {
        let list = b"SKU,Name,Qty\nA,Bolt,1\nB,Bolt,2\nC,Nut,3\nC,Pin,3\n";
        let unique = |rules: String| rules.replacen("name = \"name\"", "name = \"name\"\nunique = true", 1);
        let (verdicts, _) = judged_by(list, unique).unwrap();
        assert_eq!(rules(&verdicts[&2]), ["value-repeated"]);
        assert_eq!(rules(&verdicts[&3]), ["value-repeated"]);
        assert!(matches!(verdicts[&2], Verdict::Rejected(_)) && matches!(verdicts[&4], Verdict::Duplicate(_)));
        let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
        assert_eq!(kept.problems[0].message, "Name Bolt stands in rows 2 and 3, and may stand in one row only.");
    }

    #[test]
    fn columns_that_the_rules_do_not_know_are_said_kept_or_refused() {
        let list = b"SKU,Name,Qty,Shelf\nA,Bolt,1,7b\n";
        let (verdicts, file) = judged_by(list, |rules| rules).unwrap();
        assert!(!item(&verdicts[&2]).contains_key("Shelf"));
        assert_eq!(file.notes[0].rule, Rule::ColumnsNotKnown);
        assert!(file.notes[0].message.ends_with("does not know: \"Shelf\" (D)."), "{}", file.notes[0].message);
        let with = |policy: &str| {
            judged_by(list, |rules| {
                rules.replace("\nunknown_columns = \"ignore\"", &format!("\nunknown_columns = \"{policy}\""))
            })
        };
        let (verdicts, file) = with("keep").unwrap();
        assert_eq!(item(&verdicts[&2])["Shelf"], crate::item::Value::S("7b".into()));
        assert!(file.notes.is_empty());
        assert!(matches!(with("reject"), Err(JudgeError::Refused(refusal)) if refusal.rule == Rule::ColumnsNotAllowed));
    }

    #[test]
    fn only_the_sheet_that_the_rules_name_is_read() {
        let mut book = rust_xlsxwriter::Workbook::new();
        for (sheet, sku) in [("Old", "A"), ("Stock", "B")] {
            let sheet = book.add_worksheet().set_name(sheet).unwrap();
            sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
            sheet.write_row(1, 0, [sku, "Bolt", "5"]).unwrap();
        }
        let book = book.save_to_buffer().unwrap();
        let with = |sheet: &str| judged_by(&book, |rules| format!("sheet = \"{sheet}\"\n{rules}"));
        let (verdicts, file) = with("STOCK").unwrap();
        assert_eq!(item(&verdicts[&2])["sku"], crate::item::Value::S("B".into()));
        assert_eq!((file.sheets[0].loaded, file.sheets[0].skipped), (false, Some(Skip::OtherSheet)));
        let Err(JudgeError::Refused(refusal)) = with("Prices") else { panic!("not refused") };
        assert_eq!(refusal.message, "The file has no visible sheet called \"Prices\"; it has \"Old\", \"Stock\".");
    }

    #[test]
    fn the_whole_column_tells_how_its_numbers_are_written() {
        let price = |verdict: &Verdict| item(verdict)["unit_price"].clone();
        let n = |digits: &str| crate::item::Value::N(digits.into());
        let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;3,50\n").unwrap();
        assert_eq!((price(&verdicts[&2]), price(&verdicts[&3])), (n("1234"), n("3.5")));
        let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;3.50\n").unwrap();
        assert_eq!(price(&verdicts[&2]), n("1.234"));
        let (verdicts, _) = judged(b"SKU;Name;Qty;Price\nA;Bolt;1;1.234\nB;Nut;2;\n").unwrap();
        assert_eq!(rules(&verdicts[&2]), ["separator-unclear"]);
    }

    #[test]
    fn an_empty_cell_is_what_the_rules_say_it_is_and_a_text_looks_as_they_say() {
        let change = |text: String| {
            let text =
                text.replacen("name = \"category\"", "name = \"category\"\nempty = \"default\"\ndefault = \"None\"", 1);
            text.replacen("name = \"warehouse\"", "name = \"warehouse\"\npattern = \"[A-Z]{3}\"", 1)
        };
        let (verdicts, _) = judged_by(b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nB,Nut,1,Leeds\n", change).unwrap();
        assert_eq!(item(&verdicts[&2])["category"], crate::item::Value::S("None".into()));
        assert_eq!(rules(&verdicts[&3]), ["pattern-differs"]);
    }

    #[test]
    fn a_key_of_several_columns_is_put_together_and_told_by_its_columns() {
        let change = |text: String| {
            let key = "partition = { name = \"pk\", from = \"{warehouse}#{sku}\" }";
            let text = text.replacen("partition = \"sku\"", key, 1);
            text.replacen("name = \"warehouse\"", "name = \"warehouse\"\nrequired = true", 1)
        };
        let list = b"SKU,Name,Qty,Warehouse\nA,Bolt,1,LDS\nA,Bolt,1,YRK\nB,Nut,1,L#S\nC,Pin,1,\nA,Bolt,2,YRK\n";
        let (verdicts, _) = judged_by(list, change).unwrap();
        assert_eq!(item(&verdicts[&2])["pk"], crate::item::Value::S("LDS#A".into()));
        assert!(matches!(verdicts[&3], Verdict::Duplicate(_)) && matches!(verdicts[&6], Verdict::Duplicate(_)));
        assert_eq!(rules(&verdicts[&4]), ["key-holds-sign"]);
        assert_eq!(rules(&verdicts[&5]), ["key-missing"]);
    }
}
