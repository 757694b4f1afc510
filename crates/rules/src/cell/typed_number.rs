//! A number typed as text: `€ 1.234,50`, `(12.50)`, `15 %`. Strips what surrounds it and finds which of its separators
//! can be the decimal one; the column then decides.

use inventory_base::decimal::{Decimal, DecimalError};

use super::currency_symbols::{CURRENCY_SYMBOLS, CurrencySymbol};
use super::separators::{DecimalSeparator, Shape, separator_char, shape_of};
use super::text::trim;

/// A number as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TypedNumber<'a> {
    negative: bool,
    /// Digits with the separators among them.
    mantissa: &'a str,
    exponent: i32,
    pub shape: Shape,
    /// The currency symbol next to it.
    pub currency: Option<CurrencySymbol>,
}

const MINUS: [char; 2] = ['-', '\u{2212}'];

impl<'a> TypedNumber<'a> {
    /// `money` is whether a currency symbol is accepted.
    pub fn read(text: &'a str, money: bool) -> Option<TypedNumber<'a>> {
        let bare = Bare::of(trim(text), money)?;
        let (mantissa, exponent) = match bare.number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (bare.number, 0),
        };
        let shape = match shape_of(mantissa)? {
            // A number like 1.234E+05 never has its thousands grouped.
            Shape::Either if mantissa.len() < bare.number.len() => {
                Shape::Sure(if mantissa.contains('.') { DecimalSeparator::Point } else { DecimalSeparator::Comma })
            }
            shape => shape,
        };
        let exponent = if bare.percent { exponent - 2 } else { exponent };
        Some(TypedNumber { negative: bare.negative, mantissa, exponent, shape, currency: bare.currency })
    }

    /// The number, if this is the decimal separator and any other separator groups thousands.
    pub fn value(&self, separator: DecimalSeparator) -> Result<Decimal, DecimalError> {
        let separator = separator_char(separator);
        let mut plain = String::with_capacity(self.mantissa.len() + 8);
        if self.negative {
            plain.push('-');
        }
        for c in self.mantissa.chars() {
            match c {
                '0'..='9' => plain.push(c),
                c if c == separator => plain.push('.'),
                _ => {}
            }
        }
        if self.exponent != 0 {
            plain.push('e');
            plain.push_str(&self.exponent.to_string());
        }
        Decimal::parse(&plain)
    }

    /// Whether this separator is among the digits.
    pub fn has(&self, separator: DecimalSeparator) -> bool {
        self.mantissa.contains(separator_char(separator))
    }
}

/// A number stripped of what surrounds it: each of these at most once, in any order.
struct Bare<'a> {
    number: &'a str,
    negative: bool,
    signed: bool,
    percent: bool,
    /// Whether a currency symbol is accepted.
    money: bool,
    currency: Option<CurrencySymbol>,
}

impl<'a> Bare<'a> {
    fn of(text: &'a str, money: bool) -> Option<Bare<'a>> {
        let mut bare = Bare { number: text, negative: false, signed: false, percent: false, money, currency: None };
        while let Some(rest) = bare.strip() {
            bare.number = rest.trim();
        }
        // Anything left over, such as a second minus, isn't a digit, so the text isn't a number.
        (!bare.number.is_empty()).then_some(bare)
    }

    /// Strips one thing around the number, from the outside inwards.
    fn strip(&mut self) -> Option<&'a str> {
        let text = self.number;
        let is_bare = |b: &u8| b.is_ascii_digit();
        if text.as_bytes().first().is_none_or(is_bare) && text.as_bytes().last().is_none_or(is_bare) {
            return None;
        }
        if !self.signed {
            let inside = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            // 12.- and 12,- are whole amounts of money, not negative ones.
            let before = text.strip_suffix(MINUS).filter(|rest| !rest.ends_with(['.', ',']));
            let negative = inside.or_else(|| text.strip_prefix(MINUS)).or(before);
            if let Some(rest) = negative.or_else(|| text.strip_prefix('+')) {
                (self.signed, self.negative) = (true, negative.is_some());
                return Some(rest);
            }
        }
        if let Some(rest) = text.strip_suffix('%').filter(|_| !self.percent) {
            self.percent = true;
            return Some(rest);
        }
        if !self.money || self.currency.is_some() {
            return None;
        }
        let (rest, currency) =
            CURRENCY_SYMBOLS.iter().find_map(|symbol| Some((strip_word(text, symbol.0)?, *symbol)))?;
        self.currency = Some(currency);
        Some(rest)
    }
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let is_word = |part: Option<&str>| part.is_some_and(|part| part.eq_ignore_ascii_case(word));
    let before_last = text.len().checked_sub(word.len())?;
    if is_word(text.get(..word.len())) {
        text.get(word.len()..)
    } else if is_word(text.get(before_last..)) {
        text.get(..before_last)
    } else {
        None
    }
}

