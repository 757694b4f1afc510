//! Sums as a stock keeper writes them: every sum of a column has the same number of decimals.

use inventory_base::decimal::Decimal;
use inventory_base::message::grouped;

use super::values::{decimals, pad};
use crate::plan::{ControlTotals, Figures};

/// Prices with a fraction have at least this many decimals, so 1234.5 is 1,234.50.
const MONEY: usize = 2;

/// The numbers of decimals in the columns of the control totals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub quantity: usize,
    pub value: usize,
}

impl Places {
    pub fn of(totals: &ControlTotals) -> Places {
        let rest = totals.other.iter().chain(&totals.without);
        let mut places = Places::default();
        for figures in [&totals.all].into_iter().chain(totals.groups.values()).chain(rest) {
            places = places.and(figures);
        }
        places
    }

    fn and(self, figures: &Figures) -> Places {
        Places {
            quantity: self.quantity.max(figures.quantity.map_or(0, places)),
            value: self.value.max(figures.value.map_or(0, places_of_money)),
        }
    }
}

fn places(number: Decimal) -> usize {
    decimals(&number.to_string())
}

/// Returns the number of decimals of an amount of money; zero if it has no fraction.
pub(super) fn places_of_money(number: Decimal) -> usize {
    match places(number) {
        0 => 0,
        places => places.max(MONEY),
    }
}

/// Formats a sum with at least `places` decimals.
pub(super) fn sum(number: Decimal, places: usize) -> String {
    grouped(&pad(&number.to_string(), places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_sums_has_the_decimals_of_its_longest_sum_and_money_two() {
        let figures = |quantity: &str, value: &str| Figures {
            items: 1,
            quantity: Decimal::parse(quantity).ok(),
            value: Decimal::parse(value).ok(),
        };
        let totals = |all, group| ControlTotals {
            all,
            groups: [("Leeds".to_string(), group)].into_iter().collect(),
            ..ControlTotals::default()
        };
        for (all, group, expected) in [
            (figures("5", "1234.5"), figures("5", "1200"), Places { quantity: 0, value: 2 }),
            (figures("5", "1200"), figures("2.5", "0.125"), Places { quantity: 1, value: 3 }),
            (figures("5", "1200"), figures("5", "200"), Places::default()),
        ] {
            assert_eq!(Places::of(&totals(all, group)), expected);
        }
        assert_eq!(sum(Decimal::parse("1234.5").unwrap(), 2), "1,234.50");
        assert_eq!(sum(Decimal::parse("1234").unwrap(), 2), "1,234.00");
    }
}
