//! One `[[column]]` of `inventory.toml`, and whether its settings go together.

use super::column::{Column, DecimalSign, Kind, WhenEmpty};
use super::currency;
use super::dates::is_date_pattern;
use super::document::{Document, Given, Table, decimal};
use super::mistake::either;
use super::names::canonical_name;
use super::pattern::Pattern;
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

/// DynamoDB's limit for the name of an attribute in a key.
const NAME_BYTES: usize = 255;
/// Barcodes are in use with so many digits.
const GTIN_DIGITS: [usize; 4] = [8, 12, 13, 14];

/// A column, and where what it says is said.
pub(super) struct ReadColumn {
    pub rules: Column,
    pub name_line: usize,
    /// Of `empty`, where it is given.
    pub empty_line: usize,
    /// Whether its type was understood. If not, its values cannot be judged.
    pub is_typed: bool,
    /// Title, aliases and fallbacks as they stand in the file.
    pub names: Vec<Given<String>>,
}

/// The settings that only some types have.
const SETTINGS_OF_TYPES: [(&str, &[Kind]); 10] = [
    ("min", &[Kind::Integer, Kind::Decimal, Kind::Money]),
    ("max", &[Kind::Integer, Kind::Decimal, Kind::Money]),
    ("decimal", &[Kind::Integer, Kind::Decimal, Kind::Money]),
    ("currency", &[Kind::Money]),
    ("max_length", &[Kind::Text]),
    ("pattern", &[Kind::Text]),
    ("pad", &[Kind::Text, Kind::Gtin]),
    ("choices", &[Kind::Choice]),
    ("dates", &[Kind::Date]),
    ("unique", &[Kind::Text, Kind::Integer, Kind::Decimal, Kind::Money, Kind::Date, Kind::Choice, Kind::Gtin]),
];

pub(super) fn read_column<'d>(document: &'d Document<'d>, mut table: Table<'d>) -> ReadColumn {
    let name = table.filled_text("name");
    if table.line_of("name").is_none() {
        document.note(table.line, "a [[column]] has no name; write name = \"…\", the attribute in the table");
    }
    let name_line = name.as_ref().map_or(table.line, |name| name.line);
    let name = name.map_or("", |name| name.value);
    if name.len() > NAME_BYTES || name.trim() != name {
        let sentence = format!("a name has at most {NAME_BYTES} bytes and no blanks at its ends; shorten it");
        document.note(name_line, sentence);
    }
    let title = table.filled_text("title").unwrap_or(Given { value: name, line: name_line });
    let (aliases, fallbacks) = (table.texts("aliases"), table.texts("fallbacks"));
    let header = table.filled_text("header");
    for header in std::iter::once(&title).chain(&aliases).chain(&fallbacks).chain(&header) {
        check_header(document, header);
    }
    let prefer = read_pairs(document, &mut table);
    let (candidates, never) = (table.texts("candidates"), table.texts("never"));
    for words in candidates.iter().chain(&never) {
        check_words(document, words);
    }

    let given_kind = table.one_of("type", &Kind::ALL);
    if table.line_of("type").is_none() {
        document.note(table.line, format!("column \"{name}\" has no type; write type = \"text\", or another one"));
    }
    let kind = given_kind.as_ref().map_or(Kind::Text, |kind| kind.value);
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
        pattern: read_pattern(document, &mut table),
        pad: table.count("pad").map(|pad| pad.value),
        choices: owned(&table.texts("choices")),
        decimal: table
            .one_of("decimal", &[(".", DecimalSign::Point), (",", DecimalSign::Comma)])
            .map(|sign| sign.value),
        currency: read_currency(document, &mut table),
        dates: read_dates(document, &mut table),
    };
    // Of a column whose type is not known, its settings cannot be judged.
    if given_kind.is_some() {
        check_settings(document, &table, &rules);
        rules.empty = read_empty(document, &mut table, &rules);
    } else {
        table.value("empty");
        table.value("default");
    }
    let empty_line = table.line_of("empty").unwrap_or(table.line);
    table.finish();
    let names = [title].into_iter().chain(aliases).chain(fallbacks).chain(header);
    let names = names.map(|given| Given { value: given.value.to_string(), line: given.line }).collect();
    ReadColumn { rules, name_line, empty_line, is_typed: given_kind.is_some(), names }
}

