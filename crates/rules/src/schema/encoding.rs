//! The encoding that the rules name for text files that don't declare theirs.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Serialised as its WHATWG name, which `encoding_rs` and browsers use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(pub &'static Encoding);

impl TextEncoding {
    /// Finds an encoding by any of its labels: `windows-1250`, `cp1250`, `latin2`. UTF-16 can't be named: it is
    /// detected from the bytes.
    pub fn of(name: &str) -> Option<TextEncoding> {
        let encoding = Encoding::for_label_no_replacement(name.as_bytes())?;
        (![UTF_16LE, UTF_16BE, X_USER_DEFINED].contains(&encoding)).then_some(TextEncoding(encoding))
    }
}

impl Serialize for TextEncoding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de> Deserialize<'de> for TextEncoding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TextEncoding, D::Error> {
        let name = String::deserialize(deserializer)?;
        TextEncoding::of(&name).ok_or_else(|| de::Error::custom("an unknown encoding"))
    }
}
