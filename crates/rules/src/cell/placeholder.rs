//! Words that people and programs write instead of a value.

use inventory_workbook::{RawCell, RawValue};

/// Words that people write (in any case) and words that programs write.
const WORDS: [&str; 15] = [
    "n/a", "n.a.", "n.a", "k.a.", "k.a", "k. a.", "s/o", "s.o.", "n/d", "n.d.", "null", "(null)", "none", "nil", "<na>",
];
/// Exactly what programs write for a missing value.
const NULLS: [&str; 8] = ["NULL", "null", "(null)", "NaN", "nan", "<NA>", "\\N", "undefined"];
const LONGEST: usize = 9;

/// Whether a text only says that there is no value: one of those words, or nothing but punctuation, such as `-`, `--`,
/// `#` and `?`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(byte) if byte.is_ascii_digit() || byte.is_ascii_alphabetic() && text.len() > LONGEST => false,
        Some(byte) if byte.is_ascii_alphabetic() => is_word(text),
        _ => is_word(text) || !text.chars().any(char::is_alphanumeric),
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= LONGEST && (WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) || NULLS.contains(&text))
}

/// Whether a cell has a program's word for a missing value.
pub(crate) fn is_null_word(cell: &RawCell<'_>) -> bool {
    matches!(&cell.value, RawValue::Text(text) if text.len() <= LONGEST && NULLS.contains(&text.as_ref()))
}

#[cfg(test)]
mod tests {
    use crate::cell::Style;
    use crate::judge::value::tests::{column, judged, outcome, text};
    use crate::judge::value::{Warning, judge_cell, warn_of};
    use crate::schema::ColumnFacts;

    #[test]
    fn a_placeholder_is_not_a_key_or_a_required_text() {
        for word in ["n/a", "N/A", "NULL", "-", "--", "–", "none", "nil", "#", "?", "k.A.", "s/o", "NaN", "<NA>", "\\N"]
        {
            let key = ColumnFacts { in_key: true, style: Style::Assumed, ..ColumnFacts::default() };
            assert_eq!(outcome(judge_cell(&text(word), &column("type = \"text\""), key)), "says-nothing", "{word}");
            for lines in ["type = \"text\"\nrequired = true", "type = \"text\"\nunique = true"] {
                assert_eq!(judged(lines, &text(word)), "says-nothing", "{word}");
            }
            assert_eq!(judged("type = \"text\"", &text(word)), word);
            for kind in ["integer", "money", "date", "gtin"] {
                let expected = judged(&format!("type = \"{kind}\""), &text(word));
                assert!(expected.ends_with("-expected"), "{kind} {word}: {expected}");
            }
        }
        for right in ["NA", "NIL-1", "Nan", "5", "-5", "#1", "None of these", "А", "品"] {
            assert_eq!(judged("type = \"text\"\nrequired = true", &text(right)), right);
        }
    }

    #[test]
    fn a_null_that_is_kept_as_text_is_noted() {
        let warned = |written, lines: &str| warn_of(&text(written), &column(lines), ColumnFacts::default());
        assert_eq!(warned("NULL", "type = \"text\""), Some(Warning::NullKeptAsText));
        assert_eq!(warned("n/a", "type = \"text\""), None);
        assert_eq!(warned("-", "type = \"text\""), None);
    }
}
