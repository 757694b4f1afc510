//! Looking without loading: what would become of a file's rows, and what became of a load's.

use tokio::time::Instant;

use super::{LoadError, Rules, Run, make_spool, read_file, too_large};
use crate::child::{Items, Outcome};
use crate::event::{LoadId, Upload};
use crate::plan::{self, ChunkOutcome, Fate, Index, Names, PlanError, PlanRow};
use crate::report::{Report, Seconds, Tally};
use crate::store::{Fetched, Store, StoreError};

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

/// Every row of a finished load with its fate as it turned out, from the plan and the outcomes.
pub async fn visit_rows(
    load: &LoadId,
    store: &Store,
    each: &mut dyn FnMut(&PlanRow) -> std::io::Result<()>,
) -> Result<(), LoadError> {
    let names = Names(load);
    let missing = |part: &str| LoadError::PlanIncomplete { load: load.clone(), part: part.to_string() };
    // Refused and removed files have no plan, and no rows.
    let Some(json) = store.read(&names.index()).await? else {
        return Ok(());
    };
    let plan = Index::decode(&json)?;
    let written = !plan.dry_run && plan.held.is_empty();
    let mut chunks: Vec<_> = plan.in_writing_order().enumerate().collect();
    // Their names are in the order of the rows.
    chunks.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    for (place, entry) in chunks.into_iter().filter(|(_, entry)| entry.counts.total() > 0) {
        let packed = store.read(&names.chunk(entry)).await?.ok_or_else(|| missing(&entry.name))?;
        let kept = if written { store.read(&names.outcome(place)).await? } else { None };
        let left_out = written && kept.is_none();
        let outcome = kept.map_or_else(|| Ok(ChunkOutcome::default()), |json| serde_json::from_slice(&json))?;
        for row in plan::decode::<PlanRow>(&entry.name, &packed)? {
            let mut row = row.turned_out(&outcome);
            if row.fate.is_written() && !plan.held.is_empty() {
                row.fate = Fate::Held;
            } else if row.fate.is_written() && left_out {
                row.fate = Fate::NotWritten;
            }
            each(&row).map_err(PlanError::Spool)?;
        }
    }
    Ok(())
}
