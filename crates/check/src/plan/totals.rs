//! Control totals, the sums a stock keeper knows her sheet by: items, pieces and their value, in total and by group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use inventory_base::decimal::Decimal;
use inventory_base::item::{Item, Value};
use inventory_rules::schema::Totals;

/// The number of groups with their own figures. A list of warehouses has fewer, and every report contains all figures.
const MAX_GROUPS: usize = 1_000;

/// Sums of the items of a file or a table, to be compared. The order in which items and parts are added doesn't matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotals {
    pub all: Figures,
    /// Figures by value of the grouping column: the first thousand groups in the order of their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Figures>,
    /// Figures of all other groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Figures>,
    /// Figures of items without a value in that column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<Figures>,
}

/// The sums of some items. A sum is `None` if the rules name no column for it, or if it has too many digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub items: u64,
    pub quantity: Option<Decimal>,
    /// The sum of quantity times price.
    pub value: Option<Decimal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    Items,
    Quantity,
    Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    All,
    Of(String),
    Other,
    Without,
}

/// A figure that differs from what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub figure: Figure,
    pub group: Group,
    pub expected: Decimal,
    pub found: Decimal,
}

impl ControlTotals {
    pub fn add(&mut self, item: &Item, totals: &Totals) {
        let one = Figures::of(item, totals);
        self.all.add(&one);
        let Some(per) = &totals.per else { return };
        match group_of(item, per) {
            Some(group) => self.add_to_group(group, &one),
            None => self.without.get_or_insert_default().add(&one),
        }
    }

    pub fn add_all(&mut self, other: &ControlTotals) {
        self.all.add(&other.all);
        for (group, figures) in &other.groups {
            self.add_to_group(group, figures);
        }
        for (sum, part) in [(&mut self.other, &other.other), (&mut self.without, &other.without)] {
            if let Some(part) = part {
                sum.get_or_insert_default().add(part);
            }
        }
    }

    /// Adds figures to a group. If there are too many groups, the first by name are kept rather than the first added:
    /// otherwise two totals of the same items could differ in `other`.
    fn add_to_group(&mut self, group: &str, figures: &Figures) {
        if let Some(sum) = self.groups.get_mut(group) {
            return sum.add(figures);
        }
        if self.groups.len() < MAX_GROUPS {
            self.groups.insert(group.to_string(), *figures);
            return;
        }
        let mut out = *figures;
        if let Some(last) = self.groups.last_entry().filter(|last| last.key().as_str() > group) {
            out = last.remove();
            self.groups.insert(group.to_string(), *figures);
        }
        self.other.get_or_insert_default().add(&out);
    }

    /// Returns where `found` differs from these totals. A figure that is `None` on either side is not compared.
    pub fn differences(&self, found: &ControlTotals) -> Vec<Difference> {
        let none = Figures::default();
        let mut differences = Vec::new();
        let mut compare = |group: Group, expected: Option<&Figures>, found: Option<&Figures>| {
            let (expected, found) = (expected.unwrap_or(&none), found.unwrap_or(&none));
            for figure in [Figure::Items, Figure::Quantity, Figure::Value] {
                if let (Some(expected), Some(found)) = (expected.get(figure), found.get(figure))
                    && expected != found
                {
                    differences.push(Difference { figure, group: group.clone(), expected, found });
                }
            }
        };
        compare(Group::All, Some(&self.all), Some(&found.all));
        for (group, expected) in &self.groups {
            compare(Group::Of(group.clone()), Some(expected), found.groups.get(group));
        }
        for (group, found) in found.groups.iter().filter(|(group, _)| !self.groups.contains_key(*group)) {
            compare(Group::Of(group.clone()), None, Some(found));
        }
        compare(Group::Other, self.other.as_ref(), found.other.as_ref());
        compare(Group::Without, self.without.as_ref(), found.without.as_ref());
        differences
    }
}

impl Default for Figures {
    fn default() -> Figures {
        Figures { items: 0, quantity: Some(Decimal::ZERO), value: Some(Decimal::ZERO) }
    }
}

