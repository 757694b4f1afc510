//! Values that may appear in only one row, in the key and in unique columns: collects where each appears and finds the
//! rows that share one.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::cell::{Violation, violation};
use crate::schema::{Column, Duplicates, Schema};
use inventory_base::message::{Refusal, count, refusal};
use inventory_workbook::{RawRow, Sheet};

use super::borrowed::BorrowedItem;
use super::duplicates::{Difference, Group, SeenValues};
use super::row::Layout;
use super::tables::Tables;
use super::{Place, Verdict};

/// Rows named in the message about a repeated item; the others are counted.
const ROWS_NAMED: usize = 10;
/// If two sheets share fewer items than this, each row is reported instead.
const MIN_SHARED_ITEMS: u64 = 10;

/// All values that must be unique.
pub(super) struct Repeats {
    key: UniqueCheck,
    unique: Vec<UniqueCheck>,
}

struct UniqueCheck {
    /// The column at which a problem is reported.
    position: usize,
    /// Indexes in the rules' columns too.
    columns: Vec<usize>,
    seen: SeenValues,
}

/// The rows of one item that are not loaded, as the subject of a sentence.
fn left_out_subject(duplicates: Duplicates) -> &'static str {
    match duplicates {
        Duplicates::Reject => "All of them",
        Duplicates::First => "All but the first, which counts by the rules,",
        Duplicates::Last => "All but the last, which counts by the rules,",
    }
}

/// What a row shares with other rows: the column at which it is reported, and all rows concerned.
pub(super) struct Repeated {
    pub position: usize,
    is_key: bool,
    rows: Rc<Group>,
}

impl Repeated {
    /// Explains this to a reader of sheet `here`.
    pub fn violation(&self, here: u16, sheets: &[Sheet], duplicates: Duplicates) -> Violation {
        let rows = name_rows(&self.rows.rows, here, sheets);
        match self.rows.difference {
            _ if !self.is_key => violation!(ValueRepeated { rows }),
            None => violation!(KeyRepeated { rows, all: left_out_subject(duplicates) }),
            Some(Difference::CaseOnly) => violation!(KeysDifferInCase { rows }),
            Some(Difference::LookAlikes) => violation!(KeysLookAlike { rows }),
        }
    }
}

impl Repeats {
    pub fn new(schema: &Schema) -> Repeats {
        let once = |position, columns, seen| UniqueCheck { position, columns, seen };
        let key: Vec<usize> = schema.key.columns().filter_map(|column| schema.position(column)).collect();
        // A column that is the whole key is reported as the key.
        let more = |column: &&Column| column.unique && !schema.key.columns().eq([column.name.as_str()]);
        let unique = schema.columns.iter().enumerate().filter(|(_, column)| more(column));
        Repeats {
            key: once(key.first().copied().unwrap_or_default(), key, SeenValues::keys(schema.key_case)),
            unique: unique.map(|(position, _)| once(position, vec![position], SeenValues::default())).collect(),
        }
    }

    /// Rejected rows count too: only the uploader knows which of two rows is right.
    pub fn note(&mut self, place: Place, row: &RawRow<'_>, layout: &Layout<'_>, verdict: &Verdict<BorrowedItem<'_>>) {
        for UniqueCheck { columns, seen, .. } in std::iter::once(&mut self.key).chain(&mut self.unique) {
            match verdict {
                Verdict::Accepted(item) => seen.note(place, columns.iter().map(|column| item.value(*column))),
                _ => {
                    if let Some(values) = layout.values_of(row, columns.iter().copied()) {
                        seen.note(place, values.iter().map(Some));
                    }
                }
            }
        }
    }

