//! Uploads that no load knows: the event was lost, or was switched off for a while. The sweep looks for them in the bucket.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::ledger::{BucketScan, Ledger};
use crate::load::error::LoadError;
use crate::load::services::{Services, Uploads};
use crate::load::settings::Settings;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// Pages of a thousand names that one sweep looks at.
const PAGES_A_SWEEP: usize = 10;

/// Sends the events that should have come. What stands in the way is logged, and the next sweep goes on.
pub async fn announce_missed_uploads(services: &Services, settings: &Settings) {
    if let Err(error) = look(services, settings).await {
        tracing::warn!(event = "uploads_not_looked_through", error = %error);
    }
}

async fn look(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let (Some(ledger), Some(uploads)) = (&services.ledger, &services.uploads) else { return Ok(()) };
    let (table, now) = (services.table.name(), Timestamp::now());
    let mut watch = match ledger.bucket_scan(table).await? {
        Some(watch) if watch.next.is_some() => watch,
        Some(watch) if now.duration_since(watch.began) < signed(settings.look.every) => return Ok(()),
        _ => BucketScan { began: now, next: None },
    };
    let Some(window) = Window::of(ledger, settings, now).await? else { return Ok(()) };
    for _ in 0..PAGES_A_SWEEP {
        let page = services.store.latest_versions(&uploads.bucket, &uploads.prefix, watch.next.as_deref()).await?;
        for (upload, at) in page.uploads {
            if window.holds(at) && upload.is_spreadsheet() && upload.version.is_some() {
                announce_if_unknown(upload, ledger, uploads, services).await?;
            }
        }
        watch.next = page.next;
        ledger.note_bucket_scan(table, &watch).await?;
        if watch.next.is_none() {
            break;
        }
    }
    Ok(())
}

/// From when to when an upload must have come that is looked at.
struct Window {
    from: Timestamp,
    to: Timestamp,
}

impl Window {
    /// Neither of the last minutes, whose event may still be under way, nor what came before the ledger: of that nobody
    /// knows whether it was loaded.
    async fn of(ledger: &Ledger, settings: &Settings, now: Timestamp) -> Result<Option<Window>, LoadError> {
        let before = |ago| now.checked_sub(signed(ago)).unwrap_or(Timestamp::MIN);
        let Some(made) = ledger.created_at().await? else { return Ok(None) };
        Ok(Some(Window { from: made.max(before(settings.look.within)), to: before(settings.look.after) }))
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.from < at && at <= self.to
    }
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Neither the ledger nor the reports bucket knows it: a ledger that was restored has forgotten what was loaded since, and
/// the reports bucket has not.
async fn announce_if_unknown(
    upload: Upload,
    ledger: &Ledger,
    uploads: &Uploads,
    services: &Services,
) -> Result<(), LoadError> {
    let Some(relay) = &services.relay else { return Ok(()) };
    let load = LoadId::of(&upload);
    if ledger.read(&load).await?.is_some() || !services.store.names(&format!("loads/{load}/")).await?.is_empty() {
        return Ok(());
    }
    relay.send(&event_of(&upload, &uploads.account)).await?;
    tracing::warn!(event = "forgotten_upload_found", load = %load, uploaded = upload.time);
    Ok(())
}

/// As EventBridge would have told of it. S3's order of the versions is not listed, so it has none.
fn event_of(upload: &Upload, account: &str) -> Json {
    let object = json!({
        "key": upload.key, "version-id": upload.version, "etag": upload.etag, "size": upload.size,
    });
    json!({
        "source": "aws.s3", "detail-type": "Object Created", "account": account, "time": upload.time,
        "detail": { "bucket": { "name": upload.bucket }, "object": object, "reason": "found" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Request, TrustedSource, open};

    #[test]
    fn an_upload_that_was_found_is_the_one_that_its_event_would_have_told_of() {
        let upload = Upload {
            bucket: "stock".into(),
            key: "uploads/50%+1 \u{e4}.csv".into(),
            version: Some("v1".into()),
            sequencer: None,
            etag: Some("e".into()),
            size: Some(7),
            time: Some("2026-10-03T08:00:00Z".into()),
        };
        let event = event_of(&upload, "123456789012");
        let requests =
            open(&event, TrustedSource { bucket: "stock", account: "123456789012" }).remove(0).requests.unwrap();
        let [Request::Load(told)] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!((told, LoadId::of(told)), (&upload, LoadId::of(&upload)));
    }

    #[test]
    fn what_is_too_new_too_old_or_older_than_the_ledger_is_not_looked_at() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = Window { from: at("2026-10-01T00:00:00Z"), to: at("2026-10-03T08:00:00Z") };
        for (time, is_held) in [
            ("2026-10-01T00:00:00Z", false),
            ("2026-10-01T00:00:01Z", true),
            ("2026-10-03T08:00:00Z", true),
            ("2026-10-03T08:00:01Z", false),
        ] {
            assert_eq!(window.holds(at(time)), is_held, "{time}");
        }
    }
}
