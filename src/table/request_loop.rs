//! The loop behind all reading and writing: sends several requests at once and retries them until each item is done.
//!
//! One task runs the loop; its requests may run on any thread. When the task returns or is dropped, none of them is
//! still running.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::outcome::RequestOutcome;
use super::pace::{Permit, WriteTurn};
use super::queue::Queue;
use super::{Table, TableError};

/// An item that DynamoDB will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its index in the given items or changes.
    pub index: usize,
    /// DynamoDB's message.
    pub reason: String,
}

/// Which of the table's capacities is used, and so which ceiling applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    Read,
    Write,
}

/// When requests may be sent: while this turn is held, if any, and until the deadline.
#[derive(Default)]
pub(super) struct Slot<'a> {
    pub turn: Option<WriteTurn<'a>>,
    pub deadline: Option<Instant>,
}

/// The totals of all requests.
pub(super) struct Tally<T> {
    pub units: f64,
    pub requests: u64,
    /// Items sent again because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    /// The indexes of the items that were not done before the deadline, sorted.
    pub left: Vec<usize>,
    pub outputs: Vec<T>,
}

impl Table {
    /// Sends everything in the queue, with at most `most` requests in flight. `send` makes the request of a batch,
    /// which runs on any thread, and `read` interprets its answer. The turn is released as soon as everything has been
    /// sent once. After the deadline nothing more is sent, but the answers of requests in flight are awaited.
    pub(super) async fn run_requests<R, T, F>(
        &self,
        traffic: Traffic,
        slot: Slot<'_>,
        mut queue: Queue<'_>,
        most: u32,
        send: impl Fn(&[usize]) -> Result<F, TableError>,
        read: impl Fn(&[usize], R) -> Result<RequestOutcome<T>, TableError>,
    ) -> Result<Tally<T>, TableError>
    where
        F: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let Slot { mut turn, deadline } = slot;
        let (refused, left, outputs) = (Vec::new(), Vec::new(), Vec::new());
        let mut tally = Tally { units: 0.0, requests: 0, tried_again: 0, refused, left, outputs };
        let pace = match traffic {
            Traffic::Read => &self.reading,
            Traffic::Write => &self.writing,
        };
        let _sender = pace.start_sending();
        let mut next: Option<(Vec<usize>, _)> = None;
        let mut is_past_deadline = false;
        let single = queue.is_one_by_one();
        let mut in_flight = FuturesUnordered::new();
        let mut open = queue.len();
        let mut last = "no answer".to_string();
        loop {
            if next.is_none()
                && !is_past_deadline
                && let Some(batch) = queue.next(pace.most_items(single))
            {
                let permit = pace.admit(batch.len(), most, single);
                next = Some((batch, Box::pin(permit)));
            }
            if next.is_none() {
                // Everything has been sent once. Retries are mixed with what others send.
                drop(turn.take());
                if in_flight.is_empty() {
                    tally.refused.sort_unstable_by_key(|refused| refused.index);
                    tally.left = queue.rest();
                    return Ok(tally);
                }
            }
            let admitted = async {
                match &mut next {
                    Some((_, permit)) => permit.await,
                    None => std::future::pending().await,
                }
            };
            let until_deadline = async {
                match deadline {
                    Some(deadline) if !is_past_deadline => sleep_until(deadline).await,
                    _ => std::future::pending().await,
                }
            };
            let sent = tokio::select! {
                biased;
                Some(sent) = in_flight.next() => sent,
                () = until_deadline => {
                    is_past_deadline = true;
                    if let Some((batch, _)) = next.take() {
                        queue.put_back(batch);
                    }
                    continue;
                }
                permit = admitted => {
                    let Some((batch, _)) = next.take() else { continue };
                    tally.requests += 1;
                    let answer = on_any_thread(send(&batch)?);
                    in_flight.push(async move { Finished { permit, batch, answer: answer.await } });
                    continue;
                }
                () = sleep_until(pace.progress_at() + self.wait) => {
                    if Instant::now() < pace.progress_at() + self.wait {
                        continue;
                    }
                    return Err(self.no_progress(traffic, open, last));
                }
            };
            let Finished { permit, batch, answer } = sent;
            let answer = read(&batch, answer)?;
            if let RequestOutcome::Busy(fault) = &answer {
                last = format!("{}: {}", fault.code, fault.message);
            } else if matches!(&answer, RequestOutcome::Processed { left, .. } if !left.is_empty()) {
                last = "items came back unprocessed".to_string();
            }
            if pace.record(&permit, &answer) {
                tracing::warn!(event = "table_busy", table = self.name, why = last);
            }
            match answer {
                RequestOutcome::Processed { units, left, output, .. } => {
                    tally.units += units;
                    tally.tried_again += left.len() as u64;
                    tally.outputs.push(output);
                    open -= batch.len() - left.len();
                    queue.put_back(left);
                }
                RequestOutcome::Busy(_) => {
                    tally.tried_again += batch.len() as u64;
                    queue.put_back(batch);
                }
                // One bad item makes DynamoDB refuse the whole request: halve it until the item is alone.
                RequestOutcome::Refused(reason) => {
                    if let [index] = batch[..] {
                        open -= 1;
                        tracing::warn!(event = "item_refused", table = self.name, index);
                        tally.refused.push(Refused { index, reason });
                    } else {
                        queue.halve(batch);
                    }
                }
            }
        }
    }

    fn no_progress(&self, traffic: Traffic, left: usize, last: String) -> TableError {
        let (table, waited) = (self.name.clone(), self.wait);
        match traffic {
            Traffic::Read => TableError::NothingRead { table, waited, last },
            Traffic::Write => TableError::NoProgress { table, waited, left, last },
        }
    }
}

struct Finished<'a, R> {
    permit: Permit<'a>,
    batch: Vec<usize>,
    answer: R,
}

/// Runs a future on a task of its own, which is aborted if the caller stops waiting.
async fn on_any_thread<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    let mut alone = JoinSet::new();
    alone.spawn(work);
    match alone.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(ended)) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // The task was cancelled, which happens only when the runtime shuts down.
        _ => std::future::pending().await,
    }
}
