//! Changes to a list that don't change its meaning: merged cells, and another order of the columns halfway down. Also
//! keys that differ only in letter case.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use inventory_base::item::Item;
use inventory_rules::judge::{Place, Verdict};
use inventory_rules::schema::{SHIPPED, Schema};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::table::{Cell, Table};
use super::write::{DELIMITERS, DateSystem, Texts, UNICODE_FORMS, csv, ods, xlsx, xlsx_merged};
use super::{CASES, any_csv_style, any_list, judge, take_doubtful};
use crate::harness::check_property;

/// The columns whose cells may be merged with the one above: name, category, date of the last count, discontinued.
const SHARED: [u32; 4] = [1, 4, 5, 6];
const COLUMNS: u32 = 7;

/// Returns the accepted items by row.
fn items(verdicts: BTreeMap<Place, Verdict>) -> BTreeMap<u32, Item> {
    let item = |(place, verdict): (Place, Verdict)| match verdict {
        Verdict::Accepted(item) => Some((place.1, item)),
        _ => None,
    };
    verdicts.into_iter().filter_map(item).collect()
}

#[test]
fn any_list_with_merged_cells_is_judged_as_if_each_row_had_their_value() {
    let schema = Schema::shipped().expect("the shipped rules");
    let merged = vec((select(&SHARED[..]), any::<Index>(), 1_u32..6), 1..6);
    check_property(CASES, (any_list(), merged), |(mut list, wanted)| {
        let mut areas: Vec<(u32, RangeInclusive<u32>)> = Vec::new();
        let rows: Vec<u32> = list.keys().copied().skip(1).collect();
        for (column, first, more) in wanted {
            let first = *first.get(&rows);
            let area = first..=first + more;
            let is_free = areas
                .iter()
                .all(|(other, rows)| *other != column || rows.end() < area.start() || rows.start() > area.end());
            if is_free && list[&first].contains_key(&column) {
                areas.push((column, area));
            }
        }
        let mut merged = list.clone();
        for (column, area) in &areas {
            let shown = list[area.start()][column].clone();
            let rows = area.start() + 1..=*area.end();
            list.range_mut(rows.clone()).for_each(|(_, cells)| drop(cells.insert(*column, shown.clone())));
            merged.range_mut(rows).for_each(|(_, cells)| drop(cells.remove(column)));
        }
        let alone = judge(&schema, &xlsx(&list, Texts::Shared, DateSystem::Of1900))?;
        prop_assert_eq!(judge(&schema, &xlsx_merged(&merged, &areas))?, alone, "{:?}", areas);
        Ok(())
    });
}

#[test]
fn any_list_split_into_tables_of_different_column_order_has_the_same_items() {
    let schema = Schema::shipped().expect("the shipped rules");
    let order = Just((0..COLUMNS).collect::<Vec<u32>>()).prop_shuffle();
    let form = (select(&DELIMITERS[..]), select(&UNICODE_FORMS[..]), any_csv_style());
    check_property(
        CASES / 2,
        (any_list(), any::<Index>(), order, form),
        |(list, below, order, (delimiter, form, style))| {
            let rows: Vec<u32> = list.keys().copied().skip(1).collect();
            let below = *below.get(&rows);
            let in_order = |cells: &BTreeMap<u32, Cell>| -> BTreeMap<u32, Cell> {
                cells.iter().map(|(column, cell)| (order[*column as usize], cell.clone())).collect()
            };
            let mut tables: Table = list.range(..=below).map(|(row, cells)| (*row, cells.clone())).collect();
            tables.insert(below + 1, in_order(&list[&1]));
            tables.extend(list.range(below + 1..).map(|(row, cells)| (row + 1, in_order(cells))));
            let whole = items(judge(&schema, &xlsx(&list, Texts::Shared, DateSystem::Of1900))?);
            prop_assert_eq!(whole.len(), rows.len());
            let row_of = |row: u32| if row > below { row + 1 } else { row };
            let expected: BTreeMap<u32, Item> = whole.into_iter().map(|(row, item)| (row_of(row), item)).collect();
            for file in [xlsx(&tables, Texts::InCells, DateSystem::Of1900), ods(&tables, true)] {
                prop_assert_eq!(
                    &items(judge(&schema, &file)?),
                    &expected,
                    "the second table begins in row {}",
                    below + 1
                );
            }
            let mut from_csv = judge(&schema, &csv(&tables, delimiter, form, style))?;
            let doubtful = take_doubtful(&mut from_csv, style);
            let expected = expected.into_iter().filter(|(row, _)| !doubtful.contains(row)).collect();
            prop_assert_eq!(items(from_csv), expected, "the second table begins in row {}", below + 1);
            Ok(())
        },
    );
}

#[test]
fn keys_that_differ_only_in_case_are_separate_items_only_if_the_rules_say_so() {
    const KEYS: [&str; 4] =
        ["[a-eA-E]{1,2}-[12]", "[а-яА-Я]{1,2}-[12]", "[α-ρτ-ωΑ-ΡΤ-Ω]{1,2}-[12]", "[äöüçñøÄÖÜÇÑØ]{1,2}-[12]"];
    let folds = Schema::shipped().expect("the shipped rules");
    let rules = SHIPPED.replace("key_case = \"folds\"", "key_case = \"matters\"");
    let matters = Schema::from_toml(&rules).expect("rules");
    assert_ne!(folds, matters);
    let keys = select(&KEYS[..]).prop_flat_map(|key| vec(key, 1..12));
    check_property(CASES, keys, |keys| {
        let header = ["SKU", "Name", "Quantity"].map(|title| Cell::Text(title.to_owned()));
        let row = |key: &String| [Cell::Text(key.clone()), Cell::Text("Bolt".into()), Cell::Number(5.0)];
        let rows = std::iter::once(header).chain(keys.iter().map(row));
        let list: Table = (1..).zip(rows).map(|(number, cells)| (number, (0..).zip(cells).collect())).collect();
        let file = xlsx(&list, Texts::Shared, DateSystem::Of1900);
        let are_alone = |same: &dyn Fn(&str, &str) -> bool| -> usize {
            keys.iter().filter(|key| keys.iter().filter(|other| same(key, other)).count() == 1).count()
        };
        let alone = are_alone(&|one, other| one.to_lowercase() == other.to_lowercase());
        prop_assert_eq!(items(judge(&folds, &file)?).len(), alone, "{:?}", keys);
        let alone = are_alone(&|one, other| one == other);
        prop_assert_eq!(items(judge(&matters, &file)?).len(), alone, "{:?}", keys);
        Ok(())
    });
}
