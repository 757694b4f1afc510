//! What a number format of Excel makes of a number: a date, an elapsed time, or a number still.

/// What a format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Number,
    Date,
    /// `[h]:mm` counts hours and is no point in time.
    Elapsed,
}

/// The codes of the formats that have only a number in a file. Those of Eastern Asia differ from place to place and are
/// told as dates without a code.
pub fn builtin(id: u16) -> (Shows, Option<&'static str>) {
    let code = match id {
        1 => "0",
        2 => "0.00",
        3 => "#,##0",
        4 => "#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        14 => "mm-dd-yy",
        15 => "d-mmm-yy",
        16 => "d-mmm",
        17 => "mmm-yy",
        18 => "h:mm AM/PM",
        19 => "h:mm:ss AM/PM",
        20 => "h:mm",
        21 => "h:mm:ss",
        22 => "m/d/yy h:mm",
        37 => "#,##0 ;(#,##0)",
        38 => "#,##0 ;[Red](#,##0)",
        39 => "#,##0.00;(#,##0.00)",
        40 => "#,##0.00;[Red](#,##0.00)",
        41 => "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)",
        42 => "_($* #,##0_);_($* (#,##0);_($* \"-\"_);_(@_)",
        43 => "_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"??_);_(@_)",
        44 => "_($* #,##0.00_);_($* (#,##0.00);_($* \"-\"??_);_(@_)",
        45 => "mm:ss",
        46 => "[h]:mm:ss",
        47 => "mmss.0",
        48 => "##0.0E+0",
        49 => "@",
        27..=36 | 50..=58 => return (Shows::Date, None),
        _ => return (Shows::Number, None),
    };
    (shows(code), Some(code))
}

/// Told by the code's first part, the one for positive numbers; by all of them where the first one has a condition, as in
/// `[=0]"none";yyyy-mm-dd`.
pub fn shows(code: &str) -> Shows {
    if code.eq_ignore_ascii_case("general") {
        return Shows::Number;
    }
    let mut letters = code.chars();
    let mut has_condition = false;
    while let Some(letter) = letters.next() {
        match letter {
            ';' if !has_condition => break,
            // A letter that stands for itself, a width, or what fills the cell.
            '\\' | '_' | '*' => {
                letters.next();
            }
            '"' => {
                letters.by_ref().find(|&letter| letter == '"');
            }
            // A colour, a condition, a currency; or a count of hours, minutes or seconds.
            '[' => {
                let inner: String = letters.by_ref().take_while(|&letter| letter != ']').collect();
                let first = inner.chars().next().map(|letter| letter.to_ascii_lowercase());
                if let Some(unit @ ('h' | 'm' | 's')) = first
                    && inner.chars().all(|letter| letter.to_ascii_lowercase() == unit)
                {
                    return Shows::Elapsed;
                }
                has_condition |= matches!(first, Some('<' | '>' | '='));
            }
            // Before and after noon, as `A/P`.
            'a' | 'A' if letters.as_str().get(..2).is_some_and(|rest| rest.eq_ignore_ascii_case("/p")) => {
                return Shows::Date;
            }
            'd' | 'm' | 'y' | 'h' | 's' | 'D' | 'M' | 'Y' | 'H' | 'S' => return Shows::Date,
            _ => {}
        }
    }
    Shows::Number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_what_it_shows() {
        for (code, expected) in [
            ("00000", Shows::Number),
            ("General", Shows::Number),
            ("#,##0.00 \"EUR (dyn.)\"", Shows::Number),
            ("[Red]0.00", Shows::Number),
            ("[$CHF-807] #,##0.00", Shows::Number),
            ("0\\d", Shows::Number),
            ("0;dd", Shows::Number),
            ("[=0]\"none\";yyyy-mm-dd", Shows::Date),
            ("[Red][<1]\"d\";0", Shows::Number),
            ("[Red]dd.mm.", Shows::Date),
            ("General\"d\"", Shows::Number),
            ("General \\d", Shows::Number),
            ("General/0", Shows::Number),
            ("A/P", Shows::Date),
            ("_d0", Shows::Number),
            ("dd.mm.yyyy", Shows::Date),
            ("[$-407]d. mmmm yyyy;@", Shows::Date),
            ("YYYY-MM-DD", Shows::Date),
            ("[h]:mm", Shows::Elapsed),
            ("[mm]:ss", Shows::Elapsed),
            ("@", Shows::Number),
        ] {
            assert_eq!(shows(code), expected, "{code}");
        }
        assert_eq!(builtin(14), (Shows::Date, Some("mm-dd-yy")));
        assert_eq!(builtin(46).0, Shows::Elapsed);
        assert_eq!(builtin(57), (Shows::Date, None));
        assert_eq!(builtin(0), (Shows::Number, None));
        assert_eq!(builtin(2), (Shows::Number, Some("0.00")));
    }
}
