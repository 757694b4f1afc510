//! Taking back what a load wrote: item by item, what it left, what was there before, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fate, MissingItem, PlanRow};
use inventory_base::decision::Undo;
use inventory_base::item::{Item, same_in, same_item};
use inventory_base::load_id::LoadId;
use inventory_rules::schema::{Missing, Mode, Schema};

/// Items that stay as they are, listed by key; all are counted, and all are in the plan and the outcomes.
pub const STAYING_LISTED: usize = 100;

/// What becomes of an item that a load wrote, when the load is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoFate {
    /// It is again as it was.
    Restored,
    /// It was new, and goes away.
    Removed,
    /// It was deleted, and comes back.
    Returned,
    /// It is as it was already; nothing is written.
    Already,
    /// Somebody changed it since; it stays as it is.
    Edited,
    /// The table does not take it back; it stays as it is.
    NotTaken,
    /// The undo was stopped before; it stays as it is.
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
/// What a load put or deleted whole is taken back whole. Where it changed some attributes and left the others alone
/// (mode `merge`, and items marked as discontinued), only those it changed are compared and taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepBack {
    pub key: Item,
    pub fate: UndoFate,
    /// Whether `left` and `before` are only the attributes that the load changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// What the load left; absent where it deleted the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Item>,
    /// What was there before, and will be again; absent where there was nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Item>,
}

impl StepBack {
    /// Of a row as it turned out; none where nothing was written.
    pub fn of_row(row: PlanRow, schema: &Schema) -> Option<StepBack> {
        let left = row.after(schema.mode).filter(|_| row.fate.is_written())?.into_owned();
        let in_part = schema.mode == Mode::Merge && row.fate == Fate::Changed;
        Some(StepBack::new(schema, in_part, Some(left), row.before))
    }

    /// Of an item that the sheet no longer listed.
    pub fn of_missing(item: MissingItem, schema: &Schema) -> Option<StepBack> {
        let left = item.after();
        match item.missing {
            Missing::Report => None,
            Missing::Mark => Some(StepBack::new(schema, true, left, Some(item.before))),
            Missing::Delete => Some(StepBack::new(schema, false, left, Some(item.before))),
        }
    }

    /// Of an undo's own: what it took back is brought about again.
    pub fn of_undo(step: StepBack) -> Option<StepBack> {
        let StepBack { left, before, .. } = step;
        let fate = fate_of(before.as_ref(), left.as_ref());
        step.fate.is_written().then_some(StepBack { left: before, before: left, fate, ..step })
    }

    fn new(schema: &Schema, in_part: bool, left: Option<Item>, before: Option<Item>) -> StepBack {
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
        StepBack { key, fate, in_part, left, before }
    }

    /// Settles what becomes of the item, now that the table says what is there.
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

    /// The whole item as it will be, where this one is there now.
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

/// What it comes to where nobody has changed the item since.
fn fate_of(left: Option<&Item>, before: Option<&Item>) -> UndoFate {
    match (left, before) {
        (_, None) => UndoFate::Removed,
        (None, Some(_)) => UndoFate::Returned,
        (Some(_), Some(_)) => UndoFate::Restored,
    }
}

/// What is undone, for whom, and what that comes to: in the index as it was planned, in the report as it turned out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    pub load: LoadId,
    pub by: String,
    pub at: Timestamp,
    pub items: UndoCounts,
    /// Items that stay as they are: the first `STAYING_LISTED`.
    pub staying: Vec<StayingItem>,
}

/// How many items have which fate; each is there, if with zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UndoCounts(BTreeMap<UndoFate, u64>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayingItem {
    pub key: Item,
    /// *Edited* or *not-taken*.
    pub fate: UndoFate,
    /// The table's words, where it did not take the item back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An item that stays as it is, which only writing taught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StayedItem {
    /// What was to become of it.
    pub planned: UndoFate,
    #[serde(flatten)]
    pub item: StayingItem,
}

impl Undone {
    pub fn new(undo: &Undo) -> Undone {
        let Undo { load, by, at, .. } = undo.clone();
        Undone { load, by, at, items: UndoCounts::default(), staying: Vec::new() }
    }

    /// Whether any item is, or will be, as it was before the load.
    pub fn takes_back(&self) -> bool {
        UndoFate::ALL.iter().any(|fate| fate.is_written() && self.items.of(*fate) > 0)
    }

    /// Takes a line of the plan into account.
    pub fn add(&mut self, step: &StepBack) {
        self.items.add(step.fate);
        if step.fate == UndoFate::Edited {
            self.list(StayingItem { key: step.key.clone(), fate: step.fate, reason: None });
        }
    }

    /// Takes into account what writing taught.
    pub fn shift(&mut self, stayed: StayedItem) {
        self.items.shift(stayed.planned, stayed.item.fate);
        self.list(stayed.item);
    }

