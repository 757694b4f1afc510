//! The journey of one load, in the order of the street: the plan, the table, the report.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::mending::Mending;
use super::planning::Planned;
use super::writing::Writing;
use super::{LoadError, Places, Rules, Run, RunEnd, notice, telling};
use crate::ledger::{Lease, Ledger, LedgerError, LoadRecord, State};
use inventory_base::decision::{Afterwards, Later, Undo};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::Refusal;
use inventory_base::upload::Upload;
use inventory_check::plan::{
    self, ChunkEntry, ChunkOutcome, Estimate, Fate, Gate, Index, LastLoad, MissingItem, Names, PlanRow,
};
use inventory_check::report::{ReadBack, Report, Seconds, Tally, UndoPossible, Went};

/// The turn this run has, where there is a ledger.
pub(super) struct MyTurn<'a> {
    pub ledger: &'a Ledger,
    pub lease: &'a Lease,
    pub record: &'a LoadRecord,
}

pub(super) struct Journey<'a> {
    pub load: LoadId,
    pub upload: Upload,
    /// Where it takes back what another load wrote.
    pub undo: Option<Undo>,
    pub turn: Option<MyTurn<'a>>,
    pub places: &'a Places,
    pub rules: &'a Rules,
    pub run: &'a Run<'a>,
    /// The plan is made, and nothing is written.
    pub dry_run: bool,
    /// Gates that somebody has approved.
    pub waived: BTreeSet<Gate>,
    pub started: Instant,
    /// When this run is to leave off, so that it can end well.
    pub leaves_off_at: Option<Instant>,
    pub table_checked: Mutex<Option<Instant>>,
    /// The most memory that reading the file took, in bytes, where this run has read it.
    pub reader_memory: OnceLock<u64>,
}

impl<'a> Journey<'a> {
    pub fn new(
        load: LoadId,
        upload: Upload,
        turn: Option<MyTurn<'a>>,
        places: &'a Places,
        rules: &'a Rules,
        run: &'a Run<'a>,
    ) -> Journey<'a> {
        let dry_run = run.dry_run || upload.is_dry_run();
        let waived = run.waived.clone();
        let leaves_off_at = run.time_left().map(|left| Instant::now() + (left - rules.margin(left)));
        Journey {
            load,
            upload,
            undo: None,
            turn,
            places,
            rules,
            run,
            dry_run,
            waived,
            started: Instant::now(),
            leaves_off_at,
            table_checked: Mutex::new(None),
            reader_memory: OnceLock::new(),
        }
    }
}

