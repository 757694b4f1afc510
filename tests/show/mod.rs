//! The commands that follow loads: `upload --wait`, `loads` and `show`; and two that need no cloud, `completions` and
//! `schema`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::upload::Upload;
use inventory_loader::ledger::{AnnouncedLoad, IfBusy, Lease, Ledger, LoadRecord, ProgressCounts, State, Turn};
use inventory_loader::load::{list_loads, show};
use inventory_loader::store::{FolderStore, Store};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

use crate::harness::cloud::{DYNAMODB_ANSWERS, REGION, cloud};
use crate::harness::stack::Stack;
use crate::harness::{eventually, files, inventory, inventory_at, sample, unique};

fn run(stack: &Stack, words: &[&str]) -> Output {
    inventory_at(&stack.cloud.endpoint, REGION, &[words, &["--function", &stack.function]].concat())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn lines(output: &Output) -> Vec<Json> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Returns the load that the command names on standard error.
fn load_named(text: &str) -> String {
    let name = text.split("Its load is ").nth(1).and_then(|rest| rest.get(..16));
    name.unwrap_or_else(|| panic!("no load in {text}")).to_string()
}

/// Returns a list of four rows, the last of which is rejected.
fn with_a_mistake(prefix: &str) -> Vec<u8> {
    let mut list = files::csv(prefix, 3);
    list.extend_from_slice(format!("{prefix}-x,Nut,many,1.00\n").as_bytes());
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_waits_for_the_load_which_is_then_listed_and_shown() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let prefix = unique("shown");
    for (name, content, exit, answer, became) in [
        ("good.csv", files::csv(&prefix, 3), 0, "All 3 rows were loaded.", "done"),
        ("some.csv", with_a_mistake(&prefix), 1, "3 of 4 rows were loaded. 1 needs your attention.", "done"),
        ("scan.xlsx", std::fs::read(sample("old-scan.xlsx")).unwrap(), 3, "The file is a PDF", "refused"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let output = run(&stack, &["upload", text(&file), "--to", &format!("{prefix}/"), "--wait"]);
        assert_eq!(output.status.code(), Some(exit), "{output:?}");
        assert!(stdout(&output).starts_with(answer), "{output:?}");
        let load = load_named(&stderr(&output));
        assert!(stdout(&output).contains(&format!("s3://{}/loads/{load}/report.html", stack.reports)), "{output:?}");

        let loads = run(&stack, &["loads", "--limit", "1000"]);
        assert_eq!(loads.status.code(), Some(0), "{loads:?}");
        let line = stdout(&loads).lines().find(|line| line.starts_with(&load)).map(str::to_string);
        let line = line.unwrap_or_else(|| panic!("{load} is not listed: {loads:?}"));
        assert!(line.contains(&format!("uploads/{prefix}/{name}")) && line.contains(became), "{line}");

        let shown = run(&stack, &["show", &load]);
        assert_eq!((shown.status.code(), stderr(&shown).as_str()), (Some(0), ""));
        assert!(stdout(&shown).starts_with(&format!("Load {load}: uploads/{prefix}/{name}")), "{shown:?}");
        assert!(stdout(&shown).contains(answer), "{shown:?}");
        let shown: Json = serde_json::from_slice(&run(&stack, &["show", &load, "--json"]).stdout).unwrap();
        assert_eq!((&shown["state"], &shown["report"]["load"]), (&json!("ended"), &json!(load)));
        // More than one start if another load had the table.
        assert!(shown["starts"].as_u64().is_some_and(|starts| starts >= 1), "{shown}");

        let rows = lines(&run(&stack, &["show", &load, "--rows"]));
        assert_eq!(rows.len() as u64, shown["report"]["rows"]["total"].as_u64().unwrap(), "{name}");
        let rejected = lines(&run(&stack, &["show", &load, "--rows", "rejected"]));
        assert_eq!(rejected.len(), usize::from(name == "some.csv"));
        for row in rejected {
            assert_eq!((&row["row"], &row["problems"][0]["cell"]), (&json!(5), &json!("C5")));
        }
    }
    assert_eq!(stack.count_items(&prefix).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_can_be_waited_for_and_shown_without_a_ledger_record() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let prefix = unique("dry-run");
    let file = folder.path().join(format!("{prefix}.csv"));
    std::fs::write(&file, files::csv(&prefix, 2)).unwrap();
    let output = run(&stack, &["upload", text(&file), "--to", "dry-run/", "--wait", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["ending"], &report["rows"]["new"]), (&json!("dry-run"), &json!(2)));
    assert_eq!(stack.count_items(&prefix).await, 0);
    let load = report["load"].as_str().unwrap();
    assert!(stdout(&run(&stack, &["show", load])).contains(": dry run."));
    assert_eq!(lines(&run(&stack, &["show", load, "--rows", "new"])).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_without_wait_prints_the_load_id_and_refuses_contradictory_arguments() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let prefix = unique("sent");
    let file = folder.path().join(format!("{prefix}.csv"));
    std::fs::write(&file, files::csv(&prefix, 2)).unwrap();
    let at = |words: &[&str]| inventory_at(&stack.cloud.endpoint, REGION, words);
    // A user who may only put files into the bucket names it, and no function is invoked.
    let output = at(&["upload", text(&file), "--bucket", &stack.uploads, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let sent: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["key"], json!(format!("uploads/{prefix}.csv")));
    let load = LoadId::parse(sent["load"].as_str().unwrap()).unwrap();
    let report = stack.report_of(&load).await;
    assert_eq!((report.upload.version.as_deref(), report.rows.in_table()), (sent["version"].as_str(), 2));

    for (words, says) in [
        (vec!["--bucket", "another", "--function", &stack.function], ", not another"),
        (vec!["--bucket", &stack.uploads, "--wait"], "name the loader's function"),
        (vec![], "Name the destination"),
        (vec!["--function", "no-such-function"], "no-such-function"),
    ] {
        let output = at(&[&["upload", text(&file)], &words[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(says) && output.stdout.is_empty(), "{output:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_to_an_unversioned_bucket_names_no_load() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let (folder, bucket) = (tempfile::tempdir().unwrap(), unique("plain"));
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
    cloud.s3.create_bucket().bucket(&bucket).create_bucket_configuration(place).send().await.expect("a bucket");
    let file = folder.path().join("stock.csv");
    std::fs::write(&file, files::csv("plain", 1)).unwrap();
    let output = inventory_at(&cloud.endpoint, REGION, &["upload", text(&file), "--bucket", &bucket]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("keeps no versions") && !stdout(&output).contains("Its load is"), "{output:?}");
    let kept = cloud.s3.get_object().bucket(&bucket).key("uploads/stock.csv").send().await.expect("the file");
    assert_eq!(kept.content_type(), Some("text/csv"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_waiting_and_says_that_the_load_continues() {
    const ROWS: usize = 60_000;
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let prefix = unique("interrupted");
    let file = folder.path().join(format!("{prefix}.csv"));
    std::fs::write(&file, files::csv(&prefix, ROWS)).unwrap();
    // A dry run, so that no other load has to wait for it; long enough to be interrupted.
    let mut command = Command::new(env!("CARGO_BIN_EXE_inventory"));
    command.args(["upload", text(&file), "--to", "dry-run/", "--wait", "--function", &stack.function]);
    command.args(["--endpoint-url", &stack.cloud.endpoint, "--region", REGION]);
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command");
    let mut printed = BufReader::new(child.stderr.take().expect("standard error")).lines();
    let load = load_named(&printed.next().expect("a line").expect("text"));
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal sent");
    let last_line = printed.next().expect("a line").expect("text");
    assert!(last_line.starts_with(&format!("Load {load} continues without this command.")), "{last_line}");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    let report = stack.report_of(&LoadId::parse(&load).unwrap()).await;
    assert_eq!(report.rows.in_table(), ROWS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_load_is_reported_as_unknown() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let (load, out) = ("fedcba9876543210", text(folder.path()));
    let from_folder = |words: &[&str]| inventory(&[words, &["--out", out]].concat());
    for output in [
        run(&stack, &["show", load]),
        run(&stack, &["show", load, "--rows"]),
        from_folder(&["show", load]),
        from_folder(&["show", load, "--rows", "rejected"]),
    ] {
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).starts_with(&format!("Load {load} is not known here")), "{output:?}");
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(stdout(&from_folder(&["loads"])), "No loads are known here.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_loads_are_listed_and_shown_from_their_folder() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let cloud = cloud().await;
    let table = cloud.create_table("shown", &[("sku", "S")], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("stock.csv"), folder.path().join("kept"));
    std::fs::write(&file, with_a_mistake("here")).unwrap();
    let words = ["load", text(&file), "--table", &table, "--out", text(&out), "--json"];
    let output = inventory_at(&cloud.endpoint, REGION, &words);
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let load = report["load"].as_str().unwrap();

    let listed = inventory(&["loads", "--out", text(&out), "--json"]);
    let listed: Json = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["loads"].as_array().map(Vec::len), Some(1));
    let line = &listed["loads"][0];
    assert_eq!((&line["load"], &line["rows_in"], &line["rows_left_out"]), (&json!(load), &json!(3), &json!(1)));
    let shown = stdout(&inventory(&["show", load, "--out", text(&out)]));
    assert!(shown.contains("3 of 4 rows were loaded.") && shown.contains(&format!("into table {table}")), "{shown}");
    let rows = lines(&inventory(&["show", load, "--out", text(&out), "--rows"]));
    let fates: Vec<&str> = rows.iter().filter_map(|row| row["fate"].as_str()).collect();
    assert_eq!(fates, ["skipped", "new", "new", "new", "rejected"]);
    cloud.delete_table(&table).await;
}

fn upload_at(key: &str, minute: u32) -> Upload {
    Upload {
        bucket: "uploads".into(),
        key: key.into(),
        version: Some("1".into()),
        sequencer: None,
        etag: None,
        size: None,
        time: Some(format!("2026-10-03T08:{minute:02}:00Z")),
    }
}

async fn take(ledger: &Ledger, upload: &Upload, request: &str) -> Option<(Lease, LoadRecord)> {
    let announced = AnnouncedLoad::from_upload(&LoadId::of(upload), upload, "stock");
    match ledger.take_turn(&announced, request, IfBusy::Queue).await.expect("an answer") {
        Turn::Taken(lease, record) => Some((lease, *record)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_and_running_loads_are_listed_before_ended_ones_and_show_their_progress() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let (cloud, folder) = (cloud().await, tempfile::tempdir().unwrap());
    let table = cloud.create_table("ledger", &[("pk", "S"), ("sk", "S")], &[]).await;
    let ledger = Ledger::new(cloud.dynamodb.clone(), &table, Duration::from_secs(600));
    let store = Store::Folder(FolderStore::new(folder.path()));
    let uploads = [upload_at("a.csv", 1), upload_at("b.csv", 2), upload_at("c.csv", 3), upload_at("d.csv", 4)];
    let [a, b, c, d] = uploads.each_ref().map(LoadId::of);

    let (lease, _) = take(&ledger, &uploads[0], "first").await.expect("a turn");
    let rows = json!({ "total": 4, "new": 3, "rejected": 1 });
    ledger.end(&lease, "a.csv", Ending::Done, json!({ "summary": "Well.", "rows": rows }), None).await.expect("an end");
    let (lease, record) = take(&ledger, &uploads[1], "first").await.expect("a turn");
    for waiting in &uploads[2..] {
        assert!(take(&ledger, waiting, "other").await.is_none());
    }
    lease.note_counts(|progress| (progress.read, progress.compared) = (4_000, 3_000));
    ledger.renew(&lease).await.expect("a heartbeat");
    let current = async |load: &LoadId| show(load, &store, Some(&ledger)).await.expect("an answer").expect("a load");
    let read = ProgressCounts { read: 4_000, compared: 3_000, ..ProgressCounts::default() };
    let shown = current(&b).await;
    assert_eq!((shown.state, shown.progress, shown.is_running), (State::Planning, Some(read), true));
    ledger.planned(&lease, &record, 4).await.expect("planned");
    lease.note_counts(|progress| (progress.written, progress.of) = (1_000, 4_000));
    ledger.checkpoint(&lease, 1).await.expect("a checkpoint");
    let shown = current(&b).await;
    assert_eq!((shown.state, shown.chunks_done, shown.chunks_total), (State::Writing, 1, 4));
    assert_eq!(shown.progress, Some(ProgressCounts { written: 1_000, of: 4_000, ..read }));
    let shown = current(&c).await;
    assert_eq!((shown.state, shown.behind, shown.progress), (State::Queued, Some(b.clone()), None));

    let listed = list_loads("stock", &ledger, 9).await.expect("a list");
    let states: Vec<(&LoadId, State)> = listed.iter().map(|short| (&short.load, short.state)).collect();
    assert_eq!(states, [(&d, State::Queued), (&c, State::Queued), (&b, State::Writing), (&a, State::Ended)]);
    assert_eq!((listed[3].rows_in, listed[3].rows_left_out, listed[3].file.as_str()), (Some(3), Some(1), "a.csv"));
    let words = ["loads", "--table", "stock", "--ledger", &table, "--json"];
    let output = inventory_at(&cloud.endpoint, REGION, &words);
    let printed: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(printed["loads"], json!(listed));

    // The next run of the load counts from zero.
    ledger.hand_over(&lease).await.expect("handed over");
    let lease = take(&ledger, &uploads[1], "second").await.expect("a turn").0;
    assert_eq!(current(&b).await.progress, None);
    lease.note_counts(|progress| progress.written = 9);
    ledger.end(&lease, "b.csv", Ending::Cancelled, json!({ "summary": "Stopped." }), None).await.expect("an end");
    let shown = current(&b).await;
    assert_eq!((shown.state, shown.summary.as_deref(), shown.progress), (State::Ended, Some("Stopped."), None));
    let last = list_loads("stock", &ledger, 1).await.expect("a list");
    assert_eq!(last.iter().map(|short| &short.load).collect::<Vec<_>>(), [&d, &c, &b]);
    cloud.delete_table(&table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_shown_once_it_has_begun_and_all_its_rows_once_it_has_ended() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::shared().await;
    let prefix = unique("running");
    let upload = stack.upload(&format!("uploads/{prefix}.csv"), files::csv(&prefix, 20_000)).await;
    let load = LoadId::of(&upload);
    let shown = eventually("the load to begin", || async {
        let answer = stack.invoke(&json!({ "show": { "load": load } })).await.expect("an answer");
        Some(answer["answers"][0]["shown"].clone()).filter(|shown| shown["state"] != Json::Null)
    });
    assert_eq!(shown.await["load"], json!(load));
    let report = stack.report(&upload).await;
    assert_eq!(report.rows.in_table(), 20_000);
    // Fetched in pages, each within the limit of a Lambda response.
    let rows = lines(&run(&stack, &["show", load.as_str(), "--rows", "new"]));
    assert_eq!(rows.len(), 20_000);
    assert!(rows.is_sorted_by_key(|row| row["row"].as_u64()));
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = inventory(&["completions", shell]);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{shell}");
        assert!(
            ["redrive", "upload", "--wait"].iter().all(|word| stdout(&output).contains(word.trim_start_matches('-')))
        );
    }
    assert_eq!(inventory(&["completions", "tcl"]).status.code(), Some(2));
}

#[test]
fn rules_are_checked_and_shown_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "version = 1\nkeys = 2\n").unwrap();
    let output = inventory(&["schema", "check", text(&rules), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let checked: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert!(checked["mistakes"].as_array().unwrap().iter().any(|mistake| mistake["line"] == 2), "{checked}");
    let shown: Json = serde_json::from_slice(&inventory(&["schema", "show", "--json"]).stdout).unwrap();
    assert!(shown["column"].as_array().is_some_and(|columns| columns.len() > 5), "{shown}");
}
