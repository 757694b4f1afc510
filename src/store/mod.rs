//! Access to S3: fetches uploads, and stores plans and reports. The command can use a folder instead of a bucket.

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

/// The result of fetching an upload.
#[derive(Debug)]
pub enum Fetched {
    /// An unnamed temporary file, positioned at its start, and its size in bytes.
    File(std::fs::File, u64),
    /// The announced version no longer exists.
    Gone,
}

/// The result of storing something only if its name is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    New,
    /// Something is already stored under this name, and was left unchanged. After a lost answer it may be our own.
    AlreadyThere,
}

/// A page of a bucket's uploads, and where the next page begins.
#[derive(Debug, Default)]
pub struct VersionsPage {
    /// Each upload with the time it was uploaded.
    pub uploads: Vec<(Upload, Timestamp)>,
    pub next: Option<String>,
}

/// Why something could not be fetched or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Found while reading, so `bytes` is the number received so far, or the size that S3 announced.
    #[error("the upload has at least {bytes} bytes, and the limit is {limit}; raise the limit or split the file")]
    TooLarge { bytes: u64, limit: u64 },
    #[error(
        "{name:?} is not a valid name in the store; names have parts of letters, digits and . _ -, joined by single \
         slashes"
    )]
    Name { name: String },
    #[error("{0}")]
    Cloud(#[from] CloudFault),
    #[error("the upload could not be written to a temporary file: {0}. Check the free space of the temporary folder")]
    Scratch(std::io::Error),
    #[error("{} could not be {action}: {source}. Check the folder and its permissions", path.display())]
    Folder { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            StoreError::Cloud(fault) => fault.transient,
            StoreError::Scratch(_) => true,
            StoreError::TooLarge { .. } | StoreError::Name { .. } | StoreError::Folder { .. } => false,
        }
    }
}

impl Store {
    /// Fetches exactly the version that was announced. Returns an error if it is larger than the limit.
    pub async fn fetch(&self, upload: &Upload, limit_bytes: u64) -> Result<Fetched, StoreError> {
        match self {
            Store::S3(store) => store.fetch(upload, limit_bytes).await,
            Store::Folder(store) => store.fetch(upload, limit_bytes),
        }
    }

    /// Stores something, replacing what was there.
    pub async fn keep(&self, name: &str, content: Vec<u8>) -> Result<(), StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.keep(name, content).await,
            Store::Folder(store) => store.keep(name, &content),
        }
    }

    /// Stores something unless the name is taken. If several callers do so at once, exactly one gets `Kept::New`.
    pub async fn keep_if_absent(&self, name: &str, content: Vec<u8>) -> Result<Kept, StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.keep_if_absent(name, content).await,
            Store::Folder(store) => store.keep_if_absent(name, &content),
        }
    }

    /// Reads what was stored; `None` if nothing was.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check_name(name)?;
        match self {
            Store::S3(store) => store.read(name).await,
            Store::Folder(store) => store.read(name),
        }
    }

    /// Returns the names with this prefix, sorted. The prefix has to end at a folder: `loads/<id>/plan/`.
    pub async fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        check_name(prefix.strip_suffix('/').unwrap_or(prefix))?;
        match self {
            Store::S3(store) => store.names(prefix).await,
            Store::Folder(store) => store.names(prefix),
        }
    }

    /// Returns a page of the latest versions of uploads, ordered by name. Of a folder, always an empty page.
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

    /// Where a person finds what is stored under a name: an S3 URI or a path.
    pub fn location(&self, name: &str) -> String {
        match self {
            Store::S3(store) => store.location(name),
            Store::Folder(store) => store.location(name),
        }
    }
}

/// Rejects names that could leave the store. All names are made by the loader, so this is a second line of defence.
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
    fn names_cannot_leave_the_store() {
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
