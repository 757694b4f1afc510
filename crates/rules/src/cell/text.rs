//! Texts as they are stored: trimmed, and in one Unicode normal form.

use std::borrow::Cow;

use inventory_workbook::{RawCell, RawValue};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::lookalikes::{is_invisible, is_variation_selector};

/// The text without whitespace and invisible characters at both ends.
pub(crate) fn trim(text: &str) -> &str {
    // Nearly all texts need no trimming.
    let is_kept = |end: Option<&u8>| end.is_some_and(u8::is_ascii_graphic);
    if is_kept(text.as_bytes().first()) && is_kept(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c) && !is_variation_selector(c))
}

/// The trimmed text in normal form C: `e` followed by an accent is the same as `é`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = trim(text);
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// Whether the cell looks empty to a person.
pub(crate) fn is_blank(cell: &RawCell<'_>) -> bool {
    let is_kept = |text: &str| text.as_bytes().first().is_some_and(u8::is_ascii_graphic);
    matches!(&cell.value, RawValue::Text(text) if !is_kept(text) && trim(text).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_clean_already_is_borrowed() {
        assert!(matches!(clean("Café"), Cow::Borrowed("Café")));
        assert!(matches!(clean(" Bolt "), Cow::Borrowed("Bolt")));
    }
}
