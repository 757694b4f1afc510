//! Values that are ambiguous or don't fit their column.

use serde_json::json;

use super::super::case::{Case, Cell, FileFormat, Truth, Value};
use super::super::language::ENGLISH;
use super::super::list::Field;
use super::Trap;

const WORKBOOKS: &[FileFormat] = FileFormat::WORKBOOKS;

pub const TRAPS: &[Trap] = &[
    Trap::new("percent-in-quantity", &FileFormat::ALL, percent),
    Trap::new("percent-format-on-quantity", WORKBOOKS, percent_format),
    Trap::new("currency-by-row", &FileFormat::ALL, currency_by_row)
        .with_columns(&[Field::Price])
        .in_languages(&[&ENGLISH]),
    Trap::new("currency-by-row-beside-signs", &FileFormat::ALL, currency_beside_sign)
        .with_columns(&[Field::Price])
        .in_languages(&[&ENGLISH]),
    Trap::new("currencies-in-cells", &FileFormat::ALL, currencies_in_cells).with_columns(&[Field::Price]),
    Trap::new("words-for-empty", &FileFormat::ALL, words_for_empty).with_columns(&[Field::Supplier, Field::Category]),
    Trap::new("no-price-in-words", &FileFormat::ALL, no_price).with_columns(&[Field::Price]),
    Trap::new("full-width-digits-in-quantity", &FileFormat::ALL, full_width),
    Trap::new("unit-in-quantity", &FileFormat::ALL, unit),
    Trap::new("slashes-in-dates", &FileFormat::ALL, slashes).with_columns(&[Field::Counted]),
    Trap::new("formula-in-text-file", &[FileFormat::Csv], formula),
    Trap::new("invoice-lines", &FileFormat::ALL, invoices).with_columns(&[Field::Price]).in_languages(&[&ENGLISH]),
    Trap::new("amounts-typed-with-comma-in-a-workbook", WORKBOOKS, typed_with_comma).with_columns(&[Field::Price]),
    Trap::new("decimal-signs-mixed", &[FileFormat::Csv, FileFormat::Html], mixed_separators)
        .with_columns(&[Field::Price]),
    Trap::new("all-counts-with-point", &[FileFormat::Csv, FileFormat::Html], all_with_point),
    Trap::new("date-in-quantity", &FileFormat::ALL, date_in_quantity),
    Trap::new("letter-for-zero", &FileFormat::ALL, letter_for_zero),
    Trap::new("thousands-with-comma-in-count", &FileFormat::ALL, thousands),
];

/// Puts `cell` into the column of a row without a trap.
fn put(case: &mut Case, field: Field, trap: &'static str, cell: Cell) -> Option<usize> {
    let column = case.column(field)?;
    let place = case.free_row(|row| row.line.is_none() && !row.cells[column].is_empty())?;
    let row = &mut case.sheet().rows[place];
    row.cells[column] = cell;
    row.trap = Some(trap);
    Some(place)
}

fn put_unclear(case: &mut Case, field: Field, trap: &'static str, cell: Cell) -> bool {
    let Some(place) = put(case, field, trap, cell) else { return false };
    case.sheet().rows[place].make_unclear();
    true
}

fn percent(case: &mut Case) -> bool {
    let text = ["100 %", "100%", "50 %"][case.rng.usize(..3)];
    put_unclear(case, Field::Quantity, "percent-in-quantity", Cell::text(text))
}

fn percent_format(case: &mut Case) -> bool {
    put_unclear(case, Field::Quantity, "percent-format-on-quantity", Cell::number(1.0, "0%"))
}

fn currency_by_row(case: &mut Case) -> bool {
    case.currency().is_empty() && currency_column(case)
}

/// In some rows, the currency column contradicts the currency sign of the amount.
fn currency_beside_sign(case: &mut Case) -> bool {
    !case.currency().is_empty() && currency_column(case)
}

/// A column that names the currency of each row, which items in the table don't have. If amounts have a currency sign,
/// the rows that agree with it are items; otherwise the rows in the most frequent currency, if there is one.
fn currency_column(case: &mut Case) -> bool {
    let sign = match case.currency() {
        "" => None,
        "$" | "USD" => Some("USD"),
        "£" | "GBP" => Some("GBP"),
        _ => Some("EUR"),
    };
    let rows = case.sheets[0].rows.len();
    if !case.is_plain() || rows < 5 {
        return false;
    }
    let names: &[&str] = if case.rng.bool() { &["EUR", "EUR", "USD", "EUR"] } else { &["EUR", "USD", "GBP"] };
    let most = (names.len() == 4).then_some("EUR");
    let width = case.columns.len();
    case.columns.push(None);
    for (number, row) in case.sheet().rows.iter_mut().enumerate() {
        row.cells.resize(width, Cell::EMPTY);
        let priced = row.attributes().is_some_and(|attributes| attributes.contains_key("unit_price"));
        let name = names[number % names.len()];
        row.cells.push(match number {
            0 => Cell::text("Currency"),
            _ if priced => Cell::text(name),
            _ => Cell::EMPTY,
        });
        if priced {
            row.trap = Some("currency-by-row");
        }
        if priced && sign.or(most) != Some(name) {
            row.make_unclear();
        }
    }
    if sign.is_some() {
        return true;
    }
    // In a short list, the most frequent currency is a matter of chance.
    let priced: Vec<_> =
        case.sheets[0].rows[1..].iter().filter(|row| row.cells.last().is_some_and(|cell| !cell.is_empty())).collect();
    let items = priced.iter().filter(|row| row.is_item()).count();
    priced.len() >= 5 && (items == 0) == most.is_none() && (items == 0 || items * 2 > priced.len())
}

