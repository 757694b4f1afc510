//! One of the words that the rules allow, in the rules' own spelling.

use crate::judge::borrowed::BorrowedValue;
use crate::schema::Column;
use inventory_base::message::Rule;

use super::Violation;
use super::lookalikes::same_words;

pub(super) fn judge_choice<'a>(text: &str, column: &'a Column) -> Result<BorrowedValue<'a>, Violation> {
    match column.choices.iter().find(|choice| same_words(choice, text)) {
        Some(choice) => Ok(BorrowedValue::S(choice.into())),
        None => Err(Violation { rule: Rule::ChoiceExpected, words: vec![("choices", column.choices.join(", "))] }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged, text};

    #[test]
    fn a_choice_is_stored_as_the_rules_write_it() {
        let lines = "type = \"choice\"\nchoices = [\"Yes\", \"Phased out\", \"Größe M\"]";
        assert_eq!(judged(lines, &text("phased OUT ")), "Phased out");
        assert_eq!(judged(lines, &text("GRO\u{308}ßE m")), "Größe M");
        assert_eq!(judged(lines, &text("Phased\u{a0} out")), "Phased out");
        assert_eq!(judged(lines, &text("Ｙｅｓ")), "Yes");
        assert!(judged(lines, &text("Y\u{435}s")).starts_with("choice-expected"));
        assert_eq!(judged(lines, &text("maybe")), "choice-expected Yes, Phased out, Größe M");
    }
}
