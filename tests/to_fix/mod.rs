//! Rows that were not loaded are returned in a workbook; corrected there and uploaded again, they are loaded.

mod list;
mod user;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use calamine::Data;
use inventory_base::ending::Ending;
use inventory_base::item::Value;
use inventory_base::load_id::LoadId;
use inventory_check::plan::Fate;
use inventory_check::report::Report;
use serde_json::{Value as Json, json};

use self::list::{HEADER, List, Row};
use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::stack::Stack;
use crate::harness::{inventory, inventory_at, sample, unique};

const ROWS: usize = 400;
const LEFT_OUT: u64 = 88;

fn random() -> fastrand::Rng {
    let seed = std::env::var("TO_FIX_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(8);
    println!("TO_FIX_SEED={seed} makes the same list again");
    fastrand::Rng::with_seed(seed)
}

fn sku(row: &Row) -> String {
    row.correct[1].to_string()
}

/// Loads a list with mistakes, and returns it with its report and the workbook of rows to fix.
async fn load_with_mistakes(stack: &Stack, prefix: &str, sheets: &[&'static str]) -> (List, Report, Vec<u8>) {
    let list = List::with_88_mistakes(prefix, ROWS, sheets, &mut random());
    assert_eq!(list.rows_left_out().count() as u64, LEFT_OUT);
    let upload = stack.upload(&format!("uploads/{prefix}.xlsx"), list.to_xlsx()).await;
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.needing_attention()), (Ending::Done, LEFT_OUT), "{}", report.summary);
    assert_eq!(report.rows.fates[&Fate::New], ROWS as u64 - LEFT_OUT);
    let name = format!("loads/{}/to-fix.xlsx", LoadId::of(&upload));
    let to_fix = report.to_fix.as_ref().expect("rows to fix");
    assert_eq!((to_fix.rows, to_fix.of), (LEFT_OUT, LEFT_OUT));
    assert_eq!(to_fix.place, format!("s3://{}/{name}", stack.reports));
    let head = stack.cloud.s3.head_object().bucket(&stack.reports).key(&name).send().await.expect("a workbook");
    assert_eq!(head.content_type(), Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"));
    let workbook = stack.kept(&name).await.expect("a workbook");
    (list, report, workbook)
}

/// Opens a workbook of rows to fix and corrects the wrong cells only.
fn corrected(workbook: &[u8], list: &List) -> Vec<user::Page> {
    let mut pages = user::open(workbook);
    user::correct(&mut pages, |sheet, number, header, _| {
        let row = list.row(sheet, number);
        let place = HEADER.iter().position(|name| *name == header)?;
        (row.sent[place] != row.correct[place]).then(|| row.correct[place].clone())
    });
    pages
}

/// Asserts that all rows are loaded, the corrected ones with the correct values.
async fn assert_all_loaded(stack: &Stack, prefix: &str, list: &List, first: &Report, report: &Report) {
    // Several sheets without a Warehouse column may be named after their warehouses, which the items then lack.
    let summary = match list.sheets[..] {
        [_] => format!("All {LEFT_OUT} rows were loaded."),
        _ => format!(
            "All {LEFT_OUT} rows were loaded; one thing is worth a look: \
             There is no column for the Warehouse on \"Leeds\", \"York & Hull\"."
        ),
    };
    assert_eq!(report.summary, summary);
    assert_eq!((report.rows.fates[&Fate::New], report.ending), (LEFT_OUT, Ending::Done));
    assert_eq!((report.fixes.as_ref(), report.to_fix.as_ref()), (first.load.as_ref(), None));
    assert_eq!(stack.count_items(prefix).await, ROWS);
    for row in list.rows_left_out() {
        let item = stack.item(&sku(row)).await.unwrap_or_else(|| panic!("{}", sku(row)));
        let number = |place: usize| Value::N(row.correct[place].to_string().into());
        assert_eq!((&item["quantity"], &item["unit_price"]), (&number(3), &number(4)), "{item:?}");
        assert_eq!(item["name"], Value::S(row.correct[2].to_string().into()));
        assert_eq!(item["discontinued"], Value::Bool(row.correct[6] == Data::Bool(true)));
        let supplier = (row.correct[7] != Data::Empty).then(|| Value::S(row.correct[7].to_string().into()));
        assert_eq!(item.get("supplier"), supplier.as_ref(), "{item:?}");
        assert!(item.contains_key("last_counted") && !item.contains_key("What to do"), "{item:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_left_out_are_loaded_once_corrected_in_the_to_fix_workbook() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("fixed");
    let (list, first, workbook) = load_with_mistakes(&stack, &prefix, &["Leeds", "York & Hull"]).await;
    let corrected = user::save_as_xlsx(&corrected(&workbook, &list));
    let upload = stack.upload(&format!("uploads/{prefix} to-fix.xlsx"), corrected).await;
    let report = stack.report(&upload).await;
    assert_all_loaded(&stack, &prefix, &list, &first, &report).await;

    // The ledger's record names the first load.
    let load = LoadId::of(&upload);
    stack.log_event(load.as_str(), "turn_ended").await;
    let key = |name: &str, text: String| (name.to_string(), AttributeValue::S(text));
    let key = [key("pk", format!("load#{load}")), key("sk", "state".to_string())].into();
    let get = stack.cloud.dynamodb.get_item().table_name(&stack.ledger).consistent_read(true).set_key(Some(key));
    let record = get.send().await.expect("an answer").item.expect("a record");
    let summary: Json = serde_json::from_str(record["summary"].as_s().expect("text")).expect("JSON");
    assert_eq!(summary["fixes"], json!(first.load));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_to_fix_workbook_may_be_saved_as_csv() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("fixed-csv");
    let (list, first, workbook) = load_with_mistakes(&stack, &prefix, &["Stock"]).await;
    let corrected = user::save_as_csv(&corrected(&workbook, &list)[0]);
    let upload = stack.upload(&format!("uploads/{prefix}-to-fix.csv"), corrected).await;
    let report = stack.report(&upload).await;
    assert_all_loaded(&stack, &prefix, &list, &first, &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncorrected_to_fix_workbook_has_the_same_problems_again() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("unfixed");
    let (_, first, workbook) = load_with_mistakes(&stack, &prefix, &["Leeds", "York & Hull"]).await;
    let upload = stack.upload(&format!("uploads/{prefix}-to-fix.xlsx"), workbook.clone()).await;
    let again = stack.report(&upload).await;
    // All rows of a workbook of rows to fix may be wrong: no gate holds the load for that.
    assert_eq!((again.ending, again.needing_attention(), &again.held), (Ending::Done, LEFT_OUT, &Vec::new()));
    let problems = |report: &Report| {
        let problem = |problem: &inventory_base::message::Problem| {
            (problem.sheet.clone(), problem.column.clone(), problem.rule, problem.value.clone())
        };
        let mut problems: Vec<_> = report.problems.iter().map(problem).collect();
        problems.sort();
        problems
    };
    assert_eq!(problems(&again), problems(&first));
    assert_eq!(stack.count_items(&prefix).await, ROWS - LEFT_OUT as usize);

    // The second load's workbook has the same rows again, with the second load's name.
    let second = again.load.expect("a load");
    let returned = user::open(&stack.kept(&format!("loads/{second}/to-fix.xlsx")).await.expect("a workbook"));
    for (sent, returned) in user::open(&workbook).iter().zip(&returned) {
        assert_eq!(returned.rows[0].last().map(Data::to_string), Some(format!("What to do (load {second})")));
        for (sent, returned) in sent.rows.iter().zip(&returned.rows) {
            assert_eq!(returned[..returned.len() - 1], sent[..sent.len() - 1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_to_fix_workbook_does_not_delete_the_items_it_does_not_list() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("to-fix", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let sync = "[sync]\nmissing = \"delete\"\nscope = \"table\"\n\n[gates]\n";
    let rules = include_str!("../../inventory.toml").replace("[gates]\n", sync);
    std::fs::write(place("rules.toml"), rules).expect("the rules");
    let line = |row: usize| format!("A-{row},Item {row},{}\n", if row < 3 { "many".into() } else { row.to_string() });
    let lines: String = (0..30).map(line).collect();
    std::fs::write(place("stock.csv"), format!("SKU,Name,Quantity\n{lines}")).expect("the file");
    let load = |file: &str, json: bool| {
        let out = place("out");
        let rules = place("rules.toml");
        let mut arguments = vec!["load", file, "--table", &table, "--schema", &rules, "--out", &out];
        arguments.extend(json.then_some("--json"));
        inventory_at(&cloud.endpoint, REGION, &arguments)
    };
    let output = load(&place("stock.csv"), true);
    let first: Report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(first.rows.fates[&Fate::New], 27);
    let to_fix = first.to_fix.as_ref().expect("rows to fix");
    let mut pages = user::open(&std::fs::read(&to_fix.place).expect("a workbook"));
    user::correct(&mut pages, |_, _, _, cell| (*cell == Data::String("many".into())).then_some(Data::Float(7.0)));
    std::fs::write(place("to-fix.xlsx"), user::save_as_xlsx(&pages)).expect("the corrected file");
    let output = load(&place("to-fix.xlsx"), false);
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    let fixes = format!("This file fixes rows of load {}. Items that it doesn't list ", first.load.expect("a load"));
    assert!(summary.contains("All 3 rows were loaded.") && summary.contains(&fixes), "{summary}");
    let items = cloud.dynamodb.scan().table_name(&table).consistent_read(true).send().await.expect("the items");
    assert_eq!(items.count, 30);
    cloud.delete_table(&table).await;
}

fn check(file: &Path, to_fix: &Path, more: &[&str]) -> std::process::Output {
    let arguments = ["check", file.to_str().expect("a path"), "--to-fix", to_fix.to_str().expect("a path")];
    inventory(&[&arguments[..], more].concat())
}

#[test]
fn check_writes_the_rows_to_fix_into_a_workbook() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (sample("q3-stock-with-mistakes.xlsx"), folder.path().join("to-fix.xlsx"));
    let output = check(&file, &out, &[]);
    let summary = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let place = format!("The 11 rows to fix are in {}, with instructions next to them.", out.display());
    assert!(summary.contains(&place), "{summary}");
    let pages = user::open(&std::fs::read(&out).expect("a workbook"));
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    assert_eq!((names, pages[0].rows.len()), (vec!["Count York"], 12));
    let header = pages[0].rows[0].iter().map(Data::to_string).collect::<Vec<_>>().join(",");
    assert!(header.starts_with("Shelf,Article no,Description,") && header.contains(",What to do (load "), "{header}");

    // Checked itself, the workbook has the same problems in other rows, and the report names the first load.
    let problems = |file: &Path, more: &[&str]| {
        let output = inventory(&[&["check", file.to_str().expect("a path"), "--json"], more].concat());
        let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
        let mut problems = BTreeMap::new();
        for problem in &report.problems {
            *problems.entry((problem.rule, problem.column.clone(), problem.value.clone())).or_insert(0) += 1;
        }
        (problems, report.fixes)
    };
    let ((first, none), (again, fixes)) = (problems(&file, &[]), problems(&out, &[]));
    assert_eq!((again, none), (first, None));
    assert!(fixes.is_some_and(|load| header.ends_with(&format!("What to do (load {load})"))));
}

#[test]
fn check_writes_no_workbook_if_nothing_is_to_fix_and_never_overwrites_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("to-fix.xlsx");
    let output = check(&sample("q3-stock.xlsx"), &out, &[]);
    let summary = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && summary.contains("No row needs fixing"), "{output:?}");
    assert!(!out.exists());
    let file = folder.path().join("stock.csv");
    let content = "SKU,Name,Quantity\nA,Bolt,many\n";
    std::fs::write(&file, content).expect("a file");
    let output = check(&file, &file, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), content);
}

#[test]
fn text_in_cells_headers_and_tabs_never_becomes_a_formula_or_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("=cmd|' C calc'!A0.csv"), folder.path().join("to-fix.xlsx"));
    let evil = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "=1+1", "../../../etc/passwd"];
    let lines = evil.map(|text| format!("{text},{text},many,{text}\n"));
    std::fs::write(&file, format!("SKU,Name,Quantity,=1+1\n{}", lines.concat())).expect("the file");
    let output = check(&file, &out, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let content = std::fs::read(&out).expect("a workbook");
    let pages = user::open(&content);
    assert_eq!(pages[0].name, "=cmd|' C calc'!A0");
    let texts = |row: &[Data]| row.iter().map(Data::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&pages[0].rows[0])[..4], ["SKU", "Name", "Quantity", "=1+1"]);
    for (row, text) in pages[0].rows[1..].iter().zip(evil) {
        assert_eq!(texts(row)[..4], [text, text, "many", text]);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(content)).expect("a workbook");
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).expect("a part");
        let name = part.name().expect("its name").to_string();
        assert!(!name.contains("..") && !name.contains("cmd"), "{name}");
        let mut text = String::new();
        part.read_to_string(&mut text).expect("text");
        assert!(!text.contains("<f>") && !text.contains("<f ") && !text.contains("<hyperlink"), "{name}: {text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 2, "nothing else was written");
}
