//! A table that runs inside a program, on a thread of its own, until it is dropped.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Instant;

use redb::Database;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::file::{self, About, OpenError};
use crate::serve::serve;
use crate::service::Service;
use crate::settings::Settings;
use inventory_base::key_shape::KeyShape;

/// A table without limits, on a free port of this machine.
#[derive(Debug)]
pub struct EmbeddedTable {
    address: SocketAddr,
    access_key: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why a table could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("The local table could not be started on this machine: {0}")]
    Io(#[from] std::io::Error),
}

impl EmbeddedTable {
    /// Starts the table `name` with the items of a file, which is made with this key if there is none.
    pub fn in_file(name: &str, key: KeyShape, path: &Path) -> Result<EmbeddedTable, StartError> {
        let opened = file::open_or_create(path, &key)?;
        EmbeddedTable::of_opened(name, opened, path)
    }

    /// Starts the table `name` with the items of a file that must exist.
    pub fn in_existing_file(name: &str, path: &Path) -> Result<EmbeddedTable, StartError> {
        EmbeddedTable::of_opened(name, file::open(path)?, path)
    }

    fn of_opened(name: &str, opened: (Database, About), path: &Path) -> Result<EmbeddedTable, StartError> {
        let settings = Settings::unlimited(name, opened.1.key.clone());
        let settings = Settings { file: Some(path.to_path_buf()), ..settings };
        EmbeddedTable::start(Service::in_file(settings, opened, Instant::now())?)
    }

    /// Starts an empty table whose items are gone with it.
    pub fn in_memory(name: &str, key: KeyShape) -> Result<EmbeddedTable, StartError> {
        let settings = Settings { keep: true, ..Settings::unlimited(name, key) };
        EmbeddedTable::start(Service::new(settings, Instant::now())?)
    }

    fn start(service: Service) -> Result<EmbeddedTable, StartError> {
        let access_key = unguessable();
        let service = Arc::new(service.for_caller(access_key.clone()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (started, is_started) = channel();
        // The caller may be in a runtime, where no other one can be started or dropped.
        let run = move || match listen(listener) {
            Ok((runtime, listener)) => {
                drop(started.send(Ok(())));
                runtime.block_on(async {
                    tokio::select! {
                        // A listener that accepts no more connections: its callers see that nothing answers.
                        _ = serve(listener, service) => {}
                        _ = stopped => {}
                    }
                });
            }
            Err(error) => drop(started.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("local-table".to_string()).spawn(run)?;
        is_started.recv().map_err(std::io::Error::other)??;
        Ok(EmbeddedTable { address, access_key, stop: Some(stop), thread: Some(thread) })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The access key that requests must be signed with, so that other users of this machine get no answer.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }
}

impl Drop for EmbeddedTable {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; requests that it answered are in the file.
            drop(thread.join());
        }
    }
}

fn listen(listener: TcpListener) -> std::io::Result<(Runtime, tokio::net::TcpListener)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let context = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    drop(context);
    Ok((runtime, listener))
}

/// 128 bits that other programs can't guess: the standard library takes the keys of its hashes from the system.
fn unguessable() -> String {
    let bits = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", bits(), bits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn describe(table: &EmbeddedTable, access_key: &str) -> String {
        let mut stream = TcpStream::connect(table.address).unwrap();
        let body = r#"{"TableName":"stock"}"#;
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={access_key}/20260101/x/dynamodb/aws4_request\r\n\
             x-amz-target: DynamoDB_20120810.DescribeTable\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn a_table_answers_its_owner_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stock.redb");
        let table = EmbeddedTable::in_file("stock", "sku".parse().unwrap(), &path).unwrap();
        assert!(describe(&table, table.access_key()).starts_with("HTTP/1.1 200"));
        for stranger in ["", "test", &table.access_key()[1..]] {
            let answer = describe(&table, stranger);
            assert!(answer.contains("UnrecognizedClientException"), "{answer}");
        }
        let address = table.address;
        drop(table);
        assert!(TcpStream::connect(address).is_err());
        assert!(EmbeddedTable::in_existing_file("stock", &path).is_ok(), "the file is free again");
    }
}
