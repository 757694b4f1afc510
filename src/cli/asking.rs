//! `inventory approve`, `failed`, `redrive` and `cancel`: what people ask of the deployed loader. It answers at once, and
//! who types needs no other right than to call it.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::deployed::Deployed;
use super::progress::Bar;
use super::{CliError, Exit, load_name, output, whoever_types};
use crate::event::Request;
use crate::load::LoadError;
use inventory_base::decision::Decision;
use inventory_base::load_id::LoadId;
use inventory_base::message::count;

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
    /// Only loads that have failed since this day or moment, such as 2026-11-01.
    #[arg(long, value_name = "DAY", value_parser = since)]
    since: Option<Timestamp>,
    #[command(flatten)]
    loader: Loader,
}

#[derive(Args)]
pub(super) struct Redrive {
    /// The load, by its name in the report; without one, all that failed.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    load: Option<LoadId>,
    /// Do it. Of all that failed, without this, it is only listed what would be loaded again, and in which order.
    #[arg(long)]
    yes: bool,
    /// Of all that failed, only what has failed since this day or moment, such as 2026-11-01.
    #[arg(long, value_name = "DAY", value_parser = since, conflicts_with = "load")]
    since: Option<Timestamp>,
    #[command(flatten)]
    speaker: Speaker,
    #[command(flatten)]
    loader: Loader,
}

/// A day begins where UTC begins it.
fn since(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
    moment.ok_or_else(|| "a day is written as 2026-11-01, and a moment as 2026-11-01T08:00:00Z".to_string())
}

impl Loader {
    /// Asks, and tells the answer in words or as it came.
    async fn ask(self, request: Request, say: impl FnOnce(&Json) -> String) -> Result<Exit, CliError> {
        let relay = self.deployed.relay().await.ok_or_else(|| {
            CliError::usage("Say which loader is meant, by its function: --function, or INVENTORY_FUNCTION.")
        })?;
        let answer = Bar::asking().during(relay.ask(&request)).await.map_err(LoadError::from)?;
        let answer = &answer["answers"][0];
        output::answer(&if self.json { answer.to_string() } else { say(answer) });
        // What could not be sent again is worth another try.
        let is_all = answer["redriven"]["left"].as_array().is_none_or(Vec::is_empty);
        Ok(if is_all { Exit::Good } else { Exit::Cloud })
    }
}

impl OneLoad {
    /// Somebody has read why the load is held, and says that it is right.
    pub async fn approve(self) -> Result<Exit, CliError> {
        let decision = Decision { load: self.load, by: whoever_types(self.speaker.by), at: Timestamp::now() };
        let (load, by) = (decision.load.clone(), decision.by.clone());
        let say = |answer: &Json| {
            let again = &answer["loaded-again"];
            let name = text(&again["load"]);
            let where_it_is = format!("Its report will be in loads/{name} of the reports bucket.");
            match text(&again["by"]) {
                first if first == by => {
                    format!("Load {load} will be loaded as {name}, with what held it approved by {by}. {where_it_is}")
                }
                first => format!(
                    "Load {load} was approved before, by {first} on {}: as load {name}. {where_it_is}",
                    text(&again["at"])
                ),
            }
        };
        self.loader.ask(Request::Approve(decision), say).await
    }

    pub async fn cancel(self) -> Result<Exit, CliError> {
        let decision = Decision { load: self.load, by: whoever_types(self.speaker.by), at: Timestamp::now() };
        let load = decision.load.clone();
        let say = |answer: &Json| match answer["cancelled"]["had_begun"].as_bool() {
            Some(true) => format!(
                "Load {load} stops after the rows it is writing now. Its report, in loads/{load} of the reports bucket, \
                 will say what is in and what is not."
            ),
            _ => format!("Load {load} had not begun and is cancelled. Nothing was changed."),
        };
        self.loader.ask(Request::Cancel(decision), say).await
    }
}

impl ListFailed {
    pub async fn run(self) -> Result<Exit, CliError> {
        self.loader.ask(Request::ListFailed { since: self.since }, say_failed).await
    }
}

impl Redrive {
    pub async fn run(self) -> Result<Exit, CliError> {
        let (by, at) = (whoever_types(self.speaker.by), Timestamp::now());
        match self.load {
            Some(load) => {
                let name = load.clone();
                let say = |answer: &Json| say_reloaded(&name, answer);
                self.loader.ask(Request::Redrive(Decision { load, by, at }), say).await
            }
            None if !self.yes => self.loader.ask(Request::ListFailed { since: self.since }, say_would_redrive).await,
            None => self.loader.ask(Request::RedriveAll { by, at, since: self.since }, say_redriven).await,
        }
    }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or("?")
}

/// The loads that failed, a few lines each, the oldest upload first.
fn list(failed: &Json) -> Vec<String> {
    let loads = failed["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let say = |load: &Json| {
        let [name, key, uploaded, ended, summary] =
            ["load", "key", "uploaded", "ended", "summary"].map(|part| text(&load[part]));
        format!("{name}  {key}\n    uploaded {uploaded}, failed {ended}\n    {summary}")
    };
    loads.iter().map(say).collect()
}

