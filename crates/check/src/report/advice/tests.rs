use std::fmt::Display;

use super::*;
use inventory_base::message::Sentences;

fn problem(rule: Rule, row: u32, value: &str, words: &[(&str, &str)]) -> Problem {
    let cell = format!("D{row}");
    let mut all: Vec<(&str, &dyn Display)> =
        vec![("row", &row), ("column", &"Price"), ("cell", &cell), ("value", &value)];
    all.extend(words.iter().map(|(name, word)| (*name, word as &dyn Display)));
    let Sentences { message, advice, .. } = Sentences::new(rule, &all);
    Problem {
        sheet: "Stock".into(),
        row,
        column: Some("Price".into()),
        cell: Some(cell.clone()),
        value: Some(value.to_string()),
        rule,
        message,
        advice,
    }
}

fn described(problems: &[Problem]) -> Advice {
    describe(problems[0].rule, &problems.iter().collect::<Vec<_>>())
}

#[test]
fn the_advice_is_said_once_and_what_differs_is_in_its_own_column() {
    let comma = |row, value, proposal| problem(Rule::PointExpected, row, value, &[("proposal", proposal)]);
    let advice = described(&[comma(14, "12,50", "12.5"), comma(15, "3,40", "3.4")]);
    assert_eq!((&*advice.shared, advice.column), ("Type the number with a point, as shown.", Some("Type it as")));
    assert_eq!(advice.lines.iter().map(|line| &*line.text).collect::<Vec<_>>(), ["12.5", "3.4"]);

    let number = |row| problem(Rule::NumberExpected, row, "n/a", &[]);
    let advice = described(&[number(14), number(15)]);
    let expected = "It should be a number such as 12.50. Enter only the number, without a currency or unit, or empty the \
                    cell if there is none yet.";
    assert_eq!((&*advice.shared, advice.column), (expected, None));

    let limit = |row| problem(Rule::TooSmall, row, "-1", &[("limit", "0")]);
    assert_eq!(described(&[limit(3)]).shared, "The smallest number allowed is 0. Check the number and correct it.");

    let repeated = problem(Rule::KeyRepeated, 12, "A-17", &[("rows", "12 and 340"), ("all", "Both")]);
    let advice = described(&[repeated]);
    assert_eq!(advice.lines[0].rows.as_deref(), Some("12 and 340"));
    assert!(advice.shared.ends_with("keep the right row and delete the others."), "{}", advice.shared);
}

#[test]
fn a_value_that_contains_the_words_of_the_sentence_changes_nothing() {
    let value = "1\", which could be 7 or 8; nothing in the column shows which.";
    let words = [("first", "1234"), ("second", "1.234")];
    let advice = described(&[problem(Rule::SeparatorUnclear, 3, value, &words)]);
    assert_eq!(advice.lines[0].text, "1234 or 1.234");
}

#[test]
fn sentences_of_an_earlier_version_stay_whole_in_their_rows() {
    let old = Problem {
        message: "Price in D3 is no number.".into(),
        advice: "Type a number.".into(),
        ..problem(Rule::NumberExpected, 3, "n/a", &[])
    };
    let advice = described(&[old, problem(Rule::NumberExpected, 4, "n/a", &[])]);
    assert_eq!((&*advice.shared, advice.column), ("", Some(WHOLE_TITLE)));
    assert_eq!(advice.lines[0].text, "Price in D3 is no number. Type a number.");
}

#[test]
fn what_differs_from_row_to_row_is_never_in_the_shared_advice() {
    let same_in_a_column = ["column", "limit", "other", "pattern", "currency", "choices", "header"];
    let placeholders = |template: &str| {
        let names = template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default().to_string());
        names.collect::<Vec<_>>()
    };
    for rule in Rule::ALL.iter().filter(|rule| rule.title().is_some()) {
        let shared = shared_template(*rule);
        for name in placeholders(&shared) {
            assert!(same_in_a_column.contains(&name.as_str()), "{}: {shared}", rule.id());
        }
        assert!(!shared.contains("not loaded") && !shared.contains("left out"), "{}: {shared}", rule.id());
        let (message, advice) = rule.templates();
        for name in rule.shared().each.map(|(_, template)| placeholders(template)).unwrap_or_default() {
            assert!(format!("{message}{advice}").contains(&format!("{{{name}}}")), "{}: {name}", rule.id());
        }
    }
}
