//! What a person or a program is told about a load, made from the plan and the outcome alone.

mod columns;
mod kinds;
mod page;
mod places;
mod rate;
mod summary;
mod tally;
mod tone;
mod undone;
mod words;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{
    ChangedRow, ControlTotals, Counts, Difference, Estimate, Fate, Index, Kinds, Tripped, UndoFate, Undone,
};
use inventory_base::decision::{Afterwards, Decision, Later};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Refusal};
use inventory_base::upload::Upload;
use inventory_rules::judge::{FileRead, SheetRead};
use inventory_rules::schema::Missing;
use summary::{Told, summarise};
use undone::say_undone;

pub use page::page;
pub use rate::Rate;
pub use tally::{CHANGES_LISTED, MissingItems, PROBLEMS_LISTED, SkippedRow, Tally};
pub use tone::Tone;
pub use undone::UndoAnswer;
pub use words::{one_line, words};

/// Of the form of `report.json`; `docs/report.md` describes it.
const VERSION: u32 = 1;
/// About as much as a problem takes of a report.
const PROBLEM_BYTES: usize = 450;

const IN_TABLE: [Fate; 6] = [Fate::New, Fate::Changed, Fate::Unchanged, Fate::Written, Fate::Accepted, Fate::Kept];
const LEFT_OUT: [Fate; 3] = [Fate::Rejected, Fate::Duplicate, Fate::NotWritten];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// None where a file was only checked.
    pub load: Option<LoadId>,
    pub upload: Upload,
    /// The load whose rows the file mends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mends: Option<LoadId>,
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
    /// Why the load ended before it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// Why the load waits for somebody to approve it.
    pub held: Vec<Tripped>,
    /// All of them up to `PROBLEMS_LISTED`, in the order of the rows.
    pub problems: Vec<Problem>,
    pub problems_total: u64,
    /// All problems, counted by rule and column.
    #[serde(default)]
    pub kinds: Kinds,
    /// The workbook of the rows that were left out, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_fix: Option<ToFix>,
    /// Of the rows whose item is another one now, those that weigh most, the heaviest first.
    #[serde(default)]
    pub biggest: Vec<ChangedRow>,
    /// Rows whose item was there and is another one now: the first `CHANGES_LISTED`, in the order of the rows.
    pub changed: Vec<ChangedRow>,
    pub missing: MissingItems,
    /// Where it is an undo: what was undone, for whom, and what became of the items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// Rows taken for titles, totals and notes, with what they say: the first hundred.
    pub skipped: Vec<SkippedRow>,
    /// What kept nothing out and should be known all the same.
    pub notes: Vec<Note>,
    pub totals: Totals,
    /// What the load was expected to take; none where no table was asked.
    pub estimate: Option<Estimate>,
    /// The same figures as they came out.
    pub taken: Option<Estimate>,
    pub units: Units,
    /// None where nothing was written for longer than a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    pub seconds: Seconds,
    /// None where there is nothing to take back, or it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoPossible>,
    /// Where it loads again what ended: which load, who wanted that, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Decision>,
    /// What happened to it after its end; the summary says it first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
    pub finished: Timestamp,
}

/// Why a load ended before it was done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    pub reason: String,
    pub advice: String,
}

impl Stopped {
    pub fn superseded(by: &LoadId) -> Stopped {
        Stopped {
            reason: "A newer version of the file was uploaded, so this one was stopped.".to_string(),
            advice: format!("Look at the report of load {by}."),
        }
    }

    pub fn cancelled(by: &str, load: &LoadId) -> Stopped {
        Stopped {
            reason: format!("The load was cancelled by {by}."),
            advice: format!("To load the file after all: inventory redrive {load}"),
        }
    }
}

/// A workbook of rows to mend: where it is, and how many it has of all there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToFix {
    pub place: String,
    pub rows: u64,
    pub of: u64,
}

/// What the load wrote can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoPossible {
    /// By then the plan is deleted; none where nobody deletes it.
    pub until: Option<Timestamp>,
}

/// The sums a stock keeper knows her sheet by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Of the rows that go in.
    pub sheet: ControlTotals,
    /// What the table holds for them after the load.
    pub read_back: Option<ReadBack>,
}

/// Items of the load, read from the table after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadBack {
    /// Items that were read, of all that were loaded: a large load is sampled.
    pub items: u64,
    pub of: u64,
    /// Where the table is not what the load made it; somebody may have changed it since.
    pub differences: Vec<Difference>,
}

/// Every fate with its count, the absent ones with zero: programs need not know which can be missing.
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

    /// Rows whose item is in the table; of a trial or a check, would be.
    pub fn in_table(&self) -> u64 {
        self.of_all(&IN_TABLE)
    }

    /// Rows that need somebody.
    pub fn left_out(&self) -> u64 {
        self.of_all(&LEFT_OUT)
    }
}

/// What the table said the load consumed, and how often it was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    pub write: f64,
    pub read: f64,
    pub requests: u64,
    pub tried_again: u64,
}

/// By stage, of the run that finished the load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    pub fetch: f64,
    pub read: f64,
    pub plan: f64,
    pub write: f64,
    pub read_back: f64,
    pub total: f64,
}

/// How a planned load went on from its plan.
pub struct Went {
    pub ending: Ending,
    pub tally: Tally,
    pub read_back: Option<ReadBack>,
    pub taken: Estimate,
    pub seconds: Seconds,
    /// What the load was not to pass, in write units a second.
    pub ceiling: Option<f64>,
    pub undo: Option<UndoPossible>,
}

