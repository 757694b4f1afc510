//! What a text must look like, as a regular expression.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A regular expression for a whole text, compiled once. In JSON it is what was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    source: String,
    whole: Regex,
}

impl Pattern {
    pub fn new(source: &str) -> Result<Pattern, regex_lite::Error> {
        // By itself first: `a)|(b` would be an expression between the brackets below, and mean something else.
        Regex::new(source)?;
        let whole = Regex::new(&format!("^(?:{source})$"))?;
        Ok(Pattern { source: source.to_string(), whole })
    }

    /// Whether the whole text is as the pattern says.
    pub fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// As it stands in the rules.
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
    fn the_whole_text_must_fit() {
        let pattern = Pattern::new("[A-Z]{2}-[0-9]+|none").unwrap();
        for (text, fits) in [("AB-1", true), ("none", true), ("AB-1 ", false), ("xAB-1", false), ("AB-1\n", false)] {
            assert_eq!(pattern.fits(text), fits, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_expression_by_itself_is_none() {
        for source in ["(", "a)|(b", "*", "[z-a]"] {
            assert!(Pattern::new(source).is_err(), "{source}");
        }
    }

    #[test]
    fn a_pattern_travels_as_its_source() {
        let pattern = Pattern::new("[0-9]+").unwrap();
        let json = serde_json::to_string(&pattern).unwrap();
        assert_eq!(json, "\"[0-9]+\"");
        assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), pattern);
        assert!(serde_json::from_str::<Pattern>("\"(\"").is_err());
    }
}
