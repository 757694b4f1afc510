//! Items in a file, in redb.
//!
//! An own log of changes, with an fsync for each and a rewrite at opening, would need all items in memory, and code of
//! its own for torn writes, checksums, locks and for the rewrite itself. redb has all that in a single crate without
//! dependencies but libc: a commit that was acknowledged survives a kill at any moment, one that was not leaves no trace,
//! readers see the last commit while the next one is made, and a second process is kept out.
//!
//! redb can't open a file whose creation was interrupted. So a new file is made under another name, and gets its own
//! name when it is whole.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata,
    StorageError, Table, TableDefinition,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::answer::Refusal;
use crate::items::{ReadItems, Visit, WriteItems, is_empty};
use crate::table::Identity;
use inventory_base::key_shape::KeyShape;

pub const ITEMS: TableDefinition<&[u8], &str> = TableDefinition::new("items");
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");
const ABOUT_KEY: &str = "about";
/// The version of what the file holds, and of how keys are stored.
const VERSION: u32 = 1;
/// redb's own default is a gigabyte.
const CACHE_BYTES: usize = 64 << 20;

/// What a file says of its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    version: u32,
    pub key: KeyShape,
    #[serde(flatten)]
    pub identity: Identity,
}

/// Why the file of a table could not be opened. Each is a sentence for the user of the command.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("There is no table in {} yet", .0.display())]
    NotThere(PathBuf),
    #[error("Another command is using the table in {}. Wait for it to end, then try again", .0.display())]
    InUse(PathBuf),
    #[error(
        "The file {} is damaged or is not a table ({why}). Nothing was changed. Move it away; the next load makes a new \
         table",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
    #[error("The table in {} is of a newer version of this command. Use that version", .0.display())]
    Newer(PathBuf),
    #[error("The file {} could not be read or written: {error}. Check its permissions and the free space", path.display())]
    Io { path: PathBuf, error: std::io::Error },
}

/// Opens the file of a table; makes it, with this key, if there is none.
pub fn open_or_create(path: &Path, key: &KeyShape) -> Result<(Database, About), OpenError> {
    match open(path) {
        Err(OpenError::NotThere(_)) => create(path, key).and_then(|()| open(path)),
        opened => opened,
    }
}

/// Opens the file of a table, and repairs it if its last use ended in a kill.
pub fn open(path: &Path) -> Result<(Database, About), OpenError> {
    let damaged = |why: String| OpenError::Damaged { path: path.to_path_buf(), why };
    // Without the check, a file that was changed by something else could end the program.
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    let database = builder.open(path).map_err(|error| open_error(path, error))?;
    let read = || -> Result<Option<String>, redb::Error> {
        let transaction = database.begin_read()?;
        let about = transaction.open_table(ABOUT)?.get(ABOUT_KEY)?.map(|about| about.value().to_string());
        transaction.open_table(ITEMS)?;
        Ok(about)
    };
    let text = read().map_err(|error| damaged(error.to_string()))?;
    let text = text.ok_or_else(|| damaged("it does not say what it holds".to_string()))?;
    let about: serde_json::Value = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if about["version"].as_u64().is_some_and(|version| version > VERSION.into()) {
        return Err(OpenError::Newer(path.to_path_buf()));
    }
    let about = serde_json::from_value(about).map_err(|error| damaged(error.to_string()))?;
    Ok((database, about))
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_path_buf();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenError::InUse(path),
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            ErrorKind::NotFound => OpenError::NotThere(path),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => OpenError::Damaged { path, why: error.to_string() },
            _ => OpenError::Io { path, error },
        },
        DatabaseError::UpgradeRequired(_) => OpenError::Newer(path),
        other => OpenError::Damaged { path, why: other.to_string() },
    }
}

/// Makes the file of an empty table. A file that another process has made meanwhile is left alone.
fn create(path: &Path, key: &KeyShape) -> Result<(), OpenError> {
    let io = |error| OpenError::Io { path: path.to_path_buf(), error };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io)?;
    let new = tempfile::Builder::new().prefix(".local-table-").tempfile_in(folder).map_err(io)?;
    let fill = || -> Result<(), redb::Error> {
        let database = Builder::new().create(new.path())?;
        let transaction = database.begin_write()?;
        {
            transaction.open_table(ITEMS)?;
            let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            let identity = Identity { id: format!("{:016x}", fastrand::u64(..)), created };
            let about = About { version: VERSION, key: key.clone(), identity };
            let about = serde_json::to_string(&about).map_err(|error| redb::Error::Io(error.into()))?;
            transaction.open_table(ABOUT)?.insert(ABOUT_KEY, about.as_str())?;
        }
        transaction.commit()?;
        Ok(database.close()?)
    };
    fill().map_err(|error| match error {
        redb::Error::Io(error) => io(error),
        other => io(std::io::Error::other(other)),
    })?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => return Err(io(error.error)),
        _ => {}
    }
    // The new name must survive a power failure as well.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// The items as of the last commit.
pub struct FileReader(ReadOnlyTable<&'static [u8], &'static str>);

impl FileReader {
    pub fn new(database: &Database) -> Result<FileReader, Refusal> {
        let transaction = database.begin_read().map_err(Refusal::file_fault)?;
        transaction.open_table(ITEMS).map(FileReader).map_err(Refusal::file_fault)
    }
}

