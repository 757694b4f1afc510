//! Cells shown as one over several rows.

use super::super::case::{Case, Cell, Form, Merge};
use super::super::list::Field;
use super::Trap;

const MERGING: &[Form] = &[Form::Xlsx, Form::Ods, Form::Xml2003, Form::Xls, Form::Html];

pub const TRAPS: &[Trap] = &[
    Trap::new("category-merged", MERGING, category).with(&[Field::Category]),
    Trap::new("category-merged-in-groups", MERGING, categories).with(&[Field::Category]),
    Trap::new("quantity-merged", MERGING, quantity),
    Trap::new("price-merged", MERGING, price).with(&[Field::Price]),
    Trap::new("key-merged", MERGING, key),
];

/// Two to four rows below each other that are items without a trap.
fn block(case: &mut Case) -> Option<(usize, usize)> {
    let length = case.rng.usize(2..5);
    let rows = &case.sheets[0].rows;
    let free = |row: usize| rows.get(row).is_some_and(|row| row.is_item() && row.trap.is_none());
    let starts: Vec<_> = (1..rows.len()).filter(|start| (*start..start + length).all(free)).collect();
    let start = *case.rng.choice(&starts)?;
    Some((start, start + length - 1))
}

/// Merges a column of the block, and says of its rows what a person sees.
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

/// The whole column, in groups of rows.
fn categories(case: &mut Case) -> bool {
    let mut laid = false;
    for _ in 0..12 {
        laid |= block(case).is_some_and(|rows| merge(case, Field::Category, "category-merged-in-groups", rows));
    }
    laid
}

/// A pallet of 60 over three rows is not 180, and nobody can say how many are of which.
fn quantity(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Quantity, "quantity-merged", rows))
}

fn price(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Price, "price-merged", rows))
}

fn key(case: &mut Case) -> bool {
    block(case).is_some_and(|rows| merge(case, Field::Sku, "key-merged", rows))
}
