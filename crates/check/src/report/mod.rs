//! The report of a load for people and programs, made from the plan and the outcomes alone.

mod advice;
mod columns;
mod kinds;
mod page;
mod places;
mod rate;
mod summary;
mod sums;
mod tally;
mod tone;
mod undone;
mod values;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{
    ChangedRow, ControlTotals, Counts, Difference, Estimate, Fate, Index, Kinds, Tripped, UndoFate, Undone,
};
use inventory_base::decision::{Decision, FollowUp, FollowUpKind};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Refusal};
use inventory_base::upload::Upload;
use inventory_rules::judge::{FileRead, SheetRead};
use inventory_rules::schema::Missing;
use summary::{Facts, summarise};
use undone::summarise_undo;

pub use page::{latest_page, page};
pub use rate::Rate;
pub use tally::{CHANGES_LISTED, MissingItems, PROBLEMS_LISTED, SkippedRow, Tally};
pub use tone::Tone;
pub use undone::UndoAnswer;
pub use words::{one_line, words};

/// The version of the format of `report.json`; `docs/report.md` describes it.
const VERSION: u32 = 1;
/// The typical size of a problem in `report.json`.
const PROBLEM_BYTES: usize = 450;

const IN_TABLE: [Fate; 6] = [Fate::New, Fate::Changed, Fate::Unchanged, Fate::Written, Fate::Accepted, Fate::Kept];
const LEFT_OUT: [Fate; 3] = [Fate::Rejected, Fate::Duplicate, Fate::NotWritten];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// `None` if the file was only checked.
    pub load: Option<LoadId>,
    pub upload: Upload,
    /// The load whose rows the file fixes.
    #[serde(alias = "mends", default, skip_serializing_if = "Option::is_none")]
    pub fixes: Option<LoadId>,
    pub table: Option<String>,
    pub ending: Ending,
    /// Whether it is good news.
    #[serde(default)]
    pub tone: Tone,
    /// The answer in a sentence or two: is my stock right now?
    pub summary: String,
    pub rows: RowCounts,
    pub sheets: Vec<SheetRead>,
    pub refusal: Option<Refusal>,
    /// Why the load ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// Why the load waits for approval.
    pub held: Vec<Tripped>,
    /// The problems in the order of the rows, at most `PROBLEMS_LISTED`.
    pub problems: Vec<Problem>,
    pub problems_total: u64,
    /// All problems, counted by rule and column.
    #[serde(default)]
    pub kinds: Kinds,
    /// The workbook of rows to fix, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_fix: Option<ToFix>,
    /// The biggest changes, the biggest first.
    #[serde(default)]
    pub biggest: Vec<ChangedRow>,
    /// Rows that change an existing item: the first `CHANGES_LISTED`, in the order of the rows.
    pub changed: Vec<ChangedRow>,
    pub missing: MissingItems,
    /// Set if this is an undo: which load was undone, by whom, and what happened to its items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// Rows skipped as titles, totals and notes, with their text: the first hundred.
    pub skipped: Vec<SkippedRow>,
    /// Notes on things worth knowing that kept no row from being loaded.
    pub notes: Vec<Note>,
    pub totals: Totals,
    /// What the load was expected to take; `None` if no table was read.
    pub estimate: Option<Estimate>,
    /// What the load actually took.
    pub taken: Option<Estimate>,
    pub units: Units,
    /// `None` if writing took no longer than a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    pub seconds: Seconds,
    /// `None` if there is nothing to undo, or it can't be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPossible>,
    /// Set if this load repeats an earlier one: which, who decided that, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Decision>,
    /// What happened to the load after its end; the summary starts with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<FollowUp>,
    pub finished: Timestamp,
}

/// Why a load ended early, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub reason: String,
    pub advice: String,
}

impl Stopped {
    pub fn superseded(by: &LoadId) -> Stopped {
        Stopped {
            reason: "A newer version of the file was uploaded, so this one was stopped.".to_string(),
            advice: format!("See the report of load {by}."),
        }
    }

    pub fn cancelled(by: &str, load: &LoadId) -> Stopped {
        Stopped {
            reason: format!("The load was cancelled by {by}."),
            advice: format!("To load the file anyway: inventory redrive {load}"),
        }
    }
}

/// The workbook of rows to fix: where it is, and how many of these rows it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToFix {
    pub place: String,
    pub rows: u64,
    pub of: u64,
}

/// Present if the load can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoPossible {
    /// When the plan will be deleted; `None` if it won't be.
    pub until: Option<Timestamp>,
}

/// The control totals, the sums a stock keeper knows her sheet by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// The totals of the rows that are loaded.
    pub sheet: ControlTotals,
    /// How they compare with the table after the load.
    pub read_back: Option<ReadBack>,
}

/// The result of reading the items of the load back from the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadBack {
    /// The number of items that were read back, of all that were loaded: a large load is sampled.
    pub items: u64,
    pub of: u64,
    /// Where the table differs from what was loaded; it may have been changed since.
    pub differences: Vec<Difference>,
}

