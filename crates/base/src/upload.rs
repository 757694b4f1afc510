//! An uploaded file, as every stage knows it.

use serde::{Deserialize, Serialize};

/// Uploads into this folder are dry runs.
const DRY_RUN: &str = "dry-run";

/// One version of an S3 object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    pub bucket: String,
    /// The key as the uploader named it, decoded.
    pub key: String,
    pub version: Option<String>,
    /// Orders S3's writes to the same key.
    pub sequencer: Option<String>,
    pub etag: Option<String>,
    pub size: Option<u64>,
    /// When S3 stored the object, as its event gives it.
    pub time: Option<String>,
}

impl Upload {
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or(&self.key)
    }

    /// Whether it is neither a folder nor a lock file that an office program leaves next to an open file.
    pub fn is_spreadsheet(&self) -> bool {
        let lock_file = self.file_name().starts_with("~$") || self.file_name().starts_with(".~lock.");
        !self.key.ends_with('/') && !lock_file
    }

    /// Whether it was uploaded into a folder `dry-run`: the plan is made and reported, and nothing is written.
    pub fn is_dry_run(&self) -> bool {
        // A folder on a disk may have this name by chance.
        !self.bucket.is_empty() && self.key.rsplit('/').skip(1).any(|folder| folder == DRY_RUN)
    }
}
