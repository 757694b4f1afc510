//! A short model of the result of a load, without chunks, pages, requests or conditions.

use std::collections::BTreeMap;

use inventory_base::item::{Item, Value};
use inventory_check::plan::Fate;

/// The items of a table by their SKU.
pub type Stock = BTreeMap<String, Item>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Table,
    Place,
    Leeds,
}

#[derive(Debug, Clone)]
pub struct Rules {
    pub mode: &'static str,
    pub duplicates: &'static str,
    pub compare: bool,
    pub provenance: bool,
    /// Whether an empty name keeps the table's name; otherwise it removes the name.
    pub keeps_name: bool,
    pub sync: Option<(Scope, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Row {
    /// `None` cannot be read.
    pub sku: Option<&'static str>,
    pub name: Option<&'static str>,
    /// `None` is not a number.
    pub quantity: Option<u32>,
    pub place: &'static str,
}

impl Row {
    fn is_valid(&self) -> bool {
        self.sku.is_some() && self.quantity.is_some()
    }
}

pub fn text(text: &str) -> Value {
    Value::S(text.to_string().into())
}

/// Returns the table after the load, and the fate of each row.
pub fn load(rules: &Rules, rows: &[Row], before: &Stock) -> (Stock, Vec<Fate>) {
    let mut after = before.clone();
    let mut fates = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let same: Vec<usize> = (0..rows.len()).filter(|&m| row.sku.is_some() && rows[m].sku == row.sku).collect();
        let counts = match rules.duplicates {
            "reject" => same.len() < 2,
            "first" => same.first() == Some(&n),
            _ => same.last() == Some(&n),
        };
        let Some((sku, quantity)) = row.sku.zip(row.quantity).filter(|_| counts) else {
            fates.push(if row.is_valid() { Fate::Duplicate } else { Fate::Rejected });
            continue;
        };
        let existing = before.get(sku);
        let mut item = if rules.mode == "merge" { existing.cloned().unwrap_or_default() } else { Item::new() };
        let keeps_name = rules.keeps_name && rules.mode != "add";
        let kept_name = existing.and_then(|existing| existing.get("name")).filter(|_| keeps_name).cloned();
        item.insert("sku", text(sku));
        item.insert("quantity", Value::N(quantity.to_string().into()));
        item.insert("place", text(row.place));
        item.remove("name");
        item.extend(row.name.map(text).or(kept_name).map(|name| ("name".to_string(), name)));
        if matches!(rules.sync, Some((_, "mark"))) {
            item.remove("discontinued");
        }
        // Cannot be distinguished from an item that an earlier attempt of this load added without getting the response.
        let may_be_ours = !rules.compare && !rules.provenance && existing == Some(&item);
        if let (Some(existing), "add") = (existing, rules.mode) {
            item = existing.clone();
        }
        fates.push(match existing {
            Some(_) if rules.mode == "add" && !may_be_ours => Fate::Kept,
            _ if !rules.compare => Fate::Written,
            None => Fate::New,
            Some(existing) if *existing == item => Fate::Unchanged,
            Some(_) => Fate::Changed,
        });
        after.insert(sku.to_string(), item);
    }
    if let Some((scope, missing)) = rules.sync.filter(|_| rows.iter().all(|row| row.sku.is_some())) {
        let loaded = rows.iter().zip(&fates).filter(|(_, fate)| !matches!(fate, Fate::Rejected | Fate::Duplicate));
        let places: Vec<Value> = loaded.map(|(row, _)| text(row.place)).collect();
        for (sku, item) in before.iter().filter(|(sku, _)| rows.iter().all(|row| row.sku != Some(sku.as_str()))) {
            let is_in_scope = item.get("place").is_some_and(|place| match scope {
                Scope::Table => true,
                Scope::Place => places.contains(place),
                Scope::Leeds => *place == text("Leeds"),
            });
            match missing {
                "delete" if is_in_scope || scope == Scope::Table => drop(after.remove(sku)),
                "mark" if is_in_scope || scope == Scope::Table => {
                    after.get_mut(sku).unwrap().insert("discontinued", Value::Bool(true));
                }
                _ => {}
            }
        }
    }
    (after, fates)
}
