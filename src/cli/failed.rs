//! `inventory failed`: lists the loads that failed, and the events in the failure queue.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use inventory_base::message::count;
use inventory_check::cli::{CliError, Exit};

use super::args::ANSWER_CODES;
use super::asking::{Loader, list_failed, since};
use crate::event::Request;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory failed --function inventory-loader"];

/// List the loads that failed, and how many events are in the failure queue.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Failed {
    /// Only loads that have failed since this day or moment, such as 2026-11-01.
    #[arg(long, value_name = "DAY", value_parser = since)]
    since: Option<Timestamp>,
    #[command(flatten)]
    loader: Loader,
}

impl Failed {
    pub async fn run(self) -> Result<Exit, CliError> {
        self.loader.ask(Request::ListFailed { since: self.since }, describe_failed).await
    }
}

pub fn describe_failed(answer: &Json) -> String {
    let failed = &answer["failed"];
    let mut lines = list_failed(failed);
    lines.push(match lines.len() {
        0 => "No failed load is left to reload.".to_string(),
        1 => "1 load failed. To reload it: inventory redrive".to_string(),
        n => format!("{} loads failed. To reload them: inventory redrive", count(n as u64)),
    });
    lines.extend(match failed["events"].as_u64() {
        None | Some(0) => None,
        Some(1) => Some("1 event is in the failure queue; inventory redrive sends it again, too.".to_string()),
        Some(n) => {
            Some(format!("{} events are in the failure queue; inventory redrive sends them again, too.", count(n)))
        }
    });
    lines.join("\n")
}
