//! Tests of what each gate passes and holds, and of its explanations.

use super::*;
use inventory_base::item::Value;
use inventory_rules::judge::DocumentSign;
use inventory_rules::schema::{Gates, Sync, Totals};

const LOAD: &str = "0123456789abcdef";

fn load(name: &str) -> LoadId {
    LoadId::parse(name).unwrap()
}

/// The shipped columns, with quantity and price known, and only the gates that `set` turns on.
fn rules(set: impl FnOnce(&mut Schema)) -> Schema {
    let column = |name: &str| Some(name.to_string());
    let mut schema = Schema::shipped().unwrap();
    schema.totals = Totals { quantity: column("quantity"), price: column("unit_price"), ..Totals::default() };
    schema.gates = Gates {
        rejected_rows: None,
        rejected_percent: None,
        zero_percent: None,
        price_factor: None,
        price_percent: None,
        fewer_percent: None,
        missing_percent: None,
        vanishing: false,
        document: false,
        older: false,
    };
    set(&mut schema);
    schema
}

fn add_in_scope(evidence: &mut Evidence<'_>, item: &Item) {
    let scope = evidence.scope_of(item, &BTreeMap::<Option<String>, u64>::new());
    evidence.add_in_scope(scope.as_deref(), 1);
}

fn per_warehouse(mut schema: Schema) -> Schema {
    schema.totals.per = Some("warehouse".into());
    schema
}

fn percent(percent: &str) -> Option<Decimal> {
    Some(Decimal::parse(percent).unwrap())
}

fn item(warehouse: &str, quantity: &str, price: &str) -> Item {
    Item::from([
        ("warehouse".to_string(), Value::S(warehouse.to_string().into())),
        ("quantity".to_string(), Value::N(quantity.to_string().into())),
        ("unit_price".to_string(), Value::N(price.to_string().into())),
    ])
}

/// Adds items that change from one quantity and price to another.
fn add_changes(evidence: &mut Evidence<'_>, times: u64, warehouse: &str, from: (&str, &str), to: (&str, &str)) {
    let (before, after) = (item(warehouse, from.0, from.1), item(warehouse, to.0, to.1));
    for _ in 0..times {
        evidence.add_row(Fate::Changed, Some(&before), Some(&after));
    }
}

fn add_all(evidence: &mut Evidence<'_>, rows: &[(u64, Fate)]) {
    for (times, fate) in rows {
        (0..*times).for_each(|_| evidence.add_row(*fate, None, None));
    }
}

fn judge(evidence: &Evidence<'_>, last: Option<&LastLoad>) -> Vec<Tripped> {
    evidence.judge(last, &BTreeSet::new(), &load(LOAD))
}

fn messages(tripped: &[Tripped]) -> Vec<&str> {
    tripped.iter().map(|tripped| tripped.message.as_str()).collect()
}

/// Whether the gate trips; asserts that no other gate does, and that waiving it lets the load pass.
fn trips(evidence: &Evidence<'_>, last: Option<&LastLoad>, gate: Gate) -> bool {
    let tripped = judge(evidence, last);
    assert!(tripped.iter().all(|tripped| tripped.gate == gate), "{tripped:?}");
    assert_eq!(evidence.judge(last, &BTreeSet::from([gate]), &load(LOAD)), []);
    let others = Gate::ALL.into_iter().filter(|other| *other != gate).collect();
    assert_eq!(evidence.judge(last, &others, &load(LOAD)), tripped);
    !tripped.is_empty()
}

#[test]
fn a_gate_is_serialised_as_its_name() {
    for gate in Gate::ALL {
        assert_eq!(serde_json::to_string(&gate).unwrap(), format!("\"{gate}\""));
        assert_eq!(gate.rule().id(), format!("gate-{gate}"));
    }
}

#[test]
fn too_many_rejected_rows_hold_a_load_by_number_or_by_share() {
    use Fate::{Duplicate, New, Rejected, Skipped};
    for (rows, share, fates, holds) in [
        (None, None, &[(20, Rejected)][..], false),
        (Some(3), None, &[(3, Rejected), (1, New)], false),
        (Some(3), None, &[(4, Rejected), (9_000, New)], true),
        (Some(0), None, &[(1, Rejected)], true),
        (Some(0), None, &[(2, Duplicate)], false),
        (None, percent("50"), &[(5, Rejected), (5, New)], false),
        (None, percent("50"), &[(6, Rejected), (5, New)], true),
        (None, percent("50"), &[(6, Rejected), (3, New)], false),
        (None, percent("50"), &[(6, Rejected), (5, Duplicate)], true),
        (None, percent("50"), &[(6, Rejected), (6, Duplicate), (9, Skipped)], false),
        (None, percent("12.5"), &[(2, Rejected), (14, New)], false),
        (None, percent("12.4999"), &[(2, Rejected), (14, New)], true),
    ] {
        let schema = rules(|schema| (schema.gates.rejected_rows, schema.gates.rejected_percent) = (rows, share));
        let mut evidence = Evidence::new(&schema);
        add_all(&mut evidence, fates);
        assert_eq!(trips(&evidence, None, Gate::Rejected), holds, "{rows:?} {share:?} {fates:?}");
    }
}

