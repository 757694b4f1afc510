//! Cells merged over several rows.

use super::super::case::{Case, Cell, FileFormat, Merge};
use super::super::list::Field;
use super::Trap;

const MERGING: &[FileFormat] =
    &[FileFormat::Xlsx, FileFormat::Ods, FileFormat::Xml2003, FileFormat::Xls, FileFormat::Html];

pub const TRAPS: &[Trap] = &[
    Trap::new("category-merged", MERGING, category).with_columns(&[Field::Category]),
    Trap::new("category-merged-in-groups", MERGING, categories).with_columns(&[Field::Category]),
    Trap::new("quantity-merged", MERGING, quantity),
    Trap::new("price-merged", MERGING, price).with_columns(&[Field::Price]),
    Trap::new("key-merged", MERGING, key),
];

/// Returns the first and last of two to four adjacent rows of items without a trap.
fn block(case: &mut Case) -> Option<(usize, usize)> {
    let length = case.rng.usize(2..5);
    let rows = &case.sheets[0].rows;
    let free = |row: usize| rows.get(row).is_some_and(|row| row.is_item() && row.trap.is_none());
    let starts: Vec<_> = (1..rows.len()).filter(|start| (*start..start + length).all(free)).collect();
    let start = *case.rng.choice(&starts)?;
    Some((start, start + length - 1))
}

/// Merges a column of the rows, and sets their truth to what a reader of the sheet would understand.
fn merge(case: &mut Case, field: Field, trap: &'static str, rows: (usize, usize)) -> bool {
    let Some(column) = case.column(field) else { return false };
    let (first, last) = rows;
    if case.sheets[0].rows[first].cells[column].is_empty() {
        return false;
    }
    let attribute = field.attribute();
    let value = case.sheet().rows[first].attributes().and_then(|attributes| attributes.get(attribute).cloned());
    let Some(value) = value else { return false };
    for row in &mut case.sheet().rows[first + 1..=last] {
        row.cells[column] = Cell::EMPTY;
        if let Some(attributes) = row.attributes() {
            attributes.insert(attribute, value.clone());
        }
    }
    for row in &mut case.sheet().rows[first..=last] {
        row.trap = Some(trap);
        if field != Field::Category {
            row.make_unclear();
        }
    }
    case.sheet().merges.push(Merge { rows, columns: (column, column) });
    true
}

fn category(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Category, "category-merged", rows))
}

/// Merges several groups of rows in the column.
fn categories(case: &mut Case) -> bool {
    let mut applied = false;
    for _ in 0..12 {
        applied |= block(case).is_some_and(|rows| merge(case, Field::Category, "category-merged-in-groups", rows));
    }
    applied
}

/// A quantity of 60 over three rows does not mean 180 pieces, and how many are of which item is unknown.
fn quantity(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Quantity, "quantity-merged", rows))
}

fn price(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Price, "price-merged", rows))
}

fn key(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Sku, "key-merged", rows))
}
