//! One cell of an OpenDocument sheet: its declared value and its text.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use super::super::assembly::{MAX_ROWS, days_from_iso, finite};
use super::super::budget::Budget;
use super::super::number_format::{Shows, shows};
use super::super::row::RawValue;
use super::super::scan::damaged;
use super::super::survey::attribute;
use inventory_base::message::Refusal;

/// The repeat count of a row or cell.
pub fn repeat_count(tag: &BytesStart<'_>, name: &str) -> Result<u32, Refusal> {
    let Some(count) = attribute(tag, name)? else {
        return Ok(1);
    };
    // Clamped to the number of rows that a program can show.
    let count: u64 = count.trim().parse().map_err(|_| damaged())?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX).clamp(1, MAX_ROWS))
}

/// A cell that is being parsed.
#[derive(Debug, Default)]
pub struct Cell {
    kind: String,
    value: Option<String>,
    text: String,
    paragraphs: u32,
    pub in_paragraph: bool,
    is_error: bool,
    is_formula: bool,
    pub repeat: u32,
    pub columns_spanned: u32,
    pub rows_spanned: u32,
    pub covered: bool,
    pub style: Option<String>,
    /// The currency code that the cell declares.
    currency: Option<String>,
    too_long: bool,
}

impl Cell {
    pub fn begin(tag: &BytesStart<'_>) -> Result<Cell, Refusal> {
        let mut cell = Cell { repeat: 1, columns_spanned: 1, rows_spanned: 1, ..Cell::default() };
        let mut truth = None;
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| damaged())?;
            let value =
                || attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).map_err(|_| damaged());
            match attribute.key.as_ref() {
                "office:value-type" => cell.kind = value()?,
                "office:currency" => cell.currency = Some(value()?).filter(|code| is_currency(code)),
                "calcext:value-type" => cell.is_error = attribute.value == "error",
                "office:value"
                | "office:date-value"
                | "office:time-value"
                | "office:boolean-value"
                | "office:string-value" => cell.value = Some(value()?),
                // LibreOffice writes a boolean that it read from xlsx as the number 1 with this formula.
                "table:formula" if matches!(attribute.value.as_ref(), "of:=TRUE()" | "of:=FALSE()") => {
                    truth = Some(if attribute.value.contains("TRUE") { "true" } else { "false" });
                }
                "table:style-name" => cell.style = Some(value()?),
                "table:number-columns-repeated" => cell.repeat = repeat_count(tag, "number-columns-repeated")?,
                "table:number-columns-spanned" => cell.columns_spanned = repeat_count(tag, "number-columns-spanned")?,
                "table:number-rows-spanned" => cell.rows_spanned = repeat_count(tag, "number-rows-spanned")?,
                "table:formula" => cell.is_formula = true,
                _ => {}
            }
        }
        if let (Some(truth), "float") = (truth, cell.kind.as_str()) {
            (cell.kind, cell.value) = ("boolean".to_owned(), Some(truth.to_owned()));
        }
        Ok(cell)
    }

    /// Marks a cell as covered by a merged one: its content is not shown.
    pub fn into_covered(self) -> Cell {
        Cell { covered: true, ..self }
    }

    pub fn begin_inner(&mut self, name: &str, tag: &BytesStart<'_>, budget: &Budget) -> Result<(), Refusal> {
        match name {
            "p" => {
                if self.paragraphs > 0 {
                    self.push("\n", budget);
                }
                self.paragraphs += 1;
                self.in_paragraph = true;
            }
            "s" => {
                // Repeated spaces are stored as a count; a count above the cell limit is too long at once.
                let blanks: u64 = match attribute(tag, "c")? {
                    Some(count) => count.trim().parse().map_err(|_| damaged())?,
                    None => 1,
                };
                if blanks > budget.cell_bytes as u64 {
                    self.too_long = true;
                } else {
                    self.push(&" ".repeat(blanks as usize), budget);
                }
            }
            "tab" => self.push("\t", budget),
            "line-break" => self.push("\n", budget),
            _ => {}
        }
        Ok(())
    }

    pub fn take_text(&mut self, text: &str, budget: &Budget) {
        if self.in_paragraph {
            self.push(text, budget);
        }
    }

    /// Keeps only as much as shows that the text is too long.
    fn push(&mut self, text: &str, budget: &Budget) {
        if self.text.len() <= budget.cell_bytes {
            self.text.push_str(text);
        }
    }

    /// The value and format as the cell shows them: a time of 0.5 is 12:00, or 12 hours.
    pub fn as_shown(
        &self,
        value: RawValue<'static>,
        code: Option<Cow<'static, str>>,
    ) -> (RawValue<'static>, Option<Cow<'static, str>>) {
        let shown = code.as_deref().map(shows);
        match value {
            RawValue::Number(days) if self.kind == "time" => match shown {
                Some(Shows::Date) => (RawValue::Date(days), code),
                Some(Shows::Elapsed) => (value, code),
                _ if (0.0..1.0).contains(&days) => (RawValue::Date(days), None),
                _ => (value, Some(Cow::Borrowed("[h]:mm:ss"))),
            },
            // The declared type counts even if no style shows it.
            RawValue::Number(_)
                if self.kind == "percentage" && !code.as_deref().is_some_and(|code| code.contains('%')) =>
            {
                (value, Some(Cow::Borrowed("0.00%")))
            }
            RawValue::Number(_) if code.is_none() => {
                (value, self.currency.as_deref().map(|currency| Cow::Owned(format!("[${currency}]\\ #,##0.00"))))
            }
            RawValue::Number(_) => (value, code),
            RawValue::Date(_) => (value, code.filter(|_| shown == Some(Shows::Date))),
            _ => (value, None),
        }
    }

    /// The value of the cell; `None` if it is empty.
    pub fn value(&self, budget: &Budget) -> Option<RawValue<'static>> {
        if self.is_error || (self.text.starts_with('#') && self.kind == "float" && self.text.ends_with(['!', '?'])) {
            let shown = if self.text.is_empty() { "#ERROR!".to_owned() } else { self.text.clone() };
            return Some(RawValue::Error(Cow::Owned(shown)));
        }
        let value = self.value.as_deref().map(str::trim);
        Some(match (self.kind.as_str(), value) {
            ("float" | "currency" | "percentage", Some(value)) => number_of(value.parse().ok()),
            ("date", Some(value)) => days_from_iso(value).map_or(RawValue::Unreadable, RawValue::Date),
            ("time", Some(value)) => number_of(days_from_duration(value)),
            ("boolean", Some(value)) if value.eq_ignore_ascii_case("true") => RawValue::Bool(true),
            ("boolean", Some(value)) if value.eq_ignore_ascii_case("false") => RawValue::Bool(false),
            ("boolean", Some(_)) => RawValue::Unreadable,
            ("", None) if self.text.is_empty() => return self.is_formula.then_some(RawValue::NoResult),
            (_, _) => {
                let text =
                    if self.text.is_empty() { self.value.clone().unwrap_or_default() } else { self.text.clone() };
                // The dropped text is known only to be too long; the meter refuses it with its place.
                let text = if self.too_long { " ".repeat(budget.cell_bytes.saturating_add(1)) } else { text };
                if text.is_empty() {
                    return None;
                }
                RawValue::Text(Cow::Owned(text))
            }
        })
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn number_of(number: Option<f64>) -> RawValue<'static> {
    number.map_or(RawValue::Unreadable, |number| finite(number, RawValue::Number))
}

/// Converts an ISO duration to days: PT36H30M00S.
fn days_from_duration(text: &str) -> Option<f64> {
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |text| (-1.0, text));
    let (days, time) = text.strip_prefix('P')?.split_once('T')?;
    let days: f64 = if days.is_empty() { 0.0 } else { days.strip_suffix('D')?.parse().ok()? };
    let (hours, rest) = time.split_once('H').unwrap_or(("0", time));
    let (minutes, rest) = rest.split_once('M').unwrap_or(("0", rest));
    let seconds = rest.strip_suffix('S').unwrap_or("0").replace(',', ".");
    let number = |text: &str| text.parse::<f64>().ok();
    let seconds = (number(hours)? * 60.0 + number(minutes)?) * 60.0 + number(&seconds)?;
    Some(sign * (days + seconds / 86_400.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_times_are_read_as_days() {
        for (text, days) in [
            ("PT36H00M00S", Some(1.5)),
            ("-PT12H", Some(-0.5)),
            ("P1DT06H00M00.000S", Some(1.25)),
            ("PT90M", Some(0.0625)),
            ("soon", None),
        ] {
            assert_eq!(days_from_duration(text), days, "{text}");
        }
    }
}
