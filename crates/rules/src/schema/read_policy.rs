//! `expect_every`, `[sync]`, `[gates]`, `[totals]` and `[price]` of `inventory.toml`, and whether they go with the rest.

use super::document::{Document, Given, Table};
use super::key::{Key, KeyPart};
use super::read::find_column;
use super::read_column::{ReadColumn, check_words, read_value};
use super::{DISCONTINUED, Documents, Every, Gates, Kind, Missing, Mode, Price, Scope, Sync, Totals, WhenEmpty};
use inventory_base::decimal::Decimal;

/// The scope that is no column.
const WHOLE_TABLE: &str = "table";

/// What stands around these tables in the file.
pub(super) struct Around<'a> {
    pub columns: &'a [ReadColumn],
    /// `None` where it has a mistake.
    pub key: Option<&'a Key>,
    /// `None` where it has a mistake.
    pub mode: Option<Mode>,
    pub compare: bool,
}

impl Around<'_> {
    /// Whether the column groups items. Not where each has a value of its own.
    fn check_groups(&self, document: &Document, line: usize, setting: &str, column: &ReadColumn) {
        let rules = &column.rules;
        let name = rules.name.as_str();
        let is_the_key = |key: &Key| key.columns().eq([name]);
        if rules.unique || rules.kind == Kind::Gtin || self.key.is_some_and(is_the_key) {
            let sentence = format!(
                "{setting} is column \"{name}\", which tells each item from all others; name one that items have in \
                 common, such as the warehouse"
            );
            document.note(line, sentence);
        }
    }
}

pub(super) fn read_every<'d>(document: &'d Document<'d>, root: &mut Table<'d>) -> Option<Every> {
    let Given { value: written, line } = root.text("expect_every")?;
    let every = Every::parse(written);
    if every.is_none() {
        document.note(line, format!("expect_every is \"{written}\" and should be {}", Every::EXPECTED));
    }
    every
}

pub(super) fn read_sync<'d>(document: &'d Document<'d>, mut table: Table<'d>, around: &Around) -> Option<Sync> {
    if !around.compare {
        let sentence =
            "[sync] needs to know what the table has, and with compare = false nobody looks; take one of them out";
        document.note(table.line, sentence);
    }
    let words = [("report", Missing::Report), ("mark", Missing::Mark), ("delete", Missing::Delete)];
    let missing = table.one_of("missing", &words.map(|(word, missing)| (word, (word, missing))));
    if table.line_of("missing").is_none() {
        document.note(table.line, "[sync] does not say what becomes of missing items; write missing = \"report\"");
    }
    if let Some(Given { value: (word, missing), line }) = missing {
        check_missing(document, line, word, missing, around);
    }
    let scope = read_scope(document, &mut table, around);
    if table.line_of("scope").is_none() {
        let sentence = "[sync] does not say which items a sheet speaks for; write scope = \"table\" for all, or a column \
                        such as scope = \"warehouse\"";
        document.note(table.line, sentence);
    }
    table.finish();
    Some(Sync { missing: missing?.value.1, scope: scope? })
}

fn check_missing(document: &Document, line: usize, word: &str, missing: Missing, around: &Around) {
    if around.mode == Some(Mode::Add) && missing != Missing::Report {
        let sentence = format!(
            "missing = \"{word}\" and mode = \"add\" contradict each other: to add leaves alone what is there; write \
             missing = \"report\", or another mode"
        );
        document.note(line, sentence);
    }
    if missing != Missing::Mark {
        return;
    }
    let other_kind = |column: &&ReadColumn| column.is_typed && column.rules.kind != Kind::Boolean;
    if let Some(column) = around.columns.iter().filter(other_kind).find(|column| column.rules.name == DISCONTINUED) {
        let kind = column.rules.kind.name();
        let sentence = format!(
            "missing = \"mark\" sets {DISCONTINUED} to true, and column \"{DISCONTINUED}\" is {kind}; make it a boolean"
        );
        document.note(line, sentence);
    }
    let composed = |part: &KeyPart| matches!(part, KeyPart::Composite { name, .. } if name == DISCONTINUED);
    if around.key.is_some_and(|key| key.parts().any(composed)) {
        let sentence =
            format!("missing = \"mark\" sets {DISCONTINUED} to true, and the key is called so; give it another name");
        document.note(line, sentence);
    }
}

