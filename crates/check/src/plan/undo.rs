//! The plan of an undo: item by item, what the load left, what was there before, and what happens to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fate, MissingItem, PlanRow};
use inventory_base::decision::Undo;
use inventory_base::item::{Item, same_in, same_item};
use inventory_base::load_id::LoadId;
use inventory_rules::schema::{Missing, Mode, Schema};

/// How many items that aren't undone are listed by key; all are counted, and all are in the plan and the outcomes.
pub const NOT_UNDONE_LISTED: usize = 100;

/// What happens to an item that a load wrote, when the load is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoFate {
    /// The load changed it; it gets its earlier values back.
    Restored,
    /// The load added it; it is deleted.
    Removed,
    /// The load deleted it; it is put back.
    Returned,
    /// It is already as it was before the load; nothing is written.
    Already,
    /// It was changed after the load; it is left unchanged.
    Edited,
    /// The table refused the write; the item is left unchanged.
    NotTaken,
    /// The undo was stopped first; the item is left unchanged.
    NotReached,
}

impl UndoFate {
    pub const ALL: [UndoFate; 7] = [
        UndoFate::Restored,
        UndoFate::Removed,
        UndoFate::Returned,
        UndoFate::Already,
        UndoFate::Edited,
        UndoFate::NotTaken,
        UndoFate::NotReached,
    ];

    /// Whether something is written.
    pub fn is_written(self) -> bool {
        matches!(self, UndoFate::Restored | UndoFate::Removed | UndoFate::Returned)
    }
}

/// One line of a chunk of an undo: an item that the load wrote.
///
/// An item that the load put or deleted as a whole is undone as a whole. If it changed only some attributes (mode
/// `merge`, and items marked as discontinued), only those are compared and undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    pub key: Item,
    pub fate: UndoFate,
    /// Whether `left` and `before` have only the attributes that the load changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// The item as the load left it; `None` if the load deleted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Item>,
    /// The item as it was before the load and will be again; `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Item>,
}

impl UndoStep {
    /// Returns the step that undoes a row, given its final fate; `None` if nothing was written.
    pub fn of_row(row: PlanRow, schema: &Schema) -> Option<UndoStep> {
        let left = row.after(schema.mode).filter(|_| row.fate.is_written())?.into_owned();
        let in_part = schema.mode == Mode::Merge && row.fate == Fate::Changed;
        Some(UndoStep::new(schema, in_part, Some(left), row.before))
    }

    /// Returns the step that undoes what happened to an item that the sheet no longer listed.
    pub fn of_missing(item: MissingItem, schema: &Schema) -> Option<UndoStep> {
        let left = item.after();
        match item.missing {
            Missing::Report => None,
            Missing::Mark => Some(UndoStep::new(schema, true, left, Some(item.before))),
            Missing::Delete => Some(UndoStep::new(schema, false, left, Some(item.before))),
        }
    }

    /// Returns the step that undoes a step of an undo.
    pub fn of_undo(step: UndoStep) -> Option<UndoStep> {
        let UndoStep { left, before, .. } = step;
        let fate = fate_of(before.as_ref(), left.as_ref());
        step.fate.is_written().then_some(UndoStep { left: before, before: left, fate, ..step })
    }

    fn new(schema: &Schema, in_part: bool, left: Option<Item>, before: Option<Item>) -> UndoStep {
        let (mut left, mut before) = (left, before);
        let value = |name: &str| left.as_ref().or(before.as_ref())?.get(name).cloned();
        let key = schema.key.attributes().filter_map(|name| Some((name.to_string(), value(name)?))).collect();
        if let (true, Some(left), Some(before)) = (in_part, &mut left, &mut before) {
            let names = left.keys().chain(before.keys());
            let same: BTreeSet<String> =
                names.filter(|name| same_in([*name], left, before)).map(str::to_string).collect();
            for image in [left, before] {
                image.retain(|name, _| !same.contains(name));
            }
        }
        let fate = fate_of(left.as_ref(), before.as_ref());
        UndoStep { key, fate, in_part, left, before }
    }

