//! A hostile file is refused with a message: it causes no crash and no runaway costs, and reads no credentials.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use inventory_base::ending::Ending;
use inventory_base::load_id::LoadId;
use inventory_base::message::Rule;
use inventory_base::upload::Upload;
use inventory_check::report::Report;

use crate::harness::cloud::DYNAMODB_ANSWERS;
use crate::harness::stack::Stack;
use crate::harness::{example, files, unique};

const READER_MEGABYTES: usize = 64;

/// Deploys a stack with limits so low that a hostile file reaches them within a test's time.
async fn narrow_stack() -> Stack {
    let megabytes = READER_MEGABYTES.to_string();
    let parameters = [("ReaderMegabytes", megabytes.as_str()), ("ReaderCpuSeconds", "3")];
    Stack::own("narrow", Path::new(env!("CARGO_BIN_EXE_loader")), &parameters).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_kills_the_reader_is_refused_with_a_report_and_not_retried() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = narrow_stack().await;
    for (name, content, rule) in [
        // The survey detects the first, so that the reader survives; the others are within every size limit.
        ("claim.xlsx", files::claims_billions_of_strings(), Rule::FileDamaged),
        ("memory.xlsx", files::holds_a_million_strings(), Rule::FileNeedsTooMuchMemory),
        ("time.xlsx", files::endless_empty_rows(768), Rule::FileTakesTooLong),
    ] {
        let size = content.len();
        let upload = stack.upload(&format!("uploads/{}/{name}", unique("hostile")), content).await;
        let report = stack.report(&upload).await;
        assert_eq!(report.ending, Ending::Refused, "{name} of {size} bytes");
        assert_eq!(report.refusal.as_ref().map(|refusal| refusal.rule), Some(rule), "{name}");
        assert!(report.summary.ends_with("Nothing was changed."), "{}", report.summary);
        let load = LoadId::of(&upload);
        let line = stack.log_event(load.as_str(), "load_finished").await;
        assert_eq!((&line["ending"], &line["refusal"]), (&"refused".into(), &rule.id().into()));
        let starts = stack.log_lines(load.as_str()).await.iter().filter(|line| line["event"] == "turn_taken").count();
        assert_eq!(starts, 1, "{name} was retried");
    }
    assert_eq!(stack.failure_count().await, 0, "a refusal reached the failure queue");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_child_finds_no_credentials() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = Stack::own("hunted", &example("key-hunter"), &[]).await;
    let report = hunt(&stack).await;
    let said = report.refusal.expect("what the hunter said").message;
    assert!(said.contains("found 0"), "{said}");
}

async fn hunt(stack: &Stack) -> Report {
    let upload: Upload = stack.upload(&format!("uploads/{}.csv", unique("hunt")), b"SKU".to_vec()).await;
    stack.report(&upload).await
}

/// Runs the hunter with a secret key in its environment, as the function has.
fn hunter(program: &Path, user: Option<u32>, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("AWS_SECRET_ACCESS_KEY", "a-key").current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().expect("the hunter");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_child_cannot_read_the_credentials_of_root_or_another_user() {
    const OTHER_USER: u32 = 12_345;
    // A folder every user may read, unlike the one the tests are built in.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let (program, file) = (folder.path().join("key-hunter"), folder.path().join("stock.csv"));
    std::fs::copy(example("key-hunter"), &program).unwrap();
    std::fs::write(&file, "SKU").unwrap();
    let file = file.to_str().unwrap();

    // Unconfined it does find its own key, so finding none below is meaningful.
    assert!(hunter(&program, None, &["look"]).contains("/environ"));

    let root = rustix::process::geteuid().is_root();
    let users: &[Option<u32>] = if root { &[None, Some(OTHER_USER)] } else { &[None] };
    for user in users {
        let said = hunter(&program, *user, &["start", file]);
        assert!(said.contains("found 0"), "{user:?}: {said}");
        // If started by root, the child runs as the user `nobody`; otherwise it keeps its user, and the parent's
        // environment is made unreadable.
        let expected = if root && user.is_none() {
            "user 65534".to_string()
        } else {
            user.map_or("user".into(), |u| format!("user {u}"))
        };
        assert!(said.contains(&expected), "{said}");
    }
}
