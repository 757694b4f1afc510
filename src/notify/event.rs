//! The events for programs on the event bus; `docs/events.md` describes them. They contain only counts, names and
//! places, nothing from a file.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{DelayedLoad, LoadLocation, MailContext, OverdueSheet};
use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_check::report::{Report, RowCounts, Tone, Units};

pub(super) const SOURCE: &str = "inventory.loader";
pub(super) const MISSING: &str = "inventory.load.missing";
pub(super) const DELAYED: &str = "inventory.load.delayed";

/// The version of the detail's format.
const VERSION: u32 = 1;

#[derive(Debug)]
pub(super) struct Event {
    pub kind: &'static str,
    pub detail: Json,
}

#[derive(Serialize)]
struct Ended<'a> {
    version: u32,
    load: Option<&'a LoadId>,
    upload: Upload<'a>,
    table: &'a str,
    ending: Ending,
    tone: Tone,
    summary: String,
    rows: &'a RowCounts,
    problems: Problems,
    /// The rules of the serious notes: what is worth a look, and where values were lost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'static str>,
    /// The rule that refused the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'static str>,
    /// The gates that hold the load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held: Vec<&'static str>,
    /// The load that this one undoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<&'a LoadId>,
    units: Units,
    seconds: f64,
    report: Place<'a>,
}

#[derive(Serialize)]
struct Upload<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct Place<'a> {
    bucket: &'a str,
    key: String,
}

#[derive(Serialize)]
struct Problems {
    total: u64,
    by_rule: BTreeMap<&'static str, u64>,
}

impl Event {
    pub fn of_report(report: &Report, location: LoadLocation<'_>, context: &MailContext) -> Event {
        let mut by_rule = BTreeMap::new();
        for kind in report.kinds.by_frequency() {
            *by_rule.entry(kind.rule.id()).or_default() += kind.problems;
        }
        let upload = &report.upload;
        let ended = Ended {
            version: VERSION,
            load: report.load.as_ref(),
            upload: Upload { bucket: &upload.bucket, key: &upload.key, version: upload.version.as_deref() },
            table: location.table,
            ending: report.ending,
            tone: report.tone,
            summary: summary(report),
            rows: &report.rows,
            problems: Problems { total: report.problems_total, by_rule },
            notes: report.serious_notes().map(|note| note.rule.id()).collect(),
            refusal: report.refusal.as_ref().map(|refusal| refusal.rule.id()),
            held: report.held.iter().map(|held| held.gate.name()).collect(),
            undoes: report.undone.as_ref().map(|undone| &undone.load),
            units: report.units,
            seconds: report.seconds.total,
            report: Place { bucket: &context.reports, key: location.names.report() },
        };
        Event { kind: kind(report.ending), detail: json!(ended) }
    }

    pub fn of_missing(sheet: &OverdueSheet<'_>) -> Event {
        let detail = json!({
            "version": VERSION,
            "table": sheet.table,
            "last": { "load": sheet.last, "ended": sheet.at },
            "expect_every": sheet.every,
            "due": sheet.due,
            "periods": sheet.periods,
        });
        Event { kind: MISSING, detail }
    }

    pub fn of_delayed(delayed: &DelayedLoad<'_>) -> Event {
        let DelayedLoad { table, load, outage, gives_up, .. } = delayed;
        let detail = json!({
            "version": VERSION,
            "table": table,
            "load": load,
            "since": outage.since,
            "tries": outage.tries,
            "given_up": outage.given_up,
            "tried_until": gives_up,
        });
        Event { kind: DELAYED, detail }
    }
}

/// Returns the event type, by what someone has to do: approve the load, send another file, fix the deployment, or
/// nothing.
pub(super) fn kind(ending: Ending) -> &'static str {
    match ending {
        Ending::Held => "inventory.load.held",
        Ending::Refused => "inventory.load.refused",
        Ending::Failed => "inventory.load.failed",
        Ending::Done | Ending::DryRun | Ending::Removed | Ending::Superseded | Ending::Cancelled => {
            "inventory.load.finished"
        }
    }
}

/// Returns the summary without anything that may quote the file: notes, and why a file was refused or a load is held.
fn summary(report: &Report) -> String {
    match report.ending {
        Ending::Refused => "The file was refused. Nothing was changed.".to_string(),
        Ending::Held => "Nothing has been changed yet: the load is waiting for approval.".to_string(),
        _ => report.summary_without_notes(),
    }
}
