//! Renders a number under a number format code, as spreadsheet programs show it: 123 under `"A-"00000` is A-00123. If
//! the result is uncertain (fractions, exponents, elapsed time, conditions, the scaling comma), the caller uses the
//! plain number.
//!
//! The code is parsed again for each cell: codes are short, and few cells of text columns are numbers with a format.

use inventory_base::decimal::Decimal;

use super::format_code::{LONGEST_CODE, Piece, Section, split_sections};

/// A number in 15 digits, never as 123.0 or 1E+12.
pub(crate) fn plain(number: f64) -> String {
    Decimal::from_cell(number).map_or_else(|_| number.to_string(), |decimal| decimal.to_string())
}

pub(super) fn render(number: f64, code: &str) -> Option<String> {
    // By far the most frequent codes.
    if code == "@" || code == "General" {
        return Some(plain(number));
    }
    let decimal = Decimal::from_cell(number).ok()?;
    if code.bytes().all(|b| b == b'0') && decimal.is_integer() && decimal >= Decimal::ZERO && code.len() <= LONGEST_CODE
    {
        return Some(format!("{:0>width$}", decimal.to_string(), width = code.len()));
    }
    let sections = split_sections(code)?;
    let negative = decimal < Decimal::ZERO;
    // The sections are for positive numbers, negative numbers, zero and text; a section for negative numbers includes
    // its own minus.
    let (section, minus) = match sections.len() {
        1 => (sections[0], negative),
        2..=4 if negative => (sections[1], false),
        3 | 4 if decimal == Decimal::ZERO => (sections[2], false),
        2..=4 => (sections[0], false),
        _ => return None,
    };
    let section = Section::read(section)?;
    let digits = decimal.to_string();
    section.render(digits.trim_start_matches('-'), minus)
}

/// A text under a format that has a place for it, such as `"A-"@`.
pub(super) fn render_text(text: &str, code: &str) -> Option<String> {
    if code == "@" || !code.contains('@') {
        return None;
    }
    let section = Section::read(split_sections(code)?.last()?)?;
    let mut rendered = String::with_capacity(text.len() + code.len());
    for piece in &section.pieces {
        match piece {
            Piece::Text => rendered.push_str(text),
            Piece::Literal(c) => rendered.push(*c),
            _ => return None,
        }
    }
    section.pieces.contains(&Piece::Text).then_some(rendered)
}

impl Section {
    /// `digits` is a plain decimal number without a sign.
    fn render(&self, digits: &str, minus: bool) -> Option<String> {
        let is_digit = |piece: &&Piece| matches!(piece, Piece::Zero | Piece::Hash);
        let has = |wanted: Piece| self.pieces.iter().filter(|piece| **piece == wanted).count();
        if has(Piece::Text) > 0 || has(Piece::Point) > 1 || has(Piece::Percent) > 1 {
            return None;
        }
        let mut rendered = String::with_capacity(digits.len() + self.pieces.len());
        if minus {
            rendered.push('-');
        }
        let point = self.pieces.iter().position(|piece| *piece == Piece::Point);
        let (whole, fraction) = self.pieces.split_at(point.unwrap_or(self.pieces.len()));
        let (places, fraction_places) =
            (whole.iter().filter(is_digit).count(), fraction.iter().filter(is_digit).count());
        if has(Piece::General) > 0 {
            if places + fraction_places + has(Piece::Percent) > 0 || has(Piece::General) > 1 {
                return None;
            }
        } else if places + fraction_places == 0 && (minus || point.is_some() || has(Piece::Percent) > 0) {
            return None;
        }
        let percent = has(Piece::Percent) == 1;
        let (whole_digits, fraction_digits) = round(digits, percent, fraction_places)?;
        // Programs differ in whether -0.001 under 0.00 keeps its minus.
        let zero = |digits: &str| digits.bytes().all(|b| b == b'0');
        if minus && has(Piece::General) == 0 && zero(&whole_digits) && zero(&fraction_digits) {
            return None;
        }
        self.render_whole(whole, places, &whole_digits, digits, &mut rendered)?;
        render_fraction(fraction, &fraction_digits, &mut rendered)?;
        Some(rendered)
    }

