//! Rules other than the shipped ones: checked by the command, and read from S3 by the function.

use std::path::Path;

use inventory_base::ending::Ending;
use inventory_base::item::Value;
use inventory_base::load_id::LoadId;
use inventory_check::plan::{Fate, Index};

use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION};
use crate::harness::stack::Stack;
use crate::harness::{inventory, inventory_at, unique};

/// The rules of a beekeeper, with columns that the shipped rules don't have.
const RULES: &str = "version = 1\n[key]\npartition = \"sku\"\n\
     [[column]]\nname = \"sku\"\naliases = [\"Hive\"]\ntype = \"text\"\nrequired = true\n\
     [[column]]\nname = \"frames\"\naliases = [\"Combs\"]\ntype = \"integer\"\n";

fn sheet(sku: &str) -> Vec<u8> {
    format!("Hive,Combs\n{sku},7\n").into_bytes()
}

#[test]
fn the_shipped_rules_are_printed_and_valid() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    let shown = inventory(&["schema", "show"]);
    assert_eq!(shown.status.code(), Some(0));
    std::fs::write(&file, &shown.stdout).unwrap();
    let checked = inventory(&["schema", "check", file.to_str().unwrap()]);
    let stdout = String::from_utf8(checked.stdout).unwrap();
    let expected = format!(
        "{}: 10 columns, key sku. No mistakes.\n\
         New and changed items are replaced as a whole. Items that a sheet does not list are unchanged.\n\
         A load is held until it is approved if more than 50% of the rows are rejected, more than 30% of the \
         quantities fall to zero, more than 10% of the prices change beyond 5 times, there are fewer than 50% of the \
         last load's items, attributes without a column would be lost, the file looks like an invoice or an order \
         instead of a stock list, or newer files with some of the same items have been loaded since it was uploaded.\n",
        file.display()
    );
    assert_eq!((checked.status.code(), stdout), (Some(0), expected));
}

#[test]
fn consistent_rules_are_described_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    let never = "[gates]\nrejected_percent = false\nfewer_percent = false\ndocument = false\nolder = false\n";
    for (settings, writing, gates) in [
        (
            "mode = \"add\"\n[sync]\nmissing = \"report\"\nscope = \"table\"\n",
            "Only items that are not in the table are added. Items of the table that the sheet does not list are \
             reported.",
            "more than 50% of the rows are rejected, there are fewer than 50% of the last load's items, more than 20% \
             of the items are not listed, or the file looks like an invoice or an order instead of a stock list.",
        ),
        (
            "mode = \"merge\"\n[sync]\nmissing = \"mark\"\nscope = { yard = \"Heath\" }\n",
            "New and changed items get the values of the sheet and keep their other attributes. Items with yard = \
             Heath that the sheet does not list are marked as discontinued.",
            "there are fewer than 50% of the last load's items, more than 20% of the items are not listed, the file \
             looks like an invoice or an order instead of a stock list, or newer files with some of the same items have \
             been loaded since it was uploaded.",
        ),
        (
            "compare = false\n",
            "All items are replaced as a whole, without reading the table first; loads cannot be undone. Items that a \
             sheet does not list are unchanged.",
            "more than 50% of the rows are rejected, there are fewer than 50% of the last load's items, the file looks \
             like an invoice or an order instead of a stock list, or newer files with some of the same items have been \
             loaded since it was uploaded.",
        ),
        (
            &format!("mode = \"merge\"\ncompare = false\n{never}rejected_rows = 1000\n"),
            "All items get the values of the sheet and keep their other attributes, without reading the table first; \
             loads cannot be undone. Items that a sheet does not list are unchanged.",
            "A load is held until it is approved if more than 1,000 rows are rejected.",
        ),
        (
            &format!("{never}vanishing = false\n[sync]\nmissing = \"delete\"\nscope = \"yard\"\n"),
            "New and changed items are replaced as a whole. Items with a yard of the sheet that the sheet does not \
             list are deleted.",
            "A load is held until it is approved if more than 20% of the items are not listed.",
        ),
        (&format!("mode = \"add\"\n{never}"), "Only items", "No load is held for approval."),
    ] {
        let yard = "[[column]]\nname = \"yard\"\ntype = \"text\"\nrequired = true\n";
        std::fs::write(&file, RULES.replace("[key]", &format!("{settings}[key]")) + yard).unwrap();
        let checked = inventory(&["schema", "check", file.to_str().unwrap()]);
        let stdout = String::from_utf8(checked.stdout).unwrap();
        let lines: Vec<&str> = stdout.lines().collect();
        assert_eq!((checked.status.code(), lines.len()), (Some(0), 3), "{stdout}");
        assert!(lines[1].starts_with(writing) && lines[2].ends_with(gates), "{settings}{stdout}");
    }
}

