//! When a load waits for somebody: what is gathered about it row by row, and what of that is unusual.

mod document;
mod older;
mod tell;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use self::tell::Teller;
use super::Fate;
use super::totals::{group_of, number_of};
use inventory_base::decimal::Decimal;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_base::message::Rule;
use inventory_rules::judge::Document;
use inventory_rules::schema::{DISCONTINUED, Missing, Mode, PROVENANCE, Schema, Scope};

pub use older::{Newer, NewerLoad};

/// Of fewer there are no percents: a sheet of three rows is not a catastrophe when one falls to zero.
const FEWEST_IN_PERCENT: u64 = 10;
/// Scopes that are looked at each for itself, the first ones of the file. More than that is no list of warehouses.
const MAX_SCOPES: usize = 1_000;
/// Scopes that are told of by one gate; how many more there are is said in a sentence.
const SCOPES_TOLD: usize = 10;
/// Attributes that are named; that there are more is said.
const VANISHING_TOLD: usize = 5;

/// What can hold a load. Its name is what it is waived by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    Rejected,
    Zeros,
    Prices,
    Fewer,
    Missing,
    Vanishing,
    Document,
    /// The upload is older than loads that have ended since.
    Older,
}

impl Gate {
    pub const ALL: [Gate; 8] = [
        Gate::Rejected,
        Gate::Zeros,
        Gate::Prices,
        Gate::Fewer,
        Gate::Missing,
        Gate::Vanishing,
        Gate::Document,
        Gate::Older,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Gate::Rejected => "rejected",
            Gate::Zeros => "zeros",
            Gate::Prices => "prices",
            Gate::Fewer => "fewer",
            Gate::Missing => "missing",
            Gate::Vanishing => "vanishing",
            Gate::Document => "document",
            Gate::Older => "older",
        }
    }

    /// On which side of its limit a share is unusual.
    fn side(self) -> Ordering {
        if self == Gate::Fewer { Ordering::Less } else { Ordering::Greater }
    }

    fn rule(self) -> Rule {
        match self {
            Gate::Rejected => Rule::GateRejected,
            Gate::Zeros => Rule::GateZeros,
            Gate::Prices => Rule::GatePrices,
            Gate::Fewer => Rule::GateFewer,
            Gate::Missing => Rule::GateMissing,
            Gate::Vanishing => Rule::GateVanishing,
            Gate::Document => Rule::GateDocument,
            Gate::Older => Rule::GateOlder,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a load waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tripped {
    pub gate: Gate,
    /// The value of the column it is told for, such as a warehouse; none for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub message: String,
    pub advice: String,
}

/// What is remembered of a load, for the next one into the same table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLoad {
    pub load: LoadId,
    pub items: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_scope: BTreeMap<String, u64>,
}

/// What the gates look at, gathered row by row in one pass.
#[derive(Debug, Clone)]
pub struct Evidence<'s> {
    schema: &'s Schema,
    /// The column by whose values there are scopes.
    scope_column: Option<&'s str>,
    whole: Signs,
    scopes: BTreeMap<String, Signs>,
    /// Attributes that nobody minds: the rules' own, and what the loader itself writes.
    known: BTreeSet<&'s str>,
    /// Items that would lose others, and which.
    losing: u64,
    lost: Vec<String>,
    more_are_lost: bool,
    document: Option<Document>,
    newer: Newer,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Part {
    count: u64,
    of: u64,
}

impl Part {
    fn one(counts: bool) -> Part {
        Part { count: counts.into(), of: 1 }
    }

    fn add(&mut self, other: Part) {
        self.count += other.count;
        self.of += other.of;
    }

    /// Whether its share is on this side of a limit in percent.
    fn trips(self, percent: Decimal, side: Ordering) -> bool {
        let share = Decimal::from(self.count).checked_mul(100u32.into());
        let limit = Decimal::from(self.of).checked_mul(percent);
        // A limit of so many digits that it cannot be reckoned with: better asked once too often.
        let beyond = share.zip(limit).is_none_or(|(share, limit)| share.cmp(&limit) == side);
        self.of >= FEWEST_IN_PERCENT && beyond
    }
}

/// What there is to see in some rows.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    /// Planned to be in the table.
    items: u64,
    /// Of the rows that hold items.
    rejected: Part,
    /// Of the quantities that were not zero.
    zeros: Part,
    /// Of the prices that were there and still are.
    prices: Part,
    /// Of the table's items in scope.
    missing: Part,
}

impl Signs {
    fn add(&mut self, other: &Signs) {
        self.items += other.items;
        self.rejected.add(other.rejected);
        self.zeros.add(other.zeros);
        self.prices.add(other.prices);
        self.missing.add(other.missing);
    }
}

