//! Texts as they are stored: trimmed, in one Unicode normal form, and padded with zeros if the column declares it.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::judge::borrowed::BorrowedValue;
use crate::schema::Column;
use inventory_base::message::Rule;

use super::Violation;
use super::lookalikes::{is_invisible, is_variation_selector};

#[inline]
pub(super) fn judge_text<'a>(text: Cow<'a, str>, column: &Column) -> Result<BorrowedValue<'a>, Violation> {
    let text = pad(text, column);
    // No text has more characters than bytes.
    if let Some(limit) = column.max_length.filter(|limit| text.len() > *limit) {
        let length = text.chars().count();
        if length > limit {
            let words = vec![("length", length.to_string()), ("limit", limit.to_string())];
            return Err(Violation { rule: Rule::TextTooLong, words });
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

/// The text without whitespace and invisible characters at both ends.
pub(super) fn trim(text: &str) -> &str {
    // Nearly all texts need no trimming.
    let is_kept = |end: Option<&u8>| end.is_some_and(u8::is_ascii_graphic);
    if is_kept(text.as_bytes().first()) && is_kept(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c) && !is_variation_selector(c))
}

/// The trimmed text in normal form C: `e` followed by an accent is the same as `é`.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cell, column, judged, number, text};
    use super::*;
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
        assert!(matches!(clean("Café"), Cow::Borrowed("Café")));
        assert!(matches!(clean(" Bolt "), Cow::Borrowed("Bolt")));
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