/// The items within a transaction that is still to be committed.
pub struct FileWriter<'t>(pub Table<'t, &'static [u8], &'static str>);

fn get(items: &impl ReadableTable<&'static [u8], &'static str>, key: &[u8]) -> Result<Option<Box<RawValue>>, Refusal> {
    let item = items.get(key).map_err(Refusal::file_fault)?;
    item.map(|item| serde_json::from_str(item.value()).map_err(Refusal::file_fault)).transpose()
}

fn visit(
    items: &impl ReadableTable<&'static [u8], &'static str>,
    bounds: (Bound<&[u8]>, Bound<&[u8]>),
    visit: &mut Visit<'_>,
) -> Result<(), Refusal> {
    if is_empty(bounds.0, bounds.1) {
        return Ok(());
    }
    for entry in items.range::<&[u8]>(bounds).map_err(Refusal::file_fault)? {
        let (key, item) = entry.map_err(Refusal::file_fault)?;
        let item: &RawValue = serde_json::from_str(item.value()).map_err(Refusal::file_fault)?;
        if visit(key.value(), item)?.is_break() {
            break;
        }
    }
    Ok(())
}

impl ReadItems for FileReader {
    fn get(&self, key: &[u8]) -> Result<Option<Box<RawValue>>, Refusal> {
        get(&self.0, key)
    }

    fn visit(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, visitor: &mut Visit<'_>) -> Result<(), Refusal> {
        visit(&self.0, (from, to), visitor)
    }

    fn count(&self) -> Result<u64, Refusal> {
        self.0.len().map_err(Refusal::file_fault)
    }
}

impl ReadItems for FileWriter<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Box<RawValue>>, Refusal> {
        get(&self.0, key)
    }

    fn visit(&self, from: Bound<&[u8]>, to: Bound<&[u8]>, visitor: &mut Visit<'_>) -> Result<(), Refusal> {
        visit(&self.0, (from, to), visitor)
    }

    fn count(&self) -> Result<u64, Refusal> {
        self.0.len().map_err(Refusal::file_fault)
    }
}

impl WriteItems for FileWriter<'_> {
    fn put(&mut self, key: &[u8], item: &RawValue) -> Result<(), Refusal> {
        self.0.insert(key, item.get()).map(drop).map_err(Refusal::file_fault)
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Refusal> {
        self.0.remove(key).map(drop).map_err(Refusal::file_fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyShape {
        text.parse().unwrap()
    }

    #[test]
    fn a_file_keeps_the_key_and_the_identity_it_was_made_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/stock.redb");
        assert!(matches!(open(&path), Err(OpenError::NotThere(_))));
        let (database, first) = open_or_create(&path, &key("shelf:N,sku")).unwrap();
        assert!(matches!(open(&path), Err(OpenError::InUse(_))), "it is in use");
        drop(database);
        let (_, again) = open_or_create(&path, &key("sku")).unwrap();
        assert_eq!((&first.key, &first), (&key("shelf:N,sku"), &again));
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn two_that_make_the_file_at_once_get_the_same_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.redb");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (path, key) = (&path, key(&format!("key{n}")));
                scope.spawn(move || create(path, &key).unwrap());
            }
        });
        let (_, about) = open(&path).unwrap();
        assert!(about.key.partition.name.starts_with("key"), "{about:?}");
    }

    #[test]
    fn a_file_that_is_not_a_table_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.redb");
        drop(open_or_create(&path, &key("sku")).unwrap());
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[..512].fill(0xA5);
        for content in [&b""[..], b"SKU,Name\n", &vec![0; 100_000], &whole[..1000], &whole[..whole.len() / 2], &changed]
        {
            std::fs::write(&path, content).unwrap();
            let error = open_or_create(&path, &key("sku")).unwrap_err();
            assert!(matches!(error, OpenError::Damaged { .. }), "{} bytes: {error}", content.len());
        }
        assert!(open_or_create(&folder.path().join("stock.redb/below"), &key("sku")).is_err());
    }

    #[test]
    fn changed_bytes_never_end_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.redb");
        let (database, _) = open_or_create(&path, &key("sku")).unwrap();
        let transaction = database.begin_write().unwrap();
        let mut items = FileWriter(transaction.open_table(ITEMS).unwrap());
        for n in 0..500 {
            let item = RawValue::from_string(format!("{{\"sku\":{{\"S\":\"A-{n}\"}}}}")).unwrap();
            items.put(format!("{n:04}").as_bytes(), &item).unwrap();
        }
        drop(items);
        transaction.commit().unwrap();
        drop(database);
        let whole = std::fs::read(&path).unwrap();
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut refused, mut read) = (0, 0);
        for _ in 0..200 {
            let mut content = whole.clone();
            for _ in 0..random.usize(1..20) {
                let at = random.usize(..content.len());
                content[at] = random.u8(..);
            }
            std::fs::write(&path, &content).unwrap();
            match open(&path) {
                Err(_) => refused += 1,
                Ok((database, _)) => {
                    let items = FileReader::new(&database).unwrap();
                    let mut count = 0;
                    let visited = items.visit(Bound::Unbounded, Bound::Unbounded, &mut |_, _| {
                        count += 1;
                        Ok(std::ops::ControlFlow::Continue(()))
                    });
                    assert_eq!((visited, count), (Ok(()), 500));
                    read += 1;
                }
            }
        }
        assert!(refused > 0 && read > 0, "{refused} refused, {read} read");
    }
}
