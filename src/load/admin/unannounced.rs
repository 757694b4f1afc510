//! Announces uploads that have no load, because the event was lost or was switched off for a while. The sweep looks for
//! them in the bucket.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use crate::ledger::{BucketScan, Ledger};
use crate::load::error::LoadError;
use crate::load::services::{Services, Uploads};
use crate::load::settings::Settings;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;

/// The most pages, of a thousand names each, that one sweep reads.
const PAGES_PER_SWEEP: usize = 10;

/// Sends the events that should have come. Errors are logged, and the next sweep continues.
pub async fn announce_missed_uploads(services: &Services, settings: &Settings) {
    if let Err(error) = scan_uploads(services, settings).await {
        tracing::warn!(event = "uploads_not_scanned", error = %error);
    }
}

async fn scan_uploads(services: &Services, settings: &Settings) -> Result<(), LoadError> {
    let (Some(ledger), Some(uploads)) = (&services.ledger, &services.uploads) else { return Ok(()) };
    let (table, now) = (services.table.name(), Timestamp::now());
    let mut scan = match ledger.bucket_scan(table).await? {
        Some(scan) if scan.next.is_some() => scan,
        Some(scan) if now.duration_since(scan.began) < signed(settings.upload_scan.interval) => return Ok(()),
        _ => BucketScan { began: now, next: None },
    };
    let Some(window) = Window::of(ledger, settings, now).await? else { return Ok(()) };
    for _ in 0..PAGES_PER_SWEEP {
        let page = services.store.latest_versions(&uploads.bucket, &uploads.prefix, scan.next.as_deref()).await?;
        for (upload, at) in page.uploads {
            if window.contains(at) && upload.is_spreadsheet() && upload.version.is_some() {
                announce_if_unknown(upload, ledger, uploads, services).await?;
            }
        }
        scan.next = page.next;
        ledger.note_bucket_scan(table, &scan).await?;
        if scan.next.is_none() {
            break;
        }
    }
    Ok(())
}

/// The times between which an upload must have come to be announced.
struct Window {
    from: Timestamp,
    to: Timestamp,
}

impl Window {
    /// Leaves out the last minutes, whose events may still arrive, and all before the ledger, which does not know
    /// whether that was loaded.
    async fn of(ledger: &Ledger, settings: &Settings, now: Timestamp) -> Result<Option<Window>, LoadError> {
        let before = |ago| now.checked_sub(signed(ago)).unwrap_or(Timestamp::MIN);
        let Some(made) = ledger.created_at().await? else { return Ok(None) };
        Ok(Some(Window {
            from: made.max(before(settings.upload_scan.max_age)),
            to: before(settings.upload_scan.min_age),
        }))
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.from < at && at <= self.to
    }
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Sends the event of an upload that neither the ledger nor the reports bucket knows. A ledger restored from a backup
/// lacks the loads since then, but the reports bucket has them.
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
    relay.send(&event_for(&upload, &uploads.account)).await?;
    tracing::warn!(event = "missed_upload_found", load = %load, uploaded = upload.time);
    Ok(())
}

/// Makes the event that EventBridge would have sent, but without a sequencer, which S3 does not list.
fn event_for(upload: &Upload, account: &str) -> Json {
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
    fn the_event_of_a_found_upload_gives_the_same_load_as_that_of_s3() {
        let upload = Upload {
            bucket: "stock".into(),
            key: "uploads/50%+1 \u{e4}.csv".into(),
            version: Some("v1".into()),
            sequencer: None,
            etag: Some("e".into()),
            size: Some(7),
            time: Some("2026-10-03T08:00:00Z".into()),
        };
        let event = event_for(&upload, "123456789012");
        let requests =
            open(&event, TrustedSource { bucket: "stock", account: "123456789012" }).remove(0).requests.unwrap();
        let [Request::Load(found)] = &requests[..] else { panic!("{requests:?}") };
        assert_eq!((found, LoadId::of(found)), (&upload, LoadId::of(&upload)));
    }

    #[test]
    fn uploads_that_are_too_new_or_too_old_are_outside_the_window() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let window = Window { from: at("2026-10-01T00:00:00Z"), to: at("2026-10-03T08:00:00Z") };
        for (time, is_inside) in [
            ("2026-10-01T00:00:00Z", false),
            ("2026-10-01T00:00:01Z", true),
            ("2026-10-03T08:00:00Z", true),
            ("2026-10-03T08:00:01Z", false),
        ] {
            assert_eq!(window.contains(at(time)), is_inside, "{time}");
        }
    }
}
