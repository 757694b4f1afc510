//! Reads `expect_every`, `[sync]`, `[totals]` and `[price]` of `inventory.toml` and checks them against the rest.

use super::key::{Key, KeyPart};
use super::mistake::join_with_or;
use super::read_column::{ReadColumn, check_header_pattern, find_column, read_value};
use super::rules_file::{Located, RulesFile, TomlTable};
use super::{
    DISCONTINUED, DocumentHeaders, Interval, Missing, Mode, Price, Scope, StoredAs, Sync, TYPES, Totals, WhenEmpty,
};
use inventory_base::decimal::Decimal;

/// The scope that isn't a column.
const WHOLE_TABLE: &str = "table";

/// The settings that these tables are checked against.
pub(super) struct Context<'a> {
    pub columns: &'a [ReadColumn],
    /// `None` if it has a mistake.
    pub key: Option<&'a Key>,
    /// `None` if it has a mistake.
    pub mode: Option<Mode>,
    pub compare: bool,
}

impl Context<'_> {
    /// Checks that the column groups items, so it must not be unique for each of them.
    fn check_groups(&self, file: &RulesFile, line: usize, setting: &str, column: &ReadColumn) {
        let rules = &column.rules;
        let name = rules.name.as_str();
        let is_the_key = |key: &Key| key.columns().eq([name]);
        if rules.unique || rules.kind.identifies(false) || self.key.is_some_and(is_the_key) {
            let sentence = format!(
                "{setting} is column \"{name}\", which identifies a single item; name a column that items share, such as \
                 the warehouse"
            );
            file.note(line, sentence);
        }
    }
}

pub(super) fn read_every<'d>(file: &'d RulesFile<'d>, root: &mut TomlTable<'d>) -> Option<Interval> {
    let Located { value: written, line } = root.text("expect_every")?;
    let every = Interval::parse(written);
    if every.is_none() {
        file.note(line, format!("expect_every is \"{written}\", but should be {}", Interval::EXPECTED));
    }
    every
}

pub(super) fn read_sync<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>, context: &Context) -> Option<Sync> {
    if !context.compare {
        let sentence =
            "[sync] needs the items in the table, but with compare = false they are not read; remove one of them";
        file.note(table.line, sentence);
    }
    let words = [("report", Missing::Report), ("mark", Missing::Mark), ("delete", Missing::Delete)];
    let missing = table.one_of("missing", &words.map(|(word, missing)| (word, (word, missing))));
    if table.line_of("missing").is_none() {
        file.note(table.line, "[sync] doesn't say what happens to missing items; write missing = \"report\"");
    }
    if let Some(Located { value: (word, missing), line }) = missing {
        check_missing(file, line, word, missing, context);
    }
    let scope = read_scope(file, &mut table, context);
    if table.line_of("scope").is_none() {
        let sentence = "[sync] doesn't say which items a sheet covers; write scope = \"table\" for all, or a column \
                        such as scope = \"warehouse\"";
        file.note(table.line, sentence);
    }
    table.finish();
    Some(Sync { missing: missing?.value.1, scope: scope? })
}

fn check_missing(file: &RulesFile, line: usize, word: &str, missing: Missing, context: &Context) {
    if context.mode == Some(Mode::Add) && missing != Missing::Report {
        let sentence = format!(
            "missing = \"{word}\" and mode = \"add\" contradict each other: add leaves existing items unchanged; write \
             missing = \"report\", or another mode"
        );
        file.note(line, sentence);
    }
    if missing != Missing::Mark {
        return;
    }
    let other_kind = |column: &&ReadColumn| column.is_typed && column.rules.kind.stored_as != StoredAs::Boolean;
    if let Some(column) = context.columns.iter().filter(other_kind).find(|column| column.rules.name == DISCONTINUED) {
        let kind = column.rules.kind.name;
        let sentence = format!(
            "missing = \"mark\" sets {DISCONTINUED} to true, but column \"{DISCONTINUED}\" is {kind}; make it a boolean"
        );
        file.note(line, sentence);
    }
    let composed = |part: &KeyPart| matches!(part, KeyPart::Composite { name, .. } if name == DISCONTINUED);
    if context.key.is_some_and(|key| key.parts().any(composed)) {
        let sentence = format!(
            "missing = \"mark\" sets {DISCONTINUED} to true, but that is the name of the key; give the key another name"
        );
        file.note(line, sentence);
    }
}

