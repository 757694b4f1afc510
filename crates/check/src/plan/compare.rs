//! Compares a row's item with what the table holds under its key: new, changed, unchanged, or kept as it was.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Fate, PlanRow};
use inventory_base::item::{Item, Value, same_item};
use inventory_rules::judge::SheetRead;
use inventory_rules::schema::{DISCONTINUED, Missing, Mode, PROVENANCE, Schema, WhenEmpty};

/// Returns the attributes that record an item's origin, if the rules ask for them.
pub fn provenance(schema: &Schema, load: &str, time: &str) -> Item {
    let values = [load, time].map(|value| Value::S(value.into()));
    PROVENANCE.into_iter().zip(values).filter(|_| schema.provenance).collect()
}

/// Returns the key of an item, as the table has it.
pub fn key_of(item: &Item, schema: &Schema) -> Item {
    schema.key.attributes().filter_map(|name| Some((name, item.get(name)?.clone()))).collect()
}

/// Compares rows with the table.
pub struct Comparison<'a> {
    schema: &'a Schema,
    /// By name.
    sheets: BTreeMap<&'a str, &'a SheetRead>,
    /// The columns whose empty cells remove the attribute from an item.
    clears: BTreeSet<&'a str>,
    /// The attributes that record the origin of every written item.
    provenance: &'a Item,
}

impl<'a> Comparison<'a> {
    pub fn new(schema: &'a Schema, sheets: &'a [SheetRead], provenance: &'a Item) -> Comparison<'a> {
        let key: BTreeSet<&str> = schema.key.columns().chain(schema.key.attributes()).collect();
        let clears = schema.columns.iter().filter(|column| column.empty == WhenEmpty::Absent);
        let clears = clears.map(|column| column.name.as_str()).filter(|name| !key.contains(name)).collect();
        let sheets = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet)).collect();
        Comparison { schema, sheets, clears, provenance }
    }

    /// Settles the fate of an accepted row. `before` is what the table holds, if it was read.
    pub fn compare(&self, row: &mut PlanRow, before: Before) {
        let Some(item) = &mut row.item else { return };
        let (was_read, before) = match before {
            Before::NotRead => (false, None),
            Before::Found(before) => (true, before),
        };
        match (self.schema.mode, &before) {
            (Mode::Replace, Some(before)) => {
                for kept in self.schema.kept_columns() {
                    if let (None, Some(value)) = (item.get(kept), before.get(kept)) {
                        item.insert(kept, value.clone());
                    }
                }
            }
            (Mode::Merge, _) => {
                let before = before.as_ref();
                let may_have = |name: &str| !was_read || before.is_some_and(|before| before.contains_key(name));
                let columns = self.sheets.get(&*row.sheet).map_or(&[][..], |sheet| sheet.columns_at(row.row));
                let cleared = columns.iter().map(|column| column.attribute.as_str());
                let cleared = cleared.filter(|name| self.clears.contains(name));
                let cleared = cleared.filter(|name| !item.contains_key(name) && may_have(name));
                row.removes = cleared.map(|name| name.to_string()).collect();
                row.removes.extend(self.is_listed_again(item, before).then(|| DISCONTINUED.to_string()));
            }
            (Mode::Replace | Mode::Add, _) => {}
        }
        row.before = before;
        row.fate = match (&row.before, row.after(self.schema.mode)) {
            _ if !was_read => Fate::Written,
            (None, _) => Fate::New,
            (Some(_), _) if self.schema.mode == Mode::Add => Fate::Kept,
            (Some(before), Some(after)) if same_apart_from_provenance(&after, before) => Fate::Unchanged,
            (Some(_), _) => Fate::Changed,
        };
        if let Some(item) = row.item.as_mut().filter(|_| row.fate.is_written()) {
            item.extend(self.provenance.iter().map(|(name, value)| (name, value.clone())));
        }
    }

    /// Whether an item was marked because an earlier sheet didn't list it, and is listed again.
    fn is_listed_again(&self, item: &Item, before: Option<&Item>) -> bool {
        let marks = self.schema.sync.as_ref().is_some_and(|sync| sync.missing == Missing::Mark);
        let marked = before.and_then(|before| before.get(DISCONTINUED)) == Some(&Value::Bool(true));
        // If the mark is a column, the sheet decides.
        let is_column = || self.schema.columns.iter().any(|column| column.name == DISCONTINUED);
        marks && marked && !item.contains_key(DISCONTINUED) && !is_column()
    }

    /// Whether `compared`, a row compared earlier, has the same content as this `row` of the sheet.
    pub fn is_of(&self, compared: &PlanRow, row: &PlanRow) -> bool {
        let as_in_sheet = |row: &PlanRow| {
            let mut row = PlanRow { before: None, twin: None, removes: Vec::new(), ..row.clone() };
            if let Some(item) = &mut row.item {
                row.fate = Fate::Accepted;
                item.retain(|name, _| !PROVENANCE.contains(&name));
            }
            row
        };
        let (mut compared, row) = (as_in_sheet(compared), as_in_sheet(row));
        if let (Some(compared), Some(item)) = (&mut compared.item, &row.item) {
            // The comparison copied these from the table.
            for kept in self.schema.kept_columns().filter(|kept| !item.contains_key(kept)) {
                compared.remove(kept);
            }
        }
        compared == row
    }
}

