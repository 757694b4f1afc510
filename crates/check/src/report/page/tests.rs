mod look;
mod tables;

use super::*;
use crate::plan::{ChangedAttribute, ChangedRow, Counts, Fate, Gate, Kinds, Tripped};
use crate::report::{RowCounts, Seconds, SkippedRow, ToFix, UndoPossible};
use inventory_base::decision::{Decision, FollowUp, FollowUpKind};
use inventory_base::load_id::LoadId;
use inventory_base::message::{Note, Problem, Rule, count};
use inventory_base::upload::Upload;
use inventory_rules::judge::{ColumnRead, OtherColumn, SheetRead, Skip, TableRead};

const HOSTILE: &str = "\"><script>alert('1')</script><img src=x onerror=alert(2)>&lt;{}";

const NUMBER_ADVICE: &str = "It should be a number such as 12.50. Enter only the number, without a currency or unit, or \
                             empty the cell if there is none yet.";

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
        advice: format!("{NUMBER_ADVICE} Row {row} was not loaded."),
    }
}

fn with_problems(problems: Vec<Problem>, total: u64) -> Report {
    let mut kinds = Kinds::default();
    problems.iter().for_each(|problem| kinds.add(problem));
    let report = report("4,812 of 4,900 rows were loaded. 88 need your attention.", Ending::Done);
    Report { problems, problems_total: total, kinds, ..report }
}

#[test]
fn everything_quoted_from_a_cell_is_escaped() {
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
    assert!(page.matches("&lt;script&gt;").count() > 10, "the page contains the texts, escaped");
    assert!(page.contains(", from row 40</caption>"), "the table below has its own columns");
    // A text that already looks escaped is shown literally.
    assert!(page.contains("&amp;lt;{}"));
}

#[test]
fn the_page_is_self_contained_and_loads_nothing() {
    let page = page(&with_problems(vec![problem(2, "Price")], 1));
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    assert!(
        page.contains(&format!("default-src 'none'; style-src 'sha256-{hash}'")),
        "the policy allows its own style"
    );
    let tags: String = page.replace(style, "").split('<').filter_map(|part| Some(part.split_once('>')?.0)).collect();
    for outside in ["src=", "url(", "@import", "http:", "https:", "link", "a href=\"/", " style=", " on"] {
        assert!(!tags.contains(outside) && !style.contains("url("), "{outside}");
    }
}

#[test]
fn the_first_sentence_is_the_heading_and_the_colour_matches_it() {
    let head = |report: &Report| {
        let page = page(report);
        let (_, rest) = page.split_once("<div class=\"").unwrap();
        let (class, rest) = rest.split_once("\">").unwrap();
        (class.to_string(), rest.split_once("</h1>").unwrap().0.to_string())
    };
    let attention = report("4,812 of 4,900 rows were loaded. 88 need your attention.", Ending::Done);
    let heading = "<h1>4,812 of 4,900 rows were loaded.".to_string();
    assert_eq!(head(&attention), ("answer is-attention".to_string(), heading));
    let refused = report("The file is empty. Nothing was changed.", Ending::Refused);
    assert_eq!(head(&refused).0, "answer is-stop");
    let mut good = report("All 4,812 rows were loaded.", Ending::Done);
    good.rows.fates.insert(Fate::Rejected, 0);
    good.tone = Tone::of(&good);
    assert_eq!(head(&good), ("answer is-good".to_string(), "<h1>All 4,812 rows were loaded.".to_string()));
    let note =
        |rule| Note { sheet: None, rule, message: "\"Art. no.\" is odd.".into(), advice: String::new(), rows: 1 };
    for (rule, class) in [(Rule::NotTakenAsShown, "answer is-attention"), (Rule::RowsHidden, "answer is-good")] {
        let summary =
            "All 9 rows were loaded; one thing is worth a look: \"Art. no.\" is odd. 2 other rows contain no items.";
        let mut report = Report { notes: vec![note(rule)], summary: summary.into(), ..good.clone() };
        report.tone = Tone::of(&report);
        let expected = "<h1>All 9 rows were loaded; one thing is worth a look: &quot;Art. no.&quot; is odd.";
        assert_eq!(head(&report), (class.to_string(), expected.to_string()));
        assert_eq!(page(&report).contains("id=\"look\""), rule == Rule::NotTakenAsShown);
    }
}

#[test]
fn a_page_with_ten_thousand_problems_is_smaller_than_two_megabytes_and_says_where_the_rest_is() {
    let long = "x".repeat(300);
    let problems = (2..10_002).map(|row| Problem { message: format!("Row {row}: {long}"), ..problem(row, "Price") });
    let page = page(&with_problems(problems.collect(), 123_456));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    let listed = page.matches("<th class=\"cell\" scope=\"row\">").count() as u64;
    assert!(listed > 1_000);
    let more = format!("{} more of the 123,456 problems are not on this page.", count(123_456 - listed));
    assert!(page.contains(&more), "{more}");
}

