//! Reads `inventory.toml` into a `Schema`, or reports everything that is wrong with it.

use std::collections::HashMap;

use toml::de::DeTable;

use super::gates::read_gates;
use super::header_names::{Clash, HeaderNames};
use super::key::{Key, KeyPart, Template};
use super::mistake::{Mistake, Mistakes};
use super::read_column::{ReadColumn, find_column, read_column};
use super::read_policy::{Context, read_document, read_every, read_price, read_sync, read_totals};
use super::rules_file::{Located, RulesFile, TomlTable};
use super::{Column, Duplicates, KeyCase, Mode, PROVENANCE, Schema, StoredAs, TextEncoding, UnknownColumns, WhenEmpty};

/// The rules are passed to the child process as one command-line argument, which is limited to 128 KB.
const RULES_BYTES: usize = 64 * 1024;

pub(super) fn read(text: &str) -> Result<Schema, Mistakes> {
    let file = RulesFile::new(text);
    if text.len() > RULES_BYTES {
        let bytes = text.len();
        file.note(1, format!("the rules have {bytes} bytes, but the limit is {RULES_BYTES}; shorten the names"));
        return Err(Mistakes(file.into_mistakes()));
    }
    let (root, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let line = file.line(&fault.span().unwrap_or_default());
        let what = fault.message().replace('\n', ", ");
        file.note(line, format!("this is not TOML ({what}); write name = value, [key] or [[column]]"));
    }
    if !faults.is_empty() {
        return Err(Mistakes(file.into_mistakes()));
    }
    let schema = read_root(&file, root.get_ref());
    let mistakes: Vec<Mistake> = file.into_mistakes();
    match schema {
        Some(schema) if mistakes.is_empty() => Ok(schema),
        _ => Err(Mistakes(mistakes)),
    }
}

fn read_root<'d>(file: &'d RulesFile<'d>, root: &'d DeTable<'d>) -> Option<Schema> {
    let mut root = TomlTable::new(file, "the file", root, 1);
    match root.count("version") {
        Some(Located { value: 1, .. }) => {}
        Some(Located { value, line }) => {
            file.note(line, format!("this loader knows version 1 of the rules, not {value}; write version = 1"));
        }
        None if root.line_of("version").is_none() => {
            file.note(1, "version is missing; write version = 1 at the top of the file");
        }
        None => {}
    }
    let modes = [("replace", Mode::Replace), ("merge", Mode::Merge), ("add", Mode::Add)];
    let mode = match root.one_of("mode", &modes) {
        None if root.line_of("mode").is_some() => None,
        mode => Some(mode.map_or(Mode::default(), |mode| mode.value)),
    };
    let compare = root.flag("compare").unwrap_or(true);
    let consistent_reads = root.flag("consistent_reads").unwrap_or(true);
    let provenance = root.flag("provenance").unwrap_or_default();
    let duplicates = [("reject", Duplicates::Reject), ("last", Duplicates::Last), ("first", Duplicates::First)];
    let duplicates = root.one_of("duplicates", &duplicates);
    let key_case = root.one_of("key_case", &[("folds", KeyCase::Folds), ("matters", KeyCase::Matters)]);
    let unknown_columns =
        [("keep", UnknownColumns::Keep), ("ignore", UnknownColumns::Ignore), ("reject", UnknownColumns::Reject)];
    let unknown_columns = root.one_of("unknown_columns", &unknown_columns);
    let sheet = root.filled_text("sheet").map(|sheet| sheet.value.to_string());
    let encoding = read_encoding(file, &mut root);
    let expect_every = read_every(file, &mut root);

    let key = root.table("key", "[key]");
    if key.is_none() && root.line_of("key").is_none() {
        file.note(
            1,
            "[key] is missing; write [key] and below it partition = \"…\", the column that identifies an item",
        );
    }
    let tables = root.tables("column", "a [[column]]");
    if tables.is_empty() && root.line_of("column").is_none() {
        file.note(1, "there is no [[column]]; write one for each column of the sheet");
    }
    let columns: Vec<ReadColumn> = tables.into_iter().map(|table| read_column(file, table)).collect();
    check_names(file, &columns);
    let key = key.and_then(|key| read_key(file, key, &columns));
    let context = Context { columns: &columns, key: key.as_ref(), mode, compare };
    check_kept(file, &context);
    if provenance {
        check_provenance(file, &context, root.line_of("key").unwrap_or(1));
    }
    let sync = root.table("sync", "[sync]").and_then(|table| read_sync(file, table, &context));
    let totals = root.table("totals", "[totals]").map(|table| read_totals(file, table, &context)).unwrap_or_default();
    let gates = root.table("gates", "[gates]").map(|table| read_gates(file, table, &totals)).unwrap_or_default();
    let document_words =
        root.table("document", "[document]").map(|table| read_document(file, table)).unwrap_or_default();
    let price = root.table("price", "[price]").map(|table| read_price(file, table)).unwrap_or_default();
    root.finish();
    Some(Schema {
        version: 1,
        mode: mode.unwrap_or_default(),
        compare,
        consistent_reads,
        provenance,
        duplicates: duplicates.map(|given| given.value).unwrap_or_default(),
        key_case: key_case.map(|given| given.value).unwrap_or_default(),
        unknown_columns: unknown_columns.map(|given| given.value).unwrap_or_default(),
        sheet,
        encoding,
        expect_every,
        key: key?,
        sync,
        gates,
        document: document_words,
        totals,
        price,
        columns: columns.into_iter().map(|column| column.rules).collect(),
        names: Default::default(),
    })
}

