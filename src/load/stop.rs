//! Ends a load before it is done: superseded, cancelled or failed. The report still says which rows are in.

use crate::ledger::{State, Stop};
use crate::load::error::LoadError;
use crate::load::finish::keep::note_follow_up;
use crate::load::finish::unstarted::replaced;
use crate::load::job::{Job, RunEnd};
use inventory_base::ending::Ending;
use inventory_base::message::{count, sentence};
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, ChunkKind, Index, Names};
use inventory_check::report::{Report, Seconds, Stopped};

impl Job<'_> {
    /// Stops the load as requested. No request is in flight then, unless an earlier run died while it wrote some
    /// chunks.
    pub async fn stop(&self, stop: Stop, maybe_partial: bool) -> Result<RunEnd, LoadError> {
        match (stop, &self.turn) {
            (Stop::GiveWay { to }, Some(turn)) => {
                turn.ledger.give_way(turn.lease, &turn.record.position).await?;
                Ok(RunEnd::Queued { load: self.load.clone(), behind: Some(to) })
            }
            (Stop::GiveWay { to: by } | Stop::Superseded { by }, _) => {
                let end = self.end_early(Ending::Superseded, Stopped::superseded(&by), maybe_partial).await?;
                note_follow_up(&by, replaced(&self.load), self.services).await;
                Ok(end)
            }
            (Stop::Cancelled { by }, _) => {
                self.end_early(Ending::Cancelled, Stopped::cancelled(&by, &self.load), maybe_partial).await
            }
        }
    }

    /// Ends the load with an error that retrying cannot fix.
    pub async fn fail(&self, error: &LoadError) -> Result<RunEnd, LoadError> {
        tracing::error!(event = "load_failed", load = %self.load, error = %error);
        let reason = sentence(error);
        let advice = format!("When that is fixed, {}", self.redrive_advice());
        let stopped = Stopped { reason, advice };
        match error {
            // The plan and the outcomes are about the table that was deleted.
            LoadError::TableRecreated { .. } => self.end_unknown(Ending::Failed, stopped).await,
            _ => self.end_early(Ending::Failed, stopped, true).await,
        }
    }

    pub fn redrive_advice(&self) -> String {
        format!("reload it: inventory redrive {}", self.load)
    }

    /// Ends the load with a report of what is written; with `maybe_partial`, some chunks may be partially written.
    pub async fn end_early(
        &self,
        ending: Ending,
        mut stopped: Stopped,
        maybe_partial: bool,
    ) -> Result<RunEnd, LoadError> {
        let plan = match self.services.store.read(&Names(&self.load).index()).await? {
            Some(json) => Index::decode(&json).ok().filter(|plan| !plan.dry_run && plan.held.is_empty()),
            None => None,
        };
        let report = match plan {
            Some(plan) => match self.report_written(plan, ending, &mut stopped, maybe_partial).await {
                Err(error) if !error.is_retryable() => {
                    stopped.reason = format!("{} How much was loaded is not known: {error}.", stopped.reason);
                    let unknown = "Some rows may have been loaded.".to_string();
                    Report::stopped(self.load.clone(), self.upload.clone(), ending, unknown, self.seconds())
                }
                report => report?,
            },
            None if self.turn.as_ref().is_some_and(|turn| turn.record.chunks_done > 0) => {
                return self.end_unknown(ending, stopped).await;
            }
            None => {
                let nothing = "Nothing was changed.".to_string();
                Report::stopped(self.load.clone(), self.upload.clone(), ending, nothing, self.seconds())
            }
        };
        self.end(report.with_reason(stopped), None, None).await
    }

    /// Ends a load that has written something when its plan or its outcomes are lost.
    async fn end_unknown(&self, ending: Ending, stopped: Stopped) -> Result<RunEnd, LoadError> {
        let unknown = "Some rows may have been loaded; which ones is no longer known.".to_string();
        let report = Report::stopped(self.load.clone(), self.upload.clone(), ending, unknown, self.seconds());
        self.end(report.with_reason(stopped), None, None).await
    }

    /// Makes the report of what was loaded and what was not, from the plan and the outcomes that are kept.
    async fn report_written(
        &self,
        plan: Index,
        ending: Ending,
        stopped: &mut Stopped,
        maybe_partial: bool,
    ) -> Result<Report, LoadError> {
        let mut tally = self.tally_plan(&plan).await?;
        let written = self.chunks_done().await?;
        for number in 0..written {
            tally.add_outcome(self.read_outcome(number).await?);
        }
        for entry in plan.in_writing_order().skip(written) {
            tally.mark_not_written(entry);
            if let ChunkKind::Undo(_) = entry.kind {
                self.read_chunk(entry).await?.iter().for_each(|step| tally.mark_not_reached(step));
            }
        }
        let maybe_partial = maybe_partial || self.has_partial_chunks(written).await?;
        let next: u64 = plan.in_writing_order().skip(written).take(CHUNKS_AT_ONCE).map(ChunkEntry::lines).sum();
        if maybe_partial && next > 0 && self.may_have_written() {
            let next = count(next);
            stopped.reason = format!(
                "{} A run was interrupted while it wrote the next {next}: some of those may have been loaded.",
                stopped.reason
            );
        }
        Ok(self.finish_report(plan, ending, tally, None, Seconds::default()))
    }

    fn may_have_written(&self) -> bool {
        self.turn.as_ref().is_none_or(|turn| turn.record.state == State::Writing)
    }
}
