//! Gates hold an unusual load for approval: evidence is collected row by row and compared with the limits of the rules.

mod document;
mod explain;
mod older;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use self::explain::Explainer;
use super::Fate;
use super::totals::{group_of, number_of};
use inventory_base::decimal::Decimal;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_base::message::Rule;
use inventory_rules::judge::Document;
use inventory_rules::schema::{DISCONTINUED, Missing, Mode, PROVENANCE, Schema, Scope};

pub use older::{Newer, NewerLoad};

/// Limits in percent apply from this number on: in a sheet of three rows, one that falls to zero means little.
const FEWEST_IN_PERCENT: u64 = 10;
/// The number of scopes that are judged one by one, the first of the file. A list of warehouses has fewer.
const MAX_SCOPES: usize = 1_000;
/// The number of scopes that one gate describes; the others are counted in a sentence.
const SCOPES_DESCRIBED: usize = 10;
/// The number of attributes that are named.
const VANISHING_NAMED: usize = 5;

/// A check that can hold a load. It is waived by its name.
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

    /// Returns on which side of the limit a share trips the gate.
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
    /// The scope that tripped the gate, such as a warehouse; `None` if it was the whole load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    pub message: String,
    pub advice: String,
}

/// What the ledger remembers about a load, for comparison with the next one into the same table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLoad {
    pub load: LoadId,
    pub items: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_scope: BTreeMap<String, u64>,
}

/// What the gates judge, collected row by row in one pass.
#[derive(Debug, Clone)]
pub struct Evidence<'s> {
    schema: &'s Schema,
    /// The column whose values are the scopes.
    scope_column: Option<&'s str>,
    whole: Stats,
    scopes: BTreeMap<String, Stats>,
    /// The attributes that the rules name or the loader itself writes.
    known: BTreeSet<&'s str>,
    /// The number of items that would lose other attributes.
    losing: u64,
    /// The names of these attributes, the first `VANISHING_NAMED`.
    lost: Vec<String>,
    more_are_lost: bool,
    document: Option<Document>,
    newer: Newer,
}

/// `count` of `of` rows or items.
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

    /// Whether the share is on this side of a limit in percent.
    fn trips(self, percent: Decimal, side: Ordering) -> bool {
        let share = Decimal::from(self.count).checked_mul(100u32.into());
        let limit = Decimal::from(self.of).checked_mul(percent);
        // If a limit has too many digits to calculate with, it is safer to ask.
        let beyond = share.zip(limit).is_none_or(|(share, limit)| share.cmp(&limit) == side);
        self.of >= FEWEST_IN_PERCENT && beyond
    }
}

/// The figures of some rows that gates judge.
#[derive(Debug, Clone, Copy, Default)]
struct Stats {
    /// Items planned to be in the table.
    items: u64,
    /// Rejected rows, of the rows that hold items.
    rejected: Part,
    /// Quantities that fall to zero, of those that weren't zero.
    zeros: Part,
    /// Prices that change a lot, of those that existed and still do.
    prices: Part,
    /// Items missing from the sheet, of the table's items in scope.
    missing: Part,
}

