use super::*;
use crate::plan::{ChangedAttribute, ChangedRow, Counts, Fate, Gate, Kinds, Tripped};
use crate::report::{RowCounts, Seconds, SkippedRow, ToFix, UndoPossible};
use inventory_base::decision::{Afterwards, Decision, Later};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Rule};
use inventory_base::upload::Upload;
use inventory_rules::judge::{ColumnRead, OtherColumn, SheetRead, Skip, TableRead};

const HOSTILE: &str = "\"><script>alert('1')</script><img src=x onerror=alert(2)>&lt;{}";

fn upload(key: &str) -> Upload {
    let key = key.to_string();
    Upload { bucket: "in".into(), key, version: None, sequencer: None, etag: None, size: None, time: None }
}

fn report(summary: &str, ending: Ending) -> Report {
    let load = LoadId::parse("0123456789abcdef").unwrap();
    let report = Report::stopped(load, upload("uploads/q3.xlsx"), ending, summary.to_string(), Seconds::default());
    let mut counts = Counts::default();
    counts.add(Fate::New, 4_812);
    counts.add(Fate::Rejected, 88);
    let report = Report { rows: RowCounts::from(&counts), ..report };
    Report { tone: Tone::of(&report), ..report }
}

fn problem(row: u32, text: &str) -> Problem {
    Problem {
        sheet: text.to_string(),
        row,
        column: Some(text.to_string()),
        cell: Some(format!("D{row}")),
        value: Some(text.to_string()),
        rule: Rule::NumberExpected,
        message: format!("{text} in D{row} is \"{text}\"."),
        advice: "It should be a number such as 12.50.".to_string(),
    }
}

fn with_problems(problems: Vec<Problem>, total: u64) -> Report {
    let mut kinds = Kinds::default();
    problems.iter().for_each(|problem| kinds.add(problem));
    let report = report("4,812 of 4,900 rows are in. 88 need your attention.", Ending::Done);
    Report { problems, problems_total: total, kinds, ..report }
}

#[test]
fn whatever_a_cell_says_is_text() {
    let text = || HOSTILE.to_string();
    let value = || Some(inventory_base::item::Value::S(HOSTILE.into()));
    let changed = ChangedRow {
        sheet: text(),
        row: 3,
        key: [("sku".to_string(), inventory_base::item::Value::S(HOSTILE.into()))].into_iter().collect(),
        attributes: vec![ChangedAttribute { name: text(), before: value(), after: value() }],
    };
    let column = ColumnRead {
        attribute: text(),
        title: text(),
        header: text(),
        column: "A".into(),
        values: 2,
        empty: 0,
        instead_of: vec![OtherColumn { header: text(), column: "C".into() }],
    };
    let sheet = |loaded| SheetRead {
        name: text(),
        loaded,
        skipped: (!loaded).then_some(Skip::SheetWithoutHeader),
        header_row: Some(1),
        columns: vec![column.clone()],
        others: vec![OtherColumn { header: text(), column: "B".into() }],
        tables: vec![TableRead { header_row: 40, columns: vec![column.clone()], others: vec![] }],
    };
    let report = Report {
        upload: upload(&format!("uploads/{HOSTILE}.xlsx")),
        summary: format!("{HOSTILE}. {HOSTILE}"),
        table: Some(text()),
        sheets: vec![sheet(true), sheet(false)],
        biggest: vec![changed],
        to_fix: Some(ToFix { place: text(), rows: 2, of: 2 }),
        skipped: vec![SkippedRow { sheet: text(), row: 9, why: Skip::Total, says: text() }],
        notes: [Rule::RowsHidden, Rule::CellsMergedFilled]
            .map(|rule| Note { sheet: None, rule, message: text(), advice: text(), rows: 0 })
            .into(),
        ..with_problems(vec![problem(2, HOSTILE), problem(3, HOSTILE)], 2)
    };
    let page = page(&report);
    for markup in ["<script", "<img", "</script", "'1'</", "&lt;{}\""] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.matches("&lt;script&gt;").count() > 10, "the texts are there, as texts");
    assert!(page.contains(", from row 40 on</caption>"), "the table below has its columns, too");
    // What looks escaped in a cell is shown as it stands there.
    assert!(page.contains("&amp;lt;{}"));
}

#[test]
fn the_page_needs_and_loads_nothing() {
    let page = page(&with_problems(vec![problem(2, "Price")], 1));
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(
        page.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'")),
        "the policy allows its own style"
    );
    for outside in ["src=", "url(", "@import", "http:", "https:", "<link", "<a href=\"/", " style=", " on"] {
        assert!(!page.replace(style, "").contains(outside) && !style.contains("url("), "{outside}");
    }
}

#[test]
fn the_first_sentence_is_the_answer_and_the_colour_says_it_too() {
    let head = |report: &Report| {
        let page = page(report);
        let (_, rest) = page.split_once("<div class=\"").unwrap();
        let (class, rest) = rest.split_once("\">").unwrap();
        (class.to_string(), rest.split_once("</h1>").unwrap().0.to_string())
    };
    let mend = report("4,812 of 4,900 rows are in. 88 need your attention.", Ending::Done);
    assert_eq!(head(&mend), ("answer is-mend".to_string(), "<h1>4,812 of 4,900 rows are in.".to_string()));
    let refused = report("The file is empty. Nothing was changed.", Ending::Refused);
    assert_eq!(head(&refused).0, "answer is-stop");
    let mut good = report("All 4,812 rows are in.", Ending::Done);
    good.rows.fates.insert(Fate::Rejected, 0);
    good.tone = Tone::of(&good);
    assert_eq!(head(&good), ("answer is-good".to_string(), "<h1>All 4,812 rows are in.".to_string()));
    let note =
        |rule| Note { sheet: None, rule, message: "\"Art. no.\" is odd.".into(), advice: String::new(), rows: 1 };
    for (rule, class) in [(Rule::NotTakenAsShown, "answer is-mend"), (Rule::RowsHidden, "answer is-good")] {
        let summary = "All 9 rows are in; one thing is worth a look: \"Art. no.\" is odd. 2 other rows hold no items.";
        let mut report = Report { notes: vec![note(rule)], summary: summary.into(), ..good.clone() };
        report.tone = Tone::of(&report);
        let says = "<h1>All 9 rows are in; one thing is worth a look: &quot;Art. no.&quot; is odd.";
        assert_eq!(head(&report), (class.to_string(), says.to_string()));
        assert_eq!(page(&report).contains("id=\"look\""), rule == Rule::NotTakenAsShown);
    }
}

