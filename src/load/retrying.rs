//! Loads and events that met a fault which may pass: tried again with growing pauses, for a day at most. A person is told
//! once when it starts to take long, and once when it is given up.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::journey::{Journey, MyTurn};
use super::turn::leave_turn;
use super::{LoadError, Places, Rules, RunEnd};
use crate::event::{LoadId, Request, Upload, open};
use crate::ledger::Outage;
use crate::message::{count, duration, sentence};
use crate::notify::Delayed;
use crate::relay::{FailureQueue, PASSING, Resting};
use crate::report::{Ending, Stopped};

/// Lambda itself tries an event so often, within minutes. After that the sweep does, and the event is done.
const TRIES_OF_LAMBDA: u32 = 3;
/// Events of the failure queue that one sweep looks at.
const RESTING_AT_MOST: usize = 200;
/// How long a run that ends in an error waits for the ledger.
const PATIENCE: Duration = Duration::from_secs(5);
/// Under this name an event that was sent again carries its outage.
const DELAYED: &str = "delayed";

impl Journey<'_> {
    /// After an error that may pass, or one that could not be told: notes it in the ledger, so that the load is tried again
    /// and again. Where the ledger cannot be told either, Lambda tries the event again, and then the failure queue has it.
    pub(super) async fn try_later(&self, error: LoadError, is_untold: bool) -> Result<RunEnd, LoadError> {
        let Some(turn) = &self.turn else { return Err(error) };
        if !error.is_outage() && !is_untold {
            leave_turn(turn.ledger, turn.lease).await;
            return Err(error);
        }
        let (now, retries) = (Timestamp::now(), &self.rules.retries);
        let before = turn.record.outage.as_ref().filter(|_| !turn.lease.has_progressed());
        let mut outage = Outage::after(before, sentence(&error), now, retries);
        if outage.is_hopeless(retries, now) {
            match self.give_up(&outage).await {
                Ok(end) => return Ok(end),
                Err(worse) => tracing::warn!(event = "giving_up_not_told", load = %self.load, error = %worse),
            }
        }
        if outage.is_news(retries, now) {
            let (load, file) = (Some(&self.load), self.upload.file_name());
            outage.told = tell(&outage, load, file, self.places, self.rules).await;
        }
        if !note(turn, &outage).await || outage.tries < TRIES_OF_LAMBDA {
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

/// False where the ledger could not be told.
async fn note(turn: &MyTurn<'_>, outage: &Outage) -> bool {
    let noted = tokio::time::timeout(PATIENCE, turn.ledger.note_outage(turn.lease, outage)).await;
    let why = match noted {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_string(),
    };
    tracing::warn!(event = "turn_not_left", load = %turn.lease.load, error = why);
    false
}

/// Whether a person was told, or there is nobody to be told.
async fn tell(outage: &Outage, load: Option<&LoadId>, file: &str, places: &Places, rules: &Rules) -> bool {
    let Some(notifier) = &places.notify else { return true };
    let table = places.table.name();
    let gives_up = outage.since.checked_add(rules.retries.give_up).unwrap_or(Timestamp::MAX);
    let faults = notifier.tell_delayed(&Delayed { table, load, file, outage, gives_up }).await;
    if faults.is_empty() {
        tracing::info!(event = "delay_told", load = load.map(LoadId::as_str), given_up = outage.given_up);
    }
    for fault in &faults {
        tracing::warn!(event = "people_not_told", load = load.map(LoadId::as_str), error = %fault);
    }
    // Whoever was told in one way is not told again and again for the sake of the other.
    faults.len() < notifier.ways().max(1)
}

/// Sends again what rests in the failure queue after a fault that may pass, once its pause is over. What nobody but a person
/// can mend stays there.
pub(super) async fn retry_resting(places: &Places, rules: &Rules) {
    if let Err(error) = try_resting(places, rules).await {
        tracing::warn!(event = "failure_queue_not_swept", error = %error);
    }
}

async fn try_resting(places: &Places, rules: &Rules) -> Result<(), LoadError> {
    let Some(failures) = &places.failures else { return Ok(()) };
    if failures.count().await? == 0 {
        return Ok(());
    }
    let (mut seen, mut stays) = (HashSet::new(), Vec::new());
    while seen.len() < RESTING_AT_MOST
        && let Some(resting) = failures.next().await?
    {
        let is_new = seen.insert(resting.id.clone());
        stays.extend(if is_new { retry(resting, failures, places, rules).await? } else { Some(resting) });
        if !is_new {
            break;
        }
    }
    for resting in stays {
        failures.release(resting).await?;
    }
    Ok(())
}

/// What stays in the queue comes back.
async fn retry(
    resting: Resting,
    failures: &FailureQueue,
    places: &Places,
    rules: &Rules,
) -> Result<Option<Resting>, LoadError> {
    let Some(relay) = &places.relay else { return Ok(Some(resting)) };
    let before: Option<Outage> = resting.event.get(DELAYED).and_then(|json| serde_json::from_value(json.clone()).ok());
    if resting.kind.as_deref() != Some(PASSING) || before.as_ref().is_some_and(|before| before.given_up) {
        return Ok(Some(resting));
    }
    let (now, retries) = (Timestamp::now(), &rules.retries);
    let mut outage = Outage::after(before.as_ref(), resting.why.clone(), resting.since, retries);
    let upload = upload_of(&resting.event, places);
    let (load, file) = (upload.as_ref().map(LoadId::of), upload.as_ref().map_or("an upload", Upload::file_name));
    if outage.is_hopeless(retries, now) {
        outage.given_up = true;
        if !tell(&outage, load.as_ref(), file, places, rules).await {
            return Ok(Some(resting));
        }
        tracing::error!(event = "event_given_up", load = load.as_ref().map(LoadId::as_str), tries = outage.tries);
        let event = marked(&resting.event, &outage);
        failures.replace(resting, &event).await?;
        return Ok(None);
    }
    if now < outage.next {
        return Ok(Some(resting));
    }
    if outage.is_news(retries, now) {
        outage.told = tell(&outage, load.as_ref(), file, places, rules).await;
    }
    relay.send(&marked(&resting.event, &outage)).await?;
    failures.remove(resting).await?;
    tracing::info!(event = "event_sent_again", load = load.as_ref().map(LoadId::as_str), tries = outage.tries);
    Ok(None)
}

fn upload_of(event: &Json, places: &Places) -> Option<Upload> {
    let requests = open(event, places.uploads.as_ref()?.ours()).into_iter().flat_map(|message| message.requests);
    requests.flatten().find_map(|request| if let Request::Load(upload) = request { Some(upload) } else { None })
}

fn marked(event: &Json, outage: &Outage) -> Json {
    let mut event = event.clone();
    event[DELAYED] = json!(outage);
    event
}

/// As it was before it met any fault.
pub(super) fn unmarked(mut event: Json) -> Json {
    if let Some(parts) = event.as_object_mut() {
        parts.remove(DELAYED);
    }
    event
}