/// What the table holds under a row's key.
pub enum Before {
    NotRead,
    Found(Option<Item>),
}

impl PlanRow {
    /// Returns the whole item as it will be.
    pub fn after(&self, mode: Mode) -> Option<Cow<'_, Item>> {
        let item = self.item.as_ref()?;
        Some(match (mode, &self.before) {
            (Mode::Merge, Some(before)) => {
                let mut after = before.clone();
                after.retain(|name, _| !self.removes.iter().any(|removed| removed == name));
                after.extend(item.clone());
                Cow::Owned(after)
            }
            (Mode::Add, Some(before)) => Cow::Borrowed(before),
            _ => Cow::Borrowed(item),
        })
    }
}

fn same_apart_from_provenance(after: &Item, before: &Item) -> bool {
    let has_any = |item: &Item| item.keys().any(|name| PROVENANCE.contains(&name));
    if !has_any(after) && !has_any(before) {
        return same_item(after, before);
    }
    let plain = |item: &Item| {
        let mut item = item.clone();
        item.retain(|name, _| !PROVENANCE.contains(&name));
        item
    };
    same_item(&plain(after), &plain(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_rules::judge::{ColumnRead, TableRead};

    fn item(pairs: &[(&str, &str)]) -> Item {
        pairs.iter().map(|(name, value)| (name.to_string(), Value::S(value.to_string().into()))).collect()
    }

    fn schema(lines: &str) -> Schema {
        let columns = ["sku", "name", "shelf", "note"].map(|name| {
            let rules = match name {
                "sku" => "required = true\n",
                "note" => "empty = \"keep\"\n",
                _ => "",
            };
            format!("[[column]]\nname = \"{name}\"\ntype = \"text\"\n{rules}")
        });
        Schema::from_toml(&format!("version = 1\n{lines}\n[key]\npartition = \"sku\"\n{}", columns.concat())).unwrap()
    }

    /// A sheet with all columns except the shelf.
    fn sheet() -> SheetRead {
        let column = |name: &str| ColumnRead {
            attribute: name.into(),
            title: name.into(),
            header: name.into(),
            column: "A".into(),
            values: 0,
            empty: 0,
            instead_of: Vec::new(),
        };
        let columns = ["sku", "name", "note"].map(column).to_vec();
        let name = "Stock".to_string();
        SheetRead { name, loaded: true, skipped: None, header_row: Some(1), columns, others: vec![], tables: vec![] }
    }

    fn compared(lines: &str, listed: &[(&str, &str)], before: Before) -> PlanRow {
        let (schema, sheets) = (schema(lines), [sheet()]);
        let provenance = provenance(&schema, "0123456789abcdef", "2026-10-03T08:00:00Z");
        let comparison = Comparison::new(&schema, &sheets, &provenance);
        let row = PlanRow::accepted("Stock", 2, Some(item(listed)));
        let mut compared = row.clone();
        comparison.compare(&mut compared, before);
        assert!(comparison.is_of(&compared, &row));
        // A chunk that is reused keeps the keys found in other upper or lower case.
        let with_twin = PlanRow { twin: Some(item(&[("sku", "a")])), ..compared.clone() };
        assert!(comparison.is_of(&with_twin, &row));
        assert!(!comparison.is_of(&compared, &PlanRow::accepted("Stock", 2, Some(item(&[("sku", "other")])))));
        compared
    }

    #[test]
    fn a_column_that_only_the_table_above_has_clears_nothing_in_the_table_below() {
        let (schema, mut sheet) = (schema("mode = \"merge\""), sheet());
        let columns = sheet.columns.iter().filter(|column| column.attribute != "name").cloned().collect();
        sheet.tables = vec![TableRead { header_row: 5, columns, others: vec![] }];
        let (sheets, provenance) = ([sheet], provenance(&schema, "0123456789abcdef", "2026-10-03T08:00:00Z"));
        let comparison = Comparison::new(&schema, &sheets, &provenance);
        for (number, removes) in [(2, vec!["name".to_string()]), (6, vec![])] {
            let mut row = PlanRow::accepted("Stock", number, Some(item(&[("sku", "A")])));
            let there = item(&[("sku", "A"), ("name", "Bolt"), ("note", "new")]);
            comparison.compare(&mut row, Before::Found(Some(there)));
            assert_eq!(row.removes, removes, "row {number}");
        }
    }

    #[test]
    fn each_mode_combines_a_row_and_the_existing_item_in_its_own_way() {
        let there = [("sku", "A"), ("name", "Bolt"), ("shelf", "7"), ("note", "new")];
        let (same, other) = ([("sku", "A"), ("name", "Bolt")], [("sku", "A"), ("name", "Nut")]);
        let noted = [("sku", "A"), ("name", "Bolt"), ("note", "new")];
        let bare = [("sku", "A")];
        let (merged, cleared) = (
            [("sku", "A"), ("name", "Nut"), ("shelf", "7"), ("note", "new")],
            [("sku", "A"), ("shelf", "7"), ("note", "new")],
        );
        const MERGE: &str = "mode = \"merge\"";
        const ADD: &str = "mode = \"add\"";
        for (lines, listed, before, fate, after, removes) in [
            ("", &same[..], None, Fate::New, &same[..], &[][..]),
            // The shelf disappears because the whole item is put; the note is kept.
            ("", &same, Some(&there[..]), Fate::Changed, &noted, &[]),
            ("", &same, Some(&noted), Fate::Unchanged, &noted, &[]),
            (MERGE, &same, Some(&there), Fate::Unchanged, &there, &[]),
            (MERGE, &other, Some(&there), Fate::Changed, &merged, &[]),
            // The cell under `name` is empty; the sheet has no column for the shelf.
            (MERGE, &bare, Some(&there), Fate::Changed, &cleared, &["name"]),
            (MERGE, &bare, Some(&bare), Fate::Unchanged, &bare, &[]),
            (MERGE, &bare, None, Fate::New, &bare, &[]),
            (ADD, &other, Some(&there), Fate::Kept, &there, &[]),
            (ADD, &other, None, Fate::New, &other, &[]),
        ] {
            let row = compared(lines, listed, Before::Found(before.map(item)));
            assert_eq!((row.fate, row.before.clone()), (fate, before.map(item)), "{lines} {listed:?}");
            let mode = schema(lines).mode;
            assert_eq!(row.after(mode).unwrap().into_owned(), item(after), "{lines} {listed:?}");
            assert_eq!(row.removes, removes, "{lines} {listed:?}");
        }
        // Without reading the table, the existing note can't be kept.
        let lines = "compare = false\nmode = \"merge\"";
        let unread = compared(lines, &bare, Before::NotRead);
        assert_eq!((unread.fate, unread.removes), (Fate::Written, vec!["name".to_string()]));
    }

    #[test]
    fn a_different_origin_alone_does_not_change_an_item() {
        let listed = [("sku", "A"), ("name", "Bolt")];
        let before = [("sku", "A"), ("name", "Bolt"), ("loaded_by", "fedcba9876543210"), ("loaded_at", "2025")];
        let lines = "provenance = true";
        let row = compared(lines, &listed, Before::Found(Some(item(&before))));
        assert_eq!((row.fate, row.item), (Fate::Unchanged, Some(item(&listed))));
        let row = compared(lines, &[("sku", "A"), ("name", "Nut")], Before::Found(Some(item(&before))));
        let load = Value::S("0123456789abcdef".into());
        assert_eq!((row.fate, &row.item.unwrap()["loaded_by"]), (Fate::Changed, &load));
    }
}
