//! Which currency an amount is in, where the cell says it: by a sign beside the number, or by one that its format shows.

use crate::schema::{CURRENCY_SIGNS, Column, CurrencySign, Header, Kind, Schema};
use crate::workbook::{RawCell, RawRow, RawValue};

use super::format_code::{Piece, Section, split_sections};
use super::typed::Typed;

/// Whether the cell says that its amount is in another currency than its column.
pub(super) fn is_foreign(cell: &RawCell<'_>, column: &Column) -> bool {
    let Some(wanted) = &column.currency else { return false };
    currency_of(cell).is_some_and(|(_, currencies)| !currencies.contains(&wanted.as_str()))
}

fn currency_of(cell: &RawCell<'_>) -> Option<CurrencySign> {
    match &cell.value {
        RawValue::Number(_) => currency_shown(cell.format.as_deref()?),
        // As most are: nothing stands around the number.
        RawValue::Text(text) if is_digit(text.bytes().next()) && is_digit(text.bytes().next_back()) => None,
        RawValue::Text(text) => Typed::read(text, true)?.currency,
        _ => None,
    }
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// The sign that a number format puts before or after the number.
fn currency_shown(code: &str) -> Option<CurrencySign> {
    // The formats that every program brings along show what its own country has for money.
    if code.starts_with("_($*") {
        return None;
    }
    let section = Section::read(split_sections(code)?.first()?)?;
    let sides = section.pieces.split(|piece| !matches!(piece, Piece::Literal(_)));
    let mut words = sides.map(|literals| {
        literals.iter().filter_map(|piece| if let Piece::Literal(sign) = piece { Some(*sign) } else { None })
    });
    words.find_map(|word| {
        let word: String = word.collect();
        let word = word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+' | '(' | ')'));
        CURRENCY_SIGNS.iter().find(|(sign, _)| sign.eq_ignore_ascii_case(word)).copied()
    })
}

/// The currencies met so far, by the rules' columns. Only where the rules do not say which it should be.
pub(in crate::judge) struct Currencies {
    columns: Vec<Option<Met>>,
}

#[derive(Default)]
struct Met {
    first: Option<&'static str>,
    /// All amounts so far can be in any of these.
    possible: Vec<&'static str>,
    /// The format looked at last: a column of a million numbers has one.
    format: String,
    /// Nothing more is to be said.
    mixed: bool,
}

/// The first cell of another currency than those before it.
pub(in crate::judge) struct Mixed {
    /// By the rules' columns.
    pub position: usize,
    /// As they are written.
    pub first: &'static str,
    pub second: &'static str,
}

impl Currencies {
    pub fn new(schema: &Schema) -> Currencies {
        let met = |column: &Column| (column.kind == Kind::Money && column.currency.is_none()).then(Met::default);
        Currencies { columns: schema.columns.iter().map(met).collect() }
    }

    pub fn note_row(&mut self, row: &RawRow<'_>, header: &Header) -> Vec<Mixed> {
        let columns = self.columns.iter_mut().zip(&header.columns).enumerate();
        let mixed = columns.filter_map(|(position, (met, found))| {
            let (met, (place, _)) = (met.as_mut()?, found.as_ref()?);
            let (first, second) = met.note(row.cell(*place)?)?;
            Some(Mixed { position, first, second })
        });
        mixed.collect()
    }
}

impl Met {
    fn note(&mut self, cell: &RawCell<'_>) -> Option<(&'static str, &'static str)> {
        if self.mixed {
            return None;
        }
        if let (RawValue::Number(_), Some(format)) = (&cell.value, cell.format.as_deref()) {
            if self.format == format {
                return None;
            }
            format.clone_into(&mut self.format);
        }
        let (sign, currencies) = currency_of(cell)?;
        let Some(first) = self.first else {
            (self.first, self.possible) = (Some(sign), currencies.to_vec());
            return None;
        };
        let both: Vec<_> = self.possible.iter().copied().filter(|code| currencies.contains(code)).collect();
        self.mixed = both.is_empty();
        self.possible = both;
        self.mixed.then_some((first, sign))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{column, judged, number, text, under};
    use super::*;

    #[test]
    fn the_format_of_a_number_tells_its_currency() {
        for (code, sign) in [
            ("#,##0.00 \"€\"", Some("€")),
            ("[$€-407] #,##0.00", Some("€")),
            ("#,##0.00\\ [$zł-415]", Some("zł")),
            ("\"$\"#,##0.00_);(\"$\"#,##0.00)", Some("$")),
            ("$#,##0", Some("$")),
            ("_-* #,##0.00\\ €_-;-* #,##0.00\\ €_-", Some("€")),
            ("[$USD] 0.00", Some("USD")),
            ("_($* #,##0.00_);_($* (#,##0.00)", None),
            ("[$-409]0.00", None),
            ("0\" pcs\"", None),
            ("0.00", None),
            ("yyyy", None),
        ] {
            assert_eq!(currency_shown(code).map(|(sign, _)| sign), sign, "{code}");
        }
    }

    #[test]
    fn a_second_currency_is_told_once_and_a_sign_of_several_is_none() {
        let amount = |format: &'static str| under(RawValue::Number(12.0), format);
        let cases = [
            (vec![text("12 €"), text("EUR 5"), number(3.0), amount("0.00 \"€\"")], None),
            (vec![text("12 €"), text("12 $"), text("£ 5")], Some((1, "€", "$"))),
            (vec![amount("0 \"€\""), number(1.0), amount("\"$\"0"), amount("0 \"€\"")], Some((2, "€", "$"))),
            (vec![text("$5"), text("US$ 5"), text("USD 5")], None),
            (vec![text("$5"), text("US$ 5"), text("CAD 5")], Some((2, "$", "CAD"))),
            (vec![text("5 kr"), text("SEK 5"), text("5 kr.")], None),
            (vec![text("5 kr"), text("SEK 5"), text("NOK 5")], Some((2, "kr", "NOK"))),
        ];
        for (cells, expected) in cases {
            let mut met = Met::default();
            let told: Vec<_> = cells
                .iter()
                .enumerate()
                .filter_map(|(at, cell)| met.note(cell).map(|(first, second)| (at, first, second)))
                .collect();
            assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{cells:?}");
        }
    }

    #[test]
    fn where_the_rules_name_the_currency_another_one_is_a_problem() {
        let lines = "type = \"money\"\ncurrency = \"EUR\"";
        assert_eq!(judged(lines, &text("12.50 €")), "12.5");
        assert_eq!(judged(lines, &text("12.50")), "12.5");
        assert_eq!(judged(lines, &under(RawValue::Number(12.5), "0.00 \"€\"")), "12.5");
        assert_eq!(judged(lines, &text("$12.50")), "currency-differs EUR");
        assert_eq!(judged(lines, &under(RawValue::Number(12.5), "\"$\"0.00")), "currency-differs EUR");
        assert_eq!(judged("type = \"money\"\ncurrency = \"CAD\"", &text("$12.50")), "12.5");
        assert!(!is_foreign(&text("$12.50"), &column("type = \"money\"")));
    }
}