fn read_encoding<'d>(file: &'d RulesFile<'d>, root: &mut TomlTable<'d>) -> Option<TextEncoding> {
    let Located { value, line } = root.filled_text("encoding")?;
    let encoding = TextEncoding::of(value);
    if encoding.is_none() {
        let sentence = format!(
            "encoding \"{value}\" is not known; write one such as windows-1250, windows-1251, shift_jis, gb18030, big5 or euc-kr"
        );
        file.note(line, sentence);
    }
    encoding
}

/// Checks that each column has its own name and no header matches two columns.
fn check_names(file: &RulesFile, columns: &[ReadColumn]) {
    let mut lines: HashMap<&str, usize> = HashMap::new();
    for column in columns.iter().filter(|column| !column.rules.name.is_empty()) {
        let name = column.rules.name.as_str();
        if let Some(first) = lines.insert(name, column.name_line) {
            let sentence = format!("another column, in line {first}, is called \"{name}\" too; give each its own name");
            file.note(column.name_line, sentence);
        }
    }
    let rules: Vec<Column> = columns.iter().map(|column| column.rules.clone()).collect();
    for Clash { name, first, second } in HeaderNames::of(&rules).1 {
        let (first, column) = (&columns[first], &columns[second]);
        if first.rules.name == column.rules.name {
            continue;
        }
        let given = column.names.iter().find(|given| given.value == name);
        let sentence = format!(
            "columns \"{}\" and \"{}\" both have the header \"{name}\"; remove it from one of them",
            first.rules.name, column.rules.name
        );
        file.note(given.map_or(column.name_line, |given| given.line), sentence);
    }
}

fn read_key<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>, columns: &[ReadColumn]) -> Option<Key> {
    if table.line_of("partition").is_none() {
        file.note(table.line, "partition is missing; write partition = \"…\", the column that identifies an item");
    }
    let partition = read_part(file, &mut table, "partition", columns);
    let sort = read_part(file, &mut table, "sort", columns);
    if let (Some(partition), Some(sort)) = (&partition, &sort)
        && partition.attribute() == sort.attribute()
    {
        let line = table.line_of("sort").unwrap_or(table.line);
        file.note(line, "sort is the same as partition; name another column, or remove sort");
    }
    table.finish();
    Some(Key { partition: partition?, sort })
}

