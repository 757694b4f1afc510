//! Sends events with transient faults from the failure queue again, with growing pauses. The sweep runs this.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::event::{Request, open};
use crate::ledger::Outage;
use crate::load::error::LoadError;
use crate::load::finish::notify::notify_outage;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::relay::{FailedEvent, FailureQueue, TRANSIENT_FAULT};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// The most events of the failure queue that one sweep reads.
const MAX_EVENTS_PER_SWEEP: usize = 200;

/// The field of a resent event that holds its outage.
const DELAYED: &str = "delayed";

/// Sends events whose fault was transient again after their pause. Events that an operator has to decide about stay in
/// the queue.
pub async fn retry_failed_events(services: &Services, settings: &Settings) {
    if let Err(error) = retry_events(services, settings).await {
        tracing::warn!(event = "failure_queue_not_swept", error = %error);
    }
}

async fn retry_events(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let Some(failures) = &services.failures else { return Ok(()) };
    if failures.count().await? == 0 {
        return Ok(());
    }
    let (mut seen, mut to_release) = (HashSet::new(), Vec::new());
    while seen.len() < MAX_EVENTS_PER_SWEEP
        && let Some(failed) = failures.next().await?
    {
        let is_new = seen.insert(failed.id.clone());
        to_release.extend(if is_new { retry(failed, failures, services, settings).await? } else { Some(failed) });
        if !is_new {
            break;
        }
    }
    for failed in to_release {
        failures.release(failed).await?;
    }
    Ok(())
}

/// Sends an event again if its pause has ended. Returns it if it stays in the queue.
async fn retry(
    failed: FailedEvent,
    failures: &FailureQueue,
    services: &Services,
    settings: &Settings,
) -> Result<Option<FailedEvent>, LoadError> {
    let Some(relay) = &services.relay else { return Ok(Some(failed)) };
    let before: Option<Outage> = failed.event.get(DELAYED).and_then(|json| serde_json::from_value(json.clone()).ok());
    if failed.kind.as_deref() != Some(TRANSIENT_FAULT) || before.as_ref().is_some_and(|before| before.given_up) {
        return Ok(Some(failed));
    }
    let (now, retries) = (Timestamp::now(), &settings.retries);
    let mut outage = Outage::after(before.as_ref(), failed.why.clone(), failed.since, retries);
    let upload = upload_of(&failed.event, services);
    let (load, file) = (upload.as_ref().map(LoadId::of), upload.as_ref().map_or("an upload", Upload::file_name));
    if outage.should_give_up(retries, now) {
        outage.given_up = true;
        if !notify_outage(&outage, load.as_ref(), file, services, settings).await {
            return Ok(Some(failed));
        }
        tracing::error!(event = "event_given_up", load = load.as_ref().map(LoadId::as_str), tries = outage.tries);
        let event = with_outage(&failed.event, &outage);
        failures.replace(failed, &event).await?;
        return Ok(None);
    }
    if now < outage.next {
        return Ok(Some(failed));
    }
    if outage.should_notify(retries, now) {
        outage.notified = notify_outage(&outage, load.as_ref(), file, services, settings).await;
    }
    relay.send(&with_outage(&failed.event, &outage)).await?;
    failures.remove(failed).await?;
    tracing::info!(event = "event_sent_again", load = load.as_ref().map(LoadId::as_str), tries = outage.tries);
    Ok(None)
}

fn upload_of(event: &Json, services: &Services) -> Option<Upload> {
    let requests = open(event, services.uploads.as_ref()?.ours()).into_iter().flat_map(|message| message.requests);
    requests.flatten().find_map(|request| if let Request::Load(upload) = request { Some(upload) } else { None })
}

fn with_outage(event: &Json, outage: &Outage) -> Json {
    let mut event = event.clone();
    event[DELAYED] = json!(outage);
    event
}

/// Returns the event as it was before its first fault.
pub fn without_outage(mut event: Json) -> Json {
    if let Some(parts) = event.as_object_mut() {
        parts.remove(DELAYED);
    }
    event
}
