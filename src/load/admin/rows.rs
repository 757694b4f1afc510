//! The rows of a load with their final fates, from the plan and the outcomes.

use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, State};
use crate::load::error::LoadError;
use crate::store::Store;
use inventory_base::load_id::LoadId;
use inventory_check::plan;
use inventory_check::plan::{ChunkEntry, ChunkOutcome, Fate, Index, Names, PlanError, PlanRow};

/// Lambda answers with 6 MB at most, and there is more in an answer than rows.
pub const ANSWER_BYTES: usize = 4 << 20;

/// A longer row is told without its values.
const ROW_BYTES: usize = 1 << 20;

/// Read for one answer, however few of their rows are wanted: nobody waits long for it.
const CHUNKS_READ: usize = 50;

/// Rows of a load, as many as an answer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsShown {
    pub rows: Vec<PlanRow>,
    /// From where to ask on; none after the last row.
    pub next: Option<u64>,
    /// Rows too long for an answer, of which only place and fate are told.
    pub shortened: u64,
}

/// The chunks of a plan that hold rows, in the order of the rows.
struct KeptRows<'a> {
    load: &'a LoadId,
    store: &'a Store,
    dry_run: bool,
    held: bool,
    /// Each with its place in the order of writing, which names its outcome.
    chunks: Vec<(usize, ChunkEntry)>,
}

impl<'a> KeptRows<'a> {
    /// None where there is no plan: refused and removed files have none, and no rows.
    async fn open(load: &'a LoadId, store: &'a Store) -> Result<Option<KeptRows<'a>>, LoadError> {
        let Some(json) = store.read(&Names(load).index()).await? else { return Ok(None) };
        let plan = Index::decode(&json)?;
        let mut chunks: Vec<(usize, ChunkEntry)> =
            plan.in_writing_order().cloned().enumerate().filter(|(_, entry)| entry.counts.total() > 0).collect();
        // Their names are in the order of the rows.
        chunks.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        Ok(Some(KeptRows { load, store, dry_run: plan.dry_run, held: !plan.held.is_empty(), chunks }))
    }

    /// The rows of the nth of these chunks.
    async fn read(&self, n: usize) -> Result<Vec<PlanRow>, LoadError> {
        let (place, entry) = &self.chunks[n];
        let names = Names(self.load);
        let missing = || LoadError::PlanIncomplete { load: self.load.clone(), part: entry.name.clone() };
        let packed = self.store.read(&names.chunk(entry)).await?.ok_or_else(missing)?;
        let written = !self.dry_run && !self.held;
        let kept = if written { self.store.read(&names.outcome(*place)).await? } else { None };
        let left_out = written && kept.is_none();
        let outcome = kept.map_or_else(|| Ok(ChunkOutcome::default()), |json| serde_json::from_slice(&json))?;
        let rows = plan::decode::<PlanRow>(&entry.name, &packed)?.into_iter().map(|row| {
            let mut row = row.with_outcome(&outcome);
            if row.fate.is_written() && self.held {
                row.fate = Fate::Held;
            } else if row.fate.is_written() && left_out {
                row.fate = Fate::NotWritten;
            }
            row
        });
        Ok(rows.collect())
    }
}

/// Every row of a finished load with its fate as it turned out.
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

/// Rows of a load that is over, from one on, counted from the first of the plan; all, or those of one fate.
pub async fn show_rows(
    load: &LoadId,
    from: u64,
    fate: Option<Fate>,
    store: &Store,
    ledger: Option<&Ledger>,
) -> Result<RowsShown, LoadError> {
    if from == 0 {
        check_over(load, store, ledger).await?;
    }
    let mut shown = RowsShown::default();
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
            shown.rows.push(if is_long { in_short(row) } else { row });
        }
    }
    Ok(shown)
}

async fn check_over(load: &LoadId, store: &Store, ledger: Option<&Ledger>) -> Result<(), LoadError> {
    let record = match ledger {
        Some(ledger) => ledger.read(load).await?,
        None => None,
    };
    match record {
        Some(record) if record.state == State::Ended => Ok(()),
        Some(_) => Err(LoadError::NotOver(load.clone())),
        None => {
            // A trial is in no ledger, and neither is what was loaded without one.
            let kept = store.names(&format!("loads/{load}/")).await?;
            match kept.contains(&Names(load).report()) {
                true => Ok(()),
                false if kept.is_empty() => Err(LoadError::UnknownLoad(load.clone())),
                false => Err(LoadError::NotOver(load.clone())),
            }
        }
    }
}

/// Whether a chunk may have rows that came to this, as it was planned.
fn may_hold(entry: &ChunkEntry, fate: Option<Fate>) -> bool {
    match fate {
        None => true,
        // Only the outcome tells of these.
        Some(Fate::Held | Fate::Kept | Fate::NotWritten) => true,
        Some(fate) => entry.counts.of(fate) > 0,
    }
}

fn in_short(row: PlanRow) -> PlanRow {
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

    /// A load of three chunks of which the last was never written; in the second the table refused a row.
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
    async fn rows_are_told_with_the_fate_that_came_of_them_and_from_wherever_one_asks() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), "Bolt").await;
        end(&load, &store).await;
        let told = async |from, fate| {
            let shown = show_rows(&load, from, fate, &store, None).await.unwrap();
            assert_eq!((shown.next, shown.shortened), (None, 0));
            shown.rows.into_iter().map(|row| (row.row, row.fate)).collect::<Vec<_>>()
        };
        use Fate::{New, NotWritten, Rejected};
        let all = [(0, New), (1, Rejected), (2, NotWritten), (3, Rejected), (4, NotWritten), (5, Rejected)];
        assert_eq!(told(0, None).await, all);
        assert_eq!(told(3, None).await, all[3..]);
        assert!(told(6, None).await.is_empty());
        assert_eq!(told(0, Some(NotWritten)).await, [all[2], all[4]]);
        assert_eq!(told(2, Some(Rejected)).await, [all[3], all[5]]);
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
    async fn an_answer_holds_as_many_rows_as_lambda_carries_and_says_where_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), &"x".repeat(900_000)).await;
        end(&load, &store).await;
        let (mut rows, mut from, mut answers) = (Vec::new(), Some(0), 0);
        while let Some(next) = from {
            let shown = show_rows(&load, next, None, &store, None).await.unwrap();
            assert!(serde_json::to_vec(&shown).unwrap().len() < 6_000_000 && !shown.rows.is_empty());
            rows.extend(shown.rows.iter().map(|row| row.row));
            (from, answers) = (shown.next, answers + 1);
        }
        assert_eq!((rows, answers), (vec![0, 1, 2, 3, 4, 5], 2));

        let (load, store) = kept(folder.path(), &"x".repeat(2_000_000)).await;
        let shown = show_rows(&load, 0, None, &store, None).await.unwrap();
        assert_eq!((shown.rows.len(), shown.shortened, shown.next), (6, 6, None));
        assert!(shown.rows.iter().all(|row| row.item.is_none()));
    }

    #[tokio::test]
    async fn what_is_not_over_or_not_known_has_no_rows_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        let (load, store) = kept(folder.path(), "Bolt").await;
        let error = show_rows(&load, 0, None, &store, None).await.unwrap_err();
        assert!(matches!(error, LoadError::NotOver(_)), "{error}");
        let error = show_rows(&load.next(), 0, None, &store, None).await.unwrap_err();
        assert!(matches!(error, LoadError::UnknownLoad(_)), "{error}");
        end(&load.next(), &store).await;
        let refused = show_rows(&load.next(), 0, None, &store, None).await.unwrap();
        assert_eq!(refused, RowsShown::default());
    }
}
