//! The order of a load: plan, write, verify, report; and the hand-over to another run when the time is up.

use crate::ledger::{LedgerError, State};
use crate::load::error::LoadError;
use crate::load::finish::end::last_load;
use crate::load::finish::to_fix::ToFixTask;
use crate::load::job::{Job, RunEnd};
use crate::load::kept::Writing;
use crate::load::stage::plan::Planned;
use inventory_base::ending::Ending;
use inventory_check::plan::{Index, Names};
use inventory_check::report::{Seconds, Stopped};

/// How many times a load is started without progress before it fails.
const MAX_STARTS: u64 = 3;

impl Job<'_> {
    /// Runs the load to its end, or to the deadline of this run.
    pub async fn run(&self) -> Result<RunEnd, LoadError> {
        if let Some(end) = self.stop_before_start().await? {
            return Ok(end);
        }
        match self.run_to_end().await {
            Err(LoadError::Ledger(LedgerError::Stopped { stop, .. })) => self.stop(stop, false).await,
            Err(LoadError::PlanUnfinished) => self.hand_over_plan().await,
            end => end,
        }
    }

    async fn run_to_end(&self) -> Result<RunEnd, LoadError> {
        let mut seconds = Seconds::default();
        let plan = match self.kept_plan().await? {
            // A dry run writes nothing, even if a kept plan of the same load is not a dry run.
            Some(mut plan) => {
                plan.dry_run |= self.dry_run;
                plan
            }
            None => match &self.undo {
                Some(undo) => self.plan_undo(undo, &mut seconds).await?,
                None => match self.make_plan(&mut seconds).await? {
                    Planned::Plan(plan) => *plan,
                    Planned::Removed => return self.end(self.removed(seconds), None, None).await,
                    Planned::Refused(refusal) => return self.end(self.refused(refusal, seconds), None, None).await,
                },
            },
        };
        if plan.dry_run || !plan.held.is_empty() {
            return self.end_unwritten(plan, seconds).await;
        }
        let to_fix = ToFixTask::begin(&plan, &self.services.store, &self.settings.reader.scratch);
        let writing = self.write(&plan, &mut seconds).await?;
        if writing.chunks_done < plan.chunks.len() {
            return self.hand_over(&plan, &writing).await;
        }
        self.check_table(&plan).await?;
        let read_back = self.read_back(&plan, &mut seconds).await?;
        let items = last_load(&plan);
        let report = self.make_report(plan, writing, read_back, seconds).await?;
        self.end(report, items, to_fix).await
    }

    /// Ends the load before it does anything, if the ledger has a request to stop or too many starts without progress.
    pub async fn stop_before_start(&self) -> Result<Option<RunEnd>, LoadError> {
        let Some(turn) = &self.turn else { return Ok(None) };
        if let Some(stop) = &turn.record.stop {
            return self.stop(stop.clone(), true).await.map(Some);
        }
        // A command has no such limit: running it again is a request to retry.
        if self.services.relay.is_some() && turn.record.starts_without_progress > MAX_STARTS {
            let reason = format!("The load was started {MAX_STARTS} times and made no progress.");
            let advice = format!("The function's log says why. When that is fixed, {}", self.redrive_advice());
            return self.end_early(Ending::Failed, Stopped { reason, advice }, true).await.map(Some);
        }
        Ok(None)
    }

    /// Returns the plan that an earlier run has kept: it is followed, never made again.
    async fn kept_plan(&self) -> Result<Option<Index>, LoadError> {
        let was = |state| self.turn.as_ref().is_some_and(|turn| turn.record.state == state);
        let Some(json) = self.services.store.read(&Names(&self.load).index()).await? else {
            // A run that died before it could keep the plan has written nothing. Otherwise the plan was deleted, and a
            // new one would differ from what has been written so far.
            let begun = was(State::Writing) && self.chunks_done().await? > 0;
            return if begun { Err(self.missing("plan.json")) } else { Ok(None) };
        };
        let plan = Index::decode(&json)?;
        tracing::info!(event = "plan_found", load = %self.load, chunks = plan.chunks.len(), made = %plan.made);
        self.check_table(&plan).await?;
        if was(State::Planning) {
            self.begin_writing(&plan).await?;
        }
        Ok(Some(plan))
    }

    async fn hand_over(&self, plan: &Index, writing: &Writing) -> Result<RunEnd, LoadError> {
        let (Some(turn), Some(relay)) = (&self.turn, &self.services.relay) else {
            return Err(LoadError::NoProgress(self.load.clone()));
        };
        if writing.outcomes.is_empty() && !writing.has_partial_chunks {
            return Err(LoadError::NoProgress(self.load.clone()));
        }
        if writing.has_partial_chunks {
            // No further chunk is complete, but some are partially written: that counts as progress.
            turn.ledger.checkpoint(turn.lease, writing.chunks_done as u32).await?;
        }
        turn.ledger.hand_over(turn.lease).await?;
        relay.ask_to_continue(&self.load).await?;
        let (chunks_done, chunks) = (writing.chunks_done as u32, plan.chunks.len() as u32);
        tracing::info!(event = "load_handed_over", load = %self.load, chunks_done, chunks);
        Ok(RunEnd::Continued { chunks_done, chunks })
    }

    /// Hands over an unfinished plan: the next run continues after the chunks that are kept.
    async fn hand_over_plan(&self) -> Result<RunEnd, LoadError> {
        let (Some(turn), Some(relay)) = (&self.turn, &self.services.relay) else {
            return Err(LoadError::NoProgress(self.load.clone()));
        };
        turn.ledger.progress(turn.lease).await?;
        turn.ledger.hand_over(turn.lease).await?;
        relay.ask_to_continue(&self.load).await?;
        tracing::info!(event = "planning_handed_over", load = %self.load);
        Ok(RunEnd::Continued { chunks_done: 0, chunks: 0 })
    }

    /// Ends a load that writes nothing: a dry run, or a load that is held.
    async fn end_unwritten(&self, plan: Index, seconds: Seconds) -> Result<RunEnd, LoadError> {
        let report = self.report_unwritten(plan, seconds).await?;
        self.end(report, None, None).await
    }
}
