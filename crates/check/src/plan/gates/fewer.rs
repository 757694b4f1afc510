//! Holds a load if it has far fewer items than the last one into the table.

use std::cmp::Ordering;

use super::Tripped;
use super::check::{GateCheck, GateContext};
use super::limit::{LimitWords, PercentLimit};
use super::stats::Share;
use inventory_base::decimal::Decimal;
use inventory_base::message::sentences;
use inventory_rules::schema::Schema;

/// Compares the items that will be in the table with those of the last load.
#[derive(Debug, Clone)]
pub(super) struct FewerGate<'s> {
    percent: &'s Option<Decimal>,
}

impl<'s> GateCheck<'s> for FewerGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        FewerGate { percent: &schema.gates.fewer_percent }
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let last = context.last.map_or("", |last| last.load.as_str());
        let explain = |LimitWords { scope, count, total, share, limit, load }: LimitWords<'_>| {
            sentences!(GateFewer { scope, count, total, share, limit, last, load })
        };
        let limit = PercentLimit {
            percent: *self.percent,
            side: Ordering::Less,
            share: |_, stats, last| last.map(|last| Share { count: stats.items, of: last }),
            explain: &explain,
        };
        limit.judge(context)
    }

    fn conditions(&self) -> Vec<String> {
        let condition = |percent| format!("there are fewer than {percent}% of the last load's items");
        self.percent.map(condition).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::plan::gates::tests::{LOAD, add_all, load, percent, rules, trips};
    use crate::plan::{Evidence, Fate, Gate, LastLoad};

    #[test]
    fn fewer_items_than_in_the_last_load_hold_a_load() {
        let fifty = percent("50");
        for (limit, items, before, holds) in [
            (None, 1, Some(100), false),
            (fifty, 1, None, false),
            (fifty, 50, Some(100), false),
            (fifty, 49, Some(100), true),
            (fifty, 0, Some(100), true),
            (fifty, 0, Some(9), false),
            (fifty, 0, Some(10), true),
            (fifty, 200, Some(100), false),
        ] {
            let schema = rules(|schema| schema.gates.fewer_percent = limit);
            let mut evidence = Evidence::new(&schema);
            add_all(&mut evidence, &[(items, Fate::New), (99, Fate::Rejected), (99, Fate::Duplicate)]);
            let last = before.map(|items| LastLoad { load: load(LOAD), items, per_scope: BTreeMap::new() });
            assert_eq!(trips(&evidence, last.as_ref(), Gate::Fewer), holds, "{items} after {before:?} at {limit:?}");
        }
    }
}
