//! The currencies of a whole column of prices, from the prices themselves or from a column that names them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::cell::{
    CURRENCY_SYMBOLS, Violation, currency_of, currency_shown, display_text, is_blank, is_placeholder, violation,
};
use crate::schema::{Column, Header, Schema, UnknownColumns, canonical_name};
use inventory_workbook::{RawCell, RawRow, RawValue};

/// Names of a column with the currency of the prices in its row, in the form of [`canonical_name`].
const NAMES: &str = "currency currencycode currencyiso isocurrency currencyid curr ccy pricecurrency salescurrency listcurrency \
    wahrung waehrung wahrungscode wahrungsschlussel whg waers devise codedevise monnaie moneda codigodemoneda divisa valuta moeda \
    waluta mena валюта 货币 币种 通貨 통화";
/// Spoken names of currencies, each with a symbol of the same meaning.
const SPOKEN_NAMES: [(&str, &str); 12] = [
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("dollar", "$"),
    ("dollars", "$"),
    ("us dollar", "USD"),
    ("us dollars", "USD"),
    ("pound", "£"),
    ("pounds", "£"),
    ("pound sterling", "GBP"),
    ("franken", "CHF"),
    ("yen", "JPY"),
    ("zloty", "PLN"),
];
/// The number of different currencies that are distinguished in a column.
const MAX_CURRENCIES: usize = 32;

/// A column that names the currency of the prices in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) struct CurrencyColumn {
    place: u32,
    /// Whether it is loaded too, so that every price has its currency.
    is_loaded: bool,
}

impl CurrencyColumn {
    pub fn find(schema: &Schema, header: &Header) -> Option<CurrencyColumn> {
        let names_currency = |title: &str| NAMES.split_whitespace().any(|name| name == canonical_name(title));
        let column = |found: Option<&(u32, String)>, is_loaded| {
            found.map(|(place, _)| CurrencyColumn { place: *place, is_loaded })
        };
        let loaded = header.columns.iter().flatten().find(|(_, title)| names_currency(title));
        let other = header.others.iter().find(|(_, title)| names_currency(title));
        column(loaded, true).or_else(|| column(other, schema.unknown_columns == UnknownColumns::Keep))
    }

    /// The symbol of a price and the currency that its row names, if they can't be the same.
    pub fn contradicts<'r>(self, cell: &RawCell<'_>, row: &'r RawRow<'_>) -> Option<(&'static str, Cow<'r, str>)> {
        let (symbol, of_symbol) = currency_of(cell)?;
        let named = display_text(row.cell(self.place)?);
        let of_row = currencies_of(&named);
        let is_other = !of_row.is_empty() && !of_row.iter().any(|currency| of_symbol.contains(currency));
        is_other.then_some((symbol, named))
    }

    /// The currency that the row names, if it can't be the one that the rules set.
    pub fn foreign<'r>(self, row: &'r RawRow<'_>, wanted: &str) -> Option<Cow<'r, str>> {
        let named = display_text(row.cell(self.place)?);
        let is_other =
            !named.is_empty() && !is_placeholder_word(&named) && !can_be(currencies_of(&named), &named, wanted);
        is_other.then_some(named)
    }
}

fn is_placeholder_word(text: &str) -> bool {
    is_placeholder(text) && currencies_of(text).is_empty()
}

/// The currencies that a word can mean; empty if it is unknown.
fn currencies_of(word: &str) -> &'static [&'static str] {
    let spoken = SPOKEN_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let word = spoken.map_or(word, |(_, symbol)| symbol);
    let known = CURRENCY_SYMBOLS.iter().find(|(symbol, _)| symbol.eq_ignore_ascii_case(word));
    known.map_or(&[], |(_, currencies)| *currencies)
}

/// Whether a word can mean the currency with this code. An unknown word means only itself.
fn can_be(currencies: &[&str], word: &str, code: &str) -> bool {
    if currencies.is_empty() { word.eq_ignore_ascii_case(code) } else { currencies.contains(&code) }
}

/// The currencies seen in price columns for which the rules don't set one, in the order of the rules' columns.
pub(in crate::judge) struct Currencies {
    columns: Vec<Option<ColumnCurrencies>>,
}

