//! What the tables must be: uploads made by chance, and what comes of them whoever is killed or refused in between.

use std::collections::BTreeMap;
use std::ops::Range;

use inventory_base::item::{Item, Value};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::plan::{Fate, ROWS_PER_CHUNK};
use serde_json::Value as Json;

use super::world::World;
use crate::harness::stack::notification;

macro_rules! rules {
    ($more_gates:literal, $more:literal) => {
        concat!(
            "version = 1\n[key]\npartition = \"sku\"\n",
            "[gates]\nrejected_percent = false\nzero_percent = false\nprice_factor = false\nprice_percent = false\n",
            "fewer_percent = false\nmissing_percent = false\nvanishing = false\n",
            $more_gates,
            $more,
            "[[column]]\nname = \"sku\"\ntitle = \"SKU\"\ntype = \"text\"\nrequired = true\n",
            "[[column]]\nname = \"name\"\ntitle = \"Name\"\ntype = \"text\"\nrequired = true\n",
            "[[column]]\nname = \"quantity\"\ntitle = \"Quantity\"\ntype = \"integer\"\nrequired = true\n",
        )
    };
}

/// No gates: what is loaded here is unusual by intent.
pub const RULES: &str = rules!("older = false\n", "");

/// The same, but for the one gate that knows what is newer.
pub const RULES_IN_ORDER: &str = rules!("", "");

/// The same as the first, and what a sheet does not list is deleted.
pub const RULES_OF_ALL: &str = rules!("older = false\n", "[sync]\nmissing = \"delete\"\nscope = \"table\"\n");

/// A version of an upload.
#[derive(Debug, Clone)]
pub struct Version {
    pub upload: Upload,
    pub load: LoadId,
    /// In the order in which S3 took them.
    number: u64,
    /// Behind the header.
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub struct Row {
    sku: String,
    name: String,
    quantity: u32,
    fate: Fate,
}

impl Row {
    fn item(&self) -> Item {
        let text = |text: &str| Value::S(text.to_string().into());
        let values = [
            ("sku", text(&self.sku)),
            ("name", text(&self.name)),
            ("quantity", Value::N(self.quantity.to_string().into())),
        ];
        values.map(|(name, value)| (name.to_string(), value)).into()
    }
}

/// Makes uploads one after the other, as S3 would take them.
pub struct Uploads {
    random: fastrand::Rng,
    made: u64,
    /// Milliseconds since 1970.
    time: i64,
    /// Uploaded when they are put, and not in some week of the past.
    is_of_now: bool,
    sequence: u64,
}

impl Uploads {
    pub fn new(seed: u64) -> Uploads {
        Uploads::from(seed, 1_790_000_000_000)
    }

    /// Of now, after the ledger was made.
    pub fn of_now(seed: u64) -> Uploads {
        Uploads { is_of_now: true, ..Uploads::from(seed, 0) }
    }

    fn from(seed: u64, time: i64) -> Uploads {
        let mut random = fastrand::Rng::with_seed(seed);
        Uploads { made: 0, is_of_now: false, time, sequence: random.u64(1 << 40..1 << 56), random }
    }

    /// A version of this key with so many items out of so many, and now and then a row that cannot go in.
    pub async fn put(&mut self, world: &World, key: &str, items: usize, of: usize) -> Version {
        self.made += 1;
        let rows = self.rows(key, items, of);
        self.put_rows(world, key, rows).await
    }

    async fn put_rows(&mut self, world: &World, key: &str, rows: Vec<Row>) -> Version {
        let mut text = String::from("SKU,Name,Quantity\n");
        for Row { sku, name, quantity, fate } in &rows {
            let quantity = if *fate == Fate::Rejected { "several".to_string() } else { quantity.to_string() };
            text.push_str(&format!("{sku},{name},{quantity}\n"));
        }
        let key = format!("uploads/{}/{key}.csv", world.name);
        let mut upload = world.upload(&key, text.as_bytes()).await;
        upload.time = Some(self.next_time());
        upload.sequencer = Some(self.next_sequencer());
        Version { load: LoadId::of(&upload), upload, number: self.made, rows }
    }

    /// A version with exactly these items, all of them good.
    pub async fn put_exactly(&mut self, world: &World, key: &str, skus: Range<usize>) -> Version {
        self.made += 1;
        let (made, random) = (self.made, &mut self.random);
        let row = |sku: usize| Row {
            sku: format!("s-{sku:05}"),
            name: format!("{key} {made} {sku}"),
            quantity: random.u32(..1_000),
            fate: Fate::New,
        };
        let rows: Vec<Row> = skus.map(row).collect();
        self.put_rows(world, key, rows).await
    }

