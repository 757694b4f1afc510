//! Reads dates typed as text by a pattern: `dd.mm.yyyy`, `d mmm yyyy`, `yyyymmdd hh:mi:ss`.
//!
//! `d dd` day, `m mm` month, `mmm mmmm` name of the month, `yy yyyy` year, `h hh` hour, `mi` minute, `ss` second;
//! everything else, and text in quotes, is literal. `dd` also accepts a one-digit day, unless digits follow it
//! directly.

use std::str::Chars;

use jiff::civil::Date;

use super::moment::Moment;

/// Two-digit years are 1970 to 2069.
const FIRST_SHORT_YEAR: i16 = 70;

/// English, German, French and Spanish; each can be shortened to its first letters, at least three.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "jänner", "janvier", "enero"],
    &["february", "februar", "février", "fevrier", "febrero"],
    &["march", "märz", "maerz", "mrz", "mars", "marzo"],
    &["april", "avril", "abril"],
    &["may", "mai", "mayo"],
    &["june", "juni", "juin", "junio"],
    &["july", "juli", "juillet", "julio"],
    &["august", "août", "aout", "agosto"],
    &["september", "septembre", "septiembre"],
    &["october", "oktober", "octobre", "octubre"],
    &["november", "novembre", "noviembre"],
    &["december", "dezember", "décembre", "decembre", "diciembre"],
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Day,
    Month,
    MonthName,
    Year,
    ShortYear,
    Hour,
    Minute,
    Second,
    Literal(char),
}

impl Token {
    fn is_number(self) -> bool {
        !matches!(self, Token::MonthName | Token::Literal(_))
    }
}

/// Reads the whole text by a pattern.
pub(crate) fn read_pattern(text: &str, pattern: &str) -> Option<Moment> {
    let mut tokens = Tokens { rest: pattern.chars(), quote: None }.peekable();
    let mut text = text;
    let (mut year, mut month, mut day, mut second) = (None, None, None, 0);
    let mut after_number = false;
    while let Some((token, width)) = tokens.next() {
        let abuts = after_number || tokens.peek().is_some_and(|(next, _)| next.is_number());
        after_number = token.is_number();
        let least = match token {
            Token::Year => 4,
            Token::ShortYear => 2,
            _ if abuts => width,
            _ => 1,
        };
        let most = least.max(2);
        match token {
            Token::Literal(c) if c.is_whitespace() => {
                let rest = text.trim_start();
                if rest.len() == text.len() {
                    return None;
                }
                text = rest;
            }
            Token::Literal(c) => text = text.strip_prefix(c)?,
            Token::MonthName => month = Some(take_month(&mut text)?),
            Token::Year => year = Some(take_number(&mut text, least, most)?),
            Token::ShortYear => {
                let short = take_number(&mut text, least, most)?;
                year = Some(short + if short < FIRST_SHORT_YEAR { 2000 } else { 1900 });
            }
            Token::Month => month = Some(i8::try_from(take_number(&mut text, least, most)?).ok()?),
            Token::Day => day = Some(i8::try_from(take_number(&mut text, least, most)?).ok()?),
            Token::Hour => second += 3600 * take_below(&mut text, least, 24)?,
            Token::Minute => second += 60 * take_below(&mut text, least, 60)?,
            Token::Second => second += take_below(&mut text, least, 60)?,
        }
    }
    let date = Date::new(year?, month?, day?).ok()?;
    text.is_empty().then_some((date, second))
}

struct Tokens<'a> {
    rest: Chars<'a>,
    quote: Option<char>,
}

impl Iterator for Tokens<'_> {
    /// With its width in the pattern.
    type Item = (Token, usize);

    fn next(&mut self) -> Option<(Token, usize)> {
        let first = self.rest.next()?;
        match self.quote {
            Some(quote) if quote == first => {
                self.quote = None;
                return self.next();
            }
            Some(_) => return Some((Token::Literal(first), 1)),
            None if matches!(first, '\'' | '"') => {
                self.quote = Some(first);
                return self.next();
            }
            None => {}
        }
        let letter = first.to_ascii_lowercase();
        let run = 1 + self.rest.as_str().chars().take_while(|c| c.to_ascii_lowercase() == letter).count();
        let minute = letter == 'm' && run == 1 && self.rest.as_str().starts_with(['i', 'I']);
        let (token, width) = match (letter, run) {
            ('y', 4) => (Token::Year, 4),
            ('y', 2) => (Token::ShortYear, 2),
            ('m', 1) if minute => (Token::Minute, 2),
            ('m', 1 | 2) => (Token::Month, run),
            ('m', 3 | 4) => (Token::MonthName, run),
            ('d', 1 | 2) => (Token::Day, run),
            ('h', 1 | 2) => (Token::Hour, run),
            ('s', 1 | 2) => (Token::Second, run),
            _ => (Token::Literal(first), 1),
        };
        if width > 1 {
            self.rest.nth(width - 2);
        }
        Some((token, width))
    }
}