#[derive(Default)]
struct ColumnCurrencies {
    named: Vec<CurrencyCount>,
    /// Prices in further currencies.
    others: u64,
    /// The last number format and its currency: a column of a million numbers usually has only one format.
    format: String,
    of_format: Option<usize>,
}

struct CurrencyCount {
    /// As it was first written.
    word: String,
    /// Empty if the word is unknown.
    currencies: &'static [&'static str],
    prices: u64,
}

/// The main currency of a column.
#[derive(Debug, PartialEq, Eq)]
enum MainCurrency {
    /// All prices can be in the same currency.
    Single,
    /// More than half of the prices are in this one.
    Majority(String),
    Unclear,
}

impl Currencies {
    pub fn new(schema: &Schema) -> Currencies {
        let seen = |column: &Column| {
            (column.kind.compares_currencies() && column.currency.is_none()).then(ColumnCurrencies::default)
        };
        Currencies { columns: schema.columns.iter().map(seen).collect() }
    }

    /// Counts the currencies of a row that is loaded.
    pub fn note_row(&mut self, row: &RawRow<'_>, header: &Header, currency_column: Option<CurrencyColumn>) {
        for (seen, found) in self.columns.iter_mut().zip(&header.columns) {
            let (Some(seen), Some((place, _))) = (seen, found) else {
                continue;
            };
            if let Some(cell) = row.cell(*place) {
                seen.note(cell, row, currency_column);
            }
        }
    }

    /// Whether some prices can't be loaded together with the others.
    pub fn are_mixed(&self) -> bool {
        self.columns.iter().flatten().any(|seen| seen.main_currency() != MainCurrency::Single)
    }

    /// The prices of a row that are not in the main currency, by index of the rules' columns.
    pub fn mixed(
        &self,
        row: &RawRow<'_>,
        header: &Header,
        currency_column: Option<CurrencyColumn>,
    ) -> Vec<(usize, Violation)> {
        let columns = self.columns.iter().zip(&header.columns).enumerate();
        let mixed = columns.filter_map(|(position, (seen, found))| {
            let (seen, (place, _)) = (seen.as_ref()?, found.as_ref()?);
            let (word, currencies) = currency_in(row.cell(*place)?, row, currency_column)?;
            let others = match seen.main_currency() {
                MainCurrency::Single => return None,
                MainCurrency::Majority(code) if can_be(currencies, &word, &code) => return None,
                MainCurrency::Majority(code) => format!("most of the column is in {code}"),
                MainCurrency::Unclear => {
                    format!("other rows are in {}", seen.others_than(&word)?)
                }
            };
            Some((position, violation!(CurrenciesMixed { currency: word, others })))
        });
        mixed.collect()
    }
}

