//! What a number format of Excel makes of a number: a date, an elapsed time, or a number still.

use std::borrow::Cow;
use std::sync::Arc;

use super::RawValue;
use super::assembly::finite;

/// What a format shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Number,
    Date,
    /// `[h]:mm` counts hours and is no point in time.
    Elapsed,
    /// A date or time where Excel runs in Chinese, Japanese, Korean or Thai; elsewhere a number.
    DateOrNumber,
}

/// What a cell's style makes of its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFormat {
    shows: Shows,
    code: Option<Arc<str>>,
}

impl CellFormat {
    /// `code` is what the file has of this format; without it, it is one of Excel's own. `is_eastern`: whether the file
    /// is known to come from where some of these are dates.
    pub fn new(id: u16, code: Option<&Arc<str>>, is_eastern: bool) -> CellFormat {
        // Number 0 is the general format, by whatever name a program calls it.
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

    /// For readers whose cells own their texts.
    pub fn owned_code(&self) -> Option<Cow<'static, str>> {
        self.code().map(|code| Cow::Owned(code.to_owned()))
    }

    /// `epoch` is added to days.
    pub fn value(&self, number: f64, epoch: f64) -> RawValue<'static> {
        match self.shows {
            Shows::Date => finite(number + epoch, RawValue::Date),
            Shows::DateOrNumber => date_or_number(number, epoch),
            Shows::Number | Shows::Elapsed => finite(number, RawValue::Number),
        }
    }
}

/// What a number is whose format is a date in some countries: a number for sure where no list of stock would have such
/// a date or time.
pub fn date_or_number(number: f64, epoch: f64) -> RawValue<'static> {
    /// 1 January 1950 to 31 December 2099.
    const LIKELY_DAYS: std::ops::Range<f64> = 18_264.0..73_051.0;
    let is_time = number > 0.0 && number < 1.0;
    let is_likely = is_time || LIKELY_DAYS.contains(&(number + epoch));
    finite(number, if is_likely { RawValue::DateOrNumber } else { RawValue::Number })
}

/// By its telephone code, as workbooks name it: Japan, Korea, China, Hong Kong, Macau, Taiwan, Thailand.
pub fn is_eastern_country(code: u16) -> bool {
    matches!(code, 81 | 82 | 86 | 852 | 853 | 886 | 66)
}

/// Whether the name of a font is written as in Eastern Asia or Thailand: Excel there gives every workbook such a font.
pub fn is_eastern_name(font: &str) -> bool {
    font.chars().any(|letter| {
        matches!(letter, '\u{E00}'..='\u{E7F}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
    })
}

/// Whether a code is the format of cells that have none. Programs in German write its name there, too.
pub fn is_general(code: &str) -> bool {
    code.is_empty() || code.eq_ignore_ascii_case("general") || code.eq_ignore_ascii_case("standard")
}

/// The codes of the formats that have only a number in a file. Those of Eastern Asia and Thailand differ from place to
/// place and have none here.
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

/// Whether Excel's own format of this number is a date in Eastern Asia (27 to 36, 50 to 58) or in Thailand (71 to 81)
/// and the general one elsewhere.
pub fn is_local_date(id: u16) -> bool {
    matches!(id, 27..=36 | 50..=58 | 71..=81)
}

/// Told by the code's first part, the one for positive numbers; by all of them where the first one has a condition, as in
/// `[=0]"none";yyyy-mm-dd`.
pub fn shows(code: &str) -> Shows {
    if is_general(code) {
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
