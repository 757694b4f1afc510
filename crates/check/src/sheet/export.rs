//! The items of a table as a sheet that can be loaded again, with every row unchanged. What could not come back the same
//! is left out and told.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::{Form, Shown, show};
use super::columns::{Columns, format_as_read};
use super::pages::Pages;
use super::{LAST_ROW, SheetFault, name_items};
use crate::plan::key_of;
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size, plain_number, same_item, same_value};
use inventory_rules::judge::Trial;
use inventory_rules::schema::{Column, DISCONTINUED, PROVENANCE, Schema};
use inventory_workbook::RawRow;

/// Items that come to no more than this are sorted by their key. More stay in the order in which the table gives them,
/// so that a table of any size takes no more memory.
const SORTED_BYTES: usize = 32 << 20;
/// Items left out that are named, and attributes not known: of more, the number.
const NAMED: usize = 1_000;

/// What became of the items.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub items: u64,
    pub sheets: u32,
    pub sorted: bool,
    pub left_out: LeftOut,
    /// Attributes that the rules do not know, with the number of items that have them. They are not in the sheet.
    pub not_known: BTreeMap<String, u64>,
}

/// Items that are not in the sheet.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub total: u64,
    pub items: Vec<LeftOutItem>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LeftOutItem {
    pub key: Item,
    /// The title of the column, or the attribute, that is the reason.
    pub column: String,
    pub reason: String,
}

/// Why a row would not come back the same.
struct Unfit {
    column: String,
    reason: String,
}

/// An export that is being written.
pub struct Export<'a> {
    schema: &'a Schema,
    form: Form,
    trial: Trial<'a>,
    pages: Pages<'a>,
    /// Items that can still be sorted, and their bytes.
    held: Option<(Vec<Item>, usize)>,
    /// Of each column whose values stand in one row only: those that are in.
    once: Vec<(usize, HashSet<[u8; 16]>)>,
    exported: Exported,
}

impl<'a> Export<'a> {
    pub fn begin(schema: &'a Schema, form: Form, out: File) -> Result<Export<'a>, SheetFault> {
        Export::begin_with(schema, form, out, LAST_ROW)
    }

    /// With no more rows of items on a sheet than `most`.
    fn begin_with(schema: &'a Schema, form: Form, out: File, most: u32) -> Result<Export<'a>, SheetFault> {
        let name = name_items(schema)?;
        let titles = Columns::titles(schema);
        let trial = Trial::new(schema, &name, &titles).ok_or_else(|| SheetFault::Header(titles.join(", ")))?;
        let pages = Pages::begin(schema, form, &name, most, out)?;
        let unique = schema.columns.iter().enumerate().filter(|(_, column)| column.unique);
        let once = unique.map(|(place, _)| (place, HashSet::new())).collect();
        let held = Some((Vec::new(), 0));
        Ok(Export { schema, form, trial, pages, held, once, exported: Exported::default() })
    }

    pub fn add(&mut self, item: Item) -> Result<(), SheetFault> {
        let Some((held, bytes)) = &mut self.held else {
            return self.write(item);
        };
        *bytes += item_size(&item);
        held.push(item);
        if *bytes <= SORTED_BYTES {
            return Ok(());
        }
        let all = self.held.take().map(|(items, _)| items).unwrap_or_default();
        all.into_iter().try_for_each(|item| self.write(item))
    }

    pub fn end(mut self) -> Result<Exported, SheetFault> {
        if let Some((mut items, _)) = self.held.take() {
            items.sort_by(|a, b| by_key(self.schema, a, b));
            items.into_iter().try_for_each(|item| self.write(item))?;
            self.exported.sorted = true;
        }
        self.exported.sheets = self.pages.end()?;
        Ok(self.exported)
    }

    fn write(&mut self, mut item: Item) -> Result<(), SheetFault> {
        self.put_aside_not_known(&mut item);
        match self.cells_of(&item) {
            Ok(cells) => {
                self.pages.add(&cells)?;
                self.exported.items += 1;
            }
            Err(Unfit { column, reason }) => {
                let left_out = &mut self.exported.left_out;
                left_out.total += 1;
                if left_out.items.len() < NAMED {
                    left_out.items.push(LeftOutItem { key: key_of(&item, self.schema), column, reason });
                }
            }
        }
        Ok(())
    }

    fn put_aside_not_known(&mut self, item: &mut Item) {
        let not_known = &mut self.exported.not_known;
        item.retain(|name, _| {
            let is_column = self.schema.position(name).is_some();
            // What the loader says of itself in an item is no part of the item.
            if PROVENANCE.contains(&name) && !is_column {
                return false;
            }
            let known = self.schema.is_known(name);
            if !known && (not_known.len() < NAMED || not_known.contains_key(name)) {
                *not_known.entry(name.to_string()).or_default() += 1;
            }
            known
        });
    }

    /// The cells of an item, once it is sure that they come back as this item.
    fn cells_of<'i>(&mut self, item: &'i Item) -> Result<Vec<Option<Shown<'i>>>, Unfit> {
        let mut cells = Vec::with_capacity(self.schema.columns.len());
        for column in &self.schema.columns {
            let cell = item.get(&column.name).map(|value| show(value, column, self.form)).transpose();
            cells.push(cell.map_err(|unshown| Unfit { column: column.title.clone(), reason: unshown.to_string() })?);
        }
        let format = |column: &Column| {
            if self.form == Form::Workbook { format_as_read(column) } else { None }
        };
        let read = (0..).zip(&cells).zip(&self.schema.columns);
        let read = read.filter_map(|((place, cell), column)| Some(cell.as_ref()?.as_read(place, format(column))));
        // Under the header; which of the rows it is changes nothing.
        let row = RawRow { number: 2, cells: read.collect(), fields: None };
        match self.trial.judge(&row) {
            Ok(back) if same_item(&back, item) => {}
            Ok(back) => return Err(self.explain(item, &back)),
            Err(Some(problem)) => {
                let reason = format!("is not taken by the rules ({})", problem.rule.id());
                return Err(Unfit { column: problem.column.unwrap_or_default(), reason });
            }
            Err(None) => {
                let key = self.title(self.schema.key.first_column());
                return Err(Unfit {
                    column: key,
                    reason: "stands in a row that would not be taken for an item".into(),
                });
            }
        }
        self.note_once(item)?;
        Ok(cells)
    }

