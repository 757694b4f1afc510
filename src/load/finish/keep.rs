//! Keeps the report of a load that has ended in the store. If a run is killed after this and before it writes the
//! ledger, the next run keeps all of it again.

use std::path::Path;

use crate::load::error::LoadError;
use crate::load::finish::to_fix::{ToFixTask, keep_rows_to_fix};
use crate::load::services::Services;
use inventory_base::decision::FollowUp;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{LATEST_PAGE, Names};
use inventory_check::report::{Report, latest_page, page, words};

/// Keeps the report under the load's name, in place of an earlier run's, after the files that it refers to.
/// `report.json` comes last: without a ledger it shows that the load has ended. The workbook of rows to fix may be in
/// the making already; it is written in the folder `scratch`.
pub async fn keep_report(
    mut report: Report,
    to_fix: Option<ToFixTask>,
    names: Names<'_>,
    services: &Services,
    scratch: &Path,
) -> Result<Report, LoadError> {
    keep_rows_to_fix(&mut report, to_fix, names, services, scratch).await?;
    let store = &services.store;
    let Rendered { page, words } = Rendered::of(&report, names, services);
    let (page_name, words_name) = (names.page(), names.words());
    tokio::try_join!(
        store.keep(&page_name, page),
        store.keep(&words_name, words),
        store.keep(LATEST_PAGE, latest_page(&report).into_bytes()),
    )?;
    store.keep(&names.report(), report.encode()?).await?;
    Ok(report)
}

/// Keeps the report unless there is one already: the load seems never to have begun, but another run may have begun it.
pub async fn keep_report_if_absent(report: &Report, names: Names<'_>, services: &Services) -> Result<(), LoadError> {
    let store = &services.store;
    let Rendered { page, words } = Rendered::of(report, names, services);
    store.keep_if_absent(&names.page(), page).await?;
    store.keep_if_absent(&names.words(), words).await?;
    store.keep_if_absent(&names.report(), report.encode()?).await?;
    Ok(())
}

/// Records what happened to a load after its end, in the ledger and in its report. A failure is only logged: the
/// decision is valid without this record.
pub async fn note_follow_up(load: &LoadId, later: FollowUp, services: &Services) {
    if let Err(error) = try_to_note_follow_up(load, later, services).await {
        tracing::warn!(event = "follow_up_not_noted", load = %load, error = %error);
    }
}

async fn try_to_note_follow_up(load: &LoadId, later: FollowUp, services: &Services) -> Result<(), LoadError> {
    if let Some(ledger) = &services.ledger {
        ledger.note_later(load, &later).await?;
    }
    let (store, names) = (&services.store, Names(load));
    let Some(json) = store.read(&names.report()).await? else { return Ok(()) };
    let mut report: Report = serde_json::from_slice(&json)?;
    if report.add_later(later) {
        let Rendered { page, words } = Rendered::of(&report, names, services);
        store.keep(&names.page(), page).await?;
        store.keep(&names.words(), words).await?;
        store.keep(&names.report(), report.encode()?).await?;
    }
    Ok(())
}

/// The report in the forms that people read: a page and a text.
struct Rendered {
    page: Vec<u8>,
    words: Vec<u8>,
}

impl Rendered {
    fn of(report: &Report, names: Names<'_>, services: &Services) -> Rendered {
        let title = Some(report.upload.file_name());
        let kept = services.store.location(&names.page());
        Rendered { page: page(report).into_bytes(), words: words(report, title, Some(&kept)).into_bytes() }
    }
}
