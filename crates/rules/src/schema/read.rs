//! `inventory.toml` -> `Schema`, or all that is wrong with the file.

use std::collections::HashMap;

use toml::de::DeTable;

use super::document::{Document, Given, Table};
use super::key::{Key, KeyPart, Template};
use super::mistake::{Mistake, Mistakes, nearest};
use super::names::{Clash, Names};
use super::read_column::{ReadColumn, read_column};
use super::read_policy::{Around, read_document, read_every, read_gates, read_price, read_sync, read_totals};
use super::{Column, Duplicates, KeyCase, Kind, Mode, PROVENANCE, Schema, TextEncoding, UnknownColumns, WhenEmpty};

/// The rules travel to the reading child as a word of its command line, which may have 128 KB.
const RULES_BYTES: usize = 64 * 1024;

pub(super) fn read(text: &str) -> Result<Schema, Mistakes> {
    let document = Document::new(text);
    if text.len() > RULES_BYTES {
        let bytes = text.len();
        document
            .note(1, format!("the rules have {bytes} bytes, and at most {RULES_BYTES} are read; shorten the names"));
        return Err(Mistakes(document.into_mistakes()));
    }
    let (root, faults) = DeTable::parse_recoverable(text);
    for fault in &faults {
        let line = document.line(&fault.span().unwrap_or_default());
        let what = fault.message().replace('\n', ", ");
        document.note(line, format!("this is not TOML ({what}); write name = value, [key] or [[column]]"));
    }
    if !faults.is_empty() {
        return Err(Mistakes(document.into_mistakes()));
    }
    let schema = read_root(&document, root.get_ref());
    let mistakes: Vec<Mistake> = document.into_mistakes();
    match schema {
        Some(schema) if mistakes.is_empty() => Ok(schema),
        _ => Err(Mistakes(mistakes)),
    }
}

fn read_root<'d>(document: &'d Document<'d>, root: &'d DeTable<'d>) -> Option<Schema> {
    let mut root = Table::new(document, "the file", root, 1);
    match root.count("version") {
        Some(Given { value: 1, .. }) => {}
        Some(Given { value, line }) => {
            document.note(line, format!("this loader knows version 1 of the rules, not {value}; write version = 1"));
        }
        None if root.line_of("version").is_none() => {
            document.note(1, "version is missing; write version = 1 at the top of the file");
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
    let encoding = read_encoding(document, &mut root);
    let expect_every = read_every(document, &mut root);

    let key = root.table("key", "[key]");
    if key.is_none() && root.line_of("key").is_none() {
        document.note(1, "[key] is missing; write [key] and below it partition = \"…\", the column that names an item");
    }
    let tables = root.tables("column", "a [[column]]");
    if tables.is_empty() && root.line_of("column").is_none() {
        document.note(1, "there is no [[column]]; write one for each column of the sheet");
    }
    let columns: Vec<ReadColumn> = tables.into_iter().map(|table| read_column(document, table)).collect();
    check_names(document, &columns);
    let key = key.and_then(|key| read_key(document, key, &columns));
    let around = Around { columns: &columns, key: key.as_ref(), mode, compare };
    check_kept(document, &around);
    if provenance {
        check_provenance(document, &around, root.line_of("key").unwrap_or(1));
    }
    let sync = root.table("sync", "[sync]").and_then(|table| read_sync(document, table, &around));
    let totals =
        root.table("totals", "[totals]").map(|table| read_totals(document, table, &around)).unwrap_or_default();
    let gates = root.table("gates", "[gates]").map(|table| read_gates(document, table, &totals)).unwrap_or_default();
    let document_words =
        root.table("document", "[document]").map(|table| read_document(document, table)).unwrap_or_default();
    let price = root.table("price", "[price]").map(|table| read_price(document, table)).unwrap_or_default();
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

fn read_encoding<'d>(document: &'d Document<'d>, root: &mut Table<'d>) -> Option<TextEncoding> {
    let Given { value, line } = root.filled_text("encoding")?;
    let encoding = TextEncoding::of(value);
    if encoding.is_none() {
        let sentence = format!(
            "encoding \"{value}\" is not known; write one such as windows-1250, windows-1251, shift_jis, gb18030, big5 or euc-kr"
        );
        document.note(line, sentence);
    }
    encoding
}

/// Each column needs a name of its own, and no two may be found under the same header.
fn check_names(document: &Document, columns: &[ReadColumn]) {
    let mut lines: HashMap<&str, usize> = HashMap::new();
    for column in columns.iter().filter(|column| !column.rules.name.is_empty()) {
        let name = column.rules.name.as_str();
        if let Some(first) = lines.insert(name, column.name_line) {
            let sentence = format!("another column, in line {first}, is called \"{name}\" too; give each its own name");
            document.note(column.name_line, sentence);
        }
    }
    let rules: Vec<Column> = columns.iter().map(|column| column.rules.clone()).collect();
    for Clash { name, first, second } in Names::of(&rules).1 {
        let (first, column) = (&columns[first], &columns[second]);
        if first.rules.name == column.rules.name {
            continue;
        }
        let given = column.names.iter().find(|given| given.value == name);
        let sentence = format!(
            "columns \"{}\" and \"{}\" are both found under the header \"{name}\"; take it out of one of them",
            first.rules.name, column.rules.name
        );
        document.note(given.map_or(column.name_line, |given| given.line), sentence);
    }
}

fn read_key<'d>(document: &'d Document<'d>, mut table: Table<'d>, columns: &[ReadColumn]) -> Option<Key> {
    if table.line_of("partition").is_none() {
        document.note(table.line, "partition is missing; write partition = \"…\", the column that names an item");
    }
    let partition = read_part(document, &mut table, "partition", columns);
    let sort = read_part(document, &mut table, "sort", columns);
    if let (Some(partition), Some(sort)) = (&partition, &sort)
        && partition.attribute() == sort.attribute()
    {
        let line = table.line_of("sort").unwrap_or(table.line);
        document.note(line, "sort is the same as partition; name another column, or leave sort out");
    }
    table.finish();
    Some(Key { partition: partition?, sort })
}

