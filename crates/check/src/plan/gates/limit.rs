//! Gates with a limit in percent, for the whole load and for each scope.

use std::cmp::Ordering;

use super::check::GateContext;
use super::stats::{Share, Stats};
use super::{Gate, Tripped};
use inventory_base::decimal::Decimal;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Sentences, count, sentences};

/// Limits in percent apply from this number on: in a sheet of three rows, one that falls to zero means little.
const FEWEST_IN_PERCENT: u64 = 10;
/// The number of scopes that one gate describes; the others are counted in a sentence.
pub(super) const SCOPES_DESCRIBED: usize = 10;

/// A limit in percent of a share.
pub(super) struct PercentLimit<'a> {
    /// `None` never holds a load.
    pub percent: Option<Decimal>,
    /// The side of the limit on which a share trips the gate.
    pub side: Ordering,
    /// Returns the share of the whole load or of a scope, given its number of items in the last load; `None` if there is
    /// nothing to compare with.
    pub share: fn(Gate, &Stats, Option<u64>) -> Option<Share>,
    /// Fills the message of the gate.
    pub explain: &'a dyn Fn(LimitWords<'_>) -> Sentences,
}

/// What every message about a limit says, as people read it.
pub(super) struct LimitWords<'a> {
    /// The scope as the beginning of the message; empty for the whole load.
    pub scope: String,
    pub count: String,
    pub total: String,
    pub share: String,
    pub limit: String,
    pub load: &'a LoadId,
}

impl<'a> PercentLimit<'a> {
    /// A limit that is exceeded if the gate has counted more.
    pub fn above(percent: Option<Decimal>, explain: &'a dyn Fn(LimitWords<'_>) -> Sentences) -> PercentLimit<'a> {
        PercentLimit { percent, side: Ordering::Greater, share: |gate, stats, _| Some(stats.share(gate)), explain }
    }

    /// Returns what is on the wrong side of the limit: the whole load first, then the scopes by name.
    pub fn judge(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        self.judge_whole(context).into_iter().chain(self.judge_scopes(context)).collect()
    }

    pub fn judge_whole(&self, context: &GateContext<'_>) -> Option<Tripped> {
        let (share, percent) = (self.whole(context)?, self.percent?);
        self.is_tripped_by(share, percent).then(|| self.explain(context, None, share, percent))
    }

    pub fn judge_scopes(&self, context: &GateContext<'_>) -> Vec<Tripped> {
        let Some(percent) = self.percent else { return Vec::new() };
        let whole = self.whole(context);
        let scopes = context.scopes.iter().filter_map(|(scope, stats)| {
            let last = context.last.and_then(|last| last.per_scope.get(scope).copied());
            // A scope that is the whole load adds nothing.
            let share = (self.share)(context.gate, stats, last).filter(|share| Some(*share) != whole)?;
            self.is_tripped_by(share, percent).then_some((scope, share))
        });
        let scopes: Vec<_> = scopes.collect();
        let described = scopes.iter().take(SCOPES_DESCRIBED);
        let described = described.map(|(scope, share)| self.explain(context, Some(scope), *share, percent));
        let more = scopes.len().saturating_sub(SCOPES_DESCRIBED);
        described.chain((more > 0).then(|| explain_more_scopes(context, more as u64))).collect()
    }

    fn whole(&self, context: &GateContext<'_>) -> Option<Share> {
        (self.share)(context.gate, context.whole, context.last.map(|last| last.items))
    }

    fn is_tripped_by(&self, share: Share, percent: Decimal) -> bool {
        let found = Decimal::from(share.count).checked_mul(100u32.into());
        let limit = Decimal::from(share.of).checked_mul(percent);
        // If a limit has too many digits to calculate with, it is safer to ask.
        let beyond = found.zip(limit).is_none_or(|(found, limit)| found.cmp(&limit) == self.side);
        share.of >= FEWEST_IN_PERCENT && beyond
    }

    fn explain(&self, context: &GateContext<'_>, scope: Option<&str>, share: Share, percent: Decimal) -> Tripped {
        let in_percent = in_percent(share, percent, self.side);
        explain_limit(context, scope, share, in_percent, format!("{percent}%"), self.explain)
    }
}

/// Explains that more than a number of rows were counted.
pub(super) fn explain_rows(
    context: &GateContext<'_>,
    share: Share,
    limit: u64,
    explain: &dyn Fn(LimitWords<'_>) -> Sentences,
) -> Tripped {
    let in_percent = in_percent(share, Decimal::ZERO, Ordering::Greater);
    explain_limit(context, None, share, in_percent, count(limit), explain)
}

fn explain_limit(
    context: &GateContext<'_>,
    scope: Option<&str>,
    found: Share,
    share: String,
    limit: String,
    explain: &dyn Fn(LimitWords<'_>) -> Sentences,
) -> Tripped {
    let prefix = scope.map(|scope| format!("{} {scope}: ", context.title(context.scope_column))).unwrap_or_default();
    let (count, total) = (count(found.count), count(found.of));
    let words = LimitWords { scope: prefix, count, total, share, limit, load: context.load };
    Tripped::new(context.gate, scope, explain(words))
}

/// Explains that the gate is tripped in further scopes, too.
fn explain_more_scopes(context: &GateContext<'_>, scopes: u64) -> Tripped {
    let column = context.title(context.scope_column);
    let sentences = sentences!(GateElsewhere { column, count: count(scopes), load: context.load });
    Tripped::new(context.gate, None, sentences)
}

/// Formats a share for people: rounded down, with just enough decimal places to be on its side of the limit, and not to
/// be zero if it isn't. "10% change; the limit is 10%" would make no sense.
fn in_percent(share: Share, limit: Decimal, side: Ordering) -> String {
    const MAX_PLACES: u32 = 6;
    let at = |places: u32| {
        let parts = u128::from(share.count) * 100 * 10u128.pow(places) / u128::from(share.of.max(1));
        Decimal::new(i64::try_from(parts).unwrap_or(i64::MAX), -(places as i32))
    };
    let is_clear = |percent: &Decimal| percent.cmp(&limit) == side && (share.count == 0 || !percent.is_zero());
    let percent = (0..MAX_PLACES).map(at).find(is_clear).unwrap_or_else(|| at(MAX_PLACES));
    format!("{percent}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_only_the_decimal_places_that_show_why_it_matters() {
        for (count, of, limit, side, expected) in [
            (412, 520, 10, Ordering::Greater, "79%"),
            (999, 1000, 10, Ordering::Greater, "99%"),
            (104, 1000, 10, Ordering::Greater, "10.4%"),
            (100_001, 1_000_000, 10, Ordering::Greater, "10.0001%"),
            (1, 1000, 0, Ordering::Greater, "0.1%"),
            (499, 1000, 50, Ordering::Less, "49%"),
            (3, 1000, 50, Ordering::Less, "0.3%"),
            (0, 1000, 50, Ordering::Less, "0%"),
            (u64::MAX, u64::MAX, 50, Ordering::Greater, "100%"),
        ] {
            let share = Share { count, of };
            assert_eq!(in_percent(share, Decimal::new(limit, 0), side), expected, "{count} of {of} at {limit}%");
        }
    }
}
