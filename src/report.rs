//! What a person or a program is told about a load, made from the plan and the outcome alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{LoadId, Upload};
use crate::judge::{FileRead, SheetRead, Skip};
use crate::message::{Note, Problem, Refusal, Rule, count};
use crate::plan::{ChunkEntry, ChunkOutcome, Counts, Fate, PlanRow, RefusedRow};

/// Of the form of `report.json`; `docs/report.md` describes it.
const VERSION: u32 = 1;
/// Problems listed in a report; all are counted, and all are in the plan.
pub const PROBLEMS_LISTED: usize = 10_000;
/// Titles, totals and notes listed in a report; all are in the plan.
const SKIPPED_LISTED: usize = 100;

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Done,
    /// The file cannot be loaded; nothing was changed.
    Refused,
    Held,
    DryRun,
    /// The upload was deleted or replaced before its turn came.
    Removed,
    Superseded,
    Failed,
}

impl Ending {
    pub fn name(self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Refused => "refused",
            Ending::Held => "held",
            Ending::DryRun => "dry-run",
            Ending::Removed => "removed",
            Ending::Superseded => "superseded",
            Ending::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    /// None where a file was only checked.
    pub load: Option<LoadId>,
    pub upload: Upload,
    pub table: Option<String>,
    pub ending: Ending,
    /// The answer in a sentence or two: is my stock right now?
    pub summary: String,
    pub rows: RowCounts,
    pub sheets: Vec<SheetRead>,
    pub refusal: Option<Refusal>,
    /// All of them up to `PROBLEMS_LISTED`, in the order of the rows.
    pub problems: Vec<Problem>,
    pub problems_total: u64,
    /// Rows taken for titles, totals and notes, with what they say: the first `SKIPPED_LISTED`.
    pub skipped: Vec<SkippedRow>,
    /// What kept nothing out and should be known all the same.
    pub notes: Vec<Note>,
    pub units: Units,
    pub seconds: Seconds,
    pub finished: Timestamp,
}

/// A row that was taken for no item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRow {
    pub sheet: String,
    pub row: u32,
    pub why: Skip,
    pub says: String,
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

/// What the table said the load consumed, and how often it was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Units {
    pub write: f64,
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
    pub total: f64,
}

/// Gathers what a report says of the rows.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Counts,
    problems: Vec<Problem>,
    problems_total: u64,
    skipped: Vec<SkippedRow>,
    units: Units,
}

impl Tally {
    /// For a plan whose counts are known from its index: only rows with problems need be looked at.
    pub fn with_counts(counts: Counts) -> Tally {
        Tally { counts, ..Tally::default() }
    }

    /// A row that was not counted yet.
    pub fn add_row(&mut self, row: PlanRow) {
        self.counts.add(row.fate, 1);
        self.tell(row);
    }

    /// What is to be told of a row beyond its fate.
    pub fn tell(&mut self, row: PlanRow) {
        self.add_problems(row.problems);
        let told = row.skipped.filter(|skipped| matches!(skipped.why, Skip::Title | Skip::Total | Skip::Note));
        if let Some(skipped) = told.filter(|_| self.skipped.len() < SKIPPED_LISTED) {
            let sheet = row.sheet.to_string();
            self.skipped.push(SkippedRow { sheet, row: row.row, why: skipped.why, says: skipped.says });
        }
    }

    /// Whether a chunk has something that the report has still room for.
    pub fn wants(&self, chunk: &ChunkEntry) -> bool {
        let problems = chunk.problems > 0 && self.problems.len() < PROBLEMS_LISTED;
        problems || (chunk.counts.of(Fate::Skipped) > 0 && self.skipped.len() < SKIPPED_LISTED)
    }

    fn add_problems(&mut self, problems: Vec<Problem>) {
        self.problems_total += problems.len() as u64;
        let room = PROBLEMS_LISTED - self.problems.len();
        self.problems.extend(problems.into_iter().take(room));
    }

