//! Shows one load, the last loads, and the loader itself: from the ledger, the plans and the reports.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, LoadRecord, Outage, ProgressCounts, State};
use crate::load::admin::rows::ANSWER_BYTES;
use crate::load::error::LoadError;
use crate::store::Store;
use inventory_base::decision::{Decision, FollowUp, Undo};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_check::plan::{Index, Names};
use inventory_check::report::{Report, RowCounts};

/// The number of records that are read at once.
const RECORDS_AT_ONCE: usize = 8;

/// The lists of a report that is too long for an answer are cut to these lengths, until it fits.
const LISTED: [usize; 4] = [1000, 100, 10, 0];

/// What the loader reads and writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub uploads_bucket: String,
    /// The folder of the reports.
    pub reports: String,
    pub table: String,
    pub version: String,
}

/// One load: its progress, or its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadStatus {
    pub load: LoadId,
    /// Not known of a running dry run.
    pub upload: Option<Upload>,
    pub table: Option<String>,
    pub state: State,
    pub ending: Option<Ending>,
    /// The result in a sentence or two, of a load that has ended.
    pub summary: Option<String>,
    /// When the load was announced, and when its record last changed.
    pub announced: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    /// Whether a run has renewed the lease in time.
    pub is_running: bool,
    pub starts: u64,
    /// The load that is using the table, while this one waits.
    pub behind: Option<LoadId>,
    pub progress: Option<ProgressCounts>,
    pub chunks_done: u32,
    pub chunks_total: u32,
    /// Why the load has to stop, and the person or the load that asked for it.
    pub stop: Option<(String, String)>,
    /// The transient faults since its last progress, and when it is retried.
    #[serde(default)]
    pub outage: Option<Outage>,
    /// For a reload: the load before it, who asked for it, and when.
    pub again: Option<Decision>,
    /// What happened to it after its end.
    #[serde(default)]
    pub later: Vec<FollowUp>,
    /// For an undo: the load that it undoes.
    pub undo: Option<Undo>,
    /// The report of a load that has ended, as long as it is kept.
    pub report: Option<Report>,
    /// The length that the report's lists are cut to here, because an answer has a limit; the kept report has all.
    pub lists_cut_at: Option<usize>,
    /// Where the report page is or will be; `report.json` is next to it.
    pub report_is_in: String,
}

/// A line of the list of loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadSummary {
    pub load: LoadId,
    /// The name of the upload.
    pub file: String,
    pub state: State,
    pub ending: Option<Ending>,
    /// When the load ended, or else when its record last changed.
    pub at: Option<Timestamp>,
    /// The number of rows whose item is in the table as in the sheet, and of rows that were left out; `None` if not
    /// counted.
    pub rows_in: Option<u64>,
    pub rows_left_out: Option<u64>,
    pub chunks_done: u32,
    pub chunks_total: u32,
    pub summary: Option<String>,
    /// What happened to it after its end.
    #[serde(default)]
    pub later: Vec<FollowUp>,
}

/// Returns the progress of a load, or its result; `None` if the load is not known.
pub async fn show(load: &LoadId, store: &Store, ledger: Option<&Ledger>) -> Result<Option<LoadStatus>, LoadError> {
    let record = match ledger {
        Some(ledger) => ledger.read(load).await?,
        None => None,
    };
    let mut shown = match (record, ledger) {
        (Some(record), Some(ledger)) => of_record(record, store, ledger).await?,
        _ => match of_kept(load, store).await? {
            Some(shown) => shown,
            None => return Ok(None),
        },
    };
    if shown.state == State::Ended {
        let json = store.read(&Names(load).report()).await?;
        let report: Option<Report> = json.map(|json| serde_json::from_slice(&json)).transpose()?;
        shown.add_report(report);
    }
    Ok(Some(shown))
}

async fn of_record(record: LoadRecord, store: &Store, ledger: &Ledger) -> Result<LoadStatus, LoadError> {
    let holder = match record.state {
        State::Ended => None,
        _ => ledger.holder(&record.table).await?,
    };
    let ours = holder.as_ref().filter(|holder| holder.load == record.load);
    let theirs = holder.as_ref().filter(|holder| holder.load != record.load);
    Ok(LoadStatus {
        upload: Some(record.upload),
        table: Some(record.table),
        ending: record.ending,
        summary: record.summary.as_ref().and_then(|summary| Some(summary["summary"].as_str()?.to_string())),
        announced: Some(record.started),
        updated: Some(record.updated),
        is_running: ours.is_some_and(|holder| holder.is_live),
        starts: record.starts,
        behind: theirs.filter(|_| record.state == State::Queued).map(|holder| holder.load.clone()),
        progress: ours.and_then(|holder| holder.progress),
        chunks_done: record.chunks_done,
        chunks_total: record.chunks_total,
        stop: record.stop.as_ref().map(|stop| stop.parts()).map(|(why, by)| (why.to_string(), by.to_string())),
        outage: record.outage,
        again: record.again,
        later: record.later,
        undo: record.undo,
        ..LoadStatus::begun(record.load, record.state, store)
    })
}

