//! Date formats as a column's `dates` declares them: `dd.mm.yyyy`, `d mmm yyyy`, `yyyymmdd hh:mi`.

/// Whether the pattern has day, month and year exactly once, and hour, minute and second at most once. Literal letters
/// must be in quotes.
pub(super) fn is_date_pattern(text: &str) -> bool {
    let mut parts: Vec<char> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let '\'' | '"' = first {
            let Some((_, after)) = rest[1..].split_once(first) else {
                return false;
            };
            rest = after;
            continue;
        }
        let letter = first.to_ascii_lowercase();
        let run = rest.chars().take_while(|c| c.to_ascii_lowercase() == letter).count();
        let is_minute = letter == 'm' && run == 1 && rest[1..].starts_with(['i', 'I']);
        let (part, length) = match (letter, run) {
            ('m', 1) if is_minute => ('i', 2),
            ('d' | 'h' | 's', 1 | 2) | ('m', 1..=4) | ('y', 2 | 4) => (letter, run),
            _ if first.is_alphanumeric() => return false,
            _ => {
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        parts.push(part);
        rest = &rest[length..];
    }
    let times = |part: char| parts.iter().filter(|other| **other == part).count();
    "dmy".chars().all(|part| times(part) == 1) && "his".chars().all(|part| times(part) <= 1)
}

#[cfg(test)]
mod tests {
    use super::is_date_pattern;

    #[test]
    fn a_date_pattern_has_day_month_and_year() {
        let ways = ["dd.mm.yyyy", "m/d/yy", "yyyymmdd hh:mi:ss", "d. mmmm yyyy", "DD-MMM-YY", "d 'de' mmmm 'de' yyyy"];
        for way in ways {
            assert!(is_date_pattern(way), "{way}");
        }
        let others =
            ["", "31.12.2026", "dd.mm", "dd.mm.yyy", "dd.dd.yyyy", "d mm yyyy mm", "tt.mm.jjjj", "dd.mm.yyyy 'x"];
        for other in others {
            assert!(!is_date_pattern(other), "{other}");
        }
    }
}