/// `"table"`, `"warehouse"`, or `{ warehouse = "Leeds" }`.
fn read_scope<'d>(document: &'d Document<'d>, table: &mut Table<'d>, around: &Around) -> Option<Scope> {
    let (given, found) = table.value("scope")?;
    let line = given.line;
    if given.value.as_str() == Some(WHOLE_TABLE) {
        if around.columns.iter().any(|column| column.rules.name == WHOLE_TABLE) {
            let sentence = "scope = \"table\" is all items, and there is a column \"table\" too; give it another name";
            document.note(line, sentence);
        }
        return Some(Scope::Table);
    }
    if let Some(name) = given.value.as_str() {
        find_scope(document, line, name, around)?;
        return Some(Scope::Column(name.to_string()));
    }
    let mut only = given.value.as_table().map(|entries| Table::new(document, "scope", entries, line));
    let names: Vec<&str> = only.iter().flat_map(Table::names).collect();
    let (Some(only), [name]) = (&mut only, names.as_slice()) else {
        let sentence = format!(
            "scope is {found} and should be \"table\", a column such as \"warehouse\", or one value of a column such as \
             {{ warehouse = \"Leeds\" }}"
        );
        document.note(line, sentence);
        return None;
    };
    let column = find_scope(document, line, name, around)?;
    let (given, found) = only.value(name)?;
    match read_value(given.value, &column.rules) {
        Ok(value) => Some(Scope::Only { column: name.to_string(), value }),
        // Such a column is no scope, or its type has a mistake, and that is said already.
        Err(_) if column.rules.kind == Kind::Gtin || !column.is_typed => None,
        Err(expected) => {
            document.note(given.line, format!("{name} is {found} and should be {expected}"));
            None
        }
    }
}

/// A column that every item has, so that each belongs to one scope.
fn find_scope<'c>(document: &Document, line: usize, name: &str, around: &Around<'c>) -> Option<&'c ReadColumn> {
    let column = find_column(document, line, "scope", name, around.columns)?;
    around.check_groups(document, line, "scope", column);
    if !column.rules.required && !matches!(column.rules.empty, WhenEmpty::Default(_)) {
        let sentence =
            format!("column \"{name}\" is the scope of [sync], so every row must have it; write required = true");
        document.note(column.name_line, sentence);
    }
    Some(column)
}

pub(super) fn read_totals<'d>(document: &'d Document<'d>, mut table: Table<'d>, around: &Around) -> Totals {
    let quantity = read_number_column(document, &mut table, "quantity", around);
    let price = read_number_column(document, &mut table, "price", around);
    let per = table.filled_text("per");
    if let Some(Given { value: name, line }) = per
        && let Some(column) = find_column(document, line, "per", name, around.columns)
    {
        around.check_groups(document, line, "per", column);
    }
    let read_back = table.flag("read_back").unwrap_or(quantity.is_some() || price.is_some());
    table.finish();
    Totals { quantity, price, per: per.map(|per| per.value.to_string()), read_back }
}

/// The name also where it has a mistake: what goes by it has none.
fn read_number_column<'d>(
    document: &'d Document<'d>,
    table: &mut Table<'d>,
    setting: &'static str,
    around: &Around,
) -> Option<String> {
    let Given { value: name, line } = table.filled_text(setting)?;
    if let Some(column) = find_column(document, line, setting, name, around.columns)
        && column.is_typed
        && !column.rules.kind.is_number()
    {
        let kind = column.rules.kind.name();
        let sentence =
            format!("{setting} is column \"{name}\", which is {kind}; name one that is integer, decimal or money");
        document.note(line, sentence);
    }
    Some(name.to_string())
}

