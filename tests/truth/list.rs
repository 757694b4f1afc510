//! A list of stock: the true items, and how the owner's program writes them.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::{Value as Json, json};

use super::language::Language;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Sku,
    Name,
    Quantity,
    Price,
    Category,
    Warehouse,
    Supplier,
    Counted,
    Discontinued,
}

impl Field {
    pub const ALL: [Field; 9] = [
        Field::Sku,
        Field::Name,
        Field::Quantity,
        Field::Price,
        Field::Category,
        Field::Warehouse,
        Field::Supplier,
        Field::Counted,
        Field::Discontinued,
    ];

    /// Returns the attribute of the table, by the shipped rules.
    pub fn attribute(self) -> &'static str {
        match self {
            Field::Sku => "sku",
            Field::Name => "name",
            Field::Quantity => "quantity",
            Field::Price => "unit_price",
            Field::Category => "category",
            Field::Warehouse => "warehouse",
            Field::Supplier => "supplier",
            Field::Counted => "last_counted",
            Field::Discontinued => "discontinued",
        }
    }
}

/// An item as it should be in the table, as DynamoDB JSON.
pub type Attributes = BTreeMap<&'static str, Json>;

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub sku: String,
    pub name: String,
    pub quantity: u32,
    pub cents: Option<u32>,
    pub category: Option<String>,
    pub warehouse: Option<String>,
    pub supplier: Option<String>,
    pub counted: Option<Date>,
    pub discontinued: Option<bool>,
}

impl Item {
    /// Returns what the table should hold if the sheet has these columns.
    pub fn attributes(&self, fields: &[Field]) -> Attributes {
        let text = |text: &Option<String>| text.as_ref().map(|text| json!({ "S": text }));
        let value = |field: Field| match field {
            Field::Sku => Some(json!({ "S": self.sku })),
            Field::Name => Some(json!({ "S": self.name })),
            Field::Quantity => Some(json!({ "N": self.quantity.to_string() })),
            Field::Price => self.cents.map(|cents| json!({ "N": plain(cents) })),
            Field::Category => text(&self.category),
            Field::Warehouse => text(&self.warehouse),
            Field::Supplier => text(&self.supplier),
            Field::Counted => self.counted.map(|day| json!({ "S": day.to_string() })),
            Field::Discontinued => self.discontinued.map(|yes| json!({ "BOOL": yes })),
        };
        fields.iter().filter_map(|field| Some((field.attribute(), value(*field)?))).collect()
    }
}

