//! Holds a load if too many prices rise or fall too far.

use super::Tripped;
use super::check::{GateCheck, GateContext, PlannedRow};
use super::limit::{LimitWords, PercentLimit};
use super::stats::Share;
use crate::plan::totals::number_of;
use inventory_base::decimal::Decimal;
use inventory_base::message::sentences;
use inventory_rules::schema::Schema;

/// Counts prices that change a lot, of those that existed and still do.
#[derive(Debug, Clone)]
pub(super) struct PricesGate<'s> {
    schema: &'s Schema,
}

impl<'s> GateCheck<'s> for PricesGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        PricesGate { schema }
    }

    fn count_row(&mut self, row: &PlannedRow<'_>) -> Share {
        let Schema { gates, totals, .. } = self.schema;
        if let (Some(price), Some(factor)) = (&totals.price, gates.price_factor)
            && let Some((before, after)) = row.compared
            && let (Some(before), Some(after)) = (number_of(before, price), number_of(after, price))
            && !before.is_zero()
            && !after.is_zero()
        {
            let (before, after) = (before.abs(), after.abs());
            // The multiplication fails only for prices of more than thirty digits; they don't count as exceeding.
            let exceeds = |a: Decimal, b: Decimal| b.checked_mul(factor).is_some_and(|limit| a > limit);
            return Share::one(exceeds(after, before) || exceeds(before, after));
        }
        Share::default()
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let Schema { gates, totals, .. } = self.schema;
        let factor = gates.price_factor.map(|factor| factor.to_string()).unwrap_or_default();
        let column = context.title(totals.price.as_deref());
        let explain = |LimitWords { scope, count, total, share, limit, load }: LimitWords<'_>| {
            sentences!(GatePrices { scope, count, total, share, factor, limit, column, load })
        };
        PercentLimit::above(gates.price_percent, &explain).judge(context)
    }

    fn conditions(&self) -> Vec<String> {
        let Schema { gates, totals, compare, .. } = self.schema;
        let limits = gates.price_percent.zip(gates.price_factor).filter(|_| totals.price.is_some() && *compare);
        let condition = |(percent, factor)| format!("more than {percent}% of the prices change beyond {factor} times");
        limits.map(condition).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::gates::tests::{add_changes, item, judge, percent, rules, trips};
    use crate::plan::{Evidence, Fate, Gate};
    use inventory_rules::schema::Gates;

    #[test]
    fn prices_that_rise_or_fall_too_far_hold_a_load() {
        let (factor, share) = (percent("5"), percent("10"));
        for (factor, share, to, times, others, holds) in [
            (None, share, "100", 20, 0, false),
            (factor, None, "100", 20, 0, false),
            (factor, share, "50", 20, 0, false),
            (factor, share, "50.01", 20, 0, true),
            (factor, share, "2", 20, 0, false),
            (factor, share, "1.99", 20, 0, true),
            (factor, share, "100", 1, 9, false),
            (factor, share, "100", 2, 9, true),
            (factor, share, "100", 2, 7, false),
            (factor, share, "0", 20, 20, false),
        ] {
            let schema = rules(|schema| (schema.gates.price_factor, schema.gates.price_percent) = (factor, share));
            let mut evidence = Evidence::new(&schema);
            add_changes(&mut evidence, times, "York", ("5", "10"), ("5", to));
            let same = item("York", "5", "10");
            (0..others).for_each(|_| evidence.add_row(Fate::Unchanged, Some(&same), Some(&same)));
            add_changes(&mut evidence, 50, "York", ("5", "0"), ("5", "100"));
            assert_eq!(trips(&evidence, None, Gate::Prices), holds, "{times} of {} to {to}", times + others);
        }
    }

    #[test]
    fn a_swapped_column_is_explained_in_figures_with_what_to_do() {
        let schema = rules(|schema| schema.gates = Gates::default());
        let mut evidence = Evidence::new(&schema);
        add_changes(&mut evidence, 412, "York", ("200", "3"), ("3", "200"));
        add_changes(&mut evidence, 108, "York", ("5", "5"), ("6", "6"));
        let advice = "If that is right, approve the load: inventory approve 0123456789abcdef. Otherwise check whether the \
                      column Unit price was swapped with another or is in another currency, correct the file and upload \
                      it again. Nothing was changed.";
        let tripped = Tripped {
            gate: Gate::Prices,
            scope: None,
            message: "412 of 520 prices (79%) would change by more than a factor of 5; the limit is 10%.".into(),
            advice: advice.into(),
        };
        assert_eq!(judge(&evidence, None), std::slice::from_ref(&tripped));
        let json = serde_json::to_string(&tripped).unwrap();
        assert!(json.starts_with(r#"{"gate":"prices","message":"412 of 520"#), "{json}");
        assert_eq!(serde_json::from_str::<Tripped>(&json).unwrap(), tripped);
    }
}