    /// From the left: the first place takes all digits that have no place of their own.
    fn render_whole(
        &self,
        pieces: &[Piece],
        places: usize,
        digits: &str,
        general: &str,
        rendered: &mut String,
    ) -> Option<()> {
        let is_digit = |piece: &Piece| matches!(piece, Piece::Zero | Piece::Hash);
        let first = pieces.iter().position(is_digit);
        let last = pieces.iter().rposition(is_digit);
        if let (true, Some(first), Some(last)) = (self.grouped, first, last)
            && !pieces[first..=last].iter().all(is_digit)
        {
            return None;
        }
        let zeros = pieces.iter().filter(|piece| is_digit(piece)).skip_while(|piece| **piece == Piece::Hash).count();
        let padded = format!("{digits:0>zeros$}");
        let mut left = padded.len();
        let mut places_left = places;
        let mut next = |upto: usize, rendered: &mut String| {
            while left > upto {
                rendered.push(char::from(padded.as_bytes()[padded.len() - left]));
                left -= 1;
                if self.grouped && left > 0 && left % 3 == 0 {
                    rendered.push(',');
                }
            }
        };
        for piece in pieces {
            match piece {
                Piece::Zero | Piece::Hash => {
                    places_left -= 1;
                    next(places_left, rendered);
                }
                Piece::General => rendered.push_str(general),
                Piece::Percent => rendered.push('%'),
                Piece::Literal(c) => rendered.push(*c),
                Piece::Point | Piece::Text => return None,
            }
        }
        Some(())
    }
}

/// After the point: a `#` shows no trailing zeros.
fn render_fraction(pieces: &[Piece], digits: &str, rendered: &mut String) -> Option<()> {
    let is_digit = |piece: &Piece| matches!(piece, Piece::Zero | Piece::Hash);
    let mut left = digits.bytes();
    let last = pieces.iter().rposition(is_digit).unwrap_or_default();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Point => rendered.push('.'),
            Piece::Zero => rendered.push(char::from(left.next()?)),
            Piece::Hash => {
                // Only zeros follow, and no place requires them.
                let wanted = pieces[at..].contains(&Piece::Zero) || left.clone().any(|digit| digit != b'0');
                let digit = left.next()?;
                if wanted {
                    rendered.push(char::from(digit));
                }
            }
            Piece::Percent => rendered.push('%'),
            Piece::Literal(c) if at > last => rendered.push(*c),
            _ => return None,
        }
    }
    Some(())
}

