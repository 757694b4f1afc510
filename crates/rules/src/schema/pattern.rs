//! The regular expression that a text must match.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A regular expression for the whole text, compiled once. Serialised as its source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    source: String,
    whole: Regex,
}

impl Pattern {
    pub fn new(source: &str) -> Result<Pattern, regex_lite::Error> {
        // Compile it alone first: `a)|(b` is only valid inside the parentheses below, where it would mean something
        // else.
        Regex::new(source)?;
        let whole = Regex::new(&format!("^(?:{source})$"))?;
        Ok(Pattern { source: source.to_string(), whole })
    }

    /// Whether the whole text matches.
    pub fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The expression as the rules write it.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = regex_lite::Error;

    fn try_from(source: String) -> Result<Pattern, regex_lite::Error> {
        Pattern::new(&source)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_must_match() {
        let pattern = Pattern::new("[A-Z]{2}-[0-9]+|none").unwrap();
        for (text, fits) in [("AB-1", true), ("none", true), ("AB-1 ", false), ("xAB-1", false), ("AB-1\n", false)] {
            assert_eq!(pattern.fits(text), fits, "{text:?}");
        }
    }

    #[test]
    fn a_source_must_be_a_regular_expression_on_its_own() {
        for source in ["(", "a)|(b", "*", "[z-a]"] {
            assert!(Pattern::new(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_pattern_serialises_as_its_source() {
        let pattern = Pattern::new("[0-9]+").unwrap();
        let json = serde_json::to_string(&pattern).unwrap();
        assert_eq!(json, "\"[0-9]+\"");
        assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), pattern);
        assert!(serde_json::from_str::<Pattern>("\"(\"").is_err());
    }
}
