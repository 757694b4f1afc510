//! Sentences about a row of the loaded file, said of the row that it is in the workbook of rows to fix.

use inventory_base::message::{Problem, Rule};

/// What is wrong and what to do, with the row's own cells as they are here: row `place`, as the program numbers it.
pub(super) fn say_here(problem: &Problem, place: u32) -> String {
    let said = format!("{} {}", problem.message, problem.advice);
    let own = format!(" {}", problem.row);
    let said = replace_word(&said, &format!("Row{own}"), "This row");
    let said = replace_word(&said, &format!("row{own}"), "this row");
    match problem.cell.as_deref().and_then(|cell| Some((cell, cell.strip_suffix(&problem.row.to_string())?))) {
        Some((cell, letters)) => replace_word(&said, cell, &format!("{letters}{place}")),
        None => said,
    }
}

/// Whether a problem is one of several rows together, which it names by the loaded file's numbers.
pub(super) fn is_about_others(problem: &Problem) -> bool {
    use Rule::{KeyRepeated, KeysDifferInCase, KeysLookAlike, ValueMerged, ValueRepeated};
    matches!(problem.rule, KeyRepeated | KeysDifferInCase | KeysLookAlike | ValueMerged | ValueRepeated)
}

/// Replaces a word wherever it stands by itself and outside quotation marks. The corner of a range is no word.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == ':';
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_quoted = false;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        is_quoted ^= before.matches('"').count() % 2 == 1;
        said.push_str(before);
        let alone = !said.ends_with(is_part) && !after.starts_with(is_part);
        said.push_str(if alone && !is_quoted { by } else { word });
        rest = after;
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_cells_of_this_workbook() {
        let problem = |message: &str, advice: &str| Problem {
            sheet: "Stock".into(),
            row: 33,
            column: Some("Qty".into()),
            cell: Some("F33".into()),
            value: None,
            rule: Rule::ValueMissing,
            message: message.into(),
            advice: advice.into(),
        };
        for (message, advice, says) in [
            ("Qty in F33 is empty.", "Row 33 was left out.", "Qty in F2 is empty. This row was left out."),
            ("Qty in F33 is \"F33, row 33\".", "See F33.", "Qty in F2 is \"F33, row 33\". See F2."),
            ("Row 33 has no SKU.", "See AF33 and F331.", "This row has no SKU. See AF33 and F331."),
            ("Qty in F30:F33 is one cell.", "Row 333.", "Qty in F30:F33 is one cell. Row 333."),
        ] {
            assert_eq!(say_here(&problem(message, advice), 2), says);
        }
    }
}
