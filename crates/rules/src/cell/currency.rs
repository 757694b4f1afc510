//! The currency of a price: from a symbol next to the number, or from its number format.

use inventory_workbook::{RawCell, RawValue};

use super::currency_symbols::{CURRENCY_SYMBOLS, CurrencySymbol};
use super::format_code::{Piece, Section, split_sections};
use super::lookalikes::to_half_width;
use super::typed_number::TypedNumber;

/// Whether the cell names a currency other than the one with this code.
pub(crate) fn is_in_other_currency(cell: &RawCell<'_>, code: &str) -> bool {
    currency_of(cell).is_some_and(|(_, currencies)| !currencies.contains(&code))
}

/// The currency that the cell names.
pub(crate) fn currency_of(cell: &RawCell<'_>) -> Option<CurrencySymbol> {
    match &cell.value {
        RawValue::Number(_) => currency_shown(cell.format.as_deref()?),
        // Like most numbers, it has nothing around it.
        RawValue::Text(text) if is_digit(text.bytes().next()) && is_digit(text.bytes().next_back()) => None,
        RawValue::Text(text) => TypedNumber::read(&to_half_width(text), true)?.currency,
        _ => None,
    }
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// The symbol that a number format puts before or after the number.
pub(crate) fn currency_shown(code: &str) -> Option<CurrencySymbol> {
    // Built-in formats show the currency of the user's own country.
    if code.starts_with("_($*") {
        return None;
    }
    let section = Section::read(split_sections(code)?.first()?)?;
    let sides = section.pieces.split(|piece| !matches!(piece, Piece::Literal(_)));
    let mut words = sides.map(|literals| {
        literals.iter().filter_map(|piece| if let Piece::Literal(symbol) = piece { Some(*symbol) } else { None })
    });
    words.find_map(|word| {
        let word: String = word.collect();
        let word = word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '+' | '(' | ')'));
        CURRENCY_SYMBOLS.iter().find(|(symbol, _)| symbol.eq_ignore_ascii_case(word)).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_of_a_number_shows_its_currency() {
        for (code, symbol) in [
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
            assert_eq!(currency_shown(code).map(|(symbol, _)| symbol), symbol, "{code}");
        }
    }
}
