//! Collects row by row, in one pass, what the gates judge.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{GateContext, PlannedRow};
use super::stats::Stats;
use super::{Gate, GateChecks, LastLoad, Tripped};
use crate::plan::Fate;
use crate::plan::totals::group_of;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_rules::schema::{Schema, Scope};

/// The number of scopes that are judged one by one, the first of the file. A list of warehouses has fewer.
pub(super) const MAX_SCOPES: usize = 1_000;

/// What the gates judge, collected row by row in one pass.
#[derive(Debug, Clone)]
pub struct Evidence<'s> {
    schema: &'s Schema,
    /// The column whose values are the scopes.
    scope_column: Option<&'s str>,
    whole: Stats,
    scopes: BTreeMap<String, Stats>,
    pub(super) checks: GateChecks<'s>,
}

impl<'s> Evidence<'s> {
    pub fn new(schema: &'s Schema) -> Evidence<'s> {
        let scope_column = match schema.sync.as_ref().map(|sync| &sync.scope) {
            Some(Scope::Column(column) | Scope::Only { column, .. }) => Some(column),
            Some(Scope::Table) | None => schema.totals.per.as_ref(),
        };
        Evidence {
            schema,
            scope_column: scope_column.map(String::as_str),
            whole: Stats::default(),
            scopes: BTreeMap::new(),
            checks: GateChecks::new(schema),
        }
    }

    /// Adds a row of the plan, with the whole item before and after.
    pub fn add_row(&mut self, fate: Fate, before: Option<&Item>, after: Option<&Item>) {
        let items = match fate {
            Fate::New | Fate::Changed | Fate::Unchanged | Fate::Written | Fate::Kept | Fate::Accepted => 1,
            Fate::Rejected | Fate::Duplicate => 0,
            // The row has no item, or this isn't a fate of rows that are being planned.
            Fate::Skipped | Fate::Held | Fate::NotWritten => return,
        };
        let compared = before.zip(after).filter(|_| matches!(fate, Fate::Changed | Fate::Unchanged));
        let shares = self.checks.count_row(&PlannedRow { fate, compared });
        self.add(&Stats { items, shares }, after, before);
    }

    /// Adds to the whole load and to the scope of `item`, or of `or` if that has none.
    pub(super) fn add(&mut self, stats: &Stats, item: Option<&Item>, or: Option<&Item>) {
        let scope = self.scope_column.and_then(|column| {
            let mut items = [item, or].into_iter().flatten();
            items.find_map(|item| group_of(item, column))
        });
        self.add_to(scope, stats);
    }

    /// Adds to the whole load and to a scope.
    pub(super) fn add_to(&mut self, scope: Option<&str>, stats: &Stats) {
        self.whole.add(stats);
        let Some(scope) = scope else { return };
        if let Some(sum) = self.scopes.get_mut(scope) {
            sum.add(stats);
        } else if self.scopes.len() < MAX_SCOPES {
            self.scopes.insert(scope.to_string(), *stats);
        }
    }

    /// Returns the scope of an item of the table, if that is one of the `known` scopes or there is room for another.
    pub fn scope_of<V>(&self, item: &Item, known: &BTreeMap<Option<String>, V>) -> Option<String> {
        let scope = group_of(item, self.scope_column?).map(str::to_string);
        scope.filter(|scope| known.len() <= MAX_SCOPES || known.contains_key(&Some(scope.clone())))
    }

    /// Returns what the next load into the table is compared with.
    pub fn to_last_load(&self, load: &LoadId) -> LastLoad {
        let per_scope = self.scopes.iter().map(|(scope, stats)| (scope.clone(), stats.items)).collect();
        LastLoad { load: load.clone(), items: self.whole.items, per_scope }
    }

    /// Returns what holds `load`, in the order of the gates: for each gate the whole load first, then the scopes by name.
    pub fn judge(&self, last: Option<&LastLoad>, waived: &BTreeSet<Gate>, load: &LoadId) -> Vec<Tripped> {
        let context = |gate| GateContext {
            gate,
            schema: self.schema,
            load,
            last,
            whole: &self.whole,
            scopes: &self.scopes,
            scope_column: self.scope_column,
        };
        let asked = Gate::ALL.into_iter().filter(|gate| !waived.contains(gate));
        asked.flat_map(|gate| self.checks.judge(&context(gate))).collect()
    }
}