impl Figures {
    /// Returns the figures of one item. An item without a number in a column counts as zero there.
    pub(super) fn of(item: &Item, totals: &Totals) -> Figures {
        let number = |column: &String| number_of(item, column).unwrap_or(Decimal::ZERO);
        let quantity = totals.quantity.as_ref().map(number);
        let price = totals.price.as_ref().map(number);
        let value = quantity.zip(price).and_then(|(quantity, price)| quantity.checked_mul(price));
        Figures { items: 1, quantity, value }
    }

    fn add(&mut self, other: &Figures) {
        let sum = |a: Option<Decimal>, b: Option<Decimal>| a.zip(b).and_then(|(a, b)| a.checked_add(b));
        self.items += other.items;
        self.quantity = sum(self.quantity, other.quantity);
        self.value = sum(self.value, other.value);
    }

    fn get(&self, figure: Figure) -> Option<Decimal> {
        match figure {
            Figure::Items => Some(Decimal::from(self.items)),
            Figure::Quantity => self.quantity,
            Figure::Value => self.value,
        }
    }
}

/// Returns the number an item has in a column.
pub(super) fn number_of(item: &Item, column: &str) -> Option<Decimal> {
    match item.get(column)? {
        Value::N(digits) => Decimal::parse(digits).ok(),
        _ => None,
    }
}

