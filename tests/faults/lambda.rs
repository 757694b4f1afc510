//! A small Lambda: events wait in a queue, run in a limited number of processes, and are retried after an error, a
//! crash or a timeout, as on AWS but sooner.

use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::http::{Answer, HttpRequest, Server, complete, json as json_response, serve, text};
use super::process::{Group, Outcome, Process};
use crate::harness::eventually;

/// AWS's delays, in AWS seconds (see `Settings::second`).
const BEFORE_RETRY: [u32; 2] = [60, 120];
const BETWEEN_SWEEPS: u32 = 300;

#[derive(Clone)]
pub struct Settings {
    /// How long an AWS second lasts here.
    pub second: Duration,
    pub timeout: Duration,
    /// How long the function's lease lasts. Generous in tests that kill no run: on a busy machine a short lease could
    /// expire while its run is still alive.
    pub lease: Duration,
    pub at_once: usize,
    /// The limit for writing, in units per second.
    pub write_units: Option<u32>,
    /// Whether events whose retries are exhausted go to an SQS queue, where the function finds them.
    pub has_failure_queue: bool,
    /// The rules by which the function judges.
    pub rules: &'static str,
    /// Further environment variables of the function.
    pub more: Vec<(&'static str, String)>,
}

pub struct Lambda {
    shared: Arc<Shared>,
    api: Server,
    tasks: JoinSet<()>,
    kills: AtomicUsize,
}

/// One run of the function.
#[derive(Debug, Clone)]
pub struct Run {
    pub event: Json,
    pub took: Duration,
    pub outcome: Outcome,
}

/// An event whose retries are exhausted.
#[derive(Debug, Clone)]
pub struct Failure {
    pub event: Json,
    pub outcomes: Vec<Outcome>,
}

impl Failure {
    fn to_destination_record(&self) -> Json {
        let response = match self.outcomes.last() {
            Some(Outcome::Failed(error)) => error.clone(),
            _ => json!({ "errorType": "Runtime.ExitError" }),
        };
        json!({
            "version": "1.0", "timestamp": jiff::Timestamp::now(),
            "requestContext": { "condition": "RetriesExhausted", "approximateInvokeCount": self.outcomes.len() },
            "requestPayload": self.event, "responsePayload": response,
        })
    }
}

struct Event {
    request_id: String,
    payload: Json,
    /// The outcomes of the attempts so far.
    outcomes: Vec<Outcome>,
    /// The caller of a synchronous invocation; such an event is not retried.
    waiting: Option<oneshot::Sender<Outcome>>,
}

struct Shared {
    settings: Settings,
    environment: OnceLock<Vec<(String, String)>>,
    log: File,
    queue: mpsc::UnboundedSender<Event>,
    queued: tokio::sync::Mutex<mpsc::UnboundedReceiver<Event>>,
    /// The number of events that are queued, running or waiting for a retry.
    open: watch::Sender<usize>,
    runs: watch::Sender<Vec<Run>>,
    failures: Mutex<Vec<Failure>>,
    /// The queue for events whose retries are exhausted, if the function has one.
    failure_queue: OnceLock<(aws_sdk_sqs::Client, String)>,
    groups: Mutex<Vec<Group>>,
    running: Mutex<Vec<Group>>,
}

impl Lambda {
    /// Starts the Invoke API. The function is deployed afterwards, because its environment has the API's address.
    pub async fn start(settings: Settings, log: File) -> Lambda {
        let (queue, queued) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            settings,
            environment: OnceLock::new(),
            log,
            queue,
            queued: queued.into(),
            open: watch::Sender::new(0),
            runs: watch::Sender::default(),
            failures: Mutex::default(),
            failure_queue: OnceLock::new(),
            groups: Mutex::default(),
            running: Mutex::default(),
        });
        let for_api = shared.clone();
        let api = serve(move |request| for_api.clone().invoke(request)).await;
        Lambda { shared, api, tasks: JoinSet::new(), kills: AtomicUsize::new(0) }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.api.address)
    }

    pub fn deploy(&mut self, environment: Vec<(String, String)>) {
        self.shared.environment.set(environment).expect("a function is deployed once");
        for _ in 0..self.shared.settings.at_once {
            self.tasks.spawn(self.shared.clone().work());
        }
        self.tasks.spawn(self.shared.clone().sweep());
    }

    /// Sets the queue that gets events whose retries are exhausted, as the function's on-failure destination.
    pub fn set_failure_queue(&self, sqs: aws_sdk_sqs::Client, url: String) {
        self.shared.failure_queue.set((sqs, url)).expect("one queue");
    }

    /// Delivers an event asynchronously, as S3 does.
    pub fn send(&self, event: &Json) {
        self.shared.post(event.clone(), None);
    }

    /// Delivers an event and waits for its outcome.
    pub async fn invoke_and_wait(&self, event: &Json) -> Outcome {
        self.shared.invoke_and_wait(event.clone()).await
    }

    pub async fn wait_until_idle(&self) {
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open == 0).await.expect("a count");
    }

    pub async fn next_sweep(&self) {
        let sweeps = |runs: &[Run]| runs.iter().filter(|run| is_sweep(&run.event)).count();
        let before = sweeps(&self.runs());
        let mut runs = self.shared.runs.subscribe();
        runs.wait_for(|runs| sweeps(runs) > before).await.expect("runs");
    }

    pub fn runs(&self) -> Vec<Run> {
        self.shared.runs.borrow().clone()
    }

    /// Returns and forgets the events whose retries are exhausted, as an operator would take them out of a failure
    /// queue.
    pub fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut self.shared.failures.lock().unwrap())
    }

    pub fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }

    /// Kills one of the processes that are working on an event; returns whether there was one.
    pub fn kill_one(&self, random: &mut fastrand::Rng) -> bool {
        let running = self.shared.running.lock().unwrap();
        let Some(group) = random.choice(running.iter()) else { return false };
        group.kill();
        self.kills.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Stops the function and waits until none of its processes is left.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
        let groups = self.shared.groups.lock().unwrap().clone();
        eventually("the processes of the function to be gone", || async {
            groups.iter().all(|group| group.living() == 0).then_some(())
        })
        .await;
    }
}

