//! Reads a TOML file by hand so that every mistake is reported at once, with its line. Settings that no reader asked
//! for are mistakes.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, join_with_or, nearest};
use inventory_base::decimal::Decimal;

/// Limit for a value quoted in a mistake.
const QUOTED_CHARACTERS: usize = 40;

/// The text of a file and the mistakes found in it.
pub(super) struct RulesFile<'d> {
    text: &'d str,
    mistakes: RefCell<Vec<Mistake>>,
}

/// A value with its line.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub value: T,
    pub line: usize,
}

impl<T> Located<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), line: self.line }
    }
}

impl<'d> RulesFile<'d> {
    pub fn new(text: &'d str) -> RulesFile<'d> {
        RulesFile { text, mistakes: RefCell::default() }
    }

    pub fn note(&self, line: usize, sentence: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { line, sentence: sentence.into() });
    }

    /// All mistakes, in line order.
    pub fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort();
        mistakes.dedup();
        mistakes
    }

    pub fn line(&self, span: &Range<usize>) -> usize {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    /// The text of the file, shortened.
    fn quoted(&self, span: Range<usize>) -> String {
        let text = self.text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        match text.char_indices().nth(QUOTED_CHARACTERS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_string(),
        }
    }
}

/// One table of the file.
pub(super) struct TomlTable<'d> {
    file: &'d RulesFile<'d>,
    entries: &'d DeTable<'d>,
    /// How mistakes refer to it, such as `a [[column]]`.
    called: &'static str,
    pub line: usize,
    requested: Vec<&'d str>,
}