pub(super) fn read_gates<'d>(document: &'d Document<'d>, mut table: Table<'d>, totals: &Totals) -> Gates {
    let usual = Gates::default();
    let rows = table.limit("rejected_rows", "a whole number from 0", |rows| whole(rows).is_some(), None);
    let mut percent = |setting, usual| {
        let fits = |percent: Decimal| percent >= Decimal::ZERO && percent <= Decimal::from(100u32);
        table.limit(setting, "a number from 0 to 100", fits, usual)
    };
    let gates = Gates {
        rejected_rows: rows.and_then(whole),
        rejected_percent: percent("rejected_percent", usual.rejected_percent),
        zero_percent: percent("zero_percent", usual.zero_percent),
        price_percent: percent("price_percent", usual.price_percent),
        fewer_percent: percent("fewer_percent", usual.fewer_percent),
        missing_percent: percent("missing_percent", usual.missing_percent),
        price_factor: table.limit(
            "price_factor",
            "a number above 1",
            |factor| factor > Decimal::from(1u32),
            usual.price_factor,
        ),
        vanishing: table.flag("vanishing").unwrap_or(usual.vanishing),
        document: table.flag("document").unwrap_or(usual.document),
        older: table.flag("older").unwrap_or(usual.older),
    };
    let watches_quantities = gates.zero_percent.is_some();
    let watches_prices = gates.price_factor.is_some() && gates.price_percent.is_some();
    for (setting, column, is_blind) in [
        ("zero_percent", "quantity", watches_quantities && totals.quantity.is_none()),
        ("price_factor", "price", watches_prices && totals.price.is_none()),
        ("price_percent", "price", watches_prices && totals.price.is_none()),
    ] {
        let Some(line) = table.line_of(setting).filter(|_| is_blind) else {
            continue;
        };
        let sentence = format!(
            "{setting} watches a column that [totals] does not name; write {column} = \"…\" there, or {setting} = false"
        );
        document.note(line, sentence);
    }
    table.finish();
    gates
}

pub(super) fn read_document<'d>(document: &'d Document<'d>, mut table: Table<'d>) -> Documents {
    let usual = Documents::default();
    let mut words = |setting, usual| {
        let words = table.texts(setting);
        words.iter().for_each(|words| check_words(document, words));
        let given = table.line_of(setting).map(|_| words.iter().map(|words| words.value.to_string()).collect());
        given.unwrap_or(usual)
    };
    let (numbers, quantities) = (words("numbers", usual.numbers), words("quantities", usual.quantities));
    table.finish();
    Documents { numbers, quantities }
}

/// A number of rows.
fn whole(number: Decimal) -> Option<u64> {
    number.to_string().parse().ok()
}

