//! Renders an elapsed time under its format code, as spreadsheet programs show it: 1.5 under `[h]:mm` is 36:00.

use super::format_code::LONGEST_CODE;

/// `None` if the result is uncertain: times before zero, fractions of a second, several sections.
pub(super) fn render(days: f64, code: &str) -> Option<String> {
    const SECONDS_PER_DAY: f64 = 86_400.0;
    /// Programs show longer times in a different form.
    const MOST_DAYS: f64 = 1_000_000.0;
    if !code.starts_with('[') || code.len() > LONGEST_CODE || !(0.0..MOST_DAYS).contains(&days) {
        return None;
    }
    // The second section is for texts.
    let code = code.strip_suffix(";@").unwrap_or(code);
    let seconds = (days * SECONDS_PER_DAY).round() as u64;
    let (counted, mut rest) = code[1..].split_once(']')?;
    let mut unit = unit(counted)?;
    let mut rendered = format!("{:0>width$}", seconds / unit, width = counted.len());
    while let Some(c) = rest.chars().next() {
        let run = rest.chars().take_while(|other| *other == c).count();
        rest = match c {
            'm' | 's' | 'M' | 'S' if run <= 2 => {
                let part = self::unit(&rest[..run]).filter(|part| *part < unit)?;
                rendered.push_str(&format!("{:0>run$}", seconds % unit / part));
                unit = part;
                &rest[run..]
            }
            ':' | ' ' => {
                rendered.push(c);
                &rest[1..]
            }
            '\\' => {
                let literal = rest[1..].chars().next()?;
                rendered.push(literal);
                &rest[1 + literal.len_utf8()..]
            }
            '"' => {
                let (quoted, rest) = rest[1..].split_once('"')?;
                rendered.push_str(quoted);
                rest
            }
            _ => return None,
        };
    }
    Some(rendered)
}

/// The number of seconds in an hour, minute or second, from the unit's letters.
fn unit(letters: &str) -> Option<u64> {
    match letters.to_ascii_lowercase().as_str() {
        "h" | "hh" => Some(3_600),
        "m" | "mm" => Some(60),
        "s" | "ss" => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_times_are_rendered_under_their_format() {
        for (days, code, says) in [
            (1.5, "[h]:mm", Some("36:00")),
            (1.5, "[hh]\\:mm", Some("36:00")),
            (1.0 / 24.0, "[hh]:mm:ss", Some("01:00:00")),
            (0.25 + 1.0 / 86_400.0, "[m]:ss", Some("360:01")),
            (0.001, "[s]\" s\"", Some("86 s")),
            (-0.5, "[h]:mm", None),
            (1.5, "[h]\\:mm;@", Some("36:00")),
            (1.5, "[h]:mm;0", None),
            (1.5, "[h]:mm:ss.00", None),
            (1.5, "[h]:hh", None),
            (1.5, "[Red]0", None),
            (1.5, "h:mm", None),
            (1.5, "[\u{2660}]", None),
        ] {
            assert_eq!(render(days, code).as_deref(), says, "{days} {code}");
        }
    }
}
