//! The Lambda function: events in, loads out.

use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use tokio::time::Instant;

use crate::clients;
use crate::config::Config;
use crate::event::{self, EventError, Message, Ours, Request};
use crate::ledger::Ledger;
use crate::load::{self, LoadError, Places, Rules, Run, RunEnd};
use crate::relay::Relay;
use crate::report::UndoAnswer;
use crate::store::{S3Store, Store};
use crate::table::Table;

/// Serves events until Lambda ends the process.
#[tokio::main]
pub async fn serve() -> Result<(), Error> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(format!("warn,inventory_loader={level}", level = config.log_level))
        .init();
    let rules = config.rules()?;
    let clients = clients::connect(None, None).await;
    let places = Places {
        store: Store::S3(S3Store::new(clients.s3, &config.reports_bucket, &config.bucket_owner)),
        ledger: Some(Ledger::new(clients.dynamodb.clone(), &config.ledger_table, config.lease)),
        table: Table::new(clients.dynamodb, &config.inventory_table, config.table_wait)
            .with_read_ceiling(config.read_ceiling),
        relay: Some(Relay::new(clients.lambda, &config.function)),
    };
    let (places, rules) = (&places, &rules);
    let ours = Ours { bucket: &config.uploads_bucket, account: &config.bucket_owner };
    lambda_runtime::run(service_fn(move |event| handle(event, places, rules, ours))).await
}

/// Why a run ended in an error. Lambda tries the event again, and in the end keeps it in the failure queue.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl RunError {
    /// What somebody who finds the event in the failure queue sees first.
    fn kind(&self) -> &'static str {
        match self {
            RunError::Event(_) => "UnknownEvent",
            RunError::Load(error) if error.would_trying_again_help() => "PassingFault",
            RunError::Load(_) => "LastingFault",
        }
    }
}

impl From<RunError> for Diagnostic {
    fn from(error: RunError) -> Diagnostic {
        Diagnostic { error_type: error.kind().to_string(), error_message: error.to_string() }
    }
}

/// Does what an invocation brings, one message after another. Of a queue's messages those that failed are named, so that
/// they alone are tried again.
async fn handle(
    event: LambdaEvent<serde_json::Value>,
    places: &Places,
    rules: &Rules,
    ours: Ours<'_>,
) -> Result<serde_json::Value, RunError> {
    let request_id = event.context.request_id.as_str();
    let run = Run {
        request_id,
        deadline: Some(Instant::now() + time_left(event.context.deadline)),
        progress: &|_| {},
        dry_run: false,
        waived: Default::default(),
    };
    let (mut failed, mut undo) = (Vec::new(), None);
    for Message { id, requests } in event::open(&event.payload, ours) {
        let error = match follow(requests, places, rules, &run).await {
            Ok(answer) => {
                undo = answer;
                continue;
            }
            Err(error) => error,
        };
        tracing::error!(event = "run_failed", request_id, message = id, kind = error.kind(), error = %error);
        match id {
            Some(id) => failed.push(serde_json::json!({ "itemIdentifier": id })),
            None => return Err(error),
        }
    }
    let mut answer = serde_json::json!({ "batchItemFailures": failed });
    if let Some(undo) = undo {
        answer["undo"] = serde_json::json!(undo);
    }
    Ok(answer)
}

/// Does what one message asks for, one upload after another. Returns what whoever asks about an undo waits for.
async fn follow(
    requests: Result<Vec<Request>, EventError>,
    places: &Places,
    rules: &Rules,
    run: &Run<'_>,
) -> Result<Option<UndoAnswer>, RunError> {
    let mut answer = None;
    for request in requests? {
        let is_undo = matches!(request, Request::Undo(_));
        match &request {
            Request::Load(upload) => {
                tracing::info!(
                    event = "upload_announced",
                    key = upload.key,
                    version = upload.version,
                    size = upload.size
                );
            }
            Request::Continue(load) => tracing::info!(event = "continuation_begins", load = %load),
            Request::Approve(approval) => {
                tracing::info!(event = "load_approved", load = %approval.load, by = approval.by)
            }
            Request::Undo(undo) => {
                tracing::info!(event = "undo_asked", load = %undo.load, by = undo.by, dry_run = undo.dry_run)
            }
        }
        let end = load::run(request, places, rules, run).await?;
        match &end {
            RunEnd::Ended(_) | RunEnd::Continued { .. } => {}
            RunEnd::Duplicate => tracing::info!(event = "already_under_way"),
            RunEnd::EndedBefore { ending } => tracing::info!(event = "already_ended", ending),
        }
        answer = load::answer(end).filter(|_| is_undo);
    }
    Ok(answer)
}

fn time_left(deadline_ms: u64) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now)
}
