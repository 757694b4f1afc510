//! Divides what the problems of one kind say into what they have in common, said once above their table, and what differs
//! from row to row, shown in a column of it.

use inventory_base::message::{Problem, Rule, Shared};

/// The title of the column if the sentences of the problems can't be divided.
const WHOLE_TITLE: &str = "What to do";
/// How a rule's advice says what happened to the row; a page says that once, above all problems.
const ROW_SENTENCES: [&str; 3] = [" Row {row} was not loaded.", " None of them was loaded.", " {all} were left out."];

/// The words that fill the placeholders of a rule's sentences.
type Words = Vec<(&'static str, String)>;

/// What the problems of one kind say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// What to do, for all of them; empty if each has its own.
    pub shared: String,
    /// The title of the column with what differs, if anything does.
    pub column: Option<&'static str>,
    pub lines: Vec<AdviceLine>,
}

/// What only one of the problems says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AdviceLine {
    pub text: String,
    /// The rows it is about, if there are several.
    pub rows: Option<String>,
    /// The text of a merged cell, which the problem's own cell may not have.
    pub value: Option<String>,
}

/// Describes problems of one rule and one column.
pub(super) fn describe(rule: Rule, problems: &[&Problem]) -> Advice {
    let words: Option<Vec<Words>> = problems.iter().map(|problem| words_of(problem)).collect();
    words.and_then(|words| divide(rule, &words)).unwrap_or_else(|| whole(problems))
}

fn divide(rule: Rule, words: &[Words]) -> Option<Advice> {
    let template = shared_template(rule);
    let shared = fill(&template, words.first()?);
    if words.iter().any(|words| fill(&template, words) != shared) {
        return None;
    }
    let differing = rule.shared().each;
    let line = |words: &Words| AdviceLine {
        text: differing.map(|(_, template)| fill(template, words)).unwrap_or_default(),
        rows: word(words, "rows").map(str::to_string),
        value: word(words, "shown").map(str::to_string),
    };
    Some(Advice { shared, column: differing.map(|(title, _)| title), lines: words.iter().map(line).collect() })
}

/// Keeps the sentences as they are: those of an earlier version, for example.
fn whole(problems: &[&Problem]) -> Advice {
    let line = |problem: &&Problem| {
        let text = format!("{} {}", problem.message, problem.advice).trim().to_string();
        AdviceLine { text, ..AdviceLine::default() }
    };
    Advice { shared: String::new(), column: Some(WHOLE_TITLE), lines: problems.iter().map(line).collect() }
}

/// Returns the template of what all problems of a rule say: the advice of the rule, but for what differs.
fn shared_template(rule: Rule) -> String {
    let (_, advice) = rule.templates();
    let of_one = ROW_SENTENCES.iter().find_map(|sentence| advice.strip_suffix(sentence)).unwrap_or(advice);
    let Shared { reason, advice, .. } = rule.shared();
    format!("{} {}", reason.unwrap_or_default(), advice.unwrap_or(of_one)).trim().to_string()
}

/// Returns the words of a problem's sentences; `None` if these aren't the sentences of its rule.
fn words_of(problem: &Problem) -> Option<Words> {
    let (message, advice) = problem.rule.templates();
    let row = problem.row.to_string();
    let mut words: Words = vec![
        ("column", problem.column.clone().unwrap_or_default()),
        ("cell", problem.cell.clone().unwrap_or_else(|| format!("row {row}"))),
        ("value", problem.value.clone().unwrap_or_default()),
        ("row", row),
    ];
    find_words(message, &problem.message, &mut words)?;
    find_words(advice, &problem.advice, &mut words)?;
    Some(words)
}

/// Adds the words that fill the template's placeholders in a text.
fn find_words(template: &'static str, text: &str, words: &mut Words) -> Option<()> {
    let (mut template, mut text) = (template, text);
    while let Some((literal, (name, after))) =
        template.split_once('{').and_then(|(literal, rest)| Some((literal, rest.split_once('}')?)))
    {
        text = text.strip_prefix(literal)?;
        template = after;
        if let Some(known) = word(words, name) {
            text = text.strip_prefix(known)?;
            continue;
        }
        let next = after.split('{').next().unwrap_or_default();
        let end = if next.len() == after.len() { text.len().checked_sub(next.len())? } else { text.find(next)? };
        words.push((name, text.get(..end)?.to_string()));
        text = &text[end..];
    }
    (text == template).then_some(())
}

fn word<'w>(words: &'w Words, name: &str) -> Option<&'w str> {
    words.iter().find(|(known, _)| *known == name).map(|(_, word)| word.as_str())
}

fn fill(mut template: &str, words: &Words) -> String {
    let mut text = String::new();
    while let Some((literal, (name, after))) =
        template.split_once('{').and_then(|(literal, rest)| Some((literal, rest.split_once('}')?)))
    {
        text.push_str(literal);
        text.push_str(word(words, name).unwrap_or_default());
        template = after;
    }
    text + template
}

#[cfg(test)]
mod tests;
