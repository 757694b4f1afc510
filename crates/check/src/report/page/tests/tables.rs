//! The tables: what is in them, and in which order.

use super::*;
use crate::plan::{ControlTotals, Figures};
use crate::report::latest_page;
use inventory_base::decimal::Decimal;
use inventory_base::item::Value;

/// Returns the page's text without its style and markup, with a bar between cells and parts.
fn text(page: &str) -> String {
    let (_, body) = page.split_once("</style>").unwrap();
    let mut text = String::new();
    for part in body.split('<') {
        let (_, words) = part.split_once('>').unwrap_or(("", part));
        if !words.trim().is_empty() {
            text.push_str(words.trim());
            text.push('|');
        }
    }
    text
}

/// Returns the part of the page from the heading with this identifier to the next section.
fn part(page: &str, id: &str) -> String {
    let (_, rest) = page.split_once(&format!(" id=\"{id}\">")).unwrap_or_else(|| panic!("no {id} in {page}"));
    rest.split("</section>").next().unwrap().to_string()
}

fn not_a_number(row: u32, value: &str) -> Problem {
    Problem {
        sheet: "Stock".into(),
        column: Some("Price".into()),
        value: Some(value.into()),
        message: format!("Price in D{row} is \"{value}\"."),
        ..problem(row, "Price")
    }
}

#[test]
fn the_rows_to_fix_are_a_link_to_the_file_beside_the_page() {
    let place = "s3://reports/loads/0123456789abcdef/to-fix.xlsx";
    let to_fix = Some(ToFix { place: place.into(), rows: 2, of: 2 });
    let report = Report { to_fix, ..with_problems(vec![problem(2, "Price"), problem(3, "Price")], 2) };
    let beside = page(&report);
    assert!(!beside.contains("s3://"), "{beside}");
    assert_eq!(
        beside.matches("<a href=\"to-fix.xlsx\">to-fix.xlsx</a>").count(),
        2,
        "in the answer and above the problems"
    );
    let above = latest_page(&report);
    assert_eq!(
        above.matches("<a href=\"0123456789abcdef/to-fix.xlsx\">").count(),
        2,
        "the latest page lies above the load"
    );
    assert!(crate::report::words(&report, None, None).contains(place), "the text keeps the place");
    // Of a file that was only checked, nothing lies beside a page.
    assert!(page(&Report { load: None, ..report }).contains(place));
}

#[test]
fn links_of_the_latest_page_lead_into_the_folders_of_the_loads() {
    let load = LoadId::parse("0123456789abcdef").unwrap();
    let again = Some(Decision { load, by: "Erika".into(), at: "2026-10-03T08:00:00Z".parse().unwrap() });
    let report = Report { again, ..report("All 4,812 rows were loaded.", Ending::Done) };
    assert!(latest_page(&report).contains("<a href=\"0123456789abcdef/report.html\">"));
    assert!(page(&report).contains("<a href=\"../0123456789abcdef/report.html\">"));
}

#[test]
fn problems_of_a_kind_are_a_table_with_one_heading_and_one_advice() {
    let problems = vec![not_a_number(2, "n/a"), not_a_number(3, "two"), not_a_number(14, "a dozen")];
    let page = page(&with_problems(problems, 3));
    let section = part(&page, "problems");
    let expected = format!(
        "|Price isn't a number|· 3|{NUMBER_ADVICE}|Price isn't a number|Cell|Value|Row|D2|n/a|2|D3|two|3|D14|a dozen|14|"
    );
    assert!(text(&format!("</style>{section}")).contains(&expected), "{section}");
    assert!(!section.contains("was not loaded."), "what happened to the rows is said once, above all kinds: {section}");
    assert!(section.contains("The rows below were not loaded."), "{section}");
    for once in ["D14", NUMBER_ADVICE, "Price isn&#39;t a number</h3>"] {
        assert!(section.matches(once).count() <= 1, "{once} in {section}");
    }
}

