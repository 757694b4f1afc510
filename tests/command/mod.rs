//! The command's contract: what it prints, what it writes, and its exit codes.

mod counts;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use serde_json::Value as Json;

use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::stack::Stack;
use crate::harness::{files, inventory, inventory_at, root, sample, unique};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).expect("a list");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Returns the expectations in sample-data/expected.json, which were written by hand.
fn expectations() -> Vec<(String, Json)> {
    let text = std::fs::read_to_string(sample("expected.json")).expect("sample-data/expected.json");
    let Json::Object(files) = serde_json::from_str(&text).expect("JSON") else { panic!("not an object") };
    files.into_iter().collect()
}

#[test]
fn every_sample_gives_the_result_in_expected_json() {
    let folder = tempfile::tempdir().unwrap();
    let (fates, items) = (folder.path().join("fates"), folder.path().join("items"));
    let expectations = expectations();
    assert!(expectations.len() >= 4);
    for (name, expected) in expectations {
        let file = sample(&name);
        let output = inventory(&["check", text(&file), "--json", "--fates", text(&fates), "--items", text(&items)]);
        let report = json(&output);
        assert_eq!(report["refusal"].get("rule").unwrap_or(&Json::Null), &expected["refusal"], "{name}");
        let problems: Vec<Json> = report["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| {
                let part = |key: &str| (key.to_string(), problem[key].clone());
                Json::Object(["sheet", "row", "cell", "rule"].map(part).into_iter().collect())
            })
            .collect();
        assert_eq!(Json::Array(problems), expected["problems"], "{name}");

        let of = |fate: &str| expected["rows"][fate].as_u64().unwrap_or(0);
        for (checked, expected) in [
            ("accepted", of("written")),
            ("rejected", of("rejected")),
            ("duplicate", of("duplicate")),
            ("skipped", of("skipped")),
            ("total", of("total")),
            ("written", 0),
        ] {
            assert_eq!(report["rows"][checked], expected, "{name}: {checked}");
        }
        let attention = of("rejected") + of("duplicate");
        let exit = match expected["ending"].as_str() {
            Some("refused") => 3,
            _ if attention > 0 => 1,
            _ => 0,
        };
        assert_eq!(output.status.code(), Some(exit), "{name}");

        // Each row has exactly one fate.
        let fate_lines = lines(&fates);
        let rows: BTreeSet<_> = fate_lines.iter().map(|line| (line["sheet"].as_str(), line["row"].as_u64())).collect();
        assert_eq!(rows.len(), fate_lines.len(), "{name}");
        if exit != 3 {
            assert_eq!(fate_lines.len() as u64, of("total"), "{name}");
        }
        let items = lines(&items);
        assert_eq!(items.len() as u64, of("written"), "{name}");
        for (sku, item) in expected["items"].as_object().into_iter().flatten() {
            let found = items.iter().find(|item| item["sku"]["S"] == sku.as_str());
            assert_eq!(found, Some(item), "{name}: {sku}");
        }
    }
}

#[test]
fn the_summary_is_the_first_line_and_each_kind_of_problem_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.csv");
    let mut list = String::from("SKU,Name,Quantity\nA-1,Bolt,5\n");
    for row in 0..12 {
        list.push_str(&format!("B-{row},Nut,many\n"));
    }
    std::fs::write(&file, list).unwrap();
    let output = inventory(&["check", text(&file)]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("1 of 13 rows can be loaded; 12 need your attention."), "{said}");
    assert!(said.contains("Quantity in C3 is \"many\". It should be a whole number such as 12."), "{said}");
    assert!(said.contains("9 more of this kind (whole-number-expected): C6:C14"), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "quiet when piped");
}

#[test]
fn problems_name_their_sheet_if_several_are_visible() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().set_name("Summary").unwrap().write(0, 0, "Stock of Q3").unwrap();
    let sheet = book.add_worksheet().set_name("data_raw").unwrap();
    sheet.write_row(0, 0, ["SKU", "Name", "Quantity"]).unwrap();
    for row in 1..=6 {
        sheet.write_row(row, 0, [format!("A-{row}").as_str(), "Bolt", "many"]).unwrap();
    }
    book.save(&file).unwrap();
    let said = stdout(&inventory(&["check", text(&file)]));
    assert!(said.contains("  Sheet \"data_raw\": Quantity in C2 is \"many\"."), "{said}");
    assert!(said.contains("3 more of this kind (whole-number-expected): sheet \"data_raw\" C5:C7"), "{said}");
}

