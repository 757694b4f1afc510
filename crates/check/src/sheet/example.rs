//! Example values for columns; they are only shown as examples and never loaded.

use inventory_base::decimal::Decimal;
use inventory_base::item::Value;
use inventory_rules::schema::{Column, Kind};

/// Examples for columns that most stock sheets have.
const TEXTS: [(&str, &str); 5] = [
    ("sku", "A-1001"),
    ("name", "Hex bolt M8 x 40"),
    ("category", "Bolts"),
    ("warehouse", "Leeds"),
    ("supplier", "Calder Tools"),
];

/// Returns a value that complies with the column's rules; `None` if none can be derived from them.
pub(super) fn example(column: &Column) -> Option<Value> {
    Some(match column.kind {
        Kind::Text => Value::S(text(column)?.into()),
        Kind::Integer => number(column, &["12"])?,
        Kind::Decimal => number(column, &["12.5", "12"])?,
        Kind::Money => number(column, &["12.50", "12"])?,
        Kind::Boolean => Value::Bool(false),
        Kind::Date => Value::S("2026-10-03".into()),
        Kind::Choice => Value::S(column.choices.first()?.as_str().into()),
        Kind::Gtin => Value::S("4006381333931".into()),
    })
}

fn text(column: &Column) -> Option<String> {
    let known = TEXTS.iter().find(|(name, _)| *name == column.name).map(|(_, text)| (*text).to_string());
    let text = known.unwrap_or_else(|| format!("{} A", column.title));
    let is_short = column.max_length.is_none_or(|most| text.chars().count() <= most);
    let fits = column.pattern.as_ref().is_none_or(|pattern| pattern.fits(&text));
    (is_short && fits).then_some(text)
}

/// Returns the first candidate that is allowed, or else the smallest or largest number allowed.
fn number(column: &Column, candidates: &[&str]) -> Option<Value> {
    let allowed = |number: Decimal| {
        column.min.is_none_or(|min| number >= min)
            && column.max.is_none_or(|max| number <= max)
            && (column.kind != Kind::Integer || number.is_integer())
    };
    let limits = [column.min, column.max].into_iter().flatten().map(|limit| limit.to_string());
    let mut all = candidates.iter().map(ToString::to_string).chain(limits);
    all.find(|digits| Decimal::parse(digits).is_ok_and(allowed)).map(|digits| Value::N(digits.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &str) -> Option<Value> {
        let column: Column = toml::from_str(&format!("name = \"c\"\ntitle = \"Shelf\"\n{lines}")).unwrap();
        example(&column)
    }

    #[test]
    fn an_example_complies_with_the_rules_or_is_none() {
        let (text, number) = (|text: &str| Some(Value::S(text.into())), |digits: &str| Some(Value::N(digits.into())));
        assert_eq!(of("type = \"text\""), text("Shelf A"));
        assert_eq!(of("type = \"text\"\nmax_length = 3"), None);
        assert_eq!(of("type = \"text\"\npattern = \"[0-9]+\""), None);
        assert_eq!(of("type = \"money\""), number("12.50"));
        assert_eq!(of("type = \"money\"\nmax = 2"), number("2"));
        assert_eq!(of("type = \"integer\"\nmin = 20"), number("20"));
        assert_eq!(of("type = \"integer\"\nmin = 12.5\nmax = 12.75"), None);
        assert_eq!(of("type = \"choice\"\nchoices = [\"box\", \"piece\"]"), text("box"));
    }
}