#[test]
fn ten_thousand_problems_stay_below_two_megabytes_and_the_page_says_where_the_rest_is() {
    let long = "x".repeat(300);
    let problems = (2..10_002).map(|row| Problem { message: format!("Row {row}: {long}"), ..problem(row, "Price") });
    let page = page(&with_problems(problems.collect(), 123_456));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let listed = page.matches("<span class=\"where\">").count() as u64;
    assert!(listed > 1_000);
    let more = format!("{} more of the 123,456 problems are not on this page.", count(123_456 - listed));
    assert!(page.contains(&more), "{more}");
}

#[test]
fn where_the_rows_to_mend_are_is_said_above_what_is_to_be_mended() {
    let place = "s3://reports/loads/0123456789abcdef/to-fix.xlsx";
    let with = |rows, of| {
        let to_fix = Some(ToFix { place: place.into(), rows, of });
        let report = Report { to_fix, ..with_problems(vec![problem(2, "many"), problem(3, "few")], 2) };
        page(&report)
    };
    for (rows, of, said) in [
        (1, 1, "The row to mend is in PLACE, with what to do beside it. Correct it there and load that file."),
        (2, 2, "The 2 rows to mend are in PLACE, with what to do beside them. Correct them there and load that file."),
        (2, 3000, "Of 3,000 rows to mend, the first 2 are in PLACE,"),
    ] {
        let page = with(rows, of);
        let (above, below) = page.split_once(&said.replace("PLACE", place)).unwrap_or_else(|| panic!("{page}"));
        assert!(above.contains("id=\"problems\"") && !above.contains("<h3>") && below.contains("<h3>"), "{page}");
    }
}

#[test]
fn a_file_that_mends_rows_of_another_load_says_of_which() {
    let mends = LoadId::parse("0123456789abcdef");
    let page = page(&Report { mends, ..report("All 88 rows are in.", Ending::Done) });
    assert!(page.contains("This file mends rows of load 0123456789abcdef."), "{page}");
}

#[test]
fn what_can_be_taken_back_says_until_when() {
    let until = "2027-02-19T08:00:00Z".parse().unwrap();
    let report = Report { undo: Some(UndoPossible { until: Some(until) }), ..report("All rows are in.", Ending::Done) };
    let page = page(&report);
    assert!(page.contains("can be taken back until 19 Feb 2027, but"), "{page}");
    assert!(page.contains("<code>inventory undo 0123456789abcdef</code>"));
}

#[test]
fn what_happened_to_a_load_since_is_its_answer_with_links_both_ways() {
    let load = LoadId::parse("0123456789abcdef").unwrap();
    let at = "2026-10-03T08:00:00Z".parse().unwrap();
    let later = |what, load: &LoadId| Later { what, load: load.clone(), by: Some("Erika".into()), at };
    let tripped = Tripped {
        gate: Gate::Prices,
        scope: None,
        message: "61% of the prices change.".into(),
        advice: "If that is right, approve the load: inventory approve 0123456789abcdef.".into(),
    };
    let held = Report {
        held: vec![tripped],
        ..report("Nothing was written: the load waits for your approval.", Ending::Held)
    };
    assert!(page(&held).contains("inventory approve"));
    let mut approved = held.clone();
    assert!(approved.add_later(later(Afterwards::Approved, &load.next())));
    assert!(!approved.add_later(later(Afterwards::Approved, &load.next())), "said twice it is noted once");
    let text = page(&approved);
    let first = "<h1>Approved by Erika on 3 Oct 2026, 08:00 UTC, and loaded as load 0123456789abcdef.2.</h1>";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("Before that: Nothing was written") && !text.contains("inventory approve"), "{text}");
    assert!(text.contains("<a href=\"../0123456789abcdef.2/report.html\">0123456789abcdef.2</a>"), "{text}");
    assert_eq!(approved.tone, Tone::Look);
    assert!(!crate::report::words(&approved, None, None).contains("inventory approve"));

    let again = Decision { load: load.clone(), by: "Erika".into(), at };
    let follows = Report { again: Some(again), ..report("All 4,812 rows are in.", Ending::Done) };
    assert!(page(&follows).contains("<a href=\"../0123456789abcdef/report.html\">"));
    assert!(crate::report::words(&follows, None, None).contains("It loads the file of load 0123456789abcdef again"));

    let undo = Some(UndoPossible { until: None });
    let mut undone = Report { undo, ..report("All 4,812 rows are in.", Ending::Done) };
    assert!(page(&undone).contains("inventory undo 0123456789abcdef"));
    undone.add_later(later(Afterwards::Undone, &load.undoing()));
    assert!(!page(&undone).contains("inventory undo 0123456789abcdef"), "it is undone");
    let mut newer = report("All 4,812 rows are in.", Ending::Done);
    newer.add_later(later(Afterwards::Replaced, &load.next()));
    assert_eq!((newer.summary.as_str(), newer.tone), ("All 4,812 rows are in.", report("", Ending::Done).tone));
}
