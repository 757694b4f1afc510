//! Reads the rows of a load with their final fates, from the plan and the outcomes.

use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, State};
use crate::load::error::LoadError;
use crate::store::Store;
use inventory_base::load_id::LoadId;
use inventory_check::plan;
use inventory_check::plan::{ChunkEntry, ChunkOutcome, Fate, Index, Names, PlanError, PlanRow};

/// The most bytes of rows in an answer: Lambda's limit is 6 MB, and an answer has more than rows.
pub const ANSWER_BYTES: usize = 4 << 20;

/// A longer row is returned without its values.
const ROW_BYTES: usize = 1 << 20;

/// The most chunks that are read for one answer, even if few of their rows are wanted, so that it comes soon.
const CHUNKS_READ: usize = 50;

/// Rows of a load, up to the size of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsPage {
    pub rows: Vec<PlanRow>,
    /// The row to ask for next; `None` after the last row.
    pub next: Option<u64>,
    /// The number of rows that are too long for an answer, of which only place and fate are returned.
    pub shortened: u64,
}

/// The chunks of a plan that hold rows, in the order of the rows.
struct KeptRows<'a> {
    load: &'a LoadId,
    store: &'a Store,
    dry_run: bool,
    held: bool,
    /// Chunks with their places in the order of writing, by which their outcomes are named.
    chunks: Vec<(usize, ChunkEntry)>,
}

impl<'a> KeptRows<'a> {
    /// `None` if there is no plan: refused and removed files have none, and no rows.
    async fn open(load: &'a LoadId, store: &'a Store) -> Result<Option<KeptRows<'a>>, LoadError> {
        let Some(json) = store.read(&Names(load).index()).await? else { return Ok(None) };
        let plan = Index::decode(&json)?;
        let mut chunks: Vec<(usize, ChunkEntry)> =
            plan.in_writing_order().cloned().enumerate().filter(|(_, entry)| entry.counts.total() > 0).collect();
        // Chunk names are in the order of the rows.
        chunks.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        Ok(Some(KeptRows { load, store, dry_run: plan.dry_run, held: !plan.held.is_empty(), chunks }))
    }

    /// Returns the rows of the nth chunk.
    async fn read(&self, n: usize) -> Result<Vec<PlanRow>, LoadError> {
        let (place, entry) = &self.chunks[n];
        let names = Names(self.load);
        let missing = || LoadError::PlanIncomplete { load: self.load.clone(), part: entry.name.clone() };
        let packed = self.store.read(&names.chunk(entry)).await?.ok_or_else(missing)?;
        let written = !self.dry_run && !self.held;
        let kept = if written { self.store.read(&names.outcome(*place)).await? } else { None };
        let not_written = written && kept.is_none();
        let outcome = kept.map_or_else(|| Ok(ChunkOutcome::default()), |json| serde_json::from_slice(&json))?;
        let rows = plan::decode::<PlanRow>(&entry.name, &packed)?.into_iter().map(|row| {
            let mut row = row.with_outcome(&outcome);
            if row.fate.is_written() && self.held {
                row.fate = Fate::Held;
            } else if row.fate.is_written() && not_written {
                row.fate = Fate::NotWritten;
            }
            row
        });
        Ok(rows.collect())
    }
}

/// Visits every row of a finished load with its final fate.
pub async fn visit_rows(
    load: &LoadId,
    store: &Store,
    each: &mut dyn FnMut(&PlanRow) -> std::io::Result<()>,
) -> Result<(), LoadError> {
    let Some(kept) = KeptRows::open(load, store).await? else { return Ok(()) };
    for n in 0..kept.chunks.len() {
        for row in kept.read(n).await? {
            each(&row).map_err(PlanError::Spool)?;
        }
    }
    Ok(())
}

