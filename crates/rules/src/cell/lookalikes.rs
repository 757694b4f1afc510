//! Which characters count as the same: full-width forms, spaces, invisible characters, and letters of different
//! alphabets that look alike. Values are stored as written; these rules only compare them and check keys.

use std::borrow::Cow;

use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::skeleton;

/// Whether a character is invisible: Unicode's default-ignorable characters, and the empty braille cell.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether the character selects how the one before it is drawn.
pub(super) fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Whether the text has a line break, an invisible character, or a space that only looks like an ordinary one. Joiners
/// are part of some scripts, such as Persian and Hindi, and the wide space is the ordinary one of others.
pub(crate) fn has_invisible_character(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().any(|b| b.is_ascii_control());
    }
    let mut before = ' ';
    text.chars().any(|c| {
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && script_has_joiners(before);
        before = c;
        c.is_control() || is_invisible(c) && !joins || c.is_whitespace() && !matches!(c, ' ' | '\u{3000}')
    })
}

fn script_has_joiners(letter: char) -> bool {
    let script = AugmentedScriptSet::for_char(letter);
    let without = ['a', 'α', 'я'].map(AugmentedScriptSet::for_char);
    !(script.is_all() || without.contains(&script) || script.hanb || script.jpan || script.kore)
}

/// Converts full-width digits, letters and signs to ASCII: `１２` to `12`.
pub(crate) fn to_half_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| half_width_char(c) != c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(half_width_char).collect())
}

pub(crate) fn half_width_char(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from((u32::from(c) - 0xff01 + 0x21) as u8),
        '\u{3000}' => ' ',
        '\u{ffe0}' => '¢',
        '\u{ffe1}' => '£',
        '\u{ffe5}' => '¥',
        '\u{ffe6}' => '₩',
        _ => c,
    }
}

/// Whether a text mixes letters of alphabets that look alike, such as a Cyrillic `А` in `А-1B`. Latin letters next to
/// Chinese, Japanese, Korean, Arabic or Thai ones don't mislead anyone, and neither does the Ω of an ohm.
pub(crate) fn mixes_alphabets(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let [latin, greek, cyrillic] = ['a', 'α', 'я'].map(AugmentedScriptSet::for_char);
    let mut has_latin = false;
    let mut others = AugmentedScriptSet::default();
    for c in text.chars() {
        let script = AugmentedScriptSet::for_char(c);
        if script == latin {
            has_latin = true;
        } else if script != greek || ascii_lookalike(c).is_some() {
            others.intersect_with(script);
        }
    }
    let mistaken_for_latin =
        [greek, cyrillic].into_iter().chain(['\u{13a0}', '\u{561}', '\u{2c81}'].map(AugmentedScriptSet::for_char));
    others.is_empty() || has_latin && mistaken_for_latin.into_iter().any(|script| script == others)
}

/// The ASCII character that this one looks like. ASCII characters never count as each other: B0 and BO are two items.
pub(crate) fn ascii_lookalike(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c);
    }
    let mut buffer = [0; 4];
    let mut alike = skeleton(c.encode_utf8(&mut buffer));
    match (alike.next()?, alike.next()) {
        // The skeleton has one form for 1, I and l, and one for 0 and O.
        ('l', None) if c.is_numeric() => Some('1'),
        ('l', None) if c.is_uppercase() => Some('I'),
        ('O', None) if c.is_numeric() => Some('0'),
        (letter, None) if letter.is_ascii() => Some(letter),
        _ => None,
    }
}

/// ASCII with single spaces, like nearly all keys.
pub(crate) fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    let fits = text.bytes().all(|byte| {
        let fits = byte.is_ascii_graphic() || byte == b' ' && before != b' ';
        before = byte;
        fits
    });
    fits && before != b' '
}

/// Whether two words are the same to a reader, regardless of case, width, spaces and invisible characters.
pub(crate) fn same_words(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() && is_plain(one) && is_plain(other) {
        return one.eq_ignore_ascii_case(other);
    }
    words_of(one).eq(words_of(other))
}

fn words_of(text: &str) -> impl Iterator<Item = char> {
    let mut blank = false;
    let mut begun = false;
    text.chars().map(half_width_char).filter(|c| !is_invisible(*c)).flat_map(move |c| {
        let is_blank = c.is_whitespace();
        let separated = !is_blank && std::mem::take(&mut blank) && begun;
        blank |= is_blank;
        begun |= !is_blank;
        let letters = (!is_blank).then(|| c.to_lowercase());
        separated.then_some(' ').into_iter().chain(letters.into_iter().flatten())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_not_mix_alphabets_that_look_alike() {
        for right in [
            "A-17",
            "А-17",
            "ЖБ-3",
            "ΑΒ-3",
            "Größe-17",
            "Łódź",
            "品番17",
            "ねじM8",
            "ネジ-17",
            "部品ネジね",
            "나사漢17",
            "螺丝M8",
            "قلم-17",
            "قلم-A17",
            "10kΩ",
            "47µF",
            "4.7μF",
            "Δ-5V",
            "A-17™",
            "Ａ-17",
        ] {
            assert!(!mixes_alphabets(right), "{right}");
        }
        for mixed in ["A-1\u{412}", "\u{410}B-17", "Ж17A", "ABα", "\u{391}Z-1", "ЖΔΑ"] {
            assert!(mixes_alphabets(mixed), "{mixed}");
        }
    }

    #[test]
    fn invisible_characters_are_found_but_joiners_belong_to_their_script() {
        for hidden in [
            "A\u{ad}17",
            "A\u{200d}17",
            "A\u{a0}17",
            "A\u{2009}17",
            "A\u{202e}17",
            "A17\u{fe0f}x",
            "A\u{3164}1",
            "A\u{2800}1",
            "A\n1",
        ] {
            assert!(has_invisible_character(hidden), "{hidden:?}");
        }
        for seen in ["A 17", "می\u{200c}خواهم", "क\u{94d}\u{200d}ष", "品\u{3000}番", "é"] {
            assert!(!has_invisible_character(seen), "{seen:?}");
        }
    }

    #[test]
    fn words_are_compared_regardless_of_width_case_and_spaces() {
        for (one, other) in
            [("Phased out", " phased\u{a0} OUT"), ("piece", "ＰＩＥＣＥ"), ("piece", "pi\u{ad}ece"), ("GRÖßE", "größe")]
        {
            assert!(same_words(one, other), "{one} {other}");
        }
        assert!(!same_words("piece", "рiece") && !same_words("a b", "ab"));
    }
}