#[test]
fn if_no_row_can_be_loaded_there_is_nothing_to_approve() {
    use Fate::{Duplicate, Rejected};
    let rejected = |schema: &mut Schema| schema.gates.rejected_percent = percent("50");
    let schema = per_warehouse(rules(rejected));
    for fates in [&[(640, Rejected)][..], &[(600, Rejected), (40, Duplicate)]] {
        let mut evidence = Evidence::new(&schema);
        add_all(&mut evidence, fates);
        (0..20).for_each(|_| evidence.add_row(Rejected, Some(&item("York", "1", "1")), None));
        let tripped = judge(&evidence, None);
        assert_eq!(messages(&tripped), ["None of the 660 rows can be loaded."]);
        assert_eq!(tripped[0].advice, "Correct the rows and upload the file again. Nothing was changed.");
    }
}

#[test]
fn rejected_rows_trip_only_one_of_the_two_limits() {
    let schema =
        rules(|schema| (schema.gates.rejected_rows, schema.gates.rejected_percent) = (Some(1_000), percent("50")));
    let mut evidence = Evidence::new(&schema);
    add_all(&mut evidence, &[(1_500, Fate::Rejected), (500, Fate::New)]);
    let advice = "Correct these rows and upload the file again. If it is right to load only the others, approve the \
                  load: inventory approve 0123456789abcdef. Nothing was changed.";
    let tripped = Tripped {
        gate: Gate::Rejected,
        scope: None,
        message: "1,500 of 2,000 rows (75%) would be left out; the limit is 1,000.".into(),
        advice: advice.into(),
    };
    assert_eq!(judge(&evidence, None), [tripped]);
}

#[test]
fn quantities_that_fall_to_zero_hold_a_load() {
    let zero_percent = percent("30");
    for (limit, zeros, others, holds) in [
        (None, 20, 0, false),
        (zero_percent, 3, 7, false),
        (zero_percent, 4, 7, true),
        (zero_percent, 3, 6, false),
        (zero_percent, 9, 0, false),
        (zero_percent, 10, 0, true),
    ] {
        let schema = rules(|schema| schema.gates.zero_percent = limit);
        let mut evidence = Evidence::new(&schema);
        add_changes(&mut evidence, zeros, "York", ("5", "1"), ("0", "1"));
        add_changes(&mut evidence, others, "York", ("5", "1"), ("6", "1"));
        // Items that were zero, are new, are kept or have no quantity don't count.
        add_changes(&mut evidence, 50, "York", ("0", "1"), ("0", "2"));
        add_changes(&mut evidence, 50, "York", ("0", "1"), ("7", "1"));
        let (some, none) = (item("York", "5", "1"), item("York", "0", "1"));
        for _ in 0..50 {
            evidence.add_row(Fate::New, None, Some(&none));
            evidence.add_row(Fate::Kept, Some(&some), Some(&none));
            evidence.add_row(Fate::Changed, Some(&Item::new()), Some(&none));
        }
        assert_eq!(trips(&evidence, None, Gate::Zeros), holds, "{zeros} and {others} at {limit:?}");
    }
}

#[test]
fn prices_that_rise_or_fall_too_far_hold_a_load() {
    let (factor, share) = (percent("5"), percent("10"));
    for (factor, share, to, times, others, holds) in [
        (None, share, "100", 20, 0, false),
        (factor, None, "100", 20, 0, false),
        (factor, share, "50", 20, 0, false),
        (factor, share, "50.01", 20, 0, true),
        (factor, share, "2", 20, 0, false),
        (factor, share, "1.99", 20, 0, true),
        (factor, share, "100", 1, 9, false),
        (factor, share, "100", 2, 9, true),
        (factor, share, "100", 2, 7, false),
        (factor, share, "0", 20, 20, false),
    ] {
        let schema = rules(|schema| (schema.gates.price_factor, schema.gates.price_percent) = (factor, share));
        let mut evidence = Evidence::new(&schema);
        add_changes(&mut evidence, times, "York", ("5", "10"), ("5", to));
        let same = item("York", "5", "10");
        (0..others).for_each(|_| evidence.add_row(Fate::Unchanged, Some(&same), Some(&same)));
        add_changes(&mut evidence, 50, "York", ("5", "0"), ("5", "100"));
        assert_eq!(trips(&evidence, None, Gate::Prices), holds, "{times} of {} to {to}", times + others);
    }
}