    /// Settles the fate of the item, given what the table has now.
    pub fn compare(&mut self, there: Option<&Item>) {
        if self.is_there(self.before.as_ref(), there) {
            self.fate = UndoFate::Already;
        } else if !self.is_there(self.left.as_ref(), there) {
            self.fate = UndoFate::Edited;
        }
    }

    fn is_there(&self, image: Option<&Item>, there: Option<&Item>) -> bool {
        match (image, there) {
            (Some(image), Some(there)) if self.in_part => same_in(self.names(), image, there),
            (Some(image), Some(there)) => same_item(image, there),
            (image, there) => image.is_none() && there.is_none(),
        }
    }

    /// Returns the whole item as it will be, given what the table has now.
    pub fn after(&self, there: Option<&Item>) -> Option<Item> {
        let (true, Some(before), Some(there)) = (self.in_part, &self.before, there) else {
            return self.before.clone();
        };
        let names: BTreeSet<&str> = self.names().collect();
        let others = there.iter().filter(|(name, _)| !names.contains(name));
        Some(others.chain(before.iter()).map(|(name, value)| (name, value.clone())).collect())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.left.iter().chain(&self.before).flat_map(|item| item.keys())
    }
}

/// Returns the fate of an item that hasn't been changed since the load.
fn fate_of(left: Option<&Item>, before: Option<&Item>) -> UndoFate {
    match (left, before) {
        (_, None) => UndoFate::Removed,
        (None, Some(_)) => UndoFate::Returned,
        (Some(_), Some(_)) => UndoFate::Restored,
    }
}

/// Which load is undone, by whom, and what happens to its items: as planned in the index, as it turned out in the
/// report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    pub load: LoadId,
    pub by: String,
    pub at: Timestamp,
    pub items: UndoCounts,
    /// Items that aren't undone: the first `NOT_UNDONE_LISTED`.
    #[serde(rename = "staying")]
    pub not_undone: Vec<NotUndoneItem>,
}

/// The number of items of each fate; every fate is present, even with zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UndoCounts(BTreeMap<UndoFate, u64>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotUndoneItem {
    pub key: Item,
    /// `Edited` or `NotTaken`.
    pub fate: UndoFate,
    /// The table's reason, if it refused the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An item that was to be undone, but turned out while writing to be changed or was refused by the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedUndo {
    /// The item's fate in the plan.
    pub planned: UndoFate,
    #[serde(flatten)]
    pub item: NotUndoneItem,
}

impl Undone {
    pub fn new(undo: &Undo) -> Undone {
        let Undo { load, by, at, .. } = undo.clone();
        Undone { load, by, at, items: UndoCounts::default(), not_undone: Vec::new() }
    }

    /// Whether any item is, or will be, as it was before the load.
    pub fn changes_items(&self) -> bool {
        UndoFate::ALL.iter().any(|fate| fate.is_written() && self.items.of(*fate) > 0)
    }

    /// Counts a line of the plan.
    pub fn add(&mut self, step: &UndoStep) {
        self.items.add(step.fate);
        if step.fate == UndoFate::Edited {
            self.list(NotUndoneItem { key: step.key.clone(), fate: step.fate, reason: None });
        }
    }

    /// Counts an item that turned out differently from the plan.
    pub fn shift(&mut self, failed: FailedUndo) {
        self.items.shift(failed.planned, failed.item.fate);
        self.list(failed.item);
    }

    /// Counts a line of the plan as not reached.
    pub fn mark_not_reached(&mut self, step: &UndoStep) {
        if step.fate.is_written() {
            self.items.shift(step.fate, UndoFate::NotReached);
        }
    }

    fn list(&mut self, item: NotUndoneItem) {
        if self.not_undone.len() < NOT_UNDONE_LISTED {
            self.not_undone.push(item);
        }
    }
}

impl Default for UndoCounts {
    fn default() -> UndoCounts {
        UndoCounts(UndoFate::ALL.map(|fate| (fate, 0)).into())
    }
}