fn take_number(text: &mut &str, least: usize, most: usize) -> Option<i16> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    *text = rest;
    number.parse().ok().filter(|_| digits >= least)
}

fn take_below(text: &mut &str, least: usize, limit: u32) -> Option<u32> {
    let number = u32::try_from(take_number(text, least, 2)?).ok()?;
    (number < limit).then_some(number)
}

/// A month's name, with the full stop that may end its short form.
fn take_month(text: &mut &str) -> Option<i8> {
    const SHORTEST: usize = 3;
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let word = word.to_lowercase();
    if word.chars().count() < SHORTEST {
        return None;
    }
    let mut months = (1..).zip(MONTHS).filter(|(_, names)| names.iter().any(|name| name.starts_with(&word)));
    let (month, _) = months.next()?;
    // `jui` could be juin or juillet.
    if months.next().is_some() {
        return None;
    }
    *text = rest.strip_prefix('.').unwrap_or(rest);
    Some(month)
}

#[cfg(test)]
mod tests {
    use super::super::moment::iso;
    use super::*;

    #[test]
    fn texts_are_read_by_their_pattern() {
        for (pattern, text, expected) in [
            ("dd.mm.yyyy", "03.10.2026", "2026-10-03"),
            ("DD.MM.YYYY", "3.1.2026", "2026-01-03"),
            ("mm/dd/yyyy", "10/03/2026", "2026-10-03"),
            ("d mmm yyyy", "3 Okt. 2026", "2026-10-03"),
            ("d mmmm yyyy", "3  septembre 2026", "2026-09-03"),
            ("d. mmmm yyyy", "3. März 2026", "2026-03-03"),
            ("mmm d, yyyy", "Sept 3, 2026", "2026-09-03"),
            ("d/m/yy", "3/10/69", "2069-10-03"),
            ("d/m/yy", "3/10/70", "1970-10-03"),
            ("yyyymmdd", "20261003", "2026-10-03"),
            ("ddmmyy", "031026", "2026-10-03"),
            ("yyyy-mm-dd'T'hh:mi:ss", "2026-10-03T18:05:09", "2026-10-03T18:05:09"),
            ("dd.mm.yyyy h 'Uhr' mi", "03.10.2026 18 Uhr 05", "2026-10-03T18:05:00"),
            ("d 'de' mmmm 'de' yyyy", "3 de enero de 2026", "2026-01-03"),
        ] {
            assert_eq!(read_pattern(text, pattern).map(iso).as_deref(), Some(expected), "{text} by {pattern}");
        }
    }

    #[test]
    fn what_does_not_fit_the_pattern_is_not_read() {
        for (pattern, text) in [
            ("dd.mm.yyyy", "03.10.26"),
            ("dd.mm.yyyy", "03.10.20261"),
            ("dd.mm.yyyy", "03/10/2026"),
            ("dd.mm.yyyy", "2026.10.03"),
            ("dd.mm.yyyy", "31.02.2026"),
            ("dd.mm.yyyy", "3.13.2026"),
            ("d/m/yy", "3/10/2026"),
            ("yyyymmdd", "2026103"),
            ("ddmmyy", "31026"),
            ("d mmm yyyy", "3 Ju 2026"),
            ("d mmm yyyy", "3 Xyz 2026"),
            ("d mmm yyyy", "3Oct2026"),
            ("yyyy-mm-dd hh:mi", "2026-10-03 24:00"),
            ("mm.yyyy", "10.2026"),
            ("dd.mm.yyyy", "٣.10.2026"),
            ("dd.mm.yyyy", ""),
        ] {
            assert_eq!(read_pattern(text, pattern), None, "{text} by {pattern}");
        }
    }

    #[test]
    fn shortened_months_are_unambiguous() {
        for (month, names) in (1i8..).zip(MONTHS) {
            for name in names {
                for length in 3..=name.chars().count() {
                    let short: String = name.chars().take(length).collect();
                    let expected = (short != "jui").then_some(month);
                    assert_eq!(take_month(&mut short.as_str()), expected, "{short}");
                }
            }
        }
    }
}
