//! Holds a load if too many of its rows are rejected.

use super::Tripped;
use super::check::{GateCheck, GateContext, PlannedRow};
use super::limit::{LimitWords, PercentLimit, explain_rows};
use super::stats::Share;
use crate::plan::Fate;
use inventory_base::message::{count, sentences};
use inventory_rules::schema::{Gates, Schema};

/// Counts rejected rows, of those that have items.
#[derive(Debug, Clone)]
pub(super) struct RejectedGate<'s> {
    limits: &'s Gates,
}

impl<'s> GateCheck<'s> for RejectedGate<'s> {
    fn new(schema: &'s Schema) -> Self {
        RejectedGate { limits: &schema.gates }
    }

    fn count_row(&mut self, row: &PlannedRow<'_>) -> Share {
        Share::one(row.fate == Fate::Rejected)
    }

    fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let explain = |LimitWords { scope, count, total, share, limit, load }: LimitWords<'_>| {
            sentences!(GateRejected { scope, count, total, share, limit, load })
        };
        let rejected = context.whole.share(context.gate);
        let limit = PercentLimit::above(self.limits.rejected_percent, &explain);
        let whole = match self.limits.rejected_rows {
            Some(rows) if rejected.count > rows => Some(explain_rows(context, rejected, rows, &explain)),
            _ => limit.judge_whole(context),
        };
        // If no row can be loaded, "load the others" makes no sense, and there is nothing to approve.
        if context.whole.items == 0 {
            let nothing_left = sentences!(GateNothingLeft { total: count(rejected.of) });
            return whole.map(|_| Tripped::new(context.gate, None, nothing_left)).into_iter().collect();
        }
        whole.into_iter().chain(limit.judge_scopes(context)).collect()
    }

    fn conditions(&self) -> Vec<String> {
        let rows = self.limits.rejected_rows.map(|rows| format!("more than {} rows are rejected", count(rows)));
        let percent = self.limits.rejected_percent;
        let percent = percent.map(|percent| format!("more than {percent}% of the rows are rejected"));
        rows.into_iter().chain(percent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::gates::tests::{add_all, item, judge, messages, per_warehouse, percent, rules, trips};
    use crate::plan::{Evidence, Gate};

    #[test]
    fn too_many_rejected_rows_hold_a_load_by_number_or_by_share() {
        use Fate::{Duplicate, New, Rejected, Skipped};
        for (rows, share, fates, holds) in [
            (None, None, &[(20, Rejected)][..], false),
            (Some(3), None, &[(3, Rejected), (1, New)], false),
            (Some(3), None, &[(4, Rejected), (9_000, New)], true),
            (Some(0), None, &[(1, Rejected)], true),
            (Some(0), None, &[(2, Duplicate)], false),
            (None, percent("50"), &[(5, Rejected), (5, New)], false),
            (None, percent("50"), &[(6, Rejected), (5, New)], true),
            (None, percent("50"), &[(6, Rejected), (3, New)], false),
            (None, percent("50"), &[(6, Rejected), (5, Duplicate)], true),
            (None, percent("50"), &[(6, Rejected), (6, Duplicate), (9, Skipped)], false),
            (None, percent("12.5"), &[(2, Rejected), (14, New)], false),
            (None, percent("12.4999"), &[(2, Rejected), (14, New)], true),
        ] {
            let schema = rules(|schema| (schema.gates.rejected_rows, schema.gates.rejected_percent) = (rows, share));
            let mut evidence = Evidence::new(&schema);
            add_all(&mut evidence, fates);
            assert_eq!(trips(&evidence, None, Gate::Rejected), holds, "{rows:?} {share:?} {fates:?}");
        }
    }

    #[test]
    fn if_no_row_can_be_loaded_there_is_nothing_to_approve() {
        use Fate::{Duplicate, Rejected};
        let rejected = |schema: &mut Schema| schema.gates.rejected_percent = percent("50");
        let schema = per_warehouse(rules(rejected));
        for fates in [&[(640, Rejected)][..], &[(600, Rejected), (40, Duplicate)]] {
            let mut evidence = Evidence::new(&schema);
            add_all(&mut evidence, fates);
            (0..20).for_each(|_| evidence.add_row(Rejected, Some(&item("York", "1", "1")), None));
            let tripped = judge(&evidence, None);
            assert_eq!(messages(&tripped), ["None of the 660 rows can be loaded."]);
            assert_eq!(tripped[0].advice, "Correct the rows and upload the file again. Nothing was changed.");
        }
    }

    #[test]
    fn rejected_rows_trip_only_one_of_the_two_limits() {
        let schema =
            rules(|schema| (schema.gates.rejected_rows, schema.gates.rejected_percent) = (Some(1_000), percent("50")));
        let mut evidence = Evidence::new(&schema);
        add_all(&mut evidence, &[(1_500, Fate::Rejected), (500, Fate::New)]);
        let advice = "Correct these rows and upload the file again. If it is right to load only the others, approve the \
                      load: inventory approve 0123456789abcdef. Nothing was changed.";
        let tripped = Tripped {
            gate: Gate::Rejected,
            scope: None,
            message: "1,500 of 2,000 rows (75%) would be left out; the limit is 1,000.".into(),
            advice: advice.into(),
        };
        assert_eq!(judge(&evidence, None), [tripped]);
    }
}
