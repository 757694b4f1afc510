//! Finds newer uploads that have been loaded since this one came, so that it does not overwrite newer values.

use std::time::Duration;

use crate::ledger::LedgerError;
use crate::load::error::LoadError;
use crate::load::job::Job;
use inventory_check::plan::{Gate, LoadKeys, Names, Newer, NewerLoad};
use inventory_rules::schema::{Mode, Schema};

/// The number of newer loads that are compared item by item. If there are more, the load is held.
const MAX_COMPARED: usize = 20;

/// How far our clock and that of S3 may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60 * 60);

impl Job<'_> {
    /// Finds the loads for the gate `older`: they ended since this upload came, were uploaded later and wrote
    /// something.
    pub async fn find_newer(&self, schema: &Schema, keys: &mut LoadKeys) -> Result<Newer, LoadError> {
        let Some(turn) = &self.turn else { return Ok(Newer::default()) };
        // If items are only added, none goes back to an older value.
        let is_asked = schema.gates.older && !self.waived.contains(&Gate::Older) && schema.mode != Mode::Add;
        if !is_asked || keys.written() == 0 {
            return Ok(Newer::default());
        }
        let (ledger, uploaded) = (turn.ledger, turn.record.position.at());
        let mut newer = Newer { uploaded, ..Newer::default() };
        newer.ledger_is_younger = ledger.created_at().await?.is_some_and(|made| made > uploaded);
        if newer.ledger_is_younger {
            return Ok(newer);
        }
        let mut found = Vec::new();
        let look = async |ended: crate::ledger::EndedLoad| {
            let Some(record) = ledger.read(&ended.load).await? else { return Ok(true) };
            let wrote = record.chunks_total > 0 && record.undo.is_none();
            if wrote && record.position.at() > uploaded {
                found.push((record.load, record.upload.key, record.position.at()));
            }
            Ok::<bool, LedgerError>(found.len() <= MAX_COMPARED)
        };
        // The end was recorded by another clock than S3's.
        let since = uploaded.checked_sub(CLOCK_SKEW).unwrap_or(uploaded);
        ledger.ended_since(&turn.lease.table, since, look).await?;
        newer.too_many = found.len() > MAX_COMPARED;
        keys.sort();
        let mut shared = vec![false; keys.written()];
        for (load, file, uploaded) in found.into_iter().take(MAX_COMPARED) {
            let encoded = self.services.store.read(&Names(&load).keys()).await?;
            let items =
                encoded.map(|encoded| keys.shared_with(&encoded).map(|place| shared[place] = true).count() as u64);
            if items != Some(0) {
                newer.loads.push(NewerLoad { load, file, uploaded, items });
            }
        }
        newer.items = shared.into_iter().filter(|shared| *shared).count() as u64;
        Ok(newer)
    }
}