fn owned(texts: &[Given<&str>]) -> Vec<String> {
    texts.iter().map(|text| text.value.to_string()).collect()
}

fn check_header(document: &Document, header: &Given<&str>) {
    let text = header.value;
    let plain = text.strip_suffix('*').unwrap_or(text);
    if !text.trim().is_empty() && canonical_name(plain).is_empty() {
        document.note(header.line, format!("\"{text}\" has no letter and no digit to be found by; take it out"));
    }
    if plain.contains('*') {
        document
            .note(header.line, format!("\"{text}\" has a * that is not at its end; only there it stands for any text"));
    }
}

/// A header with `*` at its ends or without.
pub(super) fn check_words(document: &Document, words: &Given<&str>) {
    let text = words.value.strip_prefix('*').filter(|text| !text.is_empty()).unwrap_or(words.value);
    check_header(document, &Given { value: text, line: words.line });
}

/// `[["SKU", "Item ID"], …]`.
fn read_pairs<'d>(document: &'d Document<'d>, table: &mut Table<'d>) -> Vec<[String; 2]> {
    let pairs = table.pairs("prefer");
    for pair in &pairs {
        pair.iter().for_each(|words| check_words(document, words));
        let [first, second] = pair.each_ref().map(|words| words.value);
        let turned =
            |other: &&[Given<&str>; 2]| canonical_pair(&other[0], &other[1]) == canonical_pair(&pair[1], &pair[0]);
        if pairs.iter().any(|other| turned(&other)) {
            let sentence = format!("\"{first}\" is before \"{second}\" and after it; keep the order that is right");
            document.note(pair[0].line, sentence);
        }
    }
    pairs.into_iter().map(|pair| pair.map(|words| words.value.to_string())).collect()
}

fn canonical_pair(first: &Given<&str>, second: &Given<&str>) -> [(String, bool, bool); 2] {
    let of = |text: &str| (canonical_name(text), text.starts_with('*'), text.ends_with('*'));
    [of(first.value), of(second.value)]
}

fn read_pattern<'d>(document: &'d Document<'d>, table: &mut Table<'d>) -> Option<Pattern> {
    let Given { value: source, line } = table.filled_text("pattern")?;
    match Pattern::new(source) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let sentence =
                format!("pattern = \"{source}\" is no regular expression ({error}); mend it, or leave it out");
            document.note(line, sentence);
            None
        }
    }
}

fn read_currency<'d>(document: &'d Document<'d>, table: &mut Table<'d>) -> Option<String> {
    let Given { value: code, line } = table.filled_text("currency")?;
    if currency::is_known(code) {
        return Some(code.to_string());
    }
    document.note(line, format!("currency is \"{code}\" and should be the code of a currency, such as EUR or USD"));
    None
}

fn read_dates<'d>(document: &'d Document<'d>, table: &mut Table<'d>) -> Vec<String> {
    let (dates, others): (Vec<_>, Vec<_>) =
        table.texts("dates").into_iter().partition(|given| is_date_pattern(given.value));
    for Given { value, line } in others {
        let sentence = format!(
            "\"{value}\" is no way to write a date; write the day as d or dd, the month as m, mm or mmm and the year as yy \
             or yyyy, such as dd.mm.yyyy"
        );
        document.note(line, sentence);
    }
    owned(&dates)
}

fn check_settings(document: &Document, table: &Table, rules: &Column) {
    for (setting, kinds) in SETTINGS_OF_TYPES {
        let Some(line) = table.line_of(setting).filter(|_| !kinds.contains(&rules.kind)) else {
            continue;
        };
        let (name, kind) = (&rules.name, rules.kind.name());
        let kinds = either(kinds.iter().map(|kind| kind.name()));
        let sentence =
            format!("{setting} is for {kinds}, and column \"{name}\" is {kind}; take it out or change the type");
        document.note(line, sentence);
    }
    let note = |setting, sentence: String| document.note(table.line_of(setting).unwrap_or(table.line), sentence);
    if let (Some(min), Some(max)) = (rules.min, rules.max)
        && min > max
    {
        note("max", format!("max is {max}, below min, which is {min}; no number can be both"));
    }
    if let Some(pad) = rules.pad {
        if rules.max_length.is_some_and(|most| pad > most) {
            note("pad", "pad is more than max_length; a text cannot be both".to_string());
        }
        if rules.kind == Kind::Gtin && !GTIN_DIGITS.contains(&pad) {
            note("pad", format!("pad is {pad}, and a barcode has 8, 12, 13 or 14 digits; write one of these"));
        }
    }
    if rules.kind == Kind::Choice && rules.choices.is_empty() {
        let name = &rules.name;
        document.note(
            table.line_of("type").unwrap_or(table.line),
            format!("column \"{name}\" is a choice without choices; add choices = [\"…\"]"),
        );
    }
    for (i, choice) in rules.choices.iter().enumerate() {
        if rules.choices[..i].iter().any(|other| other.to_lowercase() == choice.to_lowercase()) {
            note("choices", format!("\"{choice}\" stands twice in choices, which is read without case; take one out"));
        }
    }
}

