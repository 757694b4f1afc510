//! Loads that end before they are done: superseded, cancelled, failed. What is in and what is not is told all the same.

use jiff::Timestamp;

use super::journey::Journey;
use super::{LoadError, Places, RunEnd, notice, telling};
use crate::ledger::{Announced, Ledger, State, Stop};
use inventory_base::decision::{Afterwards, Later};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::{count, sentence};
use inventory_check::plan::{CHUNKS_AT_ONCE, ChunkEntry, Index, Names};
use inventory_check::report::{Report, Seconds, Stopped};

/// A load is started so often without getting anywhere; then it has failed.
const STARTS_AT_MOST: u64 = 3;

/// With so many starts in a row that got no further, a load ends though it could not be told. Lambda sends an event three
/// times, and the first may have got somewhere: with one start more, the event would come to rest in the failure queue.
const STARTS_TO_TELL: u64 = 2;

/// Leaves the report of a load that never began, then ends it in the ledger. Should it have begun meanwhile, its own
/// report is the one that counts.
pub(super) async fn drop_unbegun(
    announced: Announced,
    report: Report,
    ledger: &Ledger,
    places: &Places,
) -> Result<RunEnd, LoadError> {
    telling::leave_unless_there(&report, Names(&announced.load), places).await?;
    // Nobody counts how often it is dropped, so a topic that is out of order does not keep it from that.
    let untold = notice::tell_end(&report, Names(&announced.load), places, false).await?;
    match ledger.drop_load(&announced, report.ending.name(), &report.summary).await? {
        true => {
            notice::measure(&report, places, untold, None);
            Ok(RunEnd::Ended(Box::new(report)))
        }
        false => Ok(RunEnd::Duplicate),
    }
}

/// Said of a newer version because of which this load ended.
pub(super) fn replaced(load: &LoadId) -> Later {
    Later { what: Afterwards::Replaced, load: load.clone(), by: None, at: Timestamp::now() }
}

impl Journey<'_> {
    /// What the ledger says against going on, before anything is done.
    pub(super) async fn stop_at_start(&self) -> Result<Option<RunEnd>, LoadError> {
        let Some(turn) = &self.turn else { return Ok(None) };
        if let Some(stop) = &turn.record.stop {
            return self.stop(stop.clone(), true).await.map(Some);
        }
        // Who types a command again wants it to be tried again.
        if self.places.relay.is_some() && turn.record.starts_without_progress > STARTS_AT_MOST {
            let reason = format!("The load was started {STARTS_AT_MOST} times and got nowhere each time.");
            let advice = format!("The function's log says why. When that is mended, {}", self.say_redrive());
            return self.end_early(Ending::Failed, Stopped { reason, advice }, true).await.map(Some);
        }
        Ok(None)
    }

    /// Stops where it is, because somebody asked for it. All that was under way has been answered, unless a run before
    /// this one died in the midst of some chunks.
    pub(super) async fn stop(&self, stop: Stop, torn: bool) -> Result<RunEnd, LoadError> {
        match (stop, &self.turn) {
            (Stop::GiveWay { to }, Some(turn)) => {
                turn.ledger.give_way(turn.lease, &turn.record.place).await?;
                Ok(RunEnd::Queued { load: self.load.clone(), behind: Some(to) })
            }
            (Stop::GiveWay { to: by } | Stop::Superseded { by }, _) => {
                let end = self.end_early(Ending::Superseded, Stopped::superseded(&by), torn).await?;
                telling::note_later(&by, replaced(&self.load), self.places).await;
                Ok(end)
            }
            (Stop::Cancelled { by }, _) => {
                self.end_early(Ending::Cancelled, Stopped::cancelled(&by, &self.load), torn).await
            }
        }
    }

    /// Ends with a fault that will not heal by itself.
    pub(super) async fn fail(&self, error: &LoadError) -> Result<RunEnd, LoadError> {
        tracing::error!(event = "load_failed", load = %self.load, error = %error);
        let reason = sentence(error);
        let advice = format!("When that is mended, {}", self.say_redrive());
        let stopped = Stopped { reason, advice };
        match error {
            // What the plan and the outcomes say was of the other table.
            LoadError::TableMadeAnew { .. } => self.end_unknown(Ending::Failed, stopped).await,
            _ => self.end_early(Ending::Failed, stopped, true).await,
        }
    }

    fn say_redrive(&self) -> String {
        format!("send the load again: inventory redrive {}", self.load)
    }

    /// `torn` where some chunks may have been written in part.
    pub(super) async fn end_early(
        &self,
        ending: Ending,
        mut stopped: Stopped,
        torn: bool,
    ) -> Result<RunEnd, LoadError> {
        let plan = match self.places.store.read(&Names(&self.load).index()).await? {
            Some(json) => Index::decode(&json).ok().filter(|plan| !plan.dry_run && plan.held.is_empty()),
            None => None,
        };
        let report = match plan {
            Some(plan) => match self.tell_written(plan, ending, &mut stopped, torn).await {
                Err(error) if !error.would_trying_again_help() => {
                    stopped.reason = format!("{} How much of it is in cannot be told: {error}.", stopped.reason);
                    let unknown = "Some rows may be in.".to_string();
                    Report::stopped(self.load.clone(), self.upload.clone(), ending, unknown, self.seconds())
                }
                told => told?,
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

    /// The end of a load that has written something, where nothing says any more what.
    async fn end_unknown(&self, ending: Ending, stopped: Stopped) -> Result<RunEnd, LoadError> {
        let unknown = "Some rows may be in; which ones cannot be told any more.".to_string();
        let report = Report::stopped(self.load.clone(), self.upload.clone(), ending, unknown, self.seconds());
        self.end(report.with_reason(stopped), None, None).await
    }

    /// What is in and what is not, by the plan and the outcomes that are kept.
    async fn tell_written(
        &self,
        plan: Index,
        ending: Ending,
        stopped: &mut Stopped,
        torn: bool,
    ) -> Result<Report, LoadError> {
        let mut tally = self.tell_plan(&plan).await?;
        let written = self.chunks_done().await?;
        for number in 0..written {
            tally.add_outcome(self.read_outcome(number).await?);
        }
        for entry in plan.in_writing_order().skip(written) {
            tally.leave_out(entry);
            if entry.undone > 0 {
                self.read_chunk(entry).await?.iter().for_each(|step| tally.leave_out_step(step));
            }
        }
        let torn = torn || self.has_parts(written).await?;
        let next: u64 = plan.in_writing_order().skip(written).take(CHUNKS_AT_ONCE).map(ChunkEntry::lines).sum();
        if torn && next > 0 && self.may_have_written() {
            let next = count(next);
            stopped.reason = format!(
                "{} A run was cut off while it wrote the next {next}: some of those may be in.",
                stopped.reason
            );
        }
        Ok(self.finish_report(plan, ending, tally, None, Seconds::default()))
    }

    /// Whether another run may tell what this one cannot. A topic that is out of order must not keep the table from all
    /// others, nor make a load fail that is done.
    pub(super) fn may_come_again(&self) -> bool {
        self.turn
            .as_ref()
            .is_none_or(|turn| turn.record.starts_without_progress < STARTS_TO_TELL && turn.record.outage.is_none())
    }

    fn may_have_written(&self) -> bool {
        self.turn.as_ref().is_none_or(|turn| turn.record.state == State::Writing)
    }
}