impl Shared {
    fn post(&self, payload: Json, waiting: Option<oneshot::Sender<Outcome>>) {
        self.open.send_modify(|open| *open += 1);
        let request_id = format!("{:032x}", fastrand::u128(..));
        let _ = self.queue.send(Event { request_id, payload, outcomes: Vec::new(), waiting });
    }

    async fn invoke_and_wait(&self, payload: Json) -> Outcome {
        let (waiting, outcome) = oneshot::channel();
        self.post(payload, Some(waiting));
        outcome.await.expect("an outcome")
    }

    /// Runs events one after the other in one process, which is replaced when it has ended.
    async fn work(self: Arc<Self>) {
        let environment = self.environment.get().expect("a deployed function");
        let mut warm: Option<Process> = None;
        loop {
            let Some(event) = self.queued.lock().await.recv().await else { return };
            if warm.as_mut().is_none_or(Process::has_ended) {
                let process = Process::start(environment, &self.log).await;
                self.groups.lock().unwrap().push(process.group);
                warm = Some(process);
            }
            let process = warm.as_mut().expect("a process");
            self.running.lock().unwrap().push(process.group);
            let began = Instant::now();
            let outcome = process.run(&event.request_id, &event.payload, self.settings.timeout).await;
            let took = began.elapsed();
            self.running.lock().unwrap().retain(|group| *group != process.group);
            let run = Run { event: event.payload.clone(), took, outcome: outcome.clone() };
            self.runs.send_modify(|runs| runs.push(run));
            self.finish(event, outcome);
        }
    }

    fn finish(self: &Arc<Self>, mut event: Event, outcome: Outcome) {
        let is_final = matches!(outcome, Outcome::Answered(_)) || event.waiting.is_some();
        match BEFORE_RETRY.get(event.outcomes.len()) {
            Some(delay) if !is_final => {
                event.outcomes.push(outcome);
                let (shared, delay) = (self.clone(), self.settings.second * *delay);
                tokio::spawn(async move {
                    sleep(delay).await;
                    let _ = shared.queue.send(event);
                });
                return;
            }
            None if !is_final => {
                event.outcomes.push(outcome);
                let failure = Failure { event: event.payload, outcomes: event.outcomes };
                match self.failure_queue.get() {
                    Some((sqs, url)) => {
                        let body = failure.to_destination_record().to_string();
                        let (shared, send) = (self.clone(), sqs.send_message().queue_url(url).message_body(body));
                        tokio::spawn(async move {
                            send.send().await.expect("a message in the failure queue");
                            shared.open.send_modify(|open| *open -= 1);
                        });
                        return;
                    }
                    None => self.failures.lock().unwrap().push(failure),
                }
            }
            _ => drop(event.waiting.map(|waiting| waiting.send(outcome))),
        }
        self.open.send_modify(|open| *open -= 1);
    }

    async fn invoke(self: Arc<Self>, request: HttpRequest) -> Option<Answer> {
        let payload = serde_json::from_slice(request.body()).unwrap_or_default();
        let kind = request.headers().get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
        if kind == Some("Event") {
            self.post(payload, None);
            return Some(complete(text(202, "application/json", "")));
        }
        let (answer, is_error) = match self.invoke_and_wait(payload).await {
            Outcome::Answered(answer) => (answer, false),
            Outcome::Failed(error) => (error, true),
            Outcome::Crashed(why) => (json!({ "errorType": "Runtime.ExitError", "errorMessage": why }), true),
            Outcome::TimedOut => (json!({ "errorType": "Sandbox.Timedout" }), true),
        };
        let mut answer = json_response(200, &answer);
        if is_error {
            answer.headers_mut().insert("x-amz-function-error", "Unhandled".parse().expect("a header"));
        }
        Some(complete(answer))
    }

    async fn sweep(self: Arc<Self>) {
        loop {
            sleep(self.settings.second * BETWEEN_SWEEPS).await;
            self.post(json!({ "sweep": {} }), None);
        }
    }
}

fn is_sweep(event: &Json) -> bool {
    event.get("sweep").is_some()
}