    /// Of what may stand in one row only, the first item is in and no other.
    fn note_once(&mut self, item: &Item) -> Result<(), Unfit> {
        let columns = &self.schema.columns;
        let value = |place: usize| match item.get(&columns[place].name)? {
            Value::S(text) => Some(digest(text)),
            Value::N(digits) => Some(digest(&plain_number(digits))),
            _ => None,
        };
        let again = self.once.iter().find(|(place, seen)| value(*place).is_some_and(|value| seen.contains(&value)));
        if let Some((place, _)) = again {
            let reason = "stands in another item too, and may in one only".to_string();
            return Err(Unfit { column: columns[*place].title.clone(), reason });
        }
        for (place, seen) in &mut self.once {
            seen.extend(value(*place));
        }
        Ok(())
    }

    /// What would come back otherwise.
    fn explain(&self, item: &Item, back: &Item) -> Unfit {
        let differs = |name: &&str| match (item.get(name), back.get(name)) {
            (Some(is), Some(comes_back)) => !same_value(is, comes_back),
            _ => true,
        };
        let name = item.keys().chain(back.keys()).find(differs).unwrap_or_default();
        let reason = match (item.contains_key(name), back.contains_key(name)) {
            (true, false) if name == DISCONTINUED => "marks the item, and the rules have no column for it",
            (true, false) => "would be left empty",
            (false, _) => "is not there, and would get the default of the rules",
            (true, true) => "would come back as something else, such as without blanks at its ends",
        };
        Unfit { column: self.title(name), reason: reason.to_string() }
    }

    fn title(&self, name: &str) -> String {
        self.schema.position(name).map_or(name, |place| self.schema.columns[place].title.as_str()).to_string()
    }
}

fn digest(text: &str) -> [u8; 16] {
    let digest = Sha256::digest(text.as_bytes());
    std::array::from_fn(|at| digest[at])
}

/// By the columns of the key, as they stand from left to right; numbers by what they are worth.
fn by_key(schema: &Schema, a: &Item, b: &Item) -> Ordering {
    let is_key = |column: &&Column| schema.key.columns().any(|key| key == column.name);
    let keys = schema.columns.iter().filter(is_key).map(|column| column.name.as_str());
    keys.map(|name| match (a.get(name), b.get(name)) {
        (Some(Value::N(a)), Some(Value::N(b))) => Decimal::parse(a).ok().cmp(&Decimal::parse(b).ok()),
        (Some(Value::S(a)), Some(Value::S(b))) => a.cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
    .find(|order| order.is_ne())
    .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests;
