//! The sentences of a rule with their placeholders filled. The compiler checks that no word is forgotten.

use std::fmt::{Display, Write};

use super::{Note, Refusal, Rule};

/// What a message says: what is wrong and where, and what to do. Made by [`sentences!`](crate::sentences).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    pub rule: Rule,
    pub message: String,
    pub advice: String,
}

impl Sentences {
    /// Fills the sentences of a rule. Callers check the names of the words with [`check_words`], as
    /// [`sentences!`](crate::sentences) does.
    pub fn new(rule: Rule, words: &[(&str, &dyn Display)]) -> Sentences {
        let (message, advice) = rule.templates();
        Sentences { rule, message: fill(message, words), advice: fill(advice, words) }
    }

    // No `From`: a second one for `Refusal` would leave `?` in closures with an error type to guess.

    /// See [`refusal!`](crate::refusal).
    pub fn into_refusal(self) -> Refusal {
        let Sentences { rule, message, advice } = self;
        Refusal { rule, message, advice }
    }

    /// See [`note!`](crate::note).
    pub fn into_note(self) -> Note {
        let Sentences { rule, message, advice } = self;
        Note { sheet: None, rule, message, advice, rows: 0 }
    }
}

/// Returns the [`Sentences`] of a rule, with a word for each placeholder:
///
/// ```
/// # use inventory_base::message::sentences;
/// let size = 70;
/// let filled = sentences!(FileTooLarge { size, limit: 50 });
/// assert_eq!(filled.message, "The file is 70 MB; the limit is 50 MB.");
/// ```
///
/// A forgotten word doesn't compile: "message file-too-large needs {limit}".
///
/// ```compile_fail,E0080
/// # use inventory_base::message::sentences;
/// let size = 70;
/// let filled = sentences!(FileTooLarge { size });
/// ```
///
/// Neither does a misspelt one, nor one that the sentences have no place for: "message file-empty has no {size}".
///
/// ```compile_fail,E0080
/// # use inventory_base::message::sentences;
/// let size = 70;
/// let filled = sentences!(FileTooLarge { size, limt: 50 });
/// ```
/// ```compile_fail,E0080
/// # use inventory_base::message::sentences;
/// let size = 70;
/// let filled = sentences!(FileEmpty { size });
/// ```
#[macro_export]
macro_rules! sentences {
    (@value $word:ident) => { &$word };
    (@value $word:ident $value:expr) => { &$value };
    ($rule:ident $({ $($word:ident $(: $value:expr)?),+ $(,)? })?) => {{
        // An item, so that `cargo check` evaluates it, too.
        const _: () = $crate::message::check_words($crate::message::Rule::$rule, &[$($(stringify!($word)),+)?], &[]);
        $crate::message::Sentences::new(
            $crate::message::Rule::$rule,
            &[$($((stringify!($word), $crate::sentences!(@value $word $($value)?))),+)?],
        )
    }};
}

/// Returns a [`Refusal`], for example `refusal!(FileTooLarge { size, limit: 50 })`; see
/// [`sentences!`](crate::sentences).
#[macro_export]
macro_rules! refusal {
    ($($sentences:tt)+) => { $crate::sentences!($($sentences)+).into_refusal() };
}

/// Returns a [`Note`] about a file, for example `note!(WebPageRead { name })`; see [`sentences!`](crate::sentences).
#[macro_export]
macro_rules! note {
    ($($sentences:tt)+) => { $crate::sentences!($($sentences)+).into_note() };
}

/// Stops compilation unless the `given` words are exactly those that the sentences of the rule need, besides words that
/// are `added` later.
pub const fn check_words(rule: Rule, given: &[&str], added: &[&str]) {
    let (message, advice) = rule.templates();
    let missing = match missing(message, given, added) {
        None => missing(advice, given, added),
        found => found,
    };
    if let Some(word) = missing {
        stop(["message ", rule.id(), " needs {", word, "}"]);
    }
    let mut rest = given;
    while let [word, others @ ..] = rest {
        if contains(added, word) || contains(others, word) {
            stop(["message ", rule.id(), " gets {", word, "} twice"]);
        }
        if !has_place(message, word) && !has_place(advice, word) {
            stop(["message ", rule.id(), " has no {", word, "}"]);
        }
        rest = others;
    }
}

/// The first placeholder that is neither given nor added.
const fn missing<'t>(template: &'t str, given: &[&str], added: &[&str]) -> Option<&'t str> {
    let mut rest = template;
    while let Some((_, name, after)) = next_placeholder(rest) {
        if !contains(given, name) && !contains(added, name) {
            return Some(name);
        }
        rest = after;
    }
    None
}

const fn has_place(template: &str, word: &str) -> bool {
    let mut rest = template;
    while let Some((_, name, after)) = next_placeholder(rest) {
        if is_same(name, word) {
            return true;
        }
        rest = after;
    }
    false
}

const fn contains(words: &[&str], word: &str) -> bool {
    let mut rest = words;
    while let [first, others @ ..] = rest {
        if is_same(first, word) {
            return true;
        }
        rest = others;
    }
    false
}

const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([a, after_a @ ..], [b, after_b @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (after_a, after_b);
    }
    one.is_empty() && other.is_empty()
}

/// Panics with the parts as its message. A constant expression can't format one.
const fn stop(parts: [&str; 5]) -> ! {
    let mut text = [0; 200];
    let (mut length, mut part, mut byte) = (0, 0, 0);
    while part < parts.len() && length < text.len() {
        let bytes = parts[part].as_bytes();
        if byte == bytes.len() {
            (part, byte) = (part + 1, 0);
            continue;
        }
        text[length] = bytes[byte];
        (length, byte) = (length + 1, byte + 1);
    }
    match std::str::from_utf8(text.split_at(length).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("the words of a message differ from its placeholders"),
    }
}

/// Splits a template at its first `{placeholder}`: the text before it, its name, and the text after it.
pub(super) const fn next_placeholder(template: &str) -> Option<(&str, &str, &str)> {
    let Some((before, after)) = split_at_byte(template, b'{') else { return None };
    let Some((name, after)) = split_at_byte(after, b'}') else { return None };
    Some((before, name, after))
}

/// Splits a text at an ASCII character, as `str::split_once` does, which isn't `const`.
const fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let mut at = 0;
    while at < text.len() {
        if text.as_bytes()[at] == byte {
            return Some((text.split_at(at).0, text.split_at(at + 1).1));
        }
        at += 1;
    }
    None
}

fn fill(template: &str, words: &[(&str, &dyn Display)]) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, name, after)) = next_placeholder(rest) {
        text.push_str(before);
        let word = words.iter().find(|(known, _)| *known == name);
        // Writing to a string always succeeds. A placeholder without a word stays visible.
        let _ = match word {
            Some((_, word)) => write!(text, "{word}"),
            None => write!(text, "{{{name}}}"),
        };
        rest = after;
    }
    text.push_str(rest);
    text
}
