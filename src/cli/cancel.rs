//! `inventory cancel LOAD`: stops a load that is waiting or running.

use clap::Args;
use serde_json::Value as Json;

use inventory_check::cli::{CliError, Exit};

use super::args::ANSWER_CODES;
use super::asking::OneLoad;
use crate::event::Request;

#[cfg(test)]
pub const EXAMPLES: &[&str] = &["inventory cancel 0c3f1a2b4d5e6f70 --function inventory-loader"];

/// Stop a load that is waiting or running.
#[derive(Args)]
#[command(after_help = ANSWER_CODES)]
pub struct Cancel {
    #[command(flatten)]
    load: OneLoad,
}

impl Cancel {
    pub async fn run(self) -> Result<Exit, CliError> {
        let decision = self.load.decide();
        let load = decision.load.clone();
        let describe = |answer: &Json| match answer["cancelled"]["had_begun"].as_bool() {
            Some(true) => format!(
                "Load {load} stops after the rows it is writing now. Its report, in loads/{load} of the reports bucket, \
                 will list which rows were loaded and which were not."
            ),
            _ => format!("Load {load} had not begun and is cancelled. Nothing was changed."),
        };
        self.load.loader.ask(Request::Cancel(decision), describe).await
    }
}
