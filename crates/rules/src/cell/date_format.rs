//! Renders a date under a date format code, as spreadsheet programs show it: `dd.mm.yyyy`, `d-mmm`. `None` if the
//! result depends on the user's program: the system's own formats, and names in languages other than English.

use super::format_code::{LONGEST_CODE, read_bracket};
use super::moment::Moment;

/// These codes mean the date format of the user's system, whatever they spell out.
const SYSTEM_FORMATS: [&str; 4] = ["mm-dd-yy", "m/d/yy", "m/d/yy h:mm", "m/d/yyyy h:mm"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A field of the date with its width, or a literal character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatePiece {
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    AmPm,
    Literal(char),
}

pub(super) fn render((date, second): Moment, code: &str) -> Option<String> {
    if SYSTEM_FORMATS.contains(&code) || code.len() > LONGEST_CODE {
        return None;
    }
    let pieces = read(code)?;
    let twelve_hour = pieces.contains(&DatePiece::AmPm);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let mut rendered = String::with_capacity(code.len() + 8);
    let number = |number: u32, width: usize, rendered: &mut String| rendered.push_str(&format!("{number:0>width$}"));
    let month = usize::from(date.month().unsigned_abs()) - 1;
    let day = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    for piece in pieces {
        match piece {
            DatePiece::Year(1 | 2) => number(u32::from(date.year().unsigned_abs() % 100), 2, &mut rendered),
            DatePiece::Year(_) => number(u32::from(date.year().unsigned_abs()), 4, &mut rendered),
            DatePiece::Month(width @ (1 | 2)) => number(month as u32 + 1, width, &mut rendered),
            DatePiece::Month(3) => rendered.push_str(&MONTHS[month][..3]),
            DatePiece::Month(_) => rendered.push_str(MONTHS[month]),
            DatePiece::Day(width @ (1 | 2)) => number(u32::from(date.day().unsigned_abs()), width, &mut rendered),
            DatePiece::Day(3) => rendered.push_str(&DAYS[day][..3]),
            DatePiece::Day(_) => rendered.push_str(DAYS[day]),
            DatePiece::Hour(width) if twelve_hour => number((hour + 11) % 12 + 1, width, &mut rendered),
            DatePiece::Hour(width) => number(hour, width, &mut rendered),
            DatePiece::Minute(width) => number(minute, width, &mut rendered),
            DatePiece::Second(width) => number(second % 60, width, &mut rendered),
            DatePiece::AmPm => rendered.push_str(if hour < 12 { "AM" } else { "PM" }),
            DatePiece::Literal(c) => rendered.push(c),
        }
    }
    Some(rendered)
}

fn read(code: &str) -> Option<Vec<DatePiece>> {
    let mut pieces = Vec::with_capacity(code.len());
    let mut english = true;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let letter = c.to_ascii_lowercase();
        let run = rest.chars().take_while(|c| c.to_ascii_lowercase() == letter).count();
        rest = match letter {
            'y' | 'm' | 'd' | 'h' | 's' => {
                pieces.push(letters(letter, run)?);
                &rest[run..]
            }
            'a' => {
                pieces.push(DatePiece::AmPm);
                rest.get(.."AM/PM".len()).filter(|half| half.eq_ignore_ascii_case("AM/PM"))?;
                &rest["AM/PM".len()..]
            }
            '\\' => {
                pieces.push(DatePiece::Literal(after.chars().next()?));
                &after[after.chars().next()?.len_utf8()..]
            }
            '"' => {
                let (quoted, after) = after.split_once('"')?;
                pieces.extend(quoted.chars().map(DatePiece::Literal));
                after
            }
            '[' => {
                let (inside, after) = after.split_once(']')?;
                // A currency in a date format is not supported; colours and languages show nothing.
                if !read_bracket(inside)?.is_empty() || is_system_format(inside) {
                    return None;
                }
                english &= !inside.starts_with('$') || is_english(inside);
                after
            }
            // The second section is for values that aren't dates: `yyyy-mm-dd;@`.
            ';' => "",
            '/' | '-' | '.' | ',' | ':' | ' ' => {
                pieces.push(DatePiece::Literal(c));
                after
            }
            _ => return None,
        };
    }
    mark_minutes(&mut pieces);
    let has_name = |piece: &DatePiece| matches!(piece, DatePiece::Month(3..) | DatePiece::Day(3..));
    let split_seconds = pieces.windows(2).any(|pair| matches!(pair, [DatePiece::Second(_), DatePiece::Literal('.')]));
    (english || !pieces.iter().any(has_name)).then_some(pieces).filter(|_| !split_seconds)
}

