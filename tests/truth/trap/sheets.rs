//! Rows of a sheet other than items, and files with several sheets.

use serde_json::json;

use super::super::case::{Case, Cell, FileFormat, Row, Sheet, Truth};
use super::super::list::Field;
use super::Trap;

const BOOKS: &[FileFormat] = &[FileFormat::Xlsx, FileFormat::Ods, FileFormat::Xml2003, FileFormat::Xls];

pub const TRAPS: &[Trap] = &[
    Trap::new("titles-above", &FileFormat::ALL, titles),
    Trap::new("totals", &FileFormat::ALL, totals),
    Trap::new("subtotals", &FileFormat::ALL, subtotals).with_columns(&[Field::Category]),
    Trap::new("note-below", &FileFormat::ALL, note_below),
    Trap::new("hidden-rows", &[FileFormat::Xlsx, FileFormat::Ods, FileFormat::Xls, FileFormat::Xml2003], hidden_rows),
    Trap::new("sheets-named-after-warehouses", BOOKS, warehouses).with_columns(&[Field::Warehouse]),
    Trap::new("sheet-of-notes-beside", BOOKS, sheet_of_notes),
    Trap::new("blank-rows-between", &FileFormat::ALL, blank_rows),
    Trap::new("group-headings", &FileFormat::ALL, group_headings).with_columns(&[Field::Category]),
];

fn titles(case: &mut Case) -> bool {
    let rows = &mut case.sheet().rows;
    rows.insert(0, Row::texts(&["Stock of 30 September 2026"]));
    rows.insert(1, Row::no_item(Vec::new()));
    for merge in &mut case.sheet().merges {
        merge.rows = (merge.rows.0 + 2, merge.rows.1 + 2);
    }
    true
}

/// Returns a row with the total of rows `from..until`, and a word in the column of the key or the name.
fn total(case: &mut Case, word: &str, from: usize, until: usize) -> Row {
    let (key, name, quantity) = (case.column(Field::Sku), case.column(Field::Name), case.column(Field::Quantity));
    let counts = case.sheets[0].rows[from..until].iter().filter_map(|row| match &row.truth {
        Truth::Item(attributes) => attributes.get("quantity")?["N"].as_str()?.parse::<u32>().ok(),
        _ => None,
    });
    let sum: u32 = counts.sum();
    let at = if case.rng.bool() { key } else { name };
    let mut cells = vec![Cell::EMPTY; case.columns.len()];
    if let (Some(at), Some(quantity)) = (at, quantity) {
        cells[at] = Cell::text(word);
        cells[quantity] =
            if case.file_format.is_workbook() { Cell::number(sum.into(), "") } else { Cell::text(sum.to_string()) };
    }
    Row { trap: Some("totals"), ..Row::no_item(cells) }
}

fn totals(case: &mut Case) -> bool {
    let end = case.sheets[0].rows.len();
    let word = ["Total", "Grand total", "Sum", "TOTAL:"][case.rng.usize(..4)];
    let row = total(case, word, 1, end);
    case.sheet().rows.push(row);
    true
}

fn subtotals(case: &mut Case) -> bool {
    let middle = case.sheets[0].rows.len() / 2;
    if middle < 2 || !case.sheets[0].merges.is_empty() || case.sheets[0].rows[middle].trap.is_some() {
        return false;
    }
    let first = total(case, "Subtotal", 1, middle);
    let end = case.sheets[0].rows.len();
    let second = total(case, "Subtotal", middle, end);
    case.sheet().rows.push(second);
    case.sheet().rows.insert(middle, first);
    true
}

fn note_below(case: &mut Case) -> bool {
    let blank = case.rng.usize(0..3);
    let rows = &mut case.sheet().rows;
    rows.extend(vec![Row::no_item(Vec::new()); blank]);
    rows.push(Row::texts(&["Counted by Tom and Erika, checked on Monday"]));
    true
}

/// Rows hidden by a filter still belong to the list.
fn hidden_rows(case: &mut Case) -> bool {
    for place in case.free_rows().into_iter().take(3) {
        case.sheet().rows[place].hidden = true;
    }
    true
}

/// A sheet for each warehouse, without a warehouse column.
fn warehouses(case: &mut Case) -> bool {
    if !case.is_plain() || case.sheets.len() > 1 || !case.sheets[0].merges.is_empty() {
        return false;
    }
    let Some(column) = case.column(Field::Warehouse) else { return false };
    let names = case.list.language.warehouses;
    let old = std::mem::take(&mut case.sheets[0].rows);
    let mut sheets: Vec<_> = names.iter().map(|name| Sheet { name: (*name).to_string(), ..Sheet::default() }).collect();
    for (number, mut row) in old.into_iter().enumerate() {
        row.cells.remove(column);
        if number == 0 {
            sheets.iter_mut().for_each(|sheet| sheet.rows.push(row.clone()));
            continue;
        }
        let sheet = &mut sheets[number % names.len()];
        if let Some(attributes) = row.attributes() {
            attributes.insert("warehouse", json!({ "S": sheet.name }));
        }
        row.trap = Some("sheets-named-after-warehouses");
        sheet.rows.push(row);
    }
    sheets.retain(|sheet| sheet.rows.len() > 1);
    case.columns.remove(column);
    case.sheets = sheets;
    case.sheets.len() > 1
}

fn sheet_of_notes(case: &mut Case) -> bool {
    let rows = vec![Row::texts(&["Read me"]), Row::texts(&["Counted", "on Monday", "by Tom"])];
    case.sheets.push(Sheet { name: "Notes".to_string(), rows, merges: Vec::new() });
    true
}

fn blank_rows(case: &mut Case) -> bool {
    if !case.sheets[0].merges.is_empty() {
        return false;
    }
    for _ in 0..case.rng.usize(1..4) {
        let place = case.rng.usize(1..case.sheets[0].rows.len());
        // The two halves of a split row stay together.
        if case.sheets[0].rows[place].trap.is_none() {
            case.sheet().rows.insert(place, Row::no_item(Vec::new()));
        }
    }
    true
}

/// The category as a heading above its items instead of a column.
fn group_headings(case: &mut Case) -> bool {
    let (Some(column), true) = (case.column(Field::Category), case.is_plain() && case.sheets[0].merges.is_empty())
    else {
        return false;
    };
    let categories = case.list.language.categories;
    let width = case.columns.len() - 1;
    case.columns.remove(column);
    let mut old = std::mem::take(&mut case.sheet().rows).into_iter();
    let mut rows: Vec<_> = old.next().into_iter().collect();
    rows[0].cells.remove(column);
    let each = old.len().div_ceil(2).max(1);
    for (number, mut row) in old.enumerate() {
        let category = categories[number / each % categories.len()];
        if number % each == 0 {
            let mut cells = vec![Cell::EMPTY; width];
            cells[0] = Cell::text(category);
            rows.push(Row { trap: Some("group-headings"), ..Row::no_item(cells) });
        }
        row.cells.remove(column);
        // The loader is not expected to take the category from the heading.
        if let Some(attributes) = row.attributes() {
            attributes.remove("category");
        }
        rows.push(row);
    }
    case.sheet().rows = rows;
    true
}
