//! The loop behind all reading and writing: several requests at once, tried again until each item is settled.
//!
//! One task settles it all, while its requests are made and read on any thread. When it is dropped or returns, none of
//! them is left.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::pace::{Pass, Turn};
use super::queue::Queue;
use super::{Table, TableError};
use crate::clients::CloudFault;

/// An item that DynamoDB will never take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands among the items or changes that were given.
    pub index: usize,
    /// In DynamoDB's words.
    pub reason: String,
}

/// Which of the table's capacities is used, and so which ceiling counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    Read,
    Write,
}

/// What became of one request.
pub(super) enum Answer<T> {
    /// `left` came back unprocessed; `gave` is what there is to keep.
    Taken {
        units: f64,
        accepted: usize,
        left: Vec<usize>,
        gave: T,
    },
    Busy(CloudFault),
    Refused(String),
}

/// When requests may be sent: in this turn, if there are turns, and up to this moment.
#[derive(Default)]
pub(super) struct Slot<'a> {
    pub turn: Option<Turn<'a>>,
    pub leave_off: Option<Instant>,
}

/// What all requests came to.
pub(super) struct Tally<T> {
    pub units: f64,
    pub requests: u64,
    /// Items sent again because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    /// Items that are not settled, because it was time to leave off; in order.
    pub left: Vec<usize>,
    pub gave: Vec<T>,
}

impl Table {
    /// Sends all that is in the queue, up to `most` requests at once: what `send` makes of a batch goes on its way on
    /// any thread, and `read` says what the answer means. The turn is given back as soon as all is sent once. At the end of
    /// the slot nothing more is sent; what is on its way is answered.
    pub(super) async fn settle<R, T, F>(
        &self,
        traffic: Traffic,
        slot: Slot<'_>,
        mut queue: Queue<'_>,
        most: u32,
        send: impl Fn(&[usize]) -> Result<F, TableError>,
        read: impl Fn(&[usize], R) -> Result<Answer<T>, TableError>,
    ) -> Result<Tally<T>, TableError>
    where
        F: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let Slot { mut turn, leave_off } = slot;
        let (refused, left, gave) = (Vec::new(), Vec::new(), Vec::new());
        let mut tally = Tally { units: 0.0, requests: 0, tried_again: 0, refused, left, gave };
        let pace = match traffic {
            Traffic::Read => &self.reading,
            Traffic::Write => &self.writing,
        };
        let _sender = pace.begin();
        let mut next: Option<(Vec<usize>, _)> = None;
        let mut is_late = false;
        let single = queue.is_of_singles();
        let mut in_flight = FuturesUnordered::new();
        let mut open = queue.len();
        let mut last = "no answer".to_string();
        loop {
            if next.is_none()
                && !is_late
                && let Some(batch) = queue.next(pace.most_items(single))
            {
                let pass = pace.admit(batch.len(), most, single);
                next = Some((batch, Box::pin(pass)));
            }
            if next.is_none() {
                // All is sent once. What comes back goes between what others send.
                drop(turn.take());
                if in_flight.is_empty() {
                    tally.refused.sort_unstable_by_key(|refused| refused.index);
                    tally.left = queue.rest();
                    return Ok(tally);
                }
            }
            let admitted = async {
                match &mut next {
                    Some((_, pass)) => pass.await,
                    None => std::future::pending().await,
                }
            };
            let time_to_leave_off = async {
                match leave_off {
                    Some(leave_off) if !is_late => sleep_until(leave_off).await,
                    _ => std::future::pending().await,
                }
            };
            let sent = tokio::select! {
                biased;
                Some(sent) = in_flight.next() => sent,
                () = time_to_leave_off => {
                    is_late = true;
                    if let Some((batch, _)) = next.take() {
                        queue.put_back(batch);
                    }
                    continue;
                }
                pass = admitted => {
                    let Some((batch, _)) = next.take() else { continue };
                    tally.requests += 1;
                    let answer = on_any_thread(send(&batch)?);
                    in_flight.push(async move { Sent { pass, batch, answer: answer.await } });
                    continue;
                }
                () = sleep_until(pace.progress_at() + self.wait) => {
                    if Instant::now() < pace.progress_at() + self.wait {
                        continue;
                    }
                    return Err(self.no_progress(traffic, open, last));
                }
            };
            let Sent { pass, batch, answer } = sent;
            let answer = read(&batch, answer)?;
            if let Answer::Busy(fault) = &answer {
                last = format!("{}: {}", fault.code, fault.message);
            } else if matches!(&answer, Answer::Taken { left, .. } if !left.is_empty()) {
                last = "items came back unprocessed".to_string();
            }
            if pace.settle(&pass, &answer) {
                tracing::warn!(event = "table_busy", table = self.name, why = last);
            }
            match answer {
                Answer::Taken { units, left, gave, .. } => {
                    tally.units += units;
                    tally.tried_again += left.len() as u64;
                    tally.gave.push(gave);
                    open -= batch.len() - left.len();
                    queue.put_back(left);
                }
                Answer::Busy(_) => {
                    tally.tried_again += batch.len() as u64;
                    queue.put_back(batch);
                }
                // One item spoils its whole request: halve until it stands alone.
                Answer::Refused(reason) => {
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

    /// What an error means for a request that only asks: to try again, or the end.
    pub(super) fn busy<T, E>(
        &self,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<Answer<T>, TableError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match CloudFault::new(operation, &self.place(), error) {
            fault if fault.passing => Ok(Answer::Busy(fault)),
            fault => Err(fault.into()),
        }
    }

    /// What an error means for a request that changes items: one of them may be at fault.
    pub(super) fn refused_or_busy<T, E>(
        &self,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Result<Answer<T>, TableError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            // The second is what one item does that makes its partition too large for a local index.
            Some("ValidationException" | "ItemCollectionSizeLimitExceededException") => {
                Ok(Answer::Refused(CloudFault::new(operation, &self.place(), error).message))
            }
            _ => self.busy(operation, error),
        }
    }
}

struct Sent<'a, R> {
    pass: Pass<'a>,
    batch: Vec<usize>,
    answer: R,
}

/// Does something beside this task, and no longer than somebody waits for it.
async fn on_any_thread<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    let mut alone = JoinSet::new();
    alone.spawn(work);
    match alone.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(ended)) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        // Nobody else ends it, but for a runtime that is shutting down, and this task with it.
        _ => std::future::pending().await,
    }
}
