//! `inventory redrive [LOAD]`: reloads what failed or was cancelled.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use inventory_base::decision::Decision;
use inventory_base::load_id::LoadId;
use inventory_base::message::count;
use inventory_check::cli::{CliError, Exit};

use super::args::{ANSWER_CODES, decision_maker, parse_load_id};
use super::asking::{Loader, Requester, list_failed, since, text};
use crate::event::Request;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &[
    "inventory redrive 0c3f1a2b4d5e6f70 --function inventory-loader",
    "inventory redrive --function inventory-loader",
];

/// Reload what failed or was cancelled: one load, or all that failed.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Redrive {
    /// The load, by its name in the report; without one, all that failed.
    #[arg(value_name = "LOAD", value_parser = parse_load_id)]
    load: Option<LoadId>,
    /// Reload all that failed. Without this, the command only lists what would be reloaded, and in which order.
    #[arg(long)]
    yes: bool,
    /// Reload only loads that have failed since this day or moment, such as 2026-11-01.
    #[arg(long, value_name = "DAY", value_parser = since, conflicts_with = "load")]
    since: Option<Timestamp>,
    #[command(flatten)]
    requester: Requester,
    #[command(flatten)]
    loader: Loader,
}

impl Redrive {
    pub async fn run(self) -> Result<Exit, CliError> {
        let (by, at) = (decision_maker(self.requester.by), Timestamp::now());
        match self.load {
            Some(load) => {
                let name = load.clone();
                let describe = |answer: &Json| describe_reloaded(&name, answer);
                self.loader.ask(Request::Redrive(Decision { load, by, at }), describe).await
            }
            None if !self.yes => {
                self.loader.ask(Request::ListFailed { since: self.since }, describe_redrive_preview).await
            }
            None => self.loader.ask(Request::RedriveAll { by, at, since: self.since }, describe_redriven).await,
        }
    }
}

fn describe_redrive_preview(answer: &Json) -> String {
    let failed = &answer["failed"];
    let mut lines = list_failed(failed);
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
        return "There is nothing to reload.".to_string();
    }
    let would = would.join(", and ");
    let (first, rest) = would.split_at(1);
    lines.push(format!(
        "{}{rest}. A file older than what has been loaded since is held instead of overwriting it. Nothing has been \
         done yet; to do it, run the same command with --yes.",
        first.to_uppercase()
    ));
    lines.join("\n")
}

fn describe_reloaded(name: &LoadId, answer: &Json) -> String {
    if answer["retried"]["load"].is_string() {
        return format!("Load {name} was waiting for its next retry, and is retried now.");
    }
    let again = text(&answer["loaded-again"]["load"]);
    format!("Load {name} will be reloaded as {again}. Its report will be in loads/{again} of the reports bucket.")
}

fn describe_redriven(answer: &Json) -> String {
    let redriven = &answer["redriven"];
    let loads = redriven["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let events = redriven["events"].as_u64().unwrap_or_default();
    let left = redriven["left"].as_array().map(Vec::as_slice).unwrap_or_default();
    if loads.is_empty() && events == 0 && left.is_empty() {
        return "There was nothing to reload.".to_string();
    }
    let mut lines: Vec<String> = loads.iter().map(|load| format!("Reloaded as load {}.", text(load))).collect();
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
    use super::super::failed::describe_failed;
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
            describe_failed(&answer),
            format!(
                "{listed}1 load failed. To reload it: inventory redrive\n\
                 2 events are in the failure queue; inventory redrive sends them again, too."
            )
        );
        assert_eq!(
            describe_redrive_preview(&answer),
            format!(
                "{listed}This load would be reloaded, and 2 events of the failure queue would be sent again. A file \
                 older than what has been loaded since is held instead of overwriting it. Nothing has been done yet; \
                 to do it, run the same command with --yes."
            )
        );
        let none = json!({ "failed": { "loads": [], "events": 0 } });
        assert_eq!(describe_failed(&none), "No failed load is left to reload.");
        assert_eq!(describe_redrive_preview(&none), "There is nothing to reload.");
        let left = json!({ "redriven": { "loads": [], "events": 0, "left": [
            { "load": "0123456789abcdef", "reason": "The ledger does not answer." }, { "reason": "No queue." },
        ] } });
        assert_eq!(
            describe_redriven(&left),
            "Load 0123456789abcdef was not reloaded: The ledger does not answer.\n\
             The rest of the failure queue was not sent again: No queue."
        );
        let redriven = json!({ "redriven": { "loads": ["0123456789abcdef.2"], "events": 1 } });
        let told = "Reloaded as load 0123456789abcdef.2.\n1 event was sent again from the failure queue.";
        assert_eq!(describe_redriven(&redriven), told);
        assert_eq!(
            describe_redriven(&json!({ "redriven": { "loads": [], "events": 0 } })),
            "There was nothing to reload."
        );
    }

    #[test]
    fn a_load_is_reloaded_under_another_name_or_retried_under_its_own() {
        let load = LoadId::parse("0123456789abcdef").unwrap();
        let again = describe_reloaded(&load, &json!({ "loaded-again": { "load": "0123456789abcdef.2" } }));
        assert!(again.contains("will be reloaded as 0123456789abcdef.2."), "{again}");
        let retried = describe_reloaded(&load, &json!({ "retried": { "load": "0123456789abcdef" } }));
        assert_eq!(retried, "Load 0123456789abcdef was waiting for its next retry, and is retried now.");
    }
}