#[test]
fn without_named_columns_quantities_and_prices_hold_nothing() {
    let schema = rules(|schema| (schema.gates, schema.totals) = (Gates::default(), Totals::default()));
    let mut evidence = Evidence::new(&schema);
    add_changes(&mut evidence, 50, "York", ("5", "1"), ("0", "100"));
    assert_eq!(judge(&evidence, None), []);
}

#[test]
fn fewer_items_than_in_the_last_load_hold_a_load() {
    let fifty = percent("50");
    for (limit, items, before, holds) in [
        (None, 1, Some(100), false),
        (fifty, 1, None, false),
        (fifty, 50, Some(100), false),
        (fifty, 49, Some(100), true),
        (fifty, 0, Some(100), true),
        (fifty, 0, Some(9), false),
        (fifty, 0, Some(10), true),
        (fifty, 200, Some(100), false),
    ] {
        let schema = rules(|schema| schema.gates.fewer_percent = limit);
        let mut evidence = Evidence::new(&schema);
        add_all(&mut evidence, &[(items, Fate::New), (99, Fate::Rejected), (99, Fate::Duplicate)]);
        let last = before.map(|items| LastLoad { load: load(LOAD), items, per_scope: BTreeMap::new() });
        assert_eq!(trips(&evidence, last.as_ref(), Gate::Fewer), holds, "{items} after {before:?} at {limit:?}");
    }
}

#[test]
fn every_row_whose_item_will_be_in_the_table_counts_as_an_item() {
    let schema = rules(|_| {});
    let mut evidence = Evidence::new(&schema);
    add_all(&mut evidence, &Fate::ALL.map(|fate| (1, fate)));
    assert_eq!(evidence.to_last_load(&load(LOAD)).items, 6);
}

#[test]
fn items_missing_from_the_sheet_hold_a_load() {
    let twenty = percent("20");
    for (limit, missing, in_scope, holds) in [
        (None, 20, 20, false),
        (twenty, 2, 10, false),
        (twenty, 3, 10, true),
        (twenty, 9, 9, false),
        (twenty, 0, 0, false),
    ] {
        let schema = rules(|schema| schema.gates.missing_percent = limit);
        let mut evidence = Evidence::new(&schema);
        let one = item("York", "5", "1");
        (0..in_scope).for_each(|_| add_in_scope(&mut evidence, &one));
        (0..missing).for_each(|_| evidence.add_missing(&one));
        assert_eq!(trips(&evidence, None, Gate::Missing), holds, "{missing} of {in_scope} at {limit:?}");
    }
}

#[test]
fn the_explanation_says_what_happens_to_missing_items() {
    for (missing, fate) in [
        (Missing::Report, "are only reported"),
        (Missing::Mark, "would be marked as discontinued"),
        (Missing::Delete, "would be deleted from the table"),
    ] {
        let mut schema = rules(|schema| schema.gates.missing_percent = percent("20"));
        schema.sync = Some(Sync { missing, scope: Scope::Table });
        let mut evidence = Evidence::new(&schema);
        let one = item("York", "5", "1");
        (0..10).for_each(|_| add_in_scope(&mut evidence, &one));
        (0..10).for_each(|_| evidence.add_missing(&one));
        let message =
            format!("10 of 10 items in the table (100%) are missing from the file and {fate}; the limit is 20%.");
        assert_eq!(messages(&judge(&evidence, None)), [message]);
    }
}

