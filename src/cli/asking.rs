//! `inventory approve`, `failed`, `redrive` and `cancel`: what people ask of the deployed loader. It answers at once, and
//! who types needs no other right than to call it.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::deployed::Deployed;
use super::progress::Bar;
use super::{Exit, Trouble, load_name, output, whoever_types};
use crate::event::{LoadId, Request, Word};
use crate::load::LoadError;
use crate::message::count;

/// Which loader is asked, and how it answers.
#[derive(Args)]
struct Loader {
    #[command(flatten)]
    deployed: Deployed,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Who asks.
#[derive(Args)]
struct Speaker {
    /// Who wants it, for the ledger; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What is said about one load.
#[derive(Args)]
pub(super) struct OneLoad {
    /// The load, by its name in the report or the log.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: LoadId,
    #[command(flatten)]
    speaker: Speaker,
    #[command(flatten)]
    loader: Loader,
}

#[derive(Args)]
pub(super) struct ListFailed {
    #[command(flatten)]
    loader: Loader,
}

#[derive(Args)]
pub(super) struct Redrive {
    /// The load, by its name in the report; without one, all that failed.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: Option<LoadId>,
    #[command(flatten)]
    speaker: Speaker,
    #[command(flatten)]
    loader: Loader,
}

impl Loader {
    /// Asks, and tells the answer in words or as it came.
    async fn ask(self, request: Request, say: impl FnOnce(&Json) -> String) -> Result<Exit, Trouble> {
        let relay = self.deployed.relay().await.ok_or_else(|| {
            Trouble::usage("Say which loader is meant, by its function: --function, or INVENTORY_FUNCTION.")
        })?;
        let answer = Bar::asking().during(relay.ask(&request)).await.map_err(LoadError::from)?;
        let answer = &answer["answers"][0];
        output::answer(&if self.json { answer.to_string() } else { say(answer) });
        Ok(Exit::Good)
    }
}

impl OneLoad {
    /// Somebody has read why the load is held, and says that it is right.
    pub async fn approve(self) -> Result<Exit, Trouble> {
        let word = Word { load: self.load, by: whoever_types(self.speaker.by), at: Timestamp::now() };
        let (load, by) = (word.load.clone(), word.by.clone());
        let say = |answer: &Json| {
            let again = text(&answer["loaded-again"]["load"]);
            format!(
                "Load {load} will be loaded again as {again}, with what held it approved by {by}. Its report will be in \
                 loads/{again} of the reports bucket."
            )
        };
        self.loader.ask(Request::Approve(word), say).await
    }

    pub async fn cancel(self) -> Result<Exit, Trouble> {
        let word = Word { load: self.load, by: whoever_types(self.speaker.by), at: Timestamp::now() };
        let load = word.load.clone();
        let say = |answer: &Json| match answer["cancelled"]["had_begun"].as_bool() {
            Some(true) => format!(
                "Load {load} stops after the rows it is writing now. Its report, in loads/{load} of the reports bucket, \
                 will say what is in and what is not."
            ),
            _ => format!("Load {load} had not begun and is cancelled. Nothing was changed."),
        };
        self.loader.ask(Request::Cancel(word), say).await
    }
}

impl ListFailed {
    pub async fn run(self) -> Result<Exit, Trouble> {
        self.loader.ask(Request::ListFailed, say_failed).await
    }
}

impl Redrive {
    pub async fn run(self) -> Result<Exit, Trouble> {
        let (by, at) = (whoever_types(self.speaker.by), Timestamp::now());
        match self.load {
            Some(load) => {
                let name = load.clone();
                let say = |answer: &Json| {
                    let again = text(&answer["loaded-again"]["load"]);
                    format!(
                        "Load {name} will be loaded again as {again}. Its report will be in loads/{again} of the reports \
                         bucket."
                    )
                };
                self.loader.ask(Request::Redrive(Word { load, by, at }), say).await
            }
            None => self.loader.ask(Request::RedriveAll { by, at }, say_redriven).await,
        }
    }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or("?")
}

fn say_failed(answer: &Json) -> String {
    let failed = &answer["failed"];
    let loads = failed["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = loads
        .iter()
        .map(|load| {
            let [name, key, ended, summary] = ["load", "key", "ended", "summary"].map(|part| text(&load[part]));
            format!("{name}  {ended}  {key}\n    {summary}")
        })
        .collect();
    lines.push(match loads.len() {
        0 => "No load has failed that was not sent again.".to_string(),
        1 => "1 load failed. To send it again: inventory redrive".to_string(),
        n => format!("{} loads failed. To send them again: inventory redrive", count(n as u64)),
    });
    lines.extend(match failed["events"].as_u64() {
        None | Some(0) => None,
        Some(1) => Some("1 event rests in the failure queue; inventory redrive sends it again too.".to_string()),
        Some(n) => {
            Some(format!("{} events rest in the failure queue; inventory redrive sends them again too.", count(n)))
        }
    });
    lines.join("\n")
}

fn say_redriven(answer: &Json) -> String {
    let redriven = &answer["redriven"];
    let loads = redriven["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let events = redriven["events"].as_u64().unwrap_or_default();
    if loads.is_empty() && events == 0 {
        return "There was nothing to send again.".to_string();
    }
    let mut lines: Vec<String> = loads.iter().map(|load| format!("Sent again as load {}.", text(load))).collect();
    lines.extend(match events {
        0 => None,
        1 => Some("1 event was sent again from the failure queue.".to_string()),
        n => Some(format!("{} events were sent again from the failure queue.", count(n))),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_failed_is_listed_with_what_to_do() {
        let load = json!({ "load": "0123456789abcdef", "key": "uploads/q3.csv", "ended": "2026-10-03T08:00:00Z",
                           "summary": "Nothing was changed. The table is gone." });
        assert_eq!(
            say_failed(&json!({ "failed": { "loads": [load], "events": 2 } })),
            "0123456789abcdef  2026-10-03T08:00:00Z  uploads/q3.csv\n    Nothing was changed. The table is gone.\n\
             1 load failed. To send it again: inventory redrive\n\
             2 events rest in the failure queue; inventory redrive sends them again too."
        );
        let none = json!({ "failed": { "loads": [], "events": 0 } });
        assert_eq!(say_failed(&none), "No load has failed that was not sent again.");
        let redriven = json!({ "redriven": { "loads": ["0123456789abcdef.2"], "events": 1 } });
        let told = "Sent again as load 0123456789abcdef.2.\n1 event was sent again from the failure queue.";
        assert_eq!(say_redriven(&redriven), told);
        assert_eq!(
            say_redriven(&json!({ "redriven": { "loads": [], "events": 0 } })),
            "There was nothing to send again."
        );
    }
}
