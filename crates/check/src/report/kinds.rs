//! Titles for kinds of problems: a few words, with the name of the column in the file.

use inventory_base::message::Rule;

pub(super) fn title(rule: Rule, column: Option<&str>) -> String {
    rule.title().unwrap_or(rule.id()).replace("{column}", column.unwrap_or("A cell"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_row_has_a_title() {
        for rule in Rule::ALL {
            let (_, advice) = rule.templates();
            let of_a_row = [
                "Row {row} was left out",
                "Row {row} was not loaded",
                "None of them was loaded",
                "All of them were left out",
                "{all} were left out",
                "Row {row} is not in",
            ]
            .iter()
            .any(|did| advice.contains(did));
            assert_eq!(rule.title().is_some(), of_a_row, "{}", rule.id());
        }
        assert_eq!(title(Rule::PointExpected, Some("Price each")), "Price each has a comma instead of a point");
    }
}