impl Stats {
    fn add(&mut self, other: &Stats) {
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
            whole: Stats::default(),
            scopes: BTreeMap::new(),
            known: columns.chain(schema.key.attributes()).chain(PROVENANCE).chain(marked).collect(),
            losing: 0,
            lost: Vec::new(),
            more_are_lost: false,
            document: None,
            newer: Newer::default(),
        }
    }

    /// Adds a row of the plan, with the whole item before and after.
    pub fn add_row(&mut self, fate: Fate, before: Option<&Item>, after: Option<&Item>) {
        let mut stats = Stats::default();
        match fate {
            Fate::New | Fate::Changed | Fate::Unchanged | Fate::Written | Fate::Kept | Fate::Accepted => {
                stats.items = 1;
                stats.rejected = Part::one(false);
            }
            Fate::Rejected => stats.rejected = Part::one(true),
            Fate::Duplicate => stats.rejected = Part::one(false),
            // The row has no item, or this isn't a fate of rows that are being planned.
            Fate::Skipped | Fate::Held | Fate::NotWritten => return,
        }
        if let (Fate::Changed | Fate::Unchanged, Some(before), Some(after)) = (fate, before, after) {
            self.compare(before, after, &mut stats);
        }
        self.add(&stats, after, before);
    }

    /// Sets why the file doesn't look like a stock list, if it doesn't.
    pub fn set_document(&mut self, document: Option<&Document>) {
        self.document = document.cloned();
    }

    /// Sets what has been loaded since the file was uploaded.
    pub fn set_newer(&mut self, newer: Newer) {
        self.newer = newer;
    }

    /// Adds items of the table in the sheet's scope, listed or not.
    pub fn add_in_scope(&mut self, scope: Option<&str>, items: u64) {
        let stats = Stats { missing: Part { count: 0, of: items }, ..Stats::default() };
        self.whole.add(&stats);
        self.add_to_scope(&stats, scope);
    }

    /// Returns the scope of an item of the table, if that is one of the `known` scopes or there is room for another.
    pub fn scope_of<V>(&self, item: &Item, known: &BTreeMap<Option<String>, V>) -> Option<String> {
        let scope = group_of(item, self.scope_column?).map(str::to_string);
        scope.filter(|scope| known.len() <= MAX_SCOPES || known.contains_key(&Some(scope.clone())))
    }

    /// Adds an item in scope that the sheet doesn't list.
    pub fn add_missing(&mut self, before: &Item) {
        self.add(&Stats { missing: Part { count: 1, of: 0 }, ..Stats::default() }, Some(before), None);
    }

    fn compare(&mut self, before: &Item, after: &Item, stats: &mut Stats) {
        let Schema { gates, totals, mode, .. } = self.schema;
        if let Some(quantity) = totals.quantity.as_deref().filter(|_| gates.zero_percent.is_some())
            && number_of(before, quantity).is_some_and(|before| !before.is_zero())
        {
            stats.zeros = Part::one(number_of(after, quantity).is_some_and(|after| after.is_zero()));
        }
        if let (Some(price), Some(factor)) = (&totals.price, gates.price_factor)
            && let (Some(before), Some(after)) = (number_of(before, price), number_of(after, price))
            && !before.is_zero()
            && !after.is_zero()
        {
            let (before, after) = (before.abs(), after.abs());
            // The multiplication fails only for prices of more than thirty digits; they don't count as exceeding.
            let exceeds = |a: Decimal, b: Decimal| b.checked_mul(factor).is_some_and(|limit| a > limit);
            stats.prices = Part::one(exceeds(after, before) || exceeds(before, after));
        }
        if gates.vanishing && *mode == Mode::Replace {
            let mut loses = false;
            for name in before.keys().filter(|name| !after.contains_key(name) && !self.known.contains(name)) {
                loses = true;
                if self.lost.iter().any(|lost| lost == name) {
                    continue;
                }
                match self.lost.len() < VANISHING_NAMED {
                    true => self.lost.push(name.to_string()),
                    false => self.more_are_lost = true,
                }
            }
            self.losing += u64::from(loses);
        }
    }

    /// Adds to the whole load and to the scope of `item`, or of `or` if that has none.
    fn add(&mut self, stats: &Stats, item: Option<&Item>, or: Option<&Item>) {
        self.whole.add(stats);
        let Some(column) = self.scope_column else {
            return;
        };
        self.add_to_scope(stats, [item, or].into_iter().flatten().find_map(|item| group_of(item, column)));
    }

    fn add_to_scope(&mut self, stats: &Stats, scope: Option<&str>) {
        let Some(scope) = scope else { return };
        if let Some(sum) = self.scopes.get_mut(scope) {
            sum.add(stats);
        } else if self.scopes.len() < MAX_SCOPES {
            self.scopes.insert(scope.to_string(), *stats);
        }
    }

    /// Returns what the next load into the table is compared with.
    pub fn to_last_load(&self, load: &LoadId) -> LastLoad {
        let per_scope = self.scopes.iter().map(|(scope, stats)| (scope.clone(), stats.items)).collect();
        LastLoad { load: load.clone(), items: self.whole.items, per_scope }
    }

    /// Returns what holds `load`, in the order of the gates: for each gate the whole load first, then the scopes by name.
    pub fn judge(&self, last: Option<&LastLoad>, waived: &BTreeSet<Gate>, load: &LoadId) -> Vec<Tripped> {
        let mut tripped = Vec::new();
        for gate in Gate::ALL.into_iter().filter(|gate| !waived.contains(gate)) {
            let explainer = Explainer { schema: self.schema, gate, load, last, scope_column: self.scope_column };
            tripped.extend(self.judge_whole(&explainer));
            tripped.extend(self.judge_scopes(&explainer));
        }
        tripped
    }

    fn judge_whole(&self, explainer: &Explainer<'_>) -> Option<Tripped> {
        if explainer.gate == Gate::Vanishing {
            return (self.losing > 0).then(|| explainer.explain_vanishing(self.losing, &self.lost, self.more_are_lost));
        }
        if explainer.gate == Gate::Document {
            let document = self.document.as_ref().filter(|_| self.schema.gates.document)?;
            return Some(Tripped::by_document(document, Some(explainer.load)));
        }
        if explainer.gate == Gate::Older {
            return self.newer.judge(explainer.load).filter(|_| self.schema.gates.older);
        }
        let part = part(explainer.gate, &self.whole, explainer.last.map(|last| last.items))?;
        let tripped = self.judge_part(explainer, part)?;
        // If no row can be loaded, "load the others" makes no sense.
        Some(if explainer.gate == Gate::Rejected && self.nothing_left() {
            explainer.explain_nothing_left(part)
        } else {
            tripped
        })
    }

    /// Whether no row is left that could be loaded.
    fn nothing_left(&self) -> bool {
        self.whole.items == 0
    }

    fn judge_part(&self, explainer: &Explainer<'_>, part: Part) -> Option<Tripped> {
        match self.schema.gates.rejected_rows {
            Some(rows) if explainer.gate == Gate::Rejected && part.count > rows => {
                Some(explainer.explain_count(part, rows))
            }
            _ => {
                let percent = self.percent(explainer.gate)?;
                part.trips(percent, explainer.gate.side()).then(|| explainer.explain_share(None, part, percent))
            }
        }
    }

    fn judge_scopes(&self, explainer: &Explainer<'_>) -> Vec<Tripped> {
        let (gate, last) = (explainer.gate, explainer.last);
        if gate == Gate::Rejected && self.nothing_left() {
            return Vec::new();
        }
        let Some(percent) = self.percent(gate) else {
            return Vec::new();
        };
        let whole = part(gate, &self.whole, last.map(|last| last.items));
        let scopes = self.scopes.iter().filter_map(|(scope, stats)| {
            let last = last.and_then(|last| last.per_scope.get(scope).copied());
            // A scope that is the whole load adds nothing.
            let part = part(gate, stats, last).filter(|part| Some(*part) != whole)?;
            part.trips(percent, gate.side()).then_some((scope, part))
        });
        let scopes: Vec<_> = scopes.collect();
        let described = scopes.iter().take(SCOPES_DESCRIBED);
        let described = described.map(|(scope, part)| explainer.explain_share(Some(scope), *part, percent));
        let more = scopes.len().saturating_sub(SCOPES_DESCRIBED);
        described.chain((more > 0).then(|| explainer.explain_more_scopes(more as u64))).collect()
    }

    /// Returns the limit of a gate that has one in percent.
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

/// Returns what a gate in percent judges; `None` if there is no earlier load to compare with.
fn part(gate: Gate, stats: &Stats, last: Option<u64>) -> Option<Part> {
    match gate {
        Gate::Rejected => Some(stats.rejected),
        Gate::Zeros => Some(stats.zeros),
        Gate::Prices => Some(stats.prices),
        Gate::Fewer => last.map(|last| Part { count: stats.items, of: last }),
        Gate::Missing => Some(stats.missing),
        Gate::Vanishing | Gate::Document | Gate::Older => None,
    }
}

#[cfg(test)]
mod tests;