fn read_exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let Some(typed) = TypedNumber::read(text, true) else {
            return "no number".into();
        };
        let value = |separator| typed.value(separator).unwrap().to_string();
        match typed.shape {
            Shape::Whole => value(DecimalSeparator::Point),
            Shape::Sure(DecimalSeparator::Point) => format!("point {}", value(DecimalSeparator::Point)),
            Shape::Sure(DecimalSeparator::Comma) => format!("comma {}", value(DecimalSeparator::Comma)),
            Shape::Either => format!("{} or {}", value(DecimalSeparator::Point), value(DecimalSeparator::Comma)),
        }
    }

    #[test]
    fn the_separators_show_which_one_is_decimal() {
        for (text, expected) in [
            ("1234", "1234"),
            ("1.5", "point 1.5"),
            ("12.50", "point 12.5"),
            ("12.3456", "point 12.3456"),
            ("1,5", "comma 1.5"),
            (",5", "comma 0.5"),
            ("1,234.5", "point 1234.5"),
            ("1.234,5", "comma 1234.5"),
            ("1,234,567.89", "point 1234567.89"),
            ("1.234.567,89", "comma 1234567.89"),
            ("1,234,567", "point 1234567"),
            ("1.234.567", "comma 1234567"),
            ("1.234", "1.234 or 1234"),
            ("1,234", "1234 or 1.234"),
            ("0.125", "point 0.125"),
            ("0,125", "comma 0.125"),
            ("1234,567", "comma 1234.567"),
            ("1 234", "1234"),
            ("1\u{a0}234,5", "comma 1234.5"),
            ("1\u{202f}234,567", "comma 1234.567"),
            ("1'234.50", "point 1234.5"),
            ("1’234’567", "1234567"),
            ("12,34,567", "point 1234567"),
            ("1,23,45,678.5", "point 12345678.5"),
            ("1.2E+05", "point 120000"),
            ("1,234E+05", "comma 123400"),
            ("2e-3", "0.002"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_surrounds_a_number_is_stripped() {
        for (text, expected) in [
            (" € 12.50", "point 12.5"),
            ("12,50 €", "comma 12.5"),
            ("12.50 eur", "point 12.5"),
            ("CHF 1'234.50", "point 1234.5"),
            ("US$5", "5"),
            ("Fr. 5", "5"),
            ("19,90 zł", "comma 19.9"),
            ("kr 250", "250"),
            ("$(12.50)", "point -12.5"),
            ("($12.50)", "point -12.5"),
            ("-$12.50", "point -12.5"),
            ("$ -12.50", "point -12.5"),
            ("12.50-", "point -12.5"),
            ("12.50- EUR", "point -12.5"),
            ("\u{2212}3", "-3"),
            ("+3", "3"),
            ("15%", "0.15"),
            ("12,5 %", "comma 0.125"),
            ("(15%)", "-0.15"),
            ("0.5%", "point 0.005"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_written_like_numbers_are_not_numbers() {
        for text in [
            "",
            "-",
            "€",
            "n/a",
            "--5",
            "(-5)",
            "-5-",
            "5%%",
            "€5€",
            "1,23,4",
            "12,345,67",
            "1,2345,678",
            "0,123,456",
            "1 23",
            "1  234",
            "1.234 567",
            "1 234'567",
            "1,234.567.890",
            "1.2.3",
            "12.-",
            "12,-",
            "5 pcs",
            "1e",
            "e5",
            "1e5e5",
            "0x10",
            "٣",
            "1\n234",
            "123,45,678",
            "1,,234",
            "1 234 5",
            "EUR",
            "5 EURO",
            "(5",
            "5)",
        ] {
            assert_eq!(read(text), "no number", "{text:?}");
        }
        assert_eq!(TypedNumber::read("€ 5", false), None);
    }
}