#[test]
fn attributes_without_a_column_that_would_be_lost_hold_a_load() {
    let with = |names: &[&str]| -> Item { names.iter().map(|name| (name.to_string(), Value::S("x".into()))).collect() };
    let mark = Some(Sync { missing: Missing::Mark, scope: Scope::Table });
    let composite = r#"{"partition":{"name":"pk","from":"{warehouse}#{sku}"}}"#;
    for (vanishing, mode, sync, before, after, holds) in [
        (true, Mode::Replace, None, &["sku", "colour"][..], &["sku"][..], true),
        (false, Mode::Replace, None, &["sku", "colour"], &["sku"], false),
        (true, Mode::Merge, None, &["sku", "colour"], &["sku"], false),
        (true, Mode::Replace, None, &["sku", "colour"], &["sku", "colour"], false),
        (true, Mode::Replace, None, &["sku", "category", "pk", "loaded_by", "loaded_at"], &["sku"], false),
        (true, Mode::Replace, None, &["sku", "discontinued_since"], &["sku"], true),
        (true, Mode::Replace, mark, &["sku", "discontinued"], &["sku"], false),
    ] {
        let mut schema = rules(|schema| (schema.mode, schema.sync, schema.gates.vanishing) = (mode, sync, vanishing));
        schema.key = serde_json::from_str(composite).unwrap();
        schema.columns.retain(|column| column.name != "discontinued");
        let mut evidence = Evidence::new(&schema);
        evidence.add_row(Fate::Changed, Some(&with(before)), Some(&with(after)));
        evidence.add_row(Fate::Kept, Some(&with(before)), Some(&with(after)));
        assert_eq!(trips(&evidence, None, Gate::Vanishing), holds, "{mode:?} {before:?} -> {after:?}");
    }
}

#[test]
fn at_most_five_attributes_that_would_be_lost_are_named() {
    let schema = rules(|schema| schema.gates.vanishing = true);
    for (names, message) in [
        (
            "a",
            "The rules have no column for \"a\", so loading would remove these values from items in the table (2 in all).",
        ),
        (
            "ab",
            "The rules have no column for \"a\" and \"b\", so loading would remove these values from items in the table (2 in all).",
        ),
        (
            "gfedcb",
            "The rules have no column for \"b\", \"c\", \"d\", \"e\", \"f\" and others, so loading would remove these values from items in the table (2 in all).",
        ),
    ] {
        let mut evidence = Evidence::new(&schema);
        let before: Item = names.chars().map(|name| (name.to_string(), Value::Bool(true))).collect();
        for _ in 0..2 {
            evidence.add_row(Fate::Changed, Some(&before), Some(&Item::new()));
            evidence.add_row(Fate::Changed, Some(&Item::new()), Some(&Item::new()));
        }
        assert_eq!(messages(&judge(&evidence, None)), [message]);
    }
}

