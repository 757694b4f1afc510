//! Waiting for a load that the deployed loader makes, and showing meanwhile how far it is.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::deployed;
use super::show::say_written;
use super::{CliError, Exit};
use crate::event::Request;
use crate::ledger::State;
use crate::load::Shown;
use crate::relay::Relay;
use inventory_base::load_id::LoadId;
use inventory_base::progress::Progress;
use inventory_check::cli::Bar;

/// How often the loader is asked; a little more or less each time, so that many who wait do not ask together.
const LOOK: Duration = Duration::from_secs(1);
/// S3 announces an upload in a second or two, and Lambda begins it as soon as it may.
const UNHEARD_OF: Duration = Duration::from_secs(5 * 60);
/// A trial is in no ledger, and leaves nothing before its first thousand rows are compared.
const UNHEARD_OF_TRIAL: Duration = Duration::from_secs(20 * 60);
/// A loader that answers nothing for so long is out of reach. One that may only run once at a time answers nobody while
/// it loads, and a run takes 15 minutes at most.
const OUT_OF_REACH: Duration = Duration::from_secs(16 * 60);
/// An answer that has not come by now is asked for once more.
const ANSWER: Duration = Duration::from_secs(30);

/// What waiting came to.
#[derive(Debug)]
pub(super) enum Waited {
    Over(Box<Shown>),
    /// Whoever typed the command does not want to wait longer.
    Left,
}

/// Waits until a load is over, or until somebody has had enough of waiting.
pub(super) async fn wait(
    load: &LoadId,
    is_trial: bool,
    relay: &Relay,
    bar: &Bar,
    leave: impl Future<Output = ()>,
) -> Result<Waited, CliError> {
    let mut leave = pin!(leave);
    let began = Instant::now();
    let mut answered = began;
    bar.say("waiting for S3 to announce the file");
    loop {
        let request = Request::Show(load.clone());
        let asked = tokio::time::timeout(ANSWER, deployed::ask::<Option<Shown>>(relay, &request, "shown"));
        let answer = tokio::select! {
            () = &mut leave => return Ok(Waited::Left),
            answer = asked => answer.unwrap_or_else(|_| Err(no_answer())),
        };
        match answer {
            Ok(Some(shown)) if shown.state == State::Ended => return Ok(Waited::Over(Box::new(shown))),
            Ok(known) => {
                answered = Instant::now();
                match known {
                    Some(shown) => tell(&shown, bar),
                    None => check_announced(load, began, is_trial)?,
                }
            }
            Err(trouble) if trouble.exit == Exit::Cloud && answered.elapsed() < OUT_OF_REACH => {
                bar.say("the loader does not answer; asking again");
            }
            Err(trouble) => return Err(no_longer_waited_for(trouble, load)),
        }
        tokio::select! {
            () = &mut leave => return Ok(Waited::Left),
            () = sleep(LOOK.mul_f64(0.75 + fastrand::f64() / 2.0)) => {}
        }
    }
}

fn no_answer() -> CliError {
    let sentence = format!("The loader did not answer within {} s.", ANSWER.as_secs());
    CliError { exit: Exit::Cloud, sentence }
}

/// To say the same again would upload the file a second time.
fn no_longer_waited_for(trouble: CliError, load: &LoadId) -> CliError {
    let sentence = format!(
        "{} The file is in the bucket, and its load goes on without this command. To see how far it is: inventory show \
         {load}",
        trouble.sentence
    );
    CliError { sentence, ..trouble }
}

fn check_announced(load: &LoadId, began: Instant, is_trial: bool) -> Result<(), CliError> {
    let patience = if is_trial { UNHEARD_OF_TRIAL } else { UNHEARD_OF };
    if began.elapsed() < patience {
        return Ok(());
    }
    let sentence = format!(
        "The file is in the bucket, and after {} minutes the loader has not heard of it. Does the bucket tell the \
         function of uploads? inventory failed counts the events that ended in an error; inventory show {load} tells \
         when the load is known.",
        patience.as_secs() / 60
    );
    Err(CliError { exit: Exit::Cloud, sentence })
}

