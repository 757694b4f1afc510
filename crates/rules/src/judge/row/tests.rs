//! Tests of single rows: the item, or the problems.

use super::row_judge::{ITEM_BYTES, QUOTED_CHARACTERS};
use super::*;
use crate::judge::heading::tests::{heading, row};
use inventory_workbook::RawValue;
use std::borrow::Cow;

const HEADER: [&str; 5] = ["SKU", "Name", "Quantity", "Price", "Discontinued"];

/// Judges the row as part of a sheet whose first row is the header.
fn judged_by(schema: &Schema, row: &RawRow<'_>) -> Verdict {
    Layout::new(schema, "Stock", heading(schema, &[&HEADER]), None).judge(row).map(|item| Item::from(&item))
}

fn judged(texts: &[&str]) -> Verdict {
    judged_by(&Schema::shipped().unwrap(), &row(1014, texts))
}

fn problems(texts: &[&str]) -> Vec<Problem> {
    match judged(texts) {
        Verdict::Rejected(kept) => kept.problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_row_is_an_item() {
    let Verdict::Accepted(item) = judged(&["00123", "Bolt", "5", "19.9900", "no"]) else { panic!("not accepted") };
    let text = r#"{"discontinued":{"BOOL":false},"name":{"S":"Bolt"},"quantity":{"N":"5"},"sku":{"S":"00123"},"unit_price":{"N":"19.99"}}"#;
    assert_eq!(serde_json::to_string(&item).unwrap(), text);
}

#[test]
fn all_problems_of_a_row_are_reported_with_their_cells() {
    let problems = problems(&["A-1", "", "many", "12,5", "perhaps"]);
    let found: Vec<_> = problems.iter().map(|p| (p.rule.id(), p.cell.as_deref().unwrap())).collect();
    assert_eq!(
        found,
        [
            ("value-missing", "B1014"),
            ("whole-number-expected", "C1014"),
            ("point-expected", "D1014"),
            ("yes-or-no-expected", "E1014"),
        ]
    );
    assert_eq!(problems[2].message, "Price in D1014 is \"12,5\", with a comma where a point was expected.");
    assert_eq!(problems[2].advice, "Type it as 12.5. Row 1014 was not loaded.");
    assert_eq!(problems[2].column.as_deref(), Some("Price"));
    for problem in problems {
        assert!(!problem.message.contains('{') && !problem.advice.contains('{'), "{problem:?}");
    }
}

#[test]
fn a_row_without_its_key_is_rejected_unless_it_clearly_is_not_an_item() {
    assert_eq!(problems(&["", "Bolt", "5"])[0].rule, Rule::KeyMissing);
    let skipped = |why, says: &str| Verdict::Skipped(Skipped { why, says: says.to_string() });
    assert_eq!(judged(&["", "Total", "512"]), skipped(Skip::Total, "Total 512"));
    assert_eq!(judged(&["Total:", "", "512"]), skipped(Skip::Total, "Total: 512"));
    assert_eq!(judged(&["", "counted by Ann"]), skipped(Skip::Note, "counted by Ann"));
    let note = "Damaged goods are in the cage.";
    assert_eq!(judged(&[note]), skipped(Skip::Note, note));
    assert_eq!(problems(&["A 17"])[0].rule, Rule::ValueMissing);
    assert!(matches!(judged(&HEADER), Verdict::Skipped(Skipped { why: Skip::Header, .. })));
}

#[test]
fn blank_cells_make_neither_a_blank_row_nor_a_note_an_item() {
    let skipped = |why, says: &str| Verdict::Skipped(Skipped { why, says: says.to_string() });
    for blanks in [&[" "][..], &["", " \u{a0}"], &["\u{200b}", "\t", "\u{feff} ", "\u{2003}"]] {
        assert_eq!(judged(blanks), skipped(Skip::Blank, ""), "{blanks:?}");
    }
    assert_eq!(judged(&[" ", "counted by Ann", "\u{a0}"]), skipped(Skip::Note, "counted by Ann"));
    assert_eq!(judged(&[" ", "Total", "512"]), skipped(Skip::Total, "Total 512"));
    assert_eq!(problems(&[" ", "Bolt", "5"])[0].rule, Rule::KeyMissing);
    let number = RawCell { column: 7, value: RawValue::Number(0.0), format: None };
    let mut row = row(2, &[" "]);
    row.cells.push(number);
    assert_eq!(judged_by(&Schema::shipped().unwrap(), &row), skipped(Skip::Note, "0"));
}

#[test]
fn both_rows_of_a_header_are_recognised_when_repeated() {
    let schema = Schema::shipped().unwrap();
    let (upper, lower) = (["Item", "Item", "", "Reorder", "Last"], ["SKU", "Name", "Qty", "level", "counted"]);
    let layout = Layout::new(&schema, "Stock", heading(&schema, &[&upper, &lower]), None);
    let why = |texts: &[&str]| match layout.judge(&row(40, texts)) {
        Verdict::Skipped(skipped) => Some(skipped.why),
        _ => None,
    };
    assert_eq!((why(&upper), why(&lower)), (Some(Skip::Header), Some(Skip::Header)));
    assert_eq!(why(&["SKU", "Name", "Qty", "level", "counted", "Page 2"]), Some(Skip::Header));
    // With one cell more, fewer or different it may be an item with mistakes, which are reported.
    for row in [
        &["Item", "Item", "5", "Reorder", "Last"][..],
        &["Item", "Item", "", "Reorder"],
        &["Item", "item", "", "Reorder", "Last"],
        &["Item", "Item", "", "Reorder", "Last", "Page 2"],
        &["SKU", "Name", "5", "level", "counted"],
    ] {
        assert_eq!(why(row), None, "{row:?}");
    }
}

#[test]
fn a_row_above_the_header_is_recognised_when_repeated_unless_it_could_be_an_item() {
    let schema = Schema::shipped().unwrap();
    let why = |schema: &Schema, above: &[&str]| {
        let layout = Layout::new(schema, "Stock", heading(schema, &[above, &["SKU", "Name", "Qty"]]), None);
        match layout.judge(&row(40, above)) {
            Verdict::Skipped(skipped) => Some(skipped.why),
            _ => None,
        }
    };
    assert_eq!(why(&schema, &["Leeds", "Goods", "Stock"]), Some(Skip::Title));
    assert_eq!(why(&schema, &["A-17", "Bolt", "5"]), None);
    // The number of an item and nothing else: what is missing is reported.
    assert_eq!(why(&schema, &["A-17"]), None);
}

#[test]
fn an_error_is_reported_in_columns_of_the_rules_and_is_a_note_elsewhere() {
    let error = |column, text| RawCell { column, value: RawValue::Error(Cow::Borrowed(text)), format: None };
    let schema = Schema::from_toml(
        &crate::schema::SHIPPED.replace("unknown_columns = \"ignore\"", "unknown_columns = \"keep\""),
    )
    .unwrap();
    let header: Vec<&str> = HEADER.into_iter().chain(["Remark"]).collect();
    let layout = Layout::new(&schema, "Stock", heading(&schema, &[&header]), None);
    let judge = |cells| layout.judge(&RawRow { number: 9, cells, fields: None }).map(|item| Item::from(&item));
    let problems_in = |verdict| match verdict {
        Verdict::Rejected(RejectedRow { problems, .. }) => {
            problems.into_iter().map(|problem| (problem.rule.id(), problem.message)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    // The only cell in its row: in the key's column, and in another one.
    for (column, beginning) in [(0, "SKU in A9 shows #N/A: "), (3, "Price in D9 shows #N/A: ")] {
        let found = problems_in(judge(vec![error(column, "#N/A")]));
        assert!(
            found.iter().any(|(rule, message)| *rule == "cell-shows-error" && message.starts_with(beginning)),
            "{found:?}"
        );
    }
    let elsewhere = judge(vec![error(7, "#DIV/0!")]);
    assert_eq!(elsewhere, Verdict::Skipped(Skipped { why: Skip::Note, says: "#DIV/0!".into() }));
    // In an unknown column that is kept, an error does not become a value.
    let mut item = row(9, &["A", "Bolt", "5"]).cells;
    item.push(error(5, "#REF!"));
    assert_eq!(
        problems_in(judge(item)),
        [(
            "cell-shows-error",
            "Remark in F9 shows #REF!: the formula there points to a cell that is gone.".to_string()
        )]
    );
}

#[test]
fn an_item_called_total_is_an_item() {
    assert!(matches!(judged(&["Total", "Cleaner, brand Total", "5"]), Verdict::Accepted(_)));
}

#[test]
fn values_that_dynamodb_would_refuse_are_rejected() {
    assert_eq!(problems(&["A", &"x".repeat(2000), "5"])[0].rule, Rule::TextTooLong);
    let schema = Schema::from_toml(&crate::schema::SHIPPED.replace("max_length = 128\n", "")).unwrap();
    let long = "x".repeat(2049);
    let Verdict::Rejected(kept) = judged_by(&schema, &row(2, &[&long, "Bolt", "5"])) else { panic!("not rejected") };
    assert_eq!(kept.problems[0].rule, Rule::KeyTooLong);
    assert!(kept.problems[0].value.as_ref().unwrap().chars().count() <= QUOTED_CHARACTERS + 1);
    assert_eq!(kept.cells[0].value, long);
}

#[test]
fn an_item_over_the_tables_limit_names_its_longest_column() {
    let toml = crate::schema::SHIPPED.replace("max_length = 1000\n", "");
    let schema = Schema::from_toml(&toml).unwrap();
    let long = "x".repeat(ITEM_BYTES);
    let Verdict::Rejected(kept) = judged_by(&schema, &row(2, &["A", &long, "5"])) else { panic!("not rejected") };
    assert_eq!((kept.problems[0].rule, kept.problems[0].cell.as_deref()), (Rule::ItemTooLarge, Some("B2")));
}
