//! Decimal numbers as DynamoDB stores them: exact, up to 38 digits. A float would turn 19.99 into 19.990000000000002.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `digits` times ten to the power of `exponent`, without trailing zeros, so that 19.990 equals 19.99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    NotANumber,
    /// More digits, or a larger or smaller exponent, than DynamoDB accepts.
    OutOfRange,
}

impl Decimal {
    /// Significant digits that DynamoDB keeps of a number.
    pub const MAX_DIGITS: u32 = 38;
    /// Exponents of the first digit: 9.9E+125 is the largest, 1E-130 the smallest number DynamoDB accepts.
    const EXPONENTS: std::ops::RangeInclusive<i32> = -130..=125;

    pub const ZERO: Decimal = Decimal { negative: false, digits: 0, exponent: 0 };

    /// Parses `-12.50`, `+3`, `.5`, `1E+5`. Nothing else: no spaces, thousands separators or currency symbols.
    pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (negative, unsigned) = match mantissa.as_bytes().first() {
            Some(b'-') => (true, &mantissa[1..]),
            Some(b'+') => (false, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if whole.is_empty() && fraction.is_empty() {
            return Err(DecimalError::NotANumber);
        }
        let mut digits: u128 = 0;
        let mut exponent: i64 = exponent;
        // Zeros at the end are held back: 1 followed by forty zeros counts as one digit, not forty-one.
        let mut zeros = 0u32;
        let mut significant = 0u32;
        for (place, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
            if !byte.is_ascii_digit() {
                return Err(DecimalError::NotANumber);
            }
            exponent -= i64::from(place >= whole.len());
            if byte == b'0' {
                zeros += u32::from(digits != 0);
                continue;
            }
            significant += if digits == 0 { 1 } else { zeros + 1 };
            if significant > Self::MAX_DIGITS {
                return Err(DecimalError::OutOfRange);
            }
            digits = digits * 10u128.pow(if digits == 0 { 0 } else { zeros + 1 }) + u128::from(byte - b'0');
            zeros = 0;
        }
        if digits == 0 {
            return Ok(Self::ZERO);
        }
        // The exponent accounts for the zeros held back. Zeros at the end of the fraction were subtracted above and are
        // added again here.
        let exponent = exponent + i64::from(zeros);
        let exponent = i32::try_from(exponent).map_err(|_| DecimalError::OutOfRange)?;
        let decimal = Decimal { negative, digits, exponent };
        if Self::EXPONENTS.contains(&decimal.first_digit_exponent()) {
            Ok(decimal)
        } else {
            Err(DecimalError::OutOfRange)
        }
    }

    /// Converts a number as a spreadsheet program keeps it, with 15 significant digits: 0.1 + 0.2 is 0.3.
    pub fn from_cell(number: f64) -> Result<Decimal, DecimalError> {
        const EXACT_BELOW: f64 = 1e15;
        if number.fract() == 0.0 && number.abs() < EXACT_BELOW {
            return Ok(Decimal::from_integer(number as i64));
        }
        if !number.is_finite() {
            return Err(DecimalError::NotANumber);
        }
        // Most are prices. A float keeps numbers of fewer than 16 digits exactly, so if dividing gives the number
        // again, these are its digits; the formatting below would find the same ones, slowly.
        const PLACES: i32 = 4;
        let scaled = (number * 1e4).round();
        if scaled.abs() < EXACT_BELOW && scaled / 1e4 == number {
            return Ok(Decimal::new(scaled as i64, -PLACES));
        }
        Decimal::parse(&format!("{number:.14e}"))
    }

    fn from_integer(number: i64) -> Decimal {
        Decimal::new(number, 0)
    }

    /// `number` times ten to the power of `exponent`.
    pub fn new(number: i64, mut exponent: i32) -> Decimal {
        let mut digits = number.unsigned_abs();
        if digits == 0 {
            return Self::ZERO;
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        Decimal { negative: number < 0, digits: u128::from(digits), exponent }
    }

    /// The exact sum; `None` if it has more digits, or another exponent, than DynamoDB accepts.
    pub fn checked_add(self, other: Decimal) -> Option<Decimal> {
        if self.digits == 0 || other.digits == 0 {
            return Some(if self.digits == 0 { other } else { self });
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let places = u32::try_from(high.exponent - low.exponent).ok()?;
        // A value that overflows here is more than three times the largest 38-digit number, so subtracting the other
        // number cannot bring it back into range.
        let raised = 10u128.checked_pow(places)?.checked_mul(high.digits)?;
        if high.negative == low.negative {
            return Decimal::checked_new(high.negative, raised.checked_add(low.digits)?, low.exponent);
        }
        let negative = if raised >= low.digits { high.negative } else { low.negative };
        Decimal::checked_new(negative, raised.abs_diff(low.digits), low.exponent)
    }

    /// The exact product; `None` if it has more digits, or another exponent, than DynamoDB accepts.
    pub fn checked_mul(self, other: Decimal) -> Option<Decimal> {
        let (mut a, mut b) = (self.digits, other.digits);
        let mut exponent = self.exponent + other.exponent;
        if a == 0 || b == 0 {
            return Some(Self::ZERO);
        }
        // Zeros at the end of a product come from a factor two on one side and a five on the other. With these taken
        // out first, the product either fits or is too long; with them, its digits could be twice what an integer
        // holds.
        while (a % 2 == 0 && b % 5 == 0) || (a % 5 == 0 && b % 2 == 0) {
            (a, b) = if a % 2 == 0 { (a / 2, b / 5) } else { (a / 5, b / 2) };
            exponent += 1;
        }
        Decimal::checked_new(self.negative != other.negative, a.checked_mul(b)?, exponent)
    }

    pub fn abs(self) -> Decimal {
        Decimal { negative: false, ..self }
    }

    fn checked_new(negative: bool, mut digits: u128, mut exponent: i32) -> Option<Decimal> {
        if digits == 0 {
            return Some(Self::ZERO);
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        let decimal = Decimal { negative, digits, exponent };
        let fits = decimal.digit_count() <= Self::MAX_DIGITS as i32
            && Self::EXPONENTS.contains(&decimal.first_digit_exponent());
        fits.then_some(decimal)
    }

    pub fn is_zero(&self) -> bool {
        self.digits == 0
    }

    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    fn digit_count(&self) -> i32 {
        self.digits.checked_ilog10().map_or(1, |log| log as i32 + 1)
    }

    fn first_digit_exponent(&self) -> i32 {
        self.digit_count() - 1 + self.exponent
    }

    fn cmp_magnitude(&self, other: &Decimal) -> Ordering {
        match (self.digits, other.digits) {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            _ => {}
        }
        // With the first digits in the same place, both have at most 38 digits after padding to the same length.
        let padded =
            |a: &Decimal, b: &Decimal| a.digits * 10u128.pow((b.digit_count() - a.digit_count()).max(0) as u32);
        self.first_digit_exponent()
            .cmp(&other.first_digit_exponent())
            .then_with(|| padded(self, other).cmp(&padded(other, self)))
    }
}

fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::NotANumber);
    }
    // An exponent of more than four digits is out of range for DynamoDB.
    if digits.trim_start_matches('0').len() > 4 {
        return Err(DecimalError::OutOfRange);
    }
    text.parse().map_err(|_| DecimalError::NotANumber)
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Decimal {
        Decimal::from_integer(number.into())
    }
}

impl From<u64> for Decimal {
    fn from(number: u64) -> Decimal {
        // Twenty digits always fit.
        Decimal::checked_new(false, number.into(), 0).unwrap_or(Self::ZERO)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Plain digits, as a spreadsheet shows them and DynamoDB writes them, never with an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; Decimal::MAX_DIGITS as usize];
        let digits = write_digits(self.digits, &mut buffer);
        if self.negative {
            f.write_str("-")?;
        }
        if self.exponent >= 0 {
            f.write_str(digits)?;
            return (0..self.exponent).try_for_each(|_| f.write_str("0"));
        }
        let places = self.exponent.unsigned_abs() as usize;
        match digits.len().checked_sub(places) {
            Some(whole) if whole > 0 => {
                f.write_str(&digits[..whole])?;
                f.write_str(".")?;
                f.write_str(&digits[whole..])
            }
            _ => write!(f, "0.{digits:0>places$}"),
        }
    }
}