/// The currency of a price, from the cell itself or from the currency column: the word, and the currencies it can mean.
fn currency_in<'r>(
    cell: &RawCell<'_>,
    row: &'r RawRow<'_>,
    currency_column: Option<CurrencyColumn>,
) -> Option<(Cow<'r, str>, &'static [&'static str])> {
    if let Some((symbol, currencies)) = currency_of(cell) {
        return Some((Cow::Borrowed(symbol), currencies));
    }
    let currency_column = currency_column.filter(|currency_column| !currency_column.is_loaded && !is_blank(cell))?;
    let word = display_text(row.cell(currency_column.place)?);
    let currencies = currencies_of(&word);
    (!word.is_empty() && !is_placeholder_word(&word)).then_some((word, currencies))
}

impl ColumnCurrencies {
    fn note(&mut self, cell: &RawCell<'_>, row: &RawRow<'_>, currency_column: Option<CurrencyColumn>) {
        let format = cell.format.as_deref().filter(|_| matches!(cell.value, RawValue::Number(_)));
        let by_row = currency_column.is_some_and(|currency_column| !currency_column.is_loaded);
        if let Some(format) = format.filter(|_| !by_row) {
            if self.format != format {
                format.clone_into(&mut self.format);
                self.of_format =
                    currency_shown(format).and_then(|(symbol, currencies)| self.place_of(symbol, currencies));
            }
            if let Some(named) = self.of_format.and_then(|place| self.named.get_mut(place)) {
                named.prices += 1;
            }
        } else if let Some((word, currencies)) = currency_in(cell, row, currency_column) {
            match self.place_of(&word, currencies) {
                Some(place) => self.named[place].prices += 1,
                None => self.others += 1,
            }
        }
    }

    fn place_of(&mut self, word: &str, currencies: &'static [&'static str]) -> Option<usize> {
        let place = self.named.iter().position(|named| named.word.eq_ignore_ascii_case(word));
        if place.is_none() && self.named.len() < MAX_CURRENCIES {
            self.named.push(CurrencyCount { word: word.to_string(), currencies, prices: 0 });
            return Some(self.named.len() - 1);
        }
        place
    }

    fn main_currency(&self) -> MainCurrency {
        let all = self.others + self.named.iter().map(|named| named.prices).sum::<u64>();
        let codes = self.named.iter().flat_map(|named| match named.currencies {
            [] => vec![named.word.as_str()],
            currencies => currencies.to_vec(),
        });
        let in_code = |code: &str| {
            let named = self.named.iter().filter(|named| can_be(named.currencies, &named.word, code));
            named.map(|named| named.prices).sum::<u64>()
        };
        let (mut best, mut is_only) = ((0, ""), true);
        for (prices, code) in codes.map(|code| (in_code(code), code)) {
            match prices.cmp(&best.0) {
                Ordering::Greater => (best, is_only) = ((prices, code), true),
                Ordering::Equal => is_only &= code == best.1,
                Ordering::Less => {}
            }
        }
        match best {
            (prices, _) if prices == all => MainCurrency::Single,
            (prices, code) if prices * 2 > all && is_only => MainCurrency::Majority(code.to_string()),
            _ => MainCurrency::Unclear,
        }
    }

    fn others_than(&self, word: &str) -> Option<String> {
        const NAMED: usize = 4;
        let others = self.named.iter().filter(|named| named.prices > 0 && !named.word.eq_ignore_ascii_case(word));
        let words: Vec<&str> = others.map(|named| named.word.as_str()).take(NAMED).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{number, text, under};
    use super::*;

    #[test]
    fn the_majority_of_prices_decides_the_currency() {
        let amount = |format: &'static str| under(RawValue::Number(12.0), format);
        let most = |code: &str| MainCurrency::Majority(code.to_string());
        let cases = [
            (vec![], MainCurrency::Single),
            (vec![text("12 €"), text("EUR 5"), number(3.0), amount("0.00 \"€\"")], MainCurrency::Single),
            (vec![text("12 €"), text("12 $"), text("£ 5")], MainCurrency::Unclear),
            (vec![text("12 €"), text("12 $")], MainCurrency::Unclear),
            (vec![amount("0 \"€\""), number(1.0), amount("\"$\"0"), amount("0 \"€\"")], most("EUR")),
            (vec![text("$5"), text("US$ 5"), text("USD 5")], MainCurrency::Single),
            // Whether the first price is in US or Canadian dollars is unknown.
            (vec![text("$5"), text("US$ 5"), text("CAD 5")], MainCurrency::Unclear),
            (vec![text("$5"), text("US$ 5"), text("USD 5"), text("CAD 5")], most("USD")),
            (vec![text("5 kr"), text("SEK 5"), text("5 kr.")], MainCurrency::Single),
            (vec![text("5 kr"), text("SEK 5"), text("SEK 5"), text("NOK 5")], most("SEK")),
        ];
        for (cells, expected) in cases {
            let mut seen = ColumnCurrencies::default();
            let row = RawRow { number: 2, cells: vec![], fields: None };
            cells.iter().for_each(|cell| seen.note(cell, &row, None));
            assert_eq!(seen.main_currency(), expected, "{cells:?}");
        }
    }

    #[test]
    fn a_currency_column_is_found_by_its_name() {
        let schema = Schema::shipped().unwrap();
        for (title, found) in [
            ("Currency", true),
            ("Währung", true),
            ("Waehrung", true),
            ("DEVISE", true),
            ("Moneda", true),
            ("Colour", false),
        ] {
            let header = schema.match_header(1, &[(0, "SKU"), (1, "Price"), (2, "Name"), (3, title)]).unwrap();
            assert_eq!(CurrencyColumn::find(&schema, &header).is_some(), found, "{title}");
        }
    }
}