    /// Problems that the report has no room to list.
    pub fn count_problems(&mut self, problems: u64) {
        self.problems_total += problems;
    }

    pub fn add_outcome(&mut self, outcome: ChunkOutcome) {
        self.units.write += outcome.write_units;
        self.units.requests += outcome.requests;
        self.units.tried_again += outcome.tried_again;
        for refused in outcome.refused {
            self.counts.shift(Fate::Written, Fate::NotWritten);
            self.add_problems(vec![refused_problem(refused)]);
        }
    }
}

fn refused_problem(refused: RefusedRow) -> Problem {
    let row = refused.row.to_string();
    let words = [("row", row.as_str()), ("reason", refused.reason.as_str())];
    Problem {
        sheet: refused.sheet.to_string(),
        row: refused.row,
        column: None,
        cell: None,
        value: None,
        rule: Rule::TableRefusedItem,
        message: Rule::TableRefusedItem.message(&words),
        advice: Rule::TableRefusedItem.advice(&words),
    }
}

impl Report {
    /// A file whose rows were judged, and written if there is a `load`.
    pub fn of_rows(
        load: Option<LoadId>,
        upload: Upload,
        table: Option<String>,
        file: FileRead,
        tally: Tally,
        seconds: Seconds,
    ) -> Report {
        let ending = if load.is_some() { Ending::Done } else { Ending::DryRun };
        Report {
            version: VERSION,
            load,
            upload,
            table,
            ending,
            summary: summarise(ending, &tally.counts, file.unremarked_rows),
            rows: RowCounts::from(&tally.counts),
            sheets: file.sheets,
            refusal: None,
            problems: tally.problems,
            problems_total: tally.problems_total,
            skipped: tally.skipped,
            notes: file.notes,
            units: tally.units,
            seconds,
            finished: Timestamp::now(),
        }
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

    fn without_rows(load: Option<LoadId>, upload: Upload, ending: Ending, summary: String, seconds: Seconds) -> Report {
        Report {
            version: VERSION,
            load,
            upload,
            table: None,
            ending,
            summary,
            rows: RowCounts::from(&Counts::default()),
            sheets: Vec::new(),
            refusal: None,
            problems: Vec::new(),
            problems_total: 0,
            skipped: Vec::new(),
            notes: Vec::new(),
            units: Units::default(),
            seconds,
            finished: Timestamp::now(),
        }
    }

    pub fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self)
    }

    /// Rows that need somebody: rejected, duplicate, or not written after all.
    pub fn needing_attention(&self) -> u64 {
        let of = |fate| self.rows.fates.get(&fate).copied().unwrap_or_default();
        of(Fate::Rejected) + of(Fate::Duplicate) + of(Fate::NotWritten)
    }
}

