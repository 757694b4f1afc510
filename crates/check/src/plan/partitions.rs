//! Spreads a load over the partitions of the table, because one partition accepts far fewer writes than the table.

use std::collections::{BTreeMap, HashMap};

use inventory_base::item::{Item, Value};
use inventory_base::message::{Note, count, note};
use inventory_rules::schema::TableShape;

/// Write units per second that one partition accepts, whatever the capacity of the table.
pub const PARTITION_UNITS: f64 = 1000.0;
/// A key attribute with more values than this spreads the load well enough by itself.
const MAX_VALUES: usize = 10_000;
/// A delay of fewer seconds isn't worth a note.
const SHORT_SECONDS: f64 = 10.0;

/// The write units of a load by partition of the table and of its indexes, collected item by item.
pub struct Partitions<'a> {
    keys: Vec<ByKey<'a>>,
}

/// The write units by the values of one partition key that several items may share.
struct ByKey<'a> {
    attribute: &'a str,
    /// The number of the partition of each value.
    numbers: HashMap<String, usize>,
    /// Write units of each partition.
    units: Vec<f64>,
    /// Items of the current chunk in each partition.
    in_chunk: BTreeMap<usize, u64>,
    /// For each chunk, the partition of more than half of its items.
    chunks: Vec<Option<usize>>,
    too_many: bool,
}