/// Writes the digits from the end of the buffer. Nearly all numbers fit into 64 bits, which divide much faster than
/// 128.
fn write_digits(mut number: u128, buffer: &mut [u8; Decimal::MAX_DIGITS as usize]) -> &str {
    let mut at = buffer.len();
    loop {
        let (rest, digit) = match u64::try_from(number) {
            Ok(number) => (u128::from(number / 10), (number % 10) as u8),
            Err(_) => (number / 10, (number % 10) as u8),
        };
        at -= 1;
        buffer[at] = b'0' + digit;
        number = rest;
        if number == 0 {
            return std::str::from_utf8(&buffer[at..]).unwrap_or_default();
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        /// The rules may have `min = 0`, `min = 0.5` or `min = "0.50"`.
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number such as 12.50")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
                Ok(Decimal::from_integer(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
                Decimal::from_cell(number).map_err(|_| E::invalid_value(de::Unexpected::Float(number), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: &str) -> String {
        Decimal::parse(number).unwrap().to_string()
    }

    #[test]
    fn equal_numbers_are_written_identically() {
        for (written, read) in [
            ("19.990", "19.99"),
            ("0012", "12"),
            ("-0", "0"),
            ("0.00", "0"),
            ("+3", "3"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E5", "100000"),
            ("1.2e+03", "1200"),
            ("1200e-2", "12"),
            ("-0.050", "-0.05"),
            ("100", "100"),
            ("1000000000000000000000000000000000000000000", "1000000000000000000000000000000000000000000"),
            ("10.010", "10.01"),
            ("0.000000000000000000000000000000000000000001", "0.000000000000000000000000000000000000000001"),
        ] {
            assert_eq!(text(written), read, "{written}");
        }
    }

    #[test]
    fn invalid_numbers_and_numbers_out_of_range_are_distinguished() {
        for no in
            ["", ".", "-", "+", "n/a", "1,5", "1 000", "1e", "1e+", "e5", "--1", "0x10", "NaN", "inf", "1.2.3", "٣"]
        {
            assert_eq!(Decimal::parse(no), Err(DecimalError::NotANumber), "{no}");
        }
        let nines = "9".repeat(38);
        assert_eq!(text(&nines), nines);
        for long in [format!("{nines}9"), format!("0.1{nines}"), "1e126".into(), "1e-131".into(), "1e99999".into()] {
            assert_eq!(Decimal::parse(&long), Err(DecimalError::OutOfRange), "{long}");
        }
        assert!(
            Decimal::parse("9.9e125").is_ok() && Decimal::parse("1e-130").is_ok() && Decimal::parse("0e99").is_ok()
        );
    }

    #[test]
    fn a_cells_number_keeps_fifteen_digits() {
        for (number, read) in [
            (0.1 + 0.2, "0.3"),
            (19.990000000000002, "19.99"),
            (19.99, "19.99"),
            (1e12, "1000000000000"),
            (4006381333931.0, "4006381333931"),
            (-0.0, "0"),
            (0.15, "0.15"),
            (123456789012345680.0, "123456789012346000"),
            (-2.5, "-2.5"),
            (1e-7, "0.0000001"),
        ] {
            assert_eq!(Decimal::from_cell(number).unwrap().to_string(), read, "{number}");
        }
        assert_eq!(Decimal::from_cell(f64::NAN), Err(DecimalError::NotANumber));
        assert_eq!(Decimal::from_cell(f64::INFINITY), Err(DecimalError::NotANumber));
        assert_eq!(Decimal::from_cell(1e300), Err(DecimalError::OutOfRange));
    }

    #[test]
    fn the_fast_path_finds_the_same_digits_as_the_slow_one() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let places = random.i32(0..7);
            let number = random.i64(-1_000_000_000..1_000_000_000) as f64 / 10f64.powi(places);
            let long = Decimal::parse(&format!("{number:.14e}"));
            assert_eq!(Decimal::from_cell(number), long, "{number:?}");
            // A number one bit off is another number with the same fifteen digits.
            let off = f64::from_bits(number.to_bits() ^ 1);
            assert_eq!(Decimal::from_cell(off), Decimal::parse(&format!("{off:.14e}")), "{off:?}");
        }
    }

    #[test]
    fn numbers_are_ordered_by_their_value() {
        let ordered = ["-1e30", "-10", "-9.5", "-0.001", "0", "1e-100", "0.5", "2", "9.99", "10", "1e30"];
        let numbers: Vec<Decimal> = ordered.iter().map(|n| Decimal::parse(n).unwrap()).collect();
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{} and {}", ordered[i], ordered[j]);
            }
        }
    }

    /// Returns `number` with `places` digits after the decimal point.
    fn scaled(number: i128, places: i32) -> Decimal {
        Decimal::parse(&format!("{number}e-{places}")).unwrap()
    }

    #[test]
    fn sums_and_products_match_integer_arithmetic() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..20_000 {
            let number = |random: &mut fastrand::Rng| {
                let limit = 10i128.pow(random.u32(0..18));
                // Numbers that end in zeros, and powers of two and five, whose products end in zeros.
                let factor = [1, 1, 10, 1000, 1 << 20, 5i128.pow(9)][random.usize(0..6)];
                random.i128(-limit..=limit) * factor / 10i128.pow(random.u32(0..3))
            };
            let (a, b, places) = (number(&mut random), number(&mut random), random.i32(0..9));
            let (left, right) = (scaled(a, places), scaled(b, places));
            assert_eq!(left.checked_add(right), Some(scaled(a + b, places)), "{a} + {b} at {places}");
            // Numbers with different numbers of decimal places.
            let shifted = scaled(b, places + 3);
            assert_eq!(left.checked_add(shifted), Some(scaled(a * 1000 + b, places + 3)), "{a}000 + {b} at {places}");
            let product = (a.unsigned_abs() < 1 << 62 && b.unsigned_abs() < 1 << 62).then(|| a * b);
            if let Some(product) = product.filter(|product| product.unsigned_abs() < 10u128.pow(38)) {
                assert_eq!(left.checked_mul(right), Some(scaled(product, 2 * places)), "{a} * {b} at {places}");
            }
        }
    }

    #[test]
    fn results_of_more_than_38_digits_are_not_rounded() {
        let number = |text: &str| Decimal::parse(text).unwrap();
        let nines = "9".repeat(38);
        let almost = format!("{}8", "9".repeat(37));
        let halves = 2u128.pow(126).to_string();
        let fives = 5u128.pow(54).to_string();
        for (a, b, sum, product) in [
            ("0", "-2.5", Some("-2.5"), Some("0")),
            ("0.1", "0.2", Some("0.3"), Some("0.02")),
            ("-19.99", "19.99", Some("0"), Some("-399.6001")),
            // 39 digits are few enough if the last ones are zeros.
            (&nines, "1", Some("1e38"), Some(&nines)),
            (&nines, "2", None, None),
            ("1e38", "-1", Some(&nines), Some("-1e38")),
            ("2e38", "-1", None, Some("-2e38")),
            ("1e38", "1", None, Some("1e38")),
            (&almost, "1", Some(&nines), Some(&almost)),
            ("1e125", "1e-130", None, Some("0.00001")),
            ("9e125", "9e125", None, None),
            ("1e-100", "1e-100", Some("2e-100"), None),
            // 75 digits before trailing zeros are removed.
            (&halves, &fives, None, Some(&format!("{}e54", 2u128.pow(72)))),
            (&fives, &halves, None, Some(&format!("{}e54", 2u128.pow(72)))),
        ] {
            // Whether the sum of the two long numbers fits is chance; only their product matters.
            let (a, b, product) = (number(a), number(b), product.map(number));
            if a.digits.max(b.digits) != 2u128.pow(126) {
                assert_eq!(a.checked_add(b), sum.map(number), "{a} + {b}");
                assert_eq!(b.checked_add(a), sum.map(number), "{b} + {a}");
            }
            assert_eq!(a.checked_mul(b), product, "{a} * {b}");
            assert_eq!(b.checked_mul(a), product, "{b} * {a}");
        }
    }

    #[test]
    fn counts_convert_and_abs_drops_the_sign() {
        assert_eq!(Decimal::from(u64::MAX).to_string(), u64::MAX.to_string());
        assert_eq!(Decimal::from(1_200u64), Decimal::new(12, 2));
        assert_eq!(Decimal::new(-125, -1).abs().to_string(), "12.5");
        assert!(Decimal::ZERO.is_zero() && !Decimal::new(1, -9).is_zero());
    }

    #[test]
    fn integers_are_recognised() {
        assert!(["12", "12.0", "1e3", "0"].iter().all(|n| Decimal::parse(n).unwrap().is_integer()));
        assert!(!Decimal::parse("12.5").unwrap().is_integer());
    }
}
