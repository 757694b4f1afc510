//! Writes to a file. All requests that wait while one commit is made are in the next one, so that many requests in flight
//! share the time that the disk takes.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use hyper::body::Bytes;
use redb::Database;
use tokio::sync::oneshot;

use crate::answer::Refusal;
use crate::file::{FileWriter, ITEMS};
use crate::operation::{WriteOperation, text};
use crate::table::Table;

/// The most requests in a commit.
const MOST_JOBS: usize = 256;

type Answer = Result<String, Refusal>;

/// A request that changes items.
struct Job {
    operation: WriteOperation,
    body: Bytes,
    now: Instant,
    reply: oneshot::Sender<Answer>,
}

/// A thread that makes all changes of a file.
#[derive(Debug)]
pub struct Writer {
    /// `None` once the thread is to end.
    jobs: Mutex<Option<Sender<Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(table: Arc<Table>, database: Arc<Database>) -> std::io::Result<Writer> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("local-table-writer".to_string())
            .spawn(move || serve(&table, &database, &waiting))?;
        Ok(Writer { jobs: Mutex::new(Some(jobs)), thread: Some(thread) })
    }

    /// Makes a change, and answers when it is on the disk.
    pub async fn write(&self, operation: WriteOperation, body: Bytes, now: Instant) -> Answer {
        let (reply, answer) = oneshot::channel();
        let sent = match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(Job { operation, body, now, reply }).is_ok(),
            None => false,
        };
        let ended = || Refusal::file_fault("its writer has ended");
        if sent { answer.await.unwrap_or_else(|_| Err(ended())) } else { Err(ended()) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed, and its callers have their answers.
            drop(thread.join());
        }
    }
}

fn serve(table: &Table, database: &Database, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let jobs: Vec<Job> = std::iter::once(first).chain(waiting.try_iter().take(MOST_JOBS - 1)).collect();
        let answers = commit(table, database, &jobs);
        for (n, job) in jobs.into_iter().enumerate() {
            let answer = match &answers {
                Ok(answers) => answers[n].clone(),
                Err(fault) => Err(fault.clone()),
            };
            // The caller may have gone.
            drop(job.reply.send(answer));
        }
    }
}

/// Runs the requests one after another and commits them together. A fault of the file undoes all of them.
fn commit(table: &Table, database: &Database, jobs: &[Job]) -> Result<Vec<Answer>, Refusal> {
    let transaction = database.begin_write().map_err(Refusal::file_fault)?;
    let mut answers = Vec::with_capacity(jobs.len());
    {
        let mut items = FileWriter(transaction.open_table(ITEMS).map_err(Refusal::file_fault)?);
        for Job { operation, body, now, .. } in jobs {
            let answer = text(body).and_then(|body| operation(table, &mut items, body, *now));
            match answer {
                Err(fault) if fault.is_file_fault() => return Err(fault),
                answer => answers.push(answer),
            }
        }
    }
    transaction.commit().map_err(Refusal::file_fault)?;
    Ok(answers)
}
