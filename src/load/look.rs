//! Looking without loading: what would become of a file's rows.

use tokio::time::Instant;

use super::{LoadError, Rules, Run, make_spool, read_file, too_large};
use crate::store::{Fetched, Store, StoreError};
use inventory_base::upload::Upload;
use inventory_check::child::{Items, Outcome};
use inventory_check::plan::{PlanError, PlanRow};
use inventory_check::report::{Report, Seconds, Tally};

/// The first half of the street alone: what a load would make of this file. No table, no plan, no cloud. `each` sees
/// every row, with its item where `items` says so.
pub async fn check(
    upload: Upload,
    store: &Store,
    rules: &Rules,
    run: &Run<'_>,
    items: Items,
    each: &mut dyn FnMut(&PlanRow) -> std::io::Result<()>,
) -> Result<Report, LoadError> {
    let clock = Instant::now();
    let mut seconds = Seconds::default();
    let refused = |upload, refusal, mut seconds: Seconds| {
        seconds.total = clock.elapsed().as_secs_f64();
        Ok(Report::refused(None, upload, refusal, seconds))
    };
    let file = match store.fetch(&upload, rules.upload_bytes).await {
        Ok(Fetched::File(file, _)) => file,
        Ok(Fetched::Gone) => return Err(LoadError::FileMissing(upload.key)),
        Err(StoreError::TooLarge { bytes, limit }) => return refused(upload, too_large(bytes, limit), seconds),
        Err(error) => return Err(error.into()),
    };
    let schema = rules.from.read(store).await?;
    let outcome = read_file(file, &upload, &schema, rules, run, items, make_spool(rules)?).await?;
    seconds.read = clock.elapsed().as_secs_f64();
    let reading = match outcome {
        Outcome::Read(reading) => reading,
        Outcome::Refused(refusal) => return refused(upload, refusal, seconds),
    };
    let mut tally = Tally::default();
    for judged in reading.rows().map_err(PlanError::Spool)? {
        let row = PlanRow::from(judged.map_err(PlanError::Spool)?);
        each(&row).map_err(PlanError::Spool)?;
        tally.add_row(row);
    }
    seconds.total = clock.elapsed().as_secs_f64();
    Ok(Report::of_check(upload, reading.file, tally, seconds))
}
