//! Whether newer uploads have been loaded since this one came, so that loading it now would go back in time.

use std::time::Duration;

use crate::ledger::LedgerError;
use crate::load::error::LoadError;
use crate::load::job::Job;
use inventory_check::plan::{Gate, LoadKeys, Names, Newer, NewerLoad};
use inventory_rules::schema::{Mode, Schema};

/// Newer loads that are compared item by item. Behind more of them, somebody decides.
const LOOKED_AT: usize = 20;

const CLOCKS_DIFFER: Duration = Duration::from_secs(60 * 60);

impl Job<'_> {
    /// What the gate `older` looks at: loads that ended since this upload came, were uploaded later and wrote something.
    pub async fn find_newer(&self, schema: &Schema, keys: &mut LoadKeys) -> Result<Newer, LoadError> {
        let Some(turn) = &self.turn else { return Ok(Newer::default()) };
        // Where items are only added, none goes back to an older value.
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
            Ok::<bool, LedgerError>(found.len() <= LOOKED_AT)
        };
        // Whoever noted the end may have had another clock than S3.
        let since = uploaded.checked_sub(CLOCKS_DIFFER).unwrap_or(uploaded);
        ledger.ended_since(&turn.lease.table, since, look).await?;
        newer.too_many = found.len() > LOOKED_AT;
        keys.sort();
        let mut shared = vec![false; keys.written()];
        for (load, file, uploaded) in found.into_iter().take(LOOKED_AT) {
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
