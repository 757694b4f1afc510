//! Holds a load if too many quantities fall to zero.

use super::Tripped;
use super::check::{GateCheck, GateContext, PlannedRow};
use super::limit::{LimitWords, PercentLimit};
use super::stats::Share;
use crate::plan::totals::number_of;
use inventory_base::message::sentences;
use inventory_rules::schema::Schema;

/// Counts quantities that fall to zero, of those that weren't zero.
#[derive(Debug, Clone)]
pub(super) struct ZerosGate<'s> {
    schema: &'s Schema,
    /// The column of quantities, if the gate looks at them.
    quantity: Option<&'s str>,
}

impl<'s> GateCheck<'s> for ZerosGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        ZerosGate {
            schema,
            quantity: schema.totals.quantity.as_deref().filter(|_| schema.gates.zero_percent.is_some()),
        }
    }

    fn count_row(&mut self, row: &PlannedRow<'_>) -> Share {
        if let (Some(quantity), Some((before, after))) = (self.quantity, row.compared)
            && number_of(before, quantity).is_some_and(|before| !before.is_zero())
        {
            return Share::one(number_of(after, quantity).is_some_and(|after| after.is_zero()));
        }
        Share::default()
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let column = context.title(self.quantity);
        let explain = |LimitWords { scope, count, total, share, limit, load }: LimitWords<'_>| {
            sentences!(GateZeros { scope, count, total, share, limit, column, load })
        };
        PercentLimit::above(self.schema.gates.zero_percent, &explain).judge(context)
    }

    fn conditions(&self) -> Vec<String> {
        let percent = self.schema.gates.zero_percent.filter(|_| self.quantity.is_some() && self.schema.compare);
        percent.map(|percent| format!("more than {percent}% of the quantities fall to zero")).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::gates::tests::{add_changes, item, percent, rules, trips};
    use crate::plan::{Evidence, Fate, Gate};
    use inventory_base::item::Item;

    #[test]
    fn quantities_that_fall_to_zero_hold_a_load() {
        let zero_percent = percent("30");
        for (limit, zeros, others, holds) in [
            (None, 20, 0, false),
            (zero_percent, 3, 7, false),
            (zero_percent, 4, 7, true),
            (zero_percent, 3, 6, false),
            (zero_percent, 9, 0, false),
            (zero_percent, 10, 0, true),
        ] {
            let schema = rules(|schema| schema.gates.zero_percent = limit);
            let mut evidence = Evidence::new(&schema);
            add_changes(&mut evidence, zeros, "York", ("5", "1"), ("0", "1"));
            add_changes(&mut evidence, others, "York", ("5", "1"), ("6", "1"));
            // Items that were zero, are new, are kept or have no quantity don't count.
            add_changes(&mut evidence, 50, "York", ("0", "1"), ("0", "2"));
            add_changes(&mut evidence, 50, "York", ("0", "1"), ("7", "1"));
            let (some, none) = (item("York", "5", "1"), item("York", "0", "1"));
            for _ in 0..50 {
                evidence.add_row(Fate::New, None, Some(&none));
                evidence.add_row(Fate::Kept, Some(&some), Some(&none));
                evidence.add_row(Fate::Changed, Some(&Item::new()), Some(&none));
            }
            assert_eq!(trips(&evidence, None, Gate::Zeros), holds, "{zeros} and {others} at {limit:?}");
        }
    }
}
