//! Classifies what an Excel number format shows: a date, an elapsed time or a number.

use std::borrow::Cow;
use std::sync::Arc;

use super::assembly::finite;
use super::row::RawValue;

/// What a format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Number,
    Date,
    /// `[h]:mm` counts hours and is not a point in time.
    Elapsed,
    /// A date or time in the Chinese, Japanese, Korean and Thai versions of Excel; a number elsewhere.
    DateOrNumber,
}

/// How a cell's style shows its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFormat {
    shows: Shows,
    code: Option<Arc<str>>,
}

impl CellFormat {
    /// `code` is the file's own code for this format; without one, the format is built in. `is_eastern` says whether
    /// the file is known to come from a country where some of these are dates.
    pub fn new(id: u16, code: Option<&Arc<str>>, is_eastern: bool) -> CellFormat {
        // Number 0 is the general format, whatever a program calls it.
        match code.filter(|_| id != 0) {
            Some(code) if is_general(code) => CellFormat { shows: Shows::Number, code: None },
            Some(code) => CellFormat { shows: shows(code), code: Some(Arc::clone(code)) },
            None => match builtin(id) {
                (Shows::DateOrNumber, _) if is_eastern => CellFormat { shows: Shows::Date, code: None },
                (shows, code) => CellFormat { shows, code: code.map(Arc::from) },
            },
        }
    }

    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The code, for readers whose cells own their texts.
    pub fn owned_code(&self) -> Option<Cow<'static, str>> {
        self.code().map(|code| Cow::Owned(code.to_owned()))
    }

    /// `epoch` is added to dates.
    pub fn value(&self, number: f64, epoch: f64) -> RawValue<'static> {
        match self.shows {
            Shows::Date => finite(number + epoch, RawValue::Date),
            Shows::DateOrNumber => date_or_number(number, epoch),
            Shows::Number | Shows::Elapsed => finite(number, RawValue::Number),
        }
    }
}

/// The value of a number whose format is a date in some countries. It is certainly a number if no stock list would have
/// such a date or time.
pub fn date_or_number(number: f64, epoch: f64) -> RawValue<'static> {
    /// 1 January 1950 to 31 December 2099.
    const LIKELY_DAYS: std::ops::Range<f64> = 18_264.0..73_051.0;
    let is_time = number > 0.0 && number < 1.0;
    let is_likely = is_time || LIKELY_DAYS.contains(&(number + epoch));
    finite(number, if is_likely { RawValue::DateOrNumber } else { RawValue::Number })
}

/// By dialling code, as workbooks store it: Japan, Korea, China, Hong Kong, Macau, Taiwan, Thailand.
pub fn is_eastern_country(code: u16) -> bool {
    matches!(code, 81 | 82 | 86 | 852 | 853 | 886 | 66)
}

/// Whether a font's name is in an East Asian or Thai script: Excel in these countries gives every workbook such a font.
pub fn is_eastern_name(font: &str) -> bool {
    font.chars().any(|c| {
        matches!(c, '\u{E00}'..='\u{E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
    })
}

/// Whether a code is the general format. German programs write its German name.
pub fn is_general(code: &str) -> bool {
    code.is_empty() || code.eq_ignore_ascii_case("general") || code.eq_ignore_ascii_case("standard")
}

/// The codes of the built-in formats, which files refer to by number only. Those of East Asia and Thailand differ by
/// country and have no code here.
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
        _ if is_local_date(id) => return (Shows::DateOrNumber, None),
        _ => return (Shows::Number, None),
    };
    (shows(code), Some(code))
}

/// Whether Excel's built-in format of this number is a date in East Asia (27 to 36, 50 to 58) or in Thailand (71 to
/// 81), and the general format elsewhere.
pub fn is_local_date(id: u16) -> bool {
    matches!(id, 27..=36 | 50..=58 | 71..=81)
}

/// Classifies a code by its first section, the one for positive numbers; by all of them if the first has a condition,
/// as in `[=0]"none";yyyy-mm-dd`.
pub fn shows(code: &str) -> Shows {
    if is_general(code) {
        return Shows::Number;
    }
    let mut chars = code.chars();
    let mut has_condition = false;
    while let Some(c) = chars.next() {
        match c {
            ';' if !has_condition => break,
            // An escaped character, a width, or a fill character.
            '\\' | '_' | '*' => {
                chars.next();
            }
            '"' => {
                chars.by_ref().find(|&c| c == '"');
            }
            // A colour, a condition or a currency; or a count of hours, minutes or seconds.
            '[' => {
                let inner: String = chars.by_ref().take_while(|&c| c != ']').collect();
                let first = inner.chars().next().map(|c| c.to_ascii_lowercase());
                if let Some(unit @ ('h' | 'm' | 's')) = first
                    && inner.chars().all(|c| c.to_ascii_lowercase() == unit)
                {
                    return Shows::Elapsed;
                }
                has_condition |= matches!(first, Some('<' | '>' | '='));
            }
            // AM and PM as `A/P`.
            'a' | 'A' if chars.as_str().get(..2).is_some_and(|rest| rest.eq_ignore_ascii_case("/p")) => {
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
    fn format_codes_are_classified_as_number_date_or_elapsed_time() {
        for (code, expected) in [
            ("00000", Shows::Number),
            ("General", Shows::Number),
            ("Standard", Shows::Number),
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
        assert_eq!(builtin(57), (Shows::DateOrNumber, None));
        assert_eq!(builtin(0), (Shows::Number, None));
        assert_eq!(builtin(2), (Shows::Number, Some("0.00")));
    }
}