#[test]
fn a_wrong_command_line_exits_with_2_and_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "version = 1\nkeys = 2\n").unwrap();
    let sample = sample("q3-stock-export.csv");
    for (arguments, word) in [
        (vec!["check"], "FILE"),
        (vec!["check", "no-such-file.xlsx"], "no-such-file.xlsx could not be read"),
        (vec!["check", text(folder.path())], "is not a file"),
        (vec!["check", text(&sample), "--schema", text(&rules)], "misspelt as \"keys\""),
        (vec!["check", text(&sample), text(&sample), "--fates", "out"], "one by one"),
        (vec!["load", text(&sample)], "--table"),
        (vec!["unload"], "unload"),
    ] {
        let output = inventory(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn without_credentials_or_a_region_each_command_says_so_and_exits_with_2() {
    let (home, file) = (tempfile::tempdir().unwrap(), sample("q3-stock-export.csv"));
    let (file, load, out) = (text(&file), "0123456789abcdef", home.path().join("stock.xlsx"));
    let here = &["--table", "stock"][..];
    let deployed = &["--function", "loader"][..];
    for command in [
        [&["plan", file][..], here].concat(),
        [&["load", file][..], here].concat(),
        [&["load", file, "--ledger", "turns"][..], here].concat(),
        [&["export", "--out", text(&out)][..], here].concat(),
        [&["loads", "--ledger", "turns"][..], here].concat(),
        [&["undo", load, "--ledger", "turns", "--yes"][..], here].concat(),
        vec!["upload", file, "--bucket", "uploads"],
        [&["upload", file, "--wait"][..], deployed].concat(),
        [&["loads"][..], deployed].concat(),
        [&["show", load][..], deployed].concat(),
        [&["undo", load][..], deployed].concat(),
        [&["approve", load][..], deployed].concat(),
        [&["cancel", load][..], deployed].concat(),
        [&["redrive"][..], deployed].concat(),
        [&["failed"][..], deployed].concat(),
    ] {
        let credentials = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
        for (environment, says) in [
            (&[("AWS_REGION", "eu-central-1")][..], "No AWS credentials were found. Run aws configure, "),
            (&credentials, "No AWS region was set. Set it with --region "),
        ] {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_inventory"))
                .args(&command)
                .current_dir(home.path())
                .env_clear()
                .env("HOME", home.path())
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .envs(environment.iter().copied())
                .output()
                .expect("the command");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{command:?}: {said}");
            assert!(said.lines().last().is_some_and(|line| line.starts_with(says)), "{command:?}: {said}");
        }
    }
    assert!(!out.exists());
}

#[test]
fn rules_can_be_given_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (rules, file, items) = (folder.path().join("r.toml"), folder.path().join("l.csv"), folder.path().join("i"));
    let shipped = std::fs::read_to_string(root().join("inventory.toml")).unwrap();
    std::fs::write(&rules, shipped.replace("\"Article no\"", "\"Kennwort\", \"Article no\"")).unwrap();
    std::fs::write(&file, "Kennwort;Name;Menge\n00123;Bolzen;5\n").unwrap();
    assert_eq!(inventory(&["check", text(&file)]).status.code(), Some(3));
    let output = inventory(&["check", text(&file), "--schema", text(&rules), "--items", text(&items)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines(&items)[0]["sku"]["S"], "00123");
}

#[test]
fn several_files_are_reported_in_turn_and_the_worst_sets_the_exit_code() {
    let (good, refused) = (sample("q3-stock.xlsx"), sample("old-scan.xlsx"));
    let output = inventory(&["check", text(&good), text(&refused)]);
    assert_eq!(output.status.code(), Some(3));
    let said = stdout(&output);
    assert!(said.contains("q3-stock.xlsx: All "), "{said}");
    assert!(said.contains("old-scan.xlsx: The file is a PDF, not a spreadsheet."), "{said}");
}

fn load(stack: &Stack, arguments: &[&str]) -> Output {
    inventory_at(&stack.cloud.endpoint, REGION, &[&["load"], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_load_writes_the_table_and_keeps_plan_and_report_in_a_folder() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let prefix = unique("host");
    let (file, out) = (folder.path().join("stock.csv"), folder.path().join("kept"));
    let (fates, items) = (folder.path().join("fates"), folder.path().join("items"));
    let mut list = files::csv(&prefix, 1500);
    list.extend_from_slice(b",No number,5,1.00\n");
    std::fs::write(&file, list).unwrap();

    let arguments = [
        text(&file),
        "--table",
        &stack.inventory,
        "--out",
        text(&out),
        "--json",
        "--fates",
        text(&fates),
        "--items",
        text(&items),
    ];
    let output = load(&stack, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = json(&output);
    assert_eq!(
        (&report["ending"], &report["rows"]["new"], &report["rows"]["rejected"]),
        (&"done".into(), &1500.into(), &1.into())
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not take turns"), "{output:?}");
    assert_eq!(stack.count_items(&prefix).await, 1500);
    assert_eq!((lines(&fates).len(), lines(&items).len()), (1502, 1500));

    // The plan and the report, as in the bucket.
    let kept = out.join("loads").join(report["load"].as_str().unwrap());
    assert_eq!(std::fs::read(kept.join("report.json")).unwrap(), output.stdout.trim_ascii_end());
    assert!(kept.join("plan/00001.jsonl.zst").exists() && kept.join("outcome/00001.json").exists());

    // The same command again is another load, this time with a turn. The gate `fewer` is waived because other tests
    // load more rows into this table.
    let again = load(&stack, &[&arguments[..], &["--ledger", &stack.ledger, "--waive", "fewer"]].concat());
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert_ne!(json(&again)["load"], report["load"]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_mismatched_table_is_reported_with_exit_code_2() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let (file, folder) = (sample("q3-stock-export.csv"), tempfile::tempdir().unwrap());
    let out = text(folder.path());
    let output = load(&stack, &[text(&file), "--out", out, "--table", &stack.ledger]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("\"pk\"") && said.contains("\"sku\""), "{said}");

    let output = load(&stack, &[text(&file), "--out", out, "--table", "no-such-table"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no-such-table") && said.contains("Check the name"), "{said}");
}