/// Is my stock right now? Of the skipped rows, so many are not worth a word.
fn summarise(ending: Ending, counts: &Counts, unremarked: u64) -> String {
    let good: u64 = [Fate::New, Fate::Changed, Fate::Unchanged, Fate::Written, Fate::Accepted, Fate::Kept]
        .into_iter()
        .map(|fate| counts.of(fate))
        .sum();
    let attention = counts.of(Fate::Rejected) + counts.of(Fate::Duplicate) + counts.of(Fate::NotWritten);
    let (rows, total) = (count(good), count(good + attention));
    // "All 1 row is right" reads badly.
    let (is, are_not) = (if good == 1 { "is" } else { "are" }, if attention == 1 { "needs" } else { "need" });
    let skipped = match counts.of(Fate::Skipped).saturating_sub(unremarked) {
        0 => String::new(),
        1 => " 1 other row holds no item.".to_string(),
        n => format!(" {} other rows hold no items.", count(n)),
    };
    let main = match (ending, attention) {
        (Ending::DryRun, 0) if good == 1 => "The 1 row is right. Nothing was loaded: this was a check.".to_string(),
        (Ending::DryRun, 0) => format!("All {rows} rows are right. Nothing was loaded: this was a check."),
        (Ending::DryRun, n) => format!(
            "{rows} of {total} rows {is} right; {} {are_not} your attention. Nothing was loaded: this was a check.",
            count(n)
        ),
        (_, 0) if good == 1 => "The 1 row is in.".to_string(),
        (_, 0) => format!("All {rows} rows are in."),
        (_, n) => format!("{rows} of {total} rows {is} in. {} {are_not} your attention.", count(n)),
    };
    main + &skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(pairs: &[(Fate, u64)]) -> Counts {
        let mut counts = Counts::default();
        for (fate, rows) in pairs {
            counts.add(*fate, *rows);
        }
        counts
    }

    #[test]
    fn the_first_sentence_says_whether_the_stock_is_right() {
        let told = |ending, pairs: &[(Fate, u64)]| summarise(ending, &counts(pairs), 0);
        assert_eq!(told(Ending::Done, &[(Fate::Written, 4900)]), "All 4,900 rows are in.");
        assert_eq!(
            told(
                Ending::Done,
                &[(Fate::Written, 4812), (Fate::Rejected, 80), (Fate::Duplicate, 8), (Fate::Skipped, 3)]
            ),
            "4,812 of 4,900 rows are in. 88 need your attention. 3 other rows hold no items."
        );
        assert_eq!(
            told(Ending::Done, &[(Fate::Written, 1), (Fate::NotWritten, 1)]),
            "1 of 2 rows is in. 1 needs your attention."
        );
        assert_eq!(
            told(Ending::DryRun, &[(Fate::Accepted, 1)]),
            "The 1 row is right. Nothing was loaded: this was a check."
        );
    }

    #[test]
    fn the_header_and_blank_rows_are_not_worth_a_word() {
        let told = |skipped| summarise(Ending::Done, &counts(&[(Fate::Written, 5), (Fate::Skipped, skipped)]), 3);
        assert_eq!(told(3), "All 5 rows are in.");
        assert_eq!(told(4), "All 5 rows are in. 1 other row holds no item.");
    }

    #[test]
    fn problems_are_listed_up_to_a_cap_and_counted_beyond() {
        let problem = refused_problem(RefusedRow { sheet: "S".into(), row: 7, reason: "no.".into() });
        let mut tally = Tally::default();
        tally.add_problems(vec![problem.clone(); PROBLEMS_LISTED - 1]);
        tally.add_problems(vec![problem; 3]);
        assert_eq!((tally.problems.len(), tally.problems_total), (PROBLEMS_LISTED, PROBLEMS_LISTED as u64 + 2));
        let mut counts = Counts::default();
        counts.add(Fate::Rejected, 1);
        assert!(!tally.wants(&ChunkEntry { name: "0".into(), counts: counts.clone(), problems: 1 }));
        assert!(Tally::default().wants(&ChunkEntry { name: "0".into(), counts, problems: 1 }));
    }

    #[test]
    fn a_row_the_table_refused_is_not_called_written() {
        let mut tally = Tally::with_counts(counts(&[(Fate::Written, 2)]));
        let refused = vec![RefusedRow { sheet: "S".into(), row: 7, reason: "Item is odd.".into() }];
        tally.add_outcome(ChunkOutcome { write_units: 1.5, requests: 2, tried_again: 3, refused });
        assert_eq!((tally.counts.of(Fate::Written), tally.counts.of(Fate::NotWritten)), (1, 1));
        assert_eq!(tally.problems[0].message, "The table did not take row 7. It says: \"Item is odd.\"");
        assert_eq!(tally.units, Units { write: 1.5, requests: 2, tried_again: 3 });
    }

    #[test]
    fn every_fate_has_its_count() {
        let json = serde_json::to_value(RowCounts::from(&counts(&[(Fate::NotWritten, 2)]))).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 12);
        assert_eq!((&json["total"], &json["not-written"], &json["new"]), (&2.into(), &2.into(), &0.into()));
    }
}
