//! Random uploads, and a model of the table that must result from them whichever runs are killed or calls fail.

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

/// Rules without gates: the loads here are unusual on purpose.
pub const RULES: &str = rules!("older = false\n", "");

/// The same, with only the gate `older`.
pub const RULES_WITH_OLDER_GATE: &str = rules!("", "");

/// Rules without gates that delete items the sheet does not list.
pub const RULES_WITH_SYNC: &str = rules!("older = false\n", "[sync]\nmissing = \"delete\"\nscope = \"table\"\n");

/// A version of an uploaded file.
#[derive(Debug, Clone)]
pub struct Version {
    pub upload: Upload,
    pub load: LoadId,
    /// Its place in the order in which S3 received the versions.
    number: u64,
    /// The rows below the header.
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

/// Makes uploads one after the other.
pub struct Uploads {
    random: fastrand::Rng,
    made: u64,
    /// Milliseconds since 1970.
    time: i64,
    /// Whether uploads have the current time, and not one in the past.
    uses_current_time: bool,
    sequence: u64,
}

impl Uploads {
    pub fn new(seed: u64) -> Uploads {
        Uploads::from(seed, 1_790_000_000_000)
    }

    /// Uploads with the current time, which is after the ledger was created.
    pub fn uploaded_now(seed: u64) -> Uploads {
        Uploads { uses_current_time: true, ..Uploads::from(seed, 0) }
    }

    fn from(seed: u64, time: i64) -> Uploads {
        let mut random = fastrand::Rng::with_seed(seed);
        Uploads { made: 0, uses_current_time: false, time, sequence: random.u64(1 << 40..1 << 56), random }
    }

    /// Uploads a version of this key with `items` of `of` possible items, among them some that are rejected or
    /// duplicates.
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

    /// Uploads a version with exactly these items, all of them valid.
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
            // No two versions write the same item.
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
        if self.uses_current_time {
            self.time = jiff::Timestamp::now().as_millisecond();
        }
        let time = jiff::Timestamp::from_millisecond(self.time).expect("a time");
        time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// Hexadecimal, increasing, and of different lengths: shorter ones compare as if padded with zeros on the right.
    fn next_sequencer(&mut self) -> String {
        self.sequence += self.random.u64(1..1 << 20);
        let longer = self.random.usize(..6);
        let tail: String = std::iter::repeat_with(|| self.random.digit(16)).take(longer).collect();
        format!("00{:014X}{}", self.sequence, tail.to_uppercase())
    }
}

/// Returns the version that a load is of.
pub fn find<'a>(versions: &'a [Version], load: &LoadId) -> &'a Version {
    versions.iter().find(|version| version.load == *load).expect("a load that was announced")
}

impl Version {
    pub fn is_newer_than(&self, other: &Version) -> bool {
        self.upload.key == other.upload.key && self.number > other.number
    }

    /// Returns the event that S3 sends for this version.
    pub fn event(&self) -> Json {
        let mut event = notification(&self.upload);
        let record = &mut event["Records"][0];
        record["eventTime"] = self.upload.time.clone().into();
        record["s3"]["object"]["sequencer"] = self.upload.sequencer.clone().into();
        event
    }

    /// Returns the number of chunks; the header is a row too.
    pub fn chunks(&self) -> u32 {
        (self.rows.len() + 1).div_ceil(ROWS_PER_CHUNK) as u32
    }

    /// Returns the fates of all rows if all could be written, with `new` for every item written.
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
    /// Returns the stock after these versions were written completely, one after the other.
    pub fn of<'v>(versions: impl IntoIterator<Item = &'v Version>) -> Stock {
        let mut stock = Stock::default();
        versions.into_iter().for_each(|version| stock.write(version, 0..version.chunks()));
        stock
    }
}

/// What the table may hold for each SKU: a single item, unless a run was killed in a chunk that was not written again.
#[derive(Debug, Default)]
pub struct Stock(BTreeMap<String, Vec<Option<Item>>>);

impl Stock {
    pub fn write(&mut self, version: &Version, chunks: Range<u32>) {
        for (sku, item) in version.items(chunks) {
            self.0.insert(sku, vec![Some(item)]);
        }
    }

    pub fn may_have_written(&mut self, version: &Version, chunks: Range<u32>) {
        for (sku, item) in version.items(chunks) {
            self.0.entry(sku).or_insert_with(|| vec![None]).push(Some(item));
        }
    }

    /// Returns a description of each SKU that differs from the model.
    pub fn differences(&self, found: &BTreeMap<String, Item>) -> Vec<String> {
        let expected = self.0.iter().filter(|(sku, may)| !may.contains(&found.get(*sku).cloned()));
        let expected = expected.map(|(sku, may)| format!("{sku} is {:?} and not {may:?}", found.get(sku)));
        let others = found.keys().filter(|sku| !self.0.contains_key(*sku)).map(|sku| format!("{sku} is there"));
        expected.chain(others).collect()
    }
}