/// Where an empty cell keeps what the table has, that must be known, and be no part of what the item is found by.
fn check_kept(document: &Document, around: &Around) {
    for column in around.columns.iter().filter(|column| column.rules.empty == WhenEmpty::Keep) {
        let name = &column.rules.name;
        let sentence = if around.key.is_some_and(|key| key.columns().any(|part| part == name)) {
            format!("column \"{name}\" is part of the key, which every row must have; take empty = \"keep\" out")
        } else if column.rules.required {
            "required and empty = \"keep\" contradict each other: a required cell is never empty, so nothing would be kept; \
             take one of them out"
                .to_string()
        } else if around.mode == Some(Mode::Replace) && !around.compare {
            "empty = \"keep\" needs to know what the table has, and with compare = false nobody looks; take compare = false \
             out, or write mode = \"merge\""
                .to_string()
        } else {
            continue;
        };
        document.note(column.empty_line, sentence);
    }
}

/// What the loader writes by itself is no column and no part of the key.
fn check_provenance(document: &Document, around: &Around, key_line: usize) {
    let columns = around.columns.iter().map(|column| (column.rules.name.as_str(), column.name_line, "the column"));
    let composite = |part: &&KeyPart| matches!(part, KeyPart::Composite { .. });
    let parts = around.key.into_iter().flat_map(Key::parts).filter(composite);
    let parts = parts.map(|part| (part.attribute(), key_line, "the key"));
    for (name, line, what) in columns.chain(parts).filter(|(name, ..)| PROVENANCE.contains(name)) {
        let sentence =
            format!("provenance = true writes \"{name}\" itself; give {what} another name, or take provenance out");
        document.note(line, sentence);
    }
}

/// `"sku"`, or `{ name = "pk", from = "{warehouse}#{sku}" }`.
fn read_part<'d>(
    document: &'d Document<'d>,
    table: &mut Table<'d>,
    part: &'static str,
    columns: &[ReadColumn],
) -> Option<KeyPart> {
    let (given, found) = table.value(part)?;
    let line = given.line;
    if let Some(name) = given.value.as_str() {
        let column = find_column(document, line, "the key", name, columns)?;
        check_required(document, column);
        if column.rules.kind == Kind::Boolean {
            document.note(line, format!("column \"{name}\" is a boolean, which a key cannot be; make it a text"));
        }
        return Some(KeyPart::Column(name.to_string()));
    }
    let Some(entries) = given.value.as_table() else {
        let form = "a column, or { name = \"pk\", from = \"{warehouse}#{sku}\" }";
        document.note(line, format!("{part} is {found} and should be {form}"));
        return None;
    };
    let mut composite = Table::new(document, "a key of several columns", entries, line);
    let (name, from) = (composite.filled_text("name"), composite.text("from"));
    for missing in ["name", "from"].into_iter().filter(|setting| composite.line_of(setting).is_none()) {
        document.note(
            line,
            format!("{missing} is missing; write {part} = {{ name = \"pk\", from = \"{{warehouse}}#{{sku}}\" }}"),
        );
    }
    composite.finish();
    let (name, from) = (name?, from?);
    if columns.iter().any(|column| column.rules.name == name.value) {
        let name = name.value;
        document.note(line, format!("\"{name}\" is a column too; give what is put together a name of its own"));
    }
    match Template::new(from.value) {
        Err(error) => {
            document.note(from.line, format!("from = \"{}\" {error}", from.value));
            None
        }
        Ok(template) => {
            for (column, sign) in template.signs() {
                let Some(column) = find_column(document, from.line, "the key", column, columns) else {
                    continue;
                };
                check_composed(document, from.line, column, sign);
            }
            Some(KeyPart::Composite { name: name.value.to_string(), from: template })
        }
    }
}

pub(super) fn find_column<'c>(
    document: &Document,
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
        document.note(line, format!("{what} needs a column \"{name}\", and there is none; {meant}"));
    }
    found
}

fn check_required(document: &Document, column: &ReadColumn) {
    if !column.rules.required {
        let name = &column.rules.name;
        document.note(column.name_line, format!("column \"{name}\" is part of the key; write required = true"));
    }
}

/// A column in a composite key is a text that cannot have the sign by its nature.
fn check_composed(document: &Document, line: usize, column: &ReadColumn, sign: Option<char>) {
    check_required(document, column);
    let rules = &column.rules;
    let name = &rules.name;
    match rules.kind {
        Kind::Text | Kind::Gtin => {}
        Kind::Date => {
            if let Some(sign @ ('-' | ':')) = sign {
                let sentence =
                    format!("every date has {sign}, so it cannot part {name} from what follows; write # there");
                document.note(line, sentence);
            }
        }
        Kind::Choice => {
            let with_sign = |choice: &&String| sign.is_some_and(|sign| choice.contains(sign));
            if let (Some(sign), Some(choice)) = (sign, rules.choices.iter().find(with_sign)) {
                let sentence =
                    format!("{sign} cannot part {name} from what follows, \"{choice}\" has it; take another sign");
                document.note(line, sentence);
            }
        }
        Kind::Integer | Kind::Decimal | Kind::Money | Kind::Boolean => {
            let kind = rules.kind.name();
            let sentence = format!("column \"{name}\" is {kind}, and a key is put together from texts; make it a text");
            document.note(line, sentence);
        }
    }
}