/// Returns rows of a load that has ended, starting with number `from` of the plan: all, or those of one fate.
pub async fn read_rows(
    load: &LoadId,
    from: u64,
    fate: Option<Fate>,
    store: &Store,
    ledger: Option<&Ledger>,
) -> Result<RowsPage, LoadError> {
    if from == 0 {
        check_ended(load, store, ledger).await?;
    }
    let mut shown = RowsPage::default();
    let Some(kept) = KeptRows::open(load, store).await? else { return Ok(shown) };
    let (mut bytes, mut end, mut chunks_read) = (0, 0, 0);
    for (n, (_, entry)) in kept.chunks.iter().enumerate() {
        let begin = end;
        end += entry.counts.total();
        if end <= from || !may_hold(entry, fate) {
            continue;
        }
        if chunks_read == CHUNKS_READ {
            shown.next = Some(begin);
            return Ok(shown);
        }
        chunks_read += 1;
        let rows = kept.read(n).await?.into_iter().zip(begin..).skip_while(|(_, at)| *at < from);
        for (row, at) in rows.filter(|(row, _)| fate.is_none_or(|fate| row.fate == fate)) {
            let length = serde_json::to_vec(&row)?.len();
            let is_long = length > ROW_BYTES;
            bytes += if is_long { 0 } else { length };
            if bytes > ANSWER_BYTES {
                shown.next = Some(at);
                return Ok(shown);
            }
            shown.shortened += u64::from(is_long);
            shown.rows.push(if is_long { without_values(row) } else { row });
        }
    }
    Ok(shown)
}

async fn check_ended(load: &LoadId, store: &Store, ledger: Option<&Ledger>) -> Result<(), LoadError> {
    let record = match ledger {
        Some(ledger) => ledger.read(load).await?,
        None => None,
    };
    match record {
        Some(record) if record.state == State::Ended => Ok(()),
        Some(_) => Err(LoadError::NotEnded(load.clone())),
        None => {
            // Dry runs, and loads without a ledger, are not in any ledger.
            let kept = store.names(&format!("loads/{load}/")).await?;
            match kept.contains(&Names(load).report()) {
                true => Ok(()),
                false if kept.is_empty() => Err(LoadError::UnknownLoad(load.clone())),
                false => Err(LoadError::NotEnded(load.clone())),
            }
        }
    }
}

/// Whether a chunk may have rows of this fate, by its plan.
fn may_hold(entry: &ChunkEntry, fate: Option<Fate>) -> bool {
    match fate {
        None => true,
        // These are only known from the outcome.
        Some(Fate::Held | Fate::Kept | Fate::NotWritten) => true,
        Some(fate) => entry.counts.of(fate) > 0,
    }
}

