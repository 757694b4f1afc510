//! Holds a load that would remove attributes that the rules don't know.

use std::collections::BTreeSet;

use super::Tripped;
use super::check::{GateCheck, GateContext, PlannedRow};
use super::stats::Share;
use inventory_base::message::{count, sentences};
use inventory_rules::schema::{DISCONTINUED, Missing, Mode, PROVENANCE, Schema};

/// The number of attributes that are named.
const ATTRIBUTES_NAMED: usize = 5;

/// Collects the attributes that items would lose.
#[derive(Debug, Clone)]
pub(super) struct VanishingGate<'s> {
    schema: &'s Schema,
    /// The attributes that the rules name or the loader itself writes.
    known: BTreeSet<&'s str>,
    /// The number of items that would lose other attributes.
    items: u64,
    /// The names of these attributes, the first `ATTRIBUTES_NAMED`.
    lost: Vec<String>,
    more_are_lost: bool,
}

impl<'s> GateCheck<'s> for VanishingGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        let columns = schema.columns.iter().map(|column| column.name.as_str());
        let marked = schema.sync.as_ref().filter(|sync| sync.missing == Missing::Mark).map(|_| DISCONTINUED);
        let known = columns.chain(schema.key.attributes()).chain(PROVENANCE).chain(marked).collect();
        VanishingGate { schema, known, items: 0, lost: Vec::new(), more_are_lost: false }
    }

    fn count_row(&mut self, row: &PlannedRow<'_>) -> Share {
        if let Some((before, after)) = row.compared.filter(|_| self.is_open()) {
            let mut loses = false;
            for name in before.keys().filter(|name| !after.contains_key(name) && !self.known.contains(name)) {
                loses = true;
                if self.lost.iter().any(|lost| lost == name) {
                    continue;
                }
                match self.lost.len() < ATTRIBUTES_NAMED {
                    true => self.lost.push(name.to_string()),
                    false => self.more_are_lost = true,
                }
            }
            self.items += u64::from(loses);
        }
        // No share of the items is too small to matter, and scopes add nothing.
        Share::default()
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        if self.items == 0 {
            return Vec::new();
        }
        let mut names: Vec<String> = self.lost.iter().map(|name| format!("\"{name}\"")).collect();
        names.extend(self.more_are_lost.then(|| "others".to_string()));
        let attributes = match names.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            _ => names.concat(),
        };
        let sentences = sentences!(GateVanishing { attributes, count: count(self.items), load: context.load });
        vec![Tripped::new(context.gate, None, sentences)]
    }

    fn conditions(&self) -> Vec<String> {
        let can_trip = self.is_open() && self.schema.compare;
        can_trip.then(|| "attributes without a column would be lost".to_string()).into_iter().collect()
    }
}

impl VanishingGate<'_> {
    fn is_open(&self) -> bool {
        self.schema.gates.vanishing && self.schema.mode == Mode::Replace
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::gates::tests::{judge, messages, rules, trips};
    use crate::plan::{Evidence, Fate, Gate};
    use inventory_base::item::{Item, Value};
    use inventory_rules::schema::{Scope, Sync};

    #[test]
    fn attributes_without_a_column_that_would_be_lost_hold_a_load() {
        let with =
            |names: &[&str]| -> Item { names.iter().map(|name| (name.to_string(), Value::S("x".into()))).collect() };
        let mark = Some(Sync { missing: Missing::Mark, scope: Scope::Table });
        let composite = r#"{"partition":{"name":"pk","from":"{warehouse}#{sku}"}}"#;
        for (vanishing, mode, sync, before, after, holds) in [
            (true, Mode::Replace, None, &["sku", "colour"][..], &["sku"][..], true),
            (false, Mode::Replace, None, &["sku", "colour"], &["sku"], false),
            (true, Mode::Merge, None, &["sku", "colour"], &["sku"], false),
            (true, Mode::Replace, None, &["sku", "colour"], &["sku", "colour"], false),
            (true, Mode::Replace, None, &["sku", "category", "pk", "loaded_by", "loaded_at"], &["sku"], false),
            (true, Mode::Replace, None, &["sku", "discontinued_since"], &["sku"], true),
            (true, Mode::Replace, mark, &["sku", "discontinued"], &["sku"], false),
        ] {
            let mut schema =
                rules(|schema| (schema.mode, schema.sync, schema.gates.vanishing) = (mode, sync, vanishing));
            schema.key = serde_json::from_str(composite).unwrap();
            schema.columns.retain(|column| column.name != "discontinued");
            let mut evidence = Evidence::new(&schema);
            evidence.add_row(Fate::Changed, Some(&with(before)), Some(&with(after)));
            evidence.add_row(Fate::Kept, Some(&with(before)), Some(&with(after)));
            assert_eq!(trips(&evidence, None, Gate::Vanishing), holds, "{mode:?} {before:?} -> {after:?}");
        }
    }

    #[test]
    fn at_most_five_attributes_that_would_be_lost_are_named() {
        let schema = rules(|schema| schema.gates.vanishing = true);
        for (names, message) in [
            (
                "a",
                "The rules have no column for \"a\", so loading would remove these values from items in the table (2 in all).",
            ),
            (
                "ab",
                "The rules have no column for \"a\" and \"b\", so loading would remove these values from items in the table (2 in all).",
            ),
            (
                "gfedcb",
                "The rules have no column for \"b\", \"c\", \"d\", \"e\", \"f\" and others, so loading would remove these values from items in the table (2 in all).",
            ),
        ] {
            let mut evidence = Evidence::new(&schema);
            let before: Item = names.chars().map(|name| (name.to_string(), Value::Bool(true))).collect();
            for _ in 0..2 {
                evidence.add_row(Fate::Changed, Some(&before), Some(&Item::new()));
                evidence.add_row(Fate::Changed, Some(&Item::new()), Some(&Item::new()));
            }
            assert_eq!(messages(&judge(&evidence, None)), [message]);
        }
    }
}