impl UndoCounts {
    pub fn of(&self, fate: UndoFate) -> u64 {
        self.0.get(&fate).copied().unwrap_or_default()
    }

    fn add(&mut self, fate: UndoFate) {
        *self.0.entry(fate).or_default() += 1;
    }

    fn shift(&mut self, from: UndoFate, to: UndoFate) {
        if let Some(items) = self.0.get_mut(&from).filter(|items| **items > 0) {
            *items -= 1;
            self.add(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::item::Value;

    fn item(pairs: &[(&str, &str)]) -> Item {
        pairs.iter().map(|(name, value)| (name.to_string(), Value::S(value.to_string().into()))).collect()
    }

    fn schema(mode: &str) -> Schema {
        let text = format!("version = 1\nmode = \"{mode}\"\n[key]\npartition = \"sku\"\n");
        let columns = ["sku", "name"].map(|name| {
            let required = if name == "sku" { "required = true\n" } else { "" };
            format!("[[column]]\nname = \"{name}\"\ntype = \"text\"\n{required}")
        });
        Schema::from_toml(&(text + &columns.concat())).unwrap()
    }

    fn changed(mode: &str, set: &[(&str, &str)], removes: &[&str], before: &[(&str, &str)]) -> UndoStep {
        let row = PlanRow {
            fate: Fate::Changed,
            removes: removes.iter().map(ToString::to_string).collect(),
            before: Some(item(before)),
            ..PlanRow::accepted("Stock", 2, Some(item(set)))
        };
        UndoStep::of_row(row, &schema(mode)).unwrap()
    }

    fn fate(step: &UndoStep, there: Option<&[(&str, &str)]>) -> UndoFate {
        let mut step = step.clone();
        step.compare(there.map(item).as_ref());
        step.fate
    }

    #[test]
    fn an_item_put_as_a_whole_is_undone_as_a_whole() {
        let step = changed("replace", &[("sku", "A"), ("name", "Nut")], &[], &[("sku", "A"), ("shelf", "7")]);
        assert_eq!((step.key.clone(), step.in_part), (item(&[("sku", "A")]), false));
        assert_eq!(fate(&step, Some(&[("sku", "A"), ("name", "Nut")])), UndoFate::Restored);
        assert_eq!(fate(&step, Some(&[("sku", "A"), ("shelf", "7")])), UndoFate::Already);
        assert_eq!(fate(&step, Some(&[("sku", "A"), ("name", "Nut"), ("note", "x")])), UndoFate::Edited);
        assert_eq!(fate(&step, None), UndoFate::Edited);
        let there = item(&[("sku", "A"), ("name", "Nut")]);
        assert_eq!(step.after(Some(&there)), Some(item(&[("sku", "A"), ("shelf", "7")])));
    }

    #[test]
    fn after_a_merge_only_the_changed_attributes_are_compared_and_undone() {
        let before = [("sku", "A"), ("name", "Bolt"), ("shelf", "7"), ("note", "new")];
        let step = changed("merge", &[("sku", "A"), ("name", "Nut"), ("note", "new")], &["shelf"], &before);
        assert!(step.in_part);
        assert_eq!(step.left, Some(item(&[("name", "Nut")])));
        assert_eq!(step.before, Some(item(&[("name", "Bolt"), ("shelf", "7")])));
        let since = [("sku", "A"), ("name", "Nut"), ("note", "mine"), ("sold", "3")];
        assert_eq!(fate(&step, Some(&since)), UndoFate::Restored);
        let after = [("sku", "A"), ("name", "Bolt"), ("shelf", "7"), ("note", "mine"), ("sold", "3")];
        assert_eq!(step.after(Some(&item(&since))), Some(item(&after)));
        assert_eq!(fate(&step, Some(&[("sku", "A"), ("name", "Nut"), ("shelf", "9")])), UndoFate::Edited);
        assert_eq!(fate(&step, Some(&[("sku", "A"), ("name", "Cog")])), UndoFate::Edited);
        assert_eq!(fate(&step, Some(&before)), UndoFate::Already);
        assert_eq!(fate(&step, None), UndoFate::Edited);
    }

    #[test]
    fn new_items_are_removed_and_deleted_items_are_returned() {
        let schema = schema("merge");
        let there = [("sku", "A"), ("name", "Nut")];
        let new = PlanRow { fate: Fate::New, ..PlanRow::accepted("Stock", 2, Some(item(&there))) };
        let new = UndoStep::of_row(new, &schema).unwrap();
        assert_eq!((new.in_part, new.fate, new.after(None)), (false, UndoFate::Removed, None));
        assert_eq!((fate(&new, None), fate(&new, Some(&there))), (UndoFate::Already, UndoFate::Removed));
        let missing = |missing| UndoStep::of_missing(MissingItem { missing, before: item(&there) }, &schema);
        let deleted = missing(Missing::Delete).unwrap();
        assert_eq!((fate(&deleted, None), fate(&deleted, Some(&there))), (UndoFate::Returned, UndoFate::Already));
        assert_eq!(fate(&deleted, Some(&there[..1])), UndoFate::Edited);
        let marked = missing(Missing::Mark).unwrap();
        assert_eq!((marked.in_part, marked.left, marked.before), (true, Some(MissingItem::mark()), Some(Item::new())));
        assert_eq!(missing(Missing::Report), None);
    }

    #[test]
    fn rows_that_were_not_written_have_nothing_to_undo() {
        for fate in Fate::ALL.into_iter().filter(|fate| !fate.is_written()) {
            let row = PlanRow { fate, ..PlanRow::accepted("Stock", 2, Some(item(&[("sku", "A")]))) };
            assert_eq!(UndoStep::of_row(row, &schema("replace")), None, "{fate}");
        }
    }

    #[test]
    fn an_undo_can_be_undone_where_it_wrote() {
        let step = changed("merge", &[("sku", "A"), ("name", "Nut")], &[], &[("sku", "A"), ("name", "Bolt")]);
        let again = UndoStep::of_undo(step.clone()).unwrap();
        assert_eq!((&again.left, &again.before, again.fate), (&step.before, &step.left, UndoFate::Restored));
        assert_eq!(UndoStep::of_undo(again).unwrap(), step);
        let gone = UndoStep { before: None, fate: UndoFate::Removed, ..step.clone() };
        assert_eq!(UndoStep::of_undo(gone).unwrap().fate, UndoFate::Returned);
        for fate in [UndoFate::Already, UndoFate::Edited] {
            assert_eq!(UndoStep::of_undo(UndoStep { fate, ..step.clone() }), None);
        }
    }

    #[test]
    fn items_that_are_not_undone_are_counted_and_the_first_are_listed() {
        let undo = Undo {
            load: LoadId::parse("0123456789abcdef").unwrap(),
            by: "Erika".into(),
            at: Timestamp::UNIX_EPOCH,
            dry_run: false,
        };
        let mut undone = Undone::new(&undo);
        let step = changed("replace", &[("sku", "A")], &[], &[("sku", "A"), ("name", "Bolt")]);
        undone.add(&step);
        for _ in 0..NOT_UNDONE_LISTED {
            undone.add(&UndoStep { fate: UndoFate::Edited, ..step.clone() });
        }
        let item = NotUndoneItem { key: step.key, fate: UndoFate::NotTaken, reason: Some("Item is odd.".into()) };
        undone.shift(FailedUndo { planned: UndoFate::Restored, item });
        let listed = undone.not_undone.len();
        assert_eq!((listed, undone.items.of(UndoFate::Edited)), (NOT_UNDONE_LISTED, NOT_UNDONE_LISTED as u64));
        let json = r#"{"restored":0,"removed":0,"returned":0,"already":0,"edited":100,"not-taken":1,"not-reached":0}"#;
        assert_eq!(serde_json::to_string(&undone.items).unwrap(), json);
    }
}