/// The number of rows of each fate. Every fate is present, even with zero, so that programs need no special case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    pub total: u64,
    #[serde(flatten)]
    pub fates: BTreeMap<Fate, u64>,
}

impl From<&Counts> for RowCounts {
    fn from(counts: &Counts) -> RowCounts {
        RowCounts { total: counts.total(), fates: Fate::ALL.map(|fate| (fate, counts.of(fate))).into() }
    }
}

impl RowCounts {
    fn of_all(&self, fates: &[Fate]) -> u64 {
        fates.iter().filter_map(|fate| self.fates.get(fate)).sum()
    }

    /// The number of rows whose item is in the table; in a dry run or a check, would be.
    pub fn in_table(&self) -> u64 {
        self.of_all(&IN_TABLE)
    }

    /// The number of rows that need attention.
    pub fn left_out(&self) -> u64 {
        self.of_all(&LEFT_OUT)
    }
}

/// The capacity that the load consumed, as reported by the table, and the number of requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    pub write: f64,
    pub read: f64,
    pub requests: u64,
    pub tried_again: u64,
}

/// How long each stage took, in the run that finished the load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    pub fetch: f64,
    pub read: f64,
    pub plan: f64,
    pub write: f64,
    pub read_back: f64,
    pub total: f64,
}

/// The result of a planned load.
pub struct LoadResult {
    pub ending: Ending,
    pub tally: Tally,
    pub read_back: Option<ReadBack>,
    pub taken: Estimate,
    pub seconds: Seconds,
    /// The limit in write units per second.
    pub ceiling: Option<f64>,
    pub undo: Option<UndoPossible>,
}

impl Report {
    /// Makes the report of a file that was only checked.
    pub fn of_check(upload: Upload, file: FileRead, tally: Tally, seconds: Seconds) -> Report {
        let only_checked = true;
        let report = Report::without_rows(None, upload, Ending::DryRun, String::new(), seconds);
        let FileRead { sheets, notes, fixes, unremarked_rows, document } = file;
        let held = document.iter().map(|document| Tripped::by_document(document, None)).collect();
        Report { sheets, notes, fixes, held, ..report }.with(tally, only_checked, unremarked_rows)
    }

    /// Makes the report of a load that has a plan.
    pub fn of_plan(plan: Index, went: LoadResult) -> Report {
        let LoadResult { ending, tally, read_back, taken, seconds, ceiling, undo } = went;
        let report = Report::without_rows(Some(plan.load), plan.upload, ending, String::new(), seconds);
        Report {
            table: Some(plan.table.table),
            fixes: plan.file.fixes,
            sheets: plan.file.sheets,
            held: plan.held,
            biggest: plan.biggest,
            rate: tally.spans.rate(ceiling),
            undo,
            notes: plan.file.notes,
            totals: Totals { sheet: plan.totals, read_back },
            estimate: Some(plan.estimate),
            taken: Some(taken),
            ..report
        }
        .with(tally, false, plan.file.unremarked_rows)
    }

    fn with(mut self, tally: Tally, only_checked: bool, unremarked: u64) -> Report {
        // The most important first.
        self.notes.sort_by_key(|note| std::cmp::Reverse(note.rule.weight()));
        let facts = Facts {
            ending: self.ending,
            counts: &tally.counts,
            missing: &tally.missing,
            held: &self.held,
            notes: &self.notes,
            differs: self.differs(),
            only_checked,
            unremarked,
        };
        let report = Report {
            summary: match &tally.undone {
                Some(undone) => summarise_undo(undone, self.ending),
                None => summarise(&facts),
            },
            rows: RowCounts::from(&tally.counts),
            problems: tally.problems,
            problems_total: tally.problems_total,
            kinds: tally.kinds,
            changed: tally.changed,
            missing: tally.missing,
            undone: tally.undone,
            skipped: tally.skipped,
            units: tally.units,
            ..self
        };
        Report { tone: Tone::of(&report), ..report }
    }

    pub fn refused(load: Option<LoadId>, upload: Upload, refusal: Refusal, seconds: Seconds) -> Report {
        let summary = format!("{} {}", refusal.message, refusal.advice);
        Report { refusal: Some(refusal), ..Report::without_rows(load, upload, Ending::Refused, summary, seconds) }
    }

    pub fn removed(load: LoadId, upload: Upload, seconds: Seconds) -> Report {
        let summary = format!(
            "\"{}\" was deleted or replaced before it could be read. Nothing was changed. \
             If a newer copy was uploaded, it has its own report.",
            upload.file_name()
        );
        Report::without_rows(Some(load), upload, Ending::Removed, summary, seconds)
    }

    /// Makes the report of a load that never started because a newer version is known.
    pub fn outdated(load: LoadId, upload: Upload, newer: &LoadId) -> Report {
        Report::never_started(load, upload, Ending::Superseded, Stopped::superseded(newer))
    }

