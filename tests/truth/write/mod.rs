//! A case as a file of its form.

mod html;
mod ods;
mod text;
mod xls;
mod xlsx;
mod xml2003;

use super::case::{Case, Cell, Form, Value};

pub use text::{Letters, TextHabits, line, quote};

pub fn write(case: &Case) -> Vec<u8> {
    match case.form {
        Form::Csv => text::csv(case),
        Form::Xlsx => xlsx::xlsx(case),
        Form::Ods => ods::ods(case),
        Form::Xml2003 => xml2003::xml2003(case),
        Form::Html => html::html(case),
        Form::Xls => xls::xls(case),
    }
}

/// Whether the file can have all that is in the case.
pub fn can_say(case: &Case) -> bool {
    case.form != Form::Csv || case.text.letters.can_say(&text::text(case))
}

/// The cell as it is shown or typed, as far as its format makes a difference to us.
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

/// The pattern by which a day is shown.
fn day_pattern(format: &str) -> &'static str {
    match format {
        "dd.mm.yyyy" => "%d.%m.%Y",
        "d mmm yyyy" => "%-d %b %Y",
        "m/d/yyyy" => "%-m/%-d/%Y",
        "d-mmm" => "%-d-%b",
        _ => "%Y-%m-%d",
    }
}

/// Days since 30 December 1899, by which the programs count.
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
