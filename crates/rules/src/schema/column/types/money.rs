//! `money`: an amount, without its currency symbol.

use super::number::{example, judge, read_value};
use super::{
    Accepts, ColumnType, CurrencySymbols, GENERAL_FORMAT, Identifies, NumberForm, StoredAs, Strictness, Validation,
};

pub static MONEY: ColumnType = ColumnType {
    name: "money",
    description: "an amount",
    stored_as: StoredAs::Number(FORM),
    holds_dates: false,
    is_free_text: false,
    identifies: Identifies::IfUnique,
    settings: &["min", "max", "decimal", "currency", "unique"],
    find_mistake: |_| None,
    explain_separator: |_, _| None,
    read_value: |given, column| read_value(given, column, FORM),
    judge: |cell, column, facts| judge(cell, column, facts, FORM),
    explain: |column, such_as| match &column.currency {
        Some(currency) => format!("An amount in {currency}{such_as}."),
        None => format!("An amount{such_as}, without a currency symbol."),
    },
    example: |column| example(column, FORM, &["12.50", "12"]),
    validation: |column| {
        let accepts = Accepts::Number { min: column.min, max: column.max };
        Some(Validation { accepts, strictness: Strictness::Warn })
    },
    number_format: |column| match column.currency.as_deref() {
        Some(code) if WITHOUT_CENTS.contains(&code) => GENERAL_FORMAT,
        _ => "0.00#############",
    },
    width: |_| 12,
};

const FORM: NumberForm = NumberForm { is_whole: false, accepts_percent: false, currency: CurrencySymbols::Compared };
/// Currencies without decimal places.
const WITHOUT_CENTS: [&str; 4] = ["JPY", "KRW", "VND", "ISK"];

#[cfg(test)]
mod tests {
    use crate::judge::value::tests::{judged, text, under};
    use inventory_workbook::RawValue;

    #[test]
    fn a_currency_other_than_the_one_in_the_rules_is_a_problem() {
        let lines = "type = \"money\"\ncurrency = \"EUR\"";
        assert_eq!(judged(lines, &text("12.50 €")), "12.5");
        assert_eq!(judged(lines, &text("12.50")), "12.5");
        assert_eq!(judged(lines, &under(RawValue::Number(12.5), "0.00 \"€\"")), "12.5");
        assert_eq!(judged(lines, &text("$12.50")), "currency-differs EUR");
        assert_eq!(judged(lines, &under(RawValue::Number(12.5), "\"$\"0.00")), "currency-differs EUR");
        assert_eq!(judged("type = \"money\"\ncurrency = \"CAD\"", &text("$12.50")), "12.5");
        assert_eq!(judged("type = \"money\"", &text("$12.50")), "12.5");
    }
}
