//! One of the words the rules allow, written as the rules write it.

use crate::judge::lent::LentValue;
use crate::schema::Column;
use inventory_base::message::Rule;

use super::Broken;
use super::alike::same_words;

pub(super) fn judge_choice<'a>(text: &str, column: &'a Column) -> Result<LentValue<'a>, Broken> {
    match column.choices.iter().find(|choice| same_words(choice, text)) {
        Some(choice) => Ok(LentValue::S(choice.into())),
        None => Err(Broken { rule: Rule::ChoiceExpected, words: vec![("choices", column.choices.join(", "))] }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged, text};

    #[test]
    fn a_choice_is_written_as_the_rules_write_it() {
        let lines = "type = \"choice\"\nchoices = [\"Yes\", \"Phased out\", \"Größe M\"]";
        assert_eq!(judged(lines, &text("phased OUT ")), "Phased out");
        assert_eq!(judged(lines, &text("GRO\u{308}ßE m")), "Größe M");
        assert_eq!(judged(lines, &text("Phased\u{a0} out")), "Phased out");
        assert_eq!(judged(lines, &text("Ｙｅｓ")), "Yes");
        assert!(judged(lines, &text("Y\u{435}s")).starts_with("choice-expected"));
        assert_eq!(judged(lines, &text("maybe")), "choice-expected Yes, Phased out, Größe M");
    }
}