/// One amount in euros and one in pounds; both are wrong if the list is in dollars.
fn currencies_in_cells(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Price) else { return false };
    let euros = !matches!(case.currency(), "$" | "USD");
    let mut applied = 0;
    for place in case.free_rows() {
        let row = &mut case.sheet().rows[place];
        if row.line.is_some() || row.cells[column].is_empty() || applied == 2 {
            continue;
        }
        row.cells[column] = Cell::text(["9 €", "8 GBP"][applied]);
        row.trap = Some("currencies-in-cells");
        match row.attributes() {
            Some(attributes) if euros && applied == 0 => {
                attributes.insert("unit_price", json!({ "N": "9" }));
            }
            _ => row.make_unclear(),
        }
        applied += 1;
    }
    applied == 2
}

/// A text column takes the text of its cells, as documented; but placeholders that only programs write for an empty
/// value are unclear.
fn words_for_empty(case: &mut Case) -> bool {
    let word = ["n/a", "NULL", "-", "N/A", "(null)", "nan", "--", "none"][case.rng.usize(..8)];
    let field = if case.rng.bool() { Field::Supplier } else { Field::Category };
    let Some(place) = put(case, field, "words-for-empty", Cell::text(word)) else { return false };
    let row = &mut case.sheet().rows[place];
    if let Some(attributes) = row.attributes() {
        attributes.insert(field.attribute(), json!({ "S": word }));
    }
    if matches!(word, "NULL" | "(null)" | "nan") {
        row.make_unclear();
    }
    true
}

fn no_price(case: &mut Case) -> bool {
    let word = ["n/a", "on request", "-", "TBD"][case.rng.usize(..4)];
    let Some(place) = put(case, Field::Price, "no-price-in-words", Cell::text(word)) else { return false };
    if let Some(attributes) = case.sheet().rows[place].attributes() {
        attributes.remove("unit_price");
    }
    true
}

fn full_width(case: &mut Case) -> bool {
    let Some(place) = put(case, Field::Quantity, "full-width-digits-in-quantity", Cell::text("１２")) else {
        return false;
    };
    if let Some(attributes) = case.sheet().rows[place].attributes() {
        attributes.insert("quantity", json!({ "N": "12" }));
    }
    true
}

fn unit(case: &mut Case) -> bool {
    put_unclear(case, Field::Quantity, "unit-in-quantity", Cell::text("3 pallets"))
}

fn slashes(case: &mut Case) -> bool {
    let Some(place) = put(case, Field::Counted, "slashes-in-dates", Cell::text("03/04/2026")) else { return false };
    case.sheet().rows[place].make_unclear();
    true
}

/// Formulas written by a program that stores them without their results.
fn formula(case: &mut Case) -> bool {
    let (field, text) = [
        (Field::Name, "=VLOOKUP(A2,Names!A:B,2,0)"),
        (Field::Category, "=C2"),
        (Field::Quantity, "=10+2"),
        (Field::Warehouse, "=F$1"),
    ][case.rng.usize(..4)];
    put_unclear(case, field, "formula-in-text-file", Cell::text(text))
}

/// Invoice lines, which also have items, quantities and prices.
fn invoices(case: &mut Case) -> bool {
    if !case.is_plain() {
        return false;
    }
    let title = ["Invoice no", "Invoice number", "Order no", "PO number"][case.rng.usize(..4)];
    let in_front = case.rng.bool();
    let place = if in_front { 0 } else { case.columns.len() };
    case.insert_column(place);
    for (number, row) in case.sheet().rows.iter_mut().enumerate() {
        let text = if number == 0 { title.to_string() } else { format!("RE-2026-{:04}", 100 + number / 4) };
        row.cells.insert(place, Cell::text(text));
        row.trap = Some("invoice-lines");
        row.truth = Truth::NoItem;
    }
    true
}

/// 1,234 is ambiguous, unless the column proves one reading.
fn thousands(case: &mut Case) -> bool {
    put_unclear(case, Field::Quantity, "thousands-with-comma-in-count", Cell::text("1,234"))
}

/// Amounts that a program exported as text.
fn typed_with_comma(case: &mut Case) -> bool {
    let (Some(column), ',') = (case.column(Field::Price), case.list.notation.decimal) else { return false };
    for row in &mut case.sheet().rows {
        if let Some(Cell { value: Value::Number(number), .. }) = row.cells.get(column) {
            row.cells[column] = Cell::text(format!("{number:.2}").replace('.', ","));
            row.trap = Some("amounts-typed-with-comma-in-a-workbook");
        }
    }
    true
}

/// One amount with the decimal separator of another country.
fn mixed_separators(case: &mut Case) -> bool {
    let text = if case.list.notation.decimal == ',' { "1,234.56" } else { "1.234,56" };
    put_unclear(case, Field::Price, "decimal-signs-mixed", Cell::text(text))
}

/// Counts such as 1.234 in every row, with nothing that shows what the point means.
fn all_with_point(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Quantity) else { return false };
    if !case.is_plain() {
        return false;
    }
    for (number, row) in case.sheet().rows.iter_mut().enumerate().skip(1) {
        row.cells[column] = Cell::text(format!("{}.{:03}", 1 + number % 7, number * 37 % 1000));
        row.trap = Some("all-counts-with-point");
        row.make_unclear();
    }
    true
}

fn date_in_quantity(case: &mut Case) -> bool {
    let day = jiff::civil::date(2026, 5, 12);
    let cell = match case.file_format.is_workbook() {
        true => Cell { value: Value::Day(day), format: "d-mmm", format_id: None },
        false => Cell::text("12-May"),
    };
    put_unclear(case, Field::Quantity, "date-in-quantity", cell)
}

fn letter_for_zero(case: &mut Case) -> bool {
    put_unclear(case, Field::Quantity, "letter-for-zero", Cell::text("5O"))
}