pub(super) fn read_price<'d>(document: &'d Document<'d>, mut table: Table<'d>) -> Price {
    let usual = Price::default();
    let [write, read] = ["write", "read"].map(|setting| {
        let Given { value, line } = table.number(setting)?;
        if value < Decimal::ZERO {
            document.note(line, format!("{setting} is {value} and should be 0 or more"));
        }
        Some(value)
    });
    let currency = table.filled_text("currency");
    if let Some(Given { value: written, line }) = currency {
        if written.len() != 3 || !written.bytes().all(|byte| byte.is_ascii_uppercase()) {
            document.note(line, format!("currency is \"{written}\" and should be three capitals, such as USD or EUR"));
        } else if written != usual.currency && (write.is_none() || read.is_none()) {
            let sentence = format!(
                "the loader knows prices in {} only; write both write = … and read = …, what a million units cost in \
                 {written}",
                usual.currency
            );
            document.note(line, sentence);
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
    fn a_scope_is_the_table_or_a_column_or_one_value_of_it() {
        let scope = |scope: &str| with(&format!("[sync]\nmissing = \"delete\"\nscope = {scope}"));
        let found = |given: &str| scope(given).unwrap().sync.unwrap();
        assert_eq!(found("\"table\""), Sync { missing: Missing::Delete, scope: Scope::Table });
        assert_eq!(found("\"site\"").scope, Scope::Column("site".into()));
        let leeds = Scope::Only { column: "site".into(), value: Value::S("Leeds".into()) };
        assert_eq!(found("{ site = \"Leeds\" }").scope, leeds);
        for (given, said) in [
            ("{ site = \"leeds\" }", "site is \"leeds\" and should be one of choices"),
            ("{ site = \"Leeds\", sku = \"A\" }", "should be \"table\", a column"),
            ("{}", "should be \"table\", a column"),
            ("\"lot\"", "tells each item from all others"),
        ] {
            let mistakes = scope(given).unwrap_err();
            assert!(mistakes.starts_with("line 4: ") && mistakes.contains(said), "{given}: {mistakes}");
        }
    }

    #[test]
    fn how_often_a_sheet_is_expected_is_a_number_of_days_weeks_or_months() {
        assert_eq!(with("").unwrap().expect_every, None);
        assert_eq!(with("expect_every = \"3 months\"").unwrap().expect_every, Every::parse("3 months"));
        let expected = "line 2: expect_every is \"100 dais\" and should be a number of days, weeks or months, such as \"100 days\"";
        assert_eq!(with("expect_every = \"100 dais\"").unwrap_err(), expected);
        assert!(
            with("expect_every = 100").unwrap_err().starts_with("line 2: expect_every is 100 and should be a text")
        );
    }

    #[test]
    fn a_mark_is_no_part_of_the_key() {
        let rules = "version = 1\n[sync]\nmissing = \"mark\"\nscope = \"table\"\n[key]\npartition = \"sku\"\n\
                     sort = { name = \"discontinued\", from = \"#{sku}\" }\n\
                     [[column]]\nname = \"sku\"\ntype = \"text\"\nrequired = true\n";
        let mistakes = Schema::from_toml(rules).unwrap_err().to_string();
        assert!(mistakes.starts_with("line 3: ") && mistakes.contains("the key is called so"), "{mistakes}");
        let mistakes = Schema::from_toml(
            &rules.replace("discontinued", "loaded_by").replace("[sync]", "provenance = true\n[sync]"),
        );
        let mistakes = mistakes.unwrap_err().to_string();
        assert!(mistakes.contains("writes \"loaded_by\" itself; give the key another name"), "{mistakes}");
    }

    #[test]
    fn a_gate_that_is_left_out_stands_as_usual_and_one_that_is_false_is_open() {
        assert_eq!(with("").unwrap().gates, Gates::default());
        assert_eq!(with("[gates]").unwrap().gates, Gates::default());
        let gates = with("[gates]\nrejected_rows = 0\nfewer_percent = false\nmissing_percent = 0.5").unwrap().gates;
        assert_eq!((gates.rejected_rows, gates.fewer_percent), (Some(0), None));
        assert_eq!(gates.missing_percent, Some(Decimal::new(5, -1)));
        assert_eq!(gates.zero_percent, Gates::default().zero_percent);
    }

    #[test]
    fn totals_with_a_sum_are_read_back_unless_it_is_said() {
        let read_back = |settings: &str| with(settings).unwrap().totals.read_back;
        assert!(!read_back(""));
        assert!(!read_back("[totals]\nper = \"site\""));
        assert!(read_back("[totals]\nquantity = \"count\""));
        assert!(read_back("[totals]\nprice = \"cost\""));
        assert!(!read_back("[totals]\nquantity = \"count\"\nread_back = false"));
    }

    #[test]
    fn one_mistake_does_not_bring_others_after_it() {
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
