//! Tests of what gates have in common, and what the tests of each gate use.

use std::collections::BTreeSet;

use super::evidence::MAX_SCOPES;
use super::limit::SCOPES_DESCRIBED;
use super::*;
use crate::plan::Fate;
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};
use inventory_base::message::Rule;
use inventory_rules::schema::{Gates, Missing, Scope, Sync, Totals};

pub(super) const LOAD: &str = "0123456789abcdef";

pub(super) fn load(name: &str) -> LoadId {
    LoadId::parse(name).unwrap()
}

/// The shipped columns, with quantity and price known, and only the gates that `set` turns on.
pub(super) fn rules(set: impl FnOnce(&mut Schema)) -> Schema {
    let column = |name: &str| Some(name.to_string());
    let mut schema = Schema::shipped().unwrap();
    schema.totals = Totals { quantity: column("quantity"), price: column("unit_price"), ..Totals::default() };
    schema.gates = serde_json::from_str::<Gates>("{}").unwrap();
    set(&mut schema);
    schema
}

pub(super) fn add_in_scope(evidence: &mut Evidence<'_>, item: &Item) {
    let scope = evidence.scope_of(item, &BTreeMap::<Option<String>, u64>::new());
    evidence.add_in_scope(scope.as_deref(), 1);
}

pub(super) fn per_warehouse(mut schema: Schema) -> Schema {
    schema.totals.per = Some("warehouse".into());
    schema
}

pub(super) fn percent(percent: &str) -> Option<Decimal> {
    Some(Decimal::parse(percent).unwrap())
}

pub(super) fn item(warehouse: &str, quantity: &str, price: &str) -> Item {
    Item::from([
        ("warehouse".to_string(), Value::S(warehouse.to_string().into())),
        ("quantity".to_string(), Value::N(quantity.to_string().into())),
        ("unit_price".to_string(), Value::N(price.to_string().into())),
    ])
}

/// Adds items that change from one quantity and price to another.
pub(super) fn add_changes(
    evidence: &mut Evidence<'_>,
    times: u64,
    warehouse: &str,
    from: (&str, &str),
    to: (&str, &str),
) {
    let (before, after) = (item(warehouse, from.0, from.1), item(warehouse, to.0, to.1));
    for _ in 0..times {
        evidence.add_row(Fate::Changed, Some(&before), Some(&after));
    }
}

pub(super) fn add_all(evidence: &mut Evidence<'_>, rows: &[(u64, Fate)]) {
    for (times, fate) in rows {
        (0..*times).for_each(|_| evidence.add_row(*fate, None, None));
    }
}

pub(super) fn judge(evidence: &Evidence<'_>, last: Option<&LastLoad>) -> Vec<Tripped> {
    evidence.judge(last, &BTreeSet::new(), &load(LOAD))
}

pub(super) fn messages(tripped: &[Tripped]) -> Vec<&str> {
    tripped.iter().map(|tripped| tripped.message.as_str()).collect()
}

/// Whether the gate trips; asserts that no other gate does, and that waiving it lets the load pass.
pub(super) fn trips(evidence: &Evidence<'_>, last: Option<&LastLoad>, gate: Gate) -> bool {
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
        assert!(Rule::ALL.iter().any(|rule| rule.id() == format!("gate-{gate}")), "{gate}");
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
fn every_row_whose_item_will_be_in_the_table_counts_as_an_item() {
    let schema = rules(|_| {});
    let mut evidence = Evidence::new(&schema);
    add_all(&mut evidence, &Fate::ALL.map(|fate| (1, fate)));
    assert_eq!(evidence.to_last_load(&load(LOAD)).items, 6);
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