    fn rows(&mut self, key: &str, items: usize, of: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let skus = self.random.choose_multiple(0..of, items);
        for sku in skus {
            let fate = match self.random.u32(0..20) {
                0 => Fate::Rejected,
                1 => Fate::Duplicate,
                _ => Fate::New,
            };
            // No two versions write the same.
            let row = Row {
                sku: format!("s-{sku:05}"),
                name: format!("{key} {} {sku}", self.made),
                quantity: self.random.u32(..1_000),
                fate,
            };
            rows.extend((fate == Fate::Duplicate).then(|| row.clone()));
            rows.push(row);
        }
        rows
    }

    fn next_time(&mut self) -> String {
        self.time += self.random.i64(1..3_000);
        if self.is_of_now {
            self.time = jiff::Timestamp::now().as_millisecond();
        }
        let time = jiff::Timestamp::from_millisecond(self.time).expect("a time");
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// Hexadecimal, rising, and of different lengths: shorter ones count as filled up with zeros.
    fn next_sequencer(&mut self) -> String {
        self.sequence += self.random.u64(1..1 << 20);
        let longer = self.random.usize(..6);
        let tail: String = std::iter::repeat_with(|| self.random.digit(16)).take(longer).collect();
        format!("00{:014X}{}", self.sequence, tail.to_uppercase())
    }
}

/// The version that a load is of.
pub fn find<'a>(versions: &'a [Version], load: &LoadId) -> &'a Version {
    versions.iter().find(|version| version.load == *load).expect("a load that was announced")
}

impl Version {
    pub fn is_newer_than(&self, other: &Version) -> bool {
        self.upload.key == other.upload.key && self.number > other.number
    }

    /// As S3 announces it.
    pub fn event(&self) -> Json {
        let mut event = notification(&self.upload);
        let record = &mut event["Records"][0];
        record["eventTime"] = self.upload.time.clone().into();
        record["s3"]["object"]["sequencer"] = self.upload.sequencer.clone().into();
        event
    }

    /// The header is a row too.
    pub fn chunks(&self) -> u32 {
        (self.rows.len() + 1).div_ceil(ROWS_PER_CHUNK) as u32
    }

    /// The fates of all rows where all could be written: `new` stands for what goes in.
    pub fn fates(&self) -> BTreeMap<Fate, u64> {
        let mut fates = BTreeMap::from([(Fate::Skipped, 1)]);
        for row in &self.rows {
            *fates.entry(row.fate).or_default() += 1;
        }
        fates
    }

    fn items(&self, chunks: Range<u32>) -> impl Iterator<Item = (String, Item)> {
        let row = |chunk: u32| (chunk as usize * ROWS_PER_CHUNK).saturating_sub(1).min(self.rows.len());
        let rows = self.rows[row(chunks.start)..row(chunks.end)].iter();
        rows.filter(|row| row.fate == Fate::New).map(|row| (row.sku.clone(), row.item()))
    }
}

impl Stock {
    /// What these versions leave, written whole one after the other.
    pub fn of<'v>(versions: impl IntoIterator<Item = &'v Version>) -> Stock {
        let mut stock = Stock::default();
        versions.into_iter().for_each(|version| stock.write(version, 0..version.chunks()));
        stock
    }
}

/// What the table may hold for each SKU: one thing, but where a run was killed in a chunk that nobody wrote again.
#[derive(Debug, Default)]
pub struct Stock(BTreeMap<String, Vec<Option<Item>>>);

impl Stock {
    pub fn write(&mut self, version: &Version, chunks: Range<u32>) {
        for (sku, item) in version.items(chunks) {
            self.0.insert(sku, vec![Some(item)]);
        }
    }

    pub fn write_perhaps(&mut self, version: &Version, chunks: Range<u32>) {
        for (sku, item) in version.items(chunks) {
            self.0.entry(sku).or_insert_with(|| vec![None]).push(Some(item));
        }
    }

    /// What is not as it must be.
    pub fn differences(&self, found: &BTreeMap<String, Item>) -> Vec<String> {
        let expected = self.0.iter().filter(|(sku, may)| !may.contains(&found.get(*sku).cloned()));
        let expected = expected.map(|(sku, may)| format!("{sku} is {:?} and not {may:?}", found.get(sku)));
        let others = found.keys().filter(|sku| !self.0.contains_key(*sku)).map(|sku| format!("{sku} is there"));
        expected.chain(others).collect()
    }
}
