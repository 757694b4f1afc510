//! Estimates what a load will take: capacity units, money, time.
//!
//! By DynamoDB's published rules: a write unit for each kilobyte of the larger of the item before and after, in the table
//! and in each index that has or gets the item, twice if its key in the index changes; a read unit for each four kilobytes.
//! If the table was compared, this is within 2% of what loads consume (`tests/plan/estimate.rs`). Not included: items
//! that come back unprocessed, chunks that are written twice after a kill, and items that the table rejects.

use serde::{Deserialize, Serialize};

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value, item_size};
use inventory_rules::schema::{Capacity, IndexShape, Price, Projection, TableShape};

/// A write unit covers a write of up to 1 KiB, a read unit a consistent read of up to 4 KiB.
const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;
/// What an on-demand table accepts from the start. It accepts more after higher traffic, but doesn't report how much.
const ON_DEMAND: Capacity = Capacity { read: 12_000, write: 4_000 };

/// What a load will take, or has taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub write_units: f64,
    pub read_units: f64,
    /// `None` only if the price has too many digits to multiply.
    pub money: Option<Decimal>,
    pub currency: String,
    /// `None` if the table's capacity is not known.
    pub seconds: Option<f64>,
}

impl Estimate {
    /// Estimates money and time. Counts the units of indexes against the table's own capacity; indexes with capacity of
    /// their own make the load faster than estimated.
    pub fn of(write_units: f64, read_units: f64, price: &Price, capacity: Option<Capacity>) -> Estimate {
        let cost = |units: f64, per_million: Decimal| {
            let millions = Decimal::from_cell(units).ok()?.checked_mul(Decimal::new(1, -6))?;
            millions.checked_mul(per_million)
        };
        let money = match capacity {
            // Provisioned capacity is paid for by the hour, used or not.
            Some(_) => Some(Decimal::ZERO),
            None => cost(write_units, price.write)
                .zip(cost(read_units, price.read))
                .and_then(|(write, read)| write.checked_add(read)),
        };
        let Capacity { read, write } = capacity.unwrap_or(ON_DEMAND);
        // The load reads and compares first, then writes.
        let known = read > 0 && write > 0;
        let seconds = known.then(|| write_units / write as f64 + read_units / read as f64);
        Estimate { write_units, read_units, money, currency: price.currency.clone(), seconds }
    }
}

/// Returns the read units for one item; a read that finds nothing counts as well.
pub fn read_units(size_of_item: usize, consistent: bool) -> f64 {
    let units = size_of_item.div_ceil(READ_UNIT_BYTES).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// Returns the write units for turning `before` into `after` in the table and all its indexes: a put, update or delete.
///
/// Sizes are those of `item_size`, whose rule for numbers is approximate, as is DynamoDB's documentation of it: an item
/// within a few bytes of a full kilobyte can take a unit more or less than calculated here.
pub fn write_units(shape: &TableShape, before: Option<&Item>, after: Option<&Item>) -> f64 {
    let size = |item: Option<&Item>| item.map_or(0, item_size);
    let of_table = units(size(before).max(size(after))).max(1);
    let of_indexes = shape.indexes.chunk_by(|a, b| a.name == b.name);
    let of_indexes: usize = of_indexes.map(|shapes| Index { table: shape, shapes }.write_units(before, after)).sum();
    (of_table + of_indexes) as f64
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(WRITE_UNIT_BYTES)
}

/// One index, which may have several shapes.
struct Index<'t> {
    table: &'t TableShape,
    shapes: &'t [IndexShape],
}

impl<'t> Index<'t> {
    fn write_units(&self, before: Option<&Item>, after: Option<&Item>) -> usize {
        let (before, after) = (before.filter(|item| self.has(item)), after.filter(|item| self.has(item)));
        match (before, after) {
            (None, None) => 0,
            (Some(one), None) | (None, Some(one)) => units(self.size(one)),
            (Some(before), Some(after)) if self.key().any(|name| before.get(name) != after.get(name)) => {
                units(self.size(before)) + units(self.size(after))
            }
            (Some(before), Some(after)) if self.entry(before).eq(self.entry(after)) => 0,
            (Some(before), Some(after)) => units(self.size(before).max(self.size(after))),
        }
    }