/// `"table"`, `"warehouse"`, or `{ warehouse = "Leeds" }`.
fn read_scope<'d>(file: &'d RulesFile<'d>, table: &mut TomlTable<'d>, context: &Context) -> Option<Scope> {
    let (given, found) = table.value("scope")?;
    let line = given.line;
    if given.value.as_str() == Some(WHOLE_TABLE) {
        if context.columns.iter().any(|column| column.rules.name == WHOLE_TABLE) {
            let sentence = "scope = \"table\" means all items, but there is also a column \"table\"; rename the column";
            file.note(line, sentence);
        }
        return Some(Scope::Table);
    }
    if let Some(name) = given.value.as_str() {
        find_scope(file, line, name, context)?;
        return Some(Scope::Column(name.to_string()));
    }
    let mut only = given.value.as_table().map(|entries| TomlTable::new(file, "scope", entries, line));
    let names: Vec<&str> = only.iter().flat_map(TomlTable::names).collect();
    let (Some(only), [name]) = (&mut only, names.as_slice()) else {
        let sentence = format!(
            "scope is {found}, but should be \"table\", a column such as \"warehouse\", or one value of a column such as \
             {{ warehouse = \"Leeds\" }}"
        );
        file.note(line, sentence);
        return None;
    };
    let column = find_scope(file, line, name, context)?;
    let (given, found) = only.value(name)?;
    match read_value(given.value, &column.rules) {
        Ok(value) => Some(Scope::Only { column: name.to_string(), value }),
        // Such a column can't be a scope, or its type has a mistake; that is reported already.
        Err(_) if column.rules.kind.identifies(false) || !column.is_typed => None,
        Err(expected) => {
            file.note(given.line, format!("{name} is {found}, but should be {expected}"));
            None
        }
    }
}

/// Finds a column that every item has, so that each belongs to one scope.
fn find_scope<'c>(file: &RulesFile, line: usize, name: &str, context: &Context<'c>) -> Option<&'c ReadColumn> {
    let column = find_column(file, line, "scope", name, context.columns)?;
    context.check_groups(file, line, "scope", column);
    if !column.rules.required && !matches!(column.rules.empty, WhenEmpty::Default(_)) {
        let sentence =
            format!("column \"{name}\" is the scope of [sync], so every row must have it; write required = true");
        file.note(column.name_line, sentence);
    }
    Some(column)
}

pub(super) fn read_totals<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>, context: &Context) -> Totals {
    let quantity = read_number_column(file, &mut table, "quantity", context);
    let price = read_number_column(file, &mut table, "price", context);
    let per = table.filled_text("per");
    if let Some(Located { value: name, line }) = per
        && let Some(column) = find_column(file, line, "per", name, context.columns)
    {
        context.check_groups(file, line, "per", column);
    }
    let read_back = table.flag("read_back").unwrap_or(quantity.is_some() || price.is_some());
    table.finish();
    Totals { quantity, price, per: per.map(|per| per.value.to_string()), read_back }
}

/// Returns the name even if it has a mistake, so that settings that depend on it are not reported as well.
fn read_number_column<'d>(
    file: &'d RulesFile<'d>,
    table: &mut TomlTable<'d>,
    setting: &'static str,
    context: &Context,
) -> Option<String> {
    let Located { value: name, line } = table.filled_text(setting)?;
    if let Some(column) = find_column(file, line, setting, name, context.columns)
        && column.is_typed
        && !column.rules.kind.is_number()
    {
        let kind = column.rules.kind.name;
        let numbers = join_with_or(TYPES.iter().filter(|known| known.is_number()).map(|known| known.name));
        let sentence = format!("{setting} is column \"{name}\", which is {kind}; name one of type {numbers}");
        file.note(line, sentence);
    }
    Some(name.to_string())
}

pub(super) fn read_document<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>) -> DocumentHeaders {
    let usual = DocumentHeaders::default();
    let mut words = |setting, usual| {
        let words = table.texts(setting);
        words.iter().for_each(|words| check_header_pattern(file, words));
        let given = table.line_of(setting).map(|_| words.iter().map(|words| words.value.to_string()).collect());
        given.unwrap_or(usual)
    };
    let (numbers, quantities) = (words("numbers", usual.numbers), words("quantities", usual.quantities));
    table.finish();
    DocumentHeaders { numbers, quantities }
}

