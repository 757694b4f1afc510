//! Checks a file without loading it.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use inventory_base::upload::Upload;
use inventory_rules::schema::Schema;

use crate::child::{ChildError, Items, NamedFile, Outcome, Reader, too_large};
use crate::plan::{PlanError, PlanRow};
use crate::report::{Report, Seconds, Tally};

/// What keeps a file from being checked that is not wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("the file could not be read: {0}")]
    File(#[from] io::Error),
}

/// Reports what a load would make of this file, without a plan, a table or a cloud. Calls `each` with every row, with its
/// item where `items` says so, and `progress` from time to time with the number of rows judged.
pub async fn check(
    (file, upload): (File, Upload),
    schema: &Schema,
    reader: &Reader,
    items: Items,
    progress: &(dyn Fn(u64) + Sync),
    each: &mut dyn FnMut(&PlanRow) -> io::Result<()>,
) -> Result<Report, CheckError> {
    let clock = Instant::now();
    let mut seconds = Seconds::default();
    let refused = |upload, refusal, mut seconds: Seconds| {
        seconds.total = clock.elapsed().as_secs_f64();
        Ok(Report::refused(None, upload, refusal, seconds))
    };
    let bytes = file.metadata()?.len();
    if bytes > reader.file_bytes {
        return refused(upload, too_large(bytes, reader.file_bytes), seconds);
    }
    let spool = reader.spool()?;
    let outcome = reader
        .read(NamedFile { file, name: upload.file_name() }, schema, items, spool, Duration::MAX, progress)
        .await?;
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
