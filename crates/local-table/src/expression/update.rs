//! Updates: attributes that are set and removed.

use std::collections::BTreeSet;

use inventory_base::item::{Item, Value};

use super::placeholders::Placeholders;
use super::tokens::{Token, Tokens};
use crate::answer::Refusal;

const KIND: &str = "UpdateExpression";

/// A change of an item.
#[derive(Debug, Default)]
pub struct Update {
    set: Vec<(String, Value)>,
    remove: Vec<String>,
}

impl Update {
    pub fn parse(text: &str, placeholders: &Placeholders) -> Result<Update, Refusal> {
        let mut tokens = Tokens::new(KIND, text)?;
        let (mut set, mut remove) = (None, None);
        let mut next = tokens.next()?;
        while let Some(token) = next {
            let section = match token {
                Token::Word(word) if word.eq_ignore_ascii_case("SET") => &mut set,
                Token::Word(word) if word.eq_ignore_ascii_case("REMOVE") => &mut remove,
                other => return Err(tokens.refuse(Some(other))),
            };
            if section.is_some() {
                return Err(Refusal::invalid(format!("Invalid {KIND}: a section can only be used once")));
            }
            let is_set = matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("SET"));
            let (terms, after) = section_terms(&mut tokens, placeholders, is_set)?;
            *section = Some(terms);
            next = after;
        }
        let set: Vec<(String, Value)> =
            set.unwrap_or_default().into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let remove: Vec<String> = remove.unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        let update = Update { set, remove };
        let mut names = BTreeSet::new();
        let twice = update.names().find(|name| !names.insert(*name)).map(str::to_string);
        match twice {
            None => Ok(update),
            Some(name) => Err(Refusal::invalid(format!(
                "Invalid {KIND}: Two document paths overlap with each other; must remove or rewrite one of these paths; \
                 path one: [{name}], path two: [{name}]"
            ))),
        }
    }

    /// The attributes that are set or removed.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(|(name, _)| name.as_str()).chain(self.remove.iter().map(String::as_str))
    }

    /// The bytes of what is set.
    pub fn size(&self) -> usize {
        self.set.iter().map(|(name, value)| name.len() + value.size()).sum()
    }

    pub fn apply(self, item: &mut Item) {
        self.remove.iter().for_each(|name| drop(item.remove(name)));
        item.extend(self.set);
    }
}

/// The names in a section, with a value if it is one that sets.
type Terms = Vec<(String, Option<Value>)>;

/// Reads a section, and the token after it.
fn section_terms<'e>(
    tokens: &mut Tokens<'e>,
    placeholders: &Placeholders,
    is_set: bool,
) -> Result<(Terms, Option<Token<'e>>), Refusal> {
    let mut terms = Vec::new();
    loop {
        let name = placeholders.name(KIND, tokens.expect_name()?)?;
        let value = if is_set {
            tokens.expect('=')?;
            Some(placeholders.value(KIND, tokens.expect_value()?)?)
        } else {
            None
        };
        terms.push((name, value));
        match tokens.next()? {
            Some(Token::Sign(',')) => {}
            after => return Ok((terms, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn updated(text: &str, item: Json) -> Result<Json, Refusal> {
        let names = ["a", "b", "c"].map(|name| (format!("#{name}"), name.to_string()));
        let values = json!({ ":v": { "N": "1.0" }, ":w": { "S": "w" } });
        let values = serde_json::from_value(values).unwrap();
        let placeholders = Placeholders::new(Some(names.into()), Some(values), true)?;
        let mut item: Item = serde_json::from_value(item).unwrap();
        Update::parse(text, &placeholders)?.apply(&mut item);
        Ok(serde_json::to_value(item).unwrap())
    }

    #[test]
    fn attributes_are_set_and_removed_and_others_left_alone() {
        let item = json!({ "a": { "S": "x" }, "b": { "S": "y" }, "k": { "S": "z" } });
        for (text, expected) in [
            ("SET #a=:v,#c = :w REMOVE #b", json!({ "a": { "N": "1" }, "c": { "S": "w" }, "k": { "S": "z" } })),
            ("remove #a , #b", json!({ "k": { "S": "z" } })),
            ("REMOVE #c SET #b=:w", json!({ "a": { "S": "x" }, "b": { "S": "w" }, "k": { "S": "z" } })),
        ] {
            assert_eq!(updated(text, item.clone()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_update_that_is_not_evaluated_is_refused() {
        for text in [
            "SET",
            "SET #a",
            "SET #a=:v,",
            "SET #a=:v #b=:w",
            "SET #a=#b",
            "SET #a=#b + :v",
            "SET #a=if_not_exists(#a, :v)",
            "SET a=:v",
            "ADD #a :v",
            "DELETE #a :v",
            "REMOVE #a[0]",
            "REMOVE :v",
            "SET #a=:v SET #b=:v",
            "SET #a=:v, #a=:w",
            "SET #a=:v REMOVE #a",
            "SET #d=:v",
            "SET #a=:x",
        ] {
            let refusal = updated(text, json!({})).unwrap_err().to_json();
            assert!(refusal.contains("#ValidationException"), "{text}: {refusal}");
        }
    }
}
