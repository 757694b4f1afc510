//! Prints what an ended load measured as a line in CloudWatch's embedded metric format. CloudWatch turns such lines of
//! a function's log into metrics, so no call is made that could fail.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use inventory_base::ending::Ending;
use inventory_check::plan::Fate;
use inventory_check::report::Report;

const NAMESPACE: &str = "InventoryLoader";
/// AWS bills each combination of a metric and its dimensions, in the hours in which it is sent. Each function has one
/// table, so a second dimension is needed only to tell refusals apart.
const TABLE: &str = "Table";
const RULE: &str = "Rule";
const REFUSALS: &str = "Refusals";
const MEGABYTE: f64 = (1 << 20) as f64;

/// The report of an ended load, and measurements that aren't in the report.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    pub report: &'a Report,
    pub table: &'a str,
    /// The number of notifications, mail or event, that could not be sent.
    pub failed_notifications: u64,
    /// The peak memory of the reading child; `None` if this run didn't read the file.
    pub reader_bytes: Option<u64>,
    /// The peak memory of this process so far.
    pub own_bytes: Option<u64>,
    pub at: Timestamp,
}

/// Prints the line to the log in a single write, so that no other line can begin in the middle of it.
pub fn print(measured: &Measured<'_>) {
    let Some(line) = line(measured) else { return };
    // A closed standard output is nothing that a load could fix.
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}

/// The line, or `None` for a dry run, whose rows would be counted again when they are loaded.
fn line(measured: &Measured<'_>) -> Option<Json> {
    let Measured { report, table, .. } = measured;
    if report.ending == Ending::DryRun {
        return None;
    }
    let metrics = metrics(measured);
    let mut line = Map::new();
    let definitions = metrics.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect::<Vec<_>>();
    let mut directives = vec![json!({ "Namespace": NAMESPACE, "Dimensions": [[TABLE]], "Metrics": definitions })];
    line.insert(TABLE.to_string(), json!(table));
    line.extend(metrics.into_iter().map(|(name, _, value)| (name, json!(value))));
    if let Some(refusal) = &report.refusal {
        let refusals = [json!({ "Name": REFUSALS, "Unit": "Count" })];
        directives.push(json!({ "Namespace": NAMESPACE, "Dimensions": [[TABLE, RULE]], "Metrics": refusals }));
        line.insert(RULE.to_string(), json!(refusal.rule.id()));
        line.insert(REFUSALS.to_string(), json!(1));
    }
    // These members are not metrics and cost nothing; they are for searching the log.
    line.insert("event".to_string(), json!("load_measured"));
    line.insert("load".to_string(), json!(report.load));
    line.insert("ending".to_string(), json!(report.ending));
    let time = measured.at.as_millisecond();
    line.insert("_aws".to_string(), json!({ "Timestamp": time, "CloudWatchMetrics": directives }));
    Some(Json::Object(line))
}

/// Name, unit and value of each metric. Zeros are included, so that a graph has no gaps.
fn metrics(measured: &Measured<'_>) -> Vec<(String, &'static str, f64)> {
    let report = measured.report;
    let mut metrics = Vec::new();
    let mut add = |name: &str, unit, value: f64| metrics.push((name.to_string(), unit, value));
    // In a load, no row ends as merely accepted.
    for fate in Fate::ALL.into_iter().filter(|fate| *fate != Fate::Accepted) {
        let rows = report.rows.fates.get(&fate).copied().unwrap_or_default();
        add(&format!("Rows{}", to_pascal_case(fate.name())), "Count", rows as f64);
    }
    let (units, seconds) = (&report.units, &report.seconds);
    for (name, count) in [
        ("ItemsWritten", report.items_written() as f64),
        ("ItemsTriedAgain", units.tried_again as f64),
        ("WriteUnits", units.write),
        ("ReadUnits", units.read),
        ("LoadsFailed", f64::from(u8::from(report.ending == Ending::Failed))),
        ("PeopleNotTold", measured.failed_notifications as f64),
    ] {
        add(name, "Count", count);
    }
    for (name, seconds) in [
        ("FetchSeconds", seconds.fetch),
        ("ReadSeconds", seconds.read),
        ("PlanSeconds", seconds.plan),
        ("WriteSeconds", seconds.write),
        ("ReadBackSeconds", seconds.read_back),
        ("TotalSeconds", seconds.total),
    ] {
        add(name, "Seconds", seconds);
    }
    for (name, bytes) in [("ReaderMemory", measured.reader_bytes), ("OwnMemory", measured.own_bytes)] {
        if let Some(bytes) = bytes {
            add(name, "Megabytes", bytes as f64 / MEGABYTE);
        }
    }
    metrics
}

