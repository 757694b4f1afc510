//! Titles for kinds of problems: a few words, with the name of the column in the file.

use inventory_base::message::Rule;

pub(super) fn title(rule: Rule, column: Option<&str>) -> String {
    let column = column.unwrap_or("A cell");
    let what = match rule {
        Rule::KeyMissing => "is missing",
        Rule::KeyTooLong | Rule::TextTooLong => "is too long",
        Rule::DateInKey | Rule::DateForNumber => "has turned into a date",
        Rule::DateOrNumber => "may be a date or a number",
        Rule::HiddenSignInKey => "has an invisible character",
        Rule::AlphabetsMixed => "mixes two alphabets",
        Rule::SaysNothing => "says that there is none",
        Rule::DigitsLost | Rule::MadeScientific => "has lost digits",
        Rule::ZerosAdded => "has zeros added by a program",
        Rule::TrueInKey => "was turned into yes or no",
        Rule::AmountInKey => "looks like an amount",
        Rule::KeysDifferInCase => "differs only in upper and lower case",
        Rule::KeysLookAlike => "looks the same but isn't",
        Rule::KeyHoldsSign => "has a character that isn't allowed",
        Rule::KeyRepeated | Rule::ValueRepeated => "appears in more than one row",
        Rule::ValueMissing => "is empty",
        Rule::ValueMerged => "is merged across several items",
        Rule::CellShowsError => "shows an error",
        Rule::FormulaWithoutResult => "has formulas without results",
        Rule::CellCouldNotBeRead => "can't be read reliably",
        Rule::NumberExpected => "isn't a number",
        Rule::LetterForZero => "has the letter O instead of a zero",
        Rule::PointExpected => "has a comma instead of a point",
        Rule::CommaExpected => "has a point instead of a comma",
        Rule::SeparatorUnclear => "can be read in two ways",
        Rule::SeparatorsMixed => "uses a different decimal separator from the rest",
        Rule::CurrencyDiffers | Rule::CurrenciesMixed => "is in another currency",
        Rule::PercentForNumber => "is a percentage",
        Rule::WholeNumberExpected => "isn't a whole number",
        Rule::NumberTooLong => "has too many digits",
        Rule::TooSmall => "is too small",
        Rule::TooLarge => "is too large",
        Rule::PatternDiffers => "doesn't have the right format",
        Rule::DateExpected => "isn't a date",
        Rule::DateOrderUnclear => "could be one of two dates",
        Rule::DateToConfirm => "is a date that needs confirming",
        Rule::YesOrNoExpected => "is neither yes nor no",
        Rule::ChoiceExpected => "isn't one of the choices",
        Rule::GtinExpected => "isn't a barcode number",
        Rule::GtinCheckDigit => "is mistyped",
        Rule::GtinZeroMissing => "has lost its zeros",
        Rule::GtinDigitMissing => "has lost a digit",
        Rule::GtinShortened => "was shortened",
        Rule::FormulaAsText => "is a formula",
        Rule::RowHasExtraValues => return "Row has more values than the header".to_string(),
        Rule::RowIsCutShort => return "Row has fewer values than the header".to_string(),
        Rule::RowMayContinue => return "Row may continue in the next one".to_string(),
        Rule::ItemTooLarge => return "Row is too large".to_string(),
        Rule::TableRefusedItem => return "The table rejected the row".to_string(),
        // Rules about sheets and files need no title.
        _ => return rule.id().to_string(),
    };
    format!("{column} {what}")
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
            assert_eq!(title(*rule, Some("Price")) != rule.id(), of_a_row, "{}", rule.id());
        }
        assert_eq!(title(Rule::PointExpected, Some("Price each")), "Price each has a comma instead of a point");
    }
}
