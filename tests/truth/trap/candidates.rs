//! Two columns that could be the same attribute.

use super::super::case::{Case, Cell, FileFormat, Truth};
use super::super::language::ENGLISH;
use super::super::list::Field;
use super::Trap;

pub const TRAPS: &[Trap] = &[
    Trap::new("cost-beside-retail-price", &FileFormat::ALL, cost)
        .with_columns(&[Field::Price])
        .in_languages(&[&ENGLISH]),
    Trap::new("available-beside-on-hand", &FileFormat::ALL, available).in_languages(&[&ENGLISH]),
    Trap::new("item-id-beside-sku", &FileFormat::ALL, item_id).in_languages(&[&ENGLISH]),
    Trap::new("sale-price-beside-price", &FileFormat::ALL, sale_price)
        .with_columns(&[Field::Price])
        .in_languages(&[&ENGLISH]),
    Trap::new("difference-beside-counted", &FileFormat::ALL, difference).in_languages(&[&ENGLISH]),
    Trap::new("reserved-beside-on-hand", &FileFormat::ALL, reserved).in_languages(&[&ENGLISH]),
    Trap::new("index-column-without-name", &FileFormat::ALL, index),
    Trap::new("column-without-name", &FileFormat::ALL, nameless),
    Trap::new("difference-alone", &FileFormat::ALL, only_difference).in_languages(&[&ENGLISH]),
    Trap::new("cost-alone", &FileFormat::ALL, cost_alone).with_columns(&[Field::Price]).in_languages(&[&ENGLISH]),
];

/// Renames the column of `field` and inserts another one before or after it.
fn add_column_next_to(
    case: &mut Case,
    field: Field,
    (title, other): (&'static str, &str),
    trap: &'static str,
    cell: impl Fn(usize) -> Cell,
) -> bool {
    if !case.is_plain() {
        return false;
    }
    let Some(column) = case.column(field) else { return false };
    let behind = case.rng.bool();
    let place = if behind { column + 1 } else { column };
    case.insert_column(place);
    let rows = &mut case.sheet().rows;
    rows[0].cells[column] = Cell::text(title);
    for (number, row) in rows.iter_mut().enumerate().filter(|(_, row)| row.cells.len() > column) {
        let new = if number == 0 { Cell::text(other) } else { cell(number) };
        row.cells.insert(place, new);
        row.trap = Some(trap);
    }
    true
}

fn cost(case: &mut Case) -> bool {
    let other = |row: usize| Cell::text(format!("{}.15", row + 2));
    add_column_next_to(case, Field::Price, ("Retail price", "Cost"), "cost-beside-retail-price", other)
}

fn available(case: &mut Case) -> bool {
    let other = |row: usize| Cell::text((row % 7).to_string());
    add_column_next_to(case, Field::Quantity, ("Qty on hand", "Qty available"), "available-beside-on-hand", other)
}

fn item_id(case: &mut Case) -> bool {
    let other = |row: usize| Cell::text(format!("{}", 7_000 + row));
    add_column_next_to(case, Field::Sku, ("SKU", "Item ID"), "item-id-beside-sku", other)
}

fn sale_price(case: &mut Case) -> bool {
    let other = |row: usize| Cell::text(format!("{}.05", row + 1));
    let applied = add_column_next_to(case, Field::Price, ("Price", "Sale price"), "sale-price-beside-price", other);
    for row in &mut case.sheet().rows {
        if applied && row.attributes().is_some_and(|attributes| attributes.contains_key("unit_price")) {
            row.make_unclear();
        }
    }
    applied
}

fn difference(case: &mut Case) -> bool {
    let other = |row: usize| Cell::text((row % 3).to_string());
    add_column_next_to(case, Field::Quantity, ("Counted quantity", "Difference"), "difference-beside-counted", other)
}

fn reserved(case: &mut Case) -> bool {
    let titles = ["Reserved quantity", "Allocated", "In transit", "Qty on order"];
    let title = titles[case.rng.usize(..titles.len())];
    let other = |row: usize| Cell::text((row % 5).to_string());
    add_column_next_to(case, Field::Quantity, ("Quantity on hand", title), "reserved-beside-on-hand", other)
}

/// A first column of row numbers, to which programs give no title.
fn index(case: &mut Case) -> bool {
    let first = case.columns.first().copied().flatten();
    let Some(field) = first.filter(|_| case.is_plain()) else { return false };
    let Some(column) = case.column(field) else { return false };
    case.insert_column(column);
    for (number, row) in case.sheet().rows.iter_mut().enumerate() {
        let cell = if number == 0 { Cell::EMPTY } else { Cell::text((number - 1).to_string()) };
        row.cells.insert(0, cell);
    }
    true
}

/// A column of remarks without a title.
fn nameless(case: &mut Case) -> bool {
    if !case.is_plain() {
        return false;
    }
    let width = case.columns.len();
    case.columns.push(None);
    for (number, row) in case.sheet().rows.iter_mut().enumerate() {
        row.cells.resize(width, Cell::EMPTY);
        row.cells.push(if number == 0 || number % 5 == 3 { Cell::EMPTY } else { Cell::text("ok") });
    }
    true
}

/// A difference or a forecast isn't a stock quantity.
fn only_difference(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Quantity).filter(|_| case.is_plain()) else { return false };
    let title = ["Inventory difference", "Stock difference", "Forecast quantity"][case.rng.usize(..3)];
    for (number, row) in case.sheet().rows.iter_mut().enumerate() {
        row.trap = Some("difference-alone");
        row.truth = Truth::NoItem;
        if number == 0 {
            row.cells[column] = Cell::text(title);
        }
    }
    true
}

/// By the shipped rules, a cost is the price if there is no other price.
fn cost_alone(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Price) else { return false };
    case.sheet().rows[0].cells[column] = Cell::text("Unit cost");
    true
}
