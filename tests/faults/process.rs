//! One process of the function, the Runtime API from which it gets its events, and its process group.

use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::Response;
use hyper::body::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value as Json, json};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

use super::http::{Answer, HttpRequest, Server, complete, json as json_response, serve};

/// How one run of the function ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answered(Json),
    Failed(Json),
    /// The process ended without a response.
    Crashed(String),
    TimedOut,
}

impl Outcome {
    pub fn is_crash(&self) -> bool {
        matches!(self, Outcome::Crashed(_))
    }
}

/// The group of a process: the process and those it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(Pid);

impl Group {
    /// Kills the group as `kill -9` does; an empty group is not an error.
    pub fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// Returns the number of processes of the group that are alive.
    pub fn living(self) -> usize {
        let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
        let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        let ours = self.0.as_raw_nonzero().to_string();
        stats.filter(|stat| is_living_in(stat, &ours).unwrap_or(false)).count()
    }
}

/// Parses a line of `/proc/PID/stat`: state, parent and group after the name, which may contain any character.
fn is_living_in(stat: &str, group: &str) -> Option<bool> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, its_group) = (fields.next()?, fields.nth(1)?);
    Some(its_group == group && !["Z", "X"].contains(&state))
}

/// Returns the loader that was just built, or another build given in FAULTS_LOADER, to see which tests that one fails.
pub fn program() -> PathBuf {
    std::env::var_os("FAULTS_LOADER").map_or_else(|| env!("CARGO_BIN_EXE_loader").into(), PathBuf::from)
}

pub struct Process {
    child: Child,
    pub group: Group,
    next: mpsc::Sender<Invocation>,
    _api: Server,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// An event to be handed to the process.
struct Invocation {
    request_id: String,
    event: Json,
    timeout: Duration,
    began: oneshot::Sender<()>,
    outcome: oneshot::Sender<Outcome>,
}

struct Runtime {
    next: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
}

impl Process {
    pub async fn start(environment: &[(String, String)], log: &File) -> Process {
        let (next, invocation) = mpsc::channel(1);
        let runtime = Arc::new(Runtime { next: invocation.into(), current: Mutex::default() });
        // One server for each process: the long poll of a killed process would swallow the next event.
        let api = serve(move |request| runtime.clone().answer(request)).await;
        let mut command = Command::new(program());
        command.env_clear().envs(environment.iter().cloned());
        command.env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        let output = || Stdio::from(log.try_clone().expect("the log"));
        command.stdin(Stdio::null()).stdout(output()).stderr(output()).process_group(0).kill_on_drop(true);
        let child = command.spawn().expect("the loader");
        let pid =
            child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)).expect("a process that was just started");
        Process { child, group: Group(pid), next, _api: api }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Hands an event to the process and waits for the outcome. After a crash or a timeout the whole group is dead.
    pub async fn run(&mut self, request_id: &str, event: &Json, timeout: Duration) -> Outcome {
        let ((began, has_begun), (outcome, answer)) = (oneshot::channel(), oneshot::channel());
        let invocation =
            Invocation { request_id: request_id.to_string(), event: event.clone(), timeout, began, outcome };
        let answered = async {
            let _ = self.next.send(invocation).await;
            // The timeout starts when the process takes its event.
            if has_begun.await.is_err() {
                return std::future::pending().await;
            }
            match tokio::time::timeout(timeout, answer).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => Outcome::TimedOut,
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = answered => outcome,
            status = self.child.wait() => crashed(status.expect("a status")),
        };
        if matches!(outcome, Outcome::Crashed(_) | Outcome::TimedOut) {
            self.group.kill();
            self.child.wait().await.expect("a status");
        }
        outcome
    }
}

fn crashed(status: ExitStatus) -> Outcome {
    Outcome::Crashed(format!("Runtime exited with error: {status}"))
}

impl Runtime {
    async fn answer(self: Arc<Self>, request: HttpRequest) -> Option<Answer> {
        let parts: Vec<&str> = request.uri().path().split('/').skip(2).collect();
        match parts[..] {
            ["runtime", "invocation", "next"] => self.next_invocation().await.map(complete),
            ["runtime", "invocation", request_id, kind @ ("response" | "error")] => {
                let answer = serde_json::from_slice(request.body()).unwrap_or_default();
                let outcome = if kind == "error" { Outcome::Failed(answer) } else { Outcome::Answered(answer) };
                let current = self.current.lock().unwrap().take_if(|(current, _)| current == request_id);
                let accepted = current.is_some_and(|(_, waiting)| waiting.send(outcome).is_ok());
                Some(complete(json_response(if accepted { 202 } else { 400 }, &json!({ "status": "OK" }))))
            }
            ["runtime", "init", "error"] => Some(complete(json_response(202, &json!({ "status": "OK" })))),
            _ => Some(complete(json_response(404, &json!({})))),
        }
    }

    async fn next_invocation(&self) -> Option<Response<Bytes>> {
        let invocation = self.next.lock().await.recv().await?;
        *self.current.lock().unwrap() = Some((invocation.request_id.clone(), invocation.outcome));
        let deadline = SystemTime::now() + invocation.timeout;
        let deadline_ms = deadline.duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis().to_string();
        let mut answer = json_response(200, &invocation.event);
        for (name, value) in [
            ("lambda-runtime-aws-request-id", invocation.request_id.as_str()),
            ("lambda-runtime-deadline-ms", &deadline_ms),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:loader"),
        ] {
            answer.headers_mut().insert(name, value.parse().expect("a header"));
        }
        let _ = invocation.began.send(());
        Some(answer)
    }
}
