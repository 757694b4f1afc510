//! Sends decisions about loads to the deployed loader. It answers at once, and the caller needs no permission but to
//! invoke it.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use inventory_base::decision::Decision;
use inventory_base::load_id::LoadId;
use inventory_check::cli::{Bar, CliError, Exit, print_answer};

use super::args::{decision_maker, parse_load_id};
use super::deployed::Deployed;
use crate::event::Request;
use crate::load::LoadError;

/// Which loader to ask, and how to print its answer.
#[derive(Args)]
pub struct Loader {
    #[command(flatten)]
    pub deployed: Deployed,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Who makes the request.
#[derive(Args)]
pub struct Requester {
    /// Record this name as that of the person who asks for it; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// A request about one load.
#[derive(Args)]
pub struct OneLoad {
    /// The load, by its name in the report or the log.
    #[arg(value_name = "LOAD", value_parser = parse_load_id)]
    pub load: LoadId,
    #[command(flatten)]
    pub requester: Requester,
    #[command(flatten)]
    pub loader: Loader,
}

/// Parses a day, which begins in UTC, or a moment.
pub fn since(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
    moment.ok_or_else(|| "a day is written as 2026-11-01, and a moment as 2026-11-01T08:00:00Z".to_string())
}

impl Loader {
    /// Sends the request, and prints the answer in words or as JSON.
    pub async fn ask(self, request: Request, describe: impl FnOnce(&Json) -> String) -> Result<Exit, CliError> {
        let relay = self.deployed.relay().await.ok_or_else(|| {
            CliError::usage("Name the loader's function: --function, or INVENTORY_FUNCTION in the environment.")
        })?;
        let reply = Bar::asking().during(relay.ask(&request)).await.map_err(LoadError::from)?;
        let reply = &reply["answers"][0];
        print_answer(&if self.json { reply.to_string() } else { describe(reply) });
        // If something could not be reloaded, running the command again may help.
        let is_all = reply["redriven"]["left"].as_array().is_none_or(Vec::is_empty);
        Ok(if is_all { Exit::Good } else { Exit::Cloud })
    }
}

impl OneLoad {
    /// Returns the caller's decision about this load, made now.
    pub fn decide(&self) -> Decision {
        Decision { load: self.load.clone(), by: decision_maker(self.requester.by.clone()), at: Timestamp::now() }
    }
}

pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or("?")
}

/// Lists the loads that failed, in a few lines each, the oldest upload first.
pub fn list_failed(failed: &Json) -> Vec<String> {
    let loads = failed["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let describe = |load: &Json| {
        let [name, key, uploaded, ended, summary] =
            ["load", "key", "uploaded", "ended", "summary"].map(|part| text(&load[part]));
        format!("{name}  {key}\n    uploaded {uploaded}, failed {ended}\n    {summary}")
    };
    loads.iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_moment_is_taken_as_written() {
        assert_eq!(since("2026-11-01").unwrap(), since("2026-11-01T00:00:00Z").unwrap());
        assert_eq!(since("2026-11-01T01:00:00+01:00").unwrap(), since("2026-11-01").unwrap());
        assert!(since("November").is_err_and(|said| said.contains("2026-11-01")));
    }
}
