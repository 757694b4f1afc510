//! Waits for a load of the deployed loader, and shows its progress.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::deployed;
use super::show::describe_written;
use super::{CliError, Exit};
use crate::event::Request;
use crate::ledger::State;
use crate::load::LoadStatus;
use crate::relay::Relay;
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_check::cli::Bar;

/// How often the loader is asked, with jitter so that many waiting commands do not ask at the same time.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long to wait until the loader knows the load: S3 announces an upload within a second or two, and Lambda starts
/// it as soon as its concurrency allows.
const KNOWN_WITHIN: Duration = Duration::from_secs(5 * 60);
/// The same for a dry run, which is not in the ledger and keeps nothing before its first thousand rows are compared.
const DRY_RUN_KNOWN_WITHIN: Duration = Duration::from_secs(20 * 60);
/// How long a loader may not answer before it counts as unreachable. With a concurrency of one, it does not answer
/// while it loads, and a run takes 15 minutes at most.
const UNREACHABLE_AFTER: Duration = Duration::from_secs(16 * 60);
/// How long to wait for an answer before asking again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The result of waiting.
#[derive(Debug)]
pub(super) enum Waited {
    Ended(Box<LoadStatus>),
    /// The user stopped the command.
    Interrupted,
}

/// Waits until a load has ended, or until `leave` completes.
pub(super) async fn wait(
    load: &LoadId,
    is_dry_run: bool,
    relay: &Relay,
    bar: &Bar,
    leave: impl Future<Output = ()>,
) -> Result<Waited, CliError> {
    let mut leave = pin!(leave);
    let began = Instant::now();
    let mut answered = began;
    bar.set_message("waiting for S3 to announce the file");
    loop {
        let request = Request::Show(load.clone());
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, deployed::ask::<Option<LoadStatus>>(relay, &request, "shown"));
        let answer = tokio::select! {
            () = &mut leave => return Ok(Waited::Interrupted),
            answer = asked => answer.unwrap_or_else(|_| Err(no_answer())),
        };
        match answer {
            Ok(Some(shown)) if shown.state == State::Ended => return Ok(Waited::Ended(Box::new(shown))),
            Ok(known) => {
                answered = Instant::now();
                match known {
                    Some(shown) => show_progress(&shown, bar),
                    None => check_announced(load, began, is_dry_run)?,
                }
            }
            Err(error) if error.exit == Exit::Cloud && answered.elapsed() < UNREACHABLE_AFTER => {
                bar.set_message("the loader does not answer; retrying");
            }
            Err(error) => return Err(stopped_waiting(error, load)),
        }
        tokio::select! {
            () = &mut leave => return Ok(Waited::Interrupted),
            () = sleep(POLL_INTERVAL.mul_f64(0.75 + fastrand::f64() / 2.0)) => {}
        }
    }
}

fn no_answer() -> CliError {
    let sentence = format!("The loader did not answer within {} s.", ANSWER_TIMEOUT.as_secs());
    CliError { exit: Exit::Cloud, sentence }
}

/// Adds how to see the load, because running the same command again would upload the file a second time.
fn stopped_waiting(error: CliError, load: &LoadId) -> CliError {
    let sentence = format!(
        "{} The file is in the bucket, and its load continues without this command. To see its progress: inventory \
         show {load}",
        error.sentence
    );
    CliError { sentence, ..error }
}

fn check_announced(load: &LoadId, began: Instant, is_dry_run: bool) -> Result<(), CliError> {
    let patience = if is_dry_run { DRY_RUN_KNOWN_WITHIN } else { KNOWN_WITHIN };
    if began.elapsed() < patience {
        return Ok(());
    }
    let sentence = format!(
        "The file is in the bucket, but after {} minutes the loader does not know it. Check that the bucket sends its \
         events to the function. inventory failed counts the events that ended in an error; inventory show {load} \
         shows the load once it is known.",
        patience.as_secs() / 60
    );
    Err(CliError { exit: Exit::Cloud, sentence })
}

