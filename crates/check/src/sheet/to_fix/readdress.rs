//! Rewrites sentences about a row of the original file for its row in the workbook of rows to fix.

use inventory_base::message::{Problem, Rule};

/// Returns what is wrong and what to do, with cell addresses in the workbook, where the row has the number `place`.
pub(super) fn readdressed(problem: &Problem, place: u32) -> String {
    let text = format!("{} {}", problem.message, problem.advice);
    let own = format!(" {}", problem.row);
    let text = replace_word(&text, &format!("Row{own}"), "This row");
    let text = replace_word(&text, &format!("row{own}"), "this row");
    match problem.cell.as_deref().and_then(|cell| Some((cell, cell.strip_suffix(&problem.row.to_string())?))) {
        Some((cell, letters)) => replace_word(&text, cell, &format!("{letters}{place}")),
        None => text,
    }
}

/// Whether a problem concerns several rows together, which it names by their numbers in the original file.
pub(super) fn is_about_others(problem: &Problem) -> bool {
    use Rule::{KeyRepeated, KeysDifferInCase, KeysLookAlike, ValueMerged, ValueRepeated};
    matches!(problem.rule, KeyRepeated | KeysDifferInCase | KeysLookAlike | ValueMerged | ValueRepeated)
}

/// Replaces whole words outside quotation marks. The corner of a range such as `F30:F33` doesn't count as a word.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == ':';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_quoted = false;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        is_quoted ^= before.matches('"').count() % 2 == 1;
        result.push_str(before);
        let is_whole = !result.ends_with(is_part) && !after.starts_with(is_part);
        result.push_str(if is_whole && !is_quoted { by } else { word });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_uses_the_cell_addresses_of_the_new_workbook() {
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
        for (message, advice, expected) in [
            ("Qty in F33 is empty.", "Row 33 was not loaded.", "Qty in F2 is empty. This row was not loaded."),
            ("Qty in F33 is \"F33, row 33\".", "See F33.", "Qty in F2 is \"F33, row 33\". See F2."),
            ("Row 33 has no SKU.", "See AF33 and F331.", "This row has no SKU. See AF33 and F331."),
            ("Qty in F30:F33 is one cell.", "Row 333.", "Qty in F30:F33 is one cell. Row 333."),
        ] {
            assert_eq!(readdressed(&problem(message, advice), 2), expected);
        }
    }
}
