//! Retries loads after transient faults, with growing pauses, for a day at most. People are notified once when the
//! delay becomes long, and once when the load is given up.

use std::time::Duration;

use jiff::Timestamp;

use crate::ledger::Outage;
use crate::load::error::LoadError;
use crate::load::finish::notify::notify_outage;
use crate::load::hold_turn::release_turn;
use crate::load::job::{HeldTurn, Job, RunEnd};
use inventory_base::ending::Ending;
use inventory_base::message::{count, duration, sentence};
use inventory_check::report::Stopped;

/// How many times Lambda itself tries an event, within minutes. After that the sweep retries the load, and the event is
/// acknowledged.
const LAMBDA_TRIES: u32 = 3;

/// How long a run that ends in an error waits for the ledger.
const LEDGER_TIMEOUT: Duration = Duration::from_secs(5);

impl Job<'_> {
    /// Records a transient error, or one that could not be reported, in the ledger, so that the load is retried with
    /// growing pauses. If the ledger cannot be written either, Lambda retries the event and then moves it to the
    /// failure queue.
    pub async fn retry_later(&self, error: LoadError, is_unreported: bool) -> Result<RunEnd, LoadError> {
        let Some(turn) = &self.turn else { return Err(error) };
        if !error.is_outage() && !is_unreported {
            release_turn(turn.ledger, turn.lease).await;
            return Err(error);
        }
        let (now, retries) = (Timestamp::now(), &self.settings.retries);
        let before = turn.record.outage.as_ref().filter(|_| !turn.lease.has_progressed());
        let mut outage = Outage::after(before, sentence(&error), now, retries);
        if outage.should_give_up(retries, now) {
            match self.give_up(&outage).await {
                Ok(end) => return Ok(end),
                Err(worse) => tracing::warn!(event = "giving_up_not_reported", load = %self.load, error = %worse),
            }
        }
        if outage.should_notify(retries, now) {
            let (load, file) = (Some(&self.load), self.upload.file_name());
            outage.notified = notify_outage(&outage, load, file, self.services, self.settings).await;
        }
        if !note(turn, &outage).await || outage.tries < LAMBDA_TRIES {
            return Err(error);
        }
        let until = outage.next;
        tracing::warn!(event = "load_delayed", load = %self.load, tries = outage.tries, until = %until, error = %error);
        Ok(RunEnd::Delayed { until })
    }

    async fn give_up(&self, outage: &Outage) -> Result<RunEnd, LoadError> {
        let (tries, lasted) = (count(outage.tries.into()), outage.lasts(Timestamp::now()));
        let lasted = duration(lasted.as_secs_f64());
        let reason = format!("The load was tried {tries} times in {lasted}. The last time: {}", outage.why);
        let advice = format!("When that is fixed, reload it: inventory redrive {}", self.load);
        tracing::error!(event = "load_given_up", load = %self.load, tries = outage.tries, why = outage.why);
        self.end_early(Ending::Failed, Stopped { reason, advice }, true).await
    }
}

/// Records the outage in the ledger; `false` if that failed.
async fn note(turn: &HeldTurn<'_>, outage: &Outage) -> bool {
    let noted = tokio::time::timeout(LEDGER_TIMEOUT, turn.ledger.note_outage(turn.lease, outage)).await;
    let why = match noted {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_string(),
    };
    tracing::warn!(event = "turn_not_released", load = %turn.lease.load, error = why);
    false
}
