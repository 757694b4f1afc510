//! `inventory approve LOAD`: approves a load that a gate has held.

use clap::Args;
use serde_json::Value as Json;

use inventory_check::cli::{CliError, Exit};

use super::args::ANSWER_CODES;
use super::asking::{OneLoad, text};
use crate::event::Request;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory approve 0c3f1a2b4d5e6f70 --function inventory-loader --by Erika"];

/// Approve a load that is held, so that it is loaded.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Approve {
    #[command(flatten)]
    load: OneLoad,
}

impl Approve {
    pub async fn run(self) -> Result<Exit, CliError> {
        let decision = self.load.decide();
        let (load, by) = (decision.load.clone(), decision.by.clone());
        let describe = |answer: &Json| {
            let again = &answer["loaded-again"];
            let name = text(&again["load"]);
            let where_it_is = format!("Its report will be in loads/{name} of the reports bucket.");
            match text(&again["by"]) {
                first if first == by => {
                    format!("Load {load} is approved by {by} and will be loaded as {name}. {where_it_is}")
                }
                first => format!(
                    "Load {load} was already approved by {first} on {}, as load {name}. {where_it_is}",
                    text(&again["at"])
                ),
            }
        };
        self.load.loader.ask(Request::Approve(decision), describe).await
    }
}
