//! The report pages of real loads. `make pages` opens them in a browser and takes screenshots of the first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use rust_xlsxwriter::{Format, Workbook};

use crate::harness::cloud::{Cloud, DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::{inventory_at, root};

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;";
const HEADER: [&str; 7] = ["SKU", "Name", "Warehouse", "Quantity", "Unit price", "Last counted", "Barcode"];
const PLACES: [&str; 3] = ["York", "Leeds", "Hull"];
const ITEMS: u32 = 480;

/// A table, and a folder for its loads.
struct Fixture {
    cloud: Cloud,
    table: String,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn load(&self, name: &str, content: &[u8], more: &[&str]) -> Output {
        let file = self.folder.path().join(name);
        fs::write(&file, content).expect("the file");
        let (file, out) = (file.to_string_lossy(), self.folder.path().to_string_lossy());
        let arguments = ["load", &*file, "--table", &self.table, "--out", &*out];
        inventory_at(&self.cloud.endpoint, REGION, &[&arguments[..], more].concat())
    }

    /// Returns the folder that contains the loads.
    fn loads(&self) -> PathBuf {
        self.folder.path().join("loads")
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Returns the path of the report page that the command printed.
fn page_of(output: &Output) -> PathBuf {
    let stdout = stdout(output);
    let place =
        stdout.lines().find_map(|line| line.strip_prefix("The report is in ")).unwrap_or_else(|| panic!("{output:?}"));
    PathBuf::from(place)
}

fn write_stock(change: impl Fn(u32, &mut [String; 7])) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("Stock").expect("a name");
    let text = Format::new().set_num_format("@");
    for (column, title) in (0..).zip(HEADER) {
        sheet.write_string(0, column, title).expect("a header");
    }
    for item in 0..ITEMS {
        let mut row = [
            format!("{:05}", 710 + item),
            format!("Masonry bolt {} mm", 40 + item % 120),
            PLACES[item as usize % PLACES.len()].to_string(),
            (item * 7 % 90 + 3).to_string(),
            format!("{}.{:02}", 2 + item % 30, item * 13 % 100),
            format!("2026-09-{:02}", item % 28 + 1),
            String::new(),
        ];
        change(item, &mut row);
        for (column, value) in (0..).zip(&row) {
            match value.parse::<f64>() {
                Ok(number) if column > 2 => sheet.write_number(item + 1, column, number).expect("a number"),
                _ => sheet.write_string_with_format(item + 1, column, value, &text).expect("a text"),
            };
        }
    }
    book.save_to_buffer().expect("a workbook")
}

/// Changes an item for the next quarter: many have a new quantity, some a higher price, and some a typical mistake.
fn next_quarter(item: u32, row: &mut [String; 7]) {
    let [sku, name, _, quantity, price, counted, barcode] = row;
    match item {
        _ if item.is_multiple_of(9) => *price = price.replace('.', ","),
        _ if item.is_multiple_of(23) => *quantity = "a dozen".to_string(),
        _ if item.is_multiple_of(31) => quantity.clear(),
        _ if item.is_multiple_of(37) => *counted = "last week".to_string(),
        _ if item.is_multiple_of(41) => *barcode = "400638133393".to_string(),
        _ if item.is_multiple_of(43) => *sku = "00711".to_string(),
        _ if item.is_multiple_of(67) => name.clear(),
        _ if item.is_multiple_of(2) => *quantity = (item * 11 % 140).to_string(),
        _ if item.is_multiple_of(5) => *price = format!("{}.50", 3 + item % 31),
        _ => {}
    }
}

/// Copies a page to where `make pages` finds it, and returns its content.
fn keep_page(name: &str, page: &Path) -> String {
    let folder = root().join("target/tmp/pages");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(page, folder.join(name)).expect("a copy");
    fs::read_to_string(page).expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ending_of_a_load_has_a_report_page() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("pages", &[("sku", "S")], &[]).await;
    let fixture = Fixture { cloud, table, folder: tempfile::tempdir().expect("a folder") };

    let good = fixture.load("q2-stock.xlsx", &write_stock(|_, _| {}), &[]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let page = keep_page("2-good.html", &page_of(&good));
    assert!(page.contains("<h1>All 480 rows were loaded.</h1>") && page.contains("answer is-good"), "{page}");

    // Throttled, so that the report has a curve.
    let q3 = fixture.load("q3-stock.xlsx", &write_stock(next_quarter), &["--write-units", "60"]);
    assert_eq!(q3.status.code(), Some(1), "{q3:?}");
    let place = page_of(&q3);
    let page = keep_page("1-report.html", &place);
    for part in [
        "need your attention.",
        "Unit price has a comma instead of a point",
        "Quantity isn't a whole number",
        "<th class=\"cell\" scope=\"row\">D25</th>",
        "<a href=\"to-fix.xlsx\">to-fix.xlsx</a>",
        "<a href=\"#also\">Good to know</a>",
        "<th scope=\"col\">Loaded as</th>",
        "1 not an item (headings, totals, notes, blank rows)",
        "<h2 id=\"totals\">",
        "The 50 biggest of ",
        "class=\"curve\"",
        "class=\"ceiling\"",
        "Verified: the table matches.",
        "inventory undo ",
    ] {
        assert!(page.contains(part), "{part} is not in {}", place.display());
    }
    let folder = place.parent().and_then(Path::file_name).expect("the folder of the load").to_string_lossy();
    let latest = page.replace("href=\"to-fix", &format!("href=\"{folder}/to-fix"));
    assert_eq!(fs::read_to_string(fixture.loads().join("latest.html")).expect("the latest page"), latest);
    let text = fs::read_to_string(place.with_extension("txt")).expect("the report as text");
    assert_eq!(text, format!("q3-stock.xlsx: {}", stdout(&q3)));

    let held = fixture.load("q4-stock.xlsx", &write_stock(|_, row| row[3] = "0".to_string()), &[]);
    assert_eq!(held.status.code(), Some(4), "{held:?}");
    let page = keep_page("3-held.html", &page_of(&held));
    assert!(page.contains("waiting for your approval") && page.contains("What would change"), "{page}");
    assert_eq!(page.matches("inventory approve").count(), 1, "the advice appears once: {page}");

    let refused = fixture.load("photo.xlsx", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &[]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let page = keep_page("4-refused.html", &page_of(&refused));
    assert!(page.contains("answer is-stop") && page.contains("not a spreadsheet"), "{page}");

    let hostile = |item: u32, row: &mut [String; 7]| {
        row[1] = HOSTILE.to_string();
        row[2] = HOSTILE.to_string();
        if item.is_multiple_of(2) {
            row[3] = HOSTILE.to_string();
        }
        if item == 7 {
            row[0] = HOSTILE.to_string();
        }
    };
    let name = format!("{}.xlsx", HOSTILE.replace('/', ""));
    let loaded = fixture.load(&name, &write_stock(hostile), &["--waive", "rejected"]);
    assert_eq!(loaded.status.code(), Some(1), "{loaded:?}");
    let page = keep_page("5-hostile.html", &page_of(&loaded));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script") && !page.contains("<img"), "{page}");

    // A report that is uploaded by mistake is recognised and refused.
    let ours = fixture.load("report.html", page.as_bytes(), &[]);
    assert!(stdout(&ours).contains("a report or a plan made by this loader"), "{ours:?}");
    fixture.cloud.delete_table(&fixture.table).await;
}
