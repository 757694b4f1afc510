//! Ends a load: keeps the report, sends the notices, then writes the ledger.

use crate::load::finish::keep::keep_report;
use crate::load::finish::notify::measure;

use crate::load::error::LoadError;
use crate::load::finish::keep::note_follow_up;
use crate::load::finish::to_fix::ToFixTask;
use crate::load::job::{Job, RunEnd};
use inventory_base::decision::{FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_check::plan::{Fate, Index, LastLoad, Names};
use inventory_check::report::Report;

impl Job<'_> {
    /// Keeps the report and notifies people, then writes the ledger: after a run that was killed in between, the next
    /// one repeats all of it.
    pub async fn end(
        &self,
        report: Report,
        loaded: Option<LastLoad>,
        to_fix: Option<ToFixTask>,
    ) -> Result<RunEnd, LoadError> {
        let scratch = &self.settings.reader.scratch;
        let report = self.with_links(report).await;
        let report = keep_report(report, to_fix, Names(&self.load), self.services, scratch).await?;
        let failed_notifications = self.notify_end(&report).await?;
        if let Some(turn) = &self.turn {
            let summary = serde_json::json!({
                "summary": report.summary, "rows": report.rows, "units": report.units, "seconds": report.seconds,
                "report": Names(&self.load).report(), "fixes": report.fixes,
            });
            let ending = report.ending;
            turn.ledger.end(turn.lease, &report.upload.key, ending, summary, loaded.as_ref()).await?;
        }
        if let (Some(undo), Ending::Done) = (&self.undo, report.ending) {
            let (what, load, by) = (FollowUpKind::Undone, self.load.clone(), Some(undo.by.clone()));
            note_follow_up(&undo.load, FollowUp { what, load, by, at: report.finished }, self.services).await;
        }
        let of = |fate| report.rows.fates.get(&fate).copied().unwrap_or_default();
        let held: Vec<&str> = report.held.iter().map(|held| held.gate.name()).collect();
        tracing::info!(
            event = "load_finished",
            load = %self.load,
            ending = report.ending.name(),
            refusal = report.refusal.as_ref().map(|refusal| refusal.rule.id()),
            held = held.join(","),
            rows = report.rows.total,
            new = of(Fate::New),
            changed = of(Fate::Changed),
            unchanged = of(Fate::Unchanged),
            written = of(Fate::Written),
            kept = of(Fate::Kept),
            rejected = of(Fate::Rejected),
            duplicate = of(Fate::Duplicate),
            skipped = of(Fate::Skipped),
            not_written = of(Fate::NotWritten),
            missing = report.missing.total,
            undoes = report.undone.as_ref().map(|undone| undone.load.as_str()),
            problems = report.problems_total,
            write_units = report.units.write,
            read_units = report.units.read,
            seconds = report.seconds.total,
        );
        measure(&report, self.services, failed_notifications, self.reader_memory.get().copied());
        Ok(RunEnd::Ended(Box::new(report)))
    }
}

/// Returns the figures that the next load is compared with; `None` for an undo and for a workbook of fixed rows, which
/// are not full sheets.
pub fn last_load(plan: &Index) -> Option<LastLoad> {
    (plan.undone.is_none() && plan.file.fixes.is_none()).then(|| LastLoad {
        load: plan.load.clone(),
        items: plan.counts.items() + plan.counts.of(Fate::Kept),
        per_scope: plan.per_scope.clone(),
    })
}