#[test]
fn a_swapped_column_is_explained_in_figures_with_what_to_do() {
    let schema = rules(|schema| schema.gates = Gates::default());
    let mut evidence = Evidence::new(&schema);
    add_changes(&mut evidence, 412, "York", ("200", "3"), ("3", "200"));
    add_changes(&mut evidence, 108, "York", ("5", "5"), ("6", "6"));
    let advice = "If that is right, approve the load: inventory approve 0123456789abcdef. Otherwise check whether the \
                  column Unit price was swapped with another or is in another currency, correct the file and upload \
                  it again. Nothing was changed.";
    let tripped = Tripped {
        gate: Gate::Prices,
        scope: None,
        message: "412 of 520 prices (79%) would change by more than a factor of 5; the limit is 10%.".into(),
        advice: advice.into(),
    };
    assert_eq!(judge(&evidence, None), std::slice::from_ref(&tripped));
    let json = serde_json::to_string(&tripped).unwrap();
    assert!(json.starts_with(r#"{"gate":"prices","message":"412 of 520"#), "{json}");
    assert_eq!(serde_json::from_str::<Tripped>(&json).unwrap(), tripped);
}

#[test]
fn each_warehouse_is_judged_separately_after_the_whole_load() {
    let set = |Schema { gates, .. }: &mut Schema| {
        (gates.zero_percent, gates.fewer_percent, gates.missing_percent) =
            (percent("30"), percent("50"), percent("20"));
    };
    let schema = per_warehouse(rules(set));
    let mut evidence = Evidence::new(&schema);
    add_changes(&mut evidence, 20, "Leeds", ("5", "1"), ("0", "1"));
    add_changes(&mut evidence, 80, "York", ("5", "1"), ("6", "1"));
    // Too few for a limit in percent.
    add_changes(&mut evidence, 9, "Bath", ("5", "1"), ("0", "1"));
    for (times, warehouse) in [(10, "Leeds"), (80, "York")] {
        (0..times).for_each(|_| add_in_scope(&mut evidence, &item(warehouse, "1", "1")));
    }
    (0..3).for_each(|_| evidence.add_missing(&item("Leeds", "1", "1")));
    let per_scope = [("Leeds", 41), ("York", 100), ("Hull", 60)];
    let per_scope = per_scope.map(|(name, items)| (name.to_string(), items)).into();
    let last = LastLoad { load: load("fedcba9876543210"), items: 201, per_scope };
    let tripped = judge(&evidence, Some(&last));
    let expected = [
        "Warehouse Leeds: 20 of 20 quantities (100%) would fall to zero; the limit is 30%.",
        "Warehouse Leeds: 41 items were in the last load (fedcba9876543210), but only 20 (48%) are in this one; the minimum is 50%.",
        "Warehouse Leeds: 3 of 10 items in the table (30%) are missing from the file and are only reported; the limit is 20%.",
    ];
    // Hull isn't in this file at all, so it is out of scope.
    assert_eq!(messages(&tripped), expected);
    assert!(tripped.iter().all(|tripped| tripped.scope.as_deref() == Some("Leeds")));

    add_changes(&mut evidence, 30, "York", ("5", "1"), ("0", "1"));
    let waived = BTreeSet::from([Gate::Fewer, Gate::Missing]);
    let scopes: Vec<_> = evidence.judge(Some(&last), &waived, &load(LOAD)).into_iter().map(|t| t.scope).collect();
    assert_eq!(scopes, [None, Some("Leeds".to_string())]);
}

#[test]
fn a_sync_by_column_defines_the_scopes() {
    let column = || "warehouse".to_string();
    let only = Scope::Only { column: column(), value: Value::S("York".into()) };
    for (scope, is_declared) in [(Scope::Column(column()), true), (only, true), (Scope::Table, false)] {
        let schema = rules(|schema| schema.sync = Some(Sync { missing: Missing::Report, scope }));
        let mut evidence = Evidence::new(&schema);
        evidence.add_row(Fate::New, None, Some(&item("York", "1", "1")));
        evidence.add_row(Fate::Rejected, None, Some(&item("Bath", "1", "1")));
        let last = evidence.to_last_load(&load(LOAD));
        let scopes = [("Bath", 0), ("York", 1)].map(|(name, items)| (name.to_string(), items));
        assert_eq!(last.per_scope, if is_declared { scopes.into() } else { BTreeMap::new() });
        let json = serde_json::to_string(&last).unwrap();
        assert_eq!(serde_json::from_str::<LastLoad>(&json).unwrap(), last);
    }
}

#[test]
fn a_single_warehouse_is_reported_as_the_whole_load() {
    let schema = per_warehouse(rules(|schema| schema.gates.zero_percent = percent("30")));
    let mut evidence = Evidence::new(&schema);
    add_changes(&mut evidence, 20, "York", ("5", "1"), ("0", "1"));
    assert_eq!(messages(&judge(&evidence, None)), ["20 of 20 quantities (100%) would fall to zero; the limit is 30%."]);
}

#[test]
fn of_many_warehouses_ten_are_described_and_the_others_counted() {
    let schema = per_warehouse(rules(|schema| schema.gates.zero_percent = percent("30")));
    let mut evidence = Evidence::new(&schema);
    for n in 0..=MAX_SCOPES {
        add_changes(&mut evidence, 10, &format!("{n:04}"), ("5", "1"), ("0", "1"));
    }
    let tripped = judge(&evidence, None);
    assert_eq!(tripped.len(), 1 + SCOPES_DESCRIBED + 1);
    assert_eq!(tripped[0].message, "10,010 of 10,010 quantities (100%) would fall to zero; the limit is 30%.");
    assert_eq!(tripped[10].scope.as_deref(), Some("0009"));
    assert_eq!(tripped[11].message, "The same applies elsewhere in the column Warehouse (990 more).");
}

#[test]
fn a_document_that_is_not_a_stock_list_holds_a_load() {
    let document = |sign| Document { sheet: "Lines".into(), header: "Invoice no".into(), column: "A".into(), sign };
    let lines = document(DocumentSign::Number { rows: 1_040, of: 1_044 });
    for (open, found, holds) in [(true, Some(&lines), true), (true, None, false), (false, Some(&lines), false)] {
        let schema = rules(|schema| schema.gates.document = open);
        let mut evidence = Evidence::new(&schema);
        evidence.set_document(found);
        assert_eq!(trips(&evidence, None, Gate::Document), holds, "{open} {found:?}");
    }
    let tripped = Tripped::by_document(&lines, Some(&load(LOAD)));
    let message = "Sheet \"Lines\" doesn't look like a stock list: 1,040 of 1,044 items have a value in \"Invoice no\" (column A).";
    assert_eq!(tripped.message, message);
    assert!(tripped.advice.contains(&format!("inventory approve {LOAD}")), "{}", tripped.advice);
    let tripped = Tripped::by_document(&document(DocumentSign::Quantity), None);
    assert!(tripped.message.ends_with("its only quantity is \"Invoice no\" (column A)."), "{}", tripped.message);
}
