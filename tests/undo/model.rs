//! A model of the result of an undo, from three snapshots of the table, without plans, chunks or conditions.

use std::collections::BTreeSet;

use inventory_base::item::{Item, Value};

use crate::plan::model::{Rules, Stock, text};

/// An edit of an item by another program after the load.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    Count,
    Note,
    Delete,
    Put,
}

pub fn edit(stock: &mut Stock, sku: &str, edit: Edit) {
    match (edit, stock.get_mut(sku)) {
        (Edit::Count, Some(item)) => item.insert("quantity", Value::N("99".into())),
        (Edit::Note, Some(item)) => item.insert("note", text("mine")),
        (Edit::Delete, _) => drop(stock.remove(sku)),
        (Edit::Put, _) => {
            let item = Item::from([("sku".to_string(), text(sku)), ("place".to_string(), text("Goole"))]);
            stock.insert(sku.to_string(), item);
        }
        (Edit::Count | Edit::Note, None) => {}
    }
}

/// Returns the table after the undo, and the SKUs of the items that are not undone.
pub fn undo(rules: &Rules, before: &Stock, left: &Stock, now: &Stock) -> (Stock, BTreeSet<String>) {
    let (mut after, mut not_undone) = (now.clone(), BTreeSet::new());
    let skus: BTreeSet<&String> = before.keys().chain(left.keys()).collect();
    for sku in skus.into_iter().filter(|sku| before.get(*sku) != left.get(*sku)) {
        let (before, left, now) = (before.get(sku), left.get(sku), now.get(sku));
        let will_be = match (before, left) {
            (Some(before), Some(left)) if rules.mode == "merge" || is_marked(rules, before, left) => {
                undo_changes(before, left, now)
            }
            _ if now == before || now == left => Some(before.cloned()),
            _ => None,
        };
        match will_be {
            None => drop(not_undone.insert(sku.clone())),
            Some(None) => drop(after.remove(sku)),
            Some(Some(item)) => drop(after.insert(sku.clone(), item)),
        }
    }
    (after, not_undone)
}

fn is_marked(rules: &Rules, before: &Item, left: &Item) -> bool {
    let is_marked = |item: &Item| item.get("discontinued") == Some(&Value::Bool(true));
    matches!(rules.sync, Some((_, "mark"))) && is_marked(left) && !is_marked(before)
}

/// Undoes the changes to an item; `None` if another program changed one of the attributes that the load changed.
fn undo_changes(before: &Item, left: &Item, now: Option<&Item>) -> Option<Option<Item>> {
    let names: BTreeSet<&str> =
        before.keys().chain(left.keys()).filter(|name| before.get(name) != left.get(name)).collect();
    let now = now?;
    let is = |image: &Item| names.iter().all(|name| image.get(name) == now.get(name));
    if !is(before) && !is(left) {
        return None;
    }
    let mut item = now.clone();
    item.retain(|name, _| !names.contains(name));
    item.extend(before.iter().filter(|(name, _)| names.contains(name)).map(|(name, value)| (name, value.clone())));
    Some(Some(item))
}
