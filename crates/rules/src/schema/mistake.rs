//! Every mistake in a set of rules, each with its line and what to write instead. Meant for the operator.

use std::fmt;

/// One mistake in the rules file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, then what to do.
    pub sentence: String,
}

/// All mistakes in a file, in line order. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(pub(super) Vec<Mistake>);

impl Mistakes {
    pub fn all(&self) -> &[Mistake] {
        &self.0
    }
}

/// On one line, for a log: `line 17: required is misspelt as "requird"; …`.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Mistake { line, sentence }) in self.0.iter().enumerate() {
            let between = if i == 0 { "" } else { ". " };
            write!(f, "{between}line {line}: {sentence}")?;
        }
        Ok(())
    }
}

/// The known word that was most likely meant, if one is close enough.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    // One typo per three characters: `requird` is meant as required, but `colour` is not meant as column. `uniq` is a
    // prefix.
    let allowed = (written.chars().count() / 3).max(1);
    let slips = |word: &str| match word.to_lowercase() {
        word if written.chars().count() > 2 && word.starts_with(&written) => 0,
        word => distance(&written, &word),
    };
    known
        .into_iter()
        .map(|word| (slips(word), word))
        .filter(|(slips, word)| *slips <= allowed && *slips < word.chars().count())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// The number of characters to insert, delete, replace or swap with their neighbour to turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, n) | (n, 0) => n,
                _ => {
                    let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let least = changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { least.min(rows[i - 2][j - 2] + 1) } else { least }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `a, b or c`.
pub(super) fn join_with_or<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.into_iter().collect();
    match (words.pop(), words.is_empty()) {
        (Some(last), false) => format!("{} or {last}", words.join(", ")),
        (last, _) => last.unwrap_or_default().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognised_and_a_different_word_is_not() {
        let known = ["required", "max_length", "min", "max", "unique"];
        for (written, meant) in [
            ("requird", Some("required")),
            ("Required", Some("required")),
            ("maxlength", Some("max_length")),
            ("maximum_length", Some("max_length")),
            ("mni", Some("min")),
            ("uniq", Some("unique")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }

    #[test]
    fn words_are_joined_with_commas_and_or() {
        assert_eq!(join_with_or(["a", "b", "c"]), "a, b or c");
        assert_eq!(join_with_or(["a"]), "a");
        assert_eq!(join_with_or([]), "");
    }
}
