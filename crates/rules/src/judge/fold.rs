//! Which keys a person would take for the same: the form that they share.

use unicode_security::skeleton;

use crate::cell::{ascii_lookalike, half_width_char, is_invisible, is_plain};
use crate::schema::KeyCase;

/// Writes the form that all texts share which a person mistakes for each other. Returns whether that form is the text
/// itself, apart from case.
pub(super) fn fold(text: &str, case: KeyCase, folded: &mut String) -> bool {
    folded.clear();
    if is_plain(text) {
        folded.push_str(text);
        if case == KeyCase::Folds {
            folded.make_ascii_lowercase();
        }
        return true;
    }
    let has_latin = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let mut blank = false;
    for c in text.chars().map(half_width_char) {
        if c.is_whitespace() {
            blank = true;
        } else if !is_invisible(c) {
            if std::mem::take(&mut blank) && !folded.is_empty() {
                folded.push(' ');
            }
            match c {
                // As in a unit: 10µH is not 10mH, and the letter has no capital.
                'µ' | 'μ' if has_latin => folded.push('μ'),
                // The capital of i in languages with ı.
                'İ' if case == KeyCase::Folds => folded.push('i'),
                _ => fold_char(c, case, folded),
            }
        }
    }
    false
}

fn fold_char(c: char, case: KeyCase, folded: &mut String) {
    let mut buffer = [0; 4];
    match case {
        KeyCase::Matters => match ascii_lookalike(c) {
            Some(alike) => folded.push(alike),
            // θ and its own capital look alike too, but here case matters.
            None if looks_like_its_lowercase(c) => folded.push(c),
            None => folded.extend(skeleton(c.encode_utf8(&mut buffer))),
        },
        // Capitals look alike across alphabets more often than small letters, so they decide: a Cyrillic г is first of
        // all the small form of Г, and only then similar to r.
        KeyCase::Folds => {
            for capital in c.to_lowercase().flat_map(char::to_uppercase) {
                match ascii_lookalike(capital) {
                    // A capital that looks like a small letter doesn't mislead anyone among capitals: Ь is not b,
                    // because В is B.
                    Some(alike) if capital.is_uppercase() && alike.is_ascii_lowercase() => {
                        folded.extend(capital.to_lowercase());
                    }
                    Some(alike) => folded.push(alike.to_ascii_lowercase()),
                    None => folded.extend(skeleton(capital.encode_utf8(&mut buffer)).flat_map(char::to_lowercase)),
                }
            }
        }
    }
}

fn looks_like_its_lowercase(c: char) -> bool {
    let (mut capital, mut small) = ([0; 4], [0; 4]);
    let mut lowercase = c.to_lowercase();
    match (lowercase.next(), lowercase.next()) {
        (Some(other), None) if other != c => {
            skeleton(c.encode_utf8(&mut capital)).eq(skeleton(other.encode_utf8(&mut small)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str, case: KeyCase) -> String {
        let mut folded = String::new();
        fold(text, case, &mut folded);
        folded
    }

    #[test]
    fn if_case_matters_a_letter_differs_from_its_capital() {
        let folded = |text: &str, case| {
            let mut folded = String::new();
            fold(text, case, &mut folded);
            folded
        };
        for (capital, small) in [("Θ-1", "θ-1"), ("Я-1", "я-1"), ("Ö-1", "ö-1")] {
            assert_ne!(folded(capital, KeyCase::Matters), folded(small, KeyCase::Matters), "{small}");
            assert_eq!(folded(capital, KeyCase::Folds), folded(small, KeyCase::Folds), "{small}");
        }
    }

    #[test]
    fn texts_that_look_the_same_fold_to_the_same_text() {
        for (one, other) in [
            ("A-17", "a-17"),
            ("A-17", "\u{410}-17"),
            ("А-17", "а-17"),
            ("В-17", "в-17"),
            ("B-17", "В-17"),
            ("I-1", "І-1"),
            ("y1", "у1"),
            ("Ａ-１７", "A-17"),
            ("A–17", "A-17"),
            ("A\u{2011}17", "A-17"),
            ("A 17", "A\u{a0}17"),
            ("A 17", "A  17"),
            ("A\u{3000}17", "A 17"),
            ("A\u{ad}17", "A17"),
            ("Größe", "GRÖSSE"),
            ("É1", "é1"),
            ("Ρ-5", "P-5"),
            ("гайка-5", "ГАЙКА-5"),
            ("βίδα-5", "ΒΊΔΑ-5"),
            ("vida-5", "VİDA-5"),
            ("straße-5", "STRAẞE-5"),
            ("10µH", "10μh"),
        ] {
            assert_eq!(folded(one, KeyCase::Folds), folded(other, KeyCase::Folds), "{one} {other}");
        }
        assert_eq!(folded("\u{410}-17", KeyCase::Matters), folded("A-17", KeyCase::Matters));
    }

    #[test]
    fn both_cases_of_a_letter_fold_to_the_same_text() {
        let folded = |text: String| folded(&text, KeyCase::Folds);
        for letter in ('\u{80}'..='\u{24ff}').chain('\u{a640}'..='\u{abff}').chain('\u{10400}'..='\u{104ff}') {
            let (alone, capital) = (folded(letter.to_string()), letter.to_uppercase().collect());
            assert_eq!(alone, folded(capital), "the capital of {letter}");
            let small = letter.to_lowercase().collect();
            assert!(alone == folded(small) || letter == 'İ', "the small form of {letter}");
        }
    }

    #[test]
    fn texts_that_people_distinguish_stay_different() {
        for (one, other) in [
            ("B0", "BO"),
            ("11", "1l"),
            ("I1", "l1"),
            ("rn8", "m8"),
            ("é1", "e1"),
            ("A17", "A 17"),
            ("Ж1", "X1"),
            ("M2", "M²"),
            ("ЛЬ-1", "ЛВ-1"),
            ("10µH", "10mH"),
            ("4.7μF", "4.7MF"),
        ] {
            assert_ne!(folded(one, KeyCase::Folds), folded(other, KeyCase::Folds), "{one} {other}");
        }
        for (one, other) in [("a-17", "A-17"), ("а-17", "А-17"), ("é1", "É1")] {
            assert_ne!(folded(one, KeyCase::Matters), folded(other, KeyCase::Matters), "{one} {other}");
        }
    }
}