impl<'a> Partitions<'a> {
    pub fn new(shape: &'a TableShape) -> Partitions<'a> {
        let own = shape.key.sort.is_some().then_some(&shape.key.partition);
        let of_indexes = shape.indexes.iter().map(|index| &index.key.partition);
        let mut names: Vec<&str> = own.into_iter().chain(of_indexes).map(|attribute| attribute.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        Partitions { keys: names.into_iter().map(ByKey::new).collect() }
    }

    /// Adds an item that is written.
    pub fn add(&mut self, item: &Item, units: f64) {
        self.keys.iter_mut().for_each(|key| key.add(item, units));
    }

    pub fn end_chunk(&mut self) {
        self.keys.iter_mut().for_each(ByKey::end_chunk);
    }

    /// Returns how to write the load. `table_seconds` is how long the load would take if only the capacity of the table
    /// counted.
    pub fn finish(mut self, table_seconds: f64) -> Spread {
        self.keys.retain(|key| !key.too_many && !key.units.is_empty());
        let busiest = self.keys.into_iter().max_by(|a, b| a.busiest().1.total_cmp(&b.busiest().1));
        busiest.map_or_else(Spread::default, |key| key.finish(table_seconds))
    }
}

/// How the writes of a load are spread over partitions.
#[derive(Debug, Default, PartialEq)]
pub struct Spread {
    /// The order of chunks that alternates between partitions, if it isn't the order of the rows.
    pub order: Option<Vec<u32>>,
    /// The minimum time for the busiest partition.
    pub seconds: f64,
    /// A note about the busiest partition, if it takes longer than the table.
    pub note: Option<Note>,
}

impl<'a> ByKey<'a> {
    fn new(attribute: &'a str) -> ByKey<'a> {
        let (numbers, in_chunk) = (HashMap::new(), BTreeMap::new());
        ByKey { attribute, numbers, units: Vec::new(), in_chunk, chunks: Vec::new(), too_many: false }
    }

    fn add(&mut self, item: &Item, units: f64) {
        let Some(Value::S(value) | Value::N(value)) = item.get(self.attribute) else {
            return;
        };
        if self.too_many {
            return;
        }
        let number = match self.numbers.get(value.as_str()) {
            Some(number) => *number,
            None => {
                let number = self.units.len();
                self.numbers.insert(value.to_string(), number);
                self.units.push(0.0);
                self.too_many = self.units.len() > MAX_VALUES;
                number
            }
        };
        self.units[number] += units;
        *self.in_chunk.entry(number).or_default() += 1;
    }

    fn end_chunk(&mut self) {
        let items: u64 = self.in_chunk.values().sum();
        let majority = self.in_chunk.iter().find(|(_, own)| **own * 2 > items).map(|(number, _)| *number);
        self.chunks.push(majority);
        self.in_chunk.clear();
    }

    /// Returns the partition with the most write units, and their number.
    fn busiest(&self) -> (usize, f64) {
        let units = self.units.iter().copied().enumerate();
        units.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or_default()
    }

    /// Returns an order in which the chunks of each partition are spread evenly over the load.
    fn order(&self) -> Option<Vec<u32>> {
        let mut of_partition: BTreeMap<Option<usize>, (u32, u32)> = BTreeMap::new();
        for partition in &self.chunks {
            of_partition.entry(*partition).or_default().1 += 1;
        }
        let places = self.chunks.iter().enumerate().map(|(chunk, partition)| {
            let (before, all) = of_partition.entry(*partition).or_default();
            *before += 1;
            ((f64::from(*before) - 0.5) / f64::from(*all), chunk as u32)
        });
        let mut places: Vec<(f64, u32)> = places.collect();
        places.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let order: Vec<u32> = places.into_iter().map(|(_, chunk)| chunk).collect();
        (!order.is_sorted()).then_some(order)
    }

    fn finish(&self, table_seconds: f64) -> Spread {
        let (busiest, units) = self.busiest();
        let seconds = units / PARTITION_UNITS;
        let note = (seconds >= table_seconds + SHORT_SECONDS).then(|| self.note(busiest, units));
        Spread { order: self.order(), seconds, note }
    }

    fn note(&self, busiest: usize, units: f64) -> Note {
        let minutes = (units / PARTITION_UNITS / 60.0).ceil() as u64;
        let value = self.numbers.iter().find(|(_, number)| **number == busiest).map(|(value, _)| value.as_str());
        let share = 100.0 * units / self.units.iter().sum::<f64>();
        note!(PartitionBusy {
            share: format!("{share:.0}%"),
            attribute: self.attribute,
            value: value.unwrap_or_default(),
            limit: count(PARTITION_UNITS as u64),
            minutes: count(minutes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::key_shape::{KeyAttribute, KeyKind, KeyShape};

    fn shape(sort: bool) -> TableShape {
        let attribute = |name: &str| KeyAttribute { name: name.to_string(), kind: KeyKind::S };
        let key = KeyShape { partition: attribute("warehouse"), sort: sort.then(|| attribute("sku")) };
        TableShape { table: "stock".into(), id: None, key, indexes: vec![], capacity: None }
    }

    fn collected<'a>(shape: &'a TableShape, chunks: &[&str], units: f64) -> Partitions<'a> {
        let mut partitions = Partitions::new(shape);
        for chunk in chunks {
            for warehouse in chunk.chars() {
                let item = Item::from([("warehouse".to_string(), Value::S(warehouse.to_string().into()))]);
                partitions.add(&item, units);
            }
            partitions.end_chunk();
        }
        partitions
    }

    #[test]
    fn a_sheet_sorted_by_warehouse_is_written_to_the_warehouses_in_turn() {
        let shape = shape(true);
        let spread = collected(&shape, &["LLL", "LLL", "LLL", "LLG", "GGG", "BBB"], 1.0).finish(0.0);
        assert_eq!(spread.order, Some(vec![0, 1, 4, 5, 2, 3]));
        assert_eq!(spread.note, None);
    }

    #[test]
    fn a_sheet_in_mixed_order_is_written_in_its_own_order() {
        let shape = shape(true);
        for chunks in [&["LGB", "GLB", "BGL"][..], &["LLL", "LLL"], &["", ""], &[]] {
            assert_eq!(collected(&shape, chunks, 1.0).finish(0.0).order, None, "{chunks:?}");
        }
    }

    #[test]
    fn a_partition_that_takes_longer_than_the_table_gets_a_note() {
        let shape = shape(true);
        let chunks = ["LLL", "LGB"];
        let spread = collected(&shape, &chunks, 30_000.0).finish(45.0);
        assert_eq!(spread.seconds, 120.0);
        let message = spread.note.unwrap().message;
        assert!(
            message.contains("67%") && message.contains("warehouse \"L\"") && message.contains("2 min"),
            "{message}"
        );
        assert_eq!(collected(&shape, &chunks, 30_000.0).finish(115.0).note, None);
    }

    #[test]
    fn nothing_is_reordered_if_each_item_has_its_own_partition() {
        assert_eq!(collected(&shape(false), &["LLL", "GGG", "LLL"], 1e6).finish(0.0), Spread::default());
    }
}
