//! Excel workbooks (.xlsx).

use rust_xlsxwriter::{Format, Formula, Workbook};

use crate::properties::write::edit_part;

use super::super::case::{Case, Cell, Value};
use super::serial;

pub fn xlsx(case: &Case) -> Vec<u8> {
    let mut workbook = Workbook::new();
    for sheet in &case.sheets {
        let out = workbook.add_worksheet();
        out.set_name(&sheet.name).expect("a name");
        for merge in &sheet.merges {
            let (rows, columns) = (place_rows(merge.rows), place_columns(merge.columns));
            out.merge_range(rows.0, columns.0, rows.1, columns.1, "", &Format::new()).expect("a merged area");
        }
        for (row, number) in sheet.rows.iter().zip(0..) {
            if row.hidden {
                out.set_row_hidden(number).expect("a row");
            }
            for (cell, column) in row.cells.iter().zip(0..) {
                let format = Format::new().set_num_format(if cell.format.is_empty() { "General" } else { cell.format });
                let written = match &cell.value {
                    Value::Empty if cell.format.is_empty() => continue,
                    Value::Empty => out.write_blank(number, column, &format),
                    Value::Text(text) => out.write_string(number, column, text),
                    Value::Bool(yes) => out.write_boolean(number, column, *yes),
                    Value::Formula(formula, result) => {
                        let formula = Formula::new(*formula).set_result(result.to_string());
                        out.write_formula_with_format(number, column, formula, &format)
                    }
                    Value::TextFormula(formula, result) => {
                        out.write_formula(number, column, Formula::new(*formula).set_result(result))
                    }
                    Value::Error(error) => out.write_formula(number, column, Formula::new("B1/0").set_result(*error)),
                    Value::Raw(_) => out.write_number(number, column, PLACEHOLDER),
                    Value::Number(_) | Value::Day(_) | Value::Time(_) => {
                        let days = serial(&cell.value).expect("a number");
                        out.write_number_with_format(number, column, days, &format)
                    }
                };
                written.unwrap_or_else(|error| panic!("{error}: {:?}", Cell { ..cell.clone() }));
            }
        }
    }
    let bytes = workbook.save_to_buffer().expect("a workbook");
    let raw = case.sheets[0].rows.iter().flat_map(|row| &row.cells).find_map(|cell| match cell.value {
        Value::Raw(raw) => Some(raw),
        _ => None,
    });
    raw.map_or(bytes.clone(), |raw| edit_part(&bytes, "xl/worksheets/sheet1.xml", |xml| put_raw(&xml, raw)))
}

/// Marks a cell whose XML is replaced afterwards, because the writer cannot write it.
const PLACEHOLDER: f64 = 987_654.321;

fn put_raw(xml: &str, raw: &str) -> String {
    let old = format!("><v>{PLACEHOLDER}</v>");
    assert!(xml.contains(&old), "the placeholder");
    xml.replace(&old, raw)
}

fn place_rows((first, last): (usize, usize)) -> (u32, u32) {
    (u32::try_from(first).expect("a row"), u32::try_from(last).expect("a row"))
}

fn place_columns((first, last): (usize, usize)) -> (u16, u16) {
    (u16::try_from(first).expect("a column"), u16::try_from(last).expect("a column"))
}
