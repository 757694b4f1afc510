//! Splits an expression into its words and signs.

use crate::answer::Refusal;

/// DynamoDB's limit in bytes.
const LONGEST: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'e> {
    /// `#name`
    Name(&'e str),
    /// `:value`
    Value(&'e str),
    /// A keyword or a function.
    Word(&'e str),
    Sign(char),
}

/// The tokens of an expression that are still to be read.
pub struct Tokens<'e> {
    /// What the expression is, as DynamoDB calls it in its messages.
    kind: &'static str,
    rest: &'e str,
}

impl<'e> Tokens<'e> {
    pub fn new(kind: &'static str, text: &'e str) -> Result<Tokens<'e>, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::invalid(format!("Invalid {kind}: The expression can not be empty;")));
        }
        if text.len() > LONGEST {
            let message = "Expression size has exceeded the maximum allowed size; expression size";
            return Err(Refusal::invalid(format!("Invalid {kind}: {message}: {}", text.len())));
        }
        Ok(Tokens { kind, rest: text.trim() })
    }

    pub fn next(&mut self) -> Result<Option<Token<'e>>, Refusal> {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let marked = first == '#' || first == ':';
        let start = usize::from(marked);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest[start..].find(|c| !is_part(c)).map_or(rest.len(), |length| start + length);
        let (token, length) = match first {
            '#' if end > start => (Token::Name(&rest[..end]), end),
            ':' if end > start => (Token::Value(&rest[..end]), end),
            _ if !marked && end > 0 => (Token::Word(&rest[..end]), end),
            '=' | ',' | '(' | ')' => (Token::Sign(first), first.len_utf8()),
            _ => return Err(self.unexpected(&first.to_string())),
        };
        self.rest = rest[length..].trim_start();
        Ok(Some(token))
    }

    /// Reads a token that must be this sign.
    pub fn expect(&mut self, sign: char) -> Result<(), Refusal> {
        match self.next()? {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            other => Err(self.refuse(other)),
        }
    }

    /// Reads a token that must be the placeholder of a name.
    pub fn expect_name(&mut self) -> Result<&'e str, Refusal> {
        match self.next()? {
            Some(Token::Name(name)) => Ok(name),
            other => Err(self.refuse(other)),
        }
    }

    /// Reads a token that must be the placeholder of a value.
    pub fn expect_value(&mut self) -> Result<&'e str, Refusal> {
        match self.next()? {
            Some(Token::Value(value)) => Ok(value),
            other => Err(self.refuse(other)),
        }
    }

    /// Refuses a token that this table does not know at its place.
    pub fn refuse(&self, token: Option<Token<'_>>) -> Refusal {
        match token {
            Some(Token::Name(text) | Token::Value(text) | Token::Word(text)) => self.unexpected(text),
            Some(Token::Sign(sign)) => self.unexpected(&sign.to_string()),
            None => self.unexpected("its end"),
        }
    }

    fn unexpected(&self, what: &str) -> Refusal {
        Refusal::invalid(format!(
            "Invalid {}: the local table does not expect {what} here. It evaluates only #name = :value, \
             attribute_exists(#name) and attribute_not_exists(#name), joined by AND, and SET #name = :value and REMOVE \
             #name, separated by commas",
            self.kind
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token<'_>>, Refusal> {
        let mut tokens = Tokens::new("ConditionExpression", text)?;
        std::iter::from_fn(|| tokens.next().transpose()).collect()
    }

    #[test]
    fn an_expression_is_split_with_and_without_spaces() {
        let expected = [Token::Name("#a"), Token::Sign('='), Token::Value(":0"), Token::Word("AND")];
        assert_eq!(tokens("#a=:0 AND").unwrap(), expected);
        assert_eq!(tokens("\t#a  = :0\nAND ").unwrap(), expected);
    }

    #[test]
    fn a_sign_that_is_not_known_or_a_text_that_is_too_long_is_refused() {
        for text in ["", "  ", "#a < :b", "#a.#b", "#", ": a", "#a = :ä", "'a'"] {
            assert!(tokens(text).is_err(), "{text}");
        }
        assert!(tokens(&"a".repeat(4096)).is_ok());
        assert!(tokens(&"a".repeat(4097)).unwrap_err().to_json().contains("4097"));
    }
}