/// Rounds a plain decimal number half up to this many places, multiplied by a hundred for a percentage. Returns the
/// digits before the point, empty for zero, and those after it.
fn round(digits: &str, percent: bool, places: usize) -> Option<(String, String)> {
    let shifted;
    let digits = if percent {
        shifted = Decimal::parse(&format!("{digits}e2")).ok()?.to_string();
        &shifted
    } else {
        digits
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all: Vec<u8> = whole.bytes().chain(fraction.bytes().chain(std::iter::repeat(b'0')).take(places)).collect();
    if fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5') {
        match all.iter().rposition(|digit| *digit != b'9') {
            Some(at) => {
                all[at] += 1;
                all[at + 1..].fill(b'0');
            }
            None => {
                all.fill(b'0');
                all.insert(0, b'1');
            }
        }
    }
    let fraction = all.split_off(all.len() - places);
    let whole = String::from_utf8(all).ok()?;
    Some((whole.trim_start_matches('0').to_string(), String::from_utf8(fraction).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rendered_under_their_format() {
        for (number, code, expected) in [
            (123.0, "00000", "00123"),
            (123456.0, "00000", "123456"),
            (123.0, "0", "123"),
            (0.0, "0", "0"),
            (0.0, "#", ""),
            (0.0, "#.00", ".00"),
            (5.0, "#.##", "5."),
            (1.5, "0.00", "1.50"),
            (1.005, "0.00", "1.01"),
            (9.995, "0.00", "10.00"),
            (99.5, "0", "100"),
            (1.25, "0.0##", "1.25"),
            (1.0, "0.0##", "1.0"),
            (1.05, "0.###", "1.05"),
            (1234567.0, "#,##0", "1,234,567"),
            (123.0, "#,##0", "123"),
            (1234.5, "#,##0.00", "1,234.50"),
            (12.0, "0,000", "0,012"),
            (17.0, "\"A-\"0000", "A-0017"),
            (123456.0, "000-000", "123-456"),
            (123456.0, "000\\-000", "123-456"),
            (5551234567.0, "(000) 000-0000", "(555) 123-4567"),
            (15551234567.0, "000-000-0000", "1555-123-4567"),
            (17.0, "0\" pcs\"", "17 pcs"),
            (17.0, "0\\ \\k\\g", "17 kg"),
            (0.15, "0%", "15%"),
            (0.155, "0.0%", "15.5%"),
            (0.285, "0%", "29%"),
            (-5.0, "0", "-5"),
            (-1234.5, "#,##0.00", "-1,234.50"),
            (-5.0, "0;(0)", "(5)"),
            (5.0, "0;(0)", "5"),
            (0.0, "0;-0;\"none\"", "none"),
            (0.0, "0;-0;;@", ""),
            (-5.0, "0;[Red]-0;0;@", "-5"),
            (5.0, "[Color12]0", "5"),
            (5.0, "[$€-407]\\ 0.00", "€ 5.00"),
            (5.0, "#,##0.00\\ [$zł-415]", "5.00 zł"),
            (5.0, "[$-409]0", "5"),
            (1234.5, "\"$\"#,##0.00_);(\"$\"#,##0.00)", "$1,234.50 "),
            (1234.5, "_-* #,##0.00\\ _€_-", " 1,234.50   "),
            (12.5, "General", "12.5"),
            (12.5, "general\" kg\"", "12.5 kg"),
            (-12.5, "General\" kg\"", "-12.5 kg"),
            (12.5, "@", "12.5"),
            (7.0, "\"a;b\"0", "a;b7"),
            (1e15, "0", "1000000000000000"),
            (4006381333931.0, "0", "4006381333931"),
        ] {
            assert_eq!(render(number, code).as_deref(), Some(expected), "{number} under {code}");
        }
    }

    #[test]
    fn uncertain_results_are_not_rendered() {
        for code in [
            "# ?/?",
            "0.00E+00",
            "[h]:mm",
            "yyyy-mm-dd",
            "0,",
            "#,##0,,\"M\"",
            "[>100]0;0.0",
            "0 kg",
            "\"open",
            "[Red",
            "[DBNum1]0",
            "0.0.0",
            "0\\",
            "_",
            "0%%",
            "@\"x\"",
            "0 @",
            "\"sold out\"",
            "0;0;0;0;0",
            "0.0-0",
            "General0",
            "00,00-0,0",
        ] {
            let number = if code == "\"sold out\"" { -5.0 } else { 5.0 };
            assert_eq!(render(number, code), None, "{code}");
        }
        assert_eq!(render(-0.001, "0.00"), None);
        assert_eq!(render(5.0, &"0".repeat(LONGEST_CODE + 1)), None);
        assert_eq!(render_text("5", &"@".repeat(LONGEST_CODE + 1)), None);
        assert_eq!(render(f64::NAN, "0"), None);
    }

    #[test]
    fn texts_are_rendered_in_their_place() {
        for (code, expected) in [
            ("\"A-\"@", Some("A-x1")),
            ("0;0;0;\"<\"@\">\"", Some("<x1>")),
            ("@ @", Some("x1 x1")),
            ("[Red]@", Some("x1")),
            ("@", None),
            ("0;-0;0;\"text\"", None),
            ("00000", None),
            ("@0", None),
            ("@;0", None),
            ("\"@\"", None),
        ] {
            assert_eq!(render_text("x1", code).as_deref(), expected, "{code}");
        }
    }
}