/// Works out the state of a load that is not in a ledger, a dry run or one kept in a folder, from what is kept.
async fn of_kept(load: &LoadId, store: &Store) -> Result<Option<LoadStatus>, LoadError> {
    let (names, kept) = (Names(load), store.names(&format!("loads/{load}/")).await?);
    if kept.is_empty() {
        return Ok(None);
    }
    let begun = |state| LoadStatus::begun(load.clone(), state, store);
    if kept.contains(&names.report()) {
        return Ok(Some(begun(State::Ended)));
    }
    let Some(json) = store.read(&names.index()).await? else { return Ok(Some(begun(State::Planning))) };
    let plan = Index::decode(&json)?;
    // A dry run ends when its plan is made, and never writes.
    let state = if plan.dry_run { State::Planning } else { State::Writing };
    let is_next = |(number, name): &(usize, &String)| **name == names.outcome(*number);
    let outcomes = kept.iter().filter(|name| name.contains("/outcome/"));
    Ok(Some(LoadStatus {
        chunks_done: outcomes.enumerate().take_while(is_next).count() as u32,
        chunks_total: plan.chunks.len() as u32,
        upload: Some(plan.upload),
        table: Some(plan.table.table),
        announced: Some(plan.made),
        ..begun(state)
    }))
}

impl LoadStatus {
    fn begun(load: LoadId, state: State, store: &Store) -> LoadStatus {
        LoadStatus {
            report_is_in: store.location(&Names(&load).page()),
            load,
            upload: None,
            table: None,
            state,
            ending: None,
            summary: None,
            announced: None,
            updated: None,
            is_running: false,
            starts: 0,
            behind: None,
            progress: None,
            chunks_done: 0,
            chunks_total: 0,
            stop: None,
            outage: None,
            again: None,
            later: Vec::new(),
            undo: None,
            report: None,
            lists_cut_at: None,
        }
    }

    fn add_report(&mut self, report: Option<Report>) {
        let Some(report) = report else { return };
        self.upload.get_or_insert_with(|| report.upload.clone());
        self.table = self.table.take().or_else(|| report.table.clone());
        self.ending.get_or_insert(report.ending);
        self.summary.get_or_insert_with(|| report.summary.clone());
        self.updated.get_or_insert(report.finished);
        if self.later.is_empty() {
            self.later = report.later.clone();
        }
        self.report = Some(report);
    }

    /// Cuts the lists of the report until it fits into an answer of Lambda.
    pub fn fit_into_answer(mut self) -> serde_json::Result<LoadStatus> {
        let Some(mut report) = self.report.take() else { return Ok(self) };
        let mut listed = LISTED.into_iter();
        while serde_json::to_vec(&report)?.len() > ANSWER_BYTES
            && let Some(at_most) = listed.next()
        {
            cut_lists(&mut report, at_most);
            self.lists_cut_at = Some(at_most);
        }
        Ok(LoadStatus { report: Some(report), ..self })
    }
}

/// Cuts the lists of a report. The totals are unchanged, so readers can see that entries are missing.
fn cut_lists(report: &mut Report, at_most: usize) {
    report.problems.truncate(at_most);
    report.changed.truncate(at_most);
    report.biggest.truncate(at_most);
    report.missing.items.truncate(at_most);
    report.skipped.truncate(at_most);
    if let Some(undone) = &mut report.undone {
        undone.not_undone.truncate(at_most);
    }
}

