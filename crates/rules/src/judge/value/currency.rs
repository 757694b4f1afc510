//! Which currency a price is in: by a sign beside the number, by one that its format shows, or by a column that names it.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::schema::{CURRENCY_SIGNS, Column, CurrencySign, Header, Kind, Schema, UnknownColumns, canonical_name};
use inventory_base::message::Rule;
use inventory_workbook::{RawCell, RawRow, RawValue};

use super::alike::narrow;
use super::format_code::{Piece, Section, split_sections};
use super::shown::shown;
use super::typed::Typed;
use super::{Broken, is_blank};

/// Whether the cell says that its amount is in another currency than its column.
pub(super) fn is_foreign(cell: &RawCell<'_>, column: &Column) -> bool {
    let Some(wanted) = &column.currency else {
        return false;
    };
    currency_of(cell).is_some_and(|(_, currencies)| !currencies.contains(&wanted.as_str()))
}

fn currency_of(cell: &RawCell<'_>) -> Option<CurrencySign> {
    match &cell.value {
        RawValue::Number(_) => currency_shown(cell.format.as_deref()?),
        // As most are: nothing stands around the number.
        RawValue::Text(text) if is_digit(text.bytes().next()) && is_digit(text.bytes().next_back()) => None,
        RawValue::Text(text) => Typed::read(&narrow(text), true)?.currency,
        _ => None,
    }
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// The sign that a number format puts before or after the number.
pub(super) fn currency_shown(code: &str) -> Option<CurrencySign> {
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

/// Names of a column that says in which currency the prices beside it are, as [`canonical_name`] has them.
const NAMES: &str = "currency currencycode currencyiso isocurrency currencyid curr ccy pricecurrency salescurrency listcurrency \
    wahrung waehrung wahrungscode wahrungsschlussel whg waers devise codedevise monnaie moneda codigodemoneda divisa valuta moeda \
    waluta mena валюта 货币 币种 通貨 통화";
/// Currencies as they are spoken of, and the sign that can stand for the same.
const SPOKEN: [(&str, &str); 12] = [
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
/// Different names of currencies that are told apart in a column.
const CURRENCIES: usize = 32;

/// A column that names the currency of the prices in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) struct NamedBeside {
    place: u32,
    /// Whether it is loaded as well, so that a price is never without its currency.
    is_loaded: bool,
}

impl NamedBeside {
    pub fn find(schema: &Schema, header: &Header) -> Option<NamedBeside> {
        let names_currency = |title: &str| NAMES.split_whitespace().any(|name| name == canonical_name(title));
        let beside =
            |found: Option<&(u32, String)>, is_loaded| found.map(|(place, _)| NamedBeside { place: *place, is_loaded });
        let loaded = header.columns.iter().flatten().find(|(_, title)| names_currency(title));
        let other = header.others.iter().find(|(_, title)| names_currency(title));
        beside(loaded, true).or_else(|| beside(other, schema.unknown_columns == UnknownColumns::Keep))
    }

    /// The sign of a price and the currency that its row names, where they cannot be the same.
    pub fn contradicts<'r>(self, cell: &RawCell<'_>, row: &'r RawRow<'_>) -> Option<(&'static str, Cow<'r, str>)> {
        let (sign, of_sign) = currency_of(cell)?;
        let named = shown(row.cell(self.place)?);
        let of_row = currencies_of(&named);
        let is_other = !of_row.is_empty() && !of_row.iter().any(|currency| of_sign.contains(currency));
        is_other.then_some((sign, named))
    }

    /// What the row names, where it cannot be the currency that the rules set.
    pub fn foreign<'r>(self, row: &'r RawRow<'_>, wanted: &str) -> Option<Cow<'r, str>> {
        let named = shown(row.cell(self.place)?);
        let is_other =
            !named.is_empty() && !is_word_for_nothing(&named) && !can_be(currencies_of(&named), &named, wanted);
        is_other.then_some(named)
    }
}

fn is_word_for_nothing(text: &str) -> bool {
    super::nothing::says_nothing(text) && currencies_of(text).is_empty()
}

/// The currencies that a word by itself can stand for; none where it is not known.
fn currencies_of(word: &str) -> &'static [&'static str] {
    let spoken = SPOKEN.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let word = spoken.map_or(word, |(_, sign)| sign);
    let known = CURRENCY_SIGNS.iter().find(|(sign, _)| sign.eq_ignore_ascii_case(word));
    known.map_or(&[], |(_, currencies)| *currencies)
}

/// A currency is known by its code; any other word is one by itself.
fn can_be(currencies: &[&str], word: &str, code: &str) -> bool {
    if currencies.is_empty() { word.eq_ignore_ascii_case(code) } else { currencies.contains(&code) }
}

/// The currencies met in columns of prices for which the rules do not set one, by the rules' columns.
pub(in crate::judge) struct Currencies {
    columns: Vec<Option<Met>>,
}

#[derive(Default)]
struct Met {
    named: Vec<Named>,
    /// Prices in currencies beyond those.
    others: u64,
    /// The format looked at last, and the currency it shows: a column of a million numbers has one.
    format: String,
    of_format: Option<usize>,
}

struct Named {
    /// As it was written first.
    word: String,
    /// Empty where the word is not known.
    currencies: &'static [&'static str],
    prices: u64,
}

/// What the currencies of a column come to.
#[derive(Debug, PartialEq, Eq)]
enum Settled {
    /// All prices can be in one.
    One,
    /// More than half are in this one.
    Most(String),
    None,
}

impl Currencies {
    pub fn new(schema: &Schema) -> Currencies {
        let met = |column: &Column| (column.kind == Kind::Money && column.currency.is_none()).then(Met::default);
        Currencies { columns: schema.columns.iter().map(met).collect() }
    }

