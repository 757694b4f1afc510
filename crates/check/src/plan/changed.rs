//! Rows that change an existing item: attribute by attribute, and which changes are the biggest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::totals::Figures;
use super::{PlanRow, key_of};
use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, same_value};
use inventory_rules::schema::{PROVENANCE, Schema, Totals};

/// How many of the biggest changes are kept in the index; a person reads no more of them.
const BIGGEST_KEPT: usize = 50;

/// A row that changes an existing item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRow {
    pub sheet: String,
    pub row: u32,
    pub key: Item,
    pub attributes: Vec<ChangedAttribute>,
}

/// One attribute before and after. A side is `None` if the item doesn't have the attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedAttribute {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl ChangedRow {
    pub fn of(row: &PlanRow, schema: &Schema) -> ChangedRow {
        let none = Item::new();
        let before = row.before.as_ref().unwrap_or(&none);
        let after = row.after(schema.mode).unwrap_or_default();
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).collect();
        let attributes = names.into_iter().filter(|name| !PROVENANCE.contains(name)).filter_map(|name| {
            let (before, after) = (before.get(name), after.get(name));
            let same = before.zip(after).is_some_and(|(before, after)| same_value(before, after));
            (!same).then(|| ChangedAttribute { name: name.to_string(), before: before.cloned(), after: after.cloned() })
        });
        ChangedRow {
            sheet: row.sheet.to_string(),
            row: row.row,
            key: key_of(&after, schema),
            attributes: attributes.collect(),
        }
    }
}

/// Collects the biggest changes of a load, in whichever rows they are: by how much the stock value rises or falls, then
/// by how much the quantity does.
#[derive(Debug, Default)]
pub struct Biggest {
    /// The biggest first; among equals, the one added first.
    kept: Vec<((Decimal, Decimal), ChangedRow)>,
}

impl Biggest {
    /// Adds a row that makes its item `after`.
    pub fn add(&mut self, row: &PlanRow, after: &Item, schema: &Schema) {
        let Some(before) = &row.before else { return };
        let size = size_of_change(before, after, &schema.totals);
        let place = self.kept.partition_point(|(kept, _)| *kept >= size);
        if place < BIGGEST_KEPT {
            self.kept.truncate(BIGGEST_KEPT - 1);
            self.kept.insert(place, (size, ChangedRow::of(row, schema)));
        }
    }

    pub fn finish(self) -> Vec<ChangedRow> {
        self.kept.into_iter().map(|(_, row)| row).collect()
    }
}

/// Returns by how much the stock value and the quantity change.
fn size_of_change(before: &Item, after: &Item, totals: &Totals) -> (Decimal, Decimal) {
    let (before, after) = (Figures::of(before, totals), Figures::of(after, totals));
    let difference = |before: Option<Decimal>, after: Option<Decimal>| {
        let negated = before?.checked_mul(Decimal::new(-1, 0))?;
        Some(after?.checked_add(negated)?.abs())
    };
    let or_zero = |difference: Option<Decimal>| difference.unwrap_or(Decimal::ZERO);
    (or_zero(difference(before.value, after.value)), or_zero(difference(before.quantity, after.quantity)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Fate;

    fn item(sku: &str, pairs: &[(&str, Value)]) -> Item {
        let sku = ("sku".to_string(), Value::S(sku.into()));
        pairs.iter().map(|(name, value)| (name.to_string(), value.clone())).chain([sku]).collect()
    }

    fn number(digits: &str) -> Value {
        Value::N(digits.into())
    }

    fn row(number: u32, before: Item, after: Item) -> PlanRow {
        PlanRow { fate: Fate::Changed, before: Some(before), ..PlanRow::accepted("Stock", number, Some(after)) }
    }

    #[test]
    fn a_changed_row_lists_its_changed_attributes() {
        let schema = Schema::shipped().unwrap();
        let after = item("A-1", &[("quantity", number("6")), ("level", number("5"))]);
        let before = item("A-1", &[("level", number("5.0")), ("shelf", number("5.0"))]);
        let changed = |name: &str, before, after| ChangedAttribute { name: name.into(), before, after };
        let attributes =
            vec![changed("quantity", None, Some(number("6"))), changed("shelf", Some(number("5.0")), None)];
        let expected = ChangedRow { sheet: "Stock".into(), row: 3, key: item("A-1", &[]), attributes };
        assert_eq!(ChangedRow::of(&row(3, before, after), &schema), expected);
    }

    #[test]
    fn the_biggest_changes_in_value_come_first_and_the_rest_is_not_kept() {
        let schema = Schema::shipped().unwrap();
        let stock = |quantity: u32, price: &str| {
            item("A-1", &[("quantity", number(&quantity.to_string())), ("unit_price", number(price))])
        };
        let mut biggest = Biggest::default();
        let changes = (1..=100).map(|n| row(n, stock(10, "1.00"), stock(10 + n % 60, "1.00")));
        let price = row(101, stock(1000, "1.00"), stock(1000, "2.00"));
        let unpriced = row(102, item("B", &[("quantity", number("0"))]), item("B", &[("quantity", number("900"))]));
        for row in changes.chain([price, unpriced]) {
            biggest.add(&row, &row.after(schema.mode).unwrap(), &schema);
        }
        let rows: Vec<u32> = biggest.finish().iter().map(|changed| changed.row).collect();
        assert_eq!(rows.len(), BIGGEST_KEPT);
        assert_eq!(rows[..4], [101, 59, 58, 57]);
    }
}
