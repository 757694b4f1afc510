//! A table with its items: answers one request after another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hyper::body::Bytes;
use redb::Database;

use crate::answer::Refusal;
use crate::file::{self, About, FileReader, OpenError};
use crate::items::{Memory, Nowhere};
use crate::operation::{Operation, text};
use crate::settings::Settings;
use crate::table::Table;
use crate::writer::Writer;

#[derive(Debug)]
pub struct Service {
    pub table: Arc<Table>,
    items: Items,
    /// The only caller that is answered; `None` for anyone.
    access_key: Option<String>,
}

#[derive(Debug)]
enum Items {
    Nowhere,
    Memory(Mutex<Memory>),
    File { writer: Writer, database: Arc<Database> },
}

impl Service {
    /// A table that keeps its items where the settings say. One in a file has the key that the file was made with.
    pub fn new(settings: Settings, now: Instant) -> Result<Service, OpenError> {
        let Some(path) = &settings.file else {
            let items = if settings.keep { Items::Memory(Mutex::default()) } else { Items::Nowhere };
            return Ok(Service { table: Arc::new(Table::new(settings, None, now)), items, access_key: None });
        };
        let opened = file::open_or_create(path, &settings.key)?;
        Service::in_file(settings, opened, now)
    }

    /// A table whose file is open.
    pub fn in_file(
        settings: Settings,
        (database, about): (Database, About),
        now: Instant,
    ) -> Result<Service, OpenError> {
        let database = Arc::new(database);
        let table = Arc::new(Table::new(Settings { key: about.key, ..settings }, Some(about.identity), now));
        let writer = Writer::start(Arc::clone(&table), Arc::clone(&database));
        let path = || table.settings.file.clone().unwrap_or_default();
        let writer = writer.map_err(|error| OpenError::Io { path: path(), error })?;
        Ok(Service { table, items: Items::File { writer, database }, access_key: None })
    }

    /// Answers only requests that are signed with this access key. The signature itself is not checked.
    pub fn for_caller(self, access_key: String) -> Service {
        Service { access_key: Some(access_key), ..self }
    }

    pub fn check_caller(&self, authorization: &str) -> Result<(), Refusal> {
        let Some(expected) = &self.access_key else { return Ok(()) };
        let credential = authorization.split_once("Credential=").map(|(_, credential)| credential);
        match credential.and_then(|credential| credential.split_once('/')) {
            Some((access_key, _)) if access_key == expected => Ok(()),
            _ => Err(Refusal::unknown_caller()),
        }
    }

    pub async fn run(&self, operation: Operation, body: Bytes, now: Instant) -> Result<String, Refusal> {
        let table = &self.table;
        match (&self.items, operation) {
            (Items::Nowhere, Operation::Read(read)) => read(table, &Nowhere, text(&body)?, now),
            (Items::Nowhere, Operation::Write(write)) => write(table, &mut Nowhere, text(&body)?, now),
            (Items::Memory(items), Operation::Read(read)) => read(table, &*lock(items), text(&body)?, now),
            (Items::Memory(items), Operation::Write(write)) => write(table, &mut *lock(items), text(&body)?, now),
            (Items::File { database, .. }, Operation::Read(read)) => {
                read(table, &FileReader::new(database)?, text(&body)?, now)
            }
            (Items::File { writer, .. }, Operation::Write(write)) => writer.write(write, body, now).await,
        }
    }

    /// Restores the initial state, unless items are in a file.
    pub fn reset(&self, now: Instant) -> bool {
        match &self.items {
            Items::File { .. } => return false,
            Items::Memory(items) => *lock(items) = Memory::default(),
            Items::Nowhere => {}
        }
        self.table.reset(now);
        true
    }
}

fn lock(items: &Mutex<Memory>) -> std::sync::MutexGuard<'_, Memory> {
    items.lock().unwrap_or_else(PoisonError::into_inner)
}
