//! `--local`: load, plan, undo, export, loads and show with no cloud, no credentials and no network.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value as Json;

use crate::harness::{eventually, files, root, sample};

/// A folder with files to load, in which commands run.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    /// The command in an environment without credentials or a region, where every proxy leads nowhere.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inventory"));
        command.args(arguments).current_dir(self.0.path()).env_clear().env("HOME", self.0.path());
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(proxy, "http://127.0.0.1:1");
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command")
    }

    /// Runs a command that must end with this exit code, and returns its report.
    fn report(&self, exit: i32, arguments: &[&str]) -> Json {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Exports the table as a CSV, and returns its lines.
    fn export(&self) -> Vec<String> {
        let output = self.run(&["export", "--local", "--out", "export.csv", "--force"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        std::fs::read_to_string(self.path("export.csv")).expect("the export").lines().map(str::to_string).collect()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(report: &Json) -> [u64; 3] {
    ["new", "changed", "unchanged"].map(|fate| report["rows"][fate].as_u64().unwrap_or_default())
}

#[test]
fn a_file_is_loaded_changed_undone_and_exported_with_nothing_but_the_command() {
    let desk = Desk::new();
    let first = String::from_utf8(files::csv("A", 300)).unwrap();
    let second =
        first.replace(",Item 7,", ",Item seven,").replace(",Item 8,", ",Item eight,") + "A-900000,Item new,5,1.99\n";
    desk.write("first.csv", &first);
    desk.write("second.csv", &second);

    // A plan needs no table, and leaves none behind.
    let plan = desk.run(&["plan", "first.csv", "--local", "--json"]);
    assert!(said(&plan).starts_with("There is no local table in inventory-loads/inventory-local.redb yet"), "{plan:?}");
    assert!(!desk.path("inventory-loads/inventory-local.redb").exists());
    let plan: Json = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&plan["ending"], rows(&plan)), (&"dry-run".into(), [300, 0, 0]));

    let output = desk.run(&["load", "first.csv", "--local"]);
    let first_line = "This uses the local table in inventory-loads/inventory-local.redb: for trying things out, not for \
                      keeping stock.";
    assert_eq!(said(&output).lines().next(), Some(first_line), "{output:?}");
    assert!(!said(&output).contains("ledger"), "{output:?}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("All 300 rows"), "{output:?}");
    let before = desk.export();
    assert_eq!(before.len(), 301);

    let planned = desk.report(0, &["plan", "second.csv", "--local", "--json"]);
    assert_eq!((&planned["ending"], rows(&planned)), (&"dry-run".into(), [1, 2, 298]));
    let loaded = desk.report(0, &["load", "second.csv", "--local", "--json"]);
    assert_eq!((&loaded["ending"], &loaded["table"], rows(&loaded)), (&"done".into(), &"local".into(), [1, 2, 298]));
    let between = desk.export();
    assert_eq!(between.len(), 302);
    assert!(between.iter().any(|line| line.contains("Item seven")), "{between:?}");

    let load = loaded["load"].as_str().unwrap();
    let preview = desk.report(0, &["undo", load, "--local", "--json"]);
    assert_eq!(preview["ending"], "dry-run");
    assert_eq!(desk.export(), between, "a preview changes nothing");
    let undone = desk.report(0, &["undo", load, "--local", "--yes", "--json"]);
    assert_eq!(undone["ending"], "done");
    assert_eq!(desk.export(), before);

    let again = desk.report(0, &["load", "export.csv", "--local", "--json"]);
    assert_eq!(rows(&again), [0, 0, 300]);
    let loads = desk.report(0, &["loads", "--out", "inventory-loads", "--json"]);
    let names: Vec<&str> = loads["loads"].as_array().unwrap().iter().filter_map(|load| load["load"].as_str()).collect();
    assert!(names.contains(&load) && names.len() >= 4, "{names:?}");
    let shown = desk.run(&["show", load, "--out", "inventory-loads"]);
    assert!(shown.status.success() && String::from_utf8_lossy(&shown.stdout).contains("undone"), "{shown:?}");
}

#[test]
fn a_sample_workbook_is_loaded_and_its_export_loads_again_unchanged() {
    let desk = Desk::new();
    let file = sample("q3-stock.xlsx");
    let loaded = desk.report(0, &["load", file.to_str().unwrap(), "--local", "--json", "--out", "kept"]);
    let written = rows(&loaded)[0];
    assert!(written > 0 && desk.path("kept/inventory-local.redb").is_file());
    let output = desk.run(&["export", "--local", "--loads", "kept", "--out", "stock.xlsx"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let again = desk.report(0, &["load", "stock.xlsx", "--local", "--json", "--out", "kept"]);
    assert_eq!(rows(&again), [0, 0, written]);
}

/// A command that is killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a file of this name is anywhere in the folder.
fn has_file(folder: &Path, ending: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => has_file(&entry.path(), ending),
        _ => entry.path().to_string_lossy().ends_with(ending),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_load_is_completed_by_the_next_and_keeps_others_out_while_it_runs() {
    const ROWS: usize = 6_000;
    let desk = Desk::new();
    desk.write("stock.csv", files::csv("K", ROWS));
    // Slow enough to be killed on the way: at 400 units a second it would take 15 seconds.
    let mut slow = desk.command(&["load", "stock.csv", "--local", "--write-units", "400", "--json"]);
    let mut slow = Running(slow.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command"));
    let folder = desk.path("inventory-loads");
    eventually("the first chunk to be written", || async {
        has_file(&folder.join("loads"), "outcome/00000.json").then_some(())
    })
    .await;

    let other = desk.run(&["export", "--local", "--out", "meanwhile.csv"]);
    let in_use = "Another command is using the table in inventory-loads/inventory-local.redb. Wait for it to end, then try \
                  again.\n";
    assert_eq!((other.status.code(), said(&other).as_str()), (Some(2), in_use), "{other:?}");
    for arguments in [&["load", "stock.csv", "--local"][..], &["plan", "stock.csv", "--local"]] {
        let other = desk.run(arguments);
        assert_eq!((other.status.code(), said(&other).as_str()), (Some(2), in_use), "{other:?}");
    }

    slow.0.kill().expect("a kill");
    slow.0.wait().expect("its end");
    assert!(!has_file(&folder.join("loads"), "report.json"), "it had not ended");
    let written = desk.export().len() - 1;
    assert!((1_000..ROWS).contains(&written), "{written} rows were in when it was killed");

    let report = desk.report(0, &["load", "stock.csv", "--local", "--json"]);
    assert_eq!((&report["ending"], rows(&report)), (&"done".into(), [ROWS as u64, 0, 0]));
    assert_eq!(desk.export().len() - 1, ROWS);
    let again = desk.report(0, &["load", "stock.csv", "--local", "--json"]);
    assert_eq!(rows(&again), [0, 0, ROWS as u64]);
}

#[test]
fn rules_with_another_key_do_not_fit_the_local_table() {
    let desk = Desk::new();
    desk.write("stock.csv", files::csv("A", 3));
    let rules = std::fs::read_to_string(root().join("inventory.toml")).unwrap();
    desk.write("rules.toml", rules.replace("partition = \"sku\"", "partition = \"name\""));
    assert_eq!(desk.run(&["load", "stock.csv", "--local"]).status.code(), Some(0));
    for arguments in [
        &["load", "stock.csv", "--local", "--schema", "rules.toml"][..],
        &["plan", "stock.csv", "--local", "--schema", "rules.toml"],
        &["export", "--local", "--schema", "rules.toml", "--out", "stock.xlsx"],
    ] {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(said(&output).contains("partition key is \"sku\" of type S"), "{output:?}");
    }
}

#[test]
fn without_a_local_table_or_with_a_damaged_one_a_sentence_says_so() {
    let desk = Desk::new();
    desk.write("stock.csv", files::csv("A", 3));
    let none = "There is no table in inventory-loads/inventory-local.redb yet. To make one, load a file with inventory load \
                --local.\n";
    for arguments in [&["export", "--local"][..], &["undo", "0123456789abcdef", "--local", "--yes"]] {
        let output = desk.run(arguments);
        assert_eq!((output.status.code(), said(&output).as_str()), (Some(2), none), "{output:?}");
    }
    std::fs::create_dir(desk.path("inventory-loads")).unwrap();
    desk.write("inventory-loads/inventory-local.redb", "SKU,Name\n");
    for arguments in [&["load", "stock.csv", "--local"][..], &["plan", "stock.csv", "--local"], &["export", "--local"]]
    {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(said(&output).contains("inventory-local.redb is damaged or is not a table"), "{output:?}");
    }
    assert_eq!(std::fs::read(desk.path("inventory-loads/inventory-local.redb")).unwrap(), b"SKU,Name\n");
}

#[test]
fn a_local_table_is_not_combined_with_one_in_the_cloud() {
    let desk = Desk::new();
    desk.write("stock.csv", files::csv("A", 3));
    let (load, undo) = (["load", "stock.csv", "--local"], ["undo", "0123456789abcdef", "--local"]);
    let (plan, export) = (["plan", "stock.csv", "--local"], ["export", "--local"]);
    let cloud = [["--table", "stock"], ["--endpoint-url", "http://127.0.0.1:1"], ["--region", "eu-central-1"]];
    let mut wrong: Vec<Vec<&str>> = Vec::new();
    for more in &cloud {
        for command in [&load[..], &plan, &export, &undo] {
            wrong.push([command, more].concat());
        }
    }
    wrong.push([&load[..], &["--ledger", "turns"]].concat());
    wrong.push([&undo[..], &["--ledger", "turns"]].concat());
    wrong.push([&undo[..], &["--function", "loader"]].concat());
    wrong.push(vec!["export", "--table", "stock", "--loads", "kept"]);
    for arguments in wrong {
        let output = desk.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(said(&output).contains("--local"), "{arguments:?}: {output:?}");
    }
    assert!(!desk.path("inventory-loads").exists());
    for command in ["load", "plan", "export", "undo"] {
        let help = desk.run(&[command, "--help"]);
        let help = String::from_utf8_lossy(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("--local") && help.contains("for trying things out"), "{command}: {help}");
    }
}
