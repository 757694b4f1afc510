//! The workbook of rows to fix, made from the kept plan while the load writes and waits for the table.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::load::error::LoadError;
use crate::load::services::Services;
use crate::store::Store;
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::plan;
use inventory_check::plan::{ChunkEntry, Counts, Fate, Index, Names, PlanRow};
use inventory_check::report::{Report, ToFix};
use inventory_check::sheet::{RowsToFix, ToFixBook, ToFixError};
use inventory_rules::judge::SheetRead;
use inventory_rules::schema::Duplicates;

/// Fates of the rows to fix.
const TO_FIX: [Fate; 2] = [Fate::Rejected, Fate::Duplicate];

/// Chunks that are read ahead.
const CHUNKS_AHEAD: usize = 4;

/// The task that makes the workbook in the background. Dropping it cancels it.
pub struct ToFixTask(JoinSet<Result<Option<ToFixBook>, RowsToFixError>>);

impl ToFixTask {
    /// Starts the task, if there are rows to fix. It writes into the folder `scratch`.
    pub fn begin(plan: &Index, store: &Store, scratch: &Path) -> Option<ToFixTask> {
        let chunks: Vec<ChunkEntry> = plan.chunks.iter().filter(|entry| has_some(&entry.counts)).cloned().collect();
        if chunks.is_empty() {
            return None;
        }
        let material = Material {
            load: plan.load.clone(),
            duplicates: plan.schema.duplicates,
            sheets: plan.file.sheets.clone(),
            chunks,
            store: store.clone(),
            scratch: scratch.to_path_buf(),
        };
        let mut making = JoinSet::new();
        making.spawn(material.make_book());
        Some(ToFixTask(making))
    }

    /// Waits for the workbook, and returns it with its bytes.
    async fn end(mut self) -> Result<Option<(ToFixBook, Vec<u8>)>, RowsToFixError> {
        let book = self.0.join_next().await.transpose()?.unwrap_or(Ok(None))?;
        let Some(book) = book else { return Ok(None) };
        let content = book.read().map_err(ToFixError::Scratch)?;
        Ok(Some((book, content)))
    }
}

/// Keeps the rows that were left out as a workbook, and names it in the report. A workbook that cannot be made does not
/// keep the report from being kept: the plan has the rows as well.
pub async fn keep_rows_to_fix(
    report: &mut Report,
    begun: Option<ToFixTask>,
    names: Names<'_>,
    services: &Services,
    scratch: &Path,
) -> Result<(), LoadError> {
    // The rows to fix are those of the newer version, not these.
    let is_one = TO_FIX.iter().any(|fate| report.rows.fates.get(fate).is_some_and(|rows| *rows > 0));
    if !is_one || report.ending == Ending::Superseded {
        return Ok(());
    }
    let store = &services.store;
    let to_fix = match begun {
        Some(begun) => Some(begun),
        None => {
            let json = store.read(&names.index()).await?;
            let plan = json.map(|json| Index::decode(&json)).transpose()?;
            plan.and_then(|plan| ToFixTask::begin(&plan, store, scratch))
        }
    };
    let Some(to_fix) = to_fix else { return Ok(()) };
    let (book, content) = match to_fix.end().await {
        Ok(Some(book)) => book,
        Ok(None) => return Ok(()),
        Err(RowsToFixError::Load(error)) if error.is_retryable() => return Err(error),
        Err(error) => {
            tracing::error!(event = "to_fix_not_made", load = %names.0, error = %error);
            return Ok(());
        }
    };
    let name = names.to_fix();
    store.keep(&name, content).await?;
    report.to_fix = Some(ToFix { place: store.location(&name), rows: book.rows, of: book.of });
    Ok(())
}

/// What keeps the workbook from being made.
#[derive(Debug, thiserror::Error)]
enum RowsToFixError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Workbook(#[from] ToFixError),
    #[error("the workbook of rows to fix could not be written: {0}")]
    Panic(#[from] tokio::task::JoinError),
}

/// The input of the workbook, and the folder it is made in.
struct Material {
    load: LoadId,
    duplicates: Duplicates,
    sheets: Vec<SheetRead>,
    chunks: Vec<ChunkEntry>,
    store: Store,
    scratch: PathBuf,
}

impl Material {
    async fn make_book(self) -> Result<Option<ToFixBook>, RowsToFixError> {
        let clock = Instant::now();
        let mut rows = RowsToFix::new(&self.scratch, self.duplicates).map_err(ToFixError::Scratch)?;
        let mut read = 0;
        {
            let mut ahead =
                stream::iter(0..self.chunks.len()).map(|chunk| self.read_rows(chunk)).buffered(CHUNKS_AHEAD);
            while !rows.is_full()
                && let Some(chunk) = ahead.next().await
            {
                for row in chunk? {
                    rows.add(&row).map_err(ToFixError::Scratch)?;
                }
                read += 1;
                // Reads from a local folder never wait, and the writing needs its turn.
                tokio::task::yield_now().await;
            }
        }
        self.chunks[read..].iter().for_each(|entry| rows.count(&entry.counts));
        // With many rows this takes long, and must not block the other tasks.
        let load = self.load.clone();
        let book = tokio::task::spawn_blocking(move || rows.write(&self.load, &self.sheets)).await??;
        let (seconds, rows) = (clock.elapsed().as_secs_f64(), book.as_ref().map(|book| book.rows));
        tracing::info!(event = "stage_over", %load, stage = "to_fix", seconds, rows);
        Ok(book)
    }

    async fn read_rows(&self, chunk: usize) -> Result<Vec<PlanRow>, LoadError> {
        let entry = &self.chunks[chunk];
        let packed = self.store.read(&Names(&self.load).chunk(entry)).await?;
        let missing = || LoadError::PlanIncomplete { load: self.load.clone(), part: entry.name.clone() };
        let lines = plan::unpack(&entry.name, &packed.ok_or_else(missing)?)?;
        Ok(plan::read_rows_of(&entry.name, &lines, &TO_FIX)?)
    }
}

fn has_some(counts: &Counts) -> bool {
    counts.has(|fate| TO_FIX.contains(&fate))
}