fn show_progress(shown: &LoadStatus, bar: &Bar) {
    let begun = matches!(shown.state, State::Planning | State::Writing);
    match (shown.state, shown.progress) {
        (State::Queued, _) => match &shown.behind {
            Some(behind) => bar.set_message(&format!("waiting for its turn; load {behind} is using the table")),
            None => bar.set_message("waiting for its turn"),
        },
        // Whether a dry run is running is not known.
        _ if begun && !shown.is_running && shown.starts > 0 => bar.set_message("waiting for its next run"),
        (State::Planning, Some(rows)) => {
            bar.show(Progress::Reading { rows: rows.read });
            bar.show(Progress::Planning { rows: rows.compared, of: None });
        }
        (State::Writing, Some(rows)) if rows.of > 0 => bar.show(Progress::Writing { rows: rows.written, of: rows.of }),
        (State::Writing, _) => bar.set_message(&format!("{} written", describe_written(shown))),
        (State::Planning | State::Ended, _) => bar.set_message("being read and compared"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::fake::{Fake, Reply};
    use serde_json::{Value as Json, json};
    use std::future::pending;

    const LOAD: &str = "0123456789abcdef";

    fn load() -> LoadId {
        LoadId::parse(LOAD).unwrap()
    }

    fn answer(shown: Json) -> Reply {
        Reply::Json(200, json!({ "batchItemFailures": [], "answers": [{ "shown": shown }] }))
    }

    fn shown(state: &str) -> Json {
        json!({
            "load": LOAD, "upload": null, "table": "stock", "state": state, "is_running": true, "starts": 1,
            "ending": null, "summary": null, "announced": null, "updated": null, "behind": null,
            "progress": { "read": 4000, "compared": 3000, "written": 1000, "of": 4000 }, "chunks_done": 1,
            "chunks_total": 4, "stop": null, "again": null, "undo": null, "report": null, "lists_cut_at": null,
            "report_is_in": "s3://reports/x"
        })
    }

    fn relay(fake: &Fake) -> Relay {
        Relay::new(aws_sdk_lambda::Client::new(&fake.config()), "loader")
    }

    fn refused(status: u16, code: &'static str) -> Reply {
        Reply::Json(status, json!({ "Type": "User", "Message": "so it says", "__type": code }))
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_starts_before_the_load_is_known_and_lasts_until_it_has_ended() {
        let fake = Fake::answering(|asked| match asked.number {
            0 | 1 => answer(Json::Null),
            2 => answer(shown("queued")),
            3 => answer(shown("planning")),
            4 => refused(429, "TooManyRequestsException"),
            5 => answer(shown("writing")),
            _ => answer(shown("ended")),
        });
        let waited = wait(&load(), false, &relay(&fake), &Bar::reading(), pending()).await.unwrap();
        assert!(matches!(waited, Waited::Ended(shown) if shown.state == State::Ended));
        let asked = fake.requests();
        assert_eq!(asked.len(), 7);
        assert!(asked.iter().all(|asked| asked.json() == json!({ "show": { "load": LOAD } })));
    }

    #[tokio::test(start_paused = true)]
    async fn an_interrupt_ends_the_waiting_at_once_even_without_an_answer() {
        for reply in [answer(shown("writing")), Reply::NoAnswer] {
            let fake = Fake::answering(move |_| reply.clone());
            let began = Instant::now();
            let leave = sleep(Duration::from_millis(2_500));
            let waited = wait(&load(), false, &relay(&fake), &Bar::reading(), leave).await.unwrap();
            assert!(matches!(waited, Waited::Interrupted) && began.elapsed() < Duration::from_secs(3));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_a_file_that_is_never_announced_ends() {
        for (is_dry_run, patience) in [(false, KNOWN_WITHIN), (true, DRY_RUN_KNOWN_WITHIN)] {
            let fake = Fake::answering(|_| answer(Json::Null));
            let began = Instant::now();
            let error = wait(&load(), is_dry_run, &relay(&fake), &Bar::reading(), pending()).await.unwrap_err();
            assert!(began.elapsed() >= patience && began.elapsed() < patience + 2 * POLL_INTERVAL);
            assert!(error.exit == Exit::Cloud && error.sentence.contains("does not know it"), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_loader_and_missing_permissions_are_errors() {
        let fake = Fake::answering(|_| refused(500, "ServiceException"));
        let began = Instant::now();
        let error = wait(&load(), false, &relay(&fake), &Bar::reading(), pending()).await.unwrap_err();
        assert!(error.exit == Exit::Cloud && began.elapsed() >= UNREACHABLE_AFTER, "{error:?}");
        assert!(error.sentence.ends_with(&format!("To see its progress: inventory show {LOAD}")), "{error:?}");
        let fake = Fake::answering(|_| refused(403, "AccessDeniedException"));
        let error = wait(&load(), false, &relay(&fake), &Bar::reading(), pending()).await.unwrap_err();
        assert_eq!((error.exit, fake.requests().len()), (Exit::Usage, 1), "{error:?}");
        let fake = Fake::answering(|_| Reply::Json(200, json!({ "answers": [] })));
        let error = wait(&load(), false, &relay(&fake), &Bar::reading(), pending()).await.unwrap_err();
        assert!(error.sentence.contains("the same version"), "{error:?}");
    }
}
