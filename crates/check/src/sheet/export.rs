//! Exports the items of a table as a sheet that can be loaded again with every row unchanged. Items that would not come
//! back the same are left out and reported.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cell::{CellValue, Form, NoCell, to_cell};
use super::columns::{Columns, format_as_read};
use super::pages::Pages;
use super::{LAST_ROW, SheetFault, name_items};
use crate::plan::key_of;
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size, plain_number, same_item, same_value};
use inventory_rules::judge::RowChecker;
use inventory_rules::schema::{Column, DISCONTINUED, PROVENANCE, Schema};
use inventory_workbook::RawRow;

/// Items of up to this total size are sorted by key. Larger tables are exported in the order in which they are read, so
/// that a table of any size takes no more memory.
const SORTED_BYTES: usize = 32 << 20;
/// How many items that are left out, and how many unknown attributes, are named; the others are counted.
const NAMED: usize = 1_000;

/// The result of an export.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub items: u64,
    pub sheets: u32,
    pub sorted: bool,
    pub left_out: LeftOut,
    /// Attributes that aren't in the rules, with the number of items that have them. They are not exported.
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
    /// The title of the column, or the attribute, that prevents the export.
    pub column: String,
    pub reason: String,
}

/// Why an item would not come back the same.
struct NotExportable {
    column: String,
    reason: String,
}

/// An export in progress.
pub struct Export<'a> {
    schema: &'a Schema,
    form: Form,
    checker: RowChecker<'a>,
    pages: Pages<'a>,
    /// The items to be sorted and their total size; `None` if there are too many.
    held: Option<(Vec<Item>, usize)>,
    /// For each column whose values must be unique: the values exported so far.
    unique: Vec<(usize, HashSet<[u8; 16]>)>,
    exported: Exported,
}

impl<'a> Export<'a> {
    pub fn begin(schema: &'a Schema, form: Form, out: File) -> Result<Export<'a>, SheetFault> {
        Export::begin_with(schema, form, out, LAST_ROW)
    }

    /// Starts an export with at most `most` rows of items per sheet.
    fn begin_with(schema: &'a Schema, form: Form, out: File, most: u32) -> Result<Export<'a>, SheetFault> {
        let name = name_items(schema)?;
        let titles = Columns::titles(schema);
        let checker = RowChecker::new(schema, &name, &titles).ok_or_else(|| SheetFault::Header(titles.join(", ")))?;
        let pages = Pages::begin(schema, form, &name, most, out)?;
        let unique = schema.columns.iter().enumerate().filter(|(_, column)| column.unique);
        let unique = unique.map(|(place, _)| (place, HashSet::new())).collect();
        let held = Some((Vec::new(), 0));
        Ok(Export { schema, form, checker, pages, held, unique, exported: Exported::default() })
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
        self.remove_unknown(&mut item);
        match self.cells_of(&item) {
            Ok(cells) => {
                self.pages.add(&cells)?;
                self.exported.items += 1;
            }
            Err(NotExportable { column, reason }) => {
                let left_out = &mut self.exported.left_out;
                left_out.total += 1;
                if left_out.items.len() < NAMED {
                    left_out.items.push(LeftOutItem { key: key_of(&item, self.schema), column, reason });
                }
            }
        }
        Ok(())
    }

    /// Removes and counts the attributes that aren't in the rules.
    fn remove_unknown(&mut self, item: &mut Item) {
        let not_known = &mut self.exported.not_known;
        item.retain(|name, _| {
            let is_column = self.schema.position(name).is_some();
            // The attributes that record an item's origin aren't exported.
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

    /// Returns the cells of an item after checking that they are read back as the same item.
    fn cells_of<'i>(&mut self, item: &'i Item) -> Result<Vec<Option<CellValue<'i>>>, NotExportable> {
        let mut cells = Vec::with_capacity(self.schema.columns.len());
        for column in &self.schema.columns {
            let cell = item.get(&column.name).map(|value| to_cell(value, column, self.form)).transpose();
            let not_exportable =
                |reason: NoCell| NotExportable { column: column.title.clone(), reason: reason.to_string() };
            cells.push(cell.map_err(not_exportable)?);
        }
        let format = |column: &Column| {
            if self.form == Form::Workbook { format_as_read(column) } else { None }
        };
        let read = (0..).zip(&cells).zip(&self.schema.columns);
        let read = read.filter_map(|((place, cell), column)| Some(cell.as_ref()?.as_read(place, format(column))));
        // Any row below the header will do.
        let row = RawRow { number: 2, cells: read.collect(), fields: None };
        match self.checker.judge(&row) {
            Ok(back) if same_item(&back, item) => {}
            Ok(back) => return Err(self.explain(item, &back)),
            Err(Some(problem)) => {
                let reason = format!("is not accepted by the rules ({})", problem.rule.id());
                return Err(NotExportable { column: problem.column.unwrap_or_default(), reason });
            }
            Err(None) => {
                let key = self.title(self.schema.key.first_column());
                return Err(NotExportable {
                    column: key,
                    reason: "is in a row that would not be read as an item".into(),
                });
            }
        }
        self.check_unique(item)?;
        Ok(cells)
    }

    /// Checks the values that must be unique: only the first item with such a value is exported.
    fn check_unique(&mut self, item: &Item) -> Result<(), NotExportable> {
        let columns = &self.schema.columns;
        let value = |place: usize| match item.get(&columns[place].name)? {
            Value::S(text) => Some(digest(text)),
            Value::N(digits) => Some(digest(&plain_number(digits))),
            _ => None,
        };
        let repeated =
            self.unique.iter().find(|(place, seen)| value(*place).is_some_and(|value| seen.contains(&value)));
        if let Some((place, _)) = repeated {
            let reason = "is the same in another item, but must be unique".to_string();
            return Err(NotExportable { column: columns[*place].title.clone(), reason });
        }
        for (place, seen) in &mut self.unique {
            seen.extend(value(*place));
        }
        Ok(())
    }

    /// Explains which value would come back differently.
    fn explain(&self, item: &Item, back: &Item) -> NotExportable {
        let differs = |name: &&str| match (item.get(name), back.get(name)) {
            (Some(is), Some(comes_back)) => !same_value(is, comes_back),
            _ => true,
        };
        let name = item.keys().chain(back.keys()).find(differs).unwrap_or_default();
        let reason = match (item.contains_key(name), back.contains_key(name)) {
            (true, false) if name == DISCONTINUED => "marks the item, but the rules have no column for it",
            (true, false) => "would be left empty",
            (false, _) => "is missing and would get its default value",
            (true, true) => "would come back changed, for example without leading or trailing spaces",
        };
        NotExportable { column: self.title(name), reason: reason.to_string() }
    }

    fn title(&self, name: &str) -> String {
        self.schema.position(name).map_or(name, |place| self.schema.columns[place].title.as_str()).to_string()
    }
}

fn digest(text: &str) -> [u8; 16] {
    let digest = Sha256::digest(text.as_bytes());
    std::array::from_fn(|at| digest[at])
}

/// Compares items by the columns of their key from left to right, numbers by value.
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
