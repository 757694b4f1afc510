//! The names and values that stand for the placeholders of expressions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use inventory_base::item::Value;

use crate::answer::Refusal;
use crate::values::checked;

/// The placeholders of a request. All of them must be used.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Checks the placeholders of a request; `any_expression` says whether it has an expression at all.
    pub fn new(
        names: Option<BTreeMap<String, String>>,
        values: Option<BTreeMap<String, Value>>,
        any_expression: bool,
    ) -> Result<Placeholders, Refusal> {
        check("ExpressionAttributeNames", '#', names.as_ref().map(BTreeMap::keys), any_expression)?;
        check("ExpressionAttributeValues", ':', values.as_ref().map(BTreeMap::keys), any_expression)?;
        let values = values.unwrap_or_default().into_iter();
        let values = values.map(|(name, value)| Ok((name, checked(value)?))).collect::<Result<_, Refusal>>()?;
        Ok(Placeholders { names: names.unwrap_or_default(), values, used: RefCell::default() })
    }

    pub fn name(&self, kind: &str, placeholder: &str) -> Result<String, Refusal> {
        self.used.borrow_mut().insert(placeholder.to_string());
        let undefined = || {
            let message = "An expression attribute name used in the document path is not defined";
            Refusal::invalid(format!("Invalid {kind}: {message}; attribute name: {placeholder}"))
        };
        self.names.get(placeholder).cloned().ok_or_else(undefined)
    }

    pub fn value(&self, kind: &str, placeholder: &str) -> Result<Value, Refusal> {
        self.used.borrow_mut().insert(placeholder.to_string());
        let undefined = || {
            let message = "An expression attribute value used in expression is not defined";
            Refusal::invalid(format!("Invalid {kind}: {message}; attribute value: {placeholder}"))
        };
        self.values.get(placeholder).cloned().ok_or_else(undefined)
    }

    /// Refuses placeholders that no expression has used.
    pub fn check_all_used(&self) -> Result<(), Refusal> {
        let used = self.used.borrow();
        let unused = |all: Vec<&String>, parameter: &str| match all.iter().find(|name| !used.contains(**name)) {
            None => Ok(()),
            Some(name) => {
                Err(Refusal::invalid(format!("Value provided in {parameter} unused in expressions: keys: {{{name}}}")))
            }
        };
        unused(self.names.keys().collect(), "ExpressionAttributeNames")?;
        unused(self.values.keys().collect(), "ExpressionAttributeValues")
    }
}

fn check<'k>(
    parameter: &str,
    mark: char,
    keys: Option<impl ExactSizeIterator<Item = &'k String>>,
    any_expression: bool,
) -> Result<(), Refusal> {
    let Some(mut keys) = keys else { return Ok(()) };
    if !any_expression {
        return Err(Refusal::invalid(format!("{parameter} can only be specified when using expressions")));
    }
    if keys.len() == 0 {
        return Err(Refusal::invalid(format!("{parameter} must not be empty")));
    }
    let is_placeholder = |key: &String| {
        let name = key.strip_prefix(mark).unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match keys.find(|key| !is_placeholder(key)) {
        None => Ok(()),
        Some(key) => Err(Refusal::invalid(format!("{parameter} contains invalid key: Syntax error; key: \"{key}\""))),
    }
}
