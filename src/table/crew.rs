//! The loop behind all reading and writing: several requests at once, tried again until each item is settled.
//!
//! One task does it all. When it is dropped or returns, no request of its own is left.

use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::meter::Meter;
use super::queue::{Pace, Queue};
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

/// What all requests came to.
pub(super) struct Tally<T> {
    pub units: f64,
    pub requests: u64,
    /// Items sent again because the table was busy or did not answer.
    pub tried_again: u64,
    pub refused: Vec<Refused>,
    pub gave: Vec<T>,
}

impl Table {
    /// Sends all that is in the queue, with at most so many requests at once.
    pub(super) async fn settle<T, F: Future<Output = Result<Answer<T>, TableError>>>(
        &self,
        traffic: Traffic,
        mut queue: Queue<'_>,
        most: usize,
        send: impl Fn(Vec<usize>) -> F,
    ) -> Result<Tally<T>, TableError> {
        let mut tally = Tally { units: 0.0, requests: 0, tried_again: 0, refused: Vec::new(), gave: Vec::new() };
        let meter = match traffic {
            Traffic::Read => self.read_meter.as_deref(),
            Traffic::Write => self.write_meter.as_deref(),
        };
        let mut pace = Pace::new(most);
        let mut in_flight = FuturesUnordered::new();
        let mut open = queue.len();
        let mut progress_at = Instant::now();
        let mut last = "no answer".to_string();
        loop {
            let mut resume = pace.resume;
            while in_flight.len() < pace.width && Instant::now() >= pace.resume && !queue.is_empty() {
                let expected = match meter.map_or(Ok(0.0), Meter::admit) {
                    Ok(expected) => expected,
                    Err(later) => {
                        resume = later;
                        // That nothing happens before then is no fault of the table's.
                        if in_flight.is_empty() {
                            progress_at = later;
                        }
                        break;
                    }
                };
                let Some(batch) = queue.next() else { break };
                tally.requests += 1;
                let (round, answer) = (pace.round, send(batch.clone()));
                in_flight.push(async move { Sent { batch, round, expected, answer: answer.await } });
            }
            if in_flight.is_empty() && queue.is_empty() {
                tally.refused.sort_unstable_by_key(|refused| refused.index);
                return Ok(tally);
            }
            let may_send = !queue.is_empty() && in_flight.len() < pace.width;
            let Sent { batch, round, expected, answer } = tokio::select! {
                biased;
                Some(sent) = in_flight.next() => sent,
                () = sleep_until(resume), if may_send => continue,
                () = sleep_until(progress_at + self.wait) => {
                    return Err(self.no_progress(traffic, open, last));
                }
            };
            let answer = answer?;
            if let Some(meter) = meter {
                meter.settle(expected, answer.units());
            }
            match answer {
                Answer::Taken { units, accepted, left, gave } => {
                    tally.units += units;
                    tally.tried_again += left.len() as u64;
                    tally.gave.push(gave);
                    open -= batch.len() - left.len();
                    if accepted > 0 {
                        progress_at = Instant::now();
                    }
                    if left.is_empty() {
                        pace.faster();
                    } else {
                        last = "items came back unprocessed".to_string();
                        pace.slower(round, accepted > 0, &self.name, &last);
                        queue.put_back(left);
                    }
                }
                Answer::Busy(fault) => {
                    tally.tried_again += batch.len() as u64;
                    last = format!("{}: {}", fault.code, fault.message);
                    pace.slower(round, false, &self.name, &fault.code);
                    queue.put_back(batch);
                }
                // One item spoils its whole request: halve until it stands alone.
                Answer::Refused(reason) => {
                    progress_at = Instant::now();
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

/// A request's own settings. The loop above tries again, knows the time left, and slows everyone down: not twice over.
pub(super) fn once() -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled())
}

struct Sent<T> {
    batch: Vec<usize>,
    round: u64,
    /// Units that the meter reckons with.
    expected: f64,
    answer: Result<Answer<T>, TableError>,
}

impl<T> Answer<T> {
    /// What it consumed, as far as DynamoDB says.
    fn units(&self) -> f64 {
        match self {
            Answer::Taken { units, .. } => *units,
            Answer::Busy(_) | Answer::Refused(_) => 0.0,
        }
    }
}