    /// Counts the currencies of a row that is loaded as it stands.
    pub fn note_row(&mut self, row: &RawRow<'_>, header: &Header, beside: Option<NamedBeside>) {
        for (met, found) in self.columns.iter_mut().zip(&header.columns) {
            let (Some(met), Some((place, _))) = (met, found) else {
                continue;
            };
            if let Some(cell) = row.cell(*place) {
                met.note(cell, row, beside);
            }
        }
    }

    /// Whether some prices cannot be loaded beside the others.
    pub fn are_mixed(&self) -> bool {
        self.columns.iter().flatten().any(|met| met.settle() != Settled::One)
    }

    /// The prices of a row that are not in the currency of most, by the rules' columns.
    pub fn mixed(&self, row: &RawRow<'_>, header: &Header, beside: Option<NamedBeside>) -> Vec<(usize, Broken)> {
        let columns = self.columns.iter().zip(&header.columns).enumerate();
        let mixed = columns.filter_map(|(position, (met, found))| {
            let (met, (place, _)) = (met.as_ref()?, found.as_ref()?);
            let (word, currencies) = currency_in(row.cell(*place)?, row, beside)?;
            let others = match met.settle() {
                Settled::One => return None,
                Settled::Most(code) if can_be(currencies, &word, &code) => return None,
                Settled::Most(code) => format!("most of the column is in {code}"),
                Settled::None => {
                    format!("other rows are in {}", met.others_than(&word)?)
                }
            };
            let words = vec![("currency", word.into_owned()), ("others", others)];
            Some((position, Broken { rule: Rule::CurrenciesMixed, words }))
        });
        mixed.collect()
    }
}

/// The currency that a price has by itself, or by the column beside it: the word, and what it can stand for.
fn currency_in<'r>(
    cell: &RawCell<'_>,
    row: &'r RawRow<'_>,
    beside: Option<NamedBeside>,
) -> Option<(Cow<'r, str>, &'static [&'static str])> {
    if let Some((sign, currencies)) = currency_of(cell) {
        return Some((Cow::Borrowed(sign), currencies));
    }
    let beside = beside.filter(|beside| !beside.is_loaded && !is_blank(cell))?;
    let word = shown(row.cell(beside.place)?);
    let currencies = currencies_of(&word);
    (!word.is_empty() && !is_word_for_nothing(&word)).then_some((word, currencies))
}

impl Met {
    fn note(&mut self, cell: &RawCell<'_>, row: &RawRow<'_>, beside: Option<NamedBeside>) {
        let format = cell.format.as_deref().filter(|_| matches!(cell.value, RawValue::Number(_)));
        let by_row = beside.is_some_and(|beside| !beside.is_loaded);
        if let Some(format) = format.filter(|_| !by_row) {
            if self.format != format {
                format.clone_into(&mut self.format);
                self.of_format = currency_shown(format).and_then(|(sign, currencies)| self.place_of(sign, currencies));
            }
            if let Some(named) = self.of_format.and_then(|place| self.named.get_mut(place)) {
                named.prices += 1;
            }
        } else if let Some((word, currencies)) = currency_in(cell, row, beside) {
            match self.place_of(&word, currencies) {
                Some(place) => self.named[place].prices += 1,
                None => self.others += 1,
            }
        }
    }

    fn place_of(&mut self, word: &str, currencies: &'static [&'static str]) -> Option<usize> {
        let place = self.named.iter().position(|named| named.word.eq_ignore_ascii_case(word));
        if place.is_none() && self.named.len() < CURRENCIES {
            self.named.push(Named { word: word.to_string(), currencies, prices: 0 });
            return Some(self.named.len() - 1);
        }
        place
    }

    fn settle(&self) -> Settled {
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
            (prices, _) if prices == all => Settled::One,
            (prices, code) if prices * 2 > all && is_only => Settled::Most(code.to_string()),
            _ => Settled::None,
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
    fn most_of_the_prices_tell_the_currency_and_a_sign_of_several_is_none() {
        let amount = |format: &'static str| under(RawValue::Number(12.0), format);
        let most = |code: &str| Settled::Most(code.to_string());
        let cases = [
            (vec![], Settled::One),
            (vec![text("12 €"), text("EUR 5"), number(3.0), amount("0.00 \"€\"")], Settled::One),
            (vec![text("12 €"), text("12 $"), text("£ 5")], Settled::None),
            (vec![text("12 €"), text("12 $")], Settled::None),
            (vec![amount("0 \"€\""), number(1.0), amount("\"$\"0"), amount("0 \"€\"")], most("EUR")),
            (vec![text("$5"), text("US$ 5"), text("USD 5")], Settled::One),
            // What the first of them is nobody can tell.
            (vec![text("$5"), text("US$ 5"), text("CAD 5")], Settled::None),
            (vec![text("$5"), text("US$ 5"), text("USD 5"), text("CAD 5")], most("USD")),
            (vec![text("5 kr"), text("SEK 5"), text("5 kr.")], Settled::One),
            (vec![text("5 kr"), text("SEK 5"), text("SEK 5"), text("NOK 5")], most("SEK")),
        ];
        for (cells, expected) in cases {
            let mut met = Met::default();
            let row = RawRow { number: 2, cells: vec![], fields: None };
            cells.iter().for_each(|cell| met.note(cell, &row, None));
            assert_eq!(met.settle(), expected, "{cells:?}");
        }
    }

    #[test]
    fn a_column_of_currencies_is_found_by_its_name() {
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
            assert_eq!(NamedBeside::find(&schema, &header).is_some(), found, "{title}");
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
