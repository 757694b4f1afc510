//! One process of the function, the Runtime API that gives it its events, and how it is killed.

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

use super::http::{Answer, Asked, Server, json as json_answer, serve, whole};

/// How one run of the function ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Answered(Json),
    Failed(Json),
    /// The process ended first.
    Crashed(String),
    TimedOut,
}

impl Outcome {
    pub fn is_crash(&self) -> bool {
        matches!(self, Outcome::Crashed(_))
    }
}

/// The group of a process: itself and all that it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(Pid);

impl Group {
    /// As `kill -9` does it. That nobody is left to kill is no error.
    pub fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }

    /// Processes of the group that live.
    pub fn living(self) -> usize {
        let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
        let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        let ours = self.0.as_raw_nonzero().to_string();
        stats.filter(|stat| is_living_in(stat, &ours).unwrap_or(false)).count()
    }
}

/// Behind the name, which may hold anything, come the state, the parent and the group.
fn is_living_in(stat: &str, group: &str) -> Option<bool> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, its_group) = (fields.next()?, fields.nth(1)?);
    Some(its_group == group && !["Z", "X"].contains(&state))
}

/// The loader as it was just built; or another build of it, to see which of the tests that one does not pass.
pub fn program() -> PathBuf {
    std::env::var_os("FAULTS_LOADER").map_or_else(|| env!("CARGO_BIN_EXE_loader").into(), PathBuf::from)
}

pub struct Process {
    child: Child,
    pub group: Group,
    next: mpsc::Sender<Handed>,
    _api: Server,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// An event on its way into the process.
struct Handed {
    request_id: String,
    event: Json,
    timeout: Duration,
    began: oneshot::Sender<()>,
    outcome: oneshot::Sender<Outcome>,
}

struct Runtime {
    next: tokio::sync::Mutex<mpsc::Receiver<Handed>>,
    current: Mutex<Option<(String, oneshot::Sender<Outcome>)>>,
}

impl Process {
    pub async fn start(environment: &[(String, String)], log: &File) -> Process {
        let (next, handed) = mpsc::channel(1);
        let runtime = Arc::new(Runtime { next: handed.into(), current: Mutex::default() });
        // One server for each process: the long poll of one that was killed would swallow the next event.
        let api = serve(move |asked| runtime.clone().answer(asked)).await;
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

    /// Gives it an event and waits for what becomes of it. After a crash or when the time is over nothing of it lives.
    pub async fn run(&mut self, request_id: &str, event: &Json, timeout: Duration) -> Outcome {
        let ((began, begins), (outcome, answer)) = (oneshot::channel(), oneshot::channel());
        let handed = Handed { request_id: request_id.to_string(), event: event.clone(), timeout, began, outcome };
        let answered = async {
            let _ = self.next.send(handed).await;
            // The time counts from when the process takes its event.
            if begins.await.is_err() {
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
    async fn answer(self: Arc<Self>, asked: Asked) -> Option<Answer> {
        let parts: Vec<&str> = asked.uri().path().split('/').skip(2).collect();
        match parts[..] {
            ["runtime", "invocation", "next"] => self.hand_over().await.map(whole),
            ["runtime", "invocation", request_id, kind @ ("response" | "error")] => {
                let answer = serde_json::from_slice(asked.body()).unwrap_or_default();
                let outcome = if kind == "error" { Outcome::Failed(answer) } else { Outcome::Answered(answer) };
                let current = self.current.lock().unwrap().take_if(|(current, _)| current == request_id);
                let taken = current.is_some_and(|(_, waiting)| waiting.send(outcome).is_ok());
                Some(whole(json_answer(if taken { 202 } else { 400 }, &json!({ "status": "OK" }))))
            }
            ["runtime", "init", "error"] => Some(whole(json_answer(202, &json!({ "status": "OK" })))),
            _ => Some(whole(json_answer(404, &json!({})))),
        }
    }

    async fn hand_over(&self) -> Option<Response<Bytes>> {
        let handed = self.next.lock().await.recv().await?;
        *self.current.lock().unwrap() = Some((handed.request_id.clone(), handed.outcome));
        let deadline = SystemTime::now() + handed.timeout;
        let deadline_ms = deadline.duration_since(UNIX_EPOCH).expect("a time after 1970").as_millis().to_string();
        let mut answer = json_answer(200, &handed.event);
        for (name, value) in [
            ("lambda-runtime-aws-request-id", handed.request_id.as_str()),
            ("lambda-runtime-deadline-ms", &deadline_ms),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:loader"),
        ] {
            answer.headers_mut().insert(name, value.parse().expect("a header"));
        }
        let _ = handed.began.send(());
        Some(answer)
    }
}
