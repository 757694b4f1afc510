//! `decimal`: any number, also a percentage.

use super::number::{example, judge, read_value};
use super::{
    Accepts, ColumnType, CurrencySymbols, GENERAL_FORMAT, Identifies, NumberForm, StoredAs, Strictness, Validation,
};

pub static DECIMAL: ColumnType = ColumnType {
    name: "decimal",
    description: "a number",
    stored_as: StoredAs::Number(FORM),
    holds_dates: false,
    is_free_text: false,
    identifies: Identifies::IfUnique,
    settings: &["min", "max", "decimal", "unique"],
    find_mistake: |_| None,
    explain_separator: |_, _| None,
    read_value: |given, column| read_value(given, column, FORM),
    judge: |cell, column, facts| judge(cell, column, facts, FORM),
    explain: |_, such_as| format!("A number{such_as}."),
    example: |column| example(column, FORM, &["12.5", "12"]),
    validation: |column| {
        let accepts = Accepts::Number { min: column.min, max: column.max };
        Some(Validation { accepts, strictness: Strictness::Warn })
    },
    number_format: |_| GENERAL_FORMAT,
    width: |_| 12,
};

const FORM: NumberForm = NumberForm { is_whole: false, accepts_percent: true, currency: CurrencySymbols::Ignored };
