//! Ends loads that never began.

use crate::load::finish::notify::measure;
use jiff::Timestamp;

use crate::ledger::{AnnouncedLoad, Ledger};
use crate::load::error::LoadError;
use crate::load::finish::keep::keep_report_if_absent;
use crate::load::finish::notify::notify_end;
use crate::load::job::RunEnd;
use crate::load::services::Services;
use inventory_base::decision::{FollowUp, FollowUpKind};
use inventory_base::load_id::LoadId;
use inventory_check::plan::Names;
use inventory_check::report::Report;

/// Keeps the report of a load that never began, then ends it in the ledger. If it has begun in the meantime, its own
/// report replaces this one.
pub async fn end_unstarted(
    announced: AnnouncedLoad,
    report: Report,
    ledger: &Ledger,
    services: &Services,
) -> Result<RunEnd, LoadError> {
    keep_report_if_absent(&report, Names(&announced.load), services).await?;
    // These attempts are not counted, so a broken topic must not keep the load from ending.
    let failed_notifications = notify_end(&report, Names(&announced.load), services, false).await?;
    match ledger.drop_load(&announced, report.ending, &report.summary).await? {
        true => {
            measure(&report, services, failed_notifications, None);
            Ok(RunEnd::Ended(Box::new(report)))
        }
        false => Ok(RunEnd::Duplicate),
    }
}

/// The follow-up for the newer version: it replaced this load.
pub fn replaced(load: &LoadId) -> FollowUp {
    FollowUp { what: FollowUpKind::Replaced, load: load.clone(), by: None, at: Timestamp::now() }
}
