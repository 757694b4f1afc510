use super::*;
use inventory_base::ending::Ending;

#[test]
fn a_dry_run_writes_no_items_and_a_load_those_it_put_marked_or_deleted() {
    let upload = Upload {
        bucket: "uploads".into(),
        key: "uploads/a.csv".into(),
        version: None,
        sequencer: None,
        etag: None,
        size: None,
        time: None,
    };
    let mut counts = Counts::default();
    for (fate, rows) in [(Fate::New, 3), (Fate::Changed, 2), (Fate::Unchanged, 5), (Fate::Rejected, 7)] {
        counts.add(fate, rows);
    }
    let missing = MissingItems { total: 10, edited: 1, then: Some(Missing::Mark), items: vec![] };
    let written = |ending| {
        let report = Report::without_rows(None, upload.clone(), ending, String::new(), Seconds::default());
        Report { rows: RowCounts::from(&counts), missing: missing.clone(), ..report }.items_written()
    };
    assert_eq!([Ending::DryRun, Ending::Cancelled, Ending::Done].map(written), [0, 5, 14]);
}

#[test]
fn a_check_of_a_document_that_is_not_a_stock_list_says_that_a_load_would_be_held() {
    let upload = r#"{"bucket":"","key":"a","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#;
    let upload = serde_json::from_str(upload).unwrap();
    let sign = inventory_rules::judge::DocumentSign::Number { rows: 44, of: 44 };
    let document =
        inventory_rules::judge::Document { sheet: "lines".into(), header: "PO".into(), column: "A".into(), sign };
    let file = FileRead { document: Some(document), ..FileRead::default() };
    let mut tally = Tally::default();
    tally.counts.add(Fate::Accepted, 44);
    let report = Report::of_check(upload, file, tally, Seconds::default());
    assert_eq!(report.held.len(), 1);
    let first = "Loading this file would require your approval. ";
    assert!(report.summary.starts_with(first), "{}", report.summary);
    assert!(words(&report, None, None).contains("doesn't look like a stock list"));
}

#[test]
fn every_fate_has_a_count() {
    let mut counts = Counts::default();
    counts.add(Fate::NotWritten, 2);
    let json = serde_json::to_value(RowCounts::from(&counts)).unwrap();
    assert_eq!(json.as_object().unwrap().len(), 12);
    assert_eq!((&json["total"], &json["not-written"], &json["new"]), (&2.into(), &2.into(), &0.into()));
}

#[test]
fn a_report_with_the_old_name_of_the_field_fixes_can_be_read() {
    let upload = r#"{"bucket":"","key":"a","version":null,"sequencer":null,"etag":null,"size":null,"time":null}"#;
    let load = LoadId::parse("0123456789abcdef");
    let report = Report::without_rows(
        None,
        serde_json::from_str(upload).unwrap(),
        Ending::Done,
        String::new(),
        Seconds::default(),
    );
    let json = String::from_utf8(Report { fixes: load.clone(), ..report }.encode().unwrap()).unwrap();
    assert!(json.contains("\"fixes\": \"0123456789abcdef\"") && !json.contains("mends"), "{json}");
    let old: Report = serde_json::from_str(&json.replace("\"fixes\"", "\"mends\"")).unwrap();
    assert_eq!(old.fixes, load);
    let file: FileRead = serde_json::from_str(r#"{"sheets":[],"mends":"0123456789abcdef"}"#).unwrap();
    assert_eq!(file.fixes, load);
    assert!(serde_json::to_string(&file).unwrap().contains("\"fixes\""));
}

#[test]
fn a_plan_with_the_old_name_of_the_field_fixes_can_be_read() {
    let plan = include_str!("../../../../tests/files/plan-1/loads/cb38fc7f5daec233/plan.json");
    let old = plan.replacen('{', r#"{"mends":"0123456789abcdef","#, 1);
    let index = Index::decode(old.as_bytes()).unwrap();
    assert_eq!(index.file.fixes, LoadId::parse("0123456789abcdef"));
}