/// Returns the value an item has in the grouping column.
pub(super) fn group_of<'i>(item: &'i Item, column: &str) -> Option<&'i str> {
    match item.get(column)? {
        Value::S(text) | Value::N(text) => Some(text),
        Value::Bool(true) => Some("yes"),
        Value::Bool(false) => Some("no"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Totals {
        let column = |name: &str| Some(name.to_string());
        Totals { quantity: column("quantity"), price: column("price"), per: column("warehouse"), read_back: true }
    }

    fn item(warehouse: Option<&str>, quantity: &str, price: &str) -> Item {
        let number = |digits: &str| (!digits.is_empty()).then(|| Value::N(digits.to_string().into()));
        let values = [
            ("warehouse", warehouse.map(|text| Value::S(text.to_string().into()))),
            ("quantity", number(quantity)),
            ("price", number(price)),
        ];
        values.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect()
    }

    fn totals<'i>(items: impl IntoIterator<Item = &'i Item>) -> ControlTotals {
        let columns = columns();
        let mut totals = ControlTotals::default();
        items.into_iter().for_each(|item| totals.add(item, &columns));
        totals
    }

    fn figures(items: u64, quantity: &str, value: &str) -> Figures {
        let number = |text: &str| Some(Decimal::parse(text).unwrap());
        Figures { items, quantity: number(quantity), value: number(value) }
    }

    #[test]
    fn items_pieces_and_value_are_summed_in_total_and_by_group() {
        let items = [
            item(Some("York"), "3", "19.99"),
            item(Some("Leeds"), "2.5", "0.10"),
            item(Some("York"), "1", ""),
            item(None, "", "5"),
        ];
        let sums = totals(&items);
        assert_eq!(sums.all, figures(4, "6.5", "60.22"));
        let groups = [("Leeds", figures(1, "2.5", "0.25")), ("York", figures(2, "4", "59.97"))];
        assert_eq!(sums.groups, groups.map(|(name, figures)| (name.to_string(), figures)).into());
        assert_eq!((sums.other, sums.without), (None, Some(figures(1, "0", "0"))));
        let text = r#"{"all":{"items":1,"quantity":"2.5","value":"0.25"},"groups":{"Leeds":{"items":1,"quantity":"2.5","value":"0.25"}}}"#;
        assert_eq!(serde_json::to_string(&totals(&items[1..2])).unwrap(), text);
        assert_eq!(serde_json::from_str::<ControlTotals>(&serde_json::to_string(&sums).unwrap()).unwrap(), sums);
    }

    #[test]
    fn a_sum_that_the_rules_do_not_ask_for_is_absent_rather_than_zero() {
        let mut sums = ControlTotals::default();
        sums.add(&item(Some("York"), "3", "19.99"), &Totals { price: None, per: None, ..columns() });
        assert_eq!(sums.all, Figures { value: None, ..figures(1, "3", "0") });
        assert_eq!((sums.groups.len(), sums.without), (0, None));
    }

    #[test]
    fn a_sum_with_too_many_digits_is_absent_and_remains_so() {
        let nines = "9".repeat(38);
        let mut sums = totals(&[item(Some("York"), &nines, "0.1"), item(Some("York"), "2", "1")]);
        assert_eq!(sums.all, Figures { items: 2, quantity: None, value: None });
        sums.add(&item(Some("Leeds"), "1", "1"), &columns());
        assert_eq!(sums.all, Figures { items: 3, quantity: None, value: None });
        assert_eq!(sums.groups["Leeds"], figures(1, "1", "1"));
        let product = totals(&[item(None, &nines, &nines)]);
        assert_eq!(product.all, Figures { value: None, ..figures(1, &nines, "0") });
    }

    #[test]
    fn groups_beyond_a_thousand_are_summed_as_one_whatever_the_order_of_items() {
        let names: Vec<String> = (0..=MAX_GROUPS + 1).map(|n| format!("{n:04}")).collect();
        let mut items: Vec<Item> = names.iter().chain(&names).map(|name| item(Some(name), "1", "2")).collect();
        let forwards = totals(&items);
        assert_eq!(forwards.groups.len(), MAX_GROUPS);
        assert_eq!(forwards.groups.last_key_value().unwrap().0, "0999");
        assert_eq!(forwards.other, Some(figures(4, "4", "8")));
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        fastrand::Rng::with_seed(seed).shuffle(&mut items);
        assert_eq!(totals(&items), forwards);
        items.reverse();
        let mut sum = totals(&items[..1_500]);
        sum.add_all(&totals(&items[1_500..]));
        assert_eq!(sum, forwards);
    }

    #[test]
    fn differences_between_file_and_table_are_listed_by_figure_and_group() {
        let file = totals(&[item(Some("York"), "3", "2"), item(Some("Leeds"), "1", "1"), item(None, "1", "1")]);
        assert_eq!(file.differences(&file.clone()), []);
        let table = totals(&[item(Some("York"), "4", "1.5"), item(Some("Bath"), "1", "1"), item(None, "1", "1")]);
        let of = |figure, group: &str, expected: i64, found: i64| {
            let group = if group.is_empty() { Group::All } else { Group::Of(group.to_string()) };
            Difference { figure, group, expected: Decimal::new(expected, 0), found: Decimal::new(found, 0) }
        };
        let differences = [
            of(Figure::Quantity, "", 5, 6),
            of(Figure::Items, "Leeds", 1, 0),
            of(Figure::Quantity, "Leeds", 1, 0),
            of(Figure::Value, "Leeds", 1, 0),
            of(Figure::Quantity, "York", 3, 4),
            of(Figure::Items, "Bath", 0, 1),
            of(Figure::Quantity, "Bath", 0, 1),
            of(Figure::Value, "Bath", 0, 1),
        ];
        assert_eq!(file.differences(&table), differences);
        let text = r#"{"figure":"quantity","group":{"of":"York"},"expected":"3","found":"4"}"#;
        assert_eq!(serde_json::to_string(&differences[4]).unwrap(), text);
    }

    #[test]
    fn items_outside_the_listed_groups_are_compared_but_absent_figures_are_not() {
        let one = Figures::default();
        let file = ControlTotals { without: Some(one), other: Some(one), ..ControlTotals::default() };
        let more = Some(Figures { items: 2, quantity: None, ..one });
        let table = ControlTotals { without: more, other: more, ..file.clone() };
        let groups: Vec<_> = file.differences(&table).into_iter().map(|d| (d.figure, d.group)).collect();
        assert_eq!(groups, [(Figure::Items, Group::Other), (Figure::Items, Group::Without)]);
    }
}
