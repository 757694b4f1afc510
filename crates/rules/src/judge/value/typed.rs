//! A number typed as text: `€ 1.234,50`, `(12.50)`, `15 %`. What surrounds it is taken off, and it is found out which of its
//! signs can be the decimal one; which of them is, the column decides.

use crate::schema::{CURRENCY_SIGNS, CurrencySign, DecimalSign};
use inventory_base::decimal::{Decimal, DecimalFault};

use super::separators::{Shape, char_of, shape_of};
use super::text::trim;

/// A number as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed<'a> {
    negative: bool,
    /// Digits with the signs among them.
    mantissa: &'a str,
    exponent: i32,
    pub shape: Shape,
    /// The sign of money that stood beside it.
    pub currency: Option<CurrencySign>,
}

const MINUS: [char; 2] = ['-', '\u{2212}'];

impl<'a> Typed<'a> {
    /// `money` says whether a sign of money may stand there.
    pub fn read(text: &'a str, money: bool) -> Option<Typed<'a>> {
        let bare = Bare::of(trim(text), money)?;
        let (mantissa, exponent) = match bare.number.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (bare.number, 0),
        };
        let shape = match shape_of(mantissa)? {
            // Whoever writes 1.234E+05 does not group thousands.
            Shape::Either if mantissa.len() < bare.number.len() => {
                Shape::Sure(if mantissa.contains('.') { DecimalSign::Point } else { DecimalSign::Comma })
            }
            shape => shape,
        };
        let exponent = if bare.percent { exponent - 2 } else { exponent };
        Some(Typed { negative: bare.negative, mantissa, exponent, shape, currency: bare.currency })
    }

    /// The number, where this sign is the decimal one and every other sign groups thousands.
    pub fn value(&self, sign: DecimalSign) -> Result<Decimal, DecimalFault> {
        let sign = char_of(sign);
        let mut plain = String::with_capacity(self.mantissa.len() + 8);
        if self.negative {
            plain.push('-');
        }
        for c in self.mantissa.chars() {
            match c {
                '0'..='9' => plain.push(c),
                c if c == sign => plain.push('.'),
                _ => {}
            }
        }
        if self.exponent != 0 {
            plain.push('e');
            plain.push_str(&self.exponent.to_string());
        }
        Decimal::parse(&plain)
    }

    /// Whether this sign is among the digits.
    pub fn has(&self, sign: DecimalSign) -> bool {
        self.mantissa.contains(char_of(sign))
    }
}

/// A number without what surrounds it: each of these at most once, in any order.
struct Bare<'a> {
    number: &'a str,
    negative: bool,
    signed: bool,
    percent: bool,
    /// Whether a sign of money may stand there.
    money: bool,
    currency: Option<CurrencySign>,
}

impl<'a> Bare<'a> {
    fn of(text: &'a str, money: bool) -> Option<Bare<'a>> {
        let mut bare = Bare { number: text, negative: false, signed: false, percent: false, money, currency: None };
        while let Some(rest) = bare.strip() {
            bare.number = rest.trim();
        }
        // Whatever is left over, a second minus for one, is no digit and makes it no number.
        (!bare.number.is_empty()).then_some(bare)
    }

    /// One thing less around the number, from outside to inside.
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
        let (rest, currency) = CURRENCY_SIGNS.iter().find_map(|sign| Some((strip_word(text, sign.0)?, *sign)))?;
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
        let Some(typed) = Typed::read(text, true) else {
            return "no number".into();
        };
        let value = |sign| typed.value(sign).unwrap().to_string();
        match typed.shape {
            Shape::Whole => value(DecimalSign::Point),
            Shape::Sure(DecimalSign::Point) => format!("point {}", value(DecimalSign::Point)),
            Shape::Sure(DecimalSign::Comma) => format!("comma {}", value(DecimalSign::Comma)),
            Shape::Either => format!("{} or {}", value(DecimalSign::Point), value(DecimalSign::Comma)),
        }
    }

    #[test]
    fn the_signs_among_the_digits_tell_which_is_the_decimal_one() {
        for (text, said) in [
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
            assert_eq!(read(text), said, "{text}");
        }
    }

    #[test]
    fn what_surrounds_a_number_is_taken_off() {
        for (text, said) in [
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
            assert_eq!(read(text), said, "{text}");
        }
    }

    #[test]
    fn what_is_not_written_as_numbers_are_is_none() {
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
        assert_eq!(Typed::read("€ 5", false), None);
    }
}