impl Journey<'_> {
    pub async fn travel(&self) -> Result<RunEnd, LoadError> {
        if let Some(end) = self.stop_at_start().await? {
            return Ok(end);
        }
        match self.walk().await {
            Err(LoadError::Ledger(LedgerError::Stopped { stop, .. })) => self.stop(stop, false).await,
            Err(LoadError::PlanGoesOn) => self.hand_over_planning().await,
            end => end,
        }
    }

    async fn walk(&self) -> Result<RunEnd, LoadError> {
        let mut seconds = Seconds::default();
        let plan = match self.kept_plan().await? {
            // A trial writes nothing, whatever was begun under its name.
            Some(mut plan) => {
                plan.dry_run |= self.dry_run;
                plan
            }
            None => match self.make_plan(&mut seconds).await? {
                Planned::Plan(plan) => *plan,
                Planned::Nothing(report) => return self.end(*report, None, None).await,
            },
        };
        if plan.dry_run || !plan.held.is_empty() {
            return self.end_unwritten(plan, seconds).await;
        }
        let mending = Mending::begin(&plan, &self.places.store, &self.rules.reader.scratch);
        let writing = self.write(&plan, &mut seconds).await?;
        if writing.chunks_done < plan.chunks.len() {
            return self.hand_over(&plan, &writing).await;
        }
        self.check_table(&plan).await?;
        let read_back = self.read_back(&plan, &mut seconds).await?;
        let items = last_load(&plan);
        let report = self.make_report(plan, writing, read_back, seconds).await?;
        self.end(report, items, mending).await
    }

    /// A plan that was kept before is followed, never made again.
    async fn kept_plan(&self) -> Result<Option<Index>, LoadError> {
        let was = |state| self.turn.as_ref().is_some_and(|turn| turn.record.state == state);
        let Some(json) = self.places.store.read(&Names(&self.load).index()).await? else {
            // A run that died before it could keep the plan has written nothing. Otherwise somebody has deleted it, and a
            // new one would not be what was written until now.
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

    /// The ledger hears that this is what will be written. It is asked before the plan is kept, so that a load which is
    /// to stop or to give way does so, and leaves no plan that others would follow.
    pub(super) async fn begin_writing(&self, plan: &Index) -> Result<(), LoadError> {
        match &self.turn {
            Some(turn) if !plan.dry_run && plan.held.is_empty() => {
                Ok(turn.ledger.planned(turn.lease, turn.record, plan.chunks.len() as u32).await?)
            }
            _ => Ok(()),
        }
    }

    /// The same, for a run that is under way; asked again only when some time has passed.
    pub(super) async fn check_table_again(&self, plan: &Index) -> Result<(), LoadError> {
        const EVERY: Duration = Duration::from_secs(1);
        let is_due = self.table_checked.lock().is_ok_and(|mut checked| {
            let is_due = checked.is_none_or(|checked| checked.elapsed() >= EVERY);
            if is_due {
                *checked = Some(Instant::now());
            }
            is_due
        });
        if is_due { self.check_table(plan).await } else { Ok(()) }
    }

    /// A plan is for one table: for no other, nor for a new one of the same name.
    async fn check_table(&self, plan: &Index) -> Result<(), LoadError> {
        let (load, planned, ours) = (self.load.clone(), &plan.table.table, self.places.table.name());
        if planned != ours {
            return Err(LoadError::OtherTable { load, planned: planned.clone(), ours: ours.to_string() });
        }
        let is_new = plan.table.is_another(&self.places.table.describe().await?);
        if is_new { Err(LoadError::TableMadeAnew { load, table: ours.to_string() }) } else { Ok(()) }
    }

    /// From when on this run sends nothing more, because another one can go on.
    pub(super) fn leave_off(&self) -> Option<Instant> {
        self.turn.as_ref().and(self.places.relay.as_ref()).and(self.leaves_off_at)
    }

    pub(super) fn is_late(&self) -> bool {
        self.leave_off().is_some_and(|leave_off| Instant::now() >= leave_off)
    }

    /// A run that was frozen and thaws may have lost its turn without having noticed.
    pub(super) fn check_turn(&self) -> Result<(), LedgerError> {
        match &self.turn {
            Some(MyTurn { lease, .. }) if !lease.is_live() => {
                Err(LedgerError::TurnLost { load: lease.load.clone(), table: lease.table.clone(), epoch: lease.epoch })
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn read_chunk<T: DeserializeOwned>(&self, entry: &ChunkEntry) -> Result<Vec<T>, LoadError> {
        Ok(plan::decode(&entry.name, &self.read_packed(entry).await?)?)
    }

    pub(super) async fn read_packed(&self, entry: &ChunkEntry) -> Result<Vec<u8>, LoadError> {
        let packed = self.places.store.read(&Names(&self.load).chunk(entry)).await?;
        packed.ok_or_else(|| self.missing(&entry.name))
    }

    pub(super) async fn read_outcome(&self, number: usize) -> Result<ChunkOutcome, LoadError> {
        let name = Names(&self.load).outcome(number);
        let json = self.places.store.read(&name).await?.ok_or_else(|| self.missing(&name))?;
        Ok(serde_json::from_slice(&json)?)
    }

    async fn hand_over(&self, plan: &Index, writing: &Writing) -> Result<RunEnd, LoadError> {
        let (Some(turn), Some(relay)) = (&self.turn, &self.places.relay) else {
            return Err(LoadError::NoHeadway(self.load.clone()));
        };
        if writing.outcomes.is_empty() && !writing.has_parts {
            return Err(LoadError::NoHeadway(self.load.clone()));
        }
        if writing.has_parts {
            // Not one more chunk is in, and all the same it came further.
            turn.ledger.checkpoint(turn.lease, writing.chunks_done as u32).await?;
        }
        turn.ledger.hand_over(turn.lease).await?;
        relay.ask_to_continue(&self.load).await?;
        let (chunks_done, chunks) = (writing.chunks_done as u32, plan.chunks.len() as u32);
        tracing::info!(event = "load_handed_over", load = %self.load, chunks_done, chunks);
        Ok(RunEnd::Continued { chunks_done, chunks })
    }

    /// Chunks of the plan are kept, and there are more to come: the next run goes on after them.
    async fn hand_over_planning(&self) -> Result<RunEnd, LoadError> {
        let (Some(turn), Some(relay)) = (&self.turn, &self.places.relay) else {
            return Err(LoadError::NoHeadway(self.load.clone()));
        };
        turn.ledger.progress(turn.lease).await?;
        turn.ledger.hand_over(turn.lease).await?;
        relay.ask_to_continue(&self.load).await?;
        tracing::info!(event = "planning_handed_over", load = %self.load);
        Ok(RunEnd::Continued { chunks_done: 0, chunks: 0 })
    }

    /// The end of a load of which nothing is written: a trial, or one that waits for somebody to approve it.
    async fn end_unwritten(&self, plan: Index, seconds: Seconds) -> Result<RunEnd, LoadError> {
        let report = self.tell_unwritten(plan, seconds).await?;
        self.end(report, None, None).await
    }

    pub(super) async fn tell_unwritten(&self, plan: Index, seconds: Seconds) -> Result<Report, LoadError> {
        let ending = if plan.dry_run { Ending::DryRun } else { Ending::Held };
        let mut tally = self.tell_plan(&plan).await?;
        if ending == Ending::Held {
            tally.hold();
        }
        Ok(self.finish_report(plan, ending, tally, None, seconds))
    }

    async fn make_report(
        &self,
        plan: Index,
        writing: Writing,
        read_back: Option<(ReadBack, f64)>,
        seconds: Seconds,
    ) -> Result<Report, LoadError> {
        let mut tally = self.tell_plan(&plan).await?;
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

    /// What the plan says of its rows, as far as a report tells it.
    pub(super) async fn tell_plan(&self, plan: &Index) -> Result<Tally, LoadError> {
        let mut tally = Tally::with_counts(plan.counts.clone(), plan.kinds.clone());
        tally.tell_undo(plan.undone.clone());
        tally.add_read_units(plan.read_units);
        tally.count_missing(plan.missing, plan.schema.sync.as_ref().map(|sync| sync.missing));
        for entry in &plan.chunks {
            if !tally.wants(entry) {
                tally.count_problems(entry.problems);
            } else if entry.missing > 0 {
                for item in self.read_chunk::<MissingItem>(entry).await? {
                    tally.tell_missing(&item, &plan.schema);
                }
            } else {
                for row in self.read_chunk::<PlanRow>(entry).await? {
                    tally.tell(row, &plan.schema);
                }
            }
        }
        Ok(tally)
    }

    pub(super) fn finish_report(
        &self,
        plan: Index,
        ending: Ending,
        tally: Tally,
        read_back: Option<ReadBack>,
        mut seconds: Seconds,
    ) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        let units = tally.units();
        // As the estimate has it: comparing and writing. Of a load that went on, one run knows only its own part.
        let took = (seconds.plan > 0.0 && seconds.write > 0.0).then_some(seconds.plan + seconds.write);
        let taken = Estimate {
            seconds: took,
            ..Estimate::of(units.write, units.read, &plan.schema.price, plan.table.capacity)
        };
        let capacity = plan.table.capacity.map(|capacity| capacity.write as f64);
        let ceiling = self.places.table.write_ceiling().into_iter().chain(capacity).reduce(f64::min);
        let undo = self.undo_possible(&plan, ending, units.write);
        Report::of_plan(plan, Went { ending, tally, read_back, taken, seconds, ceiling, undo })
    }

    /// What was written can be taken back while the plan, which knows what was there before, is kept.
    fn undo_possible(&self, plan: &Index, ending: Ending, written: f64) -> Option<UndoPossible> {
        let until = self.rules.kept_for.and_then(|kept| plan.made.checked_add(kept).ok());
        let is_written = written > 0.0 && !matches!(ending, Ending::DryRun | Ending::Held);
        (plan.compared && is_written).then_some(UndoPossible { until })
    }

    /// Leaves the report and tells people, then the ledger: a run killed in between does it once more.
    pub(super) async fn end(
        &self,
        report: Report,
        loaded: Option<LastLoad>,
        mending: Option<Mending>,
    ) -> Result<RunEnd, LoadError> {
        let scratch = &self.rules.reader.scratch;
        let report = self.with_links(report).await;
        let report = telling::leave(report, mending, Names(&self.load), self.places, scratch).await?;
        let untold = self.tell_end(&report).await?;
        if let Some(turn) = &self.turn {
            let summary = serde_json::json!({
                "summary": report.summary, "rows": report.rows, "units": report.units, "seconds": report.seconds,
                "report": Names(&self.load).report(), "mends": report.mends,
            });
            let ending = report.ending.name();
            turn.ledger.end(turn.lease, &report.upload.key, ending, summary, loaded.as_ref()).await?;
        }
        if let (Some(undo), Ending::Done) = (&self.undo, report.ending) {
            let (what, load, by) = (Afterwards::Undone, self.load.clone(), Some(undo.by.clone()));
            telling::note_later(&undo.load, Later { what, load, by, at: report.finished }, self.places).await;
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
        notice::measure(&report, self.places, untold, self.reader_memory.get().copied());
        Ok(RunEnd::Ended(Box::new(report)))
    }

    /// With the loads that it follows, and those of older versions that ended because of it.
    async fn with_links(&self, report: Report) -> Report {
        let Some(turn) = &self.turn else { return report };
        // What is not known for the moment is in the ledger all the same.
        let record = turn.ledger.read(&self.load).await.ok().flatten();
        let record = record.as_ref().unwrap_or(turn.record);
        let mut report = Report { again: record.again.clone(), ..report };
        for later in &record.later {
            report.add_later(later.clone());
        }
        report
    }

    pub(super) fn seconds(&self) -> Seconds {
        Seconds { total: self.started.elapsed().as_secs_f64(), ..Seconds::default() }
    }

    pub(super) fn refused(&self, refusal: Refusal, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::refused(Some(self.load.clone()), self.upload.clone(), refusal, seconds)
    }

    pub(super) fn removed(&self, mut seconds: Seconds) -> Report {
        seconds.total = self.started.elapsed().as_secs_f64();
        Report::removed(self.load.clone(), self.upload.clone(), seconds)
    }

    pub(super) fn missing(&self, part: &str) -> LoadError {
        LoadError::PlanIncomplete { load: self.load.clone(), part: part.to_string() }
    }
}

/// What the next load into the table is compared with; an undo is no sheet to compare with, nor are rows that were mended.
fn last_load(plan: &Index) -> Option<LastLoad> {
    (plan.undone.is_none() && plan.file.mends.is_none()).then(|| LastLoad {
        load: plan.load.clone(),
        items: plan.counts.items() + plan.counts.of(Fate::Kept),
        per_scope: plan.per_scope.clone(),
    })
}