impl<'d> TomlTable<'d> {
    pub fn new(file: &'d RulesFile<'d>, called: &'static str, entries: &'d DeTable<'d>, line: usize) -> TomlTable<'d> {
        TomlTable { file, entries, called, line, requested: Vec::new() }
    }

    fn entry(&mut self, name: &'d str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.requested.push(name);
        self.entries.get(name)
    }

    /// The names of all settings in the table.
    pub fn names(&self) -> impl Iterator<Item = &'d str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    /// The line of a setting, if it is given.
    pub fn line_of(&self, name: &str) -> Option<usize> {
        let (key, _) = self.entries.get_key_value(name)?;
        Some(self.file.line(&key.span()))
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        take: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<Located<T>> {
        let file = self.file;
        let entry = self.entry(name)?;
        let line = file.line(&entry.span());
        let value = take(entry.get_ref());
        if value.is_none() {
            let found = file.quoted(entry.span());
            file.note(line, format!("{name} is {found}, but should be {expected}"));
        }
        Some(Located { value: value?, line })
    }

    pub fn text(&mut self, name: &'static str) -> Option<Located<&'d str>> {
        let expected = format!("a text in quotes, such as {name} = \"…\"");
        self.read(name, &expected, |value| value.as_str())
    }

    /// A text that isn't blank.
    pub fn filled_text(&mut self, name: &'static str) -> Option<Located<&'d str>> {
        let text = self.text(name)?;
        if text.value.trim().is_empty() {
            self.file.note(text.line, format!("{name} is empty; fill it in, or remove the line"));
            return None;
        }
        Some(text)
    }

    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let flag = self.read(name, "true or false, without quotes", |value| value.as_bool());
        flag.map(|flag| flag.value)
    }

    pub fn number(&mut self, name: &'static str) -> Option<Located<Decimal>> {
        self.read(name, "a number, such as 0 or 99.5", decimal)
    }

    /// A number that `fits`, or `false` for no limit; `usual` if the setting isn't given.
    pub fn limit(
        &mut self,
        name: &'static str,
        expected: &str,
        fits: impl Fn(Decimal) -> bool,
        usual: Option<Decimal>,
    ) -> Option<Decimal> {
        let take = |value: &DeValue| match value.as_bool() {
            Some(false) => Some(None),
            _ => decimal(value).filter(|number| fits(*number)).map(Some),
        };
        let expected = format!("{expected}, or false for never");
        self.read(name, &expected, take).map_or(usual, |limit| limit.value)
    }

    /// A whole number from 1.
    pub fn count(&mut self, name: &'static str) -> Option<Located<usize>> {
        let whole =
            |value: &DeValue| value.as_integer().and_then(|n| usize::from_str_radix(n.as_str(), n.radix()).ok());
        self.read(name, "a whole number from 1", |value| whole(value).filter(|count| *count > 0))
    }

    pub fn texts(&mut self, name: &'static str) -> Vec<Located<&'d str>> {
        let file = self.file;
        let expected = format!("texts in brackets, such as {name} = [\"…\", \"…\"]");
        let take = |value: &'d DeValue<'d>| {
            let texts = value.as_array()?.iter();
            let texts =
                texts.map(|text| Some(Located { value: text.get_ref().as_str()?, line: file.line(&text.span()) }));
            texts.collect::<Option<Vec<_>>>()
        };
        let texts = self.read(name, &expected, take).map(|texts| texts.value).unwrap_or_default();
        let (empty, filled): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.value.trim().is_empty());
        for text in empty {
            file.note(text.line, format!("{name} has an empty text; fill it in, or remove it"));
        }
        filled
    }

    /// Lists of two texts each.
    pub fn pairs(&mut self, name: &'static str) -> Vec<[Located<&'d str>; 2]> {
        let file = self.file;
        let expected = format!("pairs of texts, such as {name} = [[\"…\", \"…\"]]");
        let text = |text: &'d Spanned<DeValue<'d>>| {
            let value = text.get_ref().as_str().filter(|text| !text.trim().is_empty())?;
            Some(Located { value, line: file.line(&text.span()) })
        };
        let take = |value: &'d DeValue<'d>| {
            let pairs = value.as_array()?.iter();
            let pairs = pairs.map(|pair| {
                let mut texts = pair.get_ref().as_array()?.iter().map(text);
                let pair = [texts.next()??, texts.next()??];
                texts.next().is_none().then_some(pair)
            });
            pairs.collect::<Option<Vec<_>>>()
        };
        self.read(name, &expected, take).map(|pairs| pairs.value).unwrap_or_default()
    }

    /// One of several words.
    pub fn one_of<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Option<Located<T>> {
        let given = self.text(name)?;
        let Located { value: written, line } = given;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written) {
            return Some(Located { value: *value, line });
        }
        let known = || words.iter().map(|(word, _)| *word);
        self.file.note(
            line,
            match nearest(written, known()) {
                Some(meant) => {
                    format!("{meant} is misspelt as \"{written}\"; write {name} = \"{meant}\"")
                }
                None => format!("{name} is \"{written}\", but should be {}", join_with_or(known())),
            },
        );
        None
    }

    pub fn table(&mut self, name: &'static str, called: &'static str) -> Option<TomlTable<'d>> {
        let file = self.file;
        let expected = format!("a table; write [{name}] on its own line and its settings below it");
        let given = self.read(name, &expected, |value| value.as_table())?;
        Some(TomlTable::new(file, called, given.value, given.line))
    }

    pub fn tables(&mut self, name: &'static str, called: &'static str) -> Vec<TomlTable<'d>> {
        let file = self.file;
        let expected = format!("written as [[{name}]], on its own line, once for each");
        let take = |value: &'d DeValue<'d>| {
            let tables = value.as_array()?.iter();
            let tables = tables
                .map(|table| Some(TomlTable::new(file, called, table.get_ref().as_table()?, file.line(&table.span()))));
            tables.collect::<Option<Vec<_>>>()
        };
        self.read(name, &expected, take).map(|tables| tables.value).unwrap_or_default()
    }

    /// A value of any kind, and its text in the file.
    pub fn value(&mut self, name: &'d str) -> Option<(Located<&'d DeValue<'d>>, String)> {
        let file = self.file;
        let entry = self.entry(name)?;
        let given = Located { value: entry, line: file.line(&entry.span()) };
        Some((given.map(Spanned::get_ref), file.quoted(entry.span())))
    }

    /// Reports the settings that no reader asked for.
    pub fn finish(self) {
        for key in self.entries.keys().filter(|key| !self.requested.contains(&key.get_ref().as_ref())) {
            let (written, line) = (key.get_ref(), self.file.line(&key.span()));
            self.file.note(
                line,
                match nearest(written, self.requested.iter().copied().filter(|name| !self.entries.contains_key(*name)))
                {
                    Some(meant) => format!("{meant} is misspelt as \"{written}\"; write {meant}"),
                    None => format!(
                        "{} has no setting \"{written}\"; remove it, or write {}",
                        self.called,
                        join_with_or(self.requested.iter().copied())
                    ),
                },
            );
        }
    }
}

/// A number exactly as it is written, without going through a float.
pub(super) fn decimal(value: &DeValue) -> Option<Decimal> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    Decimal::parse(text).ok()
}
