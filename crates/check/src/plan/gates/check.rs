//! What a gate is, and what it is given to judge.

use std::collections::BTreeMap;

use super::stats::{Share, Stats};
use super::{Gate, LastLoad, Tripped};
use crate::plan::Fate;
use inventory_base::item::Item;
use inventory_base::load_id::LoadId;
use inventory_rules::schema::Schema;

/// A gate, with what it has collected of one load.
pub(super) trait GateCheck<'s> {
    fn new(schema: &'s Schema) -> Self;

    /// Returns what the gate counts of a row. Only the sums are kept, for the whole load and for each scope.
    fn count_row(&mut self, _row: &PlannedRow<'_>) -> Share {
        Share::default()
    }

    /// Returns why the load waits: the whole load first, then the scopes by name.
    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped>;

    /// Completes "A load waits to be approved if …", once for each limit. Empty if the gate can't hold any load.
    fn conditions(&self) -> Vec<String>;
}

/// A row of the plan that has an item, or should have one.
pub(super) struct PlannedRow<'a> {
    pub fate: Fate,
    /// The whole item before and after, if the table has it and was read.
    pub compared: Option<(&'a Item, &'a Item)>,
}

/// What a gate judges.
pub(super) struct GateContext<'a> {
    pub gate: Gate,
    pub schema: &'a Schema,
    pub load: &'a LoadId,
    pub last: Option<&'a LastLoad>,
    pub whole: &'a Stats,
    pub scopes: &'a BTreeMap<String, Stats>,
    /// The column whose values are the scopes.
    pub scope_column: Option<&'a str>,
}

impl GateContext<'_> {
    /// Returns the title of a column.
    pub fn title<'t>(&'t self, column: Option<&'t str>) -> &'t str {
        let name = column.unwrap_or_default();
        let found = self.schema.columns.iter().find(|column| column.name == name);
        found.map_or(name, |column| column.title.as_str())
    }
}
