//! A TOML file read by hand, so that every mistake in it is found at once, with its line. What is asked for is what is
//! known; whatever stands there beside is a mistake.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, either, nearest};
use inventory_base::decimal::Decimal;

/// Of a value quoted in a mistake.
const QUOTED_CHARACTERS: usize = 40;

/// The text of a file, and what was found wrong with it.
pub(super) struct Document<'d> {
    text: &'d str,
    mistakes: RefCell<Vec<Mistake>>,
}

/// A value with the line it stands in.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub value: T,
    pub line: usize,
}

impl<T> Given<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: change(self.value), line: self.line }
    }
}

impl<'d> Document<'d> {
    pub fn new(text: &'d str) -> Document<'d> {
        Document { text, mistakes: RefCell::default() }
    }

    pub fn note(&self, line: usize, sentence: impl Into<String>) {
        self.mistakes.borrow_mut().push(Mistake { line, sentence: sentence.into() });
    }

    /// All mistakes, in the order of lines.
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

    /// As it stands in the file, shortened.
    fn quoted(&self, span: Range<usize>) -> String {
        let text = self.text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        match text.char_indices().nth(QUOTED_CHARACTERS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.to_string(),
        }
    }
}

/// One table of the file.
pub(super) struct Table<'d> {
    document: &'d Document<'d>,
    entries: &'d DeTable<'d>,
    /// How a mistake calls it, such as `a [[column]]`.
    called: &'static str,
    pub line: usize,
    asked: Vec<&'d str>,
}

impl<'d> Table<'d> {
    pub fn new(document: &'d Document<'d>, called: &'static str, entries: &'d DeTable<'d>, line: usize) -> Table<'d> {
        Table { document, entries, called, line, asked: Vec::new() }
    }

    fn entry(&mut self, name: &'d str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.push(name);
        self.entries.get(name)
    }

    /// All that is given.
    pub fn names(&self) -> impl Iterator<Item = &'d str> {
        self.entries.keys().map(|key| key.get_ref().as_ref())
    }