    /// Makes the report of a load that was cancelled before it started.
    pub fn cancelled(load: LoadId, upload: Upload, by: &str) -> Report {
        let stopped = Stopped::cancelled(by, &load);
        Report::never_started(load, upload, Ending::Cancelled, stopped)
    }

    fn never_started(load: LoadId, upload: Upload, ending: Ending, stopped: Stopped) -> Report {
        let nothing = "Nothing was changed.".to_string();
        Report::stopped(load, upload, ending, nothing, Seconds::default()).with_reason(stopped)
    }

    /// Makes the report of a load that ended early, with nothing known about its rows.
    pub fn stopped(load: LoadId, upload: Upload, ending: Ending, summary: String, seconds: Seconds) -> Report {
        Report::without_rows(Some(load), upload, ending, summary, seconds)
    }

    /// Adds why the load ended early.
    pub fn with_reason(self, stopped: Stopped) -> Report {
        let summary = format!("{} {} {}", self.summary, stopped.reason, stopped.advice);
        Report { summary, stopped: Some(stopped), ..self }
    }

    fn without_rows(load: Option<LoadId>, upload: Upload, ending: Ending, summary: String, seconds: Seconds) -> Report {
        let report = Report {
            version: VERSION,
            load,
            upload,
            fixes: None,
            table: None,
            ending,
            tone: Tone::default(),
            summary,
            rows: RowCounts::from(&Counts::default()),
            sheets: Vec::new(),
            refusal: None,
            stopped: None,
            held: Vec::new(),
            problems: Vec::new(),
            problems_total: 0,
            kinds: Kinds::default(),
            to_fix: None,
            biggest: Vec::new(),
            changed: Vec::new(),
            missing: MissingItems::default(),
            undone: None,
            skipped: Vec::new(),
            notes: Vec::new(),
            totals: Totals::default(),
            estimate: None,
            taken: None,
            units: Units::default(),
            rate: None,
            seconds,
            undo: None,
            again: None,
            later: Vec::new(),
            finished: Timestamp::now(),
        };
        Report { tone: Tone::of(&report), ..report }
    }

    /// Adds what happened to the load after its end, so that the report's answer isn't out of date. Returns false if the
    /// report already has it.
    pub fn add_later(&mut self, later: FollowUp) -> bool {
        if self.later.contains(&later) {
            return false;
        }
        if later.changes_outcome() {
            self.summary = format!("{} Before that: {}", later.describe(), self.summary);
            self.tone = Tone::Look;
        }
        self.later.push(later);
        true
    }

    /// Whether this has happened to the load since its end.
    fn was(&self, what: FollowUpKind) -> bool {
        self.later.iter().any(|later| later.what == what)
    }

    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::with_capacity(self.problems.len() * PROBLEM_BYTES);
        serde_json::to_writer_pretty(&mut json, self)?;
        Ok(json)
    }

    /// Returns the biggest changes, or the first ones if the plan doesn't have the biggest.
    fn changes_to_show(&self) -> &[ChangedRow] {
        if self.biggest.is_empty() { &self.changed } else { &self.biggest }
    }

    /// The number of rows that need attention (rejected, duplicate, or not written after all) and of items that an undo
    /// left unchanged.
    pub fn needing_attention(&self) -> u64 {
        let not_undone = |undone: &Undone| {
            [UndoFate::Edited, UndoFate::NotTaken, UndoFate::NotReached].map(|fate| undone.items.of(fate)).iter().sum()
        };
        self.rows.left_out() + self.undone.as_ref().map_or(0, not_undone)
    }

    /// Whether the load is held but an approval would load nothing, because no row can be loaded.
    pub fn nothing_to_approve(&self) -> bool {
        self.ending == Ending::Held && self.rows.in_table() + self.rows.of_all(&[Fate::Held]) == 0
    }

    /// Whether the table, read back, differs from what was written.
    pub fn differs(&self) -> bool {
        self.totals.read_back.as_ref().is_some_and(|read_back| !read_back.differences.is_empty())
    }

    /// The number of items that the load changed in the table: put, marked, deleted or undone.
    pub fn items_written(&self) -> u64 {
        if self.ending == Ending::DryRun {
            return 0;
        }
        let rows = self.rows.fates.iter().filter(|(fate, _)| fate.is_written()).map(|(_, rows)| rows).sum::<u64>();
        let missing = match (self.ending, self.missing.then) {
            (Ending::Done, Some(Missing::Mark | Missing::Delete)) => self.missing.total - self.missing.edited,
            _ => 0,
        };
        let undone_items = |undone: &Undone| {
            UndoFate::ALL.iter().filter(|fate| fate.is_written()).map(|fate| undone.items.of(*fate)).sum::<u64>()
        };
        rows + missing + self.undone.as_ref().map_or(0, undone_items)
    }
}

#[cfg(test)]
mod tests;
