//! The end of the street: what a load leaves for people when it is over. Every load that ends passes here, whichever way
//! it ended, and may pass twice: a run killed after this and before the ledger knows leaves it all once more.

use std::path::Path;

use super::mending::leave_rows_to_fix;
use super::{LoadError, Places};
use crate::plan::Names;
use crate::report::Report;

/// Leaves the report under the load's name, in place of what an earlier run left, and before it what the report names.
/// Whatever is made on disk meanwhile is made in the folder `scratch`.
pub(super) async fn leave(
    mut report: Report,
    names: Names<'_>,
    places: &Places,
    scratch: &Path,
) -> Result<Report, LoadError> {
    leave_rows_to_fix(&mut report, names, places, scratch).await?;
    places.store.keep(&names.report(), report.encode()?).await?;
    Ok(report)
}

/// Leaves it unless there is one already: of a load that seems never to have begun, and may have.
pub(super) async fn leave_unless_there(report: &Report, names: Names<'_>, places: &Places) -> Result<(), LoadError> {
    places.store.keep_once(&names.report(), report.encode()?).await?;
    Ok(())
}