impl<'s> Evidence<'s> {
    pub fn new(schema: &'s Schema) -> Evidence<'s> {
        let scope_column = match schema.sync.as_ref().map(|sync| &sync.scope) {
            Some(Scope::Column(column) | Scope::Only { column, .. }) => Some(column),
            Some(Scope::Table) | None => schema.totals.per.as_ref(),
        };
        let columns = schema.columns.iter().map(|column| column.name.as_str());
        let marked = schema.sync.as_ref().filter(|sync| sync.missing == Missing::Mark).map(|_| DISCONTINUED);
        Evidence {
            schema,
            scope_column: scope_column.map(String::as_str),
            whole: Signs::default(),
            scopes: BTreeMap::new(),
            known: columns.chain(schema.key.attributes()).chain(PROVENANCE).chain(marked).collect(),
            losing: 0,
            lost: Vec::new(),
            more_are_lost: false,
            document: None,
            newer: Newer::default(),
        }
    }

    /// A row of the plan, with what was there and what will be, whole.
    pub fn note(&mut self, fate: Fate, before: Option<&Item>, after: Option<&Item>) {
        let mut signs = Signs::default();
        match fate {
            Fate::New | Fate::Changed | Fate::Unchanged | Fate::Written | Fate::Kept | Fate::Accepted => {
                signs.items = 1;
                signs.rejected = Part::one(false);
            }
            Fate::Rejected => signs.rejected = Part::one(true),
            Fate::Duplicate => signs.rejected = Part::one(false),
            // No item, or not the fate of a row that is being planned.
            Fate::Skipped | Fate::Held | Fate::NotWritten => return,
        }
        if let (Fate::Changed | Fate::Unchanged, Some(before), Some(after)) = (fate, before, after) {
            self.compare(before, after, &mut signs);
        }
        self.add(&signs, after, before);
    }

    /// What the file was found to be, if it is no list of stock.
    pub fn note_document(&mut self, document: Option<&Document>) {
        self.document = document.cloned();
    }

    /// What has been loaded since the file was uploaded.
    pub fn note_newer(&mut self, newer: Newer) {
        self.newer = newer;
    }

    /// Items of the table that the sheet speaks for, listed or not.
    pub fn note_in_scope(&mut self, scope: Option<&str>, items: u64) {
        let signs = Signs { missing: Part { count: 0, of: items }, ..Signs::default() };
        self.whole.add(&signs);
        self.add_to_scope(&signs, scope);
    }

    /// The scope that an item of the table belongs to, of those that are looked at each for itself: `known`, or one more.
    pub fn scope_of<V>(&self, item: &Item, known: &BTreeMap<Option<String>, V>) -> Option<String> {
        let scope = group_of(item, self.scope_column?).map(str::to_string);
        scope.filter(|scope| known.len() <= MAX_SCOPES || known.contains_key(&Some(scope.clone())))
    }

    /// One of these that the sheet does not list.
    pub fn note_missing(&mut self, before: &Item) {
        self.add(&Signs { missing: Part { count: 1, of: 0 }, ..Signs::default() }, Some(before), None);
    }

    fn compare(&mut self, before: &Item, after: &Item, signs: &mut Signs) {
        let Schema { gates, totals, mode, .. } = self.schema;
        if let Some(quantity) = totals.quantity.as_deref().filter(|_| gates.zero_percent.is_some())
            && number_of(before, quantity).is_some_and(|before| !before.is_zero())
        {
            signs.zeros = Part::one(number_of(after, quantity).is_some_and(|after| after.is_zero()));
        }
        if let (Some(price), Some(factor)) = (&totals.price, gates.price_factor)
            && let (Some(before), Some(after)) = (number_of(before, price), number_of(after, price))
            && !before.is_zero()
            && !after.is_zero()
        {
            let (before, after) = (before.abs(), after.abs());
            // Only a price of more than thirty digits has no such multiple, and nothing is said of that.
            let exceeds = |a: Decimal, b: Decimal| b.checked_mul(factor).is_some_and(|limit| a > limit);
            signs.prices = Part::one(exceeds(after, before) || exceeds(before, after));
        }
        if gates.vanishing && *mode == Mode::Replace {
            let mut loses = false;
            for name in before.keys().filter(|name| !after.contains_key(name) && !self.known.contains(name)) {
                loses = true;
                if self.lost.iter().any(|lost| lost == name) {
                    continue;
                }
                match self.lost.len() < VANISHING_TOLD {
                    true => self.lost.push(name.to_string()),
                    false => self.more_are_lost = true,
                }
            }
            self.losing += u64::from(loses);
        }
    }

    /// In the whole, and in the scope that the first of the items tells.
    fn add(&mut self, signs: &Signs, item: Option<&Item>, or: Option<&Item>) {
        self.whole.add(signs);
        let Some(column) = self.scope_column else {
            return;
        };
        self.add_to_scope(signs, [item, or].into_iter().flatten().find_map(|item| group_of(item, column)));
    }

    fn add_to_scope(&mut self, signs: &Signs, scope: Option<&str>) {
        let Some(scope) = scope else { return };
        if let Some(sum) = self.scopes.get_mut(scope) {
            sum.add(signs);
        } else if self.scopes.len() < MAX_SCOPES {
            self.scopes.insert(scope.to_string(), *signs);
        }
    }

    /// What the next load into the table is compared with.
    pub fn to_last_load(&self, load: &LoadId) -> LastLoad {
        let per_scope = self.scopes.iter().map(|(scope, signs)| (scope.clone(), signs.items)).collect();
        LastLoad { load: load.clone(), items: self.whole.items, per_scope }
    }

    /// The gates that hold `load`, by their order; of each the whole first, then the scopes by their names.
    pub fn judge(&self, last: Option<&LastLoad>, waived: &BTreeSet<Gate>, load: &LoadId) -> Vec<Tripped> {
        let mut tripped = Vec::new();
        for gate in Gate::ALL.into_iter().filter(|gate| !waived.contains(gate)) {
            let teller = Teller { schema: self.schema, gate, load, last, scope_column: self.scope_column };
            tripped.extend(self.judge_whole(&teller));
            tripped.extend(self.judge_scopes(&teller));
        }
        tripped
    }

    fn judge_whole(&self, teller: &Teller<'_>) -> Option<Tripped> {
        if teller.gate == Gate::Vanishing {
            return (self.losing > 0).then(|| teller.tell_vanishing(self.losing, &self.lost, self.more_are_lost));
        }
        if teller.gate == Gate::Document {
            let document = self.document.as_ref().filter(|_| self.schema.gates.document)?;
            return Some(Tripped::by_document(document, Some(teller.load)));
        }
        if teller.gate == Gate::Older {
            return self.newer.hold(teller.load).filter(|_| self.schema.gates.older);
        }
        let part = part(teller.gate, &self.whole, teller.last.map(|last| last.items))?;
        let tripped = self.judge_part(teller, part)?;
        // Of no rows that could be loaded, none can be loaded alone.
        Some(if teller.gate == Gate::Rejected && self.nothing_left() {
            teller.tell_nothing_left(part)
        } else {
            tripped
        })
    }

    /// Whether no row is left that could be loaded.
    fn nothing_left(&self) -> bool {
        self.whole.items == 0
    }

    fn judge_part(&self, teller: &Teller<'_>, part: Part) -> Option<Tripped> {
        match self.schema.gates.rejected_rows {
            Some(rows) if teller.gate == Gate::Rejected && part.count > rows => Some(teller.tell_count(part, rows)),
            _ => {
                let percent = self.percent(teller.gate)?;
                part.trips(percent, teller.gate.side()).then(|| teller.tell_share(None, part, percent))
            }
        }
    }

    fn judge_scopes(&self, teller: &Teller<'_>) -> Vec<Tripped> {
        let (gate, last) = (teller.gate, teller.last);
        if gate == Gate::Rejected && self.nothing_left() {
            return Vec::new();
        }
        let Some(percent) = self.percent(gate) else {
            return Vec::new();
        };
        let whole = part(gate, &self.whole, last.map(|last| last.items));
        let scopes = self.scopes.iter().filter_map(|(scope, signs)| {
            let last = last.and_then(|last| last.per_scope.get(scope).copied());
            // A scope that is the whole says nothing new.
            let part = part(gate, signs, last).filter(|part| Some(*part) != whole)?;
            part.trips(percent, gate.side()).then_some((scope, part))
        });
        let scopes: Vec<_> = scopes.collect();
        let told = scopes.iter().take(SCOPES_TOLD).map(|(scope, part)| teller.tell_share(Some(scope), *part, percent));
        let more = scopes.len().saturating_sub(SCOPES_TOLD);
        told.chain((more > 0).then(|| teller.tell_more(more as u64))).collect()
    }

    /// The limit of a gate that has one in percent.
    fn percent(&self, gate: Gate) -> Option<Decimal> {
        let gates = &self.schema.gates;
        match gate {
            Gate::Rejected => gates.rejected_percent,
            Gate::Zeros => gates.zero_percent,
            Gate::Prices => gates.price_percent,
            Gate::Fewer => gates.fewer_percent,
            Gate::Missing => gates.missing_percent,
            Gate::Vanishing | Gate::Document | Gate::Older => None,
        }
    }
}

/// What a gate in percent looks at; none where there was no load to compare with.
fn part(gate: Gate, signs: &Signs, last: Option<u64>) -> Option<Part> {
    match gate {
        Gate::Rejected => Some(signs.rejected),
        Gate::Zeros => Some(signs.zeros),
        Gate::Prices => Some(signs.prices),
        Gate::Fewer => last.map(|last| Part { count: signs.items, of: last }),
        Gate::Missing => Some(signs.missing),
        Gate::Vanishing | Gate::Document | Gate::Older => None,
    }
}

#[cfg(test)]
mod tests;
