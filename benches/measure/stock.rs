//! Rows of stock for the shipped rules: the same in every run.

pub const SEED: u64 = 20_261_003;

pub const HEADER: [&str; 10] = [
    "SKU",
    "Name",
    "Category",
    "Warehouse",
    "Quantity",
    "Unit price",
    "Reorder level",
    "Supplier",
    "Last counted",
    "Discontinued",
];

pub struct Row {
    pub sku: String,
    pub name: String,
    pub category: &'static str,
    pub warehouse: &'static str,
    pub quantity: u32,
    pub pence: u32,
    pub reorder_level: u32,
    pub supplier: &'static str,
    /// Days since 30 Dec 1899, as spreadsheets count them.
    pub last_counted: u32,
    pub discontinued: bool,
}

/// Returns the first `count` rows of an endless sheet.
pub fn rows(count: u32) -> impl Iterator<Item = Row> {
    let mut random = fastrand::Rng::with_seed(SEED);
    (1..=count).map(move |row| Row {
        sku: format!("{row:08}"),
        name: format!("Hex bolt M{} x {}", random.u32(3..30), random.u32(10..200)),
        category: ["Fasteners", "Tools", "Paint", "Timber"][random.usize(..4)],
        warehouse: ["Leeds", "Glasgow", "Bristol"][random.usize(..3)],
        quantity: random.u32(..5000),
        pence: random.u32(..100_000),
        reorder_level: random.u32(..200),
        supplier: ["Albion Fixings Ltd", "Northern Tools", "Weserstahl GmbH"][random.usize(..3)],
        last_counted: random.u32(45_000..46_300),
        discontinued: random.bool(),
    })
}
