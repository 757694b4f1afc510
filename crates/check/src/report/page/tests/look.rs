//! What a designer looks for: the order of the page, its headings, its colours.

use std::collections::HashMap;

use super::*;

fn note(rule: Rule, message: &str) -> Note {
    Note { sheet: None, rule, message: message.into(), advice: "There is nothing to do.".into(), rows: 1 }
}

/// A report with every section that a load can have.
fn full() -> Report {
    let column = ColumnRead {
        attribute: "sku".into(),
        title: "SKU".into(),
        header: "SKU".into(),
        column: "A".into(),
        values: 4_900,
        empty: 0,
        instead_of: vec![],
    };
    let sheet = SheetRead {
        name: "Stock".into(),
        loaded: true,
        skipped: None,
        header_row: Some(1),
        columns: vec![column],
        others: vec![],
        tables: vec![],
    };
    let changed = ChangedRow {
        sheet: "Stock".into(),
        row: 3,
        key: [("sku".to_string(), inventory_base::item::Value::S("A-17".into()))].into_iter().collect(),
        attributes: vec![ChangedAttribute { name: "name".into(), before: None, after: None }],
    };
    let mut report = Report {
        sheets: vec![sheet],
        biggest: vec![changed],
        notes: vec![note(Rule::NotTakenAsShown, "Odd."), note(Rule::RowsHidden, "Hidden rows.")],
        skipped: vec![SkippedRow { sheet: "Stock".into(), row: 482, why: Skip::Total, says: "Total 12".into() }],
        to_fix: Some(ToFix { place: "s3://a/b".into(), rows: 2, of: 2 }),
        estimate: Some(Default::default()),
        taken: Some(Default::default()),
        undo: Some(UndoPossible { until: None }),
        ..with_problems(vec![problem(2, "Price"), problem(3, "Cost")], 2)
    };
    report.totals.sheet.all.items = 4_812;
    report.tone = Tone::of(&report);
    report
}

#[test]
fn notes_are_in_the_navigation_and_above_what_to_fix() {
    let page = page(&full());
    let order = ["look", "rows", "also", "problems", "columns", "totals", "changes", "cost", "undo"];
    let places = |wrap: fn(&str) -> String| order.map(|id| page.find(&wrap(id)).unwrap_or_else(|| panic!("no {id}")));
    let links = places(|id| format!("<a href=\"#{id}\">"));
    let headings = places(|id| format!("<h2 id=\"{id}\">"));
    assert!(links.is_sorted() && headings.is_sorted() && links[8] < headings[0], "{links:?} {headings:?}");
    assert!(
        page.contains("<a href=\"#also\">Good to know</a>")
            && page.contains("Hidden rows. <span class=\"quiet\">There is")
    );
}

#[test]
fn a_page_without_notes_has_no_link_to_them() {
    let report = Report { notes: vec![], skipped: vec![], ..full() };
    assert!(!page(&report).contains("#also") && !page(&report).contains("#look"));
}

#[test]
fn many_notes_open_with_a_click() {
    let skipped = (0..40).map(|row| SkippedRow { sheet: "S".into(), row, why: Skip::Note, says: "Note".into() });
    let page = page(&Report { skipped: skipped.collect(), ..full() });
    assert!(
        page.contains("<summary>Show the other 36</summary>"),
        "one remark and 40 rows, of which 5 are shown: {page}"
    );
}

#[test]
fn headings_are_in_order_and_tables_have_captions_and_scopes() {
    let page = page(&full());
    let levels: Vec<u32> =
        page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()?.to_digit(10)).collect();
    assert_eq!((levels[0], levels.iter().filter(|level| **level == 1).count()), (1, 1));
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    for table in page.split("<table").skip(1) {
        let table = table.split("</table>").next().unwrap();
        assert!(table.contains("<caption"), "{table}");
        for cell in table.split("<th").skip(1).filter(|cell| !cell.starts_with("ead")) {
            assert!(cell.split('>').next().unwrap().contains("scope="), "{cell}");
        }
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let links = page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert!(links.clone().count() > 9 && links.clone().all(|link| ids.contains(&link)), "{ids:?}");
    assert!(page.contains("href=\"#fix-2\""), "each kind of problem is a link to its table");
}

#[test]
fn every_text_has_a_contrast_of_at_least_four_and_a_half_in_light_and_dark() {
    let (light, dark) = STYLE.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = dark.split("\n}").next().unwrap();
    for colours in [light, dark] {
        let named: HashMap<&str, f64> = colours
            .split("--")
            .skip(1)
            .filter_map(|rule| rule.split_once(": #"))
            .map(|(name, rest)| (name, rest.split(';').next().unwrap()))
            .filter(|(_, colour)| colour.len() == 3 || colour.len() == 6)
            .map(|(name, colour)| (name, luminance(colour)))
            .collect();
        for (text, grounds) in [
            ("ink", &["paper", "band", "good-soft", "attention-soft", "stop-soft"][..]),
            ("quiet", &["paper", "band"]),
            ("accent", &["paper"]),
            ("good", &["paper"]),
            ("attention", &["paper"]),
        ] {
            for ground in grounds {
                let (one, other) = (named[text].max(named[ground]), named[text].min(named[ground]));
                let contrast = (one + 0.05) / (other + 0.05);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.1}");
            }
        }
    }
}

/// The relative luminance of a colour such as `1c2126`, as WCAG defines it.
fn luminance(colour: &str) -> f64 {
    let digits: Vec<f64> = colour.chars().filter_map(|c| c.to_digit(16)).map(f64::from).collect();
    let channel = |at: usize| {
        let value = match digits.len() {
            3 => digits[at] * 17.0,
            _ => digits[at * 2] * 16.0 + digits[at * 2 + 1],
        } / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}
