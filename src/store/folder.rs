//! A folder in place of the reports bucket. The calls block: the command has nothing else to do in the meantime.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Fetched, Kept, StoreError};
use inventory_base::upload::Upload;

/// The prefix of a file while it is written. It is then renamed, so that readers find all of it or nothing.
const UNFINISHED: &str = ".unfinished-";

/// Stores plans and reports below one folder. The key of an upload is its path.
#[derive(Debug, Clone)]
pub struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    /// A store below this folder, which is created when it is first needed.
    pub fn new(root: impl Into<PathBuf>) -> FolderStore {
        FolderStore { root: root.into() }
    }

    pub(super) fn fetch(&self, upload: &Upload, limit_bytes: u64) -> Result<Fetched, StoreError> {
        let path = Path::new(&upload.key);
        let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about)));
        let (file, about) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Fetched::Gone),
            Err(error) => return Err(folder_error("opened", path)(error)),
        };
        // A pipe or a folder can't be read twice and at any position.
        if !about.is_file() {
            return Err(folder_error("opened", path)(io::Error::other("it is not a file")));
        }
        let bytes = about.len();
        if bytes > limit_bytes {
            return Err(StoreError::TooLarge { bytes, limit: limit_bytes });
        }
        Ok(Fetched::File(file, bytes))
    }

    pub(super) fn keep(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.root.join(name);
        write_unfinished(&path, content)
            .and_then(|file| file.persist(&path).map_err(|error| error.error))
            .map(drop)
            .map_err(folder_error("written", &path))
    }

    pub(super) fn keep_if_absent(&self, name: &str, content: &[u8]) -> Result<Kept, StoreError> {
        let path = self.root.join(name);
        let kept = write_unfinished(&path, content)
            .and_then(|file| file.persist_noclobber(&path).map_err(|error| error.error));
        match kept {
            Ok(_) => Ok(Kept::New),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Kept::AlreadyThere),
            Err(error) => Err(folder_error("written", &path)(error)),
        }
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.root.join(name);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(folder_error("read", &path)(error)),
        }
    }

    pub(super) fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut names = Vec::new();
        let mut open = vec![folder.to_string()];
        while let Some(folder) = open.pop() {
            let path = self.root.join(&folder);
            let entries = match fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(folder_error("listed", &path)(error)),
            };
            for entry in entries {
                let (entry, kind) = entry
                    .and_then(|entry| entry.file_type().map(|kind| (entry, kind)))
                    .map_err(folder_error("listed", &path))?;
                let Ok(part) = entry.file_name().into_string() else {
                    continue;
                };
                let name = if folder.is_empty() { part } else { format!("{folder}/{part}") };
                if kind.is_dir() {
                    open.push(name);
                } else if name.starts_with(prefix) && !name.contains(UNFINISHED) {
                    names.push(name);
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn location(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

/// Writes a temporary file. It survives the death of the process, but not of the machine: that would need an fsync for
/// each chunk of a plan.
fn write_unfinished(path: &Path, content: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        // Reports get the usual permissions, as the user's umask allows, not the private ones of temporary files.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    Ok(file)
}

fn folder_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError::Folder { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(path: &Path) -> Upload {
        let key = path.display().to_string();
        Upload { bucket: String::new(), key, version: None, sequencer: None, etag: None, size: None, time: None }
    }

    #[test]
    fn stored_files_are_read_and_listed_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path().join("made/when/needed"));
        assert_eq!(store.names("loads/x/").unwrap(), Vec::<String>::new());
        assert_eq!(store.read("loads/x/report.json").unwrap(), None);
        for name in ["loads/x/plan/00001", "loads/x/plan/00000", "loads/x/plan.json", "loads/y/plan.json"] {
            store.keep(name, b"first").unwrap();
            store.keep(name, name.as_bytes()).unwrap();
        }
        fs::write(folder.path().join("made/when/needed/loads/x/.unfinished-abc"), "half").unwrap();
        assert_eq!(store.read("loads/x/plan.json").unwrap().unwrap(), b"loads/x/plan.json");
        let all = ["loads/x/plan.json", "loads/x/plan/00000", "loads/x/plan/00001"];
        assert_eq!(store.names("loads/x/").unwrap(), all);
        assert_eq!(store.names("loads/x/plan/").unwrap(), all[1..]);
        assert!(store.location("loads/x/plan.json").ends_with("made/when/needed/loads/x/plan.json"));
    }

    #[test]
    fn of_several_writers_at_once_exactly_one_keeps_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path());
        let start = std::sync::Barrier::new(8);
        let new: Vec<usize> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8)
                .map(|writer: usize| {
                    let (store, start) = (&store, &start);
                    scope.spawn(move || {
                        start.wait();
                        let content = writer.to_string().repeat(100_000);
                        (store.keep_if_absent("plan.json", content.as_bytes()).unwrap() == Kept::New).then_some(writer)
                    })
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(new.len(), 1);
        assert_eq!(store.read("plan.json").unwrap().unwrap(), new[0].to_string().repeat(100_000).into_bytes());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no unfinished file is left");
    }

    #[test]
    fn an_upload_is_fetched_by_path_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let store = FolderStore::new(folder.path());
        let path = folder.path().join("stock.csv");
        assert!(matches!(store.fetch(&upload(&path), 4), Ok(Fetched::Gone)));
        fs::write(&path, "12345").unwrap();
        assert!(matches!(store.fetch(&upload(&path), 5), Ok(Fetched::File(_, 5))));
        assert!(matches!(store.fetch(&upload(&path), 4), Err(StoreError::TooLarge { bytes: 5, limit: 4 })));
        assert!(matches!(store.fetch(&upload(folder.path()), 4), Err(StoreError::Folder { .. })));
    }
}
