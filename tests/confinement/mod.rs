//! A hostile file costs a refusal: a sentence, not a crash, a bill or a key.

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

/// Limits that a hostile file reaches within the patience of a test.
async fn narrow_stack() -> Stack {
    let megabytes = READER_MEGABYTES.to_string();
    let parameters = [("ReaderMegabytes", megabytes.as_str()), ("ReaderCpuSeconds", "3")];
    Stack::own("narrow", Path::new(env!("CARGO_BIN_EXE_loader")), &parameters).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_ends_the_reader_is_refused_with_a_report_and_never_tried_again() {
    let _answers = DYNAMODB_ANSWERS.read().await;
    let stack = narrow_stack().await;
    for (name, content, rule) in [
        // The survey sees through it, so that the reader lives; the others are within every budget.
        ("claim.xlsx", files::claims_endless_texts(), Rule::FileDamaged),
        ("memory.xlsx", files::holds_endless_texts(), Rule::FileNeedsTooMuchMemory),
        ("time.xlsx", files::takes_endless_time(768), Rule::FileTakesTooLong),
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
        assert_eq!(starts, 1, "{name} was not tried again");
    }
    assert_eq!(stack.failure_count().await, 0, "a refusal is no failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deployed_child_finds_no_key_by_any_path() {
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

/// Runs the hunter with a key in its environment, as the functions have theirs.
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
fn neither_root_nor_another_user_has_a_key_its_child_can_read() {
    const SOMEBODY: u32 = 12_345;
    // Where everybody may look, unlike the folder the tests are built in.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let (program, file) = (folder.path().join("key-hunter"), folder.path().join("stock.csv"));
    std::fs::copy(example("key-hunter"), &program).unwrap();
    std::fs::write(&file, "SKU").unwrap();
    let file = file.to_str().unwrap();

    // Unconfined it does find its own key, so finding none means something.
    assert!(hunter(&program, None, &["look"]).contains("/environ"));

    let root = rustix::process::geteuid().is_root();
    let users: &[Option<u32>] = if root { &[None, Some(SOMEBODY)] } else { &[None] };
    for user in users {
        let said = hunter(&program, *user, &["start", file]);
        assert!(said.contains("found 0"), "{user:?}: {said}");
        // As root the child becomes nobody; otherwise it stays who it is, and the parent hides.
        let expected = if root && user.is_none() {
            "user 65534".to_string()
        } else {
            user.map_or("user".into(), |u| format!("user {u}"))
        };
        assert!(said.contains(&expected), "{said}");
    }
}
