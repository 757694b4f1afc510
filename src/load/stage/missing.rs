//! Finds the items in the sheet's scope that the sheet does not list. Their keys are not known, so the whole table is
//! scanned, in parallel segments. The progress of each segment is kept, so that a table of any size can be planned,
//! over several runs if need be.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize};
use tokio::time::sleep_until;

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::stage::builder::{PlanBuilder, PlanInput};
use inventory_base::item::Item;
use inventory_base::message::{count, note};
use inventory_check::plan;
use inventory_check::plan::{ChunkEntry, ChunkKind, Listed, MissingItem, Names, ROWS_PER_CHUNK};

/// Segments that are scanned in parallel, which is about eight times as fast as one scan.
const SEGMENTS: u32 = 8;

/// The progress of a segment is kept after this many pages, of a megabyte at most.
const PAGES_BETWEEN_SAVES: u32 = 100;

/// Chunk numbers reserved for each segment.
const CHUNKS_PER_SEGMENT: usize = 10_000;

/// The progress of one segment, and what was found in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Segment {
    /// A digest of what the sheet lists.
    listed: String,
    /// The key after which the scan resumes; `None` before the first page.
    after: Option<Item>,
    is_done: bool,
    /// Chunks of missing items that are kept.
    chunks: usize,
    /// The number of items in the sheet's scope, by scope.
    in_scope: Vec<(Option<String>, u64)>,
    units: f64,
}

/// A segment that is being scanned.
#[derive(Default)]
struct Scanned {
    segment: Segment,
    /// Missing items that are not in a chunk yet.
    waiting: Vec<MissingItem>,
    in_scope: BTreeMap<Option<String>, u64>,
    pages_since_save: u32,
}