#[test]
fn every_mistake_in_the_rules_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    std::fs::write(&file, RULES.replace("required", "requird").replace("integer", "integr")).unwrap();
    let name = file.display();
    let mistakes = [
        format!("{name}:5: column \"sku\" is part of the key; write required = true."),
        format!("{name}:8: required is misspelt as \"requird\"; write required."),
        format!("{name}:12: integer is misspelt as \"integr\"; write type = \"integer\"."),
    ];
    let checked = inventory(&["schema", "check", file.to_str().unwrap()]);
    let stdout = String::from_utf8(checked.stdout).unwrap();
    assert_eq!((checked.status.code(), stdout), (Some(2), mistakes.join("\n") + "\n"));

    let sheet_file = folder.path().join("hives.csv");
    std::fs::write(&sheet_file, sheet("A-1")).unwrap();
    let judged = inventory(&["check", sheet_file.to_str().unwrap(), "--schema", file.to_str().unwrap()]);
    let stdout = String::from_utf8(judged.stderr).unwrap();
    assert_eq!((judged.status.code(), stdout), (Some(2), mistakes.join("\n") + "\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rules_in_the_bucket_apply_from_the_next_load() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    const KEY: &str = "rules/inventory.toml";
    let program = Path::new(env!("CARGO_BIN_EXE_loader"));
    let short_turns = [("LeaseSeconds", "3"), ("HeartbeatSeconds", "1")];
    let stack = Stack::own("rules", program, &[&short_turns[..], &[("RulesKey", KEY)]].concat()).await;
    let put = async |rules: &str| stack.upload(KEY, rules.as_bytes().to_vec()).await;
    let prefix = unique("hive");

    // Outside of uploads/, so that the rules file itself is not loaded.
    put(RULES).await;
    let upload = stack.upload(&format!("uploads/{prefix}-1.csv"), sheet(&format!("{prefix}-1"))).await;
    let report = stack.report(&upload).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::New]), (Ending::Done, 1));
    let item = stack.item(&format!("{prefix}-1")).await.expect("an item");
    assert_eq!(item["frames"], Value::N("7".into()));
    let plan = stack.kept(&format!("loads/{}/plan.json", LoadId::of(&upload))).await.expect("a plan");
    assert_eq!(Index::decode(&plan).unwrap().schema.columns.len(), 2);

    // The function is warm now, but sees the change.
    put(&RULES.replace("\"frames\"", "\"combs\"")).await;
    let upload = stack.upload(&format!("uploads/{prefix}-2.csv"), sheet(&format!("{prefix}-2"))).await;
    stack.report(&upload).await;
    assert_eq!(stack.item(&format!("{prefix}-2")).await.expect("an item")["combs"], Value::N("7".into()));

    // A mistake in the rules fails the load with a report that names it; after the correction the load is redriven.
    put(&RULES.replace("required", "requird")).await;
    let upload = stack.upload(&format!("uploads/{prefix}-3.csv"), sheet(&format!("{prefix}-3"))).await;
    let report = stack.report(&upload).await;
    let (load, stopped) = (LoadId::of(&upload), report.stopped.expect("a reason"));
    assert_eq!(report.ending, Ending::Failed);
    assert!(stopped.reason.contains("rules/inventory.toml"), "{stopped:?}");
    assert!(stopped.reason.contains("line 8: required is misspelt"), "{stopped:?}");
    assert!(stopped.advice.ends_with(&format!("inventory redrive {load}")), "{stopped:?}");
    assert!(report.summary.starts_with("Nothing was changed. "), "{}", report.summary);
    assert_eq!(stack.item(&format!("{prefix}-3")).await, None);
    let function = ["--function", &stack.function];
    let output = inventory_at(&stack.cloud.endpoint, REGION, &[&["failed"][..], &function].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with(load.as_str()) && stdout.ends_with("To reload it: inventory redrive\n"), "{stdout}");
    put(RULES).await;
    let output =
        inventory_at(&stack.cloud.endpoint, REGION, &[&["redrive", "--yes", "--by", "Erika"][..], &function].concat());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("Reloaded as load {}.\n", load.next()));
    let report = stack.report_of(&load.next()).await;
    assert_eq!((report.ending, report.rows.fates[&Fate::New]), (Ending::Done, 1));
    assert!(stack.item(&format!("{prefix}-3")).await.is_some());
    let output = inventory_at(&stack.cloud.endpoint, REGION, &[&["failed"][..], &function].concat());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "No failed load is left to reload.\n");
    assert_eq!(stack.failure_count().await, 0);
}
