//! The Lambda function: handles events and runs the loads they ask for.

use std::time::Duration;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use tokio::time::Instant;

use crate::clients::{self, Clients};
use crate::config::Config;
use crate::event::{self, EventError, Message, Request, TrustedSource};
use crate::ledger::Ledger;
use crate::load::{self, Answer, LoadError, Run, RunEnd, Services, Settings, Uploads};
use crate::notify::{MailContext, Notifier};
use crate::relay::{FailureQueue, Relay, TRANSIENT_FAULT};
use crate::store::{S3Store, Store};
use crate::table::Table;
use inventory_base::decision::Decision;
use inventory_base::upload::Upload;

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
    let settings = config.settings()?;
    let clients = clients::connect(None, None).await;
    let notify = notifier(&clients, &config);
    let store = Store::S3(S3Store::new(clients.s3, &config.reports_bucket, &config.bucket_owner));
    let ledger = Ledger::new(clients.dynamodb.clone(), &config.ledger_table, config.lease);
    let services = Services {
        ledger: Some(ledger.with_reports_at(store.location("loads"))),
        store,
        table: Table::new(clients.dynamodb, &config.inventory_table, config.table_wait)
            .with_read_ceiling(config.read_ceiling)
            .with_write_ceiling(config.write_ceiling),
        relay: Some(Relay::new(clients.lambda, &config.function)),
        failures: config.failure_queue.as_ref().map(|url| FailureQueue::new(clients.sqs, url)),
        notify,
        uploads: Some(Uploads {
            bucket: config.uploads_bucket.clone(),
            prefix: config.uploads_prefix.clone(),
            account: config.bucket_owner.clone(),
        }),
        prints_metrics: true,
    };
    let (services, settings) = (&services, &settings);
    let source = TrustedSource { bucket: &config.uploads_bucket, account: &config.bucket_owner };
    lambda_runtime::run(service_fn(move |event| handle(event, services, settings, source))).await
}

/// `None` if neither a topic nor an event bus is configured.
fn notifier(clients: &Clients, config: &Config) -> Option<Notifier> {
    let (topic, bus) = (config.notify_topic.clone(), config.event_bus.clone());
    if topic.is_none() && bus.is_none() {
        return None;
    }
    let region = clients.sns.config().region().map(ToString::to_string).unwrap_or_default();
    let around = MailContext { reports: config.reports_bucket.clone(), function: config.function.clone(), region };
    Some(Notifier::new(clients.sns.clone(), clients.eventbridge.clone(), topic, bus, around))
}

/// Why a run ended in an error. Lambda retries the event and finally puts it into the failure queue.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl RunError {
    /// The error type that Lambda keeps with the event in the failure queue.
    fn kind(&self) -> &'static str {
        match self {
            RunError::Event(_) => "UnknownEvent",
            RunError::Load(error) if error.is_retryable() => TRANSIENT_FAULT,
            RunError::Load(_) => "LastingFault",
        }
    }
}

impl From<RunError> for Diagnostic {
    fn from(error: RunError) -> Diagnostic {
        Diagnostic { error_type: error.kind().to_string(), error_message: error.to_string() }
    }
}

/// Handles the messages of an invocation, one after another. Returns the ids of the queue messages that failed, so that
/// only those are retried.
async fn handle(
    event: LambdaEvent<serde_json::Value>,
    services: &Services,
    settings: &Settings,
    source: TrustedSource<'_>,
) -> Result<serde_json::Value, RunError> {
    let request_id = event.context.request_id.as_str();
    let run = Run {
        request_id,
        deadline: Some(Instant::now() + time_left(event.context.deadline)),
        progress: &|_| {},
        dry_run: false,
        waived: Default::default(),
    };
    let (uploads_bucket, answers) = (source.bucket, Vec::new());
    let mut invocation = Invocation { services, settings, run: &run, uploads_bucket, has_loaded: false, answers };
    let mut failed = Vec::new();
    for Message { id, requests } in event::open(&event.payload, source) {
        let Err(error) = invocation.carry_out(requests).await else { continue };
        tracing::error!(event = "run_failed", request_id, message = id, kind = error.kind(), error = %error);
        match id {
            Some(id) => failed.push(serde_json::json!({ "itemIdentifier": id })),
            None => return Err(error),
        }
    }
    Ok(serde_json::json!({ "batchItemFailures": failed, "answers": invocation.answers }))
}