impl Job<'_> {
    /// Adds the missing items to the plan, in chunks of their own.
    pub async fn plan_missing(&self, builder: &mut PlanBuilder<'_>, input: &PlanInput<'_>) -> Result<(), LoadError> {
        // A workbook of fixed rows is only a part of a list: items that it does not list are not missing.
        let listed = builder.listed.take().filter(|_| builder.index.file.fixes.is_none());
        let Some(mut listed) = listed else { return Ok(()) };
        if listed.unreadable > 0 {
            let rows = count(listed.unreadable);
            builder.index.file.notes.push(note!(SyncBlocked { rows }));
            return Ok(());
        }
        if input.empty {
            return Ok(());
        }
        listed.sort();
        let mut scanned = Vec::new();
        for number in 0..SEGMENTS {
            scanned.push(self.resume(number, &listed, builder).await?);
        }
        self.scan(&listed, builder, input, &mut scanned).await?;
        for Scanned { segment, in_scope, .. } in scanned {
            builder.index.read_units += segment.units;
            in_scope.iter().for_each(|(scope, items)| builder.evidence.add_in_scope(scope.as_deref(), *items));
        }
        Ok(())
    }

    async fn scan(
        &self,
        listed: &Listed<'_>,
        builder: &mut PlanBuilder<'_>,
        input: &PlanInput<'_>,
        scanned: &mut [Scanned],
    ) -> Result<(), LoadError> {
        let next = async |number: usize, after: Option<Item>| {
            (number, input.table.scan_segment((number as u32, SEGMENTS), after).advance().await)
        };
        let open = scanned.iter().enumerate().filter(|(_, scanned)| !scanned.segment.is_done);
        let mut asked: FuturesUnordered<_> =
            open.map(|(number, scanned)| next(number, scanned.segment.after.clone())).collect();
        let mut has_progressed = false;
        loop {
            let past_deadline = async {
                match self.deadline() {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let page = tokio::select! {
                biased;
                page = asked.next() => page,
                // Under a low ceiling a page may take longer than the time left.
                () = past_deadline => break,
            };
            let Some((number, (scan, page))) = page else { return Ok(()) };
            let of = &mut scanned[number];
            let page = page?;
            of.segment.is_done = page.is_none() || scan.after().is_none();
            of.segment.units += scan.page_units();
            of.segment.after = scan.after().cloned();
            of.add_page(page.unwrap_or_default(), listed, builder);
            has_progressed = true;
            while of.waiting.len() >= ROWS_PER_CHUNK {
                self.keep_missing(number, of, builder).await?;
            }
            if of.segment.is_done || of.pages_since_save >= PAGES_BETWEEN_SAVES {
                self.keep_segment(number, of, builder).await?;
            }
            if !of.segment.is_done {
                asked.push(next(number, of.segment.after.clone()));
            }
        }
        drop(asked);
        if !has_progressed {
            return Err(LoadError::NoProgress(self.load.clone()));
        }
        for (number, of) in scanned.iter_mut().enumerate() {
            self.keep_segment(number, of, builder).await?;
        }
        let done = scanned.iter().filter(|scanned| scanned.segment.is_done).count();
        tracing::info!(event = "scan_left_in_part", load = %self.load, segments_done = done, of = SEGMENTS);
        Err(LoadError::PlanUnfinished)
    }

    /// Returns a segment as an earlier run of this load has kept it, if nothing else was loaded since and the sheet is
    /// the same.
    async fn resume(
        &self,
        number: u32,
        listed: &Listed<'_>,
        builder: &mut PlanBuilder<'_>,
    ) -> Result<Scanned, LoadError> {
        let digest = listed.digest();
        let fresh = Scanned { segment: Segment { listed: digest.clone(), ..Segment::default() }, ..Scanned::default() };
        if !self.turn.as_ref().is_some_and(|turn| turn.lease.is_unbroken()) {
            return Ok(fresh);
        }
        let Some(json) = self.services.store.read(&segment_name(&self.load, number)).await? else { return Ok(fresh) };
        let kept = serde_json::from_slice::<Segment>(&json).ok().filter(|kept| kept.listed == digest);
        let Some(segment) = kept else { return Ok(fresh) };
        let mut chunks = Vec::new();
        for chunk in 0..segment.chunks {
            let name = chunk_name(number as usize, chunk)?;
            let packed = self.services.store.read(&format!("loads/{}/plan/{name}", self.load)).await?;
            let items = packed.and_then(|packed| plan::decode::<MissingItem>(&name, &packed).ok());
            let Some(items) = items else { return Ok(fresh) };
            chunks.push((entry(name, items.len()), items));
        }
        for (entry, items) in chunks {
            builder.add_missing(entry, &items);
        }
        let in_scope = segment.in_scope.iter().cloned().collect();
        Ok(Scanned { segment, in_scope, ..Scanned::default() })
    }

    /// Keeps a chunk of the missing items that are not in one yet.
    async fn keep_missing(
        &self,
        number: usize,
        of: &mut Scanned,
        builder: &mut PlanBuilder<'_>,
    ) -> Result<(), LoadError> {
        let items: Vec<MissingItem> = of.waiting.drain(..of.waiting.len().min(ROWS_PER_CHUNK)).collect();
        let entry = entry(chunk_name(number, of.segment.chunks)?, items.len());
        let packed = plan::pack(&entry.name, &items)?;
        self.keep_chunk(&Names(&self.load).chunk(&entry), packed).await?;
        builder.add_missing(entry, &items);
        of.segment.chunks += 1;
        Ok(())
    }

    /// Keeps all that was found in a segment, and its progress.
    async fn keep_segment(
        &self,
        number: usize,
        of: &mut Scanned,
        builder: &mut PlanBuilder<'_>,
    ) -> Result<(), LoadError> {
        while !of.waiting.is_empty() {
            self.keep_missing(number, of, builder).await?;
        }
        of.pages_since_save = 0;
        if self.turn.is_none() {
            return Ok(());
        }
        of.segment.in_scope = of.in_scope.iter().map(|(scope, items)| (scope.clone(), *items)).collect();
        let name = segment_name(&self.load, number as u32);
        Ok(self.services.store.keep(&name, serde_json::to_vec(&of.segment)?).await?)
    }
}

impl Scanned {
    /// Adds the items of a page.
    fn add_page(&mut self, items: Vec<Item>, listed: &Listed<'_>, builder: &PlanBuilder<'_>) {
        self.pages_since_save += 1;
        for item in items.into_iter().filter(|item| listed.covers(item)) {
            let is_listed = listed.lists(&item);
            if !is_listed && listed.is_already_marked(&item) {
                continue;
            }
            *self.in_scope.entry(builder.evidence.scope_of(&item, &self.in_scope)).or_default() += 1;
            if !is_listed {
                self.waiting.push(listed.missing(item));
            }
        }
    }
}

fn chunk_name(segment: usize, chunk: usize) -> Result<String, LoadError> {
    // Past the numbers of this segment come those of the next.
    let number = if chunk < CHUNKS_PER_SEGMENT { segment * CHUNKS_PER_SEGMENT + chunk } else { usize::MAX };
    Ok(plan::missing_name(number)?)
}

fn segment_name(load: &inventory_base::load_id::LoadId, number: u32) -> String {
    Names(load).read_part(&format!("segment-{number}.json"))
}

fn entry(name: String, items: usize) -> ChunkEntry {
    ChunkEntry::new(name, ChunkKind::Missing(items as u64))
}
