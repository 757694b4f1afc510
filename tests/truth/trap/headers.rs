//! Several tables below each other.

use super::super::case::{Case, Cell, FileFormat, Row, Truth};
use super::super::list::{Field, Item};
use super::Trap;

pub const TRAPS: &[Trap] = &[
    Trap::new("second-header-in-another-order", &FileFormat::ALL, other_order)
        .with_columns(&[Field::Price, Field::Warehouse]),
    Trap::new("second-header-with-other-columns", &FileFormat::ALL, other_columns)
        .with_columns(&[Field::Price, Field::Supplier]),
    Trap::new("second-header-of-another-table", &FileFormat::ALL, another_table).with_columns(&[Field::Price]),
    Trap::new("header-again-as-it-was", &FileFormat::ALL, header_again),
];

/// Returns further items like those of the list.
fn more_items(case: &mut Case) -> Vec<Item> {
    let count = case.rng.usize(2..7);
    let old = &case.list.items;
    let more = old.iter().cycle().take(count).enumerate();
    more.map(|(place, item)| Item { sku: format!("{}", 90_001 + place), ..item.clone() }).collect()
}

fn append(case: &mut Case, fields: &[Field], trap: &'static str) {
    let items = more_items(case);
    let blank = case.rng.usize(0..3);
    let mut rows = vec![Row::no_item(Vec::new()); blank];
    rows.push(case.header(fields));
    for item in items {
        let mut row = case.row(&item, fields);
        row.trap = Some(trap);
        rows.push(row);
    }
    case.sheet().rows.extend(rows);
}

fn other_order(case: &mut Case) -> bool {
    let mut fields = case.list.fields();
    let before = fields.clone();
    while fields == before {
        // May swap two columns of the same kind, which is the hardest to detect.
        let (one, other) = (case.rng.usize(..fields.len()), case.rng.usize(..fields.len()));
        fields.swap(one, other);
    }
    append(case, &fields, "second-header-in-another-order");
    true
}

fn other_columns(case: &mut Case) -> bool {
    let mut fields = case.list.fields();
    let needed = [Field::Sku, Field::Name, Field::Quantity];
    let Some(gone) = fields.iter().position(|field| !needed.contains(field)) else { return false };
    fields.remove(gone);
    append(case, &fields, "second-header-with-other-columns");
    true
}

/// A list of halls whose numbers are in the columns of quantities and prices.
fn another_table(case: &mut Case) -> bool {
    let columns = case.columns.clone();
    let halls = [("H1", "Hall East", 1200, 450), ("H2", "Hall West", 800, 300), ("H3", "Yard", 2500, 90)];
    let rows = halls.map(|(key, name, size, rent)| {
        let cell = |field: &Option<Field>| match field {
            Some(Field::Sku) => Cell::text(key),
            Some(Field::Name) => Cell::text(name),
            Some(Field::Quantity) => Cell::text(size.to_string()),
            Some(Field::Price) => Cell::text(rent.to_string()),
            _ => Cell::EMPTY,
        };
        let cells = columns.iter().map(cell).collect();
        Row { trap: Some("second-header-of-another-table"), ..Row::no_item(cells) }
    });
    let title = |field: &Option<Field>| match field {
        Some(Field::Sku) => Cell::text("Hall"),
        Some(Field::Name) => Cell::text("Called"),
        Some(Field::Quantity) => Cell::text("Square metres"),
        Some(Field::Price) => Cell::text("Rent"),
        _ => Cell::EMPTY,
    };
    let header = Row::no_item(columns.iter().map(title).collect());
    let rows = [Row::no_item(Vec::new()), header].into_iter().chain(rows);
    case.sheet().rows.extend(rows);
    true
}

/// The header repeated, as on each page of a printed list.
fn header_again(case: &mut Case) -> bool {
    let fields = case.list.fields();
    append(case, &fields, "header-again-as-it-was");
    case.sheets[0].rows.iter().all(|row| !matches!(row.truth, Truth::Unclear(_)))
}
