//! Reads one `[[column]]` of `inventory.toml` and checks that its settings fit together.

use std::collections::BTreeSet;

use super::column::{Column, FREE_TEXT, TYPES, WhenEmpty};
use super::dates::is_date_pattern;
use super::header_names::canonical_name;
use super::mistake::{join_with_or, nearest};
use super::pattern::Pattern;
use super::rules_file::{Located, RulesFile, TomlTable};
use crate::cell::{DecimalSeparator, is_currency_code};
use inventory_base::item::Value;

/// DynamoDB's limit for the name of a key attribute.
const NAME_BYTES: usize = 255;

/// A column, with the lines of its settings.
pub(super) struct ReadColumn {
    pub rules: Column,
    pub name_line: usize,
    /// The line of `empty`, or of the column if it isn't given.
    pub empty_line: usize,
    /// Whether its type was understood. If not, its values can't be checked.
    pub is_typed: bool,
    /// Title, aliases, fallbacks and header as the file writes them.
    pub names: Vec<Located<String>>,
}

pub(super) fn read_column<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>) -> ReadColumn {
    let name = table.filled_text("name");
    if table.line_of("name").is_none() {
        file.note(table.line, "a [[column]] has no name; write name = \"…\", the attribute in the table");
    }
    let name_line = name.as_ref().map_or(table.line, |name| name.line);
    let name = name.map_or("", |name| name.value);
    if name.len() > NAME_BYTES || name.trim() != name {
        let sentence = format!("a name must have at most {NAME_BYTES} bytes and no spaces at its ends; shorten it");
        file.note(name_line, sentence);
    }
    let title = table.filled_text("title").unwrap_or(Located { value: name, line: name_line });
    let (aliases, fallbacks) = (table.texts("aliases"), table.texts("fallbacks"));
    let header = table.filled_text("header");
    for header in std::iter::once(&title).chain(&aliases).chain(&fallbacks).chain(&header) {
        check_header(file, header);
    }
    let prefer = read_pairs(file, &mut table);
    let (candidates, never) = (table.texts("candidates"), table.texts("never"));
    for words in candidates.iter().chain(&never) {
        check_header_pattern(file, words);
    }

    let given_kind = table.one_of("type", &TYPES.iter().map(|known| (known.name, *known)).collect::<Vec<_>>());
    if table.line_of("type").is_none() {
        file.note(table.line, format!("column \"{name}\" has no type; write type = \"text\", or another type"));
    }
    let kind = given_kind.as_ref().map_or(&FREE_TEXT, |kind| kind.value);
    let mut rules = Column {
        name: name.to_string(),
        title: title.value.to_string(),
        aliases: owned(&aliases),
        fallbacks: owned(&fallbacks),
        header: header.as_ref().map(|header| header.value.to_string()),
        prefer,
        candidates: owned(&candidates),
        never: owned(&never),
        kind,
        required: table.flag("required").unwrap_or_default(),
        unique: table.flag("unique").unwrap_or_default(),
        empty: WhenEmpty::Absent,
        min: table.number("min").map(|min| min.value),
        max: table.number("max").map(|max| max.value),
        max_length: table.count("max_length").map(|length| length.value),
        pattern: read_pattern(file, &mut table),
        pad: table.count("pad").map(|pad| pad.value),
        choices: owned(&table.texts("choices")),
        decimal: table
            .one_of("decimal", &[(".", DecimalSeparator::Point), (",", DecimalSeparator::Comma)])
            .map(|sign| sign.value),
        currency: read_currency(file, &mut table),
        dates: read_dates(file, &mut table),
    };
    // The settings can only be checked against a known type.
    if given_kind.is_some() {
        check_settings(file, &table, &rules);
        rules.empty = read_empty(file, &mut table, &rules);
    } else {
        table.value("empty");
        table.value("default");
    }
    let empty_line = table.line_of("empty").unwrap_or(table.line);
    table.finish();
    let names = [title].into_iter().chain(aliases).chain(fallbacks).chain(header);
    let names = names.map(|given| Located { value: given.value.to_string(), line: given.line }).collect();
    ReadColumn { rules, name_line, empty_line, is_typed: given_kind.is_some(), names }
}

fn owned(texts: &[Located<&str>]) -> Vec<String> {
    texts.iter().map(|text| text.value.to_string()).collect()
}

fn check_header(file: &RulesFile, header: &Located<&str>) {
    let text = header.value;
    let plain = text.strip_suffix('*').unwrap_or(text);
    if !text.trim().is_empty() && canonical_name(plain).is_empty() {
        file.note(header.line, format!("\"{text}\" has no letters or digits to match; remove it"));
    }
    if plain.contains('*') {
        file.note(header.line, format!("\"{text}\" has a * that isn't at its end; only there does it match any text"));
    }
}

/// Checks a header that may have `*` at its ends.
pub(super) fn check_header_pattern(file: &RulesFile, words: &Located<&str>) {
    let text = words.value.strip_prefix('*').filter(|text| !text.is_empty()).unwrap_or(words.value);
    check_header(file, &Located { value: text, line: words.line });
}

