//! The scheduled sweep: starts loads that should be running, retries, and looks for missed uploads and sheets.

use crate::load::admin::answer::Answer;
use crate::load::admin::expected::notify_if_missing;
use crate::load::admin::failure_queue::retry_failed_events;
use crate::load::admin::unannounced::announce_missed_uploads;
use crate::load::services::Services;
use crate::load::settings::Settings;
use crate::load::turn::start_next;

/// Starts the load that should be running and is not: one whose run died, or the first in the queue. Sends events that
/// met a transient fault again, announces uploads without an event, and notifies people of an overdue sheet.
pub async fn sweep(services: &Services, settings: &Settings) -> Answer {
    let asked = start_next(services).await;
    retry_failed_events(services, settings).await;
    announce_missed_uploads(services, settings).await;
    notify_if_missing(services, settings).await;
    Answer::Swept { asked }
}
