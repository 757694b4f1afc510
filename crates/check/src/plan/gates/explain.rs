//! Explains why a gate holds a load: what is unusual, in figures, and what to do.

use std::cmp::Ordering;

use super::{Gate, LastLoad, Part, Tripped};
use inventory_base::decimal::Decimal;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Rule, count};
use inventory_rules::schema::{Missing, Schema};

/// Makes the explanations of one gate for one load.
pub(super) struct Explainer<'a> {
    pub schema: &'a Schema,
    pub gate: Gate,
    pub load: &'a LoadId,
    pub last: Option<&'a LastLoad>,
    pub scope_column: Option<&'a str>,
}

impl Explainer<'_> {
    /// Explains a limit in percent.
    pub fn explain_share(&self, scope: Option<&str>, part: Part, percent: Decimal) -> Tripped {
        self.explain_limit(scope, part, &format!("{percent}%"), &share(part, percent, self.gate.side()))
    }

    /// Explains a limit that is a number of rows.
    pub fn explain_count(&self, part: Part, limit: u64) -> Tripped {
        self.explain_limit(None, part, &count(limit), &share(part, Decimal::ZERO, Ordering::Greater))
    }

    /// Explains that no row can be loaded, so there is nothing to approve.
    pub fn explain_nothing_left(&self, part: Part) -> Tripped {
        self.tripped(Rule::GateNothingLeft, None, &[("total", &count(part.of))])
    }

    fn explain_limit(&self, scope: Option<&str>, part: Part, limit: &str, share: &str) -> Tripped {
        let Schema { gates, totals, sync, .. } = self.schema;
        let column = match self.gate {
            Gate::Zeros => totals.quantity.as_deref(),
            Gate::Prices => totals.price.as_deref(),
            _ => None,
        };
        let act = match sync.as_ref().map(|sync| sync.missing) {
            Some(Missing::Delete) => "would be deleted from the table",
            Some(Missing::Mark) => "would be marked as discontinued",
            Some(Missing::Report) | None => "are only reported",
        };
        let prefix = scope.map(|scope| format!("{} {scope}: ", self.title(self.scope_column))).unwrap_or_default();
        let factor = gates.price_factor.map(|factor| factor.to_string()).unwrap_or_default();
        let words = [
            ("scope", prefix.as_str()),
            ("count", &count(part.count)),
            ("total", &count(part.of)),
            ("share", share),
            ("limit", limit),
            ("factor", &factor),
            ("column", self.title(column)),
            ("act", act),
            ("last", self.last.map_or("", |last| last.load.as_str())),
        ];
        self.tripped(self.gate.rule(), scope, &words)
    }

    /// Explains that items would lose attributes.
    pub fn explain_vanishing(&self, items: u64, lost: &[String], more: bool) -> Tripped {
        let mut names: Vec<String> = lost.iter().map(|name| format!("\"{name}\"")).collect();
        names.extend(more.then(|| "others".to_string()));
        let names = match names.split_last() {
            Some((last, first)) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
            _ => names.concat(),
        };
        self.tripped(self.gate.rule(), None, &[("attributes", &names), ("count", &count(items))])
    }

    /// Explains that the gate is tripped in further scopes, too.
    pub fn explain_more_scopes(&self, scopes: u64) -> Tripped {
        let words = [("count", count(scopes)), ("column", self.title(self.scope_column).to_string())];
        self.tripped(Rule::GateElsewhere, None, &words.each_ref().map(|(name, word)| (*name, word.as_str())))
    }

    fn tripped(&self, rule: Rule, scope: Option<&str>, words: &[(&str, &str)]) -> Tripped {
        let words: Vec<_> = words.iter().copied().chain([("load", self.load.as_str())]).collect();
        let (message, advice) = (rule.message(&words), rule.advice(&words));
        Tripped { gate: self.gate, scope: scope.map(str::to_string), message, advice }
    }

    /// Returns the title of a column.
    fn title<'t>(&'t self, column: Option<&'t str>) -> &'t str {
        let name = column.unwrap_or_default();
        let found = self.schema.columns.iter().find(|column| column.name == name);
        found.map_or(name, |column| column.title.as_str())
    }
}

/// Formats a share for people: rounded down, with just enough decimal places to be on its side of the limit, and not to
/// be zero if it isn't. "10% change; the limit is 10%" would make no sense.
fn share(part: Part, limit: Decimal, side: Ordering) -> String {
    const MAX_PLACES: u32 = 6;
    let at = |places: u32| {
        let parts = u128::from(part.count) * 100 * 10u128.pow(places) / u128::from(part.of.max(1));
        Decimal::new(i64::try_from(parts).unwrap_or(i64::MAX), -(places as i32))
    };
    let is_clear = |share: &Decimal| share.cmp(&limit) == side && (part.count == 0 || !share.is_zero());
    let share = (0..MAX_PLACES).map(at).find(is_clear).unwrap_or_else(|| at(MAX_PLACES));
    format!("{share}%")
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
            let part = Part { count, of };
            assert_eq!(share(part, Decimal::new(limit, 0), side), expected, "{count} of {of} at {limit}%");
        }
    }
}
