//! Sample words that show how a text was decoded.

use std::borrow::Cow;

/// Enough for a person to see whether they are right.
pub const WORDS_SHOWN: usize = 3;

/// Collects the first words with letters beyond ASCII, or failing that with symbols.
pub fn add_words(words: &mut Vec<String>, text: &str) {
    let has_letter = |word: &str| word.chars().any(|c| !c.is_ascii() && c.is_alphabetic());
    for word in words_of(text) {
        let word = shortened(word);
        if words.len() == WORDS_SHOWN && words.iter().all(|word| has_letter(word)) {
            return;
        }
        if words.iter().any(|other| *other == *word) {
            continue;
        }
        if words.len() < WORDS_SHOWN {
            words.push(word.into_owned());
        } else if has_letter(&word)
            && let Some(symbol) = words.iter_mut().find(|word| !has_letter(word))
        {
            *symbol = word.into_owned();
        }
    }
}

/// The words of a text that are not ASCII.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || ",;|\"<>=&/()".contains(c);
    text.split(ends).map(|word| word.trim_matches(|c: char| c.is_ascii_punctuation())).filter(|word| !word.is_ascii())
}

/// Shortens a word for quoting.
pub(super) fn shortened(word: &str) -> Cow<'_, str> {
    const CHARACTERS: usize = 24;
    match word.char_indices().nth(CHARACTERS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &word[..end])),
        None => Cow::Borrowed(word),
    }
}
