//! Keeps and reads what the runs of a load share through the store: chunks, outcomes and the index of the plan.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::store::Kept;
use inventory_check::plan;
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, ChunkOutcome, Index, Names};

/// Chunks that are read from the table at once, and chunks that are stored at once.
pub const AT_ONCE: usize = 4;

/// Names of the outcomes that earlier runs have kept, of whole chunks and of parts.
pub struct KeptBefore {
    pub outcomes: BTreeSet<String>,
    pub parts: BTreeSet<String>,
}

/// The result of writing, in this run.
pub struct Writing {
    pub chunks_done: usize,
    /// The outcomes of the chunks this run wrote, by their place in the order of writing.
    pub outcomes: Vec<(usize, ChunkOutcome)>,
    /// Whether this run made progress in a chunk that is not finished.
    pub has_partial_chunks: bool,
}

impl Job<'_> {
    /// Names of the chunks that an earlier run of this load has kept. They are only used if nothing else was loaded
    /// since.
    pub async fn kept_chunks(&self) -> Result<BTreeSet<String>, LoadError> {
        match &self.turn {
            Some(turn) if turn.lease.is_unbroken() => {
                let names = self.services.store.names(&format!("loads/{}/plan/", self.load)).await?;
                if !names.is_empty() {
                    tracing::info!(event = "planning_resumed", load = %self.load, chunks_kept = names.len());
                }
                Ok(names.into_iter().collect())
            }
            _ => Ok(BTreeSet::new()),
        }
    }

    /// Keeps a chunk unless the same one is there, so that a run that has lost its turn without noticing does not
    /// change a chunk of another run's plan. A different chunk, left by an attempt with other rules or another version
    /// of the loader before any index was kept, is replaced.
    pub async fn keep_chunk(&self, name: &str, packed: Vec<u8>) -> Result<(), LoadError> {
        let store = &self.services.store;
        if store.keep_if_absent(name, packed.clone()).await? == Kept::AlreadyThere
            && store.read(name).await?.as_ref() != Some(&packed)
        {
            self.check_turn()?;
            tracing::warn!(event = "chunk_replaced", load = %self.load, name);
            store.keep(name, packed).await?;
        }
        Ok(())
    }

    /// Keeps the index, which makes the plan valid, and returns it. If another run of this load was first, returns that
    /// run's.
    pub async fn keep_index(&self, index: Index) -> Result<Index, LoadError> {
        self.begin_writing(&index).await?;
        let (store, name) = (&self.services.store, Names(&self.load).index());
        match store.keep_if_absent(&name, index.encode()?).await? {
            Kept::New => Ok(index),
            Kept::AlreadyThere => {
                let json = store.read(&name).await?.ok_or_else(|| self.missing("plan.json"))?;
                let index = Index::decode(&json)?;
                self.begin_writing(&index).await?;
                Ok(index)
            }
        }
    }

    pub fn log_planned(&self, plan: &Index, seconds: f64) {
        tracing::info!(
            event = "stage_over",
            load = %self.load,
            stage = "plan",
            seconds,
            chunks = plan.chunks.len(),
            rows = plan.counts.total(),
            read_units = plan.read_units,
        );
    }

    /// Lists what earlier runs have written.
    pub async fn kept_before(&self) -> Result<KeptBefore, LoadError> {
        let names = async |folder: &str| self.services.store.names(&format!("loads/{}/{folder}/", self.load)).await;
        let (outcomes, parts) = (names("outcome").await?, names("part").await?);
        Ok(KeptBefore { outcomes: outcomes.into_iter().collect(), parts: parts.into_iter().collect() })
    }

    /// Whether any of the next chunks is partially written.
    pub async fn has_partial_chunks(&self, chunks_done: usize) -> Result<bool, LoadError> {
        let kept = self.kept_before().await?;
        let names = Names(&self.load);
        Ok((chunks_done..chunks_done + CHUNKS_AT_ONCE).any(|place| kept.parts.contains(&names.part(place))))
    }

    /// The number of finished chunks, from the first without a gap. An outcome is kept before the ledger counts its
    /// chunk, so the outcomes are authoritative: a ledger restored from a backup counts fewer, and what was written
    /// since must not be written again.
    pub async fn chunks_done(&self) -> Result<usize, LoadError> {
        let kept = self.outcomes_kept().await?;
        match &self.turn {
            Some(turn) if turn.record.chunks_done as usize > kept => {
                Err(self.missing(&format!("outcome/{kept:05}.json")))
            }
            _ => Ok(kept),
        }
    }

    /// The number of chunks that have an outcome, from the first without a gap.
    pub async fn outcomes_kept(&self) -> Result<usize, LoadError> {
        let kept = self.services.store.names(&format!("loads/{}/outcome/", self.load)).await?;
        Ok(kept.iter().enumerate().take_while(|(number, name)| **name == Names(&self.load).outcome(*number)).count())
    }

    pub async fn read_chunk<T: DeserializeOwned>(&self, entry: &ChunkEntry) -> Result<Vec<T>, LoadError> {
        Ok(plan::decode(&entry.name, &self.read_packed(entry).await?)?)
    }

    pub async fn read_packed(&self, entry: &ChunkEntry) -> Result<Vec<u8>, LoadError> {
        let packed = self.services.store.read(&Names(&self.load).chunk(entry)).await?;
        packed.ok_or_else(|| self.missing(&entry.name))
    }

    pub async fn read_outcome(&self, number: usize) -> Result<ChunkOutcome, LoadError> {
        let name = Names(&self.load).outcome(number);
        let json = self.services.store.read(&name).await?.ok_or_else(|| self.missing(&name))?;
        Ok(serde_json::from_slice(&json)?)
    }

    pub fn missing(&self, part: &str) -> LoadError {
        LoadError::PlanIncomplete { load: self.load.clone(), part: part.to_string() }
    }
}
