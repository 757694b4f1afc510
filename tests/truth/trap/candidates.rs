//! Two columns that could be the same attribute.

use super::super::case::{Case, Cell, Form, Truth};
use super::super::language::ENGLISH;
use super::super::list::Field;
use super::Trap;

pub const TRAPS: &[Trap] = &[
    Trap::new("cost-beside-retail-price", &Form::ALL, cost).with(&[Field::Price]).spoken(&[&ENGLISH]),
    Trap::new("available-beside-on-hand", &Form::ALL, available).spoken(&[&ENGLISH]),
    Trap::new("item-id-beside-sku", &Form::ALL, item_id).spoken(&[&ENGLISH]),
    Trap::new("sale-price-beside-price", &Form::ALL, sale_price).with(&[Field::Price]).spoken(&[&ENGLISH]),
    Trap::new("difference-beside-counted", &Form::ALL, difference).spoken(&[&ENGLISH]),
    Trap::new("reserved-beside-on-hand", &Form::ALL, reserved).spoken(&[&ENGLISH]),
    Trap::new("cost-alone", &Form::ALL, cost_alone).with(&[Field::Price]).spoken(&[&ENGLISH]),
];

/// Renames the column of `field` and puts a further one before or behind it.
fn beside(case: &mut Case, field: Field, title: &str, other: &str, cell: impl Fn(usize, &Cell) -> Cell) -> bool {
    let Some(column) = case.column(field) else { return false };
    let behind = case.rng.bool();
    let place = if behind { column + 1 } else { column };
    case.columns.insert(place, None);
    let rows = &mut case.sheet().rows;
    rows[0].cells[column] = Cell::text(title);
    for (number, row) in rows.iter_mut().enumerate().filter(|(_, row)| row.cells.len() > column) {
        let new = if number == 0 { Cell::text(other) } else { cell(number, &row.cells[column]) };
        row.cells.insert(place, new);
    }
    true
}

/// A header with items below it, and nothing else.
fn is_plain(case: &Case) -> bool {
    let rows = &case.sheets[0].rows;
    rows[1..].iter().all(|row| row.truth != Truth::NoItem) && rows.iter().all(|row| row.line.is_none())
}

fn cost(case: &mut Case) -> bool {
    is_plain(case) && beside(case, Field::Price, "Retail price", "Cost", |row, _| Cell::text(format!("{}.15", row + 2)))
}

fn available(case: &mut Case) -> bool {
    is_plain(case)
        && beside(case, Field::Quantity, "Qty on hand", "Qty available", |row, _| Cell::text((row % 7).to_string()))
}

fn item_id(case: &mut Case) -> bool {
    is_plain(case) && beside(case, Field::Sku, "SKU", "Item ID", |row, _| Cell::text(format!("{}", 7_000 + row)))
}

fn sale_price(case: &mut Case) -> bool {
    let laid = is_plain(case)
        && beside(case, Field::Price, "Price", "Sale price", |row, _| Cell::text(format!("{}.05", row + 1)));
    for row in &mut case.sheet().rows {
        if laid && row.attributes().is_some_and(|attributes| attributes.contains_key("unit_price")) {
            row.make_unclear();
        }
    }
    laid
}

fn difference(case: &mut Case) -> bool {
    is_plain(case)
        && beside(case, Field::Quantity, "Counted quantity", "Qty difference", |row, _| {
            Cell::text((row % 3).to_string())
        })
}

fn reserved(case: &mut Case) -> bool {
    is_plain(case)
        && beside(case, Field::Quantity, "Quantity on hand", "Reserved quantity", |row, _| {
            Cell::text((row % 5).to_string())
        })
}

/// Where there is nothing else, a cost is the price by the shipped rules.
fn cost_alone(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Price) else { return false };
    case.sheet().rows[0].cells[column] = Cell::text("Unit cost");
    true
}