fn without_values(row: PlanRow) -> PlanRow {
    PlanRow { fate: row.fate, ..PlanRow::accepted(row.sheet, row.row, None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FolderStore;
    use inventory_base::item::{Item, Value};
    use inventory_base::upload::Upload;
    use inventory_check::plan::{Counts, RefusedRow};
    use inventory_rules::judge::FileRead;
    use inventory_rules::schema::{Schema, TableShape};

    /// Keeps a load of three chunks, the last of which was never written; in the second, the table refused a row.
    async fn kept(folder: &std::path::Path, name: &str) -> (LoadId, Store) {
        let upload: Upload = serde_json::from_str(
            r#"{"bucket":"uploads","key":"a.csv","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#,
        )
        .unwrap();
        let shape: TableShape = serde_json::from_str(
            r#"{"table":"stock","key":{"partition":{"name":"sku","kind":"S"},"sort":null},"indexes":[],"capacity":null}"#,
        )
        .unwrap();
        let (load, store) = (LoadId::of(&upload), Store::Folder(FolderStore::new(folder)));
        let mut index = Index::new(load.clone(), upload, Schema::shipped().unwrap(), shape, FileRead::default());
        for number in 0..3_u32 {
            let row = |at: u32| {
                let item = Item::from([("name".to_string(), Value::S(name.into()))]);
                let row = PlanRow::accepted("Stock", number * 2 + at, Some(item));
                PlanRow { fate: if at == 0 { Fate::New } else { Fate::Rejected }, ..row }
            };
            let rows = [row(0), row(1)];
            let mut counts = Counts::default();
            rows.iter().for_each(|row| counts.add(row.fate, 1));
            let name = plan::chunk_name(number as usize).unwrap();
            let entry = ChunkEntry { counts, ..ChunkEntry::of_rows(name) };
            store.keep(&Names(&load).chunk(&entry), plan::pack(&entry.name, &rows).unwrap()).await.unwrap();
            index.add(entry);
        }
        store.keep(&Names(&load).index(), index.encode().unwrap()).await.unwrap();
        let refused = RefusedRow { sheet: "Stock".into(), row: 2, planned: Fate::New, reason: "too large".into() };
        for (number, refused) in [(0, vec![]), (1, vec![refused])] {
            let outcome = ChunkOutcome { refused, ..ChunkOutcome::default() };
            store.keep(&Names(&load).outcome(number), serde_json::to_vec(&outcome).unwrap()).await.unwrap();
        }
        (load, store)
    }

    async fn end(load: &LoadId, store: &Store) {
        store.keep(&Names(load).report(), b"{}".to_vec()).await.unwrap();
    }

    #[tokio::test]
    async fn rows_are_returned_with_their_final_fates_from_any_row_on() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), "Bolt").await;
        end(&load, &store).await;
        let read_from = async |from, fate| {
            let shown = read_rows(&load, from, fate, &store, None).await.unwrap();
            assert_eq!((shown.next, shown.shortened), (None, 0));
            shown.rows.into_iter().map(|row| (row.row, row.fate)).collect::<Vec<_>>()
        };
        use Fate::{New, NotWritten, Rejected};
        let all = [(0, New), (1, Rejected), (2, NotWritten), (3, Rejected), (4, NotWritten), (5, Rejected)];
        assert_eq!(read_from(0, None).await, all);
        assert_eq!(read_from(3, None).await, all[3..]);
        assert!(read_from(6, None).await.is_empty());
        assert_eq!(read_from(0, Some(NotWritten)).await, [all[2], all[4]]);
        assert_eq!(read_from(2, Some(Rejected)).await, [all[3], all[5]]);
        let mut visited = Vec::new();
        visit_rows(&load, &store, &mut |row| {
            visited.push((row.row, row.fate));
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(visited, all);
    }

    #[tokio::test]
    async fn an_answer_stays_below_the_limit_of_lambda_and_has_the_next_row_to_ask_for() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), &"x".repeat(900_000)).await;
        end(&load, &store).await;
        let (mut rows, mut from, mut answers) = (Vec::new(), Some(0), 0);
        while let Some(next) = from {
            let shown = read_rows(&load, next, None, &store, None).await.unwrap();
            assert!(serde_json::to_vec(&shown).unwrap().len() < 6_000_000 && !shown.rows.is_empty());
            rows.extend(shown.rows.iter().map(|row| row.row));
            (from, answers) = (shown.next, answers + 1);
        }
        assert_eq!((rows, answers), (vec![0, 1, 2, 3, 4, 5], 2));

        let (load, store) = kept(folder.path(), &"x".repeat(2_000_000)).await;
        let shown = read_rows(&load, 0, None, &store, None).await.unwrap();
        assert_eq!((shown.rows.len(), shown.shortened, shown.next), (6, 6, None));
        assert!(shown.rows.iter().all(|row| row.item.is_none()));
    }

    #[tokio::test]
    async fn rows_of_an_unfinished_or_unknown_load_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), "Bolt").await;
        let error = read_rows(&load, 0, None, &store, None).await.unwrap_err();
        assert!(matches!(error, LoadError::NotEnded(_)), "{error}");
        let error = read_rows(&load.next(), 0, None, &store, None).await.unwrap_err();
        assert!(matches!(error, LoadError::UnknownLoad(_)), "{error}");
        end(&load.next(), &store).await;
        let refused = read_rows(&load.next(), 0, None, &store, None).await.unwrap();
        assert_eq!(refused, RowsPage::default());
    }
}