/// Lists the loads into a table: those that are waiting, the one that is running, and the last that ended, the newest
/// first.
pub async fn list_loads(table: &str, ledger: &Ledger, at_most: usize) -> Result<Vec<LoadSummary>, LoadError> {
    let mut waiting = ledger.waiting_loads(table).await?;
    waiting.reverse();
    let mut begun: Vec<LoadId> =
        waiting.into_iter().chain(ledger.holder(table).await?.map(|holder| holder.load)).collect();
    // The first in the queue may have got its turn in the meantime.
    begun.dedup();
    let begun = read_records(begun.into_iter(), ledger).await?.into_iter().filter_map(|record| match record {
        Some(record) if record.state != State::Ended => Some(LoadSummary::of_record(record)),
        _ => None,
    });
    let ended = ledger.last_ended(table, at_most).await?;
    let records = read_records(ended.iter().map(|ended| ended.load.clone()), ledger).await?;
    let ended = ended.into_iter().zip(records).map(|(ended, record)| {
        let later = record.as_ref().map(|record| record.later.clone()).unwrap_or_default();
        let rows = record.and_then(|record| serde_json::from_value(record.summary?.get("rows")?.clone()).ok());
        LoadSummary {
            file: ended.key,
            ending: Some(ended.ending),
            at: Some(ended.ended),
            summary: Some(summary_with_follow_ups(&ended.summary, &later)),
            later,
            ..LoadSummary::new(ended.load, State::Ended)
        }
        .with_rows(rows.as_ref())
    });
    Ok(begun.chain(ended).collect())
}

/// Puts what happened to a load since its end before its summary, as its report does.
fn summary_with_follow_ups(summary: &str, later: &[FollowUp]) -> String {
    let later = later.iter().filter(|later| later.changes_outcome());
    later.fold(summary.to_string(), |summary, later| format!("{} Before that: {summary}", later.describe()))
}

async fn read_records(
    loads: impl Iterator<Item = LoadId>,
    ledger: &Ledger,
) -> Result<Vec<Option<LoadRecord>>, LoadError> {
    let asked = stream::iter(loads).map(async |load| ledger.read(&load).await);
    Ok(asked.buffered(RECORDS_AT_ONCE).try_collect().await?)
}

/// Lists the loads that a folder keeps: those that have not ended, and the last that have, the newest first.
pub async fn list_kept_loads(store: &Store, at_most: usize) -> Result<Vec<LoadSummary>, LoadError> {
    #[derive(Deserialize)]
    struct InReport {
        upload: Upload,
        ending: Ending,
        summary: String,
        rows: RowCounts,
        finished: Timestamp,
        #[serde(default)]
        later: Vec<FollowUp>,
    }
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    let mut loads: Vec<LoadId> =
        store.names("loads/").await?.iter().filter_map(|name| LoadId::parse(name.split('/').nth(1)?)).collect();
    loads.dedup();
    for load in loads {
        match store.read(&Names(&load).report()).await? {
            Some(json) => {
                let InReport { upload, ending, summary, rows, finished, later } = serde_json::from_slice(&json)?;
                let short = LoadSummary {
                    file: upload.key,
                    ending: Some(ending),
                    at: Some(finished),
                    summary: Some(summary),
                    later,
                    ..LoadSummary::new(load, State::Ended)
                };
                ended.push(short.with_rows(Some(&rows)));
            }
            None => {
                let Some(shown) = of_kept(&load, store).await? else { continue };
                begun.push(LoadSummary {
                    file: shown.upload.map(|upload| upload.key).unwrap_or_default(),
                    at: shown.announced,
                    chunks_done: shown.chunks_done,
                    chunks_total: shown.chunks_total,
                    ..LoadSummary::new(load, shown.state)
                });
            }
        }
    }
    ended.sort_by_key(|short| std::cmp::Reverse(short.at));
    ended.truncate(at_most);
    Ok(begun.into_iter().chain(ended).collect())
}

impl LoadSummary {
    pub fn new(load: LoadId, state: State) -> LoadSummary {
        LoadSummary {
            load,
            file: String::new(),
            state,
            ending: None,
            at: None,
            rows_in: None,
            rows_left_out: None,
            chunks_done: 0,
            chunks_total: 0,
            summary: None,
            later: Vec::new(),
        }
    }

    fn of_record(record: LoadRecord) -> LoadSummary {
        LoadSummary {
            file: record.upload.key,
            at: Some(if record.state == State::Queued { record.position.at() } else { record.updated }),
            chunks_done: record.chunks_done,
            chunks_total: record.chunks_total,
            ..LoadSummary::new(record.load, record.state)
        }
    }

