//! The language of number formats: `#,##0.00;[Red]-0;"none";@` as sections, and a section as its pieces.

/// In bytes; spreadsheet programs take 255 characters. A code of a million zeros is no format but an attack.
pub(super) const LONGEST_CODE: usize = 1024;

/// A part of a format section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A digit, and a zero where there is none.
    Zero,
    /// A digit where there is one.
    Hash,
    Point,
    Percent,
    /// The number as it is.
    General,
    /// The text of the cell.
    Text,
    Literal(char),
}

/// What one of the parts between semicolons is made of.
pub(super) struct Section {
    pub pieces: Vec<Piece>,
    /// With a comma between thousands.
    pub grouped: bool,
}

/// Cuts at the semicolons that are not quoted. None where a condition decides which section is used.
pub(super) fn split_sections(code: &str) -> Option<Vec<&str>> {
    if code.len() > LONGEST_CODE {
        return None;
    }
    let mut sections = Vec::with_capacity(4);
    let (mut start, mut signs) = (0, code.char_indices());
    while let Some((at, sign)) = signs.next() {
        match sign {
            // A sign that is escaped, padded with or repeated is none of the code's own.
            '\\' | '_' | '*' => _ = signs.next(),
            '"' => _ = signs.find(|(_, sign)| *sign == '"')?,
            '[' if code[at + 1..].starts_with(['<', '>', '=']) => return None,
            '[' => _ = signs.find(|(_, sign)| *sign == ']')?,
            ';' => {
                sections.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&code[start..]);
    Some(sections)
}

/// What `[...]` shows: nothing for a colour, the sign of a currency. None for what is not sure.
pub(super) fn read_bracket(inside: &str) -> Option<&str> {
    const COLOURS: [&str; 8] = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"];
    if let Some(currency) = inside.strip_prefix('$') {
        return Some(currency.split_once('-').map_or(currency, |(sign, _)| sign));
    }
    let lower = inside.to_ascii_lowercase();
    let numbered = lower.strip_prefix("color").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    (numbered || COLOURS.contains(&lower.as_str())).then_some("")
}

impl Section {
    pub fn read(code: &str) -> Option<Section> {
        let mut section = Section { pieces: Vec::with_capacity(code.len()), grouped: false };
        let mut rest = code.chars();
        while let Some(sign) = rest.next() {
            let piece = match sign {
                '0' => Piece::Zero,
                '#' => Piece::Hash,
                '.' => Piece::Point,
                '%' => Piece::Percent,
                '@' => Piece::Text,
                '\\' => Piece::Literal(rest.next()?),
                '_' => {
                    rest.next()?;
                    Piece::Literal(' ')
                }
                '*' => {
                    rest.next()?;
                    continue;
                }
                '"' => {
                    let (quoted, after) = rest.as_str().split_once('"')?;
                    section.pieces.extend(quoted.chars().map(Piece::Literal));
                    rest = after.chars();
                    continue;
                }
                '[' => {
                    let (inside, after) = rest.as_str().split_once(']')?;
                    section.pieces.extend(read_bracket(inside)?.chars().map(Piece::Literal));
                    rest = after.chars();
                    continue;
                }
                ',' => {
                    let before = matches!(section.pieces.last(), Some(Piece::Zero | Piece::Hash));
                    if !before || !rest.as_str().starts_with(['0', '#']) || section.pieces.contains(&Piece::Point) {
                        return None;
                    }
                    section.grouped = true;
                    continue;
                }
                'G' | 'g' if code.len() >= 7 && is_general(rest.as_str()) => {
                    rest = rest.as_str()["eneral".len()..].chars();
                    Piece::General
                }
                ' ' | '$' | '+' | '-' | '(' | ')' | ':' | '!' | '^' | '&' | '\'' | '~' | '{' | '}' | '<' | '>'
                | '=' => Piece::Literal(sign),
                sign if !sign.is_ascii() => Piece::Literal(sign),
                // Fractions, exponents, letters of dates, and letters that are none of the format's.
                _ => return None,
            };
            section.pieces.push(piece);
        }
        Some(section)
    }
}

fn is_general(rest: &str) -> bool {
    rest.get(.."eneral".len()).is_some_and(|word| word.eq_ignore_ascii_case("eneral"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_cut_where_a_semicolon_is_the_codes_own() {
        for (code, sections) in [
            ("0", &["0"][..]),
            ("0;-0;;@", &["0", "-0", "", "@"]),
            ("\"a;b\"0;[$;-407]0", &["\"a;b\"0", "[$;-407]0"]),
            ("0\\;0;_;0", &["0\\;0", "_;0"]),
        ] {
            assert_eq!(split_sections(code).as_deref(), Some(sections), "{code}");
        }
        for open in ["\"0;0", "[Red0;0", "[>=100]0;0"] {
            assert_eq!(split_sections(open), None, "{open}");
        }
    }

    #[test]
    fn brackets_hold_colours_and_currencies() {
        for (inside, shown) in [
            ("Red", Some("")),
            ("Color12", Some("")),
            ("$€-407", Some("€")),
            ("$-409", Some("")),
            ("$USD", Some("USD")),
            ("h", None),
            ("DBNum1", None),
        ] {
            assert_eq!(read_bracket(inside), shown, "{inside}");
        }
    }
}
