//! Events in the failure queue whose fault may pass: the sweep sends them again with growing pauses.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::event::{Request, open};
use crate::ledger::Outage;
use crate::load::error::LoadError;
use crate::load::finish::notify::tell;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::relay::{FailedEvent, FailureQueue, TRANSIENT_FAULT};
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// Events of the failure queue one sweep looks at.
const RESTING_AT_MOST: usize = 200;

/// The field in which an event that was sent again carries its outage.
const DELAYED: &str = "delayed";

/// Sends again the events that came to the failure queue by a fault that may pass, once their pause is over. Events that
/// need a person's decision stay there.
pub async fn retry_failed_events(services: &Services, settings: &Settings) {
    if let Err(error) = try_resting(services, settings).await {
        tracing::warn!(event = "failure_queue_not_swept", error = %error);
    }
}

async fn try_resting(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let Some(failures) = &services.failures else { return Ok(()) };
    if failures.count().await? == 0 {
        return Ok(());
    }
    let (mut seen, mut stays) = (HashSet::new(), Vec::new());
    while seen.len() < RESTING_AT_MOST
        && let Some(resting) = failures.next().await?
    {
        let is_new = seen.insert(resting.id.clone());
        stays.extend(if is_new { retry(resting, failures, services, settings).await? } else { Some(resting) });
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
    resting: FailedEvent,
    failures: &FailureQueue,
    services: &Services,
    settings: &Settings,
) -> Result<Option<FailedEvent>, LoadError> {
    let Some(relay) = &services.relay else { return Ok(Some(resting)) };
    let before: Option<Outage> = resting.event.get(DELAYED).and_then(|json| serde_json::from_value(json.clone()).ok());
    if resting.kind.as_deref() != Some(TRANSIENT_FAULT) || before.as_ref().is_some_and(|before| before.given_up) {
        return Ok(Some(resting));
    }
    let (now, retries) = (Timestamp::now(), &settings.retries);
    let mut outage = Outage::after(before.as_ref(), resting.why.clone(), resting.since, retries);
    let upload = upload_of(&resting.event, services);
    let (load, file) = (upload.as_ref().map(LoadId::of), upload.as_ref().map_or("an upload", Upload::file_name));
    if outage.should_give_up(retries, now) {
        outage.given_up = true;
        if !tell(&outage, load.as_ref(), file, services, settings).await {
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
    if outage.should_notify(retries, now) {
        outage.notified = tell(&outage, load.as_ref(), file, services, settings).await;
    }
    relay.send(&marked(&resting.event, &outage)).await?;
    failures.remove(resting).await?;
    tracing::info!(event = "event_sent_again", load = load.as_ref().map(LoadId::as_str), tries = outage.tries);
    Ok(None)
}

fn upload_of(event: &Json, services: &Services) -> Option<Upload> {
    let requests = open(event, services.uploads.as_ref()?.ours()).into_iter().flat_map(|message| message.requests);
    requests.flatten().find_map(|request| if let Request::Load(upload) = request { Some(upload) } else { None })
}

fn marked(event: &Json, outage: &Outage) -> Json {
    let mut event = event.clone();
    event[DELAYED] = json!(outage);
    event
}

/// As it was before it met any fault.
pub fn unmarked(mut event: Json) -> Json {
    if let Some(parts) = event.as_object_mut() {
        parts.remove(DELAYED);
    }
    event
}