    /// Finds the repeated rows, each with its problem, in the order of the file. `tables` and `items`, the number of
    /// rows taken for items, are by sheet.
    pub fn find(
        self,
        schema: &Schema,
        tables: &[Option<Tables<'_>>],
        items: &[u64],
        sheets: &[Sheet],
    ) -> Result<Vec<(Place, Repeated)>, Refusal> {
        let key = self.key.seen.into_groups();
        // A file of rows to fix may consist of nothing but rows that appear in several sheets.
        let is_whole = tables.iter().flatten().all(|tables| tables.first.what_to_do().load().is_none());
        if let Some(refusal) = refuse_repeated_sheets(&key, items, sheets).filter(|_| is_whole) {
            return Err(refusal);
        }
        let mut found: Vec<(Place, Repeated)> = Vec::new();
        for group in key.into_iter().map(Rc::new) {
            let kept = match schema.duplicates {
                // The order of the rows doesn't say which of them is the item, or whether they are different items.
                _ if group.difference.is_some() => None,
                Duplicates::Last => group.rows.last().copied(),
                Duplicates::First => group.rows.first().copied(),
                Duplicates::Reject => None,
            };
            let left_out = group.rows.iter().filter(|place| Some(**place) != kept);
            let repeated = || Repeated { position: self.key.position, is_key: true, rows: group.clone() };
            found.extend(left_out.map(|place| (*place, repeated())));
        }
        for once in self.unique {
            for group in once.seen.into_groups().into_iter().map(Rc::new) {
                let repeated = || Repeated { position: once.position, is_key: false, rows: group.clone() };
                found.extend(group.rows.iter().map(|place| (*place, repeated())));
            }
        }
        found.sort_by_key(|(place, _)| *place);
        Ok(found)
    }
}

/// Last quarter's sheet left in the workbook would make every item a duplicate. That is one mistake, not thousands.
fn refuse_repeated_sheets(groups: &[Group], items: &[u64], sheets: &[Sheet]) -> Option<Refusal> {
    let mut shared: BTreeMap<(u16, u16), u64> = BTreeMap::new();
    for group in groups {
        let mut of_sheets: Vec<u16> = group.rows.iter().map(|place| place.0).collect();
        of_sheets.dedup();
        for (i, first) in of_sheets.iter().enumerate() {
            for second in &of_sheets[i + 1..] {
                *shared.entry((*first, *second)).or_default() += 1;
            }
        }
    }
    let items = |sheet: u16| items.get(usize::from(sheet)).copied().unwrap_or_default();
    let ((first, second), same) = shared
        .into_iter()
        .find(|((first, second), same)| *same >= MIN_SHARED_ITEMS && same * 2 > items(*first).min(items(*second)))?;
    let name = |sheet: u16| sheets.get(usize::from(sheet)).map_or("", |sheet| sheet.name.as_str());
    Some(refusal!(SheetsRepeatItems { first: name(first), second: name(second), same: count(same) }))
}

/// `12 and 340`, `12, 15 (sheet "B") and 340`; many rows are counted.
fn name_rows(group: &[Place], here: u16, sheets: &[Sheet]) -> String {
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
    use super::super::file::tests::{judged, judged_by, refused, rules};
    use super::*;
    use inventory_base::message::Rule;

    #[test]
    fn an_item_in_several_rows_is_not_loaded_and_each_row_names_the_others() {
        let (verdicts, _) = judged(b"SKU,Name,Qty\nA,Bolt,5\nB,Nut,1\nA,Bolt,8\n").unwrap();
        for row in [2, 4] {
            assert_eq!(rules(&verdicts[&row]), ["key-repeated"]);
            let Verdict::Duplicate(kept) = &verdicts[&row] else { panic!("{:?}", verdicts[&row]) };
            assert_eq!(kept.problems[0].message, "SKU A appears in rows 2 and 4.");
            assert_eq!(kept.cells.len(), 3);
        }
        assert!(matches!(verdicts[&3], Verdict::Accepted(_)));
    }

    #[test]
    fn a_rejected_row_still_makes_another_row_a_duplicate() {
        let (verdicts, _) = judged(b"SKU,Name,Qty\nA,Bolt,5\nA,Nut,many\n").unwrap();
        assert!(matches!(verdicts[&2], Verdict::Duplicate(_)));
        assert_eq!(rules(&verdicts[&3]), ["whole-number-expected", "key-repeated"]);
    }

    #[test]
    fn of_many_rows_with_the_same_key_some_are_named() {
        let list = "SKU,Name,Qty\n".to_string() + &"A,Bolt,5\n".repeat(1500);
        let (verdicts, _) = judged(list.as_bytes()).unwrap();
        let Verdict::Duplicate(kept) = &verdicts[&1500] else { panic!("not a duplicate") };
        assert_eq!(kept.problems[0].message, "SKU A appears in rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 1,490 more.");
    }

    #[test]
    fn a_sheet_that_repeats_the_items_of_another_is_one_refusal() {
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

    #[test]
    fn keys_that_only_the_table_distinguishes_are_problems_that_name_each_other() {
        let list = "SKU,Name,Qty\nA-17,Bolt,5\nB,Nut,1\na-17,Bolt,8\nВ,Pin,2\n";
        for policy in ["reject", "first", "last"] {
            let by =
                |rules: String| rules.replace("\nduplicates = \"reject\"", &format!("\nduplicates = \"{policy}\""));
            let (verdicts, _) = judged_by(list.as_bytes(), by).unwrap();
            for (row, rule, message) in [
                (2, "keys-differ-in-case", "SKU in rows 2 and 4 is the same except for upper and lower case."),
                (4, "keys-differ-in-case", "SKU in rows 2 and 4 is the same except for upper and lower case."),
                (3, "keys-look-alike", "SKU in rows 3 and 5 looks the same but isn't."),
                (5, "keys-look-alike", "SKU in rows 3 and 5 looks the same but isn't."),
            ] {
                let Verdict::Rejected(kept) = &verdicts[&row] else { panic!("{policy}: {:?}", verdicts[&row]) };
                assert_eq!(
                    (kept.problems[0].rule.id(), kept.problems[0].message.as_str()),
                    (rule, message),
                    "{policy}"
                );
            }
        }
        let matters = |rules: String| rules.replace("key_case = \"folds\"", "key_case = \"matters\"");
        let (verdicts, _) = judged_by(list.as_bytes(), matters).unwrap();
        for row in [2, 4] {
            assert!(matches!(verdicts[&row], Verdict::Accepted(_)), "{row}");
        }
        assert_eq!(rules(&verdicts[&3]), ["keys-look-alike"]);
    }

    #[test]
    fn the_rules_say_which_of_several_rows_is_loaded() {
        let list = b"SKU,Name,Qty\nA,Bolt,1\nB,Nut,2\nA,Bolt,3\nA,Bolt,4\n";
        for (policy, right) in [("last", 5), ("first", 2)] {
            let (verdicts, _) = judged_by(list, |rules| {
                rules.replace("\nduplicates = \"reject\"", &format!("\nduplicates = \"{policy}\""))
            })
            .unwrap();
            let Verdict::Duplicate(kept) = &verdicts[&4] else { panic!("{:?}", verdicts[&4]) };
            let says = format!("All but the {policy}, which counts by the rules, were left out.");
            assert!(kept.problems[0].advice.ends_with(&says), "{}", kept.problems[0].advice);
            for row in [2, 4, 5] {
                assert_eq!(matches!(verdicts[&row], Verdict::Accepted(_)), row == right, "{policy}: {row}");
                assert_eq!(matches!(verdicts[&row], Verdict::Duplicate(_)), row != right, "{policy}: {row}");
            }
        }
    }

    #[test]
    fn rows_that_share_a_unique_value_are_not_loaded() {
        let list = b"SKU,Name,Qty\nA,Bolt,1\nB,Bolt,2\nC,Nut,3\nC,Pin,3\n";
        let unique = |rules: String| rules.replacen("name = \"name\"", "name = \"name\"\nunique = true", 1);
        let (verdicts, _) = judged_by(list, unique).unwrap();
        assert_eq!(rules(&verdicts[&2]), ["value-repeated"]);
        assert_eq!(rules(&verdicts[&3]), ["value-repeated"]);
        assert!(matches!(verdicts[&2], Verdict::Rejected(_)) && matches!(verdicts[&4], Verdict::Duplicate(_)));
        let Verdict::Rejected(kept) = &verdicts[&2] else { panic!("not rejected") };
        assert_eq!(kept.problems[0].message, "Name Bolt appears in rows 2 and 3, but may appear in only one.");
    }
}
