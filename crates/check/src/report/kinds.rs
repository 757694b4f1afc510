//! What the kinds of problems are called where many are counted: a few words, with the column as the file names it.

use inventory_base::message::Rule;

pub(super) fn title(rule: Rule, column: Option<&str>) -> String {
    let column = column.unwrap_or("A cell");
    let says = match rule {
        Rule::KeyMissing => "is missing",
        Rule::KeyTooLong | Rule::TextTooLong => "is too long",
        Rule::DateInKey | Rule::DateForNumber => "has turned into a date",
        Rule::DateOrNumber => "may be a date or a number",
        Rule::HiddenSignInKey => "has an invisible character",
        Rule::AlphabetsMixed => "mixes two alphabets",
        Rule::SaysNothing => "means that there is none",
        Rule::DigitsLost | Rule::MadeScientific => "has lost digits",
        Rule::ZerosAdded => "has zeros added by a program",
        Rule::TrueInKey => "was turned into yes or no",
        Rule::AmountInKey => "looks like an amount",
        Rule::KeysDifferInCase => "differs only in upper and lower case",
        Rule::KeysLookAlike => "looks the same but isn't",
        Rule::KeyHoldsSign => "has a sign it may not have",
        Rule::KeyRepeated | Rule::ValueRepeated => "stands in several rows",
        Rule::ValueMissing => "is empty",
        Rule::ValueMerged => "is merged over several items",
        Rule::CellShowsError => "shows an error",
        Rule::FormulaWithoutResult => "has formulas without results",
        Rule::CellCouldNotBeRead => "can't be read reliably",
        Rule::NumberExpected => "is no number",
        Rule::LetterForZero => "has a letter O for a zero",
        Rule::PointExpected => "has a comma for a point",
        Rule::CommaExpected => "has a point for a comma",
        Rule::SeparatorUnclear => "can be read in two ways",
        Rule::SeparatorsMixed => "has another decimal sign than the rest",
        Rule::CurrencyDiffers | Rule::CurrenciesMixed => "is in another currency",
        Rule::PercentForNumber => "is a percentage",
        Rule::WholeNumberExpected => "is no whole number",
        Rule::NumberTooLong => "is too long a number",
        Rule::TooSmall => "is too small",
        Rule::TooLarge => "is too large",
        Rule::PatternDiffers => "is not written as it should be",
        Rule::DateExpected => "is no date",
        Rule::DateOrderUnclear => "can be one of two dates",
        Rule::DateToConfirm => "is a date to confirm",
        Rule::YesOrNoExpected => "is neither yes nor no",
        Rule::ChoiceExpected => "is none of the choices",
        Rule::GtinExpected => "is no barcode number",
        Rule::GtinCheckDigit => "is mistyped",
        Rule::GtinZeroMissing => "has lost its zeros",
        Rule::GtinDigitMissing => "has lost a digit",
        Rule::GtinShortened => "was shortened",
        Rule::FormulaAsText => "is a formula",
        Rule::RowHasExtraValues => return "Row has more values than the header".to_string(),
        Rule::RowIsCutShort => return "Row has fewer values than the header".to_string(),
        Rule::RowMayContinue => return "Row may continue in the next one".to_string(),
        Rule::ItemTooLarge => return "Row is too large".to_string(),
        Rule::TableRefusedItem => return "The table did not take the row".to_string(),
        // Of sheets and files; their sentences stand by themselves.
        _ => return rule.id().to_string(),
    };
    format!("{column} {says}")
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
        assert_eq!(title(Rule::PointExpected, Some("Price each")), "Price each has a comma for a point");
    }
}