fn say_failed(answer: &Json) -> String {
    let failed = &answer["failed"];
    let mut lines = list(failed);
    lines.push(match lines.len() {
        0 => "No load has failed that was not reloaded.".to_string(),
        1 => "1 load failed. To reload it: inventory redrive".to_string(),
        n => format!("{} loads failed. To reload them: inventory redrive", count(n as u64)),
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

fn say_would_redrive(answer: &Json) -> String {
    let failed = &answer["failed"];
    let mut lines = list(failed);
    let loads = match lines.len() {
        0 => None,
        1 => Some("this load would be reloaded".to_string()),
        n => Some(format!("these {} loads would be reloaded, in this order", count(n as u64))),
    };
    let events = match failed["events"].as_u64() {
        None | Some(0) => None,
        Some(1) => Some("1 event of the failure queue would be sent again".to_string()),
        Some(n) => Some(format!("{} events of the failure queue would be sent again", count(n))),
    };
    let would: Vec<String> = loads.into_iter().chain(events).collect();
    if would.is_empty() {
        return "There is nothing to send again.".to_string();
    }
    let would = would.join(", and ");
    let (first, rest) = would.split_at(1);
    lines.push(format!(
        "{}{rest}. A file that is older than what has been loaded since is held, and not loaded over it. Nothing has been \
         done yet; to do it, say the same again with --yes.",
        first.to_uppercase()
    ));
    lines.join("\n")
}

fn say_reloaded(name: &LoadId, answer: &Json) -> String {
    if answer["retried"]["load"].is_string() {
        return format!("Load {name} was waiting for its next try, and is retried now.");
    }
    let again = text(&answer["loaded-again"]["load"]);
    format!("Load {name} will be loaded again as {again}. Its report will be in loads/{again} of the reports bucket.")
}

fn say_redriven(answer: &Json) -> String {
    let redriven = &answer["redriven"];
    let loads = redriven["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let events = redriven["events"].as_u64().unwrap_or_default();
    let left = redriven["left"].as_array().map(Vec::as_slice).unwrap_or_default();
    if loads.is_empty() && events == 0 && left.is_empty() {
        return "There was nothing to send again.".to_string();
    }
    let mut lines: Vec<String> = loads.iter().map(|load| format!("Sent again as load {}.", text(load))).collect();
    lines.extend(match events {
        0 => None,
        1 => Some("1 event was sent again from the failure queue.".to_string()),
        n => Some(format!("{} events were sent again from the failure queue.", count(n))),
    });
    lines.extend(left.iter().map(|left| match left["load"].as_str() {
        Some(load) => format!("Load {load} was not reloaded: {}", text(&left["reason"])),
        None => format!("The rest of the failure queue was not sent again: {}", text(&left["reason"])),
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_failed_is_listed_with_what_to_do() {
        let load = json!({ "load": "0123456789abcdef", "key": "uploads/q3.csv", "uploaded": "2026-10-03T07:00:00Z",
                           "ended": "2026-10-03T08:00:00Z", "summary": "Nothing was changed. The table is gone." });
        let listed = "0123456789abcdef  uploads/q3.csv\n    uploaded 2026-10-03T07:00:00Z, failed 2026-10-03T08:00:00Z\n    \
                      Nothing was changed. The table is gone.\n";
        let answer = json!({ "failed": { "loads": [load], "events": 2 } });
        assert_eq!(
            say_failed(&answer),
            format!(
                "{listed}1 load failed. To reload it: inventory redrive\n\
                 2 events rest in the failure queue; inventory redrive sends them again too."
            )
        );
        assert_eq!(
            say_would_redrive(&answer),
            format!(
                "{listed}This load would be reloaded, and 2 events of the failure queue would be sent again. A file that is \
                 older than what has been loaded since is held, and not loaded over it. Nothing has been done yet; to do \
                 it, say the same again with --yes."
            )
        );
        let none = json!({ "failed": { "loads": [], "events": 0 } });
        assert_eq!(say_failed(&none), "No load has failed that was not reloaded.");
        assert_eq!(say_would_redrive(&none), "There is nothing to send again.");
        let left = json!({ "redriven": { "loads": [], "events": 0, "left": [
            { "load": "0123456789abcdef", "reason": "The ledger does not answer." }, { "reason": "No queue." },
        ] } });
        assert_eq!(
            say_redriven(&left),
            "Load 0123456789abcdef was not reloaded: The ledger does not answer.\n\
             The rest of the failure queue was not sent again: No queue."
        );
        let redriven = json!({ "redriven": { "loads": ["0123456789abcdef.2"], "events": 1 } });
        let told = "Sent again as load 0123456789abcdef.2.\n1 event was sent again from the failure queue.";
        assert_eq!(say_redriven(&redriven), told);
        assert_eq!(
            say_redriven(&json!({ "redriven": { "loads": [], "events": 0 } })),
            "There was nothing to send again."
        );
    }

    #[test]
    fn a_load_is_reloaded_under_another_name_or_retried_under_its_own() {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let again = say_reloaded(&load, &json!({ "loaded-again": { "load": "0123456789abcdef.2" } }));
        assert!(again.contains("will be loaded again as 0123456789abcdef.2."), "{again}");
        let retried = say_reloaded(&load, &json!({ "retried": { "load": "0123456789abcdef" } }));
        assert_eq!(retried, "Load 0123456789abcdef was waiting for its next try, and is retried now.");
    }

    #[test]
    fn a_day_begins_in_utc_and_a_moment_is_itself() {
        assert_eq!(since("2026-11-01").unwrap(), since("2026-11-01T00:00:00Z").unwrap());
        assert_eq!(since("2026-11-01T01:00:00+01:00").unwrap(), since("2026-11-01").unwrap());
        assert!(since("November").is_err_and(|said| said.contains("2026-11-01")));
    }
}
