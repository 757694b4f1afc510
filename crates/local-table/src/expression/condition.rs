//! Conditions: comparisons and the existence of attributes, all of which must hold.

use inventory_base::item::{Item, Value, same_value};

use super::placeholders::Placeholders;
use super::tokens::{Token, Tokens};
use crate::answer::Refusal;

const KIND: &str = "ConditionExpression";
/// DynamoDB's limit: comparisons, functions and ANDs together.
const MOST_OPERATORS: usize = 300;

/// A condition on the item that a request finds.
#[derive(Debug)]
pub struct Condition(Vec<Term>);

#[derive(Debug)]
enum Term {
    Equal(String, Value),
    Exists(String),
    Absent(String),
}

impl Condition {
    pub fn parse(text: &str, placeholders: &Placeholders) -> Result<Condition, Refusal> {
        let mut tokens = Tokens::new(KIND, text)?;
        let mut terms = Vec::new();
        loop {
            terms.push(Term::parse(&mut tokens, placeholders)?);
            if 2 * terms.len() - 1 > MOST_OPERATORS {
                let message = "The expression contains too many operators; maximum operator count";
                return Err(Refusal::invalid(format!("Invalid {KIND}: {message}: {MOST_OPERATORS}")));
            }
            match tokens.next()? {
                None => return Ok(Condition(terms)),
                Some(Token::Word(word)) if word.eq_ignore_ascii_case("AND") => {}
                other => return Err(tokens.refuse(other)),
            }
        }
    }

    /// Whether the condition holds for an item, or for none.
    pub fn holds(&self, item: Option<&Item>) -> bool {
        let value = |name: &str| item.and_then(|item| item.get(name));
        self.0.iter().all(|term| match term {
            Term::Equal(name, expected) => value(name).is_some_and(|found| same_value(found, expected)),
            Term::Exists(name) => value(name).is_some(),
            Term::Absent(name) => value(name).is_none(),
        })
    }
}

impl Term {
    fn parse(tokens: &mut Tokens<'_>, placeholders: &Placeholders) -> Result<Term, Refusal> {
        match tokens.next()? {
            Some(Token::Name(name)) => {
                tokens.expect('=')?;
                let name = placeholders.name(KIND, name)?;
                Ok(Term::Equal(name, placeholders.value(KIND, tokens.expect_value()?)?))
            }
            Some(Token::Word(function @ ("attribute_exists" | "attribute_not_exists"))) => {
                tokens.expect('(')?;
                let name = placeholders.name(KIND, tokens.expect_name()?)?;
                tokens.expect(')')?;
                Ok(if function == "attribute_exists" { Term::Exists(name) } else { Term::Absent(name) })
            }
            other => Err(tokens.refuse(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn placeholders(values: Json) -> Placeholders {
        let names = [("#a", "a"), ("#b", "b")].map(|(name, of)| (name.to_string(), of.to_string()));
        Placeholders::new(Some(names.into()), Some(serde_json::from_value(values).unwrap()), true).unwrap()
    }

    fn holds(text: &str, value: Json, item: Option<Json>) -> Result<bool, Refusal> {
        let condition = Condition::parse(text, &placeholders(json!({ ":v": value })))?;
        let item: Option<Item> = item.map(|item| serde_json::from_value(item).unwrap());
        Ok(condition.holds(item.as_ref()))
    }

    #[test]
    fn all_terms_of_a_condition_must_hold() {
        let (one, text) = (json!({ "N": "1" }), json!({ "S": "1" }));
        for (condition, item, expected) in [
            ("#a = :v", Some(json!({ "a": one })), true),
            ("#a = :v", Some(json!({ "a": text })), false),
            ("#a = :v", Some(json!({ "b": one })), false),
            ("#a = :v", None, false),
            ("attribute_not_exists(#a)", None, true),
            ("attribute_not_exists(#a)", Some(json!({ "a": text })), false),
            ("attribute_exists(#a)", None, false),
            ("attribute_exists ( #a )", Some(json!({ "a": text })), true),
            ("#a=:v AND attribute_not_exists(#b)", Some(json!({ "a": one })), true),
            ("#a=:v and attribute_not_exists(#b)", Some(json!({ "a": one, "b": one })), false),
            ("#a=:v AND #b=:v", Some(json!({ "a": one, "b": text })), false),
        ] {
            assert_eq!(holds(condition, one.clone(), item.clone()), Ok(expected), "{condition} on {item:?}");
        }
    }

    #[test]
    fn numbers_are_compared_by_value_and_sets_without_order() {
        for (value, found) in [
            (json!({ "N": "1.0" }), json!({ "N": "1" })),
            (json!({ "NS": ["1", "2.50"] }), json!({ "NS": ["2.5", "1"] })),
            (json!({ "SS": ["a", "b"] }), json!({ "SS": ["b", "a"] })),
            (json!({ "L": [{ "N": "1E1" }] }), json!({ "L": [{ "N": "10" }] })),
        ] {
            assert_eq!(holds("#a = :v", value.clone(), Some(json!({ "a": found }))), Ok(true), "{value}");
        }
        let (value, found) =
            (json!({ "L": [{ "N": "1" }, { "N": "2" }] }), json!({ "L": [{ "N": "2" }, { "N": "1" }] }));
        assert_eq!(holds("#a = :v", value, Some(json!({ "a": found }))), Ok(false), "a list has an order");
    }

    #[test]
    fn a_condition_that_is_not_evaluated_is_refused() {
        for condition in [
            "#a <> :v",
            "#a = :v OR #b = :v",
            "NOT #a = :v",
            "(#a = :v)",
            ":v = #a",
            "#a = #b",
            "a = :v",
            "size(#a) = :v",
            "begins_with(#a, :v)",
            "attribute_type(#a, :v)",
            "attribute_exists(#a",
            "attribute_exists(a)",
            "#a = :v AND",
            "AND #a = :v",
            "#a = :w",
            "#c = :v",
        ] {
            let refusal = holds(condition, json!({ "N": "1" }), None).unwrap_err().to_json();
            assert!(refusal.contains("#ValidationException"), "{condition}: {refusal}");
        }
    }

    #[test]
    fn a_condition_has_at_most_300_operators() {
        let terms = |n| vec!["#a=:v"; n].join(" AND ");
        assert!(holds(&terms(150), json!({ "N": "1" }), None).is_ok());
        let refusal = holds(&terms(151), json!({ "N": "1" }), None).unwrap_err().to_json();
        assert!(refusal.contains("too many operators"), "{refusal}");
    }
}