impl Report {
    /// A file whose rows were judged and nothing more.
    pub fn of_check(upload: Upload, file: FileRead, tally: Tally, seconds: Seconds) -> Report {
        let only_checked = true;
        let report = Report::without_rows(None, upload, Ending::DryRun, String::new(), seconds);
        let FileRead { sheets, notes, mends, unremarked_rows, document } = file;
        let held = document.iter().map(|document| Tripped::by_document(document, None)).collect();
        Report { sheets, notes, mends, held, ..report }.with(tally, only_checked, unremarked_rows)
    }

    /// A load with a plan.
    pub fn of_plan(plan: Index, went: Went) -> Report {
        let Went { ending, tally, read_back, taken, seconds, ceiling, undo } = went;
        let report = Report::without_rows(Some(plan.load), plan.upload, ending, String::new(), seconds);
        Report {
            table: Some(plan.table.table),
            mends: plan.file.mends,
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
        // What matters most comes first.
        self.notes.sort_by_key(|note| std::cmp::Reverse(note.rule.weight()));
        let told = Told {
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
                Some(undone) => say_undone(undone, self.ending),
                None => summarise(&told),
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
             If a newer copy was uploaded, it has a report of its own.",
            upload.file_name()
        );
        Report::without_rows(Some(load), upload, Ending::Removed, summary, seconds)
    }

    /// A load that is over before it began, because a newer version is known.
    pub fn outdated(load: LoadId, upload: Upload, newer: &LoadId) -> Report {
        Report::unbegun(load, upload, Ending::Superseded, Stopped::superseded(newer))
    }

    /// A load that is over before it began, because somebody wanted that.
    pub fn cancelled(load: LoadId, upload: Upload, by: &str) -> Report {
        let stopped = Stopped::cancelled(by, &load);
        Report::unbegun(load, upload, Ending::Cancelled, stopped)
    }

    fn unbegun(load: LoadId, upload: Upload, ending: Ending, stopped: Stopped) -> Report {
        let nothing = "Nothing was changed.".to_string();
        Report::stopped(load, upload, ending, nothing, Seconds::default()).with_reason(stopped)
    }

    /// A load that ended before it was done, and of whose rows nothing is known.
    pub fn stopped(load: LoadId, upload: Upload, ending: Ending, summary: String, seconds: Seconds) -> Report {
        Report::without_rows(Some(load), upload, ending, summary, seconds)
    }

    /// Says why it ended before it was done.
    pub fn with_reason(self, stopped: Stopped) -> Report {
        let summary = format!("{} {} {}", self.summary, stopped.reason, stopped.advice);
        Report { summary, stopped: Some(stopped), ..self }
    }

    fn without_rows(load: Option<LoadId>, upload: Upload, ending: Ending, summary: String, seconds: Seconds) -> Report {
        let report = Report {
            version: VERSION,
            load,
            upload,
            mends: None,
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

    /// Says what happened to the load since, so that nobody takes for true what was. False where it was said before.
    pub fn add_later(&mut self, later: Later) -> bool {
        if self.later.contains(&later) {
            return false;
        }
        if later.changes_the_answer() {
            self.summary = format!("{} Before that: {}", later.say(), self.summary);
            self.tone = Tone::Look;
        }
        self.later.push(later);
        true
    }

    /// Whether this has happened to it since its end.
    fn was(&self, what: Afterwards) -> bool {
        self.later.iter().any(|later| later.what == what)
    }

    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::with_capacity(self.problems.len() * PROBLEM_BYTES);
        serde_json::to_writer_pretty(&mut json, self)?;
        Ok(json)
    }

    /// The changes that weigh most; of a plan that does not know which those are, the first ones.
    fn changes_to_tell(&self) -> &[ChangedRow] {
        if self.biggest.is_empty() { &self.changed } else { &self.biggest }
    }

    /// Rows that need somebody: rejected, duplicate, or not written after all; and items that an undo left alone.
    pub fn needing_attention(&self) -> u64 {
        let staying = |undone: &Undone| {
            [UndoFate::Edited, UndoFate::NotTaken, UndoFate::NotReached].map(|fate| undone.items.of(fate)).iter().sum()
        };
        self.rows.left_out() + self.undone.as_ref().map_or(0, staying)
    }

    /// Whether it waits for an approval that would load nothing, for no row is right.
    pub fn waits_for_nothing(&self) -> bool {
        self.ending == Ending::Held && self.rows.in_table() + self.rows.of_all(&[Fate::Held]) == 0
    }

    /// Whether the table, read back, has something else than was written.
    pub fn differs(&self) -> bool {
        self.totals.read_back.as_ref().is_some_and(|read_back| !read_back.differences.is_empty())
    }

    /// Items that the table has otherwise than before: put, marked, deleted or taken back.
    pub fn items_written(&self) -> u64 {
        if self.ending == Ending::DryRun {
            return 0;
        }
        let rows = self.rows.fates.iter().filter(|(fate, _)| fate.is_written()).map(|(_, rows)| rows).sum::<u64>();
        let missing = match (self.ending, self.missing.then) {
            (Ending::Done, Some(Missing::Mark | Missing::Delete)) => self.missing.total - self.missing.edited,
            _ => 0,
        };
        let taken_back = |undone: &Undone| {
            UndoFate::ALL.iter().filter(|fate| fate.is_written()).map(|fate| undone.items.of(*fate)).sum::<u64>()
        };
        rows + missing + self.undone.as_ref().map_or(0, taken_back)
    }
}

#[cfg(test)]
mod tests;
