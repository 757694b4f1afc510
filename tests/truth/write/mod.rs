//! Writes a case in its file format.

mod html;
mod ods;
mod text;
mod xls;
mod xlsx;
mod xml2003;

use super::case::{Case, Cell, FileFormat, Value};

pub use text::{CsvStyle, TextEncoding, line, quote};

pub fn write(case: &Case) -> Vec<u8> {
    match case.file_format {
        FileFormat::Csv => text::csv(case),
        FileFormat::Xlsx => xlsx::xlsx(case),
        FileFormat::Ods => ods::ods(case),
        FileFormat::Xml2003 => xml2003::xml2003(case),
        FileFormat::Html => html::html(case),
        FileFormat::Xls => xls::xls(case),
    }
}

/// Returns whether the file's encoding can represent all text of the case.
pub fn can_write(case: &Case) -> bool {
    case.file_format != FileFormat::Csv || case.text.encoding.can_write(&text::text(case))
}

/// Returns the cell as displayed or typed, as far as its format matters here.
pub fn shown(cell: &Cell) -> String {
    match &cell.value {
        Value::Empty => String::new(),
        Value::Text(text) | Value::TextFormula(_, text) => text.clone(),
        Value::Number(number) | Value::Formula(_, number) => shown_number(*number, cell.format),
        Value::Day(day) => day.strftime(day_pattern(cell.format)).to_string(),
        Value::Time(seconds) => format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        Value::Bool(yes) => yes.to_string().to_uppercase(),
        Value::Error(error) | Value::Raw(error) => (*error).to_string(),
    }
}

fn shown_number(number: f64, format: &str) -> String {
    let zeros = !format.is_empty() && format.bytes().all(|byte| byte == b'0');
    match format {
        "0%" => format!("{}%", number * 100.0),
        _ if zeros => format!("{number:0>width$}", width = format.len()),
        _ if format.contains("0.00") => format!("{number:.2}"),
        _ => number.to_string(),
    }
}

/// Returns the pattern by which a date is displayed.
fn day_pattern(format: &str) -> &'static str {
    match format {
        "dd.mm.yyyy" => "%d.%m.%Y",
        "d mmm yyyy" => "%-d %b %Y",
        "m/d/yyyy" => "%-m/%-d/%Y",
        "d-mmm" => "%-d-%b",
        _ => "%Y-%m-%d",
    }
}

/// Returns the serial number: for dates, days since 30 December 1899.
fn serial(value: &Value) -> Option<f64> {
    match value {
        Value::Day(day) => Some(f64::from((*day - jiff::civil::date(1899, 12, 30)).get_days())),
        Value::Time(seconds) => Some(f64::from(*seconds) / 86_400.0),
        Value::Number(number) | Value::Formula(_, number) => Some(*number),
        _ => None,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