/// What an empty cell means, from `empty` and `default` together.
fn read_empty<'d>(document: &'d Document<'d>, table: &mut Table<'d>, rules: &Column) -> WhenEmpty {
    let empty = table.one_of("empty", &["absent", "default", "keep"].map(|word| (word, word)));
    let Some((given, found)) = table.value("default") else {
        match empty {
            Some(Given { value: "keep", .. }) => return WhenEmpty::Keep,
            Some(Given { value: "default", line }) => {
                document.note(line, "empty is \"default\" and there is no default; add default = …");
            }
            _ => {}
        }
        return WhenEmpty::Absent;
    };
    if rules.required {
        let sentence =
            "required and default contradict each other: with a default nothing is missing; take one of them out";
        document.note(given.line, sentence);
    }
    if let Some(Given { value: word @ ("absent" | "keep"), line }) = empty {
        document.note(line, format!("empty is \"{word}\" and there is a default; take one of them out"));
    }
    match read_value(given.value, rules) {
        Ok(value) => WhenEmpty::Default(value),
        Err(expected) => {
            document.note(given.line, format!("default is {found} and should be {expected}"));
            WhenEmpty::Absent
        }
    }
}

/// A value of a column as the table gets it, or what it should be. It keeps to the column's own rules.
pub(super) fn read_value(given: &toml::de::DeValue, rules: &Column) -> Result<Value, String> {
    let text = given.as_str();
    match rules.kind {
        Kind::Text => {
            let text = text.ok_or("a text in quotes")?;
            let fits_pattern = rules.pattern.as_ref().is_none_or(|pattern| pattern.fits(text));
            match rules.max_length {
                _ if text.trim() != text || text.is_empty() => Err("a text without blanks at its ends".to_string()),
                Some(most) if text.chars().count() > most => {
                    Err(format!("at most {most} characters, as max_length says"))
                }
                _ if is_unpadded(text, rules) => Err("with its zeros in front, as pad says".to_string()),
                _ if !fits_pattern => Err("as pattern says".to_string()),
                _ => Ok(Value::S(text.into())),
            }
        }
        Kind::Integer | Kind::Decimal | Kind::Money => {
            let number = decimal(given).ok_or("a number without quotes")?;
            let above = |min: Decimal| number >= min;
            if rules.kind == Kind::Integer && !number.is_integer() {
                return Err("a whole number".to_string());
            }
            if !rules.min.is_none_or(above) || rules.max.is_some_and(|max| number > max) {
                return Err("within min and max".to_string());
            }
            Ok(Value::N(number.to_string().into()))
        }
        Kind::Boolean => Ok(Value::Bool(given.as_bool().ok_or("true or false")?)),
        Kind::Date => {
            let written = given.as_datetime().map(ToString::to_string);
            let date = written.as_deref().or(text).and_then(|text| text.parse::<jiff::civil::Date>().ok());
            let date = date.filter(|date| Some(date.to_string().as_str()) == written.as_deref().or(text));
            Ok(Value::S(date.ok_or("a date such as 2026-10-03")?.to_string().into()))
        }
        Kind::Choice => {
            let choice = rules.choices.iter().find(|choice| Some(choice.as_str()) == text);
            Ok(Value::S(choice.ok_or("one of choices, written as there")?.as_str().into()))
        }
        Kind::Gtin => Err("left out: no two kinds of item have the same barcode".to_string()),
    }
}

/// Whether a cell with this text would have been given zeros in front.
fn is_unpadded(text: &str, rules: &Column) -> bool {
    rules.pad.is_some_and(|digits| text.len() < digits) && text.bytes().all(|byte| byte.is_ascii_digit())
}
