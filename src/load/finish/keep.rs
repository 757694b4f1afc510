//! Leaves the report of a load that has ended in the store. A run that is killed after this and before the ledger knows leaves all of it again.

use std::path::Path;

use crate::load::error::LoadError;
use crate::load::finish::to_fix::{ToFixTask, leave_rows_to_fix};
use crate::load::services::Services;
use inventory_base::decision::FollowUp;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{LATEST_PAGE, Names};
use inventory_check::report::{Report, page, words};

/// Leaves the report under the load's name, in place of what an earlier run left, and before it what the report names.
/// The one for programs comes last: where there is no ledger, it says that the load is over. The workbook of rows to mend
/// may be begun already; it is made in the folder `scratch`.
pub async fn leave(
    mut report: Report,
    to_fix: Option<ToFixTask>,
    names: Names<'_>,
    services: &Services,
    scratch: &Path,
) -> Result<Report, LoadError> {
    leave_rows_to_fix(&mut report, to_fix, names, services, scratch).await?;
    let store = &services.store;
    let Told { page, words } = Told::of(&report, names, services);
    let (page_name, words_name) = (names.page(), names.words());
    tokio::try_join!(
        store.keep(&page_name, page.clone()),
        store.keep(&words_name, words),
        store.keep(LATEST_PAGE, page),
    )?;
    store.keep(&names.report(), report.encode()?).await?;
    Ok(report)
}

/// Leaves it unless there is one already: of a load that seems never to have begun, and may have.
pub async fn leave_unless_there(report: &Report, names: Names<'_>, services: &Services) -> Result<(), LoadError> {
    let store = &services.store;
    let Told { page, words } = Told::of(report, names, services);
    store.keep_if_absent(&names.page(), page).await?;
    store.keep_if_absent(&names.words(), words).await?;
    store.keep_if_absent(&names.report(), report.encode()?).await?;
    Ok(())
}

/// Notes what happened to a load after its end: in the ledger, and in the report that was left of it. What was decided
/// counts, whether or not it could be noted here.
pub async fn note_later(load: &LoadId, later: FollowUp, services: &Services) {
    if let Err(error) = try_to_note_later(load, later, services).await {
        tracing::warn!(event = "later_not_noted", load = %load, error = %error);
    }
}

async fn try_to_note_later(load: &LoadId, later: FollowUp, services: &Services) -> Result<(), LoadError> {
    if let Some(ledger) = &services.ledger {
        ledger.note_later(load, &later).await?;
    }
    let (store, names) = (&services.store, Names(load));
    let Some(json) = store.read(&names.report()).await? else { return Ok(()) };
    let mut report: Report = serde_json::from_slice(&json)?;
    if report.add_later(later) {
        let Told { page, words } = Told::of(&report, names, services);
        store.keep(&names.page(), page).await?;
        store.keep(&names.words(), words).await?;
        store.keep(&names.report(), report.encode()?).await?;
    }
    Ok(())
}

/// The report as people read it.
struct Told {
    page: Vec<u8>,
    words: Vec<u8>,
}

impl Told {
    fn of(report: &Report, names: Names<'_>, services: &Services) -> Told {
        let title = Some(report.upload.file_name());
        let kept = services.store.location(&names.page());
        Told { page: page(report).into_bytes(), words: words(report, title, Some(&kept)).into_bytes() }
    }
}