fn tell(shown: &Shown, bar: &Bar) {
    let begun = matches!(shown.state, State::Planning | State::Writing);
    match (shown.state, shown.headway) {
        (State::Queued, _) => match &shown.behind {
            Some(behind) => bar.say(&format!("waiting for its turn; load {behind} has the table")),
            None => bar.say("waiting for its turn"),
        },
        // Of a trial nobody knows.
        _ if begun && !shown.is_running && shown.starts > 0 => bar.say("waiting for its next run"),
        (State::Planning, Some(rows)) => {
            bar.show(Progress::Reading { rows: rows.read });
            bar.show(Progress::Planning { rows: rows.compared, of: None });
        }
        (State::Writing, Some(rows)) if rows.of > 0 => bar.show(Progress::Writing { rows: rows.written, of: rows.of }),
        (State::Writing, _) => bar.say(&format!("{} written", say_written(shown))),
        (State::Planning | State::Ended, _) => bar.say("being read and compared"),
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
            "headway": { "read": 4000, "compared": 3000, "written": 1000, "of": 4000 }, "chunks_done": 1,
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
    async fn a_load_is_waited_for_from_before_it_is_known_until_it_is_over() {
        let fake = Fake::answering(|asked| match asked.number {
            0 | 1 => answer(Json::Null),
            2 => answer(shown("queued")),
            3 => answer(shown("planning")),
            4 => refused(429, "TooManyRequestsException"),
            5 => answer(shown("writing")),
            _ => answer(shown("ended")),
        });
        let waited = wait(&load(), false, &relay(&fake), &Bar::new(), pending()).await.unwrap();
        assert!(matches!(waited, Waited::Over(shown) if shown.state == State::Ended));
        let asked = fake.requests();
        assert_eq!(asked.len(), 7);
        assert!(asked.iter().all(|asked| asked.json() == json!({ "show": { "load": LOAD } })));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_had_enough_leaves_at_once_even_where_no_answer_comes() {
        for reply in [answer(shown("writing")), Reply::NoAnswer] {
            let fake = Fake::answering(move |_| reply.clone());
            let began = Instant::now();
            let leave = sleep(Duration::from_millis(2_500));
            let waited = wait(&load(), false, &relay(&fake), &Bar::new(), leave).await.unwrap();
            assert!(matches!(waited, Waited::Left) && began.elapsed() < Duration::from_secs(3));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_nobody_announces_is_not_waited_for_for_ever() {
        for (is_trial, patience) in [(false, UNHEARD_OF), (true, UNHEARD_OF_TRIAL)] {
            let fake = Fake::answering(|_| answer(Json::Null));
            let began = Instant::now();
            let trouble = wait(&load(), is_trial, &relay(&fake), &Bar::new(), pending()).await.unwrap_err();
            assert!(began.elapsed() >= patience && began.elapsed() < patience + 2 * LOOK);
            assert!(trouble.exit == Exit::Cloud && trouble.sentence.contains("has not heard of it"), "{trouble:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loader_out_of_reach_and_one_that_may_not_be_asked_are_told() {
        let fake = Fake::answering(|_| refused(500, "ServiceException"));
        let began = Instant::now();
        let trouble = wait(&load(), false, &relay(&fake), &Bar::new(), pending()).await.unwrap_err();
        assert!(trouble.exit == Exit::Cloud && began.elapsed() >= OUT_OF_REACH, "{trouble:?}");
        assert!(trouble.sentence.ends_with(&format!("To see how far it is: inventory show {LOAD}")), "{trouble:?}");
        let fake = Fake::answering(|_| refused(403, "AccessDeniedException"));
        let trouble = wait(&load(), false, &relay(&fake), &Bar::new(), pending()).await.unwrap_err();
        assert_eq!((trouble.exit, fake.requests().len()), (Exit::Usage, 1), "{trouble:?}");
        let fake = Fake::answering(|_| Reply::Json(200, json!({ "answers": [] })));
        let trouble = wait(&load(), false, &relay(&fake), &Bar::new(), pending()).await.unwrap_err();
        assert!(trouble.sentence.contains("of one version"), "{trouble:?}");
    }
}