#[test]
fn the_sheet_of_a_problem_is_named_if_there_are_several_and_what_to_type_has_its_own_column() {
    let comma = |sheet: &str, row: u32, value: &str, point: &str| Problem {
        sheet: sheet.into(),
        rule: Rule::PointExpected,
        message: format!("Price in D{row} is \"{value}\", with a comma where a point was expected."),
        advice: format!("Type it as {point}. Row {row} was not loaded."),
        ..not_a_number(row, value)
    };
    let sheet = |name: &str| SheetRead {
        name: name.into(),
        loaded: true,
        skipped: None,
        header_row: Some(1),
        columns: vec![],
        others: vec![],
        tables: vec![],
    };
    let problems = vec![comma("Leeds", 7, "12,50", "12.5"), comma("York & Hull", 9, "3,40", "3.4")];
    let report = Report { sheets: vec![sheet("Leeds"), sheet("York & Hull")], ..with_problems(problems, 2) };
    let text = text(&page(&report));
    let expected = "|Cell|Value|Type it as|Row|Sheet|D7|12,50|12.5|7|Leeds|D9|3,40|3.4|9|York &amp; Hull|";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn rows_of_one_item_share_a_line_and_an_empty_cell_has_no_value() {
    let repeated = |row: u32| {
        Problem {
        rule: Rule::KeyRepeated,
        message: "Price A-17 appears in rows 12 and 340.".into(),
        advice: "If they are different items, correct the Price that is mistyped. If they are the same item, keep the right \
                 row and delete the others. Both were left out."
            .into(),
        ..not_a_number(row, "A-17")
    }
    };
    let text_of = |problems: Vec<Problem>| text(&page(&with_problems(problems, 2)));
    let text = text_of(vec![repeated(12), repeated(340)]);
    assert!(text.contains("|Cell|Value|Row|D12, D340|A-17|12 and 340|"), "{text}");
    let empty = |row: u32| Problem {
        value: None,
        rule: Rule::ValueMissing,
        message: format!("Price in D{row} is empty."),
        advice: format!("Enter the Price; it is required. Row {row} was not loaded."),
        ..not_a_number(row, "")
    };
    let text = text_of(vec![empty(5), empty(6)]);
    assert!(text.contains("|Enter the Price; it is required.|Price is empty|Cell|Row|D5|5|D6|6|"), "{text}");
}

#[test]
fn long_tables_of_problems_show_their_first_rows_and_open_with_a_click() {
    let page = page(&with_problems((2..42).map(|row| not_a_number(row, "n/a")).collect(), 40));
    let section = part(&page, "problems");
    let (first, rest) = section.split_once("<details>").unwrap();
    assert_eq!(
        (first.matches("<th class=\"cell\"").count(), rest.matches("<th class=\"cell\"").count()),
        (1 + 5, 1 + 35)
    );
    assert!(rest.contains("Show the other 35"), "{rest}");
}

#[test]
fn the_columns_are_a_table_from_the_sheet_to_the_rules_with_the_unknown_ones_below() {
    let column = |header: &str, letter: &str, title: &str, values, empty| ColumnRead {
        attribute: title.to_lowercase(),
        title: title.into(),
        header: header.into(),
        column: letter.into(),
        values,
        empty,
        instead_of: vec![],
    };
    let other = |header: &str, letter: &str| OtherColumn { header: header.into(), column: letter.into() };
    let quantity = ColumnRead {
        instead_of: vec![other("Qty available", "D")],
        ..column("Qty on hand", "C", "Quantity", 480, 1_200)
    };
    let sheet = SheetRead {
        name: "Stock".into(),
        loaded: true,
        skipped: None,
        header_row: Some(1),
        columns: vec![column("Art. no.", "B", "SKU", 1_680, 0), quantity],
        others: vec![other("Shelf", "A"), other("Qty available", "D")],
        tables: vec![],
    };
    let unknown = Note { sheet: None, rule: Rule::ColumnsNotKnown, message: "M".into(), advice: "A".into(), rows: 0 };
    let mut report =
        Report { sheets: vec![sheet], notes: vec![unknown], ..report("All rows were loaded.", Ending::Done) };
    let section = |report: &Report| text(&format!("</style>{}", part(&page(report), "columns")));
    let known = "|In your sheet|Loaded as|Values|Empty|B|Art. no.|SKU|1,680|0|C|Qty on hand|Quantity|480|1,200|";
    let expected =
        format!("{known}A|Shelf|Not loaded|D|Qty available|Not loaded; Quantity was read from Qty on hand (C)|");
    assert!(section(&report).ends_with(&expected), "{}", section(&report));
    // Rules that keep unknown columns have no such note.
    report.notes.clear();
    assert!(section(&report).contains("|A|Shelf|Under its own name|"), "{}", section(&report));
}

#[test]
fn sums_keep_their_decimals() {
    let figures = |quantity: &str, value: &str| Figures {
        items: 2,
        quantity: Decimal::parse(quantity).ok(),
        value: Decimal::parse(value).ok(),
    };
    let mut report = report("All rows were loaded.", Ending::Done);
    report.totals.sheet = ControlTotals {
        all: figures("1204", "1234.5"),
        groups: [("Leeds".to_string(), figures("1200", "1200")), ("York".to_string(), figures("4", "34.5"))].into(),
        ..ControlTotals::default()
    };
    let section = text(&format!("</style>{}", part(&page(&report), "totals")));
    let expected = "|All|2|1,204|1,234.50|Leeds|2|1,200|1,200.00|York|2|4|34.50|";
    assert!(section.contains(expected), "{section}");
    let words = crate::report::words(&report, None, None);
    assert!(words.contains("In the sheet: 2 items, quantity 1,204, value 1,234.50."), "{words}");
}

fn changed(key: &str, attributes: &[(&str, Option<Value>, Option<Value>)]) -> ChangedRow {
    let attribute = |(name, before, after): &(&str, Option<Value>, Option<Value>)| ChangedAttribute {
        name: name.to_string(),
        before: before.clone(),
        after: after.clone(),
    };
    ChangedRow {
        sheet: "Stock".into(),
        row: 3,
        key: [("sku".to_string(), Value::S(key.into()))].into_iter().collect(),
        attributes: attributes.iter().map(attribute).collect(),
    }
}

#[test]
fn changed_dates_and_texts_have_no_quotation_marks_and_prices_keep_their_decimals() {
    let (s, n) = (|text: &str| Some(Value::S(text.into())), |number: &str| Some(Value::N(number.into())));
    let row = changed(
        "00711",
        &[
            ("last_counted", s("2026-06-30"), s("2026-10-03")),
            ("supplier", s("Calder Tools"), None),
            ("unit_price", n("1234.5"), n("13.25")),
        ],
    );
    let report = Report { biggest: vec![row], ..report("All rows were loaded.", Ending::Done) };
    let section = text(&format!("</style>{}", part(&page(&report), "changes")));
    let expected = "|00711|last_counted|30 Jun 2026|3 Oct 2026|supplier|Calder Tools|empty|unit_price|1,234.50|13.25|";
    assert!(section.contains(expected), "{section}");
    let words = crate::report::words(&report, None, None);
    assert!(words.contains("last_counted 30 Jun 2026 -> 3 Oct 2026, supplier \"Calder Tools\" -> (empty)"), "{words}");
}

#[test]
fn an_undo_says_what_happened_to_its_items() {
    let items = serde_json::json!({ "restored": 12, "removed": 0, "edited": 1, "not-taken": 1 });
    let staying = serde_json::json!([
        { "key": { "sku": { "S": "A-2" } }, "fate": "edited" },
        { "key": { "sku": { "S": "A-7" } }, "fate": "not-taken", "reason": "Item is odd." },
    ]);
    let undone = serde_json::json!({
        "load": "0123456789abcdef", "by": "Erika", "at": "2026-10-03T08:00:00Z", "items": items, "staying": staying
    });
    let undone = serde_json::from_value(undone).unwrap();
    let report = Report { undone: Some(undone), ..report("Load X was undone.", Ending::Done) };
    let page = page(&report);
    assert!(page.contains("<a href=\"#changes\">What was undone</a>"), "{page}");
    let section = text(&format!("</style>{}", part(&page, "changes")));
    assert!(section.contains("|12|restored to earlier values|1|left unchanged: they were changed"), "{section}");
    let expected = "|A-2|Changed after the load|A-7|The table says|&quot;Item|is|odd.&quot;|";
    assert!(section.contains(expected), "{section}");
    assert!(!section.contains("removed"), "{section}");
}

#[test]
fn item_numbers_and_names_of_warehouses_are_never_broken() {
    let number = "AX-4411-BLK-XXL-2026-EDITION-00011";
    let warehouse = "Kirkcaldy Distribution Centre (North-East)";
    let row = changed(number, &[("warehouse", Some(Value::S("York & Hull".into())), Some(Value::S(warehouse.into())))]);
    let mut report = Report { biggest: vec![row], ..report("All rows were loaded.", Ending::Done) };
    report.totals.sheet.all.items = 1;
    report.totals.sheet.groups = [(warehouse.to_string(), Figures::default())].into();
    let page = page(&report);
    assert!(page.contains(&format!("<span class=\"whole\">{number}</span>")), "{page}");
    assert!(page.contains("<span class=\"whole\">York &amp; Hull</span>"), "{page}");
    // Long names break between words, and not at a hyphen.
    let name = "Kirkcaldy Distribution Centre <span class=\"whole\">(North-East)</span>";
    assert_eq!(page.matches(name).count(), 2, "{page}");
    assert!(STYLE.contains(".whole { white-space: nowrap; }"));
    let cells = STYLE.lines().filter(|line| line.starts_with("th, td {") || line.starts_with(".scroll"));
    assert!(
        !cells.clone().any(|rule| rule.contains("overflow-wrap: anywhere")) && cells.count() >= 2,
        "cells never break words"
    );
    assert_eq!(
        page.matches("<table").count(),
        page.matches("<div class=\"scroll\" tabindex=\"0\"").count(),
        "each table scrolls"
    );
}
