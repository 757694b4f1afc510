//! OpenDocument spreadsheets.

use crate::properties::write::{ods_file, ods_paragraphs};

use super::super::case::{Case, Cell, Merge, Row, Sheet, Value};
use super::{escape, shown};

pub fn ods(case: &Case) -> Vec<u8> {
    let mut formats: Vec<&str> = Vec::new();
    let tables: String = case.sheets.iter().map(|sheet| table(sheet, &mut formats)).collect();
    let styles: String = formats.iter().enumerate().map(|(number, format)| style(number, format)).collect();
    ods_file(&styles, &tables)
}

fn table(sheet: &Sheet, formats: &mut Vec<&'static str>) -> String {
    let rows = sheet.rows.iter().enumerate().map(|(number, row)| table_row(number, row, &sheet.merges, formats));
    format!("<table:table table:name=\"{}\">{}</table:table>", escape(&sheet.name), rows.collect::<String>())
}

fn table_row(number: usize, row: &Row, merges: &[Merge], formats: &mut Vec<&'static str>) -> String {
    let mut cells = String::new();
    let mut empty = 0;
    for (column, cell) in row.cells.iter().enumerate() {
        let inside =
            merges.iter().find(|merge| (merge.rows.0..=merge.rows.1).contains(&number) && merge.columns.0 == column);
        if cell.is_empty() && cell.format.is_empty() && inside.is_none() {
            empty += 1;
            continue;
        }
        if empty > 0 {
            cells.push_str(&format!("<table:table-cell table:number-columns-repeated=\"{empty}\"/>"));
            empty = 0;
        }
        match inside {
            Some(merge) if merge.rows.0 == number => {
                let spanned = format!(
                    " table:number-rows-spanned=\"{}\" table:number-columns-spanned=\"1\"",
                    merge.rows.1 - merge.rows.0 + 1
                );
                cells.push_str(&table_cell(cell, &spanned, formats));
            }
            Some(_) => cells.push_str("<table:covered-table-cell/>"),
            None => cells.push_str(&table_cell(cell, "", formats)),
        }
    }
    if cells.is_empty() {
        cells.push_str("<table:table-cell/>");
    }
    let hidden = if row.hidden { " table:visibility=\"collapse\"" } else { "" };
    format!("<table:table-row{hidden}>{cells}</table:table-row>\n")
}

fn table_cell(cell: &Cell, more: &str, formats: &mut Vec<&'static str>) -> String {
    let style = match cell.format {
        "" => String::new(),
        format => {
            let number = formats.iter().position(|other| *other == format).unwrap_or_else(|| {
                formats.push(format);
                formats.len() - 1
            });
            format!(" table:style-name=\"ce{number}\"")
        }
    };
    let float = |number: &f64| {
        let kind = if cell.format == "0%" { "percentage" } else { "float" };
        format!(" office:value-type=\"{kind}\" office:value=\"{number}\"")
    };
    let attributes = match &cell.value {
        Value::Empty => return format!("<table:table-cell{style}{more}/>"),
        Value::Text(_) => " office:value-type=\"string\"".to_string(),
        Value::Number(number) => float(number),
        Value::Formula(formula, number) => format!(" table:formula=\"of:={}\"{}", escape(formula), float(number)),
        Value::TextFormula(formula, _) => {
            format!(" table:formula=\"of:={}\" office:value-type=\"string\"", escape(formula))
        }
        Value::Day(day) => format!(" office:value-type=\"date\" office:date-value=\"{day}\""),
        Value::Time(seconds) => format!(
            " office:value-type=\"time\" office:time-value=\"PT{:02}H{:02}M{:02}S\"",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
        Value::Bool(yes) => format!(" office:value-type=\"boolean\" office:boolean-value=\"{yes}\""),
        Value::Error(_) | Value::Raw(_) => {
            " table:formula=\"of:=[.B1]/0\" office:value-type=\"string\" office:string-value=\"\"".to_string()
        }
    };
    format!("<table:table-cell{style}{more}{attributes}>{}</table:table-cell>", ods_paragraphs(&shown(cell)))
}

/// Returns a cell style and its number format.
fn style(number: usize, format: &str) -> String {
    let (kind, parts) = data_style(format);
    format!(
        "<number:{kind}-style style:name=\"N{number}\">{parts}</number:{kind}-style>\
         <style:style style:name=\"ce{number}\" style:family=\"table-cell\" style:data-style-name=\"N{number}\"/>"
    )
}

fn data_style(format: &str) -> (&'static str, String) {
    let long = " number:style=\"long\"";
    let text = |text: &str| format!("<number:text>{text}</number:text>");
    let (day, month, year) =
        (format!("<number:day{long}/>"), format!("<number:month{long}/>"), format!("<number:year{long}/>"));
    let named = "<number:month number:textual=\"true\"/>";
    match format {
        "yyyy-mm-dd" => ("date", [year, text("-"), month, text("-"), day].concat()),
        "dd.mm.yyyy" => ("date", [day, text("."), month, text("."), year].concat()),
        "d mmm yyyy" => ("date", ["<number:day/>", &text(" "), named, &text(" "), &year].concat()),
        "m/d/yyyy" => ("date", ["<number:month/>", &text("/"), "<number:day/>", &text("/"), &year].concat()),
        "d-mmm" => ("date", ["<number:day/>", &text("-"), named].concat()),
        "hh:mm:ss" => {
            let parts = ["hours", "minutes", "seconds"].map(|part| format!("<number:{part}{long}/>"));
            ("time", parts.join(&text(":")))
        }
        "0%" => (
            "percentage",
            "<number:number number:decimal-places=\"0\" number:min-integer-digits=\"1\"/><number:text>%</number:text>"
                .to_string(),
        ),
        digits if digits.bytes().all(|byte| byte == b'0') => (
            "number",
            format!("<number:number number:decimal-places=\"0\" number:min-integer-digits=\"{}\"/>", digits.len()),
        ),
        other => {
            let places = if other.contains(".00") { 2 } else { 0 };
            let grouping = if other.contains(',') { " number:grouping=\"true\"" } else { "" };
            (
                "number",
                format!(
                    "<number:number number:decimal-places=\"{places}\" number:min-integer-digits=\"1\"{grouping}/>"
                ),
            )
        }
    }
}