/// What one invocation has done so far.
struct Invocation<'a> {
    services: &'a Services,
    settings: &'a Settings,
    run: &'a Run<'a>,
    uploads_bucket: &'a str,
    has_loaded: bool,
    answers: Vec<Answer>,
}

impl Invocation<'_> {
    /// Carries out the requests of one message.
    async fn carry_out(&mut self, requests: Result<Vec<Request>, EventError>) -> Result<(), RunError> {
        for request in requests? {
            let answer = match request {
                Request::Load(upload) => {
                    let (key, version) = (&upload.key, &upload.version);
                    tracing::info!(event = "upload_announced", key, version, size = upload.size);
                    self.load(upload).await?;
                    continue;
                }
                Request::Continue(load) => {
                    tracing::info!(event = "continuation_begins", load = %load);
                    log_end(&load::resume(&load, self.services, self.settings, self.run).await?);
                    continue;
                }
                Request::Approve(decision) => {
                    tracing::info!(event = "load_approved", load = %decision.load, by = decision.by);
                    load::approve(&decision, self.services, self.run).await?
                }
                Request::Redrive(decision) => {
                    tracing::info!(event = "load_redriven", load = %decision.load, by = decision.by);
                    load::redrive(&decision, self.services, self.run).await?
                }
                Request::RedriveAll { by, at, since } => {
                    tracing::info!(event = "failures_redriven", by, since = since.map(|since| since.to_string()));
                    let decision = |load| Decision { load, by: by.clone(), at };
                    load::redrive_all(&decision, since, self.services, self.run).await?
                }
                Request::Undo(undo) => {
                    tracing::info!(event = "undo_asked", load = %undo.load, by = undo.by, dry_run = undo.dry_run);
                    match undo.dry_run {
                        true => Answer::Undo(load::preview_undo(&undo, self.services, self.settings, self.run).await?),
                        false => load::queue_undo(&undo, self.services, self.run).await?,
                    }
                }
                Request::Cancel(decision) => {
                    tracing::info!(event = "load_cancelled", load = %decision.load, by = decision.by);
                    load::cancel(&decision, self.services).await?
                }
                Request::ListFailed { since } => load::list_failed(since, self.services).await?,
                Request::ListLoads { at_most } => load::answer_loads(at_most, self.services).await?,
                Request::Show(load) => load::answer_load(&load, self.services).await?,
                Request::ShowRows { load, from, fate } => {
                    load::answer_rows(&load, from, fate.as_deref(), self.services).await?
                }
                Request::About => load::answer_about(self.uploads_bucket, self.services),
                Request::Sweep => load::sweep(self.services, self.settings).await,
            };
            self.answers.push(answer);
        }
        Ok(())
    }

    /// Loads an upload. After the first one of an invocation, uploads other than dry runs are queued for runs of their
    /// own: they would have only the time that the first one left.
    async fn load(&mut self, upload: Upload) -> Result<(), RunError> {
        if self.has_loaded && !upload.is_dry_run() {
            log_end(&load::queue(&upload, self.services, self.run).await?);
            load::start_next(self.services).await;
            return Ok(());
        }
        self.has_loaded = true;
        log_end(&load::load(upload, self.services, self.settings, self.run).await?);
        Ok(())
    }
}

fn log_end(end: &RunEnd) {
    match end {
        RunEnd::Ended(_) | RunEnd::Continued { .. } | RunEnd::Queued { .. } => {}
        RunEnd::Delayed { until } => tracing::info!(event = "tried_again_later", until = %until),
        RunEnd::Duplicate => tracing::info!(event = "already_under_way"),
        RunEnd::EndedBefore { ending } => tracing::info!(event = "already_ended", ending = ending.name()),
    }
}

fn time_left(deadline_ms: u64) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now)
}
