//! Cells with unusual content or storage.

use serde_json::json;

use super::super::case::{Case, Cell, FileFormat, Row, Value};
use super::super::list::Field;
use super::Trap;

const WORKBOOKS: &[FileFormat] = FileFormat::WORKBOOKS;
const XLS: &[FileFormat] = &[FileFormat::Xls];

pub const TRAPS: &[Trap] = &[
    Trap::new("time-in-text-column", WORKBOOKS, time).with_columns(&[Field::Category]),
    Trap::new("error-in-quantity", &FileFormat::ALL, error_in_quantity),
    Trap::new("error-in-name", &FileFormat::ALL, error_in_name),
    Trap::new("far-cell", WORKBOOKS, far_cell),
    Trap::new("number-in-name", WORKBOOKS, number_in_name),
    Trap::new("zeros-shown-by-format-in-category", WORKBOOKS, zeros_in_category).with_columns(&[Field::Category]),
    Trap::new("format-of-an-eastern-identifier", XLS, eastern_format).with_columns(&[Field::Price]),
    Trap::new("date-format-of-an-eastern-identifier", XLS, eastern_date).with_columns(&[Field::Counted]),
    Trap::new("formula-with-a-number", WORKBOOKS, formula),
    Trap::new("formula-with-a-text", WORKBOOKS, text_formula),
    Trap::new("date-in-category", WORKBOOKS, date_in_category).with_columns(&[Field::Category]),
    Trap::new("text-index-that-is-no-number", &[FileFormat::Xlsx], bad_index),
    Trap::new("cell-with-an-extension", &[FileFormat::Xlsx], extension),
    Trap::new("text-in-a-number-cell", &[FileFormat::Xlsx], text_as_number),
    Trap::new("rubbish-in-a-yes-no-cell", &[FileFormat::Xlsx], invalid_bool).with_columns(&[Field::Discontinued]),
    Trap::new("yes-in-name", WORKBOOKS, yes_in_name),
];

fn put<'a>(case: &'a mut Case, field: Field, trap: &'static str, cell: Cell) -> Option<&'a mut Row> {
    let column = case.column(field)?;
    let place = case.free_row(|row| row.line.is_none() && !row.cells[column].is_empty())?;
    let row = &mut case.sheet().rows[place];
    row.cells[column] = cell;
    row.trap = Some(trap);
    Some(row)
}

/// Puts a cell that is displayed as `text` into a text column.
fn put_displayed(case: &mut Case, field: Field, trap: &'static str, cell: Cell, text: &str) -> bool {
    let Some(row) = put(case, field, trap, cell) else { return false };
    if let Some(attributes) = row.attributes() {
        attributes.insert(field.attribute(), json!({ "S": text }));
    }
    true
}

fn time(case: &mut Case) -> bool {
    let cell = Cell { value: Value::Time(3_600), format: "hh:mm:ss", format_id: None };
    put_displayed(case, Field::Category, "time-in-text-column", cell, "01:00:00")
}

fn error_in_quantity(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Error("#N/A"));
    put(case, Field::Quantity, "error-in-quantity", cell).map(Row::make_unclear).is_some()
}

fn error_in_name(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Error("#REF!"));
    put(case, Field::Name, "error-in-name", cell).map(Row::make_unclear).is_some()
}

/// A note, or an empty cell with a format, far to the right of the list.
fn far_cell(case: &mut Case) -> bool {
    let last = if case.file_format == FileFormat::Xls { 255 } else { 16_383 };
    let Some(place) = case.free_row(|row| row.line.is_none()) else { return false };
    let text = match case.rng.bool() {
        true => Cell::text("see Tom"),
        false => Cell { format: "0.00", ..Cell::EMPTY },
    };
    let row = &mut case.sheet().rows[place];
    row.cells.resize(last, Cell::EMPTY);
    row.cells.push(text);
    true
}