/// Checks columns with `empty = "keep"`: the value in the table must be known, and the column must not be part of the
/// key.
fn check_kept(file: &RulesFile, context: &Context) {
    for column in context.columns.iter().filter(|column| column.rules.empty == WhenEmpty::Keep) {
        let name = &column.rules.name;
        let sentence = if context.key.is_some_and(|key| key.columns().any(|part| part == name)) {
            format!("column \"{name}\" is part of the key, which every row must have; remove empty = \"keep\"")
        } else if column.rules.required {
            "required and empty = \"keep\" contradict each other: a required cell is never empty, so nothing would be \
             kept; remove one of them"
                .to_string()
        } else if context.mode == Some(Mode::Replace) && !context.compare {
            "empty = \"keep\" needs the values in the table, but with compare = false they are not read; remove \
             compare = false, or write mode = \"merge\""
                .to_string()
        } else {
            continue;
        };
        file.note(column.empty_line, sentence);
    }
}

/// Checks that the attributes the loader writes itself are neither columns nor key attributes.
fn check_provenance(file: &RulesFile, context: &Context, key_line: usize) {
    let columns = context.columns.iter().map(|column| (column.rules.name.as_str(), column.name_line, "the column"));
    let composite = |part: &&KeyPart| matches!(part, KeyPart::Composite { .. });
    let parts = context.key.into_iter().flat_map(Key::parts).filter(composite);
    let parts = parts.map(|part| (part.attribute(), key_line, "the key"));
    for (name, line, what) in columns.chain(parts).filter(|(name, ..)| PROVENANCE.contains(name)) {
        let sentence =
            format!("provenance = true already writes \"{name}\"; give {what} another name, or remove provenance");
        file.note(line, sentence);
    }
}

/// `"sku"`, or `{ name = "pk", from = "{warehouse}#{sku}" }`.
fn read_part<'d>(
    file: &'d RulesFile<'d>,
    table: &mut TomlTable<'d>,
    part: &'static str,
    columns: &[ReadColumn],
) -> Option<KeyPart> {
    let (given, found) = table.value(part)?;
    let line = given.line;
    if let Some(name) = given.value.as_str() {
        let column = find_column(file, line, "the key", name, columns)?;
        check_required(file, column);
        if column.rules.kind.key_kind().is_none() {
            let kind = column.rules.kind.name;
            file.note(line, format!("column \"{name}\" is a {kind}, but a key can't be one; make it a text"));
        }
        return Some(KeyPart::Column(name.to_string()));
    }
    let Some(entries) = given.value.as_table() else {
        let form = "a column, or { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        file.note(line, format!("{part} is {found}, but should be {form}"));
        return None;
    };
    let mut composite = TomlTable::new(file, "a key of several columns", entries, line);
    let (name, from) = (composite.filled_text("name"), composite.text("from"));
    for missing in ["name", "from"].into_iter().filter(|setting| composite.line_of(setting).is_none()) {
        file.note(
            line,
            format!("{missing} is missing; write {part} = {{ name = \"pk\", from = \"{{warehouse}}#{{sku}}\" }}"),
        );
    }
    composite.finish();
    let (name, from) = (name?, from?);
    if columns.iter().any(|column| column.rules.name == name.value) {
        let name = name.value;
        file.note(line, format!("\"{name}\" is also a column; give the composite key another name"));
    }
    match Template::new(from.value) {
        Err(error) => {
            file.note(from.line, format!("from = \"{}\" {error}", from.value));
            None
        }
        Ok(template) => {
            for (column, separator) in template.separators() {
                let Some(column) = find_column(file, from.line, "the key", column, columns) else {
                    continue;
                };
                check_composed(file, from.line, column, separator);
            }
            Some(KeyPart::Composite { name: name.value.to_string(), from: template })
        }
    }
}

fn check_required(file: &RulesFile, column: &ReadColumn) {
    if !column.rules.required {
        let name = &column.rules.name;
        file.note(column.name_line, format!("column \"{name}\" is part of the key; write required = true"));
    }
}

/// Checks that a column of a composite key is a text whose type rules out the separator.
fn check_composed(file: &RulesFile, line: usize, column: &ReadColumn, separator: Option<char>) {
    check_required(file, column);
    let rules = &column.rules;
    let name = &rules.name;
    if rules.kind.stored_as != StoredAs::Text {
        let kind = rules.kind.name;
        let sentence = format!("column \"{name}\" is {kind}, but a key is composed of texts; make it a text");
        file.note(line, sentence);
    } else if let Some(sentence) = separator.and_then(|separator| (rules.kind.explain_separator)(rules, separator)) {
        file.note(line, sentence);
    }
}
