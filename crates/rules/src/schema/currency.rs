//! Currencies: their codes, and the signs people write beside an amount.

/// A sign or code as it is written, and the currencies it can stand for.
pub type CurrencySign = (&'static str, &'static [&'static str]);

const DOLLARS: &[&str] =
    &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "BBD", "JMD", "NAD"];
const CROWNS: &[&str] = &["SEK", "NOK", "DKK", "ISK"];

/// Longer ones stand before those they begin or end with.
pub const CURRENCY_SIGNS: [CurrencySign; 60] = [
    ("US$", &["USD"]),
    ("CA$", &["CAD"]),
    ("AU$", &["AUD"]),
    ("NZ$", &["NZD"]),
    ("R$", &["BRL"]),
    ("A$", &["AUD"]),
    ("C$", &["CAD"]),
    ("€", &["EUR"]),
    ("$", DOLLARS),
    ("£", &["GBP", "EGP"]),
    ("¥", &["JPY", "CNY"]),
    ("₹", &["INR"]),
    ("₽", &["RUB"]),
    ("₩", &["KRW"]),
    ("₺", &["TRY"]),
    ("₴", &["UAH"]),
    ("₪", &["ILS"]),
    ("₫", &["VND"]),
    ("฿", &["THB"]),
    ("₱", &["PHP"]),
    ("zł", &["PLN"]),
    ("Kč", &["CZK"]),
    ("SFr.", &["CHF"]),
    ("Fr.", &["CHF"]),
    ("kr.", CROWNS),
    ("kr", CROWNS),
    ("Ft", &["HUF"]),
    ("lei", &["RON", "MDL"]),
    ("лв", &["BGN"]),
    ("EUR", &["EUR"]),
    ("USD", &["USD"]),
    ("GBP", &["GBP"]),
    ("CHF", &["CHF"]),
    ("JPY", &["JPY"]),
    ("CNY", &["CNY"]),
    ("SEK", &["SEK"]),
    ("NOK", &["NOK"]),
    ("DKK", &["DKK"]),
    ("ISK", &["ISK"]),
    ("PLN", &["PLN"]),
    ("CZK", &["CZK"]),
    ("HUF", &["HUF"]),
    ("RON", &["RON"]),
    ("BGN", &["BGN"]),
    ("TRY", &["TRY"]),
    ("UAH", &["UAH"]),
    ("ILS", &["ILS"]),
    ("AUD", &["AUD"]),
    ("CAD", &["CAD"]),
    ("NZD", &["NZD"]),
    ("INR", &["INR"]),
    ("BRL", &["BRL"]),
    ("MXN", &["MXN"]),
    ("ZAR", &["ZAR"]),
    ("SGD", &["SGD"]),
    ("HKD", &["HKD"]),
    ("KRW", &["KRW"]),
    ("THB", &["THB"]),
    ("AED", &["AED"]),
    ("SAR", &["SAR"]),
];

/// Whether an amount can be told to be in the currency of this code.
pub(super) fn is_known(code: &str) -> bool {
    CURRENCY_SIGNS.iter().any(|(_, currencies)| currencies.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_is_taken_for_a_shorter_one_before_it() {
        for (at, (sign, currencies)) in CURRENCY_SIGNS.iter().enumerate() {
            assert!(currencies.iter().all(|code| code.len() == 3 && is_known(code)), "{sign}");
            for (other, _) in &CURRENCY_SIGNS[..at] {
                assert!(!sign.starts_with(other) && !sign.ends_with(other), "{other} before {sign}");
            }
        }
        assert!(!is_known("€") && !is_known("EURO"));
    }
}
