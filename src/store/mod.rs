//! All of S3: fetching an upload, keeping a plan, leaving a report. For the command, a folder does the same.

mod folder;
mod s3;
mod uploads;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::clients::CloudFault;
use inventory_base::upload::Upload;

pub use folder::FolderStore;
pub use s3::S3Store;
pub use uploads::{UploadsBucket, content_type_of};

/// Where uploads come from, and where plans and reports are kept.
#[derive(Debug, Clone)]
pub enum Store {
    S3(S3Store),
    Folder(FolderStore),
}

/// What became of fetching an upload.
#[derive(Debug)]
pub enum Fetched {
    /// A file without a name, positioned at its start, and its size in bytes.
    File(std::fs::File, u64),
    /// The announced version is no longer there.
    Gone,
}

/// What became of keeping something only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    New,
    /// Something is there under this name and was left as it is. After a lost answer it may be our own.
    AlreadyThere,
}

/// Uploads as a bucket lists them, and where the next page begins.
#[derive(Debug, Default)]
pub struct VersionsPage {
    /// Each with the moment it was uploaded.
    pub uploads: Vec<(Upload, Timestamp)>,
    pub next: Option<String>,
}

/// Why something could not be fetched or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Told while reading, so `bytes` is how many had come, or how many S3 said there are.
    #[error("the upload has {bytes} bytes or more and {limit} are accepted; raise the limit or split the file")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("{name:?} is not a name the loader keeps things under; names are parts joined by single slashes")]
    Name { name: String },
    #[error("{0}")]
    Cloud(#[from] CloudFault),
    #[error("the upload could not be put into a temporary file: {0}. Check the size of the temporary folder")]
    Scratch(std::io::Error),
    #[error("{} could not be {action}: {source}. Check the folder and its permissions", path.display())]
    Folder { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn would_trying_again_help(&self) -> bool {
        match self {
            StoreError::Cloud(fault) => fault.passing,
            StoreError::Scratch(_) => true,
            StoreError::TooLarge { .. } | StoreError::Name { .. } | StoreError::Folder { .. } => false,
        }
    }
}

impl Store {
    /// Fetches exactly the version that was announced, up to a limit.
    pub async fn fetch(&self, upload: &Upload, limit_bytes: u64) -> Result<Fetched, StoreError> {
        match self {
            Store::S3(store) => store.fetch(upload, limit_bytes).await,
            Store::Folder(store) => store.fetch(upload, limit_bytes),
        }
    }

    /// Keeps something, in place of what was there.
    pub async fn keep(&self, name: &str, content: Vec<u8>) -> Result<(), StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.keep(name, content).await,
            Store::Folder(store) => store.keep(name, &content),
        }
    }

    /// Keeps something unless there is something already. Of several at once, one is new.
    pub async fn keep_once(&self, name: &str, content: Vec<u8>) -> Result<Kept, StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.keep_once(name, content).await,
            Store::Folder(store) => store.keep_once(name, &content),
        }
    }

    /// Reads what was kept, if anything was.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.read(name).await,
            Store::Folder(store) => store.read(name),
        }
    }

    /// The names that begin like this, in order. The prefix ends where a folder does: `loads/<id>/plan/`.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        check_name(prefix.strip_suffix('/').unwrap_or(prefix))?;
        match self {
            Store::S3(store) => store.names(prefix).await,
            Store::Folder(store) => store.names(prefix),
        }
    }

    /// A page of the newest versions of what was uploaded, in the order of their names. A folder is not looked through.
    pub async fn latest_versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&str>,
    ) -> Result<VersionsPage, StoreError> {
        match self {
            Store::S3(store) => store.latest_versions(bucket, prefix, from).await,
            Store::Folder(_) => Ok(VersionsPage::default()),
        }
    }

    /// Where a person finds it.
    pub fn place(&self, name: &str) -> String {
        match self {
            Store::S3(store) => store.place(name),
            Store::Folder(store) => store.place(name),
        }
    }
}

/// Names are ours and never an uploader's; this is the wall behind that.
fn check_name(name: &str) -> Result<(), StoreError> {
    let part_is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if name.split('/').all(part_is_plain) { Ok(()) } else { Err(StoreError::Name { name: name.to_string() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_lead_out() {
        for name in ["loads/0123456789abcdef/plan/00000.jsonl.zst", "loads/0123456789abcdef.2/report.json", "a"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in
            ["", "/etc/passwd", "..", "a/../../b", "a//b", "a/", "./a", "a\\..\\b", "C:/a", "a/.tmp", "a\0b", "ä"]
        {
            assert!(matches!(check_name(name), Err(StoreError::Name { .. })), "{name:?}");
        }
    }
}
