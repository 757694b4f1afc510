//! Parses number format codes: `#,##0.00;[Red]-0;"none";@` into sections, and each section into pieces.

/// In bytes; spreadsheet programs accept 255 characters. A code with a million zeros is an attack.
pub(super) const LONGEST_CODE: usize = 1024;

/// A part of a format section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A digit, or a zero if there is none.
    Zero,
    /// A digit if there is one.
    Hash,
    Point,
    Percent,
    /// The number unformatted.
    General,
    /// The text of the cell.
    Text,
    Literal(char),
}

/// One of the parts between semicolons.
pub(super) struct Section {
    pub pieces: Vec<Piece>,
    /// With a comma between thousands.
    pub grouped: bool,
}

/// Splits at semicolons that aren't quoted. `None` if a condition decides which section applies.
pub(super) fn split_sections(code: &str) -> Option<Vec<&str>> {
    if code.len() > LONGEST_CODE {
        return None;
    }
    let mut sections = Vec::with_capacity(4);
    let (mut start, mut chars) = (0, code.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            // The next character is escaped, padded with or repeated, so it isn't part of the syntax.
            '\\' | '_' | '*' => _ = chars.next(),
            '"' => _ = chars.find(|(_, c)| *c == '"')?,
            '[' if code[at + 1..].starts_with(['<', '>', '=']) => return None,
            '[' => _ = chars.find(|(_, c)| *c == ']')?,
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

/// What `[...]` shows: nothing for a colour, the symbol of a currency. `None` if uncertain.
pub(super) fn read_bracket(inside: &str) -> Option<&str> {
    const COLOURS: [&str; 8] = ["black", "blue", "cyan", "green", "magenta", "red", "white", "yellow"];
    if let Some(currency) = inside.strip_prefix('$') {
        return Some(currency.split_once('-').map_or(currency, |(symbol, _)| symbol));
    }
    let lower = inside.to_ascii_lowercase();
    let numbered = lower.strip_prefix("color").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    (numbered || COLOURS.contains(&lower.as_str())).then_some("")
}

impl Section {
    pub fn read(code: &str) -> Option<Section> {
        let mut section = Section { pieces: Vec::with_capacity(code.len()), grouped: false };
        let mut rest = code.chars();
        while let Some(c) = rest.next() {
            let piece = match c {
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
                | '=' => Piece::Literal(c),
                c if !c.is_ascii() => Piece::Literal(c),
                // Fractions, exponents, date fields, and letters that have no meaning in a number format.
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
    fn sections_are_split_at_unquoted_semicolons() {
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
    fn brackets_contain_colours_and_currencies() {
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