    fn key(&self) -> impl Iterator<Item = &'t str> {
        let keys = self.shapes.iter().map(|shape| &shape.key);
        keys.flat_map(|key| std::iter::once(&key.partition).chain(&key.sort)).map(|attribute| attribute.name.as_str())
    }

    /// Whether the item is in the index; it isn't if it lacks a part of the index's key.
    fn has(&self, item: &Item) -> bool {
        self.key().all(|name| item.contains_key(name))
    }

    /// Returns the part of an item that the index stores: the projected attributes, the index's key and the table's.
    fn entry<'i>(&self, item: &'i Item) -> impl Iterator<Item = (&'i str, &'i Value)> {
        item.iter().filter(|(name, _)| self.holds(name))
    }

    fn holds(&self, name: &str) -> bool {
        let key = &self.table.key;
        let is_key = || name == key.partition.name || key.sort.as_ref().is_some_and(|sort| sort.name == name);
        let is_any_key = || is_key() || self.key().any(|key| key == name);
        match &self.shapes[0].projects {
            Projection::All => true,
            Projection::Keys => is_any_key(),
            Projection::Include(names) => names.iter().any(|projected| projected == name) || is_any_key(),
        }
    }

    fn size(&self, item: &Item) -> usize {
        self.entry(item).map(|(name, value)| name.len() + value.size()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};

    fn key(partition: &str, sort: Option<&str>) -> KeyShape {
        let attribute = |name: &str| KeyAttribute { name: name.to_string(), kind: KeyKind::S };
        KeyShape { partition: attribute(partition), sort: sort.map(attribute) }
    }

    fn table(indexes: Vec<IndexShape>) -> TableShape {
        TableShape { table: "stock".into(), id: None, key: key("sku", None), indexes, capacity: None }
    }

    fn index(partition: &str, sort: Option<&str>, projects: Projection) -> IndexShape {
        IndexShape { name: "by-place".into(), key: key(partition, sort), projects }
    }

    fn item(values: &[(&str, &str)]) -> Item {
        values.iter().map(|(name, value)| (name.to_string(), Value::S(value.to_string().into()))).collect()
    }

    /// Returns an item of exactly this size.
    fn of_size(bytes: usize) -> Item {
        let item = item(&[("sku", &"x".repeat(bytes - "sku".len()))]);
        assert_eq!(item_size(&item), bytes);
        item
    }

    #[test]
    fn a_table_takes_a_unit_for_each_kilobyte_of_the_larger_item() {
        let table = table(vec![]);
        for (before, after, units) in [
            (None, None, 1.0),
            (None, Some(4), 1.0),
            (None, Some(1024), 1.0),
            (None, Some(1025), 2.0),
            (Some(1024), Some(1025), 2.0),
            (Some(2049), Some(4), 3.0),
            (Some(2049), None, 3.0),
            (Some(4), None, 1.0),
        ] {
            let (old, new) = (before.map(of_size), after.map(of_size));
            assert_eq!(write_units(&table, old.as_ref(), new.as_ref()), units, "{before:?} -> {after:?}");
        }
    }

    #[test]
    fn an_index_takes_units_for_what_changes_in_it() {
        let long = "x".repeat(1100);
        let include = || Projection::Include(vec!["note".into()]);
        let none: &[(&str, &str)] = &[];
        let apart: &[(&str, &str)] = &[("sku", "A"), ("note", "n")];
        let york: &[(&str, &str)] = &[("sku", "A"), ("place", "York")];
        let leeds: &[(&str, &str)] = &[("sku", "A"), ("place", "Leeds")];
        let noted: &[(&str, &str)] = &[("sku", "A"), ("place", "York"), ("note", "n")];
        let longer: &[(&str, &str)] = &[("sku", "A"), ("place", "York"), ("note", &long)];
        let longer_in_leeds: &[(&str, &str)] = &[("sku", "A"), ("place", "Leeds"), ("note", &long)];
        let priced: &[(&str, &str)] = &[("sku", "A"), ("place", "York"), ("price", "1")];
        for (what, projects, before, after, units) in [
            ("neither is in it", Projection::All, none, apart, 0.0),
            ("neither was nor will be in it", Projection::All, apart, none, 0.0),
            ("it is new", Projection::All, none, york, 1.0),
            ("it is new, all attributes", Projection::All, none, longer, 2.0),
            ("it is new, keys only", Projection::Keys, none, longer, 1.0),
            ("it is new, included attributes", include(), none, longer, 2.0),
            ("it gets the index's key", Projection::All, apart, york, 1.0),
            ("it loses the index's key", Projection::All, longer, apart, 2.0),
            ("it is deleted", Projection::All, longer, none, 2.0),
            ("it is deleted, keys only", Projection::Keys, longer, none, 1.0),
            ("it is unchanged", Projection::All, noted, noted, 0.0),
            ("it gets longer", Projection::All, noted, longer, 2.0),
            ("it gets shorter", Projection::All, longer, york, 2.0),
            ("an attribute outside the index changes", Projection::Keys, noted, longer, 0.0),
            ("an included attribute changes", include(), york, noted, 1.0),
            ("an attribute that isn't included changes", include(), york, priced, 0.0),
            ("it moves", Projection::All, york, leeds, 2.0),
            ("it moves and gets longer", Projection::All, york, longer_in_leeds, 3.0),
            ("it moves, keys only", Projection::Keys, longer, longer_in_leeds, 2.0),
        ] {
            let one = |values: &[(&str, &str)]| (!values.is_empty()).then(|| item(values));
            let (before, after) = (one(before), one(after));
            let alone = write_units(&table(vec![]), before.as_ref(), after.as_ref());
            let both = write_units(&table(vec![index("place", None, projects)]), before.as_ref(), after.as_ref());
            assert_eq!(both - alone, units, "{what}");
        }
    }

    #[test]
    fn an_index_with_several_key_attributes_counts_once_and_needs_all_of_them() {
        let shapes =
            || vec![index("place", Some("day"), Projection::Keys), index("kind", Some("day"), Projection::Keys)];
        let whole = item(&[("sku", "A"), ("place", "York"), ("kind", "tool"), ("day", "1")]);
        let partial = item(&[("sku", "A"), ("place", "York"), ("day", "1")]);
        let moved = item(&[("sku", "A"), ("place", "York"), ("kind", "toy"), ("day", "1")]);
        for (before, after, units) in [
            (None, Some(&partial), 1.0),
            (None, Some(&whole), 2.0),
            (Some(&partial), Some(&whole), 2.0),
            (Some(&whole), Some(&moved), 3.0),
            (Some(&whole), Some(&whole), 1.0),
        ] {
            assert_eq!(write_units(&table(shapes()), before, after), units, "{before:?} -> {after:?}");
        }
        let mut two = shapes();
        two[1].name = "by-kind".into();
        assert_eq!(write_units(&table(two), None, Some(&whole)), 3.0);
    }

    #[test]
    fn every_index_stores_the_keys_of_the_table() {
        let by_place = table(vec![index("place", None, Projection::Keys)]);
        let long_key = item(&[("sku", &"x".repeat(1000)), ("place", &"y".repeat(100)), ("note", "n")]);
        assert_eq!(write_units(&by_place, None, Some(&long_key)), 2.0 + 2.0);
        let sorted = TableShape { key: key("sku", Some("day")), ..by_place };
        let long_sort = item(&[("sku", "A"), ("day", &"x".repeat(1000)), ("place", &"y".repeat(100))]);
        assert_eq!(write_units(&sorted, None, Some(&long_sort)), 2.0 + 2.0);
    }

    #[test]
    fn a_read_takes_a_unit_for_each_four_kilobytes_and_half_of_it_if_eventually_consistent() {
        for (bytes, consistent, units) in
            [(0, true, 1.0), (0, false, 0.5), (4096, true, 1.0), (4097, true, 2.0), (4097, false, 1.0)]
        {
            assert_eq!(read_units(bytes, consistent), units, "{bytes} {consistent}");
        }
    }

    #[test]
    fn units_are_converted_to_money_and_time() {
        let price = Price::default();
        let on_demand = Estimate::of(8_000.0, 6_000.5, &price, None);
        assert_eq!(on_demand.money.unwrap().to_string(), "0.0057500625");
        assert_eq!(on_demand.currency, "USD");
        assert_eq!(Estimate::of(8_000.0, 6_000.0, &price, None).seconds, Some(2.5));

        let capacity = Some(Capacity { read: 100, write: 10 });
        let provisioned = Estimate::of(50.0, 25.0, &price, capacity);
        assert_eq!((provisioned.money, provisioned.seconds), (Some(Decimal::ZERO), Some(5.25)));
        assert_eq!(Estimate::of(50.0, 25.0, &price, Some(Capacity { read: 0, write: 10 })).seconds, None);

        let nines = Decimal::parse(&"9".repeat(38)).unwrap();
        let absurd = Estimate::of(3.0, 0.0, &Price { write: nines, ..price }, None);
        assert_eq!((absurd.money, absurd.seconds), (None, Some(0.00075)));
        let text = r#"{"write_units":3.0,"read_units":0.0,"money":null,"currency":"USD","seconds":0.00075}"#;
        assert_eq!(serde_json::to_string(&absurd).unwrap(), text);
    }
}
