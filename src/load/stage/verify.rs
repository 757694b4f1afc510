//! Verifies after the writing that the table holds what the sheet says, by reading it back.

use std::borrow::Cow;
use std::pin::pin;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::kept::AT_ONCE;
use inventory_base::item::Item;
use inventory_check::plan::{ChunkEntry, ControlTotals, Fate, Index, PlanRow, key_of};
use inventory_check::report::{ReadBack, Seconds};
use inventory_rules::schema::Mode;

/// The most items that are read back from the table after a load; if it has more, a sample of about this many.
pub const READ_BACK_ITEMS: u64 = 10_000;

impl Job<'_> {
    /// Compares the control totals of what the table holds now with those of the plan: of all items or, if there are
    /// many, of whole chunks from all over the sheet. Returns the result with the read units consumed; `None` if the
    /// rules turn this off.
    pub async fn read_back(&self, plan: &Index, seconds: &mut Seconds) -> Result<Option<(ReadBack, f64)>, LoadError> {
        let of = plan.counts.items();
        // Without a comparison, only items that were put whole are known.
        let is_known = plan.compared || plan.schema.mode == Mode::Replace;
        if !plan.schema.totals.read_back || of == 0 || !is_known {
            return Ok(None);
        }
        let clock = Instant::now();
        let (mut expected, mut found) = (ControlTotals::default(), ControlTotals::default());
        let (mut items, mut units) = (0, 0.0);
        let chunks = stream::iter(sample(plan.in_writing_order(), of))
            .map(async |(place, entry)| {
                let planned = self.read_planned(plan, place, entry).await?;
                let keys: Vec<Item> = planned.iter().map(|item| key_of(item, &plan.schema)).collect();
                // Everything is written, so items that there is no time to read back are left out.
                let found = self.services.table.read_until(&keys, self.deadline()).await?;
                Ok::<_, LoadError>((planned, found))
            })
            .buffered(AT_ONCE);
        let mut chunks = pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            let (planned, read) = chunk?;
            units += read.units;
            let were_read = |place: &usize| read.left.binary_search(place).is_err();
            for (item, _) in planned.iter().zip(0..).filter(|(_, place)| were_read(place)) {
                items += 1;
                expected.add(item, &plan.schema.totals);
            }
            read.items.iter().flatten().for_each(|item| found.add(item, &plan.schema.totals));
            if self.is_past_deadline() {
                break;
            }
        }
        if items == 0 {
            return Ok(None);
        }
        seconds.read_back = clock.elapsed().as_secs_f64();
        let took = seconds.read_back;
        tracing::info!(event = "stage_over", load = %self.load, stage = "read_back", seconds = took, items, read_units = units);
        Ok(Some((ReadBack { items, of, differences: expected.differences(&found) }, units)))
    }

    /// Returns the items of a chunk as they should be in the table now.
    async fn read_planned(&self, plan: &Index, place: usize, entry: &ChunkEntry) -> Result<Vec<Item>, LoadError> {
        let rows: Vec<PlanRow> = self.read_chunk(entry).await?;
        let outcome = self.read_outcome(place).await?;
        let rows = rows.into_iter().map(|row| row.with_outcome(&outcome)).filter(|row| is_in(row.fate));
        Ok(rows.filter_map(|row| row.after(plan.schema.mode).map(Cow::into_owned)).collect())
    }
}

fn is_in(fate: Fate) -> bool {
    matches!(fate, Fate::New | Fate::Changed | Fate::Unchanged | Fate::Written)
}

/// Picks chunks evenly from the whole plan, with about `READ_BACK_ITEMS` items in all, and their numbers.
fn sample<'a>(
    chunks: impl Iterator<Item = &'a ChunkEntry>,
    items: u64,
) -> impl Iterator<Item = (usize, &'a ChunkEntry)> {
    let with_items: Vec<_> = chunks.enumerate().filter(|(_, chunk)| chunk.counts.items() > 0).collect();
    let wanted = if items <= READ_BACK_ITEMS {
        with_items.len()
    } else {
        let share = READ_BACK_ITEMS as f64 / items as f64;
        ((with_items.len() as f64 * share) as usize).clamp(1, with_items.len())
    };
    let all = with_items.len();
    (0..wanted).map(move |n| with_items[n * all / wanted])
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_check::plan::Counts;

    fn chunks(number: usize, items: u64) -> Vec<ChunkEntry> {
        let chunk = |n: usize| {
            let mut counts = Counts::default();
            counts.add(if n % 3 == 2 { Fate::Rejected } else { Fate::New }, items);
            ChunkEntry { counts, ..ChunkEntry::of_rows(n.to_string()) }
        };
        (0..number).map(chunk).collect()
    }

    #[test]
    fn few_items_are_all_read_back_and_many_are_sampled_from_all_over() {
        let names = |chunks: &[ChunkEntry], items| {
            sample(chunks.iter(), items).map(|(_, chunk)| chunk.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&chunks(6, 1000), 4000), ["0", "1", "3", "4"]);
        let many = chunks(900, 1000);
        let sampled = names(&many, 600_000);
        assert_eq!(sampled.len(), 10);
        assert!(sampled[9].parse::<usize>().unwrap() > 750);
        assert_eq!(names(&chunks(1, 20_000), 20_000), ["0"]);
        assert!(names(&[], 0).is_empty());
    }
}
