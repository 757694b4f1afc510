//! One uploaded file, as every stage knows it.

use serde::{Deserialize, Serialize};

/// The folder of uploads that are only tried.
const DRY_RUN: &str = "dry-run";

/// One version of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    /// As the uploader named it, decoded.
    pub key: String,
    pub version: Option<String>,
    /// S3's order of the writes to one key.
    pub sequencer: Option<String>,
    pub etag: Option<String>,
    pub size: Option<u64>,
    /// When S3 took it, as S3 wrote it down.
    pub time: Option<String>,
}

impl Upload {
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// Neither a folder nor what an office program leaves beside an open file.
    pub fn is_spreadsheet(&self) -> bool {
        let lock_file = self.file_name().starts_with("~$") || self.file_name().starts_with(".~lock.");
        !self.key.ends_with('/') && !lock_file
    }

    /// Put into a folder `dry-run`: the plan is made and told, and nothing is written.
    pub fn is_dry_run(&self) -> bool {
        // On a disk a folder may be called so by chance.
        !self.bucket.is_empty() && self.key.rsplit('/').skip(1).any(|folder| folder == DRY_RUN)
    }
}
