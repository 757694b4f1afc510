//! The encoding that the rules name for text files that do not say theirs.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, X_USER_DEFINED};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// By the name that `encoding_rs` and browsers have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(pub &'static Encoding);

impl TextEncoding {
    /// By any of the names it goes by: `windows-1250`, `cp1250`, `latin2`. UTF-16 is known by its bytes, and never named.
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