    /// The line in which something stands, where it is given at all.
    pub fn line_of(&self, name: &str) -> Option<usize> {
        let (key, _) = self.entries.get_key_value(name)?;
        Some(self.document.line(&key.span()))
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        take: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<Given<T>> {
        let document = self.document;
        let entry = self.entry(name)?;
        let line = document.line(&entry.span());
        let value = take(entry.get_ref());
        if value.is_none() {
            let found = document.quoted(entry.span());
            document.note(line, format!("{name} is {found} and should be {expected}"));
        }
        Some(Given { value: value?, line })
    }

    pub fn text(&mut self, name: &'static str) -> Option<Given<&'d str>> {
        let expected = format!("a text in quotes, such as {name} = \"…\"");
        self.read(name, &expected, |value| value.as_str())
    }

    /// A text with something in it.
    pub fn filled_text(&mut self, name: &'static str) -> Option<Given<&'d str>> {
        let text = self.text(name)?;
        if text.value.trim().is_empty() {
            self.document.note(text.line, format!("{name} is empty; fill it in, or leave the line out"));
            return None;
        }
        Some(text)
    }

    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let flag = self.read(name, "true or false, without quotes", |value| value.as_bool());
        flag.map(|flag| flag.value)
    }

    pub fn number(&mut self, name: &'static str) -> Option<Given<Decimal>> {
        self.read(name, "a number, such as 0 or 99.5", decimal)
    }

    /// A number that fits, or `false` for none; what is usual where nothing is given.
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
    pub fn count(&mut self, name: &'static str) -> Option<Given<usize>> {
        let whole =
            |value: &DeValue| value.as_integer().and_then(|n| usize::from_str_radix(n.as_str(), n.radix()).ok());
        self.read(name, "a whole number from 1", |value| whole(value).filter(|count| *count > 0))
    }

    pub fn texts(&mut self, name: &'static str) -> Vec<Given<&'d str>> {
        let document = self.document;
        let expected = format!("texts in brackets, such as {name} = [\"…\", \"…\"]");
        let take = |value: &'d DeValue<'d>| {
            let texts = value.as_array()?.iter();
            let texts =
                texts.map(|text| Some(Given { value: text.get_ref().as_str()?, line: document.line(&text.span()) }));
            texts.collect::<Option<Vec<_>>>()
        };
        let texts = self.read(name, &expected, take).map(|texts| texts.value).unwrap_or_default();
        let (empty, filled): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.value.trim().is_empty());
        for text in empty {
            document.note(text.line, format!("{name} has an empty text; fill it in, or take it out"));
        }
        filled
    }

    /// Lists of two texts each.
    pub fn pairs(&mut self, name: &'static str) -> Vec<[Given<&'d str>; 2]> {
        let document = self.document;
        let expected = format!("pairs of texts, such as {name} = [[\"…\", \"…\"]]");
        let text = |text: &'d Spanned<DeValue<'d>>| {
            let value = text.get_ref().as_str().filter(|text| !text.trim().is_empty())?;
            Some(Given { value, line: document.line(&text.span()) })
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
    pub fn one_of<T: Copy>(&mut self, name: &'static str, words: &[(&'static str, T)]) -> Option<Given<T>> {
        let given = self.text(name)?;
        let Given { value: written, line } = given;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written) {
            return Some(Given { value: *value, line });
        }
        let known = || words.iter().map(|(word, _)| *word);
        self.document.note(
            line,
            match nearest(written, known()) {
                Some(meant) => {
                    format!("{meant} is misspelt as \"{written}\"; write {name} = \"{meant}\"")
                }
                None => format!("{name} is \"{written}\" and should be {}", either(known())),
            },
        );
        None
    }

    pub fn table(&mut self, name: &'static str, called: &'static str) -> Option<Table<'d>> {
        let document = self.document;
        let expected = format!("a table; write [{name}] in a line of its own and its settings below");
        let given = self.read(name, &expected, |value| value.as_table())?;
        Some(Table::new(document, called, given.value, given.line))
    }

    pub fn tables(&mut self, name: &'static str, called: &'static str) -> Vec<Table<'d>> {
        let document = self.document;
        let expected = format!("written as [[{name}]], in a line of its own, once for each");
        let take = |value: &'d DeValue<'d>| {
            let tables = value.as_array()?.iter();
            let tables = tables.map(|table| {
                Some(Table::new(document, called, table.get_ref().as_table()?, document.line(&table.span())))
            });
            tables.collect::<Option<Vec<_>>>()
        };
        self.read(name, &expected, take).map(|tables| tables.value).unwrap_or_default()
    }

    /// A value of any kind, with the words of the file.
    pub fn value(&mut self, name: &'d str) -> Option<(Given<&'d DeValue<'d>>, String)> {
        let document = self.document;
        let entry = self.entry(name)?;
        let given = Given { value: entry, line: document.line(&entry.span()) };
        Some((given.map(Spanned::get_ref), document.quoted(entry.span())))
    }

    /// What was not asked for is not known.
    pub fn finish(self) {
        for key in self.entries.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref())) {
            let (written, line) = (key.get_ref(), self.document.line(&key.span()));
            self.document.note(
                line,
                match nearest(written, self.asked.iter().copied().filter(|name| !self.entries.contains_key(*name))) {
                    Some(meant) => format!("{meant} is misspelt as \"{written}\"; write {meant}"),
                    None => format!(
                        "{} has no setting \"{written}\"; take it out, or write {}",
                        self.called,
                        either(self.asked.iter().copied())
                    ),
                },
            );
        }
    }
}

/// A number exactly as it is written, without the detour of a float.
pub(super) fn decimal(value: &DeValue) -> Option<Decimal> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    Decimal::parse(text).ok()
}
