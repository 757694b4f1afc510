//! Holds a load if too many items of the table are missing from the sheet.

use super::check::{GateCheck, GateContext};
use super::evidence::Evidence;
use super::limit::{LimitWords, PercentLimit};
use super::stats::{Share, Stats};
use super::{Gate, Tripped};
use inventory_base::item::Item;
use inventory_base::message::sentences;
use inventory_rules::schema::{Missing, Schema};

/// Counts items missing from the sheet, of the table's items in scope.
#[derive(Debug, Clone)]
pub(super) struct MissingGate<'s> {
    schema: &'s Schema,
}

impl<'s> GateCheck<'s> for MissingGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        MissingGate { schema }
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let act = match self.schema.sync.as_ref().map(|sync| sync.missing) {
            Some(Missing::Delete) => "would be deleted from the table",
            Some(Missing::Mark) => "would be marked as discontinued",
            Some(Missing::Report) | None => "are only reported",
        };
        let explain = |LimitWords { scope, count, total, share, limit, load }: LimitWords<'_>| {
            sentences!(GateMissing { scope, count, total, share, limit, act, load })
        };
        PercentLimit::above(self.schema.gates.missing_percent, &explain).judge(context)
    }

    fn conditions(&self) -> Vec<String> {
        let percent = self.schema.gates.missing_percent.filter(|_| self.schema.sync.is_some());
        percent.map(|percent| format!("more than {percent}% of the items are not listed")).into_iter().collect()
    }
}

impl Evidence<'_> {
    /// Adds items of the table in the sheet's scope, listed or not.
    pub fn add_in_scope(&mut self, scope: Option<&str>, items: u64) {
        self.add_to(scope, &Stats::of_gate(Gate::Missing, Share { count: 0, of: items }));
    }

    /// Adds an item in scope that the sheet doesn't list.
    pub fn add_missing(&mut self, before: &Item) {
        self.add(&Stats::of_gate(Gate::Missing, Share { count: 1, of: 0 }), Some(before), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::gates::tests::{add_in_scope, item, judge, messages, percent, rules, trips};
    use inventory_rules::schema::{Scope, Sync};

    #[test]
    fn items_missing_from_the_sheet_hold_a_load() {
        let twenty = percent("20");
        for (limit, missing, in_scope, holds) in [
            (None, 20, 20, false),
            (twenty, 2, 10, false),
            (twenty, 3, 10, true),
            (twenty, 9, 9, false),
            (twenty, 0, 0, false),
        ] {
            let schema = rules(|schema| schema.gates.missing_percent = limit);
            let mut evidence = Evidence::new(&schema);
            let one = item("York", "5", "1");
            (0..in_scope).for_each(|_| add_in_scope(&mut evidence, &one));
            (0..missing).for_each(|_| evidence.add_missing(&one));
            assert_eq!(trips(&evidence, None, Gate::Missing), holds, "{missing} of {in_scope} at {limit:?}");
        }
    }

    #[test]
    fn the_explanation_says_what_happens_to_missing_items() {
        for (missing, fate) in [
            (Missing::Report, "are only reported"),
            (Missing::Mark, "would be marked as discontinued"),
            (Missing::Delete, "would be deleted from the table"),
        ] {
            let mut schema = rules(|schema| schema.gates.missing_percent = percent("20"));
            schema.sync = Some(Sync { missing, scope: Scope::Table });
            let mut evidence = Evidence::new(&schema);
            let one = item("York", "5", "1");
            (0..10).for_each(|_| add_in_scope(&mut evidence, &one));
            (0..10).for_each(|_| evidence.add_missing(&one));
            let message =
                format!("10 of 10 items in the table (100%) are missing from the file and {fate}; the limit is 20%.");
            assert_eq!(messages(&judge(&evidence, None)), [message]);
        }
    }
}