/// Writes `not-written` as `NotWritten`.
fn to_pascal_case(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use inventory_base::load_id::LoadId;
    use inventory_base::message::{Refusal, Rule};
    use inventory_base::upload::Upload;
    use inventory_check::report::{Seconds, Units};

    fn upload() -> Upload {
        let (bucket, key) = ("uploads".to_string(), "uploads/stock.xlsx".to_string());
        Upload { bucket, key, version: Some("7".into()), sequencer: None, etag: None, size: None, time: None }
    }

    fn ended(ending: Ending) -> Report {
        let seconds = Seconds { fetch: 0.25, read: 1.5, plan: 0.5, write: 2.0, read_back: 0.125, total: 4.5 };
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let mut report = Report::stopped(load, upload(), ending, "Secret.".into(), seconds);
        report.rows.total = 14;
        for (fate, rows) in [(Fate::New, 2), (Fate::Changed, 3), (Fate::Rejected, 9)] {
            report.rows.fates.insert(fate, rows);
        }
        report.units = Units { write: 5.5, read: 28.0, requests: 2, tried_again: 4 };
        report
    }

    fn measured(report: &Report) -> Measured<'_> {
        let at = Timestamp::from_millisecond(1_790_000_000_123).unwrap();
        Measured {
            report,
            table: "stock",
            failed_notifications: 1,
            reader_bytes: Some(96 << 20),
            own_bytes: Some(48 << 20),
            at,
        }
    }

    #[test]
    fn a_load_is_one_line_of_the_embedded_metric_format() {
        let text = line(&measured(&ended(Ending::Done))).unwrap().to_string();
        let expected = concat!(
            r#"{"FetchSeconds":0.25,"ItemsTriedAgain":4.0,"ItemsWritten":5.0,"LoadsFailed":0.0,"OwnMemory":48.0,"#,
            r#""PeopleNotTold":1.0,"PlanSeconds":0.5,"ReadBackSeconds":0.125,"ReadSeconds":1.5,"ReadUnits":28.0,"#,
            r#""ReaderMemory":96.0,"RowsChanged":3.0,"RowsDuplicate":0.0,"RowsHeld":0.0,"RowsKept":0.0,"RowsNew":2.0,"#,
            r#""RowsNotWritten":0.0,"RowsRejected":9.0,"RowsSkipped":0.0,"RowsUnchanged":0.0,"RowsWritten":0.0,"#,
            r#""Table":"stock","TotalSeconds":4.5,"WriteSeconds":2.0,"WriteUnits":5.5,"_aws":{"CloudWatchMetrics":[{"#,
            r#""Dimensions":[["Table"]],"Metrics":[{"Name":"RowsNew","Unit":"Count"},"#,
            r#"{"Name":"RowsChanged","Unit":"Count"},{"Name":"RowsUnchanged","Unit":"Count"},"#,
            r#"{"Name":"RowsWritten","Unit":"Count"},{"Name":"RowsKept","Unit":"Count"},"#,
            r#"{"Name":"RowsRejected","Unit":"Count"},{"Name":"RowsDuplicate","Unit":"Count"},"#,
            r#"{"Name":"RowsSkipped","Unit":"Count"},{"Name":"RowsHeld","Unit":"Count"},"#,
            r#"{"Name":"RowsNotWritten","Unit":"Count"},{"Name":"ItemsWritten","Unit":"Count"},"#,
            r#"{"Name":"ItemsTriedAgain","Unit":"Count"},{"Name":"WriteUnits","Unit":"Count"},"#,
            r#"{"Name":"ReadUnits","Unit":"Count"},{"Name":"LoadsFailed","Unit":"Count"},"#,
            r#"{"Name":"PeopleNotTold","Unit":"Count"},{"Name":"FetchSeconds","Unit":"Seconds"},"#,
            r#"{"Name":"ReadSeconds","Unit":"Seconds"},{"Name":"PlanSeconds","Unit":"Seconds"},"#,
            r#"{"Name":"WriteSeconds","Unit":"Seconds"},{"Name":"ReadBackSeconds","Unit":"Seconds"},"#,
            r#"{"Name":"TotalSeconds","Unit":"Seconds"},{"Name":"ReaderMemory","Unit":"Megabytes"},"#,
            r#"{"Name":"OwnMemory","Unit":"Megabytes"}],"Namespace":"InventoryLoader"}],"Timestamp":1790000000123},"#,
            r#""ending":"done","event":"load_measured","load":"0123456789abcdef"}"#,
        );
        assert_eq!(text, expected);
    }

    /// Checks the rules of the specification: every metric and every dimension that a directive names is a member of
    /// the root, a metric is a number and a dimension a string; at most 100 metrics and 30 dimensions.
    fn assert_follows_the_specification(line: &Json) {
        assert!(line["_aws"]["Timestamp"].is_i64(), "{line}");
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert!(!directives.is_empty());
        for directive in directives {
            assert!(directive["Namespace"].as_str().is_some_and(|name| !name.is_empty() && name.len() <= 1024));
            for dimensions in directive["Dimensions"].as_array().unwrap() {
                let dimensions = dimensions.as_array().unwrap();
                assert!(dimensions.len() <= 30);
                for name in dimensions {
                    assert!(line[name.as_str().unwrap()].as_str().is_some_and(|value| !value.is_empty()), "{name}");
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
                assert!(["Count", "Seconds", "Megabytes"].contains(&metric["Unit"].as_str().unwrap()), "{metric}");
            }
        }
    }

    #[test]
    fn every_line_follows_the_specification_and_quotes_nothing_from_the_file() {
        let refusal = Refusal { rule: Rule::FileDamaged, message: "Secret.".into(), advice: "Secret.".into() };
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let refused = Report::refused(Some(load), upload(), refusal, Seconds::default());
        for report in [refused, ended(Ending::Failed), ended(Ending::Held), ended(Ending::Cancelled)] {
            let line = line(&Measured { reader_bytes: None, ..measured(&report) }).unwrap();
            assert_follows_the_specification(&line);
            assert!(!line.to_string().contains("Secret"), "{line}");
            assert_eq!(line["LoadsFailed"], f64::from(u8::from(report.ending == Ending::Failed)));
            let refusals = (line["Rule"].as_str(), line["Refusals"].as_u64());
            let expected = report.refusal.as_ref().map(|_| ("file-damaged", 1)).unzip();
            assert_eq!(refusals, expected);
        }
    }

    #[test]
    fn a_dry_run_is_not_measured() {
        assert_eq!(line(&measured(&ended(Ending::DryRun))), None);
    }
}