pub(super) fn read_price<'d>(file: &'d RulesFile<'d>, mut table: TomlTable<'d>) -> Price {
    let usual = Price::default();
    let [write, read] = ["write", "read"].map(|setting| {
        let Located { value, line } = table.number(setting)?;
        if value < Decimal::ZERO {
            file.note(line, format!("{setting} is {value}, but should be 0 or more"));
        }
        Some(value)
    });
    let currency = table.filled_text("currency");
    if let Some(Located { value: written, line }) = currency {
        if written.len() != 3 || !written.bytes().all(|byte| byte.is_ascii_uppercase()) {
            file.note(
                line,
                format!("currency is \"{written}\", but should be three capital letters, such as USD or EUR"),
            );
        } else if written != usual.currency && (write.is_none() || read.is_none()) {
            let sentence = format!(
                "the loader only knows prices in {}; write both write = … and read = …, the price of a million \
                 units in {written}",
                usual.currency
            );
            file.note(line, sentence);
        }
    }
    table.finish();
    Price {
        write: write.unwrap_or(usual.write),
        read: read.unwrap_or(usual.read),
        currency: currency.map_or(usual.currency, |currency| currency.value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use inventory_base::item::Value;

    fn with(settings: &str) -> Result<Schema, String> {
        let rules = format!(
            "version = 1\n{settings}\n[key]\npartition = {{ name = \"pk\", from = \"{{site}}#{{sku}}\" }}\n\
             [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
             [[column]]\nname = \"site\"\ntype = \"choice\"\nchoices = [\"Leeds\", \"York\"]\nrequired = true\n\
             [[column]]\nname = \"lot\"\ntype = \"integer\"\nunique = true\n\
             [[column]]\nname = \"count\"\ntype = \"integer\"\n[[column]]\nname = \"cost\"\ntype = \"money\"\n"
        );
        Schema::from_toml(&rules).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_scope_is_the_table_a_column_or_one_value_of_a_column() {
        let scope = |scope: &str| with(&format!("[sync]\nmissing = \"delete\"\nscope = {scope}"));
        let found = |given: &str| scope(given).unwrap().sync.unwrap();
        assert_eq!(found("\"table\""), Sync { missing: Missing::Delete, scope: Scope::Table });
        assert_eq!(found("\"site\"").scope, Scope::Column("site".into()));
        let leeds = Scope::Only { column: "site".into(), value: Value::S("Leeds".into()) };
        assert_eq!(found("{ site = \"Leeds\" }").scope, leeds);
        for (given, expected) in [
            ("{ site = \"leeds\" }", "site is \"leeds\", but should be one of choices"),
            ("{ site = \"Leeds\", sku = \"A\" }", "should be \"table\", a column"),
            ("{}", "should be \"table\", a column"),
            ("\"lot\"", "identifies a single item"),
        ] {
            let mistakes = scope(given).unwrap_err();
            assert!(mistakes.starts_with("line 4: ") && mistakes.contains(expected), "{given}: {mistakes}");
        }
    }

    #[test]
    fn expect_every_is_a_number_of_days_weeks_or_months() {
        assert_eq!(with("").unwrap().expect_every, None);
        assert_eq!(with("expect_every = \"3 months\"").unwrap().expect_every, Interval::parse("3 months"));
        let expected = "line 2: expect_every is \"100 dais\", but should be a number of days, weeks or months, such as \"100 days\"";
        assert_eq!(with("expect_every = \"100 dais\"").unwrap_err(), expected);
        assert!(
            with("expect_every = 100").unwrap_err().starts_with("line 2: expect_every is 100, but should be a text")
        );
    }

    #[test]
    fn attributes_the_loader_writes_cannot_be_part_of_the_key() {
        let rules = "version = 1\n[sync]\nmissing = \"mark\"\nscope = \"table\"\n[key]\npartition = \"sku\"\n\
                     sort = { name = \"discontinued\", from = \"#{sku}\" }\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n";
        let mistakes = Schema::from_toml(rules).unwrap_err().to_string();
        assert!(mistakes.starts_with("line 3: ") && mistakes.contains("that is the name of the key"), "{mistakes}");
        let mistakes = Schema::from_toml(
            &rules.replace("discontinued", "loaded_by").replace("[sync]", "provenance = true\n[sync]"),
        );
        let mistakes = mistakes.unwrap_err().to_string();
        assert!(mistakes.contains("already writes \"loaded_by\"; give the key another name"), "{mistakes}");
    }

    #[test]
    fn totals_with_a_sum_are_read_back_unless_turned_off() {
        let read_back = |settings: &str| with(settings).unwrap().totals.read_back;
        assert!(!read_back(""));
        assert!(!read_back("[totals]\nper = \"site\""));
        assert!(read_back("[totals]\nquantity = \"count\""));
        assert!(read_back("[totals]\nprice = \"cost\""));
        assert!(!read_back("[totals]\nquantity = \"count\"\nread_back = false"));
    }

    #[test]
    fn one_mistake_does_not_cause_others() {
        for settings in [
            "mode = \"relpace\"\n[sync]\nmissing = \"mark\"\nscope = \"table\"",
            "[totals]\nquantity = \"cuont\"\n[gates]\nzero_percent = 5",
        ] {
            let mistakes = with(settings).unwrap_err();
            assert_eq!(mistakes.matches("line ").count(), 1, "{mistakes}");
        }
        let rules = "version = 1\n[sync]\nmissing = \"mark\"\nscope = { discontinued = true }\n\
                     [totals]\nquantity = \"discontinued\"\n[key]\npartition = \"sku\"\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n\
                     [[column]]\nname = \"discontinued\"\ntype = \"boolaen\"\nrequired = true\n";
        let mistakes = Schema::from_toml(rules).unwrap_err().to_string();
        assert_eq!(mistakes, "line 15: boolean is misspelt as \"boolaen\"; write type = \"boolean\"");
    }
}
