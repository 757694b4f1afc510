//! Cell addresses, counts and durations as people read them.

/// The name of a column in spreadsheet programs: 0 is A, 26 is AA.
pub fn column_letters(mut column: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (column % 26) as u8);
        if column < 26 {
            break;
        }
        column = column / 26 - 1;
    }
    letters.iter().rev().map(|&b| b as char).collect()
}

/// The address of a cell: column 3 of row 14 is `D14`.
pub fn cell_address(column: u32, row: u32) -> String {
    format!("{}{row}", column_letters(column))
}

/// Turns an error into a sentence, with a capital letter and a full stop.
pub fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// A duration as people read it: 4.2 s, 2 min 40 s, 1 h 5 min.
pub fn duration(seconds: f64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 0.1 => "less than 0.1 s".to_string(),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..MINUTE => format!("{whole} s"),
        MINUTE..HOUR => format!("{} min {} s", whole / MINUTE, whole % MINUTE),
        _ => format!("{} h {} min", count(whole / HOUR), whole % HOUR / MINUTE),
    }
}

/// A count as people read it: 4,812.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its thousands separated: 4,812.50.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, fraction) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    match whole.parse() {
        Ok(whole) => format!("{sign}{}{fraction}", count(whole)),
        // Longer than any stock needs: returned unchanged.
        Err(_) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_to_a_useful_precision() {
        for (seconds, expected) in [
            (0.0, "less than 0.1 s"),
            (0.1, "0.1 s"),
            (9.94, "9.9 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (59.6, "1 min 0 s"),
            (160.0, "2 min 40 s"),
            (3_599.6, "1 h 0 min"),
            (3_900.0, "1 h 5 min"),
        ] {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence(&"älter; check the name"), "Älter; check the name.");
        assert_eq!(sentence(&""), ".");
    }

    #[test]
    fn columns_and_counts_read_as_people_write_them() {
        assert_eq!([0, 25, 26, 701, 702, 16383].map(column_letters), ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
        assert_eq!([0, 999, 1000, 4812, 1_000_000].map(count), ["0", "999", "1,000", "4,812", "1,000,000"]);
    }

    #[test]
    fn numbers_are_grouped_for_people() {
        for (number, expected) in
            [("0", "0"), ("1234.50", "1,234.50"), ("-9876543.21", "-9,876,543.21"), ("999", "999")]
        {
            assert_eq!(grouped(number), expected);
        }
        let long = "12345678901234567890123.4";
        assert_eq!(grouped(long), long);
    }
}
