//! The workbook of rows to mend, made of the kept plan when a load is over.

use std::path::Path;

use futures_util::{StreamExt, stream};

use super::{LoadError, Places};
use crate::plan::{self, ChunkEntry, Fate, Index, Names, PlanRow};
use crate::report::{Ending, Report, ToFix};
use crate::sheet::{RowsToFix, ToFixBook, ToFixError};
use crate::store::Store;

/// What has to be mended.
const TO_MEND: [Fate; 2] = [Fate::Rejected, Fate::Duplicate];
/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// Leaves the rows that were left out as a workbook, and says in the report where it is. That it cannot be made keeps no
/// report from being left: the plan has the rows as well.
pub(super) async fn leave_rows_to_fix(
    report: &mut Report,
    names: Names<'_>,
    places: &Places,
    scratch: &Path,
) -> Result<(), LoadError> {
    let of = |fate: &Fate| report.rows.fates.get(fate).copied().unwrap_or_default();
    // Those of a newer version are to be mended, not these.
    if TO_MEND.iter().map(of).sum::<u64>() == 0 || report.ending == Ending::Superseded {
        return Ok(());
    }
    let store = &places.store;
    let Some(json) = store.read(&names.index()).await? else { return Ok(()) };
    let book = match make_book(Index::decode(&json)?, names, store, scratch).await {
        Ok(Some(book)) => book,
        Ok(None) => return Ok(()),
        Err(Trouble::Load(error)) if error.would_trying_again_help() => return Err(error),
        Err(trouble) => {
            tracing::error!(event = "to_fix_left_out", load = %names.0, error = %trouble);
            return Ok(());
        }
    };
    let name = names.to_fix();
    store.keep(&name, book.content).await?;
    report.to_fix = Some(ToFix { place: store.place(&name), rows: book.rows, of: book.of });
    Ok(())
}

/// What keeps the workbook from being made.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Workbook(#[from] ToFixError),
    #[error("the workbook of rows to mend could not be written: {0}")]
    Panic(#[from] tokio::task::JoinError),
}

async fn make_book(plan: Index, names: Names<'_>, store: &Store, scratch: &Path) -> Result<Option<ToFixBook>, Trouble> {
    let mut rows = RowsToFix::new(scratch, plan.schema.duplicates).map_err(ToFixError::Scratch)?;
    let has_some = |entry: &&ChunkEntry| entry.counts.has(|fate| TO_MEND.contains(&fate));
    let chunks: Vec<&ChunkEntry> = plan.chunks.iter().filter(has_some).collect();
    let mut read = 0;
    {
        let mut ahead = stream::iter(&chunks).map(|entry| read_rows(entry, names, store)).buffered(CHUNKS_AHEAD);
        while !rows.is_full()
            && let Some(chunk) = ahead.next().await
        {
            for row in chunk? {
                rows.add(&row).map_err(ToFixError::Scratch)?;
            }
            read += 1;
        }
    }
    chunks[read..].iter().for_each(|entry| rows.count(&entry.counts));
    let (load, sheets) = (plan.load, plan.file.sheets);
    // It takes seconds where there are many rows, and meanwhile the turn has to be kept.
    Ok(tokio::task::spawn_blocking(move || rows.write(&load, &sheets)).await??)
}

async fn read_rows(entry: &ChunkEntry, names: Names<'_>, store: &Store) -> Result<Vec<PlanRow>, LoadError> {
    let missing = || LoadError::PlanIncomplete { load: names.0.clone(), part: entry.name.clone() };
    let packed = store.read(&names.chunk(entry)).await?.ok_or_else(missing)?;
    Ok(plan::read_rows_of(&entry.name, &plan::unpack(&entry.name, &packed)?, &TO_MEND)?)
}