/// `[["SKU", "Item ID"], …]`.
fn read_pairs<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>) -> Vec<[String; 2]> {
    let pairs = table.pairs("prefer");
    for pair in &pairs {
        pair.iter().for_each(|words| check_header_pattern(file, words));
        let [first, second] = pair.each_ref().map(|words| words.value);
        let turned =
            |other: &&[Located<&str>; 2]| canonical_pair(&other[0], &other[1]) == canonical_pair(&pair[1], &pair[0]);
        if pairs.iter().any(|other| turned(&other)) {
            let sentence = format!("\"{first}\" comes both before and after \"{second}\"; keep the right order");
            file.note(pair[0].line, sentence);
        }
    }
    pairs.into_iter().map(|pair| pair.map(|words| words.value.to_string())).collect()
}

fn canonical_pair(first: &Located<&str>, second: &Located<&str>) -> [(String, bool, bool); 2] {
    let of = |text: &str| (canonical_name(text), text.starts_with('*'), text.ends_with('*'));
    [of(first.value), of(second.value)]
}

fn read_pattern<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>) -> Option<Pattern> {
    let Located { value: source, line } = table.filled_text("pattern")?;
    match Pattern::new(source) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let sentence =
                format!("pattern = \"{source}\" is not a regular expression ({error}); fix it, or remove it");
            file.note(line, sentence);
            None
        }
    }
}

fn read_currency<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>) -> Option<String> {
    let Located { value: code, line } = table.filled_text("currency")?;
    if is_currency_code(code) {
        return Some(code.to_string());
    }
    file.note(line, format!("currency is \"{code}\", but should be a currency code such as EUR or USD"));
    None
}

fn read_dates<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>) -> Vec<String> {
    let (dates, others): (Vec<_>, Vec<_>) =
        table.texts("dates").into_iter().partition(|given| is_date_pattern(given.value));
    for Located { value, line } in others {
        let sentence = format!(
            "\"{value}\" is not a date format; write the day as d or dd, the month as m, mm or mmm and the year as yy \
             or yyyy, such as dd.mm.yyyy"
        );
        file.note(line, sentence);
    }
    owned(&dates)
}

fn check_settings(file: &RulesFile, table: &TomlTable, rules: &Column) {
    let settings: BTreeSet<&str> = TYPES.iter().flat_map(|known| known.settings).copied().collect();
    for setting in settings.into_iter().filter(|setting| !rules.kind.settings.contains(setting)) {
        let Some(line) = table.line_of(setting) else {
            continue;
        };
        let (name, kind) = (&rules.name, rules.kind.name);
        let others = TYPES.iter().filter(|known| known.settings.contains(&setting));
        let others = join_with_or(others.map(|known| known.name));
        let sentence =
            format!("{setting} is only for {others}, but column \"{name}\" is {kind}; remove it or change the type");
        file.note(line, sentence);
    }
    let note = |setting, sentence: String| file.note(table.line_of(setting).unwrap_or(table.line), sentence);
    if let (Some(min), Some(max)) = (rules.min, rules.max)
        && min > max
    {
        note("max", format!("max is {max}, but min is {min}; change one of them"));
    }
    if let (Some(pad), Some(most)) = (rules.pad, rules.max_length)
        && pad > most
    {
        note("pad", "pad is greater than max_length; change one of them".to_string());
    }
    if let Some((setting, sentence)) = (rules.kind.find_mistake)(rules) {
        note(setting, sentence);
    }
    for (i, choice) in rules.choices.iter().enumerate() {
        if rules.choices[..i].iter().any(|other| other.to_lowercase() == choice.to_lowercase()) {
            note("choices", format!("choices has \"{choice}\" twice, since case doesn't matter; remove one of them"));
        }
    }
}

/// Reads from `empty` and `default` what an empty cell means.
fn read_empty<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>, rules: &Column) -> WhenEmpty {
    let empty = table.one_of("empty", &["absent", "default", "keep"].map(|word| (word, word)));
    let Some((given, found)) = table.value("default") else {
        match empty {
            Some(Located { value: "keep", .. }) => return WhenEmpty::Keep,
            Some(Located { value: "default", line }) => {
                file.note(line, "empty is \"default\", but there is no default; add default = …");
            }
            _ => {}
        }
        return WhenEmpty::Absent;
    };
    if rules.required {
        let sentence =
            "required and default contradict each other: with a default nothing is missing; remove one of them";
        file.note(given.line, sentence);
    }
    if let Some(Located { value: word @ ("absent" | "keep"), line }) = empty {
        file.note(line, format!("empty is \"{word}\", but there is a default; remove one of them"));
    }
    match read_value(given.value, rules) {
        Ok(value) => WhenEmpty::Default(value),
        Err(expected) => {
            file.note(given.line, format!("default is {found}, but should be {expected}"));
            WhenEmpty::Absent
        }
    }
}

/// Reads a value of a column as it is stored in the table, or says what it should be. The column's own rules apply.
pub(super) fn read_value(given: &toml::de::DeValue, rules: &Column) -> Result<Value, String> {
    (rules.kind.read_value)(given, rules)
}

/// Finds the column that a setting names; notes it if there is none.
pub(super) fn find_column<'c>(
    file: &RulesFile,
    line: usize,
    what: &str,
    name: &str,
    columns: &'c [ReadColumn],
) -> Option<&'c ReadColumn> {
    let found = columns.iter().find(|column| column.rules.name == name);
    if found.is_none() {
        let names = columns.iter().map(|column| column.rules.name.as_str()).filter(|name| !name.is_empty());
        let meant = match nearest(name, names) {
            Some(meant) => format!("write \"{meant}\""),
            None => "add a [[column]] with that name, or name another one".to_string(),
        };
        file.note(line, format!("{what} needs a column \"{name}\", but there is none; {meant}"));
    }
    found
}
