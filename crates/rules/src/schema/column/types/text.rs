//! `text`: what the cell shows, in one Unicode normal form, and padded with zeros if the column declares it.

use std::borrow::Cow;

use toml::de::DeValue;

use super::{Accepts, ColumnType, Identifies, StoredAs, Strictness, TEXT_FORMAT, Validation};
use crate::cell::{
    BorrowedValue, Violation, display_text, has_invisible_character, is_placeholder, mixes_alphabets, read_identifier,
    violation,
};
use crate::schema::{Column, ColumnFacts};
use inventory_base::item::Value;
use inventory_base::message::count;
use inventory_workbook::RawCell;

pub static TEXT: ColumnType = ColumnType {
    name: "text",
    description: "text",
    stored_as: StoredAs::Text,
    holds_dates: false,
    is_free_text: true,
    identifies: Identifies::IfUnique,
    settings: &["max_length", "pattern", "pad", "unique"],
    find_mistake: |_| None,
    explain_separator: |_, _| None,
    read_value,
    judge,
    explain: |column, _| match column.max_length {
        Some(most) => format!("Text of up to {} characters.", count(most as u64)),
        None => "Text.".to_string(),
    },
    example: |column| Some(Value::S(example(column)?.into())),
    validation: |column| {
        let most = column.max_length.and_then(|most| u32::try_from(most).ok())?;
        Some(Validation { accepts: Accepts::Length { least: None, most }, strictness: Strictness::Stop })
    },
    number_format: |_| TEXT_FORMAT,
    width: |column| column.max_length.unwrap_or(USUAL_WIDTH).min(USUAL_WIDTH),
};

const USUAL_WIDTH: usize = 20;
/// Examples for columns that most stock sheets have.
const EXAMPLES: [(&str, &str); 5] = [
    ("sku", "A-1001"),
    ("name", "Hex bolt M8 x 40"),
    ("category", "Bolts"),
    ("warehouse", "Leeds"),
    ("supplier", "Calder Tools"),
];

fn judge<'a>(cell: &'a RawCell<'_>, column: &'a Column, facts: ColumnFacts) -> Result<BorrowedValue<'a>, Violation> {
    let identifies = column.identifies(facts.in_key);
    let text = if identifies { read_identifier(cell, facts.style)? } else { display_text(cell) };
    let value = judge_text(text, column)?;
    if (identifies || column.required)
        && let BorrowedValue::S(text) = &value
    {
        check_text(text, identifies)?;
    }
    Ok(value)
}

#[inline]
fn judge_text<'a>(text: Cow<'a, str>, column: &Column) -> Result<BorrowedValue<'a>, Violation> {
    let text = pad(text, column);
    // No text has more characters than bytes.
    if let Some(limit) = column.max_length.filter(|limit| text.len() > *limit) {
        let length = text.chars().count();
        if length > limit {
            return Err(violation!(TextTooLong { length, limit }));
        }
    }
    Ok(BorrowedValue::S(text))
}

/// 123 in a column of five digits is 00123.
pub(super) fn pad<'a>(text: Cow<'a, str>, column: &Column) -> Cow<'a, str> {
    match column.pad {
        Some(width) if text.len() < width && text.bytes().all(|b| b.is_ascii_digit()) => {
            Cow::Owned(format!("{text:0>width$}"))
        }
        _ => text,
    }
}

/// Checks a text that an item must have; more strictly if it identifies the item.
fn check_text(text: &str, identifies: bool) -> Result<(), Violation> {
    if is_placeholder(text) {
        return Err(violation!(SaysNothing));
    }
    if identifies && has_invisible_character(text) {
        return Err(violation!(HiddenSignInKey));
    }
    if identifies && mixes_alphabets(text) {
        return Err(violation!(AlphabetsMixed));
    }
    Ok(())
}

fn read_value(given: &DeValue, column: &Column) -> Result<Value, String> {
    let text = given.as_str().ok_or("a text in quotes")?;
    let fits_pattern = column.pattern.as_ref().is_none_or(|pattern| pattern.fits(text));
    match column.max_length {
        _ if text.trim() != text || text.is_empty() => Err("a text without spaces at its ends".to_string()),
        Some(most) if text.chars().count() > most => Err(format!("at most {most} characters long, as max_length says")),
        _ if is_unpadded(text, column) => Err("written with its leading zeros, as pad says".to_string()),
        _ if !fits_pattern => Err("a text that matches pattern".to_string()),
        _ => Ok(Value::S(text.into())),
    }
}

/// Whether a cell with this text would have been padded with leading zeros.
fn is_unpadded(text: &str, column: &Column) -> bool {
    column.pad.is_some_and(|digits| text.len() < digits) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn example(column: &Column) -> Option<String> {
    let known = EXAMPLES.iter().find(|(name, _)| *name == column.name).map(|(_, text)| (*text).to_string());
    let text = known.unwrap_or_else(|| format!("{} A", column.title));
    let is_short = column.max_length.is_none_or(|most| text.chars().count() <= most);
    let fits = column.pattern.as_ref().is_none_or(|pattern| pattern.fits(&text));
    (is_short && fits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::value::tests::{cell, column, judged, number, text};
    use inventory_workbook::RawValue;

    const TEXT: &str = "type = \"text\"";

    #[test]
    fn text_is_trimmed_at_its_ends_only() {
        for (written, kept) in [
            (" \u{a0}1E5\u{2003}", "1E5"),
            ("00123", "00123"),
            ("\u{feff}Bolt  M8\u{200b} \u{200e}", "Bolt  M8"),
            ("\u{3000}\u{202f}Bolt\u{a0}M8\r\n", "Bolt\u{a0}M8"),
            ("two\nlines", "two\nlines"),
            ("a\u{200d}b", "a\u{200d}b"),
            ("\u{ad}Bolt\u{2800}\u{3164}", "Bolt"),
            ("heart \u{2665}\u{fe0f}", "heart \u{2665}\u{fe0f}"),
        ] {
            assert_eq!(judged(TEXT, &text(written)), kept, "{written:?}");
        }
    }

    #[test]
    fn text_is_normalised() {
        assert_eq!(judged(TEXT, &text("Cafe\u{301}")), "Caf\u{e9}");
        assert_eq!(judged(TEXT, &text("\u{212b}ngstr\u{f6}m")), "\u{c5}ngstr\u{f6}m");
    }

    #[test]
    fn digits_are_padded_if_declared() {
        let lines = "type = \"text\"\npad = 5";
        for (written, kept) in [("123", "00123"), ("123456", "123456"), ("A12", "A12"), ("1.5", "1.5"), ("٣", "٣")] {
            assert_eq!(judged(lines, &text(written)), kept, "{written}");
        }
        assert_eq!(judged(lines, &number(123.0)), "00123");
    }

    #[test]
    fn length_is_counted_in_characters() {
        let lines = "type = \"text\"\nmax_length = 3";
        assert_eq!(judged(lines, &text("äöü")), "äöü");
        assert_eq!(judged(lines, &text("äöüß")), "text-too-long 4 3");
        assert_eq!(judged("type = \"text\"\nmax_length = 3\npad = 5", &text("12")), "text-too-long 5 3");
    }

    #[test]
    fn yes_and_no_are_text_too() {
        assert_eq!(judged(TEXT, &cell(RawValue::Bool(true))), "TRUE");
        assert_eq!(judge_text("x".into(), &column(TEXT)), Ok(BorrowedValue::S("x".into())));
    }
}