fn letters(letter: char, run: usize) -> Option<DatePiece> {
    Some(match (letter, run) {
        ('y', 1..=4) => DatePiece::Year(run),
        ('m', 1..=4) => DatePiece::Month(run),
        ('d', 1..=4) => DatePiece::Day(run),
        ('h', 1 | 2) => DatePiece::Hour(run),
        ('s', 1 | 2) => DatePiece::Second(run),
        _ => return None,
    })
}

/// `m` is the minute after an hour or before a second, and the month everywhere else.
fn mark_minutes(pieces: &mut [DatePiece]) {
    let at: Vec<usize> = (0..pieces.len()).filter(|at| !matches!(pieces[*at], DatePiece::Literal(_))).collect();
    for (i, &place) in at.iter().enumerate() {
        let DatePiece::Month(width @ (1 | 2)) = pieces[place] else {
            continue;
        };
        let before = i.checked_sub(1).map(|before| pieces[at[before]]);
        let after = at.get(i + 1).map(|after| pieces[*after]);
        if matches!(before, Some(DatePiece::Hour(_))) || matches!(after, Some(DatePiece::Second(_))) {
            pieces[place] = DatePiece::Minute(width);
        }
    }
}

/// `[$-F800]` and `[$-F400]` are the long date and the time in the user's system format.
fn is_system_format(inside: &str) -> bool {
    let lower = inside.to_ascii_lowercase();
    lower.contains("-f800") || lower.contains("-f400") || lower.contains("-x-sys") || lower.len() > "$-xx-xx".len()
}

/// `[$-409]` and `[$-en-US]`; the low ten bits of the number are the language.
fn is_english(inside: &str) -> bool {
    const ENGLISH: u32 = 0x09;
    let Some(language) = inside.strip_prefix("$-") else {
        return false;
    };
    let numbered = u32::from_str_radix(language, 16).is_ok_and(|id| id & 0x3ff == ENGLISH);
    numbered || language.to_ascii_lowercase().starts_with("en")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn display_text(code: &str) -> Option<String> {
        render((jiff::civil::date(2026, 3, 4), 18 * 3600 + 5 * 60 + 9), code)
    }

    #[test]
    fn dates_are_rendered_under_their_format() {
        for (code, expected) in [
            ("yyyy-mm-dd", "2026-03-04"),
            ("dd.mm.yyyy", "04.03.2026"),
            ("d/m/yy", "4/3/26"),
            ("yyyy\\-mm\\-dd;@", "2026-03-04"),
            ("d-mmm", "4-Mar"),
            ("mmm-yy", "Mar-26"),
            ("[$-409]d\\ mmmm\\ yyyy", "4 March 2026"),
            ("[$-en-GB]ddd, d mmm", "Wed, 4 Mar"),
            ("[$-809]dddd", "Wednesday"),
            ("[$-407]dd.mm.yyyy", "04.03.2026"),
            ("h:mm", "18:05"),
            ("h:mm AM/PM", "6:05 PM"),
            ("mm:ss", "05:09"),
            ("yyyy-mm-dd hh:mm:ss", "2026-03-04 18:05:09"),
            ("\"week of \"d.m.", "week of 4.3."),
            ("[Red]yyyy", "2026"),
        ] {
            assert_eq!(display_text(code).as_deref(), Some(expected), "{code}");
        }
        assert_eq!(render((jiff::civil::date(2026, 3, 4), 0), "h AM/PM").as_deref(), Some("12 AM"));
    }

    #[test]
    fn formats_that_depend_on_the_program_are_not_rendered() {
        for code in [
            "mm-dd-yy",
            "m/d/yy h:mm",
            "[$-F800]dddd, mmmm dd, yyyy",
            "[$-F400]h:mm:ss",
            "[$-x-sysdate]yyyy",
            "[$-407]d. mmmm yyyy",
            "[$-D000000]d/m/yyyy",
            "[h]:mm",
            "ss.000",
            "mmmmm",
            "gge",
            "yyyy年",
            "a/p",
            "\"open",
            "d\\",
        ] {
            assert_eq!(display_text(code), None, "{code}");
        }
    }
}
