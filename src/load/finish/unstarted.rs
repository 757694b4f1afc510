//! Ends loads that never began.

use crate::load::finish::notify::measure;
use jiff::Timestamp;

use crate::ledger::{AnnouncedLoad, Ledger};
use crate::load::error::LoadError;
use crate::load::finish::leave::leave_unless_there;
use crate::load::finish::notify::tell_end;
use crate::load::job::RunEnd;
use crate::load::services::Services;
use inventory_base::decision::{FollowUp, FollowUpKind};
use inventory_base::load_id::LoadId;
use inventory_check::plan::Names;
use inventory_check::report::Report;

/// Leaves the report of a load that never began, then ends it in the ledger. Should it have begun meanwhile, its own
/// report is the one that counts.
pub async fn drop_unbegun(
    announced: AnnouncedLoad,
    report: Report,
    ledger: &Ledger,
    services: &Services,
) -> Result<RunEnd, LoadError> {
    leave_unless_there(&report, Names(&announced.load), services).await?;
    // Nobody counts how often it is dropped, so a topic that is out of order does not keep it from that.
    let untold = tell_end(&report, Names(&announced.load), services, false).await?;
    match ledger.drop_load(&announced, report.ending, &report.summary).await? {
        true => {
            measure(&report, services, untold, None);
            Ok(RunEnd::Ended(Box::new(report)))
        }
        false => Ok(RunEnd::Duplicate),
    }
}

/// Said of a newer version because of which this load ended.
pub fn replaced(load: &LoadId) -> FollowUp {
    FollowUp { what: FollowUpKind::Replaced, load: load.clone(), by: None, at: Timestamp::now() }
}