    /// Adds the row counts, if there are any: an undo, or a load that ended before its file was read, has none.
    fn with_rows(self, rows: Option<&RowCounts>) -> LoadSummary {
        let Some(rows) = rows.filter(|rows| rows.total > 0) else { return self };
        LoadSummary { rows_in: Some(rows.in_table()), rows_left_out: Some(rows.left_out()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FolderStore;
    use inventory_base::message::{Problem, Rule};
    use inventory_check::plan::LATEST_PAGE;
    use inventory_check::report::Seconds;
    use inventory_rules::judge::FileRead;
    use inventory_rules::schema::{Schema, TableShape};

    fn upload() -> Upload {
        let json =
            r#"{"bucket":"uploads","key":"a.csv","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#;
        serde_json::from_str(json).unwrap()
    }

    fn folder() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::Folder(FolderStore::new(folder.path()));
        (folder, store)
    }

    async fn keep(store: &Store, load: &LoadId, report: &Report) {
        store.keep(&Names(load).report(), report.encode().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn the_state_of_a_load_without_a_ledger_comes_from_what_is_kept() {
        let (_folder, store) = folder();
        let load = LoadId::of(&upload());
        assert_eq!(show(&load, &store, None).await.unwrap(), None);
        store.keep(&format!("loads/{load}/plan/00000.jsonl.zst"), vec![]).await.unwrap();
        assert_eq!(show(&load, &store, None).await.unwrap().unwrap().state, State::Planning);
        keep(&store, &load, &Report::removed(load.clone(), upload(), Seconds::default())).await;
        let shown = show(&load, &store, None).await.unwrap().unwrap();
        assert_eq!((shown.state, shown.ending), (State::Ended, Some(Ending::Removed)));
        assert!(shown.summary.unwrap().contains("was deleted or replaced") && shown.report.is_some());
        assert!(shown.report_is_in.ends_with(&format!("loads/{load}/report.html")), "{}", shown.report_is_in);
    }

    #[tokio::test]
    async fn a_dry_run_whose_plan_is_made_is_not_shown_as_writing() {
        let (_folder, store) = folder();
        let load = LoadId::of(&upload());
        for (dry_run, state) in [(true, State::Planning), (false, State::Writing)] {
            let shape = r#"{"table":"stock","key":{"partition":{"name":"sku","kind":"S"},"sort":null},"indexes":[],"capacity":null}"#;
            let shape: TableShape = serde_json::from_str(shape).unwrap();
            let mut plan = Index::new(load.clone(), upload(), Schema::shipped().unwrap(), shape, FileRead::default());
            plan.dry_run = dry_run;
            store.keep(&Names(&load).index(), plan.encode().unwrap()).await.unwrap();
            assert_eq!(show(&load, &store, None).await.unwrap().unwrap().state, state);
        }
    }

    #[tokio::test]
    async fn a_folder_lists_unfinished_loads_first_then_finished_ones_the_newest_first() {
        let (_folder, store) = folder();
        let first = LoadId::of(&upload());
        for n in 2..6 {
            let load = first.linked(n);
            let mut report = Report::removed(load.clone(), upload(), Seconds::default());
            report.finished = Timestamp::from_second(i64::from(n % 4)).unwrap();
            keep(&store, &load, &report).await;
        }
        store.keep(&format!("loads/{first}/plan/00000.jsonl.zst"), vec![]).await.unwrap();
        store.keep(LATEST_PAGE, vec![]).await.unwrap();
        let names = async |at_most| {
            let listed = list_kept_loads(&store, at_most).await.unwrap();
            listed.into_iter().map(|short| short.load).collect::<Vec<_>>()
        };
        assert_eq!(names(9).await, [first.clone(), first.linked(3), first.linked(2), first.linked(5), first.linked(4)]);
        assert_eq!(names(1).await, [first.clone(), first.linked(3)]);
    }

    #[test]
    fn the_lists_of_a_report_too_long_for_an_answer_are_cut_and_the_cut_is_reported() {
        let (_folder, store) = folder();
        let shown = |problems: usize, chars: usize| {
            let problem = Problem {
                sheet: "Stock".into(),
                row: 1,
                column: None,
                cell: None,
                value: Some("x".repeat(chars)),
                rule: Rule::ValueMissing,
                message: String::new(),
                advice: String::new(),
            };
            let load = LoadId::of(&upload());
            let report = Report::removed(load.clone(), upload(), Seconds::default());
            let report = Report { problems: vec![problem; problems], problems_total: problems as u64, ..report };
            let shown = LoadStatus { report: Some(report), ..LoadStatus::begun(load, State::Ended, &store) };
            let shown = shown.fit_into_answer().unwrap();
            assert!(serde_json::to_vec(&shown).unwrap().len() < 6_000_000);
            let report = shown.report.unwrap();
            assert_eq!(report.problems_total, problems as u64);
            (report.problems.len(), shown.lists_cut_at)
        };
        assert_eq!(shown(1500, 10), (1500, None));
        assert_eq!(shown(5000, 1000), (1000, Some(1000)));
        assert_eq!(shown(20, 1_000_000), (0, Some(0)));
    }
}
