//! IDs of loads. They become parts of paths, so only IDs in the loader's own format are accepted.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::upload::Upload;

/// The ID of a load. The same upload always gets the same ID, so an event delivered twice is one load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoadId(String);

impl LoadId {
    const HEX_DIGITS: usize = 16;
    const UNDO: &str = "undo";
    /// An undo can be undone, and so on, up to this length: the ID becomes part of paths.
    const MAX_LENGTH: usize = 128;

    pub fn of(upload: &Upload) -> LoadId {
        let version = upload.version.as_deref().or(upload.sequencer.as_deref()).unwrap_or_default();
        let digest = Sha256::digest(format!("{}\n{}\n{version}", upload.bucket, upload.key));
        let mut name: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        name.truncate(Self::HEX_DIGITS);
        LoadId(name)
    }

    /// The nth load linked to this one: approved, or loaded again.
    pub fn linked(&self, n: u32) -> LoadId {
        LoadId(format!("{}.{n}", self.0))
    }

    /// The load that continues this one when it is approved. Always the same, so that approving twice starts one load.
    pub fn next(&self) -> LoadId {
        let link = self.0.rsplit_once('.').and_then(|(first, link)| Some((first, link.parse::<u32>().ok()?)));
        let (first, n) = link.unwrap_or((&self.0, 1));
        LoadId(first.to_string()).linked(n + 1)
    }

    /// The load that undoes this one. Always the same, so that undoing twice starts one load.
    pub fn undoing(&self) -> LoadId {
        LoadId(format!("{}.{}", self.0, Self::UNDO))
    }

    /// Parses an ID from outside, and accepts it only in the loader's own format: it becomes part of paths.
    pub fn parse(text: &str) -> Option<LoadId> {
        let (name, links) = text.split_once('.').map_or((text, None), |(name, links)| (name, Some(links)));
        let hex = name.len() == Self::HEX_DIGITS && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_number = |link: &str| link.len() <= 6 && link.parse::<u32>().is_ok_and(|n| n > 1);
        let is_link = |link: &str| link == Self::UNDO || is_number(link);
        let linked = links.is_none_or(|links| links.split('.').all(is_link));
        (hex && linked && text.len() <= Self::MAX_LENGTH).then(|| LoadId(text.to_string()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LoadId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
