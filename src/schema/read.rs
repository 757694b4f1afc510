//! `inventory.toml` -> `Schema`, or all that is wrong with the file.

use std::collections::HashMap;

use toml::de::DeTable;

use super::document::{Document, Given, Table};
use super::key::{Key, KeyPart, Template};
use super::mistake::{Mistake, Mistakes, nearest};
use super::names::{Clash, Names};
use super::read_column::{ReadColumn, read_column};
use super::{Column, Duplicates, Kind, Mode, Schema, UnknownColumns};

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
    const LATER: &str = "comes with a later version of the loader; write mode = \"replace\", or leave the line out";
    let mode = root.one_of("mode", &[("replace", Mode::Replace)], &[("merge", LATER), ("add", LATER)]);
    let duplicates = [("reject", Duplicates::Reject), ("last", Duplicates::Last), ("first", Duplicates::First)];
    let duplicates = root.one_of("duplicates", &duplicates, &[]);
    let unknown_columns =
        [("keep", UnknownColumns::Keep), ("ignore", UnknownColumns::Ignore), ("reject", UnknownColumns::Reject)];
    let unknown_columns = root.one_of("unknown_columns", &unknown_columns, &[]);
    let sheet = root.filled_text("sheet").map(|sheet| sheet.value.to_string());

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
    root.finish();
    Some(Schema {
        version: 1,
        mode: mode.map(|given| given.value).unwrap_or_default(),
        duplicates: duplicates.map(|given| given.value).unwrap_or_default(),
        unknown_columns: unknown_columns.map(|given| given.value).unwrap_or_default(),
        sheet,
        compare: true,
        provenance: false,
        sync: None,
        gates: Default::default(),
        totals: Default::default(),
        price: Default::default(),
        key: key?,
        columns: columns.into_iter().map(|column| column.rules).collect(),
        names: Default::default(),
    })
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
        let column = find_column(document, line, name, columns)?;
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
                let Some(column) = find_column(document, from.line, column, columns) else { continue };
                check_composed(document, from.line, column, sign);
            }
            Some(KeyPart::Composite { name: name.value.to_string(), from: template })
        }
    }
}

fn find_column<'c>(document: &Document, line: usize, name: &str, columns: &'c [ReadColumn]) -> Option<&'c ReadColumn> {
    let found = columns.iter().find(|column| column.rules.name == name);
    if found.is_none() {
        let names = columns.iter().map(|column| column.rules.name.as_str()).filter(|name| !name.is_empty());
        let meant = match nearest(name, names) {
            Some(meant) => format!("write \"{meant}\""),
            None => "add a [[column]] with that name, or name another one".to_string(),
        };
        document.note(line, format!("the key needs a column \"{name}\", and there is none; {meant}"));
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