fn number_in_name(case: &mut Case) -> bool {
    put_displayed(case, Field::Name, "number-in-name", Cell::number(1_234.5, ""), "1234.5")
}

fn zeros_in_category(case: &mut Case) -> bool {
    let cell = Cell::number(700.0, "00000");
    put_displayed(case, Field::Category, "zeros-shown-by-format-in-category", cell, "00700")
}

/// Identifiers 27 to 36 and 50 to 58 are reserved in East Asian versions of Excel; Western files use them for custom
/// formats.
fn eastern_format(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Price) else { return false };
    let id = [27, 30, 36, 50, 55, 58][case.rng.usize(..6)];
    for row in &mut case.sheet().rows {
        if let Some(cell) = row.cells.get_mut(column)
            && matches!(cell.value, Value::Number(_))
        {
            (cell.format, cell.format_id) = ("#,##0.00", Some(id));
        }
    }
    if let Some(column) = case.column(Field::Quantity) {
        for row in &mut case.sheet().rows {
            if let Some(cell) = row.cells.get_mut(column)
                && matches!(cell.value, Value::Number(_))
            {
                (cell.format, cell.format_id) = ("#,##0.00", Some(id));
            }
        }
    }
    true
}

fn eastern_date(case: &mut Case) -> bool {
    let Some(column) = case.column(Field::Counted) else { return false };
    let id = [31, 57, 59, 60][case.rng.usize(..4)];
    for row in &mut case.sheet().rows {
        if let Some(cell) = row.cells.get_mut(column)
            && matches!(cell.value, Value::Day(_))
        {
            (cell.format, cell.format_id) = ("dd.mm.yyyy", Some(id));
        }
    }
    true
}

fn formula(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Formula("3*7", 21.0));
    let Some(row) = put(case, Field::Quantity, "formula-with-a-number", cell) else { return false };
    if let Some(attributes) = row.attributes() {
        attributes.insert("quantity", json!({ "N": "21" }));
    }
    true
}

fn text_formula(case: &mut Case) -> bool {
    let cell = Cell::of(Value::TextFormula("\"Long \"&\"bolt\"", "Long bolt".to_string()));
    put_displayed(case, Field::Name, "formula-with-a-text", cell, "Long bolt")
}

/// A text column takes what the cell displays.
fn date_in_category(case: &mut Case) -> bool {
    let day = jiff::civil::date(2026, 5, 12);
    let cell = Cell { value: Value::Day(day), format: "yyyy-mm-dd", format_id: None };
    put_displayed(case, Field::Category, "date-in-category", cell, "2026-05-12")
}

fn yes_in_name(case: &mut Case) -> bool {
    put_displayed(case, Field::Name, "yes-in-name", Cell::of(Value::Bool(true)), "TRUE")
}

fn bad_index(case: &mut Case) -> bool {
    let field = if case.rng.bool() { Field::Sku } else { Field::Name };
    let cell = Cell::of(Value::Raw(" t=\"s\"><v>x</v>"));
    put(case, field, "text-index-that-is-no-number", cell).map(Row::make_unclear).is_some()
}

/// Valid, and without meaning for the value.
fn extension(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Raw("><v>12</v><extLst><ext uri=\"{0}\"/></extLst>"));
    let Some(row) = put(case, Field::Quantity, "cell-with-an-extension", cell) else { return false };
    if let Some(attributes) = row.attributes() {
        attributes.insert("quantity", json!({ "N": "12" }));
    }
    true
}

fn text_as_number(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Raw(" t=\"n\"><v>many</v>"));
    put(case, Field::Quantity, "text-in-a-number-cell", cell).map(Row::make_unclear).is_some()
}

fn invalid_bool(case: &mut Case) -> bool {
    let cell = Cell::of(Value::Raw(" t=\"b\"><v>maybe</v>"));
    put(case, Field::Discontinued, "rubbish-in-a-yes-no-cell", cell).map(Row::make_unclear).is_some()
}
