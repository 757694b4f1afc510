//! What the schedule runs: starts loads that should run, retries, and looks for what was missed.

use crate::load::admin::answer::Answer;
use crate::load::admin::expected::notify_if_missing;
use crate::load::admin::failure_queue::retry_failed_events;
use crate::load::admin::unannounced::announce_missed_uploads;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::load::turn::start_next;

/// Starts what should run and does not: a load whose run died, or the first in the queue. Sends again what met a fault that
/// may pass, and looks for uploads that no event told of, and whether a sheet should have come.
pub async fn sweep(services: &Services, settings: &Settings) -> Answer {
    let asked = start_next(services).await;
    retry_failed_events(services, settings).await;
    announce_missed_uploads(services, settings).await;
    notify_if_missing(services, settings).await;
    Answer::Swept { asked }
}
