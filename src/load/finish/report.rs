//! Makes the report of a load from its plan and its outcomes.

use crate::load::error::LoadError;
use crate::load::job::Job;
use crate::load::kept::Writing;
use inventory_base::ending::Ending;
use inventory_base::message::Refusal;
use inventory_check::plan::{ChunkKind, Estimate, Index, MissingItem, PlanRow};
use inventory_check::report::{LoadResult, ReadBack, Report, Seconds, Tally, UndoPossible};

impl Job<'_> {
    pub async fn report_unwritten(&self, plan: Index, seconds: Seconds) -> Result<Report, LoadError> {
        let ending = if plan.dry_run { Ending::DryRun } else { Ending::Held };
        let mut tally = self.tally_plan(&plan).await?;
        if ending == Ending::Held {
            tally.hold();
        }
        Ok(self.finish_report(plan, ending, tally, None, seconds))
    }

    pub async fn make_report(
        &self,
        plan: Index,
        writing: Writing,
        read_back: Option<(ReadBack, f64)>,
        seconds: Seconds,
    ) -> Result<Report, LoadError> {
        let mut tally = self.tally_plan(&plan).await?;
        let first_of_ours = writing.outcomes.first().map_or(plan.chunks.len(), |(number, _)| *number);
        for number in 0..first_of_ours {
            tally.add_outcome(self.read_outcome(number).await?);
        }
        for (_, outcome) in writing.outcomes {
            tally.add_outcome(outcome);
        }
        let read_back = read_back.map(|(read_back, units)| {
            tally.add_read_units(units);
            read_back
        });
        Ok(self.finish_report(plan, Ending::Done, tally, read_back, seconds))
    }

    /// Adds up the rows of the plan, with those that the report lists.
    pub async fn tally_plan(&self, plan: &Index) -> Result<Tally, LoadError> {
        let mut tally = Tally::with_counts(plan.counts.clone(), plan.kinds.clone());
        tally.set_undone(plan.undone.clone());
        tally.add_read_units(plan.read_units);
        tally.count_missing(plan.missing, plan.schema.sync.as_ref().map(|sync| sync.missing));
        for entry in &plan.chunks {
            match entry.kind {
                _ if !tally.wants(entry) => tally.count_problems(entry.problems),
                ChunkKind::Missing(_) => {
                    for item in self.read_chunk::<MissingItem>(entry).await? {
                        tally.list_missing(&item, &plan.schema);
                    }
                }
                ChunkKind::Rows | ChunkKind::Undo(_) => {
                    for row in self.read_chunk::<PlanRow>(entry).await? {
                        tally.list_row(row, &plan.schema);
                    }
                }
            }
        }
        Ok(tally)
    }

    pub fn finish_report(
        &self,
        plan: Index,
        ending: Ending,
        tally: Tally,
        read_back: Option<ReadBack>,
        mut seconds: Seconds,
    ) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        let units = tally.units();
        // Comparing and writing, as in the estimate. After a hand-over a run knows only its own part, so there is none.
        let took = (seconds.plan > 0.0 && seconds.write > 0.0).then_some(seconds.plan + seconds.write);
        let taken = Estimate {
            seconds: took,
            ..Estimate::of(units.write, units.read, &plan.schema.price, plan.table.capacity)
        };
        let capacity = plan.table.capacity.map(|capacity| capacity.write as f64);
        let ceiling = self.services.table.write_ceiling().into_iter().chain(capacity).reduce(f64::min);
        let undo = self.undo_possible(&plan, ending, units.write);
        Report::of_plan(plan, LoadResult { ending, tally, read_back, taken, seconds, ceiling, undo })
    }

    /// Returns until when the load can be undone: while its plan, which has the values before it, is kept.
    fn undo_possible(&self, plan: &Index, ending: Ending, written: f64) -> Option<UndoPossible> {
        let until = self.settings.kept_for.and_then(|kept| plan.made.checked_add(kept).ok());
        let is_written = written > 0.0 && !matches!(ending, Ending::DryRun | Ending::Held);
        (plan.compared && is_written).then_some(UndoPossible { until })
    }

    /// Adds the load that this one follows, and what has happened to it since: older versions that ended because of it.
    pub async fn with_links(&self, report: Report) -> Report {
        let Some(turn) = &self.turn else { return report };
        // If the ledger cannot be read now, the record of the turn has to do; the ledger keeps the rest.
        let record = turn.ledger.read(&self.load).await.ok().flatten();
        let record = record.as_ref().unwrap_or(turn.record);
        let mut report = Report { again: record.again.clone(), ..report };
        for later in &record.later {
            report.add_later(later.clone());
        }
        report
    }

    pub fn refused(&self, refusal: Refusal, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::refused(Some(self.load.clone()), self.upload.clone(), refusal, seconds)
    }

    pub fn removed(&self, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::removed(self.load.clone(), self.upload.clone(), seconds)
    }
}