#[test]
fn the_place_of_the_rows_to_fix_is_above_the_list_of_problems() {
    let place = "s3://reports/loads/0123456789abcdef/to-fix.xlsx";
    let with = |rows, of| {
        let to_fix = Some(ToFix { place: place.into(), rows, of });
        let report = Report { to_fix, ..with_problems(vec![problem(2, "many"), problem(3, "few")], 2) };
        page(&report)
    };
    const LINK: &str = "<a href=\"to-fix.xlsx\">to-fix.xlsx</a>";
    for (rows, of, expected) in [
        (1, 1, "The row to fix is in PLACE, with instructions next to it. Correct it there and load that file."),
        (
            2,
            2,
            "The 2 rows to fix are in PLACE, with instructions next to them. Correct them there and load that file.",
        ),
        (2, 3000, "Of 3,000 rows to fix, the first 2 are in PLACE,"),
    ] {
        let page = with(rows, of);
        let (above, below) = page.split_once(&expected.replace("PLACE", LINK)).unwrap_or_else(|| panic!("{page}"));
        assert!(above.contains("id=\"problems\"") && !above.contains("<h3") && below.contains("<h3"), "{page}");
    }
}

#[test]
fn a_file_that_fixes_rows_of_another_load_names_that_load() {
    let fixes = LoadId::parse("0123456789abcdef");
    let page = page(&Report { fixes, ..report("All 88 rows were loaded.", Ending::Done) });
    assert!(page.contains("This file fixes rows of load 0123456789abcdef."), "{page}");
}

#[test]
fn a_load_that_can_be_undone_says_until_when() {
    let until = "2027-02-19T08:00:00Z".parse().unwrap();
    let report =
        Report { undo: Some(UndoPossible { until: Some(until) }), ..report("All rows were loaded.", Ending::Done) };
    let page = page(&report);
    assert!(page.contains("You can undo this until 19 Feb 2027, except for items changed since."), "{page}");
    assert!(page.contains("<code>inventory undo 0123456789abcdef</code>"));
}

#[test]
fn what_happened_to_a_load_after_its_end_comes_first_with_links_both_ways() {
    let load = LoadId::parse("0123456789abcdef").unwrap();
    let at = "2026-10-03T08:00:00Z".parse().unwrap();
    let later = |what, load: &LoadId| FollowUp { what, load: load.clone(), by: Some("Erika".into()), at };
    let tripped = Tripped {
        gate: Gate::Prices,
        scope: None,
        message: "61% of the prices change.".into(),
        advice: "If that is right, approve the load: inventory approve 0123456789abcdef.".into(),
    };
    let held = Report {
        held: vec![tripped],
        ..report("Nothing has been changed yet: the load is waiting for your approval.", Ending::Held)
    };
    assert!(page(&held).contains("inventory approve"));
    let mut approved = held.clone();
    assert!(approved.add_later(later(FollowUpKind::Approved, &load.next())));
    assert!(!approved.add_later(later(FollowUpKind::Approved, &load.next())), "the same event is added only once");
    let text = page(&approved);
    let first = "<h1>Approved by Erika on 3 Oct 2026, 08:00 UTC, and loaded as load 0123456789abcdef.2.</h1>";
    assert!(text.contains(first), "{text}");
    assert!(
        text.contains("Before that: Nothing has been changed yet") && !text.contains("inventory approve"),
        "{text}"
    );
    assert!(text.contains("<a href=\"../0123456789abcdef.2/report.html\">0123456789abcdef.2</a>"), "{text}");
    assert_eq!(approved.tone, Tone::Look);
    assert!(!crate::report::words(&approved, None, None).contains("inventory approve"));

    let again = Decision { load: load.clone(), by: "Erika".into(), at };
    let follows = Report { again: Some(again), ..report("All 4,812 rows were loaded.", Ending::Done) };
    assert!(page(&follows).contains("<a href=\"../0123456789abcdef/report.html\">"));
    assert!(
        crate::report::words(&follows, None, None)
            .contains("This load repeats load 0123456789abcdef, as Erika decided on")
    );

    let undo = Some(UndoPossible { until: None });
    let mut undone = Report { undo, ..report("All 4,812 rows were loaded.", Ending::Done) };
    assert!(page(&undone).contains("inventory undo 0123456789abcdef"));
    undone.add_later(later(FollowUpKind::Undone, &load.undoing()));
    assert!(!page(&undone).contains("inventory undo 0123456789abcdef"), "it has already been undone");
    let mut newer = report("All 4,812 rows were loaded.", Ending::Done);
    newer.add_later(later(FollowUpKind::Replaced, &load.next()));
    assert_eq!((newer.summary.as_str(), newer.tone), ("All 4,812 rows were loaded.", report("", Ending::Done).tone));
}