    /// A line of the plan that was not done any more.
    pub fn leave_out(&mut self, step: &StepBack) {
        if step.fate.is_written() {
            self.items.shift(step.fate, UndoFate::NotReached);
        }
    }

    fn list(&mut self, item: StayingItem) {
        if self.staying.len() < STAYING_LISTED {
            self.staying.push(item);
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

    fn changed(mode: &str, says: &[(&str, &str)], removes: &[&str], before: &[(&str, &str)]) -> StepBack {
        let row = PlanRow {
            fate: Fate::Changed,
            removes: removes.iter().map(ToString::to_string).collect(),
            before: Some(item(before)),
            ..PlanRow::accepted("Stock", 2, Some(item(says)))
        };
        StepBack::of_row(row, &schema(mode)).unwrap()
    }

    fn fate(step: &StepBack, there: Option<&[(&str, &str)]>) -> UndoFate {
        let mut step = step.clone();
        step.compare(there.map(item).as_ref());
        step.fate
    }

    #[test]
    fn what_was_put_whole_is_taken_back_whole() {
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
    fn of_a_merge_only_the_attributes_it_changed_are_compared_and_taken_back() {
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
    fn what_was_new_goes_and_what_was_deleted_comes_back() {
        let schema = schema("merge");
        let there = [("sku", "A"), ("name", "Nut")];
        let new = PlanRow { fate: Fate::New, ..PlanRow::accepted("Stock", 2, Some(item(&there))) };
        let new = StepBack::of_row(new, &schema).unwrap();
        assert_eq!((new.in_part, new.fate, new.after(None)), (false, UndoFate::Removed, None));
        assert_eq!((fate(&new, None), fate(&new, Some(&there))), (UndoFate::Already, UndoFate::Removed));
        let missing = |missing| StepBack::of_missing(MissingItem { missing, before: item(&there) }, &schema);
        let deleted = missing(Missing::Delete).unwrap();
        assert_eq!((fate(&deleted, None), fate(&deleted, Some(&there))), (UndoFate::Returned, UndoFate::Already));
        assert_eq!(fate(&deleted, Some(&there[..1])), UndoFate::Edited);
        let marked = missing(Missing::Mark).unwrap();
        assert_eq!((marked.in_part, marked.left, marked.before), (true, Some(MissingItem::mark()), Some(Item::new())));
        assert_eq!(missing(Missing::Report), None);
    }

    #[test]
    fn rows_of_which_nothing_was_written_have_nothing_to_take_back() {
        for fate in Fate::ALL.into_iter().filter(|fate| !fate.is_written()) {
            let row = PlanRow { fate, ..PlanRow::accepted("Stock", 2, Some(item(&[("sku", "A")]))) };
            assert_eq!(StepBack::of_row(row, &schema("replace")), None, "{fate}");
        }
    }

    #[test]
    fn an_undo_is_undone_where_it_wrote() {
        let step = changed("merge", &[("sku", "A"), ("name", "Nut")], &[], &[("sku", "A"), ("name", "Bolt")]);
        let again = StepBack::of_undo(step.clone()).unwrap();
        assert_eq!((&again.left, &again.before, again.fate), (&step.before, &step.left, UndoFate::Restored));
        assert_eq!(StepBack::of_undo(again).unwrap(), step);
        let gone = StepBack { before: None, fate: UndoFate::Removed, ..step.clone() };
        assert_eq!(StepBack::of_undo(gone).unwrap().fate, UndoFate::Returned);
        for fate in [UndoFate::Already, UndoFate::Edited] {
            assert_eq!(StepBack::of_undo(StepBack { fate, ..step.clone() }), None);
        }
    }

    #[test]
    fn items_that_stay_are_counted_and_the_first_are_listed() {
        let undo = Undo {
            load: LoadId::parse("0123456789abcdef").unwrap(),
            by: "Erika".into(),
            at: Timestamp::UNIX_EPOCH,
            dry_run: false,
        };
        let mut undone = Undone::new(&undo);
        let step = changed("replace", &[("sku", "A")], &[], &[("sku", "A"), ("name", "Bolt")]);
        undone.add(&step);
        for _ in 0..STAYING_LISTED {
            undone.add(&StepBack { fate: UndoFate::Edited, ..step.clone() });
        }
        let item = StayingItem { key: step.key, fate: UndoFate::NotTaken, reason: Some("Item is odd.".into()) };
        undone.shift(StayedItem { planned: UndoFate::Restored, item });
        assert_eq!((undone.staying.len(), undone.items.of(UndoFate::Edited)), (STAYING_LISTED, STAYING_LISTED as u64));
        let json = r#"{"restored":0,"removed":0,"returned":0,"already":0,"edited":100,"not-taken":1,"not-reached":0}"#;
        assert_eq!(serde_json::to_string(&undone.items).unwrap(), json);
    }
}
