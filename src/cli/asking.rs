//! Asking the deployed loader to decide something about loads. It answers at once, and the caller needs no right but to
//! invoke it.

use clap::Args;
use jiff::Timestamp;
use serde_json::Value as Json;

use inventory_base::decision::Decision;
use inventory_base::load_id::LoadId;
use inventory_check::cli::{Bar, CliError, Exit, answer};

use super::args::{decided_by, load_name};
use super::deployed::Deployed;
use crate::event::Request;
use crate::load::LoadError;

/// Which loader is asked, and how it answers.
#[derive(Args)]
pub struct Loader {
    #[command(flatten)]
    pub deployed: Deployed,
    /// Print the answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Who asks.
#[derive(Args)]
pub struct Speaker {
    /// Who wants it, for the ledger; by default the user of this machine.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

/// What is said about one load.
#[derive(Args)]
pub struct OneLoad {
    /// The load, by its name in the report or the log.
    #[arg(value_name = "LOAD", value_parser = load_name)]
    pub load: LoadId,
    #[command(flatten)]
    pub speaker: Speaker,
    #[command(flatten)]
    pub loader: Loader,
}

/// A day begins where UTC begins it.
pub fn since(text: &str) -> Result<Timestamp, String> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let moment = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
    moment.ok_or_else(|| "a day is written as 2026-11-01, and a moment as 2026-11-01T08:00:00Z".to_string())
}

impl Loader {
    /// Asks, and tells the answer in words or as it came.
    pub async fn ask(self, request: Request, say: impl FnOnce(&Json) -> String) -> Result<Exit, CliError> {
        let relay = self.deployed.relay().await.ok_or_else(|| {
            CliError::usage("Say which loader is meant, by its function: --function, or INVENTORY_FUNCTION.")
        })?;
        let reply = Bar::asking().during(relay.ask(&request)).await.map_err(LoadError::from)?;
        let reply = &reply["answers"][0];
        answer(&if self.json { reply.to_string() } else { say(reply) });
        // What could not be sent again is worth another try.
        let is_all = reply["redriven"]["left"].as_array().is_none_or(Vec::is_empty);
        Ok(if is_all { Exit::Good } else { Exit::Cloud })
    }
}

impl OneLoad {
    /// The decision of the caller about this load, now.
    pub fn decide(&self) -> Decision {
        Decision { load: self.load.clone(), by: decided_by(self.speaker.by.clone()), at: Timestamp::now() }
    }
}

pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or("?")
}

/// The loads that failed, a few lines each, the oldest upload first.
pub fn list_failed(failed: &Json) -> Vec<String> {
    let loads = failed["loads"].as_array().map(Vec::as_slice).unwrap_or_default();
    let say = |load: &Json| {
        let [name, key, uploaded, ended, summary] =
            ["load", "key", "uploaded", "ended", "summary"].map(|part| text(&load[part]));
        format!("{name}  {key}\n    uploaded {uploaded}, failed {ended}\n    {summary}")
    };
    loads.iter().map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc_and_a_moment_is_itself() {
        assert_eq!(since("2026-11-01").unwrap(), since("2026-11-01T00:00:00Z").unwrap());
        assert_eq!(since("2026-11-01T01:00:00+01:00").unwrap(), since("2026-11-01").unwrap());
        assert!(since("November").is_err_and(|said| said.contains("2026-11-01")));
    }
}
