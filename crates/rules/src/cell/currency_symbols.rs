//! Currency codes, and the symbols people write next to an amount.

/// A symbol or code as it is written, and the currencies it can mean.
pub type CurrencySymbol = (&'static str, &'static [&'static str]);

const DOLLARS: &[&str] =
    &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP", "UYU", "BBD", "JMD", "NAD"];
const CROWNS: &[&str] = &["SEK", "NOK", "DKK", "ISK"];

/// Longer symbols come before those they begin or end with.
pub const CURRENCY_SYMBOLS: [CurrencySymbol; 60] = [
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

/// Whether this is the code of a currency that amounts can be recognised as.
pub(crate) fn is_currency_code(code: &str) -> bool {
    CURRENCY_SYMBOLS.iter().any(|(_, currencies)| currencies.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_symbol_is_hidden_by_a_shorter_one_before_it() {
        for (at, (symbol, currencies)) in CURRENCY_SYMBOLS.iter().enumerate() {
            assert!(currencies.iter().all(|code| code.len() == 3 && is_currency_code(code)), "{symbol}");
            for (other, _) in &CURRENCY_SYMBOLS[..at] {
                assert!(!symbol.starts_with(other) && !symbol.ends_with(other), "{other} before {symbol}");
            }
        }
        assert!(!is_currency_code("€") && !is_currency_code("EURO"));
    }
}