/// Returns an amount as stored in the table: with a point, and without trailing zeros.
fn plain(cents: u32) -> String {
    let text = format!("{}.{:02}", cents / 100, cents % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The kind of item numbers of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// 004711
    LeadingZeros,
    /// 40017
    Digits,
    /// 4006381333931
    LongDigits,
    /// AB-1234
    LettersAndDigits,
    /// 12E4, which isn't a number
    Codes,
    /// 12.25.3
    Dotted,
}

impl Keys {
    const ALL: [Keys; 6] =
        [Keys::LeadingZeros, Keys::Digits, Keys::LongDigits, Keys::LettersAndDigits, Keys::Codes, Keys::Dotted];

    fn make(self, place: usize, rng: &mut Rng) -> String {
        match self {
            Keys::LeadingZeros => format!("00{}", 1000 + place * 7 + rng.usize(0..7)),
            Keys::Digits => format!("{}", 40_001 + place * 3 + rng.usize(0..3)),
            Keys::LongDigits => format!("{}", 4_006_381_300_000_u64 + place as u64 * 9_173 + rng.u64(0..9_000)),
            Keys::LettersAndDigits => format!("{}-{}", rng.choice(["AB", "K", "XR", "Q"]).unwrap_or("A"), 100 + place),
            Keys::Codes => format!("{}{}{}", 10 + place, rng.choice(["E", "D", "B"]).unwrap_or("E"), rng.u32(1..9)),
            Keys::Dotted => format!("{}.{}.{}", rng.u32(10..40), 10 + place, rng.u32(1..9)),
        }
    }

    pub fn are_numbers(self) -> bool {
        matches!(self, Keys::Digits | Keys::LongDigits)
    }
}

/// How a program writes numbers, dates and booleans as text.
#[derive(Debug, Clone)]
pub struct Notation {
    pub decimal: char,
    pub thousands: Option<char>,
    /// The currency before and after an amount.
    pub currency: (&'static str, &'static str),
    pub dates: DateNotation,
    pub yes_no: (&'static str, &'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateNotation {
    Iso,
    Points,
    Named,
}

impl Notation {
    fn of(language: &Language, rng: &mut Rng) -> Notation {
        let decimal = language.decimal;
        let grouping: &[Option<char>] = match decimal {
            '.' => &[None, None, Some(','), Some(' ')],
            _ => &[None, None, Some('.'), Some(' '), Some('\u{a0}'), Some('\u{202f}')],
        };
        let currencies: &[(&str, &str)] = match decimal {
            '.' => &[("", ""), ("", ""), ("$", ""), ("", " USD")],
            _ => &[("", ""), ("", ""), ("", " €"), ("", " EUR"), ("€ ", "")],
        };
        let dates: &[DateNotation] = match decimal {
            '.' => &[DateNotation::Iso, DateNotation::Named],
            _ => &[DateNotation::Iso, DateNotation::Points],
        };
        Notation {
            decimal,
            thousands: grouping[rng.usize(..grouping.len())],
            currency: currencies[rng.usize(..currencies.len())],
            dates: dates[rng.usize(..dates.len())],
            yes_no: if rng.bool() { language.yes_no } else { ("TRUE", "FALSE") },
        }
    }

    /// Writes an amount of money, with the thousands separator if there is one.
    pub fn amount(&self, cents: u32) -> String {
        let (before, after) = self.currency;
        format!("{before}{}{}{:02}{after}", self.grouped(cents / 100), self.decimal, cents % 100)
    }

    /// Writes a count. Points and commas are not used as thousands separators here, because they could be decimal ones.
    pub fn count(&self, count: u32) -> String {
        match self.thousands {
            Some('.' | ',') | None => count.to_string(),
            Some(_) => self.grouped(count),
        }
    }

    fn grouped(&self, whole: u32) -> String {
        match self.thousands {
            Some(separator) if whole >= 1000 => format!("{}{separator}{:03}", whole / 1000, whole % 1000),
            _ => whole.to_string(),
        }
    }

    pub fn day(&self, day: Date) -> String {
        let pattern = match self.dates {
            DateNotation::Iso => "%Y-%m-%d",
            DateNotation::Points => "%d.%m.%Y",
            DateNotation::Named => "%-d %b %Y",
        };
        day.strftime(pattern).to_string()
    }
}

/// A list of items.
#[derive(Debug, Clone)]
pub struct List {
    pub language: &'static Language,
    pub notation: Notation,
    pub keys: Keys,
    pub items: Vec<Item>,
    /// The columns in order, with their titles.
    pub columns: Vec<(Field, String)>,
}

impl List {
    /// Makes a random list of at most `rows` items. Apart from its length, the list doesn't depend on `rows`.
    pub fn any(language: &'static Language, keys: Option<Keys>, needs: &[Field], rows: usize, rng: &mut Rng) -> List {
        let mut items_rng = rng.fork();
        let notation = Notation::of(language, rng);
        let keys = keys.unwrap_or_else(|| Keys::ALL[rng.usize(..Keys::ALL.len())]);
        let mut columns = Vec::new();
        for field in Field::ALL {
            let needed = matches!(field, Field::Sku | Field::Name | Field::Quantity);
            if needed || needs.contains(&field) || rng.u8(..100) < 65 {
                let headers = language.headers(field);
                columns.push((field, headers[rng.usize(..headers.len())].to_string()));
            }
        }
        if rng.u8(..100) < 50 {
            rng.shuffle(&mut columns);
        }
        let length = rng.usize(8..32).min(rows.max(1));
        let items = (0..length).map(|place| any_item(language, keys, place, &mut items_rng)).collect();
        List { language, notation, keys, items, columns }
    }

    pub fn fields(&self) -> Vec<Field> {
        self.columns.iter().map(|(field, _)| *field).collect()
    }
}

fn any_item(language: &Language, keys: Keys, place: usize, rng: &mut Rng) -> Item {
    let mut rng = rng.fork();
    let sometimes = |rng: &mut Rng| rng.u8(..100) < 85;
    let pick = |words: &[&str], rng: &mut Rng| words[rng.usize(..words.len())].to_string();
    let some = |words: &[&str], rng: &mut Rng| sometimes(rng).then(|| pick(words, rng));
    let size = format!("M{}x{}", rng.u32(3..20), rng.u32(10..90));
    Item {
        sku: keys.make(place, &mut rng),
        name: format!("{} {size}", pick(language.items, &mut rng)),
        quantity: if rng.u8(..10) == 0 { rng.u32(1_000..20_000) } else { rng.u32(0..900) },
        // The first price is 12.50: if all prices were like 1,234.00, the separator would be ambiguous.
        cents: sometimes(&mut rng).then(|| if place == 0 { 1_250 } else { rng.u32(5..450_000) }),
        category: some(language.categories, &mut rng),
        warehouse: some(language.warehouses, &mut rng),
        supplier: some(language.suppliers, &mut rng),
        counted: sometimes(&mut rng).then(|| date(2025, 1, 1) + rng.i64(0..600).days()),
        discontinued: sometimes(&mut rng).then(|| rng.u8(..5) == 0),
    }
}
