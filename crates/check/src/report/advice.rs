//! Divides what the problems of one kind say into what they have in common, said once above their table, and what differs
//! from row to row, shown in a column of it.

use inventory_base::message::{Problem, Rule};

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
    let differing = differing(rule);
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

/// Returns what differs from one problem of a rule to the next: the title of the column, and a template for its cells.
fn differing(rule: Rule) -> Option<(&'static str, &'static str)> {
    Some(match rule {
        Rule::LetterForZero | Rule::PointExpected | Rule::CommaExpected | Rule::SeparatorsMixed => {
            ("Type it as", "{proposal}")
        }
        Rule::DateOrderUnclear => ("Type it as", "{type_first} for {first}, {type_second} for {second}"),
        Rule::ZerosAdded | Rule::DateToConfirm | Rule::GtinZeroMissing | Rule::GtinDigitMissing => {
            ("Looks like", "{proposal}")
        }
        Rule::SeparatorUnclear => ("Could be", "{first} or {second}"),
        Rule::GtinCheckDigit => ("Could be", "{proposals}"),
        Rule::CellShowsError => ("Why", "{reason}"),
        Rule::ValueMerged => ("Merged cells", "{area}"),
        Rule::RowHasExtraValues => ("Extra values", "{extra}. {cause}"),
        Rule::RowIsCutShort => ("What it has", "{values}; the other rows have {usual}"),
        Rule::RowMayContinue => ("May continue in", "row {other}"),
        Rule::CurrenciesMixed => ("Currency", "{currency}"),
        Rule::KeyHoldsSign => ("Contains", "{sign}"),
        Rule::KeyTooLong | Rule::ItemTooLarge => ("Bytes", "{length}"),
        Rule::TextTooLong => ("Characters", "{length}"),
        Rule::TableRefusedItem => ("What the table says", "{reason}"),
        _ => return None,
    })
}

/// Returns the template of what all problems of a rule say: the advice of the rule, but for what differs.
fn shared_template(rule: Rule) -> String {
    let (_, advice) = rule.templates();
    let advice = ROW_SENTENCES.iter().find_map(|sentence| advice.strip_suffix(sentence)).unwrap_or(advice);
    let reason = match rule {
        Rule::AlphabetsMixed => "It has characters that look alike, such as a Cyrillic А and a Latin A.",
        Rule::DateOrNumber => "Excel shows it as a date in some countries and as a plain number in others.",
        Rule::DigitsLost => "Excel keeps the first 15 digits and replaces the rest with zeros.",
        Rule::KeyTooLong | Rule::ItemTooLarge => "The limit is {limit} bytes.",
        Rule::TextTooLong => "The limit is {limit} characters.",
        Rule::PatternDiffers => "The expected form is {pattern}.",
        Rule::SeparatorsMixed => "Most of the column uses a decimal {other}.",
        Rule::TooSmall => "The smallest number allowed is {limit}.",
        Rule::TooLarge => "The largest number allowed is {limit}.",
        Rule::ValueRepeated => "It may appear in only one.",
        _ => "",
    };
    let advice = match rule {
        Rule::KeyMissing => "Enter the {column} of each item, or empty the row if it isn't an item.",
        Rule::ZerosAdded => {
            "A program may have added decimal zeros. Check the original list. If it has none, set the cells to Text \
             (Home, Number Format, Text), then type the {column} as shown."
        }
        Rule::KeyHoldsSign => {
            "Write the {column} without this character, which separates the {column} from what follows it in the table."
        }
        Rule::CellCouldNotBeRead => {
            "The file doesn't say clearly what is in these cells. Open it in Excel, enter the {column} in each of them \
             again, save, and upload it again."
        }
        Rule::RowHasExtraValues => {
            "The header in row {header} has fewer columns. Check which value belongs in which column, and correct the row."
        }
        Rule::RowMayContinue => {
            "If it does, join the two rows in a text editor such as Notepad; if not, delete the other row or move it below \
             the list. Then upload the file again."
        }
        Rule::LetterForZero => "Type the number with a zero, as shown.",
        Rule::PointExpected => "Type the number with a point, as shown.",
        Rule::CommaExpected => "Type the number with a comma, as shown.",
        Rule::SeparatorsMixed => "If the number is right, type it as shown.",
        Rule::CurrenciesMixed => {
            "Enter the amounts in one currency, or ask the person who runs the loader to load the currency with the {column}."
        }
        Rule::DateOrderUnclear => {
            "Type the date you mean as shown (year-month-day). If the whole column is written in the same order, ask the \
             person who runs the loader to set that order."
        }
        Rule::GtinZeroMissing => {
            "Its leading zeros are missing. Set the cells to Text (Home, Number Format, Text), then type the number as shown."
        }
        Rule::ItemTooLarge => "Shorten the longest text of the row, which is in the cell named here.",
        _ => advice,
    };
    format!("{reason} {advice}").trim().to_string()
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
